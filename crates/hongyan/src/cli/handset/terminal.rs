//! The terminal handset as a value: lines that are typed and events of the handset go in, things to do and lines to show come
//! out.

use bytes::Bytes;
use handset::Event;
use rcs::bot::{BotMessage, Document as _, MediaType, Postback, Suggestion, SuggestionList};
use rcs::bot::{PlainText, ResponseKind, SuggestionResponse};
use rcs::file_transfer::{self, FileTransfer};
use rcs::{content_type, multipart};
use serde_json::{Value, json};

/// Conversations that are kept; the one that was quiet longest goes.
const CONVERSATIONS_MAX: usize = 200;

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
    /// The last line of either side.
    last: String,
    /// What can be tapped by number.
    suggestions: Vec<Suggestion>,
    /// Our last message, for `/revoke`.
    sent: Option<String>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Send a text.
    Say { to: String, text: String },
    /// Send the answer to a suggestion.
    Tap { to: String, response: Vec<u8> },
    /// Send a file.
    File { to: String, path: String },
    /// Take a message back.
    Revoke { to: String, message_id: String },
    /// Show a line.
    Show(String),
    /// Leave.
    Quit,
}

const HELP: &str = "\
/to NUMBER or CHATBOT   speak with somebody; what you type from then on is for them
1, 2, 3 …               tap a suggestion of the last message
/file PATH              send a file
/revoke                 take your last message back, as long as it was not delivered
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
            Some(suggestion) => {
                conversation.last = suggestion.display_text().to_owned();
                tap(&suggestion, to)
            }
            None => {
                conversation.last = line.to_owned();
                Act::Say { to, text: line.to_owned() }
            }
        }
    }

    fn command(&mut self, word: &str, rest: &str) -> Act {
        match (word, rest) {
            ("quit" | "q" | "exit", _) => Act::Quit,
            ("to", whom) if !whom.is_empty() => {
                let uri = self.uri_of(whom);
                let shown = format!("— {} —", self.name_of(&uri));
                self.current = Some(uri);
                Act::Show(shown)
            }
            ("list", _) => {
                let lines = self.conversations.iter().rev();
                let lines = lines.map(|one| format!("{}: {}", self.name_of(&one.peer), plain(&one.last)));
                Act::Show(lines.collect::<Vec<_>>().join("\n"))
            }
            ("chatbots", _) => {
                let lines = self.chatbots.iter().map(|chatbot| format!("{}  {}", chatbot.name, chatbot.id));
                Act::Show(lines.collect::<Vec<_>>().join("\n"))
            }
            ("file", path) if !path.is_empty() => match self.current.clone() {
                Some(to) => Act::File { to, path: path.to_owned() },
                None => Act::Show("to whom? /to NUMBER first".to_owned()),
            },
            ("revoke", _) => {
                let of_current =
                    self.current.clone().map(|to| (to.clone(), self.conversation(&to).sent.clone()));
                match of_current {
                    Some((to, Some(message_id))) => Act::Revoke { to, message_id },
                    _ => Act::Show("there is nothing to take back".to_owned()),
                }
            }
            _ => Act::Show(HELP.to_owned()),
        }
    }

    /// A message of ours is on its way under this id.
    pub fn sent(&mut self, to: &str, message_id: &str) {
        self.conversation(to).sent = Some(message_id.to_owned());
    }

    /// Something happened; the line to show, if it is worth one.
    pub fn event(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Message(message) => {
                let shown = Shown::of(&message.content_type, &message.payload);
                let mut who = self.name_of(&message.from);
                // In a group, the sender is the group and the envelope says who speaks.
                if let Some(author) = message.author.as_ref().filter(|_| message.from.contains("@groups.")) {
                    who = format!("{who}, {}", self.name_of(author));
                }
                let line = format!("{}: {}", plain(&who), plain(&shown.text));
                let conversation = self.conversation(&message.from);
                conversation.last = shown.text;
                // Chips belong to the latest message.
                conversation.suggestions = shown.suggestions;
                Some(line)
            }
            Event::Registered { expires_s: 0 } => Some("signed out".to_owned()),
            Event::Registered { .. } => None,
            Event::NotRegistered(why) => Some(format!("not registered: {why}")),
            Event::Sent { status: 202, .. } => Some("  (kept until they are back)".to_owned()),
            Event::NotSent { why, .. } => Some(format!("  (not sent: {why})")),
            Event::Report { disposition, .. } => Some(format!("  ({})", disposition.elements().1)),
            Event::Revoked { is_done: true, .. } => Some("  (taken back)".to_owned()),
            Event::Revoked { .. } => Some("  (too late to take it back)".to_owned()),
            Event::Composing { from, active: true } => Some(format!("  ({} is writing)", self.name_of(from))),
            Event::Disconnected => Some("the connection is lost".to_owned()),
            _ => None,
        }
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

/// The answer that a tap sends; an action without a postback sends none, and says what it would do.
fn tap(suggestion: &Suggestion, to: String) -> Act {
    let (kind, postback): (ResponseKind, Option<Postback>) = match suggestion {
        Suggestion::Reply(reply) => (ResponseKind::Reply, reply.postback.clone()),
        Suggestion::Action(action) if action.postback.is_none() => {
            let shown = PlainText::default().suggestions(std::slice::from_ref(suggestion)).finish();
            return Act::Show(plain(&shown));
        }
        Suggestion::Action(action) => (ResponseKind::Action, action.postback.clone()),
    };
    let display_text = suggestion.display_text().to_owned();
    let response = SuggestionResponse { kind, display_text, postback, extra: Default::default() };
    Act::Tap { to, response: response.to_json() }
}

/// A terminal obeys control characters; other people's text has none here but line ends.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// What a message says, as a terminal can show it.
pub fn text_of(content_type: &str, payload: &Bytes) -> String {
    Shown::of(content_type, payload).text
}

/// A message as a terminal can show it.
struct Shown {
    text: String,
    suggestions: Vec<Suggestion>,
}

impl Shown {
    fn of(content_type: &str, payload: &Bytes) -> Self {
        let mut parts = vec![(content_type.to_owned(), payload.clone())];
        if multipart::is_multipart(content_type)
            && let Ok(inner) = multipart::parse(content_type, payload)
        {
            parts = inner.into_iter().map(|part| (part.content_type().to_owned(), part.body)).collect();
        }
        let (mut text, mut suggestions) = (PlainText::default(), Vec::new());
        for (declared, body) in parts {
            match MediaType::recognise(&declared) {
                Ok(Some(MediaType::Message)) if let Ok(card) = BotMessage::parse(&body) => {
                    suggestions.extend(card.cards().iter().flat_map(|card| card.suggestions.clone()));
                    text = text.message(&card);
                }
                Ok(Some(MediaType::Suggestions)) if let Ok(list) = SuggestionList::parse(&body) => {
                    suggestions.extend(list.suggestions.clone());
                    text = text.suggestions(&list.suggestions);
                }
                _ => text = text.text(&other(&declared, &body)),
            }
        }
        Self { text: text.finish(), suggestions }
    }
}

fn other(declared: &str, body: &[u8]) -> String {
    if content_type::essence(declared).eq_ignore_ascii_case("text/plain") {
        return String::from_utf8_lossy(body).into_owned();
    }
    if content_type::is(declared, file_transfer::CONTENT_TYPE)
        && let Ok(transfer) = FileTransfer::parse(body)
    {
        let file = transfer.file;
        let name = file.name.unwrap_or(file.content_type);
        return format!("[{name}, {} bytes] {}", file.size, file.url);
    }
    format!("[{declared}, {} bytes]", body.len())
}

/// An event for scripts: one JSON object; `None` for what scripts have no use for.
pub fn json_of(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Registered { expires_s } => json!({ "event": "registered", "expiresS": expires_s }),
        Event::NotRegistered(why) => json!({ "event": "notRegistered", "why": why.to_string() }),
        Event::Sent { message_id, status } => {
            json!({ "event": "sent", "messageId": message_id, "status": status })
        }
        Event::NotSent { message_id, why } => {
            json!({ "event": "notSent", "messageId": message_id, "why": why.to_string() })
        }
        Event::Message(message) => {
            let shown = Shown::of(&message.content_type, &message.payload);
            let suggestions: Vec<&str> = shown.suggestions.iter().map(Suggestion::display_text).collect();
            json!({
                "event": "message",
                "messageId": message.message_id,
                "from": message.from,
                "author": message.author,
                "conversationId": message.conversation_id,
                "contentType": message.content_type,
                "text": shown.text,
                "suggestions": suggestions,
            })
        }
        Event::Report { message_id, from, disposition } => json!({
            "event": "report", "messageId": message_id, "from": from, "disposition": disposition.elements().1,
        }),
        Event::Revoked { message_id, is_done } => {
            json!({ "event": "revoked", "messageId": message_id, "done": is_done })
        }
        Event::Composing { from, active } => json!({ "event": "composing", "from": from, "active": active }),
        Event::Disconnected => json!({ "event": "disconnected" }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use handset::Incoming;
    use rcs::cpim::Dispositions;

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
        })
    }

    #[test]
    fn what_is_typed_is_for_whom_the_user_speaks_with() {
        let mut terminal = terminal();
        assert!(matches!(terminal.input("hello"), Act::Show(_)));
        assert_eq!(terminal.input("/to +8613800000002"), Act::Show("— +8613800000002 —".to_owned()));
        let to = "sip:+8613800000002@hongyan.local;user=phone".to_owned();
        assert_eq!(terminal.input(" hello "), Act::Say { to: to.clone(), text: "hello".to_owned() });
        assert_eq!(terminal.input("/file a b.png"), Act::File { to: to.clone(), path: "a b.png".to_owned() });
        assert!(matches!(terminal.input("/revoke"), Act::Show(_)));
        terminal.sent(&to, "m1");
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
        let Act::Tap { to, response } = terminal.input(&count.to_string()) else { panic!("a tap") };
        assert_eq!(to, BOT);
        let response: Value = serde_json::from_slice(&response).unwrap();
        assert_eq!(response["response"]["reply"]["postback"]["data"], "refund");
        // A number that is nobody's chip is a text; a newer message takes the chips away.
        assert!(matches!(terminal.input("99"), Act::Say { .. }));
        terminal.event(&message("text/plain", "bye\u{1b}[2J"));
        assert!(matches!(terminal.input("1"), Act::Say { .. }));
        assert_eq!(terminal.input("/list"), Act::Show("铁路12306: 1".to_owned()));
    }

    #[test]
    fn other_peoples_text_does_not_command_the_terminal() {
        let line = terminal().event(&message("text/plain", "a\u{1b}[2Jb")).unwrap();
        assert_eq!(line, "铁路12306: a [2Jb");
    }

    #[test]
    fn scripts_read_one_object_for_each_event() {
        let event = json_of(&message("text/plain;charset=UTF-8", "hi")).unwrap();
        assert_eq!((&event["event"], &event["text"]), (&json!("message"), &json!("hi")));
        assert_eq!(json_of(&Event::Sent { message_id: "m".to_owned(), status: 202 }).unwrap()["status"], 202);
    }
}
