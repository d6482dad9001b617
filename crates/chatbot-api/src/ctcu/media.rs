//! Media: `POST …/medias/upload`, `GET …/medias/download`, `DELETE …/medias/delete` (maap-api §2.6).
//!
//! Uploads are forms with a file, and perhaps its thumbnail before it; names of fields differ from client to client and mean
//! nothing. The header `uploadMode` says how long they are kept, the header `url` which one is meant.

use rcs::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Refusal, ReturnCode, date_time};

/// How long an upload is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UploadMode {
    /// Until the chatbot deletes it; the operator looks at it first.
    Perm,
    /// For a while.
    Temp,
}

impl UploadMode {
    /// Reads the header `uploadMode`; without one, an upload is permanent.
    ///
    /// # Errors
    /// 20002 for another word.
    pub fn parse(header: Option<&str>) -> Result<Self, Refusal> {
        match header.map(str::trim).unwrap_or_default() {
            "" => Ok(Self::Perm),
            word if word.eq_ignore_ascii_case("perm") => Ok(Self::Perm),
            word if word.eq_ignore_ascii_case("temp") => Ok(Self::Temp),
            word => {
                let word: String = word.chars().take(20).collect();
                Err(Refusal::with(
                    ReturnCode::BadParameter,
                    format!("uploadMode: {word:?} is not perm or temp"),
                ))
            }
        }
    }
}

/// One file of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaInfo {
    /// Where handsets fetch it; it goes into cards and file messages.
    pub url: String,
    /// As the chatbot calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// What its bytes say it is.
    pub content_type: String,
    /// Bytes.
    pub file_size: u64,
    /// When it goes; absent for what is permanent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl MediaInfo {
    /// A file at `url`.
    pub fn new(url: String, content_type: String, file_size: u64, until: Option<Timestamp>) -> Self {
        Self { url, file_name: None, content_type, file_size, until: until.map(date_time) }
    }
}

/// The answer to an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadAnswer {
    /// The files: in the order in which they came, and after them a thumbnail that was made here.
    pub file_info: Vec<MediaInfo>,
    /// How many these are.
    pub file_count: u64,
    /// How many uploads the chatbot has in all.
    pub total_count: u64,
    /// 0.
    pub error_code: i32,
    /// `ok`
    pub error_message: String,
}

impl UploadAnswer {
    /// All went well.
    pub fn new(file_info: Vec<MediaInfo>, total_count: u64) -> Self {
        Self {
            file_count: file_info.len() as u64,
            file_info,
            total_count,
            error_code: ReturnCode::Ok.number(),
            error_message: ReturnCode::Ok.meaning().to_owned(),
        }
    }
}

/// The answer to a deletion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteAnswer {
    /// How the upload was kept.
    pub delete_mode: UploadMode,
    /// How many files went.
    pub file_count: u64,
    /// How many uploads the chatbot has left.
    pub total_count: u64,
    /// 0.
    pub error_code: i32,
    /// `ok`
    pub error_message: String,
}

impl DeleteAnswer {
    /// It is gone.
    pub fn new(delete_mode: UploadMode, file_count: u64, total_count: u64) -> Self {
        Self {
            delete_mode,
            file_count,
            total_count,
            error_code: ReturnCode::Ok.number(),
            error_message: ReturnCode::Ok.meaning().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_clients_write_them() {
        assert_eq!(UploadMode::parse(Some("perm")), Ok(UploadMode::Perm));
        assert_eq!(UploadMode::parse(Some(" Temp ")), Ok(UploadMode::Temp));
        assert_eq!(UploadMode::parse(None), Ok(UploadMode::Perm));
        assert_eq!(UploadMode::parse(Some("")), Ok(UploadMode::Perm));
        assert_eq!(UploadMode::parse(Some("for ever")).unwrap_err().code, ReturnCode::BadParameter);
    }

    #[test]
    fn answers_are_the_documented_ones() {
        let until = Timestamp::from_seconds(1_579_243_340);
        let mut temporary =
            MediaInfo::new("https://f.example/1".to_owned(), "image/png".to_owned(), 7, Some(until));
        temporary.file_name = Some("a.png".to_owned());
        let permanent = MediaInfo::new("https://f.example/2".to_owned(), "image/jpeg".to_owned(), 5, None);
        let answer = serde_json::to_string(&UploadAnswer::new(vec![temporary, permanent], 3)).unwrap();
        assert_eq!(
            answer,
            concat!(
                r#"{"fileInfo":[{"url":"https://f.example/1","fileName":"a.png","contentType":"image/png","#,
                r#""fileSize":7,"until":"2020-01-17T14:42:20.000+08:00"},"#,
                r#"{"url":"https://f.example/2","contentType":"image/jpeg","fileSize":5}],"#,
                r#""fileCount":2,"totalCount":3,"errorCode":0,"errorMessage":"ok"}"#
            )
        );
        assert_eq!(
            serde_json::to_string(&DeleteAnswer::new(UploadMode::Perm, 1, 2)).unwrap(),
            r#"{"deleteMode":"perm","fileCount":1,"totalCount":2,"errorCode":0,"errorMessage":"ok"}"#
        );
    }
}
