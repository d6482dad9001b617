//! The documents of groups: whatever reads is written and reads back as the same value.

mod rcs_seeds;

use bolero::check;
use rcs::conference_info::{ConferenceInfo, State};
use rcs::group_data;
use rcs::resource_list;
use rcs::sipfrag::SipFrag;

#[test]
fn rcs_resource_list() {
    const SEEDS: &[&[u8]] = &[
        include_bytes!("../../fixtures/rcs/resource-list/copy-control.xml"),
        include_bytes!("../../fixtures/rcs/resource-list/liblinphone.xml"),
    ];
    check!().for_each(|recipe: &[u8]| {
        if let Ok(recipients) = resource_list::parse(&rcs_seeds::mutated(SEEDS, recipe)) {
            assert!(recipients.len() <= resource_list::ENTRIES_MAX);
            assert_eq!(resource_list::parse(resource_list::write(&recipients).as_bytes()), Ok(recipients));
        }
    });
}

#[test]
fn rcs_conference_info() {
    const SEEDS: &[&[u8]] = &[
        include_bytes!("../../fixtures/rcs/conference-info/full.xml"),
        include_bytes!("../../fixtures/rcs/conference-info/partial.xml"),
        include_bytes!("../../fixtures/rcs/conference-info/icon.written.xml"),
    ];
    check!().for_each(|recipe: &[u8]| {
        if let Ok(mut info) = ConferenceInfo::parse(&rcs_seeds::mutated(SEEDS, recipe)) {
            if info.users.is_empty() && info.users_state == State::Deleted {
                info.users_state = State::Partial; // neither is written
            }
            assert_eq!(ConferenceInfo::parse(info.to_xml().as_bytes()), Ok(info.clone()));
            let mut known = ConferenceInfo::parse(SEEDS[0]).expect("a fixture");
            let before = known.clone();
            if known.apply(info).is_err() {
                assert_eq!(known, before);
            }
        }
    });
}

#[test]
fn rcs_group_data() {
    const SEEDS: &[&[u8]] = &[
        include_bytes!("../../fixtures/rcs/group-data/subject.xml"),
        include_bytes!("../../fixtures/rcs/group-data/icon.managed.xml"),
        include_bytes!("../../fixtures/rcs/group-data/icon.written.xml"),
    ];
    check!().for_each(|recipe: &[u8]| {
        if let Ok(request) = group_data::Request::parse(&rcs_seeds::mutated(SEEDS, recipe)) {
            let written = request.change.to_xml();
            assert_eq!(
                group_data::Request::parse(written.as_bytes()).map(|read| read.change),
                Ok(request.change)
            );
        }
    });
}

#[test]
fn rcs_sipfrag() {
    const SEEDS: &[&[u8]] = &[b"SIP/2.0 200 OK\r\n", b"SIP/2.0 603 Decline\r\nTo: <sip:a@b>\r\n"];
    check!().for_each(|recipe: &[u8]| {
        if let Ok(fragment) = SipFrag::parse(&rcs_seeds::mutated(SEEDS, recipe)) {
            let written = SipFrag::new(fragment.status, &fragment.reason);
            assert_eq!(SipFrag::parse(written.to_string().as_bytes()), Ok(written));
        }
    });
}
