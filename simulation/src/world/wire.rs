//! Requests on their way, and what comes back.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use wechatpay_proto::payout::{Asked, Evidence, Flight, Payout, State, Store as _};
use wechatpay_proto::transport::Delivery;
use wechatpay_proto::wire;

use super::{Event, World};
use crate::answer::element;
use crate::books::{Bid, Order};
use crate::conduct::Heard;
use crate::disk::Process;
use crate::fault::Fault;
use crate::network::{Back, Carried, Treatment};
use crate::plan::SECOND;
use crate::report::{Invariant, Sent};

/// A copy of a request on its way.
#[derive(Debug)]
pub(super) struct Passage {
    request: Request<Bytes>,
    carried: Carried,
    to: Asker,
}

/// Something that may be an answer, on its way.
#[derive(Debug)]
pub(super) struct Letter {
    response: Response<Bytes>,
    to: Asker,
}

impl Letter {
    /// Whose it is.
    pub(super) fn worker(&self) -> usize {
        self.to.process.worker
    }
}

/// Who asked what.
#[derive(Clone, Debug)]
struct Asker {
    process: Process,
    flight: u64,
    asked: Asked,
    mch_billno: String,
    bid: Arc<Bid>,
}

impl World<'_> {
    /// A request leaves a worker.
    pub(super) fn transmit(&mut self, w: usize, request: Request<Bytes>, flight: Flight) {
        let (asked, mch_billno) = (flight.asked(), flight.intent().mch_billno().to_owned());
        let process = self.workers[w].process;
        self.check_request(w, &request, asked, &mch_billno);
        let treatment = self.treatment(&request, asked);
        self.note(|| {
            format!(
                "worker {w} asks {asked:?} of {mch_billno} at {}: {treatment:?}",
                request.uri().host().unwrap_or("")
            )
        });
        if self.trace.is_some() {
            let host = request.uri().host().unwrap_or_default().to_owned();
            self.requests.push(Sent { at: self.t, asked, mch_billno: mch_billno.clone(), host });
        }
        self.flights += 1;
        let bid = Arc::new(Bid::of(&request));
        let to = Asker { process, flight: self.flights, asked, mch_billno, bid };
        self.workers[w].flights.push((to.flight, flight));
        if let (Asked::Send, Some(order)) = (asked, self.books.order_mut(&to.mch_billno)) {
            order.on_way += treatment.copies.len();
            if treatment.leaves {
                order.told.sent(to.flight, self.t);
            }
        }
        for carried in &treatment.copies {
            let passage = Passage { request: request.clone(), carried: *carried, to: to.clone() };
            self.push(self.t + carried.after, Event::Arrive(Box::new(passage)));
        }
        if let Some((after, shape)) = treatment.made_up {
            let other = self.other_answer(&to.mch_billno);
            let response = shape.make(&mut self.chance, &request, None, other.as_ref());
            self.push(self.t + after, Event::Answer(Box::new(Letter { response, to: to.clone() })));
        }
        let (flight, sent) = (to.flight, treatment.leaves);
        self.push(self.t + treatment.patience, Event::GiveUp { process, flight, sent });
        self.dies(w, "after the send");
    }

    fn treatment(&mut self, request: &Request<Bytes>, asked: Asked) -> Treatment {
        // They count this request already.
        let (script, nth) = match asked {
            Asked::Send => (&self.plan.sends, self.counts.sends),
            Asked::Query => (&self.plan.queries, self.counts.queries),
        };
        if let Some(treatment) = usize::try_from(nth).ok().and_then(|nth| script.get(nth - 1)) {
            return treatment.clone();
        }
        if self.healed() {
            return Treatment::well();
        }
        if !self.primary_up && request.uri().host() == Some("api.mch.weixin.qq.com") {
            self.counts.faults.count(Fault::HostDown);
            return Treatment { patience: 5 * SECOND, ..Treatment::not_sent() };
        }
        Treatment::draw(&mut self.chance, &self.plan.odds, asked, &mut self.counts.faults)
    }

    /// What must be true of every request that leaves.
    fn check_request(&mut self, w: usize, request: &Request<Bytes>, asked: Asked, mch_billno: &str) {
        let two = self.workers[w].flights.iter().any(|(_, other)| other.intent().mch_billno() == mch_billno);
        if two {
            self.violate(Invariant::I5, || format!("worker {w} has two requests of {mch_billno} under way"));
        }
        match asked {
            Asked::Query => self.counts.queries += 1,
            Asked::Send => {
                self.counts.sends += 1;
                self.check_send(w, request, mch_billno);
            }
        }
    }

    fn check_send(&mut self, w: usize, request: &Request<Bytes>, mch_billno: &str) {
        let (t, process) = (self.t, self.workers[w].process);
        let row = self.disk.row(mch_billno);
        let (recorded, stray) = row.map_or((0, true), |row| (row.attempts, !row.is_owned_by(process)));
        let said = said(request.body());
        self.counts.strays += u64::from(stray);
        let Some(order) = self.books.order_mut(mch_billno) else {
            return self.violate(Invariant::OnDisk, || format!("{mch_billno} is sent, and nobody knows it"));
        };
        order.sends += 1;
        let (sends, last) = (order.sends, order.last.replace((t, stray)));
        let same = *order.said.get_or_insert_with(|| said.clone()) == said;
        if sends > recorded {
            self.violate(Invariant::OnDisk, || {
                format!("{mch_billno} is sent {sends} times, with {recorded} attempts on disk")
            });
        }
        if !same {
            self.violate(Invariant::I4, || format!("{mch_billno} is sent with other parameters: {said}"));
        }
        // A worker whose lease ended between its write and its send cannot know of the others.
        if let Some((last, false)) = last.filter(|_| !stray)
            && t - last < SECOND
        {
            self.violate(Invariant::I5, || format!("{mch_billno} is sent twice within {:?}", t - last));
        }
    }

    /// A copy arrives at the service.
    pub(super) fn arrive(&mut self, passage: Passage) {
        let Passage { request, carried, to } = passage;
        if let (Asked::Send, Some(order)) = (to.asked, self.books.order_mut(&to.mch_billno)) {
            order.on_way -= 1;
        }
        let Some(truth) = self.service.answer(&request, &to.bid, carried.taken) else { return };
        self.enter(&to.bid, to.asked, &truth);
        if let Some(packet) = self.service.packet(&to.mch_billno) {
            self.observe(&to.mch_billno, packet.status);
        }
        self.note(|| format!("the service answers {:?} of {}: {}", to.asked, to.mch_billno, gist(&truth)));
        let (after, response) = match carried.back {
            Back::Lost => (None, truth.clone()),
            Back::After(after) => (Some(after), truth.clone()),
            Back::As(after, shape) => {
                let other = self.other_answer(&to.mch_billno);
                (Some(after), shape.make(&mut self.chance, &request, Some(&truth), other.as_ref()))
            }
        };
        self.remember(&to.mch_billno, truth);
        if let Some(after) = after {
            self.push(self.t + after, Event::Answer(Box::new(Letter { response, to })));
        }
    }

    fn remember(&mut self, mch_billno: &str, truth: Response<Bytes>) {
        self.answers.retain(|(number, _)| number != mch_billno);
        self.answers.push((mch_billno.to_owned(), truth));
    }

    fn other_answer(&self, mch_billno: &str) -> Option<Response<Bytes>> {
        let other = self.answers.iter().find(|(number, _)| number != mch_billno);
        other.map(|(_, response)| response.clone())
    }

    fn flight(&mut self, process: Process, flight: u64) -> Option<Flight> {
        if !self.is_alive(process) {
            return None;
        }
        let flights = &mut self.workers[process.worker].flights;
        let at = flights.iter().position(|(other, _)| *other == flight)?;
        Some(flights.swap_remove(at).1)
    }

    /// Something arrives that may be an answer: in time, late, or at a process that is another one by now.
    pub(super) fn hear(&mut self, letter: Letter) {
        let w = letter.to.process.worker;
        if let Some(until) = self.stands(w) {
            return self.push(until, Event::Answer(Box::new(letter)));
        }
        let Letter { response, to } = letter;
        let now = self.workers[w].now(self.t);
        if let Some(order) = self.books.order_mut(&to.mch_billno).filter(|_| self.workers[w].alive) {
            order.told.heard((to.asked, to.flight), &to.bid, &response, self.t);
        }
        if let Some(flight) = self.flight(to.process, to.flight) {
            self.note(|| format!("worker {w} hears {}", gist(&response)));
            self.judged(w, &flight, Some(&response));
            self.workers[w].campaign.answer(now, flight, &response);
        } else if self.workers[w].alive {
            self.counts.late_answers += 1;
            self.note(|| format!("worker {w} hears late of {}: {}", to.mch_billno, gist(&response)));
            if !self.workers[w].campaign.late_answer(now, &to.mch_billno, to.asked, &response) {
                self.hear_on_disk(w, &to, &response);
            }
        } else {
            return;
        }
        self.pump(w);
    }

    /// An answer to a payout that no campaign here holds. Where nobody else has it, it is taken for this alone.
    fn hear_on_disk(&mut self, w: usize, to: &Asker, response: &Response<Bytes>) {
        let told = self.books.order(&to.mch_billno).is_some_and(|order| order.verdict.is_some());
        let taken = self.session(w, None).take_one(&to.mch_billno);
        let Some(stored) = taken.ok().flatten().filter(|_| !told) else { return };
        let was_done = self.disk.row(&to.mch_billno).is_some_and(|row| row.done);
        let before = stored.snapshot.state();
        let now = self.workers[w].now(self.t);
        let evidence =
            Evidence::read(&stored.intent, to.asked, self.workers[w].campaign.merchant(), response);
        let unsaved = match Payout::restore(stored.intent, &self.policy, &stored.snapshot, now) {
            Ok(payout) => payout.hear(now, evidence),
            Err(error) => return self.violate(Invariant::OnDisk, || format!("{error} of {}", to.mch_billno)),
        };
        for alert in unsaved.alerts().to_vec() {
            self.alert(w, &to.mch_billno, &alert);
        }
        let after = unsaved.state();
        let contradiction = after == State::Conflict
            && self.books.order(&to.mch_billno).is_some_and(Order::contradicts_itself);
        if was_done && after != before && !contradiction && !matches!(before, State::NeedsHuman(_)) {
            self.violate(Invariant::I2, || format!("{} was {before:?}, and is {after:?}", to.mch_billno));
        }
        self.write(w, &unsaved.snapshot(), was_done || unsaved.is_done());
        self.session(w, None).release(&[&to.mch_billno]).ok();
        self.sweep(w);
    }

    /// The client waits no longer.
    pub(super) fn give_up(&mut self, process: Process, flight: u64, sent: bool) {
        if let Some(until) = self.stands(process.worker) {
            return self.push(until, Event::GiveUp { process, flight, sent });
        }
        let Some(flight) = self.flight(process, flight) else { return };
        let w = process.worker;
        let delivery = if sent { Delivery::MaybeSent } else { Delivery::NotSent };
        self.note(|| format!("worker {w} waits no longer for {}", flight.intent().mch_billno()));
        self.judged(w, &flight, None);
        let now = self.workers[w].now(self.t);
        self.workers[w].campaign.fault(now, flight, delivery);
        self.pump(w);
    }

    /// What the conduct makes of an answer; it takes effect when the answer is written.
    fn judged(&mut self, w: usize, flight: &Flight, response: Option<&Response<Bytes>>) {
        let number = flight.intent().mch_billno();
        let attempts = self.disk.row(number).map_or(0, |row| row.attempts);
        let refused = self.books.order(number).is_some_and(|order| order.told.send_failed);
        let verdict = self.conduct.hears(&Heard { asked: flight.asked(), attempts, refused, response });
        self.give_verdict(w, number, verdict);
    }
}

/// What a request says, without nonce and sign.
fn said(body: &Bytes) -> String {
    let Ok(document) = wire::parse(body, &[]) else { return String::new() };
    let fields = document.untrusted().iter().filter(|(name, _)| !matches!(*name, "nonce_str" | "sign"));
    fields.fold(String::with_capacity(512), |mut said, (name, value)| {
        said.extend([name, "=", value, "&"]);
        said
    })
}

/// An answer in short, for the trace.
fn gist(response: &Response<Bytes>) -> String {
    let text = String::from_utf8_lossy(response.body());
    let found = ["err_code", "status", "reason", "refund_amount"].into_iter();
    let found = found.filter_map(|name| Some(format!(" {name}={}", element(&text, name)?)));
    format!("{}, {} bytes{}", response.status().as_u16(), text.len(), found.collect::<String>())
}
