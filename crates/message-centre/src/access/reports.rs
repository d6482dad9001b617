//! Several disposition reports in one body: what liblinphone reports on a group within a moment, it sends together, as a
//! `multipart/mixed` of IMDNs in one envelope. Each goes its own way, for they may be for different authors.

use bytes::Bytes;
use rcs::cpim::{self, CpimBuilder};
use rcs::imdn::{self, Imdn};
use rcs::{ids, multipart};

use super::message::{CpmMessage, Kind, Posted};
use crate::delivery::Asker;
use crate::work::Task;
use crate::{Centre, Work};

/// A report, and the document it was read from.
pub(crate) type Report = (Imdn, Bytes);

/// The reports in a body of this type; `None` when it is anything but reports.
pub(super) fn together(declared: &str, body: &Bytes) -> Option<Vec<Report>> {
    if !multipart::is_multipart(declared) {
        return None;
    }
    let parts = multipart::parse(declared, body).ok()?;
    let report = |part: multipart::Part| {
        let is_report = part.is(imdn::CONTENT_TYPE);
        is_report.then(|| Some((Imdn::parse(&part.body).ok()?, part.body))).flatten()
    };
    parts.into_iter().map(report).collect()
}

impl Centre {
    /// Posts each of several reports, all in one commit. The last answers the sender; the others are kept before it does.
    pub(super) fn post_each(&mut self, posted: &Posted, reports: &[Report], work: &mut Work<'_>) {
        let last = reports.len().saturating_sub(1);
        for (at, (report, document)) in reports.iter().enumerate() {
            let what = self.one_of(posted, report, document, work);
            let asker = if at == last { posted.asker.clone() } else { Asker::Nobody };
            work.then.push(Task::Posted(Box::new(Posted { from: posted.from.clone(), what, asker })));
        }
    }

    /// One of several reports, in an envelope of its own.
    fn one_of(&mut self, posted: &Posted, report: &Imdn, document: &Bytes, work: &Work<'_>) -> CpmMessage {
        let domain = self.config.domain().to_owned();
        let message_id = ids::message_id(self.random_16());
        let together = &posted.what;
        let own = |uri: &Option<String>, other: &rcs::Address| {
            uri.clone().unwrap_or_else(|| other.sip_uri(&domain))
        };
        let (from, to) = (own(&together.cpim_from, &posted.from), own(&together.cpim_to, &together.to));
        let body = CpimBuilder::new(&from, &to)
            .message_id(&message_id)
            .date_time(work.now)
            .content_type(imdn::CONTENT_TYPE)
            .content_header("Content-Disposition", "notification")
            .build(document);
        CpmMessage {
            kind: Kind::Report(report.clone()),
            message_id,
            content_type: cpim::CONTENT_TYPE.to_owned(),
            payload_type: imdn::CONTENT_TYPE.to_owned(),
            body,
            ..together.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use rcs::cpim::Cpim;
    use rcs::imdn::Disposition::Displayed;

    use super::*;

    #[test]
    fn what_liblinphone_reports_together_is_read_one_by_one() {
        let body = Bytes::from_static(include_bytes!("../../../../fixtures/rcs/cpim/reports-together.cpim"));
        let envelope = Cpim::parse(body).expect("an envelope");
        let reports = together(envelope.content_type(), envelope.payload()).expect("reports");
        let read: Vec<_> =
            reports.iter().map(|(one, _)| (one.message_id.as_str(), one.disposition)).collect();
        assert_eq!(read, [("zqXZ3koYZRHB", Displayed), ("obodfs3obtemwun7344", Displayed)]);
    }

    #[test]
    fn what_is_more_than_reports_is_none() {
        let part =
            |content_type: &str| multipart::Part::new(content_type, Imdn::new("a", Displayed).to_xml());
        let (declared, body) = multipart::write(&[part(imdn::CONTENT_TYPE), part("text/plain")]);
        assert_eq!(together(&declared, &body), None);
        assert_eq!(together(imdn::CONTENT_TYPE, &body), None);
    }
}
