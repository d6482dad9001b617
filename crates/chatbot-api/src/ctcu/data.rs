//! A chatbot's own data: `POST …/update/chatBotInfo/optionals` and `…/menu` (maap-api §2.8).
//!
//! Accepted beside the documented form: one category as a string, coordinates as strings, a menu without the `menu` around it.
//! Members that are empty or absent leave things as they are; those that nobody knows are passed over.

use rcs::bot::{
    self, Document as _, Menu,
    reader::{Faults, Members},
    rule,
};
use serde_json::{Value, json};

use super::{LIMITS, Refusal, ReturnCode};

/// What a chatbot may change of what handsets show. Absent members leave things as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Optionals {
    /// At most 500 characters.
    pub service_description: Option<String>,
    /// At most 15, each of at most 50 bytes.
    pub category: Option<Vec<String>>,
    /// At most 21 characters.
    pub call_back_number: Option<String>,
    /// At most 100 characters.
    pub provider: Option<String>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// `#RRGGBB`.
    pub theme_colour: Option<String>,
    /// At most 150 bytes.
    pub service_website: Option<String>,
    /// At most 50 characters.
    pub email_address: Option<String>,
    /// At most 150 bytes.
    pub background_image: Option<String>,
    /// At most 200 characters.
    pub address: Option<String>,
    /// At most 150 bytes.
    pub css_style: Option<String>,
    /// At most 50 characters; put under texts that go out as SMS.
    pub autograph: Option<String>,
}

impl Optionals {
    /// Reads the body of the call. Lengths of URLs are checked here, all else where it is put to use.
    ///
    /// # Errors
    /// 44002, 47001, 20002, each with what is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut faults = Faults::default();
        let value = json_of(body)?;
        let read = Members::of("", value, &mut faults).map(|mut body| Self {
            service_description: body.string("serviceDescription", &mut faults),
            category: categories(&mut body, &mut faults),
            call_back_number: body.string("callBackNumber", &mut faults),
            provider: body.string("provider", &mut faults),
            longitude: degrees(&mut body, "longitude", &mut faults),
            latitude: degrees(&mut body, "latitude", &mut faults),
            theme_colour: body.string("themeColour", &mut faults),
            service_website: url(&mut body, "serviceWebsite", &mut faults),
            email_address: body.string("emailAddress", &mut faults),
            background_image: url(&mut body, "backgroundImage", &mut faults),
            address: body.string("address", &mut faults),
            css_style: url(&mut body, "cssStyle", &mut faults),
            autograph: body.string("autograph", &mut faults),
        });
        faults.finish(read).map_err(|violations| Refusal::of_violations(&violations))
    }
}

/// Reads the body of the menu call: the menu as RCC.07 has it, within the interface's limits. One without entries takes the
/// menu away.
///
/// # Errors
/// 44002, 47001 or 47002, and the codes of suggestions that are wrong.
pub fn parse_menu(body: &[u8]) -> Result<Value, Refusal> {
    let mut value = json_of(body)?;
    if value.get("menu").is_none() && value.get("entries").is_some() {
        value = json!({ "menu": value });
    }
    let is_empty = value["menu"]["entries"].as_array().is_some_and(Vec::is_empty);
    if is_empty {
        return Ok(json!({}));
    }
    let menu = Menu::from_value(value).map_err(|violations| Refusal::of_violations(&violations))?;
    let violations = menu.validate(&LIMITS);
    match violations.is_empty() {
        true => Ok(serde_json::from_slice(&menu.to_json()).expect("what was written as JSON reads as JSON")),
        false => Err(Refusal::of_violations(&violations)),
    }
}

fn json_of(body: &[u8]) -> Result<Value, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::of(ReturnCode::EmptyPost));
    }
    bot::read_json(body).map_err(|error| Refusal::of_parse_error(&error))
}

fn categories(body: &mut Members, faults: &mut Faults) -> Option<Vec<String>> {
    const CATEGORIES_MAX: usize = 15;
    let path = body.at("category");
    let given = match body.value("category")? {
        Value::String(one) => vec![Value::String(one)],
        Value::Array(given) => given,
        other => {
            faults.add(path, rule::TYPE, format!("{} where an array belongs", bot::reader::kind(&other)));
            return None;
        }
    };
    if given.len() > CATEGORIES_MAX {
        faults.add(path, rule::COUNT, format!("{} > {CATEGORIES_MAX}", given.len()));
        return None;
    }
    let categories = given.into_iter().filter_map(|one| match one {
        Value::String(one) => Some(one).filter(|one| !one.trim().is_empty()),
        other => {
            let detail = format!("{} where a string belongs", bot::reader::kind(&other));
            faults.add(path.clone(), rule::TYPE, detail);
            None
        }
    });
    Some(categories.collect()).filter(|categories: &Vec<String>| !categories.is_empty())
}

fn degrees(body: &mut Members, name: &str, faults: &mut Faults) -> Option<f64> {
    let Some(Value::String(text)) = body.peek(name) else { return body.number(name, faults) };
    let text = text.trim().to_owned();
    if text.is_empty() {
        return None;
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    if number.is_none() {
        faults.add(body.at(name), rule::TYPE, "no number");
    }
    number
}

/// A URL of the interface's length.
fn url(body: &mut Members, name: &str, faults: &mut Faults) -> Option<String> {
    const URL_BYTES_MAX: usize = 150;
    let url = body.string(name, faults)?;
    if url.len() > URL_BYTES_MAX {
        faults.add(body.at(name), rule::LENGTH, format!("{} > {URL_BYTES_MAX} bytes", url.len()));
        return None;
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> i32 {
        Optionals::parse(body.as_bytes()).unwrap_err().code.number()
    }

    #[test]
    fn what_is_named_is_changed_and_nothing_else() {
        let body = include_bytes!("../../../../fixtures/ctcu/update-optionals.json");
        let expected = Optionals {
            service_description: Some("查询、预订、改签".to_owned()),
            category: Some(vec!["出行".to_owned(), "票务".to_owned()]),
            call_back_number: Some("+8612306".to_owned()),
            longitude: Some(116.378),
            latitude: Some(39.865),
            theme_colour: Some("#0A66C2".to_owned()),
            css_style: Some("https://f.example/card.css".to_owned()),
            autograph: Some("【铁路】".to_owned()),
            ..Optionals::default()
        };
        assert_eq!(Optionals::parse(body).unwrap(), expected);
        let tolerated =
            br#"{"category":"travel","latitude":"39.865","longitude":"","provider":null,"new":1}"#;
        let expected = Optionals {
            category: Some(vec!["travel".to_owned()]),
            latitude: Some(39.865),
            ..Optionals::default()
        };
        assert_eq!(Optionals::parse(tolerated).unwrap(), expected);
        assert_eq!(Optionals::parse(b"{}").unwrap(), Optionals::default());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(code(""), 44002);
        assert_eq!(code("{"), 47001);
        assert_eq!(code("[]"), 20002);
        assert_eq!(code(r#"{"latitude":"north"}"#), 20002);
        assert_eq!(code(r#"{"category":[1]}"#), 20002);
        assert_eq!(code(&json!({ "category": vec!["a"; 16] }).to_string()), 20002);
        assert_eq!(code(&json!({ "cssStyle": format!("https://{}", "a".repeat(150)) }).to_string()), 40021);
    }

    #[test]
    fn menus_are_held_to_the_interfaces_limits() {
        let entry = json!({ "reply": { "displayText": "查票", "postback": { "data": "q" } } });
        let three = json!({ "menu": { "entries": [entry, entry, entry] } });
        assert_eq!(parse_menu(three.to_string().as_bytes()), Ok(three.clone()));
        assert_eq!(parse_menu(three["menu"].to_string().as_bytes()), Ok(three));
        assert_eq!(parse_menu(br#"{"menu":{"entries":[]}}"#), Ok(json!({})));
        let four = json!({ "menu": { "entries": [entry, entry, entry, entry] } });
        assert_eq!(parse_menu(four.to_string().as_bytes()).unwrap_err().code.number(), 47002);
        assert!(parse_menu(br#"{"menus":1}"#).is_err());
        assert_eq!(parse_menu(b" ").unwrap_err().code.number(), 44002);
    }
}
