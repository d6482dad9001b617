//! The description of the interface (a discovery document) from which generic client libraries build themselves.
//!
//! Only what such libraries need: paths, parameters, the names of bodies. What bodies hold is in [`super::message`] and its
//! siblings.

use serde_json::{Map, Value, json};

use super::SCOPE;
use super::message::FILE_BYTES_MAX;

/// The document of a server whose root is `public_url`, without a slash at the end.
pub fn document(public_url: &str) -> Value {
    json!({
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "rcsbusinessmessaging:v1",
        "name": "rcsbusinessmessaging",
        "canonicalName": "RCS Business Messaging",
        "version": "v1",
        "title": "RBM-style chatbot interface of Hongyan",
        "description": "Messages between chatbots and users.",
        "protocol": "rest",
        "rootUrl": format!("{public_url}/"),
        "baseUrl": format!("{public_url}/"),
        "servicePath": "",
        "batchPath": "batch",
        "parameters": {
            "fields": query("Ignored: answers are always whole."),
            "alt": query("json, also when absent."),
            "uploadType": query("Of uploads: media, multipart or resumable."),
        },
        "auth": { "oauth2": { "scopes": { SCOPE: { "description": "All calls." } } } },
        "schemas": schemas(),
        "resources": {
            "files": { "methods": { "create": create_file() } },
            "phones": {
                "methods": { "getCapabilities": get_capabilities() },
                "resources": {
                    "agentMessages": { "methods": {
                        "create": under_phone("agentMessages", "messageId", "AgentMessage", "AgentMessage"),
                        "delete": delete_message(),
                    } },
                    "agentEvents": { "methods": {
                        "create": under_phone("agentEvents", "eventId", "AgentEvent", "AgentEvent"),
                    } },
                    "capability": { "methods": { "requestCapabilityCallback": request_callback() } },
                    "dialogflowMessages": { "methods": {
                        "create": under_phone(
                            "dialogflowMessages",
                            "messageIdPrefix",
                            "DialogflowEvent",
                            "DialogflowEvent",
                        ),
                    } },
                    "testers": { "methods": { "create": under_phone("testers", "", "Tester", "Tester") } },
                },
            },
            "users": { "methods": { "batchGet": batch_get() } },
        },
    })
}

/// `POST v1/phones/{E.164}/COLLECTION`. `id` names the query parameter with the caller's id; empty for none.
fn under_phone(collection: &str, id: &str, request: &str, response: &str) -> Value {
    let mut parameters = Map::new();
    parameters.insert("parent".to_owned(), phone_name());
    parameters.insert("agentId".to_owned(), agent_id());
    if !id.is_empty() {
        parameters.insert(id.to_owned(), query("The caller's id; a repeated one changes nothing."));
    }
    method(Method {
        id: &format!("rcsbusinessmessaging.phones.{collection}.create"),
        verb: "POST",
        path: &format!("v1/{{+parent}}/{collection}"),
        order: &["parent"],
        parameters: Value::Object(parameters),
        request: Some(request),
        response,
    })
}

fn delete_message() -> Value {
    let name = json!({
        "type": "string", "location": "path", "required": true, "pattern": "^phones/[^/]+/agentMessages/[^/]+$",
        "description": "phones/{E.164}/agentMessages/{messageId}",
    });
    method(Method {
        id: "rcsbusinessmessaging.phones.agentMessages.delete",
        verb: "DELETE",
        path: "v1/{+name}",
        order: &["name"],
        parameters: json!({ "name": name, "agentId": agent_id() }),
        request: None,
        response: "Empty",
    })
}

fn get_capabilities() -> Value {
    method(Method {
        id: "rcsbusinessmessaging.phones.getCapabilities",
        verb: "GET",
        path: "v1/{+name}/capabilities",
        order: &["name"],
        parameters: json!({
            "name": phone_name(), "agentId": agent_id(), "requestId": query("The caller's id."),
        }),
        request: None,
        response: "Capabilities",
    })
}

fn request_callback() -> Value {
    method(Method {
        id: "rcsbusinessmessaging.phones.capability.requestCapabilityCallback",
        verb: "POST",
        path: "v1/{+name}/capability:requestCapabilityCallback",
        order: &["name"],
        parameters: json!({ "name": phone_name(), "agentId": agent_id() }),
        request: Some("RequestCapabilityCallbackRequest"),
        response: "Empty",
    })
}

fn batch_get() -> Value {
    method(Method {
        id: "rcsbusinessmessaging.users.batchGet",
        verb: "POST",
        path: "v1/users:batchGet",
        order: &[],
        parameters: json!({}),
        request: Some("BatchGetUsersRequest"),
        response: "BatchGetUsersResponse",
    })
}

fn create_file() -> Value {
    let mut create = method(Method {
        id: "rcsbusinessmessaging.files.create",
        verb: "POST",
        path: "v1/files",
        order: &[],
        parameters: json!({ "agentId": agent_id() }),
        request: Some("CreateFileRequest"),
        response: "File",
    });
    create["supportsMediaUpload"] = true.into();
    create["mediaUpload"] = json!({
        "accept": ["image/*", "video/*", "audio/*", "application/pdf"],
        "maxSize": FILE_BYTES_MAX.to_string(),
        "protocols": {
            "simple": { "multipart": true, "path": "/upload/v1/files" },
            "resumable": { "multipart": true, "path": "/upload/v1/files" },
        },
    });
    create
}

struct Method<'a> {
    id: &'a str,
    verb: &'a str,
    path: &'a str,
    order: &'a [&'a str],
    parameters: Value,
    request: Option<&'a str>,
    response: &'a str,
}

fn method(method: Method<'_>) -> Value {
    let mut written = json!({
        "id": method.id,
        "httpMethod": method.verb,
        "path": method.path,
        "flatPath": method.path,
        "parameterOrder": method.order,
        "parameters": method.parameters,
        "response": { "$ref": method.response },
        "scopes": [SCOPE],
    });
    if let Some(request) = method.request {
        written["request"] = json!({ "$ref": request });
    }
    written
}

fn phone_name() -> Value {
    json!({
        "type": "string", "location": "path", "required": true, "pattern": "^phones/[^/]+$",
        "description": "phones/{E.164}",
    })
}

fn agent_id() -> Value {
    query("The agent; may be left out by an account that has one only.")
}

fn query(description: &str) -> Value {
    json!({ "type": "string", "location": "query", "description": description })
}

fn schemas() -> Value {
    let object = |id: &str, members: &[(&str, &str)]| {
        let properties: Map<String, Value> =
            members.iter().map(|(name, kind)| ((*name).to_owned(), property(kind))).collect();
        (id.to_owned(), json!({ "id": id, "type": "object", "properties": properties }))
    };
    Value::Object(Map::from_iter([
        object(
            "AgentMessage",
            &[
                ("name", "string"),
                ("sendTime", "string"),
                ("contentMessage", "object"),
                ("messageTrafficType", "string"),
                ("expireTime", "string"),
                ("ttl", "string"),
                ("richMessageClassification", "object"),
                ("totalPayloadSizeBytes", "string"),
            ],
        ),
        object(
            "AgentEvent",
            &[("name", "string"), ("eventType", "string"), ("messageId", "string"), ("sendTime", "string")],
        ),
        object("Capabilities", &[("name", "string"), ("features", "strings")]),
        object("RequestCapabilityCallbackRequest", &[("requestId", "string")]),
        object("BatchGetUsersRequest", &[("users", "strings"), ("agentId", "string")]),
        object(
            "BatchGetUsersResponse",
            &[
                ("reachableUsers", "strings"),
                ("totalRandomSampleUserCount", "integer"),
                ("reachableRandomSampleUserCount", "integer"),
            ],
        ),
        object("Tester", &[("name", "string"), ("inviteStatus", "string")]),
        object(
            "CreateFileRequest",
            &[("fileUrl", "string"), ("thumbnailUrl", "string"), ("contentDescription", "string")],
        ),
        object("File", &[("name", "string")]),
        object(
            "DialogflowEvent",
            &[("eventName", "string"), ("parameters", "object"), ("languageCode", "string")],
        ),
        object("Empty", &[]),
    ]))
}

fn property(kind: &str) -> Value {
    match kind {
        "strings" => json!({ "type": "array", "items": { "type": "string" } }),
        "integer" => json!({ "type": "integer", "format": "int32" }),
        "object" => json!({ "type": "object", "additionalProperties": { "type": "any" } }),
        kind => json!({ "type": kind }),
    }
}
