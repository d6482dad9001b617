//! Groups: who is in them, what is said in them, and who hears of it, told as short stories.

mod world;

use rcs::imdn::Disposition::{Delivered, Displayed};
use sip::Transport;
use store::{Outcome, Role};
use world::{Phone, World, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const CAROL: &str = "+8613800000003";
const DAVE: &str = "+8613800000004";

/// Alice's group with Bob and Carol, all of them there.
fn three() -> (World, [Phone; 3], String) {
    let mut world = World::new();
    let phones = [world.handset(ALICE), world.handset(BOB), world.handset(CAROL)];
    let focus = world.make_group(phones[0], "周末", &[BOB, CAROL]);
    (world, phones, focus)
}

fn stored(world: &World, focus: &str) -> Option<store::Group> {
    world.store().group(&format!("sip:{focus}").parse().expect("a focus")).expect("readable")
}

#[test]
fn a_group_is_made_and_its_members_are_called() {
    let (world, phones, focus) = three();
    for phone in phones {
        let connected = [ALICE, BOB, CAROL].map(|number| (number.to_owned(), true));
        assert_eq!(world.members(phone, &focus), connected);
        assert_eq!(world.subject(phone, &focus).as_deref(), Some("周末"));
        assert_eq!(world.phones[phone].groups.seen[&focus].gaps, 0);
    }
    let group = stored(&world, &focus).expect("the group is stored");
    assert_eq!(group.members[0].role, Role::Admin);
    assert_eq!(group.members[1].role, Role::Participant);
}

#[test]
fn what_is_said_reaches_everybody_else_and_is_reported_to_its_author_alone() {
    let (mut world, [alice, bob, carol], focus) = three();
    let sent = world.send(bob, &focus, "爬山?");
    world.run_until_idle();
    assert_eq!(world.phones[bob].answers[&sent], 200);
    assert_eq!(world.phones[alice].texts, ["爬山?"]);
    assert_eq!(world.phones[carol].texts, ["爬山?"]);
    assert!(world.phones[bob].inbox.is_empty(), "nobody hears its own words");
    let mut reports = world.phones[bob].reports.clone();
    reports.sort_by_key(|(_, disposition)| *disposition == Displayed);
    let id = || sent.clone();
    assert_eq!(reports, [(id(), Delivered), (id(), Delivered), (id(), Displayed), (id(), Displayed)]);
    let mut reporters = world.phones[bob].reporters.clone();
    reporters.sort();
    reporters.dedup();
    assert_eq!(reporters, [ALICE, CAROL].map(|number| format!("sip:{number}@hongyan.local;user=phone")));
    assert!(world.phones[alice].reports.is_empty() && world.phones[carol].reports.is_empty());
    // One record for the message, and one for each who was to have it.
    let records = world.records(&sent);
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record.outcome == Outcome::Delivered));
    let displayed = records.iter().filter(|record| record.displayed_at.is_some()).count();
    assert_eq!(displayed, 2);
}

#[test]
fn reports_that_come_together_go_each_to_the_author_they_are_for() {
    let mut world = World::new();
    let (alice, bob, carol) = (world.handset(ALICE), world.handset(BOB), world.device(CAROL, Transport::Tcp));
    world.register(carol);
    let focus = world.make_group(alice, "", &[BOB, CAROL]);
    world.phones[carol].sends_reports = false;
    let of_alice = world.send(alice, &focus, "one");
    let of_bob = world.send(bob, &focus, "two");
    world.run_until_idle();
    // As liblinphone wrote it, about these two.
    let together = include_str!("../../../fixtures/rcs/cpim/reports-together.cpim");
    let (head, payload) = together.split_once("\r\n\r\n").expect("an envelope");
    let (content_head, parts) = payload.split_once("\r\n\r\n").expect("its headers");
    let head = format!(
        "From: <sip:{CAROL}@hongyan.local>\r\nTo: <sip:{focus}>\r\n{}",
        &head[head.find("DateTime").expect("one")..]
    );
    let content_head = &content_head[..content_head.find("\r\nContent-Length").expect("a length")];
    let parts = parts.replace("\r\nContent-Length: 256", "").replace("\r\nContent-Length: 263", "");
    let parts = parts.replace("zqXZ3koYZRHB", &of_alice).replace("obodfs3obtemwun7344", &of_bob);
    let said = world.phones[alice].inbox.len();
    world.send_raw(carol, &focus, &format!("{head}\r\n\r\n{content_head}\r\n\r\n{parts}"));
    world.run_until_idle();
    assert_eq!(world.phones[carol].responses.last(), Some(&200));
    for (author, id) in [(alice, of_alice), (bob, of_bob)] {
        let of_carol = world.phones[author].reporters.iter().filter(|reporter| reporter.contains(CAROL));
        assert_eq!(of_carol.count(), 2, "displayed, and so delivered");
        assert!(world.phones[author].reports.contains(&(id.clone(), Displayed)));
        let records = world.records(&id);
        let copy = records.iter().find(|record| record.to.user() == CAROL).expect("a copy for Carol");
        assert!(copy.displayed_at.is_some());
    }
    assert_eq!(world.phones[alice].inbox.len(), said, "they are no message");
}

#[test]
fn a_member_who_is_away_is_called_when_it_comes_and_then_hears_what_was_said() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let carol = world.device(CAROL, Transport::Ws);
    let focus = world.make_group(alice, "", &[BOB, CAROL]);
    assert_eq!(world.members(bob, &focus)[2], (CAROL.to_owned(), false), "pending");
    let said: Vec<String> = (0..3).map(|i| world.send(alice, &focus, &format!("{i}"))).collect();
    world.run_for(seconds(1800));
    assert_eq!(world.waiting(CAROL), 3);
    world.register(carol);
    assert_eq!(world.phones[carol].inbox, said);
    assert_eq!(world.members(bob, &focus)[2], (CAROL.to_owned(), true));
    assert_eq!(world.phones[carol].groups.seen[&focus].gaps, 0);
}

#[test]
fn a_group_outlives_a_crash_with_its_dialogs_and_subscriptions() {
    let (mut world, [alice, bob, carol], focus) = three();
    world.crash();
    world.start();
    let sent = world.send(carol, &focus, "still there?");
    world.run_until_idle();
    assert_eq!(world.phones[alice].inbox, [sent.as_str()]);
    assert_eq!(world.phones[bob].inbox, [sent]);
    world.rename(alice, &focus, "Berg");
    for phone in [alice, bob, carol] {
        assert_eq!(world.subject(phone, &focus).as_deref(), Some("Berg"));
    }
    world.leave(bob, &focus);
    assert_eq!(world.phones[bob].groups.heard.last(), Some(&("BYE", 200)));
    assert_eq!(world.members(carol, &focus).len(), 2);
}

#[test]
fn invitations_that_a_crash_cut_short_are_sent_again() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.switch_off(bob);
    let focus = world.make_group(alice, "x", &[BOB]);
    world.crash();
    world.phones[bob].is_on = true;
    world.start();
    world.run_until_idle();
    assert!(world.phones[bob].groups.seen.contains_key(&focus));
}

#[test]
fn who_leaves_hears_no_more_and_may_not_speak() {
    let (mut world, [alice, bob, carol], focus) = three();
    world.leave(bob, &focus);
    for phone in [alice, carol] {
        assert_eq!(world.members(phone, &focus).len(), 2);
    }
    let said = world.send(alice, &focus, "without Bob");
    let refused = world.send(bob, &focus, "let me in");
    world.run_until_idle();
    assert_eq!(world.phones[carol].inbox, [said]);
    assert!(world.phones[bob].inbox.is_empty());
    assert_eq!(world.phones[bob].answers[&refused], 403);
    world.subscribe(bob, &focus);
    assert_eq!(world.phones[bob].groups.heard.last(), Some(&("SUBSCRIBE", 403)));
    world.rejoin(bob, &focus);
    assert_eq!(world.phones[bob].groups.heard.last(), Some(&("INVITE", 403)));
}

#[test]
fn administrators_remove_members_and_others_do_not() {
    let (mut world, [alice, bob, carol], focus) = three();
    let bye = |number: &str| format!("<sip:{number}@hongyan.local;method=BYE>");
    world.refer(bob, &focus, &bye(CAROL));
    assert_eq!(world.phones[bob].groups.heard.last(), Some(&("REFER", 403)));
    world.refer(alice, &focus, &bye(CAROL));
    assert_eq!(world.phones[alice].groups.heard.last(), Some(&("REFER", 202)));
    assert!(world.phones[carol].groups.seen[&focus].is_over, "the focus said BYE");
    assert!(world.phones[carol].groups.seen[&focus].subscription.is_none());
    assert_eq!(world.members(bob, &focus).len(), 2);
    world.send(bob, &focus, "gone?");
    world.run_until_idle();
    assert!(world.phones[carol].inbox.is_empty());
    // Anybody removes itself.
    world.refer(bob, &focus, &bye(BOB));
    assert_eq!(world.members(alice, &focus).len(), 1);
}

#[test]
fn members_are_brought_in_by_refer_and_get_what_is_said_from_then_on() {
    let (mut world, [alice, bob, _], focus) = three();
    let dave = world.handset(DAVE);
    world.send(alice, &focus, "before");
    world.run_until_idle();
    world.refer(bob, &focus, &format!("<sip:{DAVE}@hongyan.local>"));
    assert_eq!(world.phones[bob].groups.heard.last(), Some(&("REFER", 202)));
    assert_eq!(world.members(dave, &focus).len(), 4);
    let after = world.send(alice, &focus, "after");
    world.run_until_idle();
    assert_eq!(world.phones[dave].inbox, [after]);
    world.refer(bob, &focus, "<sip:+8613800009999@hongyan.local>");
    assert_eq!(world.phones[bob].groups.heard.last(), Some(&("REFER", 404)));
}

#[test]
fn roles_are_given_and_an_heir_is_found() {
    let (mut world, [alice, bob, _carol], focus) = three();
    world.refer(alice, &focus, &format!("<sip:{BOB}@hongyan.local>;text;admin=true"));
    let roles = |world: &World| {
        stored(world, &focus).expect("stored").members.iter().map(|m| m.role).collect::<Vec<_>>()
    };
    assert_eq!(roles(&world), [Role::Admin, Role::Admin, Role::Participant]);
    world.refer(bob, &focus, &format!("<sip:{ALICE}@hongyan.local>;admin=false"));
    assert_eq!(roles(&world), [Role::Participant, Role::Admin, Role::Participant]);
    world.refer(bob, &focus, &format!("<sip:{BOB}@hongyan.local>;admin=false"));
    assert_eq!(world.phones[bob].groups.heard.last(), Some(&("REFER", 403)), "somebody has to be one");
    world.leave(bob, &focus);
    assert_eq!(roles(&world), [Role::Admin, Role::Participant]);
}

#[test]
fn a_group_ends_with_its_last_member() {
    let (mut world, phones, focus) = three();
    for phone in phones {
        world.leave(phone, &focus);
    }
    assert_eq!(stored(&world, &focus), None);
    for number in [ALICE, BOB, CAROL] {
        let key = (
            format!("sip:{focus}").parse().expect("a focus"),
            format!("tel:{number}").parse().expect("a number"),
        );
        assert_eq!(world.store().leg(&key).expect("readable"), None);
    }
    world.rejoin(phones[0], &focus);
    assert_eq!(world.phones[phones[0]].groups.heard.last(), Some(&("INVITE", 404)));
}

#[test]
fn a_member_may_decline_or_take_part_without_a_dialog() {
    let mut world = World::new();
    let (alice, bob, carol) = (world.handset(ALICE), world.handset(BOB), world.handset(CAROL));
    world.phones[bob].answers_invite_with = 603;
    world.phones[carol].answers_invite_with = 405;
    let focus = world.make_group(alice, "x", &[BOB, CAROL]);
    assert_eq!(world.members(alice, &focus), [(ALICE.to_owned(), true), (CAROL.to_owned(), true)]);
    let said = world.send(alice, &focus, "hi");
    world.run_until_idle();
    assert_eq!(world.phones[carol].inbox, [said]);
    assert!(world.phones[bob].inbox.is_empty());
    let answered = world.send(carol, &focus, "hi Alice");
    world.run_until_idle();
    assert_eq!(world.phones[alice].inbox, [answered]);
}

#[test]
fn the_authors_other_devices_show_what_it_said() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let tablet = world.device(ALICE, Transport::Tcp);
    world.register(tablet);
    let focus = world.make_group(alice, "x", &[BOB]);
    assert!(world.phones[tablet].groups.seen.contains_key(&focus), "her tablet is called too");
    let said = world.send(alice, &focus, "from the phone");
    world.run_until_idle();
    assert_eq!(world.phones[tablet].inbox, [said.as_str()]);
    assert_eq!(world.phones[bob].inbox, [said]);
    assert!(world.phones[alice].inbox.is_empty());
    assert!(world.phones[alice].reporters.iter().all(|reporter| reporter.contains(BOB)));
}

#[test]
fn a_full_mailbox_harms_nobody_else() {
    let mut world = World::with(1, |config| config.mailbox_entries_max = 2);
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.device(CAROL, Transport::Udp);
    let focus = world.make_group(alice, "x", &[BOB, CAROL]);
    let mut said = Vec::new();
    for i in 0..3 {
        said.push(world.send(alice, &focus, &format!("{i}")));
        world.run_until_idle();
    }
    assert_eq!(world.phones[bob].inbox, said);
    assert_eq!(world.waiting(CAROL), 2);
    let carols = |id: &str| world.records(id).into_iter().find(|record| record.to.as_str().contains(CAROL));
    assert_eq!(carols(&said[0]).expect("a record").outcome, Outcome::Waiting);
    assert!(matches!(carols(&said[2]).expect("a record").outcome, Outcome::Refused(_)));
}

#[test]
fn groups_and_memberships_have_ceilings() {
    let mut world = World::with(1, |config| (config.groups.members_max, config.groups.groups_max) = (3, 2));
    let alice = world.handset(ALICE);
    for number in [BOB, CAROL, DAVE] {
        world.handset(number);
    }
    world.ask_for_group(alice, "too many", &[BOB, CAROL, DAVE]);
    world.run_until_idle();
    assert_eq!(world.phones[alice].groups.heard, [("INVITE", 486)]);
    world.ask_for_group(alice, "nobody", &["+8613800009999"]);
    world.run_until_idle();
    assert_eq!(world.phones[alice].groups.heard.last(), Some(&("INVITE", 404)));
    let first = world.make_group(alice, "one", &[BOB, CAROL]);
    world.refer(alice, &first, &format!("<sip:{DAVE}@hongyan.local>"));
    assert_eq!(world.phones[alice].groups.heard.last(), Some(&("REFER", 486)));
    world.make_group(alice, "two", &[BOB, CAROL]);
    world.ask_for_group(alice, "three", &[BOB]);
    world.run_until_idle();
    assert_eq!(world.phones[alice].groups.heard.last(), Some(&("INVITE", 403)));
}

#[test]
fn who_is_called_again_and_again_is_told_only_once() {
    // A lossy network: INVITE, 2xx and ACK are repeated, and make one membership.
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.weather = world::Weather { lose: 300, repeat: 200, reorder: 200 };
    world.ask_for_group(alice, "x", &[BOB]);
    world.run_for(seconds(120));
    world.weather = Default::default();
    world.run_for(seconds(60));
    let made = world.phones[alice].groups.made.clone();
    if let [focus] = made.as_slice() {
        let group = stored(&world, focus).expect("stored");
        assert_eq!(group.members.len(), 2);
        world.subscribe(bob, focus);
        assert_eq!(world.members(bob, focus).len(), 2);
    } else {
        panic!("{made:?} {:?}", world.phones[alice].groups.heard);
    }
}

#[test]
fn a_subscriber_who_is_removed_is_in_no_group() {
    let (mut world, [alice, _, carol], focus) = three();
    world.admin(message_centre::admin::Call::RemoveSubscriber(
        format!("tel:{BOB}").parse().expect("a number"),
    ));
    world.run_until_idle();
    assert_eq!(world.members(alice, &focus).len(), 2);
    let said = world.send(carol, &focus, "only two");
    world.run_until_idle();
    assert_eq!(world.phones[alice].inbox, [said.as_str()]);
    assert_eq!(world.records(&said).len(), 2);
}

#[test]
fn a_private_message_is_for_one_member_and_composing_is_for_those_who_are_there() {
    let (mut world, [alice, bob, carol], focus) = three();
    let private = world.whisper(alice, &focus, CAROL, "psst");
    world.run_until_idle();
    assert_eq!(world.phones[carol].inbox, [private.as_str()]);
    assert!(world.phones[bob].inbox.is_empty());
    world.compose(alice, &focus);
    world.run_until_idle();
    assert_eq!([alice, bob, carol].map(|phone| world.phones[phone].composing), [0, 1, 1]);
    world.whisper(alice, &focus, DAVE, "nobody here");
    world.run_until_idle();
    assert_eq!(world.phones[alice].responses.last(), Some(&403));
}

#[test]
fn what_is_not_taken_in_time_is_reported_failed_to_the_author() {
    let mut world = World::new();
    let alice = world.device(ALICE, Transport::Tcp);
    world.phones[alice].expires_s = 600_000;
    world.register(alice);
    let carol = world.device(CAROL, Transport::Udp);
    let focus = world.make_group(alice, "x", &[CAROL]);
    let said = world.send(alice, &focus, "are you alive?");
    world.run_for(std::time::Duration::from_secs(31 * 24 * 3600));
    world.switch_on(alice);
    assert!(world.phones[carol].inbox.is_empty());
    assert_eq!(world.phones[alice].reports, [(said.clone(), rcs::imdn::Disposition::Failed)]);
    assert!(world.phones[alice].reporters[0].contains(CAROL));
}

#[test]
fn a_subject_is_changed_by_group_data_and_may_be_left_to_administrators() {
    let mut world = World::with(1, |config| config.groups.members_may_change_subject = false);
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let focus = world.make_group(alice, "x", &[BOB]);
    let change = |text: &str| rcs::group_data::GroupData::Subject(Some(text.to_owned())).to_xml();
    world.send_typed(bob, &focus, rcs::group_data::CONTENT_TYPE, &change("mine"));
    world.run_until_idle();
    assert_eq!(world.phones[bob].responses.last(), Some(&403));
    world.send_typed(alice, &focus, rcs::group_data::CONTENT_TYPE, &change("ours"));
    world.run_until_idle();
    assert_eq!(world.subject(bob, &focus).as_deref(), Some("ours"));
    assert!(world.phones[bob].inbox.is_empty(), "a change is no message");
}

#[test]
fn a_device_that_was_busy_is_called_again_when_it_registers() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].answers_invite_with = 486;
    let focus = world.make_group(alice, "x", &[BOB]);
    assert_eq!(world.members(alice, &focus)[1], (BOB.to_owned(), false), "pending");
    world.phones[bob].answers_invite_with = 200;
    world.register(bob);
    assert_eq!(world.members(alice, &focus)[1], (BOB.to_owned(), true));
    assert!(world.phones[bob].groups.seen.contains_key(&focus));
}

#[test]
fn who_has_not_answered_is_called_again_when_somebody_asks_for_it() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].answers_invite_with = 486;
    let focus = world.make_group(alice, "x", &[BOB]);
    world.phones[bob].answers_invite_with = 200;
    world.refer(alice, &focus, &format!("<sip:{BOB}@hongyan.local>"));
    assert_eq!(world.phones[alice].groups.heard.last(), Some(&("REFER", 202)));
    assert_eq!(world.members(alice, &focus)[1], (BOB.to_owned(), true));
}

#[test]
fn a_device_that_only_rings_is_left_in_peace_after_a_minute_and_gets_what_was_said() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].answers_invite_with = 100;
    let focus = world.make_group(alice, "x", &[BOB]);
    let said = world.send(alice, &focus, "are you coming?");
    world.run_for(seconds(40));
    assert!(world.phones[bob].inbox.is_empty(), "it waits while the device rings");
    world.run_for(seconds(60));
    assert_eq!(world.phones[bob].inbox, [said]);
    assert_eq!(world.members(alice, &focus)[1], (BOB.to_owned(), false), "pending");
}

#[test]
fn a_repeated_invite_makes_one_group_also_after_a_restart() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let body = rcs::resource_list::write(&[rcs::resource_list::Recipient::new(format!("tel:{BOB}"))]);
    for turn in 0..2 {
        let factory = "sip:conference-factory@hongyan.local";
        let invite = world.phones[alice]
            .request("INVITE", factory, "the same call")
            .header(sip::HeaderName::To, format!("<{factory}>"))
            .header(sip::HeaderName::Contact, "<sip:alice@10.0.0.1>")
            .body(rcs::resource_list::CONTENT_TYPE, body.clone());
        world.send_request(alice, invite.build());
        world.run_until_idle();
        assert_eq!(world.phones[alice].responses.last(), Some(&200), "turn {turn}");
        world.crash();
        world.start();
    }
    assert_eq!(world.store().groups().expect("readable").len(), 1);
    assert_eq!(world.phones[bob].groups.seen.len(), 1);
}

#[test]
fn media_that_is_offered_is_refused_and_its_sender_takes_part_by_message() {
    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n\
                         m=message 2855 TCP/MSRP *\r\na=path:msrp://10.0.0.1:2855/s1;tcp\r\n";
    let mut world = World::new();
    let alice = world.device(ALICE, Transport::Tcp);
    world.register(alice);
    let bob = world.handset(BOB);
    world.phones[bob].offers = Some(OFFER);
    world.ask_for_group_with_media(alice, OFFER, &[BOB]);
    // In the 200 to the one who made the group, in the ACK to the one who was called.
    for phone in [alice, bob] {
        let described = &world.phones[phone].groups.described;
        assert!(described.contains("m=message 0 TCP/MSRP *\r\n"), "{described}");
    }
    let focus = world.phones[alice].groups.made[0].clone();
    let said = world.send(bob, &focus, "by MESSAGE, then");
    world.run_until_idle();
    assert_eq!(world.phones[alice].inbox, [said.as_str()]);
}
