//! `[consent]`: what users are protected from, and by what words they say so.

use std::num::NonZeroU32;

use maap::consent::{self, QuietHours, word};
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Longest answer to a change of mind, in characters.
const ANSWER_CHARS_MAX: usize = 500;

/// `[consent]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Consent {
    /// Words that opt out of a chatbot's messages.
    pub stop_words: Vec<String>,
    /// Words that opt in again.
    pub start_words: Vec<String>,
    /// What a user who opts out is told; empty: nothing.
    pub stop_answer: String,
    /// What a user who opts in is told; empty: nothing.
    pub start_answer: String,
    /// Whether users who opted out are sent nothing of the chatbot at all.
    pub stop_all: bool,
    /// Traffic types that are promotional; `""` for messages that do not say.
    pub promotional: Vec<String>,
    /// Promotional messages a day from one chatbot to one user; 0: any number.
    pub promotions_per_day: u32,
    /// When promotional messages begin to wait, `22:00`; empty: never.
    pub quiet_from: String,
    /// When they are handed over, `08:00`.
    pub quiet_until: String,
}

impl Default for Consent {
    fn default() -> Self {
        let consent = consent::Config::default();
        Self {
            stop_words: consent.stop_words,
            start_words: consent.start_words,
            stop_answer: consent.stop_answer,
            start_answer: consent.start_answer,
            stop_all: consent.stops_all,
            promotional: consent.promotional,
            promotions_per_day: 0,
            quiet_from: String::new(),
            quiet_until: String::new(),
        }
    }
}

impl Consent {
    /// What the chatbot platform holds messages to. What [`Consent::validate`] refuses is left out.
    pub(super) fn rules(&self) -> consent::Config {
        let words = |list: &[String]| list.iter().filter_map(|text| word(text)).collect();
        consent::Config {
            stop_words: words(&self.stop_words),
            start_words: words(&self.start_words),
            stop_answer: self.stop_answer.clone(),
            start_answer: self.start_answer.clone(),
            promotional: self.promotional.clone(),
            stops_all: self.stop_all,
            promotions_per_day: NonZeroU32::new(self.promotions_per_day).map(NonZeroU32::get),
            quiet_hours: self.quiet_hours().unwrap_or_default(),
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        for (key, words) in [("stop_words", &self.stop_words), ("start_words", &self.start_words)] {
            if let Some(bad) = words.iter().find(|text| word(text).is_none()) {
                return Err(ConfigError(format!("consent.{key}: {bad:?} is no word of up to 32 characters")));
            }
        }
        for (key, text) in [("stop_answer", &self.stop_answer), ("start_answer", &self.start_answer)] {
            if text.chars().count() > ANSWER_CHARS_MAX {
                return Err(ConfigError(format!("consent.{key}: at most {ANSWER_CHARS_MAX} characters")));
            }
        }
        self.quiet_hours().map(drop)
    }

    fn quiet_hours(&self) -> Result<Option<QuietHours>, ConfigError> {
        if self.quiet_from.is_empty() && self.quiet_until.is_empty() {
            return Ok(None);
        }
        let (from, until) =
            (minute("quiet_from", &self.quiet_from)?, minute("quiet_until", &self.quiet_until)?);
        match from == until {
            true => Err(ConfigError("consent.quiet_until: the same as quiet_from".to_owned())),
            false => Ok(Some(QuietHours { from, until })),
        }
    }
}

/// Minutes since midnight of `08:30`.
fn minute(key: &str, text: &str) -> Result<u16, ConfigError> {
    let two = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let read = text.split_once(':').and_then(|(hours, minutes)| Some((two(hours)?, two(minutes)?)));
    match read {
        Some((hours @ 0..24, minutes @ 0..60)) => Ok(hours * 60 + minutes),
        _ => Err(ConfigError(format!("consent.{key}: {text:?} is no time of day such as 22:00"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_read_or_refused() {
        let quiet = |from: &str, until: &str| {
            let (quiet_from, quiet_until) = (from.to_owned(), until.to_owned());
            Consent { quiet_from, quiet_until, ..Consent::default() }.quiet_hours()
        };
        assert_eq!(quiet("", ""), Ok(None));
        assert_eq!(quiet("22:00", "08:30"), Ok(Some(QuietHours { from: 22 * 60, until: 8 * 60 + 30 })));
        for (from, until) in
            [("22:00", ""), ("24:00", "08:00"), ("22:60", "08:00"), ("9:00", "10:00"), ("08:00", "08:00")]
        {
            assert!(quiet(from, until).is_err(), "{from} {until}");
        }
    }

    #[test]
    fn words_that_no_message_can_be_are_refused() {
        let consent = Consent { stop_words: vec!["!!".to_owned()], ..Consent::default() };
        assert!(consent.validate().is_err());
        assert_eq!(Consent::default().validate(), Ok(()));
        let shouting = Consent { stop_words: vec!["ＳＴＯＰ".to_owned()], ..Consent::default() };
        assert_eq!(shouting.rules().stop_words, ["stop"]);
    }
}
