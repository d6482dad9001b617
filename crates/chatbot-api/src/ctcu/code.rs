//! Return codes, and the refusals that carry them.

use rcs::bot::{ParseError, Violation, rule};
use serde::{Deserialize, Serialize};

/// The `errorMessage` of a refusal is cut here, in characters: a bad request gets a small answer.
const MAX_MESSAGE_CHARS: usize = 1000;

macro_rules! return_codes {
    ($($(#[$meta:meta])* $variant:ident = $number:literal, $meaning:literal;)+) => {
        /// The result of a call, `errorCode` on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ReturnCode { $(#[doc = $meaning] $variant,)+ }

        impl ReturnCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number on the wire.
            pub fn number(self) -> i32 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// What it means, as `errorMessage` when there is nothing more to say.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }
    };
}

return_codes! {
    Busy = -1, "system busy";
    Internal = -2, "internal error";
    Ok = 0, "ok";
    BadParameter = 20002, "bad parameter";
    BadRequest = 20003, "bad request";
    DayLimit = 30001, "daily limit reached";
    MonthLimit = 30002, "monthly limit reached";
    SecondLimit = 30003, "limit per second reached";
    YearLimit = 30004, "yearly limit reached";
    CallbackCheckFailed = 30006, "callback check has not passed";
    AuditNoticeFailed = 30007, "audit notice failed";
    SenderMismatch = 30008, "chatbotId and senderAddress differ";
    WrongAppKey = 40001, "wrong appKey or invalid token";
    WrongCredentialType = 40002, "wrong credential type";
    FileType = 40005, "file type not allowed";
    FileSize = 40006, "file too large";
    BadMediaUrl = 40007, "bad media url";
    BadMessageType = 40008, "bad message type";
    ChatbotUpdateFailed = 40011, "chatbot data update failed";
    BadAccessToken = 40014, "bad accessToken";
    ButtonCount = 40016, "button count";
    ButtonType = 40017, "button type";
    ButtonName = 40018, "button name";
    ButtonKey = 40019, "button key too long";
    ButtonUrl = 40020, "button URL too long";
    TextTooLong = 40021, "text too long";
    FileExpired = 40022, "temporary file expired";
    TooManyFiles = 40040, "too many files";
    BadButtonLink = 40052, "bad button link";
    TokenMissing = 41001, "accessToken missing";
    AppIdMissing = 41002, "appId missing";
    AppKeyMissing = 41004, "appKey missing";
    MediaDataMissing = 41005, "media data missing";
    MediaUrlMissing = 41006, "media url missing";
    TokenExpired = 42001, "accessToken expired";
    GetRequired = 43001, "GET required";
    EmptyMedia = 44001, "empty media";
    EmptyPost = 44002, "empty POST body";
    CallLimit = 45001, "over the call limit";
    ReplyWindowOver = 45010, "reply window is over";
    UserUnknown = 46001, "user unknown";
    TemporaryUserUnknown = 46002, "temporary user unknown";
    UserRestricted = 46003, "user restricted";
    ParseFailed = 47001, "JSON or XML cannot be parsed";
    SubmenuParseFailed = 47002, "submenu cannot be parsed";
    NotAuthorised = 48001, "API not authorised";
    IllegalContent = 60001, "illegal content";
    SubscriptionNeeded = 60002, "subscription needed";
    InvalidMessageType = 60003, "invalid message type";
    BodyBlocked = 70001, "body blocked";
}

/// Why a call was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", .code.number())]
pub struct Refusal {
    /// What the chatbot's program looks at.
    pub code: ReturnCode,
    /// What its author reads.
    pub message: String,
}

/// The answer to a call that has nothing else to say: a refusal, or the success of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultAnswer {
    /// 0 for success.
    pub error_code: i32,
    /// `ok`, or what is wrong.
    pub error_message: String,
}

impl Refusal {
    /// A refusal with the code's own meaning as its message.
    pub fn of(code: ReturnCode) -> Self {
        Self { code, message: code.meaning().to_owned() }
    }

    /// A refusal with a message of its own.
    pub fn with(code: ReturnCode, message: impl Into<String>) -> Self {
        let message: String = message.into().chars().take(MAX_MESSAGE_CHARS).collect();
        Self { code, message }
    }

    /// The refusal of content: the code of the first violation and the text of all.
    pub fn of_violations(violations: &[Violation]) -> Self {
        let code = violations.first().map_or(ReturnCode::BadParameter, violation_code);
        let text = violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; ");
        Self::with(code, text)
    }

    /// The refusal of a body that cannot be read.
    pub fn of_parse_error(error: &ParseError) -> Self {
        match error {
            ParseError::Shape(violations) => Self::of_violations(violations),
            ParseError::TooLarge { .. } => Self::with(ReturnCode::BadRequest, error.to_string()),
            ParseError::TooDeep | ParseError::Json(_) => {
                Self::with(ReturnCode::ParseFailed, error.to_string())
            }
        }
    }

    /// The answer that carries it.
    pub fn answer(&self) -> ResultAnswer {
        ResultAnswer { error_code: self.code.number(), error_message: self.message.clone() }
    }
}

impl ResultAnswer {
    /// Success.
    pub fn ok() -> Self {
        Self { error_code: ReturnCode::Ok.number(), error_message: ReturnCode::Ok.meaning().to_owned() }
    }
}

/// The return code that is nearest to a violation, by its rule and the member that broke it.
fn violation_code(violation: &Violation) -> ReturnCode {
    let path = violation.path.as_str();
    let member = path.rsplit('.').next().unwrap_or_default();
    let link = path.contains(".action.") && matches!(member, "url" | "fallbackUrl");
    match violation.rule {
        rule::LENGTH | rule::REQUIRED if member == "displayText" => ReturnCode::ButtonName,
        rule::LENGTH if member == "data" => ReturnCode::ButtonKey,
        rule::LENGTH if link => ReturnCode::ButtonUrl,
        rule::LENGTH => ReturnCode::TextTooLong,
        rule::URL if link => ReturnCode::BadButtonLink,
        rule::URL => ReturnCode::BadMediaUrl,
        rule::COUNT if member.starts_with("suggestions") => ReturnCode::ButtonCount,
        rule::COUNT if path.starts_with("menu") => ReturnCode::SubmenuParseFailed,
        rule::ACTION => ReturnCode::ButtonType,
        _ => ReturnCode::BadParameter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(path: &str, rule: &'static str) -> i32 {
        let violation = Violation { path: path.to_owned(), rule, detail: "27 > 25".to_owned() };
        Refusal::of_violations(&[violation]).code.number()
    }

    #[test]
    fn numbers_and_meanings_are_all_different() {
        let numbers: std::collections::BTreeSet<_> =
            ReturnCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(numbers.len(), ReturnCode::ALL.len());
        assert!(ReturnCode::ALL.iter().all(|code| !code.meaning().is_empty()));
    }

    #[test]
    fn violations_find_the_nearest_code() {
        let card = "message.generalPurposeCard.content";
        assert_eq!(code(&format!("{card}.suggestions[0].reply.displayText"), rule::LENGTH), 40018);
        assert_eq!(code(&format!("{card}.suggestions[0].reply.postback.data"), rule::LENGTH), 40019);
        assert_eq!(code("suggestions[0].action.urlAction.openUrl.url", rule::LENGTH), 40020);
        assert_eq!(code("suggestions[0].action.urlAction.openUrl.url", rule::URL), 40052);
        assert_eq!(code(&format!("{card}.media.mediaUrl"), rule::URL), 40007);
        assert_eq!(code(&format!("{card}.suggestions"), rule::COUNT), 40016);
        assert_eq!(code("suggestions[3].action", rule::ACTION), 40017);
        assert_eq!(code(&format!("{card}.title"), rule::LENGTH), 40021);
        assert_eq!(code(&format!("{card}.media.height"), rule::WORD), 20002);
        assert_eq!(code("menu.entries", rule::COUNT), 47002);
    }

    #[test]
    fn a_refusal_carries_every_violation_and_stays_small() {
        let violation =
            |n: u32| Violation { path: format!("p{n}"), rule: rule::LENGTH, detail: "2 > 1".to_owned() };
        let refusal = Refusal::of_violations(&[violation(1), violation(2)]);
        assert_eq!(refusal.message, "p1: 2 > 1; p2: 2 > 1");
        let many: Vec<_> = (0..10_000).map(violation).collect();
        assert_eq!(Refusal::of_violations(&many).message.chars().count(), MAX_MESSAGE_CHARS);
        assert_eq!(
            serde_json::to_string(&Refusal::of(ReturnCode::TokenExpired).answer()).unwrap(),
            r#"{"errorCode":42001,"errorMessage":"accessToken expired"}"#
        );
        assert_eq!(
            serde_json::to_string(&ResultAnswer::ok()).unwrap(),
            r#"{"errorCode":0,"errorMessage":"ok"}"#
        );
    }
}
