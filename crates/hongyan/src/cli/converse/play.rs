//! Plays a script: handsets do what users do, and what comes is compared with what is expected.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use handset::{Event, Failure, Outgoing};
use rcs::bot::{Document as _, Menu, MenuEntry, Suggestion, SuggestionResponse};
use rcs::geolocation;
use rcs::imdn::Disposition;
use serde_json::Value;

use super::compare::{Difference, Variables, captured, filled, labels};
use super::heard::{Heard, url_of};
use super::script::{Act, Expectation, Location, Matcher, Place, Planned, Report, Script, Visit};
use super::transcript::Transcript;
use crate::cli::CommandError;
use crate::cli::client::segment;
use crate::cli::handset::shown::plain;
use crate::cli::handset::sign_in::{Account, SignedIn, sign_in, sign_out};
use crate::cli::handset::terminal::{Terminal, answer, location};

/// Messages in one conversation.
const HEARD_MAX: usize = 1_000;
/// The longest page that is read.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// For a page to come.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// For the platform to take a message; more than a handset tries.
const SENT_WITHIN: Duration = Duration::from_secs(60);

/// A user's number and password.
#[derive(Clone)]
pub struct Credentials {
    /// In international form.
    pub number: String,
    /// Its password.
    pub password: String,
}

/// Why a conversation did not go as it should.
#[derive(Debug)]
pub struct Failed {
    /// Where, what, in a line.
    pub short: String,
    /// What was expected, and what came.
    pub long: String,
}

/// How a step can go wrong.
enum Wrong {
    /// The conversation did not go as expected: in a line, and at length.
    Expectation(String, Vec<String>),
    /// The script cannot be played so.
    Script(String),
}

impl From<CommandError> for Wrong {
    fn from(error: CommandError) -> Self {
        Self::Expectation(error.0, Vec::new())
    }
}

/// Errors of filling in and comparing are errors of the script.
impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self::Script(what)
    }
}

/// One user's side.
struct Player {
    signed_in: SignedIn,
    terminal: Terminal,
    /// What came, the latest last; what an expectation has met, or come after, is before `met`.
    heard: Vec<Heard>,
    met: usize,
    /// What was there when the user last said something is before it: its chips are gone, as on every handset.
    answered: usize,
    /// The last message that was sent.
    last_sent: Option<String>,
    reports: Vec<(String, Disposition)>,
}

/// Plays a script with these users; the platform is at `server`.
///
/// # Errors
/// The first step that went wrong.
pub async fn play(
    script: &Script,
    server: &str,
    to: Option<&str>,
    users: &HashMap<String, Credentials>,
    given: &Variables,
    transcript: &mut Transcript,
) -> Result<(), Failed> {
    let mut variables = script.variables.clone();
    for (user, credentials) in users {
        variables.insert(user.clone(), credentials.number.clone());
    }
    variables.extend(given.clone());
    let mut players = HashMap::new();
    for user in &script.users {
        let credentials =
            users.get(user).ok_or_else(|| failed(format!("no number for the user {user}"), Vec::new()))?;
        match Player::sign_in(server, credentials).await {
            Ok(player) => _ = players.insert(user.clone(), player),
            Err(error) => {
                let why = format!("{user} cannot sign in: {}", error.0);
                transcript.tell(user, "✗", [&why]);
                leave(players).await;
                return Err(failed(why, Vec::new()));
            }
        }
    }
    let mut stage = Stage { server, variables, within: script.within, transcript };
    let mut outcome = Ok(());
    for step in &script.steps {
        let user = step.user.as_ref().unwrap_or(&script.users[0]);
        let player = players.get_mut(user).expect("a script names its own users");
        let to = step.to.as_deref().or(to).or(script.to.as_deref());
        if let Err(wrong) = stage.step(step, user, player, to).await {
            outcome = Err(stage.tell_failure(&step.at, user, wrong));
            break;
        }
    }
    leave(players).await;
    outcome
}

async fn leave(players: HashMap<String, Player>) {
    for (_, player) in players {
        sign_out(player.signed_in.phone).await;
    }
}

fn failed(short: String, lines: Vec<String>) -> Failed {
    let long = std::iter::once(short.clone()).chain(lines).collect::<Vec<_>>().join("\n");
    Failed { short, long }
}

/// What the steps of a script share.
struct Stage<'a> {
    server: &'a str,
    variables: Variables,
    within: Duration,
    transcript: &'a mut Transcript,
}

impl Stage<'_> {
    async fn step(
        &mut self,
        step: &Planned,
        user: &str,
        player: &mut Player,
        to: Option<&str>,
    ) -> Result<(), Wrong> {
        let within = step.within.unwrap_or(self.within);
        let to = || -> Result<String, Wrong> {
            let to = to.ok_or_else(|| {
                "with whom? give the script `chatbot: NAME`, the step `to: NAME`, or --to NAME".to_owned()
            })?;
            Ok(player.terminal.uri_of(&filled(to, &self.variables)?))
        };
        match &step.act {
            Act::Say(text) => {
                let (to, text) = (to()?, filled(text, &self.variables)?);
                self.transcript.tell(user, "▶", text.lines());
                player.send(&to, Outgoing::text(text)).await
            }
            Act::Tap { label, on } => {
                let to = to()?;
                let suggestion = self.find(user, player, &to, label, on.as_ref(), within).await?;
                self.tap(user, player, &to, &suggestion).await
            }
            Act::Menu(label) => {
                let to = to()?;
                let entry = self.menu_entry(player, &to, label).await?;
                self.tap(user, player, &to, &entry).await
            }
            Act::Start => {
                let to = to()?;
                self.transcript.tell(user, "▶", ["(opens the conversation)"]);
                let payload = SuggestionResponse::new_bot_user().to_json().into();
                let content_type = rcs::bot::BOT_SUGGESTION_RESPONSE.to_owned();
                player.send(&to, Outgoing { content_type, payload, ..Outgoing::text("") }).await
            }
            Act::Location(place) => {
                let (to, place) = (to()?, self.place(place)?);
                self.transcript.tell(user, "▶", [place.to_geo_uri()]);
                let outgoing = location(&player.signed_in.own, place);
                player.send(&to, outgoing).await
            }
            Act::File(path) => {
                let to = to()?;
                let path =
                    step.at.file.parent().unwrap_or(Path::new("")).join(filled(path, &self.variables)?);
                self.transcript.tell(user, "▶", [format!("(file {})", path.display())]);
                let document = player.signed_in.content.upload(&path).await?;
                let content_type = rcs::file_transfer::CONTENT_TYPE.to_owned();
                player
                    .send(&to, Outgoing { content_type, payload: document.into(), ..Outgoing::text("") })
                    .await
            }
            Act::Read => {
                let seen: Vec<_> = player.heard.iter().map(|heard| heard.incoming.clone()).collect();
                let displayed = move |device: &mut handset::Handset, now| {
                    seen.iter().for_each(|message| device.displayed(now, message));
                };
                player.signed_in.phone.with(displayed).await;
                self.transcript.tell(user, "▶", ["(has read it)"]);
                Ok(())
            }
            Act::Expect(expectation) => {
                let to = to()?;
                self.expect(user, player, &to, expectation, within).await
            }
            Act::Report(report) => self.report(user, player, *report, within).await,
            Act::Nothing(wait) => {
                let to = to()?;
                self.nothing(user, player, &to, *wait).await
            }
            Act::Visit(visit) => self.visit(user, visit).await,
            Act::Set(values) => {
                for (name, value) in values {
                    let value = filled(value, &self.variables)?;
                    self.variables.insert(name.clone(), value);
                }
                Ok(())
            }
            Act::Note(text) => {
                let text = filled(text, &self.variables)?;
                self.transcript.line(&format!("  ── {text}"));
                Ok(())
            }
        }
    }

    /// Waits for a message that is as expected; those before it are passed over.
    async fn expect(
        &mut self,
        user: &str,
        player: &mut Player,
        from: &str,
        expectation: &Expectation,
        within: Duration,
    ) -> Result<(), Wrong> {
        let deadline = Instant::now() + within;
        let mut looked = player.met;
        loop {
            while looked < player.heard.len() {
                let heard = &player.heard[looked];
                looked += 1;
                if heard.is_from(from) && expectation.differences(heard, &self.variables)?.is_empty() {
                    let captures = expectation.captures(heard, &self.variables)?;
                    player.met = looked;
                    let lines: Vec<String> = captures
                        .iter()
                        .map(|(name, value)| format!("${{{name}}} = {}", plain(value)))
                        .collect();
                    self.transcript.tell(user, "✓", std::iter::once("as expected".to_owned()).chain(lines));
                    self.variables.extend(captures);
                    return Ok(());
                }
            }
            if !self.hear(user, player, deadline).await? {
                break;
            }
        }
        let mut lines = Vec::new();
        let came: Vec<&Heard> =
            player.heard.iter().skip(player.met).filter(|heard| heard.is_from(from)).collect();
        if came.is_empty() {
            lines.push("nothing came".to_owned());
            lines.push(format!("- {}", expectation.describe(&self.variables)));
        }
        for (index, heard) in came.iter().enumerate() {
            lines.push(format!("{} of {}: {}", index + 1, came.len(), heard.kind()));
            lines.extend(expectation.differences(heard, &self.variables)?.iter().flat_map(Difference::lines));
        }
        Err(Wrong::Expectation(format!("no message as expected within {within:?}"), lines))
    }

    /// Waits for a suggestion with this label: on the newest message, or on an older one that still has its buttons.
    async fn find(
        &mut self,
        user: &str,
        player: &mut Player,
        from: &str,
        label: &Matcher,
        on: Option<&Matcher>,
        within: Duration,
    ) -> Result<Suggestion, Wrong> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = self.suggestion(player, from, label, on)? {
                return Ok(found);
            }
            if !self.hear(user, player, deadline).await? {
                break;
            }
        }
        let mut lines = vec![format!("- {}", label.describe(&self.variables))];
        match player.heard.iter().enumerate().rev().find(|(_, heard)| heard.is_from(from)) {
            Some((index, newest)) => {
                lines.push(format!("+ {}", labels(newest.suggestions())));
                if index < player.answered && !newest.chips.is_empty() {
                    lines.push("(the user has answered that message: its chips are gone)".to_owned());
                }
            }
            None => lines.push("+ nothing has come".to_owned()),
        }
        Err(Wrong::Expectation(format!("nothing to tap within {within:?}"), lines))
    }

    fn suggestion(
        &self,
        player: &Player,
        from: &str,
        label: &Matcher,
        on: Option<&Matcher>,
    ) -> Result<Option<Suggestion>, Wrong> {
        let mut is_newest = true;
        for (index, heard) in player.heard.iter().enumerate().rev().filter(|(_, heard)| heard.is_from(from)) {
            let is_meant = match on {
                Some(on) => on.is_met(&heard.words, &self.variables)?,
                None => true,
            };
            // Chips go when a newer message comes or the user answers; buttons of cards stay.
            let chips = if is_newest && index >= player.answered { &heard.chips[..] } else { &[] };
            is_newest = false;
            if !is_meant {
                continue;
            }
            // A label on a carousel may be there once a card: `on` then says which card.
            for card in heard.cards() {
                let words = [card.title.as_deref(), card.description.as_deref()];
                let words = words.into_iter().flatten().collect::<Vec<_>>().join("\n");
                let is_card = on.is_none_or(|on| on.is_met(&words, &self.variables).unwrap_or(false));
                for suggestion in card.suggestions.iter().filter(|_| is_card || heard.cards().len() == 1) {
                    if label.is_met(suggestion.display_text(), &self.variables)? {
                        return Ok(Some(suggestion.clone()));
                    }
                }
            }
            for suggestion in chips {
                if label.is_met(suggestion.display_text(), &self.variables)? {
                    return Ok(Some(suggestion.clone()));
                }
            }
        }
        Ok(None)
    }

    async fn tap(
        &mut self,
        user: &str,
        player: &mut Player,
        to: &str,
        suggestion: &Suggestion,
    ) -> Result<(), Wrong> {
        let text = plain(suggestion.display_text());
        self.transcript.tell(user, "▶", [format!("({text})")]);
        if let Some(url) = url_of(suggestion) {
            self.variables.insert("url".to_owned(), url.to_owned());
        }
        match answer(suggestion) {
            Some(outgoing) => player.send(to, outgoing).await,
            // The handset does something, and the chatbot hears nothing of it.
            None => Ok(()),
        }
    }

    async fn menu_entry(&self, player: &Player, chatbot: &str, label: &Matcher) -> Result<Suggestion, Wrong> {
        let url = format!("{}/bot?id={}", self.server.trim_end_matches('/'), segment(chatbot));
        let client = &player.signed_in.content.client;
        let answer = client.get(url).send().await.map_err(CommandError::from)?;
        let told: Value = answer.json().await.map_err(CommandError::from)?;
        let menu = Menu::from_value(told["persistent-menu"].clone()).unwrap_or_default();
        let mut waiting: Vec<&MenuEntry> = menu.entries.iter().rev().collect();
        let mut labels = Vec::new();
        while let Some(entry) = waiting.pop() {
            let suggestion = match entry {
                MenuEntry::Menu(inner) => {
                    waiting.extend(inner.entries.iter().rev());
                    continue;
                }
                MenuEntry::Reply(reply) => Suggestion::Reply(reply.clone()),
                MenuEntry::Action(action) => Suggestion::Action(action.clone()),
            };
            if label.is_met(suggestion.display_text(), &self.variables)? {
                return Ok(suggestion);
            }
            labels.push(format!("{:?}", plain(suggestion.display_text())));
        }
        let lines =
            vec![format!("- {}", label.describe(&self.variables)), format!("+ {}", labels.join(", "))];
        Err(Wrong::Expectation("no such entry in the chatbot's menu".to_owned(), lines))
    }

    async fn report(
        &mut self,
        user: &str,
        player: &mut Player,
        report: Report,
        within: Duration,
    ) -> Result<(), Wrong> {
        let Some(sent) = player.last_sent.clone() else {
            return Err(Wrong::Script("expect_report: this user has sent nothing yet".to_owned()));
        };
        let wanted = match report {
            Report::Delivered => Disposition::Delivered,
            Report::Displayed => Disposition::Displayed,
        };
        let deadline = Instant::now() + within;
        loop {
            if player.reports.iter().any(|(id, disposition)| *id == sent && *disposition == wanted) {
                self.transcript.tell(user, "✓", [format!("{report:?}").to_lowercase()]);
                return Ok(());
            }
            if !self.hear(user, player, deadline).await? {
                let came: Vec<String> = player
                    .reports
                    .iter()
                    .filter(|(id, _)| *id == sent)
                    .map(|(_, what)| format!("{what:?}").to_lowercase())
                    .collect();
                let came = if came.is_empty() { "no report".to_owned() } else { came.join(", ") };
                let lines = vec![format!("- {}", format!("{report:?}").to_lowercase()), format!("+ {came}")];
                return Err(Wrong::Expectation(format!("no such report within {within:?}"), lines));
            }
        }
    }

    /// Nothing comes, nor has come since what the user did last or what was expected last.
    async fn nothing(
        &mut self,
        user: &str,
        player: &mut Player,
        from: &str,
        wait: Duration,
    ) -> Result<(), Wrong> {
        let deadline = Instant::now() + wait;
        while self.hear(user, player, deadline).await? {}
        let came: Vec<&Heard> =
            player.heard[player.met..].iter().filter(|heard| heard.is_from(from)).collect();
        if came.is_empty() {
            self.transcript.tell(user, "✓", [format!("nothing within {wait:?}")]);
            return Ok(());
        }
        let lines = came.iter().map(|heard| format!("+ {}: {}", heard.kind(), heard.lines().join(" / ")));
        Err(Wrong::Expectation("something came where nothing was expected".to_owned(), lines.collect()))
    }

    async fn visit(&mut self, user: &str, visit: &Visit) -> Result<(), Wrong> {
        let url = filled(&visit.url, &self.variables)?;
        let client = reqwest::Client::builder()
            .timeout(PAGE_TIMEOUT)
            .no_proxy()
            .build()
            .map_err(CommandError::from)?;
        let request = match &visit.form {
            None => client.get(&url),
            Some(form) => {
                let mut fields = Vec::new();
                for (name, value) in form {
                    fields.push(format!("{}={}", segment(name), segment(&filled(value, &self.variables)?)));
                }
                client
                    .post(&url)
                    .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(fields.join("&"))
            }
        };
        self.transcript.tell(user, "▶", [format!("(opens {})", plain(&url))]);
        let mut answer = request.send().await.map_err(CommandError::from)?;
        let status = answer.status().as_u16();
        let mut page = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(CommandError::from)? {
            page.extend_from_slice(&piece);
            if page.len() > PAGE_BYTES_MAX {
                return Err(Wrong::Expectation(
                    format!("the page is larger than {PAGE_BYTES_MAX} bytes"),
                    Vec::new(),
                ));
            }
        }
        let page = String::from_utf8_lossy(&page).into_owned();
        let wanted = visit.status.unwrap_or(200);
        if status != wanted {
            return Err(Wrong::Expectation(
                "the page did not come".to_owned(),
                vec![format!("- {wanted}"), format!("+ {status}")],
            ));
        }
        if let Some(matcher) = &visit.page
            && !matcher.is_met(&page, &self.variables)?
        {
            let shown: String = plain(&page).chars().take(2_000).collect();
            let lines = vec![format!("- {}", matcher.describe(&self.variables)), format!("+ {shown}")];
            return Err(Wrong::Expectation("the page is not as expected".to_owned(), lines));
        }
        for (name, pattern) in visit.capture.iter().flatten() {
            let value = captured(pattern, &page, &self.variables)?.ok_or_else(|| {
                Wrong::Expectation(
                    format!("nothing on the page for {name}"),
                    vec![format!("- matches /{pattern}/")],
                )
            })?;
            self.variables.insert(name.clone(), value);
        }
        Ok(())
    }

    fn place(&self, location: &Location) -> Result<geolocation::Place, Wrong> {
        let label = location.label.as_ref().map(|label| filled(label, &self.variables)).transpose()?;
        let place =
            geolocation::Place { label, ..geolocation::Place::new(location.latitude, location.longitude) };
        geolocation::Place::parse_geo_uri(&place.to_geo_uri())
            .map_err(|error| format!("location: {error}"))?;
        Ok(place)
    }

    /// Takes one event; false when the time is over.
    async fn hear(&mut self, user: &str, player: &mut Player, deadline: Instant) -> Result<bool, Wrong> {
        let left = deadline.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, player.signed_in.phone.next()).await {
            Err(_) => Ok(false),
            Ok(None | Some(Event::Disconnected)) => {
                Err(Wrong::Expectation("the connection to the platform is lost".to_owned(), Vec::new()))
            }
            Ok(Some(_)) if player.heard.len() == HEARD_MAX => {
                Err(Wrong::Expectation(format!("more than {HEARD_MAX} messages came"), Vec::new()))
            }
            Ok(Some(event)) => {
                if let Some(heard) = player.take(event) {
                    self.transcript.tell(user, "◀", heard.lines());
                }
                Ok(true)
            }
        }
    }

    fn tell_failure(&mut self, at: &Place, user: &str, wrong: Wrong) -> Failed {
        let (short, lines) = match wrong {
            Wrong::Expectation(short, lines) => (format!("{at}: {short}"), lines),
            Wrong::Script(what) => (format!("{at}: the script: {what}"), Vec::new()),
        };
        self.transcript.tell(user, "✗", std::iter::once(short.clone()).chain(lines.clone()));
        failed(short, lines)
    }
}

impl Player {
    async fn sign_in(server: &str, credentials: &Credentials) -> Result<Self, CommandError> {
        let account = Account {
            server,
            number: &credentials.number,
            username: None,
            password: &credentials.password,
            chat: false,
        };
        let mut signed_in = sign_in(account).await?;
        let terminal = Terminal::new(&signed_in.domain, std::mem::take(&mut signed_in.chatbots));
        let (heard, reports) = (Vec::new(), Vec::new());
        Ok(Self { signed_in, terminal, heard, met: 0, answered: 0, last_sent: None, reports })
    }

    /// Sends, and waits until the platform has it. What came before has nothing to do with what is expected from now on.
    async fn send(&mut self, to: &str, outgoing: Outgoing) -> Result<(), Wrong> {
        (self.met, self.answered) = (self.heard.len(), self.heard.len());
        let id = self.signed_in.phone.post(to, outgoing).await;
        self.last_sent = Some(id.clone());
        let outcome = self.signed_in.phone.wait(SENT_WITHIN, |event| match event {
            Event::Sent { message_id, .. } if *message_id == id => Some(Ok(())),
            Event::NotSent { message_id, why } if *message_id == id => Some(Err(match why {
                Failure::Refused(404) => format!(
                    "nobody here is {to} (404); a chatbot that is not live is reached by its testers alone (--as NUMBER)"
                ),
                why => why.to_string(),
            })),
            _ => None,
        });
        let why = match outcome.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(why)) => why,
            Err(_) => "no answer".to_owned(),
        };
        Err(Wrong::Expectation(format!("the platform did not take the message: {why}"), Vec::new()))
    }

    /// Remembers what an event tells; gives a message that came.
    fn take(&mut self, event: Event) -> Option<&Heard> {
        match event {
            Event::Message(incoming) => {
                self.heard.push(Heard::of(incoming));
                self.heard.last()
            }
            Event::Report { message_id, disposition, .. } => {
                self.reports.push((message_id, disposition));
                None
            }
            _ => None,
        }
    }
}
