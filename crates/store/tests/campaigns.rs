//! Tallies of campaigns follow the records of their messages; the audit log pages backwards.

use rcs::Timestamp;
use rcs::address::Address;
use store::campaign::{FinalOutcome, message_id};
use store::{
    Act, ActFilter, Campaign, CampaignPage, CampaignState, CampaignTally, EntryId, EntryIds, KeyRole,
    Outcome, Plan, Progress, Recipient, Record, Store, View, Wants,
};

fn bot() -> Address {
    "sip:12306@botplatform.hongyan.local".parse().expect("an address")
}

fn number(at: u64) -> Address {
    format!("tel:+8613800{at:06}").parse().expect("an address")
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_795_000_000 + seconds)
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

fn campaign(id: EntryId) -> Campaign {
    Campaign {
        id,
        chatbot: bot(),
        name: "spring".to_owned(),
        template: "t".to_owned(),
        source: "{}".to_owned(),
        plan: Plan {
            start_at: None,
            end_at: None,
            windows: Vec::new(),
            time_zone: rcs::local_time::LocalTime::hours_east(8),
            per_second: 10,
            validity_s: None,
        },
        state: CampaignState::Draft,
        paused_because: None,
        waiting: None,
        created_at: at(0),
        started_at: None,
        ended_at: None,
    }
}

fn record(message_id: String, from: Address, to: Address, outcome: Outcome) -> Record {
    Record {
        message_id,
        from,
        to,
        conversation_id: "c".to_owned(),
        contribution_id: "d".to_owned(),
        content_type: "text/plain".to_owned(),
        body_bytes: 2,
        accepted_at: at(0),
        outcome,
        delivered_at: None,
        displayed_at: None,
        wanted: Default::default(),
        report_request: Vec::new(),
        steps: Vec::new(),
        keep_until: at(1000),
    }
}

fn commit(store: &Store, change: impl FnOnce(&mut View)) {
    let mut view = View::default();
    change(&mut view);
    store.commit(&view).expect("committed");
}

/// Changes a record that is loaded first, as decisions do.
fn update(store: &Store, record: &Record, change: impl FnOnce(&mut Record)) {
    let mut wants = Wants::default();
    wants.record(record.key());
    let mut view = View::default();
    store.load(wants, &mut view).expect("loaded");
    view.update_record(&record.key(), change);
    store.commit(&view).expect("committed");
}

fn tally(store: &Store, id: EntryId) -> Option<(u64, u64, u64)> {
    let (_, tally) = store.campaign_progress(id).expect("readable");
    tally.map(|CampaignTally { delivered, displayed, failed, .. }| (delivered, displayed, failed))
}

#[test]
fn a_tally_follows_the_records_and_counts_each_change_once() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opened");
    let id = EntryIds::new(1).next(at(0));
    commit(&store, |view| view.add_campaign(campaign(id)));
    let sent: Vec<Record> =
        (0..4).map(|place| record(message_id(id, place), bot(), number(place), Outcome::Waiting)).collect();
    commit(&store, |view| sent.iter().for_each(|record| view.put_record(record.clone())));
    assert_eq!(tally(&store, id), Some((0, 0, 0)));

    update(&store, &sent[0], |record| record.outcome = Outcome::Delivered);
    update(&store, &sent[0], |record| record.delivered_at = Some(at(1)));
    assert_eq!(tally(&store, id), Some((1, 0, 0)), "delivered once, however it is told");
    update(&store, &sent[1], |record| {
        (record.delivered_at, record.displayed_at) = (Some(at(2)), Some(at(2)));
    });
    update(&store, &sent[1], |record| record.outcome = Outcome::Delivered);
    update(&store, &sent[2], |record| record.outcome = Outcome::Expired);
    update(&store, &sent[2], |record| record.steps.clear());
    assert_eq!(tally(&store, id), Some((2, 1, 1)));

    // One that was never accepted is none that was lost.
    let refused = Outcome::Refused("there is no such subscriber".to_owned());
    let refused = record(message_id(id, 600), bot(), number(9), refused);
    commit(&store, |view| view.put_record(refused.clone()));
    assert_eq!(tally(&store, id), Some((2, 1, 1)));

    // What is forgotten is counted still, and how it ended stays known.
    for record in [&sent[0], &sent[1], &refused] {
        let mut wants = Wants::default();
        wants.record(record.key());
        let mut view = View::default();
        store.load(wants, &mut view).expect("loaded");
        view.remove_record(&record.key());
        store.commit(&view).expect("committed");
    }
    assert_eq!(tally(&store, id), Some((2, 1, 1)));
    let outcomes = |page| {
        let numbers = store.campaign_outcomes((id, page)).expect("readable");
        numbers.iter().map(|number| FinalOutcome::of_number(*number)).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(0), [Some(FinalOutcome::Delivered), Some(FinalOutcome::Displayed)]);
    assert_eq!((outcomes(1).len(), outcomes(1)[88]), (89, Some(FinalOutcome::Refused)));

    // Ids can be made up by anybody.
    let foreign = record(message_id(id, 5), number(5), number(6), Outcome::Delivered);
    commit(&store, |view| view.put_record(foreign));
    assert_eq!(tally(&store, id), Some((2, 1, 1)));
    let nowhere = record(message_id(EntryId::LAST, 5), bot(), number(6), Outcome::Delivered);
    commit(&store, |view| view.put_record(nowhere));
    assert_eq!(tally(&store, EntryId::LAST), None);

    drop(store);
    let store = Store::open(directory.path()).expect("opened again");
    assert_eq!(tally(&store, id), Some((2, 1, 1)));
    commit(&store, |view| view.remove_campaign(id));
    update(&store, &sent[3], |record| record.outcome = Outcome::Delivered);
    assert_eq!(tally(&store, id), None, "what is removed does not come back");
}

#[test]
fn a_removed_page_takes_its_numbers_along() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opened");
    let id = EntryIds::new(1).next(at(0));
    let recipients: Vec<Recipient> =
        (0..3).map(|at| Recipient { to: number(at), values: vec![at.to_string()] }).collect();
    commit(&store, |view| {
        view.add_campaign(campaign(id));
        view.put_campaign_page((id, 0), CampaignPage { recipients: recipients.clone() });
        for (place, recipient) in recipients.iter().enumerate() {
            view.put_campaign_number((id, recipient.to.clone()), place as u64);
        }
        view.put_campaign_progress(id, Progress { recipients: 3, ..Progress::default() });
    });
    assert_eq!(store.campaign_page((id, 0)).expect("readable"), recipients);
    assert_eq!(store.campaign_place(&(id, number(2))).expect("readable"), Some(2));
    let mut wants = Wants::default();
    wants.campaign_page((id, 0));
    let mut view = View::default();
    store.load(wants, &mut view).expect("loaded");
    view.remove_campaign_page((id, 0));
    store.commit(&view).expect("committed");
    assert_eq!(store.campaign_page((id, 0)).expect("readable"), []);
    assert_eq!(store.campaign_place(&(id, number(2))).expect("readable"), None);
}

#[test]
fn the_audit_log_is_read_backwards_and_filtered() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opened");
    let mut ids = EntryIds::new(1);
    let acts: Vec<Act> = (0..10)
        .map(|second| Act {
            id: ids.next(at(second)),
            at: at(second),
            key: (second % 2 == 0).then(|| "k1".to_owned()),
            tenant: (second % 2 == 0).then(|| "acme".to_owned()),
            role: KeyRole::Operator,
            call: "DELETE /chatbots/{name}".to_owned(),
            target: format!("/chatbots/bot{second}"),
            of_tenant: None,
            from: "127.0.0.1".to_owned(),
            status: None,
        })
        .collect();
    commit(&store, |view| acts.iter().for_each(|act| view.add_act(act.clone())));
    let mut wants = Wants::default();
    acts.iter().for_each(|act| wants.act(act.id));
    let mut view = View::default();
    store.load(wants, &mut view).expect("loaded");
    for act in &acts[1..] {
        view.end_act(act.id, 204, None, None);
        view.end_act(act.id, 500, None, None);
    }
    store.commit(&view).expect("committed");

    let seconds = |acts: &[Act]| acts.iter().map(|act| act.at.since(at(0)).as_secs()).collect::<Vec<_>>();
    let read = |filter: &ActFilter, before| store.acts(filter, before, 3, 100).expect("readable");
    let (page, next) = read(&ActFilter::default(), None);
    assert_eq!(seconds(&page), [9, 8, 7]);
    assert_eq!(page[0].status, Some(204), "an act ends once");
    let (page, _) = read(&ActFilter::default(), next);
    assert_eq!(seconds(&page), [6, 5, 4]);
    let by_root = ActFilter { key: Some("root".to_owned()), ..ActFilter::default() };
    assert_eq!(seconds(&read(&by_root, None).0), [9, 7, 5]);
    let of_tenant = ActFilter { tenant: Some("acme".to_owned()), since: Some(at(5)), ..ActFilter::default() };
    assert_eq!(read(&of_tenant, None).1, None);
    assert_eq!(seconds(&read(&of_tenant, None).0), [8, 6]);
    let failed = ActFilter { failed_only: true, ..ActFilter::default() };
    assert_eq!(seconds(&read(&failed, None).0), [0], "one that never ended");
    let about = ActFilter { text: Some("bot3".to_owned()), ..ActFilter::default() };
    assert_eq!(seconds(&read(&about, None).0), [3]);
    // What is looked at is bounded, and the search goes on from there.
    let (found, next) = store.acts(&about, None, 3, 2).expect("readable");
    assert_eq!((found.len(), next), (0, Some(acts[8].id)));
    assert_eq!(store.old_acts(at(3), 100).expect("readable"), [acts[0].id, acts[1].id, acts[2].id]);
}
