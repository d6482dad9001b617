//! What an RCS message is, whatever carries it.
//!
//! Pure values: bytes and strings in, typed values out, and back. Nothing here opens a socket, reads a clock or draws
//! a random number; the caller hands those in. The modules, from the outside of a message to its inside:
//!
//! - [`address`]: who sends and who receives, in one canonical form; [`ids`]: what ties messages together; [`time`]:
//!   when; [`capability`]: what a device can take.
//! - [`cpim`]: the envelope (RFC 3862), how it points at another message ([`reference`]), with [`content_type`], [`multipart`] and [`encoding`] for what is in it.
//! - [`provisioning`]: what a handset is told before it registers (over [`xml`]).
//! - How long sound and film play: [`playing`].
//! - The bodies: [`imdn`] reports, [`composing`], [`geolocation`], [`file_transfer`], [`revoke`],
//!   [`spam_report`] (all over [`xml`]), [`vcard`] contacts, and the [`bot`]
//!   cards and chips.
//! - Groups: [`resource_list`], [`conference_info`], [`group_data`], [`sipfrag`]. What else can be watched: [`registration_info`],
//!   [`presence`].
//! - [`sms`]: what a text takes as short messages.
//!
//! Every parser has ceilings on what it reads, never panics on bad input, and is exact in what it writes.

pub mod address;
pub mod bot;
pub mod capability;
pub mod composing;
pub mod conference_info;
pub mod content_type;
pub mod cpim;
pub mod encoding;
pub mod file_transfer;
pub mod geolocation;
pub mod group_data;
pub mod ids;
pub mod imdn;
pub mod local_time;
pub mod multipart;
pub mod playing;
pub mod presence;
pub mod provisioning;
pub mod reference;
pub mod registration_info;
pub mod resource_list;
pub mod revoke;
pub mod sipfrag;
pub mod sms;
pub mod spam_report;
pub mod time;
pub mod vcard;
pub mod xml;

pub use address::Address;
pub use time::Timestamp;
