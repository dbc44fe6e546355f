//! One step: two bytes, and what they do to a world.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use wechatpay_mock_server::{
    Action, ActionError, Content, Fault, FaultRule, Fired, InProcessError, Mistaken, RedPacket, Scope,
    UserFlag,
};
use wechatpay_proto::transport::BlockingTransport as _;

use super::One;
use super::mail::{self, DIRECT, Letter, NUMBERS, PROVIDER, UNDER, USERS};

#[derive(Debug)]
pub(super) enum Step {
    Mail(&'static Letter),
    Act(&'static str, &'static str, Action),
    Advance(Duration),
    AdvanceToNext,
    Arm(&'static FaultRule, u64),
    Disarm,
    Rule(&'static str, &'static str),
    User(&'static str, Vec<UserFlag>),
    TopUp(&'static str, u64),
    SetBalance(&'static str, u64),
    Reset,
    Save,
    Back,
    /// Another world is put back from this one's state, or from the JSON of it.
    Twin {
        json: bool,
    },
}

/// What a client hears.
pub(super) type Answer = Result<(StatusCode, HeaderMap, Bytes), InProcessError>;

/// What a step shows.
#[derive(Debug, PartialEq)]
pub(super) enum Seen {
    Answer(Answer),
    Packet(Box<Result<RedPacket, ActionError>>),
    Fired(Vec<Fired>),
    Nothing,
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const SPANS: [Duration; 8] = [
    SECOND,
    Duration::from_millis(300),
    Duration::from_secs(61),
    HOUR.saturating_mul(1),
    HOUR.saturating_mul(13),
    HOUR.saturating_mul(25),
    HOUR.saturating_mul(49),
    HOUR.saturating_mul(31 * 24),
];

const RULES: [(&str, &str); 18] = [
    ("settle", "at-once"),
    ("settle", "after:60s"),
    ("settle", "polls:2"),
    ("settle", "manual"),
    ("order-life", "1h"),
    ("order-life", "24h"),
    ("claim-window", "1h"),
    ("refund-delay", "1s"),
    ("no-balance", "PROCESSING"),
    ("no-balance", "NOTENOUGH"),
    ("query-lag", "30s"),
    ("resend-gap", "off"),
    ("resend-answer", "PROCESSING"),
    ("user-packets-a-day", "2"),
    ("merchant-fen-a-day", "600"),
    ("nonce-reuse", "reject"),
    ("reentry-compare", "all"),
    ("query-limit", "1"),
];

static FAULTS: LazyLock<Vec<FaultRule>> = LazyLock::new(|| {
    let minute = Duration::from_secs(60);
    let plain = [
        Fault::request_lost(),
        Fault::reply_lost(),
        Fault::applied_then_error(),
        Fault::applied_then_status(502),
        Fault::not_applied_but_ok(),
        Fault::late_commit(minute),
        Fault::late_failure(minute),
        Fault::late_arrival(minute),
        Fault::duplicate_delivery(),
        Fault::stuck(),
        Fault::stuck_for(2),
        Fault::latency(SECOND),
        Fault::latency(minute),
        Fault::refuse(),
        Fault::silence(),
        Fault::rate_limit(1, minute),
        Fault::clock_ahead(HOUR),
        Fault::clock_behind(HOUR),
        Fault::client_certificate(Mistaken::Missing),
    ];
    let planned = [
        Fault::err("SYSTEMERROR").applied(),
        Fault::err("SEND_FAILED").not_applied(),
        Fault::err("PROCESSING").later(minute),
        Fault::wrong_echo("total_amount").applied(),
        Fault::content(Content::Empty).applied(),
        Fault::status(500).later(HOUR),
    ];
    plain.map(FaultRule::new).into_iter().chain(planned).collect()
});

impl Step {
    pub(super) fn read(what: u8, which: u8) -> Self {
        let (more, which) = (usize::from(what >> 4), usize::from(which));
        let mch_id = [DIRECT, PROVIDER, UNDER][which % 3];
        match what & 15 {
            0..=4 => Self::Mail(mail::send(which)),
            5 => Self::Mail(mail::query(which)),
            6 | 7 => {
                let mch_id = [DIRECT, PROVIDER][which / 3 % 2];
                Self::Act(mch_id, NUMBERS[which % 3], action(more))
            }
            8 => Self::Advance(SPANS[which % SPANS.len()]),
            9 => Self::AdvanceToNext,
            10 => Self::Arm(&FAULTS[which % FAULTS.len()], 1 + more as u64 % 3),
            11 if more == 0 => Self::Disarm,
            11 => Self::Rule(RULES[which % RULES.len()].0, RULES[which % RULES.len()].1),
            12 => match more % 4 {
                0 => Self::TopUp(mch_id, which as u64 * 5),
                1 => Self::SetBalance(mch_id, which as u64 * 5),
                2 => Self::Reset,
                _ => Self::User(USERS[which % 2], flags(which / 2)),
            },
            13 => Self::Save,
            14 => Self::Back,
            _ => Self::Twin { json: which % 4 == 0 },
        }
    }

    /// Does it to a world. What is done with the world as a whole, its keeper does.
    pub(super) fn take(&self, one: &One) -> Seen {
        let mock = &one.mock;
        match self {
            Self::Mail(letter) => {
                let transport = one.merchants[letter.sender].transport();
                let answer = transport.send_blocking(letter.request.clone());
                return Seen::Answer(answer.map(|response| {
                    let (head, body) = response.into_parts();
                    (head.status, head.headers, body)
                }));
            }
            Self::Act(mch_id, mch_billno, action) => {
                return Seen::Packet(Box::new(mock.act(mch_id, mch_billno, action)));
            }
            Self::Advance(span) => return Seen::Fired(mock.advance(*span)),
            Self::AdvanceToNext => return Seen::Fired(mock.advance_to_next()),
            Self::Arm(rule, times) => drop(mock.arm((*rule).clone().times(*times)).expect("a sound fault")),
            Self::Disarm => drop(mock.disarm_all(None)),
            Self::Rule(name, value) => mock.set_rule(None, name, value).expect("a switch"),
            Self::User(openid, flags) => mock.set_user(None, openid, flags.clone()),
            Self::TopUp(mch_id, fen) => mock.top_up(mch_id, *fen).expect("a merchant"),
            Self::SetBalance(mch_id, fen) => mock.set_balance(mch_id, *fen).expect("a merchant"),
            Self::Reset => drop(mock.reset(&BTreeSet::from([Scope::State]), None)),
            Self::Save | Self::Back | Self::Twin { .. } => {}
        }
        Seen::Nothing
    }
}

fn action(number: usize) -> Action {
    let claim = |openid: &str| Action::Claim { openid: Some(openid.to_owned()) };
    match number {
        0 => Action::Settle,
        1 => Action::Fail { reason: None },
        2 => Action::Fail { reason: Some("r".to_owned()) },
        3 => Action::Expire,
        4 => Action::Refund,
        5 => claim(USERS[0]),
        6 => claim(USERS[1]),
        7 => claim("q"),
        _ => Action::Claim { openid: None },
    }
}

fn flags(number: usize) -> Vec<UserFlag> {
    match number % 5 {
        0 => Vec::new(),
        1 => vec![UserFlag::RiskBlocked],
        2 => vec![UserFlag::NotRealName],
        3 => vec![UserFlag::DailyCap(1)],
        _ => vec![UserFlag::ForeignOpenid],
    }
}
