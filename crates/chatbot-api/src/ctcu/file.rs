//! File items: how the interface writes what handsets exchange as file transfer XML.
//!
//! `[{"type":"file","url":…,"fileName":…,"fileSize":…,"contentType":…,"until":…}, {"type":"thumbnail",…}]`

use rcs::{
    Timestamp,
    bot::{
        Violation,
        reader::{Faults, Members, kind},
        rule,
    },
    file_transfer::{FileInfo, FileTransfer, NAME_BYTES_MAX},
};
use serde::Serialize;
use serde_json::Value;

use super::{Refusal, ReturnCode, date_time};
use crate::read;

/// A file and its thumbnail.
const MAX_ITEMS: usize = 2;

/// Reads `contentText` of a file message; `path` is that of its item in `messageList`.
///
/// Accepts a single item instead of an array, and takes an item without `type` for the file.
pub fn read(path: &str, value: Value) -> Result<FileTransfer, Refusal> {
    let path = format!("{path}.contentText");
    if let Some(items) = value.as_array().map(Vec::len).filter(|items| *items > MAX_ITEMS) {
        return Err(Refusal::with(ReturnCode::TooManyFiles, format!("{path}: {items} > {MAX_ITEMS}")));
    }
    read_items(&path, value).map_err(|violations| Refusal::of_violations(&violations))
}

/// Reads the items of a file message, which stand at `path`.
pub(crate) fn read_items(path: &str, value: Value) -> Result<FileTransfer, Vec<Violation>> {
    let mut faults = Faults::default();
    let items = match value {
        Value::Array(items) => items,
        one @ Value::Object(_) => vec![one],
        other => {
            faults.add(path, rule::TYPE, format!("{} where an array belongs", kind(&other)));
            return faults.finish(None);
        }
    };
    if items.len() > MAX_ITEMS {
        faults.add(path, rule::COUNT, format!("{} > {MAX_ITEMS}", items.len()));
    }
    let (mut file, mut thumbnail) = (None, None);
    for (index, item) in items.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(mut item) = Members::of(path.as_str(), item, &mut faults) else {
            continue;
        };
        let again = match item.string("type", &mut faults).as_deref() {
            None | Some("file") => read_item(item, &mut faults).and_then(|info| file.replace(info)).is_some(),
            Some("thumbnail") => {
                read_item(item, &mut faults).and_then(|info| thumbnail.replace(info)).is_some()
            }
            Some(_) => {
                faults.add(format!("{path}.type"), rule::WORD, "not one of file, thumbnail");
                false
            }
        };
        if again {
            faults.add(path, rule::ONE_OF, "a second one of its type");
        }
    }
    if file.is_none() {
        faults.add(path, rule::REQUIRED, "no item of type file");
    }
    let transfer = file.map(|file| FileTransfer { thumbnail, file });
    faults.finish(transfer)
}

/// `contentText` of a file message.
pub fn write(transfer: &FileTransfer) -> Value {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Item<'a> {
        r#type: &'static str,
        url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_name: Option<&'a str>,
        file_size: u64,
        content_type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String>,
    }
    let item = |r#type, info: &FileInfo| {
        let item = Item {
            r#type,
            url: &info.url,
            file_name: info.name.as_deref(),
            file_size: info.size,
            content_type: &info.content_type,
            until: info.until.map(date_time),
        };
        serde_json::to_value(item).expect("strings and integers only")
    };
    let file = item("file", &transfer.file);
    Value::from_iter(
        [file].into_iter().chain(transfer.thumbnail.as_ref().map(|info| item("thumbnail", info))),
    )
}

/// The coarse kind of the file: `image`, `audio`, `video` or `other`.
pub fn message_item(transfer: &FileTransfer) -> &'static str {
    let kind = transfer.file.content_type.split('/').next().unwrap_or_default().trim();
    ["image", "audio", "video"].into_iter().find(|known| kind.eq_ignore_ascii_case(known)).unwrap_or("other")
}

fn read_item(mut item: Members, faults: &mut Faults) -> Option<FileInfo> {
    let url = item.text("url", faults);
    let size = item.required("fileSize", faults, Members::size);
    let content_type = item.text("contentType", faults);
    let name = item.string("fileName", faults);
    let until = item.string("until", faults).and_then(|until| {
        let time = Timestamp::parse_rfc3339(&until).ok();
        if time.is_none() {
            faults.add(item.at("until"), rule::TIME, "no RFC 3339 time");
        }
        time
    });
    for (key, text) in [("contentType", content_type.as_deref()), ("fileName", name.as_deref())] {
        if text.is_some_and(|text| text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control)) {
            faults.add(
                item.at(key),
                rule::TYPE,
                format!("control characters, or more than {NAME_BYTES_MAX} bytes"),
            );
        }
    }
    if url.as_deref().is_some_and(|url| !read::is_web_url(url)) {
        faults.add(item.at("url"), rule::URL, "no http or https URL");
    }
    let (disposition, playing_length, branded_url) = (None, None, None);
    let (size, content_type, url) = (size?, content_type?, url?);
    Some(FileInfo { size, name, content_type, url, until, disposition, playing_length, branded_url })
}
