//! When a campaign may speak: its windows, in its own time zone.

use std::time::Duration;

use rcs::Timestamp;
use store::{Plan, Window};

/// Milliseconds of a minute and a day.
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;

/// Names of the days, as bits of [`Window::days`] count them.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// When the plan lets a message leave, from `now` on; `now` itself if it does now. `None` if it never does any more.
pub fn opens_at(plan: &Plan, now: Timestamp) -> Option<Timestamp> {
    let now = plan.start_at.map_or(now, |start| start.max(now));
    let opens = match plan.windows.is_empty() {
        true => now,
        false => next_open(&plan.windows, plan.utc_offset_min, now)?,
    };
    plan.end_at.is_none_or(|end| opens < end).then_some(opens)
}

/// The first moment from `now` on that is within a window. `None` if no window has a day.
fn next_open(windows: &[Window], utc_offset_min: i16, now: Timestamp) -> Option<Timestamp> {
    let local = now.as_millis() as i64 + i64::from(utc_offset_min) * MINUTE_MS;
    let today = local.div_euclid(DAY_MS);
    let moments = (today..=today + 7).flat_map(|day| {
        // The first day of the epoch was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        windows.iter().filter(move |window| window.days >> weekday & 1 == 1).filter_map(move |window| {
            let at = |minute: u16| day * DAY_MS + i64::from(minute) * MINUTE_MS;
            (at(window.to_min) > local).then(|| at(window.from_min).max(local))
        })
    });
    let wait = moments.min()? - local;
    Some(now.plus(Duration::from_millis(wait.unsigned_abs())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn window(days: u8, from: u16, to: u16) -> Window {
        Window { days, from_min: 60 * from, to_min: 60 * to }
    }

    fn opens(windows: &[Window], now: &str) -> String {
        let mut plan = super::super::usual_plan(480, 1);
        plan.windows = windows.to_vec();
        opens_at(&plan, at(now)).map_or("never".to_owned(), |at| at.rfc3339_offset(8))
    }

    #[test]
    fn a_window_is_meant_where_the_campaign_is() {
        let every_day = [window(0x7f, 9, 20)];
        // 2026-11-24 is a Tuesday.
        for (now, expected) in [
            ("2026-11-24T08:59:59+08:00", "2026-11-24T09:00:00.000+08:00"),
            ("2026-11-24T09:00:00+08:00", "2026-11-24T09:00:00.000+08:00"),
            ("2026-11-24T19:59:59.999+08:00", "2026-11-24T19:59:59.999+08:00"),
            ("2026-11-24T20:00:00+08:00", "2026-11-25T09:00:00.000+08:00"),
            ("2026-11-24T23:00:00Z", "2026-11-25T09:00:00.000+08:00"),
        ] {
            assert_eq!(opens(&every_day, now), expected, "{now}");
        }
    }

    #[test]
    fn of_several_windows_the_next_counts() {
        let windows = [window(0b001_1111, 9, 12), window(0b001_1111, 14, 18), window(0b010_0000, 10, 24)];
        for (now, expected) in [
            ("2026-11-24T12:00:00+08:00", "2026-11-24T14:00:00.000+08:00"),
            ("2026-11-27T18:00:00+08:00", "2026-11-28T10:00:00.000+08:00"),
            ("2026-11-28T23:59:00+08:00", "2026-11-28T23:59:00.000+08:00"),
            ("2026-11-29T00:00:00+08:00", "2026-11-30T09:00:00.000+08:00"),
        ] {
            assert_eq!(opens(&windows, now), expected, "{now}");
        }
        assert_eq!(opens(&[window(0, 9, 20)], "2026-11-24T12:00:00Z"), "never");
        // Once a week, and just missed.
        assert_eq!(
            opens(&[window(0b10, 9, 10)], "2026-11-24T10:00:00+08:00"),
            "2026-12-01T09:00:00.000+08:00"
        );
    }

    #[test]
    fn a_plan_begins_and_ends() {
        let mut plan = super::super::usual_plan(480, 1);
        plan.start_at = Some(at("2026-11-25T21:00:00+08:00"));
        plan.end_at = Some(at("2026-11-26T09:30:00+08:00"));
        assert_eq!(opens_at(&plan, at("2026-11-24T00:00:00Z")), plan.start_at);
        plan.windows = vec![window(0x7f, 9, 20)];
        assert_eq!(opens_at(&plan, at("2026-11-24T00:00:00Z")), Some(at("2026-11-26T09:00:00+08:00")));
        assert_eq!(opens_at(&plan, at("2026-11-26T09:30:00+08:00")), None);
    }
}
