//! Media that lie elsewhere, brought here: FNW.11's `fileUrl`, and the file URLs of other dialects.
//!
//! The platform goes where a chatbot says, so the rules of webhooks hold: public addresses only unless the operator allows
//! others for this chatbot, no redirects, a time for the whole, and no more bytes than may be kept.

use std::sync::Arc;
use std::time::Duration;

use store::{Chatbot, Media};

use super::receive::Upload;
use super::{Keep, Refusal, to_its_end};
use crate::http::App;

/// For everything, thumbnail included; less than whoever asks waits for an answer.
const FETCH_MAX: Duration = Duration::from_secs(25);

/// Brings what lies at `url`, and its small picture, into the library of `chatbot`.
pub(crate) async fn fetch(
    app: &Arc<App>,
    chatbot: &Chatbot,
    url: String,
    thumbnail_url: Option<String>,
    keep: Keep,
) -> Result<Media, Refusal> {
    let (app_, chatbot) = (app.clone(), chatbot.clone());
    let work = async move {
        let mut upload = Upload::begin(app_.clone(), &chatbot.address, app_.media.limits(chatbot.dialect))?;
        let bring = async {
            // The picture first: of two, the first is the thumbnail.
            for url in thumbnail_url.iter().chain([&url]) {
                bring(&app_, &chatbot, url, &mut upload).await?;
            }
            Ok(())
        };
        let late = || Refusal::Unreachable(format!("took more than {} s", FETCH_MAX.as_secs()));
        match tokio::time::timeout(FETCH_MAX, bring).await.unwrap_or_else(|_| Err(late())) {
            Ok(()) => upload.complete(keep).await,
            Err(refusal) => {
                upload.abandon().await;
                Err(refusal)
            }
        }
    };
    to_its_end(work, app).await
}

async fn bring(app: &App, chatbot: &Chatbot, url: &str, upload: &mut Upload) -> Result<(), Refusal> {
    let unreachable = |what: String| Refusal::Unreachable(format!("{}: {what}", shown(url)));
    let asked = app.pusher.get(url, chatbot.allow_private_webhook).await;
    let mut answer = asked.map_err(|failure| unreachable(failure.text))?;
    if !answer.status().is_success() {
        return Err(unreachable(format!("answered {}", answer.status().as_u16())));
    }
    let name = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next());
    upload
        .begin_file(name.filter(|name| !name.is_empty()).map(|name| name.chars().take(100).collect()))
        .await?;
    while let Some(bytes) = answer.chunk().await.map_err(|_| unreachable("broke off".to_owned()))? {
        upload.append(&bytes).await?;
    }
    Ok(())
}

/// Enough of a URL to know it again; what follows a `?` may be secret.
fn shown(url: &str) -> String {
    url.split('?').next().unwrap_or_default().chars().take(200).collect()
}
