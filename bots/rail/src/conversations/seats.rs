//! Seats: sold by segment, never twice.

use std::collections::HashMap;

use proptest::prelude::*;
use rusqlite::TransactionBehavior;
use time::macros::date;

use super::*;
use crate::inventory;
use crate::timetable::{Class, Fare, Leg};

fn leg(from: &str, to: &str) -> Leg<'static> {
    BOT.world.timetable.leg("G103", date!(2026 - 11 - 24), from, to).expect("G103 calls at both")
}

fn business(leg: &Leg) -> &'static Fare {
    BOT.world.timetable.fare(leg.train, Class::Business).expect("a business class")
}

#[test]
fn a_seat_sold_to_jinan_is_sold_again_from_there() {
    let db = database::in_memory();
    let (first, second, whole) = (leg("VNP", "JGK"), leg("JGK", "AOH"), leg("VNP", "AOH"));
    let seat = inventory::allocate(&db, &first, business(&first), "a").expect("db");
    assert!(seat.is_some());
    assert_eq!(inventory::allocate(&db, &second, business(&second), "b").expect("db"), seat);
    assert_ne!(inventory::allocate(&db, &whole, business(&whole), "c").expect("db"), seat);
    inventory::release(&db, "a").expect("db");
    inventory::release(&db, "b").expect("db");
    assert_eq!(inventory::allocate(&db, &whole, business(&whole), "d").expect("db"), seat);
}

#[test]
fn a_class_sells_out_and_says_so() {
    let mut play = Play::new();
    let whole = leg("VNP", "AOH");
    let seats = business(&whole).seats.len();
    for nth in 0..seats - 1 {
        inventory::allocate(&play.db, &whole, business(&whole), &format!("o{nth}"))
            .expect("db")
            .expect("free");
    }
    play.say("明天北京到上海");
    play.say("G103");
    play.tap("商务座");
    play.say("王小明 13800000001");
    // Somebody takes the last one while this user reads.
    inventory::allocate(&play.db, &whole, business(&whole), "last").expect("db").expect("free");
    assert!(texts(&play.tap("提交订单")).contains("售完"));
    assert!(!labels(&play.tap("换席别")).iter().any(|label| label.starts_with("商务座")));
}

#[test]
fn users_at_once_never_get_the_same_seat() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("rail.sqlite");
    database::open(&path).expect("a database");
    let sold: Vec<(String, u32, u32)> = std::thread::scope(|scope| {
        let buyers: Vec<_> = (0..4)
            .map(|buyer| {
                let path = &path;
                scope.spawn(move || {
                    let mut db = database::open(path).expect("a database");
                    let legs = [leg("VNP", "JGK"), leg("JGK", "AOH"), leg("VNP", "AOH"), leg("JGK", "NKH")];
                    (0..12)
                        .filter_map(|nth| {
                            let leg = legs[(buyer + nth) % legs.len()];
                            let tx =
                                db.transaction_with_behavior(TransactionBehavior::Immediate).expect("tx");
                            let order = format!("{buyer}-{nth}");
                            let seat = inventory::allocate(&tx, &leg, business(&leg), &order).expect("sale");
                            tx.commit().expect("commit");
                            seat.map(|seat| (seat, leg.segments().start, leg.segments().end))
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        buyers.into_iter().flat_map(|buyer| buyer.join().expect("a buyer")).collect()
    });
    assert!(sold.len() > 12);
    for (at, one) in sold.iter().enumerate() {
        for other in &sold[at + 1..] {
            let overlap = one.1 < other.2 && other.1 < one.2;
            assert!(one.0 != other.0 || !overlap, "{one:?} and {other:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_order_of_sales_and_returns_keeps_each_segment_of_a_seat_with_one_order(
        steps in proptest::collection::vec((0usize..6, 0usize..6, any::<bool>()), 1..80),
    ) {
        let db = database::in_memory();
        let train = BOT.world.timetable.train("G103").expect("G103");
        let mut kept: HashMap<String, (String, std::ops::Range<u32>)> = HashMap::new();
        for (nth, (one, other, give_back)) in steps.into_iter().enumerate() {
            let last = train.stops.len() - 1;
            let (board, alight) = (one.min(other).min(last - 1), one.max(other).min(last));
            if give_back || board == alight {
                if let Some(order) = kept.keys().next().cloned() {
                    inventory::release(&db, &order).expect("db");
                    kept.remove(&order);
                }
                continue;
            }
            let leg = Leg { train, board, alight, service_date: date!(2026 - 11 - 24) };
            let order = format!("o{nth}");
            let Some(seat) = inventory::allocate(&db, &leg, business(&leg), &order).expect("db") else { continue };
            for (taken, segments) in kept.values() {
                prop_assert!(*taken != seat || segments.end <= leg.segments().start || leg.segments().end <= segments.start);
            }
            kept.insert(order, (seat, leg.segments()));
        }
    }
}
