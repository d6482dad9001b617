//! Queries that several lists have in common.

use rcs::address::Address;
use serde::Deserialize;
use utoipa::IntoParams;

use super::chatbots::chatbot_address;
use crate::http::{App, Failure};

/// Rows in one answer, if the caller does not say, and at the most.
const ROWS: usize = 100;
const ROWS_MAX: usize = 1_000;

/// A page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// At most so many, 100 if absent, never more than 1000.
    limit: Option<usize>,
    /// By what the last row of the page before is known: its id, or its number.
    pub after: Option<String>,
}

/// Rows of one chatbot, or of all.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// A chatbot's name or URI; all if absent.
    chatbot: Option<String>,
}

impl Page {
    /// How many rows are wanted.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(ROWS).min(ROWS_MAX)
    }
}

impl Whose {
    /// The chatbot; `None` for all.
    pub fn chatbot(&self, app: &App) -> Result<Option<Address>, Failure> {
        self.chatbot.as_deref().map(|name| chatbot_address(app, name)).transpose()
    }
}
