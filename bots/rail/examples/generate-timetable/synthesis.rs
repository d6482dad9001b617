//! Makes a realistic timetable out of line lengths and average speeds.
//!
//! A corridor is a list of stations with kilometres and a rank (1 every train calls, 3 few do). A service
//! is a family of trains along one: first departure, headway, cruising speed and how many places it calls
//! at. Outbound trains get every other number from the first one, inbound trains the numbers between.
//! Running time is distance by cruising speed, plus a few minutes lost to braking and starting at each
//! call, plus the dwell. Nothing is random: the same input gives the same bytes.

use std::collections::HashSet;
use std::fmt::Write;

/// The two files, as text.
pub struct Timetable {
    /// `train,corridor` lines.
    pub trains: String,
    /// `train,station,arrive,depart,km` lines; times are minutes after midnight of the first station's day.
    pub stops: String,
}

struct Call<'a> {
    station: &'a str,
    km: u32,
    rank: u32,
}

struct Service<'a> {
    corridor: &'a str,
    prefix: &'a str,
    number: u32,
    trains_each_way: u32,
    from: &'a str,
    to: &'a str,
    cruise_km_h: u32,
    pattern: &'a str,
    first_departure_min: u32,
    every_min: u32,
}

/// All trains of all services, in the order of `services.csv`.
///
/// # Panics
/// If a line is malformed, names a station its corridor lacks, or two trains get the same number.
pub fn timetable(corridors: &str, services: &str) -> Timetable {
    let mut made =
        Timetable { trains: "train,corridor\n".into(), stops: "train,station,arrive,depart,km\n".into() };
    let mut numbers = HashSet::new();
    for line in services.lines().skip(1) {
        let service = service(line);
        let outbound = calls(corridors, &service);
        let inbound = reversed(&outbound);
        for nth in 0..service.trains_each_way {
            for (way, calls) in [&outbound, &inbound].into_iter().enumerate() {
                let way = way as u32;
                let train = format!("{}{}", service.prefix, service.number + 2 * nth + way);
                assert!(numbers.insert(train.clone()), "{train} is used twice");
                let departure = service.first_departure_min + nth * service.every_min + way * 13;
                writeln!(made.trains, "{train},{}", service.corridor).expect("a String takes all");
                write_stops(&mut made.stops, &train, &service, &chosen(calls, &service, nth), departure);
            }
        }
    }
    made
}

fn service(line: &str) -> Service<'_> {
    let fields: Vec<&str> = line.split(',').collect();
    let number = |at: usize| fields[at].parse::<u32>().expect("services.csv: a number");
    let (hour, minute) = fields[8].split_once(':').expect("services.csv: HH:MM");
    Service {
        corridor: fields[0],
        prefix: fields[1],
        number: number(2),
        trains_each_way: number(3),
        from: fields[4],
        to: fields[5],
        cruise_km_h: number(6),
        pattern: fields[7],
        first_departure_min: hour.parse::<u32>().expect("hour") * 60 + minute.parse::<u32>().expect("minute"),
        every_min: number(9),
    }
}

/// The part of the corridor that the service runs over, kilometres from its own start.
fn calls<'a>(corridors: &'a str, service: &Service) -> Vec<Call<'a>> {
    let mut calls: Vec<Call> = corridors
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |at: usize| fields[at].parse().expect("corridors.csv: a number");
            (fields[0] == service.corridor).then(|| Call {
                station: fields[1],
                km: number(2),
                rank: number(3),
            })
        })
        .collect();
    let place = |code: &str| {
        calls
            .iter()
            .position(|call| call.station == code)
            .unwrap_or_else(|| panic!("{} has no {code}", service.corridor))
    };
    let (first, last) = (place(service.from), place(service.to));
    calls.truncate(last + 1);
    calls.drain(..first);
    let origin = calls[0].km;
    calls.iter_mut().for_each(|call| call.km -= origin);
    calls
}

fn reversed<'a>(calls: &[Call<'a>]) -> Vec<Call<'a>> {
    let length = calls[calls.len() - 1].km;
    calls
        .iter()
        .rev()
        .map(|call| Call { station: call.station, km: length - call.km, rank: call.rank })
        .collect()
}

/// Where the `nth` train of the service calls. Ends always; expresses take one middling station in turn.
fn chosen<'c, 'a>(calls: &'c [Call<'a>], service: &Service, nth: u32) -> Vec<&'c Call<'a>> {
    let mut of_rank = [0; 4];
    calls
        .iter()
        .enumerate()
        .filter(|(at, call)| {
            let turn = of_rank[call.rank as usize];
            of_rank[call.rank as usize] += 1;
            let end = *at == 0 || *at == calls.len() - 1;
            let called = match (service.pattern, call.rank) {
                ("all", _) | (_, 1) => true,
                ("mixed", 2) => (turn + nth) % 3 != 2,
                ("mixed", 3) => (turn + nth).is_multiple_of(3),
                ("express", 2) => (turn + nth) % 4 == 1,
                ("express", 3) => (turn + nth) % 7 == 6,
                (other, rank) => panic!("no pattern {other} for rank {rank}"),
            };
            end || called
        })
        .map(|(_, call)| call)
        .collect()
}

fn write_stops(stops: &mut String, train: &str, service: &Service, calls: &[&Call], departure: u32) {
    let conventional = ["Z", "T", "K"].contains(&service.prefix);
    let (dwell, lost) = if conventional { (7, 3) } else { (2, 3) };
    let mut halts = 0;
    for (at, call) in calls.iter().enumerate() {
        let running = call.km * 60 / service.cruise_km_h;
        let arrive = departure + running + halts * (dwell + lost);
        let last = at == calls.len() - 1;
        let (arrive, depart) = match at {
            0 => (departure, departure),
            _ if last => (arrive, arrive),
            _ => (arrive, arrive + dwell),
        };
        halts += u32::from(at > 0);
        writeln!(stops, "{train},{},{arrive},{depart},{}", call.station, call.km)
            .expect("a String takes all");
    }
}
