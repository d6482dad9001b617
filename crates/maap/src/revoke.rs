//! A chatbot takes a message back (maap-api §2.7). The centre sees to it; what came of it is pushed for each user.

use message_centre::revoke::Revocation;
use message_centre::{Task, Work};
use rcs::address::Address;

use crate::{Maap, Refusal};

impl Maap {
    pub(crate) fn decide_revoke(
        &mut self,
        address: &Address,
        message_id: &str,
        to: &[Address],
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        self.may_act(work.view.chatbot(address))?;
        self.take_turns(address, to.len(), work)?;
        for to in to {
            let revocation = Revocation::new(message_id.to_owned(), address.clone(), to.clone());
            work.then.push(Task::Revoke(Box::new(revocation)));
        }
        Ok(())
    }
}
