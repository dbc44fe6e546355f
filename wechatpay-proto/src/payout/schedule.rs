//! What comes next, and when: the policy, applied to what is known.

use std::time::Duration;

use super::evidence::{Asked, Fact};
use super::machine::{Payout, needs_package, whole_millis};
use super::record::{Plan, State};
use crate::code::{Advice, ErrorCode};
use crate::outcome::Reason;
use crate::transport::Delivery;

/// Plans the next step after an answer to what was asked; `changed` is whether the state did.
pub(super) fn plan(payout: &mut Payout, asked: Asked, fact: &Fact, changed: bool) {
    if changed {
        payout.record.step = 0;
    }
    let (plan, wait) = match payout.state() {
        State::Accepted | State::Refunding => after_success(payout, fact),
        _ => match asked {
            Asked::Send => after_send(payout, fact),
            Asked::Query => after_query(payout, fact),
        },
    };
    payout.record.step = payout.record.step.saturating_add(1);
    set(payout, plan, wait);
}

/// Puts a plan down for `wait` from now.
pub(super) fn set(payout: &mut Payout, plan: Plan, wait: Duration) {
    let wait = whole_millis(wait);
    payout.record.plan = plan;
    // As the calendar shows it: by the sum of both a store finds what is due.
    payout.record.from = payout.calendar;
    payout.record.wait = wait;
    payout.due = payout.seen.saturating_add(wait);
}

fn after_success(payout: &Payout, fact: &Fact) -> (Plan, Duration) {
    if wants_package(payout) {
        return (Plan::Send, backoff(payout));
    }
    let follow = payout.policy.follow(payout.intent.mch_billno(), payout.record.step);
    match fact {
        // This query told nothing. The next one need not wait for as long as one that did.
        Fact::Nothing(_) | Fact::Mismatch | Fact::Contradiction => (Plan::Query, follow.min(backoff(payout))),
        _ => (Plan::Query, follow),
    }
}

/// After an attempt: query first, unless it is certain that there is nothing to find.
fn after_send(payout: &Payout, fact: &Fact) -> (Plan, Duration) {
    let settings = payout.policy.settings();
    let wait = backoff(payout);
    let longer = |least: Duration| {
        wait.max(payout.policy.jittered(least, payout.intent.mch_billno(), payout.record.step))
    };
    let again = if payout.record.tainted { Plan::Query } else { Plan::Send };
    let Fact::Nothing(reason) = fact else { return (Plan::Query, wait) };
    match reason {
        Reason::Transport(Delivery::NotSent) | Reason::InvalidRequest => (again, wait),
        Reason::Code(ErrorCode::Processing) => (Plan::Query, longer(settings.processing_wait)),
        Reason::Code(ErrorCode::FreqLimit | ErrorCode::SecondOverLimited) => (again, wait),
        // They may leave an order behind, which a query shows as SENDING with a reason.
        Reason::Code(ErrorCode::NoAuth | ErrorCode::PayerAccountAbnormal) => {
            (Plan::Query, longer(settings.refusal_wait))
        }
        Reason::Code(code) => match code.advice() {
            Advice::ResendSame => (Plan::Query, longer(settings.refusal_wait)),
            Advice::FixSetup => (again, wait),
            _ => (Plan::Query, wait),
        },
        _ => (Plan::Query, wait),
    }
}

/// After a query that settled nothing: send again what is not there, or what has been on its way for long.
fn after_query(payout: &Payout, fact: &Fact) -> (Plan, Duration) {
    let settings = payout.policy.settings();
    if may_send(payout) && (is_missing(fact) || since_last(payout) >= settings.processing_wait) {
        (Plan::Send, Duration::ZERO)
    } else {
        (Plan::Query, backoff(payout))
    }
}

/// Whether a query that does not find the order now would confirm the failure that `SEND_FAILED` told of: the order was
/// not kept, and nothing can bring it back. While an attempt is open it would not, however long ago that was, because a
/// request that is still on its way may be taken. Where none is open, both clocks must say that the service had time to
/// find the order.
pub(super) fn failure_is_ripe(payout: &Payout) -> bool {
    let record = &payout.record;
    let enough = payout.policy.settings().failure_wait;
    record.known.send_failed
        && !record.tainted
        && record.last.is_some()
        && since_last(payout) >= enough
        && record.watched >= enough
}

/// Whether a query did not find the order.
pub(super) fn is_missing(fact: &Fact) -> bool {
    matches!(fact, Fact::Nothing(Reason::QueryRefused(ErrorCode::NotFound)))
}

/// Since the last attempt, as far as the calendar is believed.
fn since_last(payout: &Payout) -> Duration {
    payout.record.seen.saturating_sub(payout.record.last.unwrap_or_default())
}

fn backoff(payout: &Payout) -> Duration {
    payout.policy.backoff(payout.intent.mch_billno(), payout.record.step)
}

/// Whether the order may be sent, now or later: not once it is known to be taken or dead, not with a defect, not after
/// the window.
pub(super) fn may_send(payout: &Payout) -> bool {
    let record = &payout.record;
    let open = !record.known.success() || wants_package(payout);
    // The larger of both times: what is not believed yet may be right.
    let hidden = match (record.first, record.claim) {
        (Some(first), Some(claim)) if first <= claim.since => payout.ahead(),
        // It was sent at a time that was claimed: what has gone by since is what the calendar went on by.
        (Some(_), Some(claim)) => payout.ahead().saturating_sub(claim.calendar.saturating_sub(claim.since)),
        _ => Duration::ZERO,
    };
    open && !record.known.failure() && record.halted.is_none() && !window_passed(payout, hidden)
}

/// An order that was taken, whose `package` no answer has brought yet. Only an answer to a sending can.
pub(super) fn wants_package(payout: &Payout) -> bool {
    let record = &payout.record;
    needs_package(payout.intent.kind())
        && matches!(payout.state(), State::Accepted)
        && record.package.is_none()
        && record.halted.is_none()
        && !record.window_closed
}

/// Since the first attempt, as far as the calendar is believed.
fn age(payout: &Payout) -> Option<Duration> {
    payout.record.first.map(|first| payout.record.seen.saturating_sub(first))
}

/// Whether the window for resending is over, `hidden` being time that may have gone by unseen.
fn window_passed(payout: &Payout, hidden: Duration) -> bool {
    let window = payout.policy.settings().resend_window;
    let hidden = hidden.saturating_add(payout.record.unseen);
    payout.record.time_lost || age(payout).is_some_and(|age| age.saturating_add(hidden) >= window)
}

/// Whether the window has just closed on an order that could still have been sent. It is put on record, because it may end
/// the payout.
pub(super) fn window_closes(payout: &Payout) -> bool {
    let sendable = matches!(payout.state(), State::Unknown { .. }) && !payout.record.known.failure();
    (sendable || wants_package(payout))
        && !payout.record.window_closed
        && window_passed(payout, Duration::ZERO)
}

pub(super) fn horizon_passed(payout: &Payout) -> bool {
    age(payout).is_some_and(|age| age >= payout.policy.settings().horizon)
}

/// An order with a defect that queries do not find, for as long as the policy watches it.
pub(super) fn gives_up_on_defect(payout: &Payout, asked: Asked, fact: &Fact) -> bool {
    let record = &payout.record;
    let watched = record
        .halted
        .is_some_and(|since| record.seen.saturating_sub(since) >= payout.policy.settings().defect_watch);
    let open = matches!(payout.state(), State::Intent | State::Unknown { .. });
    open && watched && is_missing(fact) && asked == Asked::Query
}

/// Why an answer settled nothing, in a word of at most 64 characters: a code that is none may be of any length.
pub(super) fn word(fact: &Fact) -> Option<Box<str>> {
    let reason = match fact {
        Fact::Nothing(reason) => reason,
        Fact::Mismatch => return Some("mismatch".into()),
        Fact::Contradiction => return Some("contradiction".into()),
        _ => return None,
    };
    let short = |text: &str| text.chars().take(64).collect::<String>().into();
    Some(match reason {
        Reason::Code(code) | Reason::QueryRefused(code) => short(code.as_str()),
        Reason::Sending { .. } => "SENDING".into(),
        Reason::UnknownStatus(status) => short(status),
        Reason::NoVerdict => "no_verdict".into(),
        Reason::Contradiction => "contradiction".into(),
        Reason::Unreadable => "unreadable".into(),
        Reason::Transport(Delivery::NotSent) => "not_sent".into(),
        Reason::Transport(Delivery::MaybeSent) => "maybe_sent".into(),
        Reason::InvalidRequest => "invalid_request".into(),
    })
}
