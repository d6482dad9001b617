//! Dates: any text gives a time that is written and reads back, or a refusal.

mod rcs_seeds;

use bolero::check;
use rcs::Timestamp;
use rcs::local_time::LocalTime;

const SEEDS: &[&str] = &[
    "2026-11-23T11:33:38.000Z",
    "2016-12-31t23:59:60+0800",
    "1970-01-01 00:00:00",
    "9999-12-30T23:59:59-01:30",
];

#[test]
fn rcs_time() {
    check!().for_each(|recipe: &[u8]| {
        if let Ok(time) = Timestamp::parse_rfc3339(&rcs_seeds::mutated_text(SEEDS, recipe)) {
            assert_eq!(Timestamp::parse_rfc3339(&time.rfc3339()), Ok(time));
            assert_eq!(Timestamp::parse_rfc3339(&time.rfc3339_offset(8)), Ok(time));
            assert!(time.http_date().ends_with(" GMT"));
        }
    });
}

#[test]
fn rcs_local_time() {
    check!().for_each(|recipe: &[u8]| {
        let seeds = &["+08:00", "-03:30", "Z", "Europe/Berlin", "Africa/Cairo"];
        if let Ok(clock) = rcs_seeds::mutated_text(seeds, recipe).parse::<LocalTime>() {
            assert_eq!(clock.to_string().parse().as_ref(), Ok(&clock));
            let now = Timestamp::from_seconds(1_795_000_000);
            assert!(clock.next_day(now) > now && clock.stretch(now).ends_at > now);
        }
    });
}
