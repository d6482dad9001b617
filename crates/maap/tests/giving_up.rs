//! Webhooks that fail in every way: nothing is lost, nobody else waits, and everything can be put back.

mod world;

use maap::{Answer, Call};
use message_centre::{Task, dead_letters};
use proptest::prelude::*;
use rcs::address::Address;
use rcs::imdn::Disposition::{Delivered, Displayed, Failed};
use serde_json::json;
use store::Outcome;
use world::{ALICE, BOB, Trouble, World, bot, seconds};

const DAY: u64 = 86_400;

fn chatbot(name: &str) -> Address {
    format!("sip:{name}@botplatform.hongyan.local").parse().expect("an address")
}

/// Texts that were taken from a user by a chatbot other than the usual one.
fn taken_by(world: &World, chatbot: &Address, from: &str) -> Vec<String> {
    let messages = world.webhook.taken.iter().map(|(_, body)| body);
    let of_both = messages.filter(|body| {
        body["destinationAddress"] == chatbot.as_str() && body["senderAddress"] == format!("tel:{from}")
    });
    of_both.map(|body| body["messageList"][0]["contentText"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn chatbots_that_fail_in_every_way_delay_no_other_and_lose_nothing() {
    let mut world = World::with_bot();
    let troubles = [
        ("error", Trouble::Answers(500)),
        ("redirect", Trouble::Answers(307)),
        ("gone", Trouble::Answers(503)),
        ("hang", Trouble::Hangs),
        ("close", Trouble::Closes),
        ("private", Trouble::Forbidden),
    ];
    for (name, trouble) in troubles {
        world.create(name, json!({ "webhook": format!("http://{name}.example/hook") }));
        world.webhook.troubles.insert(format!("{name}.example"), trouble);
    }
    let users = world.users(8);
    let texts = ["one", "two", "three"];
    for text in texts {
        for from in &users {
            troubles.iter().for_each(|(name, _)| world.place_text_for(&chatbot(name), from, text));
            world.place_text(from, text);
        }
        // Not a moment has passed, whatever the others do.
        for from in &users {
            assert_eq!(world.webhook.texts_of(from).last().map(String::as_str), Some(text));
        }
    }
    for day in 0..40 {
        world.run_for(seconds(DAY));
        world.place_text(ALICE, &format!("day {day}"));
        assert_eq!(world.webhook.texts_of(ALICE).len(), day + 1, "at once");
    }
    // What cannot be reached is tried now and then, one call at a time: forty days have 1920 half hours.
    for name in ["gone", "hang", "close", "private"] {
        let calls = world.webhook.calls_of(&format!("{name}.example"));
        assert!(calls < 2_000, "{calls} calls of {name}");
    }
    for (name, _) in troubles {
        let chatbot = chatbot(name);
        assert!(world.store().mailbox(&chatbot, 9).expect("readable").is_empty(), "{name}");
        let letters = world.dead_letters(&chatbot);
        assert_eq!(letters.len(), 24, "{name}");
        assert!(letters.iter().all(|letter| letter.why == "its time ran out"));
        let tried = letters.iter().filter(|letter| letter.entry.attempts > 0);
        assert!(tried.clone().count() > 0 && tried.clone().all(|letter| letter.last_answer.is_some()));
    }
    world.webhook.troubles.clear();
    for (name, _) in troubles {
        let chatbot = chatbot(name);
        assert_eq!(world.put_back(&chatbot), 24, "{name}");
        world.run_for(seconds(1));
        for from in &users {
            assert_eq!(taken_by(&world, &chatbot, from), texts, "{name}");
        }
        assert!(world.dead_letters(&chatbot).is_empty());
    }
}

#[test]
fn what_is_put_back_is_there_once_and_before_what_came_after_it() {
    let mut world = World::with_bot();
    world.webhook.fails_for.insert(ALICE.to_owned());
    world.text(ALICE, "a0");
    world.run_for(seconds(DAY));
    let letters = world.dead_letters(&bot());
    let letter = &letters[0];
    assert_eq!((letters.len(), letter.entry.message_id.as_str()), (1, "a0"));
    assert_eq!(letter.last_answer.as_deref(), Some("answered 500"));
    assert_eq!(world.records("a0")[0].outcome, Outcome::Expired);
    assert_eq!(world.phones[ALICE].reports, [("a0".to_owned(), Failed)]);
    // More comes, and fails too; then the dead letter is put back, twice, and by somebody who read the list before.
    world.text(ALICE, "a1");
    world.text(ALICE, "a2");
    let stale = vec![dead_letters::key_of(letter)];
    assert_eq!(world.put_back(&bot()), 1);
    let again = world.call(Call::PutBack { chatbot: bot(), letters: stale });
    assert_eq!(again, Answer::Counted(0));
    assert_eq!(world.records("a0")[0].outcome, Outcome::Waiting);
    world.crash();
    world.start();
    world.run_for(seconds(60));
    assert_eq!(world.mailbox().len(), 3, "tried again, and not given up on at once");
    world.webhook.fails_for.clear();
    world.run_for(seconds(1800));
    assert_eq!(world.webhook.texts_of(ALICE), ["a0", "a1", "a2"]);
    assert_eq!(world.records("a0")[0].outcome, Outcome::Delivered);
    let of_a0 = world.phones[ALICE].reports.iter().filter(|(id, _)| id == "a0").map(|(_, what)| *what);
    assert_eq!(of_a0.collect::<Vec<_>>(), [Failed, Delivered, Displayed]);
    assert!(world.dead_letters(&bot()).is_empty() && world.mailbox().is_empty());
}

#[test]
fn what_waits_behind_a_failure_is_tried_once_more_and_given_up_on_in_its_own_time() {
    let mut world = World::with_bot();
    world.webhook.fails_for.insert(ALICE.to_owned());
    world.place_text(ALICE, "one");
    world.place_text(ALICE, "two");
    world.run_for(seconds(3600));
    world.place_text(ALICE, "three");
    world.run_for(seconds(DAY - 3600));
    let letters = world.dead_letters(&bot());
    let ids: Vec<&str> = letters.iter().map(|letter| letter.entry.message_id.as_str()).collect();
    assert_eq!(ids, [format!("{ALICE}-one"), format!("{ALICE}-two")]);
    assert_eq!((letters[1].entry.attempts, letters[1].last_answer.as_deref()), (1, Some("answered 500")));
    assert_eq!(world.mailbox().len(), 1);
    world.run_for(seconds(3600));
    assert_eq!((world.dead_letters(&bot()).len(), world.mailbox().len()), (3, 0));
    world.webhook.fails_for.clear();
    assert_eq!(world.put_back(&bot()), 3);
    assert_eq!(world.webhook.texts_of(ALICE), ["one", "two", "three"]);
}

#[test]
fn a_webhook_that_is_gone_for_a_day_leaves_nothing_waiting_and_all_of_it_to_be_put_back() {
    let mut world = World::with_bot();
    let users = world.users(100);
    world.webhook.is_down = true;
    for text in ["one", "two", "three"] {
        users.iter().for_each(|from| world.place_text(from, text));
        world.run_for(seconds(600));
    }
    // It is known from the disk for how long each has waited.
    world.run_for(seconds(DAY / 2));
    world.crash();
    world.run_for(seconds(600));
    world.start();
    assert_eq!((world.mailbox().len(), world.dead_letters(&bot()).len()), (300, 0));
    world.run_for(seconds(DAY / 2 + 600));
    assert!(world.mailbox().is_empty());
    let letters = world.dead_letters(&bot());
    assert_eq!(letters.len(), 300);
    let untried = letters.iter().filter(|letter| letter.entry.attempts == 0);
    assert!(untried.clone().count() > 150, "nearly none was tried");
    for letter in untried {
        assert_eq!(letter.last_answer.as_deref(), Some("another push: connection refused"));
    }
    world.webhook.is_down = false;
    assert_eq!(world.put_back(&bot()), 300);
    for from in &users {
        assert_eq!(world.webhook.texts_of(from), ["one", "two", "three"]);
    }
}

#[test]
fn a_webhook_that_answers_errors_to_all_is_left_alone_until_it_takes_something() {
    let mut world = World::with_bot();
    let users = world.users(100);
    world.webhook.troubles.insert("bot.example".to_owned(), Trouble::Answers(500));
    let before = world.webhook.calls.len();
    for text in ["one", "two"] {
        users.iter().for_each(|from| world.place_text(from, text));
    }
    world.run_for(seconds(3600));
    let calls = world.webhook.calls.len() - before;
    assert!((20..120).contains(&calls), "{calls} calls: one a minute");
    world.webhook.troubles.clear();
    world.run_for(seconds(60));
    for from in &users {
        assert_eq!(world.webhook.texts_of(from), ["one", "two"]);
    }
    assert!(world.mailbox().is_empty() && world.dead_letters(&bot()).is_empty());
}

#[test]
fn users_to_whom_a_webhook_always_answers_errors_keep_no_other_waiting_for_long() {
    let mut world = World::with_bot();
    let users = world.users(50);
    world.webhook.fails_for.extend(users.iter().cloned());
    for round in 0..5 {
        users.iter().for_each(|from| world.place_text(from, &format!("{round}")));
        world.run_for(seconds(600));
        world.place_text(BOB, &format!("bob {round}"));
        world.run_for(seconds(60));
        assert_eq!(world.webhook.texts_of(BOB).len(), round + 1);
    }
}

#[test]
fn a_webhook_that_says_when_to_come_back_is_left_alone_until_then() {
    let mut world = World::with_bot();
    let users = world.users(5);
    for (status, wait) in [(429, 120), (503, 1000)] {
        world.webhook.troubles.insert("bot.example".to_owned(), Trouble::Wants(status, wait));
        let before = world.webhook.calls.len();
        world.place_text(&users[0], &status.to_string());
        users.iter().for_each(|from| world.place_text(from, &format!("after {status}")));
        world.run_for(seconds(u64::from(wait) - 1));
        assert_eq!(world.webhook.calls.len() - before, 1, "one was enough");
        world.webhook.troubles.clear();
        world.run_for(seconds(1));
        let texts = world.webhook.texts_of(&users[0]);
        assert_eq!(texts[texts.len() - 2..], [status.to_string(), format!("after {status}")]);
        for from in &users[1..] {
            assert_eq!(world.webhook.texts_of(from).last(), Some(&format!("after {status}")));
        }
    }
}

#[test]
fn a_webhook_that_was_moved_is_not_taken_for_the_one_before() {
    let mut world = World::with_bot();
    let users = world.users(20);
    world.webhook.troubles.insert("bot.example".to_owned(), Trouble::Hangs);
    users.iter().for_each(|from| world.place_text(from, "one"));
    users.iter().for_each(|from| world.place_text(from, "two"));
    world.run_for(seconds(5));
    world.update(json!({ "webhook": "http://new.example/hook" }));
    // What is under way to the old one has its time; then it goes to the new one at once.
    world.run_for(seconds(5));
    for from in &users {
        assert_eq!(world.webhook.texts_of(from), ["one", "two"]);
    }
}

#[test]
fn whatever_may_have_mended_a_webhook_has_it_tried_at_once() {
    let mut world = World::with_bot();
    let mends: [fn(&mut World); 2] = [
        |world| drop(world.update(json!({ "allowPrivateWebhook": true }))),
        |world| {
            let step = |step| Call::Standing(maap::StandingCall::Step { chatbot: bot(), step });
            world.call(step(maap::Step::Suspend));
            world.call(step(maap::Step::Resume));
        },
    ];
    for (n, mend) in mends.into_iter().enumerate() {
        world.webhook.troubles.insert("bot.example".to_owned(), Trouble::Forbidden);
        world.place_text(ALICE, &n.to_string());
        world.run_for(seconds(3600));
        world.webhook.troubles.clear();
        mend(&mut world);
        assert_eq!(world.webhook.texts_of(ALICE).last(), Some(&n.to_string()));
    }
}

/// What happens to a webhook in a story that nobody has thought of.
#[derive(Debug, Clone, Copy)]
enum Event {
    Text(usize),
    Fails(usize),
    Trouble(Option<Trouble>),
    Crash,
    Moved,
    Time(u64),
}

fn any_event() -> impl Strategy<Value = Event> {
    let troubles = prop::sample::select(vec![
        None,
        None,
        Some(Trouble::Answers(500)),
        Some(Trouble::Answers(502)),
        Some(Trouble::Wants(429, 20)),
        Some(Trouble::Hangs),
        Some(Trouble::Closes),
    ]);
    prop_oneof![
        8 => (0..USERS).prop_map(Event::Text),
        2 => (0..USERS).prop_map(Event::Fails),
        2 => troubles.prop_map(Event::Trouble),
        1 => Just(Event::Crash),
        1 => Just(Event::Moved),
        4 => (0_u64..100).prop_map(Event::Time),
    ]
}

/// Users in such a story.
const USERS: usize = 8;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happens_everything_comes_and_in_order_for_each_user(
        events in prop::collection::vec(any_event(), 1..120),
    ) {
        let mut world = World::with_bot();
        let users = world.users(USERS as u32);
        let mut sent = vec![Vec::new(); USERS];
        let mut host = "bot.example".to_owned();
        for (n, event) in events.into_iter().enumerate() {
            match event {
                Event::Text(user) => {
                    sent[user].push(n.to_string());
                    world.place_text(&users[user], &n.to_string());
                }
                Event::Fails(user) if world.webhook.fails_for.remove(&users[user]) => {}
                Event::Fails(user) => drop(world.webhook.fails_for.insert(users[user].clone())),
                Event::Trouble(trouble) => {
                    world.webhook.troubles.remove(&host);
                    world.webhook.troubles.extend(trouble.map(|trouble| (host.clone(), trouble)));
                }
                Event::Crash => {
                    world.crash();
                    world.start();
                }
                Event::Moved => {
                    host = format!("bot{n}.example");
                    world.update(json!({ "webhook": format!("http://{host}/hook") }));
                }
                Event::Time(span) => world.run_for(seconds(span)),
            }
        }
        world.webhook.troubles.clear();
        world.webhook.fails_for.clear();
        world.run_for(seconds(3700));
        for (user, sent) in users.iter().zip(&sent) {
            // What was under way in a crash comes twice.
            let mut seen = std::collections::BTreeSet::new();
            let mut taken = world.webhook.texts_of(user);
            taken.retain(|text| seen.insert(text.clone()));
            prop_assert_eq!(&taken, sent, "{}", user);
        }
        prop_assert!(world.mailbox().is_empty());
    }
}

#[test]
fn a_message_that_may_wait_a_moment_is_tried_until_that_is_over() {
    let mut world = World::with_bot();
    world.webhook.fails_for.insert(ALICE.to_owned());
    world.place_text_until(&bot(), ALICE, "one", seconds(20));
    world.run_for(seconds(19));
    assert_eq!(world.mailbox()[0].attempts, 3, "at 0, 1 and 6 seconds");
    world.run_for(seconds(1));
    let letters = world.dead_letters(&bot());
    assert_eq!((letters.len(), letters[0].entry.attempts), (1, 4));
}

#[test]
fn waits_between_tries_are_not_alike() {
    let mut world = World::with(|config| (config.jitter_percent, config.failures_max) = (20, 1_000));
    world.make_bot();
    let users = world.users(50);
    world.webhook.fails_for.extend(users.iter().cloned());
    users.iter().for_each(|from| world.place_text(from, "one"));
    let calls = |world: &World| world.webhook.calls_of("bot.example");
    let before = calls(&world);
    world.run_for(std::time::Duration::from_millis(999));
    assert_eq!(calls(&world), before, "none before a second is over");
    let mut moments = 0;
    for _ in 0..201 {
        let had = calls(&world);
        world.run_for(std::time::Duration::from_millis(1));
        moments += usize::from(calls(&world) > had);
    }
    assert_eq!(calls(&world), before + 50, "each again within 1.2 seconds");
    assert!(moments > 10, "at {moments} different moments");
}

#[test]
fn a_chatbot_has_so_many_dead_letters_and_they_go_in_their_time() {
    let mut world = World::with_bot();
    world.centre_config = |config| config.dead_letters.per_chatbot_max = 3;
    world.crash();
    world.start();
    // The chatbot is told nothing of such a type: refused at once.
    for n in 0..5 {
        world.message(ALICE, &format!("v{n}"), "text/vcard", "BEGIN:VCARD");
    }
    world.message(BOB, "v5", "text/vcard", "BEGIN:VCARD");
    world.run_for(seconds(1));
    let letters = world.dead_letters(&bot());
    let ids: Vec<&str> = letters.iter().map(|letter| letter.entry.message_id.as_str()).collect();
    assert_eq!(ids, ["v0", "v1", "v2"]);
    assert!(letters.iter().all(|letter| letter.last_answer.is_none() && letter.entry.attempts == 0));
    assert!(
        world.phones[BOB].reports.contains(&("v5".to_owned(), Failed)),
        "whoever sends is told all the same"
    );
    let removed = world.call(Call::RemoveDeadLetters(vec![letters[0].key(), letters[0].key()]));
    assert_eq!(removed, Answer::Counted(1));
    let keys: Vec<_> = world.dead_letters(&bot()).iter().map(store::DeadLetter::key).collect();
    world.centre_task(Task::ForgetDeadLetters(keys.clone()));
    assert_eq!(world.dead_letters(&bot()).len(), 2, "too young");
    world.run_for(seconds(14 * DAY + 1));
    world.centre_task(Task::ForgetDeadLetters(keys));
    assert!(world.dead_letters(&bot()).is_empty());
    assert_eq!(world.store().dead_letter_count(&bot()).expect("readable").count, 0);
}

#[test]
fn mail_of_a_chatbot_that_is_no_more_leaves_nothing() {
    let mut world = World::with_bot();
    world.webhook.fails_for.insert(ALICE.to_owned());
    world.text(ALICE, "a0");
    assert_eq!(world.call(Call::Remove(bot())), Answer::Removed);
    world.run_for(seconds(40 * DAY));
    assert!(world.mailbox().is_empty() && world.dead_letters(&bot()).is_empty());
    let none = world.call(Call::PutBack { chatbot: bot(), letters: Vec::new() });
    assert_eq!(none, Answer::NotFound);
}

#[test]
fn whoever_gets_the_name_of_a_chatbot_finds_no_mail_of_the_one_before() {
    let mut world = World::with_bot();
    let users = world.users(100);
    world.webhook.fails_for.extend(users.iter().cloned());
    users.iter().for_each(|from| world.place_text(from, "one"));
    world.run_for(seconds(DAY + 60));
    world.webhook.fails_for.insert(ALICE.to_owned());
    world.text(ALICE, "a0");
    users.iter().for_each(|from| world.place_text(from, "two"));
    assert_eq!((world.dead_letters(&bot()).len(), world.mailbox().len()), (100, 101));
    let stale: Vec<_> = world.dead_letters(&bot()).iter().map(dead_letters::key_of).collect();
    assert_eq!(world.call(Call::Remove(bot())), Answer::Removed);
    assert!(world.mailbox().is_empty() && world.dead_letters(&bot()).is_empty());
    assert_eq!(world.phones[ALICE].reports, [("a0".to_owned(), Failed)], "and senders know");
    world.webhook.fails_for.clear();
    world.make_bot();
    assert_eq!(world.call(Call::PutBack { chatbot: bot(), letters: stale }), Answer::Counted(0));
    world.run_for(seconds(DAY));
    assert!(world.webhook.taken.is_empty());
}
