//! How much may be sent: in a second, by a token bucket in memory that may go into debt; in a day and in a month, by a count on
//! disk, which is written in the commit of what it counts.
//!
//! A chatbot has an [`Account`] of its own. Whoever else is to be counted for (a tenant, over all chatbots of its) has one
//! beside it: [`Maap::spend`] takes from all or from none.

use std::time::Duration;

use message_centre::Work;
use rcs::Timestamp;
use rcs::address::Address;
use rcs::local_time::LocalTime;
use store::Rules;

use crate::{Config, Maap, Reason, Refusal};

/// What is left of a second's messages, in thousandths of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    left: i64,
    at: Timestamp,
}

/// How much may be sent. Counted by addressee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In a second; as many again may come at once.
    pub per_second: u32,
    /// In a day, as the operator's clocks count it; `None` for as many as may be.
    pub per_day: Option<u64>,
    /// In a month.
    pub per_month: Option<u64>,
}

/// For whom messages are counted, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// A chatbot's address, or another name that nobody else is counted under.
    pub whose: String,
    /// What is allowed.
    pub limits: Limits,
}

/// A span in which messages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A second.
    Second,
    /// A day.
    Day,
    /// A month.
    Month,
}

/// Why nothing may be sent now, and when something may again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// In which span there was too much.
    pub span: Span,
    /// How many it may have.
    pub limit: u64,
    /// When to try again.
    pub retry_at: Timestamp,
}

/// What is left of a limit after a call: the one that will be reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The span.
    pub span: Span,
    /// How many it may have.
    pub limit: u64,
    /// How many are left.
    pub left: u64,
    /// When there are as many as at first again.
    pub renewed_at: Timestamp,
}

impl Span {
    /// Its name in messages and headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

impl Exceeded {
    /// What the chatbot is told.
    pub(crate) fn refusal(self, now: Timestamp) -> Refusal {
        let reason = match self.span {
            Span::Second => Reason::SecondLimit,
            Span::Day => Reason::DayLimit,
            Span::Month => Reason::MonthLimit,
        };
        // To the next whole second: that is what Retry-After can say.
        let wait_s = self.retry_at.since(now).as_millis().div_ceil(1000).max(1) as u64;
        let detail = match self.span {
            Span::Second => String::new(),
            _ => format!(
                "more than {} messages in a {}; again from {}",
                self.limit,
                self.span.as_str(),
                self.retry_at
            ),
        };
        Refusal {
            detail,
            limit: Some((self.span, self.limit)),
            ..Refusal::until(reason, Duration::from_secs(wait_s))
        }
    }
}

impl Limits {
    /// These, but for what an operator has set of a chatbot.
    pub fn with(self, rules: &Rules) -> Self {
        Self {
            per_second: rules.per_second.unwrap_or(self.per_second),
            per_day: rules.per_day.or(self.per_day),
            per_month: rules.per_month.or(self.per_month),
        }
    }
}

impl Allowance {
    /// A full one, of one second's messages.
    pub(crate) fn full(per_second: u32, now: Timestamp) -> Self {
        Self { left: 1000 * i64::from(per_second), at: now }
    }

    /// Lets time pass.
    fn grow(&mut self, per_second: u32, now: Timestamp) {
        let passed_ms = i64::try_from(now.since(self.at).as_millis()).unwrap_or(i64::MAX);
        let grown = passed_ms.saturating_mul(per_second.into());
        self.left = self.left.saturating_add(grown).min(1000 * i64::from(per_second));
        self.at = now.max(self.at);
    }

    /// When a message may be sent, if none may now. A call to many addressees is let in whole as soon as one may be, and the debt
    /// paid off before the next.
    fn wait(&mut self, per_second: u32, now: Timestamp) -> Option<Timestamp> {
        self.grow(per_second, now);
        let missing = 1000 - self.left;
        let wait_ms = u64::try_from(missing).ok().filter(|missing| *missing > 0)?;
        Some(now.plus(Duration::from_millis(wait_ms.div_ceil(per_second.max(1).into()))))
    }

    fn take(&mut self, count: u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX / 1000);
        self.left = self.left.saturating_sub(count.saturating_mul(1000));
    }
}

impl Account {
    /// A chatbot's.
    pub(crate) fn of(chatbot: &Address, rules: &Rules, config: &Config) -> Self {
        Self { whose: chatbot.as_str().to_owned(), limits: config.limits.with(rules) }
    }
}

impl Maap {
    /// Counts `count` messages for all of these, unless one of them may send no more. What is left of the limit that will be
    /// reached first; of the second when there is no other.
    pub(crate) fn spend(
        &mut self,
        accounts: &[Account],
        count: u64,
        work: &mut Work<'_>,
    ) -> Result<Left, Exceeded> {
        let (now, clock) = (work.now, self.config.local_time);
        let mut leaving: Option<Left> = None;
        for account in accounts {
            for left in self.left(account, count, work)? {
                let is_nearer = |known: &Left| left.left < known.left;
                leaving = if leaving.as_ref().is_none_or(is_nearer) { Some(left) } else { leaving };
            }
        }
        for account in accounts {
            let limits = account.limits;
            if let Some(allowance) = self.allowances.get_mut(&account.whose) {
                allowance.take(count);
            }
            if limits.per_day.is_some() || limits.per_month.is_some() {
                let mut spent = work.view.spending(&account.whose).on(clock.day(now), clock.month(now));
                spent.in_day += count;
                spent.in_month += count;
                work.view.put_spending(&account.whose, spent);
            }
        }
        let nothing = Left { span: Span::Second, limit: 0, left: 0, renewed_at: now };
        Ok(leaving.unwrap_or(nothing))
    }

    /// What would be left of each limit of an account after `count` messages.
    fn left(&mut self, account: &Account, count: u64, work: &Work<'_>) -> Result<Vec<Left>, Exceeded> {
        let (now, clock, limits) = (work.now, self.config.local_time, account.limits);
        let spent = work.view.spending(&account.whose).on(clock.day(now), clock.month(now));
        let spans = [
            (Span::Month, limits.per_month, spent.in_month, LocalTime::next_month as fn(_, _) -> _),
            (Span::Day, limits.per_day, spent.in_day, LocalTime::next_day),
        ];
        let mut all = Vec::with_capacity(3);
        for (span, limit, spent, next) in spans {
            let Some(limit) = limit else { continue };
            let renewed_at = next(clock, now);
            let Some(left) = limit.checked_sub(spent.saturating_add(count)) else {
                return Err(Exceeded { span, limit, retry_at: renewed_at });
            };
            all.push(Left { span, limit, left, renewed_at });
        }
        let per_second = limits.per_second;
        let full = || Allowance::full(per_second, now);
        let allowance = self.allowances.entry(account.whose.clone()).or_insert_with(full);
        if let Some(retry_at) = allowance.wait(per_second, now) {
            return Err(Exceeded { span: Span::Second, limit: per_second.into(), retry_at });
        }
        let left = u64::try_from(allowance.left / 1000).unwrap_or(0).saturating_sub(count);
        let renewed_at = now.plus(Duration::from_secs(1));
        all.push(Left { span: Span::Second, limit: per_second.into(), left, renewed_at });
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether one more message may be sent, which then is.
    fn take(allowance: &mut Allowance, count: u64, now: Timestamp) -> bool {
        let may = allowance.wait(10, now).is_none();
        if may {
            allowance.take(count);
        }
        may
    }

    #[test]
    fn a_second_has_its_messages_and_no_more() {
        let now = Timestamp::from_seconds(1_795_000_000);
        let mut allowance = Allowance::full(10, now);
        assert_eq!((0..20).filter(|_| take(&mut allowance, 1, now)).count(), 10);
        let later = now.plus(Duration::from_millis(300));
        assert_eq!((0..20).filter(|_| take(&mut allowance, 1, later)).count(), 3);
        let much_later = now.plus(Duration::from_secs(3600));
        assert_eq!((0..20).filter(|_| take(&mut allowance, 1, much_later)).count(), 10);
    }

    #[test]
    fn a_call_to_many_is_let_in_and_paid_off() {
        let now = Timestamp::from_seconds(1_795_000_000);
        let mut allowance = Allowance::full(10, now);
        assert!(take(&mut allowance, 40, now));
        let paid_off = now.plus(Duration::from_millis(3100));
        assert_eq!(allowance.wait(10, now), Some(paid_off));
        assert!(!take(&mut allowance, 1, now.plus(Duration::from_millis(3000))));
        assert!(take(&mut allowance, 1, paid_off));
    }
}
