//! What is taken for a good request.

use wechatpay_mock_server::{Arrival, Certificate, MAX_REQUEST, Via};

use super::{post_xml, send, shop};
use crate::common::{Answer, Form, MCH_ID, call, in_force};

#[test]
fn length_edge() {
    let limits = [("send_name", 32), ("act_name", 32), ("wishing", 128), ("remark", 256)];
    for (name, max) in limits {
        let with = |len: usize| move |form: Form| form.with(name, "x".repeat(len));
        assert_eq!(send("length-edge=accept", with(max)), "SUCCESS", "{name}");
        assert_eq!(send("length-edge=reject", with(max)), "PARAM_ERROR", "{name}");
        assert_eq!(send("length-edge=reject", with(max - 1)), "SUCCESS", "{name}");
        assert_eq!(send("length-edge=accept", with(max + 1)), "PARAM_ERROR", "{name}");
    }
    for (name, max) in [("nonce_str", 32), ("mch_billno", 28), ("re_openid", 32)] {
        assert_eq!(send("length-edge=reject", |form| form.with(name, "x".repeat(max))), "SUCCESS", "{name}");
    }
}

#[test]
fn xml_envelope() {
    for (value, code) in [("fail", "FAIL"), ("success", "SUCCESS")] {
        let (_, merchant) = shop(&format!("xml-envelope={value}"));
        let answer = post_xml(&merchant, "<xml>".to_owned());
        assert_eq!((answer.get("return_code"), answer.code()), (Some(code), "XML_ERROR"));
        assert_eq!((answer.get("result_code"), answer.get("mch_id")), (Some("FAIL"), None));
    }
}

#[test]
fn large_body() {
    for (value, status, code) in [("413", 413, None), ("xml-error", 200, Some("XML_ERROR"))] {
        let (_, merchant) = shop(&format!("large-body={value}"));
        let answer = post_xml(&merchant, " ".repeat(MAX_REQUEST + 1));
        assert_eq!((answer.status, answer.get("err_code")), (status, code), "{value}");
    }
}

#[test]
fn duplicates() {
    for (value, first, last) in [
        ("refuse", "XML_ERROR", "XML_ERROR"),
        ("first", "SUCCESS", "SIGN_ERROR"),
        ("last", "SIGN_ERROR", "SUCCESS"),
    ] {
        let answer = |good_first: bool| {
            let (_, merchant) = shop(&format!("duplicates={value}"));
            let (xml, other) = (Form::send(&merchant, "1").xml(), "<wishing>another</wishing>");
            let twice = match good_first {
                true => xml.replace("</xml>", &format!("{other}</xml>")),
                false => xml.replace("<xml>", &format!("<xml>{other}")),
            };
            post_xml(&merchant, twice).code().to_owned()
        };
        assert_eq!((answer(true), answer(false)), (first.to_owned(), last.to_owned()), "{value}");
    }
}

#[test]
fn nonce_reuse() {
    let (_, merchant) = shop("nonce-reuse=accept");
    for billno in ["1", "2"] {
        call(&merchant, &Form::send(&merchant, billno)).assert_success();
    }
    let (mock, merchant) = shop("nonce-reuse=reject");
    let form = Form::send(&merchant, "1");
    // Only whoever has the key uses a nonce up.
    call(&merchant, &form.clone().keyed("wrong")).assert_sign_error();
    call(&merchant, &form).assert_success();
    call(&merchant, &form).assert_param_error("nonce_str重复");
    call(&merchant, &Form::query(&merchant, "1")).assert_param_error("nonce_str重复");
    call(&merchant, &form.with("nonce_str", "x")).assert_success();
    let other = mock.merchant().create().unwrap();
    call(&other, &Form::send(&other, "1")).assert_success();
}

#[test]
fn whitespace() {
    // Optional, a value of white space is signed or not; required, it is a value or missing.
    let blank = |form: Form| form.with("risk_info", " \t");
    assert_eq!(send("whitespace=value", blank), "SUCCESS");
    assert_eq!(send("whitespace=empty", blank), "SIGN_ERROR");
    let unsigned = |form: Form| form.unsigned("risk_info", "\u{3000} ");
    assert_eq!(send("whitespace=value", unsigned), "SIGN_ERROR");
    assert_eq!(send("whitespace=empty", unsigned), "SUCCESS");
    let required = |form: Form| form.with("wishing", " ");
    assert_eq!(send("whitespace=value", required), "SUCCESS");
    assert_eq!(send("whitespace=empty", required), "PARAM_ERROR");
}

#[test]
fn total_num_missing() {
    for (value, text) in [("SIGN_ERROR", "签名错误"), ("PARAM_ERROR", "参数错误:total_num必须等于1")]
    {
        let (_, merchant) = shop(&format!("total-num-missing={value}"));
        for form in [Form::send(&merchant, "1"), Form::mini_program(&merchant, "1")] {
            call(&merchant, &form.without("total_num")).assert_failure(value, text);
        }
        call(&merchant, &Form::send(&merchant, "1").without("remark"))
            .assert_param_error("remark字段为必填,并且少于256字符");
    }
}

#[test]
fn sign_scope() {
    let signed = |form: Form| form.with("sign_type", "MD5");
    let unsigned = |form: Form| form.unsigned("sign_type", "MD5");
    let empty = |form: Form| form.unsigned("sign_type", "");
    assert_eq!(send("sign-scope=known", signed), "SIGN_ERROR");
    assert_eq!(send("sign-scope=known", unsigned), "SUCCESS");
    assert_eq!(send("sign-scope=all", signed), "SUCCESS");
    assert_eq!(send("sign-scope=all", unsigned), "SIGN_ERROR");
    for scope in ["known", "all"] {
        let switch = format!("sign-scope={scope}");
        assert_eq!(send(&switch, empty), "SUCCESS");
        assert_eq!(send(&switch, |form| form.keyed("wrong")), "SIGN_ERROR");
        assert_eq!(send(&switch, |form| form.without("total_num")), "SIGN_ERROR");
        let (_, merchant) = shop(&switch);
        call(&merchant, &Form::work_weixin(&merchant, "1")).assert_success();
        let wrong = Form::work_weixin(&merchant, "2").secret("wrong");
        assert_eq!(call(&merchant, &wrong).text(), "企业微信签名校验失败");
    }
}

#[test]
fn sign_case() {
    let lower = |form: Form| {
        let sign = form.fields()["sign"].to_lowercase();
        form.unsigned("sign", sign)
    };
    assert_eq!(send("sign-case=upper", lower), "SIGN_ERROR");
    assert_eq!(send("sign-case=any", lower), "SUCCESS");
    assert_eq!(send("sign-case=any", |form| form), "SUCCESS");
    assert_eq!(send("sign-case=any", |form| form.unsigned("sign", "0".repeat(32))), "SIGN_ERROR");
    assert_eq!(send("sign-case=any", |form| form.unsigned("sign", "")), "SIGN_ERROR");
    for (case, code) in [("upper", "SIGN_ERROR"), ("any", "SUCCESS")] {
        let (_, merchant) = shop(&format!("sign-case={case}"));
        let form = Form::work_weixin(&merchant, "1");
        let inner = form.fields()["workwx_sign"].to_lowercase();
        let form = form.without_secret().with("workwx_sign", inner);
        assert_eq!(call(&merchant, &form).code(), code);
    }
}

#[test]
fn lenient() {
    let wrong = |switches: &str, change: fn(Form) -> Form| {
        let (mock, merchant) = shop(switches);
        let request = change(Form::send(&merchant, "1")).request();
        let response = mock.handle(&request, &Arrival::with(in_force(MCH_ID))).seen().unwrap();
        let warning =
            response.headers().get("x-mock-diagnosis").map(|text| text.to_str().unwrap().to_owned());
        (Answer::new(response).code().to_owned(), warning)
    };
    let sign = Some("sign".to_owned());
    assert_eq!(wrong("lenient=off", |form| form.keyed("wrong")), ("SIGN_ERROR".to_owned(), sign.clone()));
    assert_eq!(wrong("lenient=on", |form| form.keyed("wrong")), ("SUCCESS".to_owned(), sign.clone()));
    assert_eq!(wrong("lenient=on", |form| form.unsigned("sign", "")), ("SUCCESS".to_owned(), sign));
    assert_eq!(wrong("lenient=on", |form| form), ("SUCCESS".to_owned(), None));
    let (code, warning) = wrong("lenient=on", |form| form.keyed("wrong").with("total_amount", "1"));
    assert_eq!((&*code, warning.as_deref()), ("MONEY_LIMIT", Some("business")));
}

#[test]
fn plain_cert() {
    let code = |switches: &str, via: Via, certificate: Certificate| {
        let (mock, merchant) = shop(switches);
        let arrival = Arrival { via, ..Arrival::with(certificate) };
        Answer::new(mock.handle(&Form::send(&merchant, "1").request(), &arrival).seen().unwrap())
            .code()
            .to_owned()
    };
    assert_eq!(code("plain-cert=none", Via::Plain, Certificate::None), "CA_ERROR");
    assert_eq!(code("plain-cert=trust", Via::Plain, Certificate::None), "SUCCESS");
    for via in [Via::Tls, Via::InProcess, Via::Connect] {
        assert_eq!(code("plain-cert=trust", via, Certificate::None), "CA_ERROR");
        assert_eq!(code("plain-cert=trust", via, in_force("10000099")), "CA_ERROR");
    }
}
