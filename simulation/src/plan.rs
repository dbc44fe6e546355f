//! What kind of world it is: drawn from the seed, or written by hand.

use std::time::Duration;

use wechatpay_mock_server::rules::{Envelope, NoBalance, NotFound, Settle};
use wechatpay_mock_server::{Rules, UserFlag};
use wechatpay_proto::failover::Thresholds;
use wechatpay_proto::payout::Settings;

use crate::chance::Chance;
use crate::network::{Odds, Treatment};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// One payment that the business wants.
#[derive(Clone, Debug)]
pub struct Want {
    /// When it asks for it, of which workers: more than one time is a double click.
    pub clicks: Vec<(Duration, usize)>,
    /// The amount in fen.
    pub fen: u32,
    /// How often it pays again under a new number after a failure.
    pub renumbers: u32,
    /// How long after it was paid the receiver claims it; `None` for never.
    pub claimed: Option<Duration>,
    /// What is known of the receiver at first.
    pub flags: Vec<UserFlag>,
}

/// Something that happens at a time of its own.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// The balance is set.
    Money {
        /// To what, in fen.
        fen: u64,
    },
    /// Every receiver is fine from now on.
    UsersFine,
    /// The primary host cannot be reached, or can be again.
    Primary {
        /// Whether it can.
        up: bool,
    },
    /// A calendar jumps, or is set right.
    Calendar {
        /// Whose.
        worker: usize,
        /// Seconds ahead of the right time.
        ahead: i64,
    },
    /// A calendar jumps, and comes back by itself.
    Glitch {
        /// Whose.
        worker: usize,
        /// Seconds ahead of the right time.
        ahead: i64,
        /// For how long; zero for the next event of its worker alone.
        span: Duration,
    },
    /// A machine sleeps.
    Suspend {
        /// Whose.
        worker: usize,
        /// For how long.
        span: Duration,
        /// Whether its steady clock stands still meanwhile.
        stops: bool,
    },
    /// A process dies.
    Crash {
        /// Whose.
        worker: usize,
    },
}

/// A world before it begins.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where all else that is drawn comes from.
    pub seed: u64,
    /// The payments.
    pub wants: Vec<Want>,
    /// How many workers share the disk.
    pub workers: usize,
    /// How the service behaves.
    pub rules: Rules,
    /// The opening balance in fen.
    pub balance: u64,
    /// How the campaigns are set.
    pub settings: Settings,
    /// How long a payout is its worker's without a write.
    pub lease: Duration,
    /// Whether a worker that comes back has at once what it had.
    pub reclaims: bool,
    /// How many payouts a worker holds at most.
    pub capacity: usize,
    /// What may go wrong, and how often.
    pub odds: Odds,
    /// What goes wrong at its time.
    pub moments: Vec<(Duration, Moment)>,
    /// When all is well again.
    pub heals: Duration,
    /// What becomes of the first sendings; the odds decide about all others.
    pub sends: Vec<Treatment>,
    /// What becomes of the first queries.
    pub queries: Vec<Treatment>,
    /// At which of the points where a process can die it does: the first is 0.
    pub dies_at: Vec<u64>,
}

impl Plan {
    /// A world where nothing goes wrong: one worker, one payment of 1 yuan, which is claimed after an hour.
    pub fn quiet() -> Self {
        let want = Want {
            clicks: vec![(Duration::ZERO, 0)],
            fen: 100,
            renumbers: 0,
            claimed: Some(HOUR),
            flags: Vec::new(),
        };
        Self {
            seed: 0,
            wants: vec![want],
            workers: 1,
            rules: Rules::default(),
            balance: 1_000_000,
            settings: Settings::default(),
            lease: 10 * MINUTE,
            reclaims: true,
            capacity: 100,
            odds: Odds::default(),
            moments: Vec::new(),
            heals: Duration::ZERO,
            sends: Vec::new(),
            queries: Vec::new(),
            dies_at: Vec::new(),
        }
    }

    /// The world of a seed.
    pub fn of_seed(seed: u64) -> Self {
        let mut chance = Chance::new(seed, 1);
        let c = &mut chance;
        let workers = c.pick(&[1, 1, 1, 2, 2, 3]);
        let heals = c.pick(&[HOUR, 6 * HOUR, DAY, 3 * DAY]);
        let clean = c.permille(300);
        let rules = rules(c, clean);
        let mut wants: Vec<_> = (0..c.pick(&[1, 1, 1, 2, 2, 3, 4, 8])).map(|_| want(c, workers)).collect();
        if clean {
            wants.iter_mut().for_each(|want| want.flags.clear());
        }
        let moments = moments(c, workers, heals, clean, &wants);
        let (lease, reclaims) = c.pick(&[
            (2 * MINUTE, false),
            (10 * MINUTE, false),
            (10 * MINUTE, true),
            (HOUR, true),
            (26 * HOUR, true),
        ]);
        let capacity = c.pick(&[1, 3, 100, 100]);
        // Who can hold but a few, and keeps them while they wait, starves the others. The longest wait before a query is an
        // hour, so whoever parks after less than that has room again.
        let parks = match (capacity < wants.len(), workers) {
            (true, _) => vec![Some(MINUTE), Some(5 * MINUTE)],
            (false, 1) => vec![None, Some(MINUTE), Some(5 * MINUTE), Some(HOUR)],
            (false, _) => vec![Some(MINUTE), Some(5 * MINUTE), Some(HOUR)],
        };
        Self {
            seed,
            settings: settings(c, &parks, rules.query_limit.is_some()),
            wants,
            workers,
            rules,
            balance: 10_000_000,
            lease,
            reclaims,
            capacity,
            odds: Odds::draw(c),
            moments,
            heals,
            sends: Vec::new(),
            queries: Vec::new(),
            dies_at: Vec::new(),
        }
    }
}

fn want(c: &mut Chance, workers: usize) -> Want {
    let first = c.between(Duration::ZERO, 30 * SECOND);
    let mut clicks = vec![(first, c.index(workers))];
    if c.permille(200) {
        clicks.push((first + c.up_to(10 * MINUTE), c.index(workers)));
    }
    let flags = match c.below(40) {
        0 => vec![UserFlag::RiskBlocked],
        1 => vec![UserFlag::ForeignOpenid],
        2 => vec![UserFlag::DailyCap(0)],
        _ => Vec::new(),
    };
    Want {
        clicks,
        fen: 100 + u32::try_from(c.below(19_901)).unwrap_or_default(),
        renumbers: c.pick(&[0, 1, 2]),
        claimed: c.permille(700).then(|| c.up_to(30 * HOUR)),
        flags,
    }
}

/// How the service behaves. Where a send may be answered SUCCESS before it is paid, nothing is in the way of the payment:
/// a service that takes SUCCESS back is not to be survived.
fn rules(c: &mut Chance, clean: bool) -> Rules {
    let settle = match clean {
        true if c.permille(500) => Settle::After(c.up_to(2 * HOUR)),
        _ => Settle::AtOnce,
    };
    Rules {
        query_lag: if c.permille(300) { c.up_to(40 * MINUTE) } else { Duration::ZERO },
        settle,
        order_life: c.pick(&[6 * HOUR, DAY, DAY, 3 * DAY]),
        no_balance: c.pick(&[NoBalance::NotEnough, NoBalance::NotEnough, NoBalance::Processing]),
        envelope: c.pick(&[Envelope::Real, Envelope::Real, Envelope::Documented]),
        not_found: c.pick(&[NotFound::NotFound, NotFound::NotFound, NotFound::SystemError]),
        sends_per_second: c.pick(&[Some(1), Some(5), Some(30), None]),
        query_limit: c.pick(&[None, None, Some(1), Some(10)]),
        night_window: !clean && c.permille(50),
        ..Rules::default()
    }
}

fn settings(c: &mut Chance, parks: &[Option<Duration>], limited: bool) -> Settings {
    let usual = Settings::default();
    Settings {
        // Few queries for what was accepted: most worlds are about what comes before.
        follow: if c.permille(50) { usual.follow.clone() } else { vec![24 * HOUR, 4 * HOUR] },
        // Without jitter two that ask in one second ask in one second for ever, and the service answers but one of them.
        jitter: if limited { c.pick(&[20, 100]) } else { c.pick(&[0, 20, 100]) },
        resend_gap: c.pick(&[SECOND, SECOND, 2 * SECOND]),
        processing_wait: c.pick(&[usual.processing_wait, MINUTE]),
        refusal_wait: c.pick(&[HOUR, HOUR, MINUTE]),
        failure_wait: c.pick(&[HOUR, HOUR, usual.failure_wait]),
        resend_window: c.pick(&[HOUR, DAY, DAY, DAY, 7 * DAY]),
        horizon: c.pick(&[30 * HOUR, 3 * DAY, 7 * DAY, 7 * DAY, 7 * DAY, 7 * DAY, 7 * DAY, 30 * DAY]),
        sends_per_second: c.pick(&[1, 30, 30, 1000]),
        queries_per_second: c.pick(&[1, 30]),
        burst: c.pick(&[1, 1, 3]),
        in_flight: c.pick(&[1, 2, 64, 64]),
        park: c.pick(parks),
        failover: c.pick(&[None, Some(Thresholds::default())]),
        ..usual
    }
}

fn moments(
    c: &mut Chance,
    workers: usize,
    heals: Duration,
    clean: bool,
    wants: &[Want],
) -> Vec<(Duration, Moment)> {
    let mut moments = Vec::new();
    if !clean && c.permille(250) {
        let from = c.up_to(HOUR);
        moments.push((from, Moment::Money { fen: c.pick(&[0, 150, 5_000]) }));
        moments.push((from + c.up_to(8 * HOUR), Moment::Money { fen: 10_000_000 }));
    }
    if wants.iter().any(|want| !want.flags.is_empty()) {
        moments.push((c.up_to(heals), Moment::UsersFine));
    }
    if c.permille(100) {
        let from = c.up_to(HOUR);
        moments.push((from, Moment::Primary { up: false }));
        moments.push((from + c.up_to(HOUR), Moment::Primary { up: true }));
    }
    for worker in 0..workers {
        if c.permille(60) {
            let day = 24 * 3600;
            let from = c.up_to(heals);
            moments.push((from, Moment::Calendar { worker, ahead: c.pick(&[-day, day, -3600, 3600, -30]) }));
            moments.push((from + c.up_to(DAY), Moment::Calendar { worker, ahead: 0 }));
        }
        if c.permille(100) {
            let day = 24 * 3600;
            let (from, ahead) = (c.up_to(heals), c.pick(&[31 * day, 31 * day, 365 * day, -day, -day, day]));
            let span = if c.permille(400) { Duration::ZERO } else { c.up_to(9 * MINUTE) };
            moments.push((from, Moment::Glitch { worker, ahead, span }));
            // The process that comes back meanwhile does not know the right time.
            if c.permille(400) {
                moments.push((from + span / 8, Moment::Crash { worker }));
            }
        }
        if c.permille(80) {
            let (span, stops) = (c.pick(&[2 * HOUR, 90 * SECOND]), c.permille(500));
            moments.push((c.up_to(heals), Moment::Suspend { worker, span, stops }));
        }
        if c.permille(100) {
            moments.push((c.up_to(heals), Moment::Crash { worker }));
        }
    }
    moments
}
