//! The pictures on the cards: drawn by code, kept in memory, served under `/media/`.
//!
//! A train's picture carries its number on a departure board. Pictures are made when first asked for; their
//! size is part of the card, so the card asks for the bytes as well.

mod draw;
mod icon;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::content::Media;
use draw::Scene;

const PNG: &str = "image/png";

/// Pictures kept; more than there are trains.
const KEPT_MAX: usize = 1000;

/// Makes pictures and remembers them.
#[derive(Default)]
pub struct Gallery {
    made: Mutex<HashMap<String, Arc<[u8]>>>,
    scenes: Mutex<HashMap<Scene, Arc<[u8]>>>,
}

impl Gallery {
    /// One of the fixed pictures: `welcome` or `payment`.
    pub fn picture(&self, public_url: &str, name: &str, text: &str) -> Media {
        self.media(public_url, &format!("{name}.png"), text)
    }

    /// The picture of a train by its number.
    pub fn train(&self, public_url: &str, number: &str) -> Media {
        self.media(public_url, &format!("train/{number}.png"), number)
    }

    /// The bytes at a path below `/media/`. `None` if there is no such picture; whether the train exists is
    /// for the caller to know.
    pub fn bytes(&self, path: &str) -> Option<Arc<[u8]>> {
        if let Some(made) = self.made.lock().expect("no drawing panics").get(path) {
            return Some(made.clone());
        }
        if path == "icon.png" {
            return Some(self.keep(path, icon::png()));
        }
        let name = path.strip_suffix(".png")?;
        let (scene, board) = match (name, name.strip_prefix("train/")) {
            ("welcome", _) => (Scene::Dawn, "12306"),
            ("payment", _) => (Scene::Payment, "PAY"),
            (_, Some(number)) => (Scene::of_train(number)?, number),
            _ => return None,
        };
        let base = self.scene(scene);
        Some(self.keep(path, draw::png(&draw::with_board(&base, board), draw::WIDTH)))
    }

    fn keep(&self, path: &str, png: Vec<u8>) -> Arc<[u8]> {
        let png: Arc<[u8]> = png.into();
        let mut made = self.made.lock().expect("no drawing panics");
        if made.len() < KEPT_MAX {
            made.insert(path.to_string(), png.clone());
        }
        png
    }

    fn media(&self, public_url: &str, path: &str, text: &str) -> Media {
        let bytes = self.bytes(path).map_or(0, |bytes| bytes.len());
        Media {
            url: format!("{public_url}/media/{path}"),
            content_type: PNG,
            bytes,
            description: text.to_string(),
        }
    }

    fn scene(&self, scene: Scene) -> Arc<[u8]> {
        let mut scenes = self.scenes.lock().expect("no drawing panics");
        scenes.entry(scene).or_insert_with(|| draw::scene(scene).into()).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_picture_is_a_png_of_modest_size() {
        let gallery = Gallery::default();
        for path in
            ["icon.png", "welcome.png", "payment.png", "train/G1.png", "train/D51.png", "train/K101.png"]
        {
            let bytes = gallery.bytes(path).expect("a known picture");
            assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n", "{path}");
            assert!(bytes.len() < 150_000, "{path} has {} bytes", bytes.len());
        }
        let media = gallery.train("http://bot", "G1");
        assert_eq!(media.url, "http://bot/media/train/G1.png");
        assert_eq!(media.bytes, gallery.bytes("train/G1.png").expect("G1").len());
    }

    #[test]
    fn other_paths_are_no_pictures() {
        let gallery = Gallery::default();
        for path in
            ["", "x.png", "train/.png", "train/X1.png", "train/G1", "../welcome.png", "train/G12345.png"]
        {
            assert!(gallery.bytes(path).is_none(), "{path}");
        }
    }
}
