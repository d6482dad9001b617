//! Who watches whose devices, and what others can take, told as short stories.

mod world;

use message_centre::admin;
use rcs::address::Address;
use rcs::registration_info::{Contact, Event, State};
use sip::{HeaderName, Transport};
use world::{Phone, World, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";

fn address(number: &str) -> Address {
    Address::subscriber(number).expect("a number")
}

/// Alice's phone over TCP, which watches her registration.
fn watching() -> (World, Phone, String) {
    let mut world = World::new();
    let phone = world.device(ALICE, Transport::Tcp);
    world.register(phone);
    let watch = world.watch(phone, ALICE, "reg", 3600);
    assert_eq!(world.phones[phone].watches.answers, [(200, Some(3600))]);
    (world, phone, watch)
}

/// The only NOTIFY since the last look: its version, whether it is full, its state and its contacts.
fn only_note(world: &mut World, phone: Phone, watch: &str) -> (u32, bool, State, Vec<Contact>) {
    let notes = world.notes(phone, watch);
    let [note] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!((note.event.as_str(), note.state.as_str()), ("reg", "active"));
    let info = note.registrations();
    let [registration] = &info.registrations[..] else { panic!("{info:?}") };
    assert_eq!(registration.aor, format!("sip:{ALICE}@hongyan.local;user=phone"));
    (info.version, info.is_full, registration.state, registration.contacts.clone())
}

fn change(contacts: &[Contact]) -> Vec<(bool, Event)> {
    contacts.iter().map(|contact| (contact.is_active, contact.event)).collect()
}

#[test]
fn a_device_sees_the_others_of_its_subscriber_come_stay_and_go() {
    let (mut world, phone, watch) = watching();
    let (version, is_full, state, contacts) = only_note(&mut world, phone, &watch);
    assert_eq!((version, is_full, state, contacts.len()), (0, true, State::Active, 1));
    let instance = world.phones[phone].instance.clone();
    assert!(contacts[0].params.contains(&("+sip.instance".to_owned(), format!("\"<{instance}>\""))));
    assert!(contacts[0].expires_s.is_some_and(|left| (3500..=3600).contains(&left)));

    let tablet = world.handset(ALICE);
    let (version, is_full, _, came) = only_note(&mut world, phone, &watch);
    assert_eq!((version, is_full, change(&came)), (1, false, vec![(true, Event::Registered)]));
    assert_ne!(came[0].id, contacts[0].id);

    world.register(tablet);
    let (version, _, _, stayed) = only_note(&mut world, phone, &watch);
    assert_eq!((version, change(&stayed)), (2, vec![(true, Event::Refreshed)]));
    assert_eq!(stayed[0].id, came[0].id);

    world.phones[tablet].expires_s = 0;
    world.register(tablet);
    let (version, is_full, state, gone) = only_note(&mut world, phone, &watch);
    assert_eq!((version, is_full, state), (3, false, State::Active));
    assert_eq!((change(&gone), &gone[0].id), (vec![(false, Event::Unregistered)], &came[0].id));
}

#[test]
fn a_device_that_falls_silent_is_seen_to_lapse() {
    let (mut world, phone, watch) = watching();
    let tablet = world.handset(ALICE);
    world.switch_off(tablet);
    world.run_for(seconds(1800));
    world.register(phone);
    world.watch_again(phone, &watch, "reg", 3600);
    world.notes(phone, &watch);
    world.run_for(seconds(1800));
    let (_, is_full, state, gone) = only_note(&mut world, phone, &watch);
    assert_eq!((is_full, state, change(&gone)), (false, State::Active, vec![(false, Event::Expired)]));
}

#[test]
fn a_subscription_is_refreshed_ended_and_lapses() {
    let (mut world, phone, watch) = watching();
    world.notes(phone, &watch);
    world.watch_again(phone, &watch, "reg", 600);
    let (version, is_full, ..) = only_note(&mut world, phone, &watch);
    assert_eq!((version, is_full), (1, true), "a refresh is answered with everything");
    world.run_for(seconds(700));
    let lapsed = world.notes(phone, &watch);
    assert_eq!(
        lapsed.iter().map(|note| note.state.as_str()).collect::<Vec<_>>(),
        ["terminated;reason=timeout"]
    );
    assert_eq!(world.store().watchers(&address(ALICE)).expect("readable"), None);
    world.watch_again(phone, &watch, "reg", 600);
    assert_eq!(world.phones[phone].watches.answers.last(), Some(&(481, None)));

    let watch = world.watch(phone, ALICE, "reg", 600);
    world.watch_again(phone, &watch, "reg", 0);
    let notes = world.notes(phone, &watch);
    assert_eq!(notes.last().expect("told").state, "terminated;reason=timeout");
    let tablet = world.handset(ALICE);
    assert!(world.phones[tablet].is_registered);
    assert!(world.notes(phone, &watch).is_empty(), "it is told no more");
}

#[test]
fn a_subscription_survives_a_crash_and_hears_what_happened_meanwhile() {
    let mut world = World::new();
    let (phone, tablet) = (world.handset(ALICE), world.device(ALICE, Transport::Udp));
    world.phones[tablet].expires_s = 120;
    world.register(tablet);
    let watch = world.watch(phone, ALICE, "reg", 3600);
    world.notes(phone, &watch);
    world.crash();
    world.switch_off(tablet);
    world.run_for(seconds(300));
    world.start();
    world.run_until_idle();
    let (version, is_full, _, gone) = only_note(&mut world, phone, &watch);
    assert_eq!((version, is_full, change(&gone)), (1, false, vec![(false, Event::Expired)]));
    world.phones[tablet].expires_s = 3600;
    world.switch_on(tablet);
    let (version, _, _, came) = only_note(&mut world, phone, &watch);
    assert_eq!((version, change(&came)), (2, vec![(true, Event::Registered)]));
}

#[test]
fn a_device_that_missed_something_is_told_everything() {
    let (mut world, phone, watch) = watching();
    world.notes(phone, &watch);
    world.phones[phone].watches.answers_with = Some(500);
    let tablet = world.handset(ALICE);
    world.phones[phone].watches.answers_with = None;
    world.register(tablet);
    let (version, is_full, _, contacts) = only_note(&mut world, phone, &watch);
    assert_eq!((version, is_full, contacts.len()), (2, true, 2));
    // Who does not know the subscription has none.
    world.phones[phone].watches.answers_with = Some(481);
    world.register(tablet);
    assert_eq!(world.store().watchers(&address(ALICE)).expect("readable"), None);
}

#[test]
fn a_device_that_leaves_hears_that_it_is_out() {
    let (mut world, phone, watch) = watching();
    world.notes(phone, &watch);
    world.phones[phone].expires_s = 0;
    world.register(phone);
    let notes = world.notes(phone, &watch);
    let [last] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!(last.state, "terminated;reason=noresource");
    let registration = &last.registrations().registrations[0];
    assert_eq!(
        (registration.state, change(&registration.contacts)),
        (State::Terminated, vec![(false, Event::Unregistered)])
    );
    assert_eq!(world.store().watchers(&address(ALICE)).expect("readable"), None);
}

#[test]
fn a_removed_subscriber_s_devices_hear_that_they_are_out() {
    let (mut world, phone, watch) = watching();
    world.notes(phone, &watch);
    assert_eq!(world.ask(admin::Call::RemoveSubscriber(address(ALICE))), admin::Answer::Removed);
    world.run_until_idle();
    let notes = world.notes(phone, &watch);
    let [last] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!(last.state, "terminated;reason=noresource");
    assert_eq!(change(&last.registrations().registrations[0].contacts), [(false, Event::Rejected)]);
    assert_eq!(world.store().watchers(&address(ALICE)).expect("readable"), None);
}

#[test]
fn a_registration_is_its_subscriber_s_own_business() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.watch(bob, ALICE, "reg", 3600);
    assert_eq!(world.phones[bob].watches.answers, [(403, None)]);
    world.watch(alice, ALICE, "dialog", 3600);
    assert_eq!(world.phones[alice].watches.answers, [(489, None)]);
    let stranger = world.device(ALICE, Transport::Tcp);
    world.watch(stranger, ALICE, "reg", 3600);
    assert_eq!(world.phones[stranger].watches.answers, [(407, None)], "it has not proven who it is");
    assert_eq!(world.store().watched().expect("readable"), []);
}

/// A handset that takes chats and files, or fewer things.
fn able(world: &mut World, number: &str, features: &str) -> Phone {
    let phone = world.device(number, Transport::Tcp);
    world.phones[phone].features = features.to_owned();
    world.register(phone);
    phone
}

const CHAT: &str = ";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\"";
const FILES: &str = ";+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.fthttp\"";

#[test]
fn capabilities_are_fetched_as_presence() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    able(&mut world, BOB, &format!("{CHAT}{FILES}"));
    let fetched = world.watch(alice, BOB, "presence", 0);
    assert_eq!(world.phones[alice].watches.answers, [(200, Some(0))]);
    let notes = world.notes(alice, &fetched);
    let [note] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!((note.event.as_str(), note.state.as_str()), ("presence", "terminated;reason=timeout"));
    let services = note.services();
    assert!(
        services.contains(&"ChatSession".to_owned()) && services.contains(&"File-Transfer-HTTP".to_owned())
    );
    assert_eq!(world.store().watched().expect("readable"), [], "nothing is kept");
    world.watch(alice, "+8613800009999", "presence", 0);
    assert_eq!(world.phones[alice].watches.answers.last(), Some(&(404, None)));
}

#[test]
fn who_watches_a_presence_hears_when_it_changes() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let bob = able(&mut world, BOB, CHAT);
    let watch = world.watch(alice, BOB, "presence;id=7", 3600);
    let first = world.notes(alice, &watch);
    assert_eq!(
        (first.len(), first[0].event.as_str(), first[0].state.as_str()),
        (1, "presence;id=7", "active")
    );
    assert!(!first[0].services().contains(&"File-Transfer-HTTP".to_owned()));
    // A refresh that changes nothing is no news.
    world.register(bob);
    assert!(world.notes(alice, &watch).is_empty());
    let tablet = able(&mut world, BOB, FILES);
    let second = world.notes(alice, &watch);
    assert_eq!(second.len(), 1);
    assert!(second[0].services().contains(&"File-Transfer-HTTP".to_owned()));
    // Nobody there: nothing is known at the moment.
    for phone in [bob, tablet] {
        world.phones[phone].expires_s = 0;
        world.register(phone);
    }
    let last = world.notes(alice, &watch);
    assert!(last.last().expect("told").services().is_empty());
    // The one who is watched goes for good.
    assert_eq!(world.ask(admin::Call::RemoveSubscriber(address(BOB))), admin::Answer::Removed);
    world.run_until_idle();
    assert_eq!(world.notes(alice, &watch).last().expect("told").state, "terminated;reason=noresource");
    assert_eq!(world.store().watched().expect("readable"), []);
}

#[test]
fn who_asks_once_goes_on_watching_and_a_temporary_address_gives_nobody_away() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let bob = able(&mut world, BOB, CHAT);
    let standing = world.watch(alice, BOB, "presence", 3600);
    world.watch(alice, BOB, "presence", 0);
    world.notes(alice, &standing);
    able(&mut world, BOB, FILES);
    assert_eq!(world.notes(alice, &standing).len(), 1, "to ask once ends nothing");
    let contact = world.phones[bob].contacts.first().expect("a Contact").clone();
    let temporary = contact.split("temp-gruu=\"sip:").nth(1).and_then(|rest| rest.split('"').next());
    world.watch(alice, temporary.expect("a temporary GRUU"), "presence", 0);
    assert_eq!(world.phones[alice].watches.answers.last(), Some(&(404, None)));
}

#[test]
fn a_presence_has_so_many_watchers_and_no_more() {
    let mut world = World::with(1, |config| config.events.presence_watchers_max = 1);
    let (alice, other) = (world.handset(ALICE), world.handset("+8613800000003"));
    able(&mut world, BOB, CHAT);
    world.watch(alice, BOB, "presence", 600);
    world.watch(other, BOB, "presence", 600);
    assert_eq!(world.phones[other].watches.answers, [(503, None)]);
    world.watch(other, BOB, "presence", 0);
    assert_eq!(world.phones[other].watches.answers.last(), Some(&(200, Some(0))), "to ask once is free");
    world.run_for(seconds(700));
    world.watch(other, BOB, "presence", 600);
    assert_eq!(world.phones[other].watches.answers.last(), Some(&(200, Some(600))));
}

#[test]
fn nobody_publishes_here() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let uri = format!("sip:{ALICE}@hongyan.local");
    let publish = world.phones[alice]
        .request("PUBLISH", &uri, "p1")
        .header(HeaderName::To, format!("<{uri}>"))
        .header(HeaderName::Event, "presence")
        .build();
    world.phones[alice].responses.clear();
    world.send_request(alice, publish);
    world.run_until_idle();
    assert_eq!(world.phones[alice].responses, [405]);
}
