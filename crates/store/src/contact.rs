//! Contacts: what a chatbot and a user are to each other beyond their messages: whether the user wants its messages, how many
//! promotional ones came today, and under which token the chatbot knows the user. One row, since whoever sends needs all of it.
//!
//! Key: the chatbot's address, a zero byte, the user's. Tokens are found by `aliases` (key: the token's 32 hexadecimal digits),
//! kept in step by [`crate::View`].

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::mailbox;
use crate::row::{Family, Row};

/// The most changes of mind that are kept; the first and the latest stay.
const CHANGES_MAX: usize = 16;

/// Whose contact: the chatbot, the user.
pub type ContactKey = (Address, Address);

/// A chatbot and a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The chatbot.
    pub chatbot: Address,
    /// The subscriber.
    pub user: Address,
    /// What the user has said about wanting messages, oldest first; the last one holds.
    pub consent: Vec<Consent>,
    /// A day (days since the epoch, local time) and how many promotional messages were accepted on it.
    pub promotions: (u32, u32),
    /// What the chatbot knows the user by, when it isn't told numbers.
    pub token: Option<Token>,
    /// Whether the user lets the chatbot know the number all the same.
    pub is_revealed: bool,
    /// The postback of the suggestion by which the chatbot asks for the number; a user who answers it reveals it.
    pub asked: Option<String>,
    /// Whether the user hides the number from the chatbot, which would otherwise know it.
    pub is_hidden: bool,
}

/// A change of mind, or an operator's on behalf of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Whether messages are wanted from now on.
    pub is_given: bool,
    /// When it was said.
    pub at: Timestamp,
    /// The word that said it, as the user wrote it; for operators what they gave as the reason.
    pub word: String,
    /// Where it was said.
    pub by: ConsentBy,
}

/// Who recorded a change of mind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConsentBy {
    /// The user: in a message to the chatbot, or by the handset's settings.
    User,
    /// An administrator.
    #[default]
    Operator,
}

/// 128 random bits that stand for a user towards one chatbot; tells nothing about the number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Token([u8; 16]);

impl Token {
    /// Of bytes that nobody can guess.
    pub fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// Reads what [`Display`](std::fmt::Display) writes: 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_token = text.len() == 32 && text.bytes().all(is_digit);
        let token = u128::from_str_radix(text, 16).ok().filter(|_| is_token)?;
        Some(Self(token.to_be_bytes()))
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Contact {
    /// Two who have nothing to do with each other yet.
    pub fn new(chatbot: Address, user: Address) -> Self {
        let (consent, promotions) = (Vec::new(), (0, 0));
        let (token, asked) = (None, None);
        Self { chatbot, user, consent, promotions, token, is_revealed: false, asked, is_hidden: false }
    }

    /// The key of this contact's row.
    pub fn key(&self) -> ContactKey {
        (self.chatbot.clone(), self.user.clone())
    }

    /// Whether the chatbot may know the user's number: as the user has said, or else unless it is one that knows users by tokens.
    pub fn may_know_number(&self, knows_tokens: bool) -> bool {
        self.is_revealed || !(self.is_hidden || knows_tokens)
    }

    /// Notes that the user lets the chatbot know the number, or does so no more.
    pub fn reveal(&mut self, is_revealed: bool) {
        self.is_revealed = is_revealed;
        if is_revealed {
            (self.is_hidden, self.asked) = (false, None);
        }
    }

    /// Notes that the user hides the number from the chatbot.
    pub fn hide(&mut self) {
        (self.is_hidden, self.is_revealed) = (true, false);
    }

    /// Whether the user has said that no messages are wanted, and not changed their mind since.
    pub fn has_opted_out(&self) -> bool {
        self.consent.last().is_some_and(|last| !last.is_given)
    }

    /// Notes a change of mind. Past the ceiling the oldest but the first gives way.
    pub fn note(&mut self, consent: Consent) {
        if self.consent.len() >= CHANGES_MAX {
            self.consent.remove(1);
        }
        self.consent.push(consent);
    }
}

impl Row for Contact {
    type Key = ContactKey;
    const FAMILY: Family = Family::Contacts;
    const VERSION: u8 = 2;

    fn key_bytes((chatbot, user): &ContactKey) -> Vec<u8> {
        let mut key = mailbox::prefix(chatbot);
        key.extend_from_slice(user.as_str().as_bytes());
        key
    }

    fn upgrade(version: u8, row: &mut Vec<u8>) -> bool {
        // Nobody hid before.
        if version == 1 {
            row.push(0);
        }
        version == 1
    }
}

/// Whom a token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The chatbot that knows it.
    pub chatbot: Address,
    /// The subscriber.
    pub user: Address,
}

impl Row for Alias {
    type Key = Token;
    const FAMILY: Family = Family::Aliases;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Token) -> Vec<u8> {
        key.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{decode, encode};

    #[test]
    fn a_token_is_read_as_it_is_written_and_nothing_else_is() {
        let token = Token::new([7; 16]);
        assert_eq!(token.to_string(), "07".repeat(16));
        assert_eq!(Token::parse(&token.to_string()), Some(token));
        for text in ["", "07", &"0A".repeat(16), &"+7".repeat(16), &"07".repeat(17), "geo"] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }

    #[test]
    fn nobody_hides_in_rows_of_the_first_version() {
        let of = |number: &str| Address::subscriber(number).unwrap();
        let contact = Contact::new("sip:1@botplatform.a.example".parse().unwrap(), of("+8613800000001"));
        let now = encode(&contact);
        let mut first = now[..now.len() - 1].to_vec();
        first[0] = 1;
        assert_eq!(decode::<Contact>(&first).unwrap(), contact);
        assert_eq!(decode::<Contact>(&now).unwrap(), contact);
    }

    #[test]
    fn a_user_is_known_by_number_unless_the_user_or_the_operator_wants_otherwise() {
        let of = |number: &str| Address::subscriber(number).unwrap();
        let mut contact = Contact::new("sip:1@botplatform.a.example".parse().unwrap(), of("+8613800000001"));
        assert!(contact.may_know_number(false) && !contact.may_know_number(true));
        contact.hide();
        assert!(!contact.may_know_number(false) && !contact.may_know_number(true));
        contact.reveal(true);
        assert!(contact.may_know_number(false) && contact.may_know_number(true));
    }

    #[test]
    fn the_last_word_holds_and_the_first_is_kept() {
        let of = |number: &str| Address::subscriber(number).unwrap();
        let mut contact = Contact::new("sip:1@botplatform.a.example".parse().unwrap(), of("+8613800000001"));
        assert!(!contact.has_opted_out());
        for n in 0..100 {
            let (word, by) = (format!("{n}"), ConsentBy::User);
            contact.note(Consent { is_given: n % 2 == 1, at: Timestamp::from_seconds(n), word, by });
            assert_eq!(contact.has_opted_out(), n % 2 == 0);
        }
        let words: Vec<&str> = contact.consent.iter().map(|one| one.word.as_str()).collect();
        assert_eq!((words.len(), words[0], words[15]), (16, "0", "99"));
    }
}
