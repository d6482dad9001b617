//! MSRP connections of a running handset: one for each call, in tasks of their own.

use std::collections::HashMap;
use std::io;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use msrp::Frame;
use msrp::stream::{Framer, Part};
use rcs::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::{Handset, Media};

/// Parts that may wait to be looked at; beyond, connections are not read.
const PARTS_MAX: usize = 256;
/// Room for one read.
const READ_BYTES: usize = 64 * 1024;

/// What connections tell.
pub(super) enum Heard {
    Connected(u64),
    Part(u64, Part),
    Closed(u64),
}

/// The connections of one handset.
pub(super) struct Connections {
    open: HashMap<u64, mpsc::UnboundedSender<Bytes>>,
    heard: mpsc::Receiver<Heard>,
    tell: mpsc::Sender<Heard>,
}

impl Connections {
    pub(super) fn new() -> Self {
        let (tell, heard) = mpsc::channel(PARTS_MAX);
        Self { open: HashMap::new(), heard, tell }
    }

    /// What was heard next. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Heard {
        self.heard.recv().await.expect("we hold a sender ourselves")
    }

    /// Does what a handset wants done.
    pub(super) fn perform(&mut self, handset: &mut Handset) {
        while let Some(media) = handset.poll_media() {
            match media {
                Media::Connect { call, to, is_websocket } => {
                    let (sender, queue) = mpsc::unbounded_channel();
                    self.open.insert(call, sender);
                    let tell = self.tell.clone();
                    tokio::spawn(async move {
                        // An error is an end like any other to the handset.
                        let _ = if is_websocket {
                            websocket(call, to, queue, &tell).await
                        } else {
                            stream(call, to, queue, &tell).await
                        };
                        let _ = tell.send(Heard::Closed(call)).await;
                    });
                }
                Media::Send { call, bytes } => {
                    if let Some(sender) = self.open.get(&call) {
                        let _ = sender.send(bytes);
                    }
                }
                Media::Close { call } => drop(self.open.remove(&call)),
            }
        }
    }
}

/// Takes note of what a connection told.
pub(super) fn take(handset: &mut Handset, now: Timestamp, heard: Heard) {
    match heard {
        Heard::Connected(call) => handset.media_connected(now, call),
        Heard::Part(call, part) => handset.media_received(now, call, part),
        Heard::Closed(call) => handset.media_closed(now, call),
    }
}

async fn stream(
    call: u64,
    (host, port): (String, u16),
    mut queue: mpsc::UnboundedReceiver<Bytes>,
    tell: &mpsc::Sender<Heard>,
) -> io::Result<()> {
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.into_split();
    let _ = tell.send(Heard::Connected(call)).await;
    let write = async {
        while let Some(bytes) = queue.recv().await {
            writer.write_all(&bytes).await?;
        }
        writer.shutdown().await
    };
    let read = async {
        let mut framer = Framer::new();
        loop {
            framer.buffer_mut().reserve(READ_BYTES);
            if reader.read_buf(framer.buffer_mut()).await? == 0 {
                return Ok(());
            }
            while let Some(part) = framer.poll().map_err(io::Error::other)? {
                let _ = tell.send(Heard::Part(call, part)).await;
            }
        }
    };
    tokio::select! {
        ended = write => ended,
        ended = read => ended,
    }
}

async fn websocket(
    call: u64,
    (host, port): (String, u16),
    mut queue: mpsc::UnboundedReceiver<Bytes>,
    tell: &mpsc::Sender<Heard>,
) -> io::Result<()> {
    let mut request = format!("ws://{host}:{port}/msrp").into_client_request().map_err(io::Error::other)?;
    let subprotocol = tungstenite::http::HeaderValue::from_static("msrp");
    request.headers_mut().insert("Sec-WebSocket-Protocol", subprotocol);
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    stream.set_nodelay(true)?;
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await.map_err(io::Error::other)?;
    let (mut sink, mut stream) = socket.split();
    let _ = tell.send(Heard::Connected(call)).await;
    let write = async {
        while let Some(bytes) = queue.recv().await {
            sink.send(tungstenite::Message::binary(bytes)).await.map_err(io::Error::other)?;
        }
        sink.close().await.map_err(io::Error::other)
    };
    let read = async {
        while let Some(message) = stream.next().await {
            let bytes = match message.map_err(io::Error::other)? {
                tungstenite::Message::Text(text) => Bytes::from(text),
                tungstenite::Message::Binary(bytes) => bytes,
                _ => continue,
            };
            let frame = Frame::parse(bytes).map_err(io::Error::other)?;
            let body = frame.body.filter(|body| !body.is_empty()).map(Part::Data);
            let parts = [Some(Part::Head(frame.head)), body, Some(Part::End(frame.continuation))];
            for part in parts.into_iter().flatten() {
                let _ = tell.send(Heard::Part(call, part)).await;
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = write => ended,
        ended = read => ended,
    }
}
