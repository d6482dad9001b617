//! `/admin/v1/groups`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use message_centre::admin::{Answer, Call};
use message_centre::group::icon::{self, Flaw, Picture, Source};
use rcs::address::{Address, AddressKind};
use serde::Serialize;
use store::{Group, Leg, LegDevice, Member, MemberState, Mode, Role};
use utoipa::ToSchema;

use crate::content;
use crate::content::link::Purpose;
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
    /// Where its icon is.
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<String>,
    /// Who gave it its icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    icon_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon_at: Option<String>,
    created_by: String,
    created_at: String,
    conversation_id: String,
    contribution_id: String,
    /// Of the list of members, as conference events count it.
    version: u32,
    members: Vec<Line>,
}

/// A group's icon.
#[derive(Serialize, ToSchema)]
#[schema(as = GroupIcon)]
pub struct Icon {
    /// The group's URI.
    group: String,
    /// Where its icon is; `null` for none.
    icon: Option<String>,
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
    let (group, legs) = read.ok_or_else(no_such_group)?;
    let members =
        group.members.iter().zip(&legs).map(|(member, leg)| Line::of(member, leg.as_ref())).collect();
    let Summary { group: uri, subject, created_by, created_at, .. } = Summary::of(&group);
    Ok(Json(Shown {
        group: uri,
        subject,
        subject_by: group.subject.as_ref().map(|subject| subject.by.to_string()),
        subject_at: group.subject.as_ref().map(|subject| subject.at.rfc3339()),
        icon: group.icon.as_ref().map(|icon| app.content.links.url(icon.id, Purpose::Icon)),
        icon_by: group.icon.as_ref().and_then(|icon| icon.by.as_ref()).map(Address::to_string),
        icon_at: group.icon.as_ref().map(|icon| icon.at.rfc3339()),
        created_by,
        created_at,
        conversation_id: group.conversation_id,
        contribution_id: group.contribution_id,
        version: group.version,
        members,
    }))
}

/// Gives a group an icon: the body is the picture.
#[utoipa::path(
    put, path = "/groups/{group}/icon",
    request_body(content = String, content_type = "image/*", description = "The picture"),
    responses((status = 200, body = Icon), (status = 404, description = "There is no such group")),
)]
pub async fn set_icon(
    State(app): State<Arc<App>>,
    Path(group): Path<String>,
    picture: Bytes,
) -> Result<Json<Icon>, Failure> {
    let address = address(&app, &group)?;
    let made = content::icon::make(&app.content, &app.store, &Source::Bytes(picture)).await;
    let picture = made.map_err(|flaw| match flaw {
        Flaw::NoPicture => Failure::bad_request("this is no picture that can be read here"),
        Flaw::Gone | Flaw::Failed => Failure::unavailable("the picture could not be made small in time"),
    })?;
    change_icon(&app, address, Some(picture)).await
}

/// Takes it away.
#[utoipa::path(
    delete, path = "/groups/{group}/icon",
    responses((status = 200, body = Icon), (status = 404, description = "There is no such group")),
)]
pub async fn remove_icon(
    State(app): State<Arc<App>>,
    Path(group): Path<String>,
) -> Result<Json<Icon>, Failure> {
    let address = address(&app, &group)?;
    change_icon(&app, address, None).await
}

async fn change_icon(app: &App, group: Address, picture: Option<Picture>) -> Result<Json<Icon>, Failure> {
    let call = icon::Call { group: group.clone(), picture };
    if app.administer(Call::Icon(call)).await? == Answer::NotFound {
        return Err(no_such_group());
    }
    let read = group.clone();
    let icon = app.read(move |store| store.group(&read)).await?.and_then(|group| group.icon);
    let url = icon.map(|icon| app.content.links.url(icon.id, Purpose::Icon));
    Ok(Json(Icon { group: group.to_string(), icon: url }))
}

fn no_such_group() -> Failure {
    Failure::not_found("there is no such group")
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
