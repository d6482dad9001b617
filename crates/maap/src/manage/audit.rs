//! The audit log: a row when an act begins, its outcome when it ends.

use message_centre::Work;
use store::{Act, EntryId};

use super::Answer;
use crate::Maap;

impl Maap {
    pub(super) fn begin_act(&mut self, mut act: Act, work: &mut Work<'_>) -> Answer {
        (act.id, act.at, act.status) = (self.ids.next(work.now), work.now, None);
        let id = act.id;
        work.view.add_act(act);
        Answer::Begun(id)
    }
}

pub(super) fn end(
    id: EntryId,
    status: u16,
    (of_tenant, target): (Option<String>, Option<String>),
    work: &mut Work<'_>,
) -> Answer {
    work.view.end_act(id, status, of_tenant, target);
    Answer::Done
}

pub(super) fn forget(ids: &[EntryId], work: &mut Work<'_>) -> Answer {
    ids.iter().for_each(|id| work.view.remove_act(*id));
    Answer::Done
}
