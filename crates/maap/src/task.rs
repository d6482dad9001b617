//! What the chatbot platform decides, and what a batch of decisions leaves behind.

use message_centre::Heard;
use message_centre::submit::Fetched;
use rcs::address::Address;
use rcs::composing::State;
use store::Media;

use crate::call::Call;
use crate::push::{Push, Pushed};

/// Something to decide once the rows it needs are loaded.
#[derive(Debug)]
pub enum Task {
    /// A call; the only task that is answered.
    Call(Box<Call>),
    /// A webhook call has ended.
    Pushed(Box<Pushed>),
    /// Something may wait in a chatbot's mailbox.
    Drain(Address),
    /// A chatbot's webhook is due to be checked.
    Check(Address),
    /// A campaign's time has come.
    Campaign(Box<crate::manage::Step>),
    /// What a user said to a chatbot may be meant for the platform: to be decided in the commit that takes it.
    Heard(Box<Heard>),
    /// Media whose time is over, or whose chatbot is gone.
    ExpireMedia(Vec<Media>),
    /// A chatbot is gone and has left media.
    ClearMedia(Address),
    /// A user is writing to a chatbot, or has stopped.
    Typing {
        /// The chatbot.
        chatbot: Address,
        /// The user.
        user: Address,
        /// Which of the two.
        state: State,
    },
    /// A user has answered the invitation to test a chatbot.
    Invited(Box<Fetched>),
}

/// What decisions leave behind, beside [`message_centre::Work`].
#[derive(Debug, Default)]
pub struct Out {
    /// Tasks to decide after this batch's commit.
    pub next: Vec<Task>,
    /// Webhook calls to make after this batch's commit.
    pub pushes: Vec<Push>,
    /// What happened, counted.
    pub stats: Stats,
}

/// Counts of one batch, for metrics.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Pushes that a webhook has taken.
    pub pushes_taken: u64,
    /// Pushes that a webhook has answered otherwise.
    pub pushes_refused: u64,
    /// Pushes that got no answer.
    pub pushes_failed: u64,
    /// Entries that were given up on after their last try.
    pub given_up: u64,
    /// Webhooks that are left alone from now on, but for a try now and then.
    pub left_alone: u64,
    /// Those that take something again.
    pub back: u64,
    /// Callback checks that passed.
    pub checks_passed: u64,
    /// Callback checks that did not.
    pub checks_failed: u64,
}
