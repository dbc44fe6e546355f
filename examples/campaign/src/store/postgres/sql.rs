//! The statements. Each works on a batch: its columns are arrays.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use ::postgres::Row as Columns;
use wechatpay_proto::payout::{Inserted, Record, Stored};

use super::link::Tx;
use crate::store::error::StoreError;
use crate::store::ledger::{Row, RowKey, StateSum, Summary};
use crate::store::row::{self, Order, Present, Standing, small, unsigned};

/// The most payouts of one statement.
pub(super) const PART: usize = 5_000;

/// A later number needs the proof that the one before it failed. A row that another worker is inserting is waited for.
const INSERT: &str = "
    INSERT INTO wechatpay_payout (mch_id, business_id, generation, mch_billno, amount_fen, fingerprint, intent,
        state, done, attempts, wake_at, send_listid, reason, refunded_fen, snapshot, business_key, number_key)
    SELECT $1, n.business_id, n.generation, n.mch_billno, n.amount_fen, n.fingerprint, n.intent,
        n.state, false, n.attempts, n.wake_at, n.send_listid, n.reason, n.refunded_fen, n.snapshot,
        n.business_key, n.number_key
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::text[],
            $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::bigint[], $14::text[],
            $15::text[], $16::text[])
        WITH ORDINALITY AS n (business_id, generation, mch_billno, amount_fen, fingerprint, intent,
            state, attempts, wake_at, send_listid, reason, refunded_fen, snapshot, business_key, number_key, place)
    WHERE n.generation = 0 OR EXISTS (
        SELECT 1 FROM wechatpay_payout p
        WHERE p.mch_id = $1 AND p.business_id = n.business_id AND p.generation = n.generation - 1
            AND p.state = 'failed' AND p.done)
    ORDER BY n.place
    ON CONFLICT DO NOTHING
    RETURNING business_id, generation, mch_billno, fingerprint";

/// What keeps rows from being inserted: their business ids or their numbers, in whatever spelling. What an earlier release
/// took beside another of its look is found by its business id alone.
const PRESENT: &str = "
    SELECT business_id, generation, mch_billno, fingerprint FROM wechatpay_payout
    WHERE mch_id = $1 AND number_key = ANY ($2)
    UNION
    SELECT business_id, generation, mch_billno, fingerprint FROM wechatpay_payout
    WHERE mch_id = $1 AND business_id = ANY ($3)
    UNION
    SELECT business_id, generation, mch_billno, fingerprint FROM wechatpay_payout
    WHERE mch_id = $1 AND business_key = ANY ($4)";

pub(super) fn insert(tx: &mut Tx<'_>, mch_id: &str, part: &[Order]) -> Result<Vec<Inserted>, StoreError> {
    let column = |of: fn(&Order) -> &str| part.iter().map(of).collect::<Vec<_>>();
    let number = |of: fn(&Order) -> i64| part.iter().map(of).collect::<Vec<_>>();
    let maybe = |of: fn(&Order) -> Option<&str>| part.iter().map(of).collect::<Vec<_>>();
    let refunded: Vec<Option<i64>> = part.iter().map(|order| order.standing.refunded_fen).collect();
    let rows = tx.query(
        INSERT,
        &[
            &mch_id,
            &column(|order| &order.business_id),
            &number(|order| order.generation),
            &column(|order| &order.mch_billno),
            &number(|order| order.amount_fen),
            &column(|order| &order.fingerprint),
            &column(|order| &order.intent),
            &column(|order| order.standing.state),
            &number(|order| order.standing.attempts),
            &number(|order| order.standing.wake_at),
            &maybe(|order| order.standing.send_listid.as_deref()),
            &maybe(|order| order.standing.reason.as_deref()),
            &refunded,
            &column(|order| &order.standing.snapshot),
            &column(|order| &order.business_key),
            &column(|order| &order.number_key),
        ],
    )?;
    let new = rows.iter().map(present).collect::<Result<Vec<_>, _>>()?;
    let mut new: HashSet<_> = new.iter().map(Present::key).collect();
    // Of two alike in one batch the first is new.
    let mut fresh = Vec::with_capacity(part.len());
    for order in part {
        fresh.push(new.remove(&order.key()));
    }
    if fresh.iter().all(|fresh| *fresh) {
        return Ok(vec![Inserted::New; part.len()]);
    }
    judge(tx, mch_id, part, &fresh)
}

/// Says of those that were not written why.
fn judge(tx: &mut Tx<'_>, mch_id: &str, part: &[Order], fresh: &[bool]) -> Result<Vec<Inserted>, StoreError> {
    let old = || part.iter().zip(fresh).filter(|(_, fresh)| !**fresh).map(|(order, _)| order);
    let texts = |of: fn(&Order) -> &str| old().map(of).collect::<Vec<_>>();
    let number_keys = texts(|order| &order.number_key);
    let (ids, business_keys) = (texts(|order| &order.business_id), texts(|order| &order.business_key));
    let rows = tx.query(PRESENT, &[&mch_id, &number_keys, &ids, &business_keys])?;
    let there = rows.iter().map(present).collect::<Result<Vec<_>, _>>()?;
    let mut by_number: HashMap<&str, Vec<&Present>> = HashMap::new();
    let mut by_id: HashMap<&str, Vec<&Present>> = HashMap::new();
    for there in &there {
        by_number.entry(&there.number_key).or_default().push(there);
        by_id.entry(&there.business_key).or_default().push(there);
    }
    let say = |(order, fresh): (&Order, &bool)| {
        if *fresh {
            return Ok(Inserted::New);
        }
        let by_id = by_id.get(order.business_key.as_str()).into_iter().flatten();
        let by_number = by_number.get(order.number_key.as_str()).into_iter().flatten();
        let there: Vec<&Present> = by_id.chain(by_number).copied().collect();
        order.judge(&there).ok_or(StoreError::Deleted)
    };
    part.iter().zip(fresh).map(say).collect()
}

fn present(row: &Columns) -> Result<Present, ::postgres::Error> {
    Ok(Present::new(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?))
}

/// Rows that another worker is taking are passed over, not waited for.
const TAKE: &str = "
    WITH due AS (
        SELECT mch_billno FROM wechatpay_payout
        WHERE mch_id = $1 AND NOT done AND (wake_at <= $3 OR wake_at > $6)
            AND (lease IS NULL OR lease_until <= clock_timestamp()) AND mch_billno <> ALL ($4)
        ORDER BY wake_at, mch_billno LIMIT $5
        FOR UPDATE SKIP LOCKED)
    UPDATE wechatpay_payout p
    SET lease = (SELECT nextval('wechatpay_payout_lease')),
        lease_until = clock_timestamp() + make_interval(secs => $2)
    FROM due WHERE p.mch_id = $1 AND p.mch_billno = due.mch_billno
    RETURNING p.mch_billno, p.lease, p.wake_at, p.intent, p.snapshot";

/// A number, and the lease under which it was taken.
pub(super) type Leased = (String, i64);

pub(super) fn take(
    tx: &mut Tx<'_>,
    mch_id: &str,
    length: Duration,
    (until, too_late): (i64, i64),
    left_out: &[&str],
    limit: i64,
) -> Result<Vec<(Leased, Stored)>, StoreError> {
    let rows = tx.query(TAKE, &[&mch_id, &length.as_secs_f64(), &until, &left_out, &limit, &too_late])?;
    // What an UPDATE returns has no order.
    let taking = |row| Ok((Taking::read(row)?, row));
    let mut taken = rows.iter().map(taking).collect::<Result<Vec<_>, StoreError>>()?;
    taken.sort_by(|(a, _), (b, _)| (a.wake_at, &a.mch_billno).cmp(&(b.wake_at, &b.mch_billno)));
    let stored = |(taking, row): (Taking, &Columns)| {
        let stored = stored(row, mch_id, &taking.mch_billno, 3)?;
        Ok(((taking.mch_billno, taking.lease), stored))
    };
    taken.into_iter().map(stored).collect()
}

struct Taking {
    mch_billno: String,
    lease: i64,
    wake_at: i64,
}

impl Taking {
    fn read(row: &Columns) -> Result<Self, ::postgres::Error> {
        Ok(Self { mch_billno: row.try_get(0)?, lease: row.try_get(1)?, wake_at: row.try_get(2)? })
    }
}

/// A payout whose intent is in column `at`, and its snapshot in the one after it.
fn stored(row: &Columns, mch_id: &str, mch_billno: &str, at: usize) -> Result<Stored, StoreError> {
    let (intent, snapshot): (&str, &str) = (row.try_get(at)?, row.try_get(at + 1)?);
    row::stored(mch_id, mch_billno, intent.as_bytes(), snapshot.as_bytes())
}

/// A last snapshot that is there already counts as written: the connection may have broken while its commit was confirmed.
const SAVE: &str = "
    UPDATE wechatpay_payout p
    SET state = n.state, done = n.done, attempts = n.attempts, wake_at = n.wake_at, send_listid = n.send_listid,
        reason = n.reason, refunded_fen = n.refunded_fen, snapshot = n.snapshot,
        lease = CASE WHEN n.done THEN NULL ELSE p.lease END,
        lease_until = CASE WHEN n.done THEN NULL ELSE clock_timestamp() + make_interval(secs => $2) END
    FROM unnest($3::text[], $4::bigint[], $5::text[], $6::boolean[], $7::bigint[], $8::bigint[], $9::text[],
            $10::text[], $11::bigint[], $12::text[])
        AS n (mch_billno, lease, state, done, attempts, wake_at, send_listid, reason, refunded_fen, snapshot)
    WHERE p.mch_id = $1 AND p.mch_billno = n.mch_billno
        AND (p.lease = n.lease OR (p.done AND n.done AND p.snapshot = n.snapshot))
    RETURNING p.mch_billno";

/// Writes snapshots, each under its lease, and gives the numbers of those that were written.
pub(super) fn save(
    tx: &mut Tx<'_>,
    mch_id: &str,
    length: Duration,
    part: &[(&Record<'_>, i64)],
) -> Result<Vec<String>, StoreError> {
    let standings: Vec<Standing> = part.iter().map(|(record, _)| Standing::of(record.snapshot)).collect();
    let number = |of: fn(&Standing) -> i64| standings.iter().map(of).collect::<Vec<_>>();
    let maybe = |of: fn(&Standing) -> Option<&str>| standings.iter().map(of).collect::<Vec<_>>();
    let refunded: Vec<Option<i64>> = standings.iter().map(|standing| standing.refunded_fen).collect();
    let rows = tx.query(
        SAVE,
        &[
            &mch_id,
            &length.as_secs_f64(),
            &part.iter().map(|(record, _)| record.snapshot.mch_billno()).collect::<Vec<_>>(),
            &part.iter().map(|(_, lease)| *lease).collect::<Vec<_>>(),
            &standings.iter().map(|standing| standing.state).collect::<Vec<_>>(),
            &part.iter().map(|(record, _)| record.done).collect::<Vec<_>>(),
            &number(|standing| standing.attempts),
            &number(|standing| standing.wake_at),
            &maybe(|standing| standing.send_listid.as_deref()),
            &maybe(|standing| standing.reason.as_deref()),
            &refunded,
            &standings.iter().map(|standing| standing.snapshot.as_str()).collect::<Vec<_>>(),
        ],
    )?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

const RELEASE: &str = "
    UPDATE wechatpay_payout p SET lease = NULL, lease_until = NULL
    FROM unnest($2::text[], $3::bigint[]) AS n (mch_billno, lease)
    WHERE p.mch_id = $1 AND p.mch_billno = n.mch_billno AND p.lease = n.lease";

pub(super) fn release(tx: &mut Tx<'_>, mch_id: &str, part: &[(&str, i64)]) -> Result<(), StoreError> {
    let (numbers, leases): (Vec<&str>, Vec<i64>) = part.iter().copied().unzip();
    tx.query(RELEASE, &[&mch_id, &numbers, &leases])?;
    Ok(())
}

const RENEW: &str = "
    UPDATE wechatpay_payout p SET lease_until = clock_timestamp() + make_interval(secs => $2)
    FROM unnest($3::text[], $4::bigint[]) AS n (mch_billno, lease)
    WHERE p.mch_id = $1 AND p.mch_billno = n.mch_billno AND p.lease = n.lease";

pub(super) fn renew(
    tx: &mut Tx<'_>,
    mch_id: &str,
    length: Duration,
    part: &[(&str, i64)],
) -> Result<(), StoreError> {
    let (numbers, leases): (Vec<&str>, Vec<i64>) = part.iter().copied().unzip();
    tx.query(RENEW, &[&mch_id, &length.as_secs_f64(), &numbers, &leases])?;
    Ok(())
}

/// What is free wakes by itself, what is another's when its lease ends.
const NEXT_WAKE: &str = "
    SELECT least(
        (SELECT wake_at FROM wechatpay_payout
        WHERE mch_id = $1 AND NOT done
            AND (lease IS NULL OR lease_until <= clock_timestamp()) AND mch_billno <> ALL ($2)
        ORDER BY wake_at, mch_billno LIMIT 1),
        (SELECT ceil(extract(epoch FROM lease_until) * 1000)::bigint FROM wechatpay_payout
        WHERE mch_id = $1 AND lease IS NOT NULL
            AND lease_until > clock_timestamp() AND mch_billno <> ALL ($2)
        ORDER BY lease_until LIMIT 1))";

pub(super) fn next_wake(tx: &mut Tx<'_>, mch_id: &str, left_out: &[&str]) -> Result<Option<i64>, StoreError> {
    let rows = tx.query(NEXT_WAKE, &[&mch_id, &left_out])?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?.flatten())
}

const SUMMARY: &str = "
    SELECT state, count(*), count(*) FILTER (WHERE done), sum(amount_fen)::bigint,
        coalesce(sum(refunded_fen), 0)::bigint
    FROM wechatpay_payout WHERE mch_id = $1 GROUP BY state ORDER BY state";

pub(super) fn summary(tx: &mut Tx<'_>, mch_id: &str) -> Result<Summary, StoreError> {
    let state = |row: &Columns| {
        Ok(StateSum {
            state: row.try_get(0)?,
            payouts: unsigned(row.try_get(1)?),
            done: unsigned(row.try_get(2)?),
            fen: unsigned(row.try_get(3)?),
            refunded_fen: unsigned(row.try_get(4)?),
        })
    };
    let states = tx.query(SUMMARY, &[&mch_id])?.iter().map(state).collect::<Result<_, StoreError>>()?;
    Ok(Summary { states })
}

/// Every generation is above -1, and every business id above the empty one.
const PAGE: &str = "
    SELECT business_id, generation, mch_billno, amount_fen, state, done, attempts, send_listid, reason,
        refunded_fen, wake_at
    FROM wechatpay_payout WHERE mch_id = $1 AND (business_id, generation) > ($2, $3)
    ORDER BY business_id, generation LIMIT $4";

pub(super) fn page(
    tx: &mut Tx<'_>,
    mch_id: &str,
    after: Option<&RowKey>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let (business_id, generation) =
        after.map_or(("", -1), |key| (key.business_id.as_str(), i64::from(key.generation)));
    let one = |row: &Columns| {
        Ok(Row {
            business_id: row.try_get(0)?,
            generation: small(row.try_get(1)?),
            mch_billno: row.try_get(2)?,
            amount_fen: unsigned(row.try_get(3)?),
            state: row.try_get(4)?,
            done: row.try_get(5)?,
            attempts: small(row.try_get(6)?),
            send_listid: row.try_get(7)?,
            reason: row.try_get(8)?,
            refunded_fen: row.try_get::<_, Option<i64>>(9)?.map(unsigned),
            wake_at: row::time(row.try_get(10)?),
        })
    };
    tx.query(PAGE, &[&mch_id, &business_id, &generation, &limit])?.iter().map(one).collect()
}

const FIND: &str = "SELECT intent, snapshot FROM wechatpay_payout WHERE mch_id = $1 AND mch_billno = $2";

pub(super) fn find(tx: &mut Tx<'_>, mch_id: &str, mch_billno: &str) -> Result<Option<Stored>, StoreError> {
    let rows = tx.query(FIND, &[&mch_id, &mch_billno])?;
    rows.first().map(|row| stored(row, mch_id, mch_billno, 0)).transpose()
}
