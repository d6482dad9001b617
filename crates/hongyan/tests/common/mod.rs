//! A server of its own for a test that speaks to it over HTTP.

use hongyan::config::{Config, Listen};
use hongyan::serve::{Options, Running};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::json;

/// Free ports, and no log.
pub fn config() -> Config {
    let mut config = Config::default();
    let free: Listen = "127.0.0.1:0".parse().unwrap();
    (config.http.listen, config.sip.udp, config.sip.tcp) = (free, free, free);
    config.log.filter = "off".to_owned();
    config
}

/// A server on free ports, and a client that goes to it directly. Tests add what they ask it for.
pub struct Server {
    pub running: Running,
    pub data: tempfile::TempDir,
    pub client: Client,
}

impl Server {
    /// One with these subscribers, whose password is the same.
    pub async fn with(numbers: &[&str], password: &str, change: impl FnOnce(&mut Config)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let mut config = config();
        change(&mut config);
        let options = Options { data: data.path().to_owned(), demo: false, ready_file: None };
        let running = Running::start(config, options).await.unwrap();
        let server = Self { running, data, client: Client::builder().no_proxy().build().unwrap() };
        for number in numbers {
            let subscriber = json!({ "number": number, "password": password });
            let added = server.admin(Method::POST, "/subscribers").json(&subscriber).send().await.unwrap();
            assert_eq!(added.status(), StatusCode::CREATED);
        }
        server
    }

    /// A call of the administration API.
    pub fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        let token = std::fs::read_to_string(self.data.path().join("admin-token")).unwrap();
        let url = format!("http://{}/admin/v1{path}", self.running.bound.http);
        self.client.request(method, url).bearer_auth(token.trim())
    }
}
