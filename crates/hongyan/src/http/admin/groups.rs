//! `/admin/v1/groups`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use message_centre::admin::{Answer, Call};
use message_centre::group::icon::{self, Flaw, Picture, Source};
use rcs::address::{Address, AddressKind};
use serde_json::{Value, json};
use store::{Group, Leg, Member};

use crate::content;
use crate::content::link::Purpose;
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
    let (group, legs) = read.ok_or_else(no_such_group)?;
    let mut answer = summary(&group);
    if let Some(icon) = &group.icon {
        answer["icon"] = json!(app.content.links.url(icon.id, Purpose::Icon));
        answer["iconBy"] = json!(icon.by);
        answer["iconAt"] = json!(icon.at.rfc3339());
    }
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

/// Gives a group an icon: the body is the picture.
pub async fn set_icon(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    picture: Bytes,
) -> Result<Json<Value>, Failure> {
    let address = group(&app, &name)?;
    let made = content::icon::make(&app.content, &app.store, &Source::Bytes(picture)).await;
    let picture = made.map_err(|flaw| match flaw {
        Flaw::NoPicture => Failure::bad_request("this is no picture that can be read here"),
        Flaw::Gone | Flaw::Failed => Failure::unavailable("the picture could not be made small in time"),
    })?;
    change_icon(&app, address, Some(picture)).await
}

/// Takes it away.
pub async fn remove_icon(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Failure> {
    let address = group(&app, &name)?;
    change_icon(&app, address, None).await
}

async fn change_icon(app: &App, group: Address, picture: Option<Picture>) -> Result<Json<Value>, Failure> {
    let call = icon::Call { group: group.clone(), picture };
    if app.administer(Call::Icon(call)).await? == Answer::NotFound {
        return Err(no_such_group());
    }
    let read = group.clone();
    let icon = app.read(move |store| store.group(&read)).await?.and_then(|group| group.icon);
    let url = icon.map(|icon| app.content.links.url(icon.id, Purpose::Icon));
    Ok(Json(json!({ "group": group, "icon": url })))
}

fn no_such_group() -> Failure {
    Failure::not_found("there is no such group")
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
