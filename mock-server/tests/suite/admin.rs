//! The admin API: what tests in other languages drive the world with.

use serde_json::{Value, json};
use wechatpay_mock_server::Mock;

use crate::common::{Form, MCH_ID, OPENID, call, legacy, shop, shop_with};
use crate::raw::{self, admin, body, health, request, status, talk};

#[test]
fn health_counts_merchants_and_their_requests_but_no_admin_calls() {
    let (mock, merchant) = shop();
    mock.merchant().create().unwrap();
    let server = mock.serve().unwrap();
    for _ in 0..3 {
        let health = health(server.address());
        assert_eq!((&health["merchants"], &health["requests"]), (&json!(2), &json!(0)));
        assert_eq!(health["now"], "2026-01-01T09:00:00+08:00");
        assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    }
    admin(server.address(), "GET /__mock/redpackets/10000098/1");
    admin(server.address(), "POST /__mock/nowhere");
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    assert_eq!(health(server.address())["requests"], 1);
    assert_eq!(mock.requests(), 1);
}

#[test]
fn a_packet_is_shown_and_claimed() {
    let (mock, merchant) = shop();
    let sent = call(&merchant, &Form::send(&merchant, "1"));
    let server = mock.serve().unwrap();
    let at = "2026-01-01T09:00:00+08:00";
    let mut expected = json!({
        "mch_id": MCH_ID, "mch_billno": "1", "kind": "NORMAL", "shares": [{"amount": 1000, "claim": null}], "payer": MCH_ID, "wxappid": merchant.appid(), "re_openid": OPENID,
        "total_amount": 1000, "send_listid": sent.get("send_listid"), "status": "SENT", "reason": null,
        "history": [{"at": at, "status": "SENDING"}, {"at": at, "status": "SENT"}],
        "due": "2026-01-02T09:00:00+08:00", "hold": null, "allowed": ["claim", "expire"],
    });
    assert_eq!(admin(server.address(), "GET /__mock/redpackets/10000098/1"), (200, expected.clone()));
    (expected["status"], expected["due"], expected["allowed"]) = ("RECEIVED".into(), json!(null), json!([]));
    expected["shares"][0]["claim"] = json!({"openid": OPENID, "at": at});
    expected["history"].as_array_mut().unwrap().push(json!({"at": at, "status": "RECEIVED"}));
    assert_eq!(admin(server.address(), "POST /__mock/redpackets/10000098/1/claim"), (200, expected));
    let answer = call(&merchant, &Form::query(&merchant, "1"));
    assert_eq!((answer.get("status"), answer.get("openid")), (Some("RECEIVED"), Some(OPENID)));
}

#[test]
fn the_shares_of_a_group_packet_are_claimed_by_name() {
    let (mock, merchant) = shop_with(legacy());
    let server = mock.serve().unwrap();
    let kinds = Form::sends(&merchant, "1").map(|form| form.with("re_openid", "o1")).into_iter().enumerate();
    for (number, form) in kinds {
        call(&merchant, &form.with("mch_billno", number.to_string())).assert_success();
    }
    let packet =
        |billno: usize| admin(server.address(), &format!("GET /__mock/redpackets/{MCH_ID}/{billno}")).1;
    let kinds = [0, 1, 2, 3].map(|billno| packet(billno)["kind"].as_str().unwrap().to_owned());
    assert_eq!(kinds, ["NORMAL", "MINI_PROGRAM", "GROUP", "WORK_WEIXIN"]);

    let claim = |body: &str| {
        let line = format!("POST /__mock/redpackets/{MCH_ID}/2/claim");
        let answer = talk(server.address(), request(&line, "X-Mock-Admin: 1\r\nConnection: close\r\n", body));
        let json: Value = serde_json::from_str(raw::body(&answer)).unwrap();
        (status(&answer), json)
    };
    let (status, seed) = claim("");
    assert_eq!(
        (status, &seed["status"], &seed["shares"][0]["claim"]["openid"]),
        (200, &json!("SENT"), &json!("o1"))
    );
    let (status, again) = claim("");
    assert_eq!((status, &again["error"]["code"]), (409, &json!("refused")));
    assert!(again["error"]["message"].as_str().unwrap().contains("name the openid"), "{again}");
    assert_eq!(claim("{\"openid\":\"o1\"}").0, 409);
    assert_eq!(claim("{\"openid\":\"o2\"}").1["status"], "SENT");
    let (_, last) = claim("{\"openid\":\"o3\"}");
    assert_eq!((&last["status"], &last["shares"][2]["claim"]["openid"]), (&json!("RECEIVED"), &json!("o3")));
}

#[test]
fn each_action_works_where_it_is_allowed_and_conflicts_elsewhere() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    let act = |action: &str| admin(server.address(), &format!("POST /__mock/redpackets/10000098/1/{action}"));
    for (action, result) in [
        ("settle", None),
        ("fail", None),
        ("refund", None),
        ("expire", Some("RFUND_ING")),
        ("claim", None),
        ("expire", None),
        ("refund", Some("REFUND")),
        ("refund", None),
        ("settle", None),
    ] {
        let (status, answer) = act(action);
        match result {
            Some(expected) => assert_eq!((status, &answer["status"]), (200, &expected.into())),
            None => assert_eq!(
                (status, &answer["error"]["code"]),
                (409, &"illegal_transition".into()),
                "{action}"
            ),
        }
    }
    assert_eq!(merchant.balance_fen(), 1_000_000);
}

#[test]
fn an_action_takes_its_own_details_and_no_others() {
    let mock = Mock::builder().build();
    let merchant = mock.merchant().mch_id(MCH_ID).balance_fen(1_000).create().unwrap();
    let server = mock.serve().unwrap();
    for (billno, code) in [("1", "SUCCESS"), ("2", "NOTENOUGH")] {
        assert_eq!(call(&merchant, &Form::send(&merchant, billno)).code(), code);
    }
    let act = |rest: &str, body: &str| {
        let line = format!("POST /__mock/redpackets/{MCH_ID}/{rest}");
        let answer = talk(server.address(), request(&line, "X-Mock-Admin: 1\r\nConnection: close\r\n", body));
        let json: Value = serde_json::from_str(raw::body(&answer)).unwrap();
        (status(&answer), json)
    };
    for (action, body) in [
        ("claim", "openid"),
        ("claim", "[]"),
        ("claim", "{\"openid\":1}"),
        ("claim", "{\"user\":\"o\"}"),
        ("claim", "{\"reason\":\"r\"}"),
        ("expire", "{\"openid\":\"o\"}"),
    ] {
        assert_eq!(act(&format!("1/{action}"), body).0, 400, "{action} {body}");
    }
    assert_eq!(act("1/claim", "{\"openid\":\"another\"}").0, 409);
    assert_eq!(act("1/claim", &json!({"openid": OPENID}).to_string()).1["status"], "RECEIVED");

    assert_eq!(act("2/fail", "{\"reason\":\"closed by hand\"}").1["status"], "FAILED");
    let answer = call(&merchant, &Form::query(&merchant, "2"));
    assert_eq!((answer.get("status"), answer.get("reason")), (Some("FAILED"), Some("closed by hand")));
}

#[test]
fn a_change_needs_a_header_that_no_form_in_a_browser_can_set() {
    let (mock, merchant) = shop();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    let server = mock.serve().unwrap();
    for header in ["", "X-Mock-Admin: 0\r\n", "X-Mock-Admin:\r\n", "Content-Type: text/plain\r\n"] {
        let claim = request(
            "POST /__mock/redpackets/10000098/1/claim",
            &format!("{header}Connection: close\r\n"),
            "",
        );
        let answer = talk(server.address(), claim);
        assert_eq!(status(&answer), 403, "{header}");
        assert!(body(&answer).contains("X-Mock-Admin"));
        assert!(!answer.to_lowercase().contains("access-control"));
    }
    assert_eq!(merchant.red_packet("1").unwrap().history.len(), 2);
}

#[test]
fn only_names_of_this_machine_are_answered() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let port = server.address().port();
    let ask = |host: &str| {
        let head =
            format!("GET /__mock/health HTTP/1.1\r\n{host}X-Mock-Admin: 1\r\nConnection: close\r\n\r\n");
        status(&talk(server.address(), head))
    };
    for host in ["127.0.0.1", "127.0.0.2", "localhost", "[::1]", "host.docker.internal"] {
        assert_eq!(ask(&format!("Host: {host}\r\n")), 200, "{host}");
        assert_eq!(ask(&format!("Host: {host}:{port}\r\n")), 200, "{host}");
    }
    for host in [
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "0.0.0.0",
        "192.168.0.1",
        "[::2]",
        "localhost@example.com",
        "",
    ] {
        assert_eq!(ask(&format!("Host: {host}\r\n")), 403, "{host}");
    }
    assert_eq!(ask(""), 403);
}

#[test]
fn what_is_not_there_is_not_found_in_json() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    for line in [
        "GET /__mock/",
        "GET /__mock/nowhere",
        "GET /__mock/health/",
        "GET /__mock/redpackets/10000098/1",
        "GET /__mock/redpackets/10000099/1",
        "POST /__mock/redpackets/10000098/1/claim",
        "POST /__mock/redpackets/10000098/1/explode",
        "GET /__mock/redpackets//",
        "GET /__mock/../health",
    ] {
        let (status, answer) = admin(server.address(), line);
        assert_eq!((status, &answer["error"]["code"]), (404, &"not_found".into()), "{line}");
        assert!(answer["error"]["message"].is_string() && answer["error"]["hint"].is_string());
    }
    for line in ["POST /__mock/health", "DELETE /__mock/redpackets/10000098/1"] {
        let (status, answer) = admin(server.address(), line);
        assert_eq!((status, &answer["error"]["code"]), (405, &"method_not_allowed".into()), "{line}");
        assert!(answer["error"]["hint"].as_str().unwrap().contains("GET"));
    }
    assert_eq!(mock.requests(), 0);
}
