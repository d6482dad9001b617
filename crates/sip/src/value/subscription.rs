//! Event and Subscription-State (RFC 6665 §8.2).

use std::fmt;

use super::{HeaderError, Params, is_token, number, split_before};

/// Event: which package, and which of several subscriptions in one dialog.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The package with its template if it has one: `conference`, `presence.winfo`. Compares byte for byte (RFC 6665 §8.2.1).
    pub package: &'a str,
    /// `id` and others.
    pub params: Params<'a>,
}

impl<'a> Event<'a> {
    /// Reads `conference;id=1`.
    ///
    /// # Errors
    /// No token in front, or not UTF-8.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let malformed = HeaderError::malformed("Event", "not an event package");
        let text = std::str::from_utf8(value).map_err(|_| malformed)?;
        let (package, params) = split_before(text, b';');
        let package = package.trim();
        if !is_token(package.as_bytes()) {
            return Err(malformed);
        }
        Ok(Event { package, params: Params::of(params) })
    }

    /// The `id` parameter: what NOTIFY repeats.
    pub fn id(&self) -> Option<&'a str> {
        self.params.get("id").filter(|id| !id.is_empty())
    }
}

/// Subscription-State: how a subscription stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionState<'a> {
    /// The state.
    pub substate: Substate<'a>,
    /// Seconds that are left of it.
    pub expires_s: Option<u32>,
    /// Why it ended: `timeout`, `noresource`, `deactivated`, `rejected`, ….
    pub reason: Option<&'a str>,
    /// Seconds after which to try again.
    pub retry_after_s: Option<u32>,
}

/// The state of a subscription.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Substate<'a> {
    /// It runs.
    Active,
    /// Somebody has yet to allow it.
    Pending,
    /// It is over.
    Terminated,
    /// Any other token.
    Other(&'a str),
}

impl Substate<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Terminated => "terminated",
            Self::Other(other) => other,
        }
    }
}

impl<'a> SubscriptionState<'a> {
    /// Active, for so many seconds more.
    pub fn active(expires_s: u32) -> Self {
        Self { substate: Substate::Active, expires_s: Some(expires_s), reason: None, retry_after_s: None }
    }

    /// Over, for this reason.
    pub fn terminated(reason: &'a str) -> Self {
        Self { substate: Substate::Terminated, expires_s: None, reason: Some(reason), retry_after_s: None }
    }

    /// Reads `active;expires=3600`. Parameters that are no numbers where numbers stand count as absent.
    ///
    /// # Errors
    /// No token in front, or not UTF-8.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let malformed = HeaderError::malformed("Subscription-State", "not a state");
        let text = std::str::from_utf8(value).map_err(|_| malformed)?;
        let (state, params) = split_before(text, b';');
        let (state, params) = (state.trim(), Params::of(params));
        if !is_token(state.as_bytes()) {
            return Err(malformed);
        }
        let substate = match state {
            _ if state.eq_ignore_ascii_case("active") => Substate::Active,
            _ if state.eq_ignore_ascii_case("pending") => Substate::Pending,
            _ if state.eq_ignore_ascii_case("terminated") => Substate::Terminated,
            other => Substate::Other(other),
        };
        let seconds = |name| {
            let seconds = number(params.get(name)?.as_bytes())?;
            Some(seconds.min(u64::from(u32::MAX)) as u32)
        };
        Ok(Self {
            substate,
            expires_s: seconds("expires"),
            reason: params.get("reason").filter(|reason| is_token(reason.as_bytes())),
            retry_after_s: seconds("retry-after"),
        })
    }
}

impl fmt::Display for SubscriptionState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.substate.as_str())?;
        if let Some(seconds) = self.expires_s {
            write!(f, ";expires={seconds}")?;
        }
        if let Some(reason) = self.reason {
            write!(f, ";reason={reason}")?;
        }
        if let Some(seconds) = self.retry_after_s {
            write!(f, ";retry-after={seconds}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_a_package_and_perhaps_an_id() {
        let event = Event::parse(b"conference ; id=7").unwrap();
        assert_eq!((event.package, event.id()), ("conference", Some("7")));
        assert_eq!(Event::parse(b"presence.winfo").unwrap().id(), None);
        for bad in [&b""[..], b";id=1", b"two words", b"\xff"] {
            assert!(Event::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn subscription_states_read_back() {
        for text in [
            "active;expires=3600",
            "pending",
            "terminated;reason=noresource",
            "terminated;reason=giveup;retry-after=5",
            "waiting",
        ] {
            assert_eq!(SubscriptionState::parse(text.as_bytes()).unwrap().to_string(), text);
        }
        let odd =
            SubscriptionState::parse(b"Active; Expires=99999999999;reason=\"a b\";retry-after=x").unwrap();
        assert_eq!(odd, SubscriptionState { expires_s: Some(u32::MAX), ..SubscriptionState::active(0) });
        assert!(SubscriptionState::parse(b";expires=1").is_err());
    }
}
