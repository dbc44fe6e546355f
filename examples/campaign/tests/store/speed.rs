//! How fast the stores are: printed, as machines differ. `cargo test --release -p wechatpay-campaign --test store speed --
//! --nocapture --test-threads=1` gives the figures of 100,000 payouts, a build without optimisation a small sample.

use std::time::Instant;

use wechatpay_proto::payout::{Record, Saved, Store as _};

use crate::bed::Bed;
use crate::on_both;
use crate::packets::{LATE, START, attempted, many, numbers};

on_both!(speed);

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "figures are for people")]
fn tell(what: &str, count: usize, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    println!("{what}: {count} in {seconds:.2} s, {:.0}/s", count as f64 / seconds);
}

fn speed<B: Bed>(bed: &B) {
    let count = if cfg!(debug_assertions) { 2_000 } else { 100_000 };
    let mut store = bed.open();
    let new = many(count);
    let since = now();
    for batch in new.chunks(1_000) {
        store.insert(batch).unwrap();
    }
    let table = B::TABLE;
    tell(&format!("{table}, insert by 1,000"), count, since);
    for (size, rounds) in [(1, count / 100), (100, count / 200)] {
        let since = now();
        let mut written = 0;
        for _ in 0..rounds {
            let taken = store.take(START, LATE, size).unwrap();
            assert_eq!(taken.len(), size);
            let snapshots: Vec<_> = taken.iter().map(attempted).collect();
            let records: Vec<_> = snapshots.iter().map(|snapshot| Record { snapshot, done: false }).collect();
            let saved = store.save(START, &records).unwrap();
            written += saved.iter().filter(|saved| **saved == Saved::Written).count();
            store.release(&numbers(&taken)).unwrap();
        }
        assert_eq!(written, size * rounds);
        tell(&format!("{table}, take, save and release by {size}"), written, since);
    }
    let since = now();
    let taken = store.take(START, LATE, count).unwrap();
    assert_eq!(taken.len(), count);
    tell(&format!("{table}, take all"), count, since);
}
