//! The web handset and the pages beside it (`/docs/`, `/tools/card/`): the files of `web/dist`, built into the binary.
//!
//! `index.html` is asked for anew each time (`ETag`); files under `assets/` carry a hash in their names and never change.

use std::fmt::Write as _;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use rust_embed::RustEmbed;
use tower_http::compression::CompressionLayer;

#[derive(RustEmbed)]
#[folder = "../../web/dist/"]
struct Files;

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Hongyan</title>\
     <h1>鸿雁 Hongyan</h1><p>The web handset is not built into this binary: run <code>make web</code>, then build again.\n";

/// `/`, every file of the web handset, and its other pages by their directories; 404 for the rest.
#[expect(clippy::disallowed_methods, reason = "files, not calls")]
pub fn router() -> Router {
    let index = |headers: HeaderMap| async move { file("index.html", &headers) };
    let other = |Path(path): Path<String>, headers: HeaderMap| async move { file(&path, &headers) };
    Router::new().route("/", get(index)).route("/{*path}", get(other)).layer(CompressionLayer::new())
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    let page = || Files::get(&format!("{}/index.html", path.trim_end_matches('/')));
    let is_file = path.contains('.');
    let Some(file) = (if is_file { Files::get(path) } else { page() }) else {
        return match path {
            "index.html" => (StatusCode::SERVICE_UNAVAILABLE, Html(NOT_BUILT)).into_response(),
            _ => (StatusCode::NOT_FOUND, "there is nothing here\n").into_response(),
        };
    };
    let etag = etag(&file.metadata.sha256_hash()[..16]);
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    if is_current(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, etag), (CACHE_CONTROL, cache.to_owned())]).into_response();
    }
    let head = [
        (CONTENT_TYPE, content_type(if is_file { path } else { "index.html" }).to_owned()),
        (ETAG, etag),
        (CACHE_CONTROL, cache.to_owned()),
    ];
    (head, Body::from(file.data.into_owned())).into_response()
}

/// A weak entity tag: compressed and plain it names the same content.
fn etag(hash: &[u8]) -> String {
    let mut etag = "W/\"".to_owned();
    for byte in hash {
        write!(etag, "{byte:02x}").expect("writing to a String does not fail");
    }
    etag.push('"');
    etag
}

/// Whether the client has what `etag` names (RFC 9110 §13.1.2).
pub(super) fn is_current(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
}

/// The media types of what a web build holds.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_has_the_file_is_told_so() {
        let tag = etag(&[0xab, 0x01]);
        assert_eq!(tag, "W/\"ab01\"");
        let headers = |value: &str| HeaderMap::from_iter([(IF_NONE_MATCH, value.parse().unwrap())]);
        assert!(is_current(&headers("\"x\", W/\"ab01\""), &tag));
        assert!(is_current(&headers("\"ab01\""), &tag));
        assert!(is_current(&headers("*"), &tag));
        assert!(!is_current(&headers("\"ab02\""), &tag));
        assert!(!is_current(&HeaderMap::new(), &tag));
    }
}
