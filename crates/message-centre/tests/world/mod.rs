//! A message centre with handsets around it, in one process and in virtual time: a network that loses, repeats and reorders,
//! a store on disk that outlives the centre.

#![allow(dead_code, reason = "each test file uses its part")]

mod groups;
mod watches;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use message_centre::group::icon;
use message_centre::{Centre, Config, Secrets, Task, Work, admin, files};
use rcs::Timestamp;
use rcs::address::{Address, Numbering};
use rcs::cpim::{Cpim, CpimBuilder, Dispositions};
use rcs::imdn::{self, Disposition, Imdn};
use rcs::revoke::{self, Revoke};
use sip::digest::{Challenge, Ha1s};
use sip::transaction::{ClientTxId, Event, Layer};
use sip::{Flow, HeaderName, Message, Method, RequestBuilder, ResponseBuilder, Transport};
use store::{Account, Credential, FileId, Record, Store, View, Wants};

pub const DOMAIN: &str = "hongyan.local";
/// Where the content server would be.
pub const CONTENT: &str = "https://rcs.example/content/";
pub const PASSWORD: &str = "open sesame";

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn hours(count: u64) -> Duration {
    seconds(3600 * count)
}

/// How the network between the handsets and the centre behaves, in thousandths.
#[derive(Clone, Copy, Default)]
pub struct Weather {
    pub lose: u64,
    pub repeat: u64,
    pub reorder: u64,
}

/// A handset, by its place in the world.
pub type Phone = usize;

pub struct World {
    pub now: Timestamp,
    pub weather: Weather,
    random: u64,
    directory: tempfile::TempDir,
    store: Option<Store>,
    centre: Option<Centre>,
    todo: Vec<Task>,
    due_at: Option<Timestamp>,
    /// Bytes under way: when they arrive, in what order they were sent, where they go.
    air: BTreeMap<(Timestamp, u64), Parcel>,
    sent: u64,
    pub phones: Vec<Handset>,
    pub admin_answers: Vec<admin::Answer>,
    connections: u64,
    pub config: fn(&mut Config),
    /// What the edge makes of pictures for icons.
    pub make_icon: fn(&icon::Source) -> Result<icon::Picture, icon::Flaw>,
    /// A flow that is no handset's, and what the centre sent there.
    tap: Option<Flow>,
    tapped: Vec<Bytes>,
}

enum Parcel {
    ToCentre(Flow, Bytes),
    ToPhone(Flow, Bytes),
    Closed(Flow),
}

/// One device of a subscriber, a client that we wrote only to test with.
pub struct Handset {
    pub number: String,
    /// Digest user name and password.
    pub login: (String, String),
    pub instance: String,
    pub flow: Flow,
    pub is_on: bool,
    layer: Layer,
    cseq: u32,
    registration: Option<ClientTxId>,
    pub is_registered: bool,
    pub expires_s: u32,
    /// Sent and not yet answered with 2xx: message id, addressee, text.
    pub outbox: VecDeque<(String, String, String)>,
    sending: BTreeMap<ClientTxId, String>,
    /// Answers to what was sent, by message id; a later one replaces an earlier one.
    pub answers: BTreeMap<String, u16>,
    /// Message ids that were shown, in order, each once.
    pub inbox: Vec<String>,
    pub texts: Vec<String>,
    shown: BTreeSet<String>,
    /// Reports received: message id and disposition, in order.
    pub reports: Vec<(String, Disposition)>,
    /// Whose reports these were, by their CPIM From.
    pub reporters: Vec<String>,
    /// Composing indications received.
    pub composing: usize,
    /// Answers to revocations: message id, and whether it was taken back.
    pub revoked: Vec<(String, bool)>,
    /// What the handset answers to a MESSAGE.
    pub answers_with: u16,
    /// Whether it sends delivered and displayed reports.
    pub sends_reports: bool,
    /// Whether it shows a message and reports on it before it answers.
    pub answers_last: bool,
    /// Whether it answers at all.
    pub is_mute: bool,
    pub responses: Vec<u16>,
    /// What the handset answers to an INVITE of a focus.
    pub answers_invite_with: u16,
    /// The session description that it offers when a focus calls.
    pub offers: Option<&'static str>,
    pub groups: groups::Groups,
    pub watches: watches::Watches,
    /// More feature tags of its Contact: `;+g.gsma.rcs.botversion="#=1"`.
    pub features: String,
    /// `reg-id`, for one flow among several of a device.
    pub reg_id: Option<u32>,
    /// Call-ID of its registrations.
    pub registers_as: String,
    /// The Contacts of the last answer to a REGISTER.
    pub contacts: Vec<String>,
}

/// The source again: its bytes, or the link.
pub fn small_picture(source: &icon::Source) -> Result<icon::Picture, icon::Flaw> {
    let bytes = match source {
        icon::Source::Link(url) => Bytes::copy_from_slice(url.as_bytes()),
        icon::Source::Bytes(bytes) => bytes.clone(),
    };
    Ok(icon::Picture { content_type: "image/jpeg".to_owned(), bytes })
}

impl World {
    pub fn new() -> Self {
        Self::with_seed(1)
    }

    pub fn with_seed(seed: u64) -> Self {
        Self::with(seed, |_| {})
    }

    pub fn with(seed: u64, config: fn(&mut Config)) -> Self {
        // In memory where the system has such a place: these crashes are of the process, not of the machine, and thousands
        // of commits would otherwise wait for the disk.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let directory = directory.expect("a directory for the store");
        let mut world = Self {
            now: Timestamp::from_seconds(1_795_000_000),
            weather: Weather::default(),
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            directory,
            store: None,
            centre: None,
            todo: Vec::new(),
            due_at: None,
            air: BTreeMap::new(),
            sent: 0,
            phones: Vec::new(),
            admin_answers: Vec::new(),
            connections: 0,
            config,
            make_icon: small_picture,
            tap: None,
            tapped: Vec::new(),
        };
        world.start();
        world
    }

    /// Opens the store and starts a centre over it.
    pub fn start(&mut self) {
        let store = Store::open(self.directory.path()).expect("the store opens");
        let process: [u8; 32] = std::array::from_fn(|_| self.random(256) as u8);
        let secrets = Secrets { deployment: [3; 32], process };
        let branches = std::array::from_fn(|i| process[i]);
        let transactions = sip::transaction::Config::new(DOMAIN, branches);
        let mut config = Config::new(Numbering::new("CN", DOMAIN), transactions);
        config.trust_udp_source = true;
        (self.config)(&mut config);
        let mut centre = Centre::new(config, &secrets, self.now);
        centre.link_icons(Box::new(|id| format!("{CONTENT}{id}")));
        self.centre = Some(centre);
        self.store = Some(store);
        let store = self.store.as_ref().expect("just opened");
        let histories = store.histories().expect("readable");
        self.centre.as_mut().expect("just made").keep_history_of(&histories);
        let owners = store.owners_of_mail().expect("readable");
        let groups = store.groups().expect("readable");
        self.todo.extend(groups.iter().filter_map(message_centre::group::wake));
        self.todo.extend(owners.into_iter().map(Task::Wake));
        self.todo.extend(store.watched().expect("readable").into_iter().map(message_centre::events::wake));
        self.due_at = Some(Timestamp::EPOCH);
    }

    /// The process dies: memory is gone, connections break, the disk stays.
    pub fn crash(&mut self) {
        (self.centre, self.store) = (None, None);
        self.todo.clear();
        self.air.retain(|_, parcel| matches!(parcel, Parcel::ToPhone(..)));
        for phone in &mut self.phones {
            if phone.flow.transport.is_reliable() {
                phone.is_registered = false;
            }
        }
    }

    pub fn store(&self) -> &Store {
        self.store.as_ref().expect("the centre runs")
    }

    pub fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    /// What the centre remembers.
    pub fn held(&self) -> message_centre::Held {
        self.centre.as_ref().expect("the centre runs").held()
    }

    /// A subscriber with one device that is on and registered, over UDP.
    pub fn handset(&mut self, number: &str) -> Phone {
        let phone = self.device(number, Transport::Udp);
        self.register(phone);
        phone
    }

    /// A device that has not registered; the subscriber is added if need be.
    pub fn device(&mut self, number: &str, transport: Transport) -> Phone {
        let address = Address::subscriber(number).expect("a number");
        let credential = Credential { username: number.to_owned(), ha1s: Ha1s::of(number, DOMAIN, PASSWORD) };
        let created_at = self.now;
        let account = Account { address, credentials: vec![credential], display_name: None, created_at };
        self.admin(admin::Call::PutSubscriber(account));
        let place = self.phones.len();
        let peer = format!("10.0.0.{}:{}", place + 1, 5060).parse().expect("an address");
        let mut handset = Handset {
            number: number.to_owned(),
            login: (number.to_owned(), PASSWORD.to_owned()),
            instance: format!("urn:uuid:00000000-0000-4000-8000-{place:012}"),
            flow: Flow { transport, id: 0, peer },
            is_on: true,
            layer: Layer::new(sip::transaction::Config::new(
                format!("10.0.0.{}", place + 1),
                [place as u8; 16],
            )),
            cseq: 0,
            registration: None,
            is_registered: false,
            expires_s: 3600,
            outbox: VecDeque::new(),
            sending: BTreeMap::new(),
            answers: BTreeMap::new(),
            inbox: Vec::new(),
            texts: Vec::new(),
            shown: BTreeSet::new(),
            reports: Vec::new(),
            reporters: Vec::new(),
            composing: 0,
            revoked: Vec::new(),
            answers_with: 200,
            sends_reports: true,
            answers_last: false,
            is_mute: false,
            responses: Vec::new(),
            answers_invite_with: 200,
            offers: None,
            groups: groups::Groups::default(),
            watches: watches::Watches::default(),
            features: String::new(),
            reg_id: None,
            registers_as: format!("registration-{place}"),
            contacts: Vec::new(),
        };
        if transport.is_reliable() {
            self.connections += 1;
            handset.flow.id = self.connections;
        }
        self.phones.push(handset);
        place
    }

    pub fn register(&mut self, phone: Phone) {
        self.phones[phone].is_on = true;
        let (now, nonce) = (self.time(), self.random(u64::MAX));
        self.phones[phone].register(now, None, nonce);
        self.run_until_idle();
    }

    /// Switches a device off without a word.
    pub fn switch_off(&mut self, phone: Phone) {
        let handset = &mut self.phones[phone];
        handset.is_on = false;
        handset.is_registered = false;
        let flow = handset.flow;
        if flow.transport.is_reliable() {
            self.post(Parcel::Closed(flow), Duration::from_millis(1));
        }
        self.settle();
    }

    /// Switches a device on: it connects anew and registers.
    pub fn switch_on(&mut self, phone: Phone) {
        if self.phones[phone].flow.transport.is_reliable() {
            self.connections += 1;
            self.phones[phone].flow.id = self.connections;
        }
        self.register(phone);
    }

    /// Sends a text and returns its message id.
    pub fn send(&mut self, from: Phone, to: &str, text: &str) -> String {
        let nonce = self.random(1 << 40);
        let id = format!("m{}-{nonce}", self.sent);
        self.phones[from].outbox.push_back((id.clone(), to.to_owned(), text.to_owned()));
        let now = self.time();
        self.phones[from].flush(now);
        self.settle();
        id
    }

    /// Sends a document of this type, and gives the status of the answer.
    pub fn send_document(&mut self, from: Phone, to: &str, content_type: &str, document: &str) -> u16 {
        let now = self.time();
        let phone = &mut self.phones[from];
        phone.responses.clear();
        let body = CpimBuilder::new(&phone.uri(), &format!("sip:{to}@{DOMAIN};user=phone"))
            .message_id(&format!("d{}", phone.cseq))
            .content_type(content_type)
            .build(document);
        phone.send_body(now, to, body, None).expect("the request goes out");
        self.run_for(Duration::from_millis(100));
        *self.phones[from].responses.first().expect("an answer")
    }

    /// Takes a message back, or tries to; the status of the answer.
    pub fn revoke(&mut self, from: Phone, to: &str, message_id: &str) -> u16 {
        let request = Revoke { message_id: message_id.to_owned(), result: None };
        self.send_document(from, to, revoke::CONTENT_TYPE, &request.to_xml())
    }

    /// Sends a raw request from a device.
    pub fn send_request(&mut self, from: Phone, request: Bytes) {
        let now = self.time();
        let flow = self.phones[from].flow;
        self.phones[from].layer.request(now, flow, request).expect("the request goes out");
        self.settle();
    }

    /// Keeps what the centre sends to a flow that is no handset's.
    pub fn tap(&mut self, flow: Flow) {
        self.tap = Some(flow);
    }

    /// What came there since the last look.
    pub fn tapped(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.tapped)
    }

    /// Raw bytes to the centre, as from the wire.
    pub fn inject(&mut self, flow: Flow, bytes: Bytes) {
        self.post(Parcel::ToCentre(flow, bytes), Duration::from_millis(1));
        self.settle();
    }

    /// Has a change of the index of files decided; the answer, and the files whose bytes may go.
    pub fn change_files(&mut self, call: files::Call) -> (files::Answer, Vec<FileId>) {
        let (Some(centre), Some(store)) = (&self.centre, &self.store) else { panic!("the centre runs") };
        let mut view = View::default();
        let mut wants = Wants::default();
        centre.file_wants(&call, &mut wants);
        store.load(wants, &mut view).expect("loaded");
        let mut work = Work::new(self.now, &mut view);
        let answer = centre.decide_file(call, &mut work);
        let gone = std::mem::take(&mut work.files_gone);
        store.commit(&view).expect("committed");
        (answer, gone)
    }

    pub fn admin(&mut self, call: admin::Call) {
        let (Some(centre), Some(store)) = (&mut self.centre, &self.store) else { panic!("the centre runs") };
        let mut view = View::default();
        let mut wants = Wants::default();
        centre.admin_wants(&call, &mut wants);
        store.load(wants, &mut view).expect("loaded");
        let mut work = Work::new(self.now, &mut view);
        let answer = centre.decide_admin(call, &mut work);
        while !work.then.is_empty() {
            let tasks = std::mem::take(&mut work.then);
            let mut wants = Wants::default();
            tasks.iter().for_each(|task| centre.wants(task, &mut wants));
            store.load(wants, work.view).expect("loaded");
            tasks.into_iter().for_each(|task| centre.decide(task, &mut work));
        }
        self.todo.append(&mut work.next);
        store.commit(&view).expect("committed");
        self.admin_answers.push(answer);
    }

    /// Looks for histories that hold what is to go, as happens now and then.
    pub fn sweep_histories(&mut self) {
        let (Some(centre), Some(store)) = (&self.centre, &self.store) else { panic!("the centre runs") };
        let (old, _) =
            store.old_histories(centre.history_begins(self.now), None, usize::MAX).expect("readable");
        self.todo.extend(old.into_iter().map(|owner| Task::TrimHistory(owner, false)));
        self.run_until_idle();
    }

    /// The answer to an administrative call.
    pub fn ask(&mut self, call: admin::Call) -> admin::Answer {
        self.admin(call);
        self.admin_answers.pop().expect("an answer")
    }

    /// Lets everything that can happen now happen, and up to ten seconds of what follows.
    pub fn run_until_idle(&mut self) {
        self.run_for(seconds(10));
    }

    pub fn run_for(&mut self, span: Duration) {
        let end = self.now.plus(span);
        loop {
            self.settle();
            let wake =
                [self.air.keys().next().map(|(at, _)| *at), self.wake_at()].into_iter().flatten().min();
            let Some(at) = wake.filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
        }
        self.now = end;
        self.settle();
    }

    /// The records of a message id.
    pub fn records(&self, message_id: &str) -> Vec<Record> {
        self.store().records(message_id).expect("readable")
    }

    pub fn waiting(&self, number: &str) -> u64 {
        self.store().head(&Address::subscriber(number).expect("a number")).expect("readable").count
    }

    pub fn time(&self) -> Duration {
        self.now.since(Timestamp::EPOCH)
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let phones = self.phones.iter().filter(|phone| phone.is_on).filter_map(Handset::wakes_at);
        let phones = phones.map(|at| Timestamp::from_millis(at.as_millis() as u64 + 1)).min();
        let centre = self.centre.as_ref().and_then(Centre::wake_at);
        let due = self.centre.as_ref().and(self.due_at);
        [phones, centre, due].into_iter().flatten().min().map(|at| at.max(self.now))
    }

    /// Everything that happens at this instant.
    pub fn settle(&mut self) {
        // What phones were just told to send is seen only when they are asked for it: once in any case.
        let mut is_first = true;
        loop {
            let arrived: Vec<_> = match self.air.keys().next() {
                Some((at, _)) if *at <= self.now => {
                    let later = self.air.split_off(&(self.now, u64::MAX));
                    std::mem::replace(&mut self.air, later).into_values().collect()
                }
                _ => Vec::new(),
            };
            let has_due = self.centre.is_some() && self.due_at.is_some_and(|at| at <= self.now);
            let is_timer = self.centre.as_ref().and_then(Centre::wake_at).is_some_and(|at| at <= self.now);
            let phone_timer = self
                .phones
                .iter()
                .any(|phone| phone.is_on && phone.wakes_at().is_some_and(|at| at <= self.time()));
            let is_quiet =
                arrived.is_empty() && !has_due && !is_timer && !phone_timer && self.todo.is_empty();
            if is_quiet && !is_first {
                return;
            }
            is_first = false;
            self.centre_turn(&arrived);
            self.phones_turn(arrived);
        }
    }

    /// One batch of the centre: what `hongyan`'s engine does, without chatbots.
    fn centre_turn(&mut self, arrived: &[Parcel]) {
        let (Some(centre), Some(store)) = (&mut self.centre, &self.store) else { return };
        let mut tasks = std::mem::take(&mut self.todo);
        for parcel in arrived {
            match parcel {
                Parcel::ToCentre(flow, bytes) => {
                    if let Ok(message) = Message::parse_datagram(bytes.clone()) {
                        centre.receive(self.now, *flow, message, &mut tasks);
                    }
                }
                Parcel::Closed(flow) => centre.flow_closed(self.now, *flow, &mut tasks),
                Parcel::ToPhone(..) => {}
            }
        }
        centre.tick(self.now, &mut tasks);
        if self.due_at.is_some_and(|at| at <= self.now) {
            let from = self.due_at.unwrap_or(Timestamp::EPOCH);
            let (due, next) = store.due(from, self.now, 16).expect("readable");
            tasks.extend(due.into_iter().map(Task::Due));
            self.due_at = next;
        }
        let mut view = View::default();
        let mut work = Work::new(self.now, &mut view);
        while !tasks.is_empty() {
            let mut wants = Wants::default();
            tasks.iter().for_each(|task| centre.wants(task, &mut wants));
            store.load(wants, work.view).expect("loaded");
            for task in std::mem::take(&mut tasks) {
                centre.decide(task, &mut work);
            }
            tasks.append(&mut work.then);
        }
        self.todo = std::mem::take(&mut work.next);
        let make = self.make_icon;
        self.todo.extend(work.icons.drain(..).map(|wanted| {
            let picture = make(&wanted.source);
            Task::IconMade(Box::new(wanted.made(picture)))
        }));
        store.commit(&view).expect("committed");
        self.due_at = self.due_at.into_iter().chain(view.earliest_due()).min();
        let mut out = Vec::new();
        while let Some((flow, bytes)) = centre.poll_transmit() {
            out.push((flow, bytes));
        }
        for (flow, bytes) in out {
            self.carry(flow, bytes, Parcel::ToPhone);
        }
    }

    fn phones_turn(&mut self, arrived: Vec<Parcel>) {
        let now = self.time();
        for parcel in arrived {
            let Parcel::ToPhone(flow, bytes) = parcel else { continue };
            if self.tap == Some(flow) {
                self.tapped.push(bytes);
                continue;
            }
            if let Some(place) = self.phones.iter().position(|phone| phone.is_on && phone.flow == flow) {
                let nonce = self.random(u64::MAX);
                self.phones[place].receive(now, bytes, nonce);
            }
        }
        for place in 0..self.phones.len() {
            let nonce = self.random(u64::MAX);
            let phone = &mut self.phones[place];
            if !phone.is_on {
                while phone.layer.poll_transmit().is_some() {}
                continue;
            }
            phone.layer.handle_timeout(now);
            phone.repeat_answers(now);
            while let Some(event) = phone.layer.poll_event() {
                phone.take(now, event, nonce);
            }
            let mut out = Vec::new();
            while let Some((flow, bytes)) = phone.layer.poll_transmit() {
                out.push((flow, bytes));
            }
            for (flow, bytes) in out {
                self.carry(flow, bytes, Parcel::ToCentre);
            }
        }
    }

    /// Puts bytes on their way, as the weather has it. Connections neither lose nor reorder.
    fn carry(&mut self, flow: Flow, bytes: Bytes, parcel: fn(Flow, Bytes) -> Parcel) {
        let mut delay = Duration::from_millis(1);
        if !flow.transport.is_reliable() {
            if self.random(1000) < self.weather.lose {
                return;
            }
            if self.random(1000) < self.weather.repeat {
                self.post(parcel(flow, bytes.clone()), Duration::from_millis(7));
            }
            if self.random(1000) < self.weather.reorder {
                delay = Duration::from_millis(1 + self.random(400));
            }
        }
        self.post(parcel(flow, bytes), delay);
    }

    fn post(&mut self, parcel: Parcel, delay: Duration) {
        self.sent += 1;
        self.air.insert((self.now.plus(delay), self.sent), parcel);
    }
}

impl Handset {
    fn uri(&self) -> String {
        format!("sip:{}@{DOMAIN};user=phone", self.number)
    }

    /// A request's common head.
    pub fn request(&mut self, method: &str, uri: &str, call_id: &str) -> RequestBuilder {
        self.cseq += 1;
        RequestBuilder::new(method, uri)
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format!("<{}>;tag=t{}", self.uri(), self.cseq))
            .header(HeaderName::CallId, call_id)
            .header(HeaderName::CSeq, format!("{} {method}", self.cseq))
    }

    pub fn register(&mut self, now: Duration, authorization: Option<String>, nonce: u64) {
        let uri = format!("sip:{DOMAIN}");
        let call_id = self.registers_as.clone();
        let reg_id = self.reg_id.map(|reg_id| format!(";reg-id={reg_id}")).unwrap_or_default();
        let transport = self.flow.transport.via_token().to_ascii_lowercase();
        let contact = format!(
            "<sip:{}@{};transport={transport}>;+sip.instance=\"<{}>\"{reg_id};expires={};\
             +g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"{}",
            self.number, self.flow.peer, self.instance, self.expires_s, self.features
        );
        let to = format!("<{}>", self.uri());
        let mut request = self
            .request("REGISTER", &uri, &call_id)
            .header(HeaderName::To, to)
            .header(HeaderName::Supported, "path, gruu")
            .header(HeaderName::Contact, contact);
        if let Some(authorization) = authorization {
            request = request.header(HeaderName::Authorization, authorization);
        }
        let _ = nonce;
        self.registration = self.layer.request(now, self.flow, request.build()).ok();
    }

    /// Sends what has not been answered yet: every message once at a time, in order.
    fn flush(&mut self, now: Duration) {
        let waiting: Vec<_> = self.outbox.iter().cloned().collect();
        for (id, to, text) in waiting {
            if !self.sending.values().any(|sending| *sending == id) {
                self.send_text(now, &id, &to, &text, None);
            }
        }
    }

    fn send_text(&mut self, now: Duration, id: &str, to: &str, text: &str, authorization: Option<String>) {
        let wanted = Dispositions { negative_delivery: true, ..Dispositions::DELIVERY_AND_DISPLAY };
        let body = CpimBuilder::new(&self.uri(), &uri_of(to))
            .message_id(id)
            .dispositions(wanted)
            .content_type("text/plain;charset=UTF-8")
            .build(text);
        if let Some(tx) = self.send_body(now, to, body, authorization) {
            self.sending.insert(tx, id.to_owned());
        }
    }

    fn send_body(
        &mut self,
        now: Duration,
        to: &str,
        body: Bytes,
        authorization: Option<String>,
    ) -> Option<ClientTxId> {
        let uri = uri_of(to);
        let call_id = format!("c{}-{}", self.cseq, self.instance);
        let mut request = self.request("MESSAGE", &uri, &call_id).header(HeaderName::To, format!("<{uri}>"));
        if let Some(authorization) = authorization {
            request = request.header(HeaderName::ProxyAuthorization, authorization);
        }
        self.layer.request(now, self.flow, request.body("message/cpim", body).build()).ok()
    }

    fn receive(&mut self, now: Duration, bytes: Bytes, nonce: u64) {
        let message = Message::parse_datagram(bytes).expect("the centre writes well-formed messages");
        if let Some(event) = self.layer.receive(now, self.flow, message) {
            self.take(now, event, nonce);
        }
    }

    fn take(&mut self, now: Duration, event: Event, nonce: u64) {
        match event {
            Event::Request { tx, request, .. } if self.take_notify(now, tx, &request) => {}
            Event::Request { tx, request, .. } if self.take_group_request(now, tx, &request) => {}
            Event::Ack { request, .. } => self.acknowledged(&request),
            Event::Request { .. } if self.is_mute => {}
            Event::Request { tx, request, .. } => {
                let status = if request.method() == Method::Message { self.answers_with } else { 405 };
                let response = ResponseBuilder::for_request(&request, status, "").to_tag("phone").build();
                if status == 200 && self.answers_last {
                    self.show(now, &request);
                }
                self.layer.respond(now, tx, response).expect("the request waits for its answer");
                if status == 200 && !self.answers_last {
                    self.show(now, &request);
                }
            }
            Event::Response { tx, response } if response.is_final() => {
                self.answered(now, tx, Some(&response), nonce)
            }
            Event::TimedOut { tx } | Event::TransportFailed { tx } => self.answered(now, tx, None, nonce),
            _ => {}
        }
    }

    /// Shows a message once, and reports on it.
    fn show(&mut self, now: Duration, request: &sip::Request) {
        let envelope = Cpim::parse(request.body_bytes()).expect("the centre delivers CPIM as it was sent");
        let payload = envelope.payload().clone();
        if envelope.is_imdn() {
            let report = Imdn::parse(&payload).expect("an IMDN");
            self.reporters.push(envelope.from_uri().unwrap_or_default().to_owned());
            return self.reports.push((report.message_id, report.disposition));
        }
        if envelope.content_type().contains("iscomposing") {
            self.composing += 1;
            return;
        }
        if envelope.content_type() == rcs::group_data::CONTENT_TYPE {
            return self.groups.answers.push(String::from_utf8_lossy(&payload).into_owned());
        }
        if envelope.content_type() == revoke::CONTENT_TYPE {
            let answer = Revoke::parse(&payload).expect("an answer to a revocation");
            return self.revoked.push((answer.message_id, answer.result.expect("a result")));
        }
        let id = envelope.message_id().expect("an id").to_owned();
        if self.shown.insert(id.clone()) {
            self.inbox.push(id.clone());
            self.texts.push(String::from_utf8_lossy(&payload).into_owned());
        }
        if self.sends_reports {
            let from = request.from().expect("a From").uri;
            let (user, host) = (from.user().expect("a user"), from.host());
            let sender = if host.starts_with("groups.") { format!("{user}@{host}") } else { user.to_owned() };
            let author = envelope.from_uri().expect("an author").to_owned();
            for disposition in [Disposition::Delivered, Disposition::Displayed] {
                let report = Imdn::new(&id, disposition).to_xml();
                let body = CpimBuilder::new(&self.uri(), &author)
                    .message_id(&format!("r{}", self.cseq))
                    .content_type(imdn::CONTENT_TYPE)
                    .build(report);
                self.send_body(now, &sender, body, None);
            }
        }
    }

    fn answered(&mut self, now: Duration, tx: ClientTxId, response: Option<&sip::Response>, nonce: u64) {
        if self.take_group_answer(now, tx, response) || self.take_watch_answer(tx, response) {
            return;
        }
        let status = response.map_or(408, |response| response.status());
        self.responses.push(status);
        if self.registration == Some(tx) {
            self.registration = None;
            match response {
                Some(response) if status == 401 => {
                    let challenge =
                        Challenge::best(response.all(HeaderName::WwwAuthenticate)).expect("a challenge");
                    let cnonce = format!("{nonce:x}");
                    let uri = format!("sip:{DOMAIN}");
                    let answer = challenge.answer("REGISTER", &uri, &self.login.0, &self.login.1, &cnonce, 1);
                    self.register(now, Some(answer), nonce);
                }
                Some(response) if status == 200 => {
                    self.is_registered = true;
                    let contacts = response.all(HeaderName::Contact);
                    self.contacts =
                        contacts.map(|contact| String::from_utf8_lossy(contact).into_owned()).collect();
                    self.flush(now);
                }
                Some(_) => {}
                None => self.register(now, None, nonce),
            }
            return;
        }
        let Some(id) = self.sending.remove(&tx) else { return };
        let Some(place) = self.outbox.iter().position(|(waiting, ..)| *waiting == id) else { return };
        let (_, to, text) = self.outbox[place].clone();
        match response {
            Some(response) if status == 407 => {
                let challenge =
                    Challenge::best(response.all(HeaderName::ProxyAuthenticate)).expect("a challenge");
                let uri = uri_of(&to);
                let (username, password) = &self.login;
                let answer = challenge.answer("MESSAGE", &uri, username, password, &format!("{nonce:x}"), 1);
                self.send_text(now, &id, &to, &text, Some(answer));
            }
            Some(_) => {
                self.answers.insert(id, status);
                self.outbox.remove(place);
            }
            // Nobody answered: the same message again, under a new Call-ID.
            None => self.flush(now),
        }
    }
}

/// The SIP URI of a number, or of `user@host`.
fn uri_of(to: &str) -> String {
    if to.contains('@') { format!("sip:{to}") } else { format!("sip:{to}@{DOMAIN};user=phone") }
}
