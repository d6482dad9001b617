//! What a handset watches beside groups: the devices of its subscriber, and what others can take.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use rcs::presence::Presence;
use rcs::registration_info::RegistrationInfo;
use sip::dialog::Dialog;
use sip::transaction::{ClientTxId, ServerTxId};
use sip::{HeaderName, Message, Method, Request, Response, ResponseBuilder};

use super::{DOMAIN, Handset, Phone, World, uri_of};

/// The watching part of a handset.
#[derive(Default)]
pub struct Watches {
    asked: BTreeMap<ClientTxId, (String, Bytes)>,
    /// By Call-ID.
    dialogs: BTreeMap<String, Dialog>,
    /// NOTIFYs, by Call-ID, in order.
    pub notes: BTreeMap<String, Vec<Note>>,
    /// Answers to SUBSCRIBE, in order, with the time that was granted.
    pub answers: Vec<(u16, Option<u32>)>,
    /// What it answers to NOTIFY instead of 200.
    pub answers_with: Option<u16>,
}

/// A NOTIFY.
#[derive(Debug, Clone)]
pub struct Note {
    /// Subscription-State, without its `expires`.
    pub state: String,
    pub event: String,
    pub body: String,
}

impl Note {
    pub fn registrations(&self) -> RegistrationInfo {
        RegistrationInfo::parse(self.body.as_bytes()).expect("the centre writes reginfo")
    }

    /// Ids of services without what they begin with.
    pub fn services(&self) -> Vec<String> {
        let presence = Presence::parse(self.body.as_bytes()).expect("the centre writes presence");
        let services = presence.tuples.into_iter().filter_map(|tuple| tuple.service);
        services.map(|service| service.id.rsplit(['.', ':']).next().unwrap_or_default().to_owned()).collect()
    }
}

impl World {
    /// Subscribes to a package of somebody; the Call-ID.
    pub fn watch(&mut self, phone: Phone, whom: &str, event: &str, expires_s: u32) -> String {
        let (now, handset) = (self.time(), &mut self.phones[phone]);
        let uri = uri_of(whom);
        let contact = handset.contact();
        let call_id = format!("w{}-{}", handset.cseq, handset.instance);
        let subscribe = handset
            .request("SUBSCRIBE", &uri, &call_id)
            .header(HeaderName::To, format!("<{uri}>"))
            .header(HeaderName::Contact, contact)
            .header(HeaderName::Event, event)
            .header(HeaderName::Accept, "application/reginfo+xml, application/pidf+xml")
            .header(HeaderName::AcceptEncoding, "deflate")
            .header(HeaderName::Expires, expires_s)
            .build();
        handset.ask_to_watch(now, &call_id, subscribe);
        self.run_until_idle();
        call_id
    }

    /// Subscribes again within the dialog.
    pub fn watch_again(&mut self, phone: Phone, call_id: &str, event: &str, expires_s: u32) {
        let (now, handset) = (self.time(), &mut self.phones[phone]);
        let contact = handset.contact();
        let dialog = handset.watches.dialogs.get_mut(call_id).expect("a subscription");
        assert!(dialog.remote_target().ends_with(&format!("@{DOMAIN};user=phone")));
        let subscribe = dialog
            .request("SUBSCRIBE")
            .header(HeaderName::Contact, contact)
            .header(HeaderName::Event, event)
            .header(HeaderName::Expires, expires_s)
            .build();
        handset.ask_to_watch(now, call_id, subscribe);
        self.run_until_idle();
    }

    /// NOTIFYs of a subscription since the last look.
    pub fn notes(&mut self, phone: Phone, call_id: &str) -> Vec<Note> {
        self.phones[phone].watches.notes.remove(call_id).unwrap_or_default()
    }
}

impl Handset {
    fn ask_to_watch(&mut self, now: Duration, call_id: &str, request: Bytes) {
        let tx = self.layer.request(now, self.flow, request.clone()).expect("it goes out");
        self.watches.asked.insert(tx, (call_id.to_owned(), request));
    }

    /// Takes a NOTIFY. `false` when it is none of ours to answer.
    pub(super) fn take_notify(&mut self, now: Duration, tx: ServerTxId, request: &Request) -> bool {
        let event = request.header(HeaderName::Event).unwrap_or_default().into_owned();
        let is_ours = ["reg", "presence"].iter().any(|ours| event.starts_with(ours));
        if request.method() != Method::Notify || !is_ours {
            return false;
        }
        if self.is_mute {
            return true;
        }
        let status = self.watches.answers_with.unwrap_or(200);
        if status == 200 {
            let coding = request.content_encoding().unwrap_or_default();
            let body = rcs::encoding::decode(&coding, request.body_bytes(), 1 << 20).expect("inflated");
            let state = request.header(HeaderName::SubscriptionState).expect("a state").into_owned();
            let state = state.split(";expires").next().unwrap_or_default().to_owned();
            let body = String::from_utf8(body.to_vec()).expect("XML");
            let call_id = request.call_id().expect("a Call-ID").to_owned();
            self.watches.notes.entry(call_id).or_default().push(Note { state, event, body });
        }
        let response = ResponseBuilder::for_request(request, status, "").to_tag("phone").build();
        self.layer.respond(now, tx, response).expect("the request waits for its answer");
        true
    }

    /// An answer to a SUBSCRIBE. `false` when it is to something else.
    pub(super) fn take_watch_answer(&mut self, tx: ClientTxId, response: Option<&Response>) -> bool {
        let Some((call_id, request)) = self.watches.asked.remove(&tx) else { return false };
        let status = response.map_or(408, |response| response.status());
        let expires_s = response.and_then(|response| response.expires().expect("readable"));
        self.watches.answers.push((status, expires_s));
        if let Some(response) = response.filter(|_| status == 200) {
            let request = Message::parse_datagram(request).expect("ours").into_request().expect("a request");
            if request.to().expect("ours").tag().is_none() {
                let dialog = Dialog::uac(&request, response).expect("the notifier names its Contact");
                self.watches.dialogs.insert(call_id, dialog);
            }
        }
        true
    }
}
