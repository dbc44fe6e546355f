//! Many merchants at once in one world, half of them over TLS: each sees what it would see alone.

use std::sync::{Arc, Barrier};
use std::thread;

use serde_json::json;
use wechatpay_mock_server::{Mock, MockMerchant};

use super::wire::{Inside, Tls, Wire};
use super::{Patience, START_FEN, Story, asking, mock, world_of};
use crate::common::Form;

const MERCHANTS: usize = 16;
/// All merchants pay these, and each has its own troubles with them.
const USERS: [&str; 3] = ["oAnna", "oBert", "oCora"];

/// Something of everything, and for each merchant something else. Nobody moves the clock, which is everybody's.
fn live(story: &Story<'_>, number: usize) {
    let merchant = story.merchant;
    story.rule("resend-gap", "0ms");
    story.rule("sends-per-second", "none");
    story.rule("user-packets-a-day", "none");
    if number.is_multiple_of(3) {
        story.rule("settle", "manual");
    }
    story.user(USERS[number % 3], &[["risk_blocked", "not_realname", "daily_cap:1"][number / 3 % 3]]);
    let chance = 0.2 + 0.04 * number as f64;
    let commit = ["applied", "not_applied"][number % 2];
    let refusal = json!({"fault": "err_code", "code": "SYSTEMERROR"});
    let reordered = json!({"fault": "content", "how": "reordered"});
    story.arm(json!({"when": {"every": 2 + number % 3}, "then": reordered, "commit": "applied"}));
    story.arm(json!({"when": {"probability": chance}, "then": refusal, "commit": commit}));
    let half = json!({"probability": chance / 2.0, "path": "sendredpack"});
    story.arm(json!({"when": half, "then": {"fault": "reply_lost"}}));
    for turn in 0..9 {
        let billno = (turn / 2).to_string();
        story.send(&Form::send(merchant, &billno).with("re_openid", USERS[turn / 2 % 3]));
        story.query(&billno);
        story.payments(&billno);
    }
    drop(story.act("0", "settle", None));
    drop(story.act("0", "claim", None));
    story.balance();
    for query in ["", "verdict=business", "commit=applied", "verdict=fault", "fault=reply_lost"] {
        story.journal(query);
    }
    story.disarm();

    story.reset(&["state", "requests"]);
    assert_eq!((story.balance(), story.payments("0")), (START_FEN, 0));
    assert_eq!(story.journal(""), [""; 0]);
    story.rule("settle", "at-once");
    let lost = asking(&Form::send(merchant, "0"), "REDPACK_REPLY_LOST");
    assert_eq!(story.exchange(lost, Patience::Usual).code(), "MaybeSent");
    assert_eq!(story.pay("0").code(), "SUCCESS");
    story.assert_one_debit("0");
    story.top_up(number as u64);
    story.balance();
    assert_eq!(story.journal("path=sendredpack").len(), 2);
}

/// A world with these merchants, and with faults that are for all of them; each meets its own.
fn town(numbers: &[&str]) -> Mock {
    let mut world = world_of(numbers);
    let wrong = json!({"fault": "wrong_echo", "field": "total_amount"});
    let extra = json!({"fault": "content", "how": "extra_field"});
    world["arm"] = json!([
        {"when": {"every": 4}, "then": wrong, "commit": "applied"},
        {"when": {"probability": 0.3}, "then": extra, "commit": "applied"},
    ]);
    mock(&world)
}

fn alone(mch_id: &str, number: usize) -> Vec<String> {
    let mock = town(&[mch_id]);
    let merchant: MockMerchant = mock.merchants().remove(0);
    let wire = Inside(merchant.clone());
    let story = Story::new(&wire, &mock, &merchant);
    live(&story, number);
    story.log.into_inner()
}

#[test]
fn merchants_do_not_see_each_other() {
    let numbers: Vec<_> = (0..MERCHANTS).map(|number| format!("m{number:02}")).collect();
    let mock = town(&numbers.iter().map(String::as_str).collect::<Vec<_>>());
    let server = Arc::new(mock.serve().unwrap());
    let wired = |(number, merchant): (usize, MockMerchant)| {
        let wire: Box<dyn Wire + Send> = if number.is_multiple_of(2) {
            Box::new(Inside(merchant.clone()))
        } else {
            let kit = server.kit().dir();
            Box::new(Tls::new(server.address(), kit, merchant.mch_id(), Arc::clone(&server)))
        };
        (number, merchant, wire)
    };
    // In the order of their numbers.
    let residents: Vec<_> = mock.merchants().into_iter().enumerate().map(wired).collect();
    let start = Barrier::new(MERCHANTS);
    let told: Vec<_> = thread::scope(|scope| {
        let (mock, start) = (&mock, &start);
        let threads: Vec<_> = residents
            .into_iter()
            .map(|(number, merchant, wire)| {
                scope.spawn(move || {
                    let story = Story::new(&*wire, mock, &merchant);
                    start.wait();
                    live(&story, number);
                    story.log.into_inner()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (number, (mch_id, told)) in numbers.iter().zip(told).enumerate() {
        assert_eq!(told, alone(mch_id, number), "{mch_id}");
    }
}
