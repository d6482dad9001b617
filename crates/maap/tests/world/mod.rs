//! A chatbot platform with handsets on one side and webhooks on the other, in one process and in virtual time, over a store on
//! disk that outlives it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use chatbot_api::ctcu::{Refusal, ReturnCode, signature};
use maap::dialect::ctcu;
use maap::manage::Resumed;
use maap::{
    Answer, Call, Change, Config, Credentials, Maap, Method, NewChatbot, Out, Push, PushAnswer, PushFailure,
    PushFailureKind, Pushed, Stats, privacy,
};
use message_centre::{Centre, Secrets, Task, Work, dead_letters};
use rcs::Timestamp;
use rcs::address::{Address, Numbering};
use rcs::cpim::{self, Cpim, CpimBuilder, Dispositions};
use rcs::imdn::{self, Disposition, Imdn};
use serde_json::{Value, json};
use sip::digest::{Challenge, Ha1s};
use sip::transaction::{Event, Layer};
use sip::{Flow, HeaderName, Message, RequestBuilder, ResponseBuilder, Transport};
use store::{
    Account, Blocked, Blocks, Credential, DeadLetter, Dialect, Entry, EntryIds, EntryKind, FileId, Media,
    Record, Review, Store, View, Wants,
};

pub const DOMAIN: &str = "hongyan.local";
pub const BOT: &str = "sip:12306@botplatform.hongyan.local";
const PASSWORD: &str = "open sesame";
pub const ALICE: &str = "+8613800000001";
pub const BOB: &str = "+8613800000002";

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn numbering() -> Numbering {
    Numbering::new("CN", DOMAIN)
}

pub fn bot() -> Address {
    BOT.parse().expect("an address")
}

pub fn user(number: &str) -> Address {
    Address::subscriber(number).expect("a number")
}

/// A directory for a store, in memory where the system has such a place.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory for the store")
}

enum Todo {
    Centre(Task),
    Maap(maap::Task),
}

pub struct World {
    pub now: Timestamp,
    directory: tempfile::TempDir,
    store: Option<Store>,
    centre: Option<Centre>,
    maap: Option<Maap>,
    todo: Vec<Todo>,
    due_at: Option<Timestamp>,
    starts: u8,
    config: fn(&mut Config),
    /// What the message centre is told at the next start.
    pub centre_config: fn(&mut message_centre::Config),
    pub phones: BTreeMap<String, Phone>,
    to_centre: VecDeque<(Flow, Bytes)>,
    pushed: VecDeque<Pushed>,
    pub webhook: Webhook,
    pub credentials: Option<Credentials>,
    pub token: Option<String>,
    pub stats: Stats,
    entry_ids: EntryIds,
    /// Stretches of mailboxes that were read.
    pub pages_read: usize,
    /// Calls that get no answer, and when that is noticed.
    unanswered: Vec<(Timestamp, Push)>,
}

/// What is the matter with a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Answers with this status.
    Answers(u16),
    /// The same, and wants to be left alone for so many seconds.
    Wants(u16, u32),
    /// Never answers.
    Hangs,
    /// Closes the connection.
    Closes,
    /// Is where no webhook may be.
    Forbidden,
}

/// The other side of the chatbot's webhook.
#[derive(Default)]
pub struct Webhook {
    /// Nobody is there.
    pub is_down: bool,
    /// Calls hang until [`World::let_go`].
    pub holds: bool,
    held: Vec<Push>,
    /// Answers 404 to the chatbot's URI in its raw form.
    pub wants_encoded: bool,
    /// Users whose messages are answered with 500.
    pub fails_for: BTreeSet<String>,
    /// What is the matter with the webhooks of other chatbots, by host.
    pub troubles: BTreeMap<String, Trouble>,
    /// Answers callback checks with something else.
    pub fails_checks: bool,
    /// Every call, also those that failed.
    pub calls: Vec<Push>,
    /// The bodies that were taken, with their paths.
    pub taken: Vec<(String, Value)>,
    /// Most calls that hung at one time.
    pub most_held: usize,
}

/// A handset of ours: one device, on a connection of its own.
pub struct Phone {
    number: String,
    flow: Flow,
    layer: Layer,
    sent: u32,
    pub is_on: bool,
    /// Message ids and texts, as shown.
    pub inbox: Vec<(String, String)>,
    /// The envelopes of what was shown.
    pub envelopes: Vec<Cpim>,
    /// Reports received: message id and disposition.
    pub reports: Vec<(String, Disposition)>,
    pub reports_display: bool,
    /// What it announces when it registers.
    pub features: &'static str,
    /// Whether displayed is reported before delivered.
    pub reports_display_first: bool,
    pub responses: Vec<u16>,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A world with Alice and Bob, both there, and no chatbot.
    pub fn with(config: fn(&mut Config)) -> Self {
        let mut world = Self {
            now: Timestamp::from_seconds(1_795_000_000),
            directory: directory(),
            store: None,
            centre: None,
            maap: None,
            todo: Vec::new(),
            due_at: None,
            starts: 0,
            config,
            centre_config: |_| {},
            phones: BTreeMap::new(),
            to_centre: VecDeque::new(),
            pushed: VecDeque::new(),
            webhook: Webhook::default(),
            credentials: None,
            token: None,
            stats: Stats::default(),
            entry_ids: EntryIds::new(7),
            pages_read: 0,
            unanswered: Vec::new(),
        };
        world.start();
        world.phone(ALICE);
        world.phone(BOB);
        world
    }

    /// As [`World::new`], with a chatbot that has its token and a webhook that has passed its check.
    pub fn with_bot() -> Self {
        let mut world = Self::new();
        world.make_bot();
        world
    }

    pub fn make_bot(&mut self) {
        self.create("12306", json!({ "displayName": "12306 票务", "webhook": "http://bot.example/hook/" }));
        self.log_in();
    }

    /// Opens the store and starts the platform over it.
    pub fn start(&mut self) {
        let store = Store::open(self.directory.path()).expect("the store opens");
        self.starts += 1;
        let secrets = Secrets { deployment: [3; 32], process: [self.starts; 32] };
        let transactions = sip::transaction::Config::new(DOMAIN, [9; 16]);
        let mut centre_config = message_centre::Config::new(numbering(), transactions);
        centre_config.registration.expires_s_max = 10 * 86_400;
        (self.centre_config)(&mut centre_config);
        let mut config = Config::new(numbering(), "http://maap.example");
        // Most stories count on when a webhook is tried again.
        config.jitter_percent = 0;
        (self.config)(&mut config);
        let mut maap = Maap::new(config, &secrets);
        maap.resume(Resumed::read(&store).expect("readable"), self.now);
        let chatbots = store.chatbots().expect("readable");
        self.todo = chatbots.keys().map(|chatbot| Todo::Maap(maap.woken(chatbot))).collect();
        self.centre = Some(Centre::new(centre_config, &secrets, self.now));
        self.maap = Some(maap);
        self.store = Some(store);
        self.due_at = Some(self.now);
        let on = self.phones.values().filter(|phone| phone.is_on).map(|phone| phone.number.clone());
        on.collect::<Vec<_>>().iter().for_each(|number| self.switch_on(number));
    }

    /// The process dies: memory is gone, and whatever webhooks answer is not heard.
    pub fn crash(&mut self) {
        (self.centre, self.maap, self.store) = (None, None, None);
        self.todo.clear();
        self.to_centre.clear();
        self.pushed.clear();
        self.unanswered.clear();
        self.webhook.held.clear();
    }

    /// The process dies, and starts again with another configuration.
    pub fn restart_with(&mut self, config: fn(&mut Config)) {
        self.crash();
        self.config = config;
        self.start();
    }

    pub fn store(&self) -> &Store {
        self.store.as_ref().expect("the platform runs")
    }

    /// Adds a subscriber with a device that is there.
    pub fn phone(&mut self, number: &str) {
        let place = self.phones.len() as u8 + 1;
        let peer = std::net::SocketAddr::from(([10, 0, 0, place], 5060));
        let flow = Flow { transport: Transport::Ws, id: place.into(), peer };
        let layer = Layer::new(sip::transaction::Config::new(format!("10.0.0.{place}"), [place; 16]));
        let phone = Phone {
            number: number.to_owned(),
            flow,
            layer,
            sent: 0,
            is_on: false,
            inbox: Vec::new(),
            envelopes: Vec::new(),
            reports: Vec::new(),
            reports_display: true,
            reports_display_first: false,
            features: "",
            responses: Vec::new(),
        };
        self.phones.insert(number.to_owned(), phone);
        self.account(number);
        self.switch_on(number);
    }

    /// Adds a subscriber without a device.
    pub fn account(&mut self, number: &str) {
        self.accounts([number]);
    }

    /// Adds subscribers without devices, all at once.
    pub fn accounts(&mut self, numbers: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut view = View::default();
        for number in numbers {
            let number = number.as_ref();
            let credential =
                Credential { username: number.to_owned(), ha1s: Ha1s::of(number, DOMAIN, PASSWORD) };
            let (address, created_at) = (user(number), self.now);
            view.put_account(Account {
                address,
                credentials: vec![credential],
                display_name: None,
                created_at,
            });
        }
        self.store().commit(&view).expect("committed");
    }

    /// So many subscribers without devices.
    pub fn users(&mut self, count: u32) -> Vec<String> {
        let users: Vec<String> = (0..count).map(|n| format!("+86139{n:08}")).collect();
        self.accounts(&users);
        users
    }

    /// A text from a subscriber to the chatbot, put into its mailbox as the centre does it; its message id is both.
    pub fn place_text(&mut self, from: &str, text: &str) {
        self.place_text_for(&bot(), from, text);
    }

    /// The same for any chatbot.
    pub fn place_text_for(&mut self, chatbot: &Address, from: &str, text: &str) {
        self.place_text_until(chatbot, from, text, seconds(30 * 86_400));
    }

    /// The same, with its end.
    pub fn place_text_until(&mut self, chatbot: &Address, from: &str, text: &str, validity: Duration) {
        let id = format!("{from}-{text}");
        let body = CpimBuilder::new(&format!("tel:{from}"), chatbot.as_str())
            .message_id(&id)
            .content_type("text/plain;charset=UTF-8")
            .build(text);
        let expires_at = self.now.plus(validity);
        let entry = Entry {
            id: self.entry_ids.next(self.now),
            kind: EntryKind::Message,
            message_id: id,
            from: user(from),
            to: chatbot.clone(),
            conversation_id: "conversation".to_owned(),
            contribution_id: "contribution".to_owned(),
            in_reply_to: None,
            service: None,
            content_type: cpim::CONTENT_TYPE.to_owned(),
            body,
            wanted: Dispositions::NONE,
            accepted_at: self.now,
            expires_at,
            waiting: Vec::new(),
            taken: Vec::new(),
            refused: Vec::new(),
            attempts: 0,
            next_due: expires_at,
            spooled: None,
            accept: Vec::new(),
        };
        let (mut view, mut wants) = (View::default(), Wants::default());
        wants.head(chatbot);
        self.store().load(wants, &mut view).expect("loaded");
        view.put_entry(entry);
        self.store().commit(&view).expect("committed");
        let maap = self.maap.as_mut().expect("the platform runs");
        self.todo.push(Todo::Maap(maap.woken(chatbot)));
        self.settle();
    }

    /// A device connects and registers.
    pub fn switch_on(&mut self, number: &str) {
        let now = self.now.since(Timestamp::EPOCH);
        let phone = self.phones.get_mut(number).expect("a phone");
        phone.is_on = true;
        phone.flow.id += 100;
        phone.register(now, None);
        self.settle();
        let bindings = self.store().bindings(&user(number)).expect("readable");
        assert_eq!(bindings.list.len(), 1, "{number} is registered");
    }

    /// A device is switched off without a word; its connection breaks.
    pub fn switch_off(&mut self, number: &str) {
        let phone = self.phones.get_mut(number).expect("a phone");
        phone.is_on = false;
        let mut tasks = Vec::new();
        let centre = self.centre.as_mut().expect("the platform runs");
        centre.flow_closed(self.now, phone.flow, &mut tasks);
        self.todo.extend(tasks.into_iter().map(Todo::Centre));
        self.settle();
    }

    /// A user's text to the chatbot; its message id is the text.
    pub fn text(&mut self, from: &str, text: &str) {
        self.message(from, text, "text/plain;charset=UTF-8", text);
    }

    pub fn message(&mut self, from: &str, id: &str, content_type: &str, body: &str) {
        let now = self.now.since(Timestamp::EPOCH);
        let wanted = Dispositions { negative_delivery: true, ..Dispositions::DELIVERY_AND_DISPLAY };
        let body = CpimBuilder::new(&format!("tel:{from}"), BOT)
            .message_id(id)
            .dispositions(wanted)
            .content_type(content_type)
            .build(body);
        self.phones.get_mut(from).expect("a phone").send(now, BOT, body);
        self.settle();
    }

    pub fn create(&mut self, name: &str, data: Value) {
        self.create_as(Dialect::Ctcu, name, data);
    }

    pub fn create_as(&mut self, dialect: Dialect, name: &str, data: Value) {
        let data = serde_json::from_value(data).expect("a change");
        let new = NewChatbot { name: name.to_owned(), dialect, tenant: None, data };
        match self.call(Call::Create(Box::new(new))) {
            Answer::Created { credentials, .. } => self.credentials = Some(credentials),
            other => panic!("{other:?}"),
        }
    }

    pub fn update(&mut self, data: Value) -> Answer {
        let change: Change = serde_json::from_value(data).expect("a change");
        self.call(Call::Update { chatbot: bot(), change: Box::new(change), is_reviewed: false })
    }

    /// Asks for a token with the right credentials.
    pub fn log_in(&mut self) -> Value {
        let credentials = self.credentials.clone().expect("a chatbot");
        let body = json!({ "appId": credentials.app_id, "appKey": credentials.app_key });
        let answer = self.ask_token(bot(), &body.to_string());
        if let Some(token) = answer["accessToken"].as_str() {
            self.token = Some(token.to_owned());
        }
        answer
    }

    /// The chatbot's send call, as the HTTP edge makes it.
    pub fn send(&mut self, body: &Value) -> Value {
        self.json(|| ctcu::send_call(bot(), body.to_string().as_bytes(), &numbering()))
    }

    /// The same, answered as the platform does.
    pub fn try_send(&mut self, body: &Value) -> Answer {
        self.call(ctcu::send_call(bot(), body.to_string().as_bytes(), &numbering()).expect("well formed"))
    }

    /// Sends a text to some users; gives the error code.
    pub fn say(&mut self, id: &str, to: &[&str], text: &str) -> i64 {
        let answer = self.send(&message_to(id, to, text));
        answer["errorCode"].as_i64().expect("a code")
    }

    /// The chatbot's revoke call.
    pub fn revoke(&mut self, id: &str, to: &[&str]) -> Value {
        let to: Vec<String> = to.iter().map(|number| format!("tel:{number}")).collect();
        let body = json!({ "messageId": id, "destinationAddress": to, "status": "RevokeRequested" });
        self.json(|| ctcu::revoke_call(bot(), body.to_string().as_bytes(), &numbering()))
    }

    /// The chatbot's call that changes its menu.
    pub fn update_menu(&mut self, menu: &Value) -> Value {
        self.json(|| ctcu::menu_call(bot(), menu.to_string().as_bytes()))
    }

    /// The chatbot's call that changes what handsets show of it.
    pub fn update_optionals(&mut self, optionals: &Value) -> Value {
        self.json(|| ctcu::optionals_call(bot(), optionals.to_string().as_bytes()))
    }

    /// A user wants to hear nothing from somebody.
    pub fn block(&mut self, owner: &str, whom: Address) {
        let mut view = View::default();
        let blocked = Blocked { address: whom, since: self.now };
        view.put_blocks(&user(owner), Blocks { list: vec![blocked] });
        self.store().commit(&view).expect("committed");
    }

    /// The chatbot's token call, as the HTTP edge makes it.
    pub fn ask_token(&mut self, chatbot: Address, body: &str) -> Value {
        let call = ctcu::token_call(chatbot, body.as_bytes());
        self.answer(call)
    }

    /// A call of the chatbot, as the HTTP edge makes it: who asks is found out first.
    fn json(&mut self, call: impl FnOnce() -> Result<Call, Refusal>) -> Value {
        let row = self.store().chatbot(&bot()).expect("readable");
        let authorised = maap::authorise(row.as_ref(), self.token.as_deref(), self.now).map(drop);
        let call = authorised.map_err(|refusal| ctcu::refusal_of(&refusal)).and_then(|()| call());
        self.answer(call)
    }

    fn answer(&mut self, call: Result<Call, Refusal>) -> Value {
        let answer = call.and_then(|call| ctcu::answer(self.call(call), "http://maap.example"));
        match answer {
            Ok(json) => serde_json::from_slice(&json).expect("JSON"),
            Err(refusal) => serde_json::to_value(refusal.answer()).expect("JSON"),
        }
    }

    /// Makes a call and lets what follows from it happen.
    pub fn call(&mut self, mut call: Call) -> Answer {
        let store = self.store();
        privacy::resolve(&mut call, |token| store.alias(token)).expect("readable");
        self.todo.push(Todo::Maap(maap::Task::Call(Box::new(call))));
        let answer = self.turn().pop().expect("an answer");
        self.settle();
        answer
    }

    /// Webhook calls that hang are answered.
    pub fn let_go(&mut self) {
        self.webhook.holds = false;
        for push in std::mem::take(&mut self.webhook.held) {
            let pushed = self.webhook.answer(&push);
            self.pushed.push_back(pushed);
        }
        self.settle();
    }

    pub fn run_for(&mut self, span: Duration) {
        let end = self.now.plus(span);
        loop {
            self.settle();
            let wake = self.wake_at().filter(|at| *at <= end);
            let Some(at) = wake else { break };
            self.now = self.now.max(at);
        }
        self.now = end;
        self.settle();
    }

    pub fn records(&self, message_id: &str) -> Vec<Record> {
        self.store().records(message_id).expect("readable")
    }

    /// What was given up on on its way to a chatbot.
    pub fn dead_letters(&self, chatbot: &Address) -> Vec<DeadLetter> {
        self.store().dead_letters(Some(chatbot), None, 10_000).expect("readable")
    }

    /// Puts all of it back, as the administration does; how many there were.
    pub fn put_back(&mut self, chatbot: &Address) -> usize {
        let letters = self.dead_letters(chatbot).iter().map(dead_letters::key_of).collect();
        match self.call(Call::PutBack { chatbot: chatbot.clone(), letters }) {
            Answer::Counted(count) => count,
            other => panic!("{other:?}"),
        }
    }

    /// Has the centre decide something.
    pub fn centre_task(&mut self, task: Task) {
        self.todo.push(Todo::Centre(task));
        self.settle();
    }

    /// What waits for the chatbot.
    pub fn mailbox(&self) -> Vec<Entry> {
        self.store().mailbox(&bot(), 10_000).expect("readable")
    }

    pub fn wake_at(&self) -> Option<Timestamp> {
        let centre = self.centre.as_ref().and_then(Centre::wake_at);
        let maap = self.maap.as_ref().and_then(Maap::wake_at);
        let phones = self.phones.values().filter_map(|phone| phone.layer.poll_timeout()).min();
        let phones = phones.map(|at| Timestamp::from_millis(at.as_millis() as u64 + 1));
        let unanswered = self.unanswered.iter().map(|(at, _)| *at).min();
        [centre, maap, phones, self.due_at, unanswered].into_iter().flatten().min()
    }

    /// Everything that happens at this instant.
    pub fn settle(&mut self) {
        loop {
            self.turn();
            self.phones_turn();
            let is_due = self.wake_at().is_some_and(|at| at <= self.now);
            if self.todo.is_empty() && self.to_centre.is_empty() && self.pushed.is_empty() && !is_due {
                return;
            }
        }
    }

    /// One batch, as the engine of the binary runs it; gives the answers.
    pub fn turn(&mut self) -> Vec<Answer> {
        let (Some(centre), Some(maap), Some(store)) = (&mut self.centre, &mut self.maap, &self.store) else {
            return Vec::new();
        };
        let mut todo = std::mem::take(&mut self.todo);
        let mut tasks = Vec::new();
        for (flow, bytes) in self.to_centre.drain(..) {
            let message = Message::parse_datagram(bytes).expect("handsets write well-formed messages");
            centre.receive(self.now, flow, message, &mut tasks);
        }
        let now = self.now;
        let over = self.unanswered.extract_if(.., |(at, _)| *at <= now);
        self.pushed.extend(over.map(|(_, push)| {
            let text = "no answer in time".to_owned();
            push.ended(Err(PushFailure { kind: PushFailureKind::Timeout, text }))
        }));
        let pushed = self.pushed.drain(..);
        todo.extend(pushed.map(|pushed| Todo::Maap(maap::Task::Pushed(Box::new(pushed)))));
        centre.tick(self.now, &mut tasks);
        if self.due_at.is_some_and(|at| at <= self.now) {
            let (due, next) = store.due(rcs::Timestamp::EPOCH, self.now, 256).expect("readable");
            tasks.extend(due.into_iter().map(Task::Due));
            self.due_at = next;
        }
        let mut timers = Vec::new();
        maap.tick(self.now, &mut timers);
        todo.extend(timers.into_iter().map(Todo::Maap));
        todo.extend(tasks.into_iter().map(Todo::Centre));
        let (mut view, mut out, mut answers) = (View::default(), Out::default(), Vec::new());
        let mut work = Work::new(self.now, &mut view);
        while !todo.is_empty() {
            let mut wants = Wants::default();
            for one in &todo {
                match one {
                    Todo::Centre(task) => centre.wants(task, &mut wants),
                    Todo::Maap(task) => maap.wants(centre, task, &mut wants),
                }
            }
            self.pages_read += wants.pages();
            store.load(wants, work.view).expect("loaded");
            for one in todo.drain(..) {
                match one {
                    Todo::Centre(task) => centre.decide(task, &mut work),
                    Todo::Maap(task) => answers.extend(maap.decide(task, centre, &mut work, &mut out)),
                }
            }
            todo.extend(work.then.drain(..).map(Todo::Centre));
            let heard = work.heard.drain(..).map(|heard| maap::Task::Heard(Box::new(heard)));
            todo.extend(heard.map(Todo::Maap));
        }
        let (next, mut woken, typing) = (work.next, work.woken, work.typing);
        store.commit(&view).expect("committed");
        self.due_at = self.due_at.into_iter().chain(view.earliest_due()).min();
        woken.sort_unstable();
        woken.dedup();
        self.todo.extend(next.into_iter().map(Todo::Centre));
        self.todo.extend(out.next.into_iter().map(Todo::Maap));
        self.todo.extend(woken.iter().map(|chatbot| Todo::Maap(maap.woken(chatbot))));
        self.todo
            .extend(typing.into_iter().map(|(bot, user, state)| Todo::Maap(Maap::typing(bot, user, state))));
        self.count(out.stats);
        let centre = self.centre.as_mut().expect("the platform runs");
        while let Some((flow, bytes)) = centre.poll_transmit() {
            let phone = self.phones.values_mut().find(|phone| phone.flow == flow);
            if let Some(phone) = phone.filter(|phone| phone.is_on) {
                phone.receive(self.now.since(Timestamp::EPOCH), bytes);
            }
        }
        for push in out.pushes {
            self.webhook.calls.push(push.clone());
            if self.webhook.trouble_of(&push) == Some(Trouble::Hangs) {
                self.unanswered.push((self.now.plus(push.timeout), push));
            } else if self.webhook.holds {
                self.webhook.held.push(push);
                self.webhook.most_held = self.webhook.most_held.max(self.webhook.held.len());
            } else {
                let pushed = self.webhook.answer(&push);
                self.pushed.push_back(pushed);
            }
        }
        answers
    }

    fn count(&mut self, stats: Stats) {
        self.stats.pushes_taken += stats.pushes_taken;
        self.stats.pushes_refused += stats.pushes_refused;
        self.stats.pushes_failed += stats.pushes_failed;
        self.stats.checks_passed += stats.checks_passed;
        self.stats.checks_failed += stats.checks_failed;
    }

    fn phones_turn(&mut self) {
        let now = self.now.since(Timestamp::EPOCH);
        for phone in self.phones.values_mut() {
            phone.layer.handle_timeout(now);
            phone.take_events(now);
            while let Some(parcel) = phone.layer.poll_transmit() {
                self.to_centre.push_back(parcel);
            }
        }
    }
}

impl Webhook {
    /// The texts that were taken from a user, in order.
    pub fn texts_of(&self, number: &str) -> Vec<String> {
        let sender = format!("tel:{number}");
        let messages = self.taken.iter().filter(|(path, _)| path.ends_with("/messages"));
        let of_user = messages.filter(|(_, body)| body["senderAddress"] == sender.as_str());
        let text = |body: &Value| body["messageList"][0]["contentText"].as_str().expect("a text").to_owned();
        of_user.map(|(_, body)| text(body)).collect()
    }

    fn trouble_of(&self, push: &Push) -> Option<Trouble> {
        let host = push.url.strip_prefix("http://")?.split('/').next()?;
        self.troubles.get(host).copied()
    }

    /// The calls of a webhook of another chatbot.
    pub fn calls_of(&self, host: &str) -> usize {
        self.calls.iter().filter(|push| push.url.starts_with(&format!("http://{host}/"))).count()
    }

    /// The statuses that were taken: message id, user, status, error code.
    pub fn statuses(&self) -> Vec<(String, String, String, i64)> {
        let pushes = self.taken.iter().filter(|(path, _)| path.ends_with("/status"));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let infos = pushes.flat_map(|(_, body)| body["deliveryInfoList"].as_array().expect("a list"));
        infos
            .map(|info| {
                let code = info["errorCode"].as_i64().expect("a code");
                let user = text(&info["senderAddress"]).replace("tel:", "");
                (text(&info["messageId"]), user, text(&info["status"]), code)
            })
            .collect()
    }

    fn answer(&mut self, push: &Push) -> Pushed {
        let header = |name: &str| {
            let found = push.headers.iter().find(|(header, _)| *header == name);
            found.map(|(_, value)| value.clone())
        };
        if self.is_down {
            let text = "connection refused".to_owned();
            return push.ended(Err(PushFailure { kind: PushFailureKind::Connect, text }));
        }
        let status = |status| PushAnswer { status, ..PushAnswer::default() };
        let failure = |kind, text: &str| Err(PushFailure { kind, text: text.to_owned() });
        match self.trouble_of(push) {
            Some(Trouble::Answers(code)) => return push.ended(Ok(status(code))),
            Some(Trouble::Wants(code, seconds)) => {
                let headers = vec![("retry-after", seconds.to_string())];
                return push.ended(Ok(PushAnswer { headers, ..status(code) }));
            }
            Some(Trouble::Closes) => {
                return push.ended(failure(PushFailureKind::Connect, "broken off"));
            }
            Some(Trouble::Forbidden) => {
                return push.ended(failure(PushFailureKind::Forbidden, "the address is private"));
            }
            Some(Trouble::Hangs) | None => {}
        }
        if push.method == Method::Get {
            if !push.url.ends_with("/notifyPath") {
                // FNW.11's probe, of the webhook itself.
                assert_eq!(push.url, "http://bot.example/hook");
                return push.ended(Ok(status(if self.fails_checks { 500 } else { 200 })));
            }
            let echo = header("echoStr").filter(|_| !self.fails_checks);
            let headers = echo.map(|echo| ("echostr", echo)).into_iter().collect();
            return push.ended(Ok(PushAnswer { headers, ..status(200) }));
        }
        if self.wants_encoded && push.url.contains("sip:") {
            return push.ended(Ok(status(404)));
        }
        // China Mobile's pushes are XML.
        let body: Value = serde_json::from_slice(&push.body).unwrap_or_default();
        if let Some(secret) = body["secret"].as_str().filter(|_| !self.fails_checks) {
            let body = Bytes::from(secret.to_owned());
            return push.ended(Ok(PushAnswer { body, ..status(200) }));
        }
        let from = body["senderAddress"].as_str().unwrap_or_default();
        if self.fails_for.contains(from.trim_start_matches("tel:")) {
            return push.ended(Ok(status(500)));
        }
        let (_, path) = push.url.split_once("/hook").expect("the webhook's URL");
        self.taken.push((path.to_owned(), body));
        // Over the RBM-style interface, 200 alone takes a push.
        push.ended(Ok(status(if header("x-goog-signature").is_some() { 200 } else { 204 })))
    }
}

/// Whether a push is signed by the callback token, freshly.
pub fn is_signed(push: &Push, callback_token: &str, now: Timestamp) -> bool {
    let header = |name: &str| {
        let found = push.headers.iter().find(|(header, _)| *header == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    header("timestamp") == now.as_seconds().to_string()
        && signature::verify(callback_token, header("timestamp"), header("nonce"), header("signature"))
}

/// The body of a send call.
pub fn message_to(id: &str, to: &[&str], text: &str) -> Value {
    let to: Vec<String> = to.iter().map(|number| format!("tel:{number}")).collect();
    json!({
        "messageId": id,
        "messageList": [{ "contentType": "text/plain", "contentText": text }],
        "destinationAddress": to,
        "senderAddress": BOT,
        "conversationId": "conversation-1",
        "contributionId": format!("contribution-{id}"),
        "serviceCapability": [{ "capabilityId": "ChatbotSA", "version": "+g.gsma.rcs.botversion=\"#=1\"" }],
    })
}

pub fn number_of(code: ReturnCode) -> i64 {
    code.number().into()
}

impl Phone {
    pub fn texts(&self) -> Vec<&str> {
        self.inbox.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn send(&mut self, now: Duration, to: &str, body: Bytes) {
        self.sent += 1;
        let request = self.request("MESSAGE", to, to).body(cpim::CONTENT_TYPE, body).build();
        self.layer.request(now, self.flow, request).expect("the request goes out");
    }

    fn register(&mut self, now: Duration, authorization: Option<String>) {
        self.sent += 1;
        let (number, peer) = (&self.number, self.flow.peer);
        let features = self.features;
        let contact =
            format!("<sip:{number}@{peer};transport=ws>;+sip.instance=\"<urn:uuid:{number}>\"{features}");
        let own = self.uri();
        let mut request = self
            .request("REGISTER", &format!("sip:{DOMAIN}"), &own)
            .header(HeaderName::Contact, contact)
            .header(HeaderName::Expires, 864_000);
        if let Some(authorization) = authorization {
            request = request.header(HeaderName::Authorization, authorization);
        }
        self.layer.request(now, self.flow, request.build()).expect("the request goes out");
    }

    fn request(&self, method: &str, uri: &str, to: &str) -> RequestBuilder {
        let (sent, number) = (self.sent, &self.number);
        RequestBuilder::new(method, uri)
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format!("<{}>;tag=t{sent}", self.uri()))
            .header(HeaderName::To, format!("<{to}>"))
            .header(HeaderName::CallId, format!("{method}-{sent}-{number}"))
            .header(HeaderName::CSeq, format!("{sent} {method}"))
    }

    fn uri(&self) -> String {
        format!("sip:{}@{DOMAIN};user=phone", self.number)
    }

    fn receive(&mut self, now: Duration, bytes: Bytes) {
        let message = Message::parse_datagram(bytes).expect("the centre writes well-formed messages");
        if let Some(event) = self.layer.receive(now, self.flow, message) {
            self.take(now, event);
        }
        self.take_events(now);
    }

    fn take_events(&mut self, now: Duration) {
        while let Some(event) = self.layer.poll_event() {
            self.take(now, event);
        }
    }

    fn take(&mut self, now: Duration, event: Event) {
        match event {
            Event::Request { tx, request, .. } => {
                let response = ResponseBuilder::for_request(&request, 200, "").to_tag("phone").build();
                self.layer.respond(now, tx, response).expect("the request waits for its answer");
                let envelope = Cpim::parse(request.body_bytes()).expect("well formed");
                if envelope.is_imdn() {
                    let report = Imdn::parse(envelope.payload()).expect("well formed");
                    self.reports.push((report.message_id, report.disposition));
                } else {
                    self.show(now, envelope);
                }
            }
            Event::Response { response, .. } if response.status() == 401 => {
                let challenge =
                    Challenge::best(response.all(HeaderName::WwwAuthenticate)).expect("a challenge");
                let uri = format!("sip:{DOMAIN}");
                let answer = challenge.answer("REGISTER", &uri, &self.number, PASSWORD, "cnonce", 1);
                self.register(now, Some(answer));
            }
            Event::Response { response, .. } if response.is_final() => {
                let of_message = response.cseq().is_ok_and(|cseq| cseq.method == sip::Method::Message);
                if of_message {
                    self.responses.push(response.status());
                }
            }
            _ => {}
        }
    }

    fn show(&mut self, now: Duration, envelope: Cpim) {
        let id = envelope.message_id().expect("an id").to_owned();
        let text = String::from_utf8(envelope.payload().to_vec()).expect("text");
        let sender = envelope.from_uri().expect("a sender").to_owned();
        let displayed = self.reports_display.then_some(Disposition::Displayed);
        let mut due = [Some(Disposition::Delivered), displayed];
        if self.reports_display_first {
            due.reverse();
        }
        for disposition in due.into_iter().flatten() {
            let report = Imdn::new(&id, disposition).to_xml();
            let body = CpimBuilder::new(&self.uri(), &sender)
                .message_id(&format!("report-{}-{}", self.sent, self.flow.peer))
                .content_type(imdn::CONTENT_TYPE)
                .build(report);
            self.send(now, &sender, body);
        }
        self.inbox.push((id, text));
        self.envelopes.push(envelope);
    }
}

/// Links as a deployment would make them, without their seal.
#[derive(Debug)]
pub struct Links;

impl maap::MediaLinks for Links {
    fn url(&self, id: FileId) -> String {
        format!("https://maap.example/content/{id}")
    }

    fn thumbnail_url(&self, id: FileId) -> String {
        format!("https://maap.example/content/{id}/thumbnail")
    }

    fn id_of(&self, url: &str) -> Option<FileId> {
        url.strip_prefix("https://maap.example/content/")?.parse().ok()
    }
}

/// Something that the chatbot has uploaded.
pub fn media(number: u8, expires_at: Option<Timestamp>) -> Media {
    Media {
        id: store::media::id(&bot(), [number; 8]),
        owner: bot(),
        name: None,
        content_type: "image/jpeg".to_owned(),
        bytes: 1,
        thumbnail: None,
        plays_ms: None,
        created_at: Timestamp::EPOCH,
        expires_at,
        review: Review::Pending,
    }
}
