//! What was said in a group, taken back (RCC.07, message revocation; rcs-core §18): as long as no device of any member has it and none
//! is being given it. Otherwise it stays where it is, for all.

use rcs::address::Address;
use store::{Entry, EntryId, EntryKey, EntryKind, Outcome, Wants};

use crate::report;
use crate::work::Task;
use crate::{Centre, Work};

/// Entries of a mailbox among which a copy is looked for. All copies were put in at the instant when the message was accepted.
const PAGE: usize = 32;

/// A group message to take back.
#[derive(Debug)]
pub struct GroupRevocation {
    pub(super) message_id: String,
    pub(super) author: Address,
    pub(super) group: Address,
    /// Where its copies lie; absent before its record and the group have been read.
    pub(super) copies: Option<Copies>,
}

#[derive(Debug)]
pub(super) struct Copies {
    /// They come after this one in each mailbox.
    after: EntryId,
    members: Vec<Address>,
}

impl GroupRevocation {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.group(&self.group);
        wants.record((self.message_id.clone(), self.author.clone(), self.group.clone()));
        report::sender_wants(&self.author, wants);
        let Some(copies) = &self.copies else { return };
        for member in &copies.members {
            wants.record((self.message_id.clone(), self.group.clone(), member.clone()));
            wants.head(member);
            wants.page(member, copies.after, PAGE);
        }
    }
}

impl Centre {
    pub(crate) fn decide_group_revocation(&mut self, revocation: GroupRevocation, work: &mut Work<'_>) {
        let GroupRevocation { message_id, author, group, copies } = revocation;
        // It has a record of its own only if the author said it.
        let own = (message_id.clone(), author.clone(), group.clone());
        let Some((record, found)) = work.view.record(&own).cloned().zip(work.view.group(&group).cloned())
        else {
            return self.tell_revoked(&own, false, work);
        };
        if record.outcome == Outcome::Revoked {
            return self.tell_revoked(&own, true, work);
        }
        let Some(Copies { after, members }) = copies else {
            let members = found.members.into_iter().map(|member| member.address).collect();
            let copies = Some(Copies { after: EntryId::before(record.accepted_at), members });
            let next = GroupRevocation { message_id, author, group, copies };
            return work.then.push(Task::RevokeInGroup(Box::new(next)));
        };
        let mut found: Vec<EntryKey> = Vec::with_capacity(members.len());
        for member in members {
            let copy = copy_for(&message_id, &group, &member, after, work);
            // What the author's other devices show is no reason to leave it with the others.
            let is_own = member == author;
            let copy_record = (message_id.clone(), group.clone(), member);
            match work.view.record(&copy_record).map(|record| &record.outcome) {
                _ if is_own => found.extend(copy.map(Entry::key)),
                // It was not for this member, or will never reach it.
                None | Some(Outcome::Refused(_) | Outcome::Expired | Outcome::Revoked) => {}
                Some(Outcome::Waiting) => {
                    match copy.filter(|copy| copy.taken.is_empty() && !self.is_under_way(&copy.key())) {
                        Some(copy) => found.push(copy.key()),
                        None => return self.tell_revoked(&own, false, work),
                    }
                }
                Some(_) => return self.tell_revoked(&own, false, work),
            }
        }
        if found.is_empty() {
            return self.tell_revoked(&own, false, work);
        }
        for key in &found {
            let copy = (message_id.clone(), group.clone(), key.0.clone());
            work.view.remove_entry(key);
            revoked(&copy, work);
        }
        revoked(&own, work);
        work.stats.revoked += 1;
        self.tell_revoked(&own, true, work);
    }
}

/// The copy of a message in the mailbox of a member.
fn copy_for<'v>(
    message_id: &str,
    group: &Address,
    member: &Address,
    after: EntryId,
    work: &'v Work<'_>,
) -> Option<&'v Entry> {
    let page = work.view.page(&(member.clone(), after, PAGE)).unwrap_or_default();
    let mut entries = page.iter().filter_map(|id| work.view.entry(&(member.clone(), *id)));
    entries.find(|entry| {
        entry.kind == EntryKind::Message && entry.message_id == message_id && entry.from == *group
    })
}

/// Notes on a record, if there is one, that its message was taken back.
fn revoked(key: &store::RecordKey, work: &mut Work<'_>) {
    let now = work.now;
    work.view.update_record(key, |record| {
        record.step(now, "revoked by its sender");
        record.outcome = Outcome::Revoked;
    });
}
