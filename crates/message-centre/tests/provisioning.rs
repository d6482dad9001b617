//! Handsets that are configured over HTTP, told from the centre's side of it.

mod world;

use message_centre::admin;
use message_centre::provisioning::{Answer, Call, Request};
use rcs::address::Address;
use rcs::provisioning::Document;
use sip::Transport;
use store::ConfigurationState;
use world::{DOMAIN, Phone, World, seconds};

const ALICE: &str = "+8613800000001";
const NOBODY: &str = "+8613899999999";

fn address(number: &str) -> Address {
    Address::subscriber(number).expect("a number")
}

/// A handset over HTTPS that says whose it is.
fn request(number: &str) -> Request {
    Request {
        peer: "203.0.113.7".parse().expect("an address"),
        is_secure: true,
        proven: None,
        claimed: Some(address(number)),
        cookie: None,
        otp: None,
        token: None,
        version: 0,
        imei: Some("35824005-944763-1".to_owned()),
        name: Some("Swan 3".to_owned()),
    }
}

fn call(world: &mut World, call: Call) -> Answer {
    match world.ask(admin::Call::Provisioning(call)) {
        admin::Answer::Provisioning(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn ask(world: &mut World, request: Request) -> Answer {
    call(world, Call::Ask(request))
}

fn cookie(answer: Answer) -> String {
    let Answer::Cookie(cookie, _) = answer else { panic!("{answer:?}") };
    cookie
}

fn document(answer: Answer) -> Document {
    let Answer::Document(xml) = answer else { panic!("{answer:?}") };
    Document::parse(xml.as_bytes()).expect("a document")
}

fn otp(world: &mut World, number: &str) -> String {
    let answer = call(world, Call::Otp(address(number)));
    let Answer::Otp(otp, _) = answer else { panic!("{answer:?}") };
    otp
}

/// The whole way by one-time password.
fn configured(world: &mut World, number: &str) -> Document {
    let cookie = cookie(ask(world, request(number)));
    let otp = otp(world, number);
    document(ask(world, Request { cookie: Some(cookie), otp: Some(otp), ..request(number) }))
}

/// A handset that logs in with what a document says.
fn handset_of(world: &mut World, number: &str, document: &Document) -> Phone {
    let phone = world.device(number, Transport::Ws);
    log_in_with(world, phone, document);
    phone
}

fn log_in_with(world: &mut World, phone: Phone, document: &Document) {
    let authentication =
        document.application("ap2001").and_then(|ims| ims.group("APPAUTH")).expect("APPAUTH");
    let value = |name: &str| authentication.parm(name).expect(name).to_owned();
    assert_eq!(value("Realm"), DOMAIN);
    world.phones[phone].login = (value("UserName"), value("UserPwd"));
    world.phones[phone].is_registered = false;
    world.phones[phone].responses.clear();
    world.register(phone);
}

/// With a subscriber, Alice, who has no device.
fn world() -> World {
    let mut world = World::new();
    world.device(ALICE, Transport::Udp);
    world
}

#[test]
fn a_handset_is_configured_by_one_time_password_and_registers_with_what_it_was_told() {
    let mut world = world();
    let document = configured(&mut world, ALICE);
    assert_eq!(document.version(), Some(1));
    assert!(document.token().is_some() && document.application("ap2002").is_some());
    let phone = handset_of(&mut world, ALICE, &document);
    assert!(world.phones[phone].is_registered);
    let kept = world.store().configuration(&address(ALICE)).unwrap().unwrap();
    assert_eq!(kept.devices[0].registered_as, [world.phones[phone].instance.clone()]);
    assert_eq!(kept.devices[0].name.as_deref(), Some("Swan 3"));
}

#[test]
fn a_wrong_password_is_511_three_times_and_then_even_the_right_one() {
    let mut world = world();
    let cookie = cookie(ask(&mut world, request(ALICE)));
    let right = otp(&mut world, ALICE);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for otp in [wrong, "", wrong, &right] {
        let again = Request {
            cookie: Some(cookie.clone()),
            otp: Some(otp.to_owned()),
            claimed: None,
            ..request(ALICE)
        };
        assert_eq!(ask(&mut world, again), Answer::Unproven);
    }
    assert!(world.store().configuration(&address(ALICE)).unwrap().is_none());
}

#[test]
fn a_password_is_good_for_ten_minutes_and_in_its_own_session_only() {
    let mut world = world();
    let first = cookie(ask(&mut world, request(ALICE)));
    let of_first = otp(&mut world, ALICE);
    let second = cookie(ask(&mut world, request(ALICE)));
    let of_second = otp(&mut world, ALICE);
    assert_ne!(of_first, of_second);
    let with = |cookie: &str, otp: &str| Request {
        cookie: Some(cookie.to_owned()),
        otp: Some(otp.to_owned()),
        claimed: None,
        ..request(ALICE)
    };
    assert_eq!(ask(&mut world, with(&second, &of_first)), Answer::Unproven);
    world.run_for(seconds(601));
    assert_eq!(ask(&mut world, with(&first, &of_first)), Answer::Unproven);
    assert_eq!(call(&mut world, Call::Otp(address(ALICE))), Answer::NotFound);
}

#[test]
fn a_number_that_nobody_has_looks_like_any_other() {
    let mut world = world();
    let cookie = cookie(ask(&mut world, request(NOBODY)));
    assert_eq!(call(&mut world, Call::Otp(address(NOBODY))), Answer::NotFound);
    for _ in 0..4 {
        let again = Request {
            cookie: Some(cookie.clone()),
            otp: Some("123456".to_owned()),
            claimed: None,
            ..request(NOBODY)
        };
        assert_eq!(ask(&mut world, again), Answer::Unproven);
    }
}

#[test]
fn one_number_and_one_address_may_start_so_often_and_no_more() {
    let mut world = world();
    for _ in 0..5 {
        cookie(ask(&mut world, request(ALICE)));
    }
    assert!(matches!(ask(&mut world, request(ALICE)), Answer::Later(_)));
    for i in 0..55 {
        cookie(ask(&mut world, request(&format!("+86138111111{i:02}"))));
    }
    assert!(matches!(ask(&mut world, request("+8613822222222")), Answer::Later(_)));
    world.run_for(seconds(3600));
    cookie(ask(&mut world, request(ALICE)));
}

#[test]
fn a_device_that_comes_again_is_told_the_version_alone() {
    let mut world = world();
    let first = configured(&mut world, ALICE);
    let again =
        Request { token: first.token().map(str::to_owned), version: 1, claimed: None, ..request(ALICE) };
    let second = document(ask(&mut world, again.clone()));
    assert_eq!((second.version(), second.characteristics.len()), (Some(1), 1));
    // It has lost its configuration, or never got it: a new version with new secrets.
    let third = document(ask(&mut world, Request { version: 0, ..again }));
    assert_eq!(third.version(), Some(2));
    assert_ne!(third.token(), first.token());
    assert_eq!(world.store().configuration(&address(ALICE)).unwrap().unwrap().devices.len(), 1);
}

#[test]
fn other_settings_are_another_version() {
    let mut world = world();
    let first = configured(&mut world, ALICE);
    world.crash();
    world.config = |config| config.provisioning.settings.register_retry_s = (60, 1800);
    world.start();
    let again =
        Request { token: first.token().map(str::to_owned), version: 1, claimed: None, ..request(ALICE) };
    let second = document(ask(&mut world, again));
    assert_eq!(second.version(), Some(2));
    assert_eq!(second.application("ap2001").unwrap().parm("RegRetryBaseTime"), Some("60"));
}

#[test]
fn old_secrets_are_good_until_the_new_ones_are_used() {
    let mut world = world();
    let first = configured(&mut world, ALICE);
    let again =
        Request { token: first.token().map(str::to_owned), version: 0, claimed: None, ..request(ALICE) };
    // The answer is lost on its way: the device has the first document still.
    document(ask(&mut world, again.clone()));
    let phone = handset_of(&mut world, ALICE, &first);
    assert!(world.phones[phone].is_registered);
    let third = document(ask(&mut world, again.clone()));
    log_in_with(&mut world, phone, &third);
    assert!(world.phones[phone].is_registered);
    log_in_with(&mut world, phone, &first);
    assert!(!world.phones[phone].is_registered);
    assert_eq!(ask(&mut world, again), Answer::Unproven);
}

#[test]
fn secrets_that_are_taken_back_let_nobody_in_any_more() {
    let mut world = world();
    let stolen = configured(&mut world, ALICE);
    let phone = handset_of(&mut world, ALICE, &stolen);
    let other = configured(&mut world, ALICE);
    assert_eq!(other.version(), Some(2), "the same device, by its IMEI");
    let tablet = cookie(ask(&mut world, request(ALICE)));
    let code = otp(&mut world, ALICE);
    let tablet = Request { cookie: Some(tablet), otp: Some(code), imei: None, ..request(ALICE) };
    let tablet = document(ask(&mut world, tablet));
    let kept = world.store().configuration(&address(ALICE)).unwrap().unwrap();
    assert_eq!(kept.devices.len(), 2);
    let revoke = Call::Revoke(address(ALICE), Some(kept.devices[0].id.clone()));
    assert_eq!(call(&mut world, revoke), Answer::Done);
    assert!(world.store().bindings(&address(ALICE)).unwrap().list.is_empty(), "let go at once");
    for document in [&stolen, &other] {
        log_in_with(&mut world, phone, document);
        assert!(!world.phones[phone].is_registered);
    }
    let phone = handset_of(&mut world, ALICE, &tablet);
    assert!(world.phones[phone].is_registered, "the other device goes on");
    assert_eq!(call(&mut world, Call::Revoke(address(ALICE), Some("none".to_owned()))), Answer::NotFound);
    assert_eq!(call(&mut world, Call::Revoke(address(ALICE), None)), Answer::Done);
    log_in_with(&mut world, phone, &tablet);
    assert!(!world.phones[phone].is_registered);
}

#[test]
fn a_device_that_registers_under_many_names_is_let_go_under_all_of_them() {
    let mut world = world();
    let document = configured(&mut world, ALICE);
    let phone = handset_of(&mut world, ALICE, &document);
    for name in 0..9 {
        world.phones[phone].instance = format!("urn:uuid:00000000-0000-4000-9000-{name:012}");
        world.register(phone);
    }
    assert_eq!(world.store().bindings(&address(ALICE)).unwrap().list.len(), 10);
    assert_eq!(call(&mut world, Call::Revoke(address(ALICE), None)), Answer::Done);
    assert!(world.store().bindings(&address(ALICE)).unwrap().list.is_empty());
}

#[test]
fn an_operator_disables_a_handset_and_enables_it_again() {
    let mut world = world();
    let first = configured(&mut world, ALICE);
    let phone = handset_of(&mut world, ALICE, &first);
    let again =
        Request { token: first.token().map(str::to_owned), version: 1, claimed: None, ..request(ALICE) };
    for (state, version) in [
        (ConfigurationState::Stopped, -1),
        (ConfigurationState::Disabled, -2),
        (ConfigurationState::Dormant, -3),
    ] {
        assert_eq!(call(&mut world, Call::SetState(address(ALICE), state)), Answer::Done);
        let told = document(ask(&mut world, again.clone()));
        assert_eq!((told.version(), told.characteristics.len()), (Some(version), 1));
    }
    log_in_with(&mut world, phone, &first);
    assert!(!world.phones[phone].is_registered);
    call(&mut world, Call::SetState(address(ALICE), ConfigurationState::Reset));
    assert_eq!(document(ask(&mut world, again.clone())).version(), Some(0));
    let anew = document(ask(&mut world, Request { version: 0, ..again }));
    log_in_with(&mut world, phone, &anew);
    assert!(world.phones[phone].is_registered);
    assert_eq!(
        call(&mut world, Call::SetState(address(NOBODY), ConfigurationState::Reset)),
        Answer::NotFound
    );
}

#[test]
fn what_the_network_says_is_believed_in_the_open_and_told_under_tls() {
    let mut world = world();
    let known = Request { proven: Some(address(ALICE)), claimed: None, ..request(ALICE) };
    let in_the_open = Request { is_secure: false, ..known.clone() };
    let cookie = cookie(ask(&mut world, in_the_open.clone()));
    let with_cookie = Request { cookie: Some(cookie), claimed: None, ..request(ALICE) };
    assert_eq!(
        ask(&mut world, Request { is_secure: false, ..with_cookie.clone() }),
        Answer::Unproven,
        "secrets are told where nobody listens"
    );
    assert_eq!(document(ask(&mut world, with_cookie.clone())).version(), Some(1));
    assert_eq!(ask(&mut world, with_cookie), Answer::Unproven, "good for one document");
    let stranger = Request { proven: Some(address(NOBODY)), ..known };
    assert_eq!(ask(&mut world, stranger.clone()), Answer::Forbidden);
    assert_eq!(ask(&mut world, Request { is_secure: false, ..stranger }), Answer::Forbidden);
    let nobody = Request { proven: None, ..in_the_open };
    assert_eq!(ask(&mut world, nobody), Answer::Unproven);
}

#[test]
fn a_removed_subscriber_leaves_no_secrets_behind() {
    let mut world = world();
    let document = configured(&mut world, ALICE);
    world.admin(admin::Call::RemoveSubscriber(address(ALICE)));
    let phone = handset_of(&mut world, ALICE, &document);
    assert!(!world.phones[phone].is_registered);
}

#[test]
fn an_eleventh_device_takes_the_place_of_the_one_seen_least_lately() {
    let mut world = World::with(1, |config| config.provisioning.starts_per_number = 100);
    world.device(ALICE, Transport::Udp);
    for i in 0..11 {
        let cookie = cookie(ask(&mut world, request(ALICE)));
        let otp = otp(&mut world, ALICE);
        let imei = Some(format!("device {i}"));
        document(ask(&mut world, Request { cookie: Some(cookie), otp: Some(otp), imei, ..request(ALICE) }));
        world.run_for(seconds(10));
    }
    let devices = world.store().configuration(&address(ALICE)).unwrap().unwrap().devices;
    assert_eq!(devices.len(), 10);
    assert!(devices.iter().all(|device| device.imei.as_deref() != Some("device 0")));
}
