//! Runs worlds, and fails where one of them shows what must not be.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use clap::Parser;
use wechatpay_simulation::{Right, seeds_for, world, worlds};

/// Leads payouts through worlds that go wrong, and fails where one of them shows what must not be.
#[derive(Parser)]
#[command(name = "simulate")]
struct Options {
    /// How many payouts: the worlds of as many seeds as hold them.
    #[arg(long, default_value_t = 50_000)]
    packets: u64,
    /// The first of the seeds.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// On how many threads; as many as there are cores where it is not given. It changes no figure.
    #[arg(long)]
    threads: Option<usize>,
    /// One world alone.
    #[arg(long, conflicts_with_all = ["packets", "first", "threads"])]
    seed: Option<u64>,
    /// Say what happens in it.
    #[arg(long, requires = "seed")]
    trace: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            writeln!(io::stderr(), "{error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<bool, Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    if let Some(seed) = options.seed {
        let report = world(seed, &Right, options.trace)?;
        for line in &report.trace {
            writeln!(out, "{line}")?;
        }
        for violation in &report.violations {
            writeln!(out, "{:?}: {}", violation.invariant, violation.seen)?;
        }
        write!(out, "{}", report.counts)?;
        return Ok(report.violations.is_empty());
    }
    let began = now();
    let seeds = options.first..seeds_for(options.packets, options.first);
    let threads = options.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let total = worlds(seeds, &Right, threads)?;
    write!(out, "{}", total.counts)?;
    let took = began.elapsed().as_secs_f64();
    writeln!(out, "{took:.1} s on {threads} threads")?;
    for seed in total.bad.iter().take(10) {
        writeln!(out, "replay: cargo run --release -p wechatpay-simulation -- --seed {seed} --trace")?;
    }
    Ok(total.bad.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "how long a run takes is for people to read; no world sees it")]
fn now() -> Instant {
    Instant::now()
}
