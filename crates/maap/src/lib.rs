//! The chatbot platform, deciding: who may speak as a chatbot, what goes out in its name, and what its webhook is told.
//!
//! The other half of [`message_centre`], in the same style: no clock, no network, no disk. A [`Task`] names the rows it
//! reads, is decided over a loaded [`store::View`], changes rows there, and leaves webhook calls ([`Push`]) that are made
//! after the batch has been committed; how they ended comes back as [`Pushed`].

mod call;
mod config;
mod push;
mod task;

pub use call::{Answer, Call, Change, Credentials, NewChatbot, SendCall};
pub use config::Config;
pub use push::{ANSWER_BYTES_MAX, Method, Push, PushAnswer, PushFailure, PushFailureKind, PushId, Pushed};
pub use task::{ApiCall, Out, Stats, Task};
