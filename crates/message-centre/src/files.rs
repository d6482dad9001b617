//! Files on the content server, deciding: what may be kept, what goes, and which files a message may name.
//!
//! The bytes are written before their row is asked for, and removed after their row is gone: whatever lies there without a
//! row is a left-over of a crash.

use bytes::Bytes;
use rcs::address::AddressKind;
use rcs::content_type;
use rcs::cpim::{self, Cpim};
use rcs::file_transfer::{self, FileTransfer};
use store::{Entry, File, FileId, Usage, Wants};

use crate::access::Refusal;
use crate::{Centre, Work};

/// A change of the index of files, with the edge's way to answer.
#[derive(Debug)]
pub enum Call {
    /// An upload begins, or came whole.
    Add {
        /// The file.
        file: File,
        /// An unfinished upload with the same transfer id, which goes.
        replaces: Option<File>,
    },
    /// An upload that began got on, or is complete: the file as it is now.
    Update(File),
    /// A file goes before its time.
    Remove(File),
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is as it was asked for.
    Done,
    /// The owner's files would come to more than they may.
    OverQuota,
    /// The file is not there, or not any more; or its owner is no subscriber.
    NotFound,
}

/// What files of handsets are held to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What the files of one subscriber may come to.
    pub quota: Usage,
    /// How URLs of files begin that handsets may send each other: our own content server first.
    pub url_prefixes: Vec<String>,
    /// What happens to a message with another.
    pub foreign: Foreign,
}

/// What happens to a message whose file lies with strangers: it may be a trap (rcs-core §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// It is refused.
    Refuse,
    /// It passes, and its trace says so.
    Flag,
    /// It passes.
    Allow,
}

impl Rules {
    /// Two GiB and ten thousand files a subscriber, and files from anywhere: for a centre without a content server.
    pub fn new() -> Self {
        let quota = Usage { files: 10_000, bytes: 2 << 30 };
        Self { quota, url_prefixes: Vec::new(), foreign: Foreign::Allow }
    }

    /// Looks at what a handset sends, before it is taken on.
    ///
    /// # Errors
    /// If it is a file transfer that cannot be read, or one that is not let through.
    pub(crate) fn check(&self, payload_type: &str, payload: &[u8]) -> Result<(), Refusal> {
        if payload_type != file_transfer::CONTENT_TYPE {
            return Ok(());
        }
        let transfer =
            FileTransfer::parse(payload).map_err(|error| Refusal::bad(format!("file transfer: {error}")))?;
        if self.foreign == Foreign::Refuse && !self.knows_all(&transfer) {
            return Err(Refusal::forbidden("the file lies on a server that is not known here"));
        }
        Ok(())
    }

    /// Whether an accepted message's trace should warn of its file.
    pub(crate) fn is_flagged(&self, payload_type: &str, entry: &Entry) -> bool {
        self.foreign == Foreign::Flag
            && payload_type == file_transfer::CONTENT_TYPE
            && entry.from.kind() == AddressKind::Subscriber
            && payload_of(entry)
                .and_then(|payload| FileTransfer::parse(&payload).ok())
                .is_some_and(|transfer| !self.knows_all(&transfer))
    }

    /// Whether a URL leads to our own content server.
    pub(crate) fn is_ours(&self, url: &str) -> bool {
        self.url_prefixes.first().is_some_and(|own| leads_below(url, own))
    }

    fn allow(&self, usage: Usage) -> bool {
        usage.bytes <= self.quota.bytes && usage.files <= self.quota.files
    }

    fn knows_all(&self, transfer: &FileTransfer) -> bool {
        transfer.urls().all(|url| self.knows(url))
    }

    fn knows(&self, url: &str) -> bool {
        self.url_prefixes.iter().any(|prefix| leads_below(url, prefix))
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new()
    }
}

impl Call {
    /// The rows that deciding reads.
    pub fn wants(&self, wants: &mut Wants) {
        match self {
            Self::Add { file, replaces } => {
                wants.account(&file.owner);
                wants.file(file);
                replaces.iter().for_each(|file| wants.file(file));
            }
            Self::Update(file) | Self::Remove(file) => wants.file(file),
        }
    }
}

impl Centre {
    /// Decides a change of the index of files.
    pub fn decide_file(&self, call: Call, work: &mut Work<'_>) -> Answer {
        match call {
            // Its owner was removed while it was uploaded.
            Call::Add { file, .. } if work.view.account(&file.owner).is_none() => Answer::NotFound,
            Call::Add { file, replaces } => {
                // What is complete by now is no longer ours to take away.
                let replaces =
                    replaces.filter(|old| work.view.file(old.id).is_some_and(|old| !old.is_complete));
                let usage = work.view.usage(&file.owner).with(replaces.as_ref(), Some(&file));
                if !self.config.files.allow(usage) {
                    return Answer::OverQuota;
                }
                if let Some(old) = replaces {
                    remove(old.id, work);
                }
                work.view.put_file(file);
                Answer::Done
            }
            Call::Update(file) => {
                // One that was swept away or replaced in the meantime does not come back.
                let Some(before) = work.view.file(file.id) else { return Answer::NotFound };
                if !self.config.files.allow(work.view.usage(&file.owner).with(Some(before), Some(&file))) {
                    return Answer::OverQuota;
                }
                work.view.put_file(file);
                Answer::Done
            }
            Call::Remove(file) => match work.view.file(file.id).is_some() {
                true => {
                    remove(file.id, work);
                    Answer::Done
                }
                false => Answer::NotFound,
            },
        }
    }

    /// Removes files whose time is over, unless it was prolonged since they were looked at.
    pub(crate) fn expire_files(&self, files: &[File], work: &mut Work<'_>) {
        for file in files {
            if work.view.file(file.id).is_some_and(|file| file.expires_at <= work.now) {
                remove(file.id, work);
                work.stats.files_expired += 1;
            }
        }
    }
}

/// The row now, the bytes after the commit.
pub(crate) fn remove(id: FileId, work: &mut Work<'_>) {
    work.view.remove_file(id);
    work.files_gone.push(id);
}

/// What a person sees of a message, outside of its envelope.
fn payload_of(entry: &Entry) -> Option<Bytes> {
    match content_type::is(&entry.content_type, cpim::CONTENT_TYPE) {
        true => Cpim::parse(entry.body.clone()).ok()?.decoded_payload().ok(),
        false => Some(entry.body.clone()),
    }
}

/// Whether a URL begins as it must, and does not climb out of that place by dots.
fn leads_below(url: &str, prefix: &str) -> bool {
    strip_url_prefix(url, prefix).is_some_and(|rest| {
        let path = rest.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        !path.contains('\\') && path.split('/').all(|step| !matches!(&*step.replace("%2e", "."), "." | ".."))
    })
}

/// What follows the prefix, which has a path. Scheme and host compare without regard to case (RFC 3986 §6.2.2.1), the path
/// exactly.
fn strip_url_prefix<'u>(url: &'u str, prefix: &str) -> Option<&'u str> {
    let (host, path) = split_url(url)?;
    let (wanted_host, wanted_path) = split_url(prefix)?;
    host.eq_ignore_ascii_case(wanted_host).then(|| path.strip_prefix(wanted_path)).flatten()
}

/// `https://host:port` and `/the/rest`.
fn split_url(url: &str) -> Option<(&str, &str)> {
    let host = url.find("://")? + 3;
    let path = host + url[host..].find('/')?;
    Some(url.split_at(path))
}

#[cfg(test)]
mod tests {
    use rcs::file_transfer::FileInfo;

    use super::*;

    fn rules(foreign: Foreign) -> Rules {
        let url_prefixes =
            ["https://rcs.example/content/", "http://ft.partner.example:8080/f/"].map(str::to_owned).to_vec();
        Rules { url_prefixes, foreign, ..Rules::new() }
    }

    fn transfer(url: &str) -> FileTransfer {
        let file = FileInfo {
            size: 1,
            name: None,
            content_type: "image/png".to_owned(),
            url: url.to_owned(),
            until: None,
            disposition: None,
            playing_length: None,
            branded_url: None,
        };
        FileTransfer { thumbnail: None, file }
    }

    #[test]
    fn only_files_here_and_at_partners_pass() {
        let rules = rules(Foreign::Refuse);
        let check =
            |url: &str| rules.check(file_transfer::CONTENT_TYPE, transfer(url).to_xml().as_bytes()).is_ok();
        for good in [
            "https://rcs.example/content/abc",
            "HTTPS://RCS.example/content/abc?x=..",
            "http://ft.partner.example:8080/f/a/b.png",
        ] {
            assert!(check(good), "{good}");
        }
        for bad in [
            "http://rcs.example/content/abc",
            "https://rcs.example.evil/content/abc",
            "https://rcs.example@evil/content/abc",
            "https://evil/https://rcs.example/content/abc",
            "https://rcs.example:444/content/abc",
            "https://rcs.example/content",
            "https://rcs.example/content/../admin",
            "https://rcs.example/content/%2E%2e/admin",
            "https://rcs.example/content/..\\admin",
            "https://rcs.example/Content/abc",
            "http://ft.partner.example/f/a",
            "https://evil/",
        ] {
            assert!(!check(bad), "{bad}");
        }
    }

    #[test]
    fn every_url_of_a_transfer_counts() {
        let rules = rules(Foreign::Refuse);
        let good = transfer("https://rcs.example/content/abc");
        let check =
            |transfer: &FileTransfer| rules.check(file_transfer::CONTENT_TYPE, transfer.to_xml().as_bytes());
        let mut bad = good.clone();
        bad.thumbnail = Some(transfer("https://evil/thumbnail").file);
        assert!(check(&bad).is_err());
        let mut bad = good.clone();
        bad.file.branded_url = Some("https://evil/".to_owned());
        assert!(check(&bad).is_err());
        assert!(check(&good).is_ok());
        assert!(rules.check("text/plain", b"https://evil/").is_ok());
        assert_eq!(rules.check(file_transfer::CONTENT_TYPE, b"<file/>").unwrap_err().status(), 400);
    }
}
