//! Scripted worlds, and what is asked of them.

use std::time::Duration;

use wechatpay_proto::payout::Asked;
use wechatpay_simulation::{Plan, Report, Right, Treatment, World};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// A quiet world where this becomes of the first sendings.
pub(crate) fn sends(script: impl IntoIterator<Item = Treatment>) -> Plan {
    Plan { sends: script.into_iter().collect(), ..Plan::quiet() }
}

/// Lets a world run; nothing may be violated in it.
#[track_caller]
pub(crate) fn run(plan: &Plan) -> Report {
    let report = World::new(plan.clone(), &Right, true).unwrap().run();
    assert_eq!(report.violations, [], "dies at {:?}:\n{}", plan.dies_at, report.trace.join("\n"));
    report
}

/// Lets a world run; then again, with a process that dies at every point, and at two points. It must end in the same way: the
/// same number, once paid or not at all. What the undisturbed one came to.
#[track_caller]
pub(crate) fn run_with_every_crash(plan: &Plan) -> Report {
    let calm = run(plan);
    assert!(calm.points >= 8, "there is nothing to die at");
    for first in 0..calm.points {
        let points = dies(plan, vec![first], Some(&calm));
        // Two deaths: where the payout is young, in all ways that are near.
        for second in (first + 1..points.min(first + 6)).filter(|_| first < 8) {
            dies(plan, vec![first, second], Some(&calm));
        }
    }
    calm
}

/// Lets a world run; then again, with a process that dies at every point. Its memory goes with it, so that it may end in
/// another way; but nothing may be violated.
#[track_caller]
pub(crate) fn run_with_any_crash(plan: &Plan) -> Report {
    let calm = run(plan);
    for first in 0..calm.points {
        dies(plan, vec![first], None);
    }
    calm
}

/// Lets a world run with a process that dies; how many points there were.
#[track_caller]
fn dies(plan: &Plan, at: Vec<u64>, like: Option<&Report>) -> u64 {
    let plan = Plan { dies_at: at, ..plan.clone() };
    let report = World::new(plan.clone(), &Right, false).unwrap().run();
    let same = like.is_none_or(|like| words(&report) == words(like));
    if !report.violations.is_empty() || !same {
        panic!("dies at {:?}: {:?}\n{}", plan.dies_at, report.ends, run(&plan).trace.join("\n"));
    }
    report.points
}

/// How the payments ended: the words without the numbers, which depend on who asked how often.
pub(crate) fn words(report: &Report) -> Vec<&str> {
    report.ends.iter().map(|(_, end)| &**end).collect()
}

/// What was asked first.
pub(crate) fn asked(report: &Report, first: usize) -> String {
    let letter = |asked| if asked == Asked::Send { 'S' } else { 'Q' };
    report.sent.iter().take(first).map(|sent| letter(sent.asked)).collect()
}

/// When something was asked for the first, second and so on time.
pub(crate) fn times(report: &Report, of: Asked) -> Vec<Duration> {
    report.sent.iter().filter(|sent| sent.asked == of).map(|sent| sent.at).collect()
}

/// Whether an alert of this kind was heard.
pub(crate) fn alerted(report: &Report, kind: &str) -> bool {
    report.alerts.iter().any(|alert| alert == kind)
}
