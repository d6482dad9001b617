//! Places, as XML and as geo: URIs: whatever reads is written and reads back as the same value, and the places in
//! documents can be written as URIs.

mod rcs_seeds;

use bolero::check;
use rcs::geolocation::{Place, PushLocation};

const DOCUMENTS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/geolocation/circle.xml"),
    include_bytes!("../../fixtures/rcs/geolocation/point.xml"),
];

const URIS: &[&str] =
    &[include_str!("../../fixtures/rcs/geolocation/beijing-south.geo"), "geo:-1.5,2,3;u=4;x=y?q=z"];

#[test]
fn rcs_geolocation() {
    check!().for_each(|recipe: &[u8]| {
        if let Ok(push) = PushLocation::parse(&rcs_seeds::mutated(DOCUMENTS, recipe)) {
            assert_eq!(Place::parse_geo_uri(&push.place.to_geo_uri()).as_ref(), Ok(&push.place));
            assert_eq!(PushLocation::parse(push.to_xml().as_bytes()), Ok(push));
        }
        if let Ok(place) = Place::parse_geo_uri(&rcs_seeds::mutated_text(URIS, recipe)) {
            assert_eq!(Place::parse_geo_uri(&place.to_geo_uri()), Ok(place));
        }
    });
}
