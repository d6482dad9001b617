//! China Mobile's interface: the OMA RESTful Network API for messaging with additions, XML over HTTP (maap-api §3).
//!
//! - [`path`]: the paths of calls, of which there are many for few purposes.
//! - [`auth`]: credentials that are hashed together with the date; requests and pushes carry the same.
//! - [`send`]: the send calls, [`template`]: what they name instead of saying something.
//! - [`revoke`]: the call that takes a message back.
//! - [`answer`]: answers in XML or JSON, [`error`]: refusals.
//! - [`push`]: what we POST to the chatbot.
//! - [`file`]: the file service.
//!
//! The carrier's own document could not be had; what is accepted is what clients are known to send. Elements are found by
//! their local names, in any order and at any depth.

pub mod answer;
pub mod auth;
pub mod error;
pub mod file;
pub mod path;
pub mod push;
pub mod revoke;
pub mod send;
pub mod template;
#[cfg(test)]
mod tests;

use rcs::bot::Limits;

pub use auth::Dated;
pub use error::RequestError;
pub use path::{Operation, SendKind};
pub use send::Request;

/// The limits of the content: they are not known, and taken from the other carriers.
pub const LIMITS: Limits = crate::ctcu::LIMITS;

/// The namespace of the documents, and the prefix that we bind to it.
const NAMESPACE: (&str, &str) = ("xmlns:msg", "urn:oma:xml:rest:netapi:messaging:1");

/// The namespace of refusals.
const COMMON_NAMESPACE: (&str, &str) = ("xmlns:common", "urn:oma:xml:rest:netapi:common:1");

/// The media type of the documents, as we write it.
pub const XML: &str = "application/xml;charset=UTF-8";
