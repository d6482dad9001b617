//! `/admin/v1/groups`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use rcs::address::{Address, AddressKind};
use serde::Serialize;
use store::{Group, Leg, LegDevice, Member, MemberState, Mode, Role};
use utoipa::ToSchema;

use crate::http::{App, Failure, now};

/// A group.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupSummary)]
pub struct Summary {
    /// Its URI.
    group: String,
    subject: Option<String>,
    /// How many members there are.
    members: usize,
    created_by: String,
    created_at: String,
}

/// A group with its members.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Group)]
pub struct Shown {
    /// Its URI.
    group: String,
    subject: Option<String>,
    /// Who gave it its subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_at: Option<String>,
    created_by: String,
    created_at: String,
    conversation_id: String,
    contribution_id: String,
    /// Of the list of members, as conference events count it.
    version: u32,
    members: Vec<Line>,
}

/// A member of a group.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupMember)]
struct Line {
    member: String,
    /// `admin` or `participant`.
    #[schema(value_type = String)]
    role: Role,
    /// `pending` or `joined`.
    #[schema(value_type = String)]
    state: MemberState,
    since: String,
    invited_by: String,
    devices: Vec<Device>,
    /// Subscriptions to the group's conference events.
    subscriptions: usize,
}

/// A device of a member.
#[derive(Serialize, ToSchema)]
#[schema(as = GroupDevice)]
struct Device {
    device: String,
    /// `pager` or `session`.
    #[schema(value_type = String)]
    mode: Mode,
    /// Call-ID of its dialog with the focus.
    dialog: Option<String>,
}

/// All groups.
#[utoipa::path(get, path = "/groups", responses((status = 200, body = Vec<Summary>)))]
pub async fn list(State(app): State<Arc<App>>) -> Result<Json<Vec<Summary>>, Failure> {
    let groups = app.read(|store| store.groups()).await?;
    Ok(Json(groups.iter().map(Summary::of).collect()))
}

/// One group with its members.
#[utoipa::path(
    get, path = "/groups/{group}",
    responses((status = 200, body = Shown), (status = 404, description = "There is no such group")),
)]
pub async fn show(State(app): State<Arc<App>>, Path(group): Path<String>) -> Result<Json<Shown>, Failure> {
    let address = address(&app, &group)?;
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
    let members =
        group.members.iter().zip(&legs).map(|(member, leg)| Line::of(member, leg.as_ref())).collect();
    let Summary { group: uri, subject, created_by, created_at, .. } = Summary::of(&group);
    Ok(Json(Shown {
        group: uri,
        subject,
        subject_by: group.subject.as_ref().map(|subject| subject.by.to_string()),
        subject_at: group.subject.as_ref().map(|subject| subject.at.rfc3339()),
        created_by,
        created_at,
        conversation_id: group.conversation_id,
        contribution_id: group.contribution_id,
        version: group.version,
        members,
    }))
}

impl Summary {
    fn of(group: &Group) -> Self {
        Self {
            group: group.address.to_string(),
            subject: group.subject.as_ref().map(|subject| subject.text.clone()),
            members: group.members.len(),
            created_by: group.created_by.to_string(),
            created_at: group.created_at.rfc3339(),
        }
    }
}

impl Line {
    fn of(member: &Member, leg: Option<&Leg>) -> Self {
        let subscriptions = leg.map_or(&[][..], |leg| &leg.subscriptions);
        Self {
            member: member.address.to_string(),
            role: member.role,
            state: member.state,
            since: member.since.rfc3339(),
            invited_by: member.invited_by.to_string(),
            devices: leg.map_or(&[][..], |leg| &leg.devices).iter().map(Device::of).collect(),
            subscriptions: subscriptions.iter().filter(|one| one.expires_at > now()).count(),
        }
    }
}

impl Device {
    fn of(device: &LegDevice) -> Self {
        Self {
            device: device.device.clone(),
            mode: device.mode,
            dialog: device.dialog.as_ref().map(|dialog| dialog.call_id().to_owned()),
        }
    }
}

/// A group by its URI, or by its id alone.
fn address(app: &App, name: &str) -> Result<Address, Failure> {
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
