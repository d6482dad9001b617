//! `POST …/revoke`: a chatbot takes a message back (maap-api §2.7). The centre sees to it; what came of it is pushed for each
//! user.

use chatbot_api::ctcu::{Refusal, ReturnCode, RevokeAnswer, RevokeRequest};
use message_centre::revoke::Revocation;
use message_centre::{Task, Work};
use rcs::address::Address;
use store::ChatbotStatus;

use crate::rate::Allowance;
use crate::{Maap, token};

impl Maap {
    pub(crate) fn decide_revoke(
        &mut self,
        address: &Address,
        token: Option<&str>,
        body: &[u8],
        work: &mut Work<'_>,
    ) -> Result<RevokeAnswer, Refusal> {
        let chatbot = token::authorise(work.view.chatbot(address), token, work.now)?;
        if chatbot.status == ChatbotStatus::Paused {
            return Err(Refusal::with(ReturnCode::NotAuthorised, "the chatbot is paused"));
        }
        let request = RevokeRequest::parse(body, &self.config.numbering)?;
        let per_second = self.config.sends_per_second;
        let full = || Allowance::full(per_second, work.now);
        let allowance = self.allowances.entry(address.clone()).or_insert_with(full);
        if !allowance.take(request.to.len(), per_second, work.now) {
            return Err(Refusal::of(ReturnCode::SecondLimit));
        }
        for to in &request.to {
            let revocation = Revocation::new(request.message_id.clone(), address.clone(), to.clone());
            work.then.push(Task::Revoke(Box::new(revocation)));
        }
        Ok(request.accepted())
    }
}
