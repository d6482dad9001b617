//! The registration event package (RFC 3680): a subscriber's devices are told which other devices it has.

use rcs::address::Address;
use rcs::registration_info::{Contact, Event, Registration, RegistrationInfo, State};
use rcs::{Timestamp, ids};
use sip::Params;
use store::{Binding, Bindings};

use super::watch::Cause;
use crate::gruu;

/// What has happened to a subscriber's contacts between two looks at them.
pub(super) fn changes(
    told: &Bindings,
    current: &Bindings,
    cause: Cause,
    domain: &str,
    aor: &Address,
    now: Timestamp,
) -> Vec<Contact> {
    let same = |a: &Binding, b: &Binding| a.device() == b.device() && a.reg_id == b.reg_id;
    let mut contacts = Vec::new();
    for binding in &current.list {
        let event = match told.list.iter().find(|known| same(known, binding)) {
            None => Event::Registered,
            Some(known) if known != binding => Event::Refreshed,
            Some(_) => continue,
        };
        contacts.push(contact(binding, event, true, domain, aor, now));
    }
    for gone in told.list.iter().filter(|known| !current.list.iter().any(|binding| same(known, binding))) {
        let event = match cause {
            _ if gone.expires_at <= now => Event::Expired,
            Cause::Device => Event::Unregistered,
            Cause::Network => Event::Deactivated,
            Cause::Removed => Event::Rejected,
        };
        contacts.push(contact(gone, event, false, domain, aor, now));
    }
    contacts
}

/// A document and, for datagrams, the same in fewer words: without feature tags.
pub(super) fn documents(
    version: u32,
    is_full: bool,
    state: State,
    mut contacts: Vec<Contact>,
    domain: &str,
    aor: &Address,
) -> Vec<String> {
    let write = |contacts| {
        let id = ids::contact_id(&format!("registration\n{aor}"));
        let registration = Registration { aor: aor.sip_uri(domain), id, state, contacts };
        RegistrationInfo { version, is_full, registrations: vec![registration] }.to_xml()
    };
    let whole = write(contacts.clone());
    for contact in &mut contacts {
        contact.params.retain(|(name, _)| name.eq_ignore_ascii_case("+sip.instance"));
    }
    vec![whole, write(contacts)]
}

/// How a subscriber's contacts stand: all of them.
pub(super) fn all(current: &Bindings, domain: &str, aor: &Address, now: Timestamp) -> Vec<Contact> {
    let contacts = current.list.iter();
    contacts.map(|binding| contact(binding, Event::Registered, true, domain, aor, now)).collect()
}

fn contact(
    binding: &Binding,
    event: Event,
    is_active: bool,
    domain: &str,
    aor: &Address,
    now: Timestamp,
) -> Contact {
    let reg_id = binding.reg_id.map(|reg_id| reg_id.to_string()).unwrap_or_default();
    let params = Params::of(&binding.contact_params).segments().map(|param| {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        (name.to_owned(), value.to_owned())
    });
    let gruu = binding.instance.as_deref().zip(binding.temp_gruu.as_deref()).filter(|_| is_active);
    Contact {
        id: ids::contact_id(&format!("{aor}\n{}\n{reg_id}", binding.device())),
        is_active,
        event,
        uri: binding.contact_uri.clone(),
        expires_s: is_active
            .then(|| u32::try_from(binding.expires_at.since(now).as_secs()).unwrap_or(u32::MAX)),
        call_id: Some(binding.call_id.clone()),
        cseq: Some(binding.cseq),
        params: params.collect(),
        public_gruu: gruu.map(|(instance, _)| gruu::public(aor, instance, domain)),
        // Those given out before under the same Call-ID are good too; which was the first is not kept.
        temporary_gruu: gruu.map(|(_, token)| (gruu::temporary(token, domain), binding.cseq)),
    }
}
