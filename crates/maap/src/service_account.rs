//! Service accounts of chatbots: the keys that they prove themselves with, and the users who have agreed to test them.
//!
//! An invitation is a message from the chatbot with two chips; a tap on one of them ends here and not at the webhook. An
//! administrator may answer for the user.

use chatbot_api::{Body, Content, Incoming, Outgoing};
use message_centre::submit::{Fetched, Submitted};
use message_centre::{Centre, Work};
use rcs::address::{Address, AddressKind};
use rcs::bot::Suggestion;
use store::service_account::{INVITATIONS_MAX, KEYS_MAX};
use store::{Dialect, Invitation, PublicKey, ServiceAccount, Wants};

use crate::call::Answer;
use crate::standing::note_tester;
use crate::told::Told;
use crate::{Maap, Reason, Refusal};

/// Invitations that a chatbot may send in a day (maap-api §7).
const INVITATIONS_PER_DAY: u32 = 20;

/// Postback data of the chips of an invitation.
const ACCEPT: &str = "hongyan.tester.accept";
const DECLINE: &str = "hongyan.tester.decline";

const DAY_S: u64 = 24 * 60 * 60;

impl Maap {
    /// The rows of the calls about keys and testers, but for [`Maap::decide_invite`].
    pub(crate) fn account_wants(chatbot: &Address, wants: &mut Wants) {
        wants.chatbot(chatbot);
        wants.service_account(chatbot);
    }

    /// A chatbot gets a further key.
    pub(crate) fn decide_add_key(
        &mut self,
        chatbot: &Address,
        key: PublicKey,
        work: &mut Work<'_>,
    ) -> Answer {
        let Some(dialect) = work.view.chatbot(chatbot).map(|chatbot| chatbot.dialect) else {
            return Answer::NotFound;
        };
        if dialect != Dialect::Rbm {
            return Answer::Invalid("the chatbot's API knows no keys; its appKey is its secret".to_owned());
        }
        let mut account = account(chatbot, work);
        if account.keys.len() >= KEYS_MAX {
            return Answer::Invalid(format!("the chatbot has {KEYS_MAX} keys; remove one first"));
        }
        account.keys.push(key);
        work.view.put_service_account(account);
        Answer::Done
    }

    /// A key is good no more, and neither are the tokens that were given for it.
    pub(crate) fn decide_remove_key(&mut self, chatbot: &Address, key: &str, work: &mut Work<'_>) -> Answer {
        let mut account = account(chatbot, work);
        let before = account.keys.len();
        account.keys.retain(|known| known.id != key);
        if account.keys.len() == before {
            return Answer::NotFound;
        }
        work.view.put_service_account(account);
        Answer::Done
    }

    /// The rows of [`Maap::decide_invite`].
    pub(crate) fn invite_wants(chatbot: &Address, user: &Address, wants: &mut Wants) {
        Self::account_wants(chatbot, wants);
        Self::text_wants(chatbot, user, wants);
    }

    /// A chatbot asks a user to test it. Who has answered before is not asked again.
    pub(crate) fn decide_invite(
        &mut self,
        address: &Address,
        user: &Address,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Result<Option<bool>, Refusal> {
        let chatbot = self.may_act(work.view.chatbot(address))?.clone();
        let mut account = account(address, work);
        if let Some(Invitation { accepted: Some(accepted), .. }) = account.invitation(user) {
            return Ok(Some(*accepted));
        }
        let today = u32::try_from(work.now.as_seconds() / DAY_S).unwrap_or(u32::MAX);
        let invited = match account.invited {
            (day, invited) if day == today => invited,
            _ => 0,
        };
        let is_known = account.invitation(user).is_some();
        if invited >= INVITATIONS_PER_DAY || (!is_known && account.invitations.len() >= INVITATIONS_MAX) {
            let most =
                format!("more than {INVITATIONS_PER_DAY} invitations a day or {INVITATIONS_MAX} in all");
            return Err(Refusal::with(Reason::CallLimit, most));
        }
        let content = invitation(&chatbot.profile.name);
        let message = Outgoing { content, ..self.text_message(address, user, "") };
        match self.submit_silently(address, user, &message, centre, work) {
            Submitted::Accepted | Submitted::Duplicate => {}
            Submitted::NoSuchUser => return Err(Refusal::of(Reason::NoSuchUser)),
            Submitted::MailboxFull => return Err(Refusal::of(Reason::MailboxFull)),
            Submitted::Blocked => return Err(Refusal::of(Reason::Blocked)),
        }
        account.invited = (today, invited + 1);
        account.invitations.retain(|known| known.user != *user);
        account.invitations.push(Invitation { user: user.clone(), accepted: None, at: work.now });
        work.view.put_service_account(account);
        Ok(None)
    }

    /// An administrator answers for a user: yes, no, or (`None`) takes the user off the list.
    pub(crate) fn decide_set_tester(
        &mut self,
        chatbot: &Address,
        user: &Address,
        accepted: Option<bool>,
        work: &mut Work<'_>,
    ) -> Answer {
        if work.view.chatbot(chatbot).is_none() || user.kind() != AddressKind::Subscriber {
            return Answer::NotFound;
        }
        let mut account = account(chatbot, work);
        let before = account.invitations.len();
        account.invitations.retain(|known| known.user != *user);
        if accepted.is_some() {
            if account.invitations.len() >= INVITATIONS_MAX {
                return Answer::Invalid(format!("the chatbot has {INVITATIONS_MAX} testers"));
            }
            account.invitations.push(Invitation { user: user.clone(), accepted, at: work.now });
        } else if account.invitations.len() == before {
            return Answer::NotFound;
        }
        note_tester(chatbot, user, accepted == Some(true), work);
        work.view.put_service_account(account);
        Answer::Done
    }

    /// The rows of [`Maap::decide_invited`].
    pub(crate) fn invited_wants(fetched: &Fetched, centre: &Centre, wants: &mut Wants) {
        Self::account_wants(&fetched.key.0, wants);
        centre.fetched_wants(fetched, wants);
    }

    /// A user has tapped a chip of an invitation; the entry that says so leaves the mailbox in the same commit.
    pub(crate) fn decide_invited(&mut self, fetched: &Fetched, centre: &mut Centre, work: &mut Work<'_>) {
        let Some(entry) = work.view.entry(&fetched.key) else { return };
        let told = Told::of(entry);
        if let Ok(Told::Message(message)) = told
            && let Some(accepted) = answer_of(&message.incoming)
        {
            let mut account = account(&message.to, work);
            let found = account.invitations.iter_mut().find(|known| known.user == message.from);
            if let Some(invitation) = found {
                (invitation.accepted, invitation.at) = (Some(accepted), work.now);
                work.view.put_service_account(account);
                note_tester(&message.to, &message.from, accepted, work);
            }
        }
        centre.taken_by_chatbot(fetched, true, work);
    }
}

/// Whether something said to a chatbot of `dialect` is the answer to an invitation, and so not for its webhook.
pub(crate) fn is_answer(dialect: Dialect, told: &Told) -> bool {
    let Told::Message(message) = told else { return false };
    dialect == Dialect::Rbm && answer_of(&message.incoming).is_some()
}

fn answer_of(incoming: &Incoming) -> Option<bool> {
    let Incoming::Response(response) = incoming else { return None };
    match response.postback.as_ref()?.data.as_str() {
        ACCEPT => Some(true),
        DECLINE => Some(false),
        _ => None,
    }
}

fn account(chatbot: &Address, work: &Work<'_>) -> ServiceAccount {
    let found = work.view.service_account(chatbot).cloned();
    found.unwrap_or_else(|| ServiceAccount::new(chatbot.clone()))
}

fn invitation(name: &str) -> Content {
    let text = format!(
        "{name}: 你愿意测试这个还没有上线的聊天机器人吗？ Would you test this chatbot before it is launched?"
    );
    Content {
        body: Body::Text(text),
        chips: vec![Suggestion::reply("愿意 Yes", ACCEPT), Suggestion::reply("不愿意 No", DECLINE)],
    }
}
