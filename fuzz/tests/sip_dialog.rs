//! Dialogs made from any request and response, stored, loaded, and used: nothing panics, what a dialog writes is a message of that
//! dialog, and storing changes nothing.

use bolero::TypeGenerator;
use bytes::Bytes;
use sip::dialog::session_timer::{Policy, SessionExpires};
use sip::dialog::{Dialog, DialogId};
use sip::value::{Event, Reason, ReferTo, SubscriptionState};
use sip::{HeaderName, Message, Request, ResponseBuilder};

#[derive(Clone, Debug, TypeGenerator)]
enum Op {
    /// One of us sends a request with this method and Contact; the network delivers it or does not.
    Send { by_caller: bool, method: u8, contact: String, arrives: bool },
    /// The last request that arrived arrives again.
    Again,
    /// One side is stored and loaded.
    Restart(bool),
}

const METHODS: [&str; 6] = ["MESSAGE", "INVITE", "UPDATE", "NOTIFY", "BYE", "SUBSCRIBE"];

#[test]
fn sip_dialog() {
    bolero::check!().with_type::<(String, Vec<u8>, Vec<Op>)>().for_each(|(contact, picks, ops)| {
        let invite = format!(
            "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nRecord-Route: {}\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContact: {}\r\n\r\n",
            routes(picks),
            contact_of(contact),
        );
        let Ok(Message::Request(invite)) = Message::parse_datagram(Bytes::from(invite)) else { return };
        let Ok(mut callee) = Dialog::uas(&invite, "2") else { return };
        let ok = ResponseBuilder::for_request(&invite, 200, "").to_tag("2").header(HeaderName::Contact, "<sip:b@192.0.2.1>");
        let ok = Message::parse_datagram(ok.build()).expect("our own writing").into_response().expect("a response");
        let mut caller = Dialog::uac(&invite, &ok).expect("the answer to this request, with the same routes");
        let mut last = None;
        for op in ops {
            play(op, &mut caller, &mut callee, &mut last);
        }
    });
}

fn play(op: &Op, caller: &mut Dialog, callee: &mut Dialog, last: &mut Option<(bool, Request)>) {
    match op {
        Op::Send { by_caller, method, contact, arrives } => {
            let (sender, receiver) = if *by_caller { (caller, callee) } else { (callee, caller) };
            let method = METHODS[usize::from(*method) % METHODS.len()];
            let request = sender.request(method).header(HeaderName::Contact, contact_of(contact)).build();
            let request = Message::parse_datagram(request).expect("a dialog writes whole messages");
            let request = request.into_request().expect("and requests");
            let id = DialogId::of_request(&request).expect("readable").expect("within a dialog");
            assert!(receiver.is(&id));
            if *arrives {
                let _ = receiver.receive(&request);
                *last = Some((*by_caller, request));
            }
        }
        Op::Again => {
            if let Some((by_caller, request)) = last {
                let _ = if *by_caller { callee.receive(request) } else { caller.receive(request) };
            }
        }
        Op::Restart(is_caller) => {
            let side = if *is_caller { caller } else { callee };
            let row = postcard::to_allocvec(side).expect("plain data");
            let loaded: Dialog = postcard::from_bytes(&row).expect("what was stored");
            assert_eq!(loaded, *side);
            *side = loaded;
        }
    }
}

/// Routes loose, strict and broken.
fn routes(picks: &[u8]) -> String {
    const ROUTES: [&str; 4] =
        ["<sip:p1.example.net;lr>", "<sip:old.example.net>", "\"P\" <sips:[::1]:5061;lr>;x=1", "<p>"];
    picks.iter().map(|pick| ROUTES[usize::from(*pick).min(60) % 4]).collect::<Vec<_>>().join(", ")
}

/// A Contact that is one more often than not.
fn contact_of(text: &str) -> String {
    if text.len().is_multiple_of(3) { line(text) } else { format!("<sip:a@192.0.2.1;p={}>", line(text)) }
}

/// The text on one line.
fn line(text: &str) -> String {
    text.replace(['\r', '\n', '\0'], " ")
}

#[test]
fn sip_dialog_headers() {
    bolero::check!().for_each(|bytes: &[u8]| {
        if let Ok(value) = SessionExpires::parse(bytes) {
            assert_eq!(SessionExpires::parse(value.to_string().as_bytes()), Ok(value));
        }
        if let Ok(value) = SubscriptionState::parse(bytes) {
            let written = value.to_string();
            assert_eq!(SubscriptionState::parse(written.as_bytes()).expect("ours").to_string(), written);
        }
        if let Ok(value) = Reason::parse(bytes) {
            let written = value.to_string();
            assert_eq!(Reason::parse(written.as_bytes()).expect("ours").cause, value.cause);
        }
        let _ =
            (Event::parse(bytes).map(|event| event.id()), ReferTo::parse(bytes).map(|refer| refer.method()));
        let mut wire = b"INVITE sip:b@h SIP/2.0\r\nSupported: timer\r\nSession-Expires: ".to_vec();
        wire.extend_from_slice(bytes);
        wire.extend_from_slice(b"\r\n\r\n");
        if let Ok(Message::Request(request)) = Message::parse_datagram(wire.into())
            && let Ok(agreed) = Policy::default().answer(&request)
        {
            assert!((90..=1800).contains(&agreed.session_expires.interval_s));
        }
    });
}
