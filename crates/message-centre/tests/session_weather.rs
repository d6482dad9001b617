//! Chats, large messages and pager mode in any order, while devices come and go, datagrams are lost and the process dies. Whatever
//! happens: what was accepted arrives, once; nothing is left over.

mod town;

use std::collections::{BTreeMap, BTreeSet};

use handset::{Answers, Event, Outgoing, Services};
use message_centre::Held;
use sip::Transport;
use town::{Phone, Town, seconds};

const NUMBERS: [&str; 3] = ["+8613800000001", "+8613800000002", "+8613800000003"];
const STEPS: u64 = 60;

#[test]
fn what_is_said_in_any_mode_arrives_once_in_any_weather() {
    let seeds = match std::env::var("HONGYAN_SEED") {
        Ok(seed) => vec![seed.parse().expect("HONGYAN_SEED is a number")],
        Err(_) => (1..=12).collect::<Vec<u64>>(),
    };
    for seed in seeds {
        let told = std::panic::catch_unwind(|| live(seed));
        assert!(told.is_ok(), "HONGYAN_SEED={seed}");
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn uri(number: &str) -> String {
    format!("sip:{number}@hongyan.local;user=phone")
}

fn live(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut town = Town::new();
    let kinds = [
        (Transport::Tcp, Services::all()),
        (Transport::Udp, Services::all()),
        (Transport::Ws, Services { pager: false, ..Services::all() }),
        (Transport::Udp, Services::default()),
        (Transport::Tcp, Services { answers: Answers::Ring, ..Services::all() }),
    ];
    // One device each, so that what one has shown nobody else must show too.
    let phones: Vec<Phone> = NUMBERS
        .iter()
        .map(|number| {
            let (transport, services) = kinds[random.below(kinds.len() as u64) as usize].clone();
            town.phone(number, transport, services)
        })
        .collect();
    town.lose = if random.below(2) == 0 { 0 } else { 100 };
    let mut calls: BTreeMap<Phone, Vec<u64>> = BTreeMap::new();
    // What was sent: id, addressee, text.
    let mut sent: BTreeMap<String, (Phone, Phone, String)> = BTreeMap::new();
    for step in 0..STEPS {
        let from = phones[random.below(3) as usize];
        let to = phones[(from + 1 + random.below(2) as usize) % 3];
        let is_on = town.phones[from].is_on;
        let length = [5, 50, 900, 5_000, 60_000][random.below(5) as usize];
        let text = format!("{step} {}", "文".repeat(length / 3));
        match random.below(12) {
            0 | 1 if is_on => {
                let call = town.with_phone(from, |phone, now| phone.call(now, &uri(NUMBERS[to])));
                calls.entry(from).or_default().push(call);
            }
            2..=4 if is_on && calls.contains_key(&from) => {
                let known = &calls[&from];
                let call = known[random.below(known.len() as u64) as usize];
                let peer = town.phones[from].handset.peer_of(call);
                let Some(peer) =
                    peer.and_then(|peer| NUMBERS.iter().position(|number| peer.contains(number)))
                else {
                    continue;
                };
                let id = town.with_phone(from, |phone, now| phone.say(now, call, &Outgoing::text(&text)));
                sent.insert(id, (from, peer, text));
            }
            5 if is_on => {
                let id = town.with_phone(from, |phone, now| {
                    phone.send_large(now, &uri(NUMBERS[to]), &Outgoing::text(&text))
                });
                sent.insert(id, (from, to, text));
            }
            6 | 7 if is_on && length < 5_000 => {
                let id = town.with_phone(from, |phone, now| {
                    phone.send(now, &uri(NUMBERS[to]), &Outgoing::text(&text))
                });
                sent.insert(id, (from, to, text));
            }
            8 if is_on => {
                town.switch_off(from);
                calls.remove(&from);
            }
            9 => {
                let call = town.phones[from].handset.call_with(&uri(NUMBERS[to]));
                if let Some(call) = call {
                    town.with_phone(from, |phone, now| phone.hang_up(now, call));
                }
            }
            10 if random.below(4) == 0 => {
                town.crash();
                town.start();
                calls.clear();
            }
            _ if !is_on => town.switch_on(from),
            _ => {}
        }
        town.run_for(seconds(random.below(40)));
    }
    // Fair weather, everybody there: what waits arrives.
    town.lose = 0;
    for phone in &phones {
        if town.phones[*phone].is_on {
            town.switch_off(*phone);
        }
        town.phones[*phone].handset.answer_with(Answers::Accept);
        town.switch_on(*phone);
    }
    town.run_for(seconds(4_000));

    for (id, (from, to, text)) in &sent {
        let status = town.answer(*from, id);
        let shown: Vec<&String> = town.phones[*to]
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Message(message) if message.message_id == *id => Some(&message.message_id),
                _ => None,
            })
            .collect();
        assert!(shown.len() <= 1, "{id} was shown {} times", shown.len());
        if status.is_some_and(|status| status < 300) {
            // A device of pager mode alone, over UDP, never takes what fits into no datagram.
            let is_deaf = town.phones[*to].flow.transport == Transport::Udp
                && text.len() > 400
                && !town.phones[*to].handset.announces_sessions();
            let record = town.records(id);
            assert!(
                shown.len() == 1 || is_deaf,
                "{id} ({} bytes) was accepted and never shown: {record:?}",
                text.len()
            );
        }
    }
    let foreign: BTreeSet<&String> = phones
        .iter()
        .flat_map(|phone| town.phones[*phone].events.iter().map(move |event| (*phone, event)))
        .filter_map(|(phone, event)| match event {
            Event::Message(message) if sent[&message.message_id].1 != phone => Some(&message.message_id),
            _ => None,
        })
        .collect();
    assert!(foreign.is_empty(), "shown to somebody else: {foreign:?}");
    assert_eq!(town.sessions(), 0, "every session has ended");
    for phone in &phones {
        town.switch_off(*phone);
    }
    // Longer than anything lasts: registrations, messages, attempts; then some hours more, since nobody looks while nothing happens.
    for hours in [40 * 24, 2, 2] {
        town.run_for(seconds(hours * 3600));
    }
    assert_eq!(town.held(), Held::default(), "nothing is remembered for ever");
    let waiting: u64 = NUMBERS.iter().map(|number| town.waiting(number)).sum();
    assert!(town.files() as u64 <= waiting, "{} files for {waiting} entries", town.files());
}
