//! Making and changing chatbots, and what handsets are shown of them.

mod world;

use maap::{Answer, Call, NewChatbot};
use serde_json::{Value, json};
use store::Dialect;
use world::{World, bot};

fn create(world: &mut World, name: &str, data: Value) -> Answer {
    let data = serde_json::from_value(data).expect("a change");
    world.call(Call::Create(Box::new(NewChatbot {
        name: name.to_owned(),
        dialect: Dialect::Ctcu,
        tenant: None,
        data,
    })))
}

#[test]
fn a_chatbot_is_made_once_with_secrets_that_are_not_kept() {
    let mut world = World::new();
    let Answer::Created { chatbot, credentials } = create(&mut world, "12306", json!({})) else {
        panic!("not made")
    };
    assert_eq!((&credentials.chatbot_id, chatbot.profile.name.as_str()), (&bot(), "12306"));
    let keys: Vec<_> =
        serde_json::to_value(&credentials).unwrap().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["appId", "appKey", "callbackToken", "chatbotId"]);
    assert!(!format!("{credentials:?}").contains(&credentials.app_key));
    assert_eq!(create(&mut world, "sip:12306@botplatform.hongyan.local", json!({})), Answer::Exists(bot()));
    let whole = create(&mut world, "sip:1069@botplatform.rcs.example", json!({}));
    assert!(matches!(whole, Answer::Created { .. }));
    for bad in ["", "a b", "sip:+8613800000001@hongyan.local", "tel:+8613800000001"] {
        assert!(matches!(create(&mut world, bad, json!({})), Answer::Invalid(_)), "{bad}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_the_place_and_nothing_changes() {
    let mut world = World::with_bot();
    let before = world.store().chatbot(&bot()).unwrap();
    for (change, place) in [
        (json!({ "webhook": "ftp://bot.example/" }), "webhook: no http"),
        (json!({ "webhook": "https://user:pw@bot.example/" }), "webhook: a user name"),
        (json!({ "webhook": "https:///hook" }), "webhook: no host"),
        (json!({ "webhook": "https://bot.example/?a=b" }), "webhook: a query"),
        (json!({ "webhook": "https://bot.example/a b" }), "webhook: characters"),
        (json!({ "webhook": format!("https://bot.example/{}", "x".repeat(2000)) }), "webhook: longer"),
        (json!({ "displayName": "x".repeat(101) }), "displayName: 101 > 100"),
        (json!({ "colour": "blue" }), "colour: not #RRGGBB"),
        (json!({ "icon": "javascript:alert(1)" }), "icon: no http"),
        (json!({ "website": "/mine" }), "website: no http"),
        (json!({ "description": "x".repeat(501) }), "description: 501 > 500"),
        (json!({ "callbackNumber": "call me" }), "callbackNumber:"),
        (json!({ "email": "nobody" }), "email:"),
        (json!({ "menu": "{" }), "menu: "),
        (json!({ "menu": { "menu": {} } }), "menu.entries: "),
        (
            json!({ "menu": { "menu": { "entries": [{ "reply": { "displayText": "x".repeat(26) } }] } } }),
            "menu.entries[0].reply.displayText: 26 > 25",
        ),
        (
            json!({ "menu": { "menu": { "entries": (0..4).map(|n| json!({ "reply": { "displayText": n.to_string() } })).collect::<Vec<_>>() } } }),
            "menu.entries: 4",
        ),
    ] {
        match world.update(change.clone()) {
            Answer::Invalid(what) => assert!(what.starts_with(place), "{change}: {what}"),
            other => panic!("{change}: {other:?}"),
        }
    }
    assert_eq!(world.store().chatbot(&bot()).unwrap(), before);
    let nobody = "sip:nobody@botplatform.hongyan.local".parse().unwrap();
    assert_eq!(
        world.call(Call::Update { chatbot: nobody, change: Box::default(), is_reviewed: false }),
        Answer::NotFound
    );
}

#[test]
fn handsets_are_shown_what_was_set_and_the_tag_changes_with_it() {
    let mut world = World::with_bot();
    let menu = json!({ "menu": { "entries": [{ "reply": { "displayText": "我的订单", "postback": { "data": "orders" } } }] } });
    world.update(json!({
        "displayName": "12306 票务", "icon": "/icons/rail.png", "colour": "#0a66c2", "provider": "China Railway",
        "email": "help@12306.example", "callbackNumber": "+8612306", "category": "travel", "verified": true,
        "website": "https://12306.example", "menu": menu,
    }));
    let shown = |world: &World| {
        let chatbot = world.store().chatbot(&bot()).unwrap().unwrap();
        maap::information(&chatbot, "https://hongyan.example", world.now)
    };
    let before = shown(&world);
    let details = &before["botinfo"]["pcc"]["org-details"];
    assert_eq!(details["org-name"][0]["display-name"], "12306 票务");
    assert_eq!(
        details["media-list"]["media-entry"][0]["media"]["media-url"],
        "https://hongyan.example/icons/rail.png"
    );
    assert_eq!(details["comm-addr"]["uri-entry"][0]["addr-uri"], world::BOT);
    assert_eq!(details["comm-addr"]["tel"]["tel-nb"]["tel-str"], "+8612306");
    assert_eq!(before["botinfo"]["colour"], "#0A66C2");
    assert_eq!(before["persistent-menu"], menu);
    assert_eq!(before["bot-verification"]["verification-info"]["verified-by"], "China Railway");
    assert!(before["botinfo"].get("TCPage").is_none());

    world.update(json!({ "email": "", "menu": "" }));
    let after = shown(&world);
    assert!(after["botinfo"].get("email").is_none());
    assert_eq!(after["persistent-menu"], json!({ "menu": { "entries": [] } }));
    assert_eq!(after["botinfo"]["colour"], "#0A66C2", "what is not given stays");
    let tag = |body: &Value| maap::etag(body.to_string().as_bytes());
    assert_ne!(tag(&before), tag(&after));
    assert_eq!(tag(&after), tag(&shown(&world)));
}
