//! The calls of the chatbot APIs as the OpenAPI document tells them. Their handlers read the rest of the path themselves, and the
//! contracts are the dialects' own (`chatbot_api`), so the calls are listed here: a line or two each.

use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, OpenApi, OpenApiBuilder, PathItem, Paths, Required, ResponseBuilder};

/// A call: method, path, summary, and what else there is to say.
struct Told {
    method: HttpMethod,
    path: &'static str,
    summary: &'static str,
    about: &'static str,
    /// Parameters of the query.
    query: &'static [(&'static str, &'static str)],
    /// Media type of the body.
    takes: Option<&'static str>,
}

/// What the calls of a dialect have in common.
struct Dialect {
    /// The security scheme; none for calls that give tokens.
    access: &'static str,
    /// Statuses that its answers may have.
    statuses: &'static [u16],
    /// The media types of its answers; none for answers without a body.
    answers: &'static [&'static str],
    calls: &'static [Told],
}

const JSON: &str = "application/json";
const XML: &str = "application/xml";
const FORM: &str = "multipart/form-data";
const GET: HttpMethod = HttpMethod::Get;
const POST: HttpMethod = HttpMethod::Post;
const PUT: HttpMethod = HttpMethod::Put;
const DELETE: HttpMethod = HttpMethod::Delete;

const fn told(method: HttpMethod, path: &'static str, summary: &'static str, about: &'static str) -> Told {
    Told { method, path, summary, about, query: &[], takes: None }
}

impl Told {
    const fn takes(self, media_type: &'static str) -> Self {
        Self { takes: Some(media_type), ..self }
    }

    const fn query(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }
}

/// Whoever has several agents names the one that is meant.
const AGENT: (&str, &str) = ("agentId", "The agent; not needed when the service account has one only");

const DIALECTS: &[Dialect] = &[
    Dialect {
        access: "accessToken",
        statuses: &[200, 429],
        answers: &[JSON],
        calls: &[
            told(
                POST,
                "/bot/v1/{chatbotId}/messages",
                "Send a message",
                "To one subscriber or several: text, card, carousel, file or location, with chips if wanted.",
            )
            .takes(JSON),
            told(
                POST,
                "/bot/v1/{chatbotId}/revoke",
                "Take a message back",
                "What came of it is told by a delivery notification: `revokeOk` or `revokeFail`.",
            )
            .takes(JSON),
            told(GET, "/bot/v1/{chatbotId}/find/chatBotInfo", "The chatbot's data", ""),
            told(
                POST,
                "/bot/v1/{chatbotId}/update/chatBotInfo/optionals",
                "Change the chatbot's data",
                "It shows after it was audited.",
            )
            .takes(JSON),
            told(
                POST,
                "/bot/v1/{chatbotId}/update/chatBotInfo/menu",
                "Change the chatbot's menu",
                "It shows after it was audited.",
            )
            .takes(JSON),
            told(
                POST,
                "/bot/v1/{chatbotId}/medias/upload",
                "Upload media",
                "The header `uploadMode` says `perm` or `temp`; of two pictures the first is the thumbnail.",
            )
            .takes(FORM),
            told(
                DELETE,
                "/bot/v1/{chatbotId}/medias/delete",
                "Delete media",
                "The header `url` names them.",
            ),
        ],
    },
    Dialect {
        access: "accessToken",
        statuses: &[200, 206, 416, 429],
        answers: &["*/*"],
        calls: &[told(
            GET,
            "/bot/v1/{chatbotId}/medias/download",
            "Download media",
            "The header `url` names them; `range` a part. Refusals are JSON with `errorCode`.",
        )],
    },
    Dialect {
        access: "",
        statuses: &[200, 429],
        answers: &[JSON],
        calls: &[told(
            POST,
            "/bot/v1/{chatbotId}/accessToken",
            "A token",
            "`{\"appId\", \"appKey\"}` gives `{\"accessToken\", \"expires\", \"url\", \"errorCode\"}`. A new token ends the old one.",
        )
        .takes(JSON)],
    },
    Dialect {
        access: "bearer",
        statuses: &[200, 400, 401, 403, 404, 409, 429, 501, 503],
        answers: &[JSON],
        calls: &[
            told(POST, "/v1/phones/{phone}/agentMessages", "Send a message", "Text, file, card or carousel, with suggestions.")
                .takes(JSON)
                .query(&[("messageId", "Chosen by the agent; a repeated one is ignored"), AGENT]),
            told(
                DELETE,
                "/v1/phones/{phone}/agentMessages/{message_id}",
                "Take a message back",
                "Of effect only before it was delivered.",
            )
            .query(&[AGENT]),
            told(POST, "/v1/phones/{phone}/agentEvents", "Say that the agent types or has read", "")
                .takes(JSON)
                .query(&[("eventId", "Chosen by the agent"), AGENT]),
            told(GET, "/v1/phones/{phone}/capabilities", "What a user's device can show", "")
                .query(&[("requestId", "Chosen by the agent"), AGENT]),
            told(
                POST,
                "/v1/phones/{phone}/capability:requestCapabilityCallback",
                "Have a webhook told what a user's device can show",
                "",
            )
            .takes(JSON)
            .query(&[AGENT]),
            told(POST, "/v1/phones/{phone}/testers", "Invite a tester", "").takes(JSON).query(&[AGENT]),
            told(POST, "/v1/phones/{phone}/dialogflowMessages", "Start a flow", "Not offered here: answered with 501.")
                .takes(JSON)
                .query(&[("messageIdPrefix", "How the ids of the messages begin"), AGENT]),
            told(POST, "/v1/users:batchGet", "Which of many users can be reached", "").takes(JSON),
            told(POST, "/v1/files", "Bring a file into the library from a URL", "").takes(JSON).query(&[AGENT]),
            told(POST, "/upload/v1/files", "Upload a file", "Whole, after a part that describes it, or in pieces.")
                .takes("*/*")
                .query(&[AGENT, ("uploadType", "`media`, `multipart` or `resumable`"), ("upload_id", "Of an upload in pieces")]),
        ],
    },
    Dialect {
        access: "",
        statuses: &[200, 400, 401, 429],
        answers: &[JSON],
        calls: &[
            told(POST, "/token", "A bearer token for a service account", "A signed assertion (RFC 7523) gives an access token.")
                .takes("application/x-www-form-urlencoded"),
            told(POST, "/oauth2/v4/token", "A bearer token for a service account, where older libraries look for it", "")
                .takes("application/x-www-form-urlencoded"),
            told(
                POST,
                "/oauth2/v1/token",
                "A bearer token for client credentials",
                "Client id and secret give an access token (RFC 6749 §4.4).",
            )
            .takes("application/x-www-form-urlencoded"),
        ],
    },
    Dialect {
        access: "",
        statuses: &[200],
        answers: &[JSON],
        calls: &[told(GET, "/$discovery/rest", "The RBM-style interface, for libraries that build themselves from it", "")],
    },
    Dialect {
        access: "bearer",
        statuses: &[200, 202, 204, 400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503],
        answers: &[JSON],
        calls: &[
            told(
                POST,
                "/rcs/bot/v1/{botId}/messages",
                "Send a message",
                "Text, card, file, sound or place, with chips; or `isTyping`. The header `idempotency-key` lets a call be repeated.",
            )
            .takes(JSON),
            told(GET, "/rcs/bot/v1/{botId}/messages/{message_id}/status", "What became of a message", ""),
            told(PUT, "/rcs/bot/v1/{botId}/messages/{message_id}/status", "Take a message back, or say that it was read", "")
                .takes(JSON),
            told(GET, "/rcs/bot/v1/{botId}/contactCapabilities", "What a user's device can do", "")
                .query(&[("userContact", "The user's telephone number"), ("chatId", "Or the user's token")]),
            told(POST, "/rcs/bot/v1/{botId}/files", "Upload a file", "").takes(FORM),
            told(GET, "/rcs/bot/v1/{botId}/files/{id}", "A file", ""),
            told(DELETE, "/rcs/bot/v1/{botId}/files/{id}", "Delete a file", ""),
        ],
    },
    Dialect {
        access: "dated",
        statuses: &[200, 201, 204, 400, 401, 403, 404, 405, 413, 415, 429, 500, 503],
        answers: &[XML, JSON],
        calls: &[
            told(
                POST,
                "/messaging/group/v1/outbound/{chatbotId}/requests",
                "Send a message to up to 100 subscribers",
                "Also `/messaging/group/plain/…` and `/messaging/group/template/…`, and after `/chatbot`, `/maapdiscovery` and `/vg2`.",
            )
            .takes(XML),
            told(
                POST,
                "/messaging/interaction/v1/outbound/{chatbotId}/requests",
                "Answer a subscriber",
                "`inReplyToContributionID` names what is answered.",
            )
            .takes(XML),
            told(PUT, "/messaging/v1/outbound/{chatbotId}/requests/{message_id}/status", "Take a message back", "")
                .takes(XML),
            told(POST, "/Content", "Upload a file", "Parts `Thumbnail` (optional) and `File`; the answer's header `tid` names it.")
                .takes(FORM),
            told(DELETE, "/Content", "Delete a file", "The header `tid` names it."),
        ],
    },
];

/// All of them.
pub fn calls() -> OpenApi {
    let mut paths = Paths::new();
    for dialect in DIALECTS {
        for call in dialect.calls {
            let item = PathItem::new(call.method.clone(), operation(dialect, call));
            match paths.paths.get_mut(call.path) {
                Some(known) => known.merge_operations(item),
                None => _ = paths.paths.insert(call.path.to_owned(), item),
            }
        }
    }
    OpenApiBuilder::new().paths(paths).build()
}

fn operation(dialect: &Dialect, call: &Told) -> OperationBuilder {
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let any = || ObjectBuilder::new().build();
    let mut operation = OperationBuilder::new().summary(Some(call.summary));
    if !call.about.is_empty() {
        operation = operation.description(Some(call.about));
    }
    let names = call.path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    for (name, _) in names {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        operation = operation.parameter(parameter.required(Required::True).schema(Some(text())));
    }
    for (name, about) in call.query {
        let parameter = ParameterBuilder::new().name(*name).parameter_in(ParameterIn::Query);
        let parameter = parameter.required(Required::False).description(Some(*about));
        operation = operation.parameter(parameter.schema(Some(text())));
    }
    if let Some(media_type) = call.takes {
        let body = if media_type == JSON { Content::new(Some(any())) } else { Content::new(Some(text())) };
        operation = operation.request_body(Some(RequestBodyBuilder::new().content(media_type, body).build()));
    }
    for status in dialect.statuses {
        let mut answer = ResponseBuilder::new();
        for media_type in dialect.answers {
            // Refusals of a call that answers with files are JSON.
            let is_any = matches!(*media_type, JSON | "*/*");
            answer = answer.content(*media_type, Content::new(Some(if is_any { any() } else { text() })));
        }
        operation = operation.response(status.to_string(), answer);
    }
    if !dialect.access.is_empty() {
        operation = operation.security(SecurityRequirement::new(dialect.access, [""; 0]));
    }
    operation
}
