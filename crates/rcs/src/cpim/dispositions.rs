//! Which reports a sender asks for: the tokens of Disposition-Notification (RFC 5438 §6.2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of report requests. Its text is the header value: `positive-delivery, display`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Dispositions {
    /// Report when it was delivered.
    pub positive_delivery: bool,
    /// Report when it could not be delivered.
    pub negative_delivery: bool,
    /// Report when it was processed or stored on the way.
    pub processing: bool,
    /// Report when it was displayed.
    pub display: bool,
    /// Report when it was turned into SMS or MMS (OMA CPM).
    pub interworking: bool,
}

impl Dispositions {
    /// No report asked for.
    pub const NONE: Self = Self {
        positive_delivery: false,
        negative_delivery: false,
        processing: false,
        display: false,
        interworking: false,
    };

    /// What RCS handsets ask for: delivered and displayed.
    pub const DELIVERY_AND_DISPLAY: Self = Self { positive_delivery: true, display: true, ..Self::NONE };

    /// The tokens of a header value; unknown ones and parameters are passed over.
    pub fn parse(value: &str) -> Self {
        let mut set = Self::NONE;
        for token in value.split(',') {
            let token = token.split(';').next().unwrap_or("").trim();
            for (name, flag) in set.flags_mut() {
                *flag |= name.eq_ignore_ascii_case(token);
            }
        }
        set
    }

    /// What either asks for.
    pub fn union(self, other: Self) -> Self {
        Self {
            positive_delivery: self.positive_delivery || other.positive_delivery,
            negative_delivery: self.negative_delivery || other.negative_delivery,
            processing: self.processing || other.processing,
            display: self.display || other.display,
            interworking: self.interworking || other.interworking,
        }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    fn flags_mut(&mut self) -> [(&'static str, &mut bool); 5] {
        [
            ("positive-delivery", &mut self.positive_delivery),
            ("negative-delivery", &mut self.negative_delivery),
            ("processing", &mut self.processing),
            ("display", &mut self.display),
            ("interworking", &mut self.interworking),
        ]
    }
}

impl fmt::Display for Dispositions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = *self;
        let mut separator = "";
        for (name, flag) in set.flags_mut() {
            if *flag {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}
