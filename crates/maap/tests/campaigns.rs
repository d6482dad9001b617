//! Campaigns: everybody is sent to once, at the rate and within the hours, however often the process dies.

mod world;

use std::collections::BTreeMap;

use maap::manage::{self, Answer, NewCampaign, PlanChange, Steering};
use maap::{Call, Change};
use rcs::address::Address;
use serde_json::{Value, json};
use store::campaign::{FinalOutcome, message_id};
use store::{Campaign, CampaignId, CampaignState, ChatbotStatus, Outcome, Progress, Recipient};
use world::{ALICE, BOB, World, bot, seconds, user};

fn manage(world: &mut World, call: manage::Call) -> Answer {
    match world.call(Call::Manage(Box::new(call))) {
        maap::Answer::Managed(answer) => *answer,
        other => panic!("{other:?}"),
    }
}

fn campaign_of(answer: Answer) -> (Campaign, Progress) {
    match answer {
        Answer::Campaign(campaign, progress) => (*campaign, progress),
        other => panic!("{other:?}"),
    }
}

/// A world with a chatbot, a template, and a draft campaign.
fn with_campaign(plan: Value) -> (World, CampaignId) {
    let mut world = World::with(|config| {
        config.campaigns.keep = seconds(30 * 86_400);
        config.limits.per_second = 10_000;
    });
    world.create("12306", json!({}));
    let source = json!({
        "variables": [{ "name": "train", "type": "text", "maxChars": 20 }],
        "content": { "text": "{{train}} leaves" },
        "traffic": "advertisement",
    });
    let put = manage::Call::PutTemplate { key: (bot(), "leaving".to_owned()), source };
    assert_eq!(manage(&mut world, put), Answer::Made);
    let id = create(&mut world, plan);
    (world, id)
}

fn create(world: &mut World, plan: Value) -> CampaignId {
    let plan: PlanChange = serde_json::from_value(plan).expect("a plan");
    let new = NewCampaign { chatbot: bot(), name: "spring".to_owned(), template: "leaving".to_owned(), plan };
    campaign_of(manage(world, manage::Call::CreateCampaign(Box::new(new)))).0.id
}

fn number(at: u64) -> String {
    format!("+8613900{at:06}")
}

fn recipient(number: &str) -> Recipient {
    Recipient { to: user(number), values: vec![format!("G{}", &number[number.len() - 3..])] }
}

fn upload(world: &mut World, id: CampaignId, recipients: Vec<Recipient>) -> (u64, u64, u64) {
    match manage(world, manage::Call::AddRecipients { campaign: id, recipients }) {
        Answer::Uploaded { added, duplicates, recipients } => (added, duplicates, recipients),
        other => panic!("{other:?}"),
    }
}

fn steer(world: &mut World, id: CampaignId, steering: Steering) -> CampaignState {
    campaign_of(manage(world, manage::Call::Steer(id, steering))).0.state
}

fn state(world: &World, id: CampaignId) -> CampaignState {
    world.store().campaign(id).expect("readable").expect("it is there").state
}

fn progress(world: &World, id: CampaignId) -> Progress {
    world.store().campaign_progress(id).expect("readable").0
}

fn tally(world: &World, id: CampaignId) -> (u64, u64, u64) {
    let tally = world.store().campaign_progress(id).expect("readable").1.expect("a tally");
    (tally.delivered, tally.displayed, tally.failed)
}

/// What waits for somebody without a device, or has been shown to somebody with one.
fn waiting(world: &World, number: &str) -> usize {
    world.store().mailbox(&user(number), 100).expect("readable").len()
}

#[test]
fn a_campaign_reaches_everybody_and_tells_what_became_of_it() {
    let (mut world, id) = with_campaign(json!({}));
    world.account(&number(1));
    let nobody = number(2);
    let all = vec![recipient(ALICE), recipient(BOB), recipient(&number(1)), recipient(&nobody)];
    assert_eq!(upload(&mut world, id, all), (4, 0, 4));
    assert_eq!(steer(&mut world, id, Steering::Start), CampaignState::Running);
    world.run_for(seconds(10));
    assert_eq!(state(&world, id), CampaignState::Finished);
    let done = progress(&world, id);
    assert_eq!((done.cursor, done.sent, done.refused), (4, 3, 1));
    assert_eq!(world.phones[ALICE].texts(), ["G001 leaves"]);
    assert_eq!(world.phones[BOB].texts(), ["G002 leaves"]);
    assert_eq!(tally(&world, id), (2, 2, 0));

    // Each message has its record, under an id that follows from the campaign and the place.
    let record = |place, to: &str| {
        let key = (message_id(id, place), bot(), user(to));
        world.store().record(&key).expect("readable").expect("a record")
    };
    assert_eq!(record(0, ALICE).outcome, Outcome::Delivered);
    assert_eq!(record(2, &number(1)).outcome, Outcome::Waiting);
    assert_eq!(record(3, &nobody).outcome, Outcome::Refused("there is no such subscriber".to_owned()));
    // What never reaches its recipient fails in the end.
    world.run_for(seconds(8 * 86_400));
    assert_eq!(tally(&world, id), (2, 2, 1));
    assert!(world.mailbox().is_empty(), "the chatbot's program hears nothing of it");
}

#[test]
fn nobody_is_taken_twice() {
    let (mut world, id) = with_campaign(json!({}));
    let many: Vec<Recipient> = (0..1_300).map(|at| recipient(&number(at))).collect();
    let chunks = |world: &mut World, range: std::ops::Range<usize>| {
        let mut sum = (0, 0);
        for chunk in many[range].chunks(500) {
            let (added, duplicates, _) = upload(world, id, chunk.to_vec());
            sum = (sum.0 + added, sum.1 + duplicates);
        }
        sum
    };
    assert_eq!(chunks(&mut world, 0..900), (900, 0));
    // The connection broke; the whole file comes again, and its rows in another order.
    assert_eq!(chunks(&mut world, 0..1_300), (400, 900));
    let mut again = many[..300].to_vec();
    again.reverse();
    again.push(again[0].clone());
    assert_eq!(upload(&mut world, id, again), (0, 301, 1_300));
    world.crash();
    world.start();
    assert_eq!(chunks(&mut world, 1_000..1_300), (0, 300));
    let mut listed: Vec<Recipient> = Vec::new();
    for page in 0..3 {
        listed.extend(world.store().campaign_page((id, page)).expect("readable"));
    }
    assert_eq!(listed, many);
    // One more upload goes on where the last page ends, after the restart too.
    assert_eq!(upload(&mut world, id, vec![recipient(ALICE)]), (1, 0, 1_301));
    assert_eq!(world.store().campaign_page((id, 2)).expect("readable").len(), 1_301 - 1_024);
}

#[test]
fn the_rate_is_kept_and_others_are_served_meanwhile() {
    let (mut world, id) = with_campaign(json!({ "perSecond": 30 }));
    world.accounts((0..300).map(number));
    upload(&mut world, id, (0..300).map(|at| recipient(&number(at))).collect());
    steer(&mut world, id, Steering::Start);
    let mut before = progress(&world, id).sent;
    for _ in 0..9 {
        world.run_for(seconds(1));
        let sent = progress(&world, id).sent;
        assert!((27..=33).contains(&(sent - before)), "{} in a second", sent - before);
        before = sent;
    }
    // Whatever else is asked for in between is answered.
    let text = Call::SendText { from: bot(), to: user(ALICE), text: "now".to_owned() };
    assert!(matches!(world.call(text), maap::Answer::Sent { .. }));
    assert_eq!(world.phones[ALICE].texts(), ["now"]);
    world.run_for(seconds(2));
    assert_eq!((state(&world, id), progress(&world, id).sent), (CampaignState::Finished, 300));
}

#[test]
fn a_campaign_waits_for_its_start_and_its_hours() {
    let (mut world, _) = with_campaign(json!({}));
    // The world begins on 2026-11-18 at 19:06:40 by Chinese clocks, a Wednesday.
    assert_eq!(world.now.rfc3339_offset(8), "2026-11-18T19:06:40.000+08:00");
    let id = create(
        &mut world,
        json!({
            "startAt": "2026-11-19T00:00:00+08:00", "perSecond": 1,
            "windows": [{ "from": "09:00", "to": "09:01" }], "timeZone": "+08:00",
        }),
    );
    world.accounts((0..100).map(number));
    upload(&mut world, id, (0..100).map(|at| recipient(&number(at))).collect());
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(13 * 3600));
    assert_eq!(progress(&world, id).sent, 0);
    world.run_for(seconds(3600));
    let of_first_minute = progress(&world, id).sent;
    assert!((59..=61).contains(&of_first_minute), "{of_first_minute}");
    world.run_for(seconds(12 * 3600));
    assert_eq!((state(&world, id), progress(&world, id).sent), (CampaignState::Running, of_first_minute));
    world.run_for(seconds(12 * 3600));
    assert_eq!((state(&world, id), progress(&world, id).sent), (CampaignState::Finished, 100));
}

#[test]
fn whoever_is_not_reached_by_the_end_is_not_sent_to() {
    let (mut world, _) = with_campaign(json!({}));
    let end = world.now.plus(seconds(30)).rfc3339();
    let id = create(&mut world, json!({ "endAt": end, "perSecond": 1 }));
    upload(&mut world, id, (0..100).map(|at| recipient(&number(at))).collect());
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(300));
    let done = progress(&world, id);
    assert_eq!(state(&world, id), CampaignState::Finished);
    assert!((29..=31).contains(&done.cursor), "{done:?}");
}

#[test]
fn a_campaign_is_paused_resumed_and_cancelled() {
    let (mut world, id) = with_campaign(json!({ "perSecond": 10 }));
    let conflict = |answer| assert!(matches!(answer, Answer::Conflict(_)), "{answer:?}");
    conflict(manage(&mut world, manage::Call::Steer(id, Steering::Start)));
    world.accounts((0..100).map(number));
    upload(&mut world, id, (0..60).map(|at| recipient(&number(at))).collect());
    conflict(manage(&mut world, manage::Call::Steer(id, Steering::Pause)));
    assert_eq!(steer(&mut world, id, Steering::Start), CampaignState::Running);
    assert_eq!(
        steer(&mut world, id, Steering::Start),
        CampaignState::Running,
        "a repeated call does no harm"
    );
    world.run_for(seconds(2));
    let recipients = vec![recipient(&number(70))];
    conflict(manage(&mut world, manage::Call::AddRecipients { campaign: id, recipients }));
    conflict(manage(&mut world, manage::Call::RemoveCampaign(id)));

    assert_eq!(steer(&mut world, id, Steering::Pause), CampaignState::Paused);
    let paused_at = progress(&world, id).sent;
    world.run_for(seconds(100));
    assert_eq!(progress(&world, id).sent, paused_at);
    // Who comes while it is paused is sent to as well, also on a page that was begun.
    assert_eq!(upload(&mut world, id, (60..80).map(|at| recipient(&number(at))).collect()), (20, 0, 80));
    let faster = serde_json::from_value(json!({ "perSecond": 20 })).expect("a plan");
    campaign_of(manage(&mut world, manage::Call::ChangePlan(id, Box::new(faster))));
    assert_eq!(steer(&mut world, id, Steering::Resume), CampaignState::Running);
    world.run_for(seconds(1));
    let sent = progress(&world, id).sent - paused_at;
    assert!((18..=22).contains(&sent), "{sent}");

    assert_eq!(steer(&mut world, id, Steering::Cancel), CampaignState::Cancelled);
    let at_end = progress(&world, id).sent;
    world.run_for(seconds(100));
    assert_eq!(progress(&world, id).sent, at_end);
    conflict(manage(&mut world, manage::Call::Steer(id, Steering::Resume)));
    let reached = (0..80).filter(|at| waiting(&world, &number(*at)) == 1).count() as u64;
    assert_eq!(reached, at_end, "one message each, to as many as were counted");
}

#[test]
fn without_its_chatbot_a_campaign_pauses_and_says_why() {
    let (mut world, id) = with_campaign(json!({ "perSecond": 10 }));
    world.accounts((0..50).map(number));
    upload(&mut world, id, (0..50).map(|at| recipient(&number(at))).collect());
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(1));
    let status = |status| Box::new(Change { status: Some(status), ..Change::default() });
    world.call(Call::Update { chatbot: bot(), change: status(ChatbotStatus::Paused), is_reviewed: false });
    world.run_for(seconds(1));
    let campaign = world.store().campaign(id).expect("readable").expect("it is there");
    assert_eq!(campaign.state, CampaignState::Paused);
    assert_eq!(campaign.paused_because.as_deref(), Some("the chatbot is paused"));
    world.call(Call::Update { chatbot: bot(), change: status(ChatbotStatus::Live), is_reviewed: false });
    assert_eq!(steer(&mut world, id, Steering::Resume), CampaignState::Running);
    world.run_for(seconds(10));
    assert_eq!((state(&world, id), progress(&world, id).sent), (CampaignState::Finished, 50));
}

#[test]
fn an_old_campaign_is_removed_with_all_its_rows() {
    let (mut world, id) = with_campaign(json!({ "perSecond": 2_000 }));
    world.accounts((0..1_100).map(number));
    for page in (0..1_100).collect::<Vec<u64>>().chunks(512) {
        upload(&mut world, id, page.iter().map(|at| recipient(&number(*at))).collect());
    }
    let draft = create(&mut world, json!({}));
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(60));
    assert_eq!(state(&world, id), CampaignState::Finished);
    world.run_for(seconds(29 * 86_400));
    assert_eq!(progress(&world, id).sent, 1_100);
    world.crash();
    world.start();
    world.run_for(seconds(2 * 86_400));
    let store = world.store();
    for gone in [id, draft] {
        assert_eq!(store.campaign(gone).expect("readable"), None);
        assert_eq!(store.campaign_progress(gone).expect("readable"), (Progress::default(), None));
    }
    for page in 0..3 {
        assert_eq!(store.campaign_page((id, page)).expect("readable"), []);
    }
    assert_eq!(store.campaign_place(&(id, user(&number(7)))).expect("readable"), None);
    // Its template is there for the next, and the next has an id of its own.
    assert_ne!(create(&mut world, json!({})), id);
}

/// Repeatable choices (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[test]
fn however_often_the_process_dies_everybody_is_sent_to_once() {
    for seed in 1..=5 {
        let mut random = Random(seed);
        let (mut world, id) = with_campaign(json!({ "perSecond": 400 }));
        let total = 700;
        world.accounts((0..total).map(number));
        // The upload dies too, and is begun again from its first row each time.
        'uploads: loop {
            for page in (0..total).collect::<Vec<u64>>().chunks(100) {
                upload(&mut world, id, page.iter().map(|at| recipient(&number(*at))).collect());
                if random.below(8) == 0 {
                    world.crash();
                    world.start();
                    continue 'uploads;
                }
            }
            break;
        }
        steer(&mut world, id, Steering::Start);
        let mut deaths = 0;
        while state(&world, id) == CampaignState::Running {
            for _ in 0..random.below(40) {
                let wake = world.wake_at().expect("a running campaign has something to do");
                world.now = world.now.max(wake);
                world.turn();
            }
            world.crash();
            world.start();
            deaths += 1;
        }
        world.run_for(seconds(60));
        let done = progress(&world, id);
        assert_eq!(
            (done.recipients, done.cursor, done.sent, done.refused),
            (total, total, total, 0),
            "seed {seed}"
        );
        let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
        for at in 0..total {
            *counts.entry(waiting(&world, &number(at))).or_default() += 1;
        }
        assert_eq!(counts, BTreeMap::from([(1, total)]), "seed {seed}, after {deaths} deaths");
    }
}

#[test]
fn a_tenant_has_as_many_chatbots_as_it_may_and_is_silent_when_suspended() {
    let mut world = World::new();
    let change = |json: Value| Box::new(serde_json::from_value(json).expect("a change"));
    let create =
        manage::Call::CreateTenant("acme".to_owned(), change(json!({ "name": "Acme", "chatbots": 1 })));
    assert!(matches!(manage(&mut world, create.clone()), Answer::Tenant(_)));
    assert!(matches!(manage(&mut world, create), Answer::Conflict(_)));
    let new = |name: &str| {
        Call::Create(Box::new(maap::NewChatbot {
            name: name.to_owned(),
            dialect: store::Dialect::Ctcu,
            tenant: Some("acme".to_owned()),
            data: Change::default(),
        }))
    };
    assert!(matches!(world.call(new("one")), maap::Answer::Created { .. }));
    assert!(matches!(world.call(new("two")), maap::Answer::Undeliverable(_)), "the quota is reached");
    let one: Address = "sip:one@botplatform.hongyan.local".parse().expect("an address");
    assert_eq!(world.store().owner(&one).expect("readable").as_deref(), Some("acme"));
    assert!(matches!(manage(&mut world, manage::Call::RemoveTenant("acme".to_owned())), Answer::Conflict(_)));

    // It holds after a restart as well.
    world.crash();
    world.start();
    assert!(matches!(world.call(new("two")), maap::Answer::Undeliverable(_)));
    let give = |tenant: Option<&str>| manage::Call::GiveChatbot(one.clone(), tenant.map(str::to_owned));
    assert_eq!(manage(&mut world, give(None)), Answer::Done);
    assert!(matches!(world.call(new("two")), maap::Answer::Created { .. }));
    assert!(matches!(manage(&mut world, give(Some("acme"))), Answer::Conflict(_)));
    assert!(matches!(manage(&mut world, give(Some("nobody"))), Answer::Conflict(_)));
    let more =
        manage::Call::UpdateTenant("acme".to_owned(), change(json!({ "chatbots": 0, "suspended": true })));
    assert!(matches!(manage(&mut world, more), Answer::Tenant(tenant) if tenant.quota.chatbots.is_none()));
    assert_eq!(manage(&mut world, give(Some("acme"))), Answer::Done);
    let two: Address = "sip:two@botplatform.hongyan.local".parse().expect("an address");
    for chatbot in [one, two] {
        world.call(Call::Remove(chatbot));
    }
    assert_eq!(manage(&mut world, manage::Call::RemoveTenant("acme".to_owned())), Answer::Done);
}

#[test]
fn a_key_is_good_until_it_is_rotated_expired_or_revoked() {
    let mut world = World::new();
    let tenant = manage::Call::CreateTenant("acme".to_owned(), Box::default());
    manage(&mut world, tenant);
    let new = |tenant: Option<&str>, role, expires_in_s| {
        let (name, tenant) = ("ci".to_owned(), tenant.map(str::to_owned));
        manage::Call::CreateKey(Box::new(manage::NewKey { name, tenant, role, expires_in_s }))
    };
    use store::KeyRole::{Auditor, Developer, Operator, TenantAdmin};
    assert!(matches!(manage(&mut world, new(Some("acme"), Operator, None)), Answer::Invalid(_)));
    assert!(matches!(manage(&mut world, new(None, TenantAdmin, None)), Answer::Invalid(_)));
    assert!(matches!(manage(&mut world, new(Some("nobody"), Auditor, None)), Answer::NotFound("tenant")));
    let key = |answer| match answer {
        Answer::Key(key, text) => (key.id, text),
        other => panic!("{other:?}"),
    };
    let (id, first) = key(manage(&mut world, new(Some("acme"), Developer, Some(86_400))));
    let opens = |world: &World, text: &str| {
        let (id, secret) = manage::key_halves(text).expect("a key");
        let key = world.store().api_key(id).expect("readable").expect("it is there");
        key.hashes(world.now).any(|hash| message_centre::secret::is_secret(secret, hash))
    };
    assert!(opens(&world, &first));
    let rotate = manage::Call::RotateKey { id: id.clone(), overlap_s: 600 };
    let (same, second) = key(manage(&mut world, rotate));
    assert_eq!(same, id);
    assert!(opens(&world, &first) && opens(&world, &second), "both are good during a rotation");
    world.run_for(seconds(600));
    assert!(!opens(&world, &first) && opens(&world, &second));
    let (_, third) = key(manage(&mut world, manage::Call::RotateKey { id: id.clone(), overlap_s: 600 }));
    assert_eq!(manage(&mut world, manage::Call::RevokeKey(id.clone())), Answer::Done);
    assert!(!opens(&world, &second) && !opens(&world, &third));
    assert!(matches!(
        manage(&mut world, manage::Call::RotateKey { id, overlap_s: 600 }),
        Answer::Conflict(_)
    ));
    let (_, short) = key(manage(&mut world, new(None, Auditor, Some(60))));
    assert!(opens(&world, &short));
    world.run_for(seconds(60));
    assert!(!opens(&world, &short));
    for text in ["", "hyk_", "hyk_1", "hyk_1_", "hyk_zz_11", "other"] {
        assert_eq!(manage::key_halves(text), None, "{text}");
    }
}

#[test]
fn who_has_opted_out_is_skipped_and_the_campaign_says_so() {
    let (mut world, id) = with_campaign(json!({}));
    world.account(&number(1));
    let wants_none = maap::ContactChange { consent: Some(false), ..maap::ContactChange::default() };
    let call = Call::SetContact { chatbot: bot(), user: user(&number(1)), change: wants_none };
    assert!(matches!(world.call(call), maap::Answer::Contact(_)));
    upload(&mut world, id, vec![recipient(ALICE), recipient(&number(1)), recipient(&number(2))]);
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(10));
    let done = progress(&world, id);
    assert_eq!((done.cursor, done.sent, done.refused, done.skipped), (3, 1, 1, 1));
    assert_eq!(waiting(&world, &number(1)), 0);
    let record = world.store().record(&(message_id(id, 1), bot(), user(&number(1)))).expect("readable");
    assert_eq!(
        record.expect("a record").outcome,
        Outcome::Refused("the user has opted out".to_owned()),
        "the outcome says why"
    );
    // It is told from a refusal, also when its record is forgotten.
    let outcomes = |world: &World| world.store().campaign_outcomes((id, 0)).expect("readable");
    assert_eq!(outcomes(&world), [0, FinalOutcome::Skipped as u8]);
}

#[test]
fn what_a_tenant_may_send_holds_for_all_its_chatbots_and_their_campaigns() {
    let (mut world, id) = with_campaign(json!({ "perSecond": 10 }));
    let change = |json: Value| Box::new(serde_json::from_value(json).expect("a change"));
    let quota = json!({ "messagesPerDay": 25 });
    manage(&mut world, manage::Call::CreateTenant("acme".to_owned(), change(quota)));
    manage(&mut world, manage::Call::GiveChatbot(bot(), Some("acme".to_owned())));
    world.accounts((0..40).map(number));
    upload(&mut world, id, (0..40).map(|at| recipient(&number(at))).collect());
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(3600));
    assert_eq!((state(&world, id), progress(&world, id).sent), (CampaignState::Running, 25));
    // The count is on disk, and the next day (at 16:00 UTC) has messages of its own.
    world.crash();
    world.start();
    world.run_for(seconds(3600));
    assert_eq!(progress(&world, id).sent, 25);
    world.run_for(seconds(5 * 3600));
    assert_eq!((state(&world, id), progress(&world, id).sent), (CampaignState::Finished, 40));
}

#[test]
fn a_campaign_keeps_to_the_limit_of_its_chatbot_and_leaves_nobody_out() {
    let (mut world, id) = with_campaign(json!({ "perSecond": 1_000 }));
    let rules = store::Rules { per_second: Some(20), ..store::Rules::default() };
    assert!(matches!(world.call(Call::SetRules { chatbot: bot(), rules }), maap::Answer::Rules(_)));
    world.accounts((0..300).map(number));
    upload(&mut world, id, (0..300).map(|at| recipient(&number(at))).collect());
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(5));
    let sent = progress(&world, id).sent;
    assert!(sent <= 20 * 6 + 100, "{sent} in five seconds");
    world.run_for(seconds(15));
    assert_eq!((state(&world, id), progress(&world, id).sent), (CampaignState::Finished, 300));
}

#[test]
fn what_is_left_of_a_day_is_used_up_however_small_it_is() {
    let (mut world, id) = with_campaign(json!({ "perSecond": 1_000 }));
    let rules = |per_day| {
        let rules = store::Rules { per_day: Some(per_day), ..store::Rules::default() };
        Call::SetRules { chatbot: bot(), rules }
    };
    world.call(rules(50));
    world.accounts((0..200).map(number));
    let nobodies = (1_000..1_100).map(number);
    upload(&mut world, id, nobodies.chain((0..200).map(number)).map(|number| recipient(&number)).collect());
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(60));
    assert_eq!((state(&world, id), progress(&world, id).sent), (CampaignState::Running, 50));
    let waiting = |world: &World| world.store().campaign(id).expect("readable").expect("it is there").waiting;
    let why = waiting(&world).expect("it says what it waits for");
    assert_eq!(why.because, "the 50 messages of the day are used up");
    assert_eq!(why.until, rcs::local_time::LocalTime::china().next_day(world.now));
    // More is allowed: it goes on at once. Who cannot be sent to costs nothing of the day.
    world.call(rules(200));
    world.run_for(seconds(60));
    let done = progress(&world, id);
    assert_eq!((state(&world, id), done.sent, done.refused), (CampaignState::Finished, 200, 100));
    assert_eq!(waiting(&world), None);
}

#[test]
fn a_campaign_leaves_its_chatbot_a_part_of_each_second() {
    let (mut world, id) = with_campaign(json!({ "perSecond": 1_000 }));
    let rules = store::Rules { per_second: Some(20), ..store::Rules::default() };
    world.call(Call::SetRules { chatbot: bot(), rules });
    world.accounts((0..1_000).map(number));
    for page in (0..1_000).collect::<Vec<u64>>().chunks(500) {
        upload(&mut world, id, page.iter().map(|at| recipient(&number(*at))).collect());
    }
    world.log_in();
    steer(&mut world, id, Steering::Start);
    for at in 0..30 {
        world.run_for(seconds(1));
        assert_eq!(world.say(&format!("own{at}"), &[ALICE], "due"), 0, "after {at} s");
    }
    assert!((450..=600).contains(&progress(&world, id).sent), "{:?}", progress(&world, id));
}

#[test]
fn a_page_that_does_not_fit_is_not_taken_in_part() {
    let mut world = World::with(|config| config.campaigns.recipients_max = 10);
    world.create("12306", json!({}));
    let source = json!({
        "variables": [{ "name": "train", "type": "text", "maxChars": 20 }], "content": { "text": "{{train}}" },
    });
    manage(&mut world, manage::Call::PutTemplate { key: (bot(), "leaving".to_owned()), source });
    let id = create(&mut world, json!({}));
    let of = |range: std::ops::Range<u64>| range.map(|at| recipient(&number(at))).collect::<Vec<_>>();
    assert_eq!(upload(&mut world, id, of(0..6)), (6, 0, 6));
    let too_many = manage::Call::AddRecipients { campaign: id, recipients: of(4..11) };
    let Answer::Conflict(why) = manage(&mut world, too_many) else { panic!("refused") };
    assert_eq!(why, "a campaign has at most 10 recipients, and this one has 6; make another for the rest");
    // Nobody of the page that was refused is taken for a recipient.
    assert_eq!(upload(&mut world, id, of(4..10)), (4, 2, 10));
    world.accounts((0..10).map(number));
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(10));
    assert_eq!(progress(&world, id).sent, 10);
}

#[test]
fn many_campaigns_share_a_batch_and_none_starves() {
    let (mut world, _) = with_campaign(json!({}));
    let ids: Vec<CampaignId> = (0..8).map(|_| create(&mut world, json!({ "perSecond": 2_000 }))).collect();
    world.accounts((0..200).map(number));
    for id in &ids {
        upload(&mut world, *id, (0..200).map(|at| recipient(&number(at))).collect());
        steer(&mut world, *id, Steering::Start);
    }
    let decided = |world: &World| ids.iter().map(|id| progress(world, *id).cursor).sum::<u64>();
    let mut before = decided(&world);
    for _ in 0..200 {
        world.turn();
        let after = decided(&world);
        // Two steps of the most that one may take, and what the last of them had begun.
        assert!(after - before <= 3 * 64, "{} in a batch", after - before);
        before = after;
        world.now = world.now.plus(std::time::Duration::from_millis(5));
    }
    assert!(ids.iter().all(|id| progress(&world, *id).cursor == 200));
}

#[test]
fn with_its_chatbot_a_campaign_goes_for_good() {
    let (mut world, id) = with_campaign(json!({ "perSecond": 10 }));
    world.accounts((0..50).map(number));
    upload(&mut world, id, (0..50).map(|at| recipient(&number(at))).collect());
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(1));
    world.call(Call::Remove(bot()));
    world.run_for(seconds(10));
    assert_eq!(world.store().campaign(id).expect("readable"), None);
    assert_eq!(world.store().campaign_page((id, 0)).expect("readable"), []);
    assert_eq!(world.store().templates(None, 10).expect("readable"), []);
    // Whoever has the name next has a chatbot without campaigns.
    world.create("12306", json!({}));
    assert_eq!(world.store().campaigns().expect("readable"), []);
}

#[test]
fn without_its_media_a_campaign_pauses_and_fails_nobody() {
    let (mut world, _) = with_campaign(json!({}));
    let source = json!({
        "variables": [{ "name": "train", "type": "text", "maxChars": 20 }],
        "content": { "message": { "generalPurposeCard": {
            "layout": { "cardOrientation": "VERTICAL" },
            "content": {
                "media": {
                    "mediaUrl": "https://media.example/a.png", "mediaContentType": "image/png",
                    "mediaFileSize": 1_000, "height": "MEDIUM_HEIGHT",
                },
                "title": "{{train}}",
            },
        } } },
    });
    let put = manage::Call::PutTemplate { key: (bot(), "leaving".to_owned()), source };
    assert_eq!(manage(&mut world, put), Answer::Done);
    let id = create(&mut world, json!({}));
    world.accounts((0..5).map(number));
    upload(&mut world, id, (0..5).map(|at| recipient(&number(at))).collect());
    world.restart_with(|config| config.issued_media_only = true);
    steer(&mut world, id, Steering::Start);
    world.run_for(seconds(10));
    let campaign = world.store().campaign(id).expect("readable").expect("it is there");
    assert_eq!(campaign.state, CampaignState::Paused);
    assert_eq!(
        campaign.paused_because.as_deref(),
        Some("https://media.example/a.png is not a media URL of this platform")
    );
    assert_eq!(progress(&world, id).cursor, 0);
    world.restart_with(|config| config.issued_media_only = false);
    steer(&mut world, id, Steering::Resume);
    world.run_for(seconds(10));
    assert_eq!((state(&world, id), progress(&world, id).sent), (CampaignState::Finished, 5));
}
