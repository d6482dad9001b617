//! `/admin/v1/groups`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use rcs::address::{Address, AddressKind};
use serde_json::{Value, json};
use store::{Group, Leg, Member};

use crate::http::{App, Failure, now};

/// All groups.
pub async fn list(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
    let groups = app.read(|store| store.groups()).await?;
    Ok(Json(groups.iter().map(summary).collect()))
}

/// One group with its members.
pub async fn show(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Json<Value>, Failure> {
    let address = group(&app, &name)?;
    let read: Option<(Group, Vec<Option<Leg>>)> = app
        .read(move |store| {
            let Some(group) = store.group(&address)? else { return Ok(None) };
            let legs =
                group.members.iter().map(|member| store.leg(&(address.clone(), member.address.clone())));
            let legs = legs.collect::<Result<Vec<_>, _>>()?;
            Ok(Some((group, legs)))
        })
        .await?;
    let (group, legs) = read.ok_or_else(|| Failure::not_found("there is no such group"))?;
    let mut answer = summary(&group);
    answer["conversationId"] = json!(group.conversation_id);
    answer["contributionId"] = json!(group.contribution_id);
    answer["version"] = json!(group.version);
    if let Some(subject) = &group.subject {
        answer["subjectBy"] = json!(subject.by);
        answer["subjectAt"] = json!(subject.at.rfc3339());
    }
    answer["members"] =
        group.members.iter().zip(&legs).map(|(member, leg)| line(member, leg.as_ref())).collect();
    Ok(Json(answer))
}

fn summary(group: &Group) -> Value {
    json!({
        "group": group.address,
        "subject": group.subject.as_ref().map(|subject| &subject.text),
        "members": group.members.len(),
        "createdBy": group.created_by,
        "createdAt": group.created_at.rfc3339(),
    })
}

fn line(member: &Member, leg: Option<&Leg>) -> Value {
    let devices = leg.map_or(&[][..], |leg| &leg.devices);
    let subscriptions = leg.map_or(&[][..], |leg| &leg.subscriptions);
    let listed = devices.iter().map(|device| {
        json!({ "device": device.device, "mode": device.mode, "dialog": device.dialog.as_ref().map(|dialog| dialog.call_id()) })
    });
    json!({
        "member": member.address,
        "role": member.role,
        "state": member.state,
        "since": member.since.rfc3339(),
        "invitedBy": member.invited_by,
        "devices": listed.collect::<Value>(),
        "subscriptions": subscriptions.iter().filter(|one| one.expires_at > now()).count(),
    })
}

/// A group by its URI, or by its id alone.
fn group(app: &App, name: &str) -> Result<Address, Failure> {
    let address = match name.contains('@') {
        true => app.numbering.address(name),
        false => app.numbering.group(name),
    };
    match address {
        Ok(address) if address.kind() == AddressKind::Group => Ok(address),
        Ok(address) => Err(Failure::bad_request(&format!("{address} is not a group"))),
        Err(error) => Err(Failure::bad_request(&error.to_string())),
    }
}
