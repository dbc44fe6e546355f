//! Every setting has its bounds, and an error names it.

use std::time::Duration;

use wechatpay_proto::payout::{Goal, Policy, Settings};

use crate::world::*;

fn set(change: impl FnOnce(&mut Settings)) -> Result<Policy, &'static str> {
    let mut settings = Settings::default();
    change(&mut settings);
    Policy::new(settings).map_err(|error| {
        assert!(error.to_string().starts_with(&format!("{} must be ", error.setting())));
        error.setting()
    })
}

#[test]
fn the_defaults_are_those_that_are_documented() {
    let policy = Policy::default();
    let settings = policy.settings();
    assert_eq!(Policy::new(settings.clone()), Ok(policy.clone()));
    let seconds = |waits: &[Duration]| waits.iter().map(Duration::as_secs).collect::<Vec<_>>();
    assert_eq!(seconds(&settings.backoff), [1, 5, 30, 120, 600, 1200, 3600]);
    assert_eq!(seconds(&settings.follow), [3600, 6 * 3600, 18 * 3600, 2 * 3600]);
    assert_eq!((settings.jitter, settings.resend_gap, settings.processing_wait), (20, SECOND, 20 * MINUTE));
    assert_eq!((settings.refusal_wait, settings.resend_window, settings.defect_watch), (HOUR, DAY, DAY));
    assert_eq!(
        (settings.horizon, settings.attempt_life, settings.clock_tolerance),
        (30 * DAY, 30 * SECOND, MINUTE)
    );
    assert_eq!((settings.sends_per_second, settings.queries_per_second, settings.burst), (30, 30, 1));
    assert_eq!((settings.in_flight, settings.pause, settings.park), (64, MINUTE, None));
    assert_eq!((settings.goal, settings.failover.is_none()), (Goal::Settled, true));
}

#[test]
fn every_duration_has_its_bounds() {
    type Set = fn(&mut Settings, Duration);
    let bounded: [(&str, Set, Duration, Duration); 10] = [
        ("resend_gap", |s, to| s.resend_gap = to, SECOND, HOUR),
        ("processing_wait", |s, to| s.processing_wait = to, SECOND, DAY),
        ("refusal_wait", |s, to| s.refusal_wait = to, SECOND, DAY),
        ("resend_window", |s, to| s.resend_window = to, Duration::ZERO, 30 * DAY),
        ("defect_watch", |s, to| s.defect_watch = to, Duration::ZERO, 30 * DAY),
        ("horizon", |s, to| s.horizon = to, HOUR, 30 * DAY),
        ("attempt_life", |s, to| s.attempt_life = to, 5 * SECOND, 10 * MINUTE),
        ("clock_tolerance", |s, to| s.clock_tolerance = to, Duration::ZERO, HOUR),
        ("park", |s, to| s.park = Some(to), SECOND, DAY),
        ("pause", |s, to| s.pause = to, Duration::ZERO, HOUR),
    ];
    let tick = Duration::from_nanos(1);
    for (name, change, least, most) in bounded {
        for good in [least, least + tick, most - tick, most] {
            assert!(set(|settings| change(settings, good)).is_ok(), "{name} {good:?}");
        }
        let below = least.checked_sub(tick);
        for bad in below.into_iter().chain([most + tick, Duration::MAX]) {
            assert_eq!(set(|settings| change(settings, bad)), Err(name), "{bad:?}");
        }
    }
    type Waits = fn(&mut Settings) -> &mut Vec<Duration>;
    let lists: [(&str, Waits); 2] = [("backoff", |s| &mut s.backoff), ("follow", |s| &mut s.follow)];
    for (name, waits) in lists {
        for good in [vec![SECOND], vec![DAY; 16], vec![HOUR, SECOND, DAY]] {
            assert!(set(|settings| *waits(settings) = good).is_ok(), "{name}");
        }
        for bad in [
            vec![],
            vec![SECOND; 17],
            vec![HOUR, SECOND - tick],
            vec![DAY + tick, HOUR],
            vec![Duration::ZERO],
        ] {
            assert_eq!(set(|settings| *waits(settings) = bad), Err(name));
        }
    }
}

#[test]
fn every_number_has_its_bounds() {
    type Set = fn(&mut Settings, u32);
    let bounded: [(&str, Set, u32, u32); 5] = [
        ("jitter", |s, to| s.jitter = to, 0, 100),
        ("sends_per_second", |s, to| s.sends_per_second = to, 1, 1_000),
        ("queries_per_second", |s, to| s.queries_per_second = to, 1, 1_000),
        ("burst", |s, to| s.burst = to, 1, 1_000),
        ("in_flight", |s, to| s.in_flight = to, 1, 10_000),
    ];
    for (name, change, least, most) in bounded {
        for good in [least, least + 1, most - 1, most] {
            assert!(set(|settings| change(settings, good)).is_ok(), "{name} {good}");
        }
        for bad in least.checked_sub(1).into_iter().chain([most + 1, u32::MAX]) {
            assert_eq!(set(|settings| change(settings, bad)), Err(name), "{bad}");
        }
    }
}
