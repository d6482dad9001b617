//! The committed timetable is the one that the generator makes, and it is plausible.

#[path = "../examples/generate-timetable/synthesis.rs"]
mod synthesis;

const CORRIDORS: &str = include_str!("../data/corridors.csv");
const SERVICES: &str = include_str!("../data/services.csv");
const STATIONS: &str = include_str!("../data/stations.csv");
const TRAINS: &str = include_str!("../data/trains.csv");
const STOPS: &str = include_str!("../data/stops.csv");

#[test]
fn the_committed_timetable_is_what_the_generator_makes() {
    let made = synthesis::timetable(CORRIDORS, SERVICES);
    assert!(made.trains == TRAINS, "run the example generate-timetable and commit data/trains.csv");
    assert!(made.stops == STOPS, "run the example generate-timetable and commit data/stops.csv");
}

#[test]
fn there_are_stations_and_trains_enough_and_every_stop_is_known() {
    let codes: Vec<&str> = STATIONS.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert!(codes.len() >= 40);
    assert!(TRAINS.lines().skip(1).count() >= 200);
    for line in STOPS.lines().skip(1) {
        let station = line.split(',').nth(1).expect("a station");
        assert!(codes.contains(&station), "{line}");
    }
}

#[test]
fn beijing_to_shanghai_takes_as_long_as_it_really_does() {
    let minutes = |train: &str| {
        let stops: Vec<Vec<&str>> = STOPS
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>())
            .filter(|fields| fields[0] == train)
            .collect();
        let number = |text: &str| text.parse::<i32>().expect("minutes");
        number(stops[stops.len() - 1][2]) - number(stops[0][3])
    };
    assert!((255..290).contains(&minutes("G1")), "G1 takes {}", minutes("G1"));
    assert!((290..400).contains(&minutes("G103")), "G103 takes {}", minutes("G103"));
    assert!((800..1100).contains(&minutes("T109")), "T109 takes {}", minutes("T109"));
}
