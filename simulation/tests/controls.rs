//! A campaign of worlds that finds nothing proves nothing, unless it finds what is there: the same worlds catch ten wrong
//! policies, each of which was made by somebody, somewhere.

#[path = "controls/wrong.rs"]
mod wrong;

use wechatpay_simulation::{Conduct, Right, Total, worlds};

/// Worlds for each policy, and how many of them must show the harm: one may be chance.
const WORLDS: u64 = 600;
const HARMED: usize = 2;

#[test]
fn wrong_policies_are_caught_and_the_right_one_is_not() {
    let run = |conduct: &dyn Conduct| worlds(0..WORLDS, conduct, 2).unwrap();
    let right = run(&Right);
    let mut table = vec![row("the right one", &right)];
    let mut missed = Vec::new();
    for (name, conduct) in wrong::ALL {
        let total = run(*conduct);
        table.push(row(name, &total));
        if total.harmed.len() < HARMED {
            missed.push(*name);
        }
    }
    show(&table);
    assert_eq!(
        right.bad, [0; 0],
        "replay: cargo run --release -p wechatpay-simulation -- --seed <seed> --trace"
    );
    assert_eq!(missed, [""; 0], "these did harm that nobody saw");
}

#[test]
fn a_payment_to_somebody_else_is_seen() {
    let total = worlds(0..100, &wrong::MixesUpReceivers, 2).unwrap();
    assert!(total.counts.misreported >= 50, "{}", total.counts);
    assert_eq!(total.counts.paid_twice, 0);
}

#[expect(clippy::print_stdout, reason = "the table is what people look for, with `--nocapture`")]
fn show(table: &[String]) {
    println!("| policy | paid twice | lost or misreported | first bad seed | harmed |");
    table.iter().for_each(|row| println!("{row}"));
}

/// Policy, paid twice, lost or misreported, first seed, and the share of payments that were harmed.
fn row(name: &str, total: &Total) -> String {
    let counts = &total.counts;
    let first = total.harmed.first().map_or("-".to_owned(), u64::to_string);
    let harmed = 1000 * (counts.paid_twice + counts.misreported) / counts.packets;
    format!(
        "| {name:<52} | {:>5} | {:>5} | {first:>5} | {:>3}.{} % | {:>3} worlds of {WORLDS}, {} packets, {} injected faults",
        counts.paid_twice,
        counts.misreported,
        harmed / 10,
        harmed % 10,
        total.harmed.len(),
        counts.packets,
        counts.faults.sum(),
    )
}
