//! Reports on what was said in a group, brought to the author alone.

use rcs::address::Address;
use rcs::imdn::Disposition;
use store::{Entry, RecordKey, Wants};

use crate::delivery::{Asker, Delivery};
use crate::{Centre, Work};

/// A report of a member, or of the centre about a member, on its way to the author.
#[derive(Debug)]
pub struct FanIn {
    /// From the group to the author.
    pub(crate) entry: Entry,
    /// The record of the member's copy.
    pub(crate) original: RecordKey,
    pub(crate) disposition: Disposition,
    /// The device that reports; absent when we do.
    pub(crate) asker: Option<Asker>,
}

impl FanIn {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        let author: &Address = &self.entry.to;
        wants.head(author);
        wants.bindings(author);
        wants.record(self.original.clone());
    }
}

impl Centre {
    pub(crate) fn decide_fan_in(&mut self, fan_in: FanIn, work: &mut Work<'_>) {
        let FanIn { mut entry, original, disposition, asker } = fan_in;
        if asker.is_some() {
            self.report_implied(&original, disposition, Some(&entry.to), work);
            // It comes after what it implies.
            entry.id = self.ids.next(work.now);
        }
        let delivery = Delivery::report(entry, original.clone(), disposition);
        let Some(asker) = asker else {
            if let Err(refusal) = self.keep(delivery, work) {
                tracing::warn!(%refusal, "a report could not be kept");
            }
            return;
        };
        let waiting = asker.clone();
        if let Err(refusal) = self.deliver(delivery, Some(asker), work) {
            self.reporting.remove(&(original, disposition));
            self.refuse_asker(&waiting, &refusal, work.now);
        }
    }
}
