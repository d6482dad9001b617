//! What protects users from messages that they do not want: opting out by a word, caps on promotional messages, quiet hours.
//!
//! [`Maap::decide_heard`] listens to what users say to chatbots, in the commit that takes their message; the chatbot hears it
//! all the same. [`Maap::admits`] is asked for each addressee of each message, whatever dialect or campaign it comes from, and
//! reads one row.

use message_centre::submit::Submitted;
use message_centre::{Centre, Heard, Work};
use rcs::Timestamp;
use rcs::address::Address;
use rcs::bot::{BOT_SUGGESTION_RESPONSE, Document as _, SuggestionResponse};
use rcs::content_type;
use rcs::cpim::{self, Cpim};
use rcs::local_time::LocalTime;
use store::{Consent, ConsentBy, Contact, Rules, Wants, Window};

use crate::manage::next_open;
use crate::{Maap, dialect};

/// Longest text that may be a word: characters.
const WORD_CHARS_MAX: usize = 32;

/// What users are protected from, and by what words.
#[derive(Debug, Clone)]
pub struct Config {
    /// Words that opt out, as [`word`] gives them.
    pub stop_words: Vec<String>,
    /// Words that opt in again.
    pub start_words: Vec<String>,
    /// What a user who opts out is told in the chatbot's name; empty for nothing.
    pub stop_answer: String,
    /// What a user who opts in is told.
    pub start_answer: String,
    /// Traffic types that are promotional, in lower case; an empty text stands for messages that do not say.
    pub promotional: Vec<String>,
    /// Whether users who have opted out are sent nothing at all; otherwise nothing promotional.
    pub stops_all: bool,
    /// Promotional messages a day from one chatbot to one user; `None` for as many as may be.
    pub promotions_per_day: Option<u32>,
    /// When promotional messages wait.
    pub quiet_hours: Option<QuietHours>,
}

/// Hours of the day, by what the operator's clocks show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// First minute of the day that is quiet.
    pub from: u16,
    /// First minute that is not; before `from` when the night is in between.
    pub until: u16,
}

impl Default for Config {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Self {
            stop_words: words(&["td", "t", "stop", "退订"]),
            start_words: words(&["start", "订阅"]),
            stop_answer: "您已退订,不会再收到推广消息。回复 START 恢复。You have opted out; reply START to opt in again."
                .to_owned(),
            start_answer: "您已恢复订阅。You have opted in again.".to_owned(),
            promotional: words(&["advertisement", "promotion"]),
            stops_all: false,
            promotions_per_day: None,
            quiet_hours: None,
        }
    }
}

impl QuietHours {
    /// When the first moment from `now` on comes that is not quiet.
    fn end(self, clock: &LocalTime, now: Timestamp) -> Timestamp {
        const DAILY: u8 = 0x7f;
        let window =
            |from_min, to_min| Window { days: if from_min < to_min { DAILY } else { 0 }, from_min, to_min };
        let others = match self.from <= self.until {
            true => [window(0, self.from), window(self.until, 1_440)],
            false => [window(self.until, self.from), window(0, 0)],
        };
        next_open(&others, clock, now).unwrap_or(now)
    }
}

/// What becomes of a message to one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It goes to the user.
    Now,
    /// It goes to the user, and not before this.
    Later(Timestamp),
    /// It does not; why, in a few words for the trace.
    Never(String),
}

/// What a user may want of the platform.
enum Wish {
    /// Messages, or none.
    Consent { word: String, is_given: bool },
    /// Something was tapped; the postback.
    Tap(String),
}

/// The one word that a text is, as words are compared: lower case, without full-width letters, spaces and punctuation around
/// it. `None` for longer texts and empty ones.
pub fn word(text: &str) -> Option<String> {
    let text = text.trim();
    if text.chars().take(WORD_CHARS_MAX + 1).count() > WORD_CHARS_MAX {
        return None;
    }
    let plain = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    };
    let text: String = text.chars().map(plain).flat_map(char::to_lowercase).collect();
    let word = text.trim_matches(|c: char| !c.is_alphanumeric());
    (!word.is_empty()).then(|| word.to_owned())
}

impl Maap {
    /// Whether a message of this traffic type is promotional.
    pub(crate) fn is_promotional(&self, traffic: Option<&str>) -> bool {
        let traffic = traffic.unwrap_or_default();
        self.config.consent.promotional.iter().any(|known| known.eq_ignore_ascii_case(traffic))
    }

    /// What becomes of a message to a user; `contact` is what the chatbot and the user are to each other.
    pub(crate) fn admits(
        &self,
        contact: Option<&Contact>,
        rules: &Rules,
        is_promotional: bool,
        now: Timestamp,
    ) -> Admission {
        let (config, clock) = (&self.config.consent, &self.config.local_time);
        if (is_promotional || config.stops_all) && contact.is_some_and(Contact::has_opted_out) {
            return Admission::Never("the user has opted out".to_owned());
        }
        if !is_promotional {
            return Admission::Now;
        }
        let at = config.quiet_hours.map_or(now, |hours| hours.end(clock, now));
        if let Some(most) = rules.promotions_per_day.or(config.promotions_per_day) {
            // What waits for the morning counts for the day on which it is read.
            let day = clock.day(at);
            let sent = contact.map_or(0, |contact| promotions_on(contact, day));
            if sent >= most {
                return Admission::Never(format!("the user has had {most} promotional messages for the day"));
            }
        }
        if at > now { Admission::Later(at) } else { Admission::Now }
    }

    /// Counts a promotional message that was accepted for a user, to be handed over at `at`. Only if there is a cap.
    pub(crate) fn count_promotion(
        &self,
        chatbot: &Address,
        user: &Address,
        at: Timestamp,
        work: &mut Work<'_>,
    ) {
        let rules = work.view.rules(chatbot);
        if rules.promotions_per_day.or(self.config.consent.promotions_per_day).is_none() {
            return;
        }
        let mut contact = contact_of(chatbot, user, work);
        let day = self.config.local_time.day(at);
        contact.promotions = (day, promotions_on(&contact, day) + 1);
        work.view.put_contact(contact);
    }

    /// The rows of [`Maap::decide_heard`].
    pub(crate) fn heard_wants(&self, heard: &Heard, centre: &Centre, wants: &mut Wants) {
        let wish = self.wish_of(heard);
        if wish.is_some() {
            wants.contact(&heard.chatbot, &heard.user);
        }
        if let Some(Wish::Tap(_)) = wish {
            wants.chatbot(&heard.chatbot);
            wants.head(&heard.chatbot);
        }
        if let Some(Wish::Consent { .. }) = wish {
            wants.chatbot(&heard.chatbot);
            centre.submit_wants(&heard.chatbot, &heard.user, "", wants);
        }
    }

    /// What a user says to a chatbot may be a wish about its messages: it is noted, and the user told so, once.
    pub(crate) fn decide_heard(&mut self, heard: &Heard, centre: &mut Centre, work: &mut Work<'_>) {
        match self.wish_of(heard) {
            Some(Wish::Consent { word, is_given }) => self.decide_wish(heard, word, is_given, centre, work),
            Some(Wish::Tap(answer)) => self.reveal_if_asked(heard, &answer, centre, work),
            None => {}
        }
    }

    fn decide_wish(
        &mut self,
        heard: &Heard,
        word: String,
        is_given: bool,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) {
        let mut contact = contact_of(&heard.chatbot, &heard.user, work);
        let is_known = contact.consent.last().is_some_and(|last| last.is_given == is_given);
        let Some(dialect) = work.view.chatbot(&heard.chatbot).map(|chatbot| chatbot.dialect) else { return };
        if is_known {
            return;
        }
        if dialect::tells_consent(dialect)
            && !centre.tell_consent(&heard.chatbot, &heard.user, is_given, work)
        {
            tracing::warn!(chatbot = %heard.chatbot, "a change of mind could not be told");
        }
        contact.note(Consent { is_given, at: work.now, word, by: ConsentBy::User });
        work.view.put_contact(contact);
        let config = &self.config.consent;
        let answer = if is_given { &config.start_answer } else { &config.stop_answer }.clone();
        if answer.is_empty() || work.view.account(&heard.user).is_none() {
            return;
        }
        let message = self.text_message(&heard.chatbot, &heard.user, &answer);
        if self.submit_silently(&heard.chatbot, &heard.user, &message, centre, work) != Submitted::Accepted {
            tracing::debug!(chatbot = %heard.chatbot, "a change of mind could not be confirmed");
        }
    }

    /// What a user may want of the platform by what was said.
    fn wish_of(&self, heard: &Heard) -> Option<Wish> {
        let payload = match content_type::is(&heard.content_type, cpim::CONTENT_TYPE) {
            true => Cpim::parse(heard.body.clone()).ok()?.decoded_payload().ok()?,
            false => heard.body.clone(),
        };
        if heard.payload_type == BOT_SUGGESTION_RESPONSE {
            let response = SuggestionResponse::parse(&payload).ok()?;
            return response.postback.map(|postback| Wish::Tap(postback.data));
        }
        let text = std::str::from_utf8(&payload).ok()?;
        let said = word(text)?;
        let has = |words: &[String]| words.contains(&said);
        let config = &self.config.consent;
        let is_given = match (has(&config.stop_words), has(&config.start_words)) {
            (true, _) => false,
            (_, true) => true,
            _ => return None,
        };
        Some(Wish::Consent { word: text.trim().to_owned(), is_given })
    }
}

/// What a chatbot and a user are to each other, known or not.
pub(crate) fn contact_of(chatbot: &Address, user: &Address, work: &Work<'_>) -> Contact {
    let key = (chatbot.clone(), user.clone());
    work.view.contact(&key).cloned().unwrap_or_else(|| Contact::new(key.0, key.1))
}

fn promotions_on(contact: &Contact, day: u32) -> u32 {
    let (known, count) = contact.promotions;
    if known == day { count } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_recognised_however_it_is_written() {
        for text in ["TD", " td ", "Td.", "ＴＤ", "td!\n", "【TD】"] {
            assert_eq!(word(text).as_deref(), Some("td"), "{text}");
        }
        assert_eq!(word("退订。").as_deref(), Some("退订"));
        assert_eq!(word("please stop").as_deref(), Some("please stop"), "no word of the list");
        for text in ["", "  ", "!!", &"t".repeat(33)] {
            assert_eq!(word(text), None, "{text}");
        }
    }

    #[test]
    fn quiet_hours_end_when_the_clocks_say_so() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let clock: LocalTime = "Europe/Berlin".parse().unwrap();
        let night = QuietHours { from: 22 * 60, until: 8 * 60 };
        let noon = QuietHours { from: 12 * 60, until: 14 * 60 };
        let small_hours = QuietHours { from: 60, until: 150 };
        for (hours, now, expected) in [
            (night, "2026-07-01T19:59:59Z", "2026-07-01T19:59:59Z"),
            (night, "2026-07-01T20:00:00Z", "2026-07-02T06:00:00Z"),
            (night, "2026-07-02T05:59:59Z", "2026-07-02T06:00:00Z"),
            (night, "2026-07-02T06:00:00Z", "2026-07-02T06:00:00Z"),
            // A night is an hour shorter in spring, and longer in autumn.
            (night, "2026-03-28T21:00:00Z", "2026-03-29T06:00:00Z"),
            (night, "2026-10-24T20:00:00Z", "2026-10-25T07:00:00Z"),
            (noon, "2026-07-01T10:00:00Z", "2026-07-01T12:00:00Z"),
            (noon, "2026-07-01T12:00:00Z", "2026-07-01T12:00:00Z"),
            // 02:30 is left out: the clocks show 03:00 after 02:00. When it comes twice, so do the hours before it.
            (small_hours, "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"),
            (small_hours, "2026-10-25T00:45:00Z", "2026-10-25T00:45:00Z"),
            (small_hours, "2026-10-25T01:15:00Z", "2026-10-25T01:30:00Z"),
        ] {
            assert_eq!(hours.end(&clock, at(now)), at(expected), "{hours:?} {now}");
        }
    }
}
