//! Many handsets, bad weather, a process that dies and comes back: whatever happens, what was accepted arrives.
//!
//! Each run is a seed; a failure names it. `HONGYAN_SIMULATION_SEEDS=200` plays more of them.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use message_centre::Held;
use message_centre::admin::{Answer, Call};
use message_centre::history;
use rcs::address::Address;
use sip::Transport;
use store::{Direction, Outcome};
use world::{Phone, Weather, World, seconds};

const PEOPLE: usize = 5;
/// Whose conversation history is kept.
const REMEMBERING: [usize; 3] = [0, 2, PEOPLE - 1];
const OPERATIONS: usize = 60;

fn address(person: usize) -> Address {
    Address::subscriber(&number(person)).expect("a number")
}

fn number(person: usize) -> String {
    format!("+86138000000{person:02}")
}

/// What was sent: by which phone, to whom.
type Sent = BTreeMap<String, (Phone, usize)>;

/// Something said in the group: by which phone of whom, and who had left by then for certain.
struct Said {
    phone: Phone,
    person: usize,
    outsiders: Vec<usize>,
}

/// A day in the life of the centre: the world at rest, and what was sent and said.
struct Day {
    world: World,
    sent: Sent,
    said: BTreeMap<String, Said>,
    /// Who asked to leave the group at some time: what was said before may have been accepted after.
    leaving: BTreeSet<usize>,
}

/// The group of a day: everybody but the last person.
struct Circle {
    focus: String,
    leaving: BTreeSet<usize>,
}

impl Circle {
    fn say(&self, world: &mut World, phone: Phone, person: usize, said: &mut BTreeMap<String, Said>) {
        let has_left = |person: &usize| {
            let phones = world.phones.iter().filter(|phone| phone.number == number(*person));
            phones.flat_map(|phone| &phone.groups.heard).any(|heard| *heard == ("BYE", 200))
        };
        let outsiders = (0..PEOPLE).filter(|person| *person == PEOPLE - 1 || has_left(person)).collect();
        let id = world.send(phone, &self.focus, "hello all");
        said.insert(id, Said { phone, person, outsiders });
    }
}

fn play(seed: u64, weather: Weather, crashes: bool) -> Day {
    let mut world = World::with_seed(seed);
    let transports = [Transport::Udp, Transport::Ws, Transport::Tcp];
    let mut phones = Vec::new();
    for person in 0..PEOPLE {
        // The first two have a second device.
        for _ in 0..if person < 2 { 2 } else { 1 } {
            let transport = transports[world.random(3) as usize];
            let phone = world.device(&number(person), transport);
            phones.push((phone, person));
            world.register(phone);
        }
    }
    for person in REMEMBERING {
        let turn_on = history::Call::TurnOn(address(person));
        assert_eq!(world.ask(Call::History(turn_on)), Answer::History(history::Answer::Done));
    }
    let others: Vec<String> = (1..PEOPLE - 1).map(number).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let mut circle =
        Circle { focus: world.make_group(phones[0].0, "circle", &others), leaving: BTreeSet::new() };
    world.weather = weather;
    let (mut sent, mut said) = (Sent::new(), BTreeMap::new());
    for _ in 0..OPERATIONS {
        let (phone, person) = phones[world.random(phones.len() as u64) as usize];
        match world.random(24) {
            0 if crashes => {
                world.crash();
                let pause = seconds(world.random(5));
                world.run_for(pause);
                world.start();
                reconnect(&mut world);
            }
            1 | 2 => world.switch_off(phone),
            3..=5 => world.switch_on(phone),
            6 | 7 => {
                let pause = seconds(world.random(100));
                world.run_for(pause);
            }
            8..=11 if world.phones[phone].is_registered => circle.say(&mut world, phone, person, &mut said),
            12 if person > 1 && world.phones[phone].is_on && circle.leaving.len() < 2 => {
                let has_begun = world.start_leaving(phone, &circle.focus);
                if has_begun {
                    circle.leaving.insert(person);
                }
            }
            _ if world.phones[phone].is_registered => {
                let to = world.random(PEOPLE as u64) as usize;
                let id = world.send(phone, &number(to), "hello");
                sent.insert(id, (phone, to));
            }
            _ => {}
        }
    }
    // The sky clears, everybody is at home, and time passes: retries that were put off come due.
    world.weather = Weather::default();
    for _ in 0..3 {
        for (phone, _) in &phones {
            world.switch_on(*phone);
        }
        world.run_for(seconds(2400));
    }
    Day { world, sent, said, leaving: circle.leaving }
}

/// After a crash, devices whose connections broke connect again.
fn reconnect(world: &mut World) {
    for phone in 0..world.phones.len() {
        if world.phones[phone].is_on && world.phones[phone].flow.transport.is_reliable() {
            world.switch_on(phone);
        }
    }
}

/// The platform's invariants (ARCHITECTURE.md), for a world at rest.
fn check(seed: u64, day: &Day) {
    let Day { world, sent, said, leaving } = day;
    check_group(seed, world, said, leaving);
    check_histories(seed, day);
    for (id, (sender, to)) in sent {
        let answer = world.phones[*sender].answers.get(id);
        let mine = |phone: &&world::Handset| phone.number == number(*to);
        for phone in world.phones.iter().filter(mine) {
            let copies = phone.inbox.iter().filter(|shown| *shown == id).count();
            assert!(copies <= 1, "seed {seed}: {id} was shown {copies} times on {}", phone.instance);
        }
        let holders = world.phones.iter().filter(|phone| phone.inbox.contains(id));
        for phone in holders {
            assert_eq!(phone.number, number(*to), "seed {seed}: {id} came to somebody else");
        }
        if answer.is_some_and(|status| (200..300).contains(status)) {
            let has_it = world.phones.iter().filter(mine).any(|phone| phone.inbox.contains(id));
            assert!(has_it, "seed {seed}: {id} was accepted with {answer:?} and did not arrive");
            let records = world.records(id);
            assert_eq!(records.len(), 1, "seed {seed}: {id} has one addressee");
            assert_eq!(records[0].outcome, Outcome::Delivered, "seed {seed}: {id}: {:#?}", records[0].steps);
        }
    }
    for person in 0..PEOPLE {
        assert_eq!(
            world.waiting(&number(person)),
            0,
            "seed {seed}: something is left for {}",
            number(person)
        );
    }
}

/// When everybody has gone and all has lapsed, nothing of it is in memory.
fn forgets(seed: u64, world: &mut World) {
    for phone in 0..world.phones.len() {
        world.switch_off(phone);
    }
    // Longer than anything lasts; then some hours more, since nobody looks while nothing happens.
    for hours in [40 * 24, 2, 2] {
        world.run_for(world::hours(hours));
    }
    assert_eq!(world.held(), Held::default(), "seed {seed}");
}

/// What was said in the group and accepted reached every member once, and nobody else.
fn check_group(seed: u64, world: &World, said: &BTreeMap<String, Said>, leaving: &BTreeSet<usize>) {
    for (id, Said { phone, person: author, outsiders }) in said {
        let holders = |person: usize| {
            let phones = world.phones.iter().filter(move |phone| phone.number == number(person));
            phones.map(|phone| phone.inbox.iter().filter(|shown| *shown == id).count()).collect::<Vec<_>>()
        };
        for person in 0..PEOPLE {
            let copies = holders(person);
            assert!(
                copies.iter().all(|copies| *copies <= 1),
                "seed {seed}: {id} was shown more than once to {person}"
            );
        }
        for person in outsiders {
            assert!(holders(*person).iter().all(|copies| *copies == 0), "seed {seed}: {id} came to {person}");
        }
        assert!(!world.phones[*phone].inbox.contains(id), "seed {seed}: {id} came back to its own device");
        if world.phones[*phone].answers.get(id).is_none_or(|status| !(200..300).contains(status)) {
            continue;
        }
        let stayed = (0..PEOPLE - 1).filter(|person| person != author && !leaving.contains(person));
        for person in stayed {
            let records = world.records(id);
            let copy = records.iter().find(|record| record.to.user() == number(person));
            assert!(
                holders(person).contains(&1),
                "seed {seed}: {id} was accepted and did not reach {person}: {copy:#?}"
            );
        }
        for record in world.records(id) {
            assert_eq!(
                record.outcome,
                Outcome::Delivered,
                "seed {seed}: {id} to {}: {:#?}",
                record.to,
                record.steps
            );
        }
    }
}

/// What was accepted is in the history of both sides once, as far as they keep one, and the counts are right.
fn check_histories(seed: u64, day: &Day) {
    let Day { world, sent, said, .. } = day;
    let is_accepted = |phone: &Phone, id: &String| {
        world.phones[*phone].answers.get(id).is_some_and(|status| (200..300).contains(status))
    };
    for person in REMEMBERING {
        let kept = world.store().remembered(&address(person), None, 10_000, usize::MAX).expect("readable");
        let row = world.store().history(&address(person)).expect("readable").expect("it is kept");
        let bytes: usize = kept.iter().map(|(message, _)| message.body.len()).sum();
        assert_eq!(
            (row.messages, row.body_bytes),
            (kept.len() as u64, bytes as u64),
            "seed {seed}: {person}"
        );
        let copies = |id: &String, direction| {
            let keys = kept.iter().map(|(message, _)| &message.key);
            keys.filter(|key| key.message_id == *id && key.direction == direction).count()
        };
        for (id, (phone, to)) in sent {
            let is_mine = world.phones[*phone].number == number(person);
            let (out, into) = (copies(id, Direction::Out), copies(id, Direction::In));
            assert!(out <= usize::from(is_mine), "seed {seed}: {id}, said by {person}, is there {out} times");
            assert!(into <= usize::from(*to == person && !is_mine), "seed {seed}: {id} for {person}: {into}");
            if is_accepted(phone, id) {
                let is_there = out + into == usize::from(is_mine || *to == person);
                assert!(is_there, "seed {seed}: {id} is not in the history of {person}");
            }
        }
        for (id, Said { phone, person: author, .. }) in said {
            let out = copies(id, Direction::Out);
            assert!(out <= 1 && copies(id, Direction::In) <= 1, "seed {seed}: {id} is there more than once");
            if *author == person && is_accepted(phone, id) {
                assert_eq!(out, 1, "seed {seed}: {id} is not in the history of its author");
            }
        }
    }
}

fn seeds(default: u64) -> std::ops::Range<u64> {
    let wanted = std::env::var("HONGYAN_SIMULATION_SEEDS").ok().and_then(|count| count.parse().ok());
    1..1 + wanted.unwrap_or(default)
}

#[test]
fn in_fair_weather_everything_arrives_everywhere() {
    let mut said = 0;
    for seed in seeds(6) {
        let day = play(seed, Weather::default(), false);
        check(seed, &day);
        said += day.said.len();
        for (id, (sender, _)) in &day.sent {
            assert!(
                day.world.phones[*sender].answers.contains_key(id),
                "seed {seed}: {id} was never answered"
            );
        }
    }
    assert!(said > 20, "there is a group to speak of: {said}");
}

#[test]
fn loss_repetition_and_disorder_lose_nothing_accepted() {
    for seed in seeds(6) {
        let mut day = play(seed, Weather { lose: 200, repeat: 150, reorder: 200 }, false);
        check(seed, &day);
        forgets(seed, &mut day.world);
    }
}

#[test]
fn crashes_in_bad_weather_lose_nothing_accepted() {
    for seed in seeds(8) {
        let mut day = play(seed, Weather { lose: 150, repeat: 100, reorder: 150 }, true);
        check(seed, &day);
        forgets(seed, &mut day.world);
    }
}
