//! `[campaigns]` and `[admin]`: what is sent to many, and what administrators did.

use std::num::{NonZeroU32, NonZeroU64};

use rcs::local_time::LocalTime;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::value::{nonzero, nonzero_u64, seconds};

/// `[campaigns]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Campaigns {
    /// Messages a second of a campaign that does not say.
    pub per_second: NonZeroU32,
    /// The most that one may say.
    pub per_second_max: NonZeroU32,
    /// Recipients of one campaign.
    pub recipients_max: NonZeroU64,
    /// Campaigns of one chatbot, ended ones included.
    pub per_chatbot_max: NonZeroU32,
    /// By whose clocks hours are meant when a campaign does not say: `Asia/Shanghai`, or `+08:00`.
    pub time_zone: LocalTime,
    /// How long an ended campaign is kept with its outcomes.
    pub keep_s: NonZeroU64,
}

/// `[admin]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// How long the audit log keeps an act.
    pub audit_keep_s: NonZeroU64,
}

impl Default for Campaigns {
    fn default() -> Self {
        Self {
            per_second: nonzero(50),
            per_second_max: nonzero(2_000),
            recipients_max: nonzero_u64(5_000_000),
            per_chatbot_max: nonzero(1_000),
            time_zone: LocalTime::china(),
            keep_s: nonzero_u64(90 * 86_400),
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { audit_keep_s: nonzero_u64(365 * 86_400) }
    }
}

impl Campaigns {
    /// As the chatbot platform takes it.
    pub(super) fn limits(&self) -> maap::manage::CampaignLimits {
        maap::manage::CampaignLimits {
            per_chatbot_max: self.per_chatbot_max.get() as usize,
            recipients_max: self.recipients_max.get(),
            per_second: self.per_second.get(),
            per_second_max: self.per_second_max.get(),
            time_zone: self.time_zone.clone(),
            keep: seconds(self.keep_s),
        }
    }

    /// Checks what holds between keys.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.per_second > self.per_second_max {
            return Err(ConfigError("campaigns: per_second ≤ per_second_max must hold".to_owned()));
        }
        Ok(())
    }
}
