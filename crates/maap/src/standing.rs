//! Where chatbots stand with the operator, from draft to live, and what they propose to show until the operator has decided on
//! it (maap-api §2.8).
//!
//! A chatbot begins as a draft or live, as its operator makes it; is tested by those on its list; is submitted, and then let go
//! live or sent back with a reason; and can be suspended and resumed at any time. Where everything is approved at once
//! ([`crate::Config::auto_approve`]) it takes the same way without waiting. Its webhook is told of every decision.

use message_centre::Work;
use message_centre::notice::{self, Checked, Notice};
use rcs::address::Address;
use serde_json::Value;
use store::{Chatbot, ChatbotStatus, Proposal, ProposalKey, Review, Topic, Wants};

use crate::call::{Answer, Change};
use crate::{Maap, Out, media};

/// Longest reason of a rejection, in characters.
const REASON_CHARS_MAX: usize = 500;

/// A change of where a chatbot stands. All are answered with [`Answer::Updated`].
#[derive(Debug, Clone)]
pub enum StandingCall {
    /// It goes on, or back, or stops.
    Step {
        /// The chatbot.
        chatbot: Address,
        /// Where to.
        step: Step,
    },
    /// It wants to show something else.
    Propose {
        /// The chatbot.
        chatbot: Address,
        /// [`Topic::Data`] or [`Topic::Menu`].
        topic: Topic,
        /// Members of [`Change`].
        change: Value,
    },
    /// The operator has decided on a proposal.
    Decide {
        /// What was proposed.
        proposal: ProposalKey,
        /// Why not; absent: it may be shown.
        rejection: Option<String>,
    },
}

/// Where a chatbot goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To its testers: from draft, or back from wherever it is.
    Test,
    /// To the operator, who is asked to let it go live.
    Submit,
    /// Nowhere, for now.
    Suspend,
    /// To where it was before it was suspended.
    Resume,
}

impl StandingCall {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        match self {
            Self::Step { chatbot, .. } => {
                wants.chatbot(chatbot);
                wants.proposal(&(chatbot.clone(), Topic::Launch));
            }
            Self::Propose { chatbot, topic, .. } => {
                wants.chatbot(chatbot);
                wants.proposal(&(chatbot.clone(), *topic));
            }
            Self::Decide { proposal, .. } => {
                wants.chatbot(&proposal.0);
                wants.proposal(proposal);
                if let Topic::Media(id) = proposal.1 {
                    wants.media(id, &proposal.0);
                }
            }
        }
    }
}

impl Maap {
    pub(crate) fn decide_standing(
        &mut self,
        call: StandingCall,
        work: &mut Work<'_>,
        out: &mut Out,
    ) -> Answer {
        let (chatbot, result) = match call {
            StandingCall::Step { chatbot, step } => {
                let result = self.step(&chatbot, step, work);
                if step == Step::Resume {
                    // Whatever was the matter with its webhook before may be over.
                    self.start_over(&chatbot);
                }
                (chatbot, result)
            }
            StandingCall::Propose { chatbot, topic, change } => {
                let result = self.propose(&chatbot, topic, change, work);
                (chatbot, result)
            }
            StandingCall::Decide { proposal, rejection } => {
                let result = self.decide_proposal(&proposal, rejection, work);
                (proposal.0, result)
            }
        };
        match result {
            Ok(()) => {
                // It may be live again, and have mail.
                out.next.push(self.woken(&chatbot));
                let chatbot = work.view.chatbot(&chatbot).cloned();
                chatbot.map_or(Answer::NotFound, |chatbot| Answer::Updated(Box::new(chatbot)))
            }
            Err(answer) => answer,
        }
    }

    fn step(&self, address: &Address, step: Step, work: &mut Work<'_>) -> Result<(), Answer> {
        let mut chatbot = work.view.chatbot(address).cloned().ok_or(Answer::NotFound)?;
        let before = chatbot.status;
        let launch = (address.clone(), Topic::Launch);
        let cannot = |what: &str| {
            let status = word(before);
            Err(Answer::Undeliverable(format!("{address} is {status}, and so cannot be {what}")))
        };
        match (step, before) {
            (Step::Suspend, ChatbotStatus::Paused) => return cannot("suspended"),
            (Step::Suspend, _) => set_status(&mut chatbot, ChatbotStatus::Paused),
            (Step::Resume, ChatbotStatus::Paused) => {
                let to = chatbot.standing.before_pause.unwrap_or(ChatbotStatus::Live);
                set_status(&mut chatbot, to);
            }
            (Step::Resume, _) => return cannot("resumed"),
            (Step::Test, ChatbotStatus::Draft | ChatbotStatus::Submitted | ChatbotStatus::Live) => {
                work.view.remove_proposal(&launch);
                set_status(&mut chatbot, ChatbotStatus::Testing);
            }
            (Step::Test, _) => return cannot("put to the test"),
            (Step::Submit, ChatbotStatus::Draft | ChatbotStatus::Testing) => {
                chatbot.standing.rejection = None;
                set_status(&mut chatbot, ChatbotStatus::Submitted);
                let (topic, at) = (Topic::Launch, work.now);
                work.view.put_proposal(Proposal { chatbot: address.clone(), topic, change: None, at });
            }
            (Step::Submit, _) => return cannot("submitted"),
        }
        chatbot.changed_at = work.now;
        work.view.put_chatbot(chatbot);
        if step == Step::Submit && self.config.auto_approve {
            return self.decide_proposal(&launch, None, work);
        }
        notice::tell(address, Notice::InformationChanged, work);
        Ok(())
    }

    pub(crate) fn propose(
        &self,
        address: &Address,
        topic: Topic,
        change: Value,
        work: &mut Work<'_>,
    ) -> Result<(), Answer> {
        let chatbot = work.view.chatbot(address).ok_or(Answer::NotFound)?;
        let key = (address.clone(), topic);
        let mut all =
            work.view.proposal(&key).and_then(change_of).unwrap_or_else(|| Value::Object(Default::default()));
        if let (Value::Object(all), Value::Object(change)) = (&mut all, change) {
            all.extend(change);
        }
        // What cannot be shown is not worth the operator's time.
        read(&all)?.apply(&mut chatbot.clone(), work.now).map_err(Answer::Invalid)?;
        let change = Some(all.to_string());
        work.view.put_proposal(Proposal { chatbot: address.clone(), topic, change, at: work.now });
        match self.config.auto_approve {
            true => self.decide_proposal(&key, None, work),
            false => Ok(()),
        }
    }

    /// The operator's decision, or that of the configuration.
    pub(crate) fn decide_proposal(
        &self,
        key: &ProposalKey,
        rejection: Option<String>,
        work: &mut Work<'_>,
    ) -> Result<(), Answer> {
        let (address, topic) = key;
        let proposal = work.view.proposal(key).cloned().ok_or(Answer::NotFound)?;
        let mut chatbot = work.view.chatbot(address).cloned().ok_or(Answer::NotFound)?;
        let rejection =
            rejection.map(|reason| reason.trim().chars().take(REASON_CHARS_MAX).collect::<String>());
        let mut about = Checked::Information;
        match (topic, &rejection) {
            (Topic::Media(id), _) => {
                let mut media = work.view.media(*id).cloned().ok_or(Answer::NotFound)?;
                media.review = rejection.clone().map_or(Review::Approved, Review::Rejected);
                let transfer = Box::new(media::transfer(&media, &*self.config.media_links));
                about = Checked::Media { id: *id, transfer };
                work.view.put_media(media);
            }
            (Topic::Launch, None) => go_on(&mut chatbot, ChatbotStatus::Live),
            (Topic::Launch, Some(reason)) => {
                chatbot.standing.rejection = Some(reason.clone());
                go_on(&mut chatbot, ChatbotStatus::Testing);
            }
            (Topic::Data | Topic::Menu, None) => {
                let change = change_of(&proposal).unwrap_or_default();
                read(&change)?.apply(&mut chatbot, work.now).map_err(Answer::Invalid)?;
            }
            (Topic::Data | Topic::Menu, Some(_)) => {}
        }
        let has_changed = about == Checked::Information && rejection.is_none();
        if about == Checked::Information {
            chatbot.changed_at = work.now;
            work.view.put_chatbot(chatbot);
        }
        work.view.remove_proposal(key);
        notice::tell(address, Notice::Checked { about, rejection, at: work.now }, work);
        if has_changed {
            notice::tell(address, Notice::InformationChanged, work);
        }
        Ok(())
    }
}

/// Puts a chatbot where it goes; while it is paused, it remembers where it was.
pub(crate) fn set_status(chatbot: &mut Chatbot, to: ChatbotStatus) {
    chatbot.standing.before_pause =
        (to == ChatbotStatus::Paused).then(|| match (chatbot.status, chatbot.standing.before_pause) {
            (ChatbotStatus::Paused, before) => before.unwrap_or(ChatbotStatus::Live),
            (before, _) => before,
        });
    chatbot.status = to;
}

/// Puts a chatbot where the operator's decision leads; one that is paused goes there when it is resumed.
fn go_on(chatbot: &mut Chatbot, to: ChatbotStatus) {
    match chatbot.status {
        ChatbotStatus::Paused => chatbot.standing.before_pause = Some(to),
        _ => set_status(chatbot, to),
    }
}

/// A user has agreed to test a chatbot, or does so no more.
pub(crate) fn note_tester(address: &Address, user: &Address, is_tester: bool, work: &mut Work<'_>) {
    let Some(mut chatbot) = work.view.chatbot(address).cloned() else { return };
    let testers = &mut chatbot.standing.testers;
    testers.retain(|tester| tester != user);
    if is_tester {
        testers.push(user.clone());
    }
    work.view.put_chatbot(chatbot);
}

fn change_of(proposal: &Proposal) -> Option<Value> {
    serde_json::from_str(proposal.change.as_deref()?).ok()
}

fn read(change: &Value) -> Result<Change, Answer> {
    serde_json::from_value(change.clone()).map_err(|error| Answer::Invalid(error.to_string()))
}

/// A status as people read it.
pub fn word(status: ChatbotStatus) -> &'static str {
    match status {
        ChatbotStatus::Draft => "draft",
        ChatbotStatus::Testing => "testing",
        ChatbotStatus::Submitted => "submitted",
        ChatbotStatus::Live => "live",
        ChatbotStatus::Paused => "paused",
    }
}
