//! The two verbs and the scans, over a real directory.

use bytes::Bytes;
use proptest::prelude::*;
use rcs::Timestamp;
use rcs::address::Address;
use store::{
    Chatbot, ChatbotStatus, Dialect, Entry, EntryId, EntryIds, EntryKind, Extras, Family, File, FileId,
    Lookup, Media, Outcome, Profile, Record, Review, Standing, Store, Thumbnail, Usage, View, Wants,
    WebhookAuth,
};

fn bob() -> Address {
    "tel:+8613800000002".parse().expect("an address")
}

fn alice() -> Address {
    "tel:+8613800000001".parse().expect("an address")
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_795_000_000 + seconds)
}

/// A directory for a store, in memory where the system has such a place.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

fn entry(ids: &mut EntryIds, due_s: u64, body: &'static str) -> Entry {
    Entry {
        id: ids.next(at(0)),
        kind: EntryKind::Message,
        message_id: body.to_owned(),
        from: alice(),
        to: bob(),
        conversation_id: "c".to_owned(),
        contribution_id: "d".to_owned(),
        in_reply_to: None,
        service: None,
        content_type: "text/plain".to_owned(),
        body: Bytes::from_static(body.as_bytes()),
        wanted: Default::default(),
        accepted_at: at(0),
        expires_at: at(1000),
        waiting: Vec::new(),
        taken: Vec::new(),
        refused: Vec::new(),
        attempts: 0,
        next_due: at(due_s),
        spooled: None,
        accept: Vec::new(),
    }
}

/// Loads what is wanted into a fresh view.
fn view(store: &Store, want: impl FnOnce(&mut Wants)) -> View {
    let mut wants = Wants::default();
    want(&mut wants);
    let mut view = View::default();
    store.load(wants, &mut view).expect("loaded");
    view
}

fn put(store: &Store, entries: &[Entry]) {
    let mut view = view(store, |wants| wants.head(&bob()));
    entries.iter().for_each(|entry| view.put_entry(entry.clone()));
    store.commit(&view).expect("committed");
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let directory = directory();
    let first = entry(&mut EntryIds::new(1), 1, "first");
    put(&Store::open(directory.path()).expect("opens"), std::slice::from_ref(&first));
    let store = Store::open(directory.path()).expect("opens again");
    assert_eq!(store.mailbox(&bob(), 10).expect("readable"), [first]);
    assert_eq!(store.head(&bob()).expect("readable").count, 1);
    assert_eq!(store.owners_of_mail().expect("readable"), [bob()]);
}

#[test]
fn a_view_that_is_not_committed_leaves_no_trace() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opens");
    let mut view = view(&store, |wants| wants.head(&bob()));
    view.put_entry(entry(&mut EntryIds::new(1), 1, "never"));
    assert!(view.is_changed());
    assert!(store.mailbox(&bob(), 10).expect("readable").is_empty());
}

#[test]
fn pages_follow_one_another_in_the_order_of_acceptance() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opens");
    let mut ids = EntryIds::new(1);
    let entries: Vec<Entry> = (0..5).map(|_| entry(&mut ids, 1, "x")).collect();
    put(&store, &entries);
    let first = (bob(), EntryId::FIRST, 3);
    let loaded = view(&store, |wants| wants.page(&first.0, first.1, first.2));
    let page = loaded.page(&first).expect("wanted").to_vec();
    assert_eq!(page, entries[..3].iter().map(|entry| entry.id).collect::<Vec<_>>());
    let second = (bob(), page[2], 3);
    let loaded = view(&store, |wants| wants.page(&second.0, second.1, second.2));
    assert_eq!(loaded.page(&second).expect("wanted").len(), 2);
    assert!(loaded.page(&first).is_none(), "what was not wanted is not claimed to be empty");
}

#[test]
fn one_mailbox_does_not_run_into_the_next() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opens");
    let mut mine = entry(&mut EntryIds::new(1), 1, "mine");
    mine.to = "tel:+861380000000".parse().expect("an address");
    let mut longer = entry(&mut EntryIds::new(1), 1, "of a longer number");
    longer.to = "tel:+8613800000001".parse().expect("an address");
    for entry in [&mine, &longer] {
        let mut view = view(&store, |wants| wants.head(&entry.to));
        view.put_entry(entry.clone());
        store.commit(&view).expect("committed");
    }
    assert_eq!(store.mailbox(&mine.to, 10).expect("readable"), [mine.clone()]);
}

#[test]
fn due_rows_follow_their_entries() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opens");
    let mut ids = EntryIds::new(1);
    let (early, late) = (entry(&mut ids, 5, "early"), entry(&mut ids, 50, "late"));
    put(&store, &[late.clone(), early.clone()]);
    assert_eq!(store.due(Timestamp::EPOCH, at(4), 10).expect("readable"), (vec![], Some(at(5))));
    assert_eq!(
        store.due(Timestamp::EPOCH, at(60), 10).expect("readable"),
        (vec![early.key(), late.key()], None)
    );
    assert_eq!(store.due(Timestamp::EPOCH, at(60), 1).expect("readable"), (vec![early.key()], Some(at(50))));

    let mut changed = view(&store, |wants| wants.entry(&early.key()));
    changed.put_entry(Entry { next_due: at(70), ..early.clone() });
    store.commit(&changed).expect("committed");
    assert_eq!(store.due(Timestamp::EPOCH, at(60), 10).expect("readable"), (vec![late.key()], Some(at(70))));

    let mut removed =
        view(&store, |wants| [&early, &late].iter().for_each(|entry| wants.entry(&entry.key())));
    removed.remove_entry(&early.key());
    removed.remove_entry(&late.key());
    store.commit(&removed).expect("committed");
    assert_eq!(store.due(Timestamp::EPOCH, at(90), 10).expect("readable"), (vec![], None));
    assert_eq!(store.head(&bob()).expect("readable").count, 0);
    assert!(store.owners_of_mail().expect("readable").is_empty());
}

#[test]
fn a_second_load_leaves_changes_alone() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opens");
    let mut view = view(&store, |wants| wants.head(&bob()));
    let entry = entry(&mut EntryIds::new(1), 1, "new");
    view.put_entry(entry.clone());
    let mut wants = Wants::default();
    wants.entry(&entry.key());
    store.load(wants, &mut view).expect("loaded");
    assert!(matches!(view.lookup(&entry.key()), Lookup::Here(found) if *found == entry));
}

fn record(keep_until: Timestamp, message_id: &str) -> Record {
    Record {
        message_id: message_id.to_owned(),
        from: alice(),
        to: bob(),
        conversation_id: "c".to_owned(),
        contribution_id: "d".to_owned(),
        content_type: "text/plain".to_owned(),
        body_bytes: 4,
        accepted_at: at(0),
        outcome: Outcome::Delivered,
        delivered_at: None,
        displayed_at: None,
        wanted: Default::default(),
        report_request: Vec::new(),
        steps: Vec::new(),
        keep_until,
    }
}

#[test]
fn records_are_found_by_message_id_and_forgotten_in_their_time() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opens");
    let mut view = View::default();
    view.put_record(record(at(10), "old"));
    view.put_record(record(at(100), "young"));
    store.commit(&view).expect("committed");
    assert_eq!(store.records("young").expect("readable").len(), 1);
    assert!(store.records("you").expect("readable").is_empty(), "an id is whole, not a prefix");
    let (old, cursor) = store.sweep(at(50), None, 1).expect("readable");
    assert_eq!((old, cursor.is_some()), (vec![record(at(10), "old").key()], true));
    assert_eq!(store.sweep(at(50), cursor, 1).expect("readable"), (vec![], None));
}

#[test]
fn a_long_life_keeps_its_first_and_its_latest_steps() {
    let mut record = record(at(0), "m");
    (0..100).for_each(|i| record.step(at(i), format!("{i}")));
    assert_eq!(record.steps.len(), store::record::MAX_STEPS);
    assert_eq!(
        (record.steps[0].what.as_str(), record.steps.last().expect("some").what.as_str()),
        ("0", "99")
    );
}

#[test]
fn a_dump_shows_rows_without_bodies() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opens");
    put(&store, &[entry(&mut EntryIds::new(1), 1, "secret words")]);
    let mut lines = Vec::new();
    store.dump(Family::Entries, |line| lines.push(line.to_string())).expect("dumped");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("tel:+8613800000002") && !lines[0].contains("115,101,99,114,101,116"));
}

#[test]
fn a_setting_is_kept() {
    let directory = directory();
    Store::open(directory.path()).expect("opens").put_setting("name", b"value").expect("written");
    let store = Store::open(directory.path()).expect("opens again");
    assert_eq!(store.setting("name").expect("readable").as_deref(), Some(b"value".as_slice()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However entries come and go, the head agrees with the mailbox and every entry has exactly its due row.
    #[test]
    fn heads_and_due_rows_agree_with_the_mailbox(
        operations in proptest::collection::vec((0..3u8, 0..8usize, 0..100u64), 1..30)
    ) {
        let directory = directory();
        let store = Store::open(directory.path()).expect("opens");
        let mut ids = EntryIds::new(1);
        let mut known: Vec<Entry> = Vec::new();
        for (what, which, due_s) in operations {
            match (what, known.get(which).cloned()) {
                (1, Some(old)) => {
                    let mut view = view(&store, |wants| wants.entry(&old.key()));
                    let changed = Entry { next_due: at(due_s), ..old };
                    view.put_entry(changed.clone());
                    store.commit(&view).expect("committed");
                    known[which] = changed;
                }
                (2, Some(old)) => {
                    let mut view = view(&store, |wants| wants.entry(&old.key()));
                    view.remove_entry(&old.key());
                    store.commit(&view).expect("committed");
                    known.remove(which);
                }
                _ => {
                    let new = entry(&mut ids, due_s, "body");
                    put(&store, std::slice::from_ref(&new));
                    known.push(new);
                }
            }
        }
        let stored = store.mailbox(&bob(), 1000).expect("readable");
        prop_assert_eq!(&stored, &known);
        let head = store.head(&bob()).expect("readable");
        prop_assert_eq!(head.count, known.len() as u64);
        prop_assert_eq!(head.body_bytes, 4 * known.len() as u64);
        let mut due: Vec<_> = known.iter().map(|entry| (entry.next_due, entry.key())).collect();
        due.sort();
        let (found, _) = store.due(Timestamp::EPOCH, at(1000), 1000).expect("readable");
        prop_assert_eq!(found, due.into_iter().map(|(_, key)| key).collect::<Vec<_>>());
    }
}

#[test]
fn a_file_is_known_as_long_as_its_entry_is_there() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opens");
    let mut ids = EntryIds::new(1);
    let spooled = |name: &str| Some(store::Spooled { name: name.to_owned(), bytes: 5_000_000 });
    let kept = Entry { spooled: spooled("kept"), ..entry(&mut ids, 1, "") };
    let brief = Entry { spooled: spooled("brief"), ..entry(&mut ids, 1, "") };
    let mut view = view(&store, |wants| wants.head(&bob()));
    view.put_entry(kept.clone());
    view.put_entry(brief.clone());
    view.remove_entry(&brief.key());
    assert_eq!(view.released().collect::<Vec<_>>(), ["brief"]);
    store.commit(&view).expect("committed");
    assert_eq!(store.spooled().expect("readable"), ["kept"]);
    assert_eq!(store.head(&bob()).expect("readable").body_bytes, 5_000_000);

    let mut view = self::view(&store, |wants| wants.entry(&kept.key()));
    view.put_entry(Entry { attempts: 1, ..kept.clone() });
    assert_eq!(view.released().count(), 0);
    store.commit(&view).expect("committed");
    let mut view = self::view(&store, |wants| wants.entry(&kept.key()));
    view.remove_entry(&kept.key());
    assert_eq!(view.released().collect::<Vec<_>>(), ["kept"]);
    store.commit(&view).expect("committed");
    assert_eq!(store.spooled().expect("readable"), Vec::<String>::new());
}

#[test]
fn a_file_that_entries_share_goes_with_the_last_of_them() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opens");
    let mut ids = EntryIds::new(1);
    let spooled = || Some(store::Spooled { name: "shared".to_owned(), bytes: 50_000 });
    let entries = [(); 3].map(|()| Entry { spooled: spooled(), ..entry(&mut ids, 1, "") });
    let mut view = view(&store, |wants| wants.head(&bob()));
    entries.iter().for_each(|entry| view.put_entry(entry.clone()));
    store.commit(&view).expect("committed");
    // The first two go one by one; of them the second is looked at as a page, and changed before.
    let mut view = self::view(&store, |wants| wants.entry(&entries[0].key()));
    view.remove_entry(&entries[0].key());
    assert_eq!(view.released().count(), 0);
    store.commit(&view).expect("committed");
    let mut view = self::view(&store, |wants| {
        wants.head(&bob());
        wants.page(&bob(), store::EntryId::FIRST, 1);
    });
    view.put_entry(Entry { attempts: 1, ..entries[1].clone() });
    view.remove_entry(&entries[1].key());
    assert_eq!(view.released().count(), 0);
    store.commit(&view).expect("committed");
    assert_eq!(store.spooled().expect("readable"), ["shared"]);
    let mut view = self::view(&store, |wants| wants.entry(&entries[2].key()));
    view.remove_entry(&entries[2].key());
    assert_eq!(view.released().collect::<Vec<_>>(), ["shared"]);
    store.commit(&view).expect("committed");
    assert_eq!(store.spooled().expect("readable"), Vec::<String>::new());
}

/// File `number` of Alice; two of each four share a transfer id.
fn file(number: u8, bytes: u64) -> File {
    File {
        id: FileId([number; 16]),
        owner: alice(),
        tid: (number % 4 < 2).then(|| "shared".to_owned()),
        name: Some("car.png".to_owned()),
        content_type: "image/png".to_owned(),
        bytes,
        thumbnail: number
            .is_multiple_of(2)
            .then(|| Thumbnail { content_type: "image/jpeg".to_owned(), bytes: 7 }),
        is_complete: true,
        created_at: at(0),
        expires_at: at(u64::from(number)),
    }
}

#[test]
fn files_are_found_by_id_owner_and_transfer_and_go_when_their_time_is_over() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opened");
    let files: Vec<File> = (1..=6).map(|number| file(number, 10)).collect();
    let mut view = view(&store, |wants| files.iter().for_each(|file| wants.file(file)));
    files.iter().cloned().for_each(|file| view.put_file(file));
    store.commit(&view).expect("committed");
    drop(store);

    let store = Store::open(directory.path()).expect("opened again");
    assert_eq!(store.file(FileId([3; 16])).expect("read"), Some(file(3, 10)));
    assert_eq!(store.files(Some(&alice()), 100).expect("read"), files);
    assert_eq!(store.files(Some(&bob()), 100).expect("read"), []);
    assert_eq!(store.files(None, 2).expect("read"), files[..2]);
    // The latest upload with an id is what the id means.
    assert_eq!(store.transfer(&(alice(), "shared".to_owned())).expect("read"), Some(file(5, 10)));
    assert_eq!(store.transfer(&(bob(), "shared".to_owned())).expect("read"), None);
    let (expired, cursor) = store.expired_files(at(3), None, 2).expect("read");
    assert_eq!(expired, [file(1, 10), file(2, 10)]);
    let (expired, end) = store.expired_files(at(3), cursor, 100).expect("read");
    assert_eq!((expired, end), (vec![file(3, 10)], None));
    let mut ids = Vec::new();
    store.dump(Family::Files, |row| ids.push(row["row"]["id"].clone())).expect("dumped");
    assert_eq!(ids[2], "03030303030303030303030303030303");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn usage_is_what_the_files_come_to(
        steps in proptest::collection::vec((1u8..6, proptest::option::of(0u64..100), any::<bool>()), 0..30)
    ) {
        let directory = directory();
        let store = Store::open(directory.path()).expect("opened");
        let mut batch = View::default();
        for (number, bytes, ends_batch) in steps {
            let mut wants = Wants::default();
            wants.file(&file(number, 0));
            store.load(wants, &mut batch).expect("loaded");
            match bytes {
                Some(bytes) => batch.put_file(file(number, bytes)),
                None => batch.remove_file(FileId([number; 16])),
            }
            if ends_batch {
                store.commit(&batch).expect("committed");
                batch = View::default();
            }
        }
        store.commit(&batch).expect("committed");
        let files = store.files(None, 100).expect("read");
        let bytes = files.iter().map(File::stored_bytes).sum();
        prop_assert_eq!(store.usage(&alice()).expect("read"), Usage { files: files.len() as u64, bytes });
        let named = store.transfer(&(alice(), "shared".to_owned())).expect("read");
        prop_assert!(named.is_none_or(|named| files.contains(&named)));
    }
}

fn media(owner: &str, number: u8, bytes: u64) -> Media {
    let owner: Address = format!("sip:{owner}@botplatform.hongyan.local").parse().expect("an address");
    Media {
        id: store::media::id(&owner, [number; 8]),
        owner,
        name: Some("seat.jpg".to_owned()),
        content_type: "image/jpeg".to_owned(),
        bytes,
        thumbnail: Some(Thumbnail { content_type: "image/jpeg".to_owned(), bytes: 5 }),
        plays_ms: None,
        created_at: at(0),
        expires_at: number.is_multiple_of(2).then(|| at(u64::from(number))),
        review: Review::Pending,
    }
}

#[test]
fn what_a_chatbot_has_uploaded_lies_together_and_counts_until_it_goes() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opened");
    let all: Vec<Media> =
        ["rail", "rain"].iter().flat_map(|bot| (1..=4).map(|number| media(bot, number, 10))).collect();
    let mut batch = view(&store, |wants| all.iter().for_each(|one| wants.media(one.id, &one.owner)));
    all.iter().cloned().for_each(|one| batch.put_media(one));
    store.commit(&batch).expect("committed");
    drop(store);

    let store = Store::open(directory.path()).expect("opened again");
    let (rail, rain) = (&all[..4], &all[4..]);
    let owner = &rail[0].owner;
    assert_eq!(store.media(rail[2].id).expect("read").as_ref(), Some(&rail[2]));
    assert_eq!(store.media_list(Some(owner), None, 100).expect("read"), rail);
    assert_eq!(store.media_list(Some(owner), Some(rail[0].id), 2).expect("read"), rail[1..3]);
    assert_eq!(store.media_list(None, None, 100).expect("read").len(), 8);
    assert_eq!(store.usage(owner).expect("read"), Usage { files: 4, bytes: 60 });
    // The chatbots of these are not there, so all may go.
    let (expired, end) = store.expired_media(at(2), None, 100).expect("read");
    assert_eq!((expired.len(), end), (8, None));

    let mut batch = view(&store, |wants| wants.media_page(owner, 3));
    let page = batch.media_page(owner, 3).to_vec();
    assert_eq!(page, [rail[0].id, rail[1].id, rail[2].id]);
    page.into_iter().for_each(|id| batch.remove_media(id));
    let mut shorter = Media { review: Review::Rejected("blurred".to_owned()), ..rail[3].clone() };
    shorter.bytes = 1;
    let mut more = Wants::default();
    more.media(shorter.id, owner);
    store.load(more, &mut batch).expect("loaded");
    batch.put_media(shorter.clone());
    store.commit(&batch).expect("committed");
    assert_eq!(store.media_list(Some(owner), None, 100).expect("read"), [shorter]);
    assert_eq!(store.usage(owner).expect("read"), Usage { files: 1, bytes: 6 });
    assert_eq!(store.usage(&rain[0].owner).expect("read"), Usage { files: 4, bytes: 60 });
}

#[test]
fn a_group_with_its_legs_is_there_after_reopening_and_goes_without_a_trace() {
    let directory = directory();
    let focus: Address = "sip:7f3a@groups.hongyan.local".parse().expect("an address");
    let member = store::Member {
        address: alice(),
        role: store::Role::Admin,
        state: store::MemberState::Joined,
        invited_by: alice(),
        since: at(0),
    };
    let group = store::Group {
        address: focus.clone(),
        conversation_id: "c".to_owned(),
        contribution_id: "d".to_owned(),
        subject: Some(store::Subject { text: "周末".to_owned(), by: alice(), at: at(0) }),
        version: 7,
        created_by: alice(),
        created_at: at(0),
        members: vec![member],
        icon: None,
    };
    let mut leg = store::Leg::new(focus.clone(), alice());
    let device = "urn:uuid:1".to_owned();
    leg.devices.push(store::LegDevice { device, mode: store::Mode::Pager, dialog: None });
    let want = |wants: &mut Wants| {
        wants.group(&focus);
        wants.leg(&focus, &alice());
        wants.memberships(&alice());
        wants.author(&focus, "m");
    };
    {
        let store = Store::open(directory.path()).expect("opened");
        let mut view = view(&store, want);
        assert_eq!((view.group(&focus), view.author(&focus, "m")), (None, None));
        view.put_group(group.clone());
        view.put_leg(leg.clone());
        view.put_memberships(&alice(), vec![focus.clone()]);
        view.put_author(&focus, "m", &bob());
        store.commit(&view).expect("committed");
    }
    let store = Store::open(directory.path()).expect("opened");
    let mut loaded = view(&store, want);
    assert_eq!(loaded.group(&focus), Some(&group));
    assert_eq!(loaded.leg(&leg.key()), Some(&leg));
    assert_eq!(loaded.memberships(&alice()), std::slice::from_ref(&focus));
    assert_eq!(loaded.author(&focus, "m"), Some(&bob()));
    assert_eq!(store.groups().expect("readable"), [group]);
    loaded.remove_group(&focus);
    // A leg without devices and subscriptions is none, and neither are memberships without a group.
    loaded.put_leg(store::Leg::new(focus.clone(), alice()));
    loaded.put_memberships(&alice(), Vec::new());
    loaded.remove_author(&focus, "m");
    store.commit(&loaded).expect("committed");
    for family in [Family::Groups, Family::Legs, Family::Memberships, Family::Authors] {
        store.dump(family, |line| panic!("{line} is left")).expect("readable");
    }
}

#[test]
fn dead_letters_are_counted_listed_and_go_back_where_they_were() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opened");
    let mut ids = EntryIds::new(1);
    let entries = [entry(&mut ids, 10, "one"), entry(&mut ids, 10, "three"), entry(&mut ids, 10, "fifteen")];
    let want = |wants: &mut Wants| {
        entries.iter().for_each(|entry| {
            wants.entry(&entry.key());
            wants.dead_letter(&entry.key());
        });
    };
    let mut loaded = view(&store, want);
    for (n, entry) in (0..).zip(&entries) {
        let last_answer = Some("answered 500".to_owned());
        let why = "a day is over".to_owned();
        let letter = store::DeadLetter { entry: entry.clone(), why, last_answer, given_up_at: at(100 + n) };
        loaded.put_dead_letter(letter);
    }
    store.commit(&loaded).expect("committed");
    drop(store);
    let store = Store::open(directory.path()).expect("opened");
    let texts = |letters: Vec<store::DeadLetter>| -> Vec<String> {
        letters.into_iter().map(|letter| letter.entry.message_id).collect()
    };
    assert_eq!(
        texts(store.dead_letters(Some(&bob()), None, 9).expect("readable")),
        ["one", "three", "fifteen"]
    );
    assert_eq!(texts(store.dead_letters(None, Some(&entries[0].key()), 1).expect("readable")), ["three"]);
    assert_eq!(texts(store.dead_letters(Some(&alice()), None, 9).expect("readable")), [""; 0]);
    let count = store.dead_letter_count(&bob()).expect("readable");
    assert_eq!((count.count, count.body_bytes), (3, 15));
    let (old, cursor) = store.old_dead_letters(at(102), None, 9).expect("readable");
    assert_eq!((old, cursor), (vec![entries[0].key(), entries[1].key()], None));

    let mut loaded = view(&store, want);
    let letter = loaded.dead_letter(&entries[1].key()).cloned().expect("there");
    assert_eq!(letter.entry, entries[1]);
    loaded.remove_dead_letter(&letter.key());
    loaded.put_entry(letter.entry);
    loaded.remove_dead_letter(&entries[2].key());
    loaded.remove_dead_letter(&entries[2].key());
    store.commit(&loaded).expect("committed");
    assert_eq!(texts(store.dead_letters(None, None, 9).expect("readable")), ["one"]);
    assert_eq!(store.dead_letter_count(&bob()).expect("readable").count, 1);
    assert_eq!(store.mailbox(&bob(), 9).expect("readable"), entries[1..2]);
    let mut lines = Vec::new();
    store.dump(Family::DeadLetters, |line| lines.push(line)).expect("readable");
    assert_eq!(lines[0]["row"]["entry"]["message_id"], "one");
    assert!(lines[0]["row"]["entry"]["body"]["left_out"].is_number());
}

fn chatbot(name: &str) -> Chatbot {
    Chatbot {
        address: "sip:12306@botplatform.hongyan.local".parse().expect("an address"),
        dialect: Dialect::Ctcu,
        app_id: "app".to_owned(),
        app_key_sha256: [7; 32],
        callback_token: "token".to_owned(),
        webhook: None,
        allow_private_webhook: false,
        callback_checked: false,
        token: None,
        tokens_given: (0, 0),
        status: ChatbotStatus::Live,
        profile: Profile { name: name.to_owned(), ..Profile::default() },
        created_at: at(1),
        changed_at: at(2),
        webhook_auth: WebhookAuth::default(),
        webhook_probe: false,
        standing: Standing::default(),
        extras: Extras::default(),
    }
}

#[test]
fn a_chatbot_is_as_it_was_last_committed() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opened");
    let address = chatbot("").address;
    let name = |store: &Store| {
        let one = store.chatbot(&address).expect("readable").map(|row| row.profile.name.clone());
        let all = store.chatbots().expect("readable");
        assert_eq!(one, all.get(&address).map(|row| row.profile.name.clone()));
        let loaded = view(store, |wants| wants.chatbot(&address));
        assert_eq!(one, loaded.chatbot(&address).map(|row| row.profile.name.clone()));
        one
    };
    assert_eq!(name(&store), None);
    for changed in [Some("first"), Some("second"), None, Some("third")] {
        let before = name(&store);
        let mut loaded = view(&store, |wants| wants.chatbot(&address));
        match changed {
            Some(name) => loaded.put_chatbot(chatbot(name)),
            None => loaded.remove_chatbot(&address),
        }
        assert_eq!(name(&store), before, "nothing is committed yet");
        store.commit(&loaded).expect("committed");
        assert_eq!(name(&store).as_deref(), changed);
    }
    drop(store);
    let store = Store::open(directory.path()).expect("opened again");
    assert_eq!(name(&store).as_deref(), Some("third"));
}

#[test]
fn a_token_is_found_as_long_as_its_contact_has_it() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opened");
    let chatbot: Address = "sip:12306@botplatform.hongyan.local".parse().expect("an address");
    let (first, second) = (store::Token::new([1; 16]), store::Token::new([2; 16]));
    let mut contact = store::Contact::new(chatbot.clone(), alice());
    for token in [Some(first), Some(second), None] {
        let mut loaded = view(&store, |wants| wants.contact(&chatbot, &alice()));
        contact.token = token;
        loaded.put_contact(contact.clone());
        store.commit(&loaded).expect("committed");
        for known in [first, second] {
            let alias = store.alias(known).expect("readable");
            assert_eq!(alias.map(|alias| alias.user), (token == Some(known)).then(alice));
        }
        assert_eq!(store.contact(&contact.key()).expect("readable"), Some(contact.clone()));
    }
    assert_eq!(store.contacts(&chatbot, None, 9).expect("readable"), [contact]);
    assert_eq!(store.contacts(&chatbot, Some(&alice()), 9).expect("readable"), []);
}

#[test]
fn rules_and_spending_are_read_as_they_were_written() {
    let directory = directory();
    let store = Store::open(directory.path()).expect("opened");
    let chatbot: Address = "sip:12306@botplatform.hongyan.local".parse().expect("an address");
    let want = |wants: &mut Wants| {
        wants.rules(&chatbot);
        wants.spending(chatbot.as_str());
    };
    let rules = store::Rules { per_day: Some(7), anonymous: Some(true), ..Default::default() };
    let spent = store::Spending { day: 1, in_day: 2, month: 3, in_month: 4 };
    let mut loaded = view(&store, want);
    assert_eq!((loaded.rules(&chatbot), loaded.spending(chatbot.as_str())), Default::default());
    loaded.put_rules(&chatbot, rules.clone());
    loaded.put_spending(chatbot.as_str(), spent);
    store.commit(&loaded).expect("committed");
    let mut loaded = view(&store, want);
    assert_eq!((loaded.rules(&chatbot), loaded.spending(chatbot.as_str())), (rules, spent));
    loaded.put_rules(&chatbot, store::Rules::default());
    store.commit(&loaded).expect("committed");
    store.dump(Family::Rules, |line| panic!("{line} is left")).expect("readable");
}
