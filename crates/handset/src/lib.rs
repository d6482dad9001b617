//! A headless RCS handset: the peer that tests talk to, and what the load generator is made of.
//!
//! - [`Handset`] is the protocol without sockets: registration with Digest, sending and answering MESSAGE, reports,
//!   recognition of repeats, groups in pager mode, chats and large messages over MSRP, also by way of a relay. Give it messages and the time; ask it
//!   what to send and what happened.
//! - [`run::Phone`] runs one over UDP, TCP or WebSocket (feature `run`).
//! - [`platform::Platform`] starts a real server for it to talk to, and kills it (feature `run`).

mod call;
mod group;
mod handset;
mod message;
#[cfg(feature = "run")]
pub mod platform;
mod register;
mod relay;
#[cfg(feature = "run")]
pub mod run;

pub use call::{Answers, Media, Services};
pub use handset::{Config, Event, Failure, Handset};
pub use message::{Incoming, Outgoing};
pub use relay::Relay;
