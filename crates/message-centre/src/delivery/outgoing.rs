//! How an entry is handed over to one device: in a MESSAGE, or in a session when that is what the device takes.

use std::borrow::Cow;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use rcs::capability::Capability;
use rcs::cpim;
use sip::transaction::RequestError;
use sip::{Flow, HeaderName, RequestBuilder};
use store::{Binding, Entry, EntryKind};

use super::AttemptId;
use super::agent::DeviceKey;
use crate::access::message::CPM_MESSAGE;
use crate::session::can_chat;
use crate::{Centre, gruu, transaction_time};

/// What stays as it is in a percent-encoded URN of a feature tag (RFC 3840 as profiled by 3GPP: the colon does not).
pub(crate) const URN_ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// How much a MESSAGE says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All that is known.
    Full,
    /// Without what a member of a group knows anyway, to fit into a datagram.
    Lean,
    /// That it is worth nothing later (`Expires: 0`).
    Fleeting,
}

impl Centre {
    /// Hands an entry over to a device, the way that the device takes it; `None` when there is none over this flow. In a chat that
    /// it has with the sender; else in pager mode if it is small enough; else in a session of its own (RCC.07). Gives the flow
    /// that it went over too: that of `binding`, or of the session.
    pub(super) fn hand_over(
        &mut self,
        entry: &Entry,
        device: &DeviceKey,
        binding: &Binding,
        is_stored: bool,
        now: Timestamp,
    ) -> Option<(AttemptId, Flow)> {
        let capabilities = &binding.capabilities;
        let is_of_group = entry.from.kind() == AddressKind::Group;
        if is_of_group && self.must_be_called(entry, device, binding) {
            return None;
        }
        // The session that a device has with a group is made by the focus; here only large messages open one.
        let takes_sessions = capabilities.has(Capability::CpmLargeMessage)
            || if is_of_group { self.has_chat(device, &entry.from) } else { can_chat(capabilities) };
        // Whoever says nothing of messages is a plain SIP client, and takes MESSAGE.
        let takes_pager = capabilities.has(Capability::CpmMessage) || !takes_sessions;
        let is_small = !takes_sessions || entry.body.len() <= self.config.pager_body_bytes_max;
        let is_in_chat = takes_sessions && self.has_chat(device, &entry.from);
        if takes_pager && is_small && !is_in_chat && entry.spooled.is_none() {
            let request = self.message_request(entry, binding, Shape::Full);
            let mut sent = self.layer.request(transaction_time(now), binding.flow, request);
            if is_of_group && matches!(sent, Err(RequestError::TooLarge { .. })) {
                let request = self.message_request(entry, binding, Shape::Lean);
                sent = self.layer.request(transaction_time(now), binding.flow, request);
            }
            match sent {
                Ok(tx) => return Some((AttemptId::Request(tx), binding.flow)),
                Err(RequestError::TooLarge { .. }) if takes_sessions => {}
                Err(error) => {
                    tracing::debug!(device = %device.1, entry = %entry.id, %error, "not sent");
                    return None;
                }
            }
        }
        if !takes_sessions {
            return None;
        }
        self.send_in_session(entry, device, binding, is_stored, now)
    }

    /// A request to the device of `binding`, without the Via that the transaction adds.
    pub(crate) fn message_request(&mut self, entry: &Entry, binding: &Binding, shape: Shape) -> Bytes {
        let call_id = self.tag();
        let tag = self.tag();
        let domain = self.config.domain();
        let from = entry.from.sip_uri(domain);
        let shown = named_sender(entry);
        let to = match entry.from.kind() {
            AddressKind::Group => self.device_uri(&entry.to, binding),
            _ => entry.to.sip_uri(domain),
        };
        let mut request = RequestBuilder::new("MESSAGE", &binding.contact_uri);
        for path in &binding.path {
            request = request.header(HeaderName::Route, path);
        }
        request = request
            .pieces(HeaderName::MaxForwards, &["70"])
            .pieces(HeaderName::From, &["<", shown.unwrap_or(&from), ">;tag=", &tag])
            .pieces(HeaderName::To, &["<", &to, ">"])
            .pieces(HeaderName::CallId, &[&call_id, "@", domain])
            .pieces(HeaderName::CSeq, &["1 MESSAGE"]);
        // A report out of a group names the focus, the member and the author: without what its From says anyway, it fits into a
        // datagram.
        let is_report_of_group = entry.kind == EntryKind::Report && entry.from.kind() == AddressKind::Group;
        let is_lean = is_report_of_group || shape == Shape::Lean;
        if !is_lean {
            request = request.pieces(HeaderName::PAssertedIdentity, &["<", &from, ">"]);
        }
        if let Some(service) = entry.service.as_ref().filter(|_| !is_lean) {
            request = request
                .pieces(HeaderName::PAssertedService, &[service])
                .pieces(HeaderName::AcceptContact, &[&*takers_of(service)]);
        }
        // Reports are for whoever sent the message, whatever its device can show; and they must fit into a datagram.
        if entry.from.kind() == AddressKind::Chatbot && entry.kind == EntryKind::Message {
            request = request.header(
                HeaderName::AcceptContact,
                "*;+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.chatbot.sa\";\
                 +g.gsma.rcs.botversion=\"#=1\"",
            );
        }
        request = request
            .pieces(HeaderName::ConversationId, &[&entry.conversation_id])
            .pieces(HeaderName::ContributionId, &[&entry.contribution_id]);
        if let Some(id) = &entry.in_reply_to {
            request = request.pieces(HeaderName::InReplyToContributionId, &[id]);
        }
        if shape == Shape::Fleeting {
            request = request.header(HeaderName::Expires, 0);
        } else {
            request = request.pieces(HeaderName::Date, &[&entry.accepted_at.http_date()]);
        }
        request.body(&entry.content_type, entry.body.clone()).build()
    }
}

impl Centre {
    /// How a focus addresses a device: by its GRUU if it has one. liblinphone knows a group by the pair of the focus and the URI
    /// by which it takes part itself, and takes part by its GRUU.
    pub(crate) fn device_uri(&self, subscriber: &Address, binding: &Binding) -> String {
        let domain = self.config.domain();
        match &binding.instance {
            Some(instance) if binding.temp_gruu.is_some() => gruu::public(subscriber, instance, domain),
            _ => subscriber.sip_uri(domain),
        }
    }
}

/// The Accept-Contact that asks for devices with this service (RFC 3841, TS 24.229).
fn takers_of(service: &str) -> Cow<'static, str> {
    if service == CPM_MESSAGE {
        // What nearly every message has.
        return "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"".into();
    }
    format!("*;+g.3gpp.icsi-ref=\"{}\"", utf8_percent_encode(service, URN_ESCAPES)).into()
}

/// The sender as the CPIM names it. It was checked to be the sender when the message came in, and some clients (liblinphone) take
/// a message only if From is the same text. `None` without CPIM, or when it names nobody.
fn named_sender(entry: &Entry) -> Option<&str> {
    // A group speaks with one voice: its members know each other by the CPIM inside.
    if entry.from.kind() == AddressKind::Group
        || !rcs::content_type::is(&entry.content_type, cpim::CONTENT_TYPE)
    {
        return None;
    }
    let named = cpim::from_uri_of(&entry.body)?;
    // It is a URI, or it would not have been found to be the sender's; what could end it early in a name-addr is looked for.
    let is_usable = named.starts_with("sip:")
        && !named.ends_with("@anonymous.invalid")
        && named.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"'));
    is_usable.then_some(named)
}
