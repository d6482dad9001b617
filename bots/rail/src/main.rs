//! tmp
#![allow(dead_code)]
mod language;
mod timetable;
mod understand;
fn main() {}
