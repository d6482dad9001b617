//! The sandbox payment provider: a hosted page, and the signed report that a real provider would send.
//!
//! `/pay/{token}` belongs to the provider, `/payment/callback` to the shop. The two speak over HTTP although
//! they live in one program, so that the shop's half can be kept when a real provider takes the other's
//! place: the provider reports `{"payToken", "paymentId", "amountFen", "status"}` with `x-timestamp` and
//! `x-signature` (HMAC-SHA-256), and hears what became of it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bot::PageOutcome;
use crate::decide::{Payment, Settlement};
use crate::language::{Lang, clock, iso, yuan};
use crate::orders::{self, Order, State as OrderState};
use crate::serve::{App, now, random};
use crate::signature;
use crate::timetable::Place;

const BODY_BYTES_MAX: usize = 16 * 1024;

/// What the provider reports.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    pay_token: String,
    payment_id: String,
    amount_fen: i64,
    /// `paid` or `cancelled`.
    status: String,
}

/// The buttons of the page.
#[derive(Deserialize)]
struct Pressed {
    button: String,
    /// Drawn when the page was made: pressing twice is one payment.
    payment_id: String,
}

/// The provider's page and the shop's callback.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/pay/{token}", get(page).post(press))
        .route("/payment/callback", post(callback))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

async fn page(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    match find(&app, token).await {
        Ok(Some(order)) => html(StatusCode::OK, render(&app, &order)),
        Ok(None) => html(StatusCode::NOT_FOUND, shell(&notice("?", "没有这笔付款", "No such payment"))),
        Err(error) => broken(&error),
    }
}

/// The user pressed pay or cancel: the provider reports to the shop, then shows the page anew.
async fn press(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    Form(pressed): Form<Pressed>,
) -> Response {
    let order = match find(&app, token).await {
        Ok(Some(order)) => order,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return broken(&error),
    };
    let back = Redirect::to(&format!("/pay/{}", order.pay_token));
    let status = if pressed.button == "pay" { "paid" } else { "cancelled" };
    let payable = order.state == OrderState::Held && now().unix_timestamp() < order.held_until;
    let sane = (8..=64).contains(&pressed.payment_id.len())
        && pressed.payment_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // A lapsed or paid order is refused before any money moves.
    if !payable || !sane {
        return back.into_response();
    }
    let report = Report {
        pay_token: order.pay_token,
        payment_id: pressed.payment_id,
        amount_fen: order.due_fen,
        status: status.into(),
    };
    match report_to_shop(&app, &report).await {
        Ok(result) => {
            tracing::info!(order = order.id, status, result, "payment reported");
            back.into_response()
        }
        Err(error) => {
            tracing::error!(order = order.id, status, error, "payment could not be reported");
            let text = notice(
                "!",
                "支付没有完成，请返回重试",
                "The payment did not go through. Please go back and try again",
            );
            html(StatusCode::BAD_GATEWAY, shell(&text))
        }
    }
}

/// The provider's half of the callback.
async fn report_to_shop(app: &App, report: &Report) -> Result<String, String> {
    let body = serde_json::to_vec(report).expect("a report is plain data");
    let timestamp = now().unix_timestamp();
    let response = app
        .http
        .post(format!("{}/payment/callback", app.own_url))
        .header("content-type", "application/json")
        .header("x-timestamp", timestamp)
        .header("x-signature", signature::payment_signature(&app.payment_secret, timestamp, &body))
        .body(body)
        .timeout(std::time::Duration::from_secs(10))
        .send()
        .await
        .map_err(|error| error.without_url().to_string())?;
    if !response.status().is_success() {
        return Err(format!("HTTP {}", response.status()));
    }
    let answer: Value = response.json().await.map_err(|error| error.without_url().to_string())?;
    Ok(answer["result"].as_str().unwrap_or_default().to_string())
}

/// The shop's half: believes only what is signed, and settles it in one transaction.
async fn callback(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (timestamp, signed) = (value("x-timestamp"), value("x-signature"));
    if !signature::is_genuine_payment(&app.payment_secret, timestamp, signed, &body, now().unix_timestamp()) {
        tracing::warn!("payment report refused: signature");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(report) = serde_json::from_slice::<Report>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let outcome = match report.status.as_str() {
        "paid" => PageOutcome::Paid(Payment {
            pay_token: report.pay_token,
            payment_id: report.payment_id,
            amount_fen: report.amount_fen,
        }),
        "cancelled" => PageOutcome::GivenUp { pay_token: report.pay_token },
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    match app.with_db(move |app, db| app.bot.settle(db, now(), &mut random, &outcome)).await {
        Ok(settlement) => {
            app.outbox_news.notify_one();
            let result = match settlement {
                Settlement::Paid => "paid",
                Settlement::AlreadyPaid => "already-paid",
                Settlement::Refunded => "refunded",
                Settlement::Cancelled => "cancelled",
                Settlement::Refused => "refused",
            };
            Json(json!({"result": result})).into_response()
        }
        Err(error) => broken(&error),
    }
}

async fn find(app: &Arc<App>, token: String) -> rusqlite::Result<Option<Order>> {
    app.with_db(move |_, db| orders::by_pay_token(db, &token)).await
}

fn render(app: &App, order: &Order) -> String {
    let left = order.held_until - now().unix_timestamp();
    let amount = yuan(order.due_fen);
    let state = match order.state {
        OrderState::Held if left > 0 => form(order),
        OrderState::Held | OrderState::Expired => {
            notice("⏱", "订单已超时，未扣款", "The order has lapsed; nothing was charged")
        }
        OrderState::Cancelled => {
            notice("✕", "订单已取消，未扣款", "The order is cancelled; nothing was charged")
        }
        OrderState::Paid => notice("✓", "支付成功，请返回聊天查看车票", "Paid. Your ticket is in the chat"),
        OrderState::Refunded => notice("↩", "车票已退", "The ticket has been refunded"),
        OrderState::Changed => notice("⇄", "车票已改签", "The ticket has been changed"),
    };
    let timetable = &app.bot.world.timetable;
    let name = |code: &str| {
        let place = Place(code.to_string());
        let zh = timetable.name(&place, Lang::Zh);
        format!(
            "<span class=\"place\">{zh} <small>{}</small></span>",
            escaped(timetable.name(&place, Lang::En))
        )
    };
    let (day, times) = match order.leg(timetable) {
        Some(leg) => (iso(leg.date()), format!("{} – {}", clock(leg.departs()), clock(leg.arrives()))),
        None => (iso(order.date), String::new()),
    };
    shell(&format!(
        r#"<p class="amount">{amount}</p>
<dl><dt>车次 Train</dt><dd>{}</dd><dt>行程 Journey</dt><dd>{} → {}</dd><dt>时间 Time</dt><dd>{day} {times}</dd>
<dt>席位 Seat</dt><dd>{} {}</dd><dt>乘车人 Passenger</dt><dd>{}</dd><dt>订单 Order</dt><dd>{}</dd></dl>{state}"#,
        escaped(&order.train),
        name(&order.from),
        name(&order.to),
        order.class.name(Lang::Zh),
        escaped(&order.seat),
        escaped(&order.passenger),
        escaped(&order.id),
    ))
}

fn form(order: &Order) -> String {
    let until = time::OffsetDateTime::from_unix_timestamp(order.held_until).map(clock).unwrap_or_default();
    let amount = yuan(order.due_fen);
    let payment_id = format!("{:032x}", random());
    format!(
        r#"<p class="left">请在 {until} 前支付 · <span lang="en">Pay by {until}</span></p>
<form method="post"><input type="hidden" name="payment_id" value="{payment_id}">
<button class="pay" name="button" value="pay">确认支付 {amount} · Pay</button>
<button class="cancel" name="button" value="cancel">取消 · Cancel</button></form>"#
    )
}

fn notice(sign: &str, zh: &str, en: &str) -> String {
    format!(
        r#"<div class="notice" role="status"><span aria-hidden="true">{sign}</span><strong>{zh}</strong><em lang="en">{en}</em></div>"#
    )
}

fn shell(content: &str) -> String {
    format!(
        r#"<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>支付 · Payment (sandbox)</title><style>{STYLE}</style></head>
<body><header>鸿雁收银台 <small lang="en">Hongyan Pay</small><b>沙箱 SANDBOX</b></header>
<main>{content}</main><footer>这是演示用的沙箱支付页面，不会产生真实扣款。<br>
<span lang="en">This is a sandbox payment page for demonstration. No real money moves.</span></footer></body></html>"#
    )
}

const STYLE: &str = "*{box-sizing:border-box}body{margin:0;min-height:100vh;font:16px/1.5 system-ui,'PingFang SC','Noto Sans CJK SC',sans-serif;color:#1b2130;background:linear-gradient(160deg,#0a66c2,#5b2a86) fixed;display:flex;flex-direction:column;align-items:center;padding:16px}
header{width:100%;max-width:420px;color:#fff;font-weight:600;font-size:18px;padding:12px 4px;display:flex;gap:8px;align-items:baseline}header b{margin-left:auto;background:#ffb52e;color:#3a2500;border-radius:6px;padding:2px 8px;font-size:12px}
main{width:100%;max-width:420px;background:#fff;border-radius:18px;padding:24px;box-shadow:0 12px 40px #0005}
.amount{font-size:44px;font-weight:700;text-align:center;margin:4px 0 16px}dl{margin:0;display:grid;grid-template-columns:auto minmax(0,1fr);gap:8px 16px;border-top:1px solid #e6e9f0;padding-top:16px}dt{color:#5a6478;white-space:nowrap}dd{margin:0;text-align:right;overflow-wrap:anywhere}.place{display:inline-block}small{color:#5a6478;font-weight:400}header small{color:#dfe9ff}
.left{text-align:center;color:#8a4b00;background:#fff4e0;border-radius:10px;padding:8px;margin:20px 0 0}form{display:grid;gap:12px;margin-top:16px}button{font:inherit;font-weight:600;border:0;border-radius:12px;padding:14px;cursor:pointer}.pay{background:#0a66c2;color:#fff}.cancel{background:#eef1f6;color:#39435a}button:focus-visible{outline:3px solid #ffb52e;outline-offset:2px}
.notice{display:grid;justify-items:center;gap:4px;margin-top:20px;text-align:center}.notice span{font-size:40px;line-height:1.2;color:#0a66c2}.notice em{font-style:normal;color:#5a6478}
footer{max-width:420px;color:#ffffffd9;font-size:13px;text-align:center;padding:16px}";

fn html(status: StatusCode, page: String) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, Html(page)).into_response()
}

fn broken(error: &rusqlite::Error) -> Response {
    tracing::error!(%error, "database");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
