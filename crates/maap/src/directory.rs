//! Which chatbots handsets find, and in what order (maap-api §5.3).

use std::sync::Arc;

use rcs::Timestamp;
use rcs::address::Address;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use store::{Chatbot, ChatbotStatus, Chatbots};

/// The live chatbots as they were at one moment, made ready to be searched.
#[derive(Default)]
pub struct Directory {
    of: Chatbots,
    /// By name, then by address.
    entries: Vec<Arc<Entry>>,
}

/// A chatbot, and what is looked at of it, in small letters.
struct Entry {
    chatbot: Arc<Chatbot>,
    name: String,
    text: String,
}

impl Directory {
    /// The directory of these chatbots. What `before` has of those that have not changed is taken over.
    pub fn of(chatbots: Chatbots, before: &Self) -> Self {
        let known: FxHashMap<&Address, &Arc<Entry>> =
            before.entries.iter().map(|entry| (&entry.chatbot.address, entry)).collect();
        let live = chatbots.values().filter(|chatbot| chatbot.status == ChatbotStatus::Live);
        let mut entries: Vec<Arc<Entry>> = live
            .map(|chatbot| match known.get(&chatbot.address) {
                Some(entry) if Arc::ptr_eq(&entry.chatbot, chatbot) => Arc::clone(entry),
                _ => Arc::new(Entry::of(chatbot.clone())),
            })
            .collect();
        entries.sort_by(|a, b| (&a.name, &a.chatbot.address).cmp(&(&b.name, &b.chatbot.address)));
        Self { of: chatbots, entries }
    }

    /// Whether it is the directory of these very chatbots.
    pub fn is_of(&self, chatbots: &Chatbots) -> bool {
        Arc::ptr_eq(&self.of, chatbots)
    }

    /// Those in which every word of `question` is found: in name, number, provider, category or description. The nearest first:
    /// those that are called so, those whose name begins so, those with it in their name, then the others; by name among equals.
    pub fn search(&self, question: &str) -> Vec<&Chatbot> {
        let question = question.trim().to_lowercase();
        let words: Vec<&str> = question.split_whitespace().collect();
        let mut found: [Vec<&Chatbot>; 4] = Default::default();
        for entry in &self.entries {
            if words.iter().all(|word| entry.text.contains(word)) {
                found[entry.distance(&question)].push(&entry.chatbot);
            }
        }
        found.concat()
    }
}

impl Entry {
    fn of(chatbot: Arc<Chatbot>) -> Self {
        let profile = &chatbot.profile;
        let some = [&profile.provider, &profile.category, &profile.description];
        let mut text = format!("{}\n{}", profile.name, chatbot.address.user());
        for more in some.into_iter().flatten().chain(&chatbot.extras.more_categories) {
            text.push('\n');
            text.push_str(more);
        }
        Self { name: profile.name.to_lowercase(), text: text.to_lowercase(), chatbot }
    }

    /// 0 is nearest.
    fn distance(&self, question: &str) -> usize {
        match () {
            () if self.name == question => 0,
            () if self.chatbot.address.user().eq_ignore_ascii_case(question) => 0,
            () if self.name.starts_with(question) => 1,
            () if self.name.contains(question) => 2,
            () => 3,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use store::{Dialect, Extras, Profile, Standing, WebhookAuth};

    fn chatbot(number: usize, name: &str, status: ChatbotStatus) -> Arc<Chatbot> {
        let at = Timestamp::EPOCH;
        Arc::new(Chatbot {
            address: format!("sip:{number}@botplatform.hongyan.local").parse().expect("an address"),
            dialect: Dialect::Ctcu,
            app_id: String::new(),
            app_key_sha256: [0; 32],
            callback_token: String::new(),
            webhook: None,
            allow_private_webhook: false,
            callback_checked: false,
            token: None,
            tokens_given: (0, 0),
            status,
            profile: Profile {
                name: name.to_owned(),
                description: Some(format!("第{number}")),
                ..Profile::default()
            },
            created_at: at,
            changed_at: at,
            webhook_auth: WebhookAuth::default(),
            webhook_probe: false,
            standing: Standing::default(),
            extras: Extras::default(),
        })
    }

    fn all(chatbots: &[Arc<Chatbot>]) -> Chatbots {
        Arc::new(chatbots.iter().map(|chatbot| (chatbot.address.clone(), chatbot.clone())).collect())
    }

    fn names(found: &[&Chatbot]) -> Vec<String> {
        found.iter().map(|chatbot| chatbot.profile.name.clone()).collect()
    }

    #[test]
    fn the_nearest_come_first_and_what_has_changed_is_found_as_it_is_now() {
        let live = ChatbotStatus::Live;
        let before = [
            chatbot(1, "Weather", live),
            chatbot(2, "Bad weather", live),
            chatbot(3, "weather of today", live),
            chatbot(4, "Trains", live),
            chatbot(5, "Weather draft", ChatbotStatus::Draft),
        ];
        let directory = Directory::of(all(&before), &Directory::default());
        assert_eq!(names(&directory.search("WEATHER")), ["Weather", "weather of today", "Bad weather"]);
        assert_eq!(names(&directory.search("4")), ["Trains"]);
        assert_eq!(names(&directory.search("第 weather today")), ["weather of today"]);
        assert_eq!(directory.search("").len(), 4);
        let mut after = before.to_vec();
        after[3] = chatbot(4, "Railway weather", live);
        after[0] = chatbot(1, "Weather", ChatbotStatus::Paused);
        let after = all(&after);
        let directory = Directory::of(after.clone(), &directory);
        assert!(directory.is_of(&after) && !directory.is_of(&all(&before)));
        assert_eq!(
            names(&directory.search("weather")),
            ["weather of today", "Bad weather", "Railway weather"]
        );
        assert_eq!(names(&directory.search("trains")), [""; 0]);
    }
}
