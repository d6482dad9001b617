//! Compares what came with what is expected, and says where they differ.

use std::collections::BTreeMap;

use rcs::bot::{CardContent, Suggestion};
use regex::Regex;

use super::heard::{Body, Heard, url_of};
use super::script::{Card, Expectation, File, Matcher};
use crate::cli::handset::shown::plain;

/// The values of variables.
pub type Variables = BTreeMap<String, String>;

/// Where a message differs from what is expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What is compared, such as `card title`.
    pub what: String,
    /// How it ought to be.
    pub expected: String,
    /// How it is.
    pub came: String,
}

impl Difference {
    /// As a diff: what, how it ought to be, how it is.
    pub fn lines(&self) -> Vec<String> {
        let came = plain(&self.came);
        vec![format!("  {}", self.what), format!("  - {}", self.expected), format!("  + {came}")]
    }
}

/// A text of the script with the values of variables in place of `${name}`.
///
/// # Errors
/// A variable that has no value; what is said names it.
pub fn filled(text: &str, variables: &Variables) -> Result<String, String> {
    filled_with(text, variables, str::to_owned)
}

fn filled_with(text: &str, variables: &Variables, write: impl Fn(&str) -> String) -> Result<String, String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some(begins) = rest.find("${") {
        let (before, variable) = rest.split_at(begins);
        whole.push_str(before);
        let (name, after) = variable[2..]
            .split_once('}')
            .ok_or_else(|| format!("{text:?}: ${{ without }}; variables are written ${{name}}"))?;
        let value = variables.get(name).ok_or_else(|| {
            let known: Vec<&str> = variables.keys().map(String::as_str).collect();
            format!("the variable {name} has no value yet; there are {}", known.join(", "))
        })?;
        whole.push_str(&write(value));
        rest = after;
    }
    whole.push_str(rest);
    Ok(whole)
}

/// Says what is wrong with a regular expression whose variables have no values yet.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    let mut rest = pattern;
    let mut named = Variables::new();
    while let Some((_, variable)) = rest.split_once("${") {
        let (name, after) = variable.split_once('}').unwrap_or_default();
        named.insert(name.to_owned(), "0".to_owned());
        rest = after;
    }
    regex(pattern, &named).map(drop)
}

/// A regular expression of the script; the values of variables in it stand for themselves.
pub fn regex(pattern: &str, variables: &Variables) -> Result<Regex, String> {
    let pattern = filled_with(pattern, variables, regex::escape)?;
    Regex::new(&pattern).map_err(|error| {
        let why = error.to_string();
        format!("{pattern:?} is no regular expression: {}", why.lines().last().unwrap_or_default().trim())
    })
}

impl Matcher {
    /// Whether a text is as it ought to be.
    pub fn is_met(&self, text: &str, variables: &Variables) -> Result<bool, String> {
        let is = |wanted: &Option<String>, test: fn(&str, &str) -> bool| match wanted {
            Some(wanted) => filled(wanted, variables).map(|wanted| test(text, &wanted)),
            None => Ok(true),
        };
        let has = |wanted: &String| filled(wanted, variables).map(|wanted| text.contains(&wanted));
        let mut met = is(&self.equals, |text, wanted| text == wanted)?
            && is(&self.starts, |text, wanted| text.starts_with(wanted))?;
        for wanted in &self.contains {
            met &= has(wanted)?;
        }
        for unwanted in &self.lacks {
            met &= !has(unwanted)?;
        }
        if let Some(pattern) = &self.matches {
            met &= regex(pattern, variables)?.is_match(text);
        }
        Ok(met)
    }

    /// What it asks for, in words.
    pub fn describe(&self, variables: &Variables) -> String {
        let quoted =
            |text: &String| format!("{:?}", filled(text, variables).unwrap_or_else(|_| text.clone()));
        let mut said = Vec::new();
        said.extend(self.equals.iter().map(&quoted));
        said.extend(self.starts.iter().map(|text| format!("begins with {}", quoted(text))));
        said.extend(self.contains.iter().map(|text| format!("contains {}", quoted(text))));
        said.extend(self.lacks.iter().map(|text| format!("lacks {}", quoted(text))));
        said.extend(self.matches.iter().map(|pattern| format!("matches /{pattern}/")));
        match said.is_empty() {
            true => "anything".to_owned(),
            false => said.join(" and "),
        }
    }
}

impl Expectation {
    /// Where a message differs from it; empty when it is what is expected.
    pub fn differences(&self, heard: &Heard, variables: &Variables) -> Result<Vec<Difference>, String> {
        let mut comparison = Comparison { variables, differences: Vec::new() };
        comparison.text("words", self.says.as_ref(), &heard.words)?;
        if let Some(text) = &self.text {
            match &heard.body {
                Body::Text(said) => comparison.text("text", Some(text), said)?,
                _ => comparison.kind("a text", heard),
            }
        }
        if let Some(card) = &self.card {
            match heard.cards() {
                [one] => comparison.card("card", card, one)?,
                _ => comparison.kind("a card", heard),
            }
        }
        if let Some(carousel) = &self.carousel {
            let cards = heard.cards();
            let (least, most) = (carousel.least.unwrap_or(2), carousel.most.unwrap_or(usize::MAX));
            if !(least..=most).contains(&cards.len()) {
                let most = if most == usize::MAX { String::new() } else { format!(" and at most {most}") };
                comparison.kind(&format!("a carousel of at least {least}{most} cards"), heard);
            } else if let Some(card) = &carousel.card {
                comparison.any_card(card, cards)?;
            }
        }
        if let Some(file) = &self.file {
            match &heard.body {
                Body::File(came) => {
                    comparison.text(
                        "file name",
                        file.name.as_ref(),
                        came.name.as_deref().unwrap_or_default(),
                    )?;
                    comparison.text("file type", file.media_type.as_ref(), &came.content_type)?;
                }
                _ => comparison.kind("a file", heard),
            }
        }
        if let Some(label) = &self.location {
            match &heard.body {
                Body::Place(place) => {
                    comparison.text("place", Some(label), place.label.as_deref().unwrap_or_default())?
                }
                _ => comparison.kind("a place", heard),
            }
        }
        comparison.labels("chips", self.chips.as_deref().unwrap_or_default(), &heard.chips)?;
        if let Some(has_chips) = self.has_chips
            && has_chips == heard.chips.is_empty()
        {
            let expected = if has_chips { "some" } else { "none" };
            comparison.add("chips", expected.to_owned(), labels(&heard.chips));
        }
        for (name, pattern) in self.capture.iter().flatten() {
            if captured(pattern, &heard.words, variables)?.is_none() {
                comparison.add(
                    &format!("words for {name}"),
                    format!("matches /{pattern}/"),
                    format!("{:?}", heard.words),
                );
            }
        }
        for (name, label) in self.capture_url.iter().flatten() {
            if url_labelled(label, heard, variables)?.is_none() {
                let came: Vec<Suggestion> =
                    heard.suggestions().filter(|one| url_of(one).is_some()).cloned().collect();
                comparison.add(&format!("link for {name}"), label.describe(variables), labels(&came));
            }
        }
        Ok(comparison.differences)
    }

    /// What it asks for, in words.
    pub fn describe(&self, variables: &Variables) -> String {
        let mut said = Vec::new();
        let mut text = |what: &str, matcher: &Option<Matcher>| {
            said.extend(matcher.iter().map(|matcher| format!("{what}: {}", matcher.describe(variables))));
        };
        text("words", &self.says);
        text("text", &self.text);
        if let Some(card) = &self.card {
            text("card title", &card.title);
            text("card description", &card.description);
        }
        text("place", &self.location);
        if let Some(file) = &self.file {
            text("file name", &file.name);
            text("file type", &file.media_type);
        }
        said.extend(self.card.iter().filter(|card| card.title.is_none()).map(|_| "a card".to_owned()));
        said.extend(self.carousel.iter().map(|carousel| {
            match carousel.card.as_ref().and_then(|card| card.title.as_ref()) {
                Some(title) => format!("a carousel with a card title: {}", title.describe(variables)),
                None => "a carousel".to_owned(),
            }
        }));
        said.extend(self.file.iter().filter(|file| **file == File::default()).map(|_| "a file".to_owned()));
        for chip in self.chips.iter().flatten() {
            said.push(format!("chip: {}", chip.describe(variables)));
        }
        said.extend(self.has_chips.map(|has| if has { "chips" } else { "no chips" }.to_owned()));
        said.extend(
            self.capture
                .iter()
                .flatten()
                .map(|(name, pattern)| format!("words for {name}: matches /{pattern}/")),
        );
        for (name, label) in self.capture_url.iter().flatten() {
            said.push(format!("link for {name}: {}", label.describe(variables)));
        }
        match said.is_empty() {
            true => "any message".to_owned(),
            false => said.join(", "),
        }
    }

    /// The variables that a message gives which is as expected.
    pub fn captures(&self, heard: &Heard, variables: &Variables) -> Result<Variables, String> {
        let mut captures = Variables::new();
        for (name, pattern) in self.capture.iter().flatten() {
            captures.extend(captured(pattern, &heard.words, variables)?.map(|value| (name.clone(), value)));
        }
        for (name, label) in self.capture_url.iter().flatten() {
            captures.extend(url_labelled(label, heard, variables)?.map(|value| (name.clone(), value)));
        }
        Ok(captures)
    }
}

/// The first group of a pattern in a text, or all that it matches; `None` when it does not match.
pub fn captured(pattern: &str, text: &str, variables: &Variables) -> Result<Option<String>, String> {
    let found = regex(pattern, variables)?;
    let captures = found.captures(text);
    Ok(captures
        .and_then(|captures| captures.get(1).or_else(|| captures.get(0)))
        .map(|found| found.as_str().to_owned()))
}

fn url_labelled(label: &Matcher, heard: &Heard, variables: &Variables) -> Result<Option<String>, String> {
    for suggestion in heard.suggestions() {
        if let Some(url) = url_of(suggestion)
            && label.is_met(suggestion.display_text(), variables)?
        {
            return Ok(Some(url.to_owned()));
        }
    }
    Ok(None)
}

/// What stands on suggestions, or `none`.
pub fn labels<'s>(suggestions: impl IntoIterator<Item = &'s Suggestion>) -> String {
    let labels: Vec<String> =
        suggestions.into_iter().map(|one| format!("{:?}", plain(one.display_text()))).collect();
    if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }
}

struct Comparison<'a> {
    variables: &'a Variables,
    differences: Vec<Difference>,
}

impl Comparison<'_> {
    fn add(&mut self, what: &str, expected: String, came: String) {
        self.differences.push(Difference { what: what.to_owned(), expected, came });
    }

    fn kind(&mut self, expected: &str, heard: &Heard) {
        self.add("message", expected.to_owned(), heard.kind());
    }

    fn text(&mut self, what: &str, expected: Option<&Matcher>, came: &str) -> Result<(), String> {
        if let Some(matcher) = expected
            && !matcher.is_met(came, self.variables)?
        {
            self.add(what, matcher.describe(self.variables), format!("{came:?}"));
        }
        Ok(())
    }

    fn card(&mut self, what: &str, expected: &Card, came: &CardContent) -> Result<(), String> {
        let media = came.media.as_ref().map_or("", |media| media.media_url.as_str());
        self.text(
            &format!("{what} title"),
            expected.title.as_ref(),
            came.title.as_deref().unwrap_or_default(),
        )?;
        self.text(
            &format!("{what} description"),
            expected.description.as_ref(),
            came.description.as_deref().unwrap_or_default(),
        )?;
        self.text(&format!("{what} media"), expected.media.as_ref(), media)?;
        self.labels(
            &format!("{what} buttons"),
            expected.buttons.as_deref().unwrap_or_default(),
            &came.suggestions,
        )
    }

    /// One of the cards is as expected; otherwise the one that comes nearest is told.
    fn any_card(&mut self, expected: &Card, cards: &[CardContent]) -> Result<(), String> {
        let mut nearest: Option<Vec<Difference>> = None;
        for (index, card) in cards.iter().enumerate() {
            let mut comparison = Comparison { variables: self.variables, differences: Vec::new() };
            comparison.card(&format!("card {}", index + 1), expected, card)?;
            if nearest.as_ref().is_none_or(|nearest| comparison.differences.len() < nearest.len()) {
                nearest = Some(comparison.differences);
            }
        }
        self.differences.extend(nearest.into_iter().flatten());
        Ok(())
    }

    fn labels(&mut self, what: &str, expected: &[Matcher], came: &[Suggestion]) -> Result<(), String> {
        for matcher in expected {
            let mut found = false;
            for suggestion in came {
                found |= matcher.is_met(suggestion.display_text(), self.variables)?;
            }
            if !found {
                self.add(what, matcher.describe(self.variables), labels(came));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        [("city".to_owned(), "上海 (虹桥)".to_owned())].into()
    }

    #[test]
    fn variables_are_filled_in_and_stand_for_themselves_in_patterns() {
        assert_eq!(filled("到${city}的票", &variables()).as_deref(), Ok("到上海 (虹桥)的票"));
        assert!(filled("${day}", &variables()).unwrap_err().contains("day has no value yet; there are city"));
        assert!(filled("${day", &variables()).unwrap_err().contains("without }"));
        assert_eq!(captured("到${city}(\\d+)", "到上海 (虹桥)12张", &variables()), Ok(Some("12".to_owned())));
        assert_eq!(captured("\\d{3}", "G103", &variables()), Ok(Some("103".to_owned())));
        assert!(regex("(", &variables()).unwrap_err().contains("no regular expression"));
    }

    #[test]
    fn everything_that_a_matcher_says_must_be_so() {
        let matcher = Matcher {
            starts: Some("到".to_owned()),
            contains: vec!["${city}".to_owned()],
            lacks: vec!["北京".to_owned()],
            matches: Some("票$".to_owned()),
            ..Matcher::default()
        };
        assert_eq!(matcher.is_met("到上海 (虹桥)的票", &variables()), Ok(true));
        for text in ["上海 (虹桥)的票", "到天津的票", "到上海 (虹桥)北京的票", "到上海 (虹桥)"]
        {
            assert_eq!(matcher.is_met(text, &variables()), Ok(false), "{text}");
        }
        assert_eq!(
            matcher.describe(&variables()),
            "begins with \"到\" and contains \"上海 (虹桥)\" and lacks \"北京\" and matches /票$/"
        );
    }
}
