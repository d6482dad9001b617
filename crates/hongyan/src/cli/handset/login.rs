//! Who the handset is to the HTTP server: Digest, answering what a first request was challenged with.

use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Response, StatusCode};
use sip::digest::Challenge;

use crate::cli::CommandError;

/// Digest credentials.
#[derive(Clone)]
pub struct Login {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl Login {
    /// The credentials for another request of `method` to where this answer came from; none if there is no challenge.
    pub fn authorization(&self, method: &str, answer: &Response) -> Result<Option<String>, CommandError> {
        if answer.status() != StatusCode::UNAUTHORIZED {
            return match answer.status().is_success() {
                true => Ok(None),
                false => Err(CommandError(format!("the server answered {}", answer.status()))),
            };
        }
        let offered = answer.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenge = Challenge::best(offered.map(|value| value.as_bytes()))
            .ok_or_else(|| CommandError("the server asks for credentials that we don't know".into()))?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| CommandError(error.to_string()))?;
        let cnonce = format!("{:016x}", u64::from_ne_bytes(random));
        let url = answer.url();
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Some(challenge.answer(method, &target, &self.username, &self.password, &cnonce, 1)))
    }
}
