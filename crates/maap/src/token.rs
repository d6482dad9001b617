//! `POST …/accessToken`: a chatbot shows its credentials and is given a token (maap-api §2.2).
//!
//! A new token kills the old one. Only its hash is kept. The first one sets off the check of the webhook.

use std::time::Duration;

use chatbot_api::ctcu::token::{TOKEN_SECONDS, TOKENS_PER_DAY};
use message_centre::Work;
use message_centre::secret::{is_secret, sha256};
use rcs::Timestamp;
use rcs::address::Address;
use store::{AccessToken, Chatbot};

use crate::{Maap, Out, Reason, Refusal, Task, dialect};

impl Maap {
    pub(crate) fn decide_token(
        &mut self,
        address: &Address,
        app_id: &str,
        app_key: &str,
        work: &mut Work<'_>,
        out: &mut Out,
    ) -> Result<String, Refusal> {
        let known = work.view.chatbot(address).filter(|chatbot| {
            // Both are compared whatever the first comparison says.
            is_secret(app_key, &chatbot.app_key_sha256) & (app_id == chatbot.app_id)
        });
        let mut chatbot = known.cloned().ok_or_else(|| Refusal::of(Reason::WrongKey))?;
        let (clock, now) = (&self.config.local_time, work.now);
        let today = clock.day(now);
        let given = match chatbot.tokens_given {
            (day, given) if day == today => given,
            _ => 0,
        };
        if given >= TOKENS_PER_DAY {
            // To the next whole second: that is what Retry-After can say.
            let wait_s = clock.next_day(now).since(now).as_millis().div_ceil(1000) as u64;
            return Err(Refusal::until(Reason::CallLimit, Duration::from_secs(wait_s)));
        }
        let token = self.random.secret();
        chatbot.tokens_given = (today, given + 1);
        chatbot.token = Some(AccessToken {
            sha256: sha256(&token),
            expires_at: work.now.plus(Duration::from_secs(TOKEN_SECONDS.into())),
        });
        if !is_checked(&chatbot) {
            out.next.push(Task::Check(address.clone()));
        }
        work.view.put_chatbot(chatbot);
        Ok(token)
    }
}

/// Whether the chatbot may send as far as its webhook is concerned: it has passed the check, or there is nothing to check.
pub(crate) fn is_checked(chatbot: &Chatbot) -> bool {
    chatbot.callback_checked || chatbot.webhook.is_none() || !dialect::has_check(chatbot)
}

/// The chatbot, if `token` is the one in force.
///
/// The HTTP edge asks this over the row as it is on disk, so that callers without a token cost the centre nothing: a token is
/// on disk before its chatbot knows it.
///
/// # Errors
/// [`Reason::NoCredential`] without a token, [`Reason::WrongCredential`] with a wrong one or for no chatbot,
/// [`Reason::LapsedCredential`] with one that has lapsed.
pub fn authorise<'c>(
    chatbot: Option<&'c Chatbot>,
    token: Option<&str>,
    now: Timestamp,
) -> Result<&'c Chatbot, Refusal> {
    let token = token.ok_or_else(|| Refusal::of(Reason::NoCredential))?;
    let wrong = || Refusal::of(Reason::WrongCredential);
    let chatbot = chatbot.ok_or_else(wrong)?;
    let in_force = chatbot.token.as_ref().ok_or_else(wrong)?;
    if !is_secret(token, &in_force.sha256) {
        return Err(wrong());
    }
    if in_force.expires_at <= now {
        return Err(Refusal::of(Reason::LapsedCredential));
    }
    Ok(chatbot)
}
