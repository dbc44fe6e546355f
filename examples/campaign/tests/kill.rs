//! Workers are killed with `kill -9` at random moments, while a quarter of all requests goes wrong. At the end everybody is
//! paid, once, and the books agree.

#[allow(dead_code, unreachable_pub, reason = "it serves other tests too")]
#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/shop.rs"]
mod shop;

use std::process::Command;

use shop::{Dice, Shop, Worker, finish};

/// Starts a worker, kills it after so many more requests than there were, and says whether it was alive then.
fn kill_after(shop: &Shop, worker: &mut Worker, requests: u64) -> bool {
    shop.wait_for(shop.mock.requests() + requests);
    worker.kill()
}

/// A worker by one transport or the other.
fn by_either(mut command: Command, dice: &mut Dice) -> Command {
    command.args(["--transport", if dice.roll(2) == 0 { "ureq" } else { "hyper" }]);
    command
}

#[expect(clippy::print_stdout, reason = "figures for people")]
fn tell(shop: &Shop, kills: u32) {
    let (requests, struck) = (shop.mock.requests(), shop.struck());
    println!("{} payouts, {kills} kills, {requests} requests, {struck} faults", shop.rows);
}

#[test]
fn one_worker_is_killed_fifty_times() {
    let shop = Shop::open(1_000);
    shop.arm();
    let mut dice = Dice(20_260_101);
    let mut alive = 0;
    for kill in 0..50 {
        // The first ones may die before all rows are in the store.
        let command = if kill < 10 || dice.roll(2) == 0 { "run" } else { "resume" };
        let mut worker = Worker::start(&mut by_either(shop.lead(command, &shop.store()), &mut dice));
        let requests = dice.roll(30);
        alive += u32::from(kill_after(&shop, &mut worker, requests));
    }
    assert_eq!(alive, 50, "none of them came to the end");
    let report = shop.path("report.csv");
    let said = finish(shop.lead("run", &shop.store()).arg("--report").arg(&report));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    shop.audit(&report);
    assert!(shop.struck() > 100, "{} faults", shop.struck());
    tell(&shop, alive);
}

#[test]
fn three_workers_share_a_campaign_and_one_of_them_is_killed_twenty_times() {
    let Some(database) = postgres::database() else { return };
    let shop = Shop::open(1_200);
    shop.arm();
    let store = format!("postgres:{}", database.url());
    let mut dice = Dice(20_260_202);
    let start = |command: &str, dice: &mut Dice| {
        let mut worker = by_either(shop.lead(command, &store), dice);
        Worker::start(worker.args(["--lease", "9s", "--capacity", "60"]))
    };
    let mut workers: Vec<_> = (0..3).map(|_| start("run", &mut dice)).collect();
    let mut alive = 0;
    for _ in 0..20 {
        let one = usize::try_from(dice.roll(3)).unwrap();
        let requests = dice.roll(30);
        alive += u32::from(kill_after(&shop, &mut workers[one], requests));
        workers[one] = start("run", &mut dice);
    }
    assert_eq!(alive, 20, "none of them came to the end");
    for worker in &mut workers {
        assert_eq!(worker.0.wait().unwrap().code(), Some(0));
    }
    let report = shop.path("report.csv");
    let words = ["report", "--mch-id", shop::MCH_ID, "--store", &store];
    let said = finish(shop::campaign(&words).arg("--report").arg(&report));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    shop.audit(&report);
    tell(&shop, alive);
}
