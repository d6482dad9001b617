//! Templates and lists of recipients: any bytes give a value or a refusal, and a template that was read gives content for every
//! list that its variables let through.

use bolero::check;
use chatbot_api::Template;
use chatbot_api::recipients::ListReader;
use rcs::address::Numbering;
use rcs::bot::Limits;

const TEMPLATE: &[u8] = br#"{
    "variables": [
        { "name": "a", "type": "text", "maxChars": 9 },
        { "name": "b", "type": "number", "decimals": 2, "default": 0 },
        { "name": "c", "type": "date", "format": "%Y %-m", "default": "2026-11-24" },
        { "name": "d", "type": "url", "default": "https://a.example" },
        { "name": "e", "type": "choice", "choices": { "1": "x", "2": "y" }, "default": "1" }
    ],
    "content": { "text": "{{a}} {{b}} {{c}} {{d}}", "suggestions": [
        { "action": { "displayText": "{{a}}", "urlAction": { "openUrl": { "url": "https://a.example/{{a}}{{e}}" } },
          "postback": { "data": "{{a}}" } } }] }
}"#;

#[test]
fn chatbot_api_template() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(template) = Template::parse(bytes, &Limits::RCC07) {
            assert!(template.variables.len() <= chatbot_api::template::MAX_VARIABLES);
        }
    });
}

#[test]
fn chatbot_api_recipients() {
    let template = Template::parse(TEMPLATE, &Limits::RCC07).expect("a template");
    let numbering = Numbering::new("CN", "hongyan.local");
    check!().for_each(|bytes: &[u8]| {
        // Arbitrary bytes hardly ever begin with a line that names the columns.
        for head in [&b""[..], b"number,a,b,c,d,e\n+8613800000001,"] {
            let mut reader = ListReader::new(&template, &numbering);
            if bytes.len() % 2 == 1 {
                reader = reader.in_charset("gb18030").expect("a character set");
            }
            let list = [head, bytes].concat();
            let fits = |row: Result<chatbot_api::recipients::Row, _>| {
                if let Ok(row) = row {
                    template.fill(&row.values, &Limits::RCC07).expect("what a variable lets through fits");
                }
            };
            if list.chunks(7).try_for_each(|piece| reader.push(piece, fits)).is_ok() {
                _ = reader.finish(fits);
            }
        }
    });
}
