//! A group of members over MSRP and in pager mode, who say things of any size while devices come and go, sessions end and break,
//! datagrams are lost and the process dies. Whatever happens: what was accepted reaches every member, once; nothing is left over.

mod town;

use std::collections::{BTreeMap, BTreeSet};

use handset::{Answers, Event, Outgoing, Services};
use sip::Transport;
use town::{Phone, Town, seconds};

const NUMBERS: [&str; 4] = ["+8613800000001", "+8613800000002", "+8613800000003", "+8613800000004"];
const STEPS: u64 = 80;
const SEEDS: u64 = 12;

#[test]
fn what_is_said_in_a_mixed_group_reaches_everybody_once_in_any_weather() {
    let seeds = match std::env::var("HONGYAN_SEED") {
        Ok(seed) => vec![seed.parse().expect("HONGYAN_SEED is a number")],
        Err(_) => (1..=SEEDS).collect::<Vec<u64>>(),
    };
    let is_all = seeds.len() > 1;
    let mut accepted = [0; 2];
    for seed in seeds {
        let Ok(of_this) = std::panic::catch_unwind(|| live(seed)) else { panic!("HONGYAN_SEED={seed}") };
        accepted.iter_mut().zip(of_this).for_each(|(sum, one)| *sum += one);
    }
    assert!(
        !is_all || accepted.iter().all(|count| *count > 20),
        "there is something to speak of: {accepted:?}"
    );
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

fn uri(number: &str) -> String {
    format!("sip:{number}@hongyan.local;user=phone")
}

/// Something said: by which phone of whom, in a session or not, how long it was, and who had left by then for certain.
struct Said {
    is_in_session: bool,
    phone: Phone,
    person: usize,
    bytes: usize,
    outsiders: Vec<usize>,
}

/// How many messages were accepted in sessions, and how many by MESSAGE.
fn live(seed: u64) -> [usize; 2] {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut town = Town::new();
    let chats = Services { chat: true, ..Services::default() };
    let kinds = [
        (Transport::Tcp, chats.clone()),
        (Transport::Ws, chats.clone()),
        (Transport::Udp, chats.clone()),
        (Transport::Tcp, Services { pager: false, ..chats }),
        (Transport::Udp, Services::default()),
        (Transport::Tcp, Services::default()),
        (Transport::Udp, Services { large: true, ..Services::default() }),
    ];
    // The first makes the group, for which a list and an offer are too large for a datagram. It has a second device.
    let mut phones: Vec<(Phone, usize)> = Vec::new();
    for (kinds, person) in [(&kinds[..2], 0), (&kinds, 0), (&kinds, 1), (&kinds, 2), (&kinds, 3)] {
        let (transport, services) = random.one(kinds).clone();
        phones.push((town.phone(NUMBERS[person], transport, services), person));
    }
    let members: Vec<String> = NUMBERS[1..].iter().map(|number| uri(number)).collect();
    town.with_phone(phones[0].0, |phone, now| phone.make_group(now, "circle", &members));
    town.run_for(seconds(40));
    let focus = town.phones[phones[0].0].events.iter().find_map(|event| match event {
        Event::Joined { focus } => Some(focus.clone()),
        _ => None,
    });
    let focus = focus.expect("the group is made");
    town.lose = *random.one(&[0, 100]);
    let mut said: BTreeMap<String, Said> = BTreeMap::new();
    let mut leaving: BTreeSet<usize> = BTreeSet::new();
    for step in 0..STEPS {
        let (phone, person) = *random.one(&phones);
        let is_on = town.phones[phone].is_on;
        let bytes = *random.one(&[5, 50, 200, 900, 5_000, 60_000]);
        let text = format!("{step} {}", "x".repeat(bytes));
        let has_left = |person: &usize| {
            let mut theirs = phones.iter().filter(|(_, of)| of == person);
            theirs.any(|(phone, _)| town.saw(*phone, |event| matches!(event, Event::Left { .. })))
        };
        let outsiders: Vec<usize> = (0..NUMBERS.len()).filter(has_left).collect();
        let session = town.phones[phone].handset.group_call(&focus).filter(|_| is_on);
        match (random.below(22), session) {
            (0..=6 | 20.., Some(call)) => {
                let id = town.with_phone(phone, |phone, now| phone.say(now, call, &Outgoing::text(&text)));
                said.insert(id, Said { is_in_session: true, phone, person, bytes, outsiders });
            }
            (3..=8, None) if is_on && bytes <= 200 => {
                let id = town.with_phone(phone, |phone, now| phone.send(now, &focus, &Outgoing::text(&text)));
                said.insert(id, Said { is_in_session: false, phone, person, bytes, outsiders });
            }
            (9, Some(call)) => town.with_phone(phone, |phone, now| phone.hang_up(now, call)),
            (10, _) => town.break_media(phone),
            (11 | 17 | 18, None) if is_on && !leaving.contains(&person) => {
                town.with_phone(phone, |phone, now| phone.join_group(now, &focus));
            }
            (12 | 13, _) if is_on => town.switch_off(phone),
            (14, _) => {
                let answers = *random.one(&[Answers::Accept, Answers::Accept, Answers::Refuse(480)]);
                town.phones[phone].handset.answer_with(answers);
            }
            (15, _) if person > 1 && is_on && leaving.is_empty() => {
                leaving.insert(person);
                town.with_phone(phone, |phone, now| phone.leave_group(now, &focus));
            }
            (16, _) if random.below(2) == 0 => {
                town.crash();
                town.start();
            }
            _ if !is_on => town.switch_on(phone),
            _ => {}
        }
        town.run_for(seconds(*random.one(&[0, 1, 5, 30, 30, 200])));
    }
    // Fair weather, everybody there: what waits arrives.
    town.lose = 0;
    for (phone, _) in &phones {
        if town.phones[*phone].is_on {
            town.switch_off(*phone);
        }
        town.phones[*phone].handset.answer_with(Answers::Accept);
        town.switch_on(*phone);
    }
    town.run_for(seconds(4_000));

    for (id, Said { phone: author, person: by, bytes, outsiders, .. }) in &said {
        let copies = |phone: Phone| {
            let shown = town.phones[phone].events.iter();
            shown.filter(|event| matches!(event, Event::Message(shown) if shown.message_id == *id)).count()
        };
        let is_accepted = town.answer(*author, id).is_some_and(|status| status < 300);
        assert_eq!(copies(*author), 0, "{id} came back to its own device");
        for (phone, person) in phones.iter().filter(|(phone, _)| phone != author) {
            assert!(copies(*phone) <= 1, "{id} was shown {} times", copies(*phone));
            assert!(copies(*phone) == 0 || !outsiders.contains(person), "{id} came to somebody who had left");
        }
        // Whoever left may have done so before or after. A second device counts as one as long as it is registered.
        for person in (0..NUMBERS.len()).filter(|person| person != by && !leaving.contains(person)) {
            let devices = || phones.iter().filter(|(_, of)| *of == person).map(|(phone, _)| *phone);
            // What fits into no datagram, or into no message at all, is nothing for a device of pager mode.
            let is_deaf = |phone: Phone| {
                let is_small = if town.phones[phone].flow.transport == Transport::Udp { 200 } else { 30_000 };
                !town.phones[phone].handset.announces_sessions() && *bytes > is_small
            };
            if is_accepted && !devices().all(is_deaf) {
                let records = town.records(id);
                let record = records.iter().find(|record| record.to.user() == NUMBERS[person]);
                let has_it = devices().any(|phone| copies(phone) == 1);
                assert!(has_it, "{id} ({bytes} bytes) did not reach {person}: {record:#?}");
            }
        }
    }
    assert_eq!(town.sessions(), 0, "every session has ended");
    let waiting: u64 = NUMBERS.iter().map(|number| town.waiting(number)).sum();
    assert!(town.files() as u64 <= waiting, "{} files for {waiting} entries", town.files());
    let is_accepted =
        |said: &(&String, &Said)| town.answer(said.1.phone, said.0).is_some_and(|status| status < 300);
    let accepted: Vec<_> = said.iter().filter(is_accepted).collect();
    let in_sessions = accepted.iter().filter(|(_, said)| said.is_in_session).count();
    [in_sessions, accepted.len() - in_sessions]
}
