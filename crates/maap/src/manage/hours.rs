//! When a campaign may speak, and when promotional messages may be read: windows of the day, by what clocks show.

use std::time::Duration;

use rcs::Timestamp;
use rcs::local_time::{LocalTime, Stretch};
use store::{Plan, Window};

/// Milliseconds of a minute and a day.
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;
/// No window is closed for longer: each has a day of the week, on one of which in a row it may be left out with an hour.
const CLOSED_MAX: Duration = Duration::from_secs(15 * 86_400);

/// Names of the days, as bits of [`Window::days`] count them.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// When the plan lets a message leave, from `now` on; `now` itself if it does now. `None` if it never does any more.
pub fn opens_at(plan: &Plan, now: Timestamp) -> Option<Timestamp> {
    let now = plan.start_at.map_or(now, |start| start.max(now));
    let opens = match plan.windows.is_empty() {
        true => now,
        false => next_open(&plan.windows, &plan.time_zone, now)?,
    };
    plan.end_at.is_none_or(|end| opens < end).then_some(opens)
}

/// The first moment from `now` on at which the clock shows a time within a window. `None` if no window has a day.
pub(crate) fn next_open(windows: &[Window], clock: &LocalTime, now: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    while at.since(now) <= CLOSED_MAX {
        let stretch = clock.stretch(at);
        let opens = next_open_in(stretch, windows, at);
        if opens.is_some() {
            return opens;
        }
        // The clocks are changed before one opens, and maybe into one.
        at = stretch.ends_at;
    }
    None
}

/// As [`next_open`], within a stretch that `at` is in.
fn next_open_in(stretch: Stretch, windows: &[Window], at: Timestamp) -> Option<Timestamp> {
    let local = at.as_millis() as i64 + i64::from(stretch.offset_s) * 1_000;
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
    Some(at.plus(Duration::from_millis(wait.unsigned_abs()))).filter(|opens| *opens < stretch.ends_at)
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
        let mut plan = super::super::usual_plan(LocalTime::hours_east(8), 1);
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
        let mut plan = super::super::usual_plan(LocalTime::hours_east(8), 1);
        plan.start_at = Some(at("2026-11-25T21:00:00+08:00"));
        plan.end_at = Some(at("2026-11-26T09:30:00+08:00"));
        assert_eq!(opens_at(&plan, at("2026-11-24T00:00:00Z")), plan.start_at);
        plan.windows = vec![window(0x7f, 9, 20)];
        assert_eq!(opens_at(&plan, at("2026-11-24T00:00:00Z")), Some(at("2026-11-26T09:00:00+08:00")));
        assert_eq!(opens_at(&plan, at("2026-11-26T09:30:00+08:00")), None);
    }

    /// When it opens in Berlin, by the clocks there.
    fn opens_in_berlin(from: &str, to: &str, now: &str) -> String {
        let minute = |text: &str| {
            let (hour, minute) = text.split_once(':').unwrap();
            60 * hour.parse::<u16>().unwrap() + minute.parse::<u16>().unwrap()
        };
        let windows = [Window { days: 0x7f, from_min: minute(from), to_min: minute(to) }];
        let clock: LocalTime = "Europe/Berlin".parse().unwrap();
        let opens = next_open(&windows, &clock, at(now)).unwrap();
        opens.rfc3339_offset((clock.stretch(opens).offset_s / 3600) as i8)
    }

    #[test]
    fn summer_time_moves_windows_with_the_clocks() {
        for (now, expected) in [
            ("2026-03-28T20:00:00Z", "2026-03-29T09:00:00.000+02:00"),
            ("2026-10-24T20:00:00Z", "2026-10-25T09:00:00.000+01:00"),
            ("2026-07-01T06:59:59Z", "2026-07-01T09:00:00.000+02:00"),
            ("2026-12-01T06:59:59Z", "2026-12-01T09:00:00.000+01:00"),
        ] {
            assert_eq!(opens_in_berlin("09:00", "20:00", now), expected, "{now}");
        }
    }

    #[test]
    fn an_hour_that_does_not_exist_is_in_no_window() {
        // On 2026-03-29 the clocks went from 02:00 to 03:00.
        let eve = "2026-03-29T00:50:00Z";
        for (from, to, expected) in [
            ("02:15", "02:45", "2026-03-30T02:15:00.000+02:00"),
            ("02:30", "05:00", "2026-03-29T03:00:00.000+02:00"),
            ("01:55", "02:30", "2026-03-29T01:55:00.000+01:00"),
            ("03:00", "04:00", "2026-03-29T03:00:00.000+02:00"),
        ] {
            assert_eq!(opens_in_berlin(from, to, eve), expected, "{from} to {to}");
        }
        // The window that began before ends where the hour is left out.
        assert_eq!(
            opens_in_berlin("01:55", "02:30", "2026-03-29T01:00:00Z"),
            "2026-03-30T01:55:00.000+02:00"
        );
        // Once a week, and on that day left out: it opens after 14 days.
        let sundays = [Window { days: 0b100_0000, from_min: 135, to_min: 165 }];
        let clock: LocalTime = "Europe/Berlin".parse().unwrap();
        let opens = next_open(&sundays, &clock, at("2026-03-22T02:00:00Z"));
        assert_eq!(opens, Some(at("2026-04-05T00:15:00Z")));
    }

    #[test]
    fn an_hour_that_comes_twice_is_in_its_window_twice() {
        // On 2026-10-25 the clocks went from 03:00 back to 02:00.
        for (now, expected) in [
            ("2026-10-24T23:00:00Z", "2026-10-25T02:15:00.000+02:00"),
            ("2026-10-25T00:44:59Z", "2026-10-25T02:44:59.000+02:00"),
            ("2026-10-25T00:45:00Z", "2026-10-25T02:15:00.000+01:00"),
            ("2026-10-25T01:30:00Z", "2026-10-25T02:30:00.000+01:00"),
            ("2026-10-25T01:45:00Z", "2026-10-26T02:15:00.000+01:00"),
        ] {
            assert_eq!(opens_in_berlin("02:15", "02:45", now), expected, "{now}");
        }
    }
}
