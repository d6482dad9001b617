//! A file to the content server (RCC.07 file transfer by HTTP): asked for with an empty POST, then sent as a form.

use std::path::Path;

use rcs::vcard;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, StatusCode};

use super::login::Login;
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
    /// Who we are to it.
    pub login: Login,
}

impl ContentServer {
    /// Uploads a file from the disk; the document to send on.
    pub async fn upload(&self, path: &Path) -> Result<String, CommandError> {
        let unreadable = |error| CommandError(format!("cannot read {}: {error}", path.display()));
        let length = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
        if length > FILE_BYTES_MAX {
            return Err(CommandError(format!("{} is larger than {FILE_BYTES_MAX} bytes", path.display())));
        }
        let bytes = tokio::fs::read(path).await.map_err(unreadable)?;
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        self.upload_bytes(&name, &bytes).await
    }

    /// The same of a file with this name.
    pub async fn upload_bytes(&self, name: &str, bytes: &[u8]) -> Result<String, CommandError> {
        let welcome = self.client.post(&self.url).send().await?;
        let authorization = self.login.authorization("POST", &welcome)?;
        let form = form(name, bytes);
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
}

impl ContentServer {
    /// Fetches a small file that lies there; `None` if it does not, or is larger than `bytes_max`.
    pub async fn fetch(&self, url: &str, bytes_max: usize) -> Option<Vec<u8>> {
        if !url.starts_with(&self.url) {
            return None;
        }
        let mut answer = self.client.get(url).send().await.ok()?.error_for_status().ok()?;
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.ok()? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > bytes_max {
                return None;
            }
        }
        Some(bytes)
    }
}

fn form(name: &str, bytes: &[u8]) -> Vec<u8> {
    let name: String = name.chars().filter(|c| !c.is_control() && *c != '"' && *c != '\\').collect();
    let id = uuid::Uuid::new_v4();
    let media_type = match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "amr" => "audio/amr",
        "pdf" => "application/pdf",
        "vcf" => vcard::CONTENT_TYPE,
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
