//! A small world, tried out whole: every sequence of fourteen things that can happen, from every state.
//!
//! `PAYOUT_DEPTH` says how long the sequences are; 3 where it is not set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wechatpay_proto::payout::{
    Asked, End, Evidence, InFlight, Intent, Kind, Next, Now, Payout, Policy, Snapshot, State, Unsaved,
};
use wechatpay_proto::transport::{BaseUrl, Delivery};

use crate::common::*;
use crate::world::*;

/// What happens next.
enum Event {
    /// What is asked is answered: a sending with the first, a query with the second.
    Answer(Evidence, Evidence),
    /// Nothing comes back.
    Fault(Delivery),
    /// The process ends while the request is in flight.
    Crash,
    /// An answer that nobody waits for.
    Late(Evidence),
}

/// What one answer may say.
#[derive(Clone, Copy, Default)]
struct Told {
    success: bool,
    received: bool,
    refunded: bool,
    send_failed: bool,
    failed: bool,
    missing: bool,
    halted: bool,
}

struct Place {
    intent: Arc<Intent>,
    policy: Policy,
    events: Vec<(Event, Told, Told)>,
    /// Nodes, and the sequences that they stand for.
    nodes: AtomicU64,
    sequences: AtomicU64,
    sends: AtomicU64,
}

/// What happened on the way to a node.
#[derive(Clone)]
struct Trail {
    now: Now,
    sent: Option<Duration>,
    first: Option<Duration>,
    told: Told,
    /// SEND_FAILED, and after it a query that did not find the order.
    confirmed: bool,
    path: Vec<u8>,
}

fn place(kind: Kind) -> Place {
    let intent = intent(kind);
    let read = |asked, response: &Response| Evidence::read(&intent, asked, &MERCHANT, response);
    let nothing = Told::default();
    let success = Told { success: true, ..nothing };
    let answers = [
        (sent(kind), success, found(kind, "SENT"), success),
        (refusing(kind, "PROCESSING"), nothing, found(kind, "SENDING"), nothing),
        (
            refusing(kind, "NOTENOUGH"),
            nothing,
            reply(kind, &found_fields("SENDING", &[("reason", "余额不足")])),
            nothing,
        ),
        (refusing(kind, "SYSTEMERROR"), nothing, refusing(kind, "SYSTEMERROR"), nothing),
        (refusing(kind, "ZZZ"), nothing, not_found(kind), Told { missing: true, ..nothing }),
        (
            refusing(kind, "SEND_FAILED"),
            Told { send_failed: true, ..nothing },
            found(kind, "FAILED"),
            Told { failed: true, ..nothing },
        ),
        (
            refusing(kind, "FATAL_ERROR"),
            Told { halted: true, ..nothing },
            found(kind, "RECEIVED"),
            Told { received: true, ..success },
        ),
        (refusing(kind, "CA_ERROR"), nothing, found(kind, "RFUND_ING"), success),
        (http_502(), nothing, found(kind, "REFUND"), Told { refunded: true, ..success }),
    ];
    let mut events: Vec<_> = answers
        .into_iter()
        .map(|(send, of_send, query, of_query)| {
            (Event::Answer(read(Asked::Send, &send), read(Asked::Query, &query)), of_send, of_query)
        })
        .collect();
    events.push((Event::Fault(Delivery::NotSent), nothing, nothing));
    events.push((Event::Fault(Delivery::MaybeSent), nothing, nothing));
    events.push((Event::Crash, nothing, nothing));
    events.push((Event::Late(read(Asked::Send, &sent(kind))), success, success));
    let failed = Told { failed: true, ..nothing };
    events.push((Event::Late(read(Asked::Query, &found(kind, "FAILED"))), failed, failed));
    assert_eq!(events.len(), 14);
    let [nodes, sequences, sends] = std::array::from_fn(|_| AtomicU64::new(0));
    Place { intent, policy: Policy::default(), events, nodes, sequences, sends }
}

/// How far a state is: no event leads back.
fn rank(snapshot: &Snapshot, trail: &Trail) -> u8 {
    match snapshot.state() {
        State::Intent => 0,
        State::Unknown { .. } => 1,
        State::Failed if !trail.told.failed && !trail.confirmed => 2,
        State::Accepted => 2,
        State::Refunding => 3,
        State::NeedsHuman(_) => 4,
        State::Received | State::Refunded { .. } | State::Failed => 5,
        State::Conflict => 6,
        other => panic!("{other:?}"),
    }
}

impl Place {
    fn restore(&self, snapshot: &Snapshot, now: Now) -> Payout {
        Payout::restore(Arc::clone(&self.intent), &self.policy, snapshot, now).unwrap()
    }

    /// What is asked of the service at this node; the snapshot on disk then. `None` at the end.
    fn ask(&self, payout: Payout, trail: &mut Trail) -> (Option<InFlight>, Snapshot) {
        let mut payout = payout;
        loop {
            let disk = payout.snapshot();
            match payout.next(trail.now).unwrap() {
                Next::Wait { payout: waiting, until } => {
                    let wait = until - trail.now.steady;
                    let most = if self.open(&disk, trail) { 72 * MINUTE } else { 18 * HOUR * 6 / 5 };
                    assert!(!wait.is_zero() && wait <= most, "{wait:?} {:?}", trail.path);
                    trail.now.steady += wait;
                    trail.now.calendar += wait;
                    payout = waiting;
                }
                Next::Record(unsaved) => payout = unsaved.saved(),
                Next::Send(unsaved) => {
                    let recorded = unsaved.snapshot();
                    self.check_send(&disk, &recorded, trail);
                    let signed = unsaved.saved().sign(trail.now, &MERCHANT, &BaseUrl::default(), nonce());
                    trail.sent = Some(trail.now.steady);
                    return (Some(signed.unwrap().1), recorded);
                }
                Next::Query(query) => {
                    assert!(!matches!(disk.state(), State::Intent));
                    let signed = query.sign(trail.now, &MERCHANT, &BaseUrl::default(), nonce());
                    return (Some(signed.unwrap().1), disk);
                }
                Next::Done(done) => {
                    self.check_end(done.end(), trail);
                    return (None, done.snapshot());
                }
            }
        }
    }

    /// Whether the order is not known to be taken, or a package is still to come.
    fn open(&self, disk: &Snapshot, trail: &Trail) -> bool {
        let mini = self.intent.kind() == Kind::MiniProgram;
        let given_up = trail.told.halted || disk.to_string().contains(" window_closed=1 ");
        let waits = mini && disk.package().is_none() && !given_up;
        !trail.told.success || waits && disk.state() == State::Accepted
    }

    fn check_send(&self, disk: &Snapshot, recorded: &Snapshot, trail: &mut Trail) {
        self.sends.fetch_add(1, Ordering::Relaxed);
        let path = &trail.path;
        assert!(trail.sent.is_none_or(|sent| trail.now.steady - sent >= SECOND), "too soon {path:?}");
        assert!(!trail.told.send_failed && !trail.told.failed, "after a failure {path:?}");
        assert!(self.open(disk, trail), "after a success {path:?}");
        assert!(!trail.told.halted, "with a defect {path:?}");
        let first = *trail.first.get_or_insert(trail.now.calendar);
        assert!(trail.now.calendar - first < DAY, "after the window {path:?}");
        assert_eq!(recorded.attempts(), disk.attempts() + 1);
        assert_eq!(recorded.mch_billno(), PACKET.mch_billno);
        match recorded.state() {
            State::Unknown { tainted, .. } => assert!(tainted),
            state => assert_eq!(state, State::Accepted),
        }
    }

    fn check_end(&self, end: End, trail: &Trail) {
        let told = &trail.told;
        let failure = told.send_failed || told.failed;
        let proved = match end {
            End::Received => told.received && !failure && !told.halted,
            End::Refunded { .. } => told.refunded && !failure && !told.halted,
            End::Failed => (told.failed || trail.confirmed) && !told.success && !told.halted,
            // after FATAL_ERROR, what is found under the number need not be this order
            End::Conflict if told.halted => told.success || failure,
            End::Conflict => told.success && failure || told.received && told.refunded,
            End::NeedsHuman { accepted, .. } => accepted == told.success,
            _ => false,
        };
        assert!(proved, "{end:?} {:?}", trail.path);
    }

    /// Tries all events at this node; one of them goes on in memory, the others from the disk.
    fn walk(&self, payout: Payout, trail: &Trail, depth: u32) {
        self.nodes.fetch_add(1, Ordering::Relaxed);
        let resting = payout.snapshot();
        let text = resting.to_string();
        assert_eq!(text.parse::<Snapshot>().as_ref(), Ok(&resting), "{:?}", trail.path);
        if depth == 0 {
            self.sequences.fetch_add(1, Ordering::Relaxed);
            return self.look(payout, trail);
        }
        let in_memory = trail.path.iter().map(|event| usize::from(*event)).sum::<usize>() % 12;
        let mut payout = Some(payout);
        let mut ended = false;
        for (at, (event, of_send, of_query)) in self.events.iter().enumerate() {
            if ended && !matches!(event, Event::Late(_)) {
                // nothing is asked any more, so that nothing is answered
                let left = u64::try_from(self.events.len()).unwrap().pow(depth - 1);
                self.sequences.fetch_add(left, Ordering::Relaxed);
                continue;
            }
            let mut trail = trail.clone();
            trail.path.push(u8::try_from(at).unwrap());
            let own = if at == in_memory { payout.take() } else { None };
            let own = own.unwrap_or_else(|| self.restore(&resting, trail.now));
            if let Event::Late(evidence) = event {
                let unsaved = own.hear(trail.now, evidence.clone());
                self.told(&mut trail, of_send, Asked::Query);
                self.go_on(&resting, unsaved, trail, depth);
                continue;
            }
            let (flight, disk) = self.ask(own, &mut trail);
            let Some(flight) = flight else {
                ended = true;
                let left = u64::try_from(self.events.len()).unwrap().pow(depth - 1);
                self.sequences.fetch_add(left, Ordering::Relaxed);
                continue;
            };
            let (now, asked) = (trail.now, flight.asked());
            let told = if asked == Asked::Send { of_send } else { of_query };
            self.told(&mut trail, told, asked);
            match event {
                Event::Answer(to_send, to_query) => {
                    let evidence = if asked == Asked::Send { to_send } else { to_query };
                    self.go_on(&disk, flight.learn(now, evidence.clone()), trail, depth);
                }
                Event::Fault(delivery) => self.go_on(&disk, flight.fault(now, *delivery), trail, depth),
                Event::Crash => {
                    drop(flight);
                    let payout = self.restore(&disk, now);
                    self.walk(payout, &trail, depth - 1);
                }
                Event::Late(_) => unreachable!(),
            }
        }
    }

    fn told(&self, trail: &mut Trail, more: &Told, asked: Asked) {
        let told = &mut trail.told;
        told.success |= more.success;
        told.received |= more.received;
        told.refunded |= more.refunded;
        told.send_failed |= more.send_failed;
        told.failed |= more.failed;
        told.halted |= more.halted;
        trail.confirmed |= told.send_failed && more.missing && asked == Asked::Query;
    }

    fn go_on(&self, before: &Snapshot, unsaved: Unsaved<Payout>, trail: Trail, depth: u32) {
        let after = unsaved.snapshot();
        assert_eq!(after.attempts(), before.attempts());
        assert!(
            rank(&after, &trail) >= rank(before, &trail).min(5),
            "{before} became {after} {:?}",
            trail.path
        );
        assert!(before.state() != State::Conflict || after.state() == State::Conflict);
        self.walk(unsaved.saved(), &trail, depth - 1);
    }

    /// Looks at what it would do, at the end of a sequence.
    fn look(&self, payout: Payout, trail: &Trail) {
        let disk = payout.snapshot();
        let until = payout.until();
        let now = Now {
            steady: until.max(trail.now.steady),
            calendar: trail.now.calendar + until.saturating_sub(trail.now.steady),
        };
        let mut trail = Trail { now, ..trail.clone() };
        match payout.next(now).unwrap() {
            Next::Send(unsaved) => self.check_send(&disk, &unsaved.snapshot(), &mut trail),
            Next::Done(done) => self.check_end(done.end(), &trail),
            Next::Query(_) | Next::Record(_) => {}
            Next::Wait { .. } => panic!("later than it said {:?}", trail.path),
        }
    }
}

/// Where the sequences begin: every state, by the events that lead there; and a day that is nearly over.
const BEGINNINGS: [(&str, &[u8], Duration); 12] = [
    ("intent", &[], Duration::ZERO),
    ("unknown", &[10], Duration::ZERO),
    ("unknown", &[9], Duration::ZERO),
    ("unknown", &[10, 4], Duration::ZERO),
    ("unknown", &[6], Duration::ZERO),
    ("unknown", &[10], Duration::from_secs(23 * 3600 + 1800)),
    ("accepted", &[0], Duration::ZERO),
    ("refunding", &[10, 7], Duration::ZERO),
    ("failed", &[5], Duration::ZERO),
    ("received", &[10, 6], Duration::ZERO),
    ("refunded", &[10, 8], Duration::ZERO),
    ("conflict", &[0, 13], Duration::ZERO),
];

impl Place {
    /// The payout after the events of a path, and time gone by.
    fn begin(&self, path: &[u8], wait: Duration) -> (Payout, Trail) {
        let mut payout = Payout::new(Arc::clone(&self.intent), &self.policy, START).saved();
        let (sent, first, told) = (None, None, Told::default());
        let mut trail = Trail { now: START, sent, first, told, confirmed: false, path: path.to_vec() };
        for at in path {
            let (event, of_send, of_query) = &self.events[usize::from(*at)];
            let unsaved = if let Event::Late(evidence) = event {
                self.told(&mut trail, of_send, Asked::Query);
                payout.hear(trail.now, evidence.clone())
            } else {
                let (flight, _) = self.ask(payout, &mut trail);
                let flight = flight.unwrap();
                let asked = flight.asked();
                self.told(&mut trail, if asked == Asked::Send { of_send } else { of_query }, asked);
                match event {
                    Event::Answer(to_send, to_query) => {
                        flight.learn(trail.now, if asked == Asked::Send { to_send } else { to_query }.clone())
                    }
                    Event::Fault(delivery) => flight.fault(trail.now, *delivery),
                    Event::Crash | Event::Late(_) => panic!(),
                }
            };
            payout = unsaved.saved();
        }
        trail.now.steady += wait;
        trail.now.calendar += wait;
        (payout, trail)
    }

    fn walk_all(&self, depth: u32) {
        let next = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some((name, path, wait)) =
                        BEGINNINGS.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap())
                    {
                        let (payout, trail) = self.begin(path, *wait);
                        assert_eq!(payout.state().name(), *name, "{path:?}");
                        self.walk(payout, &trail, depth);
                    }
                });
            }
        });
    }
}

fn depth() -> u32 {
    std::env::var("PAYOUT_DEPTH").map_or(3, |depth| depth.parse().unwrap())
}

#[test]
fn exhaustive_of_a_red_packet() {
    let place = place(Kind::RedPack);
    place.walk_all(depth());
    let [nodes, sequences, sends] = [place.nodes, place.sequences, place.sends].map(AtomicU64::into_inner);
    assert_eq!(sequences, 12 * 14_u64.pow(depth()), "every one of them");
    assert!(nodes > sequences / 20 && sends > nodes / 50, "{nodes} {sends}");
}

#[test]
fn exhaustive_of_a_mini_program_packet() {
    let depth = depth().saturating_sub(1);
    let place = place(Kind::MiniProgram);
    place.walk_all(depth);
    assert_eq!(place.sequences.into_inner(), 12 * 14_u64.pow(depth), "every one of them");
}

/// Given up is a state as well, but not one that the same time leads to.
#[test]
fn exhaustive_of_what_was_given_up() {
    let place = place(Kind::RedPack);
    for (path, wait) in [(&[10][..], 30 * DAY), (&[0], 30 * DAY), (&[5], 30 * DAY)] {
        let (payout, mut trail) = place.begin(path, wait);
        let Ok(Next::Record(unsaved)) = payout.next(trail.now) else { panic!("{path:?}") };
        assert!(matches!(unsaved.state(), State::NeedsHuman(_)), "{path:?}");
        trail.path.push(99);
        place.walk(unsaved.saved(), &trail, depth());
    }
    assert_eq!(place.sequences.into_inner(), 3 * 14_u64.pow(depth()));
}
