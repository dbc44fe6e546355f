//! Workers that do anything at any time, held against what leases mean: never may one write to what another has.

use std::collections::HashMap;
use std::time::Duration;

use wechatpay_campaign::store::{Ledger as _, PostgresStore};
use wechatpay_proto::payout::{Record, Saved, Store as _, Stored};

use crate::bed::{Bed as _, PostgresBed};
use crate::packets::{LATE, START, intent, new_at};

const PAYOUTS: u64 = 12;
const WORKERS: usize = 3;

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// One payout as it must stand.
#[derive(Clone, Debug, Default)]
struct Truth {
    /// Which taking it belongs to.
    lease: Option<u64>,
    ended: bool,
    done: bool,
}

struct World {
    bed: PostgresBed,
    workers: Vec<PostgresStore>,
    /// What each worker thinks that it holds, and by which taking.
    held: Vec<HashMap<String, (u64, Stored)>>,
    truth: HashMap<String, Truth>,
    takings: u64,
    refused: u64,
}

impl World {
    fn new(bed: PostgresBed) -> Self {
        let mut workers: Vec<_> = (0..WORKERS).map(|_| bed.open()).collect();
        // Number and time give the same order.
        let number = |at| format!("N{at:02}");
        let new: Vec<_> = (0..PAYOUTS).map(|at| new_at(at, intent(&number(at), &number(at), 100))).collect();
        workers[0].insert(&new).unwrap();
        let truth = (0..PAYOUTS).map(|at| (number(at), Truth::default())).collect();
        Self { bed, workers, held: vec![HashMap::new(); WORKERS], truth, takings: 0, refused: 0 }
    }

    /// What a worker may take: what is not done, and nobody's or of a lease that ended, and not in its own hands.
    fn free(&self, worker: usize) -> Vec<String> {
        let is_free = |(number, truth): &(&String, &Truth)| {
            !truth.done && (truth.lease.is_none() || truth.ended) && !self.held[worker].contains_key(*number)
        };
        let mut free: Vec<_> = self.truth.iter().filter(is_free).map(|(number, _)| number.clone()).collect();
        free.sort();
        free
    }

    fn is_holder(&self, worker: usize, number: &str) -> bool {
        let lease = self.held[worker].get(number).map(|(lease, _)| *lease);
        lease.is_some() && self.truth[number].lease == lease
    }

    fn take(&mut self, worker: usize, limit: usize) {
        let free = self.free(worker);
        let taken = self.workers[worker].take(START, LATE, limit).unwrap();
        assert!(!taken.is_empty() || free.is_empty(), "worker {worker} does not see {free:?}");
        assert!(taken.len() <= limit);
        self.takings += 1;
        for (stored, number) in taken.into_iter().zip(&free) {
            assert_eq!(stored.intent.mch_billno(), number, "worker {worker} may take {free:?}");
            self.truth.insert(number.clone(), Truth { lease: Some(self.takings), ..Truth::default() });
            self.held[worker].insert(number.clone(), (self.takings, stored));
        }
    }

    fn save(&mut self, worker: usize, number: &str, done: bool) {
        let Some((_, stored)) = self.held[worker].get(number) else { return };
        let record = [Record { snapshot: &stored.snapshot, done }];
        let saved = self.workers[worker].save(START, &record).unwrap();
        // All snapshots here are alike, so a last one that is there already may be anybody's.
        let ours = self.is_holder(worker, number) || (done && self.truth[number].done);
        assert_eq!(saved, [if ours { Saved::Written } else { Saved::NotOurs }], "worker {worker}, {number}");
        self.refused += u64::from(!ours);
        let truth = self.truth.get_mut(number).unwrap();
        if ours {
            let lease = truth.lease.filter(|_| !done);
            *truth = Truth { lease, ended: false, done };
        }
        if done || !ours {
            self.held[worker].remove(number);
        }
    }

    fn release(&mut self, worker: usize, number: &str) {
        self.workers[worker].release(&[number]).unwrap();
        if self.is_holder(worker, number) {
            self.truth.insert(number.to_owned(), Truth::default());
        }
        self.held[worker].remove(number);
    }

    fn renew(&mut self, worker: usize) {
        self.workers[worker].renew(START).unwrap();
        let held: Vec<_> = self.held[worker].keys().cloned().collect();
        for number in held {
            if self.is_holder(worker, &number) {
                self.truth.get_mut(&number).unwrap().ended = false;
            }
        }
    }

    fn end_leases(&mut self) {
        self.bed.end_leases();
        self.truth.values_mut().for_each(|truth| truth.ended = true);
    }

    fn look(&mut self, worker: usize) {
        let next = self.workers[worker].next_wake().unwrap();
        let free = self.free(worker);
        let others =
            |(number, truth): (&String, &Truth)| !truth.done && !self.held[worker].contains_key(number);
        if self.truth.iter().any(others) {
            assert!(next.is_some(), "worker {worker} would go home, though {free:?} are free or another's");
        }
        if !free.is_empty() {
            assert!(next.unwrap() < START + Duration::from_secs(PAYOUTS));
        }
    }

    fn step(&mut self, dice: &mut Dice) {
        let worker = dice.below(WORKERS);
        let number = format!("N{:02}", dice.below(usize::try_from(PAYOUTS).unwrap()));
        match dice.below(16) {
            0..=3 => self.take(worker, 1 + dice.below(4)),
            4..=8 => self.save(worker, &number, dice.below(12) == 0),
            9..=11 => self.release(worker, &number),
            12 => self.renew(worker),
            13..=14 => self.look(worker),
            _ => self.end_leases(),
        }
    }
}

#[test]
fn workers_never_write_to_what_another_has() {
    let mut refused = 0;
    for seed in 0..6 {
        let Some(bed) = PostgresBed::new() else { return };
        let (mut world, mut dice) = (World::new(bed), Dice(seed));
        for _ in 0..400 {
            world.step(&mut dice);
        }
        // It was a life: much was taken, something was done, and the books know of it.
        let done = world.truth.values().filter(|truth| truth.done).count();
        assert!(world.takings > 50 && done > 0, "{} takings, {done} done", world.takings);
        assert_eq!(world.workers[0].summary().unwrap().open(), PAYOUTS - done as u64);
        refused += world.refused;
    }
    assert!(refused > 20, "{refused} writes were refused");
}
