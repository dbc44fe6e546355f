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
        State::Failed => {
            // What SEND_FAILED says is confirmed by a query that finds it failed, or does not find it. While an attempt
            // may still be on its way to a service that does not know the order, not to find it says nothing yet.
            let late =
                !payout.record.tainted || since_last(payout) >= payout.policy.settings().processing_wait;
            let confirms = *fact == Fact::Failed || (is_missing(fact) && late);
            payout.record.confirmed |= asked == Asked::Query && confirms;
            (Plan::Query, backoff(payout))
        }
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
    payout.record.from = payout.record.seen;
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
        Fact::Nothing(_) | Fact::Mismatch => (Plan::Query, follow.min(backoff(payout))),
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

/// Whether a query did not find the order.
fn is_missing(fact: &Fact) -> bool {
    matches!(fact, Fact::Nothing(Reason::QueryRefused(ErrorCode::NotFound)))
}

/// Since the last attempt, by the calendar.
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
    open && !record.known.failure() && record.halted.is_none() && !window_passed(payout)
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

/// Since the first attempt, by the calendar.
fn age(payout: &Payout) -> Option<Duration> {
    payout.record.first.map(|first| payout.record.seen.saturating_sub(first))
}

fn window_passed(payout: &Payout) -> bool {
    age(payout).is_some_and(|age| age >= payout.policy.settings().resend_window)
}

/// Whether the window has just closed on an order that could still have been sent. It is put on record, because it may end
/// the payout.
pub(super) fn window_closes(payout: &Payout) -> bool {
    let open = matches!(payout.state(), State::Unknown { .. }) || wants_package(payout);
    open && !payout.record.window_closed && window_passed(payout)
}

pub(super) fn horizon_passed(payout: &Payout) -> bool {
    age(payout).is_some_and(|age| age >= payout.policy.settings().horizon)
}

/// An order with a defect that queries do not find, for long enough that none of its attempts can still be on its way.
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
