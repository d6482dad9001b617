//! Rules: what an operator has set of a chatbot's traffic, where it differs from the configuration; and spending: how much
//! somebody has sent today and this month.
//!
//! Key of rules: the chatbot's address. Key of spending: whose it is, as text: a chatbot's address, or whatever else is counted
//! for (a tenant). It is written in the commit of what it counts.

use rcs::address::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::row::{Family, Row};

/// What holds for one chatbot; what is absent is as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rules {
    /// Messages a second, counted by addressee.
    pub per_second: Option<u32>,
    /// Messages a day, counted by addressee.
    pub per_day: Option<u64>,
    /// Messages a month, counted by addressee.
    pub per_month: Option<u64>,
    /// Promotional messages a day to one user.
    pub promotions_per_day: Option<u32>,
    /// Whether it knows users by tokens, and not by their numbers.
    pub anonymous: Option<bool>,
}

impl Row for Rules {
    type Key = Address;
    const FAMILY: Family = Family::Rules;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}

/// What was counted for somebody in the current day and month; an absent row means nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// Days since the epoch, local time.
    pub day: u32,
    /// On that day.
    pub in_day: u64,
    /// Months since January of the year 0, local time.
    pub month: u32,
    /// In that month.
    pub in_month: u64,
}

impl Spending {
    /// As it stands on a day of a month: counts of others are over.
    pub fn on(self, day: u32, month: u32) -> Self {
        Self {
            day,
            in_day: if self.day == day { self.in_day } else { 0 },
            month,
            in_month: if self.month == month { self.in_month } else { 0 },
        }
    }
}

impl Row for Spending {
    type Key = String;
    const FAMILY: Family = Family::Spending;
    const VERSION: u8 = 1;

    fn key_bytes(key: &String) -> Vec<u8> {
        key.as_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_day_begins_at_nothing_and_a_new_month_too() {
        let spending = Spending { day: 10, in_day: 5, month: 3, in_month: 7 };
        assert_eq!(spending.on(10, 3), spending);
        assert_eq!(spending.on(11, 3), Spending { day: 11, in_day: 0, month: 3, in_month: 7 });
        assert_eq!(spending.on(11, 4), Spending { day: 11, in_day: 0, month: 4, in_month: 0 });
    }
}
