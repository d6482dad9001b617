//! Users whom a chatbot knows by tokens (maap-api §5.4): where an operator has it so, a chatbot is never told a number. Each user
//! is 128 random bits to it, `sip:TOKEN@DOMAIN`, the same in all that it hears, and it sends to that. A user who answers its
//! `disableAnonymization` is known by number from then on; one whose token is taken back is somebody new to it.

use chatbot_api::{Body, Content};
use message_centre::{Centre, Heard, Work};
use rcs::address::{Address, AddressKind};
use rcs::bot::{Action, ActionKind, BotMessage, Suggestion};
use rcs::ids;
use store::{Alias, Chatbot, Rules, Token};

use crate::consent::contact_of;
use crate::told::Told;
use crate::{Call, Config, Maap, dialect};

/// The token that an address is, if it is one.
pub fn token_of(address: &Address) -> Option<Token> {
    Token::parse(address.user()).filter(|_| address.kind() == AddressKind::Other)
}

/// Puts users where a call of a chatbot's names them by tokens that it knows. For the edge, over the rows as they are on disk;
/// what it gives for a token is whom the token stands for. A token of nobody's is left, and is no user.
///
/// # Errors
/// Those of `alias`.
pub fn resolve<E>(
    call: &mut Call,
    mut alias: impl FnMut(Token) -> Result<Option<Alias>, E>,
) -> Result<(), E> {
    let (chatbot, users) = users_of(call);
    for address in users {
        if let Some(token) = token_of(address)
            && let Some(found) = alias(token)?.filter(|found| Some(&found.chatbot) == chatbot.as_ref())
        {
            *address = found.user;
        }
    }
    Ok(())
}

/// Whether any user of a call is named by a token.
pub fn names_tokens(call: &mut Call) -> bool {
    users_of(call).1.iter().any(|address| token_of(address).is_some())
}

/// The chatbot that calls, and the users whom it names.
fn users_of(call: &mut Call) -> (Option<Address>, &mut [Address]) {
    let (chatbot, users) = match call {
        Call::Send { chatbot, message } => (chatbot, message.to.as_mut_slice()),
        Call::Revoke { chatbot, to, .. } => (chatbot, to.as_mut_slice()),
        Call::SendText { from, to, .. } => (from, std::slice::from_mut(to)),
        Call::Composing { chatbot, to, .. } => (chatbot, std::slice::from_mut(to)),
        Call::Read { chatbot, user, .. }
        | Call::Capabilities { chatbot, user, .. }
        | Call::Invite { chatbot, user }
        | Call::SetTester { chatbot, user, .. } => (chatbot, std::slice::from_mut(user)),
        _ => return (None, &mut []),
    };
    (Some(chatbot.clone()), users)
}

/// Whether a chatbot knows users by tokens.
pub(crate) fn is_anonymous(rules: &Rules, config: &Config) -> bool {
    rules.anonymous.unwrap_or(config.anonymous)
}

impl Maap {
    /// Puts the user's token where the number would be, if the chatbot is not to know it.
    pub(crate) fn disguise(&mut self, chatbot: &Chatbot, told: &mut Told, work: &mut Work<'_>) {
        let (user, conversation_id) = match told {
            Told::Message(message) => (&mut message.from, Some(&mut message.conversation_id)),
            Told::Status(status) => (&mut status.user, None),
            Told::Capabilities(capabilities) => (&mut capabilities.user, None),
            Told::Consent(consent) => (&mut consent.user, None),
            // Of no user, or of one who wants to be known.
            Told::Notice(_) | Told::Revealed { .. } => return,
        };
        let known_as = self.known_as(&chatbot.address, user, work);
        if let Some(conversation_id) = conversation_id
            && *conversation_id == ids::conversation_between(user, &chatbot.address)
        {
            // What follows from the number would give it away: there are not many numbers to try.
            *conversation_id = ids::conversation_between(&known_as, &chatbot.address);
        }
        *user = known_as;
    }

    /// What a chatbot knows a user by: the number, or a token. A user who has none yet is given one, in this commit.
    pub(crate) fn known_as(&mut self, chatbot: &Address, user: &Address, work: &mut Work<'_>) -> Address {
        let mut contact = contact_of(chatbot, user, work);
        let knows_tokens = is_anonymous(&work.view.rules(chatbot), &self.config);
        if contact.may_know_number(knows_tokens) || user.kind() != AddressKind::Subscriber {
            return user.clone();
        }
        let token = contact.token.unwrap_or_else(|| Token::new(self.random.id()));
        if contact.token.is_none() {
            contact.token = Some(token);
            work.view.put_contact(contact);
        }
        self.address_of(token)
    }

    fn address_of(&self, token: Token) -> Address {
        let text = format!("sip:{token}@{}", self.config.numbering.domain);
        text.parse().expect("hexadecimal digits in our domain are an address")
    }

    /// Remembers with which suggestion a chatbot asks a user for the number.
    pub(crate) fn note_question(&self, chatbot: &Address, user: &Address, asked: &str, work: &mut Work<'_>) {
        let mut contact = contact_of(chatbot, user, work);
        let knows_tokens = is_anonymous(&work.view.rules(chatbot), &self.config);
        if !contact.may_know_number(knows_tokens) && contact.asked.as_deref() != Some(asked) {
            contact.asked = Some(asked.to_owned());
            work.view.put_contact(contact);
        }
    }

    /// A user has tapped a suggestion: if it is the one that asks for the number, the chatbot may know it.
    pub(crate) fn reveal_if_asked(
        &mut self,
        heard: &Heard,
        answer: &str,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) {
        let contact = contact_of(&heard.chatbot, &heard.user, work);
        if contact.asked.as_deref() == Some(answer) {
            tracing::info!(chatbot = %heard.chatbot, "a user lets the chatbot know the number");
            let has_words = work
                .view
                .chatbot(&heard.chatbot)
                .is_some_and(|chatbot| dialect::tells_alias(chatbot.dialect));
            if let Some(token) = contact.token.filter(|_| has_words)
                && !centre.tell_revealed(&heard.chatbot, &heard.user, &token.to_string(), work)
            {
                tracing::warn!(chatbot = %heard.chatbot, "its mailbox is full: it is not told who a token is");
            }
            let mut contact = contact;
            contact.reveal(true);
            work.view.put_contact(contact);
        }
    }
}

/// The postback of a suggestion that asks for the user's number, if `content` has one.
pub(crate) fn question(content: &Content) -> Option<&str> {
    let cards = match &content.body {
        Body::Card(BotMessage::Card(card)) => std::slice::from_ref(&card.content),
        Body::Card(BotMessage::Carousel(carousel)) => carousel.content.as_slice(),
        _ => &[],
    };
    let mut all = cards.iter().flat_map(|card| &card.suggestions).chain(&content.chips);
    all.find_map(|suggestion| match suggestion {
        Suggestion::Action(Action { kind: ActionKind::DisableAnonymization { .. }, postback, .. }) => {
            postback.as_ref().map(|postback| postback.data.as_str())
        }
        _ => None,
    })
}
