//! The callback check: whether a webhook answers as one that belongs to its chatbot does (maap-api §2.3).
//!
//! Due when a chatbot with an unchecked webhook is given a token or its webhook changes, and again, with growing waits, as
//! long as it fails.

use message_centre::Work;
use rcs::address::Address;

use crate::dialect;
use crate::push::{Push, PushId, Pushed};
use crate::{Maap, Out, Timer};

/// A check under way.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) id: PushId,
    echo: String,
    webhook: String,
}

impl Maap {
    /// Sends a check, unless there is nothing to check or one is under way.
    pub(crate) fn decide_check(&mut self, address: &Address, work: &mut Work<'_>, out: &mut Out) {
        let Some(chatbot) = work.view.chatbot(address) else { return };
        let Some(webhook) = chatbot.webhook.as_ref().filter(|_| !chatbot.callback_checked) else { return };
        let is_under_way = self
            .agents
            .get(address)
            .is_some_and(|agent| agent.check.as_ref().is_some_and(|c| c.webhook == *webhook));
        if is_under_way {
            return;
        }
        let chatbot = chatbot.clone();
        let check = Check { id: self.push_id(), echo: self.random.name(), webhook: webhook.clone() };
        let fresh = self.fresh(work.now);
        let Some(request) = dialect::check(&chatbot, &check.echo, &fresh) else { return };
        out.pushes.push(Push::new(check.id, &chatbot, request, self.config.push_timeout));
        self.agents.entry(address.clone()).or_default().check = Some(check);
    }

    /// A check has ended.
    pub(crate) fn decide_checked(
        &mut self,
        check: &Check,
        pushed: &Pushed,
        work: &mut Work<'_>,
        out: &mut Out,
    ) {
        let address = &pushed.chatbot;
        let Some(mut chatbot) = work.view.chatbot(address).cloned() else { return };
        if chatbot.webhook.as_ref() != Some(&check.webhook) || chatbot.callback_checked {
            return;
        }
        let agent = self.agents.entry(address.clone()).or_default();
        let answer = pushed.outcome.as_ref().map_err(|failure| failure.text.clone());
        match answer.and_then(|answer| dialect::check_passed(&chatbot, answer, &check.echo)) {
            Ok(()) => {
                out.stats.checks_passed += 1;
                agent.check_failures = 0;
                agent.check_failure = None;
                chatbot.callback_checked = true;
                tracing::info!(chatbot = %address, "the callback check has passed");
                work.view.put_chatbot(chatbot);
            }
            Err(why) => {
                out.stats.checks_failed += 1;
                agent.check_failures = agent.check_failures.saturating_add(1);
                let wait = self.config.backoff(agent.check_failures, self.random.number());
                tracing::warn!(chatbot = %address, why, retry_s = wait.as_secs(), "the callback check failed");
                agent.check_failure = Some(why);
                // One chain of retries: the check that a token set off meanwhile neither adds one nor puts it off.
                if agent.check_at.is_none_or(|at| at <= work.now) {
                    let at = work.now.plus(wait);
                    agent.check_at = Some(at);
                    self.timers.insert((at, address.clone(), Timer::Check));
                }
            }
        }
    }
}
