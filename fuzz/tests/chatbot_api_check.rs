//! The card checker: any bytes give a report that says something, with places that are in the text.

use bolero::check;
use chatbot_api::check::{Dialect, Severity, check as check_card};

#[test]
fn chatbot_api_check() {
    check!().for_each(|bytes: &[u8]| {
        let report = check_card(bytes);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
        for finding in &report.findings {
            assert!((1..=lines).contains(&finding.line) && finding.column >= 1);
            assert!(!finding.reason.is_empty() && !finding.fix.is_empty() && !finding.detail.is_empty());
        }
        let has_errors = report.findings.iter().any(|finding| finding.severity == Severity::Error);
        assert_eq!(report.is_accepted(Dialect::ALL), !has_errors);
        assert!(report.form.is_some() || has_errors);
    });
}
