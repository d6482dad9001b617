//! The RBM-style interface over HTTP, where client libraries do not go: who is let in, whom an agent reaches, and uploads in pieces
//! that outlive the process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use handset::platform::{Launch, Platform};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use sip::Transport;

const ALICE: &str = "+8613800000001";
const SCOPE: &str = "https://www.googleapis.com/auth/rcsbusinessmessaging";

/// A program that speaks for a chatbot, and the platform.
struct World {
    platform: Platform,
    launch: Launch,
    client: Client,
    account: Account,
    _data: tempfile::TempDir,
}

/// A service account, as its key file has it.
struct Account {
    email: String,
    key_id: String,
    key: RsaKeyPair,
    token: String,
}

impl World {
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let launch = Launch::new(env!("CARGO_BIN_EXE_hongyan"), data.path());
        let platform = Platform::start(&launch).await.unwrap();
        platform.add_subscriber(ALICE, "correct horse").await.unwrap();
        let chatbot = json!({ "name": "weather", "dialect": "rbm" });
        let made = platform.admin().await.unwrap().call("POST", "/chatbots", Some(&chatbot)).await.unwrap();
        assert_eq!(made.0, 201, "{}", made.1);
        let account = Account::new(&made.1["serviceAccount"]);
        let client = Client::builder().no_proxy().build().unwrap();
        let mut world = Self { platform, launch, client, account, _data: data };
        let given = world.exchange(&world.account.assertion(&world.root(), |_, _| {})).await;
        world.account.token = given["access_token"].as_str().unwrap().to_owned();
        world
    }

    fn root(&self) -> String {
        // WebSockets begin where HTTP is spoken.
        format!("http://{}", self.platform.server(Transport::Ws).address)
    }

    /// The process dies, and another takes its place.
    async fn kill(self) -> Self {
        self.platform.kill().await.unwrap();
        Self { platform: Platform::start(&self.launch).await.unwrap(), ..self }
    }

    async fn exchange(&self, assertion: &str) -> Value {
        let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
        let form = format!("grant_type={grant}&assertion={assertion}");
        let call = self.client.post(format!("{}/token", self.root())).body(form);
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        call.send().await.unwrap().json().await.unwrap()
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.root())).bearer_auth(&self.account.token)
    }

    /// A piece of an upload: what stands in `Content-Range`, and the bytes.
    async fn piece(&self, location: &str, range: String, bytes: &[u8]) -> Response {
        let path = location.split_once("/upload/").unwrap().1;
        let call = self.call(Method::PUT, &format!("/upload/{path}")).header("content-range", range);
        call.body(bytes.to_vec()).send().await.unwrap()
    }
}

impl Account {
    fn new(file: &Value) -> Self {
        let text = |name: &str| file[name].as_str().unwrap().to_owned();
        let lines: String = text("private_key").lines().filter(|line| !line.starts_with("-----")).collect();
        let key = RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(lines).unwrap()).unwrap();
        Self { email: text("client_email"), key_id: text("private_key_id"), key, token: String::new() }
    }

    /// A token for the token endpoint below `root`, with something changed in its header and claims.
    fn assertion(&self, root: &str, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let now = now_s();
        let mut header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.key_id });
        let mut claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": format!("{root}/token"), "iat": now, "exp": now + 3600,
        });
        change(&mut header, &mut claims);
        let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = match header["alg"].as_str() {
            Some("none") => Vec::new(),
            // The oldest trick: the public key, which everybody may have, as the secret of a MAC.
            Some("HS256") => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.public().as_ref());
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
            _ => {
                let mut signature = vec![0; self.key.public().modulus_len()];
                let random = SystemRandom::new();
                self.key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// What tokens say the time in.
#[expect(clippy::disallowed_methods, reason = "the platform under test has the system's clock")]
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

async fn error(call: RequestBuilder) -> (u16, String) {
    let response = call.send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], status, "{body}");
    (status, body["error"]["status"].as_str().unwrap().to_owned())
}

fn picture() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(400, 300, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::from(picture).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assertion_is_exchanged_if_the_account_signed_it_for_us_and_now() {
    let world = World::new().await;
    let now = now_s();
    type Change = Box<dyn FnOnce(&mut Value, &mut Value)>;
    let cases: [(&str, &str, Change); 10] = [
        ("unsigned", "invalid_grant", Box::new(|header, _| header["alg"] = "none".into())),
        ("signed with the public key", "invalid_grant", Box::new(|header, _| header["alg"] = "HS256".into())),
        ("of another key", "invalid_grant", Box::new(|header, _| header["kid"] = "0".repeat(40).into())),
        (
            "for others",
            "invalid_grant",
            Box::new(|_, claims| claims["aud"] = "https://evil.example/token".into()),
        ),
        ("for nobody", "invalid_grant", Box::new(|_, claims| claims["aud"] = Value::Null)),
        (
            "lapsed",
            "invalid_grant",
            Box::new(move |_, claims| {
                (claims["iat"], claims["exp"]) = ((now - 7200).into(), (now - 3600).into());
            }),
        ),
        (
            "from the future",
            "invalid_grant",
            Box::new(move |_, claims| {
                (claims["iat"], claims["exp"]) = ((now + 3600).into(), (now + 7200).into());
            }),
        ),
        ("for a day", "invalid_grant", Box::new(move |_, claims| claims["exp"] = (now + 86_400).into())),
        (
            "of a stranger",
            "invalid_grant",
            Box::new(|_, claims| claims["iss"] = "x@botplatform.hongyan.local".into()),
        ),
        ("for something else", "invalid_scope", Box::new(|_, claims| claims["scope"] = "openid".into())),
    ];
    for (what, expected, change) in cases {
        let answer = world.exchange(&world.account.assertion(&world.root(), change)).await;
        assert_eq!(answer["error"], expected, "{what}: {answer}");
        assert!(!answer["error_description"].as_str().unwrap().is_empty(), "{what}");
    }
    // Clocks differ by a little.
    let late = world.account.assertion(&world.root(), |_, claims| {
        (claims["iat"], claims["exp"]) = ((now + 60).into(), (now + 3660).into());
    });
    let given = world.exchange(&late).await;
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(3599)));
    let timeless = world.account.assertion(&world.root(), |_, claims| {
        claims.as_object_mut().unwrap().remove("iat");
    });
    let refused = world.exchange(&timeless).await;
    assert!(refused["error_description"].as_str().unwrap().starts_with("iat is missing"), "{refused}");

    // With its key, every token is worth nothing.
    let ask = || world.call(Method::GET, &format!("/v1/phones/{ALICE}/capabilities?requestId=r1"));
    assert_eq!(error(ask()).await, (404, "NOT_FOUND".to_owned()));
    let path = format!("/chatbots/weather/keys/{}", world.account.key_id);
    let removed = world.platform.admin().await.unwrap().call("DELETE", &path, None).await.unwrap();
    assert!((200..300).contains(&removed.0), "{removed:?}");
    assert_eq!(error(ask()).await, (401, "UNAUTHENTICATED".to_owned()));
    let refused = world.exchange(&world.account.assertion(&world.root(), |_, _| {})).await;
    assert_eq!(refused["error"], "invalid_grant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_in_pieces_goes_on_after_the_process_has_died() {
    let world = World::new().await;
    let (bytes, total) = (picture(), picture().len());
    let begin = world.call(Method::POST, "/upload/v1/files?uploadType=resumable").send().await.unwrap();
    assert_eq!(begin.status(), StatusCode::OK);
    let location = begin.headers()["location"].to_str().unwrap().to_owned();
    let asked = world.piece(&location, format!("bytes */{total}"), b"").await;
    assert_eq!(asked.status(), StatusCode::PERMANENT_REDIRECT);
    assert!(asked.headers().get("range").is_none(), "nothing is here");
    let first = world.piece(&location, format!("bytes 0-19999/{total}"), &bytes[..20_000]).await;
    assert_eq!(
        (first.status(), &first.headers()["range"]),
        (StatusCode::PERMANENT_REDIRECT, &"bytes=0-19999".parse().unwrap())
    );

    let world = world.kill().await;
    let asked = world.piece(&location, format!("bytes */{total}"), b"").await;
    assert_eq!(
        (asked.status(), &asked.headers()["range"]),
        (StatusCode::PERMANENT_REDIRECT, &"bytes=0-19999".parse().unwrap())
    );
    // What does not follow is passed over.
    let late = world.piece(&location, format!("bytes 30000-39999/{total}"), &bytes[30_000..40_000]).await;
    assert_eq!(late.headers()["range"], "bytes=0-19999");
    let last = world.piece(&location, format!("bytes 20000-{}/{total}", total - 1), &bytes[20_000..]).await;
    assert_eq!(last.status(), StatusCode::OK);
    let name = last.json::<Value>().await.unwrap()["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("files/"), "{name}");

    // Whose answer got lost asks again, also of another process.
    let world = world.kill().await;
    let asked = world.piece(&location, format!("bytes */{total}"), b"").await;
    assert_eq!(asked.status(), StatusCode::OK);
    assert_eq!(asked.json::<Value>().await.unwrap()["name"], name.as_str());
    let message = json!({ "contentMessage": { "uploadedRbmFile": { "fileName": name } } });
    let send = world.call(Method::POST, &format!("/v1/phones/{ALICE}/agentMessages?messageId=m1"));
    let sent: Value = send.json(&message).send().await.unwrap().json().await.unwrap();
    assert_eq!(sent["totalPayloadSizeBytes"], total.to_string(), "{sent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_in_pieces_is_refused_for_what_it_is() {
    let world = World::new().await;
    let begin = || world.call(Method::POST, "/upload/v1/files?uploadType=resumable");
    let large = begin().header("x-upload-content-length", 100 * 1024 * 1024 + 1);
    assert_eq!(error(large).await, (400, "INVALID_ARGUMENT".to_owned()));
    let location = |begun: &Response| begun.headers()["location"].to_str().unwrap().to_owned();
    let ended = async |location: &str, range: &str, bytes: &[u8]| {
        let refused = world.piece(location, range.to_owned(), bytes).await;
        let status = refused.status();
        (status.as_u16(), refused.json::<Value>().await.unwrap()["error"]["status"].clone())
    };
    for (range, bytes) in [("bytes 0-5/6", &b"MZ\0\0\0\0"[..]), ("bytes 0-3/2", &picture()[..4])] {
        let at = location(&begin().send().await.unwrap());
        assert_eq!(ended(&at, range, bytes).await, (400, json!("INVALID_ARGUMENT")), "{range}");
        assert_eq!(ended(&at, "bytes */6", b"").await, (404, json!("NOT_FOUND")), "{range}: begin again");
    }
    let at = location(&begin().send().await.unwrap());
    assert_eq!(ended(&at, "bytes nonsense", b"").await, (400, json!("INVALID_ARGUMENT")));
    let nobodys = at.replace(at.rsplit('=').next().unwrap(), &"0".repeat(32));
    assert_eq!(ended(&nobodys, "bytes */6", b"").await, (404, json!("NOT_FOUND")));
}
