//! Every example of the catalogue in every skin: the same bytes, or the same failure; then a query, and the same
//! number again.

use wechatpay_mock_server::{Content, End, Fault, FaultRule, SignFlaw, TlsFlaw, catalogue};

use super::{Patience, START_FEN, everywhere_in, world};
use crate::common::Form;

/// Answers of many megabytes are for other tests.
fn of_a_handy_size(mut rule: FaultRule) -> FaultRule {
    if let Fault::Content(Content::Huge { bytes }) = &mut rule.then {
        *bytes = Some(200_000);
    }
    rule
}

/// A rule, and whether the request that meets it is one whose answers are signed.
type Case = (FaultRule, bool);

/// The examples of some groups. Signed answers have faults of their own.
fn cases(in_group: impl Fn(&str) -> bool) -> Vec<Case> {
    let entries = catalogue().into_iter().filter(|entry| in_group(entry.group));
    let rules: Vec<_> = entries.flat_map(|entry| entry.examples).map(of_a_handy_size).collect();
    let of_signs = |rule: &&FaultRule| matches!(rule.then, Fault::ReplySign { .. } | Fault::WrongEcho { .. });
    let signed: Vec<_> = rules.iter().filter(of_signs).map(|rule| (rule.clone(), true)).collect();
    rules.into_iter().map(|rule| (rule, false)).chain(signed).collect()
}

/// Whether it strikes before a request is there, and who may be struck cannot be said.
fn strikes_connections(fault: &Fault) -> bool {
    matches!(fault, Fault::Refuse | Fault::Silence | Fault::Tls { .. })
}

/// Whether it strikes the request: where no sign belongs none is missing, and one request is not too many.
fn strikes(fault: &Fault, signed: bool) -> bool {
    match fault {
        Fault::ReplySign { how: SignFlaw::Missing } => signed,
        Fault::ReplySign { how: SignFlaw::Unexpected } => !signed,
        Fault::RateLimit { .. } => false,
        fault => !strikes_connections(fault),
    }
}

/// Whether the order is paid in the end.
fn is_paid(fault: &Fault) -> bool {
    !matches!(fault, Fault::StuckState { .. } | Fault::LateCommit { fails: true, .. })
}

fn patience(fault: &Fault) -> Patience {
    match fault {
        Fault::ReplyLost { ending: End::Hang } => Patience::ShortForAnswer,
        Fault::Silence | Fault::Tls { how: TlsFlaw::Stall } => Patience::ShortForHandshake,
        _ => Patience::Usual,
    }
}

fn look_the_same_everywhere(cases: &[Case]) {
    everywhere_in(&world(), "1ms", |story| {
        for (number, (rule, signed)) in (1..).zip(cases) {
            let (billno, now) = (number.to_string(), number * 10);
            let form = if *signed { Form::work_weixin } else { Form::send };
            let form = form(story.merchant, &billno).with("re_openid", &*billno);
            let query = form.queried(story.merchant);
            story.at(now);
            story.note(format!("{rule:?}"));
            let mut json = serde_json::to_value(rule).unwrap();
            json["when"]["times"] = 1.into();
            if strikes_connections(&rule.then) {
                story.arm_for_all(&json);
            } else {
                story.arm(json.clone());
            }
            match patience(&rule.then) {
                Patience::ShortForAnswer => drop(story.send_in_vain(form.request())),
                patience => drop(story.exchange(form.request(), patience)),
            }
            story.at(now + 3);
            story.send(&query);
            story.payments(&billno);
            story.send(&form);
            let arrived = story.journal(&format!("mch_billno={billno}"));
            let struck = arrived[0].ends_with(json["then"]["fault"].as_str().unwrap());
            assert_eq!(struck, strikes(&rule.then, *signed), "{rule:?}: {arrived:?}");
            story.disarm();
        }
        // Whatever was late has come by now.
        story.at(3 * 3600);
        let mut paid = 0;
        for (number, (rule, _)) in (1..).zip(cases) {
            let payments = story.payments(&number.to_string());
            assert_eq!(payments, usize::from(is_paid(&rule.then)), "{rule:?}");
            paid += payments as u64;
        }
        assert_eq!(story.balance() + story.reserved(), START_FEN - 1_000 * paid);
    });
}

#[test]
fn every_fault_of_an_answer_looks_the_same_everywhere() {
    let cases = cases(|group| group == "answer");
    assert!(cases.len() > 40);
    look_the_same_everywhere(&cases);
}

#[test]
fn every_other_fault_looks_the_same_everywhere() {
    let cases = cases(|group| group != "answer");
    assert!(cases.len() > 30);
    look_the_same_everywhere(&cases);
}
