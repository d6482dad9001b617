//! The terminal handset as a value: lines that are typed and events of the handset go in, things to do and lines to show come
//! out.

use std::collections::VecDeque;

use handset::{Event, Incoming, Outgoing};
use rcs::bot::{Document as _, PlainText, ResponseKind, Suggestion, SuggestionResponse};
use rcs::conference_info::{ConferenceInfo, Role};
use rcs::geolocation::{self, Place, PushLocation};
use rcs::reference::Reference;
use rcs::spam_report::{self, SpamReport};

use super::shown::{Shown, plain};

/// Conversations that are kept; the one that was quiet longest goes.
const CONVERSATIONS_MAX: usize = 200;
/// Messages that are kept of each, to be answered, changed and found.
const SAID_MAX: usize = 500;
/// How much of a message is quoted, in characters.
const QUOTE_CHARS: usize = 30;

/// Who can be written to by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chatbot {
    /// `sip:12306@botplatform.hongyan.local`
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// What the terminal knows.
#[derive(Debug)]
pub struct Terminal {
    domain: String,
    chatbots: Vec<Chatbot>,
    /// The latest last.
    conversations: Vec<Conversation>,
    /// With whom the user is speaking.
    current: Option<String>,
}

/// A conversation.
#[derive(Debug, Default)]
struct Conversation {
    /// The other party's URI.
    peer: String,
    /// Of both sides, the latest last.
    said: VecDeque<Said>,
    /// What can be tapped by number.
    suggestions: Vec<Suggestion>,
}

/// A message.
#[derive(Debug)]
struct Said {
    message_id: String,
    /// The URI of who said it; `None` for us.
    by: Option<String>,
    words: String,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Send a message, which says this; then tell [`Terminal::sent`].
    Send { to: String, outgoing: Outgoing, words: String },
    /// Send a file; with a playing time in seconds, as a voice message.
    File { to: String, path: String, voice_s: Option<u64> },
    /// Send somebody's contact card.
    Contact { to: String, name: String, numbers: Vec<String> },
    /// Send a place.
    Location { to: String, place: Place },
    /// Take a message back.
    Revoke { to: String, message_id: String },
    /// Make a group of these URIs.
    MakeGroup { subject: String, members: Vec<String> },
    /// Do something with a group, which its focus names.
    Group { focus: String, wish: GroupWish },
    /// Show a line.
    Show(String),
    /// Leave.
    Quit,
}

/// What can be done with a group.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupWish {
    /// Show who is in it: [`Terminal::members`].
    Members,
    /// Bring in this URI.
    Add(String),
    /// Take this URI out.
    Remove(String),
    /// Call it so.
    Rename(String),
    /// Give it the picture at this path as its icon, or none.
    Icon(Option<String>),
    /// Leave it.
    Leave,
}

const HELP: &str = "\
/to NUMBER or CHATBOT   speak with somebody; what you type from then on is for them
1, 2, 3 …               tap a suggestion of the last message
/reply TEXT             answer their last message
/react EMOJI            mark their last message; without EMOJI the mark goes
/edit TEXT              change the words of your last message
/revoke                 take your last message back, as long as it was not delivered
/file PATH              send a file
/voice SECONDS PATH     send a recording as a voice message
/contact NAME: NUMBER NUMBER …    send somebody's contact card
/location LAT,LON NAME  send a place
/group SUBJECT: NUMBER NUMBER …   make a group
/members, /add NUMBER, /remove NUMBER, /subject TEXT, /icon PATH, /leave   in a group; /icon alone takes the icon away
/spam TEXT              report their last message to the operator
/search WORDS           find what was said since you came
/list                   conversations
/chatbots               chatbots by name
/quit                   leave";

impl Terminal {
    /// A terminal without conversations.
    pub fn new(domain: &str, chatbots: Vec<Chatbot>) -> Self {
        Self { domain: domain.to_owned(), chatbots, conversations: Vec::new(), current: None }
    }

    /// Whom a number, a name or a URI means.
    pub fn uri_of(&self, whom: &str) -> String {
        let whom = whom.trim();
        let is_called = |chatbot: &&Chatbot| {
            let user = chatbot.id.trim_start_matches("sip:").split('@').next().unwrap_or_default();
            chatbot.name == whom || user == whom
        };
        match self.chatbots.iter().find(is_called) {
            Some(chatbot) => chatbot.id.clone(),
            None if whom.contains(':') => whom.to_owned(),
            None => format!("sip:{whom}@{};user=phone", self.domain),
        }
    }

    /// What a URI is called.
    fn name_of(&self, uri: &str) -> String {
        let known = self.chatbots.iter().find(|chatbot| chatbot.id == uri);
        let user = uri.trim_start_matches("sip:").trim_start_matches("tel:").split(['@', ';']).next();
        known.map_or_else(|| user.unwrap_or(uri).to_owned(), |chatbot| chatbot.name.clone())
    }

    /// The user has typed a line.
    pub fn input(&mut self, line: &str) -> Act {
        let line = line.trim();
        if let Some(command) = line.strip_prefix('/') {
            let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
            return self.command(word, rest.trim());
        }
        let Some(to) = self.current.clone() else {
            return Act::Show("with whom? /to NUMBER or CHATBOT, /help for more".to_owned());
        };
        if line.is_empty() {
            return Act::Show(String::new());
        }
        let number: Option<usize> = line.parse().ok();
        let conversation = self.conversation(&to);
        let tapped = number.and_then(|number| conversation.suggestions.get(number.checked_sub(1)?)).cloned();
        match tapped {
            Some(suggestion) => tap(&suggestion, to),
            None => Act::Send { to, outgoing: Outgoing::text(line), words: line.to_owned() },
        }
    }

    fn command(&mut self, word: &str, rest: &str) -> Act {
        match (word, rest) {
            ("quit" | "q" | "exit", _) => Act::Quit,
            ("to", whom) if !whom.is_empty() => Act::Show(self.speak_with(self.uri_of(whom))),
            ("list", _) => {
                let lines = self.conversations.iter().rev();
                let lines = lines.map(|one| {
                    let last = one.said.back().map_or("", |said| &said.words);
                    format!("{}: {}", self.name_of(&one.peer), plain(last))
                });
                Act::Show(lines.collect::<Vec<_>>().join("\n"))
            }
            ("chatbots", _) => {
                let lines = self.chatbots.iter().map(|chatbot| format!("{}  {}", chatbot.name, chatbot.id));
                Act::Show(lines.collect::<Vec<_>>().join("\n"))
            }
            ("search", words) if !words.is_empty() => Act::Show(self.found(words)),
            ("group", described) => match described.split_once(':') {
                Some((subject, members)) if !members.trim().is_empty() => {
                    let members = members.split_whitespace().map(|whom| self.uri_of(whom)).collect();
                    Act::MakeGroup { subject: subject.trim().to_owned(), members }
                }
                _ => Act::Show("/group SUBJECT: NUMBER NUMBER …".to_owned()),
            },
            _ => match self.current.clone() {
                Some(to) => self.command_within(to, word, rest),
                None => Act::Show(HELP.to_owned()),
            },
        }
    }

    /// A command about the conversation with somebody.
    fn command_within(&mut self, to: String, word: &str, rest: &str) -> Act {
        if is_group(&to)
            && let Some(wish) = self.group_wish(word, rest)
        {
            return Act::Group { focus: to, wish };
        }
        let platform = self.spam_address();
        let said = &self.conversation(&to).said;
        let theirs = said.iter().rev().find(|said| said.by.is_some());
        let ours = said.iter().rev().find(|said| said.by.is_none());
        match (word, rest) {
            ("reply", words) if !words.is_empty() => match theirs {
                Some(Said { message_id, by, .. }) => {
                    let about = Reference::Reply { message_id: message_id.clone(), sender: by.clone() };
                    let outgoing = Outgoing { about: Some(about), ..Outgoing::text(words) };
                    Act::Send { to, outgoing, words: words.to_owned() }
                }
                None => Act::Show("there is nothing to answer".to_owned()),
            },
            ("react", emoji) => match theirs {
                Some(said) => {
                    let outgoing = Outgoing::reaction(&said.message_id, emoji);
                    Act::Send { to, outgoing, words: emoji.to_owned() }
                }
                None => Act::Show("there is nothing to mark".to_owned()),
            },
            ("edit", words) if !words.is_empty() => match ours {
                Some(said) => {
                    let outgoing = Outgoing::edit(&said.message_id, words);
                    Act::Send { to, outgoing, words: words.to_owned() }
                }
                None => Act::Show("there is nothing to change".to_owned()),
            },
            ("spam", words) => match theirs {
                Some(said) => {
                    let report = SpamReport {
                        // In a group: its author.
                        about: said.by.clone(),
                        message_ids: vec![said.message_id.clone()],
                        kind: None,
                        text: (!words.is_empty()).then(|| words.to_owned()),
                    };
                    Act::Send { to: platform, outgoing: spam(&report), words: String::new() }
                }
                None => Act::Show("there is nothing to report".to_owned()),
            },
            ("revoke", _) => match ours {
                Some(said) => Act::Revoke { message_id: said.message_id.clone(), to },
                None => Act::Show("there is nothing to take back".to_owned()),
            },
            ("file", path) if !path.is_empty() => Act::File { to, path: path.to_owned(), voice_s: None },
            ("voice", described) => match described.split_once(' ').map(|(s, path)| (s.parse(), path.trim()))
            {
                Some((Ok(seconds), path)) => Act::File { to, path: path.to_owned(), voice_s: Some(seconds) },
                _ => Act::Show("/voice SECONDS PATH".to_owned()),
            },
            ("contact", described) => match described.split_once(':') {
                Some((name, numbers)) if !name.trim().is_empty() && !numbers.trim().is_empty() => {
                    let numbers = numbers.split_whitespace().map(str::to_owned).collect();
                    Act::Contact { to, name: name.trim().to_owned(), numbers }
                }
                _ => Act::Show("/contact NAME: NUMBER NUMBER …".to_owned()),
            },
            ("location", described) => match place_of(described) {
                Some(place) => Act::Location { to, place },
                None => Act::Show("/location LAT,LON NAME, in degrees north and east".to_owned()),
            },
            _ => Act::Show(HELP.to_owned()),
        }
    }

    fn group_wish(&self, word: &str, rest: &str) -> Option<GroupWish> {
        Some(match (word, rest) {
            ("members", _) => GroupWish::Members,
            ("leave", _) => GroupWish::Leave,
            ("icon", path) => GroupWish::Icon((!path.is_empty()).then(|| path.to_owned())),
            (_, "") => return None,
            ("add", whom) => GroupWish::Add(self.uri_of(whom)),
            ("remove", whom) => GroupWish::Remove(self.uri_of(whom)),
            ("subject", text) => GroupWish::Rename(text.to_owned()),
            _ => return None,
        })
    }

    /// Who takes reports of spam.
    pub fn spam_address(&self) -> String {
        format!("sip:spam-report@botplatform.{}", self.domain)
    }

    /// Who is in a group, a line each.
    pub fn members(&self, info: &ConferenceInfo) -> String {
        let mut lines = vec![plain(info.subject.as_deref().unwrap_or("(no subject)"))];
        if let Some(url) = info.icon.as_ref().and_then(|icon| icon.url.as_deref()) {
            lines.push(format!("  icon: {}", plain(url)));
        }
        for user in &info.users {
            let is_admin = user.roles.contains(&Role::Admin);
            lines.push(format!(
                "  {}{}",
                plain(&self.name_of(&user.entity)),
                if is_admin { " (admin)" } else { "" }
            ));
        }
        lines.join("\n")
    }

    /// What is typed from now on is for them; the line that says so.
    pub fn speak_with(&mut self, uri: String) -> String {
        let line = format!("— {} —", self.name_of(&uri));
        self.current = Some(uri);
        line
    }

    /// A message of ours is on its way under this id.
    pub fn sent(&mut self, to: &str, message_id: &str, outgoing: &Outgoing, words: &str) {
        let conversation = self.conversation(to);
        match &outgoing.about {
            Some(Reference::Reaction { .. }) => {}
            Some(Reference::Edit { message_id: of }) => {
                if let Some(said) = conversation.said.iter_mut().find(|said| said.message_id == *of) {
                    words.clone_into(&mut said.words);
                }
            }
            // Neither is a report something said.
            _ if outgoing.content_type == spam_report::CONTENT_TYPE => {}
            _ => conversation.say(message_id, None, words.to_owned()),
        }
    }

    /// Something happened; the line to show, if it is worth one.
    pub fn event(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Message(message) => Some(self.heard(message)),
            Event::Registered { expires_s: 0 } => Some("signed out".to_owned()),
            Event::Registered { .. } => None,
            Event::NotRegistered(why) => Some(format!("not registered: {why}")),
            Event::Sent { status: 202, .. } => Some("  (kept until they are back)".to_owned()),
            Event::NotSent { why, .. } => Some(format!("  (not sent: {why})")),
            Event::Report { disposition, .. } => Some(format!("  ({})", disposition.elements().1)),
            Event::Revoked { is_done: true, .. } => Some("  (taken back)".to_owned()),
            Event::Revoked { .. } => Some("  (too late to take it back)".to_owned()),
            Event::Composing { from, active: true } => Some(format!("  ({} is writing)", self.name_of(from))),
            Event::Joined { focus } => Some(format!("  (in the group {})", plain(focus))),
            Event::NotJoined(why) => Some(format!("  (no group: {why})")),
            Event::Left { focus } => Some(format!("  (no longer in the group {})", plain(focus))),
            Event::Disconnected => Some("the connection is lost".to_owned()),
            _ => None,
        }
    }

    fn heard(&mut self, message: &Incoming) -> String {
        let Shown { text, suggestions } = Shown::of(message);
        let mut who = self.name_of(&message.from);
        let mut by = &message.from;
        // In a group, the sender is the group and the envelope says who speaks.
        if let Some(author) = message.author.as_ref().filter(|_| is_group(&message.from)) {
            who = format!("{who}, {}", self.name_of(author));
            by = author;
        }
        let who = plain(&who);
        let conversation = self.conversation(&message.from);
        let meant = message.about.as_ref().map(Reference::message_id);
        let target = conversation.said.iter_mut().find(|said| Some(said.message_id.as_str()) == meant);
        let line = match (&message.about, target) {
            (Some(Reference::Reaction { .. }), Some(target)) => {
                let mark = if text.is_empty() { "no mark any more" } else { text.as_str() };
                return format!("{who}: {} on {}", plain(mark), quoted(&target.words));
            }
            // Nobody else changes a message: that is one of their own.
            (Some(Reference::Edit { .. }), Some(target)) if target.by.as_ref() == Some(by) => {
                let before = quoted(&target.words);
                target.words = text;
                return format!("{who}: {} (was {before})", plain(&target.words));
            }
            (Some(Reference::Reply { .. }), Some(target)) => {
                format!("{who}: {} (to {})", plain(&text), quoted(&target.words))
            }
            _ => format!("{who}: {}", plain(&text)),
        };
        conversation.say(&message.message_id, Some(by.clone()), text);
        // Chips belong to the latest message.
        conversation.suggestions = suggestions;
        line
    }

    /// What was said with these words, the latest last.
    fn found(&self, words: &str) -> String {
        let words = words.to_lowercase();
        let mut lines = Vec::new();
        for conversation in &self.conversations {
            for said in conversation.said.iter().filter(|said| said.words.to_lowercase().contains(&words)) {
                let by = said.by.as_deref().map_or_else(|| "you".to_owned(), |by| self.name_of(by));
                lines.push(format!(
                    "{} — {}: {}",
                    self.name_of(&conversation.peer),
                    plain(&by),
                    plain(&said.words)
                ));
            }
        }
        if lines.is_empty() { "nothing found".to_owned() } else { lines.join("\n") }
    }

    fn conversation(&mut self, peer: &str) -> &mut Conversation {
        let known = self.conversations.iter().position(|one| one.peer == peer);
        let conversation = match known {
            Some(place) => self.conversations.remove(place),
            None => Conversation { peer: peer.to_owned(), ..Conversation::default() },
        };
        if self.conversations.len() >= CONVERSATIONS_MAX {
            self.conversations.remove(0);
        }
        self.conversations.push(conversation);
        self.conversations.last_mut().expect("it was just put there")
    }
}

impl Conversation {
    fn say(&mut self, message_id: &str, by: Option<String>, words: String) {
        if self.said.len() >= SAID_MAX {
            self.said.pop_front();
        }
        self.said.push_back(Said { message_id: message_id.to_owned(), by, words });
    }
}

fn is_group(uri: &str) -> bool {
    uri.contains("@groups.")
}

/// What brings a report to the operator.
pub fn spam(report: &SpamReport) -> Outgoing {
    let content_type = spam_report::CONTENT_TYPE.to_owned();
    Outgoing { content_type, payload: report.to_xml().into(), ..Outgoing::text("").without_reports() }
}

/// The beginning of a message.
fn quoted(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(QUOTE_CHARS).collect();
    let rest = if cut.len() < words.len() { "…" } else { "" };
    format!("“{}{rest}”", plain(&cut))
}

/// `39.9,116.4 Tiananmen`
fn place_of(described: &str) -> Option<Place> {
    let (coordinates, label) = described.split_once(' ').unwrap_or((described, ""));
    let place = Place::parse_geo_uri(&format!("geo:{coordinates}")).ok()?;
    let label = label.trim();
    Some(Place { label: (!label.is_empty()).then(|| label.to_owned()), ..place })
}

/// What a tap on a suggestion does in the terminal; an action without a postback says what it would do.
fn tap(suggestion: &Suggestion, to: String) -> Act {
    match answer(suggestion) {
        Some(outgoing) => Act::Send { to, outgoing, words: suggestion.display_text().to_owned() },
        None => {
            let shown = PlainText::default().suggestions(std::slice::from_ref(suggestion)).finish();
            Act::Show(plain(&shown))
        }
    }
}

/// The message that a tap sends; none for an action without a postback.
pub fn answer(suggestion: &Suggestion) -> Option<Outgoing> {
    let (kind, postback) = match suggestion {
        Suggestion::Reply(reply) => (ResponseKind::Reply, reply.postback.clone()),
        Suggestion::Action(action) => (ResponseKind::Action, Some(action.postback.clone()?)),
    };
    let display_text = suggestion.display_text().to_owned();
    let response = SuggestionResponse { kind, display_text, postback, extra: Default::default() };
    let content_type = rcs::bot::BOT_SUGGESTION_RESPONSE.to_owned();
    Some(Outgoing { content_type, payload: response.to_json().into(), ..Outgoing::text("") })
}

/// A place of `own`, a URI, as handsets push it.
pub fn location(own: &str, place: Place) -> Outgoing {
    let pushed = PushLocation {
        entity: Some(own.to_owned()),
        id: uuid::Uuid::new_v4().to_string(),
        place,
        until: None,
        time_offset_min: None,
        timestamp: Some(handset::run::now()),
    };
    let content_type = geolocation::CONTENT_TYPE.to_owned();
    Outgoing { content_type, payload: pushed.to_xml().into(), ..Outgoing::text("") }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rcs::bot::SuggestionList;
    use rcs::cpim::Dispositions;
    use rcs::multipart;
    use serde_json::{Value, json};

    use super::super::shown::json_of;
    use super::*;

    const BOT: &str = "sip:12306@botplatform.hongyan.local";

    fn terminal() -> Terminal {
        let chatbot = Chatbot { id: BOT.to_owned(), name: "铁路12306".to_owned() };
        Terminal::new("hongyan.local", vec![chatbot])
    }

    fn message(content_type: &str, body: impl Into<Bytes>) -> Event {
        Event::Message(Incoming {
            from: BOT.to_owned(),
            to: "sip:+8613800000001@hongyan.local".to_owned(),
            message_id: "m1".to_owned(),
            conversation_id: None,
            content_type: content_type.to_owned(),
            payload: body.into(),
            wanted: Dispositions::NONE,
            author: None,
            about: None,
        })
    }

    #[test]
    fn what_is_typed_is_for_whom_the_user_speaks_with() {
        let mut terminal = terminal();
        assert!(matches!(terminal.input("hello"), Act::Show(_)));
        assert_eq!(terminal.input("/to +8613800000002"), Act::Show("— +8613800000002 —".to_owned()));
        let to = "sip:+8613800000002@hongyan.local;user=phone".to_owned();
        let hello = Outgoing::text("hello");
        let words = "hello".to_owned();
        assert_eq!(
            terminal.input(" hello "),
            Act::Send { to: to.clone(), outgoing: hello.clone(), words: words.clone() }
        );
        let file = |path: &str, voice_s| Act::File { to: to.clone(), path: path.to_owned(), voice_s };
        assert_eq!(terminal.input("/file a b.png"), file("a b.png", None));
        assert_eq!(terminal.input("/voice 7 a b.amr"), file("a b.amr", Some(7)));
        assert!(matches!(terminal.input("/voice a.amr"), Act::Show(_)));
        let Act::Location { place, .. } = terminal.input("/location 39.9,116.4 北京 南站") else {
            panic!("a place")
        };
        assert_eq!((place.latitude, place.label.as_deref()), (39.9, Some("北京 南站")));
        assert!(matches!(terminal.input("/location 39.9,x"), Act::Show(_)));
        let members = vec![to.clone(), "sip:+8613800000003@hongyan.local;user=phone".to_owned()];
        assert_eq!(
            terminal.input("/group 周末 去哪: +8613800000002 +8613800000003"),
            Act::MakeGroup { subject: "周末 去哪".to_owned(), members }
        );
        let group = "sip:abc@groups.hongyan.local";
        terminal.input(&format!("/to {group}"));
        let wish = |wish| Act::Group { focus: group.to_owned(), wish };
        assert_eq!(terminal.input("/members"), wish(GroupWish::Members));
        assert_eq!(terminal.input("/add +8613800000002"), wish(GroupWish::Add(to.clone())));
        assert_eq!(terminal.input("/icon a b.png"), wish(GroupWish::Icon(Some("a b.png".to_owned()))));
        assert_eq!(terminal.input("/icon"), wish(GroupWish::Icon(None)));
        assert_eq!(terminal.input("/subject 周日"), wish(GroupWish::Rename("周日".to_owned())));
        assert!(matches!(terminal.input("/add"), Act::Show(_)));
        terminal.input("/to +8613800000002");
        assert!(matches!(terminal.input("/leave"), Act::Show(_)), "that is no group");
        for nothing in ["/revoke", "/edit x", "/reply x", "/react 👍", "/spam"] {
            assert!(matches!(terminal.input(nothing), Act::Show(_)), "{nothing}");
        }
        terminal.sent(&to, "m1", &hello, &words);
        assert_eq!(terminal.input("/revoke"), Act::Revoke { to, message_id: "m1".to_owned() });
        assert_eq!(terminal.input("/quit"), Act::Quit);
    }

    #[test]
    fn chips_and_buttons_are_numbered_and_tapped_by_number() {
        let mut terminal = terminal();
        let (content_type, body) = multipart::write(&[
            multipart::Part::new(
                rcs::bot::BOT_MESSAGE,
                include_bytes!("../../../../../fixtures/bot/card-vertical.json").as_slice(),
            ),
            multipart::Part::new(
                rcs::bot::BOT_SUGGESTION,
                SuggestionList { suggestions: vec![Suggestion::reply("退票", "refund")] }.to_json(),
            ),
        ]);
        let line = terminal.event(&message(&content_type, body)).unwrap();
        assert!(line.starts_with("铁路12306: "), "{line}");
        let place = line.lines().filter(|line| line.contains("退票")).count();
        assert_eq!(place, 1, "{line}");
        terminal.input("/to 12306");
        let count = terminal.conversation(BOT).suggestions.len();
        let Act::Send { to, outgoing, words } = terminal.input(&count.to_string()) else { panic!("a tap") };
        assert_eq!((to.as_str(), words.as_str()), (BOT, "退票"));
        let response: Value = serde_json::from_slice(&outgoing.payload).unwrap();
        terminal.sent(BOT, "m2", &outgoing, &words);
        assert_eq!(response["response"]["reply"]["postback"]["data"], "refund");
        // A number that is nobody's chip is a text; a newer message takes the chips away.
        assert!(matches!(terminal.input("99"), Act::Send { words, .. } if words == "99"));
        terminal.event(&message("text/plain", "bye\u{1b}[2J"));
        assert!(matches!(terminal.input("1"), Act::Send { words, .. } if words == "1"));
        assert_eq!(terminal.input("/list"), Act::Show("铁路12306: bye [2J".to_owned()));
    }

    #[test]
    fn other_peoples_text_does_not_command_the_terminal() {
        let line = terminal().event(&message("text/plain", "a\u{1b}[2Jb")).unwrap();
        assert_eq!(line, "铁路12306: a [2Jb");
    }

    fn about(event: Event, message_id: &str, about: Reference) -> Event {
        let Event::Message(message) = event else { panic!("a message") };
        Event::Message(Incoming { message_id: message_id.to_owned(), about: Some(about), ..message })
    }

    #[test]
    fn replies_marks_and_edits_say_what_they_are_about() {
        let mut terminal = terminal();
        terminal.input("/to 12306");
        let hello = Outgoing::text("晚饭？");
        terminal.sent(BOT, "o1", &hello, "晚饭？");
        terminal.event(&message("text/plain", "七点"));
        let own = "o1".to_owned();
        let line = |terminal: &mut Terminal, event| terminal.event(&event).unwrap();
        let reply = Reference::Reply { message_id: own.clone(), sender: None };
        let event = about(message("text/plain", "好"), "m2", reply);
        assert_eq!(line(&mut terminal, event), "铁路12306: 好 (to “晚饭？”)");
        let event = about(message("text/plain", "👍"), "m3", Reference::Reaction { message_id: own.clone() });
        assert_eq!(line(&mut terminal, event), "铁路12306: 👍 on “晚饭？”");
        let edit = |of: &str| Reference::Edit { message_id: of.to_owned() };
        let event = about(message("text/plain", "八点"), "m4", edit("m1"));
        assert_eq!(line(&mut terminal, event), "铁路12306: 八点 (was “七点”)");
        assert!(matches!(terminal.input("/search 七点"), Act::Show(line) if line == "nothing found"));
        let event = about(message("text/plain", "不去"), "m5", edit("o1"));
        assert_eq!(line(&mut terminal, event), "铁路12306: 不去", "it was not theirs to change");
        let event = about(message("text/plain", "?"), "m6", edit("unknown"));
        assert_eq!(line(&mut terminal, event), "铁路12306: ?");

        let Act::Send { outgoing, .. } = terminal.input("/reply 好的") else { panic!("a reply") };
        let sender = Some(BOT.to_owned());
        assert_eq!(outgoing.about, Some(Reference::Reply { message_id: "m6".to_owned(), sender }));
        let Act::Send { outgoing, .. } = terminal.input("/react 👍") else { panic!("a mark") };
        assert_eq!(outgoing.about, Some(Reference::Reaction { message_id: "m6".to_owned() }));
        let Act::Send { outgoing, words, .. } = terminal.input("/edit 早饭？") else { panic!("an edit") };
        assert_eq!(outgoing.about, Some(edit("o1")));
        terminal.sent(BOT, "o2", &outgoing, &words);
        let Act::Show(found) = terminal.input("/search 饭") else { panic!("lines") };
        assert_eq!(found, "铁路12306 — you: 早饭？");
    }

    #[test]
    fn scripts_read_one_object_for_each_event() {
        let event = json_of(&message("text/plain;charset=UTF-8", "hi")).unwrap();
        assert_eq!((&event["event"], &event["text"]), (&json!("message"), &json!("hi")));
        assert_eq!(json_of(&Event::Sent { message_id: "m".to_owned(), status: 202 }).unwrap()["status"], 202);
    }
}
