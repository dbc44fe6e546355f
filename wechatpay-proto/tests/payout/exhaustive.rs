//! A small world, tried out whole: every sequence of fifteen things that can happen, from every state.
//!
//! What must come out is written from the rules, with books of its own: who told what, which attempts are open, when the last
//! one was sent. `PAYOUT_DEPTH` says how long the sequences are; 3 where it is not set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wechatpay_proto::payout::{
    Asked, End, Evidence, InFlight, Intent, Kind, Next, Now, Payout, Policy, Snapshot, State, Unsaved,
};
use wechatpay_proto::transport::{BaseUrl, Delivery};

use crate::common::*;
use crate::world::*;

const EVENTS: usize = 15;

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
    /// The attempt that is answered so can still be taken, or may have been.
    open: bool,
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
    /// Failures that no query called by their name.
    confirmed: AtomicU64,
}

/// What happened on the way to a node.
#[derive(Clone)]
struct Trail {
    now: Now,
    sent: Option<Now>,
    first: Option<Duration>,
    told: Told,
    /// A query did not find the order, when that was a proof.
    confirmed: bool,
    path: Vec<u8>,
}

impl Trail {
    /// Whether not to find the order proves that it failed: it was refused for good, no attempt is open, and a day has
    /// gone by since the last one.
    fn is_ripe(&self) -> bool {
        let waited = self.sent.is_some_and(|sent| {
            self.now.steady - sent.steady >= DAY && self.now.calendar - sent.calendar >= DAY
        });
        self.told.send_failed && !self.told.open && waited
    }
}

fn place(kind: Kind) -> Place {
    let intent = intent(kind);
    let read = |asked, response: &Response| Evidence::read(&intent, asked, &MERCHANT, response);
    let nothing = Told::default();
    let open = Told { open: true, ..nothing };
    let success = Told { success: true, ..nothing };
    // A refusal may name a payment, which is none.
    let mut poor = with(&SENT, "result_code", "FAIL");
    poor.push(("err_code", "NOTENOUGH"));
    let poor = reply(kind, &with(&poor, "send_listid", "1000041701201411119999999999999"));
    // Of another order: the receiver differs in case only, the amount by a fen.
    let other = reply(kind, &with(&sent_fields(kind), "re_openid", &PACKET.re_openid.to_ascii_uppercase()));
    let answers = [
        (sent(kind), success, found(kind, "SENT"), success),
        (refusing(kind, "PROCESSING"), open, found(kind, "SENDING"), nothing),
        (poor, nothing, reply(kind, &found_fields("SENDING", &[("reason", "余额不足")])), nothing),
        (refusing(kind, "SYSTEMERROR"), open, refusing(kind, "SYSTEMERROR"), nothing),
        (refusing(kind, "ZZZ"), open, not_found(kind), Told { missing: true, ..nothing }),
        (
            refusing(kind, "SEND_FAILED"),
            Told { send_failed: true, ..nothing },
            found(kind, "FAILED"),
            Told { failed: true, ..nothing },
        ),
        (
            refusing(kind, "FATAL_ERROR"),
            // Under the number stands an order, of whomever.
            Told { halted: true, ..open },
            found(kind, "RECEIVED"),
            Told { received: true, ..success },
        ),
        (refusing(kind, "CA_ERROR"), nothing, found(kind, "RFUND_ING"), success),
        (http_502(), open, found(kind, "REFUND"), Told { refunded: true, ..success }),
        (other, open, reply(kind, &found_fields("FAILED", &[("total_amount", "1001")])), nothing),
    ];
    let mut events: Vec<_> = answers
        .into_iter()
        .map(|(send, of_send, query, of_query)| {
            (Event::Answer(read(Asked::Send, &send), read(Asked::Query, &query)), of_send, of_query)
        })
        .collect();
    events.push((Event::Fault(Delivery::NotSent), nothing, nothing));
    events.push((Event::Fault(Delivery::MaybeSent), open, nothing));
    events.push((Event::Crash, open, nothing));
    events.push((Event::Late(read(Asked::Send, &sent(kind))), success, success));
    let failed = Told { failed: true, ..nothing };
    events.push((Event::Late(read(Asked::Query, &found(kind, "FAILED"))), failed, failed));
    // in the order of their numbers in `beginnings`
    let last = events.remove(9);
    events.push(last);
    assert_eq!(events.len(), EVENTS);
    let [nodes, sequences, sends, confirmed] = std::array::from_fn(|_| AtomicU64::new(0));
    Place { intent, policy: Policy::default(), events, nodes, sequences, sends, confirmed }
}

/// How far a state is: no event leads back.
fn rank(snapshot: &Snapshot) -> u8 {
    match snapshot.state() {
        State::Intent => 0,
        State::Unknown { .. } => 1,
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
                    trail.sent = Some(trail.now);
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
        assert!(trail.sent.is_none_or(|sent| trail.now.steady - sent.steady >= SECOND), "too soon {path:?}");
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

    /// What is on disk tells what was told, and no more.
    fn check_rest(&self, resting: &Snapshot, trail: &Trail) {
        let (told, path) = (&trail.told, &trail.path);
        if let State::Unknown { tainted, .. } = resting.state() {
            assert_eq!(tainted, told.open, "{resting} {path:?}");
        }
        if resting.state() == State::Failed {
            self.check_end(End::Failed, trail);
        }
        let payment = resting.send_listid();
        assert!(payment.is_none() || told.success, "{payment:?} {path:?}");
        assert!(payment.is_none_or(|id| SENT.contains(&("send_listid", id))), "{payment:?} {path:?}");
    }

    /// A calendar that is wrong for a moment, here over a restart too, ends nothing and frees nothing.
    fn check_glitch(&self, resting: &Snapshot, trail: &Trail) {
        for wrong in [31 * DAY, 365 * DAY] {
            let now = Now { calendar: trail.now.calendar + wrong, ..trail.now };
            let restored = self.restore(resting, now);
            let state = restored.state();
            assert_eq!(state, resting.state(), "{:?}", trail.path);
            match restored.next(now).unwrap() {
                Next::Done(done) => self.check_end(done.end(), trail),
                Next::Record(unsaved) => {
                    panic!(
                        "{} became {} by the calendar {:?}",
                        state.name(),
                        unsaved.state().name(),
                        trail.path
                    )
                }
                Next::Send(_) => assert_eq!(state, State::Intent, "{:?}", trail.path),
                Next::Query(_) | Next::Wait { .. } => {}
            }
            // in one process it is told, and forgotten once it is over
            let own = self.restore(resting, trail.now);
            if let Err(blocked) = own.next(now) {
                assert_eq!(blocked.into_payout().snapshot().state(), state);
            }
        }
    }

    fn check_end(&self, end: End, trail: &Trail) {
        let told = &trail.told;
        let failure = told.send_failed || told.failed;
        let proved = match end {
            End::Received => told.received && !failure && !told.halted,
            End::Refunded { .. } => told.refunded && !failure && !told.halted,
            // a number is free: one query said so, or one did not find what had been refused for good
            End::Failed => (told.failed || trail.confirmed) && !told.success && !told.halted,
            // after FATAL_ERROR, what is found under the number need not be this order
            End::Conflict if told.halted => told.success || failure,
            End::Conflict => told.success && failure || told.received && told.refunded,
            End::NeedsHuman { accepted, .. } => accepted == told.success,
            _ => false,
        };
        assert!(proved, "{end:?} {:?}", trail.path);
        self.confirmed.fetch_add(u64::from(end == End::Failed && !told.failed), Ordering::Relaxed);
    }

    /// Tries all events at this node; one of them goes on in memory, the others from the disk.
    fn walk(&self, payout: Payout, trail: &Trail, depth: u32) {
        self.nodes.fetch_add(1, Ordering::Relaxed);
        let resting = payout.snapshot();
        let text = resting.to_string();
        assert_eq!(text.parse::<Snapshot>().as_ref(), Ok(&resting), "{:?}", trail.path);
        self.check_rest(&resting, trail);
        if depth == 0 {
            self.sequences.fetch_add(1, Ordering::Relaxed);
            return self.look(payout, trail);
        }
        self.check_glitch(&resting, trail);
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
                self.told(&mut trail, of_send, None);
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
            self.told(&mut trail, told, Some(asked));
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

    /// Enters into the books what was told; `asked` is `None` where nobody waited for it.
    fn told(&self, trail: &mut Trail, more: &Told, asked: Option<Asked>) {
        trail.confirmed |= asked == Some(Asked::Query) && more.missing && trail.is_ripe();
        let told = &mut trail.told;
        told.open |= asked == Some(Asked::Send) && more.open;
        told.success |= more.success;
        told.received |= more.received;
        told.refunded |= more.refunded;
        told.send_failed |= more.send_failed;
        told.failed |= more.failed;
        told.halted |= more.halted;
    }

    fn go_on(&self, before: &Snapshot, unsaved: Unsaved<Payout>, trail: Trail, depth: u32) {
        let after = unsaved.snapshot();
        assert_eq!(after.attempts(), before.attempts());
        assert!(rank(&after) >= rank(before).min(5), "{before} became {after} {:?}", trail.path);
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

/// Where the sequences begin: every state, by the events that lead there; and days that are nearly over.
fn beginnings() -> Vec<(&'static str, Vec<u8>, Duration)> {
    // refused for good, and then queried for more than a day without an answer
    let refused = |before: &[u8]| [before, &[5], &[3; 34]].concat();
    vec![
        ("intent", vec![], Duration::ZERO),
        ("unknown", vec![10], Duration::ZERO),
        ("unknown", vec![9], Duration::ZERO),
        ("unknown", vec![10, 4], Duration::ZERO),
        ("unknown", vec![6], Duration::ZERO),
        ("unknown", vec![10], Duration::from_secs(23 * 3600 + 1800)),
        ("unknown", vec![5], Duration::ZERO),
        ("unknown", refused(&[]), Duration::ZERO),
        ("unknown", refused(&[10, 4]), Duration::ZERO),
        ("unknown", refused(&[14, 4]), Duration::ZERO),
        ("accepted", vec![0], Duration::ZERO),
        ("refunding", vec![10, 7], Duration::ZERO),
        ("received", vec![10, 6], Duration::ZERO),
        ("refunded", vec![10, 8], Duration::ZERO),
        ("conflict", vec![0, 13], Duration::ZERO),
    ]
}

/// How many sequences there are of a length.
fn all_sequences(beginnings: usize, depth: u32) -> u64 {
    u64::try_from(beginnings).unwrap() * u64::try_from(EVENTS).unwrap().pow(depth)
}

impl Place {
    /// The payout after the events of a path, and time gone by.
    fn begin(&self, path: &[u8], wait: Duration) -> (Payout, Trail) {
        let mut payout = Payout::new(Arc::clone(&self.intent), &self.policy, START).saved();
        let (sent, first, told) = (None, None, Told::default());
        let mut trail = Trail { now: START, sent, first, told, confirmed: false, path: path.to_vec() };
        for at in path {
            let (event, of_send, of_query) = &self.events[usize::from(*at)];
            let unsaved = if let Event::Late(evidence) = event {
                self.told(&mut trail, of_send, None);
                payout.hear(trail.now, evidence.clone())
            } else {
                let (flight, _) = self.ask(payout, &mut trail);
                let flight = flight.unwrap();
                let asked = flight.asked();
                self.told(&mut trail, if asked == Asked::Send { of_send } else { of_query }, Some(asked));
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
        let (next, beginnings) = (AtomicU64::new(0), beginnings());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some((name, path, wait)) =
                        beginnings.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap())
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
    let counts = [place.nodes, place.sequences, place.sends, place.confirmed];
    let [nodes, sequences, sends, confirmed] = counts.map(AtomicU64::into_inner);
    assert_eq!(sequences, all_sequences(beginnings().len(), depth()), "every one of them");
    assert!(nodes > sequences / 20 && sends > nodes / 50 && confirmed > 0, "{nodes} {sends} {confirmed}");
}

#[test]
fn exhaustive_of_a_mini_program_packet() {
    let depth = depth().saturating_sub(1);
    let place = place(Kind::MiniProgram);
    place.walk_all(depth);
    let sequences = place.sequences.into_inner();
    assert_eq!(sequences, all_sequences(beginnings().len(), depth), "every one of them");
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
    assert_eq!(place.sequences.into_inner(), all_sequences(3, depth()));
}
