//! `/tools/v1`: what developers of chatbots may ask without an account.
//!
//! Open to everybody: nothing is kept, nothing is looked up, and what a call costs is bounded by the size of its body and by how much
//! an answer tells.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use chatbot_api::check::{self, Report};

use super::Failure;

/// Check a card
///
/// What is wrong or unwise in a card, carousel, list of chips, menu or whole send call (China Telecom and China Unicom, FNW.11): each
/// broken rule with its place in the text, its reason and its fix; what each dialect would refuse; and what phones without RCS are
/// sent instead. A text that is no JSON is answered with a report too. At most 256 KiB.
#[utoipa::path(
    post, path = "/tools/v1/cards/check",
    request_body(
        content = Object,
        example = json!({ "message": { "generalPurposeCard": {
            "layout": { "cardOrientation": "VERTICAL" },
            "content": { "title": "G1 北京南 → 上海虹桥", "description": "09:00 – 13:28" },
        } } }),
    ),
    responses((status = 200, body = Report)),
)]
pub async fn check_card(body: Result<Bytes, BytesRejection>) -> Result<Json<Report>, Failure> {
    Ok(Json(check::check(&body?)))
}
