//! Many payouts at once: within the rate and the room, and nobody waits for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use wechatpay_proto::payout::{Action, Asked};
use wechatpay_proto::transport::Delivery;

use crate::common::*;
use crate::crowd::*;
use crate::world::*;

#[test]
fn there_are_never_more_in_flight_than_may_be() {
    let mut crowd = Crowd::new(|settings| settings.in_flight = 5);
    crowd.add(0..40);
    crowd.add_open(40..80, Asked::Query);
    for _ in 0..100 {
        crowd.poll().unwrap();
        assert!(crowd.flights.len() <= 5);
        crowd.pass(SECOND);
    }
    assert_eq!((crowd.flights.len(), crowd.campaign.progress().in_flight), (5, 5));
    // one lands, one takes its place
    let flight = crowd.flights.pop_front().unwrap();
    crowd.land(flight, Fails(Delivery::MaybeSent));
    crowd.poll().unwrap();
    crowd.pass(SECOND);
    crowd.poll().unwrap();
    assert_eq!(crowd.flights.len(), 5);
    // nor are there with a disk that takes nothing
    let mut crowd = Crowd::new(|settings| settings.in_flight = 5);
    crowd.disk = Disk::Full;
    crowd.add(0..40);
    for _ in 0..10 {
        crowd.poll().unwrap();
        crowd.pass(SECOND);
    }
    assert_eq!(crowd.campaign.progress().attempts, 5);
    assert_eq!(crowd.campaign.progress().in_flight, 5);
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn no_second_has_more_than_the_rate(sends in 1..40_u32, queries in 1..40_u32, seed in 0..1_000_usize) {
        let mut crowd = Crowd::new(|settings| {
            (settings.sends_per_second, settings.queries_per_second) = (sends, queries);
            settings.in_flight = 1_000;
        });
        crowd.add(0..60);
        crowd.add_open(60..120, Asked::Query);
        crowd.add_open(120..150, Asked::Send);
        let mut turn = seed;
        crowd.run(START.steady + 2 * HOUR, |intent, asked| {
            turn = turn.wrapping_mul(6_364_136_223).wrapping_add(1_442_695);
            match ((turn >> 20) % 4, asked) {
                (0, _) => Fails(Delivery::MaybeSent),
                (1, Asked::Send) => says(intent, "FREQ_LIMIT"),
                (2, Asked::Send) => Fails(Delivery::NotSent),
                (_, Asked::Send) => says(intent, "SYSTEMERROR"),
                (1, Asked::Query) => shows(intent, "SENDING"),
                (_, Asked::Query) => misses(),
            }
        });
        prop_assert!(most_in_a_second(&crowd.times(Asked::Send)) <= sends as usize);
        prop_assert!(most_in_a_second(&crowd.times(Asked::Query)) <= queries as usize);
        let mut last = BTreeMap::new();
        for (at, asked, number, _) in &crowd.sent {
            if *asked == Asked::Send && let Some(before) = last.insert(number, *at) {
                prop_assert!(*at - before >= SECOND);
            }
        }
        prop_assert!(crowd.sent.len() > 400);
    }
}

#[test]
fn a_storm_of_new_ones_starves_nobody() {
    let mut crowd = Crowd::new(|_| {});
    crowd.add(0..500);
    crowd.add_open(2_000..2_020, Asked::Query);
    crowd.add(500..1_000);
    let end = START.steady + 60 * SECOND;
    crowd.run(end, |intent, asked| match asked {
        Asked::Send => says(intent, "SYSTEMERROR"),
        Asked::Query => shows(intent, "SENT"),
    });
    let asked: Vec<_> = crowd
        .sent
        .iter()
        .filter(|(_, asked, number, _)| *asked == Asked::Query && number.as_str() >= "A000002000")
        .collect();
    assert_eq!(asked.len(), 20);
    assert!(asked.iter().all(|(at, ..)| *at <= START.steady + 4 * SECOND), "{:?}", asked.last());
    // who was sent was asked for soon after, while the storm went on
    let queried = crowd.numbers(Asked::Query).len();
    assert!(queried > 700, "{queried}");
    // first due, first served
    let numbers = crowd.numbers(Asked::Send);
    assert!(numbers.is_sorted() && numbers.len() == 1_000, "{}", numbers.len());
}

#[test]
fn a_storm_of_queries_starves_no_sending() {
    let mut crowd = Crowd::new(|_| {});
    crowd.add_open(0..1_000, Asked::Query);
    crowd.pass(2 * SECOND);
    crowd.poll().unwrap();
    crowd.add(2_000..2_010);
    crowd.add_open(2_010..2_020, Asked::Send);
    let end = crowd.now.steady + 20 * SECOND;
    crowd.run(end, |intent, asked| match asked {
        Asked::Send => pays(intent),
        Asked::Query => shows(intent, "SENDING"),
    });
    let times = crowd.times(Asked::Send);
    assert_eq!(times.len(), 20);
    assert!(times.iter().all(|at| *at <= START.steady + 5 * SECOND), "{times:?}");
    // a resend waits no longer than a new one that came later
    assert!(crowd.times(Asked::Query).len() > 500);
}

#[test]
fn in_a_narrow_room_they_take_turns() {
    let mut crowd = Crowd::new(|settings| settings.in_flight = 1);
    crowd.add_open(0..40, Asked::Query);
    crowd.pass(2 * SECOND);
    crowd.add(100..140);
    crowd.poll().unwrap();
    for _ in 0..20 {
        let flight = crowd.flights.pop_front().unwrap();
        crowd.pass(SECOND);
        let does = if flight.asked() == Asked::Send { pays(flight.intent()) } else { misses() };
        crowd.land(flight, does);
        crowd.poll().unwrap();
    }
    let counts = [Asked::Send, Asked::Query].map(|asked| crowd.numbers(asked).len());
    assert!(counts.iter().all(|count| (10..=11).contains(count)), "{counts:?}");
}

#[test]
fn a_resend_that_is_due_goes_before_a_new_one_that_came_later() {
    let mut crowd = Crowd::new(|settings| settings.sends_per_second = 1);
    crowd.add_open(0..3, Asked::Send);
    crowd.pass(2 * SECOND);
    crowd.poll().unwrap();
    crowd.add(3..6);
    crowd.run(START.steady + 20 * SECOND, |intent, _| pays(intent));
    let numbers: Vec<_> = (0..6).map(number).collect();
    assert_eq!(crowd.numbers(Asked::Send), numbers);
}

#[test]
fn a_refusal_that_would_meet_all_stops_new_attempts_for_a_while() {
    for (code, pause) in [
        ("CA_ERROR", MINUTE),
        ("SIGN_ERROR", MINUTE),
        ("NOTENOUGH", MINUTE),
        ("PAYER_ACCOUNT_ABNORMAL", MINUTE),
        ("SENDAMOUNT_LIMIT", MINUTE),
        ("DAY_OVER_LIMITED", MINUTE),
        ("NO_COMPETENCE", MINUTE),
        ("API_METHOD_CLOSED", MINUTE),
        ("PRODUCT_AUTHORITY_UNOPEN", MINUTE),
        ("FREQ_LIMIT", SECOND),
        ("SECOND_OVER_LIMITED", SECOND),
        ("SENDNUM_LIMIT", Duration::ZERO),
        ("PARAM_ERROR", Duration::ZERO),
        ("SYSTEMERROR", Duration::ZERO),
    ] {
        let mut crowd = Crowd::new(|settings| settings.sends_per_second = 1_000);
        crowd.add(0..1);
        crowd.poll().unwrap();
        let flight = crowd.flights.pop_front().unwrap();
        let does = says(flight.intent(), code);
        crowd.land(flight, does);
        crowd.add(1..4);
        crowd.add_open(10..13, Asked::Query);
        let began = crowd.now.steady;
        crowd.run(began + 90 * SECOND, |intent, asked| match asked {
            Asked::Send => pays(intent),
            Asked::Query => shows(intent, "SENT"),
        });
        let sent = |at: &usize| {
            crowd.sent.iter().find(|(_, asked, own, _)| *own == number(*at) && *asked == Asked::Send)
        };
        for at in 1..4 {
            let waited = sent(&at).unwrap().0 - began;
            assert!(waited >= pause && waited <= pause + SECOND / 100, "{code}: {waited:?}");
        }
        let queries = crowd.sent.iter().filter(|(at, asked, own, _)| {
            *asked == Asked::Query && *at < began + 3 * SECOND && **own >= *"A000000010"
        });
        assert_eq!(queries.count(), 3, "{code}: queries go on");
        assert_eq!(crowd.campaign.progress().pauses, u64::from(!pause.is_zero()), "{code}");
    }
}

#[test]
fn a_shorter_pause_does_not_end_a_longer_one() {
    let mut crowd = Crowd::new(|settings| settings.sends_per_second = 1_000);
    crowd.add(0..2);
    crowd.wait(SECOND / 100);
    let began = crowd.now.steady;
    for code in ["CA_ERROR", "FREQ_LIMIT"] {
        let flight = crowd.flights.pop_front().unwrap();
        let does = says(flight.intent(), code);
        crowd.land(flight, does);
    }
    crowd.add(2..3);
    crowd.wait(2 * MINUTE);
    let sent = crowd.sent.iter().find(|(_, _, own, _)| *own == number(2)).unwrap();
    assert!(sent.0 >= began + MINUTE, "{:?}", sent.0 - began);
}

#[test]
fn a_pause_may_be_nothing() {
    let mut crowd = Crowd::new(|settings| settings.pause = Duration::ZERO);
    crowd.add(0..2);
    crowd.run(START.steady + SECOND / 2, |intent, _| says(intent, "CA_ERROR"));
    assert_eq!(crowd.sent.len(), 2);
}

#[test]
fn no_attempt_runs_out_under_the_strangest_rates() {
    for (sends, burst) in [(1, 1), (1, 1_000), (2, 3), (1_000, 1)] {
        let mut crowd = Crowd::new(|settings| {
            (settings.sends_per_second, settings.burst, settings.in_flight) = (sends, burst, 10_000);
            settings.attempt_life = 5 * SECOND;
        });
        crowd.add(0..1_100);
        crowd.run(START.steady + 1_200 * SECOND, |intent, _| pays(intent));
        assert_eq!(crowd.numbers(Asked::Send).len(), 1_100, "{sends} {burst}");
        assert!(crowd.stored.values().all(|snapshot| snapshot.attempts() == 1), "{sends} {burst}");
    }
}

#[test]
fn attempts_are_not_put_on_record_faster_than_they_can_go() {
    let mut crowd = Crowd::new(|settings| {
        (settings.in_flight, settings.sends_per_second) = (10_000, 2);
        settings.attempt_life = 5 * SECOND;
    });
    crowd.add(0..100);
    // a driver that collects what is to be written
    let mut saves = Vec::new();
    while let Ok(Action::Save(save)) = crowd.campaign.poll(crowd.now) {
        saves.push(save);
    }
    assert_eq!(saves.len(), 2);
    for save in saves {
        crowd.write(save);
    }
    crowd.run(START.steady + 70 * SECOND, |intent, _| pays(intent));
    assert_eq!(crowd.numbers(Asked::Send).len(), 100);
    assert!(crowd.stored.values().all(|snapshot| snapshot.attempts() == 1), "none ran out");
}
