//! Webhooks that fail in every way: nothing is lost, nobody else waits, and everything can be put back.

mod world;

use maap::{Answer, Call};
use message_centre::{Task, dead_letters};
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
    let users: Vec<String> = (0..8).map(|n| format!("+86139{n:08}")).collect();
    users.iter().for_each(|number| world.account(number));
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
fn what_waits_behind_a_failure_is_tried_before_it_is_given_up_on() {
    let mut world = World::with_bot();
    world.webhook.fails_for.insert(ALICE.to_owned());
    world.place_text(ALICE, "one");
    world.place_text(ALICE, "two");
    world.run_for(seconds(DAY));
    // A day is over for the first, and the second's begins.
    assert_eq!((world.dead_letters(&bot()).len(), world.mailbox().len()), (1, 1));
    world.webhook.fails_for.clear();
    world.run_for(seconds(2));
    assert_eq!(world.webhook.texts_of(ALICE), ["two"]);
}

#[test]
fn waits_between_tries_are_not_alike() {
    let mut world = World::with(|config| config.jitter_percent = 20);
    world.make_bot();
    let users: Vec<String> = (0..50).map(|n| format!("+86139{n:08}")).collect();
    users.iter().for_each(|number| world.account(number));
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
