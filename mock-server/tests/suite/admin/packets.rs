//! Packets: what is told of them, and what can be done to them.

use serde_json::{Value, json};
use wechatpay_mock_server::Mock;

use super::{done, get, refused};
use crate::common::{Form, MCH_ID, OPENID, call, legacy, shop, shop_with};
use crate::raw::{self, admin, request, status, talk};

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
        "due": "2026-01-02T09:00:00+08:00", "taken": at, "hold": null, "allowed": ["claim", "expire"],
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
fn packets_are_listed_by_merchant_status_and_time() {
    let (mock, one) = shop();
    let other = mock.merchant().mch_id("1900000001").create().unwrap();
    let server = mock.serve().unwrap();
    for (merchant, billno) in [(&one, "1"), (&other, "2"), (&one, "3")] {
        call(merchant, &Form::send(merchant, billno)).assert_success();
        mock.advance(std::time::Duration::from_secs(60));
    }
    one.claim("1").unwrap();
    let found = |query: &str| {
        let page = get(&server, &format!("/redpackets?{query}"));
        let packets = page["redpackets"].as_array().unwrap().iter();
        let billnos: Vec<_> =
            packets.map(|packet| packet["mch_billno"].as_str().unwrap().to_owned()).collect();
        (billnos.join(" "), page["more"].as_bool().unwrap())
    };
    for (query, billnos, more) in [
        ("", "3 2 1", false),
        ("limit=2", "3 2", true),
        ("limit=3", "3 2 1", false),
        ("mch_id=10000098", "3 1", false),
        ("mch_id=10000098&limit=1", "3", true),
        ("mch_id=1", "", false),
        ("status=RECEIVED", "1", false),
        ("status=SENT&mch_id=1900000001", "2", false),
        ("since=2026-01-01T09:01:00%2B08:00", "3 2", false),
        ("since=2026-01-01T01:02:00Z", "3", false),
        ("since=2026-01-02T00:00:00Z", "", false),
    ] {
        assert_eq!(found(query), (billnos.to_owned(), more), "{query}");
    }
    for (query, said) in [
        ("limit=0", "from 1 to 1000"),
        ("limit=1001", "from 1 to 1000"),
        ("limit=x", "from 1 to 1000"),
        ("status=sent", "SENT"),
        ("since=yesterday", "yesterday"),
    ] {
        let error = refused(&server, &format!("GET /redpackets?{query}"), Value::Null, 400, "bad_request");
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn an_action_that_is_not_possible_is_answered_with_those_that_are() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    for (action, allowed) in [("refund", json!(["claim", "expire"])), ("settle", json!(["claim", "expire"]))]
    {
        let (status, answer) =
            admin(server.address(), &format!("POST /__mock/redpackets/{MCH_ID}/1/{action}"));
        assert_eq!((status, &answer["error"]["allowed"]), (409, &allowed), "{action}");
    }
    assert_eq!(
        done(&server, &format!("POST /redpackets/{MCH_ID}/1/expire"), json!({}))["allowed"],
        json!(["refund"])
    );
}

/// In the words of the wire, with a hint that fits where the packet stands, in Rust as in the admin API.
#[test]
fn an_action_that_is_not_possible_is_told_in_wire_names() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let act = |billno: &str, action: &str| {
        done(&server, &format!("POST /redpackets/{MCH_ID}/{billno}/{action}"), Value::Null)
    };
    let send = |billno: &str| drop(call(&merchant, &Form::send(&merchant, billno)).assert_success().clone());
    mock.set_rule(None, "settle", "manual").unwrap();
    ["1", "2", "3", "4", "5", "6"].into_iter().for_each(send);
    ["2", "4", "5", "6"].into_iter().for_each(|billno| drop(act(billno, "settle")));
    act("3", "fail");
    act("4", "claim");
    act("5", "expire");
    act("6", "expire");
    act("6", "refund");
    for (billno, status, action, outlook, hint) in [
        (
            "1",
            "SENDING",
            "claim",
            "it is not paid yet: settle pays it, fail closes it",
            "one of settle, fail",
        ),
        ("2", "SENT", "refund", "it waits for its user: claim takes it, expire ends", "one of claim, expire"),
        (
            "3",
            "FAILED",
            "settle",
            "closed without payment, for good: send another number",
            "no action moves it on",
        ),
        ("4", "RECEIVED", "claim", "its user has it, for good", "no action moves it on any more"),
        ("5", "RFUND_ING", "claim", "its money is on its way back: refund brings it there", "one of refund"),
        ("6", "REFUND", "fail", "its payer has the money again, for good", "no action moves it on any more"),
    ] {
        let call = format!("POST /redpackets/{MCH_ID}/{billno}/{action}");
        let told = refused(&server, &call, Value::Null, 409, "illegal_transition");
        assert!(told.starts_with(&format!("a packet that is {status} does not allow {action}: ")), "{told}");
        assert!(told.contains(outlook) && told.contains(hint), "{told}");
        let rust = ["Sending", "Sent", "Failed", "Received", "Rfund", "Refund", "Claim", "None", "{"];
        assert!(!rust.iter().any(|name| told.contains(name)), "{told}");
    }
    let error = merchant.claim("4").unwrap_err().to_string();
    assert_eq!(error, "a packet that is RECEIVED does not allow claim: its user has it, for good");
}
