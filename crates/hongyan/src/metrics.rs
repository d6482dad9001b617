//! What `/metrics` tells Prometheus: counters, gauges and histograms, and the names they go by.
//!
//! One [`Metrics`] for the process, shared by reference; every member is cheap to update from any thread. Labels have few
//! values: nothing that a peer can choose becomes a label.

use std::fmt::Write as _;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is measured.
pub struct Metrics {
    registry: Registry,
    /// Inputs taken from the inbox.
    pub inputs: Family<Kind, Counter>,
    /// Inputs waiting in the inbox.
    pub inbox_depth: Gauge,
    /// Inputs turned away at the edge because the inbox was full.
    pub refused: Family<Kind, Counter>,
    /// Batches decided.
    pub batches: Counter,
    /// Inputs in a batch.
    pub batch_inputs: Histogram,
    /// From a batch being taken up to its being on disk; batches without changes are not counted.
    pub commit_seconds: Histogram,
    /// What became of messages: `accepted`, `delivered`, `stored`, `expired`, …
    pub messages: Family<Message, Counter>,
    /// REGISTERs: `accepted` (new ones and refreshes), `challenged`.
    pub registrations: Family<Outcome, Counter>,
    /// Calls of chatbots' APIs by the code of the answer.
    pub api_calls: Family<ApiCall, Counter>,
    /// Callback checks of webhooks: `passed`, `failed`.
    pub callback_checks: Family<Outcome, Counter>,
    /// Files of handsets: `uploaded`, `downloaded`, `broken off` (and may be resumed), `expired`.
    pub files: Family<Message, Counter>,
    /// Bytes of files and what comes with them, `in` and `out`.
    pub file_bytes: Family<Kind, Counter>,
    /// Uploads refused: `quota`, `size`, `type`, `busy`, `timeout`, …
    pub files_refused: Family<Kind, Counter>,
    /// Connections open, WebSocket included.
    pub connections: Family<Transport, Gauge>,
    /// Connections refused or closed because a ceiling was reached.
    pub connections_refused: Family<Kind, Counter>,
    /// MSRP connections open, WebSocket included.
    pub msrp_connections: Gauge,
    /// Messages over MSRP: `received` whole, `sent` whole, `failed`, `spooled`, `malformed`.
    pub msrp: Family<Kind, Counter>,
    /// Bytes that were no SIP message.
    pub malformed: Family<Transport, Counter>,
    /// Datagrams that the kernel would not take.
    pub datagrams_dropped: Counter,
    /// Webhook calls by how they ended.
    pub pushes: Family<Outcome, Counter>,
    /// From the start of a webhook call to its end.
    pub push_seconds: Histogram,
    /// Webhooks that took nothing any more and are `left_alone` but for a try now and then, and those that are `back`.
    pub webhooks: Family<Outcome, Counter>,
    /// What was given up on on its way to chatbots: `kept` as a dead letter, `lost` for want of room.
    pub dead_letters: Family<Outcome, Counter>,
}

/// Label `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Kind {
    /// One of a few fixed words.
    pub kind: Word,
}

/// Label `outcome`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// One of a few fixed words.
    pub outcome: Word,
}

/// Label `transport`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Transport {
    /// `UDP`, `TCP`, `TLS`, `WS`, `WSS`.
    pub transport: Word,
}

/// Label `event`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Message {
    /// What happened to it.
    pub event: Word,
}

/// Labels of [`Metrics::api_calls`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ApiCall {
    /// In which API.
    pub dialect: Word,
    /// Which call.
    pub call: Word,
    /// What the answer says: `errorCode`, or the HTTP status.
    pub code: i64,
}

/// A label value from our source code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Word(pub &'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(self.0)
    }
}

impl Kind {
    /// The label with this value.
    pub fn of(kind: &'static str) -> Self {
        Self { kind: Word(kind) }
    }
}

impl Outcome {
    /// The label with this value.
    pub fn of(outcome: &'static str) -> Self {
        Self { outcome: Word(outcome) }
    }
}

impl Transport {
    /// The label of a SIP transport.
    pub fn of(transport: sip::Transport) -> Self {
        Self { transport: Word(transport.via_token()) }
    }
}

impl ApiCall {
    /// The labels of a call that was answered with `code`.
    pub fn of(dialect: &'static str, call: &'static str, code: i32) -> Self {
        Self { dialect: Word(dialect), call: Word(call), code: i64::from(code) }
    }
}

impl Message {
    /// The label with this value.
    pub fn of(event: &'static str) -> Self {
        Self { event: Word(event) }
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("hongyan");
        let metrics = Self {
            inputs: Family::default(),
            inbox_depth: Gauge::default(),
            refused: Family::default(),
            batches: Counter::default(),
            batch_inputs: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            commit_seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 14)),
            messages: Family::default(),
            registrations: Family::default(),
            api_calls: Family::default(),
            callback_checks: Family::default(),
            files: Family::default(),
            file_bytes: Family::default(),
            files_refused: Family::default(),
            connections: Family::default(),
            connections_refused: Family::default(),
            msrp_connections: Gauge::default(),
            msrp: Family::default(),
            malformed: Family::default(),
            datagrams_dropped: Counter::default(),
            pushes: Family::default(),
            push_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 15)),
            webhooks: Family::default(),
            dead_letters: Family::default(),
            registry: Registry::default(),
        };
        registry.register("inputs", "Inputs taken from the inbox", metrics.inputs.clone());
        registry.register("inbox_depth", "Inputs waiting in the inbox", metrics.inbox_depth.clone());
        registry.register(
            "refused",
            "Inputs turned away because the inbox was full",
            metrics.refused.clone(),
        );
        registry.register("batches", "Batches decided", metrics.batches.clone());
        registry.register("batch_inputs", "Inputs in a batch", metrics.batch_inputs.clone());
        registry.register_with_unit(
            "commit",
            "Time to decide a batch and have its changes on disk",
            Unit::Seconds,
            metrics.commit_seconds.clone(),
        );
        registry.register("messages", "What became of messages", metrics.messages.clone());
        registry.register("registrations", "REGISTERs by how they ended", metrics.registrations.clone());
        registry.register(
            "api_calls",
            "Calls of chatbots by the code of the answer",
            metrics.api_calls.clone(),
        );
        registry.register("callback_checks", "Checks of webhooks", metrics.callback_checks.clone());
        registry.register("files", "What became of files of handsets", metrics.files.clone());
        registry.register("file_bytes", "Bytes of files taken and given", metrics.file_bytes.clone());
        registry.register("files_refused", "Uploads that were refused", metrics.files_refused.clone());
        registry.register("connections", "Connections open", metrics.connections.clone());
        registry.register(
            "connections_refused",
            "Connections refused or closed at a ceiling",
            metrics.connections_refused.clone(),
        );
        registry.register("msrp_connections", "MSRP connections open", metrics.msrp_connections.clone());
        registry.register("msrp", "Messages over MSRP, by what happened", metrics.msrp.clone());
        registry.register("malformed", "Bytes that were no SIP message", metrics.malformed.clone());
        registry.register(
            "datagrams_dropped",
            "Datagrams that the kernel would not take",
            metrics.datagrams_dropped.clone(),
        );
        registry.register("pushes", "Webhook calls by how they ended", metrics.pushes.clone());
        registry.register_with_unit(
            "push",
            "Duration of webhook calls",
            Unit::Seconds,
            metrics.push_seconds.clone(),
        );
        registry.register(
            "webhooks",
            "Webhooks that took nothing and are left alone, and those that take something again",
            metrics.webhooks.clone(),
        );
        registry.register(
            "dead_letters",
            "What was given up on on its way to chatbots",
            metrics.dead_letters.clone(),
        );
        Self { registry, ..metrics }
    }

    /// All of it in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("writing to a String does not fail");
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::new();
        metrics.inputs.get_or_create(&Kind::of("sip")).inc_by(3);
        metrics.connections.get_or_create(&Transport::of(sip::Transport::Ws)).set(2);
        metrics.commit_seconds.observe(0.003);
        let text = metrics.text();
        assert!(text.contains("hongyan_inputs_total{kind=\"sip\"} 3"), "{text}");
        assert!(text.contains("hongyan_connections{transport=\"WS\"} 2"), "{text}");
        assert!(text.contains("hongyan_commit_seconds_count 1"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
