//! REGISTER: which devices a subscriber has, and how to reach them (RFC 3261 §10.3, RFC 3327, RFC 5626, RFC 5627).

use std::time::Duration;

use rcs::Timestamp;
use rcs::address::Address;
use rcs::capability::Capabilities;
use sip::transaction::ServerTxId;
use sip::{Contact, ContactAddress, Flow, HeaderName, Request, ResponseBuilder};
use store::{Binding, Bindings, Wants};

use super::Refusal;
use super::identity::{By, Proof, Role, proof_wants};
use crate::delivery::agent::DeviceKey;
use crate::events::Cause;
use crate::group::invitation::Invitations;
use crate::work::Task;
use crate::{Centre, Work, gruu};

/// Extensions that a REGISTER may require of us.
const SUPPORTED: [&str; 3] = ["path", "gruu", "outbound"];
/// Longest name of a device, Contact URI, parameters of a Contact, and way to a device: bindings are kept.
const DEVICE_BYTES_MAX: usize = 256;
const URI_BYTES_MAX: usize = 1024;
const PARAMS_BYTES_MAX: usize = 4096;
const PATH_BYTES_MAX: usize = 4096;
/// How often a client is asked to send keep-alives over a flow, in seconds (RFC 5626 §4.4).
const FLOW_TIMER_S: u32 = 120;

/// A REGISTER that is well formed.
#[derive(Debug)]
pub struct Register {
    pub(super) tx: ServerTxId,
    pub(super) flow: Flow,
    pub(super) request: Request,
    pub(super) asked: Asked,
}

/// What a REGISTER asks for.
#[derive(Debug)]
pub(super) struct Asked {
    aor: Address,
    wish: Wish,
    call_id: String,
    cseq: u32,
}

/// What the Contact headers ask for.
#[derive(Debug)]
enum Wish {
    /// No Contact: list the bindings.
    Query,
    /// `Contact: *` with `Expires: 0`.
    RemoveAll,
    /// Add, refresh or remove (`expires_s` is 0) these.
    Change(Vec<Change>),
}

#[derive(Debug)]
struct Change {
    instance: Option<String>,
    reg_id: Option<u32>,
    contact_uri: String,
    contact_params: String,
    capabilities: Capabilities,
    /// As asked for; absent when neither the Contact nor the request says.
    expires_s: Option<u32>,
}

impl Asked {
    /// Reads a REGISTER; what to answer when it is malformed or requires what we lack.
    pub(super) fn read(centre: &Centre, request: &Request) -> Result<Self, Refusal> {
        super::check_require(request, HeaderName::Require, &SUPPORTED)?;
        let aor = super::address_of(centre, request.to()?.uri.as_str())?;
        let header_expires = request.expires()?;
        let mut changes = Vec::new();
        let mut remove_all = false;
        for contact in request.contacts() {
            match contact? {
                Contact::All => remove_all = true,
                Contact::Address(contact) => {
                    let change = Change::of(&contact, header_expires);
                    let name = change.instance.as_ref().unwrap_or(&change.contact_uri);
                    if name.len() > DEVICE_BYTES_MAX
                        || change.contact_uri.len() > URI_BYTES_MAX
                        || change.contact_params.len() > PARAMS_BYTES_MAX
                    {
                        return Err(Refusal::bad("Contact: too long"));
                    }
                    changes.push(change);
                }
            }
        }
        if request.list(HeaderName::Path).map(<[u8]>::len).sum::<usize>() > PATH_BYTES_MAX {
            return Err(Refusal::bad("Path: too long"));
        }
        let wish = match (remove_all, changes.len()) {
            (true, 0) if header_expires == Some(0) => Wish::RemoveAll,
            // RFC 3261 §10.3 step 6: * stands alone and with Expires: 0.
            (true, _) => return Err(Refusal::bad("Contact: * goes alone and with Expires: 0")),
            (false, 0) => Wish::Query,
            (false, count) if count > centre.config.registration.devices_max => {
                return Err(Refusal::forbidden("too many contacts"));
            }
            (false, _) => Wish::Change(changes),
        };
        Ok(Self { aor, wish, call_id: request.call_id()?.to_owned(), cseq: request.cseq()?.number })
    }
}

impl Register {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        proof_wants(&self.asked.aor, wants);
        wants.bindings(&self.asked.aor);
        wants.head(&self.asked.aor);
        wants.memberships(&self.asked.aor);
    }
}

impl Change {
    fn of(contact: &ContactAddress<'_>, header_expires: Option<u32>) -> Self {
        let mut capabilities = Capabilities::default();
        let mut params = String::new();
        for segment in contact.params().segments() {
            let (name, value) =
                segment.split_once('=').map_or((segment, None), |(name, value)| (name, Some(value)));
            // What we write ourselves in every answer is not kept.
            if !["expires", "pub-gruu", "temp-gruu"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
                params.push(';');
                params.push_str(segment);
            }
            capabilities.add_parameter(name, value);
        }
        Self {
            instance: contact.instance().map(|urn| urn.trim_matches(['<', '>']).to_owned()),
            reg_id: contact.reg_id(),
            contact_uri: contact.name_addr.uri.as_str().to_owned(),
            contact_params: params,
            capabilities,
            expires_s: contact.expires().or(header_expires),
        }
    }

    /// Whether this change is about that binding: same instance and reg-id, or without an instance the same URI.
    fn is_about(&self, binding: &Binding) -> bool {
        match (&self.instance, &binding.instance) {
            (Some(mine), Some(theirs)) => mine == theirs && self.reg_id == binding.reg_id,
            (None, None) => self.contact_uri == binding.contact_uri,
            _ => false,
        }
    }
}

impl Centre {
    pub(crate) fn decide_register(&mut self, register: Register, work: &mut Work<'_>) {
        let by =
            match self.prove(&register.request, &register.asked.aor, register.flow, Role::Registrar, work) {
                Proof::Accepted(by) => by,
                Proof::Challenge { stale } => {
                    let Register { tx, flow, request, .. } = &register;
                    return self.challenge(*tx, request, *flow, Role::Registrar, stale, work);
                }
                Proof::TooMany { wait_s } => {
                    let refusal = Refusal::WrongPasswords { wait_s };
                    return self.refuse(register.tx, &register.request, register.flow, &refusal, work.now);
                }
                Proof::Malformed => {
                    return self.answer(register.tx, &register.request, register.flow, 400, work.now);
                }
            };
        let before = work.view.bindings(&register.asked.aor).cloned().unwrap_or_default();
        match self.bound(&register, &before, work.now) {
            Ok((bindings, devices)) => {
                if bindings != before {
                    work.view.put_bindings(&register.asked.aor, bindings.clone());
                    self.bindings_changed(&register.asked.aor, Cause::Device, work);
                }
                if let By::Device(place, age) = by {
                    self.registered_with(&register.asked.aor, place, age, &devices, work);
                }
                self.registered(&register, &before, &bindings, devices, work);
            }
            Err(refusal) => self.refuse(register.tx, &register.request, register.flow, &refusal, work.now),
        }
    }

    /// The bindings after the REGISTER, and the devices that it bound or refreshed.
    fn bound(
        &self,
        register: &Register,
        before: &Bindings,
        now: Timestamp,
    ) -> Result<(Bindings, Vec<String>), Refusal> {
        let mut list: Vec<Binding> = before.live(now).cloned().collect();
        let mut devices = Vec::new();
        match &register.asked.wish {
            Wish::Query => {}
            Wish::RemoveAll => {
                list.iter().try_for_each(|binding| check_order(register, binding))?;
                list.clear();
            }
            Wish::Change(changes) => {
                for change in changes {
                    let expires_s = self.granted(change.expires_s)?;
                    let place = list.iter().position(|binding| change.is_about(binding));
                    if let Some(place) = place {
                        check_order(register, &list[place])?;
                    }
                    if expires_s == 0 {
                        place.map(|place| list.remove(place));
                        continue;
                    }
                    let binding = self.binding(register, change, expires_s, now);
                    devices.push(binding.device().to_owned());
                    match place {
                        Some(place) => list[place] = binding,
                        None => list.push(binding),
                    }
                }
            }
        }
        self.make_room(&mut list, register.flow)?;
        Ok((Bindings { list }, devices))
    }

    /// Keeps a subscriber's devices within their number: the one that has been away longest gives way, one that can be
    /// reached never does.
    fn make_room(&self, list: &mut Vec<Binding>, here: Flow) -> Result<(), Refusal> {
        while list.len() > self.config.registration.devices_max {
            let away = list
                .iter()
                .enumerate()
                .filter(|(_, binding)| binding.flow != here && !self.is_reachable(binding));
            let Some((place, _)) = away.min_by_key(|(_, binding)| binding.registered_at) else {
                return Err(Refusal::forbidden("too many devices; remove one first"));
            };
            list.remove(place);
        }
        Ok(())
    }

    /// The lifetime given for the one asked for: 0 removes, too short is refused (RFC 3261 §10.3 step 7), too long is cut.
    fn granted(&self, asked_s: Option<u32>) -> Result<u32, Refusal> {
        let limits = &self.config.registration;
        match asked_s {
            None => Ok(limits.expires_s_default),
            Some(0) => Ok(0),
            Some(asked_s) if asked_s < limits.expires_s_min => {
                Err(Refusal::IntervalTooBrief { min_s: limits.expires_s_min })
            }
            Some(asked_s) => Ok(asked_s.min(limits.expires_s_max)),
        }
    }

    fn binding(&self, register: &Register, change: &Change, expires_s: u32, now: Timestamp) -> Binding {
        let request = &register.request;
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let wants_gruu = change.instance.is_some() && request.has_token(HeaderName::Supported, "gruu");
        let temp_gruu = change.instance.as_deref().filter(|_| wants_gruu).and_then(|instance| {
            // RFC 5627 §5.3: a new one at every REGISTER.
            let (call_id, cseq) = (&register.asked.call_id, register.asked.cseq);
            gruu::seal(&self.gruu_key, &register.asked.aor, instance, call_id, cseq)
        });
        Binding {
            instance: change.instance.clone(),
            reg_id: change.reg_id,
            contact_uri: change.contact_uri.clone(),
            contact_params: change.contact_params.clone(),
            flow: register.flow,
            path: request.list(HeaderName::Path).map(text).collect(),
            call_id: register.asked.call_id.clone(),
            cseq: register.asked.cseq,
            expires_at: now.plus(Duration::from_secs(expires_s.into())),
            registered_at: now,
            capabilities: change.capabilities.clone(),
            user_agent: request.header(HeaderName::UserAgent).map(|agent| agent.chars().take(128).collect()),
            temp_gruu,
            accepts_deflate: request.has_token(HeaderName::AcceptEncoding, "deflate"),
        }
    }

    /// Answers 200 and lets the devices have what waits for them.
    fn registered(
        &mut self,
        register: &Register,
        before: &Bindings,
        bindings: &Bindings,
        devices: Vec<String>,
        work: &mut Work<'_>,
    ) {
        work.stats.registrations += 1;
        if register.flow.transport.is_reliable() && !devices.is_empty() && self.layer.is_pending(register.tx)
        {
            let here = bindings.list.iter().filter(|binding| binding.flow == register.flow);
            let until = here.map(|binding| binding.expires_at).max().unwrap_or(work.now);
            let users = self.flows.entry(register.flow).or_default();
            users.retain(|(user, _)| *user != register.asked.aor);
            users.push((register.asked.aor.clone(), until));
        }
        for old in before.list.iter().filter(|old| bindings.list.iter().all(|new| new.flow != old.flow)) {
            if let Some(users) = self.flows.get_mut(&old.flow) {
                users.retain(|(user, _)| *user != register.asked.aor);
            }
        }
        for gone in
            before.list.iter().filter(|old| bindings.list.iter().all(|new| new.device() != old.device()))
        {
            self.agents.remove(&(register.asked.aor.clone(), gone.device().to_owned()));
        }
        if !devices.is_empty() {
            invite_to_groups(&register.asked.aor, work);
        }
        let has_mail = work.view.head(&register.asked.aor).count > 0;
        for device in devices {
            let key: DeviceKey = (register.asked.aor.clone(), device);
            self.end_rest(&key);
            // A device that registers again may have lost its flow with a message under way: look from the start.
            if let Some(agent) = self.agents.get_mut(&key) {
                agent.restart();
            }
            if has_mail {
                self.agents.entry(key.clone()).or_default();
                work.next.push(Task::Drain(key));
            }
        }
        let response = self.register_response(register, bindings, work.now);
        self.respond(work.now, register.tx, response);
    }

    /// The 200: every binding with what is left of its life (RFC 3261 §10.3 step 8).
    fn register_response(
        &mut self,
        register: &Register,
        bindings: &Bindings,
        now: Timestamp,
    ) -> bytes::Bytes {
        let domain = self.config.domain().to_owned();
        let request = &register.request;
        let tag = self.tag();
        let mut response =
            ResponseBuilder::for_request(request, 200, "OK").to_tag(&tag).source(register.flow.peer);
        let wants_gruu = request.has_token(HeaderName::Supported, "gruu");
        for binding in bindings.live(now) {
            let expires_s = binding.expires_at.since(now).as_secs();
            let mut contact =
                format!("<{}>{};expires={expires_s}", binding.contact_uri, binding.contact_params);
            if let Some(instance) = binding.instance.as_deref().filter(|_| wants_gruu) {
                let public = gruu::public(&register.asked.aor, instance, &domain);
                contact.push_str(&format!(";pub-gruu=\"{public}\""));
                if let Some(token) = &binding.temp_gruu {
                    contact.push_str(&format!(";temp-gruu=\"{}\"", gruu::temporary(token, &domain)));
                }
            }
            response = response.header(HeaderName::Contact, contact);
        }
        for path in request.list(HeaderName::Path) {
            response = response.header(HeaderName::Path, String::from_utf8_lossy(path));
        }
        let is_outbound = matches!(&register.asked.wish, Wish::Change(changes)
            if changes.iter().any(|change| change.reg_id.is_some() && change.instance.is_some()))
            && request.has_token(HeaderName::Supported, "outbound");
        if is_outbound {
            // RFC 5626 §6: the flow is kept and used.
            response =
                response.header(HeaderName::Require, "outbound").header(HeaderName::FlowTimer, FLOW_TIMER_S);
        }
        response
            .header(HeaderName::Supported, "path, gruu, outbound")
            .header(HeaderName::PAssociatedUri, format!("<{}>", register.asked.aor.sip_uri(&domain)))
            .header(HeaderName::PAssociatedUri, format!("<{}>", register.asked.aor))
            .header(HeaderName::Date, now.http_date())
            .build()
    }
}

/// Devices are invited to the groups in which they do not take part yet: before they get what was said there.
fn invite_to_groups(aor: &Address, work: &mut Work<'_>) {
    for group in work.view.memberships(aor) {
        let invitations = Invitations { group: group.clone(), members: vec![aor.clone()] };
        work.next.push(Task::Invitations(Box::new(invitations)));
    }
}

/// RFC 3261 §10.3 step 7: within one Call-ID the CSeq must rise; otherwise the request came late, and nothing changes.
fn check_order(register: &Register, binding: &Binding) -> Result<(), Refusal> {
    if binding.call_id == register.asked.call_id && register.asked.cseq <= binding.cseq {
        return Err(Refusal::OutOfOrder);
    }
    Ok(())
}
