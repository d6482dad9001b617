//! How much may be sent: in a second, by a token bucket in memory that may go into debt; in a day and in a month, by a count on
//! disk, which is written in the commit of what it counts.
//!
//! A chatbot has an [`Account`] of its own. Whoever else is to be counted for (a tenant, over all chatbots of its) has one
//! beside it: [`Maap::check_limits`] asks all of them, and [`Maap::spend`] counts for all. What is refused costs a part of its second,
//! so that nobody can try without end, and nothing of the day and the month.

use std::time::Duration;

use message_centre::Work;
use rcs::Timestamp;
use rcs::address::Address;
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
        self.wait_for(1, per_second, now)
    }

    /// When there are so many messages, if there are fewer now.
    fn wait_for(&mut self, count: u64, per_second: u32, now: Timestamp) -> Option<Timestamp> {
        self.grow(per_second, now);
        let missing = 1000 * i64::try_from(count).unwrap_or(i64::MAX / 1000) - self.left;
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
    /// Whether `count` messages may be sent now for all of these.
    pub(crate) fn check_limits(
        &mut self,
        accounts: &[Account],
        count: u64,
        work: &Work<'_>,
    ) -> Result<(), Exceeded> {
        for account in accounts {
            for Left { span, limit, left, renewed_at } in self.left(account, work) {
                let retry_at = match span {
                    Span::Second => {
                        self.allowance(account, work.now).wait(account.limits.per_second, work.now)
                    }
                    _ => (left < count).then_some(renewed_at),
                };
                if let Some(retry_at) = retry_at {
                    return Err(Exceeded { span, limit, retry_at });
                }
            }
        }
        Ok(())
    }

    /// How many messages of a campaign may be sent now for all of these, of the `wanted`. A part of each second's is left to what
    /// the chatbot says besides, and it is waited for so many that a step is worth its commit.
    pub(crate) fn room_for_campaign(
        &mut self,
        accounts: &[Account],
        wanted: u64,
        work: &Work<'_>,
    ) -> Result<u64, Exceeded> {
        let mut room = wanted;
        for account in accounts {
            for Left { span, limit, left, renewed_at } in self.left(account, work) {
                let per_second = account.limits.per_second;
                let (kept, least) = match span {
                    Span::Second => (limit / 4, (limit / 10).clamp(1, wanted.max(1))),
                    _ => (0, 1),
                };
                let free = left.saturating_sub(kept);
                if free >= least {
                    room = room.min(free);
                    continue;
                }
                let retry_at = match span {
                    Span::Second => {
                        let allowance = self.allowance(account, work.now);
                        allowance.wait_for(kept + least, per_second, work.now).unwrap_or(work.now)
                    }
                    _ => renewed_at,
                };
                return Err(Exceeded { span, limit, retry_at });
            }
        }
        Ok(room)
    }

    /// Counts messages for all of these: those that were `tried` for the second, and for the day and the month those that were
    /// `accepted`. What is left of the limit that will be reached first; of the second when there is no other.
    pub(crate) fn spend(
        &mut self,
        accounts: &[Account],
        tried: u64,
        accepted: u64,
        work: &mut Work<'_>,
    ) -> Left {
        let now = work.now;
        let mut leaving: Option<Left> = None;
        for account in accounts {
            self.allowance(account, now).take(tried);
            let limits = account.limits;
            if accepted > 0 && (limits.per_day.is_some() || limits.per_month.is_some()) {
                let clock = &self.config.local_time;
                let mut spent = work.view.spending(&account.whose).on(clock.day(now), clock.month(now));
                spent.in_day += accepted;
                spent.in_month += accepted;
                work.view.put_spending(&account.whose, spent);
            }
            for left in self.left(account, work) {
                let is_nearer = |known: &Left| left.left < known.left;
                leaving = if leaving.as_ref().is_none_or(is_nearer) { Some(left) } else { leaving };
            }
        }
        leaving.unwrap_or(Left { span: Span::Second, limit: 0, left: 0, renewed_at: now })
    }

    /// What is left of each limit of an account.
    fn left(&mut self, account: &Account, work: &Work<'_>) -> Vec<Left> {
        let (now, limits) = (work.now, account.limits);
        let mut all = Vec::with_capacity(3);
        if limits.per_day.is_some() || limits.per_month.is_some() {
            let clock = &self.config.local_time;
            let spent = work.view.spending(&account.whose).on(clock.day(now), clock.month(now));
            let mut add = |span, limit: Option<u64>, spent, renewed_at| {
                all.extend(limit.map(|limit| Left {
                    span,
                    limit,
                    left: limit.saturating_sub(spent),
                    renewed_at,
                }));
            };
            add(Span::Month, limits.per_month, spent.in_month, clock.next_month(now));
            add(Span::Day, limits.per_day, spent.in_day, clock.next_day(now));
        }
        let left = u64::try_from(self.allowance(account, now).left / 1000).unwrap_or(0);
        let (limit, renewed_at) = (limits.per_second.into(), now.plus(Duration::from_secs(1)));
        all.push(Left { span: Span::Second, limit, left, renewed_at });
        all
    }

    /// An account's messages of the second, as of now.
    fn allowance(&mut self, account: &Account, now: Timestamp) -> &mut Allowance {
        let per_second = account.limits.per_second;
        if !self.allowances.contains_key(&account.whose) {
            self.allowances.insert(account.whose.clone(), Allowance::full(per_second, now));
        }
        let allowance = self.allowances.get_mut(&account.whose).expect("it is there or was just put there");
        allowance.grow(per_second, now);
        allowance
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
