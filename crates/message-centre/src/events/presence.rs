//! The presence event package (RFC 3856) as RCC.07 uses it to ask for capabilities: what somebody can take follows from what their
//! devices registered, exactly as in the answer to OPTIONS. Nobody publishes here; PUBLISH is answered 405.

use rcs::Timestamp;
use rcs::capability::Capabilities;
use rcs::presence::Presence;

/// A document and, for datagrams, the same in fewer words.
pub(super) fn documents(entity: &str, capabilities: Option<&Capabilities>, now: Timestamp) -> Vec<String> {
    let mut presence = Presence::of(entity, capabilities, now);
    let whole = presence.to_xml();
    for tuple in &mut presence.tuples {
        (tuple.contact, tuple.timestamp) = (None, None);
    }
    vec![whole, presence.to_xml()]
}
