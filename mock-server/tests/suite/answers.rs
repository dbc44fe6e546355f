//! What answers look like, to the byte.

use std::time::Duration;

use wechatpay_mock_server::{Certificate, Clock, Mock};
use wechatpay_proto::wire;

use crate::common::{Answer, Form, MCH_ID, OPENID, call, call_from, in_force, md5, shop};

/// The canonical string of the official example, the key behind it, and the two signs.
const OFFICIAL: &str =
    "appid=wxd930ea5d5a258f4f&body=test&device_info=1000&mch_id=10000100&nonce_str=ibuaiVcKdpRxkhJA";

/// A real answer of 2017.
const SUCCESS: &str = "<xml><return_code><![CDATA[SUCCESS]]></return_code>\
    <return_msg><![CDATA[发放成功]]></return_msg><result_code><![CDATA[SUCCESS]]></result_code>\
    <err_code><![CDATA[SUCCESS]]></err_code><err_code_des><![CDATA[发放成功]]></err_code_des>\
    <mch_billno><![CDATA[OD201711141535238930]]></mch_billno><mch_id><![CDATA[1226672102]]></mch_id>\
    <wxappid><![CDATA[wx2eea98b5e0276a5d]]></wxappid><re_openid><![CDATA[or2iijlXsx-5NOMr6PyXz9BYPhV8]]></re_openid>\
    <total_amount>100</total_amount><send_listid><![CDATA[1000041701201711143000109811129]]></send_listid></xml>";

/// A real answer of 2019 without its line feeds; its reporter masked two ids.
const SIGN_ERROR: &str = "<xml><return_code><![CDATA[SUCCESS]]></return_code>\
    <return_msg><![CDATA[签名错误]]></return_msg><result_code><![CDATA[FAIL]]></result_code>\
    <err_code><![CDATA[SIGN_ERROR]]></err_code><err_code_des><![CDATA[签名错误]]></err_code_des>\
    <mch_billno><![CDATA[1495694052201905068731399849]]></mch_billno><mch_id><![CDATA[xxxx]]></mch_id>\
    <wxappid><![CDATA[xxxx]]></wxappid><re_openid><![CDATA[oQizz0JB4rnM6c6qgWptFOr7Yjws]]></re_openid>\
    <total_amount>100</total_amount></xml>";

#[test]
fn the_naive_signer_agrees_with_the_official_example() {
    let signed = md5(&format!("{OFFICIAL}&key=192006250b4c09247ec02edce69f6a2d"));
    assert_eq!(signed, "9A0A8659F005D6984697E2CA0A9CF3B7");
}

#[test]
fn a_success_is_a_real_one_but_for_the_digits_of_chance() {
    let mock = Mock::builder().clock(Clock::parse("frozen:2017-11-14T15:35:24+08:00").unwrap()).build();
    let merchant = mock.merchant().mch_id("1226672102").appid("wx2eea98b5e0276a5d").create().unwrap();
    let form = Form::send(&merchant, "OD201711141535238930")
        .with("re_openid", "or2iijlXsx-5NOMr6PyXz9BYPhV8")
        .with("total_amount", "100");
    let answer = call(&merchant, &form);
    let send_listid = answer.assert_success().get("send_listid").unwrap();
    assert_eq!(send_listid.len(), 31);
    assert!(send_listid.starts_with("100004170120171114"));
    assert!(send_listid.bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(answer.body, SUCCESS.replace("1000041701201711143000109811129", send_listid));
}

#[test]
fn a_sign_error_is_a_real_one() {
    let mock = Mock::builder().build();
    let merchant = mock.merchant().mch_id("xxxx").appid("xxxx").create().unwrap();
    let form = Form::send(&merchant, "1495694052201905068731399849")
        .with("re_openid", "oQizz0JB4rnM6c6qgWptFOr7Yjws")
        .with("total_amount", "100")
        .keyed("not the key");
    assert_eq!(call(&merchant, &form), Answer { status: 200, body: SIGN_ERROR.to_owned() });
}

#[test]
fn answers_are_dated_in_beijing() {
    let mock = Mock::builder().clock(Clock::parse("frozen:2026-01-31T16:00:00Z").unwrap()).build();
    let merchant = mock.merchant().create().unwrap();
    let sent = call(&merchant, &Form::send(&merchant, "1"));
    assert!(sent.get("send_listid").unwrap().starts_with("100004170120260201"), "{sent:?}");
    assert_eq!(call(&merchant, &Form::query(&merchant, "1")).get("send_time"), Some("2026-02-01 00:00:00"));
}

#[test]
fn a_query_shows_the_fields_of_each_status_in_their_order() {
    const HEAD: [&str; 14] = [
        "xml",
        "return_code",
        "return_msg",
        "result_code",
        "err_code",
        "err_code_des",
        "mch_billno",
        "mch_id",
        "detail_id",
        "status",
        "send_type",
        "hb_type",
        "total_num",
        "total_amount",
    ];
    let (mock, merchant) = shop();
    let sent = call(&merchant, &Form::send(&merchant, "1"));
    let query = |billno: &str, status: &str, tail: &[&str]| {
        let answer = call(&merchant, &Form::query(&merchant, billno));
        assert_eq!(answer.assert_success().text(), "OK");
        assert_eq!(answer.names(), [&HEAD, tail].concat());
        let facts = ["mch_billno", "mch_id", "status", "send_type", "hb_type", "total_num", "total_amount"];
        let facts = facts.map(|name| answer.get(name).unwrap());
        assert_eq!(facts, [billno, MCH_ID, status, "API", "NORMAL", "1", "1000"]);
        answer
    };

    let answer = query("1", "SENT", &["send_time"]);
    assert_eq!(answer.get("detail_id"), sent.get("send_listid"));
    assert_eq!(answer.get("send_time"), Some("2026-01-01 09:00:00"));
    assert!(
        answer.body.contains("<total_num>1</total_num><total_amount>1000</total_amount><send_time><![CDATA[")
    );

    mock.advance(Duration::from_secs(24 * 3600));
    query("1", "RFUND_ING", &["send_time", "refund_time", "refund_amount"]);
    mock.advance(Duration::from_secs(900));
    let answer = query("1", "REFUND", &["send_time", "refund_time", "refund_amount"]);
    assert_eq!(answer.get("refund_time"), Some("2026-01-02 09:15:00"));
    assert_eq!(answer.get("refund_amount"), Some("1000"));

    call(&merchant, &Form::send(&merchant, "2")).assert_success();
    mock.advance(Duration::from_secs(61));
    merchant.claim("2").unwrap();
    let answer = query("2", "RECEIVED", &["send_time", "hblist", "hbinfo", "openid", "amount", "rcv_time"]);
    let claim = format!(
        "<hblist><hbinfo><openid><![CDATA[{OPENID}]]></openid><amount>1000</amount>\
         <rcv_time><![CDATA[2026-01-02 09:16:01]]></rcv_time></hbinfo></hblist></xml>"
    );
    assert!(answer.body.ends_with(&claim), "{}", answer.body);
}

#[test]
fn a_failure_of_either_endpoint_echoes_its_order() {
    let (mock, merchant) = shop();
    let send = call_from(&mock, &Form::send(&merchant, "1"), Certificate::None, None);
    let echoes = ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"];
    assert_eq!(send.names()[6..], echoes);
    let text = call(&merchant, &Form::send(&merchant, "1").with("total_amount", "ten"));
    assert_eq!(text.assert_param_error("红包金额参数错误").names()[6..], echoes[..4]);
    let query = call(&merchant, &Form::query(&merchant, "none"));
    assert_eq!(
        query.assert_failure("NOT_FOUND", "指定单号数据不存在").names()[6..],
        ["mch_billno", "mch_id"]
    );
}

#[test]
fn an_echo_of_hostile_text_is_still_one_element() {
    let (_, merchant) = shop();
    for hostile in ["a]]>b", "</re_openid><x>", "&amp;&#0;", "\u{FFFD}\u{10FFFF}", "a\tb\u{7f}"] {
        let form = Form::send(&merchant, "1").with("re_openid", hostile).keyed("wrong");
        let answer = call(&merchant, &form);
        let document = wire::parse(answer.assert_sign_error().body.as_bytes(), &[]).unwrap();
        assert_eq!(document.untrusted().get("re_openid"), Some(hostile));
        assert_eq!(document.untrusted().len(), 10);
    }
}

#[test]
fn every_answer_has_a_number_and_the_content_type_of_its_family() {
    let (mock, merchant) = shop();
    let arrival = wechatpay_mock_server::Arrival::with(in_force(MCH_ID));
    let answer = |request| {
        let response = mock.handle(&request, &arrival).seen().unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        (response.status().as_u16(), header("content-type"), header("x-mock-request-id"))
    };
    let xml = "text/plain;charset=utf-8".to_owned();
    assert_eq!(answer(Form::send(&merchant, "1").request()), (200, xml.clone(), "req_000001".into()));
    assert_eq!(answer(Form::query(&merchant, "2").request()), (200, xml, "req_000002".into()));
    let unknown = crate::common::post("/", "");
    assert_eq!(answer(unknown), (404, "text/html".to_owned(), "req_000003".into()));
    assert_eq!(mock.requests(), 3);
}
