//! SIP messages from any bytes: nothing panics, and what is read can be answered and passed on.

use bytes::Bytes;
use sip::digest::{Authorization, Challenge};
use sip::value::Contact;
use sip::{Forward, HeaderName, Message, ResponseBuilder};

#[test]
fn sip_message() {
    bolero::check!().for_each(|bytes: &[u8]| {
        match Message::parse_datagram(Bytes::copy_from_slice(bytes)) {
            Ok(message) => read(&message),
            Err(error) => {
                if let Some(answer) = error.response() {
                    let answer = Message::parse_datagram(answer).expect("our answer is a message");
                    assert_eq!(answer.into_response().map(|answer| answer.status()), Some(error.status()));
                }
            }
        };
    });
}

/// The same, with a start that lets random bytes reach the headers.
#[test]
fn sip_headers() {
    bolero::check!().for_each(|bytes: &[u8]| {
        for name in
            ["Via", "From", "Contact", "Accept-Contact", "Authorization", "CSeq", "Route", "Content-Length"]
        {
            let mut wire = format!("MESSAGE sip:h SIP/2.0\r\nCall-ID: 1\r\n{name}: ").into_bytes();
            wire.extend_from_slice(bytes);
            wire.extend_from_slice(b"\r\n\r\n");
            if let Ok(message) = Message::parse_datagram(Bytes::from(wire)) {
                read(&message);
            }
        }
    });
}

fn read(message: &Message) {
    let _ = (message.via(), message.from(), message.to(), message.call_id(), message.cseq());
    let _ = (message.max_forwards(), message.expires());
    for via in message.vias().flatten() {
        let _ = (via.response_address(), via.branch(), via.alias());
    }
    for contact in message.contacts().flatten().filter_map(Contact::address) {
        let _ = (contact.q_milli(), contact.expires(), contact.instance(), contact.reg_id());
        for wanted in message.accept_contacts().flatten() {
            let _ = wanted.fit(contact.features());
        }
    }
    for value in message.all(HeaderName::Authorization) {
        let _ = (Authorization::parse(value), Challenge::parse(value));
    }
    let Message::Request(request) = message else {
        return;
    };
    let source = "192.0.2.1:5060".parse().expect("an address");
    let answer = ResponseBuilder::for_request(request, 200, "").to_tag("t").source(source).build();
    assert!(Message::parse_datagram(answer).is_ok());
    let forwarded =
        Message::parse_datagram(Forward::of(request).build()).expect("what we forward is a message");
    assert_eq!(forwarded.body(), request.body());
    assert_eq!(forwarded.from(), request.from());
    assert_eq!(forwarded.via(), request.via());
}
