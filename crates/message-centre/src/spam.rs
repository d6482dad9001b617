//! Spam reports of handsets: kept for the operator to look into. A chatbot that is reported is told, and not by whom.

use rcs::address::{Address, AddressKind};
use rcs::spam_report;
use store::SpamReport;

use crate::access::Refusal;
use crate::access::message::Posted;
use crate::notice::{self, Notice};
use crate::{Centre, Work};

/// The user part of the address that takes reports: `sip:spam-report@botplatform.DOMAIN`. Any other will do too.
pub(crate) const PLATFORM_USER: &str = "spam-report";
/// Reports that one subscriber may make in an hour.
const REPORTS_PER_HOUR: u32 = 20;

impl Centre {
    /// Keeps a report and answers 200.
    pub(crate) fn note_spam(
        &mut self,
        posted: &Posted,
        report: &spam_report::SpamReport,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let about = match &report.about {
            Some(uri) => {
                self.config.numbering.address(uri).map_err(|error| Refusal::bad(error.to_string()))?
            }
            None if is_platform(&posted.what.to) => return Err(Refusal::bad("the report is about nobody")),
            None => posted.what.to.clone(),
        };
        if self.spam_counts.wait(&posted.from, REPORTS_PER_HOUR, work.now).is_some()
            || !self.spam_counts.count(posted.from.clone(), work.now)
        {
            return Err(Refusal::TooOften);
        }
        if about.kind() == AddressKind::Chatbot {
            let (message_ids, kind) = (report.message_ids.clone(), report.kind.clone());
            let notice = Notice::Spam { message_ids, kind, text: report.text.clone() };
            notice::tell(&about, notice, work);
        }
        work.view.put_spam_report(SpamReport {
            id: self.ids.next(work.now),
            from: posted.from.clone(),
            about,
            message_ids: report.message_ids.clone(),
            kind: report.kind.clone(),
            text: report.text.clone(),
            at: work.now,
        });
        self.answer_asker(&posted.asker, 200, work);
        Ok(())
    }
}

fn is_platform(to: &Address) -> bool {
    to.kind() == AddressKind::Chatbot && to.user() == PLATFORM_USER
}
