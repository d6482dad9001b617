//! The limits of the content model and the send call, checked on the JSON that goes out.

use serde_json::Value;

/// Every rule that the message breaks, each with the path of what breaks it.
pub fn violations(message: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for member in ["messageId", "conversationId", "contributionId", "senderAddress"] {
        text(&message[member], member, 1, 200, &mut broken);
    }
    for member in ["destinationAddress", "serviceCapability", "reportRequest"] {
        rule(message[member].as_array().is_some_and(|list| !list.is_empty()), member, &mut broken);
    }
    let list = message["messageList"].as_array().cloned().unwrap_or_default();
    rule((1..=2).contains(&list.len()), "messageList has one or two items", &mut broken);
    for (at, item) in list.iter().enumerate() {
        let content = &item["contentText"];
        match (at, item["contentType"].as_str().unwrap_or_default()) {
            (0, "text/plain") => text(content, "text", 1, 2000, &mut broken),
            (0, "application/vnd.gsma.botmessage.v1.0+json") => cards(&content["message"], &mut broken),
            (1, "application/vnd.gsma.botsuggestion.v1.0+json") => {
                suggestions(&content["suggestions"], 11, "chips", &mut broken);
            }
            (at, other) => broken.push(format!("item {at} is a {other}")),
        }
    }
    broken
}

fn cards(message: &Value, broken: &mut Vec<String>) {
    let (single, carousel) = (&message["generalPurposeCard"], &message["generalPurposeCardCarousel"]);
    rule(single.is_object() != carousel.is_object(), "one card or one carousel", broken);
    if single.is_object() {
        rule(single["layout"]["cardOrientation"] == "VERTICAL", "cardOrientation", broken);
        card(&single["content"], "MEDIUM_HEIGHT", broken);
        return;
    }
    rule(carousel["layout"]["cardWidth"] == "MEDIUM_WIDTH", "cardWidth", broken);
    let content = carousel["content"].as_array().cloned().unwrap_or_default();
    rule((2..=10).contains(&content.len()), "a carousel has 2 to 10 cards", broken);
    content.iter().for_each(|one| card(one, "SHORT_HEIGHT", broken));
}

fn card(card: &Value, media_height: &str, broken: &mut Vec<String>) {
    text(&card["title"], "title", 1, 200, broken);
    if !card["description"].is_null() {
        text(&card["description"], "description", 1, 2000, broken);
    }
    if !card["suggestions"].is_null() {
        suggestions(&card["suggestions"], 4, "buttons", broken);
    }
    let media = &card["media"];
    if media.is_object() {
        text(&media["mediaUrl"], "mediaUrl", 10, 2048, broken);
        rule(media["mediaContentType"] == "image/png", "mediaContentType", broken);
        rule(media["mediaFileSize"].as_u64().is_some_and(|bytes| bytes > 1000), "mediaFileSize", broken);
        rule(media["height"] == media_height, "height", broken);
        text(&media["contentDescription"], "contentDescription", 1, 200, broken);
    }
}

fn suggestions(list: &Value, max: usize, what: &str, broken: &mut Vec<String>) {
    let list = list.as_array().cloned().unwrap_or_default();
    rule((1..=max).contains(&list.len()), &format!("1 to {max} {what}"), broken);
    let mut labels = std::collections::HashSet::new();
    for item in &list {
        rule(item["reply"].is_object() != item["action"].is_object(), "reply or action", broken);
        let suggestion = if item["reply"].is_object() { &item["reply"] } else { &item["action"] };
        text(&suggestion["displayText"], "displayText", 1, 25, broken);
        text(&suggestion["postback"]["data"], "postback.data", 1, 2048, broken);
        let label = suggestion["displayText"].as_str().unwrap_or_default().to_string();
        rule(labels.insert(label), &format!("two {what} with one label in {list:?}"), broken);
        let actions = suggestion.as_object().map_or(0, |fields| fields.len() - 2);
        rule(actions == usize::from(item["action"].is_object()), "one action", broken);
        action(suggestion, broken);
    }
}

fn action(suggestion: &Value, broken: &mut Vec<String>) {
    let event = &suggestion["calendarAction"]["createCalendarEvent"];
    if event.is_object() {
        text(&event["title"], "calendar title", 1, 100, broken);
        text(&event["description"], "calendar description", 1, 500, broken);
        for member in ["startTime", "endTime"] {
            let time = event[member].as_str().unwrap_or_default();
            let format = &time::format_description::well_known::Rfc3339;
            rule(time::OffsetDateTime::parse(time, format).is_ok(), member, broken);
        }
    }
    let location = &suggestion["mapAction"]["showLocation"]["location"];
    if location.is_object() {
        rule(location["latitude"].is_f64() && location["longitude"].is_f64(), "location", broken);
        text(&location["label"], "location label", 1, 100, broken);
    }
    let page = &suggestion["urlAction"]["openUrl"];
    if page.is_object() {
        text(&page["url"], "url", 10, 2048, broken);
        rule(page["application"] == "browser", "application", broken);
    }
}

fn text(value: &Value, what: &str, min: usize, max: usize, broken: &mut Vec<String>) {
    match value.as_str().map(|text| text.chars().count()) {
        Some(length) if (min..=max).contains(&length) => {}
        Some(length) => broken.push(format!("{what}: {length} characters, {min} to {max} allowed")),
        None => broken.push(format!("{what}: missing")),
    }
}

fn rule(holds: bool, what: &str, broken: &mut Vec<String>) {
    if !holds {
        broken.push(what.to_string());
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let message = serde_json::json!({
        "messageId": "1", "conversationId": "2", "contributionId": "3", "senderAddress": "sip:x@y",
        "destinationAddress": ["tel:1"], "serviceCapability": [{}], "reportRequest": ["sent"],
        "messageList": [
            {"contentType": "text/plain", "contentText": "hi"},
            {"contentType": "application/vnd.gsma.botsuggestion.v1.0+json", "contentText": {"suggestions": [
                {"reply": {"displayText": "abcdefghijklmnopqrstuvwxyz", "postback": {"data": "d"}}},
            ]}},
        ],
    });
    assert_eq!(violations(&message), ["displayText: 26 characters, 1 to 25 allowed"]);
}
