//! The media library, deciding: what a chatbot may keep here, and what goes.
//!
//! The bytes are on the shelf before their row is asked for, and go after their row is gone, as with files of handsets
//! ([`message_centre::files`]): what lies there without a row is a left-over of a crash.

use message_centre::Work;
use rcs::address::{Address, AddressKind};
use rcs::file_transfer::{FileInfo, FileTransfer};
use store::{File, FileId, Media, Proposal, Review, Topic, Usage, Wants};

use crate::call::Answer;
use crate::{Maap, MediaLinks, Out, Task, dialect};

/// Media of a chatbot that is gone which one batch removes.
const PAGE: usize = 256;

/// A change of the media library.
#[derive(Debug, Clone)]
pub enum MediaCall {
    /// An upload in pieces begins. Answered with [`Answer::Done`].
    Begin(Box<File>),
    /// An upload came whole, at once or in pieces, and has its place. Its review is ours to say. Answered with [`Answer::Media`].
    Add(Box<Media>),
    /// One of them goes before its time. Answered with [`Answer::Removed`].
    Remove {
        /// Which.
        id: FileId,
        /// Whose: one of another chatbot is not found.
        owner: Address,
    },
}

/// What handsets are told of something in the library: the file transfer document of its links.
pub fn transfer(media: &Media, links: &dyn MediaLinks) -> FileTransfer {
    let info = |url, size, content_type: &str, name| FileInfo {
        size,
        name,
        content_type: content_type.to_owned(),
        url,
        until: media.expires_at,
        disposition: None,
        playing_length: None,
        branded_url: None,
    };
    let thumbnail = media.thumbnail.as_ref();
    FileTransfer {
        thumbnail: thumbnail
            .map(|own| info(links.thumbnail_url(media.id), own.bytes, &own.content_type, None)),
        file: info(links.url(media.id), media.bytes, &media.content_type, media.name.clone()),
    }
}

impl MediaCall {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        match self {
            Self::Begin(file) => {
                wants.chatbot(&file.owner);
                wants.file(file);
            }
            Self::Add(media) => {
                wants.chatbot(&media.owner);
                wants.unfinished(media.id, &media.owner);
                wants.media(media.id, &media.owner);
                wants.proposal(&(media.owner.clone(), Topic::Media(media.id)));
            }
            Self::Remove { id, owner } => wants.media(*id, owner),
        }
    }
}

impl Maap {
    pub(crate) fn decide_media(&mut self, call: MediaCall, work: &mut Work<'_>) -> Answer {
        match call {
            MediaCall::Begin(file) => self.begin_media(*file, work),
            MediaCall::Add(media) => self.add_media(*media, work),
            MediaCall::Remove { id, owner } => match work.view.media(id) {
                Some(media) if media.owner == owner => {
                    remove(id, &owner, work);
                    Answer::Removed
                }
                _ => Answer::NotFound,
            },
        }
    }

    fn begin_media(&self, file: File, work: &mut Work<'_>) -> Answer {
        if work.view.chatbot(&file.owner).is_none() {
            return Answer::NotFound;
        }
        if !self.has_room(work.view.usage(&file.owner).with(None, Some(&file))) {
            return Answer::OverQuota;
        }
        work.view.put_file(file);
        Answer::Done
    }

    fn has_room(&self, usage: Usage) -> bool {
        let Usage { files, bytes } = self.config.media_quota;
        usage.files <= files && usage.bytes <= bytes
    }

    fn add_media(&mut self, mut media: Media, work: &mut Work<'_>) -> Answer {
        // What came in pieces is under way no more.
        work.view.remove_file(media.id);
        if is_orphan(&media, work) {
            return Answer::NotFound;
        }
        if !self.has_room(work.view.usage(&media.owner).with_media(None, Some(&media))) {
            return Answer::OverQuota;
        }
        let at = work.now;
        let audits_all =
            work.view.chatbot(&media.owner).is_some_and(|chatbot| dialect::audits_all_media(chatbot.dialect));
        let is_audited = audits_all || media.expires_at.is_none();
        media.review = if is_audited { Review::Pending } else { Review::Approved };
        work.view.put_media(media.clone());
        if media.review == Review::Pending {
            let proposal =
                Proposal { chatbot: media.owner.clone(), topic: Topic::Media(media.id), change: None, at };
            let key = proposal.key();
            work.view.put_proposal(proposal);
            if self.config.auto_approve && self.decide_proposal(&key, None, work).is_ok() {
                media.review = Review::Approved;
            }
        }
        Answer::Media(Box::new(media))
    }

    pub(crate) fn expire_media_wants(media: &[Media], wants: &mut Wants) {
        for one in media {
            wants.media(one.id, &one.owner);
            wants.chatbot(&one.owner);
        }
    }

    /// Removes media whose time is over, or whose chatbot is gone.
    pub(crate) fn expire_media(media: &[Media], work: &mut Work<'_>) {
        for one in media {
            if work.view.media(one.id).is_some_and(|row| is_orphan(one, work) || row.is_over(work.now)) {
                remove(one.id, &one.owner, work);
                work.stats.files_expired += 1;
            }
        }
    }

    pub(crate) fn clear_media_wants(owner: &Address, wants: &mut Wants) {
        wants.chatbot(owner);
        wants.media_page(owner, PAGE);
    }

    /// Removes a page of the media of a chatbot that is gone.
    pub(crate) fn clear_media(owner: &Address, work: &mut Work<'_>, out: &mut Out) {
        if work.view.chatbot(owner).is_some() {
            return;
        }
        let page = work.view.media_page(owner, PAGE).to_vec();
        let is_last = page.len() < PAGE;
        page.into_iter().for_each(|id| remove(id, owner, work));
        if !is_last {
            out.next.push(Task::ClearMedia(owner.clone()));
        }
    }
}

/// Whether it is of a chatbot that is gone. What CSPs keep has its end from the beginning.
fn is_orphan(media: &Media, work: &Work<'_>) -> bool {
    media.owner.kind() == AddressKind::Chatbot && work.view.chatbot(&media.owner).is_none()
}

/// The row now, the bytes after the commit.
fn remove(id: FileId, owner: &Address, work: &mut Work<'_>) {
    if work.view.media(id).is_some_and(|media| media.review == Review::Pending) {
        work.view.remove_proposal(&(owner.clone(), Topic::Media(id)));
    }
    work.view.remove_media(id);
    work.files_gone.push(id);
}
