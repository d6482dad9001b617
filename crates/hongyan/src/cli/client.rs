//! Talking to the administration API of a running server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::{CommandError, Data};
use crate::data;

/// Which server to talk to.
#[derive(clap::Args)]
pub struct Server {
    #[command(flatten)]
    data: Data,
    /// URL of the server, when it runs elsewhere
    #[arg(long, value_name = "URL", requires = "token_file")]
    server: Option<String>,
    /// File with an API key, or the server's admin token (there: DIR/admin-token)
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// For an answer to arrive.
const TIMEOUT: Duration = Duration::from_secs(30);
/// For the next piece of an answer to arrive, where it takes as long as it takes.
const SILENCE_MAX: Duration = Duration::from_secs(3_600);

impl Server {
    /// The server with its data in `data`, or else at a URL with its token in a file.
    pub fn of(data: PathBuf, server: Option<String>, token_file: Option<PathBuf>) -> Self {
        Self { data: Data { data }, server, token_file }
    }

    /// GET `path` (`/subscribers`).
    pub fn get(&self, path: &str) -> Result<Value, CommandError> {
        self.call(Method::GET, path, None)
    }

    /// POST `body` to `path`.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, CommandError> {
        self.call(Method::POST, path, Some(body))
    }

    /// PUT `path`.
    pub fn put(&self, path: &str) -> Result<Value, CommandError> {
        self.call(Method::PUT, path, None)
    }

    /// PUT `body` to `path`.
    pub fn put_json(&self, path: &str, body: &Value) -> Result<Value, CommandError> {
        self.call(Method::PUT, path, Some(body))
    }

    /// POST a file to `path`, piece by piece, for as long as it takes.
    pub fn upload(&self, path: &str, content_type: &str, file: &Path) -> Result<Value, CommandError> {
        let body = std::fs::File::open(file)
            .map_err(|error| CommandError(format!("cannot read {}: {error}", file.display())))?;
        self.exchange(Method::POST, path, async |url, request| {
            let request = request.header("content-type", content_type);
            let request = request.body(tokio::fs::File::from_std(body));
            let answer = request.send().await.map_err(|error| unreachable_server(url, &error))?;
            let status = answer.status();
            read_answer(url, status, &answer.text().await?)
        })
    }

    /// GET `path` into a file, piece by piece; gives its size.
    pub fn download(&self, path: &str, file: &Path) -> Result<u64, CommandError> {
        self.exchange(Method::GET, path, async |url, request| {
            let mut answer = request.send().await.map_err(|error| unreachable_server(url, &error))?;
            let status = answer.status();
            if !status.is_success() {
                return read_answer(url, status, &answer.text().await?).map(|_| 0);
            }
            let mut kept = tokio::fs::File::create(file)
                .await
                .map_err(|error| CommandError(format!("cannot write {}: {error}", file.display())))?;
            let mut bytes = 0;
            while let Some(piece) = answer.chunk().await? {
                kept.write_all(&piece).await?;
                bytes += piece.len() as u64;
            }
            kept.flush().await?;
            Ok(bytes)
        })
    }

    /// PUT these bytes to `path`.
    pub fn put_bytes(&self, path: &str, body: Vec<u8>) -> Result<Value, CommandError> {
        self.send(Method::PUT, path, |request| request.body(body))
    }

    /// PATCH `path` with `body`.
    pub fn patch(&self, path: &str, body: &Value) -> Result<Value, CommandError> {
        self.call(Method::PATCH, path, Some(body))
    }

    /// DELETE `path`.
    pub fn delete(&self, path: &str) -> Result<Value, CommandError> {
        self.call(Method::DELETE, path, None)
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, CommandError> {
        self.send(method, path, |request| match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        with_body: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Value, CommandError> {
        self.exchange(method, path, async |url, request| {
            let request = with_body(request.timeout(TIMEOUT));
            let answer = request.send().await.map_err(|error| unreachable_server(url, &error))?;
            let status = answer.status();
            read_answer(url, status, &answer.text().await?)
        })
    }

    /// Makes a request and has `done` do the rest of it.
    fn exchange<T>(
        &self,
        method: Method,
        path: &str,
        done: impl AsyncFnOnce(&str, reqwest::RequestBuilder) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let (url, token) = (self.url()?, self.token()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = reqwest::Client::builder().read_timeout(SILENCE_MAX).no_proxy().build()?;
            let request = client.request(method, format!("{url}/admin/v1{path}")).bearer_auth(token);
            done(&url, request).await
        })
    }

    /// Its HTTP address.
    pub fn url(&self) -> Result<String, CommandError> {
        if let Some(server) = &self.server {
            return Ok(server.trim_end_matches('/').to_owned());
        }
        let directory = &self.data.data;
        match std::fs::read_to_string(data::admin_url(directory)) {
            Ok(url) => Ok(url.trim().to_owned()),
            Err(_) => Err(CommandError(format!(
                "no server runs with its data in {0}; start it with `hongyan serve --data {0}`, give the right directory \
                 with --data, or use --server URL --token-file FILE",
                directory.display()
            ))),
        }
    }

    fn token(&self) -> Result<String, CommandError> {
        let path = self.token_file.clone().unwrap_or_else(|| data::admin_token(&self.data.data));
        match std::fs::read_to_string(&path) {
            Ok(token) => Ok(token.trim().to_owned()),
            Err(error) => Err(CommandError(format!(
                "cannot read the admin token in {}: {error}; a server writes it when it starts, for its own user alone",
                path.display()
            ))),
        }
    }
}

fn unreachable_server(url: &str, error: &reqwest::Error) -> CommandError {
    if error.is_timeout() {
        return CommandError(format!("the server at {url} did not answer within {} s", TIMEOUT.as_secs()));
    }
    CommandError(format!("no server answers at {url}; start it with `hongyan serve`"))
}

/// The JSON of a good answer, or what the server says is wrong.
fn read_answer(url: &str, status: StatusCode, text: &str) -> Result<Value, CommandError> {
    let value: Option<Value> = serde_json::from_str(text).ok();
    if status.is_success() {
        return Ok(value.unwrap_or(Value::Null));
    }
    let reason = value.as_ref().and_then(|value| value.get("error")).and_then(Value::as_str);
    Err(CommandError(match (status, reason) {
        (StatusCode::UNAUTHORIZED, _) => {
            format!(
                "the server at {url} does not know this admin token or key; give its data directory with --data, or a key that is good with --token-file"
            )
        }
        (StatusCode::TOO_MANY_REQUESTS, _) => "the server is busy; try again in a few seconds".to_owned(),
        (_, Some(reason)) => reason.to_owned(),
        (status, None) => format!("the server at {url} answered {status}; is it Hongyan?"),
    }))
}

/// The query of the pairs that have a value.
pub fn query(pairs: &[(&str, Option<String>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let given = given.map(|(name, value)| format!("{name}={}", segment(value)));
    let query: Vec<String> = given.collect();
    if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) }
}

/// The JSON in a file.
pub fn read_json(file: &Path) -> Result<Value, CommandError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CommandError(format!("cannot read {}: {error}", file.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| CommandError(format!("{} is not JSON: {error}", file.display())))
}

/// `text` as one segment of a path.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_is_wrong_and_what_to_do() {
        let read = |status, text| read_answer("http://a", status, text).map_err(|error| error.0);
        assert_eq!(read(StatusCode::OK, "[1]"), Ok(serde_json::json!([1])));
        assert_eq!(read(StatusCode::NO_CONTENT, ""), Ok(Value::Null));
        assert_eq!(
            read(StatusCode::NOT_FOUND, r#"{"error":"no such subscriber"}"#),
            Err("no such subscriber".into())
        );
        assert!(read(StatusCode::UNAUTHORIZED, "").unwrap_err().contains("--data"));
        assert!(read(StatusCode::BAD_GATEWAY, "<html>").unwrap_err().contains("502"));
    }
}
