//! `GET …/contactCapabilities`: what a user's devices can do, in the interface's words.

use rcs::capability::{Capabilities, Capability};
use serde_json::{Value, json};

/// The words, each with the capabilities any of which it stands for.
const WORDS: &[(&str, &[Capability])] = &[
    (
        "chat",
        &[
            Capability::CpmSession,
            Capability::CpmMessage,
            Capability::CpmLargeMessage,
            Capability::LegacyChat,
            Capability::SipIm,
        ],
    ),
    ("fileTransfer", &[Capability::FileTransferHttp, Capability::CpmFileTransfer]),
    ("videoCall", &[Capability::Video]),
    ("geolocationPush", &[Capability::GeolocationPush]),
    ("callComposer", &[Capability::CallComposer]),
    (
        "chatBotCommunication",
        &[
            Capability::ChatbotSession,
            Capability::ChatbotStandalone,
            Capability::BotVersion1,
            Capability::BotVersion2,
        ],
    ),
];

/// `{"capabilities":[…]}`
pub fn answer(capabilities: &Capabilities) -> Value {
    let has = |(_, any): &&(&str, &[Capability])| any.iter().any(|one| capabilities.has(*one));
    let words: Vec<_> = WORDS.iter().filter(has).map(|(word, _)| *word).collect();
    json!({"capabilities": words})
}
