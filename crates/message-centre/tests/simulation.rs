//! Many handsets, bad weather, a process that dies and comes back: whatever happens, what was accepted arrives.
//!
//! Each run is a seed; a failure names it. `HONGYAN_SIMULATION_SEEDS=200` plays more of them.

mod world;

use std::collections::BTreeMap;

use sip::Transport;
use store::Outcome;
use world::{Phone, Weather, World, seconds};

const PEOPLE: usize = 5;
const OPERATIONS: usize = 60;

fn number(person: usize) -> String {
    format!("+86138000000{person:02}")
}

/// What was sent: by which phone, to whom.
type Sent = BTreeMap<String, (Phone, usize)>;

/// A day in the life of the centre. Gives the world at rest, and what was sent.
fn play(seed: u64, weather: Weather, crashes: bool) -> (World, Sent) {
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
    world.weather = weather;
    let mut sent = Sent::new();
    for _ in 0..OPERATIONS {
        let (phone, _) = phones[world.random(phones.len() as u64) as usize];
        match world.random(20) {
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
    (world, sent)
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
fn check(seed: u64, world: &World, sent: &Sent) {
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

fn seeds(default: u64) -> std::ops::Range<u64> {
    let wanted = std::env::var("HONGYAN_SIMULATION_SEEDS").ok().and_then(|count| count.parse().ok());
    1..1 + wanted.unwrap_or(default)
}

#[test]
fn in_fair_weather_everything_arrives_everywhere() {
    for seed in seeds(6) {
        let (world, sent) = play(seed, Weather::default(), false);
        check(seed, &world, &sent);
        for (id, (sender, _)) in &sent {
            assert!(world.phones[*sender].answers.contains_key(id), "seed {seed}: {id} was never answered");
        }
    }
}

#[test]
fn loss_repetition_and_disorder_lose_nothing_accepted() {
    for seed in seeds(6) {
        let (world, sent) = play(seed, Weather { lose: 200, repeat: 150, reorder: 200 }, false);
        check(seed, &world, &sent);
    }
}

#[test]
fn crashes_in_bad_weather_lose_nothing_accepted() {
    for seed in seeds(8) {
        let (world, sent) = play(seed, Weather { lose: 150, repeat: 100, reorder: 150 }, true);
        check(seed, &world, &sent);
    }
}
