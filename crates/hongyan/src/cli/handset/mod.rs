//! `hongyan handset`: a handset in a terminal, for people and for scripts. It speaks SIP over WebSocket like any handset, so it
//! needs nothing but a number and its password.

mod history;
mod login;
pub(super) mod shown;
pub(super) mod sign_in;
pub(super) mod terminal;
pub(super) mod upload;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use handset::run::Phone;
use handset::{Event, Incoming, Outgoing};
use rcs::file_transfer::{self, FileDisposition, FileTransfer};
use rcs::geolocation::Place;
use rcs::group_data::{self, GroupData, Icon};
use rcs::reference::Reference;
use rcs::spam_report::{self, SpamReport};
use rcs::vcard::{self, Contact, Number};
use serde_json::json;
use tokio::sync::mpsc;

use super::subscriber::read_password;
use super::{CommandError, Outcome, print};
use login::Login;
use shown::json_of;
use sign_in::{Account, SignedIn, sign_in, sign_out};
use terminal::{Act, GroupWish, Terminal};

/// For an answer of the HTTP server.
const HTTP_TIMEOUT: Duration = Duration::from_secs(30);

/// A handset in the terminal: without a command, a conversation by lines
#[derive(Args)]
#[command(
    after_help = "Examples:\n  hongyan handset --number +8613800000001 --password-file data/demo-password\n  \
    hongyan handset --number +8613800000001 --password P send +8613800000002 晚饭？\n  \
    hongyan handset --number +8613800000001 --password P --json receive --count 1"
)]
pub struct Handset {
    /// Phone number, in international form
    #[arg(long, value_name = "NUMBER")]
    number: String,
    /// Its password; visible to other users of this machine while the command runs
    #[arg(long, value_name = "P", env = "HONGYAN_HANDSET_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Read the password from the first line of a file; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
    /// Digest user name, when it is not the number
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The platform's HTTP address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// Announce chats: be called by people and groups, and speak with them over MSRP
    #[arg(long)]
    msrp: bool,
    /// Print events as JSON, one object a line
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Send a text, and end when the platform has it
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P send 12306 明天北京到上海"
    )]
    Send {
        /// Phone number, chatbot by name, or URI
        to: String,
        /// What to say
        text: String,
        /// The message that it answers, by its id
        #[arg(long, value_name = "MESSAGE-ID")]
        reply_to: Option<String>,
        /// Wait for so many seconds for reports and answers, and print them
        #[arg(long, value_name = "S", default_value_t = 0)]
        wait: u64,
    },
    /// Send a file by way of the content server
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P send-file +8613800000002 a.png"
    )]
    SendFile {
        /// Phone number, chatbot by name, or URI
        to: String,
        /// The file
        file: PathBuf,
        /// Send it as a voice message that plays for so many seconds
        #[arg(long, value_name = "S")]
        voice_seconds: Option<u64>,
    },
    /// Send somebody's contact card
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P send-contact +8613800000002 韩梅梅 +8613800000003"
    )]
    SendContact {
        /// Phone number, chatbot by name, or URI
        to: String,
        /// Who it is
        name: String,
        /// Their numbers
        #[arg(required = true)]
        numbers: Vec<String>,
    },
    /// Mark a message with an emoji, or without one take the mark off
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P react +8613800000002 MESSAGE-ID 👍"
    )]
    React {
        /// With whom the conversation is: phone number or URI
        to: String,
        /// The message's id
        message_id: String,
        /// The emoji
        #[arg(default_value = "")]
        emoji: String,
    },
    /// Change the words of a message
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P edit +8613800000002 MESSAGE-ID 七点"
    )]
    Edit {
        /// To whom it was sent
        to: String,
        /// Its id, as `send --json` prints it
        message_id: String,
        /// What it says from now on
        text: String,
    },
    /// Send a place
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P location +8613800000002 39.8652 116.3785 --label 北京南站"
    )]
    Location {
        /// Phone number, chatbot by name, or URI
        to: String,
        /// Degrees north
        #[arg(allow_negative_numbers = true)]
        latitude: f64,
        /// Degrees east
        #[arg(allow_negative_numbers = true)]
        longitude: f64,
        /// What people call it
        #[arg(long, value_name = "NAME")]
        label: Option<String>,
    },
    /// Report messages that nobody wanted to the operator
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P report-spam +8613800000002 MESSAGE-ID --kind fraud"
    )]
    ReportSpam {
        /// Who sent them: phone number, chatbot by name, or URI
        about: String,
        /// The messages' ids
        message_ids: Vec<String>,
        /// What kind of spam, in a word
        #[arg(long, value_name = "WORD")]
        kind: Option<String>,
        /// What happened
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
    },
    /// Make a group and print its address, to which `send` sends
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P group 周末 +8613800000002 +8613800000003"
    )]
    Group {
        /// What it is called
        subject: String,
        /// Phone numbers or URIs
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Give a group an icon, or take it away
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P icon sip:22b7…@groups.hongyan.local logo.png"
    )]
    Icon {
        /// The group's address, as `group` prints it
        group: String,
        /// A picture
        #[arg(required_unless_present = "remove")]
        file: Option<PathBuf>,
        /// Take the icon away
        #[arg(long, conflicts_with = "file")]
        remove: bool,
    },
    /// Print what comes in
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P receive --count 1 --timeout 60"
    )]
    Receive {
        /// End after so many messages
        #[arg(long, value_name = "N")]
        count: Option<usize>,
        /// End after so many seconds; not having got --count messages by then is a failure
        #[arg(long, value_name = "S")]
        timeout: Option<u64>,
    },
    /// Take back a message that was not delivered yet
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P revoke +8613800000002 MESSAGE-ID"
    )]
    Revoke {
        /// To whom it was sent
        to: String,
        /// Its id, as `send --json` prints it
        message_id: String,
    },
    /// Print what the platform has kept of this number's conversations, if it keeps them
    #[command(
        after_help = "Example:\n  hongyan handset --number +8613800000001 --password P history --limit 20"
    )]
    History {
        /// The latest so many messages
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
}

impl Handset {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        let password = match (&self.password, &self.password_file) {
            (Some(password), _) => password.clone(),
            (None, Some(file)) => read_password(file)?,
            (None, None) => {
                return Err(CommandError(
                    "give the password with --password-file FILE or --password P".into(),
                ));
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            if let Some(Command::History { limit }) = self.command {
                let username = self.username.clone().unwrap_or_else(|| self.number.clone());
                let (client, login) = (http_client()?, Login { username, password });
                let server = self.server.trim_end_matches('/');
                return history::show(&client, server, &login, limit, self.json).await;
            }
            let mut session = Session::open(&self, &password).await?;
            let done = match self.command {
                None => session.converse().await,
                Some(Command::Send { to, text, reply_to, wait }) => {
                    session.send(&to, text, reply_to, wait).await
                }
                Some(Command::SendFile { to, file, voice_seconds }) => {
                    session.send_file(&to, &file, voice_seconds).await
                }
                Some(Command::SendContact { to, name, numbers }) => {
                    let outgoing = session.contact(name, numbers).await;
                    match outgoing {
                        Ok(outgoing) => session.deliver_to(&to, outgoing).await,
                        Err(error) => Err(error),
                    }
                }
                Some(Command::React { to, message_id, emoji }) => {
                    session.deliver_to(&to, Outgoing::reaction(message_id, emoji)).await
                }
                Some(Command::Edit { to, message_id, text }) => {
                    session.deliver_to(&to, Outgoing::edit(message_id, text)).await
                }
                Some(Command::Location { to, latitude, longitude, label }) => {
                    session.send_location(&to, Place { label, ..Place::new(latitude, longitude) }).await
                }
                Some(Command::ReportSpam { about, message_ids, kind, text }) => {
                    let about = Some(session.terminal.uri_of(&about));
                    session.report_spam(&SpamReport { about, message_ids, kind, text }).await
                }
                Some(Command::Group { subject, members }) => session.make_group(&subject, &members).await,
                Some(Command::Icon { group, file, remove: _ }) => {
                    session.set_icon(&group, file.as_deref()).await
                }
                Some(Command::Receive { count, timeout }) => session.receive(count, timeout).await,
                Some(Command::Revoke { to, message_id }) => session.revoke(&to, message_id).await,
                Some(Command::History { .. }) => unreachable!("done above, without a session"),
            };
            sign_out(session.phone).await;
            done
        })
    }
}

fn http_client() -> Result<reqwest::Client, CommandError> {
    Ok(reqwest::Client::builder().timeout(HTTP_TIMEOUT).no_proxy().build()?)
}

/// A handset that is registered.
struct Session {
    phone: Phone,
    terminal: Terminal,
    content: upload::ContentServer,
    /// Our own URI.
    own: String,
    json: bool,
}

impl Session {
    async fn open(handset: &Handset, password: &str) -> Result<Self, CommandError> {
        let SignedIn { phone, domain, chatbots, content, own } = sign_in(Account {
            server: &handset.server,
            number: &handset.number,
            username: handset.username.as_deref(),
            password,
            chat: handset.msrp,
        })
        .await?;
        Ok(Self { phone, terminal: Terminal::new(&domain, chatbots), content, own, json: handset.json })
    }

    fn show(&mut self, event: &Event) {
        match self.json {
            true => {
                if let Some(object) = json_of(event) {
                    print(object);
                }
            }
            false => {
                if let Some(line) = self.terminal.event(event) {
                    print(line);
                }
            }
        }
    }

    /// Sends, and waits until the platform has taken it or will not.
    async fn deliver(&mut self, to: &str, outgoing: Outgoing) -> Outcome {
        let id = self.phone.post(to, outgoing).await;
        while let Some(event) = self.phone.next().await {
            let is_over = matches!(&event, Event::Sent { message_id, .. } if *message_id == id);
            if let Event::NotSent { message_id, why } = &event
                && *message_id == id
            {
                self.show(&event);
                return Err(CommandError(format!("the message was not taken: {why}")));
            }
            self.show(&event);
            if is_over {
                return Ok(());
            }
        }
        Err(CommandError("the handset has stopped".into()))
    }

    async fn deliver_to(&mut self, whom: &str, outgoing: Outgoing) -> Outcome {
        let to = self.terminal.uri_of(whom);
        self.deliver(&to, outgoing).await
    }

    async fn send(&mut self, to: &str, text: String, reply_to: Option<String>, wait: u64) -> Outcome {
        let about = reply_to.map(|message_id| Reference::Reply { message_id, sender: None });
        self.deliver_to(to, Outgoing { about, ..Outgoing::text(text) }).await?;
        let _ = tokio::time::timeout(Duration::from_secs(wait), self.listen(usize::MAX)).await;
        Ok(())
    }

    async fn send_file(&mut self, to: &str, file: &Path, voice_s: Option<u64>) -> Outcome {
        let outgoing = self.upload(file, voice_s).await?;
        self.deliver_to(to, outgoing).await
    }

    /// Brings a file to the content server; the message that says where it is.
    async fn upload(&self, file: &Path, voice_s: Option<u64>) -> Result<Outgoing, CommandError> {
        let mut document = self.content.upload(file).await?;
        if let Some(seconds) = voice_s {
            let mut transfer = read_transfer(&document)?;
            transfer.file.disposition = Some(FileDisposition::Render);
            // In milliseconds, as other handsets write it.
            transfer.file.playing_length = Some(seconds.saturating_mul(1000));
            document = transfer.to_xml();
        }
        let content_type = file_transfer::CONTENT_TYPE.to_owned();
        Ok(Outgoing { content_type, payload: document.into(), ..Outgoing::text("") })
    }

    /// Brings a contact card to the content server; the message that says where it is.
    async fn contact(&self, name: String, numbers: Vec<String>) -> Result<Outgoing, CommandError> {
        let number = |number| Number { number, kind: None };
        let numbers = numbers.into_iter().map(number).collect();
        let contact = Contact { name, numbers, ..Contact::default() };
        let file = format!("{}.vcf", contact.name.replace('/', " "));
        let document = self.content.upload_bytes(&file, contact.to_vcard().as_bytes()).await?;
        let content_type = file_transfer::CONTENT_TYPE.to_owned();
        Ok(Outgoing { content_type, payload: document.into(), ..Outgoing::text("") })
    }

    /// Shows who is on a contact card that has come as a file.
    async fn show_contacts(&self, message: &Incoming) {
        let Some(url) = shown::contact_link(message) else { return };
        let Some(card) = self.content.fetch(&url, vcard::DOCUMENT_BYTES_MAX).await else { return };
        for contact in vcard::parse(&card).unwrap_or_default() {
            match self.json {
                true => {
                    print(json!({ "event": "contact", "messageId": message.message_id, "contact": contact }))
                }
                false => print(format_args!("  {}", shown::contact_line(&contact))),
            }
        }
    }

    /// Asks a group for another icon, or for none.
    async fn set_icon(&mut self, group: &str, file: Option<&Path>) -> Outcome {
        let outgoing = self.icon(file).await?;
        self.deliver_to(group, outgoing).await
    }

    /// Brings a picture to the content server; the change that a group is asked for.
    async fn icon(&self, file: Option<&Path>) -> Result<Outgoing, CommandError> {
        let icon = match file {
            Some(file) => Some(Icon::Url(read_transfer(&self.content.upload(file).await?)?.file.url)),
            None => None,
        };
        let content_type = group_data::CONTENT_TYPE.to_owned();
        let payload = GroupData::Icon(icon).to_xml().into();
        Ok(Outgoing { content_type, payload, ..Outgoing::text("").without_reports() })
    }

    async fn send_location(&mut self, to: &str, place: Place) -> Outcome {
        // Whatever reads refuses a place beyond the earth: so do we.
        Place::parse_geo_uri(&place.to_geo_uri()).map_err(|error| CommandError(error.to_string()))?;
        let outgoing = terminal::location(&self.own, place);
        self.deliver_to(to, outgoing).await
    }

    async fn report_spam(&mut self, report: &SpamReport) -> Outcome {
        if report.message_ids.len() > spam_report::MESSAGE_IDS_MAX {
            return Err(CommandError(format!("at most {} messages at a time", spam_report::MESSAGE_IDS_MAX)));
        }
        self.deliver(&self.terminal.spam_address(), terminal::spam(report)).await
    }

    async fn make_group(&mut self, subject: &str, members: &[String]) -> Outcome {
        let members = members.iter().map(|whom| self.terminal.uri_of(whom)).collect();
        let focus = self.group_of(subject.to_owned(), members).await?;
        match self.json {
            true => self.show(&Event::Joined { focus }),
            false => print(focus),
        }
        Ok(())
    }

    /// Makes a group; its focus.
    async fn group_of(&mut self, subject: String, members: Vec<String>) -> Result<String, CommandError> {
        self.phone.with(move |device, now| device.make_group(now, &subject, &members)).await;
        let made = self.phone.wait(HTTP_TIMEOUT, |event| match event {
            Event::Joined { focus } => Some(Ok(focus.clone())),
            Event::NotJoined(why) => Some(Err(*why)),
            _ => None,
        });
        match made.await {
            Ok(Ok(focus)) => Ok(focus),
            Ok(Err(why)) => Err(CommandError(format!("no group was made: {why}"))),
            Err(_) => Err(CommandError("the platform has not answered".into())),
        }
    }

    async fn receive(&mut self, count: Option<usize>, timeout: Option<u64>) -> Outcome {
        let listening = self.listen(count.unwrap_or(usize::MAX));
        match timeout {
            None => listening.await,
            Some(seconds) => match tokio::time::timeout(Duration::from_secs(seconds), listening).await {
                Ok(done) => done,
                Err(_) if count.is_none() => Ok(()),
                Err(_) => Err(CommandError(format!("not so many messages came within {seconds} s"))),
            },
        }
    }

    /// Shows what comes until there were `count` messages.
    async fn listen(&mut self, count: usize) -> Outcome {
        let mut left = count;
        while left > 0 {
            let event =
                self.phone.next().await.ok_or_else(|| CommandError("the handset has stopped".into()))?;
            self.show(&event);
            match event {
                Event::Message(message) => {
                    self.show_contacts(&message).await;
                    self.phone.with(move |device, now| device.displayed(now, &message)).await;
                    left -= 1;
                }
                Event::Disconnected => return Err(CommandError("the connection is lost".into())),
                _ => {}
            }
        }
        Ok(())
    }

    async fn revoke(&mut self, to: &str, message_id: String) -> Outcome {
        let to = self.terminal.uri_of(to);
        let id = message_id.clone();
        self.phone.with(move |device, now| device.revoke(now, &to, &id)).await;
        let answer = self.phone.wait(HTTP_TIMEOUT, |event| match event {
            Event::Revoked { message_id: of, is_done } if *of == message_id => Some(*is_done),
            _ => None,
        });
        match answer.await {
            Ok(is_done) => {
                self.show(&Event::Revoked { message_id, is_done });
                if is_done { Ok(()) } else { Err(CommandError("it is too late to take it back".into())) }
            }
            Err(_) => Err(CommandError("the platform has not answered".into())),
        }
    }

    /// Lines from standard input, until it ends or the user leaves.
    async fn converse(&mut self) -> Outcome {
        let mut lines = typed_lines();
        print("/to NUMBER or CHATBOT to begin, /help for more");
        loop {
            tokio::select! {
                line = lines.recv() => {
                    let Some(line) = line else { return Ok(()) };
                    match self.terminal.input(&line) {
                        Act::Quit => return Ok(()),
                        act => self.act(act).await,
                    }
                }
                event = self.phone.next() => {
                    let Some(event) = event else { return Err(CommandError("the handset has stopped".into())) };
                    self.show(&event);
                    match event {
                        Event::Message(message) => {
                            self.show_contacts(&message).await;
                            self.phone.with(move |device, now| device.displayed(now, &message)).await;
                        }
                        Event::Disconnected => return Err(CommandError("the connection is lost".into())),
                        _ => {}
                    }
                }
            }
        }
    }

    async fn change_group(&mut self, focus: String, wish: GroupWish) {
        if let GroupWish::Icon(path) = &wish {
            return match self.icon(path.as_deref().map(Path::new)).await {
                // What comes of it is told by the group, or as a message that was not sent.
                Ok(outgoing) => drop(self.phone.post(&focus, outgoing).await),
                Err(error) => print(format_args!("  (not done: {})", error.0)),
            };
        }
        let known = self.phone.with(move |device, now| {
            match wish {
                GroupWish::Members => return Some(device.group_info(&focus).cloned()),
                GroupWish::Add(uri) => device.add_to_group(now, &focus, &uri),
                GroupWish::Remove(uri) => device.remove_from_group(now, &focus, &uri),
                GroupWish::Rename(subject) => device.rename_group(now, &focus, &subject),
                GroupWish::Leave => device.leave_group(now, &focus),
                GroupWish::Icon(_) => {}
            }
            None
        });
        match known.await {
            Some(Some(info)) => print(self.terminal.members(&info)),
            Some(None) => print("  (nobody has said who is in it)"),
            None => {}
        }
    }

    async fn act(&mut self, act: Act) {
        let (to, outgoing, words) = match act {
            Act::Show(line) => return print(line),
            Act::Quit => return,
            Act::Revoke { to, message_id } => {
                return self.phone.with(move |device, now| device.revoke(now, &to, &message_id)).await;
            }
            Act::MakeGroup { subject, members } => {
                return match self.group_of(subject, members).await {
                    Ok(focus) => print(self.terminal.speak_with(focus)),
                    Err(error) => print(format_args!("  ({})", error.0)),
                };
            }
            Act::Group { focus, wish } => return self.change_group(focus, wish).await,
            Act::Send { to, outgoing, words } => (to, outgoing, words),
            Act::Location { to, place } => {
                let words = place.label.clone().unwrap_or_default();
                (to, terminal::location(&self.own, place), words)
            }
            Act::Contact { to, name, numbers } => match self.contact(name.clone(), numbers).await {
                Ok(outgoing) => (to, outgoing, name),
                Err(error) => return print(format_args!("  (not sent: {})", error.0)),
            },
            Act::File { to, path, voice_s } => match self.upload(Path::new(&path), voice_s).await {
                Ok(outgoing) => (to, outgoing, path),
                Err(error) => return print(format_args!("  (not sent: {})", error.0)),
            },
        };
        let id = self.phone.post(&to, outgoing.clone()).await;
        self.terminal.sent(&to, &id, &outgoing, &words);
    }
}

/// What the content server says of a file.
fn read_transfer(document: &str) -> Result<FileTransfer, CommandError> {
    FileTransfer::parse(document.as_bytes())
        .map_err(|error| CommandError(format!("the content server's answer: {error}")))
}

/// What the user types, line by line. Reading a terminal blocks, so it has a thread of its own.
fn typed_lines() -> mpsc::Receiver<String> {
    let (typed, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if typed.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}
