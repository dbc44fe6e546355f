//! Files of the kit, and how to point an SDK here.

use serde_json::{Value, json};
use wechatpay_mock_server::{Mock, Server};

use super::{done, raw, refused};
use crate::common::{KEY, MCH_ID, shop};

fn text(server: &Server, path: &str) -> String {
    let answer = raw(server, &format!("GET {path}"), "");
    assert_eq!(answer.status, 200, "{path}");
    String::from_utf8(answer.body).unwrap()
}

#[test]
fn the_authority_is_that_of_the_kit() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    assert_eq!(text(&server, "/ca.pem"), server.kit().ca_pem());
    let truststore = raw(&server, "GET /truststore.p12", "");
    assert_eq!(truststore.body, std::fs::read(server.kit().dir().join("truststore.p12")).unwrap());
    assert!(truststore.head.contains("content-type: application/x-pkcs12\r\n"), "{}", truststore.head);
}

#[test]
fn the_environment_comes_in_every_format() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    for (format, start) in [
        ("", "export WECHATPAY_MOCK_"),
        ("?format=sh", "export WECHATPAY_MOCK_"),
        ("?format=ps1", "$env:WECHATPAY_MOCK_"),
        ("?format=dotenv", "WECHATPAY_MOCK_"),
    ] {
        let lines = text(&server, &format!("/env{format}"));
        assert!(lines.lines().filter(|line| line.starts_with(start)).count() >= 7, "{format}: {lines}");
        for part in [MCH_ID, KEY, &server.https_url(), "apiclient_cert.pem"] {
            assert!(lines.contains(part), "{format}: {part}");
        }
    }
    let json: Value = serde_json::from_str(&text(&server, "/env?format=json")).unwrap();
    assert_eq!(
        (&json["WECHATPAY_MOCK_MCH_ID"], &json["WECHATPAY_MOCK_URL"]),
        (&json!(MCH_ID), &json!(server.https_url()))
    );
}

#[test]
fn every_sdk_has_its_settings() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let mut all = Vec::new();
    for sdk in ["curl", "php", "node", "python", "go", "java", "rust"] {
        let snippet = text(&server, &format!("/env?sdk={sdk}"));
        assert!(snippet.contains("WECHATPAY_MOCK_") && !all.contains(&snippet), "{sdk}: {snippet}");
        all.push(snippet);
    }
    for (query, said) in [
        ("sdk=cobol", "php, node, python, go, java, rust, curl"),
        ("format=xml", "json, sh, ps1, dotenv"),
        ("sdk=go&format=sh", "not both"),
    ] {
        let error = refused(&server, &format!("GET /env?{query}"), Value::Null, 400, "bad_request");
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn the_environment_is_of_one_merchant() {
    let mock = Mock::builder().build();
    let server = mock.serve().unwrap();
    let error = refused(&server, "GET /env", Value::Null, 404, "not_found");
    assert!(error.starts_with("no merchant"), "{error}");
    for mch_id in ["1900000001", "1900000002"] {
        done(&server, "POST /merchants", json!({"mch_id": mch_id}));
    }
    assert!(text(&server, "/env").contains("1900000001"));
    assert!(text(&server, "/env?mch_id=1900000002").contains("1900000002"));
    refused(&server, "GET /env?mch_id=1", Value::Null, 404, "not_found");
}
