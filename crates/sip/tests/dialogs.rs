//! Dialogs: what a request and its response make of each other, and what either side writes afterwards.

mod fixture;

use std::time::Duration;

use bytes::Bytes;
use fixture::{fixture, request, response};
use proptest::prelude::*;
use sip::dialog::session_timer::{
    Disagreement, Policy, Refresher, SessionExpires, SessionTimer, TooBrief, min_se,
};
use sip::dialog::{Dialog, DialogId, InDialogError, ROUTES_MAX, TEXT_BYTES_MAX, Unacknowledged};
use sip::transaction::{OnTimeout, Timing};
use sip::value::{Event, Substate};
use sip::{
    HeaderName, Message, Method, Reason, ReferTo, Request, RequestBuilder, Response, ResponseBuilder,
    SubscriptionState,
};

fn parsed(bytes: Bytes) -> Request {
    Message::parse_datagram(bytes).expect("our own writing").into_request().expect("a request")
}

fn answer(to: &Request, status: u16, contact: &str) -> Response {
    let answer =
        ResponseBuilder::for_request(to, status, "").to_tag("u").header(HeaderName::Contact, contact);
    Message::parse_datagram(answer.build()).expect("our own writing").into_response().expect("a response")
}

/// The caller's and the callee's view of the dialog in the fixtures.
fn both_sides() -> (Dialog, Dialog) {
    let (invite, ok) = (request("dialog-invite-record-route"), response("dialog-200-record-route"));
    (Dialog::uac(&invite, &ok).expect("a dialog"), Dialog::uas(&invite, "314159").expect("a dialog"))
}

#[test]
fn both_sides_of_a_dialog_know_the_same_of_each_other() {
    let (caller, callee) = both_sides();
    let call_id = "3848276298220188511@192.0.2.7";
    assert_eq!(caller.id(), DialogId::new(call_id, "9fxced76sl", "314159"));
    assert_eq!(callee.id(), DialogId::new(call_id, "314159", "9fxced76sl"));
    assert_eq!((caller.local_uri(), caller.remote_uri()), (callee.remote_uri(), callee.local_uri()));
    assert_eq!(caller.remote_target(), "sip:+8613800000002@198.51.100.4;transport=tcp");
    assert_eq!(callee.remote_target(), "sip:+8613800000001@192.0.2.7:5060;transport=tcp");
    assert_eq!(caller.local_cseq(), 2);
}

#[test]
fn requests_within_a_dialog_are_written_byte_for_byte() {
    let (caller, mut callee) = both_sides();
    // RFC 3261 §12.1.2: the caller goes through the proxies the other way round.
    assert_eq!(caller.ack(2).build(), fixture("dialog-ack"));
    assert_eq!(callee.bye().build(), fixture("dialog-bye-by-callee"));
}

#[test]
fn a_caller_that_routes_the_other_side_to_itself_does_not_visit_itself() {
    let (invite, ok) = (request("dialog-invite-record-route"), response("dialog-200-record-route"));
    let mut caller = Dialog::uac(&invite, &ok).unwrap().without_first_route();
    let bye = parsed(caller.bye().build());
    assert_eq!(bye.routes().next().unwrap().unwrap().uri.host(), "p1.example.net");
}

#[test]
fn each_side_finds_the_dialog_of_what_the_other_sends() {
    let (mut caller, mut callee) = both_sides();
    let bye = request("dialog-bye-by-callee");
    assert!(caller.is(&DialogId::of_request(&bye).unwrap().unwrap()));
    caller.receive(&bye).unwrap();
    let update = parsed(caller.request("UPDATE").build());
    assert_eq!(update.cseq().unwrap().number, 3);
    assert!(callee.is(&DialogId::of_request(&update).unwrap().unwrap()));
    callee.receive(&update).unwrap();
    assert!(caller.is(&DialogId::of_response(&response("dialog-200-record-route")).unwrap()));
    assert_eq!(DialogId::of_request(&request("dialog-invite-record-route")), Ok(None));
}

#[test]
fn what_comes_after_a_later_request_is_refused_with_500() {
    let (mut caller, mut callee) = both_sides();
    let (early, late) =
        (parsed(caller.request("MESSAGE").build()), parsed(caller.request("MESSAGE").build()));
    callee.receive(&late).unwrap();
    let before = callee.clone();
    let refused = callee.receive(&early).unwrap_err();
    assert_eq!((refused, refused.status()), (InDialogError::OutOfOrder, 500));
    assert_eq!(callee, before);
    // The ACK to the first INVITE may come when later requests have been here, and repeats are let through.
    callee.receive(&parsed(caller.ack(2).build())).unwrap();
    callee.receive(&late).unwrap();
}

#[test]
fn a_target_refresh_moves_the_remote_target() {
    let (mut caller, mut callee) = both_sides();
    let moved = "<sip:new@192.0.2.99>";
    let request = parsed(caller.request("MESSAGE").header(HeaderName::Contact, moved).build());
    callee.receive(&request).unwrap();
    assert_eq!(callee.remote_target(), "sip:+8613800000001@192.0.2.7:5060;transport=tcp");
    let request = parsed(caller.request("INVITE").header(HeaderName::Contact, moved).build());
    callee.receive(&request).unwrap();
    assert_eq!(callee.remote_target(), "sip:new@192.0.2.99");
    assert_eq!(caller.receive_response(&answer(&request, 200, "<sip:other@192.0.2.5>")), Ok(true));
    assert_eq!(caller.remote_target(), "sip:other@192.0.2.5");
    assert_eq!(caller.receive_response(&answer(&request, 488, "<sip:no@192.0.2.5>")), Ok(true));
    assert_eq!(caller.remote_target(), "sip:other@192.0.2.5");
    assert_eq!(caller.receive_response(&answer(&request, 481, "<sip:no@192.0.2.5>")), Ok(false));
}

#[test]
fn a_strict_router_stands_in_the_request_line() {
    let invite = RequestBuilder::new("INVITE", "sip:b@h")
        .header(HeaderName::RecordRoute, "<sip:strict.example.net>, <sip:loose.example.net;lr>")
        .header(HeaderName::From, "<sip:a@h>;tag=1")
        .header(HeaderName::To, "<sip:b@h>")
        .header(HeaderName::CallId, "c")
        .header(HeaderName::CSeq, "1 INVITE")
        .header(HeaderName::Contact, "<sip:a@192.0.2.1>");
    let mut dialog = Dialog::uas(&parsed(invite.build()), "2").unwrap();
    let bye = parsed(dialog.bye().build());
    assert_eq!(bye.uri_text(), "sip:strict.example.net");
    let routes: Vec<String> = bye.routes().map(|route| route.unwrap().uri.as_str().to_owned()).collect();
    assert_eq!(routes, ["sip:loose.example.net;lr", "sip:a@192.0.2.1"]);
}

#[test]
fn a_dialog_without_contact_or_beyond_its_ceilings_is_refused() {
    let invite = |extra: &[(HeaderName, String)]| {
        let builder = RequestBuilder::new("INVITE", "sip:b@h")
            .header(HeaderName::From, "<sip:a@h>;tag=1")
            .header(HeaderName::To, "<sip:b@h>")
            .header(HeaderName::CSeq, "1 INVITE");
        let builder = extra.iter().fold(builder, |builder, (name, value)| builder.header(*name, value));
        Dialog::uas(&parsed(builder.build()), "2").map_err(|error| error.header)
    };
    let call_id = |length: usize| (HeaderName::CallId, "c".repeat(length));
    let contact = (HeaderName::Contact, "<sip:a@192.0.2.1>".to_owned());
    assert!(invite(&[call_id(TEXT_BYTES_MAX), contact.clone()]).is_ok());
    assert_eq!(invite(&[call_id(TEXT_BYTES_MAX + 1), contact.clone()]), Err("Call-ID"));
    assert_eq!(invite(&[call_id(1)]), Err("Contact"));
    let far = (HeaderName::Contact, format!("<sip:{}@192.0.2.1>", "a".repeat(TEXT_BYTES_MAX)));
    assert_eq!(invite(&[call_id(1), far]), Err("Contact"));
    let routes = |count: usize| (HeaderName::RecordRoute, vec!["<sip:p@h;lr>"; count].join(","));
    assert!(invite(&[call_id(1), contact.clone(), routes(ROUTES_MAX)]).is_ok());
    assert_eq!(invite(&[call_id(1), contact, routes(ROUTES_MAX + 1)]), Err("Record-Route"));
}

#[test]
fn a_response_to_another_request_opens_no_dialog() {
    let (invite, ok) = (request("dialog-invite-record-route"), response("dialog-200-record-route"));
    assert!(Dialog::uac(&request("invite-rfc3261"), &ok).is_err());
    assert!(Dialog::uac(&invite, &ok).is_ok());
}

#[test]
fn a_2xx_is_repeated_until_its_ack_comes() {
    let (timing, start) = (Timing::default(), Duration::from_secs(100));
    let ok = fixture("dialog-200-record-route");
    let mut waiting = Unacknowledged::new(start, ok.clone(), &timing);
    let mut sent = Vec::new();
    let mut ending = OnTimeout::Wait;
    while let Some(at) = waiting.poll_timeout() {
        match waiting.handle_timeout(at, &timing) {
            OnTimeout::Send(again) => {
                assert_eq!(again, ok);
                sent.push((at - start).as_millis());
            }
            other => ending = other,
        }
    }
    assert_eq!(sent[..5], [500, 1500, 3500, 7500, 11_500], "T1 doubles up to T2");
    assert_eq!((sent.len(), ending), (10, OnTimeout::GiveUp));

    let mut waiting = Unacknowledged::new(start, ok, &timing);
    assert_eq!(waiting.handle_timeout(start, &timing), OnTimeout::Wait);
    waiting.handle_ack();
    assert_eq!(waiting.poll_timeout(), None);
    assert_eq!(waiting.handle_timeout(start + Duration::from_secs(60), &timing), OnTimeout::End);
}

#[test]
fn session_timers_are_agreed_on() {
    let invite = |headers: &[(HeaderName, &str)]| {
        let builder = RequestBuilder::new("INVITE", "sip:b@h");
        parsed(headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value)).build())
    };
    let policy = Policy::default();
    let known = (HeaderName::Supported, "timer");
    let agreed = |headers: &[(HeaderName, &str)]| {
        policy.answer(&invite(headers)).map(|agreed| (agreed.session_expires.to_string(), agreed.is_required))
    };
    let uac = |text: &str| Ok((format!("{text};refresher=uac"), true));
    let uas = |text: &str| Ok((format!("{text};refresher=uas"), false));
    assert_eq!(agreed(&[known]), uac("1800"));
    assert_eq!(agreed(&[]), uas("1800"), "who knows nothing of timers cannot refresh");
    assert_eq!(agreed(&[known, (HeaderName::SessionExpires, "600;refresher=uas")]), uas("600"));
    assert_eq!(agreed(&[known, (HeaderName::SessionExpires, "86400")]), uac("1800"));
    let patient = [known, (HeaderName::SessionExpires, "86400"), (HeaderName::MinSe, "3600")];
    assert_eq!(agreed(&patient), uac("3600"), "not below the peer's minimum");
    let brief = policy.answer(&invite(&[known, (HeaderName::SessionExpires, "89")]));
    assert_eq!(brief, Err(Disagreement::TooBrief(TooBrief { min_s: 90 })));
    assert!(matches!(
        policy.answer(&invite(&[known, (HeaderName::SessionExpires, "soon")])),
        Err(Disagreement::Malformed(_))
    ));
}

#[test]
fn the_caller_learns_what_was_agreed_on() {
    let (invite, ok) = (request("dialog-invite-record-route"), response("dialog-200-record-route"));
    let policy = Policy::default();
    assert_eq!(
        SessionExpires::of(&ok),
        Ok(Some(SessionExpires { interval_s: 1800, refresher: Some(Refresher::Uac) }))
    );
    assert_eq!(policy.agreed(&ok), Ok(Some(SessionTimer { interval_s: 1800, is_ours: true })));
    assert_eq!((min_se(&invite), policy.retry(&ok)), (Ok(Some(90)), Ok(None)));
    let refused = ResponseBuilder::for_request(&invite, 422, "").header(HeaderName::MinSe, "3600").build();
    let refused = Message::parse_datagram(refused).unwrap().into_response().unwrap();
    assert_eq!(refused.reason(), "Session Interval Too Small");
    assert_eq!(policy.retry(&refused), Ok(Some(3600)));
    assert_eq!(policy.agreed(&refused), Ok(None));
}

#[test]
fn a_subscription_and_its_end_are_read() {
    let subscribe = request("subscribe-conference");
    assert_eq!(subscribe.method(), Method::Subscribe);
    let event = Event::parse(subscribe.raw(HeaderName::Event).unwrap()).unwrap();
    assert_eq!((event.package, event.id()), ("conference", None));
    let dialog = Dialog::uas(&subscribe, "b").unwrap();
    assert_eq!(dialog.id(), DialogId::new("LbxE8W3nXc", "b", "SJ3~k"));
    let notify = request("notify-terminated");
    assert_eq!(DialogId::of_request(&notify), Ok(Some(DialogId::new("LbxE8W3nXc", "SJ3~k", "b"))));
    let state = SubscriptionState::parse(notify.raw(HeaderName::SubscriptionState).unwrap()).unwrap();
    assert_eq!((state.substate, state.reason), (Substate::Terminated, Some("noresource")));
}

#[test]
fn a_refer_is_read() {
    let refer = request("refer-remove");
    let refer_to = ReferTo::parse(refer.raw(HeaderName::ReferTo).unwrap()).unwrap();
    assert_eq!((refer_to.method(), refer_to.name_addr.uri.user()), (Method::Bye, Some("+8613800000003")));
    assert_eq!(refer.header(HeaderName::ReferSub).as_deref(), Some("false"));
    assert_eq!(refer.address(HeaderName::ReferredBy).unwrap().uri.user(), Some("+8613800000001"));
    assert!(Reason::parse(refer.raw(HeaderName::Reason).unwrap()).unwrap().is_sip(410));
}

proptest! {
    /// Requests of both sides in any order, of which the network loses some, repeats some and delays some: what is taken never
    /// has a lower CSeq than what was taken before, and nothing fresh is refused.
    #[test]
    fn cseqs_never_fall(ops in proptest::collection::vec((any::<bool>(), 0u8..4, 0usize..6), 1..60)) {
        let (mut caller, mut callee) = both_sides();
        let mut air: Vec<(bool, Request)> = Vec::new();
        let mut last = [2, 0];
        for (by_caller, what, which) in ops {
            match what {
                0 | 1 => {
                    let side = if by_caller { &mut caller } else { &mut callee };
                    air.push((by_caller, parsed(side.request("MESSAGE").build())));
                }
                _ if air.is_empty() => {}
                what => {
                    let at = which % air.len();
                    let (by_caller, request) = if what == 2 { air.remove(at) } else { air[at].clone() };
                    let number = request.cseq().unwrap().number;
                    let (receiver, last) = if by_caller { (&mut callee, &mut last[0]) } else { (&mut caller, &mut last[1]) };
                    prop_assert!(receiver.is(&DialogId::of_request(&request).unwrap().unwrap()));
                    match receiver.receive(&request) {
                        Ok(()) => { prop_assert!(number >= *last); *last = number; }
                        Err(error) => { prop_assert_eq!(error, InDialogError::OutOfOrder); prop_assert!(number < *last); }
                    }
                }
            }
        }
    }

    #[test]
    fn session_expires_reads_back(interval_s in any::<u32>(), who in 0..3) {
        let refresher = [None, Some(Refresher::Uac), Some(Refresher::Uas)][who as usize];
        let value = SessionExpires { interval_s, refresher };
        prop_assert_eq!(SessionExpires::parse(value.to_string().as_bytes()), Ok(value));
    }

    #[test]
    fn subscription_values_are_read_or_refused(text in "[ -~]{0,60}") {
        let bytes = text.as_bytes();
        if let Ok(state) = SubscriptionState::parse(bytes) {
            let written = state.to_string();
            prop_assert_eq!(SubscriptionState::parse(written.as_bytes()).map(|again| again.to_string()), Ok(written.clone()));
        }
        let _ = (Event::parse(bytes), ReferTo::parse(bytes).map(|refer_to| refer_to.method().to_string()), Reason::parse(bytes).map(|reason| reason.to_string()));
    }
}
