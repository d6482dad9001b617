//! What holds for any input.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use sip::stream::{Frame, Framer};
use sip::uri::{percent_decode, percent_encode_user};
use sip::value::{Contact, elements};
use sip::{Forward, Message, RequestBuilder, Uri};

fn header_name() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9.!%*_+`'~-]{0,20}".prop_filter("Content-Length is written by us", |name| {
        !name.eq_ignore_ascii_case("content-length") && !name.eq_ignore_ascii_case("l")
    })
}

fn header_value() -> impl Strategy<Value = String> {
    "[^\\r\\n\\x00]{0,60}".prop_map(|value| value.trim_ascii().to_owned())
}

fn fixtures() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/sip");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("and readable").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sip"));
    paths.sort();
    assert!(paths.len() > 20);
    paths.into_iter().map(|path| std::fs::read(path).expect("a file")).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        headers in vec((header_name(), header_value()), 0..30),
        body in vec(any::<u8>(), 0..200),
    ) {
        let mut builder = RequestBuilder::new("MESSAGE", "sip:bob@h");
        for (name, value) in &headers {
            builder = builder.header(name.as_str(), value);
        }
        let wire = builder.body("text/plain", body.clone()).build();
        let message = Message::parse_datagram(wire.clone()).unwrap().into_request().unwrap();
        prop_assert_eq!(message.len(), headers.len() + 2);
        for ((name, value), (known, text, read)) in headers.iter().zip(message.iter()) {
            if known == sip::HeaderName::Other {
                prop_assert_eq!(name, text);
            } else {
                prop_assert_eq!(known, sip::HeaderName::of(name.as_bytes()));
            }
            prop_assert_eq!(value.as_bytes(), read);
        }
        prop_assert_eq!(message.body(), &body[..]);
        prop_assert_eq!(Forward::of(&message).build(), wire, "forwarding without edits changes nothing");
    }

    #[test]
    fn a_stream_reads_as_its_datagrams_do_however_it_is_cut(
        bodies in vec(vec(any::<u8>(), 0..50), 1..5),
        cuts in vec(1usize..40, 1..50),
    ) {
        let wires: Vec<Bytes> = bodies
            .iter()
            .map(|body| RequestBuilder::new("INFO", "sip:h").header("X-A", 1).body("a/b", body.clone()).build())
            .collect();
        let stream = wires.concat();
        let (mut framer, mut rest, mut seen) = (Framer::new(100), &stream[..], Vec::new());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            framer.push(piece);
            rest = after;
            while let Some(frame) = framer.poll().unwrap() {
                match frame {
                    Frame::Message(message) => seen.push(message.wire().clone()),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
        prop_assert_eq!(seen, wires);
    }

    #[test]
    fn a_uri_of_valid_parts_comes_apart_into_them(
        user in "[a-z+0-9;?&=,/$]{1,12}",
        host in "[a-z][a-z0-9.-]{0,10}",
        port in proptest::option::of(any::<u16>()),
        params in "(;[a-z]{1,5}(=[a-z0-9]{1,5})?){0,3}",
    ) {
        let port_text = port.map_or(String::new(), |port| format!(":{port}"));
        let text = format!("sip:{user}@{host}{port_text}{params}");
        let uri = Uri::parse(&text).unwrap();
        prop_assert_eq!((uri.user(), uri.host(), uri.port()), (Some(user.as_str()), host.as_str(), port));
        prop_assert_eq!(uri.params().as_str(), params);
        prop_assert!(uri.is_equivalent(&uri) || has_unequal_repeats(&uri));
        let loud = text.replace(&host, &host.to_ascii_uppercase());
        if let Ok(loud) = Uri::parse(&loud) {
            prop_assert_eq!(uri.is_equivalent(&loud), loud.is_equivalent(&uri));
        }
    }

    #[test]
    fn percent_encoding_comes_back(text in "\\PC{0,30}") {
        let encoded = percent_encode_user(&text);
        prop_assert_eq!(percent_decode(&encoded), text.as_str());
        if !text.is_empty() {
            let uri = format!("sip:{encoded}@h");
            let uri = Uri::parse(&uri).unwrap();
            prop_assert_eq!(percent_decode(uri.user().unwrap()), text.as_str());
        }
    }

    #[test]
    fn no_text_panics_a_value_parser(text in vec(any::<u8>(), 0..80)) {
        let _ = Contact::parse(&text).map(|contact| format!("{contact:?}"));
        let _ = sip::Via::parse(&text).map(|via| via.response_address());
        let _ = sip::AcceptContact::parse(&text);
        let _ = sip::CSeq::parse(&text);
        let total: usize = elements(&text).map(<[u8]>::len).sum();
        prop_assert!(total <= text.len());
    }
}

/// `;a=1;a=2`: two values under one name, which nothing is equivalent to.
fn has_unequal_repeats(uri: &Uri<'_>) -> bool {
    uri.params().iter().any(|(name, value)| uri.params().get(name) != Some(value.unwrap_or_default()))
}

/// Calls everything that reads; what comes out does not matter here, that it comes out does.
fn read_all(message: &Message) {
    let _ = (message.via(), message.from(), message.to(), message.call_id(), message.cseq());
    let _ = (message.max_forwards(), message.expires(), message.content_type(), message.body_bytes());
    for via in message.vias().flatten() {
        let _ = via.response_address();
    }
    let _ = message.routes().count();
    for contact in message.contacts().flatten().filter_map(Contact::address) {
        let _ = (contact.q_milli(), contact.expires(), contact.instance(), contact.reg_id());
        let _ = contact.name_addr.display_name();
        for (tag, _) in contact.features().iter() {
            let _ = contact.features().values(tag).count();
        }
        for wanted in message.accept_contacts().flatten() {
            let _ = wanted.fit(contact.features());
        }
    }
    if let Message::Request(request) = message {
        let _ = request.uri();
        let answer = sip::ResponseBuilder::for_request(request, 400, "").to_tag("t").build();
        assert!(Message::parse_datagram(answer).is_ok());
        let forwarded = Forward::of(request).remove_first(sip::HeaderName::Route).build();
        assert!(Message::parse_datagram(forwarded).is_ok());
    }
}

#[test]
fn no_prefix_of_a_message_panics() {
    for fixture in fixtures() {
        for end in 0..fixture.len() {
            match Message::parse_datagram(Bytes::copy_from_slice(&fixture[..end])) {
                Ok(message) => read_all(&message),
                Err(error) => drop(error.response()),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_damaged_message_panics(
        which in any::<prop::sample::Index>(),
        damage in vec((any::<prop::sample::Index>(), prop::sample::select(&b"\r\n:;,<>\"\\@ %=0a\x00\xff"[..])), 1..6),
    ) {
        let fixtures = fixtures();
        let mut bytes = fixtures[which.index(fixtures.len())].clone();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        match Message::parse_datagram(Bytes::from(bytes)) {
            Ok(message) => read_all(&message),
            Err(error) => drop(error.response()),
        }
    }
}
