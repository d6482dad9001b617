//! The MESSAGE that carries an entry to one device.

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rcs::address::{Address, AddressKind};
use rcs::cpim;
use sip::{HeaderName, RequestBuilder};
use store::{Binding, Entry, EntryKind};

use crate::{Centre, gruu};

/// What stays as it is in a percent-encoded URN of a feature tag (RFC 3840 as profiled by 3GPP: the colon does not).
const URN_ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

impl Centre {
    /// A request to the device of `binding`, without the Via that the transaction adds. `is_fleeting` marks it as worth
    /// nothing later (`Expires: 0`).
    pub(crate) fn message_request(&mut self, entry: &Entry, binding: &Binding, is_fleeting: bool) -> Bytes {
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
            .pieces(HeaderName::CSeq, &["1 MESSAGE"])
            .pieces(HeaderName::PAssertedIdentity, &["<", &from, ">"]);
        if let Some(service) = &entry.service {
            let icsi = utf8_percent_encode(service, URN_ESCAPES);
            request = request
                .header(HeaderName::PAssertedService, service)
                .header(HeaderName::AcceptContact, format_args!("*;+g.3gpp.icsi-ref=\"{icsi}\""));
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
            request = request.header(HeaderName::InReplyToContributionId, id);
        }
        if is_fleeting {
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
        && !named.contains("anonymous.invalid")
        && named.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"'));
    is_usable.then_some(named)
}
