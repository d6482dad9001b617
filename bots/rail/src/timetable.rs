//! Stations, trains and fares, read once from the data files that are compiled in.
//!
//! A `Place` is what a traveller names: a station or a whole city. A `Leg` is one train between two of its
//! stops on one day, which is what can be searched, priced and sold.

use std::collections::HashMap;

use time::{Date, Duration, OffsetDateTime};

use crate::language::{Lang, midnight};

/// How many days ahead tickets are sold, today included.
pub const SALE_DAYS: i64 = 15;

/// Sale ends this long before departure.
pub const SALE_ENDS: Duration = Duration::minutes(5);

/// A station or a city by its code: three capitals for a station (`VNP`), letters for a city (`beijing`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place(pub String);

/// One railway station.
#[derive(Debug)]
pub struct Station {
    pub code: String,
    pub zh: String,
    pub en: String,
    /// Syllables with spaces between.
    pub pinyin: String,
    pub city: usize,
    /// WGS 84, degrees.
    pub latitude: f64,
    pub longitude: f64,
}

/// A city and its stations (indices into `Timetable::stations`).
#[derive(Debug)]
pub struct City {
    pub code: String,
    pub zh: String,
    pub en: String,
    pub stations: Vec<usize>,
}

/// A call at a station; minutes count from midnight of the day the train sets out.
#[derive(Debug)]
pub struct Stop {
    pub station: usize,
    pub arrive_min: i64,
    pub depart_min: i64,
    pub km: i64,
}

/// A train by number, with its calls in order.
#[derive(Debug)]
pub struct Train {
    pub number: String,
    pub stops: Vec<Stop>,
}

/// A seat class, by the letter that tickets use for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Second,
    First,
    Business,
    HardSeat,
    HardSleeper,
    SoftSleeper,
}

/// What a class costs on a kind of train and which seats it has.
#[derive(Debug)]
pub struct Fare {
    pub class: Class,
    tenth_fen_per_km: i64,
    base_fen: i64,
    /// Every seat, in the order they are sold: `05-12A`.
    pub seats: Vec<String>,
}

/// One train from one of its stops to a later one, on a day.
#[derive(Clone, Copy, Debug)]
pub struct Leg<'t> {
    pub train: &'t Train,
    /// Indices into `train.stops`; `board < alight`.
    pub board: usize,
    pub alight: usize,
    /// The day the train sets out, which for a night train may be the day before boarding.
    pub service_date: Date,
}

/// Everything there is to travel with.
pub struct Timetable {
    pub stations: Vec<Station>,
    pub cities: Vec<City>,
    trains: Vec<Train>,
    by_number: HashMap<String, usize>,
    places: HashMap<String, Vec<usize>>,
    fares: HashMap<char, Vec<Fare>>,
    /// Trains that call at a station.
    calling: Vec<Vec<usize>>,
}

impl Timetable {
    /// The timetable that is compiled in.
    ///
    /// # Panics
    /// If the data files are malformed, which the tests rule out.
    pub fn builtin() -> Self {
        let mut made = Self {
            stations: Vec::new(),
            cities: Vec::new(),
            trains: Vec::new(),
            by_number: HashMap::new(),
            places: HashMap::new(),
            fares: HashMap::new(),
            calling: Vec::new(),
        };
        rows(include_str!("../data/stations.csv")).for_each(|row| made.add_station(&row));
        made.calling = made.stations.iter().map(|_| Vec::new()).collect();
        rows(include_str!("../data/trains.csv")).for_each(|row| made.add_train(&row));
        rows(include_str!("../data/stops.csv")).for_each(|row| made.add_stop(&row));
        rows(include_str!("../data/classes.csv")).for_each(|row| made.add_fare(&row));
        made
    }

    /// The stations that a place stands for; none if the code is unknown.
    pub fn stations_of(&self, place: &Place) -> &[usize] {
        self.places.get(&place.0).map_or(&[], Vec::as_slice)
    }

    /// Whether the code names a station or city.
    pub fn knows(&self, place: &Place) -> bool {
        self.places.contains_key(&place.0)
    }

    /// `北京南`, `Beijing South`; the code itself if it is unknown.
    pub fn name<'a>(&'a self, place: &'a Place, lang: Lang) -> &'a str {
        if let Some(city) = self.cities.iter().find(|city| city.code == place.0) {
            return lang.pick(&city.zh, &city.en);
        }
        self.station(&place.0).map_or(place.0.as_str(), |station| lang.pick(&station.zh, &station.en))
    }

    /// A station by its code.
    pub fn station(&self, code: &str) -> Option<&Station> {
        self.stations.iter().find(|station| station.code == code)
    }

    /// The city that a place is in, or is.
    pub fn city_of(&self, place: &Place) -> Option<Place> {
        let station = *self.stations_of(place).first()?;
        Some(Place(self.cities[self.stations[station].city].code.clone()))
    }

    /// A train by its number in capitals.
    pub fn train(&self, number: &str) -> Option<&Train> {
        self.by_number.get(number).map(|at| &self.trains[*at])
    }

    /// One train between two stations (by code), boarding on `date`. `None` if it does not run so.
    pub fn leg(&self, number: &str, date: Date, from: &str, to: &str) -> Option<Leg<'_>> {
        let train = self.train(number)?;
        let call = |code: &str| train.stops.iter().position(|stop| self.stations[stop.station].code == code);
        let (board, alight) = (call(from)?, call(to)?);
        (board < alight).then(|| Leg::boarding_on(date, train, board, alight)).flatten()
    }

    /// All trains from a place to another that are boarded on `date`, by departure.
    ///
    /// Of several stations of one city that a train calls at, the first counts.
    pub fn legs(&self, from: &Place, to: &Place, date: Date) -> Vec<Leg<'_>> {
        let (origins, goals) = (self.stations_of(from), self.stations_of(to));
        let mut candidates: Vec<usize> =
            origins.iter().flat_map(|station| &self.calling[*station]).copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        let mut legs: Vec<Leg> = candidates
            .into_iter()
            .filter_map(|at| {
                let train = &self.trains[at];
                let board = train.stops.iter().position(|stop| origins.contains(&stop.station))?;
                let ahead = &train.stops[board + 1..];
                let alight = board + 1 + ahead.iter().position(|stop| goals.contains(&stop.station))?;
                Leg::boarding_on(date, train, board, alight)
            })
            .collect();
        legs.sort_by_key(|leg| (leg.departs(), leg.arrives()));
        legs
    }

    /// Cities where one can change trains when there is no direct one, shortest way first.
    pub fn junctions(&self, from: &Place, to: &Place) -> Vec<Place> {
        let ahead = self.reach(from, |train, board| board + 1..train.stops.len());
        let behind = self.reach(to, |_, alight| 0..alight);
        let mut shared: Vec<(i64, usize)> =
            ahead.iter().filter_map(|(city, km)| behind.get(city).map(|more| (km + more, *city))).collect();
        shared.sort_unstable();
        shared.into_iter().map(|(_, city)| Place(self.cities[city].code.clone())).collect()
    }

    /// The stations closest to a point, nearest first, with the distance in kilometres.
    pub fn nearest(&self, latitude: f64, longitude: f64) -> Vec<(&Station, f64)> {
        let mut by_distance: Vec<(&Station, f64)> = self
            .stations
            .iter()
            .map(|station| (station, kilometres(latitude, longitude, station.latitude, station.longitude)))
            .collect();
        by_distance.sort_by(|one, other| one.1.total_cmp(&other.1));
        by_distance
    }

    /// The classes of a train, cheapest first.
    pub fn fares(&self, train: &Train) -> &[Fare] {
        let prefix = train.number.chars().next().unwrap_or_default();
        self.fares.get(&prefix).map_or(&[], Vec::as_slice)
    }

    /// One class of a train, if it has it.
    pub fn fare(&self, train: &Train, class: Class) -> Option<&Fare> {
        self.fares(train).iter().find(|fare| fare.class == class)
    }

    /// The station of a stop.
    pub fn at(&self, stop: &Stop) -> &Station {
        &self.stations[stop.station]
    }

    /// Kilometres to each city that trains calling at `place` reach within the stops that `part` selects.
    fn reach(
        &self,
        place: &Place,
        part: impl Fn(&Train, usize) -> std::ops::Range<usize>,
    ) -> HashMap<usize, i64> {
        let mut cities = HashMap::new();
        for station in self.stations_of(place) {
            for train in self.calling[*station].iter().map(|at| &self.trains[*at]) {
                let Some(here) = train.stops.iter().position(|stop| stop.station == *station) else {
                    continue;
                };
                for stop in &train.stops[part(train, here)] {
                    let km = (stop.km - train.stops[here].km).abs();
                    let best = cities.entry(self.stations[stop.station].city).or_insert(km);
                    *best = km.min(*best);
                }
            }
        }
        cities
    }

    fn add_station(&mut self, row: &[&str]) {
        let code: String =
            row[5].chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
        let city = self.cities.iter().position(|city| city.code == code).unwrap_or_else(|| {
            self.cities.push(City { code, zh: row[4].into(), en: row[5].into(), stations: Vec::new() });
            self.cities.len() - 1
        });
        let at = self.stations.len();
        self.cities[city].stations.push(at);
        self.places.entry(self.cities[city].code.clone()).or_default().push(at);
        self.places.insert(row[0].into(), vec![at]);
        self.stations.push(Station {
            code: row[0].into(),
            zh: row[1].into(),
            en: row[2].into(),
            pinyin: row[3].into(),
            city,
            latitude: row[6].parse().expect("stations.csv: degrees"),
            longitude: row[7].parse().expect("stations.csv: degrees"),
        });
    }

    fn add_train(&mut self, row: &[&str]) {
        self.by_number.insert(row[0].into(), self.trains.len());
        self.trains.push(Train { number: row[0].into(), stops: Vec::new() });
    }

    fn add_stop(&mut self, row: &[&str]) {
        let train = *self.by_number.get(row[0]).expect("stops.csv: a train of trains.csv");
        let station = self.places.get(row[1]).expect("stops.csv: a station of stations.csv")[0];
        let number = |at: usize| row[at].parse().expect("stops.csv: a number");
        self.calling[station].push(train);
        self.trains[train].stops.push(Stop {
            station,
            arrive_min: number(2),
            depart_min: number(3),
            km: number(4),
        });
    }

    fn add_fare(&mut self, row: &[&str]) {
        let (first, last) = row[2].split_once('-').unwrap_or((row[2], row[2]));
        let number = |text: &str| text.parse::<u32>().expect("classes.csv: a number");
        let seats = (number(first)..=number(last))
            .flat_map(|coach| (1..=number(row[3])).map(move |line| (coach, line)))
            .flat_map(|(coach, line)| row[4].chars().map(move |seat| format!("{coach:02}-{line:02}{seat}")))
            .collect();
        let fen_per_km: f64 = row[5].parse().expect("classes.csv: fen per km");
        let fare = Fare {
            class: Class::from_code(row[1]).expect("classes.csv: a class"),
            tenth_fen_per_km: (fen_per_km * 10.0).round() as i64,
            base_fen: row[6].parse().expect("classes.csv: fen"),
            seats,
        };
        let fares = self.fares.entry(row[0].chars().next().expect("classes.csv: a prefix")).or_default();
        fares.push(fare);
        fares.sort_by_key(|fare| fare.class);
    }
}

impl<'t> Leg<'t> {
    fn boarding_on(date: Date, train: &'t Train, board: usize, alight: usize) -> Option<Self> {
        let days = train.stops[board].depart_min / MINUTES_A_DAY;
        Some(Self { train, board, alight, service_date: date.checked_sub(Duration::days(days))? })
    }

    /// When it leaves the boarding station.
    pub fn departs(&self) -> OffsetDateTime {
        self.moment(self.from().depart_min)
    }

    /// When it reaches the last station of the leg.
    pub fn arrives(&self) -> OffsetDateTime {
        self.moment(self.to().arrive_min)
    }

    /// The day on which it is boarded.
    pub fn date(&self) -> Date {
        self.departs().date()
    }

    /// Travel time in minutes.
    pub fn minutes(&self) -> i64 {
        self.to().arrive_min - self.from().depart_min
    }

    /// Distance in kilometres.
    pub fn km(&self) -> i64 {
        self.to().km - self.from().km
    }

    /// The stop where it is boarded.
    pub fn from(&self) -> &'t Stop {
        &self.train.stops[self.board]
    }

    /// The stop where it is left.
    pub fn to(&self) -> &'t Stop {
        &self.train.stops[self.alight]
    }

    /// The segments it uses; segment n is from stop n to the next.
    pub fn segments(&self) -> std::ops::Range<u32> {
        let index = |stop: usize| u32::try_from(stop).expect("no train has so many stops");
        index(self.board)..index(self.alight)
    }

    /// Whether it can still be bought at `now`: neither too late nor too far ahead.
    pub fn on_sale(&self, now: OffsetDateTime) -> bool {
        let last_day = now.to_offset(crate::language::CHINA).date() + Duration::days(SALE_DAYS - 1);
        now + SALE_ENDS <= self.departs() && self.date() <= last_day
    }

    fn moment(&self, minutes: i64) -> OffsetDateTime {
        midnight(self.service_date) + Duration::minutes(minutes)
    }
}

impl Fare {
    /// The price of `km` kilometres in fen, a multiple of half a yuan.
    pub fn price_fen(&self, km: i64) -> i64 {
        let fen = self.base_fen + self.tenth_fen_per_km * km / 10;
        ((fen + HALF_YUAN / 2) / HALF_YUAN * HALF_YUAN).max(HALF_YUAN)
    }
}

impl Class {
    /// The letter or digit that tickets use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Second => "O",
            Self::First => "M",
            Self::Business => "9",
            Self::HardSeat => "1",
            Self::HardSleeper => "3",
            Self::SoftSleeper => "4",
        }
    }

    /// The reverse of `code`.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Second, Self::First, Self::Business, Self::HardSeat, Self::HardSleeper, Self::SoftSleeper]
            .into_iter()
            .find(|class| class.code() == code)
    }

    /// `二等座`, `2nd class`.
    pub fn name(self, lang: Lang) -> &'static str {
        match self {
            Self::Second => lang.pick("二等座", "2nd class"),
            Self::First => lang.pick("一等座", "1st class"),
            Self::Business => lang.pick("商务座", "Business"),
            Self::HardSeat => lang.pick("硬座", "Hard seat"),
            Self::HardSleeper => lang.pick("硬卧", "Hard sleeper"),
            Self::SoftSleeper => lang.pick("软卧", "Soft sleeper"),
        }
    }
}

/// `05-12A` as `05车12A号` or `coach 05 seat 12A`; sleepers name the berth.
pub fn seat_name(seat: &str, lang: Lang) -> String {
    let (coach, place) = seat.split_once('-').unwrap_or(("", seat));
    let berth = match place.chars().last() {
        Some('X') => Some(lang.pick("下铺", "lower")),
        Some('Y') => Some(lang.pick("中铺", "middle")),
        Some('Z') => Some(lang.pick("上铺", "upper")),
        _ => None,
    };
    match (lang, berth) {
        (Lang::Zh, None) => format!("{coach}车{place}号"),
        (Lang::En, None) => format!("coach {coach} seat {place}"),
        (Lang::Zh, Some(berth)) => format!("{coach}车{}号{berth}", &place[..place.len() - 1]),
        (Lang::En, Some(berth)) => format!("coach {coach} berth {} {berth}", &place[..place.len() - 1]),
    }
}

/// Great-circle distance on a sphere of 6,371 km.
fn kilometres(lat_a: f64, lon_a: f64, lat_b: f64, lon_b: f64) -> f64 {
    let (lat_a, lon_a) = (lat_a.to_radians(), lon_a.to_radians());
    let (lat_b, lon_b) = (lat_b.to_radians(), lon_b.to_radians());
    let half = ((lat_b - lat_a) / 2.0).sin().powi(2)
        + lat_a.cos() * lat_b.cos() * ((lon_b - lon_a) / 2.0).sin().powi(2);
    2.0 * 6371.0 * half.sqrt().min(1.0).asin()
}

fn rows(csv: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect())
}

const MINUTES_A_DAY: i64 = 24 * 60;
const HALF_YUAN: i64 = 50;
