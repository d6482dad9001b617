//! What every message costs here: reading a CPIM text, an address, a report, a device's capabilities. Goal: a typical CPIM
//! text in less than 500 ns with few allocations.
//!
//! `cargo bench -p rcs`

use bytes::Bytes;
use divan::{AllocProfiler, Bencher, black_box};
use rcs::Timestamp;
use rcs::address::Numbering;
use rcs::capability::{Capabilities, Wanted};
use rcs::cpim::{Cpim, CpimBuilder, Dispositions};
use rcs::imdn::Imdn;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const CHAT: &[u8] = include_bytes!("../../../fixtures/rcs/cpim/chat.cpim");
const REPORT: &[u8] = include_bytes!("../../../fixtures/rcs/imdn/delivered.written.xml");
const CONTACT: &str = include_str!("../../../fixtures/rcs/capability/handset.contact");

fn main() {
    divan::main();
}

#[divan::bench]
fn cpim_parse(bencher: Bencher) {
    let raw = Bytes::from_static(CHAT);
    bencher.bench(|| Cpim::parse(black_box(&raw).clone()));
}

/// Parsing, and everything that routing asks of a message.
#[divan::bench]
fn cpim_parse_and_ask(bencher: Bencher) {
    let raw = Bytes::from_static(CHAT);
    bencher.bench(|| {
        let cpim = Cpim::parse(black_box(&raw).clone()).expect("the fixture is a message");
        let asked =
            (cpim.from_uri().is_some(), cpim.message_id().is_some(), cpim.dispositions(), cpim.is_imdn());
        black_box((asked, cpim.date_time()))
    });
}

#[divan::bench]
fn cpim_write() -> Bytes {
    CpimBuilder::new(black_box("tel:+8613800000001"), black_box("tel:+8613800000002"))
        .message_id("Msg34jk324j")
        .date_time(Timestamp::from_millis(1_795_433_618_000))
        .dispositions(Dispositions::DELIVERY_AND_DISPLAY)
        .content_type("text/plain;charset=UTF-8")
        .build("明天见，鸿雁")
}

#[divan::bench]
fn cpim_rewrite(bencher: Bencher) {
    let cpim = Cpim::parse(Bytes::from_static(CHAT)).expect("the fixture is a message");
    bencher.bench(|| black_box(&cpim).rewrite().from("tel:+8613800000001").without_dispositions().build());
}

#[divan::bench(args = [
    "tel:+8613800000001",
    "sip:+8613800000001@hongyan.local;user=phone",
    "sip:12306@botplatform.hongyan.local",
    "13800000001",
])]
fn address(bencher: Bencher, text: &str) {
    let china = Numbering::new("CN", "hongyan.local");
    bencher.bench(|| china.address(black_box(text)));
}

#[divan::bench]
fn imdn_parse() -> Imdn {
    Imdn::parse(black_box(REPORT)).expect("the fixture is a report")
}

#[divan::bench]
fn imdn_write(bencher: Bencher) {
    let imdn = Imdn::parse(REPORT).expect("the fixture is a report");
    bencher.bench(|| black_box(&imdn).to_xml());
}

#[divan::bench]
fn capabilities_parse() -> Capabilities {
    Capabilities::parse(black_box(CONTACT))
}

#[divan::bench]
fn accept_contact_match(bencher: Bencher) {
    let device = Capabilities::parse(CONTACT);
    let wanted = Wanted::parse("*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"");
    bencher.bench(|| black_box(&wanted).is_met_by(black_box(&device)));
}
