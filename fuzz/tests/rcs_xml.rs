//! The XML reader under all documents: any bytes give a tree within the ceilings or a refusal.

mod rcs_seeds;

use bolero::check;
use rcs::xml::{DEPTH_MAX, Element};

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/geolocation/circle.xml"),
    include_bytes!("../../fixtures/rcs/composing/active.xml"),
    b"<!DOCTYPE x [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><x k='&b;'>&b;&#65;<![CDATA[<]]></x>",
    b"<x a='1' b=\"&lt;&#x41;\"><!-- c --><?p i?><y:z xmlns:y='u'>&amp;</y:z></x>",
];

#[test]
fn rcs_xml() {
    check!().for_each(|recipe: &[u8]| {
        if let Ok(root) = Element::parse_any(&rcs_seeds::mutated(SEEDS, recipe)) {
            assert!(depth(&root) <= DEPTH_MAX);
        }
    });
}

fn depth(element: &Element) -> usize {
    1 + element.children().iter().map(depth).max().unwrap_or(0)
}
