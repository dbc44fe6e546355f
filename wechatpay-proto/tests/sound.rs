//! What makes a table unsound, which the compiler reports: here asked while running, one fault at a time.

use std::panic::catch_unwind;

use wechatpay_proto::endpoint::{Endpoint as _, Field, InnerSign, Presence, Spec, at_most_one};
use wechatpay_proto::rule::Rule;
use wechatpay_proto::table::order::{ascii, assert_sound, wire};
use wechatpay_proto::v2::mmpaymkttransfers::SendWorkWxRedPack;

const SOUND: Spec<'static> = *SendWorkWxRedPack::SPEC;
const REPLY: [&str; 6] = ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount", "send_listid"];

/// What is said of a table, if anything.
fn fault(spec: Spec<'static>, reply: &[&str]) -> Option<String> {
    let reply = reply.to_vec();
    let said = catch_unwind(move || assert_sound(&spec, &reply)).err()?;
    Some((*said.downcast::<&str>().unwrap()).to_owned())
}

/// `new` alone, before the others, and behind them.
fn places(new: &'static str, others: &[&'static str]) -> [&'static [&'static str]; 3] {
    [vec![new], [&[new], others].concat(), [others, &[new]].concat()].map(|names| &*names.leak())
}

#[test]
fn a_table_of_the_crate_is_sound() {
    assert_eq!(fault(SOUND, &REPLY), None);
    assert_eq!(fault(Spec { inner: None, echoes: &[], promises: &[], ..SOUND }, &[]), None);
}

#[test]
fn a_path_has_plain_segments_and_none_that_is_empty() {
    let said = "a path starts with '/', holds [0-9A-Za-z/_-] only, and has no empty segment";
    for path in ["/a", "/a/b", "/A-z_0/9", "/-", "/_", "/pay/unifiedorder"] {
        assert_eq!(fault(Spec { path, ..SOUND }, &REPLY), None, "{path}");
    }
    for path in
        ["", "a", "a/b", "/", "//", "//a", "/a/", "/a//b", "/a b", "/a.b", "/a?b", "/a%20", "/号", "/a\n"]
    {
        assert_eq!(fault(Spec { path, ..SOUND }, &REPLY).as_deref(), Some(said), "{path:?}");
    }
}

#[test]
fn a_row_of_the_head_or_the_sign_is_no_row_of_a_reply() {
    let head = ["return_code", "return_msg", "result_code", "err_code", "err_code_des", "sign"];
    for reply in head.into_iter().flat_map(|name| places(name, &REPLY)) {
        let alone = Spec { echoes: &[], promises: &[], ..SOUND };
        assert_eq!(
            fault(alone, reply).as_deref(),
            Some("a row of the reply belongs to its head"),
            "{reply:?}"
        );
    }
    assert_eq!(fault(SOUND, &[&REPLY[..], &["return_codes", "sig", "signs", "err_cod"]].concat()), None);
}

#[test]
fn an_echo_is_a_row_of_both_and_no_nonce() {
    let reply = [&REPLY[..], &["nonce_str", "elsewhere"]].concat();
    for (name, said) in [
        ("unknown", "an echo is no row of the reply"),
        ("act_name", "an echo is no row of the reply"),
        ("mch_bill", "an echo is no row of the reply"),
        ("mch_billnos", "an echo is no row of the reply"),
        ("elsewhere", "an echo is no row of the request"),
        ("nonce_str", "an answer has a nonce of its own, if any"),
    ] {
        for echoes in places(name, SOUND.echoes) {
            assert_eq!(fault(Spec { echoes, ..SOUND }, &reply).as_deref(), Some(said), "{echoes:?}");
        }
    }
}

#[test]
fn a_promise_is_a_row_of_the_reply() {
    for promises in places("act_name", SOUND.promises) {
        let said = fault(Spec { promises, ..SOUND }, &REPLY);
        assert_eq!(said.as_deref(), Some("a promise is no row of the reply"), "{promises:?}");
    }
    let promises = places("send_listid", SOUND.promises)[2];
    assert_eq!(fault(Spec { promises, ..SOUND }, &REPLY), None);
}

#[test]
fn an_inner_sign_covers_rows_of_the_request_and_not_itself() {
    let inner = SOUND.inner.unwrap();
    for (name, said) in [
        ("unknown", "the inner sign covers what is no row of the request"),
        ("workwx_sign", "the inner sign cannot cover itself"),
    ] {
        for over in places(name, inner.over) {
            let inner = Some(InnerSign { over, ..inner });
            assert_eq!(fault(Spec { inner, ..SOUND }, &REPLY).as_deref(), Some(said), "{over:?}");
        }
    }
}

#[test]
fn a_raw_name_is_plain_on_the_wire() {
    for (name, on_the_wire) in
        [("r#type", "type"), ("type", "type"), ("r", "r"), ("r_type", "r_type"), ("re#", "re#")]
    {
        assert_eq!(wire(name), on_the_wire);
    }
}

#[test]
fn rows_are_ordered_by_the_bytes_of_their_names() {
    let mut names = ["coupon_id_2", "a_", "a", "coupon_id_10", "A", "_", "a1", "key_"];
    for turn in 0..64 {
        names.rotate_left(turn % 8);
        names.swap(turn % 7, 7 - turn / 8);
        let order = ascii(&names.map(|name| Field { name, presence: Presence::Required, rule: Rule::Any }));
        let mut sorted = names;
        sorted.sort_unstable();
        assert_eq!(order.map(|row| names[row]), sorted, "{names:?}");
    }
}

#[test]
fn an_endpoint_has_one_inner_sign_at_most() {
    let [one, other] = ["workwx_sign", "other"].map(|name| InnerSign { name, over: &[] });
    assert!(at_most_one(&[]).is_none());
    assert_eq!(at_most_one(&[one]).map(|inner| inner.name), Some("workwx_sign"));
    assert_eq!(at_most_one(&[other, one]).map(|inner| inner.name), Some("other"));
}
