//! A message centre, an MSRP edge and the handsets of `crates/handset` around them, in one process and in virtual time: the network
//! takes a millisecond and loses datagrams when told to. What the edge of `hongyan` does with sockets and files is done here with
//! values.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use handset::{Config as PhoneConfig, Event, Handset, Media, Services};
use message_centre::session::media::{self, Body, Command, Token};
use message_centre::session::{BEGINNING_BYTES, INLINE_BYTES_MAX, SessionBody};
use message_centre::{Centre, Config, Media as Places, Secrets, Task, Work, admin};
use msrp::connection::{Config as MsrpConfig, Connection, Event as MsrpEvent, IncomingId, Lookup, Session};
use msrp::stream::Framer;
use rcs::Timestamp;
use rcs::address::{Address, Numbering};
use sip::digest::Ha1s;
use sip::{Flow, Message, Transport};
use store::{Account, Credential, Record, Spooled, Store, View, Wants};

pub const DOMAIN: &str = "hongyan.local";
pub const PASSWORD: &str = "open sesame";

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// What a simulation draws from, repeatably.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// A handset, by its place in the town.
pub type Phone = usize;
/// An MSRP connection: the phone and its call.
type Link = (Phone, u64);

pub struct Town {
    pub now: Timestamp,
    directory: tempfile::TempDir,
    store: Option<Store>,
    centre: Option<Centre>,
    config: fn(&mut Config),
    todo: Vec<Task>,
    heard: Vec<media::Event>,
    due_at: Option<Timestamp>,
    air: BTreeMap<(Timestamp, u64), Parcel>,
    posted: u64,
    /// In thousandths: datagrams that are lost.
    pub lose: u64,
    random: Random,
    edge: Edge,
    pub phones: Vec<Device>,
    connections: u64,
    /// Every SIP message that the centre sent, for a look at the wire.
    pub wire: Vec<(Phone, Message)>,
    /// The same to where no phone is, and to phones that are off.
    pub elsewhere: Vec<Message>,
    pub unheard: Vec<Message>,
    /// The next request of this method to this phone is lost.
    pub loses: Option<(Phone, &'static str)>,
    /// Decided in the batch in which the next message comes over MSRP, before that message.
    pub ambush: Option<admin::Call>,
}

enum Parcel {
    ToCentre(Flow, Bytes),
    ToPhone(Flow, Bytes),
    Closed(Flow),
    Connect(Link),
    Up(Link, Bytes),
    Down(Link, Bytes),
    UpClosed(Link),
    DownClosed(Link),
}

pub struct Device {
    pub handset: Handset,
    pub flow: Flow,
    pub is_on: bool,
    /// Everything that happened to it, in order.
    pub events: Vec<Event>,
    framers: BTreeMap<u64, Framer>,
    pub number: String,
    pub instance: String,
}

/// What `hongyan` does in `net/msrp.rs` and `net/spool.rs`.
#[derive(Default)]
struct Edge {
    sessions: BTreeMap<String, (Session, Option<Link>)>,
    links: BTreeMap<Link, Line>,
    tokens: BTreeMap<u64, (Link, IncomingId)>,
    last_token: u64,
    /// Spooled bodies; these outlive a crash.
    files: BTreeMap<String, Bytes>,
    last_file: u64,
}

struct Line {
    framer: Framer,
    connection: Connection,
    arriving: BTreeMap<IncomingId, (String, String, String, Vec<u8>)>,
}

impl Town {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(config: fn(&mut Config)) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let mut town = Self {
            now: Timestamp::from_seconds(1_795_000_000),
            directory: directory.expect("a directory for the store"),
            store: None,
            centre: None,
            config,
            todo: Vec::new(),
            heard: Vec::new(),
            due_at: None,
            air: BTreeMap::new(),
            posted: 0,
            lose: 0,
            random: Random::new(1),
            edge: Edge::default(),
            phones: Vec::new(),
            connections: 0,
            wire: Vec::new(),
            elsewhere: Vec::new(),
            unheard: Vec::new(),
            loses: None,
            ambush: None,
        };
        town.start();
        town
    }

    pub fn start(&mut self) {
        let store = Store::open(self.directory.path()).expect("the store opens");
        let process: [u8; 32] = std::array::from_fn(|_| self.random(256) as u8);
        let secrets = Secrets { deployment: [3; 32], process };
        let branches = std::array::from_fn(|i| process[i]);
        let transactions = sip::transaction::Config::new(DOMAIN, branches);
        let mut config = Config::new(Numbering::new("CN", DOMAIN), transactions);
        config.trust_udp_source = true;
        let place = |port| Some(("192.0.2.1".to_owned(), port));
        config.sessions.media = Places { tcp: place(2855), ws: place(8080), ..Places::default() };
        (self.config)(&mut config);
        let needed: BTreeSet<String> = store.spooled().expect("readable").into_iter().collect();
        self.edge.files.retain(|name, _| needed.contains(name));
        self.centre = Some(Centre::new(config, &secrets, self.now));
        let groups = store.groups().expect("readable");
        self.todo.extend(groups.iter().filter_map(message_centre::group::wake));
        self.todo.extend(store.owners_of_mail().expect("readable").into_iter().map(Task::Wake));
        self.store = Some(store);
        self.due_at = Some(Timestamp::EPOCH);
    }

    /// The process dies: memory is gone, connections break, the disk stays.
    pub fn crash(&mut self) {
        (self.centre, self.store) = (None, None);
        self.todo.clear();
        self.heard.clear();
        self.air.clear();
        for (link, _) in std::mem::take(&mut self.edge.links) {
            self.post(Parcel::DownClosed(link));
        }
        self.edge.sessions.clear();
        self.edge.tokens.clear();
        for place in 0..self.phones.len() {
            if self.phones[place].flow.transport.is_reliable() {
                self.phones[place].is_on = false;
                let now = self.now;
                self.phones[place].handset.disconnected(now);
            }
        }
    }

    pub fn store(&self) -> &Store {
        self.store.as_ref().expect("the centre runs")
    }

    /// What the centre remembers.
    pub fn held(&self) -> message_centre::Held {
        self.centre.as_ref().expect("the centre runs").held()
    }

    /// Bodies that are spooled now.
    pub fn files(&self) -> usize {
        self.edge.files.len()
    }

    /// Sessions that a peer may join now.
    pub fn sessions(&self) -> usize {
        self.edge.sessions.len()
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random.below(below)
    }

    /// A subscriber's device with these services, registered.
    pub fn phone(&mut self, number: &str, transport: Transport, services: Services) -> Phone {
        let phone = self.device(number, transport, services);
        self.switch_on(phone);
        phone
    }

    /// The same, not switched on yet.
    pub fn device(&mut self, number: &str, transport: Transport, services: Services) -> Phone {
        let address = Address::subscriber(number).expect("a number");
        let credential = Credential { username: number.to_owned(), ha1s: Ha1s::of(number, DOMAIN, PASSWORD) };
        let account =
            Account { address, credentials: vec![credential], display_name: None, created_at: self.now };
        self.admin(admin::Call::PutSubscriber(account));
        self.place(PhoneConfig { services, ..self.config_for(number) }, transport)
    }

    /// Another flow of the device that `first` is, registered: a phone with the same instance.
    pub fn second_flow(&mut self, first: Phone, transport: Transport, services: Services) -> Phone {
        let number = self.phones[first].number.clone();
        let instance = self.phones[first].instance.clone();
        let config = PhoneConfig { services, instance, reg_id: 2, ..self.config_for(&number) };
        let phone = self.place(config, transport);
        self.switch_on(phone);
        phone
    }

    /// A device that logs in as this user, registered.
    pub fn logged_in(&mut self, number: &str, username: &str, password: &str) -> Phone {
        let (username, password) = (username.to_owned(), password.to_owned());
        let config = PhoneConfig { username, password, services: Services::all(), ..self.config_for(number) };
        let phone = self.place(config, Transport::Tcp);
        self.switch_on(phone);
        phone
    }

    fn config_for(&self, number: &str) -> PhoneConfig {
        PhoneConfig::new(number, DOMAIN, PASSWORD, self.phones.len() as u64 + 1).expect("a number")
    }

    fn place(&mut self, config: PhoneConfig, transport: Transport) -> Phone {
        let place = self.phones.len();
        let (number, instance) = (config.address.user().to_owned(), config.instance.clone());
        let handset = Handset::new(config);
        let peer = format!("10.0.0.{}:5060", place + 1).parse().expect("an address");
        let flow = Flow { transport, id: 0, peer };
        self.phones.push(Device {
            handset,
            flow,
            is_on: false,
            events: Vec::new(),
            framers: BTreeMap::new(),
            number,
            instance,
        });
        place
    }

    pub fn switch_on(&mut self, phone: Phone) {
        let device = &mut self.phones[phone];
        if device.flow.transport.is_reliable() {
            self.connections += 1;
            device.flow.id = self.connections;
        }
        let local =
            (!matches!(device.flow.transport, Transport::Ws | Transport::Wss)).then_some(device.flow.peer);
        device.is_on = true;
        device.handset.connected(device.flow, local);
        device.handset.register(self.now);
        self.run();
    }

    /// Switches a device off without a word: its connections break.
    pub fn switch_off(&mut self, phone: Phone) {
        let now = self.now;
        let device = &mut self.phones[phone];
        device.is_on = false;
        let flow = device.flow;
        device.handset.disconnected(now);
        while device.handset.poll_media().is_some() {}
        if flow.transport.is_reliable() {
            self.post(Parcel::Closed(flow));
        }
        let links: Vec<Link> = self.edge.links.keys().filter(|(of, _)| *of == phone).copied().collect();
        links.into_iter().for_each(|link| self.post(Parcel::UpClosed(link)));
        self.run();
    }

    /// The MSRP connections of a phone break.
    pub fn break_media(&mut self, phone: Phone) {
        let links: Vec<Link> = self.edge.links.keys().filter(|(of, _)| *of == phone).copied().collect();
        links.into_iter().for_each(|link| self.post(Parcel::UpClosed(link)));
    }

    /// Lets the user do something.
    pub fn with_phone<T>(&mut self, phone: Phone, act: impl FnOnce(&mut Handset, Timestamp) -> T) -> T {
        let result = act(&mut self.phones[phone].handset, self.now);
        self.settle();
        result
    }

    /// Lets everything that can happen now happen, and up to two seconds of what follows.
    pub fn run(&mut self) {
        self.run_for(seconds(2));
    }

    pub fn run_for(&mut self, span: Duration) {
        let end = self.now.plus(span);
        loop {
            self.settle();
            let phones = self.phones.iter().filter(|phone| phone.is_on);
            let phones = phones.filter_map(|phone| phone.handset.poll_timeout()).min();
            let centre = self.centre.as_ref().and_then(Centre::wake_at);
            let due = self.centre.as_ref().and(self.due_at);
            let air = self.air.keys().next().map(|(at, _)| *at);
            let lines = self.edge.links.values().filter_map(|line| line.connection.poll_timeout()).min();
            let lines = lines.map(|at| Timestamp::from_millis(at.as_millis() as u64 + 1));
            let wake = [phones, centre, due, air, lines].into_iter().flatten().min();
            let Some(at) = wake.filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
        }
        self.now = end;
        self.settle();
    }

    pub fn records(&self, message_id: &str) -> Vec<Record> {
        self.store().records(message_id).expect("readable")
    }

    pub fn waiting(&self, number: &str) -> u64 {
        self.store().head(&Address::subscriber(number).expect("a number")).expect("readable").count
    }

    /// Texts that a phone has shown, in order.
    pub fn texts(&self, phone: Phone) -> Vec<String> {
        let shown = self.phones[phone].events.iter().filter_map(|event| match event {
            Event::Message(message) => Some(message.text()),
            _ => None,
        });
        shown.collect()
    }

    /// What became of a message of a phone: its status.
    pub fn answer(&self, phone: Phone, id: &str) -> Option<u16> {
        self.phones[phone].events.iter().find_map(|event| match event {
            Event::Sent { message_id, status } if message_id == id => Some(*status),
            _ => None,
        })
    }

    /// Whether an event like this has happened to a phone.
    pub fn saw(&self, phone: Phone, like: impl Fn(&Event) -> bool) -> bool {
        self.phones[phone].events.iter().any(like)
    }

    /// How many requests of this method the centre has sent to a phone.
    pub fn requests(&self, phone: Phone, method: &str) -> usize {
        self.wire.iter().filter(|(to, message)| *to == phone && is_request(message, method)).count()
    }

    /// The last request of this method that the centre has sent to a phone.
    pub fn request(&self, phone: Phone, method: &str) -> &sip::Request {
        let sent = self.wire.iter().rev().filter(|(to, message)| *to == phone && is_request(message, method));
        let requests = sent.filter_map(|(_, message)| match message {
            Message::Request(request) => Some(request),
            Message::Response(_) => None,
        });
        requests.into_iter().next().expect("it was sent")
    }

    /// Whether a chunk of a message is in the air to a phone.
    pub fn is_being_sent_to(&self, phone: Phone) -> bool {
        let mut down = self.air.values().filter_map(|parcel| match parcel {
            Parcel::Down((to, _), bytes) => Some((*to, bytes)),
            _ => None,
        });
        down.any(|(to, bytes)| to == phone && bytes.windows(7).any(|word| word == b" SEND\r\n"))
    }

    /// Raw bytes to the centre, from wherever.
    pub fn inject(&mut self, flow: Flow, bytes: Bytes) {
        self.post(Parcel::ToCentre(flow, bytes));
        self.run();
    }

    /// What an edge says that nothing here makes it say.
    pub fn hear(&mut self, event: media::Event) {
        self.heard.push(event);
        self.run();
    }

    pub fn admin(&mut self, call: admin::Call) -> admin::Answer {
        let (Some(centre), Some(store)) = (&mut self.centre, &self.store) else { panic!("the centre runs") };
        let mut view = View::default();
        let mut wants = Wants::default();
        centre.admin_wants(&call, &mut wants);
        store.load(wants, &mut view).expect("loaded");
        let mut work = Work::new(self.now, &mut view);
        let answer = centre.decide_admin(call, &mut work);
        self.todo.append(&mut work.then);
        self.todo.append(&mut work.next);
        store.commit(&view).expect("committed");
        answer
    }

    /// Everything that happens at this instant.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            let arrived = self.arrived();
            let is_quiet = arrived.is_empty() && self.heard.is_empty() && self.todo.is_empty();
            let mut to_centre = Vec::new();
            for parcel in arrived {
                self.arrive(parcel, &mut to_centre);
            }
            let moved = self.phones_turn();
            self.lines_turn();
            let worked = self.centre_turn(to_centre);
            if is_quiet && !moved && !worked {
                return;
            }
        }
        panic!("the town does not come to rest");
    }

    fn arrived(&mut self) -> Vec<Parcel> {
        match self.air.keys().next() {
            Some((at, _)) if *at <= self.now => {
                let later = self.air.split_off(&(self.now, u64::MAX));
                std::mem::replace(&mut self.air, later).into_values().collect()
            }
            _ => Vec::new(),
        }
    }

    fn arrive(&mut self, parcel: Parcel, to_centre: &mut Vec<Parcel>) {
        let now = self.now;
        match parcel {
            Parcel::ToCentre(..) | Parcel::Closed(_) => to_centre.push(parcel),
            Parcel::ToPhone(flow, bytes) => {
                let message = Message::parse_datagram(bytes).expect("the centre writes well-formed SIP");
                let Some(place) = self.phones.iter().position(|phone| phone.flow == flow) else {
                    return self.elsewhere.push(message);
                };
                let is_lost =
                    |(phone, method): &mut (Phone, &str)| *phone == place && is_request(&message, method);
                if !self.phones[place].is_on || self.loses.take_if(is_lost).is_some() {
                    return self.unheard.push(message);
                }
                self.wire.push((place, message.clone()));
                self.phones[place].handset.receive(now, message);
            }
            Parcel::Connect(link) => {
                if self.centre.is_none() || !self.phones[link.0].is_on {
                    return;
                }
                let seed = self.random(u64::MAX);
                let connection = Connection::new(MsrpConfig::new(seed));
                let line = Line { framer: Framer::new(), connection, arriving: BTreeMap::new() };
                self.edge.links.insert(link, line);
                self.phones[link.0].framers.insert(link.1, Framer::new());
                self.phones[link.0].handset.media_connected(now, link.1);
            }
            Parcel::Up(link, bytes) => self.up(link, &bytes),
            Parcel::Down(link, bytes) => {
                let device = &mut self.phones[link.0];
                let Some(framer) = device.framers.get_mut(&link.1) else { return };
                framer.push(&bytes);
                while let Some(part) = framer.poll().expect("the centre writes well-formed MSRP") {
                    device.handset.media_received(now, link.1, part);
                }
            }
            Parcel::UpClosed(link) => self.close_line(link),
            Parcel::DownClosed(link) => {
                let device = &mut self.phones[link.0];
                device.framers.remove(&link.1);
                device.handset.media_closed(now, link.1);
            }
        }
    }

    /// Bytes from a phone at the edge.
    fn up(&mut self, link: Link, bytes: &[u8]) {
        let Edge { sessions, links, .. } = &mut self.edge;
        let Some(line) = links.get_mut(&link) else { return };
        line.framer.push(bytes);
        let time = self.now.since(Timestamp::EPOCH);
        while let Some(part) = line.framer.poll().expect("handsets write well-formed MSRP") {
            line.connection.receive(time, part, &mut |id: &str| match sessions.get_mut(id) {
                None => Lookup::Unknown,
                Some((_, Some(_))) => Lookup::Elsewhere,
                Some((session, place)) => {
                    *place = Some(link);
                    Lookup::Bind(session.clone())
                }
            });
        }
    }

    fn close_line(&mut self, link: Link) {
        let Some(mut line) = self.edge.links.remove(&link) else { return };
        line.connection.close();
        while let Some(event) = line.connection.poll_event() {
            if let MsrpEvent::NotSent { send, status } = event {
                self.heard.push(media::Event::Sent { send, status });
            }
        }
        for (id, (_, place)) in &mut self.edge.sessions {
            if *place == Some(link) {
                *place = None;
                self.heard.push(media::Event::Lost { session: id.clone() });
            }
        }
        self.edge.tokens.retain(|_, (of, _)| *of != link);
        self.post(Parcel::DownClosed(link));
    }

    /// What the edge does with what its connections say.
    fn lines_turn(&mut self) {
        let time = self.now.since(Timestamp::EPOCH);
        let links: Vec<Link> = self.edge.links.keys().copied().collect();
        for link in links {
            let mut out = Vec::new();
            let line = self.edge.links.get_mut(&link).expect("it was just listed");
            line.connection.handle_timeout(time);
            while let Some(event) = line.connection.poll_event() {
                match event {
                    MsrpEvent::Bound { session } => self.heard.push(media::Event::Bound { session }),
                    MsrpEvent::Active { session } => self.heard.push(media::Event::Active { session }),
                    MsrpEvent::Begun { message, session, message_id, content_type, .. } => {
                        line.arriving.insert(message, (session, message_id, content_type, Vec::new()));
                    }
                    MsrpEvent::Data { message, offset, bytes } => {
                        let body = &mut line.arriving.get_mut(&message).expect("it has begun").3;
                        let (from, to) = (offset as usize, offset as usize + bytes.len());
                        body.resize(body.len().max(to), 0);
                        body[from..to].copy_from_slice(&bytes);
                    }
                    MsrpEvent::Whole { message, .. } => {
                        let (session, message_id, content_type, body) =
                            line.arriving.remove(&message).expect("it has begun");
                        let body = Bytes::from(body);
                        let body = if body.len() <= INLINE_BYTES_MAX {
                            SessionBody::Whole(body)
                        } else {
                            self.edge.last_file += 1;
                            let name = format!("file{}", self.edge.last_file);
                            let spooled = Spooled { name: name.clone(), bytes: body.len() as u64 };
                            let beginning = body.slice(..BEGINNING_BYTES);
                            self.edge.files.insert(name, body);
                            SessionBody::Spooled { spooled, beginning }
                        };
                        self.edge.last_token += 1;
                        let token = self.edge.last_token;
                        self.edge.tokens.insert(token, (link, message));
                        let token = Token(token);
                        self.heard.push(media::Event::Message {
                            session,
                            token,
                            message_id,
                            content_type,
                            body,
                        });
                    }
                    MsrpEvent::Abandoned { message } => drop(line.arriving.remove(&message)),
                    MsrpEvent::Sent { send } => self.heard.push(media::Event::Sent { send, status: 200 }),
                    MsrpEvent::NotSent { send, status } => {
                        self.heard.push(media::Event::Sent { send, status });
                    }
                    MsrpEvent::Report { .. } => {}
                }
            }
            while let Some(bytes) = line.connection.poll_transmit() {
                out.push(bytes);
            }
            out.into_iter().for_each(|bytes| self.post(Parcel::Down(link, bytes)));
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Open { session, .. } => match self.edge.sessions.get_mut(&session.id) {
                Some((known, place)) => {
                    if let Some(line) = place.and_then(|link| self.edge.links.get_mut(&link)) {
                        line.connection.update(session.clone());
                    }
                    *known = session;
                }
                None => drop(self.edge.sessions.insert(session.id.clone(), (session, None))),
            },
            Command::Send { session, send, message_id, content_type, body } => {
                let body = match body {
                    Body::Inline(body) => Some(body),
                    Body::Spooled(spooled) => self.edge.files.get(&spooled.name).cloned(),
                };
                let link = self.edge.sessions.get(&session).and_then(|(_, link)| *link);
                let line = link.and_then(|link| self.edge.links.get_mut(&link));
                match (body, line) {
                    (Some(body), Some(line)) => line.connection.send(msrp::connection::Outgoing {
                        send,
                        session,
                        message_id,
                        content_type,
                        source: Box::new(body),
                        success_report: false,
                    }),
                    _ => self.heard.push(media::Event::Sent { send, status: 481 }),
                }
            }
            Command::Answer { token, status } => {
                if let Some((link, message)) = self.edge.tokens.remove(&token.0)
                    && let Some(line) = self.edge.links.get_mut(&link)
                {
                    line.connection.answer(message, status);
                }
            }
            Command::Close { session } => {
                let link = self.edge.sessions.remove(&session).and_then(|(_, link)| link);
                if let Some(line) = link.and_then(|link| self.edge.links.get_mut(&link)) {
                    line.connection.leave(&session);
                }
            }
        }
    }

    /// One batch of the centre; whether it did anything.
    fn centre_turn(&mut self, arrived: Vec<Parcel>) -> bool {
        let (Some(centre), Some(store)) = (&mut self.centre, &self.store) else { return false };
        let mut tasks = std::mem::take(&mut self.todo);
        for parcel in arrived {
            match parcel {
                Parcel::ToCentre(flow, bytes) => {
                    let message = Message::parse_datagram(bytes).expect("handsets write well-formed SIP");
                    centre.receive(self.now, flow, message, &mut tasks);
                }
                Parcel::Closed(flow) => centre.flow_closed(self.now, flow, &mut tasks),
                _ => {}
            }
        }
        let heard = std::mem::take(&mut self.heard);
        let has_message = heard.iter().any(|event| matches!(event, media::Event::Message { .. }));
        for event in heard {
            centre.receive_media(self.now, event, &mut tasks);
        }
        centre.tick(self.now, &mut tasks);
        if self.due_at.is_some_and(|at| at <= self.now) {
            let (due, next) =
                store.due(self.due_at.unwrap_or(Timestamp::EPOCH), self.now, 16).expect("readable");
            tasks.extend(due.into_iter().map(Task::Due));
            self.due_at = next;
        }
        let mut worked = !tasks.is_empty();
        let mut view = View::default();
        let mut work = Work::new(self.now, &mut view);
        if let Some(call) = self.ambush.take_if(|_| has_message) {
            let mut wants = Wants::default();
            centre.admin_wants(&call, &mut wants);
            store.load(wants, work.view).expect("loaded");
            centre.decide_admin(call, &mut work);
            tasks.append(&mut work.then);
        }
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
        let mut discarded = std::mem::take(&mut work.discarded);
        store.commit(&view).expect("committed");
        discarded.extend(view.released().map(str::to_owned));
        self.due_at = self.due_at.into_iter().chain(view.earliest_due()).min();
        let mut commands = Vec::new();
        while let Some(command) = centre.poll_media() {
            commands.push(command);
        }
        let mut out = Vec::new();
        while let Some(sent) = centre.poll_transmit() {
            out.push(sent);
        }
        worked |= !commands.is_empty() || !out.is_empty();
        commands.into_iter().for_each(|command| self.perform(command));
        for name in discarded {
            assert!(self.edge.files.remove(&name).is_some(), "{name} is discarded once");
        }
        for (flow, bytes) in out {
            self.carry(flow, bytes, Parcel::ToPhone);
        }
        worked
    }

    fn phones_turn(&mut self) -> bool {
        let mut moved = false;
        for place in 0..self.phones.len() {
            let device = &mut self.phones[place];
            if !device.is_on {
                while device.handset.poll_transmit().is_some() {}
                while device.handset.poll_media().is_some() {}
                device.events.extend(std::iter::from_fn(|| device.handset.poll_event()));
                continue;
            }
            if device.handset.poll_timeout().is_some_and(|at| at <= self.now) {
                device.handset.handle_timeout(self.now);
            }
            device.events.extend(std::iter::from_fn(|| device.handset.poll_event()));
            let flow = device.flow;
            let out: Vec<Bytes> = std::iter::from_fn(|| device.handset.poll_transmit()).collect();
            let media: Vec<Media> = std::iter::from_fn(|| device.handset.poll_media()).collect();
            moved |= !out.is_empty() || !media.is_empty();
            out.into_iter().for_each(|bytes| self.carry(flow, bytes, Parcel::ToCentre));
            for one in media {
                self.post(match one {
                    Media::Connect { call, .. } => Parcel::Connect((place, call)),
                    Media::Send { call, bytes } => Parcel::Up((place, call), bytes),
                    Media::Close { call } => Parcel::UpClosed((place, call)),
                });
            }
        }
        moved
    }

    fn carry(&mut self, flow: Flow, bytes: Bytes, parcel: fn(Flow, Bytes) -> Parcel) {
        if !flow.transport.is_reliable() && self.random(1000) < self.lose {
            return;
        }
        self.post(parcel(flow, bytes));
    }

    fn post(&mut self, parcel: Parcel) {
        self.posted += 1;
        self.air.insert((self.now.plus(Duration::from_millis(1)), self.posted), parcel);
    }
}

fn is_request(message: &Message, method: &str) -> bool {
    matches!(message, Message::Request(request) if request.method().as_str() == method)
}
