//! Which chatbots handsets find, and in what order (maap-api §5.3).

use rcs::Timestamp;
use serde_json::{Value, json};
use store::{Chatbot, ChatbotStatus};

/// The live chatbots in which every word of `question` is found: in name, number, provider, category or description. The nearest
/// first: those that are called so, those whose name begins so, those with it in their name, then the others; by name among equals.
pub fn search<'c>(chatbots: &'c [Chatbot], question: &str) -> Vec<&'c Chatbot> {
    let question = question.trim().to_lowercase();
    let words: Vec<&str> = question.split_whitespace().collect();
    let live = chatbots.iter().filter(|chatbot| chatbot.status == ChatbotStatus::Live);
    let mut found: Vec<(u8, String, &Chatbot)> = live
        .filter_map(|chatbot| {
            let text = text_of(chatbot);
            let fits = words.iter().all(|word| text.contains(word));
            let name = chatbot.profile.name.to_lowercase();
            fits.then(|| (distance(&name, chatbot.address.user(), &question), name, chatbot))
        })
        .collect();
    found.sort_by(|(a_distance, a_name, a), (b_distance, b_name, b)| {
        (a_distance, a_name, &a.address).cmp(&(b_distance, b_name, &b.address))
    });
    found.into_iter().map(|(.., chatbot)| chatbot).collect()
}

/// A chatbot in a list: `{"id","name","icon","verified"}`.
pub fn listed(chatbot: &Chatbot, public_url: &str, now: Timestamp) -> Value {
    let mut listed = json!({
        "id": chatbot.address,
        "name": chatbot.profile.name,
        "verified": chatbot.is_verified(now),
    });
    if let Some(icon) = &chatbot.profile.icon {
        listed["icon"] = crate::information::absolute(icon, public_url).into();
    }
    listed
}

/// Everything that is looked at, in small letters.
fn text_of(chatbot: &Chatbot) -> String {
    let profile = &chatbot.profile;
    let some = [&profile.provider, &profile.category, &profile.description];
    let mut text = format!("{}\n{}", profile.name, chatbot.address.user());
    for more in some.into_iter().flatten().chain(&chatbot.extras.more_categories) {
        text.push('\n');
        text.push_str(more);
    }
    text.to_lowercase()
}

fn distance(name: &str, number: &str, question: &str) -> u8 {
    match () {
        () if name == question || number.eq_ignore_ascii_case(question) => 0,
        () if name.starts_with(question) => 1,
        () if name.contains(question) => 2,
        () => 3,
    }
}
