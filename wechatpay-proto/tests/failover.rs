//! The policy against a second, naive writing-down of it, and at each of its edges.

use std::time::Duration;

use proptest::prelude::*;
use wechatpay_proto::failover::{Event, Failover, Route, Thresholds};
use wechatpay_proto::transport::BaseUrl;

use Event::{ConnectTimeout, DnsFailure, Other, Success};
use Route::{Backup, Primary};

const STAY: Duration = Duration::from_secs(180);

/// Calls that all went over one route, and where the next one goes.
fn after(events: &[Event]) -> Route {
    let mut failover = Failover::default();
    for event in events {
        failover.report(Primary, *event);
    }
    failover.route(Duration::ZERO)
}

#[test]
fn three_of_a_kind_leave_the_primary() {
    assert_eq!(after(&[]), Primary);
    assert_eq!(after(&[ConnectTimeout; 2]), Primary);
    assert_eq!(after(&[ConnectTimeout; 3]), Backup);
    assert_eq!(after(&[DnsFailure; 2]), Primary);
    assert_eq!(after(&[DnsFailure; 3]), Backup);
    assert_eq!(after(&[Other; 1000]), Primary);
    // The two kinds do not add up, and a name that resolved again clears its own kind.
    assert_eq!(after(&[DnsFailure, DnsFailure, ConnectTimeout, ConnectTimeout]), Primary);
    assert_eq!(after(&[DnsFailure, DnsFailure, ConnectTimeout, DnsFailure]), Primary);
    assert_eq!(after(&[ConnectTimeout, ConnectTimeout, DnsFailure, ConnectTimeout]), Backup);
}

#[test]
fn three_successes_in_a_row_clear_the_slate() {
    assert_eq!(after(&[ConnectTimeout, ConnectTimeout, Success, Success, ConnectTimeout]), Backup);
    assert_eq!(after(&[ConnectTimeout, ConnectTimeout, Success, Success, Success, ConnectTimeout]), Primary);
    // Any error breaks the row.
    let broken = [ConnectTimeout, ConnectTimeout, Success, Success, Other, Success, ConnectTimeout];
    assert_eq!(after(&broken), Backup);
    // Once there, the primary comes back as soon as calls over it succeed.
    assert_eq!(after(&[DnsFailure, DnsFailure, DnsFailure, Success, Success, Success]), Primary);
}

#[test]
fn the_primary_gets_a_chance_after_three_minutes() {
    let mut failover = Failover::default();
    for _ in 0..3 {
        failover.report(Primary, ConnectTimeout);
    }
    let start = Duration::from_secs(1_000);
    assert_eq!(failover.route(start), Backup);
    assert_eq!(failover.route(start + STAY - Duration::from_nanos(1)), Backup);
    assert_eq!(failover.route(Duration::ZERO), Backup, "a clock that goes back changes nothing");
    assert_eq!(failover.route(start + STAY), Primary);
    // With a clean slate: it takes three more to leave again, and then the time counts anew.
    failover.report(Primary, ConnectTimeout);
    failover.report(Primary, ConnectTimeout);
    assert_eq!(failover.route(start + 2 * STAY), Primary);
    failover.report(Primary, ConnectTimeout);
    assert_eq!(failover.route(start + 2 * STAY), Backup);
    assert_eq!(failover.route(start + 3 * STAY), Primary);
}

#[test]
fn calls_that_were_under_way_when_the_primary_came_back_count_from_then() {
    let mut failover = Failover::default();
    let three_timeouts = |failover: &mut Failover| {
        for _ in 0..3 {
            failover.report(Primary, ConnectTimeout);
        }
    };
    three_timeouts(&mut failover);
    assert_eq!(failover.route(Duration::ZERO), Backup);
    assert_eq!(failover.route(STAY), Primary);
    three_timeouts(&mut failover); // with no question for the route between
    assert_eq!(failover.route(STAY), Backup);
    assert_eq!(failover.route(2 * STAY - Duration::from_nanos(1)), Backup);
}

#[test]
fn of_two_bad_hosts_the_less_bad_is_taken() {
    let with = |backup: &[Event]| {
        let mut failover = Failover::default();
        for event in [ConnectTimeout; 4] {
            failover.report(Primary, event);
        }
        for event in backup {
            failover.report(Backup, *event);
        }
        failover.route(Duration::ZERO)
    };
    assert_eq!(with(&[ConnectTimeout; 3]), Backup); // 3 against 4
    assert_eq!(with(&[ConnectTimeout; 4]), Primary); // 4 against 4
    assert_eq!(with(&[DnsFailure; 3]), Primary); // 15 against 4
    assert_eq!(with(&[ConnectTimeout, ConnectTimeout, ConnectTimeout, Other, Other, Other]), Backup);
    assert_eq!(with(&[ConnectTimeout, ConnectTimeout, ConnectTimeout, Other, Other, Other, Other]), Primary);
    assert_eq!(with(&[Other; 1000]), Backup, "weight alone does not make a host bad");
}

#[test]
fn hosts_and_thresholds_can_be_set() {
    let base = |url| BaseUrl::parse(url).unwrap();
    let thresholds =
        Thresholds { connect_timeouts: 1, dns_failures: 2, successes: 1, stay: Duration::from_secs(10) };
    let mut failover = Failover::new(base("https://a.example"), base("http://127.0.0.1:1"), thresholds);
    assert_eq!(failover.base(Primary).to_string(), "https://a.example");
    assert_eq!(failover.base(Backup).to_string(), "http://127.0.0.1:1");
    failover.report(Primary, DnsFailure);
    assert_eq!(failover.route(Duration::ZERO), Primary);
    failover.report(Primary, ConnectTimeout);
    assert_eq!(failover.route(Duration::ZERO), Backup);
    failover.report(Primary, Success);
    assert_eq!(failover.route(Duration::ZERO), Primary);
    let production = Failover::default();
    assert_eq!(production.base(Primary), &base(BaseUrl::PRODUCTION));
    assert_eq!(production.base(Backup), &base(BaseUrl::BACKUP));
}

#[test]
fn a_primary_that_recovered_is_left_for_the_full_time_again() {
    let mut failover = Failover::default();
    let both_down = |failover: &mut Failover| {
        for route in [Primary, Primary, Primary, Backup, Backup, Backup] {
            failover.report(route, ConnectTimeout);
        }
    };
    both_down(&mut failover);
    assert_eq!(failover.route(Duration::ZERO), Primary, "both are bad, and it is no worse");
    for _ in 0..3 {
        failover.report(Primary, Success);
    }
    assert_eq!(failover.route(Duration::ZERO), Primary);
    for _ in 0..4 {
        failover.report(Primary, ConnectTimeout);
    }
    assert_eq!(failover.route(STAY), Backup);
    assert_eq!(failover.route(2 * STAY - Duration::from_nanos(1)), Backup);
    assert_eq!(failover.route(2 * STAY), Primary);
}

/// The same policy, kept as the list of what happened and judged anew each time.
#[derive(Default)]
struct Naive {
    primary: Vec<Event>,
    backup: Vec<Event>,
    left_at: Option<Duration>,
}

/// Connections that timed out, names, others: what is left after all clearing.
fn counts(events: &[Event]) -> (usize, usize, usize) {
    let clean = (0..events.len())
        .rev()
        .find(|&end| end + 1 >= 3 && events[end - 2..=end].iter().all(|event| *event == Success));
    let rest = &events[clean.map_or(0, |end| end + 1)..];
    let count = |list: &[Event], kind| list.iter().filter(|event| **event == kind).count();
    let last_timeout = rest.iter().rposition(|event| *event == ConnectTimeout).map_or(0, |at| at + 1);
    (count(rest, ConnectTimeout), count(&rest[last_timeout..], DnsFailure), count(rest, Other))
}

fn bad(events: &[Event]) -> bool {
    let (timeouts, names, _) = counts(events);
    timeouts > 2 || names > 2
}

fn weight(events: &[Event]) -> usize {
    let (timeouts, names, others) = counts(events);
    timeouts + 5 * names + others / 4
}

impl Naive {
    fn route(&mut self, now: Duration) -> Route {
        if !bad(&self.primary) {
            self.left_at = None;
            return Primary;
        }
        let left_at = *self.left_at.get_or_insert(now);
        if now >= left_at + STAY {
            *self = Self::default();
            return Primary;
        }
        if bad(&self.backup) && weight(&self.backup) >= weight(&self.primary) { Primary } else { Backup }
    }
}

proptest! {
    #[test]
    fn the_policy_is_what_is_written_down(
        steps in prop::collection::vec(
            (0..90_u64, prop::sample::select(vec![Success, ConnectTimeout, ConnectTimeout, DnsFailure, Other])),
            0..200,
        ),
    ) {
        let (mut failover, mut naive, mut now) = (Failover::default(), Naive::default(), Duration::ZERO);
        for (wait, event) in steps {
            now += Duration::from_secs(wait);
            let route = failover.route(now);
            prop_assert_eq!(route, naive.route(now));
            failover.report(route, event);
            match route {
                Primary => naive.primary.push(event),
                Backup => naive.backup.push(event),
            }
        }
    }
}
