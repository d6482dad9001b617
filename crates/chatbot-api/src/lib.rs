//! What chatbots say to us and hear from us: the REST and webhook contracts, over one content model.
//!
//! - [`content`]: what is said, whichever API it came through, and how it travels to and from a handset.
//! - [`outgoing`]: a chatbot's request to send.
//! - [`check`]: what is wrong or unwise in content, for its author.
//! - [`ctcu`]: the joint interface of China Telecom and China Unicom; [`cm`]: China Mobile's; [`fnw11`]: GSMA's MaaP API;
//!   [`rbm`]: the RBM-style interface.
//! - [`csp`]: management calls of the companies that run chatbots for others.
//! - [`basic`], [`bearer`] and [`read`]: what several of them have in common; [`file_limits`]: which files they take.
//! - [`template`]: what a chatbot says with places for what differs from recipient to recipient.
//! - [`recipients`]: lists of recipients as CSV, read as they arrive.
//!
//! A dialect reads its request bodies into the shared model and writes the model into its pushes and answers. All of
//! it is pure: no sockets, no clock, no random numbers; the `maap` crate decides and the binary speaks HTTP.

pub mod basic;
pub mod bearer;
pub mod check;
pub mod cm;
pub mod content;
pub mod csp;
pub mod ctcu;
pub mod file_limits;
pub mod fnw11;
pub mod outgoing;
pub mod rbm;
pub mod read;
pub mod recipients;
pub mod template;

pub use content::{Body, Content, Incoming};
pub use outgoing::{Failure, Outgoing, Status, StatusSet, is_user};
pub use template::Template;
