//! The content server over HTTP: uploads, downloads, resuming, limits, and what a crash leaves.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use handset::platform::{Launch, Platform};
use hongyan::config::{Config, Listen};
use hongyan::serve::{Options, Running};
use rcs::file_transfer::resume::ResumeInfo;
use rcs::file_transfer::{FileInfo, FileTransfer};
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode};
use sip::digest::Challenge;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const PASSWORD: &str = "correct horse";
const TID: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const BOUNDARY: &str = "next-part";

/// A server in this process, with Alice and Bob as subscribers.
struct Server {
    running: Running,
    data: tempfile::TempDir,
}

impl Server {
    async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let running = start_in(data.path(), change).await;
        let server = Self { running, data };
        let token = std::fs::read_to_string(server.data.path().join("admin-token")).unwrap();
        for number in [ALICE, BOB] {
            let url = format!("http://{}/admin/v1/subscribers", server.running.bound.http);
            let body = serde_json::json!({ "number": number, "password": PASSWORD });
            let added = client().post(url).bearer_auth(token.trim()).json(&body).send().await.unwrap();
            assert!(added.status().is_success());
        }
        server
    }

    fn phone(&self, number: &'static str) -> Phone {
        Phone::new(self.running.bound.http, number)
    }

    async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.running.bound.http);
        client().get(url).send().await.unwrap().text().await.unwrap()
    }
}

async fn start_in(data: &Path, change: impl FnOnce(&mut Config)) -> Running {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = Config::default();
    let free: Listen = "127.0.0.1:0".parse().unwrap();
    (config.http.listen, config.sip.udp, config.sip.tcp) = (free, free, free);
    config.log.filter = "off".to_owned();
    change(&mut config);
    Running::start(config, Options { data: data.to_owned(), demo: false, ready_file: None }).await.unwrap()
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

/// What a handset knows of the content server.
#[derive(Clone)]
struct Phone {
    client: Client,
    http: SocketAddr,
    number: &'static str,
    password: &'static str,
}

impl Phone {
    fn new(http: SocketAddr, number: &'static str) -> Self {
        Self { client: client(), http, number, password: PASSWORD }
    }

    fn request(&self, method: &Method, target: &str) -> RequestBuilder {
        self.client.request(method.clone(), format!("http://{}{target}", self.http))
    }

    /// An Authorization for a request, after asking for a challenge.
    async fn authorization(&self, method: &Method, target: &str) -> String {
        let challenged = self.request(&Method::POST, "/content/").send().await.unwrap();
        assert_eq!(challenged.status(), StatusCode::UNAUTHORIZED);
        self.answer(&challenged, method, target)
    }

    fn answer(&self, challenged: &Response, method: &Method, target: &str) -> String {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let offered = challenged.headers().get_all("www-authenticate").iter().map(|value| value.as_bytes());
        let challenge = Challenge::best(offered).expect("a challenge");
        let cnonce = COUNT.fetch_add(1, Ordering::Relaxed).to_string();
        challenge.answer(method.as_str(), target, self.number, self.password, &cnonce, 1)
    }

    async fn ask(
        &self,
        method: Method,
        target: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Response {
        let authorization = self.authorization(&method, target).await;
        shape(self.request(&method, target)).header("Authorization", authorization).send().await.unwrap()
    }

    async fn upload(&self, body: Vec<u8>) -> Response {
        self.ask(Method::POST, "/content/", |request| {
            request.header("Content-Type", content_type()).body(body)
        })
        .await
    }

    /// Uploads a file that must be taken.
    async fn sends(&self, name: &str, content_type: &str, bytes: &[u8]) -> FileTransfer {
        document(self.upload(Form::new().file(name, content_type, bytes)).await).await
    }

    async fn fetch(&self, url: &str, shape: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Response {
        shape(self.client.get(url)).send().await.unwrap()
    }

    async fn bytes_at(&self, info: &FileInfo) -> Vec<u8> {
        let answer = self.fetch(&info.url, |request| request).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.content_length(), Some(info.size));
        answer.bytes().await.unwrap().to_vec()
    }

    /// Begins an upload over a connection of its own, of which only `sent` arrives; the connection.
    async fn begin_upload(&self, form: &[u8], sent: usize) -> TcpStream {
        let authorization = self.authorization(&Method::POST, "/content/").await;
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        let head = format!(
            "POST /content/ HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\nContent-Type: {}\r\n\
             Content-Length: {}\r\n\r\n",
            self.http,
            content_type(),
            form.len(),
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&form[..sent]).await.unwrap();
        stream
    }

    async fn upload_info(&self) -> Response {
        self.ask(Method::GET, &format!("/content/?tid={TID}&get_upload_info"), |request| request).await
    }

    async fn download_info(&self) -> Response {
        self.ask(Method::GET, &format!("/content/?tid={TID}&get_download_info"), |request| request).await
    }

    /// Sends `bytes` from `start` on as the rest of the upload.
    async fn put_rest(&self, info: &ResumeInfo, bytes: &[u8], start: usize) -> Response {
        let target = info.url.strip_prefix(&format!("http://{}", self.http)).unwrap().to_owned();
        let range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
        let rest = bytes[start..].to_vec();
        self.ask(Method::PUT, &target, |request| request.header("Content-Range", range).body(rest)).await
    }
}

fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// A form, part by part.
struct Form(Vec<u8>);

impl Form {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn part(mut self, head: &str, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    fn tid(self) -> Self {
        self.part("name=\"tid\"\r\nContent-Type: text/plain", TID.as_bytes())
    }

    fn thumbnail(self, bytes: &[u8]) -> Self {
        self.part("name=\"Thumbnail\"; filename=\"t.jpg\"\r\nContent-Type: image/jpeg", bytes)
    }

    fn file(self, name: &str, content_type: &str, bytes: &[u8]) -> Vec<u8> {
        let mut form = self
            .part(&format!("name=\"File\"; filename=\"{name}\"\r\nContent-Type: {content_type}"), bytes)
            .0;
        form.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        form
    }
}

async fn document(answer: Response) -> FileTransfer {
    let status = answer.status();
    let kind = answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let text = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    assert_eq!(kind.as_deref(), Some("application/vnd.gsma.rcs-ft-http+xml"));
    FileTransfer::parse(text.as_bytes()).unwrap()
}

async fn resume_info(answer: Response) -> ResumeInfo {
    assert_eq!(answer.status(), StatusCode::OK);
    ResumeInfo::parse(&answer.bytes().await.unwrap()).unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// Bytes that are no known kind of file, and none of which repeat soon.
fn noise(bytes: usize) -> Vec<u8> {
    (0..bytes as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8 | 1).collect()
}

fn picture() -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([(x / 3) as u8, (y / 2) as u8, 90]));
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// Names of everything below the content directory.
fn left_on_disk(data: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![data.join("content")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { directories.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Looks until it is true: it becomes so when the server notices that a connection is gone.
async fn becomes(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "never: {what}");
}

/// What a connection answers to raw bytes, up to the end of the head.
async fn raw(http: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(http).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut piece = [0; 1024];
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_post_asks_whether_one_may_upload() {
    let server = Server::start(|_| {}).await;
    let alice = server.phone(ALICE);
    let refused = alice.request(&Method::POST, "/content/").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenges: Vec<_> =
        refused.headers().get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(challenges[0].starts_with("Digest ") && challenges[0].contains("algorithm=SHA-256"));
    assert!(challenges[1].contains("algorithm=MD5"));
    for target in ["/content/", "/content"] {
        assert_eq!(alice.ask(Method::POST, target, |request| request).await.status(), StatusCode::NO_CONTENT);
    }
    // Some write no length at all, some an empty chunked body.
    for body in ["\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"] {
        let authorization = alice.authorization(&Method::POST, "/content/").await;
        let request =
            format!("POST /content/ HTTP/1.1\r\nHost: h\r\nAuthorization: {authorization}\r\n{body}");
        assert!(raw(alice.http, &request).await.starts_with("HTTP/1.1 204"), "{body}");
        let request = format!("POST /content/ HTTP/1.1\r\nHost: h\r\n{body}");
        assert!(raw(alice.http, &request).await.starts_with("HTTP/1.1 401"), "{body}");
    }
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_subscribers_with_the_right_password_upload() {
    let server = Server::start(|_| {}).await;
    let form = Form::new().file("a.txt", "text/plain", b"hello");
    let mut liar = server.phone(ALICE);
    liar.password = "guess";
    assert_eq!(liar.upload(form.clone()).await.status(), StatusCode::UNAUTHORIZED);
    let stranger = server.phone("+8613900000009");
    assert_eq!(stranger.upload(form.clone()).await.status(), StatusCode::UNAUTHORIZED);
    let alice = server.phone(ALICE);
    for scheme in ["Basic KzEzODAwOmE=", "Bearer x", "Digest username=\"a\""] {
        let asked =
            alice.request(&Method::POST, "/content/").header("Authorization", scheme).body(form.clone());
        assert_eq!(asked.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{scheme}");
    }
    // Credentials are good for one request of one kind.
    let authorization = alice.authorization(&Method::POST, "/content/").await;
    let again = |method: Method, target: &str| {
        alice.request(&method, target).header("Authorization", &authorization).send()
    };
    assert_eq!(again(Method::POST, "/content").await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(again(Method::POST, "/content/").await.unwrap().status(), StatusCode::NO_CONTENT);
    let replayed = again(Method::POST, "/content/").await.unwrap();
    assert_eq!(replayed.status(), StatusCode::UNAUTHORIZED);
    assert!(header(&replayed, "www-authenticate").contains("stale=true"));
    assert!(left_on_disk(server.data.path()).is_empty());
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_a_password_has_to_wait() {
    let server = Server::start(|config| config.registrar.wrong_passwords = 3.try_into().unwrap()).await;
    let form = Form::new().file("a.txt", "text/plain", b"hello");
    let mut liar = server.phone(ALICE);
    liar.password = "guess";
    for _ in 0..3 {
        assert_eq!(liar.upload(form.clone()).await.status(), StatusCode::UNAUTHORIZED);
    }
    let refused = liar.upload(form.clone()).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=301).contains(&wait), "{wait}");
    assert_eq!(
        server.phone(BOB).upload(form).await.status(),
        StatusCode::OK,
        "others behind the same address"
    );
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_and_its_thumbnail_come_back_as_they_went() {
    let server = Server::start(|_| {}).await;
    let alice = server.phone(ALICE);
    let (bytes, small) = (noise(3_000_001), b"\xff\xd8\xff\xe0\0\x10JFIF\0 small".to_vec());
    let form =
        Form::new().tid().thumbnail(&small).file("%E6%B1%BD%E8%BD%A6.bin", "application/x-thing", &bytes);
    // The whole body is sent without credentials first, as clients do that skip the empty POST.
    let challenged = alice
        .request(&Method::POST, "/content/")
        .header("Content-Type", content_type())
        .body(form.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(challenged.status(), StatusCode::UNAUTHORIZED);
    let authorization = alice.answer(&challenged, &Method::POST, "/content/");
    let chunked = futures_util::stream::iter(
        form.chunks(77_777).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>(),
    );
    let answer = alice
        .request(&Method::POST, "/content/")
        .header("Content-Type", content_type())
        .header("Authorization", authorization)
        .body(Body::wrap_stream(chunked))
        .send()
        .await
        .unwrap();
    let transfer = document(answer).await;
    assert_eq!(transfer.file.name.as_deref(), Some("汽车.bin"));
    assert_eq!((transfer.file.size, transfer.file.content_type.as_str()), (3_000_001, "application/x-thing"));
    assert!(transfer.file.until.is_some() && transfer.file.url.len() > 60);
    let bob = server.phone(BOB);
    assert_eq!(bob.bytes_at(&transfer.file).await, bytes);
    let thumbnail = transfer.thumbnail.clone().unwrap();
    assert_eq!((bob.bytes_at(&thumbnail).await, thumbnail.content_type.as_str()), (small, "image/jpeg"));
    // The owner may ask for the document again, and nobody else.
    assert_eq!(document(alice.download_info().await).await, transfer);
    assert_eq!(bob.download_info().await.status(), StatusCode::NOT_FOUND);
    let metrics = server.metrics().await;
    assert!(metrics.contains("hongyan_files_total{event=\"uploaded\"} 1"), "{metrics}");
    assert!(metrics.contains("hongyan_file_bytes_total{kind=\"out\"} 3000"), "{metrics}");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_without_a_thumbnail_gets_one() {
    let server = Server::start(|_| {}).await;
    let alice = server.phone(ALICE);
    let transfer = alice.sends("a.jpg", "image/jpeg", &picture()).await;
    // What it is counts, not what it is called.
    assert_eq!(transfer.file.content_type, "image/png");
    let small = alice.bytes_at(&transfer.thumbnail.unwrap()).await;
    let small = image::load_from_memory(&small).unwrap();
    assert_eq!((small.width(), small.height()), (256, 192));
    // What is no picture is no thumbnail either.
    let form = Form::new().thumbnail(b"<script>").file("a.txt", "text/plain", b"hello");
    assert_eq!(document(alice.upload(form).await).await.thumbnail, None);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_goes_on_where_it_stopped() {
    let server = Server::start(|_| {}).await;
    let alice = server.phone(ALICE);
    let bytes = noise(1_000_000);
    let url = alice.sends("a.bin", "application/octet-stream", &bytes).await.file.url;
    let whole = alice.fetch(&url, |request| request).await;
    let etag = header(&whole, "etag").to_owned();
    let modified = header(&whole, "last-modified").to_owned();
    assert_eq!(header(&whole, "accept-ranges"), "bytes");
    let part =
        alice.fetch(&url, |request| request.header("Range", "bytes=600000-").header("If-Range", &etag)).await;
    assert_eq!(
        (part.status(), header(&part, "content-range")),
        (StatusCode::PARTIAL_CONTENT, "bytes 600000-999999/1000000")
    );
    assert_eq!(part.bytes().await.unwrap(), bytes[600_000..]);
    for (range, if_range, status, length) in [
        ("bytes=0-9", modified.as_str(), 206, 10),
        ("bytes=-5", etag.as_str(), 206, 5),
        ("bytes=0-9", "\"another\"", 200, 1_000_000),
        ("bytes=0-9,20-29", etag.as_str(), 200, 1_000_000),
    ] {
        let part =
            alice.fetch(&url, |request| request.header("Range", range).header("If-Range", if_range)).await;
        assert_eq!(
            (part.status().as_u16(), part.content_length()),
            (status, Some(length)),
            "{range} {if_range}"
        );
    }
    let beyond = alice.fetch(&url, |request| request.header("Range", "bytes=1000000-")).await;
    assert_eq!((beyond.status().as_u16(), header(&beyond, "content-range")), (416, "bytes */1000000"));
    let known = alice.fetch(&url, |request| request.header("If-None-Match", &etag)).await;
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    let head = alice.client.head(&url).send().await.unwrap();
    assert_eq!(
        (head.status(), header(&head, "content-length"), header(&head, "etag")),
        (StatusCode::OK, "1000000", etag.as_str())
    );
    assert!(head.bytes().await.unwrap().is_empty());
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_where_it_stopped() {
    let server = Server::start(|_| {}).await;
    let (alice, bob) = (server.phone(ALICE), server.phone(BOB));
    assert_eq!(alice.upload_info().await.status(), StatusCode::NOT_FOUND);
    let bytes = noise(2_000_000);
    let form =
        Form::new().tid().thumbnail(b"\xff\xd8\xff\xe0 small").file("a.bin", "application/x-thing", &bytes);
    // The connection stays open and silent, as it does when a phone changes networks: whoever asks takes over.
    let silent = alice.begin_upload(&form, 1_500_000).await;
    becomes("something has arrived", async || alice.upload_info().await.status() == StatusCode::OK).await;
    let info = resume_info(alice.upload_info().await).await;
    assert_eq!(info.start, 0);
    let received = info.end as usize + 1;
    assert!(received > 0 && received <= 1_500_000, "{received}");
    assert_eq!(alice.download_info().await.status(), StatusCode::NOT_FOUND);
    assert_eq!(bob.upload_info().await.status(), StatusCode::NOT_FOUND);
    assert_eq!(bob.put_rest(&info, &bytes, received).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(alice.put_rest(&info, &bytes, received + 1).await.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    // Some count differently and send the last byte again.
    let transfer = document(alice.put_rest(&info, &bytes, received - 1).await).await;
    assert_eq!(document(alice.download_info().await).await, transfer);
    assert_eq!(bob.bytes_at(&transfer.file).await, bytes);
    assert_eq!(bob.bytes_at(&transfer.thumbnail.unwrap()).await, b"\xff\xd8\xff\xe0 small");
    // The answer got lost: the same again gives the same.
    assert_eq!(document(alice.put_rest(&info, &bytes, received).await).await.file, transfer.file);
    drop(silent);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_an_upload_may_come_in_several_pieces() {
    let server = Server::start(|_| {}).await;
    let alice = server.phone(ALICE);
    let bytes = noise(900_000);
    let form = Form::new().tid().file("a.bin", "application/x-thing", &bytes);
    drop(alice.begin_upload(&form, 400_000).await);
    becomes("something has arrived", async || alice.upload_info().await.status() == StatusCode::OK).await;
    let mut info = resume_info(alice.upload_info().await).await;
    let target = info.url.strip_prefix(&format!("http://{}", alice.http)).unwrap().to_owned();
    while info.end + 1 < 800_000 {
        let (start, end) = (info.end as usize + 1, (info.end as usize + 200_000).min(bytes.len() - 2));
        let range = format!("bytes {start}-{end}/{}", bytes.len());
        let piece = bytes[start..=end].to_vec();
        let put = alice
            .ask(Method::PUT, &target, |request| request.header("Content-Range", range).body(piece))
            .await;
        info = resume_info(put).await;
        assert_eq!(info.end as usize, end);
    }
    let without = alice.ask(Method::PUT, &target, |request| request.body("x")).await;
    assert_eq!(without.status(), StatusCode::BAD_REQUEST);
    let transfer = document(alice.put_rest(&info, &bytes, info.end as usize + 1).await).await;
    assert_eq!(alice.bytes_at(&transfer.file).await, bytes);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_or_not_wanted_is_refused_and_leaves_nothing() {
    let server = Server::start(|config| config.content.max_file_bytes = 100_000.try_into().unwrap()).await;
    let alice = server.phone(ALICE);
    for tid in [false, true] {
        let form = || if tid { Form::new().tid() } else { Form::new() };
        let largest = form().file("a.bin", "application/x-thing", &noise(100_000));
        let largest = document(alice.upload(largest).await).await.file;
        assert_eq!(largest.size, 100_000);
        let large = form().file("a.bin", "application/x-thing", &noise(150_000));
        assert_eq!(alice.upload(large.clone()).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let pieces: Vec<_> =
            large.chunks(9_999).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        let chunked = Body::wrap_stream(futures_util::stream::iter(pieces));
        let shape = |request: RequestBuilder| request.header("Content-Type", content_type()).body(chunked);
        assert_eq!(alice.ask(Method::POST, "/content/", shape).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let program = [b"\x7fELF\x02\x01\x01".to_vec(), noise(50_000)].concat();
        let program = form().file("cat.png", "image/png", &program);
        assert_eq!(alice.upload(program).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let short = form().file("cat.png", "image/png", b"MZ\x90\0");
        assert_eq!(alice.upload(short).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let thumbnail = form().thumbnail(&noise(60_000)).file("a.txt", "text/plain", b"hello");
        assert_eq!(alice.upload(thumbnail).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    let no_form = alice.ask(Method::POST, "/content/", |request| request.body("hello")).await;
    assert_eq!(no_form.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let no_file = format!("--{BOUNDARY}--");
    assert_eq!(alice.upload(no_file.into()).await.status(), StatusCode::BAD_REQUEST);
    let bad_tid = Form::new().part("name=tid", b"../../x").file("a.txt", "text/plain", b"hello");
    assert_eq!(alice.upload(bad_tid).await.status(), StatusCode::BAD_REQUEST);
    becomes("nothing else is left", async || left_on_disk(server.data.path()).len() == 2).await;
    let metrics = server.metrics().await;
    assert!(metrics.contains("hongyan_files_refused_total{kind=\"type\"} 5"), "{metrics}");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_bounds_what_one_subscriber_keeps() {
    let server = Server::start(|config| {
        config.content.quota_bytes = 250_000.try_into().unwrap();
        config.content.quota_files = 3.try_into().unwrap();
    })
    .await;
    let (alice, bob) = (server.phone(ALICE), server.phone(BOB));
    for _ in 0..2 {
        alice.sends("a.bin", "application/x-thing", &noise(100_000)).await;
    }
    let another = || Form::new().file("a.bin", "application/x-thing", &noise(100_000));
    assert_eq!(alice.upload(another()).await.status(), StatusCode::FORBIDDEN);
    alice.sends("a.txt", "text/plain", b"small").await;
    let one_more = Form::new().file("a.txt", "text/plain", b"small");
    assert_eq!(alice.upload(one_more).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(bob.upload(another()).await.status(), StatusCode::OK);
    assert_eq!(left_on_disk(server.data.path()).len(), 4);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_subscriber_has_so_many_uploads_at_once_and_in_a_minute() {
    let server = Server::start(|config| {
        config.content.uploads_per_subscriber = 1.try_into().unwrap();
        config.content.uploads_per_minute = 3.try_into().unwrap();
    })
    .await;
    let (alice, bob) = (server.phone(ALICE), server.phone(BOB));
    let form = Form::new().tid().file("a.bin", "application/x-thing", &noise(100_000));
    let open = alice.begin_upload(&form, 50_000).await;
    let small = || Form::new().file("a.txt", "text/plain", b"hello");
    becomes("the first is under way", async || !left_on_disk(server.data.path()).is_empty()).await;
    let busy = alice.upload(small()).await;
    assert_eq!((busy.status(), header(&busy, "retry-after")), (StatusCode::TOO_MANY_REQUESTS, "2"));
    assert_eq!(bob.upload(small()).await.status(), StatusCode::OK);
    drop(open);
    becomes("the first is over", async || alice.upload(small()).await.status() == StatusCode::OK).await;
    assert_eq!(alice.upload(small()).await.status(), StatusCode::OK);
    assert_eq!(alice.upload(small()).await.status(), StatusCode::TOO_MANY_REQUESTS);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_sees_files_without_links_and_removes_them() {
    let server = Server::start(|_| {}).await;
    let alice = server.phone(ALICE);
    let file = alice.sends("a.txt", "text/plain", b"hello").await.file;
    let token = std::fs::read_to_string(server.data.path().join("admin-token")).unwrap();
    let call = |method: Method, path: String| {
        alice.request(&method, &format!("/admin/v1/files{path}")).bearer_auth(token.trim()).send()
    };
    let listed: serde_json::Value =
        call(Method::GET, "?owner=%2B8613800000001".into()).await.unwrap().json().await.unwrap();
    assert_eq!((&listed["usage"]["files"], &listed["usage"]["bytes"]), (&1.into(), &5.into()));
    assert_eq!(
        (&listed["files"][0]["name"], &listed["files"][0]["state"]),
        (&"a.txt".into(), &"complete".into())
    );
    assert!(!listed.to_string().contains(file.url.rsplit('/').next().unwrap()));
    let other: serde_json::Value =
        call(Method::GET, "?owner=%2B8613800000002".into()).await.unwrap().json().await.unwrap();
    assert_eq!(other["files"], serde_json::json!([]));
    let path = format!("/{}", listed["files"][0]["id"].as_str().unwrap());
    assert_eq!(call(Method::GET, path.clone()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(call(Method::DELETE, path.clone()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(call(Method::DELETE, path).await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(alice.fetch(&file.url, |request| request).await.status(), StatusCode::GONE);
    becomes("its bytes are gone", async || left_on_disk(server.data.path()).is_empty()).await;
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_file_cannot_run_on_our_origin() {
    let server = Server::start(|_| {}).await;
    let alice = server.phone(ALICE);
    let page = b"<!doctype html><script>alert(1)</script>";
    let picture = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    for (name, said, bytes) in [
        ("a.html", "text/html", &page[..]),
        ("a.png", "image/png", page),
        ("a.svg", "image/svg+xml", picture),
        ("a\"; x=\".svg", "image/svg+xml", picture),
    ] {
        let url = alice.sends(name, said, bytes).await.file.url;
        let answer = alice.fetch(&url, |request| request).await;
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert!(header(&answer, "content-security-policy").contains("default-src 'none'"));
        assert!(header(&answer, "content-security-policy").contains("sandbox;"));
        assert!(header(&answer, "content-disposition").starts_with("attachment;"), "{name}");
        assert!(!header(&answer, "content-type").starts_with("image/png"), "{name}");
    }
    let url = alice.sends("图.png", "image/png", &self::picture()).await.file.url;
    let answer = alice.fetch(&url, |request| request).await;
    assert_eq!(
        header(&answer, "content-disposition"),
        "inline; filename=\"_.png\"; filename*=UTF-8''%E5%9B%BE.png"
    );
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_with_their_owner() {
    let server = Server::start(|_| {}).await;
    let alice = server.phone(ALICE);
    let url = alice.sends("a.png", "image/png", &picture()).await.file.url;
    let token = std::fs::read_to_string(server.data.path().join("admin-token")).unwrap();
    let remove = alice.request(&Method::DELETE, "/admin/v1/subscribers/+8613800000001");
    assert!(remove.bearer_auth(token.trim()).send().await.unwrap().status().is_success());
    becomes("the link is dead", async || {
        alice.fetch(&url, |request| request).await.status() == StatusCode::GONE
    })
    .await;
    becomes("its bytes are gone", async || left_on_disk(server.data.path()).is_empty()).await;
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_goes_when_its_time_is_over_and_guesses_find_nothing() {
    let shorten = |config: &mut Config| {
        config.messages.keep_s = 1.try_into().unwrap();
        config.content.keep_s = 1.try_into().unwrap();
    };
    let server = Server::start(shorten).await;
    let alice = server.phone(ALICE);
    let url = alice.sends("a.txt", "text/plain", b"hello").await.file.url;
    let mut guess = url.clone();
    guess.replace_range(url.len() - 1.., if url.ends_with('A') { "B" } else { "A" });
    assert_eq!(alice.fetch(&guess, |request| request).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(alice.fetch(&url[..url.len() - 4], |request| request).await.status(), StatusCode::NOT_FOUND);
    becomes("the file is gone", async || {
        alice.fetch(&url, |request| request).await.status() == StatusCode::GONE
    })
    .await;
    // A start looks at once for what may go; later looks come now and then.
    let Server { running, data } = server;
    running.stop().await;
    let running = start_in(data.path(), shorten).await;
    becomes("its bytes are gone", async || left_on_disk(data.path()).is_empty()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_crash_and_what_was_not_leaves_nothing_dangling() {
    let data = tempfile::tempdir().unwrap();
    let launch = Launch::new(env!("CARGO_BIN_EXE_hongyan"), data.path());
    let platform = Platform::start(&launch).await.unwrap();
    platform.add_subscriber(ALICE, PASSWORD).await.unwrap();
    platform.add_subscriber(BOB, PASSWORD).await.unwrap();
    let http = |platform: &Platform| platform.server(sip::Transport::Ws).address;
    let (alice, bob) = (Phone::new(http(&platform), ALICE), Phone::new(http(&platform), BOB));
    let bytes = noise(3_000_000);
    let kept = alice.sends("kept.bin", "application/x-thing", &bytes).await.file;
    let with_id = Form::new().tid().file("a.bin", "application/x-thing", &bytes);
    let without = Form::new().file("b.bin", "application/x-thing", &bytes);
    let _first = alice.begin_upload(&with_id, 2_000_000).await;
    let _second = bob.begin_upload(&without, 2_000_000).await;
    let is_large = |path: &PathBuf| path.metadata().is_ok_and(|found| found.len() >= 1 << 20);
    let are_written = || left_on_disk(data.path()).iter().filter(|path| is_large(path)).count() == 3;
    becomes("both are written", async || are_written()).await;
    platform.kill().await.unwrap();

    let platform = Platform::start(&launch).await.unwrap();
    let alice = Phone::new(http(&platform), ALICE);
    // The port is another; the link is the same.
    let path = kept.url.rsplit('/').next().unwrap();
    let url = format!("http://{}/content/{path}", alice.http);
    assert_eq!(alice.bytes_at(&FileInfo { url, ..kept.clone() }).await, bytes);
    becomes("the upload without an id is swept", async || left_on_disk(data.path()).len() == 2).await;
    let info = resume_info(alice.upload_info().await).await;
    assert!(info.end + 1 >= 1 << 20);
    let transfer = document(alice.put_rest(&info, &bytes, info.end as usize + 1).await).await;
    assert_eq!(alice.bytes_at(&transfer.file).await, bytes);
    assert_eq!(left_on_disk(data.path()).len(), 2);
    assert!(platform.stop().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_megabytes_pass_in_constant_memory() {
    const BYTES: usize = 100 << 20;
    const PIECE: usize = 1 << 20;
    let data = tempfile::tempdir().unwrap();
    let platform = Platform::start(&Launch::new(env!("CARGO_BIN_EXE_hongyan"), data.path())).await.unwrap();
    platform.add_subscriber(ALICE, PASSWORD).await.unwrap();
    let alice = Phone::new(platform.server(sip::Transport::Ws).address, ALICE);
    // The first one, both ways, touches what a first one needs: code, tables, threads with buffers of their own.
    let first = noise(3 << 20);
    let sent = alice.sends("a.bin", "application/x-thing", &first).await;
    assert_eq!(alice.bytes_at(&sent.file).await, first);
    let peak_before = peak_bytes(platform.pid());

    let piece = noise(PIECE);
    let form = Form::new().tid().file("large.bin", "application/x-thing", b"|");
    let at = form.iter().position(|byte| *byte == b'|').unwrap();
    let pieces = (0..BYTES / PIECE).map({
        let piece = bytes::Bytes::from(piece.clone());
        move |_| piece.clone()
    });
    let around = [form[..at].to_vec(), form[at + 1..].to_vec()].map(bytes::Bytes::from);
    let [before, after] = around;
    let body = std::iter::once(before).chain(pieces).chain([after]).map(Ok::<_, std::io::Error>);
    let body = Body::wrap_stream(futures_util::stream::iter(body));
    let shape = |request: RequestBuilder| request.header("Content-Type", content_type()).body(body);
    let transfer = document(alice.ask(Method::POST, "/content/", shape).await).await;
    assert_eq!(transfer.file.size, BYTES as u64);

    let answer = alice.fetch(&transfer.file.url, |request| request).await;
    let mut stream = answer.bytes_stream();
    let mut received = 0;
    while let Some(bytes) = stream.next().await {
        for byte in bytes.unwrap() {
            assert_eq!(byte, piece[received % PIECE]);
            received += 1;
        }
    }
    assert_eq!(received, BYTES);
    let grown = peak_bytes(platform.pid()) - peak_before;
    // How many threads wait for a busy disk, and what each of them holds, is no matter of this test. Who kept the file in
    // memory, on its way in or out, would have grown by twice this.
    assert!(grown < BYTES as u64 / 2, "the process grew by {grown} bytes");
    assert!(platform.stop().await.unwrap());
}

/// The most memory that a process has had.
fn peak_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
