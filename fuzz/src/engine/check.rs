//! What holds after every step.

use wechatpay_mock_server::{Kind, Ledger, RedPacket, Status};

use super::Given;
use super::mail::{self, Letter, Said};
use super::step::Answer;

pub(super) const OPENING: u64 = 1_000;

pub(super) fn opening() -> Given {
    [mail::DIRECT, mail::PROVIDER, mail::UNDER]
        .into_iter()
        .map(|mch_id| (mch_id.to_owned(), OPENING))
        .collect()
}

/// What a merchant is without because of its packets: reserved since they were taken, on its way, or received.
pub(super) fn out(ledger: &Ledger, mch_id: &str) -> u64 {
    ledger.packets().filter(|packet| packet.payer == mch_id).map(cost).sum()
}

fn cost(packet: &RedPacket) -> u64 {
    let claimed = packet.claims().map(|(amount, _)| u64::from(amount.0)).sum();
    match packet.status {
        Status::Sending if packet.taken.is_none() => 0,
        Status::Failed => 0,
        Status::Sending | Status::Sent | Status::RfundIng => u64::from(packet.amount.0),
        Status::Received | Status::Refund => claimed,
    }
}

/// What a merchant was given is its balance, what is on its way, and what was received.
pub(super) fn money(ledger: &Ledger, given: &Given) {
    for (mch_id, fen) in given {
        assert_eq!(ledger.balance(mch_id) + out(ledger, mch_id), *fen, "{mch_id}");
    }
    let payers = ledger.packets().all(|packet| given.contains_key(&packet.payer));
    assert!(payers, "somebody else pays");
}

/// Each packet can be what it is, and has come from what it was.
pub(super) fn packets(before: &Ledger, now: &Ledger) {
    for packet in now.packets() {
        sound(packet);
    }
    for old in before.packets() {
        let new = now.packet(&old.key).expect("no order is forgotten");
        let fixed = |packet: &RedPacket| {
            (packet.kind, packet.amount, packet.created, packet.shares.len(), packet.send_listid.clone())
        };
        assert_eq!(fixed(old), fixed(new));
        assert_eq!((&old.payer, &old.re_openid), (&new.payer, &new.re_openid));
        assert!(new.history.starts_with(&old.history), "{old:?}, {new:?}");
        for (old, new) in old.shares.iter().zip(&new.shares) {
            assert_eq!(old.amount, new.amount);
            assert!(old.claim.is_none() || old.claim == new.claim, "{old:?}, {new:?}");
        }
    }
}

fn sound(packet: &RedPacket) {
    let statuses: Vec<_> = packet.history.iter().map(|(_, status)| *status).collect();
    let documented: &[&[Status]] = &[
        &[Status::Sending],
        &[Status::Sending, Status::Failed],
        &[Status::Sending, Status::Sent],
        &[Status::Sending, Status::Sent, Status::Received],
        &[Status::Sending, Status::Sent, Status::RfundIng],
        &[Status::Sending, Status::Sent, Status::RfundIng, Status::Refund],
    ];
    assert!(documented.contains(&&*statuses), "{packet:?}");
    assert_eq!(statuses.last(), Some(&packet.status));
    let shares: u32 = packet.shares.iter().map(|share| share.amount.0).sum();
    assert_eq!(shares, packet.amount.0, "{packet:?}");
    assert!(packet.shares.iter().all(|share| share.amount.0 > 0), "{packet:?}");
    let claimed = packet.claims().count();
    assert!(packet.kind == Kind::Group || packet.shares.len() == 1, "{packet:?}");
    let possible = match packet.status {
        Status::Sending | Status::Failed => claimed == 0,
        Status::Sent | Status::RfundIng | Status::Refund => claimed < packet.shares.len(),
        Status::Received => claimed == packet.shares.len(),
    };
    assert!(possible, "{packet:?}");
    assert!(packet.hold.is_none() || packet.status == Status::Sending, "{packet:?}");
    let ends = matches!(packet.status, Status::Failed | Status::Received | Status::Refund);
    assert_eq!(packet.due.is_none(), ends, "{packet:?}");
}

/// Where no fault is armed, an answer tells the truth.
pub(super) fn answer(ledger: &Ledger, letter: &Letter, answer: &Answer) {
    let (_, _, body) = answer.as_ref().expect("nothing breaks the connection");
    // Any other refusal settles nothing, and reading it takes as long as writing it did.
    let text = String::from_utf8_lossy(body);
    if !text.contains("SUCCESS]]></result_code>") && !text.contains("SEND_FAILED") {
        return;
    }
    let packet = ledger.packet(&letter.key);
    let taken = |packet: &RedPacket| {
        let paid =
            matches!(packet.status, Status::Sent | Status::Received | Status::RfundIng | Status::Refund);
        // A send that is held is a success too, though a query would say SENDING.
        paid || letter.sends && packet.hold.is_some()
    };
    match (letter.read)(body) {
        Said::Accepted => assert!(packet.is_some_and(taken), "{packet:?}"),
        Said::Failed => assert_eq!(packet.map(|packet| packet.status), Some(Status::Failed)),
        Said::Open => {}
    }
}
