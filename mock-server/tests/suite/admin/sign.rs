//! A sign by hand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{done, get, refused};
use crate::common::{Form, KEY, MCH_ID, SEND, md5, shop};

#[test]
fn the_sign_is_that_of_a_naive_signer() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let form = Form::send(&merchant, "1").with("empty", "").with("remark", "a&b=<c>]]>");
    let mut fields = form.fields();
    let expected = fields.remove("sign").unwrap();
    let signed = done(&server, "POST /sign", json!({"path": SEND, "mch_id": MCH_ID, "fields": fields}));
    assert_eq!(signed["sign"], *expected);
    let text = signed["string_to_sign"].as_str().unwrap();
    let without_key = form.string_to_sign().replace(&format!("key={KEY}"), "");
    assert!(text.starts_with(without_key.trim_end_matches('&')) && !text.contains(KEY), "{text}");
    assert!(!signed.to_string().contains(KEY));

    // What it writes is what the service takes.
    let request = crate::common::post(SEND, signed["xml"].as_str().unwrap().to_owned());
    let answer =
        mock.handle(&request, &wechatpay_mock_server::Arrival::with(crate::common::in_force(MCH_ID)));
    crate::common::Answer::new(answer.seen().unwrap()).assert_success();
}

#[test]
fn a_key_may_be_given_and_is_kept_nowhere() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let key = "another_key_of_exactly_32_bytes_";
    let fields: BTreeMap<_, _> = [("nonce_str", "n"), ("a", "1")].into();
    let body = json!({"path": SEND, "mch_id": "1", "key": key, "fields": fields});
    let signed = done(&server, "POST /sign", body.clone());
    assert_eq!(signed["sign"], md5(&format!("a=1&mch_id=1&nonce_str=n&key={key}")));
    assert!(!signed.to_string().contains(key) && !get(&server, "/state").to_string().contains(key));

    let mut sha = body.clone();
    sha["sign_type"] = json!("HMAC-SHA256");
    assert_eq!(done(&server, "POST /sign", sha)["sign"].as_str().unwrap().len(), 64);
    for (name, wrong, status, said) in [
        ("key", json!("short"), 400, "key"),
        ("key", Value::Null, 404, "no merchant 1"),
        ("fields", json!({"nonce_str": ""}), 400, "nonce_str"),
        ("fields", json!({"<a>": "1"}), 400, "cannot stand on the wire"),
        ("fields", json!({"a": 1}), 400, "fields.a is a string"),
    ] {
        let mut body = body.clone();
        body[name] = wrong;
        let code = if status == 404 { "not_found" } else { "bad_request" };
        let error = refused(&server, "POST /sign", body, status, code);
        assert!(error.contains(said) && !error.contains("short"), "{error}");
    }
    assert_eq!(mock.requests(), 0);
}
