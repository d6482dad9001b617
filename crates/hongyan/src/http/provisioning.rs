//! `GET /provisioning`: auto-configuration of handsets (GSMA RCC.14 over HTTP; rcs-core §20), also as `/` under the host names
//! of `provisioning.hosts`.
//!
//! What is decided is in `message_centre::provisioning`; here requests are read and answers written. A proxy of
//! `provisioning.trusted_proxies` may say whose handset it is (header enrichment), for whom it speaks, and that it was asked
//! over TLS; nobody else is believed.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, HOST, HeaderValue, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use message_centre::admin;
use message_centre::provisioning::{Answer, Call, Request as Asked};
use rcs::address::{Address, AddressKind};
use rcs::provisioning::CONTENT_TYPE as DOCUMENT;

use super::{App, Failure, Peer};
use crate::config::Network;

/// Our cookie.
const COOKIE_NAME: &str = "hongyan-provisioning";
/// Where we are asked.
const PATH: &str = "/provisioning";
/// Longest value of a parameter that is looked at.
const VALUE_BYTES_MAX: usize = 512;
/// Longest text of a handset about itself.
const FACT_CHARS_MAX: usize = 64;

/// Whom the edge believes what.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Host names under which `/` is for us.
    pub hosts: Vec<String>,
    /// Proxies that are believed.
    pub proxies: Vec<Network>,
    /// The header in which they say whose handset it is; empty: they say nothing.
    pub msisdn_header: String,
    /// Whether secrets may go over plain HTTP.
    pub allow_plain_http: bool,
}

/// What comes with a request, beside its parameters.
struct Circumstances {
    peer: IpAddr,
    is_secure: bool,
    msisdn: Option<String>,
}

/// Requests for `/` under one of our host names are for [`PATH`].
pub fn readdress<B>(trust: &Trust, request: &mut Request<B>) {
    let is_root = request.uri().path() == "/";
    if !is_root || trust.hosts.is_empty() {
        return;
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !trust.hosts.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Ok(uri) = format!("{PATH}{query}").parse() {
        *request.uri_mut() = uri;
    }
}

/// A handset asks for its configuration.
#[utoipa::path(
    get, path = "/provisioning",
    params(
        ("vers" = Option<i64>, Query, description = "The version of the configuration that the handset has"),
        ("msisdn" = Option<String>, Query, description = "The number that it says is its own"),
        ("token" = Option<String>, Query, description = "What an earlier document gave it"),
        ("OTP" = Option<String>, Query, description = "The one-time password; empty to ask for one"),
        ("IMEI" = Option<String>, Query, description = "Of the device; shown to the operator"),
        ("friendly_device_name" = Option<String>, Query, description = "What the user calls the device"),
        ("terminal_vendor" = Option<String>, Query, description = "Who made the device"),
        ("terminal_model" = Option<String>, Query, description = "Which device it is"),
    ),
    responses(
        (status = 200, description = "The document, or a cookie to come back with", content_type = "text/xml", body = String),
        (status = 400, description = "A parameter is wrong", content_type = "text/plain", body = String),
        (status = 403, description = "The subscriber may not be configured"),
        (status = 503, description = "Again after `Retry-After` seconds"),
        (status = 511, description = "Whose handset it is isn't proven"),
    ),
)]
pub async fn ask(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Response {
    let Ok(Query(query)) = query else {
        return (StatusCode::BAD_REQUEST, "the query cannot be read\n").into_response();
    };
    let about = circumstances(&app.provisioning, &peer, &headers);
    let asked = match asked(&app, &about, &headers, &query) {
        Ok(asked) => asked,
        Err(what) => return (StatusCode::BAD_REQUEST, format!("{what}\n")).into_response(),
    };
    let mut answer = match app.provision(Call::Ask(asked)).await {
        Ok(answer) => response(answer, about.is_secure),
        // A handset knows 503, and not 429.
        Err(_) => later(super::RETRY_AFTER_S.into()),
    };
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

impl App {
    /// Has the centre decide a call about the configuration of handsets.
    pub(super) async fn provision(&self, call: Call) -> Result<Answer, Failure> {
        match self.administer(admin::Call::Provisioning(call)).await? {
            admin::Answer::Provisioning(answer) => Ok(answer),
            other => unreachable!("a call about configurations is answered as one, not with {other:?}"),
        }
    }
}

fn response(answer: Answer, is_secure: bool) -> Response {
    match answer {
        Answer::Document(xml) => ([(CONTENT_TYPE, DOCUMENT)], xml).into_response(),
        Answer::Cookie(cookie, life) => {
            // Given in the open, it comes back over TLS: it cannot say that it is for TLS only.
            let secure = if is_secure { "; Secure" } else { "" };
            let cookie =
                format!("{COOKIE_NAME}={cookie}; Max-Age={}; Path=/; HttpOnly{secure}", life.as_secs());
            (StatusCode::OK, [(SET_COOKIE, cookie)]).into_response()
        }
        Answer::Unproven => StatusCode::NETWORK_AUTHENTICATION_REQUIRED.into_response(),
        Answer::Forbidden => StatusCode::FORBIDDEN.into_response(),
        Answer::Later(wait) => later(wait.as_secs()),
        Answer::Otp(..) | Answer::Done | Answer::NotFound => {
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn later(seconds: u64) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, seconds.to_string())]).into_response()
}

fn circumstances(trust: &Trust, peer: &Peer, headers: &HeaderMap) -> Circumstances {
    let address = peer.address.ip();
    let is_proxy = trust.proxies.iter().any(|network| network.has(address));
    // Of several lines the last is the proxy's own: those before it came from whoever asked.
    let said = |name: &str| {
        let own = headers.get_all(name).iter().next_back().filter(|_| is_proxy);
        own.and_then(|value| value.to_str().ok())
    };
    // And the last of the list is whom the proxy itself heard.
    let client = said("x-forwarded-for").and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    let is_forwarded_secure =
        said("x-forwarded-proto").is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
    let msisdn = Some(trust.msisdn_header.as_str()).filter(|name| !name.is_empty()).and_then(said);
    Circumstances {
        peer: client.unwrap_or(address),
        is_secure: peer.secure || is_forwarded_secure || trust.allow_plain_http,
        msisdn: msisdn.map(str::to_owned),
    }
}

/// Reads what a handset asks; `Err` says which parameter is wrong.
fn asked(
    app: &App,
    about: &Circumstances,
    headers: &HeaderMap,
    query: &[(String, String)],
) -> Result<Asked, String> {
    let parameter = |name: &str| {
        let found = query.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    };
    let text = |name: &str| match parameter(name) {
        Some(value) if value.len() > VALUE_BYTES_MAX => Err(format!("{name}: over {VALUE_BYTES_MAX} bytes")),
        value => Ok(value.map(str::to_owned)),
    };
    let fact = |value: String| value.chars().filter(|c| !c.is_control()).take(FACT_CHARS_MAX).collect();
    let name = match text("friendly_device_name")? {
        Some(name) => Some(name),
        None => match (text("terminal_vendor")?, text("terminal_model")?) {
            (Some(vendor), Some(model)) => Some(format!("{vendor} {model}")),
            (vendor, model) => vendor.or(model),
        },
    };
    let number = |value: &str| subscriber(app, value);
    Ok(Asked {
        peer: about.peer,
        is_secure: about.is_secure,
        proven: about.msisdn.as_deref().and_then(number),
        claimed: match text("msisdn")? {
            // A plus that was not escaped has become a blank.
            Some(value) => Some(number(&value).ok_or("msisdn: not a telephone number")?),
            None => None,
        },
        cookie: cookie(headers),
        otp: text("OTP")?,
        token: text("token")?,
        version: match text("vers")? {
            Some(version) => version.parse().map_err(|_| "vers: not a number")?,
            None => 0,
        },
        imei: text("IMEI")?.map(fact),
        name: name.map(fact),
    })
}

/// The subscriber with this number, written with or without `+`.
fn subscriber(app: &App, number: &str) -> Option<Address> {
    let number = number.trim();
    let subscriber = |text: &str| {
        let address = app.numbering.address(text).ok()?;
        (address.kind() == AddressKind::Subscriber).then_some(address)
    };
    let is_international = !number.starts_with(['+', '0']) && number.len() > 11;
    if is_international { subscriber(&format!("+{number}")) } else { None }.or_else(|| subscriber(number))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let ours =
        pairs.filter(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value.trim().to_owned()).next();
    ours.filter(|value| value.len() <= VALUE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::ceiling::Ceiling;

    #[test]
    fn the_root_is_ours_under_our_names_only() {
        let trust = Trust { hosts: vec!["config.rcs.example".to_owned()], ..Trust::default() };
        let path = |host: &str, uri: &str| {
            let mut request = Request::get(uri).header(HOST, host).body(()).unwrap();
            readdress(&trust, &mut request);
            request.uri().to_string()
        };
        assert_eq!(path("Config.rcs.example", "/?vers=1&a=b"), "/provisioning?vers=1&a=b");
        assert_eq!(path("config.rcs.example:8080", "/"), "/provisioning");
        assert_eq!(path("rcs.example", "/?vers=1"), "/?vers=1");
        assert_eq!(path("config.rcs.example", "/sip"), "/sip");
    }

    #[test]
    fn of_what_a_proxy_passes_on_and_adds_only_what_it_adds_is_believed() {
        let trust = Trust {
            proxies: vec!["10.0.0.0/8".parse().unwrap()],
            msisdn_header: "x-msisdn".to_owned(),
            ..Trust::default()
        };
        let about = |address: &str| {
            let address: std::net::SocketAddr = address.parse().unwrap();
            let permit = Ceiling::new(1, 1).admit(address.ip()).expect("room");
            let peer =
                Peer { address, secure: false, patience: Default::default(), _permit: Arc::new(permit) };
            let mut headers = HeaderMap::new();
            for (name, values) in [
                ("x-msisdn", ["+8613800000001", "+8613800000002"]),
                ("x-forwarded-for", ["198.51.100.1", "203.0.113.7"]),
                ("x-forwarded-proto", ["https", "http"]),
            ] {
                for value in values {
                    headers.append(name, value.parse().unwrap());
                }
            }
            let Circumstances { peer, is_secure, msisdn } = circumstances(&trust, &peer, &headers);
            (peer.to_string(), is_secure, msisdn)
        };
        assert_eq!(
            about("10.0.0.1:80"),
            ("203.0.113.7".to_owned(), false, Some("+8613800000002".to_owned()))
        );
        assert_eq!(about("192.0.2.1:80"), ("192.0.2.1".to_owned(), false, None));
    }

    #[test]
    fn our_cookie_is_found_among_others() {
        let headers = |value: &str| HeaderMap::from_iter([(COOKIE, value.parse().unwrap())]);
        assert_eq!(cookie(&headers("a=b; hongyan-provisioning=86138.x ;c=d")).as_deref(), Some("86138.x"));
        assert_eq!(cookie(&headers("hongyan=1")), None);
        assert_eq!(cookie(&headers(&format!("hongyan-provisioning={}", "x".repeat(600)))), None);
    }
}
