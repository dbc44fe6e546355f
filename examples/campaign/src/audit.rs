//! Holds the report against the ledger of the mock: every payout, and the sums.

use std::collections::BTreeSet;

use wechatpay_mock_server::{Mock, Status};

use crate::failure::Failure;
use crate::report::{Sums, each_row};
use crate::store::{Ledger, Row};

/// What the ledger says, in one line; or the first few differences.
pub(crate) fn compare(
    store: &mut dyn Ledger,
    sums: &Sums,
    mock: &Mock,
    settled: bool,
) -> Result<String, Failure> {
    let packets = mock.ledger();
    let mut unknown: BTreeSet<&str> = packets.packets().map(|packet| &*packet.key.mch_billno).collect();
    let mut differences = Vec::new();
    let merchants = mock.merchants();
    each_row(store, |row| {
        let packet =
            merchants.iter().find_map(|merchant| mock.red_packet(merchant.mch_id(), &row.mch_billno));
        unknown.remove(&*row.mch_billno);
        let status = packet.as_ref().map(|packet| packet.status);
        let same_amount = packet.is_none_or(|packet| u64::from(packet.amount.0) == row.amount_fen);
        if !agrees(row, status) || !same_amount {
            differences.push(format!("{} is {} here and {status:?} there", row.mch_billno, row.state));
        }
        Ok(())
    })?;
    differences.extend(unknown.iter().map(|number| format!("{number} is only in the ledger")));
    let (mut paid, mut back) = (0, 0);
    for packet in packets.packets() {
        if !matches!(packet.status, Status::Sending | Status::Failed) {
            paid += u64::from(packet.amount.0);
        }
        if packet.status == Status::Refund {
            back += u64::from(packet.unclaimed().0);
        }
    }
    let (paid_here, back_here) = sums.paid_and_back();
    if paid != paid_here || (settled && back != back_here) {
        differences.push(format!("{paid_here} fen paid and {back_here} fen back in the report"));
    }
    let ledger = format!("ledger: {} packets, {paid} fen paid, {back} fen back", packets.packets().count());
    if differences.is_empty() {
        return Ok(format!("{ledger}; report: the same\n"));
    }
    differences.truncate(10);
    Err(Failure::error(format!("{ledger}; report: NOT the same: {}", differences.join("; "))))
}

fn agrees(row: &Row, there: Option<Status>) -> bool {
    use Status::{Failed, Received, Refund, RfundIng, Sent};
    match &*row.state {
        "received" => there == Some(Received),
        "refunded" => there == Some(Refund),
        "refunding" => matches!(there, Some(RfundIng | Refund)),
        "accepted" => matches!(there, Some(Sent | Received | RfundIng | Refund)),
        "failed" => matches!(there, None | Some(Failed)),
        _ => false,
    }
}
