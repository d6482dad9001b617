//! Writes `data/trains.csv` and `data/stops.csv` anew from the corridors and services beside them.
//!
//! `cargo run -p rail-bot --example generate-timetable`, then commit what changed. A test
//! (`tests/timetable_data.rs`) fails when the committed files differ from what this makes.

mod synthesis;

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let read = |name: &str| fs::read_to_string(data.join(name));
    let made = synthesis::timetable(&read("corridors.csv")?, &read("services.csv")?);
    fs::write(data.join("trains.csv"), made.trains)?;
    fs::write(data.join("stops.csv"), made.stops)
}
