//! A place at an MSRP relay (RFC 4976): the handset connects to its relay, proves who it is with AUTH, and gets a path by which its
//! peers reach it. Only then does it invite, or take an invitation; all of the call goes over that connection.

use std::time::Duration;

use bytes::Bytes;
use msrp::stream::Part;
use msrp::{Continuation, FrameBuilder, Head, Header, MsrpUri, Start};
use rcs::Timestamp;
use sip::digest::Challenge;

use crate::call::Media;
use crate::handset::{Handset, Random};

/// How long a relay may take (RFC 4976 §5.1 leaves it open; RFC 4975 §7.1.1 gives requests so long).
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// AUTHs until it is given up: without credentials, with them, and with a newer nonce.
const TRIES_MAX: u32 = 3;

/// A relay, and who we are to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Its URI, without a session: `msrp://relay.example.com:2855;tcp`. Only TCP without TLS is spoken.
    pub uri: MsrpUri,
    /// Digest user name.
    pub username: String,
    /// The password that goes with it.
    pub password: String,
}

/// Asking a relay for a place.
#[derive(Debug)]
pub(crate) struct Asking {
    relay: Relay,
    /// Our URI, which the relay shall forward to.
    own: String,
    /// The request under way.
    transaction: String,
    tries: u32,
    answer: Option<Head>,
    /// When it is given up.
    pub(crate) until: Timestamp,
    /// What is done with the place.
    pub(crate) then: Then,
}

/// What a handset wants a place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Invite,
    Accept,
}

/// What a relay's answer means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is not complete yet.
    Wait,
    /// Send this.
    Send(Bytes),
    /// The path that peers are to use, before our own URI.
    Given(Vec<MsrpUri>),
    /// The status that it refused with.
    Refused(u16),
}

impl Asking {
    pub(crate) fn new(relay: Relay, own: &MsrpUri, then: Then, now: Timestamp) -> Self {
        let until = now.plus(ANSWER_WITHIN);
        Self { relay, own: own.to_string(), transaction: String::new(), tries: 0, answer: None, until, then }
    }

    /// The first AUTH, which the relay challenges.
    pub(crate) fn begin(&mut self, random: &mut Random) -> Bytes {
        self.auth(None, random)
    }

    /// Takes a part of what the relay sends.
    pub(crate) fn receive(&mut self, part: Part, random: &mut Random) -> Place {
        match part {
            Part::Head(head) => {
                self.answer = (head.transaction_id() == self.transaction).then_some(head);
                Place::Wait
            }
            Part::Data(_) => Place::Wait,
            Part::End(_) => match self.answer.take() {
                Some(head) => self.answered(&head, random),
                None => Place::Wait,
            },
        }
    }

    fn answered(&mut self, head: &Head, random: &mut Random) -> Place {
        match head.start() {
            Start::Response(200) => match head.header(Header::UsePath).map(MsrpUri::parse_path) {
                Some(Ok(path)) => Place::Given(path),
                _ => Place::Refused(500),
            },
            Start::Response(401) if self.tries < TRIES_MAX => {
                let challenges: Vec<&[u8]> = head.all(Header::WwwAuthenticate).map(str::as_bytes).collect();
                match Challenge::best(challenges) {
                    // A challenge to credentials says that they are wrong, unless it says that they are late.
                    Some(challenge) if self.tries == 1 || challenge.stale => {
                        Place::Send(self.auth(Some(&challenge), random))
                    }
                    _ => Place::Refused(401),
                }
            }
            Start::Response(status) => Place::Refused(status),
            Start::Request(_) => Place::Wait,
        }
    }

    fn auth(&mut self, challenge: Option<&Challenge>, random: &mut Random) -> Bytes {
        self.tries += 1;
        self.transaction = random.tag();
        let uri = self.relay.uri.to_string();
        let mut request = FrameBuilder::request(&self.transaction, "AUTH", &uri, &self.own);
        if let Some(challenge) = challenge {
            let (username, password) = (&self.relay.username, &self.relay.password);
            let credentials = challenge.answer("AUTH", &uri, username, password, &random.tag(), 1);
            request = request.header(Header::Authorization.as_str(), credentials);
        }
        request.build(Continuation::Complete)
    }
}

impl Handset {
    /// Connects to the relay, if there is one and it has given this call no place yet; `false` when none is needed.
    pub(crate) fn seek_place(&mut self, now: Timestamp, call: u64, then: Then) -> bool {
        let Some(relay) = self.config.relay.clone() else { return false };
        let Some((endpoint, asking)) = self.calls.place_of(call) else { return false };
        if !endpoint.relays.is_empty() || asking.is_some() {
            return asking.is_some();
        }
        let to = (relay.uri.host.trim_matches(['[', ']']).to_owned(), relay.uri.port.unwrap_or(2855));
        *asking = Some(Asking::new(relay, &endpoint.uri, then, now));
        self.calls.media.push_back(Media::Connect { call, to, is_websocket: false });
        true
    }

    /// The connection to the relay is there.
    pub(crate) fn ask_for_place(&mut self, call: u64) {
        if let Some((_, Some(asking))) = self.calls.place_of(call) {
            let bytes = asking.begin(&mut self.random);
            self.calls.media.push_back(Media::Send { call, bytes });
        }
    }

    /// The relay has sent something while we asked it for a place.
    pub(crate) fn relay_said(&mut self, now: Timestamp, call: u64, part: Part) {
        let Some((endpoint, place)) = self.calls.place_of(call) else { return };
        let Some(asking) = place else { return };
        match asking.receive(part, &mut self.random) {
            Place::Wait => {}
            Place::Send(bytes) => self.calls.media.push_back(Media::Send { call, bytes }),
            Place::Given(path) => {
                let then = asking.then;
                (endpoint.relays, *place) = (path, None);
                match then {
                    Then::Invite => self.send_invite(now, call),
                    Then::Accept => self.accept(now, call),
                }
            }
            Place::Refused(status) => self.no_place(now, call, status),
        }
    }

    /// There is no place to be had, so there will be no call.
    pub(crate) fn no_place(&mut self, now: Timestamp, call: u64, status: u16) {
        let Some((_, Some(asking))) = self.calls.place_of(call) else { return };
        if asking.then == Then::Accept {
            // 480: the call could be taken at another time.
            return self.decline(now, call, 480);
        }
        self.over(call, Some(status));
    }
}

#[cfg(test)]
mod tests {
    use msrp::stream::Framer;

    use super::*;

    fn asking() -> (Asking, Random) {
        let relay = Relay {
            uri: MsrpUri::parse("msrp://relay.example.com:2855;tcp").unwrap(),
            username: "alice".to_owned(),
            password: "secret".to_owned(),
        };
        let own = MsrpUri::parse("msrp://10.0.0.7:9/abc;tcp").unwrap();
        (Asking::new(relay, &own, Then::Invite, Timestamp::from_millis(0)), Random::new(7))
    }

    fn answer(asking: &mut Asking, random: &mut Random, status: &str, headers: &str) -> Place {
        let id = asking.transaction.clone();
        let frame = format!(
            "MSRP {id} {status}\r\nTo-Path: msrp://10.0.0.7:9/abc;tcp\r\n\
             From-Path: msrp://relay.example.com:2855;tcp\r\n{headers}-------{id}$\r\n"
        );
        let mut framer = Framer::new();
        framer.buffer_mut().extend_from_slice(frame.as_bytes());
        let mut last = Place::Wait;
        while let Some(part) = framer.poll().unwrap() {
            last = asking.receive(part, random);
        }
        last
    }

    const CHALLENGE: &str =
        "WWW-Authenticate: Digest realm=\"relay\", qop=\"auth\", nonce=\"dcd98b7102dd2\"\r\n";

    #[test]
    fn a_challenge_is_answered_and_the_path_is_given() {
        let (mut asking, mut random) = asking();
        let first = asking.begin(&mut random);
        assert!(!first.windows(13).any(|bytes| bytes == b"Authorization"));
        let Place::Send(second) = answer(&mut asking, &mut random, "401 Unauthorized", CHALLENGE) else {
            panic!("an AUTH with credentials")
        };
        let second = String::from_utf8(second.to_vec()).unwrap();
        let credentials = second.lines().find_map(|line| line.strip_prefix("Authorization: ")).unwrap();
        let credentials = sip::digest::Authorization::parse(credentials.as_bytes()).unwrap();
        assert_eq!((&*credentials.username(), &*credentials.realm()), ("alice", "relay"));
        assert!(second.contains("uri=\"msrp://relay.example.com:2855;tcp\""), "{second}");
        let given = answer(
            &mut asking,
            &mut random,
            "200 OK",
            "Use-Path: msrp://relay.example.com:2855/s1;tcp\r\nExpires: 900\r\n",
        );
        let path = MsrpUri::parse_path("msrp://relay.example.com:2855/s1;tcp").unwrap();
        assert_eq!(given, Place::Given(path));
    }

    #[test]
    fn a_wrong_password_is_noticed_and_an_old_nonce_is_replaced() {
        let (mut asking, mut random) = asking();
        asking.begin(&mut random);
        assert!(matches!(answer(&mut asking, &mut random, "401 No", CHALLENGE), Place::Send(_)));
        let stale = CHALLENGE.replace("Digest ", "Digest stale=true, ");
        assert!(matches!(answer(&mut asking, &mut random, "401 No", &stale), Place::Send(_)));
        assert_eq!(answer(&mut asking, &mut random, "401 No", CHALLENGE), Place::Refused(401));
    }

    #[test]
    fn what_is_no_answer_to_the_last_request_changes_nothing() {
        let (mut asking, mut random) = asking();
        asking.begin(&mut random);
        asking.transaction.push('x');
        let late = asking.transaction.clone();
        asking.transaction.pop();
        let current = std::mem::replace(&mut asking.transaction, late);
        let mut framer = Framer::new();
        let frame = format!(
            "MSRP {current} 200 OK\r\nTo-Path: msrp://a:1/b;tcp\r\nFrom-Path: msrp://a:1;tcp\r\n-------{current}$\r\n"
        );
        framer.buffer_mut().extend_from_slice(frame.as_bytes());
        while let Some(part) = framer.poll().unwrap() {
            assert_eq!(asking.receive(part, &mut random), Place::Wait);
        }
        assert_eq!(answer(&mut asking, &mut random, "200 OK", ""), Place::Refused(500));
    }
}
