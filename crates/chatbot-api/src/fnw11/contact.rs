//! How users are named: by their number, or by an opaque id where the chatbot must not know the number.

use rcs::{
    Address,
    address::Numbering,
    bot::{
        reader::{Faults, Members},
        rule,
    },
};
use serde_json::{Value, json};

use crate::read;

/// `messageContact`: one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// `userContact`: a subscriber.
    User(Address),
    /// `chatId`: whoever we called so before.
    Chat(String),
}

impl Contact {
    /// Reads `messageContact`; the number counts if both are there.
    pub fn read(mut contact: Members, numbering: &Numbering, faults: &mut Faults) -> Option<Self> {
        let (user, chat) = (contact.string("userContact", faults), contact.string("chatId", faults));
        let found = Self::of(user.as_deref(), chat.as_deref(), numbering);
        found.map_err(|(member, rule, detail)| faults.add(contact.at(member), rule, detail)).ok()
    }

    /// The contact that the query of `contactCapabilities` names, or what is wrong with it, for a `reason`.
    pub fn of_query(user: Option<&str>, chat: Option<&str>, numbering: &Numbering) -> Result<Self, String> {
        // A `+` that was not percent-encoded has become a blank on its way.
        let user = user.map(|user| match user.strip_prefix(' ') {
            Some(digits) => format!("+{digits}"),
            None => user.to_owned(),
        });
        let found = Self::of(user.as_deref(), chat, numbering);
        found.map_err(|(member, _, detail)| format!("{member}: {detail}"))
    }

    fn of(
        user: Option<&str>,
        chat: Option<&str>,
        numbering: &Numbering,
    ) -> Result<Self, (&'static str, &'static str, &'static str)> {
        match (user.filter(|user| !user.is_empty()), chat.filter(|chat| !chat.is_empty())) {
            (Some(user), _) => read::user(user, numbering).map(Self::User).ok_or((
                "userContact",
                rule::TYPE,
                "no phone number",
            )),
            (None, Some(chat)) => match read::check_id("chatId", chat) {
                None => Ok(Self::Chat(chat.to_owned())),
                Some(_) => Err(("chatId", rule::TYPE, "none that we gave")),
            },
            (None, None) => Err(("userContact", rule::REQUIRED, "missing, and no chatId either")),
        }
    }

    /// The contact of a user as the chatbot knows them: by number, or by the text of an address that hides it.
    pub fn of_address(user: &Address) -> Self {
        match user.e164() {
            Some(_) => Self::User(user.clone()),
            None => Self::Chat(user.user().to_owned()),
        }
    }

    /// `messageContact` as we write it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::User(user) => json!({"userContact": user.e164().unwrap_or(user.as_str())}),
            Self::Chat(chat) => json!({"chatId": chat}),
        }
    }
}
