//! What becomes of a request on its way there and back.

use std::time::Duration;

use wechatpay_proto::payout::Asked;

use crate::answer::Shape;
use crate::chance::Chance;
use crate::fault::{Fault, Faults};
use crate::plan::{DAY, HOUR, SECOND};

/// How often things go wrong, each in so many of a thousand cases.
#[derive(Clone, Copy, Debug, Default)]
pub struct Odds {
    /// A request does not leave.
    pub not_sent: u32,
    /// A request is lost.
    pub request_lost: u32,
    /// A request is late.
    pub request_late: u32,
    /// A request is delivered again.
    pub twice: u32,
    /// An answer is lost.
    pub answer_lost: u32,
    /// An answer is late.
    pub answer_late: u32,
    /// An answer is replaced by something else.
    pub answer_false: u32,
    /// An answer is made up, and the request not carried out.
    pub refused: u32,
    /// The service takes its time with an order.
    pub service_slow: u32,
    /// The service answers SEND_FAILED about an order that it does not know, and does not keep it.
    pub not_kept: u32,
    /// The client certificate is missing.
    pub no_certificate: u32,
    /// The process dies, at each point where it matters.
    pub crash: u32,
    /// The process stands still, at each point where it matters.
    pub stall: u32,
    /// A write is slow.
    pub slow_write: u32,
    /// A write fails.
    pub write_fails: u32,
    /// A read fails.
    pub read_fails: u32,
}

impl Odds {
    /// Those of one world: each kind of fault is left out of some, so that rare meetings of others are seen.
    pub(crate) fn draw(c: &mut Chance) -> Self {
        let scale = c.pick(&[1, 2, 3, 5]);
        // In some worlds this is what the service does, and requests wait somewhere for hours: the two belong together.
        let (not_kept, later) = if c.permille(110) { (400, 350) } else { (0, 0) };
        let mut odds = |usual: u32| if c.permille(250) { 0 } else { usual * scale / 2 };
        Self {
            not_sent: odds(40),
            request_lost: odds(150),
            request_late: odds(60) + later,
            twice: odds(100),
            answer_lost: odds(120),
            answer_late: odds(80),
            answer_false: odds(150),
            refused: odds(100),
            service_slow: odds(60),
            not_kept,
            no_certificate: odds(15),
            crash: odds(15),
            stall: odds(10),
            slow_write: odds(20),
            write_fails: odds(30),
            read_fails: odds(30),
        }
    }
}

/// What becomes of one request.
#[derive(Clone, Debug)]
pub struct Treatment {
    /// Whether it leaves.
    pub leaves: bool,
    /// The copies that arrive.
    pub copies: Vec<Carried>,
    /// What somebody on the way answers by himself, and when.
    pub made_up: Option<(Duration, Shape)>,
    /// When the client gives up.
    pub patience: Duration,
}

/// One copy of a request that arrives.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// How long it takes.
    pub after: Duration,
    /// How the service takes it.
    pub taken: Taken,
    /// What becomes of the answer.
    pub back: Back,
}

/// How the service takes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// As it is.
    Usual,
    /// PROCESSING; paid so much later.
    PaidLater(Duration),
    /// PROCESSING; failed so much later.
    FailsLater(Duration),
    /// PROCESSING; SENDING for so many queries.
    Stuck(u32),
    /// Without a client certificate.
    Uncertified,
    /// An order that the service does not know is answered SEND_FAILED, and not kept: it goes on not knowing it, and pays it
    /// if it is brought again. One that it knows is taken as it is.
    NotKept,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// It is lost.
    Lost,
    /// It arrives so much later.
    After(Duration),
    /// Something else arrives so much later.
    As(Duration, Shape),
}

/// How long after a request a copy of it arrives, in worlds where the service keeps nothing of what it refuses.
const COPIES_WITHIN: Duration = Duration::from_secs(50 * 60);

const HOP: Duration = Duration::from_millis(30);

impl Carried {
    /// All goes well.
    pub const WELL: Self = Self { after: HOP, taken: Taken::Usual, back: Back::After(HOP) };
}

impl Treatment {
    /// All goes well.
    pub fn well() -> Self {
        Self { leaves: true, copies: vec![Carried::WELL], made_up: None, patience: 10 * SECOND }
    }

    /// It does not leave.
    pub fn not_sent() -> Self {
        Self { leaves: false, copies: Vec::new(), ..Self::well() }
    }

    /// It is lost on its way there.
    pub fn request_lost() -> Self {
        Self { copies: Vec::new(), ..Self::well() }
    }

    /// It is taken in one way, and the answer goes another.
    pub fn carried(taken: Taken, back: Back) -> Self {
        Self { copies: vec![Carried { taken, back, ..Carried::WELL }], ..Self::well() }
    }

    /// It is carried out, and the answer lost.
    pub fn answer_lost() -> Self {
        Self::carried(Taken::Usual, Back::Lost)
    }

    /// It is carried out, and something else than the answer arrives.
    pub fn answered(shape: Shape) -> Self {
        Self::carried(Taken::Usual, Back::As(HOP, shape))
    }

    /// It is not carried out, and this is answered.
    pub fn refused(shape: Shape) -> Self {
        Self { made_up: Some((HOP, shape)), ..Self::request_lost() }
    }

    /// What chance makes of it.
    pub(crate) fn draw(c: &mut Chance, odds: &Odds, asked: Asked, faults: &mut Faults) -> Self {
        if c.permille(odds.not_sent) {
            faults.count(Fault::NotSent);
            return Self { patience: c.between(Duration::ZERO, 5 * SECOND), ..Self::not_sent() };
        }
        let patience = c.between(SECOND, 15 * SECOND);
        let mut treatment = Self { patience, ..Self::request_lost() };
        if c.permille(odds.request_lost) {
            faults.count(Fault::RequestLost);
            return treatment;
        }
        if c.permille(odds.refused) {
            treatment.made_up = Some((c.up_to(patience), made_up(c, asked, faults)));
            if !c.permille(300) {
                faults.count(Fault::RefusedBefore);
                return treatment;
            }
            faults.count(Fault::RefusedThenApplied);
            let carried = Carried { after: c.up_to(6 * HOUR), back: Back::Lost, ..Carried::WELL };
            treatment.copies.push(carried);
            return treatment;
        }
        let late = c.permille(odds.request_late);
        let after = if late {
            faults.count(Fault::RequestLate);
            patience + c.up_to(2 * DAY)
        } else {
            c.between(Duration::from_millis(5), Duration::from_millis(300))
        };
        treatment.copies.push(carried(c, odds, asked, after, faults));
        // Where the service keeps nothing of what it refuses, a copy of that would be paid whenever it came, and no client
        // can wait for one for ever: it comes within the guard of the library, or not at all.
        let (most, latest) = match (odds.not_kept, late) {
            (0, _) => (4, 3 * HOUR),
            (_, false) => (4, COPIES_WITHIN),
            (_, true) => (1, Duration::ZERO),
        };
        while treatment.copies.len() < most && c.permille(odds.twice) {
            faults.count(Fault::RequestTwice);
            let after = c.up_to(latest);
            let copy = carried(c, odds, asked, after, faults);
            treatment.copies.push(copy);
        }
        treatment
    }
}

fn carried(c: &mut Chance, odds: &Odds, asked: Asked, after: Duration, faults: &mut Faults) -> Carried {
    let mut taken = Taken::Usual;
    if asked == Asked::Send && c.permille(odds.not_kept) {
        taken = Taken::NotKept;
        faults.count(Fault::NotKept);
    } else if asked == Asked::Send && c.permille(odds.service_slow) {
        let fault;
        (taken, fault) = match c.below(4) {
            0 | 1 => (Taken::PaidLater(c.up_to(5 * HOUR)), Fault::LateCommit),
            2 => (Taken::FailsLater(c.up_to(26 * HOUR)), Fault::LateFailure),
            _ => (Taken::Stuck(1 + u32::try_from(c.below(4)).unwrap_or_default()), Fault::Stuck),
        };
        faults.count(fault);
    } else if c.permille(odds.no_certificate) {
        taken = Taken::Uncertified;
        faults.count(Fault::NoCertificate);
    }
    let soon = c.between(Duration::from_millis(5), Duration::from_millis(500));
    let back = if c.permille(odds.answer_lost) {
        faults.count(Fault::AnswerLost);
        Back::Lost
    } else if c.permille(odds.answer_late) {
        faults.count(Fault::AnswerLate);
        Back::After(15 * SECOND + c.up_to(6 * HOUR))
    } else if c.permille(odds.answer_false) {
        faults.count(Fault::AnswerFalse);
        let shape = match c.below(100) {
            0..8 => Shape::OtherOrder,
            8..20 => {
                faults.count(Fault::StrayPayment);
                Shape::TrueButListed
            }
            _ => c.pick(&Shape::EMPTY),
        };
        Back::As(soon, shape)
    } else {
        Back::After(soon)
    };
    Carried { after, taken, back }
}

/// What somebody on the way answers by himself, who did not carry the request out.
fn made_up(c: &mut Chance, asked: Asked, faults: &mut Faults) -> Shape {
    let code = match (asked, c.below(100)) {
        (Asked::Send, 0) => "PARAM_ERROR",
        (Asked::Send, 1..50) => c.pick(&Shape::REFUSALS),
        (Asked::Send, 50..60) => c.pick(&["SYSTEMERROR", "PROCESSING"]),
        (Asked::Query, 0..20) => c.pick(&["FREQ_LIMIT", "CA_ERROR", "SYSTEMERROR"]),
        _ => return c.pick(&Shape::EMPTY),
    };
    match c.below(3) {
        0 => Shape::Refusal(code),
        1 => Shape::Named(code),
        _ => {
            faults.count(Fault::StrayPayment);
            Shape::Listed(code)
        }
    }
}
