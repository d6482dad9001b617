//! `POST …/accessToken`: a chatbot shows its credentials and is given a token (maap-api §2.2).
//!
//! A new token kills the old one. Only its hash is kept. The first one sets off the check of the webhook.

use std::time::Duration;

use chatbot_api::ctcu::token::{TOKEN_SECONDS, TOKENS_PER_DAY};
use chatbot_api::ctcu::{Refusal, ReturnCode, TokenAnswer, TokenRequest};
use message_centre::Work;
use message_centre::secret::{is_secret, sha256};
use rcs::Timestamp;
use rcs::address::Address;
use store::{AccessToken, Chatbot};

use crate::{Maap, Out, Task};

const DAY_S: u64 = 24 * 60 * 60;

impl Maap {
    pub(crate) fn decide_token(
        &mut self,
        address: &Address,
        body: &[u8],
        work: &mut Work<'_>,
        out: &mut Out,
    ) -> Result<TokenAnswer, Refusal> {
        let request = TokenRequest::parse(body)?;
        let Some(mut chatbot) = work.view.chatbot(address).cloned() else {
            return Err(Refusal::of(ReturnCode::WrongAppKey));
        };
        let is_known = is_secret(&request.app_key, &chatbot.app_key_sha256);
        if !is_known || request.app_id != chatbot.app_id {
            return Err(Refusal::of(ReturnCode::WrongAppKey));
        }
        let today = u32::try_from(work.now.as_seconds() / DAY_S).unwrap_or(u32::MAX);
        let given = match chatbot.tokens_given {
            (day, given) if day == today => given,
            _ => 0,
        };
        if given >= TOKENS_PER_DAY {
            return Err(Refusal::of(ReturnCode::CallLimit));
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
        Ok(TokenAnswer::new(token, self.config.public_url.clone()))
    }
}

/// Whether the chatbot may send as far as its webhook is concerned: it has passed the check, or there is none to check.
pub(crate) fn is_checked(chatbot: &Chatbot) -> bool {
    chatbot.callback_checked || chatbot.webhook.is_none()
}

/// The chatbot, if `token` is the one in force.
///
/// Decisions ask this themselves. An HTTP edge may ask it before, over the row as it is on disk, so that callers without a
/// token cost the centre nothing: a token is on disk before its chatbot knows it.
///
/// # Errors
/// 41001 without a token, 40014 with a wrong one or for no chatbot, 42001 with one that has lapsed.
pub fn authorise<'c>(
    chatbot: Option<&'c Chatbot>,
    token: Option<&str>,
    now: Timestamp,
) -> Result<&'c Chatbot, Refusal> {
    let token = token.ok_or_else(|| Refusal::of(ReturnCode::TokenMissing))?;
    let wrong = || Refusal::of(ReturnCode::BadAccessToken);
    let chatbot = chatbot.ok_or_else(wrong)?;
    let in_force = chatbot.token.as_ref().ok_or_else(wrong)?;
    if !is_secret(token, &in_force.sha256) {
        return Err(wrong());
    }
    if in_force.expires_at <= now {
        return Err(Refusal::of(ReturnCode::TokenExpired));
    }
    Ok(chatbot)
}
