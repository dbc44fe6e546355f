//! Merchants: made, changed, and what becomes of their keys and certificates.

use serde_json::{Value, json};
use wechatpay_mock_server::{MerchantSpec, Mock, MockMerchant, Server};

use super::{done, get, refused};
use crate::common::{Form, KEY, MCH_ID, call, shop};
use crate::tls::{own, transport};

/// What a send over TLS is answered, with the merchant's own certificate.
fn send(server: &Server, merchant: &MockMerchant, form: &Form) -> String {
    let transport = transport(server, own(server, merchant.mch_id()));
    let answer = crate::tls::send(&transport, &server.https_url(), form);
    answer.get("err_code").map_or(answer.status.to_string(), str::to_owned)
}

#[test]
fn a_merchant_is_made_of_nothing_and_can_send_at_once() {
    let mock = Mock::builder().build();
    let server = mock.serve().unwrap();
    let material = done(&server, "POST /merchants", Value::Null);
    let text = |name: &str| material[name].as_str().unwrap();
    assert!(text("mch_id").starts_with("99") && text("key").starts_with("mock") && text("key").len() == 32);
    assert_eq!(text("p12_password"), text("mch_id"));
    assert!(
        text("cert_serial").len() == 40 && text("cert_serial").bytes().all(|byte| byte.is_ascii_hexdigit())
    );
    for file in ["cert", "key_pem", "p12", "p12_legacy"] {
        assert!(
            std::path::Path::new(text(file)).is_absolute() && std::fs::metadata(text(file)).is_ok(),
            "{file}"
        );
    }
    let zip = super::raw(&server, &format!("GET /merchants/{}/kit.zip", text("mch_id")), "");
    assert!(text("kit_url").ends_with(&format!("/__mock/merchants/{}/kit.zip", text("mch_id"))));
    assert_eq!((zip.status, zip.body.get(..4)), (200, Some(&b"PK\x03\x04"[..])));
    let key = std::fs::read_to_string(text("key_pem")).unwrap();
    let key = key.lines().nth(1).unwrap();
    assert!(zip.body.windows(key.len()).any(|bytes| bytes == key.as_bytes()), "stored as it is");

    let merchant = mock.merchants().remove(0);
    assert_eq!((merchant.key(), merchant.appid()), (text("key"), text("appid")));
    assert_eq!(send(&server, &merchant, &Form::send(&merchant, "1")), "SUCCESS");
    let shown = &get(&server, "/requests")["requests"][0]["peer_cert"];
    assert_eq!((&shown["serial"], &shown["verdict"]), (&material["cert_serial"], &json!("ok")));
    let second = done(&server, "POST /merchants", json!({}));
    assert_ne!(second["mch_id"], material["mch_id"]);
    assert_eq!(get(&server, "/merchants")["merchants"].as_array().unwrap().len(), 2);
}

#[test]
fn every_part_of_a_merchant_can_be_given() {
    let mock = Mock::builder().build();
    let server = mock.serve().unwrap();
    done(&server, "POST /merchants", json!({"mch_id": "1900000001", "mode": "partner"}));
    let given = json!({
        "mch_id": MCH_ID, "key": KEY, "agent_secret": "a secret".replace(' ', "_"), "appids": ["wx1", "wx2"],
        "balance_fen": 5, "opening_fen": 7, "mode": "merchant", "under": "1900000001", "product_closed": true,
        "allowed_ips": ["127.0.0.1", "::1"], "certificate": "expired", "rules": {"settle": "manual"},
        "former": {"key": KEY.replace("risks", "risk5"), "until": "2026-02-01T00:00:00+08:00"},
    });
    done(&server, "POST /merchants", given.clone());
    let spec: MerchantSpec = serde_json::from_value(given.clone()).unwrap();
    assert_eq!(mock.merchant_spec(MCH_ID), Some(spec));
    let shown = get(&server, &format!("/merchants/{MCH_ID}"));
    assert_eq!((&shown["key"], &shown["appid"]), (&json!("…isks"), &json!("wx1")));
    for name in [
        "mch_id",
        "appids",
        "balance_fen",
        "opening_fen",
        "mode",
        "under",
        "allowed_ips",
        "certificate",
        "rules",
    ] {
        assert_eq!(shown[name], given[name], "{name}");
    }
    assert!(!get(&server, "/merchants").to_string().contains(KEY));
}

#[test]
fn a_merchant_that_cannot_be_is_refused_with_its_part() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    for (body, said) in [
        (json!({"mch_id": MCH_ID}), "10000098 is taken"),
        (json!({"mch_id": "../../etc"}), "mch_id"),
        (json!({"mch_id": ""}), "mch_id"),
        (json!({"key": "short"}), "key"),
        (json!({"agent_secret": ""}), "agent_secret"),
        (json!({"appids": ["wx 1"]}), "appid"),
        (json!({"under": "1"}), "under"),
        (json!({"under": MCH_ID}), "no service provider"),
        (json!({"balance_fen": -1}), "balance_fen"),
        (json!({"allowed_ips": ["localhost"]}), "IP"),
        (json!({"rules": {"settle": "never"}}), "settle"),
        (json!({"rules": {"colour": "red"}}), "colour"),
        (json!({"mode": "shop"}), "merchant, partner"),
    ] {
        let error = refused(&server, "POST /merchants", body, 400, "bad_request");
        assert!(error.contains(said) && !error.contains("short"), "{error}");
    }
    assert_eq!(mock.merchants().len(), 1);
}

#[test]
fn a_change_is_made_whole_or_not_at_all() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let path = format!("PATCH /merchants/{MCH_ID}");
    let before = mock.merchant_spec(MCH_ID);
    for wrong in [
        json!({"balance_fen": 1, "rules": {"settle": "never"}}),
        json!({"balance_fen": 1, "appids": ["wx 1"]}),
        json!({"rules": {"settle": "manual"}, "appids": ["wx 1"]}),
        json!({"rules": {"settle": "manual", "colour": "red"}}),
        json!({"balance_fen": 1, "allowed_ips": ["here"]}),
        json!({"balance_fen": 1, "appids": []}),
    ] {
        refused(&server, &path, wrong, 400, "bad_request");
        assert_eq!(mock.merchant_spec(MCH_ID), before);
    }
    refused(&server, "PATCH /merchants/1", json!({"balance_fen": 1}), 404, "not_found");

    let all = json!({"balance_fen": 5, "appids": ["wx1"], "product_closed": true, "allowed_ips": ["127.0.0.1"],
        "rules": {"settle": "manual"}});
    let shown = done(&server, &path, all.clone());
    for (name, value) in all.as_object().unwrap() {
        assert_eq!(shown[name], *value, "{name}");
    }
    let shown = done(&server, &path, json!({"allowed_ips": null}));
    assert_eq!((&shown["allowed_ips"], &shown["appids"]), (&Value::Null, &json!(["wx1"])));
    assert_eq!(shown["opening_fen"], 1_000_000);
    assert_eq!(done(&server, &path, json!({})), shown);
}

#[test]
fn a_merchant_goes_with_everything_unless_others_are_under_it() {
    let mock = Mock::builder().build();
    let server = mock.serve().unwrap();
    done(&server, "POST /merchants", json!({"mch_id": "1", "mode": "partner"}));
    done(&server, "POST /merchants", json!({"mch_id": "2", "under": "1", "rules": {"settle": "manual"}}));
    let error = refused(&server, "DELETE /merchants/1", Value::Null, 409, "in_use");
    assert!(error.contains("1 is a service provider"), "{error}");
    assert_eq!(done(&server, "DELETE /merchants/2", Value::Null), json!({"mch_id": "2"}));
    refused(&server, "DELETE /merchants/2", Value::Null, 404, "not_found");
    done(&server, "DELETE /merchants/1", Value::Null);
    let again = done(&server, "POST /merchants", json!({"mch_id": "2"}));
    assert_eq!(get(&server, "/merchants/2")["rules"], json!({}), "{again}");
    for call in ["GET /merchants/1", "GET /merchants/1/kit.zip", "GET /merchants/..%2F/kit.zip"] {
        refused(&server, call, Value::Null, 404, "not_found");
    }
}

#[test]
fn money_is_put_in() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let top_up = format!("POST /merchants/{MCH_ID}/topup");
    assert_eq!(done(&server, &top_up, json!({"fen": 25}))["balance_fen"], 1_000_025);
    assert_eq!(merchant.balance_fen(), 1_000_025);
    assert_eq!(done(&server, &top_up, json!({"fen": 0}))["balance_fen"], 1_000_025);
    refused(&server, "POST /merchants/1/topup", json!({"fen": 1}), 404, "not_found");
}

#[test]
fn the_key_before_is_good_for_a_while() {
    let (mock, old) = shop();
    let server = mock.serve().unwrap();
    let rotate = format!("POST /merchants/{MCH_ID}/rotate-key");
    let answer = done(&server, &rotate, json!({"grace": "10m"}));
    let new = mock.merchants().remove(0);
    assert_eq!(answer, json!({"mch_id": MCH_ID, "key": new.key()}));
    assert_ne!(new.key(), old.key());
    assert_eq!(call(&new, &Form::send(&new, "1")).code(), "SUCCESS");
    assert_eq!(call(&new, &Form::send(&old, "2")).code(), "SUCCESS");
    done(&server, "POST /clock/advance", json!({"by": "11m"}));
    assert_eq!(call(&new, &Form::send(&old, "3")).code(), "SIGN_ERROR");

    let given = "another_key_of_exactly_32_bytes_";
    assert_eq!(done(&server, &rotate, json!({"key": given}))["key"], given);
    assert_eq!(call(&new, &Form::send(&new, "4")).code(), "SIGN_ERROR", "without grace at once");
    let error = refused(&server, &rotate, json!({"key": "too short"}), 400, "bad_request");
    assert!(error.contains("key") && !error.contains("too short"), "{error}");
    refused(&server, &rotate, json!({"grace": "a while"}), 400, "bad_request");
    refused(&server, "POST /merchants/1/rotate-key", json!({}), 404, "not_found");
    assert_eq!(mock.merchants().remove(0).key(), given);
}

#[test]
fn a_certificate_is_taken_for_something_else_over_tls() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    server.write_merchant(&merchant).unwrap();
    let certificate = |state: &str| {
        let answer = done(&server, &format!("POST /merchants/{MCH_ID}/cert"), json!({"state": state}));
        assert_eq!(answer["state"], state.replace("_ca", ""));
    };
    let states = [
        ("missing", "CA_ERROR"),
        ("expired", "CA_ERROR"),
        ("revoked", "CA_ERROR"),
        // The server in front says so, in a page.
        ("foreign", "400"),
        ("foreign_ca", "400"),
        ("other_merchant", "CA_ERROR"),
    ];
    for (number, (state, code)) in states.into_iter().enumerate() {
        certificate(state);
        let form = Form::send(&merchant, &number.to_string());
        assert_eq!(send(&server, &merchant, &form), code, "{state}");
        certificate("ok");
        assert_eq!(send(&server, &merchant, &form), "SUCCESS", "{state}");
    }
    refused(&server, "POST /merchants/1/cert", json!({"state": "ok"}), 404, "not_found");
}
