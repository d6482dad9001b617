//! The media library over HTTP, as chatbots of China Telecom and China Unicom use it: uploads, what is refused, downloads,
//! deletion, expiry, and what is fetched from elsewhere.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]
#![allow(clippy::disallowed_methods, reason = "a server of the test's own")]

mod common;

use common::Server;
use hongyan::config::Config;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

const BOUNDARY: &str = "next-part";

/// A chatbot's program.
struct Bot<'s> {
    server: &'s Server,
    /// `http://…/bot/v1/{chatbotId}`
    base: String,
    token: String,
}

impl<'s> Bot<'s> {
    async fn new(server: &'s Server, name: &str) -> Self {
        let body = json!({ "name": name });
        let made = server.admin(Method::POST, "/chatbots").json(&body).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::CREATED);
        let made: Value = made.json().await.unwrap();
        let base =
            format!("http://{}/bot/v1/{}", server.running.bound.http, made["chatbotId"].as_str().unwrap());
        let keys = json!({ "appId": made["appId"], "appKey": made["appKey"] });
        let call = server.client.post(format!("{base}/accessToken")).json(&keys);
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        Self { server, base, token: answer["accessToken"].as_str().unwrap().to_owned() }
    }

    fn call(&self, method: Method, operation: &str) -> reqwest::RequestBuilder {
        let call = self.server.client.request(method, format!("{}/{operation}", self.base));
        call.header("authorization", format!("accessToken {}", self.token))
    }

    async fn upload(&self, mode: &str, form: Vec<u8>) -> Value {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let call = self.call(Method::POST, "medias/upload").header("uploadMode", mode);
        answer(call.header("content-type", content_type).body(form).send().await.unwrap()).await
    }

    async fn delete(&self, url: &str) -> Value {
        answer(self.call(Method::DELETE, "medias/delete").header("url", url).send().await.unwrap()).await
    }

    async fn download(&self, url: &str) -> Response {
        self.call(Method::GET, "medias/download").header("url", url).send().await.unwrap()
    }
}

async fn answer(response: Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

/// A form with these files: name of the field, of the file, declared type, bytes.
fn form(files: &[(&str, &str, &str, &[u8])]) -> Vec<u8> {
    let mut form = Vec::new();
    for (field, name, content_type, bytes) in files {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: {content_type}\r\n\r\n"
        );
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(bytes);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    form
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::from(picture).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn server(change: impl FnOnce(&mut Config)) -> Server {
    Server::with(&[], "", change).await
}

async fn fetch(server: &Server, url: &Value) -> Response {
    server.client.get(url.as_str().unwrap()).send().await.unwrap()
}

/// Files in the content directory, thumbnails included.
fn files_on_disk(server: &Server) -> usize {
    let mut waiting = vec![server.data.path().join("content")];
    let mut files = 0;
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { waiting.push(path) } else { files += 1 }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_gets_a_thumbnail_and_links_that_handsets_fetch_until_it_is_deleted() {
    let server = server(|_| {}).await;
    let bot = Bot::new(&server, "weather").await;
    let bytes = picture(600, 300);
    // The type that its sender declares means nothing.
    let kept = bot.upload("perm", form(&[("img", "晴.png", "video/mp4", &bytes)])).await;
    assert_eq!(
        (&kept["errorCode"], &kept["fileCount"], &kept["totalCount"]),
        (&json!(0), &json!(2), &json!(1))
    );
    let [file, thumbnail] = &kept["fileInfo"].as_array().unwrap()[..] else { panic!("{kept}") };
    assert_eq!((&file["contentType"], &file["fileName"]), (&json!("image/png"), &json!("晴.png")));
    assert_eq!(file["fileSize"], json!(bytes.len()));
    assert!(file.get("until").is_none());

    let fetched = fetch(&server, &file["url"]).await;
    assert_eq!(fetched.headers()["content-type"], "image/png");
    assert_eq!(fetched.bytes().await.unwrap(), bytes);
    let small = fetch(&server, &thumbnail["url"]).await.bytes().await.unwrap();
    assert_eq!(image::load_from_memory(&small).unwrap().width(), 256);

    let url = file["url"].as_str().unwrap();
    let part = bot.call(Method::GET, "medias/download").header("url", url).header("range", "bytes=1-3");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), "PNG");
    let beyond = bot.call(Method::GET, "medias/download").header("url", url).header("range", "bytes=999999-");
    assert_eq!(answer(beyond.send().await.unwrap()).await["errorCode"], json!(20002));
    let posted = bot.call(Method::POST, "medias/download").header("url", url).send().await.unwrap();
    assert_eq!(answer(posted).await["errorCode"], json!(43001));

    let gone = bot.delete(url).await;
    assert_eq!((&gone["deleteMode"], &gone["fileCount"]), (&json!("perm"), &json!(2)));
    assert_eq!(gone["totalCount"], json!(0));
    assert_eq!(bot.delete(url).await["errorCode"], json!(40007));
    assert_eq!(answer(bot.download(url).await).await["errorCode"], json!(40007));
    assert_eq!(fetch(&server, &file["url"]).await.status(), StatusCode::GONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_pictures_the_first_is_the_thumbnail_of_the_second() {
    let server = server(|_| {}).await;
    let bot = Bot::new(&server, "weather").await;
    let (small, large) = (picture(20, 10), picture(400, 200));
    let kept = bot
        .upload("temp", form(&[("1", "s.png", "image/png", &small), ("2", "l.png", "image/png", &large)]))
        .await;
    let [thumbnail, file] = &kept["fileInfo"].as_array().unwrap()[..] else { panic!("{kept}") };
    assert_eq!((&thumbnail["fileSize"], &file["fileSize"]), (&json!(small.len()), &json!(large.len())));
    assert!(file["until"].as_str().unwrap().ends_with("+08:00"));
    assert_eq!(fetch(&server, &thumbnail["url"]).await.bytes().await.unwrap(), small);
    assert_eq!(files_on_disk(&server), 2);

    // Unless the second is called so.
    let named = [("File", "l.png", "image/png", &large[..]), ("Thumbnail", "s.png", "image/png", &small)];
    let kept = bot.upload("temp", form(&named)).await;
    let [file, thumbnail] = &kept["fileInfo"].as_array().unwrap()[..] else { panic!("{kept}") };
    assert_eq!((&thumbnail["fileSize"], &file["fileSize"]), (&json!(small.len()), &json!(large.len())));
    assert_eq!(files_on_disk(&server), 4);

    let film = include_bytes!("../../../fixtures/rcs/playing/sound.m4a");
    let three =
        [("1", "a", "image/png", &small[..]), ("2", "b", "audio/mp4", film), ("3", "c", "audio/mp4", film)];
    assert_eq!(bot.upload("temp", form(&three)).await["errorCode"], json!(40040));
    let two = [("1", "a", "audio/mp4", &film[..]), ("2", "b", "audio/mp4", film)];
    assert_eq!(bot.upload("temp", form(&two)).await["errorCode"], json!(40040));
    assert_eq!(files_on_disk(&server), 4, "nothing is left of what was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_open_the_interface_of_their_chatbot_and_no_other() {
    let server = server(|_| {}).await;
    for dialect in ["cm", "fnw11", "rbm"] {
        let body = json!({ "name": dialect, "dialect": dialect });
        let made = server.admin(Method::POST, "/chatbots").json(&body).send().await.unwrap();
        let made: Value = made.error_for_status().unwrap().json().await.unwrap();
        let http = server.running.bound.http;
        let url = format!("http://{http}/bot/v1/{}/accessToken", made["chatbotId"].as_str().unwrap());
        let keys = json!({ "appId": made["appId"], "appKey": made["appKey"] });
        let refused = answer(server.client.post(url).json(&keys).send().await.unwrap()).await;
        assert_eq!(refused["errorCode"], json!(48001), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_is_refused_with_the_code_that_says_why() {
    let server = server(|config| {
        config.media.image_bytes = 2000.try_into().unwrap();
        config.media.thumbnail_bytes = 100.try_into().unwrap();
        config.media.quota_files = 1.try_into().unwrap();
    })
    .await;
    let bot = Bot::new(&server, "weather").await;
    let upload = async |files: &[(&str, &str, &str, &[u8])]| {
        let refused = bot.upload("perm", form(files)).await;
        (refused["errorCode"].as_i64().unwrap(), refused["errorMessage"].as_str().unwrap().to_owned())
    };
    let small = picture(4, 4);
    let large = [small.clone(), vec![b'x'; 3000]].concat();
    let page = b"<html><script>alert(1)</script></html>".as_slice();
    let film = include_bytes!("../../../fixtures/rcs/playing/film.mp4").as_slice();
    let one = |bytes| [("file", "a.png", "image/png", bytes)];
    assert_eq!(upload(&one(page)).await.0, 40005);
    assert_eq!(upload(&one(&large)).await.0, 40006);
    assert_eq!(upload(&one(b"")).await.0, 44001);
    assert_eq!(upload(&[]).await.0, 41005);
    let (code, message) = upload(&one(film)).await;
    assert_eq!((code, message.as_str()), (40006, "plays 61.500 s, more than 60 s"));
    let heavy = [("t", "t.png", "image/png", &large[..]), ("f", "f.png", "image/png", &small[..])];
    assert_eq!(upload(&heavy).await.0, 40006);
    let call = bot.call(Method::POST, "medias/upload").header("content-type", "multipart/form-data");
    assert_eq!(answer(call.body("x").send().await.unwrap()).await["errorCode"], json!(20003));
    assert_eq!(bot.upload("later", form(&one(&small))).await["errorCode"], json!(20002));
    assert_eq!(files_on_disk(&server), 0, "nothing is left of what was refused");

    assert_eq!(upload(&one(&small)).await.0, 0);
    assert_eq!(upload(&one(&small)).await.0, 40040, "the quota is one");
    let stranger = Bot { server: &server, base: bot.base.clone(), token: "guessed".to_owned() };
    assert_eq!(stranger.upload("perm", form(&one(&small))).await["errorCode"], json!(40014));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_chatbots_media_are_no_others_and_go_with_their_chatbot() {
    let server = server(|_| {}).await;
    let (rail, rain) = (Bot::new(&server, "rail").await, Bot::new(&server, "rain").await);
    let kept = rail.upload("perm", form(&[("file", "a.png", "image/png", &picture(4, 4))])).await;
    let url = kept["fileInfo"][0]["url"].as_str().unwrap();
    assert_eq!(rain.delete(url).await["errorCode"], json!(40007));
    let listed = server.admin(Method::GET, "/media?chatbot=rail").send().await.unwrap();
    let listed: Value = listed.json().await.unwrap();
    assert_eq!((&listed["usage"]["files"], &listed["media"][0]["url"]), (&json!(1), &json!(url)));
    let none = server.admin(Method::GET, "/media?chatbot=rain").send().await.unwrap();
    assert_eq!(none.json::<Value>().await.unwrap()["media"], json!([]));

    server.admin(Method::DELETE, "/chatbots/rail").send().await.unwrap().error_for_status().unwrap();
    // The rows go within the next batches, and the links find nothing then.
    while fetch(&server, &json!(url)).await.status() != StatusCode::GONE {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_media_go_when_their_time_is_over() {
    let server = server(|config| config.media.temp_s = 1.try_into().unwrap()).await;
    let bot = Bot::new(&server, "weather").await;
    let kept = bot.upload("temp", form(&[("file", "a.png", "image/png", &picture(4, 4))])).await;
    assert_eq!(kept["errorCode"], json!(0));
    while fetch(&server, &kept["fileInfo"][0]["url"]).await.status() != StatusCode::GONE {
        tokio::task::yield_now().await;
    }
    // Expired, or, a moment later, gone altogether.
    let answer = answer(bot.download(kept["fileInfo"][0]["url"].as_str().unwrap()).await).await;
    assert!([json!(40022), json!(40007)].contains(&answer["errorCode"]), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_elsewhere_is_brought_here_unless_it_lies_within() {
    let bytes = picture(300, 300);
    let served = bytes.clone();
    let router = axum::Router::new()
        .route("/sun.png", axum::routing::get(move || async move { served }))
        .route("/away", axum::routing::get(|| async { axum::response::Redirect::temporary("/sun.png") }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let server = server(|_| {}).await;
    for (name, allow) in [("near", true), ("far", false)] {
        let body = json!({ "name": name, "allowPrivateWebhook": allow });
        server.admin(Method::POST, "/chatbots").json(&body).send().await.unwrap().error_for_status().unwrap();
    }
    let add = async |chatbot: &str, path: &str| {
        let new = json!({ "chatbot": chatbot, "url": format!("{elsewhere}{path}"), "until": "2099-01-01T00:00:00Z" });
        server.admin(Method::POST, "/media").json(&new).send().await.unwrap()
    };
    let kept: Value = add("near", "/sun.png").await.json().await.unwrap();
    assert_eq!((&kept["name"], &kept["contentType"]), (&json!("sun.png"), &json!("image/png")));
    assert_eq!(kept["expiresAt"], json!("2099-01-01T00:00:00.000Z"));
    assert_eq!(fetch(&server, &kept["url"]).await.bytes().await.unwrap(), bytes);
    assert!(kept["thumbnailUrl"].is_string());
    for (chatbot, path) in [("far", "/sun.png"), ("near", "/away"), ("near", "/nothing")] {
        let refused = add(chatbot, path).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{chatbot} {path}");
    }
    let id = kept["id"].as_str().unwrap();
    let shown = server.admin(Method::GET, &format!("/media/{id}")).send().await.unwrap();
    assert_eq!(shown.json::<Value>().await.unwrap(), kept);
    let removed = server.admin(Method::DELETE, &format!("/media/{id}")).send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::OK);
    assert_eq!(fetch(&server, &kept["url"]).await.status(), StatusCode::GONE);
}
