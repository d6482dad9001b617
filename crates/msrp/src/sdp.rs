//! The SDP that sets MSRP sessions up (RFC 4566 and RFC 3264 as far as RFC 4975 §8, RFC 6135 and RFC 6714 need them).
//!
//! [`Description`] is what is read and written; [`Endpoint`] is our end, which makes offers and answers.
//!
//! ```
//! use msrp::sdp::{Description, Endpoint, Setup};
//! use msrp::MsrpUri;
//!
//! let alice = Endpoint::new(MsrpUri::new(false, "10.0.0.7", 2855, "s3ss10nid", "tcp"));
//! let offer = Description::parse(&alice.offer(Setup::ActPass).to_bytes())?;
//! let centre = Endpoint::new(MsrpUri::new(false, "10.0.0.1", 2855, "a1b2c3", "tcp"));
//! let (answer, agreed) = centre.answer(&offer).expect("an MSRP offer");
//! assert_eq!(answer.media[0].setup, Some(Setup::Passive));
//! assert_eq!(agreed.remote[0].session_id.as_deref(), Some("s3ss10nid"));
//! # Ok::<(), msrp::sdp::SdpError>(())
//! ```

use std::fmt::{self, Write as _};

use bytes::Bytes;

use crate::uri::MsrpUri;

/// The media type of a description.
pub const CONTENT_TYPE: &str = "application/sdp";
/// Longest description that is read; real ones have a kilobyte.
pub const SDP_BYTES_MAX: usize = 16 * 1024;
/// Most media of one description.
const MEDIA_MAX: usize = 16;
/// Port that an active side names, since it listens nowhere (RFC 4145 §4.1).
const DISCARD_PORT: u16 = 9;

/// Why bytes are no description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Longer than [`SDP_BYTES_MAX`].
    #[error("the description has more than {SDP_BYTES_MAX} bytes")]
    TooLarge,
    /// More media than are looked at.
    #[error("more than {MEDIA_MAX} media")]
    TooManyMedia,
    /// A line that cannot be read; counted from 1.
    #[error("line {line}: {what}")]
    Line {
        /// Which.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// A session description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Digits that name the session, of `o=`.
    pub id: String,
    /// Digits that rise with every change, of `o=`.
    pub version: String,
    /// The address of `o=`, with its type: `IP4 10.0.0.7`.
    pub origin: String,
    /// The address of the session's `c=`: `IP4 10.0.0.7`; absent when every medium has its own.
    pub connection: Option<String>,
    /// The media, in order.
    pub media: Vec<Media>,
}

/// One `m=` line with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Media {
    /// `message`; others are only refused.
    pub kind: String,
    /// 0 refuses the medium or takes it away.
    pub port: u16,
    /// `TCP/MSRP`, `TCP/TLS/MSRP`; WebSocket clients write others that end in `MSRP`.
    pub protocol: String,
    /// What follows: `*` for MSRP.
    pub formats: String,
    /// The medium's own `c=`.
    pub connection: Option<String>,
    /// `a=path`: how the peer is reached, its own URI last.
    pub path: Vec<MsrpUri>,
    /// `a=setup`: who connects.
    pub setup: Option<Setup>,
    /// `a=connection:existing`: an open connection goes on.
    pub keeps_connection: bool,
    /// `a=msrp-cema` (RFC 6714).
    pub cema: bool,
    /// `a=fingerprint`, as written after the colon.
    pub fingerprint: Option<String>,
    /// `a=accept-types`: media types that may be sent; `*` is any.
    pub accept_types: Vec<String>,
    /// `a=accept-wrapped-types`: media types inside an envelope.
    pub accept_wrapped_types: Vec<String>,
    /// `a=max-size` in bytes.
    pub max_size: Option<u64>,
    /// Which way messages go.
    pub direction: Direction,
    /// Other `a=` lines, as written after `a=`.
    pub attributes: Vec<String>,
}

/// Who opens the connection (RFC 4145 §4, RFC 6135 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// The describing side does.
    Active,
    /// The other side does.
    Passive,
    /// Either: the answer says.
    ActPass,
    /// Nobody for now.
    HoldConn,
}

/// Which way messages go, as the describing side sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// It sends.
    SendOnly,
    /// It receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    const ALL: [(Self, &'static str); 4] = [
        (Self::SendRecv, "sendrecv"),
        (Self::SendOnly, "sendonly"),
        (Self::RecvOnly, "recvonly"),
        (Self::Inactive, "inactive"),
    ];

    /// What the other side answers to it (RFC 3264 §6.1).
    pub fn reversed(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            same => same,
        }
    }

    fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| text == *word).map(|(direction, _)| *direction)
    }

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(direction, _)| *direction == self).map_or("sendrecv", |(_, word)| word)
    }
}

impl Setup {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Active, "active"),
        (Self::Passive, "passive"),
        (Self::ActPass, "actpass"),
        (Self::HoldConn, "holdconn"),
    ];

    fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| text.eq_ignore_ascii_case(word)).map(|(setup, _)| *setup)
    }

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(setup, _)| *setup == self).map_or("actpass", |(_, word)| word)
    }
}

impl Media {
    /// Whether this is a medium for MSRP, whatever it runs over.
    pub fn is_msrp(&self) -> bool {
        let protocol = self.protocol.as_bytes();
        self.kind.eq_ignore_ascii_case("message")
            && protocol.len() >= 4
            && protocol[protocol.len() - 4..].eq_ignore_ascii_case(b"MSRP")
    }

    /// Whether its protocol names TLS.
    pub fn is_secure(&self) -> bool {
        self.protocol.to_ascii_uppercase().split('/').any(|part| part == "TLS" || part == "WSS")
    }

    /// Whether messages of this type may be sent to whoever wrote this.
    pub fn accepts(&self, media_type: &str) -> bool {
        lists(&self.accept_types, media_type)
    }

    /// The medium as an answer refuses it: port 0.
    fn refused(&self) -> Self {
        Self {
            kind: self.kind.clone(),
            protocol: self.protocol.clone(),
            formats: self.formats.clone(),
            ..Self::default()
        }
    }
}

/// Whether a list of accepted types has this one: itself, `*`, or `type/*`.
fn lists(accepted: &[String], media_type: &str) -> bool {
    let kind = media_type.split('/').next().unwrap_or_default();
    accepted.iter().any(|accepted| {
        accepted == "*"
            || accepted.eq_ignore_ascii_case(media_type)
            || accepted.strip_suffix("/*").is_some_and(|prefix| prefix.eq_ignore_ascii_case(kind))
    })
}

impl Description {
    /// Reads a description. Lines and attributes that we do not know are passed over; CRLF and bare LF end a line.
    ///
    /// # Errors
    /// See [`SdpError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SdpError> {
        if bytes.len() > SDP_BYTES_MAX {
            return Err(SdpError::TooLarge);
        }
        let mut description = Self {
            id: String::new(),
            version: String::new(),
            origin: String::new(),
            connection: None,
            media: Vec::new(),
        };
        let mut has_version = false;
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let wrong = |what| SdpError::Line { line: at + 1, what };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            // RFC 4566 §5: text is UTF-8; a name in another encoding is no reason to refuse a session.
            let line = String::from_utf8_lossy(line);
            let (kind, value) = line.split_once('=').ok_or(wrong("no type and value"))?;
            match kind {
                "v" => has_version = true,
                "o" => description.read_origin(value).ok_or(wrong("o= has other than six fields"))?,
                "c" => {
                    let address = address(value).ok_or(wrong("c= is no address"))?;
                    match description.media.last_mut() {
                        Some(media) => media.connection = Some(address),
                        None => description.connection = Some(address),
                    }
                }
                "m" if description.media.len() == MEDIA_MAX => return Err(SdpError::TooManyMedia),
                "m" => description.media.push(media(value).ok_or(wrong("m= is no medium"))?),
                "a" => {
                    if let Some(media) = description.media.last_mut() {
                        attribute(media, value).map_err(wrong)?;
                    }
                }
                _ => {}
            }
        }
        if !has_version || description.id.is_empty() {
            return Err(SdpError::Line { line: 1, what: "v= or o= is missing" });
        }
        Ok(description)
    }

    /// The description as bytes, lines in the order that RFC 4566 §5 wants.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from(self.to_string())
    }

    /// The answer that takes none of what is offered (RFC 3264 §6): every medium with port 0. An offer without media, as a browser
    /// makes it that was asked for none, is answered without media.
    pub fn refused(&self) -> Self {
        let nowhere = "IP4 0.0.0.0".to_owned();
        Self {
            id: "1".to_owned(),
            version: "1".to_owned(),
            origin: nowhere.clone(),
            connection: Some(nowhere),
            media: self.media.iter().map(Media::refused).collect(),
        }
    }

    /// The first medium that carries MSRP and is not refused.
    pub fn msrp(&self) -> Option<&Media> {
        self.media.iter().find(|media| media.is_msrp() && media.port != 0)
    }

    fn read_origin(&mut self, value: &str) -> Option<()> {
        let fields: Vec<&str> = value.split_ascii_whitespace().collect();
        let [_, id, version, _, kind, address] = fields.as_slice() else { return None };
        let digits = |text: &str| text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(id) || !digits(version) {
            return None;
        }
        (self.id, self.version) = ((*id).to_owned(), (*version).to_owned());
        self.origin = format!("{kind} {address}");
        Some(())
    }
}

fn address(value: &str) -> Option<String> {
    let fields: Vec<&str> = value.split_ascii_whitespace().collect();
    match fields.as_slice() {
        [net, kind, address] if net.eq_ignore_ascii_case("IN") => Some(format!("{kind} {address}")),
        _ => None,
    }
}

fn media(value: &str) -> Option<Media> {
    let mut fields = value.splitn(4, ' ');
    let (kind, port, protocol) = (fields.next()?, fields.next()?, fields.next()?);
    let port = port.split('/').next()?.parse().ok()?;
    let formats = fields.next().unwrap_or("*").trim().to_owned();
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    (is_token(kind) && is_token(protocol)).then(|| Media {
        kind: kind.to_owned(),
        port,
        protocol: protocol.to_owned(),
        formats,
        ..Media::default()
    })
}

fn attribute(media: &mut Media, value: &str) -> Result<(), &'static str> {
    let (name, content) = value.split_once(':').unwrap_or((value, ""));
    let content = content.trim();
    let words = || content.split_ascii_whitespace().map(str::to_owned).collect();
    match name {
        "path" => media.path = MsrpUri::parse_path(content).map_err(|_| "a=path is no path of MSRP URIs")?,
        "setup" => media.setup = Setup::of(content),
        "connection" => media.keeps_connection = content.eq_ignore_ascii_case("existing"),
        "msrp-cema" => media.cema = true,
        "fingerprint" => media.fingerprint = Some(content.to_owned()),
        "accept-types" => media.accept_types = words(),
        "accept-wrapped-types" => media.accept_wrapped_types = words(),
        "max-size" => media.max_size = content.parse().ok(),
        _ => match Direction::of(value.trim()) {
            Some(direction) => media.direction = direction,
            None => media.attributes.push(value.to_owned()),
        },
    }
    Ok(())
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::with_capacity(1024);
        let line = |out: &mut String, text: fmt::Arguments<'_>| {
            let start = out.len();
            // A String takes any text; what comes from peers must not begin a line of its own.
            let _ = out.write_fmt(text);
            if out[start..].contains(['\r', '\n', '\0']) {
                let clean = out.split_off(start).replace(['\r', '\n', '\0'], " ");
                out.push_str(&clean);
            }
            out.push_str("\r\n");
        };
        line(&mut out, format_args!("v=0"));
        line(&mut out, format_args!("o=- {} {} IN {}", self.id, self.version, self.origin));
        line(&mut out, format_args!("s=-"));
        if let Some(connection) = &self.connection {
            line(&mut out, format_args!("c=IN {connection}"));
        }
        line(&mut out, format_args!("t=0 0"));
        for media in &self.media {
            let Media { kind, port, protocol, formats, .. } = media;
            line(&mut out, format_args!("m={kind} {port} {protocol} {formats}"));
            if let Some(connection) = &media.connection {
                line(&mut out, format_args!("c=IN {connection}"));
            }
            if !media.path.is_empty() {
                let path: Vec<String> = media.path.iter().map(MsrpUri::to_string).collect();
                line(&mut out, format_args!("a=path:{}", path.join(" ")));
            }
            if let Some(setup) = media.setup {
                line(&mut out, format_args!("a=setup:{}", setup.as_str()));
            }
            if media.keeps_connection {
                line(&mut out, format_args!("a=connection:existing"));
            }
            if media.cema {
                line(&mut out, format_args!("a=msrp-cema"));
            }
            if let Some(fingerprint) = &media.fingerprint {
                line(&mut out, format_args!("a=fingerprint:{fingerprint}"));
            }
            if !media.accept_types.is_empty() {
                line(&mut out, format_args!("a=accept-types:{}", media.accept_types.join(" ")));
            }
            if !media.accept_wrapped_types.is_empty() {
                line(
                    &mut out,
                    format_args!("a=accept-wrapped-types:{}", media.accept_wrapped_types.join(" ")),
                );
            }
            if let Some(bytes) = media.max_size {
                line(&mut out, format_args!("a=max-size:{bytes}"));
            }
            if media.is_msrp() && media.port != 0 {
                line(&mut out, format_args!("a={}", media.direction.as_str()));
            }
            for attribute in &media.attributes {
                line(&mut out, format_args!("a={attribute}"));
            }
        }
        f.write_str(&out)
    }
}

/// One end of a session, before and after it is agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Our URI.
    pub uri: MsrpUri,
    /// Relays by which the peer reaches us, the one next to it first (RFC 4976); usually none.
    pub relays: Vec<MsrpUri>,
    /// The address of `c=`, with its type; made from the URI's host.
    pub address: String,
    /// Media types that we take.
    pub accept_types: Vec<String>,
    /// Media types that we take inside an envelope.
    pub accept_wrapped_types: Vec<String>,
    /// Largest message that we take.
    pub max_size: u64,
    /// Which way messages go.
    pub direction: Direction,
    /// Of our certificate, over TLS: `SHA-256 AA:BB:…`.
    pub fingerprint: Option<String>,
    /// Whether we open connections when the peer wants us to.
    pub connects: bool,
    /// Digits for `o=`.
    pub version: u64,
}

/// What offer and answer have agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The peer's path, its own URI last.
    pub remote: Vec<MsrpUri>,
    /// The peer's media line.
    pub media: Media,
    /// Whether we open the connection.
    pub is_active: bool,
    /// Where to: of `c=` and `m=` with CEMA, else of the path's first URI. Only of use to the active side.
    pub connect_to: (String, u16),
}

/// Why an offer or answer is not acceptable: 488.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// No MSRP among the media, or only refused.
    #[error("no MSRP media line")]
    NoMsrp,
    /// `a=path` is missing or names no session.
    #[error("no path to an MSRP session")]
    NoPath,
    /// TLS on one side only.
    #[error("TLS on one side only")]
    Security,
    /// Neither side opens the connection.
    #[error("the peer must open the connection")]
    Setup,
    /// Types in common: none.
    #[error("message/cpim is not accepted")]
    Types,
}

/// What RCS sends in a session.
const ACCEPT_TYPES: [&str; 3] = ["message/cpim", "application/im-iscomposing+xml", "message/imdn+xml"];

impl Endpoint {
    /// An end that takes RCS messages both ways, of up to a mebibyte.
    pub fn new(uri: MsrpUri) -> Self {
        let host = uri.host.trim_matches(['[', ']']);
        let kind = if host.contains(':') { "IP6" } else { "IP4" };
        Self {
            address: format!("{kind} {host}"),
            uri,
            relays: Vec::new(),
            accept_types: ACCEPT_TYPES.map(str::to_owned).to_vec(),
            accept_wrapped_types: vec!["*".to_owned()],
            max_size: 1 << 20,
            direction: Direction::SendRecv,
            fingerprint: None,
            connects: false,
            version: 1,
        }
    }

    /// Our session id.
    pub fn session_id(&self) -> &str {
        self.uri.session_id.as_deref().unwrap_or_default()
    }

    /// An offer that says who is to connect.
    pub fn offer(&self, setup: Setup) -> Description {
        let protocol = if self.uri.secure { "TCP/TLS/MSRP" } else { "TCP/MSRP" };
        self.description(vec![self.media(protocol, setup)])
    }

    /// Answers an offer: the first medium with MSRP is taken, every other refused with port 0.
    ///
    /// # Errors
    /// Nothing in it can be taken.
    pub fn answer(&self, offer: &Description) -> Result<(Description, Agreed), Unacceptable> {
        let place = offer.media.iter().position(|media| media.is_msrp() && media.port != 0);
        let place = place.ok_or(Unacceptable::NoMsrp)?;
        let theirs = &offer.media[place];
        let setup = match theirs.setup {
            // RFC 4975 §5.4: without a=setup the offerer connects.
            None | Some(Setup::Active | Setup::ActPass) => Setup::Passive,
            Some(Setup::Passive) if self.connects => Setup::Active,
            Some(Setup::Passive | Setup::HoldConn) => return Err(Unacceptable::Setup),
        };
        let agreed = self.agree(offer, theirs, setup == Setup::Active)?;
        let mut media: Vec<Media> = offer.media.iter().map(Media::refused).collect();
        media[place] = self.media(&theirs.protocol, setup);
        media[place].direction = match (theirs.direction.reversed(), self.direction) {
            (asked, Direction::SendRecv) => asked,
            (_, ours) => ours,
        };
        Ok((self.description(media), agreed))
    }

    /// Reads the answer to our offer.
    ///
    /// # Errors
    /// The medium was refused, or the answer does not fit the offer.
    pub fn accept(&self, answer: &Description) -> Result<Agreed, Unacceptable> {
        let theirs = answer.msrp().ok_or(Unacceptable::NoMsrp)?;
        let is_active = match theirs.setup {
            Some(Setup::Active) => false,
            // RFC 4975 §5.4: without a=setup the offerer connects.
            _ if self.connects => true,
            // Having offered `passive` we were owed `active`; the peer may still connect.
            _ => false,
        };
        self.agree(answer, theirs, is_active)
    }

    fn agree(&self, whole: &Description, theirs: &Media, is_active: bool) -> Result<Agreed, Unacceptable> {
        let own = theirs.path.last().filter(|uri| uri.session_id.is_some()).ok_or(Unacceptable::NoPath)?;
        // Whoever connects to us, or we to: the peer, or its relay.
        let first = theirs.path.first().unwrap_or(own);
        if first.secure != self.uri.secure {
            return Err(Unacceptable::Security);
        }
        if !theirs.accept_types.is_empty() && !theirs.accepts("message/cpim") {
            return Err(Unacceptable::Types);
        }
        let named = theirs.connection.as_ref().or(whole.connection.as_ref());
        let named = named.and_then(|address| address.split_once(' ')).map(|(_, host)| host);
        let connect_to = match named {
            Some(host) if theirs.cema && theirs.port != DISCARD_PORT => (host.to_owned(), theirs.port),
            _ => (first.host.trim_matches(['[', ']']).to_owned(), first.port.unwrap_or(theirs.port)),
        };
        Ok(Agreed { remote: theirs.path.clone(), media: theirs.clone(), is_active, connect_to })
    }

    fn description(&self, media: Vec<Media>) -> Description {
        // Our session ids are random: digits made from them name the session in o= well enough.
        let digest = self.session_id().bytes().fold(0u64, |sum, byte| {
            sum.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(byte)) & (i64::MAX as u64)
        });
        Description {
            id: digest.to_string(),
            version: self.version.to_string(),
            origin: self.address.clone(),
            connection: Some(self.address.clone()),
            media,
        }
    }

    fn media(&self, protocol: &str, setup: Setup) -> Media {
        // RFC 4975 §8.1: where the path begins.
        let first = self.relays.first().unwrap_or(&self.uri);
        let port = if setup == Setup::Active { DISCARD_PORT } else { first.port.unwrap_or(DISCARD_PORT) };
        Media {
            kind: "message".to_owned(),
            port,
            protocol: protocol.to_owned(),
            formats: "*".to_owned(),
            connection: None,
            path: self.relays.iter().chain([&self.uri]).cloned().collect(),
            setup: Some(setup),
            keeps_connection: false,
            // RFC 6714 §4: with relays the path says where to connect, not c= and m=.
            cema: self.relays.is_empty(),
            fingerprint: self.fingerprint.clone(),
            accept_types: self.accept_types.clone(),
            accept_wrapped_types: self.accept_wrapped_types.clone(),
            max_size: Some(self.max_size),
            direction: self.direction,
            attributes: Vec::new(),
        }
    }
}
