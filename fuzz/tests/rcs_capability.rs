//! Feature tags: any header value gives a set, which is written and reads back; a device has what it states.

mod rcs_seeds;

use bolero::check;
use rcs::capability::{Capabilities, Wanted};

const SEEDS: &[&str] = &[
    include_str!("../../fixtures/rcs/capability/handset.contact"),
    "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\";require;explicit",
    "\"a;b\" <sip:x@y;+g.z>;automata;+g.example.level=\"1,2\";+g.example.flag=\"!x\"",
];

#[test]
fn rcs_capability() {
    check!().for_each(|recipe: &[u8]| {
        let text = rcs_seeds::mutated_text(SEEDS, recipe);
        let capabilities = Capabilities::parse(&text);
        let parameters = capabilities.to_parameters();
        assert_eq!(Capabilities::parse(&parameters).to_parameters(), parameters);

        let wanted = Wanted::parse(&text);
        assert!(wanted.is_met_by(&wanted.capabilities));
        assert_eq!(Wanted::parse(&wanted.to_string()).to_string(), wanted.to_string());
    });
}
