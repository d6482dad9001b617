//! Chatbots: who they are to users, and how they prove themselves to us.
//!
//! Key: the chatbot's address (`sip:12306@botplatform.hongyan.local`). The application key and the access token are kept
//! as SHA-256 of high-entropy secrets; the callback token signs our pushes and so is kept as it is: treat the family as secret.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::row::{Family, Row};

/// A chatbot.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Chatbot {
    /// Its address.
    pub address: Address,
    /// Which API it speaks.
    pub dialect: Dialect,
    /// The public half of its credentials.
    pub app_id: String,
    /// SHA-256 of the secret half.
    pub app_key_sha256: [u8; 32],
    /// Signs pushes (maap-api §2.3).
    pub callback_token: String,
    /// Where pushes go (`notifyURL`), without a trailing slash; absent: the chatbot hears nothing and its mail waits.
    pub webhook: Option<String>,
    /// Whether the webhook may be a private or loopback address.
    pub allow_private_webhook: bool,
    /// Whether the callback check has passed for `webhook`; nothing may be sent before.
    pub callback_checked: bool,
    /// The access token in force.
    pub token: Option<AccessToken>,
    /// Day number (days since the epoch) and how many tokens were given out on it.
    pub tokens_given: (u32, u32),
    /// Whether traffic flows.
    pub status: ChatbotStatus,
    /// What handsets show.
    pub profile: Profile,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its data last changed; makes the ETag of its information.
    pub changed_at: Timestamp,
    /// How pushes prove themselves where its API leaves that open.
    pub webhook_auth: WebhookAuth,
    /// Whether the webhook is asked for with a GET before anything is pushed, where its API leaves that open.
    pub webhook_probe: bool,
    /// Where it stands with the operator.
    pub standing: Standing,
    /// What handsets show beside [`Chatbot::profile`].
    pub extras: Extras,
}

/// Where a chatbot stands with the operator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whom it reaches before it is live, each once: those who have accepted, of its invitations ([`crate::service_account`]).
    pub testers: Vec<Address>,
    /// What it goes back to when it is resumed; there while it is paused.
    pub before_pause: Option<ChatbotStatus>,
    /// Why the operator sent it back, until it is submitted again.
    pub rejection: Option<String>,
    /// Who has verified who runs it; the operator where nobody is named.
    pub verified_by: Option<String>,
    /// Until when that is good; absent for no end.
    pub verified_until: Option<Timestamp>,
}

/// What handsets and chatbots' programs see beside the profile (maap-api §2.8).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Extras {
    /// Categories after the first.
    pub more_categories: Vec<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// URL of the style sheet of its cards.
    pub css_style: Option<String>,
    /// What is put under a text that goes out as SMS.
    pub autograph: Option<String>,
    /// The number to which handsets without RCS send SMS.
    pub sms_number: Option<String>,
}

impl Chatbot {
    /// Whether traffic flows between it and a user, either way.
    pub fn serves(&self, user: &Address) -> bool {
        match self.status {
            ChatbotStatus::Live => true,
            ChatbotStatus::Testing | ChatbotStatus::Submitted => self.standing.testers.contains(user),
            ChatbotStatus::Draft | ChatbotStatus::Paused => false,
        }
    }

    /// Whether it hears what a user says: also somebody whom it may have invited to test it, and who wants to answer.
    pub fn hears(&self, user: &Address) -> bool {
        let invites = self.dialect == Dialect::Rbm
            && matches!(self.status, ChatbotStatus::Testing | ChatbotStatus::Submitted);
        invites || self.serves(user)
    }

    /// Whether it carries the badge at `now`: somebody has verified who runs it, and that is still good.
    pub fn is_verified(&self, now: Timestamp) -> bool {
        self.profile.verified && self.standing.verified_until.is_none_or(|until| until > now)
    }
}

impl std::fmt::Debug for Chatbot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chatbot")
            .field("address", &self.address)
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

/// The API that a chatbot speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// China Telecom and China Unicom's joint interface.
    Ctcu,
    /// China Mobile's, OMA XML.
    Cm,
    /// RCS Business Messaging.
    Rbm,
    /// GSMA FNW.11.
    Fnw11,
}

/// How pushes prove themselves, where the API leaves it open (FNW.11).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebhookAuth {
    /// `Authorization: Bearer TOKEN`, with the callback token.
    #[default]
    Bearer,
    /// `Authorization: TOKEN`
    Token,
    /// Not at all.
    None,
}

/// A bearer secret, hashed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
    /// When it lapses.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Whether a chatbot's traffic flows (maap-api §2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChatbotStatus {
    /// It does.
    Live,
    /// Neither way.
    Paused,
    /// It is being made: neither way.
    Draft,
    /// With its testers only.
    Testing,
    /// With its testers only, and the operator is asked to let it go live.
    Submitted,
}

/// What handsets show of a chatbot (maap-api §5.2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Display name.
    pub name: String,
    /// Icon URL.
    pub icon: Option<String>,
    /// Theme colour, `#RRGGBB`.
    pub colour: Option<String>,
    /// One or two sentences.
    pub description: Option<String>,
    /// Who runs it.
    pub provider: Option<String>,
    /// Telephone number to call back.
    pub callback_number: Option<String>,
    /// Web site.
    pub website: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Terms and conditions page.
    pub terms: Option<String>,
    /// Background image URL.
    pub background_image: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// The persistent menu as RCC.07 JSON (`{"menu":{…}}`), already validated.
    pub menu: Option<String>,
    /// Whether the operator has verified who runs it.
    pub verified: bool,
}

impl Row for Chatbot {
    type Key = Address;
    const FAMILY: Family = Family::Chatbots;
    const VERSION: u8 = 2;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }

    fn upgrade(version: u8, row: &mut Vec<u8>) -> bool {
        if version == 1 {
            let added = (WebhookAuth::default(), false, Standing::default(), Extras::default());
            row.extend(
                postcard::to_stdvec(&added).expect("rows are plain data: postcard refuses none of it"),
            );
        }
        version == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{decode, encode};

    #[test]
    fn rows_of_the_first_version_read_as_if_nothing_more_had_been_said() {
        let chatbot = Chatbot {
            address: "sip:12306@botplatform.hongyan.local".parse().expect("an address"),
            dialect: Dialect::Ctcu,
            app_id: "app".to_owned(),
            app_key_sha256: [7; 32],
            callback_token: "token".to_owned(),
            webhook: Some("https://bot.example/hook".to_owned()),
            allow_private_webhook: false,
            callback_checked: true,
            token: None,
            tokens_given: (1, 2),
            status: ChatbotStatus::Live,
            profile: Profile::default(),
            created_at: Timestamp::from_seconds(1),
            changed_at: Timestamp::from_seconds(2),
            webhook_auth: WebhookAuth::Bearer,
            webhook_probe: false,
            standing: Standing::default(),
            extras: Extras::default(),
        };
        let now = encode(&chatbot);
        // What was appended since, and the number of the version.
        let added = (WebhookAuth::default(), false, Standing::default(), Extras::default());
        let added = postcard::to_stdvec(&added).expect("plain data");
        assert!(now.ends_with(&added));
        let mut first = now[..now.len() - added.len()].to_vec();
        first[0] = 1;
        assert!(decode::<Chatbot>(&first).expect("readable") == chatbot);
        assert!(decode::<Chatbot>(&now).expect("readable") == chatbot);
        assert!(decode::<Chatbot>(&[3]).is_err());
    }
}
