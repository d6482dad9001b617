//! What we POST to the chatbot: users' messages, what became of its own, and how the audit of a file ended. Every push carries
//! the chatbot's own credentials ([`super::auth::headers`]) and the user's number in the header `Address`.

use base64::{Engine, engine::general_purpose::STANDARD};
use rcs::{
    Address, Timestamp,
    bot::{self, Document, ResponseKind, SuggestionResponse},
    file_transfer,
    spam_report::{self, SpamReport},
    xml::Writer,
};

use super::{NAMESPACE, error::Exception};
use crate::{Failure, Incoming, Status, ctcu::address::PathForm};

/// Who says something when nobody is to know (RFC 3323 §4.1.1.3).
const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

/// A user's message.
#[derive(Debug, Clone, PartialEq)]
pub struct MessagePush<'a> {
    /// The user's id of the message.
    pub message_id: &'a str,
    /// The user, `tel:+86…`.
    pub sender: &'a Address,
    /// The chatbot.
    pub chatbot: &'a Address,
    /// What was said.
    pub incoming: &'a Incoming,
    /// Names the conversation.
    pub conversation_id: &'a str,
    /// Names the message within it.
    pub contribution_id: &'a str,
    /// The contribution id of the chatbot's message that is answered.
    pub in_reply_to: Option<&'a str>,
    /// When we accepted it.
    pub at: Timestamp,
}

/// The path of message pushes under the webhook's base URL; also of audited files.
pub fn message_path(chatbot: &Address, form: PathForm) -> String {
    format!("/InboundMessageNotification/{}", form.segment(chatbot))
}

/// The path of pushes that tell this of a message: what came of a revoke has one of its own.
pub fn path_of(status: Status, chatbot: &Address, form: PathForm) -> String {
    let name = match status {
        Status::RevokeOk | Status::RevokeFail => "MessageStatusNotification",
        _ => "DeliveryInfoNotification",
    };
    format!("/{name}/{}", form.segment(chatbot))
}

impl MessagePush<'_> {
    /// The document. `root` is the root of our API, under which the resources it names are.
    pub fn to_xml(&self, root: &str) -> String {
        let (content_type, body) = said(self.incoming);
        let mut xml =
            inbound(self.message_id, self.sender.as_str(), self.chatbot, (content_type, &body), root);
        xml.text("conversationID", &[], self.conversation_id).text(
            "contributionID",
            &[],
            self.contribution_id,
        );
        if let Some(in_reply_to) = self.in_reply_to {
            xml.text("inReplyToContributionID", &[], in_reply_to);
        }
        xml.text("dateTime", &[], &crate::ctcu::date_time(self.at));
        xml.finish()
    }
}

/// A user has reported the chatbot as spam; who, it never learns (maap-api §5.5). `id` is the same whenever it is told.
pub fn spam(id: &str, chatbot: &Address, report: &SpamReport, at: Timestamp, root: &str) -> String {
    let said = (spam_report::CONTENT_TYPE, report.to_xml());
    let mut xml = inbound(id, ANONYMOUS, chatbot, (said.0, said.1.as_bytes()), root);
    xml.text("dateTime", &[], &crate::ctcu::date_time(at));
    xml.finish()
}

/// A notification up to and with what was said, in media type and bytes; what names its conversation may follow.
fn inbound(
    message_id: &str,
    sender: &str,
    chatbot: &Address,
    (content_type, body): (&str, &[u8]),
    root: &str,
) -> Writer {
    let inbound = format!("{root}/messaging/v1/inbound/{}", PathForm::Encoded.segment(chatbot));
    let mut xml = Writer::new();
    xml.open("msg:inboundMessageNotification", &[NAMESPACE]).open("inboundMessage", &[]);
    xml.text("destinationAddress", &[], chatbot.as_str())
        .text("senderAddress", &[], sender)
        .text("origUser", &[], sender)
        .text("resourceURL", &[], &format!("{inbound}/messages/{message_id}"))
        .empty("link", &[("rel", "Subscription"), ("href", &format!("{inbound}/subscriptions"))])
        .text("messageId", &[], message_id)
        .text("contentType", &[], content_type)
        // The form that gateways are seen to use whatever the content; it survives every reader of XML.
        .text("contentEncoding", &[], "base64");
    xml.open("serviceCapability", &[])
        .text("capabilityId", &[], "ChatbotSA")
        .text("version", &[], "+g.gsma.rcs.botversion=\"#=1\"")
        .close();
    xml.text("bodyText", &[], &STANDARD.encode(body));
    xml
}

/// What became of the message `id` for `user`. `failure` says why, for [`Status::Failed`].
pub fn status(
    id: &str,
    user: &Address,
    chatbot: &Address,
    status: Status,
    failure: Option<Failure>,
    root: &str,
) -> String {
    let word = match status {
        Status::Sent => "MessageSent",
        Status::Delivered => "DeliveredToTerminal",
        Status::Displayed => "MessageDisplayed",
        Status::DeliveredToNetwork => "DeliveredToNetwork",
        Status::Failed => "DeliveryImpossible",
        Status::RevokeOk | Status::RevokeFail => return revoked(id, user, chatbot, status, root),
    };
    let mut xml = Writer::new();
    xml.open("msg:deliveryInfoNotification", &[NAMESPACE]).open("deliveryInfo", &[]);
    xml.text("address", &[], user.as_str()).text("messageId", &[], id).text("deliveryStatus", &[], word);
    if status == Status::DeliveredToNetwork {
        xml.text("description", &[], "SMS");
    }
    if let Some(failure) = failure {
        xml.text("description", &[], exception_of(failure).id()).text("text", &[], failure.meaning());
    }
    xml.close();
    xml.empty("link", &[("rel", "OutboundMessageRequest"), ("href", &resource(id, chatbot, root))]);
    xml.finish()
}

/// What came of taking the message `id` back from `user`: [`Status::RevokeOk`], or anything else if it could not be.
fn revoked(id: &str, user: &Address, chatbot: &Address, status: Status, root: &str) -> String {
    let word = if status == Status::RevokeOk { "Revoked" } else { "RevokeFailed" };
    let mut xml = Writer::new();
    xml.open("msg:messageStatusNotification", &[NAMESPACE])
        .text("address", &[], user.as_str())
        .text("messageId", &[], id)
        .text("status", &[], word)
        .empty("link", &[("rel", "OutboundMessageRequest"), ("href", &resource(id, chatbot, root))]);
    xml.finish()
}

fn resource(id: &str, chatbot: &Address, root: &str) -> String {
    format!("{root}/messaging/v1/outbound/{}/requests/{id}", PathForm::Encoded.segment(chatbot))
}

fn exception_of(failure: Failure) -> Exception {
    match failure {
        Failure::NoSuchUser | Failure::NotRcs => Exception::NoValidAddress,
        Failure::ContentViolation => Exception::Policy,
        Failure::Offline | Failure::RefusedByUser => Exception::Service,
        Failure::NotAcceptable => Exception::InvalidValue,
    }
}

/// Media type and body of what a user said.
fn said(incoming: &Incoming) -> (&'static str, Vec<u8>) {
    match incoming {
        Incoming::Text(text) => ("text/plain", text.clone().into_bytes()),
        Incoming::Location(place) => ("text/plain", place.to_geo_uri().into_bytes()),
        Incoming::Response(tap) => (bot::BOT_SUGGESTION_RESPONSE, response(tap)),
        Incoming::SharedData(data) => (bot::BOT_SHARED_CLIENT_DATA, data.to_json()),
        Incoming::File(transfer) => (file_transfer::CONTENT_TYPE, transfer.to_xml().into_bytes()),
    }
}

/// A tap, with the `type` that the carrier's gateways put into it.
fn response(tap: &SuggestionResponse) -> Vec<u8> {
    let mut document = serde_json::to_value(tap).expect("documents have string keys and finite numbers only");
    document["response"]["type"] = match tap.kind {
        ResponseKind::Reply => "reply".into(),
        ResponseKind::Action => "action".into(),
    };
    document.to_string().into_bytes()
}
