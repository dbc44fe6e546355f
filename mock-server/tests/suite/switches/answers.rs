//! What answers look like.

use wechatpay_mock_server::Arrival;

use super::{query, shop};
use crate::common::{Answer, Form, MCH_ID, SEND, call, in_force, post};

#[test]
fn group() {
    for (value, status, code) in
        [("closed", 200, Some("API_METHOD_CLOSED")), ("legacy", 200, Some("SUCCESS")), ("gone", 404, None)]
    {
        let (_, merchant) = shop(&format!("group={value}"));
        let answer = call(&merchant, &Form::group(&merchant, "1"));
        assert_eq!((answer.status, answer.get("err_code")), (status, code), "{value}");
    }
}

#[test]
fn envelope() {
    let heads = |switches: &str| {
        let (mock, merchant) = shop(switches);
        let head = |answer: &Answer| {
            assert_eq!(answer.get("result_code"), Some("FAIL"));
            let text = |name| answer.get(name).unwrap_or_default().to_owned();
            (text("return_code"), text("err_code"), text("mch_billno"))
        };
        let form = Form::send(&merchant, "1");
        let bare = mock.handle(&form.request(), &Arrival::default()).seen().unwrap();
        [head(&call(&merchant, &form.keyed("wrong"))), head(&Answer::new(bare)), head(&query(&merchant, "1"))]
    };
    let expected = |codes: [&str; 3]| {
        let errors = ["SIGN_ERROR", "CA_ERROR", "NOT_FOUND"];
        [0, 1, 2].map(|at| (codes[at].to_owned(), errors[at].to_owned(), "1".to_owned()))
    };
    assert_eq!(heads("envelope=real"), expected(["SUCCESS"; 3]));
    assert_eq!(heads("envelope=documented"), expected(["FAIL"; 3]));
    assert_eq!(heads("envelope=documented-2015-ca"), expected(["SUCCESS", "FAIL", "SUCCESS"]));
}

#[test]
fn package_form() {
    let package = |value: &str| {
        let (_, merchant) = shop(&format!("package-form={value}"));
        let answer = call(&merchant, &Form::mini_program(&merchant, "1"));
        let document = wechatpay_proto::wire::parse(answer.body.as_bytes(), &[]).unwrap();
        (document.untrusted().get("package").unwrap().to_owned(), answer.body)
    };
    let ((cdata, document), (escaped, other)) = (package("cdata"), package("escaped"));
    assert_eq!(cdata, escaped);
    assert!(document.contains("<package><![CDATA[sendid=") && !document.contains("&amp;"), "{document}");
    assert!(other.contains("<package>sendid=") && other.contains("&amp;ver=8&amp;sign="), "{other}");
}

#[test]
fn not_found() {
    for code in ["NOT_FOUND", "SYSTEMERROR"] {
        let (_, merchant) = shop(&format!("not-found={code}"));
        let answer = query(&merchant, "1");
        assert_eq!(answer.assert_failure(code, "指定单号数据不存在").get("mch_billno"), Some("1"));
    }
}

#[test]
fn hblist() {
    for (value, openid, time) in
        [("present", true, true), ("no-rcv-time", true, false), ("absent", false, false)]
    {
        let (_, merchant) = shop(&format!("hblist={value}"));
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
        merchant.claim("1").unwrap();
        let answer = query(&merchant, "1");
        assert_eq!(answer.get("status"), Some("RECEIVED"));
        let there = ["openid", "rcv_time", "hblist"].map(|name| answer.get(name).is_some());
        assert_eq!(there, [openid, time, openid], "{value}");
    }
}

#[test]
fn echoes() {
    for (value, billno) in [("most", None), ("all", Some("a-b"))] {
        let (_, merchant) = shop(&format!("echoes={value}"));
        for form in [Form::send(&merchant, "a-b"), Form::query(&merchant, "a-b")] {
            let answer = call(&merchant, &form);
            assert_eq!(answer.assert_param_error("输入的商户订单号有误").get("mch_billno"), billno);
        }
    }
}

#[test]
fn content_type() {
    for value in ["text/plain;charset=utf-8", "application/xml"] {
        let (mock, merchant) = shop(&format!("content-type={value}"));
        let good = Form::send(&merchant, "1").request();
        for request in [&good, &post(SEND, "<xml>")] {
            let answer = mock.handle(request, &Arrival::with(in_force(MCH_ID))).seen().unwrap();
            assert_eq!(answer.headers()["content-type"], value);
        }
        let page = mock.handle(&post("/", ""), &Arrival::default()).seen().unwrap();
        assert_eq!(page.headers()["content-type"], "text/html");
    }
}

#[test]
fn workwx_failures() {
    for (value, signed) in [("signed", true), ("unsigned", false)] {
        let (_, merchant) = shop(&format!("workwx-failures={value}"));
        let form = Form::query_work_weixin(&merchant, "1");
        assert_eq!(call(&merchant, &form).get("sign").is_some(), signed, "{value}");
    }
}
