//! The file service: `POST` and `DELETE /Content`.
//!
//! The answer to an upload is JSON ([`super::answer::success`]) with the file's id in the header `tid`. When the file has passed
//! its audit, or has not, a push to [`super::push::message_path`] says so, with the file transfer XML of its URL; messages name
//! it by that.

/// The header that names a file.
pub const TID: &str = "tid";

/// The header that says how the audit ended: `0` passed, `1` rejected.
pub const AUTH_STATUS: &str = "Authstatus";

/// How an audit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthStatus {
    /// The file may be sent.
    Passed,
    /// It may not.
    Rejected,
}

impl AuthStatus {
    /// The value of [`AUTH_STATUS`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "0",
            Self::Rejected => "1",
        }
    }
}

/// The query of an upload: what the file is said to be. `hash=sha256<hex>&SIZE=<bytes>`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// SHA-256, lower-case hex.
    pub sha256: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
}

impl Expected {
    /// Reads the query; parameters that are none of these are passed over, and so is a hash of another kind.
    pub fn of_query(query: &str) -> Self {
        let mut expected = Self::default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if name.eq_ignore_ascii_case("hash") {
                let hex =
                    value.get(..6).filter(|kind| kind.eq_ignore_ascii_case("sha256")).map(|_| &value[6..]);
                let hex = hex.map(|hex| hex.trim_start_matches([':', '-']).to_ascii_lowercase());
                expected.sha256 =
                    hex.filter(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
            } else if name.eq_ignore_ascii_case("size") {
                expected.size = value.parse().ok();
            }
        }
        expected
    }
}
