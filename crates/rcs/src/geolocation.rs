//! A place as a message: `application/vnd.gsma.rcspushlocation+xml` (GSMA RCC.07) and the `geo:` URI (RFC 5870), which
//! is its form in SMS and the usual one between people and chatbots in China.
//!
//! ```text
//! geo:39.865,116.378;crs=gcj02;u=10;rcs-l=%E5%8C%97%E4%BA%AC%E5%8D%97%E7%AB%99
//! ```
//!
//! Chinese maps show gcj02 coordinates, which are some hundred metres off wgs84. They are carried as what they are
//! said to be and never turned into one another here.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::xml::{Element, Writer, XmlError};

/// The media type of the document.
pub const CONTENT_TYPE: &str = "application/vnd.gsma.rcspushlocation+xml";

/// Longest `geo:` URI that is read.
pub const URI_BYTES_MAX: usize = 2048;

/// Longest label and id in bytes.
pub const LABEL_BYTES_MAX: usize = 512;

/// What a label keeps as it is: RFC 3986 `unreserved`.
const LABEL_ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const NAMESPACES: [(&str, &str); 5] = [
    ("xmlns", "urn:gsma:params:xml:ns:rcs:rcs:geolocation"),
    ("xmlns:rpid", "urn:ietf:params:xml:ns:pidf:rpid"),
    ("xmlns:gp", "urn:ietf:params:xml:ns:pidf:geopriv10"),
    ("xmlns:gml", "http://www.opengis.net/gml"),
    ("xmlns:gs", "http://www.opengis.net/pidflo/1.0"),
];

const METRE: &str = "urn:ogc:def:uom:EPSG::9001";

/// A place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Degrees north, −90 to 90.
    pub latitude: f64,
    /// Degrees east, −180 to 180.
    pub longitude: f64,
    /// Metres above the reference of `crs`.
    pub altitude_m: Option<f64>,
    /// What the coordinates refer to.
    pub crs: Crs,
    /// Radius in metres of the circle that it is in; absent for an exact place.
    pub uncertainty_m: Option<f64>,
    /// What people call it.
    pub label: Option<String>,
}

/// A coordinate reference system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Crs {
    /// GPS coordinates; also what a `geo:` URI means that does not say.
    #[default]
    Wgs84,
    /// The offset coordinates of Chinese maps.
    Gcj02,
}

/// A pushed place: the whole document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushLocation {
    /// Whose place, a URI; absent from some clients.
    pub entity: Option<String>,
    /// Identifies this push.
    pub id: String,
    /// The place, with its label.
    pub place: Place,
    /// Until when it may be shown or kept.
    pub until: Option<Timestamp>,
    /// Minutes between the sender's local time and UTC.
    pub time_offset_min: Option<i32>,
    /// When the sender was there.
    pub timestamp: Option<Timestamp>,
}

/// Why a text is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GeoUriError {
    /// No `geo:` URI, or longer than [`URI_BYTES_MAX`].
    #[error("not a geo: URI")]
    NotGeo,
    /// The coordinates are missing, no numbers, or outside of the earth.
    #[error("geo: URI with bad coordinates")]
    Coordinates,
    /// A coordinate reference system that we could only misread (RFC 5870 §3.4.2 wants it refused).
    #[error("geo: URI with unknown crs {0:?}")]
    UnknownCrs(String),
    /// A bad uncertainty.
    #[error("geo: URI with bad uncertainty")]
    Uncertainty,
    /// A label too long or with control characters.
    #[error("geo: URI with bad label")]
    Label,
}

impl Place {
    /// A place in wgs84 without a label.
    pub fn new(latitude: f64, longitude: f64) -> Self {
        Self { latitude, longitude, altitude_m: None, crs: Crs::Wgs84, uncertainty_m: None, label: None }
    }

    /// Reads a `geo:` URI. Parameters may come in any order, unknown ones are passed over, and so is the query that
    /// some map apps append.
    pub fn parse_geo_uri(text: &str) -> Result<Self, GeoUriError> {
        let text = text.trim();
        let scheme = text.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("geo:"));
        if scheme.is_none() || text.len() > URI_BYTES_MAX {
            return Err(GeoUriError::NotGeo);
        }
        let uri = text[4..].split(['?', '#']).next().unwrap_or("");
        let mut parameters = uri.split(';');
        let mut place =
            coordinates(parameters.next().unwrap_or("").split(',')).ok_or(GeoUriError::Coordinates)?;
        for parameter in parameters {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name.to_ascii_lowercase().as_str() {
                "crs" => place.crs = value.parse()?,
                "u" => place.uncertainty_m = Some(radius(value).ok_or(GeoUriError::Uncertainty)?),
                "rcs-l" => {
                    let decoded = percent_decode_str(value).decode_utf8().map_err(|_| GeoUriError::Label)?;
                    place.label = label(&decoded).ok_or(GeoUriError::Label)?;
                }
                _ => {}
            }
        }
        Ok(place)
    }

    /// The `geo:` URI; `crs` is left out for wgs84.
    pub fn to_geo_uri(&self) -> String {
        let mut uri = format!("geo:{},{}", self.latitude, self.longitude);
        if let Some(altitude_m) = self.altitude_m {
            uri.push_str(&format!(",{altitude_m}"));
        }
        // RFC 5870 §3.3: crs first, then u, then the others.
        if self.crs != Crs::Wgs84 {
            uri.push_str(&format!(";crs={}", self.crs));
        }
        if let Some(uncertainty_m) = self.uncertainty_m {
            uri.push_str(&format!(";u={uncertainty_m}"));
        }
        if let Some(label) = &self.label {
            uri.push_str(&format!(";rcs-l={}", utf8_percent_encode(label, LABEL_ESCAPES)));
        }
        uri
    }
}

impl fmt::Display for Crs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wgs84 => "wgs84",
            Self::Gcj02 => "gcj02",
        })
    }
}

impl std::str::FromStr for Crs {
    type Err = GeoUriError;

    fn from_str(text: &str) -> Result<Self, GeoUriError> {
        match text.to_ascii_lowercase().as_str() {
            "wgs84" => Ok(Self::Wgs84),
            "gcj02" => Ok(Self::Gcj02),
            _ => Err(GeoUriError::UnknownCrs(text.chars().take(40).collect())),
        }
    }
}

impl PushLocation {
    /// Reads a document.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let envelope = Element::parse(document, "rcsenvelope")?;
        let push = envelope.child("rcspushlocation").ok_or(XmlError::Missing("rcspushlocation"))?;
        let id = push.attribute("id").unwrap_or_default();
        let entity = envelope.attribute("entity").map(str::trim).filter(|entity| !entity.is_empty());
        if id.len() > LABEL_BYTES_MAX || entity.is_some_and(|entity| entity.len() > LABEL_BYTES_MAX) {
            return Err(XmlError::Invalid("id or entity"));
        }
        let mut place = place(push.descendant("location-info").ok_or(XmlError::Missing("location-info"))?)?;
        place.label = label(push.attribute("label").unwrap_or_default()).ok_or(XmlError::Invalid("label"))?;
        let retention = push.descendant("retention-expiry").map(Element::text);
        let offset = push.child("time-offset");
        let until = retention.or_else(|| offset.and_then(|offset| offset.attribute("until")));
        Ok(Self {
            entity: entity.map(str::to_owned),
            id: id.to_owned(),
            place,
            until: until.and_then(|text| Timestamp::parse_rfc3339(text).ok()),
            time_offset_min: offset.and_then(|offset| offset.text().parse().ok()),
            timestamp: push.child_text("timestamp").and_then(|text| Timestamp::parse_rfc3339(text).ok()),
        })
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        let mut root = NAMESPACES.to_vec();
        root.extend(self.entity.as_deref().map(|entity| ("entity", entity)));
        xml.open("rcsenvelope", &root);
        let mut push = vec![("id", self.id.as_str())];
        push.extend(self.place.label.as_deref().map(|label| ("label", label)));
        xml.open("rcspushlocation", &push);
        let until = self.until.map(Timestamp::rfc3339);
        if let Some(minutes) = self.time_offset_min {
            let attributes = until.as_deref().map(|until| ("rpid:until", until));
            xml.text("rpid:time-offset", attributes.as_slice(), &minutes.to_string());
        }
        xml.open("gp:geopriv", &[]).open("gp:location-info", &[]);
        self.place.write(&mut xml);
        xml.close();
        if let Some(until) = &until {
            xml.open("gp:usage-rules", &[]).text("gp:retention-expiry", &[], until).close();
        }
        xml.close();
        if let Some(time) = self.timestamp {
            xml.text("timestamp", &[], &time.rfc3339());
        }
        xml.finish()
    }
}

impl Place {
    fn write(&self, xml: &mut Writer) {
        let position = match self.altitude_m {
            None => format!("{} {}", self.latitude, self.longitude),
            Some(altitude_m) => format!("{} {} {altitude_m}", self.latitude, self.longitude),
        };
        // Of gcj02 no registry has a name; ours is the one of the geo: URI, which our reader knows.
        let srs = match (self.crs, self.altitude_m) {
            (Crs::Wgs84, None) => "urn:ogc:def:crs:EPSG::4326",
            (Crs::Wgs84, Some(_)) => "urn:ogc:def:crs:EPSG::4979",
            (Crs::Gcj02, _) => "gcj02",
        };
        match self.uncertainty_m {
            Some(radius_m) => xml
                .open("gs:Circle", &[("srsName", srs)])
                .text("gml:pos", &[], &position)
                .text("gs:radius", &[("uom", METRE)], &radius_m.to_string()),
            None => xml.open("gml:Point", &[("srsName", srs)]).text("gml:pos", &[], &position),
        };
        xml.close();
    }
}

/// The circle or point in `location-info`, without its label.
fn place(info: &Element) -> Result<Place, XmlError> {
    let shape = info.children().first().ok_or(XmlError::Missing("location"))?;
    let position = shape.descendant("pos").ok_or(XmlError::Missing("pos"))?;
    let mut place = coordinates(position.text().split_whitespace()).ok_or(XmlError::Invalid("pos"))?;
    if let Some(text) = shape.child_text("radius") {
        place.uncertainty_m = Some(radius(text).ok_or(XmlError::Invalid("radius"))?);
    }
    // Anything but gcj02 that clients write here is a way to say wgs84.
    if shape.attribute("srsName").is_some_and(|srs| srs.to_ascii_lowercase().contains("gcj02")) {
        place.crs = Crs::Gcj02;
    }
    Ok(place)
}

/// Two or three numbers on the earth.
fn coordinates<'a>(mut numbers: impl Iterator<Item = &'a str>) -> Option<Place> {
    let latitude = decimal(numbers.next()?).filter(|degrees| degrees.abs() <= 90.0)?;
    let longitude = decimal(numbers.next()?).filter(|degrees| degrees.abs() <= 180.0)?;
    let altitude_m = numbers.next().map(|text| decimal(text).ok_or(())).transpose().ok()?;
    numbers.next().is_none().then_some(Place { altitude_m, ..Place::new(latitude, longitude) })
}

fn radius(text: &str) -> Option<f64> {
    decimal(text).filter(|metres| *metres >= 0.0)
}

/// A finite number. Rust also reads `inf`, `nan` and exponents, of which no document has use.
fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_plain =
        text.len() <= 40 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
    // No negative zero: it would write as "-0".
    text.parse().ok().filter(|_| is_plain).map(|number: f64| number + 0.0)
}

/// `Some(None)` for an empty label, `None` for a bad one.
fn label(text: &str) -> Option<Option<String>> {
    let text = text.trim();
    let is_plain = text.len() <= LABEL_BYTES_MAX && !text.chars().any(char::is_control);
    is_plain.then(|| (!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn beijing_south() -> Place {
        Place {
            crs: Crs::Gcj02,
            uncertainty_m: Some(10.0),
            label: Some("北京南站".to_owned()),
            ..Place::new(39.865, 116.378)
        }
    }

    #[test]
    fn a_geo_uri_with_everything_reads_and_is_written() {
        let text = include_str!("../../../fixtures/rcs/geolocation/beijing-south.geo").trim();
        assert_eq!(Place::parse_geo_uri(text), Ok(beijing_south()));
        assert_eq!(beijing_south().to_geo_uri(), text);
    }

    #[test]
    fn geo_uris_of_other_hands_read_too() {
        for (text, place) in [
            ("geo:39.865,116.378", Place::new(39.865, 116.378)),
            (
                "GEO:-33.9,18.4,12;U=0;x=y",
                Place { altitude_m: Some(12.0), uncertainty_m: Some(0.0), ..Place::new(-33.9, 18.4) },
            ),
            (" geo:1,2;crs=WGS84?q=1,2(label)\r\n", Place::new(1.0, 2.0)),
            (
                "geo:1,2;rcs-l=a%20b;crs=gcj02",
                Place { crs: Crs::Gcj02, label: Some("a b".to_owned()), ..Place::new(1.0, 2.0) },
            ),
        ] {
            assert_eq!(Place::parse_geo_uri(text), Ok(place), "{text}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        use GeoUriError as E;
        for (text, error) in [
            ("39.865,116.378", E::NotGeo),
            ("geo:", E::Coordinates),
            ("geo:1", E::Coordinates),
            ("geo:91,2", E::Coordinates),
            ("geo:1,181", E::Coordinates),
            ("geo:nan,2", E::Coordinates),
            ("geo:1e1,2", E::Coordinates),
            ("geo:1,2,3,4", E::Coordinates),
            ("geo:1,2;crs=moon", E::UnknownCrs("moon".to_owned())),
            ("geo:1,2;u=-1", E::Uncertainty),
            ("geo:1,2;rcs-l=%ff", E::Label),
            ("geo:1,2;rcs-l=a%00b", E::Label),
        ] {
            assert_eq!(Place::parse_geo_uri(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_pushed_place_reads_and_is_written() {
        let push = PushLocation {
            entity: Some("tel:+8613800000001".to_owned()),
            id: "a1233".to_owned(),
            place: Place { crs: Crs::Wgs84, ..beijing_south() },
            until: Some(Timestamp::parse_rfc3339("2026-11-24T11:33:38Z").unwrap()),
            time_offset_min: Some(480),
            timestamp: Some(Timestamp::parse_rfc3339("2026-11-23T11:33:38Z").unwrap()),
        };
        let document = include_bytes!("../../../fixtures/rcs/geolocation/circle.xml");
        assert_eq!(PushLocation::parse(document), Ok(push.clone()));
        assert_eq!(push.to_xml(), include_str!("../../../fixtures/rcs/geolocation/circle.written.xml"));
        let point = include_bytes!("../../../fixtures/rcs/geolocation/point.xml");
        assert_eq!(PushLocation::parse(point).unwrap().place, Place::new(39.865, 116.378));
    }

    #[test]
    fn no_prefix_passes_for_the_document() {
        let document = include_bytes!("../../../fixtures/rcs/geolocation/circle.written.xml");
        for end in 0..document.len() {
            assert!(PushLocation::parse(&document[..end]).is_err(), "{end}");
        }
    }

    prop_compose! {
        fn any_place()(
            latitude in -90.0..=90.0f64,
            longitude in -180.0..=180.0f64,
            altitude_m in proptest::option::of(-1e5..1e5f64),
            uncertainty_m in proptest::option::of(0.0..1e6f64),
            gcj02 in any::<bool>(),
            label in proptest::option::of("[^\\pC\\s]([^\\pC]{0,20}[^\\pC\\s])?"),
        ) -> Place {
            let crs = if gcj02 { Crs::Gcj02 } else { Crs::Wgs84 };
            let tidy = |number: f64| (number * 1e6).round() / 1e6 + 0.0;
            Place {
                latitude: tidy(latitude),
                longitude: tidy(longitude),
                altitude_m: altitude_m.map(tidy),
                crs,
                uncertainty_m: uncertainty_m.map(tidy),
                label,
            }
        }
    }

    proptest! {
        #[test]
        fn written_places_read_back(
            place in any_place(),
            id in "[!-~]{0,20}",
            entity in proptest::option::of("tel:[+0-9]{1,15}"),
            millis in proptest::option::of(0..Timestamp::MAX.as_millis()),
            time_offset_min in any::<Option<i32>>(),
        ) {
            prop_assert_eq!(Place::parse_geo_uri(&place.to_geo_uri()), Ok(place.clone()));
            let until = millis.map(Timestamp::from_millis);
            let push = PushLocation { entity, id, place, until, time_offset_min, timestamp: until };
            prop_assert_eq!(PushLocation::parse(push.to_xml().as_bytes()), Ok(push));
        }

        #[test]
        fn any_text_is_a_place_or_refused(text in "geo:([-0-9.,;=%?]|crs|u|rcs-l|gcj02|\\PC)*") {
            if let Ok(place) = Place::parse_geo_uri(&text) {
                prop_assert_eq!(Place::parse_geo_uri(&place.to_geo_uri()), Ok(place));
            }
        }
    }
}
