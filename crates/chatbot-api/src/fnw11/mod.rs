//! GSMA FNW.11, the MaaP API 1.0: JSON over HTTP with a bearer token, and every event to one webhook (maap-api §6).
//!
//! - [`message`]: the messages call, which sends a message or tells that the chatbot is writing.
//! - [`contact`]: how users are named.
//! - [`status`]: what became of a message, asked for and set.
//! - [`capability`]: what a user's devices can do.
//! - [`file`]: files of the chatbot.
//! - [`event`]: what we POST to the webhook.
//! - [`oauth`]: the token call.
//! - [`reason`]: how refusals look.
//!
//! A client may write `null` for every member that it does not set.

pub mod capability;
pub mod contact;
pub mod event;
pub mod file;
pub mod message;
pub mod oauth;
pub mod reason;
pub mod status;
#[cfg(test)]
mod tests;

use rcs::bot::Limits;

pub use contact::Contact;
pub use event::Event;
pub use message::{Message, Request};
pub use reason::Reason;
pub use status::MessageStatus;

/// The interface has no limits of its own.
pub const LIMITS: Limits = Limits::RCC07;
