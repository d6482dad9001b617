//! The paths of calls (maap-api §3.2):
//!
//! ```text
//! POST [/vg2][/chatbot|/maapdiscovery]/messaging[/group|/interaction][/template|/plain][/VERSION]/outbound/CHATBOT/requests
//! PUT  [/vg2]/messaging[…][/VERSION]/outbound/CHATBOT/requests/MESSAGE-ID/status
//! ```

/// What a path asks for, and of which chatbot; the chatbot's URI as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<'a> {
    /// The segment that names the chatbot, still percent-encoded.
    pub chatbot: &'a str,
    /// What is asked for.
    pub call: PathCall<'a>,
}

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathCall<'a> {
    /// To send.
    Send(SendKind),
    /// To take back the message with this id, still percent-encoded.
    Status(&'a str),
}

/// What kind of send it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendKind {
    /// An answer to a user, which must name what it answers (`interaction`), rather than the start of something (`group`).
    pub is_interaction: bool,
    /// The body names a template (`template`).
    pub is_template: bool,
}

impl<'a> Operation<'a> {
    /// Reads a path; `None` if it is none of the interface.
    pub fn of_path(path: &'a str) -> Option<Self> {
        let path = path.strip_prefix("/vg2").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let path = ["/chatbot", "/maapdiscovery"]
            .into_iter()
            .find_map(|prefix| path.strip_prefix(prefix).filter(|rest| rest.starts_with('/')))
            .unwrap_or(path);
        let mut segments = path.strip_prefix("/messaging/")?.split('/');
        let mut kind = SendKind { is_interaction: false, is_template: false };
        // What may stand between `messaging` and `outbound`, each at most once and in this order.
        const GROUP: u8 = 1;
        const STYLE: u8 = 2;
        const VERSION: u8 = 3;
        let mut seen = 0;
        loop {
            let step = match segments.next()? {
                "outbound" => break,
                "group" => GROUP,
                "interaction" => {
                    kind.is_interaction = true;
                    GROUP
                }
                "plain" => STYLE,
                "template" => {
                    kind.is_template = true;
                    STYLE
                }
                version if is_version(version) => VERSION,
                _ => return None,
            };
            if step <= seen {
                return None;
            }
            seen = step;
        }
        let chatbot = segments.next().filter(|chatbot| !chatbot.is_empty())?;
        if segments.next()? != "requests" {
            return None;
        }
        let call = match (segments.next(), segments.next(), segments.next()) {
            (None | Some(""), None, None) => PathCall::Send(kind),
            (Some(id), Some("status"), None) if !id.is_empty() => PathCall::Status(id),
            _ => return None,
        };
        Some(Self { chatbot, call })
    }
}

/// `v1`, `V2.0`, `1.0`
fn is_version(text: &str) -> bool {
    let digits = text.strip_prefix(['v', 'V']).unwrap_or(text);
    !digits.is_empty()
        && digits.len() <= 8
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(path: &str) -> Option<(bool, bool)> {
        match Operation::of_path(path)?.call {
            PathCall::Send(kind) => Some((kind.is_interaction, kind.is_template)),
            PathCall::Status(_) => None,
        }
    }

    #[test]
    fn every_variant_of_the_send_call_is_understood() {
        for (path, expected) in [
            ("/messaging/group/v1/outbound/sip%3A1%40b/requests", (false, false)),
            ("/messaging/interaction/v1/outbound/sip:1@b/requests", (true, false)),
            ("/messaging/group/template/outbound/sip:1@b/requests", (false, true)),
            ("/messaging/interaction/template/outbound/sip:1@b/requests", (true, true)),
            ("/messaging/group/plain/outbound/sip:1@b/requests", (false, false)),
            ("/messaging/group/plain/v2.0/outbound/sip:1@b/requests/", (false, false)),
            ("/chatbot/messaging/v1/outbound/sip:1@b/requests", (false, false)),
            ("/maapdiscovery/messaging/v1/outbound/sip:1@b/requests", (false, false)),
            ("/vg2/messaging/interaction/v1/outbound/sip:1@b/requests", (true, false)),
            ("/vg2/chatbot/messaging/v1/outbound/sip:1@b/requests", (false, false)),
            ("/messaging/outbound/sip:1@b/requests", (false, false)),
        ] {
            assert_eq!(kind(path), Some(expected), "{path}");
        }
        let operation = Operation::of_path("/messaging/group/v1/outbound/sip%3A1%40b/requests").unwrap();
        assert_eq!(operation.chatbot, "sip%3A1%40b");
    }

    #[test]
    fn a_revoke_names_its_message() {
        let operation =
            Operation::of_path("/vg2/messaging/v1/outbound/sip:1@b/requests/m%201/status").unwrap();
        assert_eq!(operation.call, PathCall::Status("m%201"));
    }

    #[test]
    fn other_paths_are_none_of_the_interface() {
        for path in [
            "",
            "/",
            "/messaging",
            "/messaging/group/v1/outbound",
            "/messaging/group/v1/outbound/",
            "/messaging/group/v1/outbound//requests",
            "/messaging/group/v1/outbound/sip:1@b",
            "/messaging/group/v1/outbound/sip:1@b/request",
            "/messaging/group/v1/outbound/sip:1@b/requests/m1",
            "/messaging/group/v1/outbound/sip:1@b/requests//status",
            "/messaging/group/v1/outbound/sip:1@b/requests/m1/status/x",
            "/messaging/group/group/outbound/sip:1@b/requests",
            "/messaging/v1/group/outbound/sip:1@b/requests",
            "/messaging/anything/outbound/sip:1@b/requests",
            "/vg2messaging/v1/outbound/sip:1@b/requests",
            "/bot/v1/sip:1@b/messages",
        ] {
            assert_eq!(Operation::of_path(path), None, "{path}");
        }
    }
}
