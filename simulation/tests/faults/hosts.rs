//! Two hosts, limits, and many payments at once.

use std::collections::BTreeSet;

use wechatpay_mock_server::Rules;
use wechatpay_proto::failover::Thresholds;
use wechatpay_proto::payout::{Asked, Settings};
use wechatpay_simulation::{Moment, Plan, Want};

use super::world::{HOUR, MINUTE, SECOND, run, run_with_every_crash, times, words};

#[test]
fn f23_the_backup_host_gets_the_same_number() {
    let settings = Settings { failover: Some(Thresholds::default()), ..Settings::default() };
    let plan = Plan {
        settings,
        moments: vec![(SECOND / 1000, Moment::Primary { up: false })],
        wants: vec![Want { clicks: vec![(SECOND, 0)], ..Plan::quiet().wants.remove(0) }],
        heals: HOUR,
        ..Plan::quiet()
    };
    let report = run_with_every_crash(&plan);
    let hosts: BTreeSet<_> = report.sent.iter().map(|sent| &*sent.host).collect();
    assert_eq!(hosts.into_iter().collect::<Vec<_>>(), ["api.mch.weixin.qq.com", "api2.mch.weixin.qq.com"]);
    let numbers: BTreeSet<_> = report.sent.iter().map(|sent| &sent.mch_billno).collect();
    assert_eq!((numbers.len(), words(&report)), (1, vec!["received"]));
    let on_backup = report.sent.iter().find(|sent| sent.host.starts_with("api2")).unwrap();
    assert!(on_backup.at < 10 * MINUTE, "{on_backup:?}");
}

/// So many payments, all at once.
fn burst(payments: usize, rules: Rules) -> Plan {
    let want = Want { clicks: vec![(SECOND, 0)], ..Plan::quiet().wants.remove(0) };
    Plan { wants: vec![want; payments], rules, capacity: payments, ..Plan::quiet() }
}

#[test]
fn f24_a_burst_keeps_the_rate_and_everybody_is_paid() {
    let payments = 300;
    let report = run(&burst(payments, Rules::default()));
    let sends = times(&report, Asked::Send);
    assert_eq!(sends.len(), payments, "no send was refused");
    for (first, last) in sends.iter().zip(sends.iter().skip(30)) {
        assert!(*last - *first >= SECOND, "31 sends from {first:?} to {last:?}");
    }
    assert!(*sends.last().unwrap() < 15 * SECOND, "300 at 30 a second take 10 s: {:?}", sends.last());
    assert_eq!(report.counts.ends.received, payments as u64);
}

#[test]
fn f24_a_storm_of_freq_limit_starves_nobody() {
    let payments = 200;
    let rules = Rules { sends_per_second: Some(2), ..Rules::default() };
    let report = run(&burst(payments, rules));
    assert_eq!(report.counts.ends.received, payments as u64);
    let sends = times(&report, Asked::Send);
    assert!(sends.len() < 6 * payments, "{} sends of {payments} payments", sends.len());
    assert!(*sends.last().unwrap() < HOUR, "{:?}", sends.last());
}
