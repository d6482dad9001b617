//! What chatbots say to us and hear from us: the REST and webhook contracts, over one content model.
//!
//! - [`content`]: what is said, whichever API it came through, and how it travels to and from a handset.
//! - [`outgoing`]: a chatbot's request to send.
//! - [`check`]: what is wrong or unwise in content, for its author.
//! - [`ctcu`]: the joint interface of China Telecom and China Unicom.
//!
//! A dialect reads its request bodies into the shared model and writes the model into its pushes and answers. All of
//! it is pure: no sockets, no clock, no random numbers; the `maap` crate decides and the binary speaks HTTP.

pub mod check;
pub mod content;
pub mod ctcu;
pub mod outgoing;

pub use content::{Body, Content, Incoming};
pub use outgoing::{Failure, Outgoing, Status, StatusSet};
