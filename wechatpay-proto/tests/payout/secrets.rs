//! Nothing that the payouts show of themselves has a key, a sign, a receiver, a text or a body in it.

use std::fmt::Debug;

use wechatpay_proto::payout::{Action, Asked, Campaign, Evidence, Kind, Next, Payout, Policy, Unsaved};
use wechatpay_proto::transport::{BaseUrl, Delivery};

use crate::common::*;
use crate::world::*;

#[derive(Default)]
struct Log(Vec<String>);

impl Log {
    fn add(&mut self, value: &impl Debug) {
        self.0.extend([format!("{value:?}"), format!("{value:#?}")]);
    }

    fn holds_none_of(&self, secrets: &[&str]) {
        assert!(self.0.len() > 10);
        for line in &self.0 {
            for secret in secrets {
                let found = line.to_lowercase().find(&secret.to_lowercase());
                assert!(found.is_none(), "{secret:?} in {line}");
            }
        }
    }
}

/// The values of `name` in a request.
fn value<'b>(body: &'b str, name: &str) -> &'b str {
    body.split_once(&format!("<{name}>")).unwrap().1.split_once("</").unwrap().0
}

#[test]
fn what_is_shown_holds_no_secret() {
    let mut log = Log::default();
    for kind in Kind::ALL {
        let policy = Policy::default();
        let mut secrets = vec![KEY.to_owned(), SECRET.to_owned(), PACKET.re_openid.to_owned()];
        secrets.extend(
            [PACKET.wishing, PACKET.remark, PACKET.act_name, "242e8abd163d", "4110d649a5ae"]
                .map(str::to_owned),
        );
        let unsaved: Unsaved<Payout> = Payout::new(intent(kind), &policy, START);
        log.add(&unsaved);
        log.add(unsaved.intent());
        log.add(&unsaved.intent().record());
        let payout = unsaved.saved();
        log.add(&payout);
        let next = payout.next(START).unwrap();
        log.add(&next);
        let Next::Send(unsaved) = next else { panic!() };
        let attempt = unsaved.saved();
        log.add(&attempt);
        let (request, flight) = attempt.sign(START, &MERCHANT, &BaseUrl::default(), nonce()).unwrap();
        let body = String::from_utf8(request.into_body().to_vec()).unwrap();
        secrets.push(value(&body, "sign").to_owned());
        log.add(&flight);
        let evidence = Evidence::read(flight.intent(), Asked::Send, &MERCHANT, &sent(kind));
        log.add(&evidence);
        let unsaved = flight.learn(START, evidence);
        log.add(&unsaved);
        log.add(&unsaved.snapshot());
        let mut world = World::querying(kind);
        log.add(&world.flight());
        // answers that cannot be read
        let evil = ["oxTWIuGaIt6gTKsQRLau2M0yL16E", "<xml><a>oxTWIuGaIt6gTKsQRLau2M0yL16E</a>"];
        for body in evil {
            let evidence = Evidence::read(&world.intent, Asked::Query, &MERCHANT, &answer(body));
            log.add(&evidence);
        }
        let mut world = World::querying(kind);
        world.answer(&found(kind, "FAILED"));
        let Ok(Next::Done(done)) = world.payout().next(world.now) else { panic!() };
        log.add(&done);
        log.add(&done.into_failed().unwrap());

        let mut campaign = Campaign::new(MERCHANT.clone(), &policy, (|| [7; 16]) as fn() -> [u8; 16]);
        let disk = World::new(kind).disk;
        campaign.add(START, intent(kind), &disk).unwrap();
        log.add(&campaign);
        log.add(&campaign.add(START, intent(kind), &disk).unwrap_err());
        let action = campaign.poll(START).unwrap();
        log.add(&action);
        let Action::Save(save) = action else { panic!() };
        campaign.saved(save);
        log.add(&campaign);
        let action = campaign.poll(START).unwrap();
        log.add(&action);
        let Action::Send { request, flight } = action else { panic!() };
        let sent_body = String::from_utf8(request.into_body().to_vec()).unwrap();
        secrets.push(value(&sent_body, "sign").to_owned());
        log.add(&flight);
        campaign.fault(START, flight, Delivery::MaybeSent);
        assert!(campaign.late_answer(START, PACKET.mch_billno, Asked::Send, &sent(kind)));
        log.add(&campaign);
        while let Ok(action) = campaign.poll(START) {
            log.add(&action);
            match action {
                Action::Save(save) => campaign.saved(save),
                Action::Wait { .. } => break,
                _ => {}
            }
        }
        log.add(campaign.progress());
        log.holds_none_of(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn an_intent_shows_what_finds_it() {
    let shown = format!("{:?}", intent(Kind::RedPack));
    for part in ["row 1", "10000098", "RedPack", "10000098201411111234567890", "1000"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}
