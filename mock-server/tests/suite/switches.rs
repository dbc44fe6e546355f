//! Every switch, by what each of its settings changes.

mod answers;
mod orders;
mod requests;

use std::time::Duration;

use wechatpay_mock_server::{Mock, MockMerchant, RuleError, Rules};
use wechatpay_proto::transport::BlockingTransport as _;

use crate::common::{Answer, Form, MCH_ID, SEND, call, post, shop_with};

/// A shop with these switches, `name=value` by blanks; without limits to how often.
fn shop(switches: &str) -> (Mock, MockMerchant) {
    let mut rules = Rules { resend_gap: Duration::ZERO, sends_per_second: None, ..Rules::default() };
    for switch in switches.split_whitespace() {
        let (name, value) = switch.split_once('=').unwrap();
        rules.set(name, value).unwrap();
    }
    shop_with(rules)
}

/// The `err_code` of a first packet.
fn send(switches: &str, change: impl FnOnce(Form) -> Form) -> String {
    let (_, merchant) = shop(switches);
    call(&merchant, &change(Form::send(&merchant, "1"))).code().to_owned()
}

fn post_xml(merchant: &MockMerchant, xml: String) -> Answer {
    Answer::new(merchant.transport().send_blocking(post(SEND, xml)).unwrap())
}

fn query(merchant: &MockMerchant, mch_billno: &str) -> Answer {
    call(merchant, &Form::query(merchant, mch_billno))
}

/// By its name in quotes, or before an equals sign.
#[test]
fn every_switch_is_here() {
    let here = [
        include_str!("switches.rs"),
        include_str!("switches/answers.rs"),
        include_str!("switches/orders.rs"),
        include_str!("switches/requests.rs"),
    ]
    .concat();
    for switch in Rules::default().describe() {
        let named =
            here.contains(&format!("{}=", switch.name)) || here.contains(&format!("\"{}\"", switch.name));
        // Nothing in-process answers SYSTEMERROR to a send; a unit test has it.
        assert!(named || switch.name == "system-error", "{}", switch.name);
    }
}

#[test]
fn a_merchant_may_have_a_setting_of_its_own() {
    let (mock, merchant) = shop("amount=1000..1000");
    let other = mock.merchant().create().unwrap();
    let code = |merchant: &MockMerchant, billno: &str, fen: &str| {
        call(merchant, &Form::send(merchant, billno).with("total_amount", fen)).code().to_owned()
    };
    mock.set_rule(Some(other.mch_id()), "amount", "2000..2000").unwrap();
    assert_eq!(
        (code(&merchant, "1", "1000"), code(&merchant, "2", "2000")),
        ("SUCCESS".into(), "MONEY_LIMIT".into())
    );
    assert_eq!(
        (code(&other, "1", "1000"), code(&other, "2", "2000")),
        ("MONEY_LIMIT".into(), "SUCCESS".into())
    );
    // The world's rules reach it where it has none of its own.
    mock.set_rule(None, "not_found", "SYSTEMERROR").unwrap();
    mock.set_rule(None, "amount", "3000..3000").unwrap();
    assert_eq!(query(&other, "9").code(), "SYSTEMERROR");
    assert_eq!(
        (code(&merchant, "3", "3000"), code(&other, "3", "3000")),
        ("SUCCESS".into(), "MONEY_LIMIT".into())
    );
    assert_eq!(
        mock.own_rules(other.mch_id()).into_iter().collect::<Vec<_>>(),
        [("amount".into(), "2000..2000".into())]
    );
    assert_eq!(mock.rules(Some(other.mch_id())), Rules { amount: 2000..=2000, ..mock.rules(None) });
    mock.clear_rules(other.mch_id());
    assert_eq!(code(&other, "4", "3000"), "SUCCESS");
    let error = mock.set_rule(Some(MCH_ID), "group", "legacy").unwrap_err();
    assert!(matches!(error, RuleError::WorldOnly { name: "group" }));
}
