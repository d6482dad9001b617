//! The icon of a group (OMA CPM group data): a member asks for it, the edge finds the picture and makes it small, and it is kept
//! beside the group's row for as long as the group has it.
//!
//! A picture is either in the message or a file on our content server: nothing is fetched from anywhere else. What members get
//! is never what was sent, but a picture that was made of it here; so nobody is shown anything else under an icon's link, and an
//! icon lasts although the file that it was made of expires.

use bytes::Bytes;
use rcs::Timestamp;
use rcs::address::Address;
use rcs::conference_info;
use rcs::cpim::{self, Cpim, CpimBuilder};
use rcs::group_data::{self, GroupData, Request, Response};
use rcs::{content_type, ids, multipart};
use store::{FileId, Group, IconPicture, Wants};

use super::members::News;
use crate::access::Refusal;
use crate::access::message::Posted;
use crate::delivery::{Asker, Delivery};
use crate::report;
use crate::work::Task;
use crate::{Centre, Work};

/// Most pictures that are looked at at once; each may hold a message's body.
const UNDER_WAY_MAX: usize = 256;

/// Largest picture that is kept as an icon, in bytes.
pub const PICTURE_BYTES_MAX: usize = 64 * 1024;

/// How the content server links to icons.
pub type Link = Box<dyn Fn(FileId) -> String + Send>;

/// A picture that is to become a group's icon: for the edge to find and to make small, and to bring back by [`Wanted::made`].
#[derive(Debug)]
pub struct Wanted {
    group: Address,
    by: Address,
    asker: Asker,
    /// Of the request, if it is to be answered by a message too.
    request_id: Option<String>,
    /// Where the picture is.
    pub source: Source,
}

/// Where a picture is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// On our content server, behind this link.
    Link(String),
    /// Here.
    Bytes(Bytes),
}

/// A picture made small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Media type.
    pub content_type: String,
    /// At most [`PICTURE_BYTES_MAX`].
    pub bytes: Bytes,
}

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The link leads to no file, or to none any more.
    Gone,
    /// It is no picture that can be read, or too large a one.
    NoPicture,
    /// Our disk failed.
    Failed,
}

/// How the edge fared.
#[derive(Debug)]
pub struct Made {
    wanted: Wanted,
    picture: Result<Picture, Flaw>,
}

/// A request of group data that was met: whoever made it is told under its id.
#[derive(Debug)]
pub struct Managed {
    group: Address,
    by: Address,
    request_id: String,
}

/// An icon that the operator gives a group, or takes from it.
#[derive(Debug)]
pub struct Call {
    /// The group.
    pub group: Address,
    /// `None` takes it away.
    pub picture: Option<Picture>,
}

impl Wanted {
    /// What came of it.
    pub fn made(self, picture: Result<Picture, Flaw>) -> Made {
        Made { wanted: self, picture }
    }
}

impl Made {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.group(&self.wanted.group);
    }
}

impl Managed {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.group(&self.group);
        report::sender_wants(&self.by, wants);
    }
}

/// Whether a message may be a change of the group itself: by its media type, alone or with the picture beside it.
pub(super) fn may_be_group_data(posted: &Posted) -> bool {
    posted.what.payload_type == group_data::CONTENT_TYPE || multipart::is_multipart(&posted.what.payload_type)
}

/// The change that a message asks for, and the parts that came with it; `None` when it is something said.
pub(super) fn group_data_in(posted: &Posted) -> Result<Option<(Request, Vec<multipart::Part>)>, Refusal> {
    let what = &posted.what;
    let is_enveloped = content_type::essence(&what.content_type) == cpim::CONTENT_TYPE;
    let (declared, payload) = match is_enveloped {
        true => {
            let envelope = Cpim::parse(what.body.clone()).map_err(|error| Refusal::bad(error.to_string()))?;
            let payload = envelope.decoded_payload().map_err(|error| Refusal::bad(error.to_string()))?;
            (envelope.content_type().to_owned(), payload)
        }
        false => (what.content_type.clone(), what.body.clone()),
    };
    let (document, parts) = match multipart::is_multipart(&declared) {
        true => {
            // What cannot be read is somebody's words, as it ever was.
            let Ok(parts) = multipart::parse(&declared, &payload) else { return Ok(None) };
            match parts.iter().find(|part| part.is(group_data::CONTENT_TYPE)) {
                Some(document) => (document.body.clone(), parts),
                None => return Ok(None),
            }
        }
        false => (payload, Vec::new()),
    };
    let request = Request::parse(&document).map_err(|error| Refusal::bad(error.to_string()))?;
    Ok(Some((request, parts)))
}

impl Centre {
    /// From now on groups have icons, which are fetched by these links.
    pub fn link_icons(&mut self, link: Link) {
        self.groups.icon_link = Some(link);
    }

    /// Takes on a change that a member asks for.
    pub(super) fn take_group_data(
        &mut self,
        posted: &Posted,
        mut group: Group,
        (request, parts): (Request, Vec<multipart::Part>),
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        match request.change {
            GroupData::Subject(text) => {
                self.may_change_subject(&group, &posted.from)?;
                let text = self.subject(text.as_deref())?;
                if text.as_ref() != group.subject.as_ref().map(|subject| &subject.text) {
                    group.subject = self.new_subject(text, &posted.from, work);
                    self.announce(group, News { is_renamed: true, ..News::default() }, work);
                }
            }
            GroupData::Icon(None) => {
                self.may_change_icon(&group, &posted.from)?;
                self.put_icon(group, None, Some(&posted.from), work);
            }
            GroupData::Icon(Some(icon)) => {
                self.may_change_icon(&group, &posted.from)?;
                let source = self.icon_source(icon, parts)?;
                if self.groups.icons_under_way >= UNDER_WAY_MAX {
                    return Err(Refusal::TooOften);
                }
                self.groups.icons_under_way += 1;
                work.icons.push(Wanted {
                    group: group.address,
                    by: posted.from.clone(),
                    asker: posted.asker.clone(),
                    request_id: request.id,
                    source,
                });
                return Ok(());
            }
        }
        self.managed(&posted.what.to, &posted.from, request.id, work);
        self.answer_asker(&posted.asker, 200, work);
        Ok(())
    }

    /// The edge has a picture, or none: the group may be another by now.
    pub(crate) fn decide_icon_made(&mut self, made: Made, work: &mut Work<'_>) {
        self.groups.icons_under_way = self.groups.icons_under_way.saturating_sub(1);
        let Made { wanted, picture } = made;
        let Wanted { group, by, asker, request_id, .. } = wanted;
        match self.set_icon(&group, &by, picture, work) {
            Ok(()) => {
                self.managed(&group, &by, request_id, work);
                self.answer_asker(&asker, 200, work);
            }
            Err(refusal) => {
                work.stats.refused += 1;
                self.refuse_asker(&asker, &refusal, work.now);
            }
        }
    }

    fn set_icon(
        &mut self,
        group: &Address,
        by: &Address,
        picture: Result<Picture, Flaw>,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let picture = picture.map_err(|flaw| match flaw {
            Flaw::Gone => Refusal::bad("the icon's link leads to no file here"),
            Flaw::NoPicture => Refusal::NotAcceptableHere("the icon is no picture that can be read here"),
            Flaw::Failed => Refusal::Unavailable,
        })?;
        let group = work.view.group(group).cloned().ok_or(Refusal::NoSuchGroup)?;
        self.may_change_icon(&group, by)?;
        self.put_icon(group, Some(picture), Some(by), work);
        Ok(())
    }

    /// The operator's change; false: there is no such group.
    pub(crate) fn decide_icon_call(&mut self, call: Call, work: &mut Work<'_>) -> bool {
        let Some(group) = work.view.group(&call.group).cloned() else { return false };
        self.put_icon(group, call.picture, None, work);
        true
    }

    fn put_icon(
        &mut self,
        mut group: Group,
        picture: Option<Picture>,
        by: Option<&Address>,
        work: &mut Work<'_>,
    ) {
        if picture.is_none() && group.icon.is_none() {
            return;
        }
        group.icon = picture.map(|picture| {
            let (id, created_at) = (FileId(self.random_16()), work.now);
            let Picture { content_type, bytes } = picture;
            work.view.put_icon(id, IconPicture { content_type, bytes, created_at });
            store::Icon { id, by: by.cloned(), at: work.now }
        });
        let icon = self.icon_info(&group).unwrap_or_else(|| self.no_icon(by, work.now));
        self.announce(group, News { icon: Some(icon), ..News::default() }, work);
    }

    /// The icon as members are told of it.
    pub(super) fn icon_info(&self, group: &Group) -> Option<conference_info::Icon> {
        let (icon, link) = group.icon.as_ref().zip(self.groups.icon_link.as_ref())?;
        Some(conference_info::Icon {
            url: Some(link(icon.id)),
            participant: icon.by.as_ref().map(|by| self.entity(by)),
            timestamp: Some(icon.at),
        })
    }

    fn no_icon(&self, by: Option<&Address>, at: Timestamp) -> conference_info::Icon {
        let participant = by.map(|by| self.entity(by));
        conference_info::Icon { url: None, participant, timestamp: Some(at) }
    }

    fn may_change_icon(&self, group: &Group, by: &Address) -> Result<(), Refusal> {
        if self.groups.icon_link.is_none() {
            return Err(Refusal::NotAcceptableHere("groups have no icon here"));
        }
        let may_all = self.config.groups.members_may_change_icon;
        self.check_right(group, by, may_all, "only administrators change the icon")
    }

    /// Where the picture of a new icon is, if that is here.
    fn icon_source(&self, icon: group_data::Icon, parts: Vec<multipart::Part>) -> Result<Source, Refusal> {
        match icon {
            group_data::Icon::Inline(bytes) => Ok(Source::Bytes(bytes)),
            group_data::Icon::Url(url) if self.config.files.is_ours(&url) => Ok(Source::Link(url)),
            group_data::Icon::Url(_) => {
                Err(Refusal::forbidden("an icon must lie on the content server of this platform"))
            }
            group_data::Icon::Part(id) => {
                let named = |part: &multipart::Part| {
                    let found = part.header("Content-ID").unwrap_or_default().trim();
                    found.trim_start_matches('<').trim_end_matches('>') == id
                };
                let part = parts.into_iter().find(named);
                part.map(|part| Source::Bytes(part.body)).ok_or(Refusal::bad("the icon's part is missing"))
            }
        }
    }

    /// A change was made: tells whoever waits for an answer to its id.
    fn managed(&self, group: &Address, by: &Address, request_id: Option<String>, work: &mut Work<'_>) {
        work.then.extend(request_id.map(|request_id| {
            Task::Managed(Box::new(Managed { group: group.clone(), by: by.clone(), request_id }))
        }));
    }

    /// The answer travels as a message from the focus: that is where clients look for it.
    pub(crate) fn decide_managed(&mut self, managed: Managed, work: &mut Work<'_>) {
        let Managed { group, by, request_id } = managed;
        let Some(row) = work.view.group(&group).cloned() else { return };
        let answer = Response { id: request_id, code: 200, text: "OK".to_owned() };
        let own_id = ids::message_id(self.random_16());
        let body = CpimBuilder::new(group.as_str(), &self.entity(&by))
            .date_time(work.now)
            .message_id(&own_id)
            .content_type(group_data::CONTENT_TYPE)
            .build(answer.to_xml());
        let mut entry = self.platform_entry(&group, &by, own_id, cpim::CONTENT_TYPE, body, work.now);
        (entry.conversation_id, entry.contribution_id) = (row.conversation_id, row.contribution_id);
        if let Err(refusal) = self.deliver(Delivery::status(entry), None, work) {
            tracing::warn!(%group, %refusal, "a change of a group could not be answered");
        }
    }
}
