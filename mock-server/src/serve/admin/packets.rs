//! Packets: what they are, and what a user or time would do to them.

use std::cmp::Reverse;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Answer, Asked, Body, Call, Field, Kind, Refused, Reply, may, must};
use crate::clock::Time;
use crate::packet::{Action, ActionError, Claim, RedPacket, Share, Status};

/// The most packets in one answer.
const MOST: usize = 1000;

const STATUS: Kind = Kind::OneOf(&["SENDING", "SENT", "FAILED", "RECEIVED", "RFUND_ING", "REFUND"]);
const CLAIM: &[Field] =
    &[must("openid", Kind::Text, "who"), must("at", Kind::Text, "since when, in RFC 3339")];
const SHARE: &[Field] = &[
    must("amount", Kind::Number, "in fen"),
    must("claim", Kind::Object(CLAIM), "who has it; null while nobody has").or_null(),
];
const HOLD: &[Field] = &[
    must("until", Kind::Any, "{\"time\"}, {\"polls\"} or never"),
    must("fails", Kind::Flag, "whether it fails then, instead of being paid"),
    must("processing", Kind::Flag, "whether a send of its number is answered PROCESSING meanwhile"),
];
const PASSED: &[Field] =
    &[must("at", Kind::Text, "since when, in RFC 3339"), must("status", STATUS, "where it stood then")];
const PACKET: &[Field] = &[
    must("mch_id", Kind::Text, "of this merchant"),
    must("mch_billno", Kind::Text, "the number of the order"),
    must("kind", Kind::OneOf(&["NORMAL", "MINI_PROGRAM", "GROUP", "WORK_WEIXIN"]), "which endpoint sent it"),
    must("payer", Kind::Text, "the merchant whose balance pays"),
    must("wxappid", Kind::Text, "as it was sent"),
    must("re_openid", Kind::Text, "to whom"),
    must("total_amount", Kind::Number, "in fen"),
    must("shares", Kind::List(&Kind::Object(SHARE)), "its parts: one, but of group packets"),
    must("send_listid", Kind::Text, "the service's number for it"),
    must("status", STATUS, "where it stands"),
    must("reason", Kind::Text, "what is or was in the way").or_null(),
    must("due", Kind::Text, "when it moves on by itself, in RFC 3339").or_null(),
    must(
        "taken",
        Kind::Text,
        "when its amount left the payer's balance, in RFC 3339: reserved until it is SENT",
    )
    .or_null(),
    must("hold", Kind::Object(HOLD), "what keeps it SENDING").or_null(),
    must(
        "history",
        Kind::List(&Kind::Object(PASSED)),
        "every status that it had; the last is the present one",
    ),
    must("allowed", Kind::List(&Kind::Text), "the actions that are possible now"),
];

macro_rules! action {
    ($name:literal, $summary:literal, $body:expr, $run:expr) => {
        Call {
            method: Method::POST,
            path: concat!("/redpackets/{mch_id}/{mch_billno}/", $name),
            summary: $summary,
            query: &[],
            body: $body,
            status: StatusCode::OK,
            answer: Answer::Json(PACKET),
            run: $run,
        }
    };
}

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/redpackets",
        summary: "Packets, the latest first.",
        query: &[
            may("mch_id", Kind::Text, "of this merchant"),
            may("status", STATUS, "that stand there"),
            may("since", Kind::Text, "taken at this time or later, in RFC 3339"),
            may("limit", Kind::Number, "at most so many: 100, and 1000 at most"),
        ],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(&[
            must("redpackets", Kind::List(&Kind::Object(PACKET)), "those that fit"),
            must("more", Kind::Flag, "whether there are more than the limit"),
        ]),
        run: list,
    },
    Call {
        method: Method::GET,
        path: "/redpackets/{mch_id}/{mch_billno}",
        summary: "A packet with its history, its shares, and what may be done to it.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(PACKET),
        run: show,
    },
    action!(
        "settle",
        "SENDING to SENT: what was reserved is paid, or the payer debited.",
        Body::None,
        |admin, asked| { act(admin, asked, &Action::Settle) }
    ),
    action!(
        "claim",
        "The receiver, or of a group packet whoever is named, claims a share; with the last one it is RECEIVED.",
        Body::Optional(
            &[may("openid", Kind::Text, "who; the receiver, where it is left out").or_null()],
            r#"{"openid":"oxTWIuGaIt6gTKsQRLau2M0yL16E"}"#
        ),
        |admin, asked| {
            let Claimed { openid } = asked.read()?;
            act(admin, asked, &Action::Claim { openid })
        }
    ),
    action!("expire", "SENT to RFUND_ING: the claim window is over.", Body::None, |admin, asked| {
        act(admin, asked, &Action::Expire)
    }),
    action!(
        "refund",
        "RFUND_ING to REFUND: the payer gets back what nobody claimed.",
        Body::None,
        |admin, asked| { act(admin, asked, &Action::Refund) }
    ),
    action!(
        "fail",
        "SENDING to FAILED.",
        Body::Optional(
            &[may("reason", Kind::Text, "what a query says of it").or_null()],
            r#"{"reason":"该用户今日领取金额超过限制"}"#
        ),
        |admin, asked| {
            let Failed { reason } = asked.read()?;
            act(admin, asked, &Action::Fail { reason })
        }
    ),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claimed {
    #[serde(default)]
    openid: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    #[serde(default)]
    reason: Option<String>,
}

fn list(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let status: Option<Status> = asked
        .query("status")
        .map(|name| {
            serde_json::from_value(Value::from(name)).map_err(|error| Refused::bad(error.to_string()))
        })
        .transpose()?;
    let since =
        asked.query("since").map(Time::parse).transpose().map_err(|error| Refused::bad(error.to_string()))?;
    let limit = match asked.query("limit").map(str::parse) {
        None => 100,
        Some(Ok(limit @ 1..=MOST)) => limit,
        Some(_) => return Err(Refused::bad(format!("limit is a number from 1 to {MOST}"))),
    };
    let fits = |packet: &&RedPacket| {
        asked.query("mch_id").is_none_or(|mch_id| packet.key.mch_id == mch_id)
            && status.is_none_or(|status| packet.status == status)
            && since.is_none_or(|since| packet.created >= since)
    };
    let (packets, more) = admin.mock.ledger_of(|ledger| {
        let mut found: Vec<_> = ledger.packets().filter(fits).collect();
        found.sort_by_key(|packet| Reverse(packet.created));
        (found.iter().take(limit).map(|packet| describe(packet)).collect::<Vec<_>>(), found.len() > limit)
    });
    Ok(Reply::Json(json!({"redpackets": packets, "more": more})))
}

fn show(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let (mch_id, mch_billno) = (asked.part(0), asked.part(1));
    let packet = admin.mock.red_packet(mch_id, mch_billno);
    let packet = packet.ok_or_else(|| Refused::unknown("packet", &format!("{mch_billno} of {mch_id}")))?;
    Ok(Reply::Json(describe(&packet)))
}

fn act(admin: &Admin, asked: &Asked<'_>, action: &Action) -> Result<Reply, Refused> {
    let packet = admin.mock.act(asked.part(0), asked.part(1), action).map_err(refuse)?;
    Ok(Reply::Json(describe(&packet)))
}

fn refuse(error: ActionError) -> Refused {
    let hint = match &error {
        ActionError::NotTheReceiver => "re_openid of the packet is who can claim it: leave openid out",
        ActionError::ClaimedBefore => {
            "name another openid: of a group packet everybody has one share at most"
        }
        ActionError::WhoElse => "give openid: its shares are listed in the packet",
        ActionError::NotEnough => "POST /__mock/merchants/{mch_id}/topup for the payer, then settle again",
        _ => "GET the packet to see its status and history",
    };
    match &error {
        ActionError::NotFound(key) => {
            Refused::unknown("packet", &format!("{} of {}", key.mch_billno, key.mch_id))
        }
        ActionError::Illegal { status, .. } => {
            let allowed = status.allowed();
            let hint = match allowed {
                [] => "no action moves it on any more".to_owned(),
                some => format!("POST one of {} in place of that", some.join(", ")),
            };
            Refused::conflict("illegal_transition", error.to_string(), &hint).with("allowed", json!(allowed))
        }
        _ => Refused::conflict("refused", error.to_string(), hint),
    }
}

fn describe(packet: &RedPacket) -> Value {
    let history: Vec<_> =
        packet.history.iter().map(|(at, status)| json!({"at": at, "status": status})).collect();
    let claim = |claim: &Claim| json!({"openid": claim.openid, "at": claim.at});
    let share = |share: &Share| json!({"amount": share.amount.0, "claim": share.claim.as_ref().map(claim)});
    json!({
        "mch_id": packet.key.mch_id,
        "mch_billno": packet.key.mch_billno,
        "kind": packet.kind,
        "payer": packet.payer,
        "wxappid": packet.wxappid,
        "re_openid": packet.re_openid,
        "total_amount": packet.amount.0,
        "shares": packet.shares.iter().map(share).collect::<Vec<_>>(),
        "send_listid": packet.send_listid,
        "status": packet.status,
        "reason": packet.reason,
        "due": packet.due,
        "taken": packet.taken,
        "hold": packet.hold,
        "history": history,
        "allowed": packet.status.allowed(),
    })
}
