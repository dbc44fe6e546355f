//! The same seed and the same requests give the same answers, whoever else is there and whatever threads do.

use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use wechatpay_mock_server::{InProcess, Mock, MockMerchant, Rules, Status};
use wechatpay_proto::transport::{BlockingTransport as _, Transport as _};

use crate::common::{Answer, Form, call, legacy, shop, shop_with};

/// The answers to a few requests of one merchant, with time passing between them.
fn story(mock: &Mock, merchant: &MockMerchant, meanwhile: impl Fn()) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (billno, kind) in [("1", 0), ("2", 1), ("2", 1), ("none", 2), ("3", 3)] {
        let form = Form::sends(merchant, billno)[kind].clone();
        answers.push(call(merchant, &form.clone().with("re_openid", billno)));
        meanwhile();
        answers.push(call(merchant, &form.clone().keyed("wrong")));
        drop(merchant.claim(billno));
        answers.push(call(merchant, &form.queried(merchant)));
        meanwhile();
        mock.advance(Duration::from_secs(7 * 3600));
    }
    answers
}

fn world(seed: u64) -> (Mock, MockMerchant) {
    let mock = Mock::builder().seed(seed).rules(legacy()).build();
    let merchant = mock.merchant().mch_id("10000098").appid("wx1").create().unwrap();
    (mock, merchant)
}

#[test]
fn one_seed_gives_one_story_alone_or_in_company() {
    let (mock, merchant) = world(7);
    let alone = story(&mock, &merchant, || ());
    let (mock, merchant) = world(7);
    let other = mock.merchant().create().unwrap();
    let company = story(&mock, &merchant, || {
        let billno = mock.requests().to_string();
        drop(call(&other, &Form::send(&other, &billno).with("re_openid", billno.clone())));
        drop(call(&other, &Form::query(&other, &billno)));
    });
    assert_eq!(alone, company);
    assert!(mock.ledger().packets().count() > 4);
}

#[test]
fn another_seed_changes_ids_and_nothing_else() {
    let stories = [7, 8].map(|seed| {
        let (mock, merchant) = world(seed);
        story(&mock, &merchant, || ())
    });
    let [first, second] = &stories;
    assert_ne!(first, second);
    for (one, other) in first.iter().zip(second) {
        let masked = |answer: &Answer| {
            let drawn = ["send_listid", "detail_id", "package", "amount", "refund_amount", "sign"];
            drawn.into_iter().filter_map(|name| answer.get(name)).fold(answer.body.clone(), |body, id| {
                body.replace(&format!("[{id}]"), "[drawn]").replace(&format!(">{id}<"), ">drawn<")
            })
        };
        assert_eq!(masked(one), masked(other));
    }
}

#[test]
fn made_up_merchants_come_from_the_seed_and_are_announced_as_such() {
    let made = |seed| {
        let mock = Mock::builder().seed(seed).build();
        [(); 3].map(|()| {
            let merchant = mock.merchant().create().unwrap();
            assert!(merchant.mch_id().starts_with("99") && merchant.key().starts_with("mock"));
            assert_eq!((merchant.key().len(), merchant.mch_id().len()), (32, 10));
            (merchant.mch_id().to_owned(), merchant.key().to_owned(), merchant.appid().to_owned())
        })
    };
    assert_eq!(made(1), made(1));
    let mut all = [made(1), made(2)].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
}

#[test]
fn a_mock_and_its_parts_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Mock>();
    check::<MockMerchant>();
    check::<InProcess>();
}

#[test]
fn a_hundred_merchants_on_a_hundred_threads_do_not_disturb_each_other() {
    let script = |merchant: &MockMerchant| {
        let answers = [("1", 0), ("2", 1), ("3", 2), ("4", 3), ("2", 1)].map(|(billno, kind)| {
            let form = Form::sends(merchant, billno)[kind].clone();
            [call(merchant, &form), call(merchant, &form.queried(merchant))]
        });
        (answers, merchant.balance_fen())
    };
    let merchants = |mock: &Mock| -> Vec<_> {
        (0..100).map(|number| mock.merchant().mch_id(format!("m{number}")).create().unwrap()).collect()
    };
    let one_by_one = Mock::builder().seed(3).rules(legacy()).build();
    let expected: Vec<_> = merchants(&one_by_one).iter().map(script).collect();
    let together = Mock::builder().seed(3).rules(legacy()).build();
    let crowd = merchants(&together);
    let start = Barrier::new(crowd.len());
    let got: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = crowd
            .iter()
            .map(|merchant| {
                scope.spawn(|| {
                    start.wait();
                    script(merchant)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(got, expected);
    assert_eq!(together.ledger(), one_by_one.ledger());
}

#[test]
fn one_number_from_many_threads_is_one_debit() {
    let free = Rules { resend_gap: Duration::ZERO, sends_per_second: None, ..Rules::default() };
    for rules in [Rules::default(), free] {
        let strict = rules.sends_per_second.is_some();
        let (mock, merchant) = shop_with(rules);
        let start = Barrier::new(64);
        let answers: Vec<_> = thread::scope(|scope| {
            let race = || {
                start.wait();
                call(&merchant, &Form::send(&merchant, "1"))
            };
            let threads: Vec<_> = (0..64).map(|_| scope.spawn(race)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winners: Vec<_> = answers.iter().filter(|answer| answer.code() == "SUCCESS").collect();
        assert_eq!(winners.len(), if strict { 1 } else { 64 });
        assert!(winners.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(answers.iter().all(|answer| ["SUCCESS", "FREQ_LIMIT"].contains(&answer.code())));
        let packet = merchant.red_packet("1").unwrap();
        assert_eq!(packet.history.iter().filter(|(_, status)| *status == Status::Sent).count(), 1);
        assert_eq!((merchant.balance_fen(), mock.requests()), (999_000, 64));
    }
}

#[test]
fn both_kinds_of_in_process_transport_are_one_and_never_wait() {
    let (blocking, asynchronous) = (shop(), shop());
    for form in [Form::send(&blocking.1, "1"), Form::query(&blocking.1, "1"), Form::send(&blocking.1, "-")] {
        let expected = blocking.1.transport().send_blocking(form.request()).unwrap();
        let transport = asynchronous.1.transport();
        let mut sending = pin!(transport.send(form.request()));
        let Poll::Ready(Ok(got)) = sending.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("it waits");
        };
        assert_eq!(
            (got.status(), got.headers(), got.body()),
            (expected.status(), expected.headers(), expected.body())
        );
    }
    assert_eq!(blocking.0.ledger(), asynchronous.0.ledger());
}
