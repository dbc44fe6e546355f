//! What is particular about each path, and what the answers to calls are held to, against the same facts.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use wechatpay_proto::call::{ECHOES, MARKS, PATHS};
use wechatpay_proto::endpoint::{Form, Host, Method, SignBy, Trust};
use wechatpay_proto::{Call, SignType};

use super::common::*;
use super::{FACTS, endpoints, options, row, rows, text};

/// Only these sign their successes and not their failures: the facts know signed and unsigned.
const SIGNED_SUCCESS: [&str; 2] =
    ["/mmpaymkttransfers/queryworkwxredpack", "/mmpaymkttransfers/sendworkwxredpack"];

#[test]
fn every_path_is_listed_once_in_order_with_what_is_documented_of_it() {
    assert_eq!(PATHS.len(), 136);
    assert!(PATHS.is_sorted_by(|one, next| one.path < next.path));
    let listed: Vec<_> = PATHS.iter().map(|row| row.path).collect();
    let mut documented: Vec<_> = endpoints().iter().map(|endpoint| text(endpoint, "path")).collect();
    documented.sort_unstable();
    assert_eq!(listed, documented);

    for listed in PATHS {
        let fact = endpoints().iter().find(|endpoint| endpoint["path"] == listed.path).unwrap();
        let method = match text(fact, "request_in") {
            "query" => Method::Get,
            "body" | "formData" => Method::Post,
            other => panic!("{other}"),
        };
        assert_eq!(text(fact, "verb"), format!("{method:?}").to_uppercase(), "{}", listed.path);
        let host = match text(fact, "base") {
            "https://api.mch.weixin.qq.com/" => Host::Api,
            "https://fraud.mch.weixin.qq.com/" => Host::Fraud,
            "https://payapp.weixin.qq.com/" => Host::PayApp,
            "https://payapp.mch.weixin.qq.com/" => Host::PayAppMch,
            other => panic!("{other}"),
        };
        let form = match text(fact, "response_form") {
            "" => Form::Xml,
            "json" => Form::Json,
            other if other.starts_with("text") => Form::Text,
            other => panic!("{other}"),
        };
        assert_eq!(listed.form, form, "{}", listed.path);
        let multipart = fact["consumes"][0] == "multipart/form-data";
        let rows = ["mch_id", "mchid", "combine_mch_id"];
        let merchant_row: Vec<_> = rows.into_iter().filter(|name| row(fact, name).is_some()).collect();
        assert!(merchant_row.len() < 2, "{}: {merchant_row:?}", listed.path);
        let trust = match fact["response_signed"].as_bool().unwrap() {
            true if SIGNED_SUCCESS.contains(&listed.path) => Trust::SignedSuccess,
            true => Trust::Signed,
            false => Trust::TransportOnly,
        };
        assert_eq!(
            (listed.method, listed.host, listed.certificate, listed.multipart),
            (method, host, fact["client_certificate"] == true, multipart),
            "{}",
            listed.path
        );
        assert_eq!(
            (listed.nonce, listed.merchant_row, listed.sign_by, listed.trust),
            (row(fact, "nonce_str").is_some(), merchant_row.first().copied(), digest(fact), trust),
            "{}",
            listed.path
        );
    }
}

/// The digest that the documents leave: without `sign_type` it is MD5.
fn digest(endpoint: &Json) -> SignBy {
    let Some(sign_type) = row(endpoint, "sign_type") else { return SignBy::Md5 };
    match *options(sign_type) {
        ["MD5"] => SignBy::Md5,
        ["HMAC-SHA256"] => SignBy::HmacSha256,
        [_, _] => SignBy::Merchant,
        // downloadfundflow: its text says HMAC-SHA256 only, and so does its example
        [] if text(sign_type, "example") == "HMAC-SHA256" => SignBy::HmacSha256,
        ref other => panic!("{other:?}"),
    }
}

fn names<'f>(endpoint: &'f Json, direction: &str) -> BTreeSet<&'f str> {
    rows(endpoint, direction).iter().map(|row| text(row, "name")).collect()
}

/// What is documented in a request and in its answer, and is not compared all the same.
const NO_ECHO: [&str; 20] = [
    // what every answer has of its own
    "nonce_str",
    "sign",
    "sign_type",
    "return_code",
    "return_msg",
    "result_code",
    "err_code",
    // texts for people, in which the service masks words
    "attach",
    "description",
    "contract_display_account",
    "sender_name",
    "sender_header_media_id",
    // JSON that the service writes anew
    "receiver",
    "receivers",
    // the sandbox answers `sandbox`, whatever was sent
    "device_info",
    // a span is asked for, a day of it comes back
    "date_start",
    "date_end",
    // a kind, which names nothing
    "trade_type",
    "return_account_type",
    // a credential, which may be renewed
    "access_token",
];

#[test]
fn what_goes_out_and_comes_back_is_compared() {
    assert!(ECHOES.is_sorted_by(|one, next| one < next));
    let both = endpoints().iter().flat_map(|endpoint| {
        let (sent, back) = (names(endpoint, "request"), names(endpoint, "response"));
        sent.intersection(&back).copied().collect::<Vec<_>>()
    });
    let mut documented: BTreeSet<_> = both.filter(|name| !NO_ECHO.contains(name)).collect();
    // it is sent to ask for one refund, and where it comes back without a number it must be that one
    documented.insert("refund_id");
    assert_eq!(ECHOES.iter().copied().collect::<BTreeSet<_>>(), documented);
    for path in PATHS.iter().filter(|path| path.trust == Trust::TransportOnly) {
        let held = ECHOES.contains(&"mch_id") && path.echoes.iter().all(|name| !NO_ECHO[..7].contains(name));
        assert!(held, "{}", path.path);
    }
}

#[test]
fn every_success_is_held_to_what_is_documented_of_it() {
    assert!(MARKS.is_sorted_by(|one, next| one < next));
    let (mut promising, mut promises) = (0, 0);
    for listed in PATHS {
        let fact = endpoints().iter().find(|endpoint| endpoint["path"] == listed.path).unwrap();
        for promise in listed.promises {
            let row = rows(fact, "response").iter().find(|row| row["name"] == *promise);
            let row = row.unwrap_or_else(|| panic!("{} {promise} is not documented", listed.path));
            assert_eq!(row["required"], true, "{} {promise}", listed.path);
            assert_eq!(row["required_if"], Json::Null, "{} {promise} depends on the state", listed.path);
        }
        let documented = names(fact, "response");
        let own = |mark: &&&str| documented.contains(**mark) && !listed.promises.contains(*mark);
        assert_eq!(
            listed.may.to_vec(),
            MARKS.iter().filter(own).copied().collect::<Vec<_>>(),
            "{}",
            listed.path
        );
        promising += usize::from(!listed.promises.is_empty());
        promises += listed.promises.len();
    }
    // the others have no answer, no document, or nothing but who is who
    assert_eq!((promising, promises), (100, 168));
    // a mark of nothing would refuse for nothing
    for mark in MARKS {
        let anywhere = endpoints().iter().filter(|endpoint| names(endpoint, "response").contains(mark));
        assert_ne!(anywhere.count(), 0, "{mark}");
    }
}

/// Nothing that is compared, promised or a mark refuses an answer as it is documented.
#[test]
fn a_success_with_every_documented_field_is_one() {
    let own = ["sign", "sign_type", "nonce_str", "mch_id", "mchid", "combine_mch_id", "workwx_sign"];
    let mut read = 0;
    for listed in PATHS.iter().filter(|path| path.form == Form::Xml && !path.multipart) {
        let fact = endpoints().iter().find(|endpoint| endpoint["path"] == listed.path).unwrap();
        let sent: Vec<_> = rows(fact, "request").iter().map(|row| text(row, "name")).collect();
        let sent: Vec<_> =
            sent.into_iter().filter(|name| !own.contains(name) && !name.contains('-')).collect();
        let call = Call::new(listed.path).fields(sent.iter().map(|name| (*name, *name)));
        let value = |name: &'static str| match name {
            "return_code" | "result_code" => "SUCCESS",
            "mch_id" | "mchid" | "combine_mch_id" => "10000098",
            name => name.split("_$").next().unwrap(),
        };
        for only_required in [false, true] {
            let answered = rows(fact, "response").iter().filter(|row| {
                let text_field =
                    row["type"] != "object" && !["sign", "err_code"].contains(&text(row, "name"));
                text_field && (!only_required || row["required"] == true)
            });
            let fields: Vec<_> = answered
                .map(|row| text(row, "name"))
                .map(|name| (leak(name.replace("$n", "0").replace("$m", "0")), value(name)))
                .collect();
            if !fields.iter().any(|(name, _)| *name == "return_code") {
                continue;
            }
            let body = match (listed.trust, listed.sign_by) {
                (Trust::TransportOnly, _) => document(&fields),
                (_, SignBy::Md5) => signed(SignType::Md5, &fields),
                _ => signed(SignType::HmacSha256, &fields),
            };
            let reply = accept(&call, body).unwrap_or_else(|error| panic!("{}: {error}", listed.path));
            assert_eq!(reply.head.is_success(), reply.head.result_code.is_some(), "{}", listed.path);
            read += 1;
        }
    }
    assert!(read > 200, "{read}");
}

/// What is known of an order depends on its state: captured answers contradicted the tables.
#[test]
fn what_depends_on_the_state_of_an_order_is_not_promised() {
    let queries = endpoints()
        .iter()
        .filter(|endpoint| rows(endpoint, "response").iter().any(|row| row["required_if"] != Json::Null));
    let queries: Vec<_> = queries.map(|endpoint| text(endpoint, "path")).collect();
    let expected = [
        "/deposit/orderquery",
        "/pay/facepayquery",
        "/pay/orderquery",
        "/sandboxnew/pay/orderquery",
        "/xdc/apiv2sandbox/pay/orderquery",
    ];
    assert_eq!(queries, expected);
    for path in queries {
        let unpaid = [
            ("return_code", "SUCCESS"),
            ("result_code", "SUCCESS"),
            ("mch_id", "10000098"),
            ("out_trade_no", "1"),
            ("trade_state", "NOTPAY"),
        ];
        let call = Call::new(path).field("out_trade_no", "1");
        assert!(accept(&call, signed(SignType::HmacSha256, &unpaid)).unwrap().head.is_success(), "{path}");
    }
}

#[test]
fn the_notice_of_a_payment_requires_what_every_product_sends() {
    let notices = FACTS["notifications"].as_array().unwrap();
    let paid = notices.iter().find(|notice| notice["name"] == "transaction-success").unwrap();
    let field = |name: &str| rows(paid, "fields").iter().find(|row| row["name"] == name).unwrap();
    for name in ["is_subscribe", "trade_type", "openid", "bank_type", "total_fee", "transaction_id"] {
        assert_eq!(field(name)["required"], false, "{name}");
    }
    for name in ["total_fee", "transaction_id"] {
        assert_ne!(field(name)["required_if"], Json::Null, "{name}: a success has it");
    }
    assert!(text(paid, "note").contains("PAY_FAIL"));
}
