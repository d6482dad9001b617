//! A file to the content server (RCC.07 file transfer by HTTP): asked for with an empty POST, sent as a form, Digest on both.

use std::path::Path;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use reqwest::{Client, Response, StatusCode};
use sip::digest::Challenge;

use crate::cli::CommandError;

/// Files are sent from memory.
const FILE_BYTES_MAX: u64 = 100 << 20;
const BOUNDARY: &str = "hongyan-handset-0b1d9d7c5f";

/// The content server, and who we are to it.
pub struct ContentServer {
    /// Makes requests.
    pub client: Client,
    /// Its URL, with the slash at the end.
    pub url: String,
    /// User name and password.
    pub login: (String, String),
}

impl ContentServer {
    /// Uploads a file; the document to send on.
    pub async fn upload(&self, path: &Path) -> Result<String, CommandError> {
        let unreadable = |error| CommandError(format!("cannot read {}: {error}", path.display()));
        let length = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
        if length > FILE_BYTES_MAX {
            return Err(CommandError(format!("{} is larger than {FILE_BYTES_MAX} bytes", path.display())));
        }
        let bytes = tokio::fs::read(path).await.map_err(unreadable)?;
        let welcome = self.client.post(&self.url).send().await?;
        let authorization = self.authorization(&welcome)?;
        let form = form(path, &bytes);
        let mut request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(form);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let answer = request.send().await?;
        match answer.status() {
            StatusCode::OK => Ok(answer.text().await?),
            status => Err(CommandError(format!("the content server answered {status}"))),
        }
    }

    /// The credentials that a challenge asks for; none if there is no challenge.
    fn authorization(&self, welcome: &Response) -> Result<Option<String>, CommandError> {
        if welcome.status() != StatusCode::UNAUTHORIZED {
            return match welcome.status().is_success() {
                true => Ok(None),
                false => Err(CommandError(format!("the content server answered {}", welcome.status()))),
            };
        }
        let offered = welcome.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenge = Challenge::best(offered.map(|value| value.as_bytes())).ok_or_else(|| {
            CommandError("the content server asks for credentials that we don't know".into())
        })?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| CommandError(error.to_string()))?;
        let cnonce = format!("{:016x}", u64::from_ne_bytes(random));
        let path = welcome.url().path();
        Ok(Some(challenge.answer("POST", path, &self.login.0, &self.login.1, &cnonce, 1)))
    }
}

fn form(path: &Path, bytes: &[u8]) -> Vec<u8> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control() && *c != '"' && *c != '\\').collect();
    let id = uuid::Uuid::new_v4();
    let media_type = match path.extension().and_then(|end| end.to_str()).unwrap_or_default() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "amr" => "audio/amr",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        _ => "application/octet-stream",
    };
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"tid\"\r\nContent-Type: text/plain\r\n\r\n{id}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"File\"; filename=\"{name}\"\r\n\
         Content-Type: {media_type}\r\n\r\n"
    );
    [head.as_bytes(), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}
