//! Files on the content server: what is kept, what goes, and messages that name one.

mod world;

use message_centre::files::{Answer, Call, Foreign, Rules};
use message_centre::{Config, admin};
use rcs::cpim::{self, CpimBuilder};
use rcs::file_transfer::{self, FileInfo, FileTransfer};
use sip::HeaderName;
use store::{File, FileId, Usage};
use world::{DOMAIN, Phone, World, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const HERE: &str = "https://rcs.example/content/abc";
const ELSEWHERE: &str = "https://evil.example/content/abc";

fn rules(config: &mut Config) {
    config.files = Rules {
        quota: Usage { files: 3, bytes: 100 },
        url_prefixes: vec!["https://rcs.example/content/".to_owned()],
        foreign: Foreign::Refuse,
    };
}

fn flagging(config: &mut Config) {
    rules(config);
    config.files.foreign = Foreign::Flag;
}

fn file(world: &World, number: u8, bytes: u64) -> File {
    File {
        id: FileId([number; 16]),
        owner: format!("tel:{ALICE}").parse().expect("an address"),
        tid: Some("t".to_owned()),
        name: None,
        content_type: "image/png".to_owned(),
        bytes,
        thumbnail: None,
        is_complete: true,
        created_at: world.now,
        expires_at: world.now.plus(seconds(60)),
    }
}

fn unfinished(world: &World, number: u8, bytes: u64) -> File {
    File { is_complete: false, ..file(world, number, bytes) }
}

fn add(file: &File) -> Call {
    Call::Add { file: file.clone(), replaces: None }
}

/// A message that names a file at `url`.
fn transfer(url: &str) -> FileTransfer {
    let file = FileInfo {
        size: 1,
        name: Some("car.png".to_owned()),
        content_type: "image/png".to_owned(),
        url: url.to_owned(),
        until: None,
        disposition: None,
        playing_length: None,
        branded_url: None,
    };
    FileTransfer { thumbnail: None, file }
}

/// Alice sends Bob a file that lies at `url`; the message's id.
fn send_file(world: &mut World, from: Phone, url: &str) -> &'static str {
    let body = CpimBuilder::new(&format!("sip:{ALICE}@{DOMAIN}"), &format!("sip:{BOB}@{DOMAIN}"))
        .message_id("file-1")
        .content_type(file_transfer::CONTENT_TYPE)
        .build(transfer(url).to_xml());
    let request = world.phones[from]
        .request("MESSAGE", &format!("sip:{BOB}@{DOMAIN}"), url)
        .header(HeaderName::To, format!("<sip:{BOB}@{DOMAIN}>"))
        .body(cpim::CONTENT_TYPE, body)
        .build();
    world.send_request(from, request);
    world.run_until_idle();
    "file-1"
}

#[test]
fn a_quota_counts_every_file_until_it_goes() {
    let mut world = World::with(1, rules);
    world.handset(ALICE);
    let (first, second) = (file(&world, 1, 60), file(&world, 2, 50));
    assert_eq!(world.change_files(add(&first)).0, Answer::Done);
    assert_eq!(world.change_files(add(&second)).0, Answer::OverQuota);
    assert_eq!(world.change_files(add(&file(&world, 2, 40))).0, Answer::Done);
    assert_eq!(world.change_files(Call::Update(second.clone())).0, Answer::OverQuota);
    assert_eq!(world.change_files(Call::Remove(first.clone())), (Answer::Done, vec![first.id]));
    assert_eq!(world.change_files(Call::Remove(first.clone())), (Answer::NotFound, vec![]));
    assert_eq!(world.change_files(Call::Update(second)).0, Answer::Done);
    for number in 3..=4 {
        assert_eq!(world.change_files(add(&file(&world, number, 0))).0, Answer::Done);
    }
    assert_eq!(world.change_files(add(&file(&world, 5, 0))).0, Answer::OverQuota);
    assert_eq!(world.store().usage(&first.owner).expect("readable"), Usage { files: 3, bytes: 50 });
}

#[test]
fn an_upload_that_begins_anew_takes_the_place_of_the_unfinished_one() {
    let mut world = World::with(1, rules);
    world.handset(ALICE);
    let old = unfinished(&world, 1, 80);
    assert_eq!(world.change_files(add(&old)).0, Answer::Done);
    let new = unfinished(&world, 2, 90);
    let again = Call::Add { file: new.clone(), replaces: Some(old.clone()) };
    assert_eq!(world.change_files(again), (Answer::Done, vec![old.id]));
    assert_eq!(world.change_files(Call::Update(old)).0, Answer::NotFound);
    // What is complete by now stays, even if the edge thought otherwise.
    let complete = file(&world, 2, 90);
    assert_eq!(world.change_files(Call::Update(complete.clone())).0, Answer::Done);
    let third = unfinished(&world, 3, 5);
    let again = Call::Add { file: third.clone(), replaces: Some(new) };
    assert_eq!(world.change_files(again), (Answer::Done, vec![]));
    let key = third.transfer_key().expect("it has one");
    assert_eq!(world.store().transfer(&key).expect("readable"), Some(third));
    assert_eq!(world.store().file(complete.id).expect("readable"), Some(complete));
}

#[test]
fn the_files_of_a_removed_subscriber_go_before_the_number_is_given_out() {
    let mut world = World::with(1, |config| {
        rules(config);
        config.files.quota = Usage { files: 5000, bytes: 5000 };
    });
    world.handset(ALICE);
    world.handset(BOB);
    let number = |file: File, number: u16| File {
        id: FileId(std::array::from_fn(|at| if at < 2 { number.to_be_bytes()[at] } else { 7 })),
        ..file
    };
    for count in 0..2500 {
        let mut one = number(file(&world, 0, 1), count * 20);
        // Those of others lie between them, and stay.
        if count % 2 == 1 {
            one.owner = format!("tel:{BOB}").parse().expect("an address");
        }
        one.is_complete = count % 3 > 0;
        assert_eq!(world.change_files(add(&one)).0, Answer::Done);
    }
    let owner = file(&world, 0, 1).owner;
    world.admin(admin::Call::RemoveSubscriber(owner.clone()));
    assert_eq!(
        world.change_files(add(&file(&world, 9, 1))).0,
        Answer::NotFound,
        "an upload that was under way"
    );
    world.device(ALICE, sip::Transport::Udp);
    assert_eq!(world.admin_answers.last(), Some(&admin::Answer::NotYet));
    world.crash();
    world.start();
    world.device(ALICE, sip::Transport::Udp);
    assert_eq!(world.admin_answers.last(), Some(&admin::Answer::NotYet), "nor after a restart");
    world.run_until_idle();
    assert!(world.store().files(Some(&owner), 1).expect("readable").is_empty());
    assert_eq!(world.store().usage(&owner).expect("readable"), Usage::default());
    assert_eq!(world.store().transfer(&(owner.clone(), "t".to_owned())).expect("readable"), None);
    assert_eq!(world.store().files(None, 5000).expect("readable").len(), 1250);
    world.device(ALICE, sip::Transport::Udp);
    assert_eq!(world.admin_answers.last(), Some(&admin::Answer::Added));
}

#[test]
fn a_message_with_a_file_from_elsewhere_is_refused() {
    let mut world = World::with(1, rules);
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    send_file(&mut world, alice, ELSEWHERE);
    assert_eq!(world.phones[alice].responses.last(), Some(&403));
    let id = send_file(&mut world, alice, HERE);
    assert_eq!(world.phones[alice].responses.last(), Some(&200));
    assert_eq!(world.phones[bob].inbox.len(), 1);
    assert!(world.records(id)[0].steps.iter().all(|step| !step.what.starts_with("warning")));
}

#[test]
fn so_it_is_in_a_group() {
    let mut world = World::with(1, rules);
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let focus = world.make_group(alice, "周末", &[BOB]);
    for (url, status, shown) in [(ELSEWHERE, 403, 0), (HERE, 200, 1)] {
        let document = transfer(url).to_xml();
        assert_eq!(world.send_document(alice, &focus, file_transfer::CONTENT_TYPE, &document), status);
        world.run_until_idle();
        assert_eq!(world.phones[bob].inbox.len(), shown, "{url}");
    }
}

#[test]
fn or_it_passes_and_its_trace_warns() {
    let mut world = World::with(1, flagging);
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let id = send_file(&mut world, alice, ELSEWHERE);
    assert_eq!(world.phones[bob].inbox.len(), 1);
    let records = world.records(id);
    assert!(records[0].steps.iter().any(|step| step.what.starts_with("warning: its file")), "{records:?}");
}
