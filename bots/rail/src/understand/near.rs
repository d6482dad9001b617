//! Near misses: places that are spelt or sound almost like what was written.

use pinyin::ToPinyin;

use super::is_han;
use super::places::Gazetteer;
use crate::timetable::{Place, Timetable};

/// How many are worth offering.
const NEAR_MAX: usize = 4;

/// Places whose names are close to `word`, closest first; none if nothing is.
///
/// Chinese words are compared by sound, for people type pinyin and pick the wrong characters; words that
/// share a character or two with a name count as well.
pub fn places(word: &str, timetable: &Timetable, gazetteer: &Gazetteer) -> Vec<Place> {
    let sound = if word.chars().any(is_han) { pinyin(word) } else { word.to_lowercase() };
    let sound: String = sound.chars().filter(char::is_ascii_alphabetic).collect();
    let mut scored: Vec<(usize, usize, &Place)> = gazetteer
        .names()
        .filter_map(|(name, place)| {
            let (distance, allowed) = if name.chars().all(is_han) {
                // At least half of the characters must agree.
                (2 * edits(word, name), word.chars().count().max(name.chars().count()))
            } else {
                (edits(&sound, name), 1 + sound.len() / 5)
            };
            (distance <= allowed && distance < sound.len().max(2)).then_some((distance, name.len(), place))
        })
        .collect();
    scored.sort_by(|one, other| (one.0, one.1, &one.2.0).cmp(&(other.0, other.1, &other.2.0)));
    let mut near: Vec<Place> = Vec::new();
    for (_, _, place) in scored {
        // A city stands for its stations.
        let place = timetable.city_of(place).unwrap_or_else(|| place.clone());
        if !near.contains(&place) {
            near.push(place);
        }
    }
    near.truncate(NEAR_MAX);
    near
}

/// The sound of Chinese characters without tones; other characters are left out.
pub fn pinyin(text: &str) -> String {
    text.to_pinyin().flatten().map(|syllable| syllable.plain()).collect()
}

/// Levenshtein distance in characters, a swap of neighbours counting as one.
fn edits(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=other.len()).collect();
    for i in 1..=one.len() {
        for j in 1..=other.len() {
            let changed = usize::from(one[i - 1] != other[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::edits;

    #[test]
    fn edits_count_inserted_changed_and_swapped_characters() {
        assert_eq!(edits("beijing", "beijing"), 0);
        assert_eq!(edits("beijin", "beijing"), 1);
        assert_eq!(edits("shagnhai", "shanghai"), 1);
        assert_eq!(edits("北京", "南京"), 1);
        assert_eq!(edits("", "abc"), 3);
    }
}
