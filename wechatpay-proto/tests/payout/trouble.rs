//! Many payouts at once: nothing is lost whatever the disk, the clock or the host does.

use std::sync::Arc;

use wechatpay_proto::failover::{Failover, Thresholds};
use wechatpay_proto::payout::{Action, Alert, Asked, Campaign, ClockError, End, Goal, Now, Payout, State};
use wechatpay_proto::transport::{BaseUrl, Delivery};

use crate::common::*;
use crate::crowd::*;
use crate::world::*;

#[test]
fn without_a_disk_nothing_is_sent() {
    let mut crowd = Crowd::new(|_| {});
    crowd.disk = Disk::Full;
    crowd.add(0..3);
    for second in 0..5 {
        let until = crowd.poll().unwrap().unwrap();
        assert_eq!(until, crowd.now.steady + SECOND, "offered again after a second");
        assert_eq!(crowd.offered.len(), 3 * (second + 1));
        crowd.pass(SECOND / 2);
        crowd.poll().unwrap();
        assert_eq!(crowd.offered.len(), 3 * (second + 1), "and not before");
        crowd.pass(SECOND / 2);
    }
    assert!(crowd.sent.is_empty());
    assert_eq!((crowd.campaign.progress().failed_writes, crowd.campaign.progress().sends), (15, 0));
    crowd.disk = Disk::Good;
    crowd.run(crowd.now.steady + SECOND, |intent, _| pays(intent));
    assert_eq!(crowd.numbers(Asked::Send).len(), 3);
    // after a long failure the attempts are void, but not the payouts
    let mut crowd = Crowd::new(|_| {});
    crowd.disk = Disk::Full;
    crowd.add(0..3);
    for _ in 0..40 {
        crowd.poll().unwrap();
        crowd.pass(SECOND);
    }
    crowd.disk = Disk::Good;
    crowd.run(crowd.now.steady + 5 * SECOND, |intent, _| pays(intent));
    assert_eq!(crowd.numbers(Asked::Send).len(), 3);
    assert!(
        crowd.stored.values().all(|snapshot| (snapshot.attempts(), snapshot.state()) == (2, State::Accepted))
    );
}

#[test]
fn an_answer_that_cannot_be_written_is_not_acted_on() {
    let mut crowd = Crowd::new(|settings| settings.goal = Goal::Accepted);
    crowd.add(0..1);
    crowd.poll().unwrap();
    crowd.disk = Disk::Full;
    let flight = crowd.flights.pop_front().unwrap();
    let does = pays(&row(0));
    crowd.land(flight, does);
    for _ in 0..10 {
        crowd.poll().unwrap();
        crowd.pass(SECOND);
    }
    assert_eq!((crowd.done.len(), crowd.sent.len()), (0, 1));
    crowd.disk = Disk::Good;
    crowd.poll().unwrap();
    assert_eq!(crowd.done, [(number(0), End::Accepted)]);
}

#[test]
fn what_went_to_another_worker_is_forgotten() {
    let mut crowd = Crowd::new(|_| {});
    crowd.disk = Disk::NotOurs;
    crowd.add(0..3);
    assert_eq!(crowd.poll(), Ok(None));
    assert!(crowd.sent.is_empty() && crowd.campaign.is_empty());
    assert_eq!((crowd.campaign.progress().in_flight, crowd.campaign.progress().held), (0, 0));
    assert!(!crowd.campaign.late_answer(crowd.now, &number(0), Asked::Send, &sent(KIND)));
    // it may come back
    crowd.disk = Disk::Good;
    crowd.add(0..3);
    crowd.wait(SECOND);
    assert_eq!(crowd.flights.len(), 3);
    // and be lost with an answer
    crowd.disk = Disk::NotOurs;
    for flight in std::mem::take(&mut crowd.flights) {
        crowd.land(flight, Fails(Delivery::MaybeSent));
    }
    assert_eq!(crowd.poll(), Ok(None));
    assert_eq!((crowd.campaign.len(), crowd.campaign.progress().in_flight), (0, 0));
}

#[test]
fn what_is_lost_takes_up_no_place_of_the_rate() {
    let mut crowd = Crowd::new(|settings| settings.sends_per_second = 2);
    crowd.disk = Disk::NotOurs;
    crowd.add(0..10);
    assert_eq!(crowd.poll(), Ok(None));
    assert!(crowd.campaign.is_empty() && crowd.offered.len() == 10);
    crowd.disk = Disk::Good;
    crowd.add(0..10);
    crowd.run(START.steady + 10 * SECOND, |intent, _| pays(intent));
    assert_eq!(crowd.numbers(Asked::Send).len(), 10);
}

#[test]
fn without_a_nonce_nothing_is_sent_and_nothing_is_lost() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static DRY: AtomicBool = AtomicBool::new(true);
    let mut crowd =
        Crowd::with_source(|_| {}, || if DRY.load(Ordering::Relaxed) { Err(()) } else { Ok([1; 16]) });
    crowd.add(0..2);
    crowd.add_open(2..4, Asked::Query);
    crowd.run(START.steady + 20 * SECOND, |_, _| panic!("nothing is sent"));
    assert!(crowd.alerts.len() >= 8 && crowd.alerts.iter().all(|alert| matches!(alert, Alert::Invalid(_))));
    let progress = *crowd.campaign.progress();
    assert_eq!((progress.in_flight, progress.held, progress.sends, progress.queries), (0, 4, 0, 0));
    assert!(
        crowd.stored[&number(0)].state()
            == State::Unknown { attempts: crowd.stored[&number(0)].attempts(), tainted: false }
    );
    DRY.store(false, Ordering::Relaxed);
    crowd.run(crowd.now.steady + 10 * MINUTE, |intent, asked| match asked {
        Asked::Send => pays(intent),
        Asked::Query => shows(intent, "RECEIVED"),
    });
    assert_eq!((crowd.numbers(Asked::Send).len(), crowd.done.len()), (2, 2));
}

#[test]
fn a_host_that_cannot_be_reached_is_left_and_tried_again() {
    let mut crowd = Crowd::new(|settings| settings.failover = Some(Thresholds::default()));
    crowd.add(0..1);
    let hosts = |crowd: &Crowd| crowd.sent.iter().map(|(.., host)| host.clone()).collect::<Vec<_>>();
    crowd.run(START.steady + 40 * SECOND, |_, _| Fails(Delivery::NotSent));
    let (main, backup) = ("api.mch.weixin.qq.com", "api2.mch.weixin.qq.com");
    assert_eq!(hosts(&crowd), [main, main, main]);
    crowd.run(crowd.now.steady + 100 * SECOND, |_, _| Fails(Delivery::MaybeSent));
    assert_eq!(hosts(&crowd)[3..], [backup]);
    crowd.run(crowd.now.steady + HOUR, |intent, _| shows(intent, "SENT"));
    assert_eq!(hosts(&crowd)[4..], [backup], "after {:?}", crowd.sent);
    crowd.run(crowd.now.steady + 8 * HOUR, |intent, _| shows(intent, "SENT"));
    assert!(hosts(&crowd).len() > 5 && hosts(&crowd)[5..].iter().all(|host| host == main));
    // all of one number, which the harness has looked for in every body
    assert!(crowd.sent.iter().all(|(_, _, own, _)| *own == number(0)));
    // and with hosts of one's own
    let base = BaseUrl::parse("http://127.0.0.1:9").unwrap();
    let mut crowd = Crowd::new(|settings| settings.failover = Some(Thresholds::default()));
    crowd.campaign =
        Campaign::new(MERCHANT.clone(), &crowd.policy, (|| Ok([7; 16])) as Source).with_base(base);
    crowd.add(0..1);
    crowd.run(START.steady + 30 * MINUTE, |_, _| Fails(Delivery::NotSent));
    assert!(hosts(&crowd).len() > 4 && hosts(&crowd).iter().all(|host| host == "127.0.0.1"));
}

#[test]
fn two_hosts_of_ones_own_take_the_place_of_both() {
    let [primary, backup] =
        ["http://127.0.0.1:9", "http://127.0.0.2:9"].map(|url| BaseUrl::parse(url).unwrap());
    let mut crowd = Crowd::new(|_| {});
    let campaign = Campaign::new(MERCHANT.clone(), &crowd.policy, (|| Ok([7; 16])) as Source);
    crowd.campaign = campaign.with_failover(Failover::new(primary, backup, Thresholds::default()));
    crowd.add(0..7);
    crowd.run(START.steady + SECOND / 2, |_, _| Fails(Delivery::NotSent));
    let hosts: Vec<_> = crowd.sent.iter().map(|(.., host)| &**host).collect();
    assert_eq!(hosts[..4], ["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2"]);
}

#[test]
fn a_clock_that_goes_back_loses_nothing() {
    let mut crowd = Crowd::new(|_| {});
    crowd.add(0..3);
    crowd.add_open(3..6, Asked::Query);
    crowd.poll().unwrap();
    let flights = crowd.flights.len();
    let good = crowd.now;
    crowd.pass(2 * SECOND);
    crowd.now.calendar = good.calendar - DAY;
    for _ in 0..5 {
        assert!(matches!(crowd.poll(), Err(ClockError::Calendar { .. })));
    }
    // an answer is taken in, and written
    let writes = crowd.offered.len();
    let flight = crowd.flights.pop_front().unwrap();
    let number = flight.intent().mch_billno().to_owned();
    let does = pays(flight.intent());
    crowd.land(flight, does);
    assert!(crowd.poll().is_err());
    assert_eq!((crowd.offered.len(), crowd.stored[&number].state()), (writes + 1, State::Accepted));
    assert_eq!((crowd.sent.len(), crowd.campaign.len()), (flights, 6), "nothing was sent, nothing was lost");
    // attempts that were on record are not sent either, and not lost
    crowd.now = Now { steady: crowd.now.steady, calendar: good.calendar + 3 * SECOND };
    crowd.run(crowd.now.steady + 30 * MINUTE, |intent, asked| match asked {
        Asked::Send => pays(intent),
        Asked::Query => shows(intent, "RECEIVED"),
    });
    assert_eq!(
        crowd.done.len() + crowd.stored.values().filter(|stored| stored.state() == State::Accepted).count(),
        6 - flights + 1
    );
}

#[test]
fn one_record_from_the_future_does_not_stop_the_others() {
    let mut crowd = Crowd::new(|_| {});
    let later = Now { steady: START.steady, calendar: START.calendar + 400 * DAY };
    let poisoned = Payout::new(row(0), &crowd.policy, later);
    crowd.campaign.add(START, Arc::clone(poisoned.intent()), &poisoned.snapshot()).unwrap();
    crowd.add(1..20);
    let mut errors = 0;
    for _ in 0..200 {
        match crowd.poll() {
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error, ClockError::Calendar { by } if by > 399 * DAY));
                errors += 1;
            }
        }
        for flight in std::mem::take(&mut crowd.flights) {
            let does = pays(flight.intent());
            crowd.land(flight, does);
        }
        crowd.pass(SECOND / 10);
    }
    assert!(errors > 0, "it is told");
    assert_eq!(crowd.numbers(Asked::Send), (1..20).map(number).collect::<Vec<_>>());
    assert_eq!(crowd.campaign.len(), 20);
}

#[test]
fn attempts_on_record_are_not_sent_on_a_clock_that_went_back() {
    let mut crowd = Crowd::new(|_| {});
    crowd.add(0..10);
    let Ok(Action::Save(save)) = crowd.campaign.poll(crowd.now) else { panic!() };
    crowd.write(save);
    crowd.now.calendar -= DAY;
    assert!(crowd.poll().is_err());
    assert!(crowd.sent.is_empty());
    crowd.now.calendar += DAY;
    crowd.run(START.steady + 10 * SECOND, |intent, _| pays(intent));
    assert_eq!(crowd.numbers(Asked::Send).len(), 10);
}

#[test]
fn where_both_hosts_are_bad_none_is_stuck_to() {
    let mut crowd = Crowd::new(|settings| settings.failover = Some(Thresholds::default()));
    crowd.add(0..7);
    crowd.run(START.steady + SECOND / 2, |_, _| Fails(Delivery::NotSent));
    let hosts: Vec<_> = crowd.sent.iter().map(|(.., host)| &**host).collect();
    let (main, backup) = ("api.mch.weixin.qq.com", "api2.mch.weixin.qq.com");
    assert_eq!(hosts, [main, main, main, backup, backup, backup, main]);
}

/// A calendar that jumps ahead stops all at once, for as long as it is away; what is in flight is taken in and written.
#[test]
fn a_calendar_that_jumps_stops_all_until_it_is_back_or_believed() {
    for back in [true, false] {
        let mut crowd = Crowd::new(|_| {});
        crowd.add(0..30);
        crowd.add_open(30..60, Asked::Query);
        crowd.run(START.steady + SECOND, |_, _| Fails(Delivery::MaybeSent));
        let requests = crowd.sent.len();
        let right = crowd.now;
        crowd.now.calendar += 400 * DAY;
        for _ in 0..59 {
            assert!(matches!(crowd.poll(), Err(ClockError::Jump { .. })));
            crowd.pass(10 * SECOND);
        }
        assert_eq!(crowd.sent.len(), requests);
        crowd.pass(10 * SECOND);
        if back {
            let passed = crowd.now.steady - right.steady;
            crowd.now.calendar = right.calendar + passed;
        }
        // once for all, and not once for each
        crowd.run(crowd.now.steady + 2 * MINUTE, |_, _| Fails(Delivery::MaybeSent));
        assert!(crowd.sent.len() >= requests + 60, "{back} {}", crowd.sent.len() - requests);
        let given_up = crowd.stored.values().filter(|stored| matches!(stored.state(), State::NeedsHuman(_)));
        assert_eq!(given_up.count(), 0, "each needs to see it for ten minutes before it ends");
    }
}

/// A process that begins under a calendar that is behind goes on as soon as it is right.
#[test]
fn a_calendar_that_comes_right_stops_nobody() {
    let mut crowd = Crowd::new(|_| {});
    crowd.add_open(0..3, Asked::Query);
    crowd.now.calendar -= DAY;
    crowd.pass(10 * SECOND);
    for _ in 0..3 {
        assert!(matches!(crowd.poll(), Err(ClockError::Calendar { .. })));
    }
    crowd.now.calendar += DAY;
    crowd.pass(SECOND);
    crowd.poll().unwrap();
    assert_eq!(crowd.numbers(Asked::Query).len(), 1, "and the others by the rate");
}
