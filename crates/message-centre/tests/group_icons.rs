//! The pictures that groups are known by: who may change them, who hears of it, and when they go.

mod world;

use message_centre::files::{Foreign, Rules};
use message_centre::group::icon::{Call, Flaw, Picture};
use message_centre::{Config, admin};
use rcs::cpim::CpimBuilder;
use rcs::group_data::{CONTENT_TYPE, GroupData, Icon};
use store::{Family, IconPicture, Usage};
use world::{CONTENT, Phone, World};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const CAROL: &str = "+8613800000003";

fn with_content_server(config: &mut Config) {
    config.files = Rules {
        quota: Usage { files: 3, bytes: 100 },
        url_prefixes: vec![CONTENT.to_owned(), "https://partner.example/".to_owned()],
        foreign: Foreign::Refuse,
    };
}

/// Alice's group with Bob, both of them there.
fn two() -> (World, [Phone; 2], String) {
    let mut world = World::with(1, with_content_server);
    let phones = [world.handset(ALICE), world.handset(BOB)];
    let focus = world.make_group(phones[0], "周末", &[BOB]);
    (world, phones, focus)
}

/// Asks for an icon and gives the answer.
fn ask(world: &mut World, phone: Phone, focus: &str, icon: Option<Icon>) -> u16 {
    world.send_typed(phone, focus, CONTENT_TYPE, &GroupData::Icon(icon).to_xml());
    world.run_until_idle();
    *world.phones[phone].responses.last().expect("an answer")
}

fn link(name: &str) -> Option<Icon> {
    Some(Icon::Url(format!("{CONTENT}{name}")))
}

/// The picture that a handset would fetch.
fn fetched(world: &World, phone: Phone, focus: &str) -> IconPicture {
    let url = world.icon(phone, focus).expect("an icon").url.expect("a link");
    let id = url.strip_prefix(CONTENT).expect("a link to us").parse().expect("an id");
    world.store().icon(id).expect("readable").expect("the picture is there")
}

fn pictures(world: &World) -> usize {
    let mut count = 0;
    world.store().dump(Family::Icons, |_| count += 1).expect("readable");
    count
}

#[test]
fn an_icon_is_told_to_everybody_and_outlives_a_restart() {
    let (mut world, [alice, bob], focus) = two();
    assert_eq!(ask(&mut world, bob, &focus, link("abc")), 200);
    for phone in [alice, bob] {
        let icon = world.icon(phone, &focus).expect("told by a partial document");
        assert_eq!(icon.participant.as_deref(), Some("sip:+8613800000002@hongyan.local;user=phone"));
        assert!(icon.timestamp.is_some());
        assert_eq!(fetched(&world, phone, &focus).bytes, format!("{CONTENT}abc"));
        assert_eq!(world.phones[phone].groups.seen[&focus].gaps, 0);
        assert_eq!(world.subject(phone, &focus).as_deref(), Some("周末"), "and nothing else has changed");
    }
    assert!(world.phones[alice].inbox.is_empty(), "a change is no message");
    world.crash();
    world.start();
    let carol = world.handset(CAROL);
    world.refer(alice, &focus, &format!("<sip:{CAROL}@hongyan.local>"));
    world.run_until_idle();
    assert_eq!(fetched(&world, carol, &focus).bytes, format!("{CONTENT}abc"), "told by a full document");
}

#[test]
fn a_picture_goes_when_another_takes_its_place_when_it_is_taken_away_and_with_its_group() {
    let (mut world, [alice, bob], focus) = two();
    ask(&mut world, alice, &focus, link("first"));
    ask(&mut world, alice, &focus, link("second"));
    assert_eq!(
        (pictures(&world), fetched(&world, bob, &focus).bytes),
        (1, format!("{CONTENT}second").into())
    );
    assert_eq!(ask(&mut world, bob, &focus, None), 200);
    assert_eq!((pictures(&world), world.icon(alice, &focus)), (0, None));
    ask(&mut world, bob, &focus, link("third"));
    assert_eq!(pictures(&world), 1);
    world.leave(alice, &focus);
    world.leave(bob, &focus);
    assert_eq!(pictures(&world), 0);
}

#[test]
fn a_picture_comes_in_the_message_or_beside_it() {
    let (mut world, [alice, bob], focus) = two();
    let bytes = "not looked at here".as_bytes();
    assert_eq!(ask(&mut world, alice, &focus, Some(Icon::Inline(bytes.into()))), 200);
    assert_eq!(fetched(&world, bob, &focus).bytes, bytes);
    let document =
        rcs::multipart::Part::new(CONTENT_TYPE, GroupData::Icon(Some(Icon::Part("p@x".to_owned()))).to_xml());
    let picture = rcs::multipart::Part::new("image/png", "beside").with_header("Content-ID", "<p@x>");
    let (content_type, body) = rcs::multipart::write(&[document.clone(), picture]);
    world.send_typed(alice, &focus, &content_type, std::str::from_utf8(&body).expect("text"));
    world.run_until_idle();
    assert_eq!(fetched(&world, bob, &focus).bytes, "beside");
    let (content_type, body) = rcs::multipart::write(&[document]);
    world.send_typed(alice, &focus, &content_type, std::str::from_utf8(&body).expect("text"));
    world.run_until_idle();
    assert_eq!(world.phones[alice].responses.last(), Some(&400), "its part is missing");
    assert_eq!(fetched(&world, bob, &focus).bytes, "beside");
    // Other things of several parts are words.
    let part = |text: &str| rcs::multipart::Part::new("text/plain", text.to_owned());
    let (content_type, body) = rcs::multipart::write(&[part("one"), part("two")]);
    let words = CpimBuilder::new(&format!("sip:{ALICE}@hongyan.local"), &format!("sip:{focus}"));
    let words = words.message_id("words").content_type(&content_type).build(&body);
    world.send_raw(alice, &focus, std::str::from_utf8(&words).expect("text"));
    world.run_until_idle();
    assert_eq!(world.phones[bob].inbox, ["words"]);
}

#[test]
fn what_lies_elsewhere_or_is_no_picture_is_refused() {
    let (mut world, [alice, bob], focus) = two();
    for elsewhere in [
        "https://evil.example/a.png",
        "https://partner.example/a.png",
        "https://rcs.example/content/../admin",
        "http://127.0.0.1/",
    ] {
        assert_eq!(ask(&mut world, alice, &focus, Some(Icon::Url(elsewhere.to_owned()))), 403, "{elsewhere}");
    }
    world.make_icon = |_| Err(Flaw::NoPicture);
    assert_eq!(ask(&mut world, alice, &focus, link("abc")), 488);
    world.make_icon = |_| Err(Flaw::Gone);
    assert_eq!(ask(&mut world, alice, &focus, link("abc")), 400);
    world.make_icon = |_| Err(Flaw::Failed);
    assert_eq!(ask(&mut world, alice, &focus, link("abc")), 480);
    assert_eq!((world.icon(bob, &focus), pictures(&world)), (None, 0));
    assert_eq!(world.held().groups, 0);
}

#[test]
fn the_icon_is_for_members_and_may_be_left_to_administrators() {
    let mut world = World::with(1, |config| {
        with_content_server(config);
        config.groups.members_may_change_icon = false;
    });
    let [alice, bob, carol] = [ALICE, BOB, CAROL].map(|number| world.handset(number));
    let focus = world.make_group(alice, "x", &[BOB]);
    assert_eq!(ask(&mut world, carol, &focus, link("abc")), 403);
    assert_eq!(ask(&mut world, bob, &focus, link("abc")), 403);
    assert_eq!(ask(&mut world, alice, &focus, link("abc")), 200);
    assert_eq!(ask(&mut world, bob, &focus, None), 403);
    assert_eq!(fetched(&world, bob, &focus).bytes, format!("{CONTENT}abc"));
}

#[test]
fn who_asks_under_an_id_is_answered_under_it() {
    let (mut world, [alice, bob], focus) = two();
    let ask = |request: &str| {
        format!(
            "<cpm-group-management xmlns='urn:oma:xml:cpm:groupdata:1.0' id='77'><group-data>{request}</group-data></cpm-group-management>"
        )
    };
    let subject =
        "<request target='subject'><action>set</action><data><subject>爬山</subject></data></request>";
    world.send_typed(alice, &focus, CONTENT_TYPE, &ask(subject));
    world.run_until_idle();
    assert_eq!(world.subject(bob, &focus).as_deref(), Some("爬山"));
    let icon = format!(
        "<request target='icon'><action>set</action><data><icon><icon-uri>{CONTENT}abc</icon-uri></icon></data></request>"
    );
    world.send_typed(alice, &focus, CONTENT_TYPE, &ask(&icon));
    world.run_until_idle();
    assert_eq!(fetched(&world, bob, &focus).bytes, format!("{CONTENT}abc"));
    let answer = rcs::group_data::Response { id: "77".to_owned(), code: 200, text: "OK".to_owned() }.to_xml();
    assert_eq!(world.phones[alice].groups.answers, [answer.clone(), answer]);
    assert!(world.phones[bob].groups.answers.is_empty());
}

#[test]
fn the_operator_gives_and_takes_icons() {
    let (mut world, [alice, _], focus) = two();
    let group = || format!("sip:{focus}").parse().expect("a focus");
    let picture = || Picture { content_type: "image/jpeg".to_owned(), bytes: "logo".into() };
    world.admin(admin::Call::Icon(Call { group: group(), picture: Some(picture()) }));
    world.run_until_idle();
    assert_eq!(fetched(&world, alice, &focus).bytes, "logo");
    assert_eq!(world.icon(alice, &focus).expect("an icon").participant, None);
    world.admin(admin::Call::Icon(Call { group: group(), picture: None }));
    world.run_until_idle();
    assert_eq!((world.icon(alice, &focus), pictures(&world)), (None, 0));
    let nowhere = "sip:nowhere@groups.hongyan.local".parse().expect("a focus");
    world.admin(admin::Call::Icon(Call { group: nowhere, picture: Some(picture()) }));
    assert_eq!(world.admin_answers.last(), Some(&admin::Answer::NotFound));
}
