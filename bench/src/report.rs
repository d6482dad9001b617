//! Results as a table for the terminal and as a page of documentation.

use std::fmt::Write as _;

use crate::files::Spent;
use crate::scenarios::Cost;

/// CPU seconds per 10,000 relayed messages that Kamailio was measured at when the target was set.
const TARGET: &str = "no more CPU per message than Kamailio's stateful relay over UDP in the same run";

/// One scenario against one server.
pub struct Row {
    scenario: &'static str,
    server: &'static str,
    cost: Cost,
    note: &'static str,
}

impl Row {
    pub fn new(scenario: &'static str, server: &'static str, cost: Cost, note: &'static str) -> Self {
        Self { scenario, server, cost, note }
    }
}

/// Files through one server.
pub struct FileRow {
    pub scenario: &'static str,
    pub server: &'static str,
    pub spent: Spent,
    pub note: &'static str,
}

/// Large messages through sessions.
pub struct SessionRow {
    pub scenario: &'static str,
    pub spent: Spent,
    pub note: &'static str,
}

/// All results.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    files: Vec<FileRow>,
    sessions: Vec<SessionRow>,
    /// Devices, and resident bytes before and after they registered.
    pub memory: Option<(u32, u64, u64)>,
    /// What the parser's own benchmark printed.
    pub parser: String,
    pub notes: Vec<String>,
}

impl Report {
    /// Adds a result, and says so at once.
    pub fn add(&mut self, row: Row) {
        eprintln!("{}", line(&row));
        self.rows.push(row);
    }

    /// Adds a result about files, and says so at once.
    pub fn add_files(&mut self, row: FileRow) {
        eprintln!("{}", file_line(&row));
        self.files.push(row);
    }

    /// Adds a result about sessions, and says so at once.
    pub fn add_session(&mut self, row: SessionRow) {
        eprintln!("{}", session_line(&row));
        self.sessions.push(row);
    }

    /// For the terminal.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            text += &line(row);
            text.push('\n');
        }
        for ratio in self.ratios() {
            text += &ratio;
            text.push('\n');
        }
        if let Some(memory) = self.memory_line() {
            text += &memory;
            text.push('\n');
        }
        for row in &self.sessions {
            text += &session_line(row);
            text.push('\n');
        }
        for line in self.files.iter().map(file_line).chain(self.file_ratios()) {
            text += &line;
            text.push('\n');
        }
        text
    }

    /// For docs/performance.md.
    pub fn markdown(&self) -> String {
        let mut page = String::from(
            "# Performance\n\nWritten by `bench/run.sh` (`make bench`); do not edit. Loopback on one machine; see the notes \
             below the table.\n\n",
        );
        let _ = writeln!(page, "- Machine: {}", machine());
        let _ = writeln!(page, "- Date: {}", date());
        let _ = writeln!(page, "- Target: {TARGET}\n");
        page +=
            "| scenario | server | count | per second | CPU s per 10,000 | |\n|---|---|---:|---:|---:|---|\n";
        for Row { scenario, server, cost, note } in &self.rows {
            let (rate, cpu) = (cost.per_second(), cost.cpu_per_10_000());
            let _ =
                writeln!(page, "| {scenario} | {server} | {} | {rate:.0} | {cpu:.3} | {note} |", cost.count);
        }
        page.push('\n');
        for line in self.ratios().into_iter().chain(self.memory_line()) {
            let _ = writeln!(page, "- {line}");
        }
        for row in &self.sessions {
            let _ = writeln!(page, "- {}", session_line(row));
        }
        page += &self.files_markdown();
        page += "\n## Notes\n\n";
        for note in &self.notes {
            let _ = writeln!(page, "- {note}");
        }
        if !self.parser.trim().is_empty() {
            let _ = writeln!(
                page,
                "\n## Parser\n\n`cargo bench -p sip`; the budget is 600 ns and no allocation for a MESSAGE of 976 bytes with 15 \
                 headers (`parse_message`, median).\n\n```text\n{}\n```",
                self.parser.trim()
            );
        }
        page
    }

    /// CPU of ours for one of theirs, scenario by scenario.
    fn ratios(&self) -> Vec<String> {
        let ours = self.rows.iter().filter(|row| row.server == "Hongyan");
        ours.filter_map(|ours| {
            let is_theirs = |row: &&Row| row.server != "Hongyan" && row.scenario == ours.scenario;
            let theirs = self.rows.iter().find(is_theirs)?;
            let ratio = ours.cost.cpu_per_10_000() / theirs.cost.cpu_per_10_000();
            Some(format!("{}: Hongyan uses {ratio:.2} times the CPU of {}", ours.scenario, theirs.server))
        })
        .collect()
    }

    fn files_markdown(&self) -> String {
        let mut page = String::new();
        if self.files.is_empty() {
            return page;
        }
        page += "\n## Files\n\nFiles of 100 MiB over one connection, the servers in turn. Target: downloads within 20% of nginx.\n\n";
        page += "| scenario | server | MB/s | CPU s per GB | |\n|---|---|---:|---:|---|\n";
        for FileRow { scenario, server, spent, note } in &self.files {
            let (rate, cpu) = (spent.mb_per_second(), spent.cpu_per_gb());
            let _ = writeln!(page, "| {scenario} | {server} | {rate:.0} | {cpu:.2} | {note} |");
        }
        page.push('\n');
        for line in self.file_ratios() {
            let _ = writeln!(page, "- {line}");
        }
        page
    }

    /// Ours to theirs.
    fn file_ratios(&self) -> Vec<String> {
        let ours = self.files.iter().filter(|row| row.server == "Hongyan");
        ours.filter_map(|ours| {
            let is_theirs = |row: &&FileRow| row.server == "nginx" && row.scenario == ours.scenario;
            let theirs = self.files.iter().find(is_theirs)?;
            let rate = ours.spent.mb_per_second() / theirs.spent.mb_per_second();
            let cpu = ours.spent.cpu_per_gb() / theirs.spent.cpu_per_gb();
            Some(format!(
                "{}: {rate:.2} times the throughput of nginx, {cpu:.2} times its CPU",
                ours.scenario
            ))
        })
        .collect()
    }

    fn memory_line(&self) -> Option<String> {
        let (devices, before, after) = self.memory?;
        let each = after.saturating_sub(before) as f64 / f64::from(devices);
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        Some(format!(
            "{each:.0} bytes of memory per registered device: resident {:.0} MiB before and {:.0} MiB 35 s after {devices} devices \
             registered",
            mib(before),
            mib(after)
        ))
    }
}

fn line(row: &Row) -> String {
    let Row { scenario, server, cost, note } = row;
    format!(
        "{scenario:<14} {server:<9} {:>7} in {:>6.1} s  {:>7.0}/s  {:>6.3} CPU s per 10,000   {note}",
        cost.count,
        cost.took.as_secs_f64(),
        cost.per_second(),
        cost.cpu_per_10_000()
    )
}

fn file_line(row: &FileRow) -> String {
    let FileRow { scenario, server, spent, note } = row;
    let (rate, cpu) = (spent.mb_per_second(), spent.cpu_per_gb());
    format!("{scenario:<14} {server:<9} {rate:>6.0} MB/s  {cpu:>5.2} CPU s per GB   {note}")
}

fn session_line(row: &SessionRow) -> String {
    let SessionRow { scenario, spent, note } = row;
    let per_mib = spent.cpu.as_secs_f64() * 1000.0 * f64::from(1 << 20) / spent.bytes as f64;
    let rate = spent.mb_per_second();
    format!("{scenario} over MSRP: {rate:.0} MB/s, {per_mib:.1} CPU ms per MiB ({note})")
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{}, {cores} cores, Linux {}", model.unwrap_or("unknown processor").trim(), kernel.trim())
}

fn date() -> String {
    let now = handset::run::now().rfc3339();
    now.split('T').next().unwrap_or_default().to_owned()
}
