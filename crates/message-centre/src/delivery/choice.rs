//! Which devices a message may go to: those that have announced what its sender requires (Accept-Contact with `require`,
//! RFC 3841 §7.2). When none has, the addressee is as good as away, and the message waits for a device that has.
//!
//! Preferences without `require` change nothing, since every device gets its copy.

use sip::{AcceptContact, Features, Fit, HeaderName, Params, Request};
use store::{Binding, Entry};

use crate::access::Refusal;
use crate::{Centre, Work};

/// Most values that one message may have, and the longest.
const VALUES_MAX: usize = 8;
const VALUE_BYTES_MAX: usize = 512;

/// The Accept-Contact values of a request that say `require`.
pub(crate) fn required(request: &Request) -> Result<Vec<String>, Refusal> {
    let mut required = Vec::new();
    for value in request.list(HeaderName::AcceptContact) {
        if !AcceptContact::parse(value)?.require() {
            continue;
        }
        if value.len() > VALUE_BYTES_MAX || required.len() == VALUES_MAX {
            return Err(Refusal::bad("Accept-Contact: too long"));
        }
        required.push(String::from_utf8_lossy(value).into_owned());
    }
    Ok(required)
}

/// Whether a device has announced all that an entry's sender requires.
pub(crate) fn fits(entry: &Entry, binding: &Binding) -> bool {
    entry.accept.iter().all(|wanted| {
        let device = Features::of(Params::of(&binding.contact_params));
        AcceptContact::parse(wanted.as_bytes()).is_ok_and(|wanted| wanted.fit(device) != Fit::Discard)
    })
}

impl Centre {
    /// Those of the addressee's devices that an entry may go to.
    pub(crate) fn fitting(&self, entry: &Entry, mut devices: Vec<String>, work: &Work<'_>) -> Vec<String> {
        if !entry.accept.is_empty() {
            let bindings = work.view.bindings(&entry.to);
            let live = || bindings.into_iter().flat_map(|bindings| bindings.live(work.now));
            devices.retain(|device| {
                live().any(|binding| binding.device() == device.as_str() && fits(entry, binding))
            });
        }
        devices
    }
}
