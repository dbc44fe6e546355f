//! A few hundred worlds, and that a world is the same world every time.

use wechatpay_simulation::{Fault, Plan, Right, World, seeds_for, world, worlds};

#[test]
fn in_a_few_hundred_worlds_nobody_is_paid_twice_and_nothing_is_lost() {
    let total = worlds(0..seeds_for(2_000, 0), &Right, 2).unwrap();
    assert_eq!(
        total.bad, [0; 0],
        "replay: cargo run --release -p wechatpay-simulation -- --seed <seed> --trace"
    );
    assert!(total.counts.packets >= 2_000);
    assert!(total.counts.faults.sum() >= 3 * total.counts.packets, "too quiet to prove anything");
    for fault in Fault::ALL {
        assert!(total.counts.faults.of(*fault) > 0, "never: {}", fault.name());
    }
    let ends = total.counts.ends;
    assert!(
        ends.received > 0 && ends.refunded > 0 && ends.failed > 0 && ends.horizon > 0 && ends.conflict > 0,
        "{ends:?}"
    );
    assert!(total.counts.late_answers > 0 && total.counts.leases_lost > 0 && total.counts.torn > 0);
    // A giving-up is an end too, but it must not be the usual one.
    assert!(ends.horizon + ends.defect < total.counts.packets / 10, "{ends:?}");
}

#[test]
fn a_seed_is_one_world_to_the_byte() {
    for seed in 0..30 {
        let [one, other] = [0, 1].map(|_| world(seed, &Right, true).unwrap());
        assert!(!one.trace.is_empty());
        assert_eq!(one.trace, other.trace, "seed {seed}");
        assert_eq!(one.counts, other.counts, "seed {seed}");
    }
    assert_ne!(world(1, &Right, true).unwrap().trace, world(2, &Right, true).unwrap().trace);
}

#[test]
fn threads_change_nothing() {
    let [one, two] = [1, 2].map(|threads| worlds(0..150, &Right, threads).unwrap());
    assert_eq!(one, two);
    assert_ne!(one, worlds(150..300, &Right, 2).unwrap());
}

#[test]
fn watching_a_world_does_not_change_it() {
    for seed in 0..30 {
        let [watched, alone] = [true, false].map(|traced| world(seed, &Right, traced).unwrap().counts);
        assert_eq!(watched, alone, "seed {seed}");
    }
}

#[test]
fn in_a_quiet_world_there_is_one_send_and_one_end() {
    let report = World::new(Plan::quiet(), &Right, true).unwrap().run();
    assert_eq!(report.violations, []);
    assert_eq!((report.counts.sends, report.counts.faults.sum(), report.counts.ends.received), (1, 0, 1));
}
