//! Who is in a group: `application/conference-info+xml` (RFC 4575), the body of NOTIFY in the conference event package.
//!
//! A full document says all there is; a partial one says what has changed since the version before it. [`ConferenceInfo::apply`]
//! brings what a subscriber knows up to date, and notices when a version is missing.

use crate::Timestamp;
use crate::group_data::NAMESPACE_1_0;
use crate::xml::{Element, Writer, XmlError, bounded, known, word};

/// The media type.
pub const CONTENT_TYPE: &str = "application/conference-info+xml";

/// The name of the event package (RFC 4575 §3.1).
pub const EVENT: &str = "conference";

/// Most users that are read.
pub const USERS_MAX: usize = 512;

/// Longest URI, name or subject that is kept, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:conference-info";

/// A document, or what a subscriber knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConferenceInfo {
    /// The group's focus.
    pub entity: String,
    /// How the whole is to be read.
    pub state: State,
    /// Rises with every document of a subscription; absent where it does not matter.
    pub version: Option<u32>,
    /// The subject; absent when there is none, and in a partial document when it has not changed. Empty in a partial one: it was
    /// taken away.
    pub subject: Option<String>,
    /// The same for the icon, which was taken away when it has no URL.
    pub icon: Option<Icon>,
    /// Most members.
    pub maximum_user_count: Option<u32>,
    /// How many members there are.
    pub user_count: Option<u32>,
    /// Whether `users` are all members or only some.
    pub users_state: State,
    /// Members.
    pub users: Vec<User>,
}

/// A group's icon, as OMA CPM's extension tells of it: the link, by whom, and when. The schema isn't public; the names are those of
/// [`crate::group_data`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Icon {
    /// Where it is fetched; absent when it was taken away.
    pub url: Option<String>,
    /// Who changed it last.
    pub participant: Option<String>,
    /// When.
    pub timestamp: Option<Timestamp>,
}

/// How an element is to be read (RFC 4575 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// As all there is.
    #[default]
    Full,
    /// As what has changed.
    Partial,
    /// As no longer there.
    Deleted,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// Its URI.
    pub entity: String,
    /// Full, partial or deleted.
    pub state: State,
    /// Whether it is the subscriber itself (OMA CPM).
    pub is_own: bool,
    /// The name to show.
    pub display_text: Option<String>,
    /// What it may do.
    pub roles: Vec<Role>,
    /// Its devices, or one for all of them.
    pub endpoints: Vec<Endpoint>,
}

/// What a member may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Remove others and give roles; `chairman` in OMA CPM.
    Admin,
    /// Take part.
    Participant,
    /// Another word.
    Other(String),
}

/// A member's device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endpoint {
    /// Its URI.
    pub entity: String,
    /// Full, partial or deleted.
    pub state: State,
    /// How it stands.
    pub status: Option<Status>,
    /// Why it went.
    pub disconnection_method: Option<DisconnectionMethod>,
    /// When it came.
    pub joined_at: Option<Timestamp>,
}

/// How a device stands (RFC 4575 §5.7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Status {
    Pending,
    DialingOut,
    DialingIn,
    Alerting,
    OnHold,
    Connected,
    MutedViaFocus,
    Disconnecting,
    Disconnected,
}

/// Why a device went (RFC 4575 §5.7.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum DisconnectionMethod {
    Departed,
    Booted,
    Failed,
    Busy,
}

/// A partial document came whose predecessor did not: subscribe anew (RFC 4575 §4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version of the conference-info is missing")]
pub struct VersionGap;

impl Role {
    fn as_str(&self) -> &str {
        match self {
            Self::Admin => "admin",
            Self::Participant => "participant",
            Self::Other(other) => other,
        }
    }

    fn of(text: &str) -> Self {
        match text {
            "admin" | "chairman" => Self::Admin,
            "participant" => Self::Participant,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl State {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Full, "full"), (Self::Partial, "partial"), (Self::Deleted, "deleted")];

    fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }

    /// RFC 4575 §4.3: full where nothing is said.
    fn of(element: &Element) -> Result<Self, XmlError> {
        element
            .attribute("state")
            .map_or(Ok(Self::Full), |text| known(&Self::ALL, text).ok_or(XmlError::Invalid("state")))
    }
}

impl Status {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Pending, "pending"),
        (Self::DialingOut, "dialing-out"),
        (Self::DialingIn, "dialing-in"),
        (Self::Alerting, "alerting"),
        (Self::OnHold, "on-hold"),
        (Self::Connected, "connected"),
        (Self::MutedViaFocus, "muted-via-focus"),
        (Self::Disconnecting, "disconnecting"),
        (Self::Disconnected, "disconnected"),
    ];
}

impl DisconnectionMethod {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Departed, "departed"),
        (Self::Booted, "booted"),
        (Self::Failed, "failed"),
        (Self::Busy, "busy"),
    ];
}

impl ConferenceInfo {
    /// A document about the group `entity` that says nothing yet.
    pub fn new(entity: impl Into<String>, state: State, version: u32) -> Self {
        Self {
            entity: entity.into(),
            state,
            version: Some(version),
            subject: None,
            icon: None,
            maximum_user_count: None,
            user_count: None,
            users_state: state,
            users: Vec::new(),
        }
    }

    /// Reads a document. Numbers and times that are none count as absent, unknown words too.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse(document, "conference-info")?;
        let description = root.child("conference-description");
        let child = |name| description?.child(name);
        let number = |element: Option<&Element>, name| element?.child_text(name)?.parse().ok();
        let users = root.child("users");
        let mut list = Vec::new();
        for element in users.map_or(&[][..], Element::children).iter().filter(|child| child.name() == "user")
        {
            if list.len() == USERS_MAX {
                return Err(XmlError::TooMany("users"));
            }
            list.push(user(element)?);
        }
        Ok(Self {
            entity: entity(&root)?,
            state: State::of(&root)?,
            version: root.attribute("version").and_then(|text| text.parse().ok()),
            subject: child("subject")
                .map(|subject| bounded(subject.text(), "subject", TEXT_BYTES_MAX))
                .transpose()?,
            icon: child("icon").or(child("icon-description")).map(Icon::of).transpose()?,
            maximum_user_count: number(description, "maximum-user-count"),
            user_count: number(root.child("conference-state"), "user-count"),
            users_state: users.map_or(Ok(State::Partial), State::of)?,
            users: list,
        })
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let version = self.version.map(|version| version.to_string());
        let mut attributes =
            vec![("xmlns", NAMESPACE), ("entity", &self.entity), ("state", self.state.as_str())];
        attributes.extend(version.as_deref().map(|version| ("version", version)));
        let mut xml = Writer::new();
        xml.open("conference-info", &attributes);
        if self.subject.is_some() || self.icon.is_some() || self.maximum_user_count.is_some() {
            xml.open("conference-description", &[]);
            if let Some(subject) = &self.subject {
                xml.text("subject", &[], subject);
            }
            if let Some(count) = self.maximum_user_count {
                xml.text("maximum-user-count", &[], &count.to_string());
            }
            if let Some(icon) = &self.icon {
                icon.write(&mut xml);
            }
            xml.close();
        }
        if let Some(count) = self.user_count {
            xml.open("conference-state", &[]).text("user-count", &[], &count.to_string()).close();
        }
        if !self.users.is_empty() || self.users_state == State::Full {
            xml.open("users", &[("state", self.users_state.as_str())]);
            self.users.iter().for_each(|user| user.write(&mut xml));
            xml.close();
        }
        xml.finish()
    }

    /// Brings what a subscriber knows up to date with the next document (RFC 4575 §4.4): a full one replaces it, a partial one
    /// changes it, a deleted one empties it. A document that is no newer changes nothing.
    ///
    /// # Errors
    /// [`VersionGap`]: a version between is missing; nothing has changed.
    pub fn apply(&mut self, next: ConferenceInfo) -> Result<(), VersionGap> {
        if next.state != State::Partial {
            *self = next;
            return Ok(());
        }
        if let (Some(known), Some(version)) = (self.version, next.version) {
            if version <= known {
                return Ok(());
            }
            if version > known.saturating_add(1) {
                return Err(VersionGap);
            }
        }
        self.version = next.version.or(self.version);
        self.subject = next.subject.or(self.subject.take()).filter(|subject| !subject.is_empty());
        self.icon = next.icon.or(self.icon.take()).filter(|icon| icon.url.is_some());
        self.maximum_user_count = next.maximum_user_count.or(self.maximum_user_count);
        self.user_count = next.user_count.or(self.user_count);
        if next.users_state == State::Full {
            self.users = next.users;
            return Ok(());
        }
        for user in next.users {
            let place = self.users.iter().position(|known| known.entity == user.entity);
            match (user.state, place) {
                (State::Deleted, Some(place)) => drop(self.users.remove(place)),
                (State::Deleted, None) => {}
                (State::Full, Some(place)) => self.users[place] = user,
                (State::Partial, Some(place)) => self.users[place].apply(user),
                (_, None) if self.users.len() < USERS_MAX => {
                    self.users.push(User { state: State::Full, ..user });
                }
                (_, None) => {}
            }
        }
        Ok(())
    }
}

impl Icon {
    fn of(element: &Element) -> Result<Self, XmlError> {
        let url = element.child_text("icon-uri").unwrap_or(element.text());
        Ok(Self {
            url: Some(bounded(url, "icon", TEXT_BYTES_MAX)?).filter(|url| !url.is_empty()),
            participant: text(element, "participant")?,
            timestamp: element.child_text("timestamp").and_then(|text| Timestamp::parse_rfc3339(text).ok()),
        })
    }

    fn write(&self, xml: &mut Writer) {
        // RFC 4575 §5.1: what extends the description has a namespace of its own.
        xml.open("icon", &[("xmlns", NAMESPACE_1_0)]);
        if let Some(url) = &self.url {
            xml.text("icon-uri", &[], url);
        }
        if let Some(participant) = &self.participant {
            xml.text("participant", &[], participant);
        }
        if let Some(timestamp) = self.timestamp {
            xml.text("timestamp", &[], &timestamp.rfc3339());
        }
        xml.close();
    }
}

impl User {
    /// A member with nothing but a URI.
    pub fn new(entity: impl Into<String>, state: State) -> Self {
        Self { entity: entity.into(), state, ..Self::default() }
    }

    fn apply(&mut self, next: User) {
        self.display_text = next.display_text.or(self.display_text.take());
        if !next.roles.is_empty() {
            self.roles = next.roles;
        }
        for endpoint in next.endpoints {
            self.endpoints.retain(|known| known.entity != endpoint.entity);
            if endpoint.state != State::Deleted {
                self.endpoints.push(endpoint);
            }
        }
        self.is_own |= next.is_own;
    }

    fn write(&self, xml: &mut Writer) {
        let mut attributes = vec![("entity", self.entity.as_str()), ("state", self.state.as_str())];
        if self.is_own {
            attributes.push(("yourown", "true"));
        }
        if self.display_text.is_none() && self.roles.is_empty() && self.endpoints.is_empty() {
            xml.empty("user", &attributes);
            return;
        }
        xml.open("user", &attributes);
        if let Some(name) = &self.display_text {
            xml.text("display-text", &[], name);
        }
        if !self.roles.is_empty() {
            xml.open("roles", &[]);
            for role in &self.roles {
                xml.text("entry", &[], role.as_str());
            }
            xml.close();
        }
        for endpoint in &self.endpoints {
            xml.open("endpoint", &[("entity", &endpoint.entity), ("state", endpoint.state.as_str())]);
            if let Some(status) = endpoint.status {
                xml.text("status", &[], word(&Status::ALL, status));
            }
            if let Some(method) = endpoint.disconnection_method {
                xml.text("disconnection-method", &[], word(&DisconnectionMethod::ALL, method));
            }
            if let Some(when) = endpoint.joined_at {
                xml.open("joining-info", &[]).text("when", &[], &when.rfc3339()).close();
            }
            xml.close();
        }
        xml.close();
    }
}

fn user(element: &Element) -> Result<User, XmlError> {
    let roles = element.child("roles").map_or(&[][..], Element::children).iter();
    let mut endpoints = Vec::new();
    for child in element.children().iter().filter(|child| child.name() == "endpoint") {
        let joined = child.child("joining-info").and_then(|info| info.child_text("when"));
        endpoints.push(Endpoint {
            entity: entity(child)?,
            state: State::of(child)?,
            status: child.child_text("status").and_then(|text| known(&Status::ALL, text)),
            disconnection_method: child
                .child_text("disconnection-method")
                .and_then(|text| known(&DisconnectionMethod::ALL, text)),
            joined_at: joined.and_then(|text| Timestamp::parse_rfc3339(text).ok()),
        });
    }
    Ok(User {
        entity: entity(element)?,
        state: State::of(element)?,
        is_own: element.attribute("yourown") == Some("true"),
        display_text: text(element, "display-text")?,
        roles: roles.map(Element::text).filter(|text| !text.is_empty()).map(Role::of).collect(),
        endpoints,
    })
}

fn entity(element: &Element) -> Result<String, XmlError> {
    element.required_attribute("entity", TEXT_BYTES_MAX)
}

fn text(element: &Element, name: &'static str) -> Result<Option<String>, XmlError> {
    element.child_text(name).map(|text| bounded(text, name, TEXT_BYTES_MAX)).transpose()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn full() -> ConferenceInfo {
        let when = Timestamp::parse_rfc3339("2026-11-24T08:00:00Z").unwrap();
        let owner = User {
            is_own: true,
            display_text: Some("韩梅梅".to_owned()),
            roles: vec![Role::Admin],
            endpoints: vec![Endpoint {
                entity: "sip:+8613800000001@hongyan.local;gr=urn:uuid:1".to_owned(),
                status: Some(Status::Connected),
                joined_at: Some(when),
                ..Endpoint::default()
            }],
            ..User::new("sip:+8613800000001@hongyan.local;user=phone", State::Full)
        };
        let invited = User {
            roles: vec![Role::Participant],
            endpoints: vec![Endpoint {
                entity: "tel:+8613800000002".to_owned(),
                status: Some(Status::Pending),
                ..Endpoint::default()
            }],
            ..User::new("tel:+8613800000002", State::Full)
        };
        ConferenceInfo {
            subject: Some("周末".to_owned()),
            maximum_user_count: Some(100),
            user_count: Some(2),
            users: vec![owner, invited],
            ..ConferenceInfo::new("sip:7f3a@groups.hongyan.local", State::Full, 1)
        }
    }

    #[test]
    fn a_full_document_reads_and_is_written() {
        let document = include_bytes!("../../../fixtures/rcs/conference-info/full.xml");
        assert_eq!(ConferenceInfo::parse(document), Ok(full()));
        let written = include_str!("../../../fixtures/rcs/conference-info/full.written.xml");
        assert_eq!(full().to_xml(), written);
    }

    #[test]
    fn a_partial_document_changes_what_is_known() {
        let document = include_bytes!("../../../fixtures/rcs/conference-info/partial.xml");
        let partial = ConferenceInfo::parse(document).unwrap();
        assert_eq!(partial.users[1], User::new("tel:+8613800000003", State::Deleted));
        let mut known = full();
        known.users.push(User::new("tel:+8613800000003", State::Full));
        known.apply(partial.clone()).unwrap();
        assert_eq!((known.version, known.users.len()), (Some(2), 2));
        assert_eq!(known.subject.as_deref(), Some("周末"));
        let gone = &known.users[1].endpoints[0];
        assert_eq!(gone.status, Some(Status::Disconnected));
        assert_eq!(gone.disconnection_method, Some(DisconnectionMethod::Booted));
        // The same again is no news; a gap is noticed, and changes nothing.
        let before = known.clone();
        assert_eq!(known.apply(partial.clone()), Ok(()));
        assert_eq!(known.apply(ConferenceInfo { version: Some(4), ..partial.clone() }), Err(VersionGap));
        assert_eq!(known, before);
        assert_eq!(known.apply(full()), Ok(()));
        assert_eq!(known, full());
    }

    #[test]
    fn an_icon_and_a_subject_come_and_go() {
        let icon = Icon {
            url: Some("https://rcs.example/content/abc".to_owned()),
            participant: Some("tel:+8613800000001".to_owned()),
            timestamp: Some(Timestamp::parse_rfc3339("2026-11-24T08:00:00Z").unwrap()),
        };
        let told =
            ConferenceInfo { icon: Some(icon.clone()), ..ConferenceInfo::new("sip:g@h", State::Partial, 2) };
        let written = include_str!("../../../fixtures/rcs/conference-info/icon.written.xml");
        assert_eq!(told.to_xml(), written);
        assert_eq!(ConferenceInfo::parse(written.as_bytes()), Ok(told.clone()));
        let mut known = full();
        known.apply(told).unwrap();
        assert_eq!(known.icon.as_ref(), Some(&icon));
        let gone = "<conference-info entity='a:b' state='partial' version='3'><conference-description><subject/>\
                    <icon><participant>tel:1</participant></icon></conference-description></conference-info>";
        known.apply(ConferenceInfo::parse(gone.as_bytes()).unwrap()).unwrap();
        assert_eq!((known.subject, known.icon), (None, None));
        let other = "<conference-info entity='a:b'><conference-description>\
                     <icon-description>https://a/b</icon-description></conference-description></conference-info>";
        let other = ConferenceInfo::parse(other.as_bytes()).unwrap().icon.unwrap();
        assert_eq!(other.url.as_deref(), Some("https://a/b"));
    }

    #[test]
    fn what_is_no_conference_info_is_refused() {
        let refuse = |xml: &str| ConferenceInfo::parse(xml.as_bytes()).unwrap_err();
        assert_eq!(refuse("<conference-info/>"), XmlError::Missing("entity"));
        assert_eq!(refuse("<conference-info entity='a' state='half'/>"), XmlError::Invalid("state"));
        assert!(matches!(refuse("<users/>"), XmlError::Root { .. }));
        let user = "<user entity='a:b'/>".repeat(USERS_MAX + 1);
        let many = format!("<conference-info entity='a'><users>{user}</users></conference-info>");
        assert_eq!(refuse(&many), XmlError::TooMany("users"));
    }

    fn state() -> impl Strategy<Value = State> {
        prop_oneof![Just(State::Full), Just(State::Partial), Just(State::Deleted)]
    }

    fn users() -> impl Strategy<Value = Vec<User>> {
        let endpoint = (
            "[!-~]{1,20}",
            state(),
            proptest::option::of(0usize..9),
            proptest::option::of(0usize..4),
            proptest::option::of(0..Timestamp::MAX.as_millis()),
        )
            .prop_map(|(entity, state, status, method, joined)| Endpoint {
                entity,
                state,
                status: status.map(|at| Status::ALL[at].0),
                disconnection_method: method.map(|at| DisconnectionMethod::ALL[at].0),
                joined_at: joined.map(Timestamp::from_millis),
            });
        let user = (
            "[a-d]",
            state(),
            any::<bool>(),
            proptest::option::of("[!-~鸿]{1,10}"),
            proptest::collection::vec(0..3usize, 0..3),
            proptest::collection::vec(endpoint, 0..3),
        )
            .prop_map(|(entity, state, is_own, display_text, roles, endpoints)| User {
                entity,
                state,
                is_own,
                display_text,
                roles: roles
                    .into_iter()
                    .map(|at| {
                        [Role::Admin, Role::Participant, Role::Other("observer".to_owned())][at].clone()
                    })
                    .collect(),
                endpoints,
            });
        proptest::collection::vec(user, 0..6)
    }

    proptest! {
        #[test]
        fn written_documents_read_back(
            state in state(),
            users_state in state(),
            version in any::<u32>(),
            subject in proptest::option::of("([!-~鸿][ -~鸿]{0,20}[!-~])?"),
            icon in proptest::option::of((proptest::option::of("[!-~]{1,20}"), proptest::option::of(0..Timestamp::MAX.as_millis()))),
            counts in any::<(Option<u32>, Option<u32>)>(),
            users in users(),
        ) {
            // Without any user, a partial list is not written at all.
            let users_state = if users.is_empty() && users_state != State::Full { State::Partial } else { users_state };
            let info = ConferenceInfo {
                subject,
                icon: icon.map(|(url, at)| Icon { participant: url.clone(), url, timestamp: at.map(Timestamp::from_millis) }),
                maximum_user_count: counts.0,
                user_count: counts.1,
                users_state,
                users,
                ..ConferenceInfo::new("sip:g@groups.hongyan.local", state, version)
            };
            prop_assert_eq!(ConferenceInfo::parse(info.to_xml().as_bytes()), Ok(info));
        }

        /// A subscriber that gets every document knows what one knows who asks anew.
        #[test]
        fn partial_documents_add_up(steps in proptest::collection::vec((0usize..6, any::<bool>()), 0..30)) {
            let mut members: Vec<String> = Vec::new();
            let mut known = ConferenceInfo::new("sip:g@h", State::Full, 0);
            for (version, (who, comes)) in steps.into_iter().enumerate() {
                let entity = format!("tel:+861380000000{who}");
                members.retain(|member| *member != entity);
                let mut next = ConferenceInfo::new("sip:g@h", State::Partial, version as u32 + 1);
                next.users.push(User::new(entity.clone(), if comes { State::Full } else { State::Deleted }));
                if comes {
                    members.push(entity);
                }
                known.apply(next).unwrap();
                let mut listed: Vec<_> = known.users.iter().map(|user| user.entity.clone()).collect();
                listed.sort();
                members.sort();
                prop_assert_eq!(&listed, &members);
            }
        }
    }
}
