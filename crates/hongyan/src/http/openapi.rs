//! `/openapi.json`: every HTTP call, told by the code that answers it (OpenAPI 3.1).
//!
//! A handler says its method, path, and what it answers in `#[utoipa::path]`; the texts are the docstrings of handlers and
//! types. What holds for every call of an area is said once, here: how it is authorised, how its errors look, what the
//! parameters of paths mean. Routes are registered through `OpenApiRouter::routes`, so that no call is without its text (`clippy.toml`
//! forbids other ways); where one handler reads the rest of the path itself, `bot/told.rs` lists its calls.

use std::sync::{Arc, OnceLock};

use axum::extract::Extension;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Components, Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, Response as Answer};

/// An answer that something is wrong.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "error": "there is no such subscriber" }))]
pub struct Error {
    /// What is wrong, in words for people.
    error: String,
}

/// Calls that belong together: a path prefix, the name of the group, what it is, and how its calls are authorised.
struct Area {
    prefix: &'static str,
    tag: &'static str,
    about: &'static str,
    access: Access,
}

/// How a call is authorised.
#[derive(Clone, Copy, PartialEq)]
enum Access {
    /// By anybody.
    Open,
    /// By whoever has the administrator's token.
    Admin,
    /// By a subscriber, with Digest.
    Subscriber,
    /// As the calls themselves say.
    Own,
}

/// The first whose prefix fits. Everything under `/admin/v1/` that is not named here is a group of its own, named after its path.
const AREAS: &[Area] = &[
    Area {
        prefix: "/tools/v1/",
        tag: "Tools",
        about: "For developers of chatbots: open to everybody, with limits; nothing is kept.",
        access: Access::Open,
    },
    Area {
        prefix: "/bot/v1/",
        tag: "Chatbots: China Telecom, China Unicom",
        about: "The joint interface of the two operators. Every answer has status 200 and says how it went in `errorCode` (0: well).",
        access: Access::Own,
    },
    Area {
        prefix: "/rcs/bot/",
        tag: "Chatbots: GSMA FNW.11",
        about: "Refusals have a status outside of 2xx and a `reason`.",
        access: Access::Own,
    },
    Area { prefix: "/oauth2/v1/", tag: "Chatbots: GSMA FNW.11", about: "", access: Access::Own },
    Area {
        prefix: "/messaging/",
        tag: "Chatbots: China Mobile",
        about: "XML, or JSON for clients whose `accept` asks for that.",
        access: Access::Own,
    },
    Area {
        prefix: "/cspApi/",
        tag: "Chatbots: CSPs",
        about: "Management calls of companies that run chatbots for others, signed with a tenant's key.",
        access: Access::Own,
    },
    Area { prefix: "/Content", tag: "Chatbots: China Mobile", about: "", access: Access::Own },
    Area {
        prefix: "/v1/",
        tag: "Chatbots: RBM-style",
        about: "Errors are `{\"error\": {\"code\", \"message\", \"status\"}}`.",
        access: Access::Own,
    },
    Area { prefix: "/upload/v1/", tag: "Chatbots: RBM-style", about: "", access: Access::Own },
    Area { prefix: "/token", tag: "Chatbots: RBM-style", about: "", access: Access::Own },
    Area { prefix: "/oauth2/v4/", tag: "Chatbots: RBM-style", about: "", access: Access::Own },
    Area { prefix: "/$discovery/", tag: "Chatbots: RBM-style", about: "", access: Access::Own },
    Area {
        prefix: "/bot",
        tag: "Handsets",
        about: "What handsets ask for over HTTP. Digest is that of SIP: the same user names and passwords.",
        access: Access::Open,
    },
    Area { prefix: "/directory", tag: "Handsets", about: "", access: Access::Open },
    Area { prefix: "/open/", tag: "Handsets", about: "", access: Access::Open },
    Area { prefix: "/handset/config.json", tag: "Handsets", about: "", access: Access::Open },
    Area { prefix: "/handset/", tag: "Handsets", about: "", access: Access::Subscriber },
    Area { prefix: "/provisioning", tag: "Handsets", about: "", access: Access::Open },
    Area {
        prefix: "/content",
        tag: "Files",
        about: "File transfer by HTTP (GSMA RCC.07): uploads by subscribers, downloads by whoever has the link.",
        access: Access::Own,
    },
    Area { prefix: "/sip", tag: "Transports", about: "SIP and MSRP over WebSocket.", access: Access::Open },
    Area { prefix: "/msrp", tag: "Transports", about: "", access: Access::Open },
    Area { prefix: "/", tag: "Operation", about: "For operators and their machines.", access: Access::Open },
];

/// The calls of administrators.
const ADMIN: &str = "/admin/v1/";

/// What names in paths mean, and an example of each. A call may say it better itself.
const PATH_PARAMETERS: &[(&str, &str, &str)] = &[
    ("number", "A subscriber's telephone number", "+8613800000001"),
    ("whom", "A telephone number, or the name or URI of a chatbot", "+8613800000002"),
    ("name", "A chatbot's name (what stands before `@` in its URI), or its URI", "weather"),
    ("chatbotId", "The chatbot's URI, raw or percent-encoded, or its number alone", "weather"),
    ("botId", "The chatbot's URI, percent-encoded, or its number alone", "weather"),
    ("phone", "A user's telephone number", "+8613800000001"),
    ("version", "The version of the interface", "v1"),
    ("key", "The id of a key", "0123456789abcdef"),
    ("chatbot", "The chatbot's name or URI", "weather"),
    ("what", "`opted-out`, `revealed` or `token`", "opted-out"),
    ("topic", "What is reviewed", "profile"),
    ("template", "The name of a template", "greeting"),
    ("tenant", "A tenant's id", "acme"),
    ("group", "A group's URI, or its id", "5b0c0e9e-6c6f-5d5a-9a3e-0f3c1f1f9a10"),
    ("address", "A telephone number, or the name or URI of a chatbot", "+8613800000001"),
    ("message_id", "The id that the sender gave the message", "5eb63bbbe01eeed0"),
    ("device", "The id of a configured device", "d1"),
    ("id", "An id that a listing gave", "0192f0c1d2e3f4a5b6c7d8e9f0a1b2c3"),
    ("peer", "Whom the conversation is with: a telephone number or a URI", "+8613800000002"),
    ("link", "The end of a link that the content server gave", "AbCdEf"),
];

/// The document, once it is complete.
#[derive(Clone, Default)]
pub struct Published(Arc<OnceLock<Bytes>>);

impl Published {
    /// Completes the document and makes it what [`document`] answers.
    pub fn publish(&self, mut api: OpenApi) {
        complete(&mut api);
        let json = serde_json::to_vec(&api).expect("the document has string keys only");
        self.0.set(json.into()).expect("one router publishes once");
    }
}

/// This document
///
/// OpenAPI 3.1. `/docs/` shows it for reading.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, body = Object)))]
pub async fn document(Extension(published): Extension<Published>) -> Response {
    let json = published.0.get().cloned().unwrap_or_default();
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], json).into_response()
}

/// Says what holds for many calls: groups, ids, authorisation, errors, parameters of paths.
fn complete(api: &mut OpenApi) {
    let description = "The HTTP interfaces of a Hongyan platform: chatbots, handsets, files, administration, tools.\n\n\
        What is written here comes from the code that answers the calls. Errors are JSON, `{\"error\": \"what is wrong\"}`, \
        unless a call says otherwise. A full server answers 429 or 503 with `Retry-After`.";
    let info = InfoBuilder::new()
        .title("Hongyan")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .build();
    let mut whole = OpenApiBuilder::new().info(info).build();
    whole.merge(std::mem::take(api));
    *api = whole;

    let components = api.components.get_or_insert_with(Components::new);
    components.schemas.insert("Error".to_owned(), <Error as utoipa::PartialSchema>::schema());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A key, or the token in the data directory's file `admin-token`"));
    let digest = HttpBuilder::new()
        .scheme(HttpAuthScheme::Digest)
        .description(Some("A subscriber's SIP user name and password"));
    let token = ApiKeyValue::with_description("authorization", "`accessToken <token>`");
    let bearer_of_chatbot = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token that the dialect's token call gave"));
    let dated = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("appId, and the hash of the password's hash and the `Date` header"));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer_of_chatbot.build()));
    components.add_security_scheme("dated", SecurityScheme::Http(dated.build()));
    components.add_security_scheme("admin", SecurityScheme::Http(bearer.build()));
    components.add_security_scheme("subscriber", SecurityScheme::Http(digest.build()));
    components.add_security_scheme("accessToken", SecurityScheme::ApiKey(ApiKey::Header(token)));

    let mut tags: Vec<(String, &str)> = Vec::new();
    for (path, item) in &mut api.paths.paths {
        let area = area(path);
        if !tags.iter().any(|(tag, _)| *tag == area.0) {
            tags.push((area.0.clone(), area.1));
        }
        for (method, operation) in operations(item) {
            complete_call(path, method, operation, &area);
        }
    }
    // What most readers look for comes first.
    tags.sort_by_key(|(tag, about)| (tag.starts_with("Administration"), tag.clone(), *about));
    api.tags = Some(
        tags.into_iter()
            .map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build())
            .collect(),
    );
}

/// The group of a path, its description, and how its calls are authorised.
fn area(path: &str) -> (String, &'static str, Access) {
    if let Some(rest) = path.strip_prefix(ADMIN) {
        let subject = rest.split('/').next().unwrap_or_default().replace('-', " ");
        let about = "For administrators, with the token of the data directory.";
        return (format!("Administration: {subject}"), about, Access::Admin);
    }
    let area =
        AREAS.iter().find(|area| path.starts_with(area.prefix)).expect("every path begins with a slash");
    let about = AREAS.iter().find(|other| other.tag == area.tag).map_or("", |first| first.about);
    (area.tag.to_owned(), about, area.access)
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
        ("head", &mut item.head),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete_call(
    path: &str,
    method: &str,
    operation: &mut Operation,
    (tag, _, access): &(String, &str, Access),
) {
    operation.tags = Some(vec![tag.clone()]);
    operation.operation_id = Some(id_of(method, path));
    if operation.security.is_none() {
        operation.security = match access {
            Access::Admin => Some(vec![SecurityRequirement::new("admin", [""; 0])]),
            Access::Subscriber => Some(vec![SecurityRequirement::new("subscriber", [""; 0])]),
            Access::Open | Access::Own => None,
        };
    }
    let has_parameters = operation.parameters.is_some();
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            complete_parameter(parameter);
        }
    }
    let speaks_json =
        path.starts_with("/admin/") || path.starts_with("/handset/") || path.starts_with("/tools/");
    let mut add = |status: u16, what: &str| {
        let answers = &mut operation.responses.responses;
        answers.entry(status.to_string()).or_insert_with(|| Answer::new(what).into());
    };
    if speaks_json {
        if operation.security.is_some() {
            add(401, "Not authorised");
        }
        if *access == Access::Admin {
            add(403, "The key may not do this");
        }
        if has_parameters || operation.request_body.is_some() {
            add(400, "The request is not as it must be");
        }
        if operation.request_body.is_some() {
            add(413, "The body is too large");
            add(415, "The body is not `application/json`");
            add(422, "The body is JSON of another shape");
        }
        add(429, "The server is busy: again after `Retry-After` seconds");
        add(503, "The server is stopping, or did not get round to it: again after a moment");
    }
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(answer) = answer else { continue };
        if answer.description.is_empty() {
            answer.description = reason(status).to_owned();
        }
        if speaks_json && answer.content.is_empty() && status.as_str() >= "400" {
            let error = Content::new(Some(Ref::from_schema_name("Error")));
            answer.content.insert("application/json".to_owned(), error.into());
        }
    }
}

fn complete_parameter(parameter: &mut Parameter) {
    if parameter.parameter_in != ParameterIn::Path {
        return;
    }
    let known = PATH_PARAMETERS.iter().find(|(name, _, _)| *name == parameter.name);
    if let Some((_, about, example)) = known {
        let own = std::mem::replace(parameter, Parameter::new(""));
        let about = own.description.clone().unwrap_or_else(|| (*about).to_owned());
        // Its own example can be read only as it is written.
        let example = match serde_json::to_value(&own) {
            Ok(written) if written.get("example").is_some() => written["example"].clone(),
            _ => json!(example),
        };
        *parameter = ParameterBuilder::from(own).description(Some(about)).example(Some(example)).build();
    }
}

/// `get /admin/v1/subscribers/{number}` is `getSubscribersNumber`.
fn id_of(method: &str, path: &str) -> String {
    let mut id = method.to_owned();
    let words = path.strip_prefix(ADMIN).unwrap_or(path).split(|c: char| !c.is_ascii_alphanumeric());
    for word in words {
        // `/Content` is not `/content`.
        if word.starts_with(|c: char| c.is_ascii_uppercase()) {
            id.push('_');
        }
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id
}

fn reason(status: &str) -> &'static str {
    let code = status.parse().ok().and_then(|code: u16| axum::http::StatusCode::from_u16(code).ok());
    code.and_then(|code| code.canonical_reason()).unwrap_or("As the body says")
}
