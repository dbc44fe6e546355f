//! Faults on purpose: what a careful client makes of each answer, and what a request can ask for itself.

use std::time::Duration;

use http::HeaderValue;
use wechatpay_mock_server::{
    Broken, Clock, Content, CutAt, End, Fault, FaultRule, Http, InProcessError, Mistaken, Mock, MockMerchant,
    SignFlaw, Status, Time, TlsFlaw,
};
use wechatpay_proto::transport::{BlockingTransport as _, Delivery};
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
use wechatpay_proto::{Client, Fen};

use crate::common::{Answer, Form, OPENID, call, shop};

const SECOND: Duration = Duration::from_secs(1);

/// What the client of the core makes of a send: `accepted`, or its error in a word.
fn verdict(merchant: &MockMerchant, mch_billno: &str) -> String {
    let client = Client::new(merchant.credentials(), merchant.transport(), || *b"a nonce in tests");
    let sent = client.send_blocking(&SendRedPack {
        mch_billno,
        wxappid: merchant.appid(),
        send_name: "天虹百货",
        re_openid: OPENID,
        total_amount: Fen(1_000),
        wishing: "祝您元宵节快乐！",
        client_ip: [127, 0, 0, 1].into(),
        act_name: "猜灯谜抢红包活动",
        remark: "快来抢！",
        options: SendRedPackOptions::default(),
    });
    match sent {
        Ok(reply) if reply.outcome().is_accepted() => "accepted".to_owned(),
        Ok(reply) => format!("{:?}", reply.outcome()),
        Err(error) => {
            assert!(error.outcome().is_unknown(), "{error:?}");
            format!("{error:?}")
        }
    }
}

#[track_caller]
fn assert_verdict(fault: Fault, part: &str) {
    let (mock, merchant) = shop();
    let rule = FaultRule::new(fault.clone());
    mock.arm(if fault.needs_commit() { rule.applied() } else { rule }).unwrap();
    let verdict = verdict(&merchant, "1");
    assert!(verdict.contains(part), "{fault:?}: {verdict}");
}

#[test]
fn a_careful_client_takes_what_is_right_and_nothing_else() {
    let field = || "mch_billno".to_owned();
    for (how, part) in [
        (Content::Truncated { at: None }, "Xml("),
        (Content::Empty, "NotXmlRoot"),
        (Content::Html, "OtherForm { found: Html"),
        (Content::Charset, "NotUtf8"),
        (Content::Bom, "accepted"),
        (Content::ExtraField, "accepted"),
        (Content::DuplicateField { field: field() }, "Duplicate"),
        (Content::MissingField { field: field() }, "Missing { field: \"mch_billno\" }"),
        (Content::MissingField { field: "err_code_des".to_owned() }, "accepted"),
        (Content::MissingField { field: "result_code".to_owned() }, "Unknown"),
        (Content::Reordered, "accepted"),
        (Content::CdataSplit, "accepted"),
        (Content::Entities, "accepted"),
        (Content::Doctype, "Doctype"),
        (Content::EntityBomb, "Doctype"),
        (Content::Huge { bytes: None }, "BodyTooLong"),
    ] {
        assert_verdict(Fault::Content(how), part);
    }
    for (how, part) in [
        (Http::Status { status: 503 }, "HttpStatus(503)"),
        (Http::Status { status: 429 }, "HttpStatus(429)"),
        (Http::Redirect, "HttpStatus(302)"),
        (Http::ContentType { value: "image/png".to_owned() }, "accepted"),
        (Http::ContentLength { off_by: 1 }, "Broken(Closed)"),
        (Http::ContentLength { off_by: -1 }, "Xml("),
        (Http::BadChunk, "Broken(Malformed)"),
        (Http::Gzip, "OtherForm { found: Gzip"),
        (Http::Informational, "accepted"),
        (Http::TwoReplies, "accepted"),
        (Http::CloseAfter, "accepted"),
    ] {
        assert_verdict(Fault::Http(how), part);
    }
    for (fault, part) in [
        (Fault::wrong_echo("mch_billno"), "Correlation { field: \"mch_billno\" }"),
        (Fault::wrong_echo("mch_id"), "Correlation { field: \"mch_id\" }"),
        (Fault::wrong_echo("re_openid"), "Correlation { field: \"re_openid\" }"),
        (Fault::wrong_echo("total_amount"), "Correlation { field: \"total_amount\" }"),
        (Fault::reply_sign(SignFlaw::Unexpected), "accepted"),
        (Fault::reply_sign(SignFlaw::LowerCase), "accepted"),
        (Fault::reply_sign(SignFlaw::Bad), "SignMismatch"),
        (Fault::reply_sign(SignFlaw::OldKey), "SignMismatch"),
        (Fault::reply_sign(SignFlaw::WrongType), "SignTypeMismatch"),
        (Fault::cut(CutAt::Head, End::Hang), "Timeout { after: 15s, delivery: MaybeSent }"),
        (Fault::cut(CutAt::Byte(100), End::Close), "Broken(Closed)"),
        (Fault::drip(10, Duration::from_millis(1)), "accepted"),
        (Fault::drip(10, SECOND), "Timeout"),
    ] {
        assert_verdict(fault, part);
    }
}

#[test]
fn signed_answers_lose_their_sign_and_a_query_tells_of_another_order() {
    let (mock, merchant) = shop();
    let form = Form::work_weixin(&merchant, "1");
    mock.arm(Fault::reply_sign(SignFlaw::Missing).applied().times(1)).unwrap();
    assert_eq!(call(&merchant, &form).assert_success().get("sign"), None);
    mock.advance(SECOND);
    call(&merchant, &form).assert_success().assert_signed(merchant.key());
    mock.arm(Fault::wrong_echo("mch_billno").applied().on("queryworkwxredpack")).unwrap();
    let answer = call(&merchant, &form.queried(&merchant));
    assert_eq!(answer.assert_signed(merchant.key()).get("mch_billno"), Some("2"));
}

#[test]
fn delays_pass_on_the_mocks_clock() {
    let (mock, merchant) = shop();
    let id = mock.arm(Fault::latency(3 * SECOND).on("sendredpack")).unwrap();
    let start = mock.now();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    assert_eq!(mock.now().since(start), 3 * SECOND);
    mock.disarm(id);
    mock.arm(Fault::latency_uniform(16 * SECOND, 20 * SECOND).into()).unwrap();
    let late = merchant.transport().send_blocking(Form::send(&merchant, "2").request()).unwrap_err();
    assert_eq!(late, InProcessError::Timeout { after: 15 * SECOND, delivery: Delivery::MaybeSent });
    assert_eq!(mock.now().since(start), 18 * SECOND);
    assert_eq!(merchant.red_packet("2").unwrap().status, Status::Sent);
}

#[test]
fn connections_fail_before_a_request_arrives() {
    let timeout = InProcessError::Timeout { after: 15 * SECOND, delivery: Delivery::NotSent };
    for (fault, error) in [
        (Fault::refuse(), InProcessError::Broken(Broken::Refused)),
        (Fault::silence(), timeout),
        (Fault::tls(TlsFlaw::Stall), timeout),
        (Fault::tls(TlsFlaw::Expired), InProcessError::Broken(Broken::Handshake)),
        (Fault::tls(TlsFlaw::UnknownCa), InProcessError::Broken(Broken::Handshake)),
        (Fault::tls(TlsFlaw::RefusesClient), InProcessError::Broken(Broken::Reset)),
    ] {
        let (mock, merchant) = shop();
        mock.arm(FaultRule::new(fault).server_name("api.mch.weixin.qq.com").times(1)).unwrap();
        let sent = merchant.transport().send_blocking(Form::send(&merchant, "1").request());
        assert_eq!((sent.unwrap_err(), mock.requests()), (error, 0));
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
    }
    // The main host is down, its backup is not.
    let (mock, merchant) = shop();
    mock.arm(FaultRule::new(Fault::request_lost()).host("api.mch.weixin.qq.com")).unwrap();
    let mut request = Form::send(&merchant, "1").request();
    assert!(merchant.transport().send_blocking(request.clone()).is_err());
    *request.uri_mut() = "https://api2.mch.weixin.qq.com/mmpaymkttransfers/sendredpack".parse().unwrap();
    Answer::new(merchant.transport().send_blocking(request).unwrap()).assert_success();
}

#[test]
fn certificates_are_mistaken() {
    for (taken_for, text) in [
        (Mistaken::Missing, "证书出错，请登录微信支付商户平台下载证书"),
        (Mistaken::Expired, "证书已过期"),
        (Mistaken::Revoked, "请求没带商户API证书或者带上了错误的商户API证书"),
        (Mistaken::OtherMerchant, "请求没带商户API证书或者带上了错误的商户API证书"),
    ] {
        let (mock, merchant) = shop();
        mock.arm(FaultRule::new(Fault::client_certificate(taken_for)).times(1)).unwrap();
        call(&merchant, &Form::send(&merchant, "1")).assert_failure("CA_ERROR", text);
        call(&merchant, &Form::send(&merchant, "1")).assert_success();
    }
    let (mock, merchant) = shop();
    mock.arm(Fault::client_certificate(Mistaken::Foreign).into()).unwrap();
    let answer = call(&merchant, &Form::send(&merchant, "1"));
    assert!(answer.status == 400 && answer.body.contains("400 The SSL certificate error"));
}

#[test]
fn limits_and_clocks_go_by_the_mocks_time() {
    let (mock, merchant) = shop();
    mock.arm(Fault::rate_limit(2, 60 * SECOND).into()).unwrap();
    let other = mock.merchant().create().unwrap();
    let code = |merchant: &MockMerchant, billno: &str| {
        call(merchant, &Form::send(merchant, billno)).code().to_owned()
    };
    assert_eq!(["1", "2", "3"].map(|billno| code(&merchant, billno)), ["SUCCESS", "SUCCESS", "FREQ_LIMIT"]);
    assert_eq!((code(&other, "1"), merchant.red_packet("3")), ("SUCCESS".to_owned(), None));
    mock.advance(60 * SECOND);
    assert_eq!(code(&merchant, "3"), "SUCCESS");

    let clock = Clock::Frozen(Time::parse("2026-01-01T23:59:00+08:00").unwrap());
    let mock = Mock::builder().clock(clock).build();
    let merchant = mock.merchant().create().unwrap();
    mock.arm(FaultRule::new(Fault::clock_ahead(120 * SECOND)).times(1)).unwrap();
    call(&merchant, &Form::send(&merchant, "1")).assert_success();
    mock.arm(FaultRule::new(Fault::clock_behind(120 * SECOND)).times(1)).unwrap();
    call(&merchant, &Form::send(&merchant, "2")).assert_success();
    let sent = |billno| call(&merchant, &Form::query(&merchant, billno)).get("send_time").unwrap().to_owned();
    assert_eq!(["1", "2"].map(sent), ["2026-01-02 00:01:00", "2026-01-01 23:57:00"]);
}

fn asking(merchant: &MockMerchant, mch_billno: &str, name: &str) -> Result<Answer, InProcessError> {
    let mut request = Form::send(merchant, mch_billno).request();
    request.headers_mut().insert("wechatpay-negative-test", HeaderValue::from_str(name).unwrap());
    merchant.transport().send_blocking(request).map(Answer::new)
}

#[test]
fn a_request_asks_for_a_fault_by_its_header() {
    let (mock, merchant) = shop();
    assert!(asking(&merchant, "1", "REDPACK_REPLY_LOST").is_err());
    assert_eq!(merchant.red_packet("1").unwrap().status, Status::Sent);
    assert!(asking(&merchant, "2", "REDPACK_REQUEST_LOST").is_err());
    assert_eq!(asking(&merchant, "2", "REDPACK_SYSTEMERROR").unwrap().code(), "SYSTEMERROR");
    assert_eq!(asking(&merchant, "2", "REDPACK_SEND_FAILED").unwrap().code(), "SEND_FAILED");
    assert_eq!(merchant.red_packet("2"), None);
    assert_eq!(asking(&merchant, "2", "REDPACK_NOTENOUGH_APPLIED").unwrap().code(), "NOTENOUGH");
    assert_eq!(merchant.red_packet("2").unwrap().status, Status::Sent);
    assert_eq!(asking(&merchant, "3", "REDPACK_LATE_COMMIT").unwrap().code(), "PROCESSING");
    assert_eq!(asking(&merchant, "4", "REDPACK_APPLIED_THEN_502").unwrap().status, 502);
    let before = mock.ledger();
    let unknown = asking(&merchant, "5", "REDPACK_REPLY_LOOST").unwrap();
    assert_eq!((unknown.status, mock.ledger()), (400, before));
    assert!(unknown.body.contains("\"REDPACK_REPLY_LOOST\", which is no fault"), "{}", unknown.body);
    assert!(unknown.body.contains("\nREDPACK_LATE_ARRIVAL\n"));
}

#[test]
fn a_remark_is_a_script_for_its_number() {
    let (mock, merchant) = shop();
    let script = |billno: &str, remark: &str| {
        mock.advance(SECOND);
        call(&merchant, &Form::send(&merchant, billno).with("remark", remark))
    };
    let steps = "#mock SYSTEMERROR,PROCESSING,OK";
    for code in ["SYSTEMERROR", "PROCESSING"] {
        assert_eq!(script("1", steps).code(), code);
        assert_eq!(merchant.red_packet("1"), None);
    }
    assert_eq!(script("2", steps).code(), "SYSTEMERROR");
    for _ in 0..2 {
        script("1", steps).assert_success();
        assert_eq!(merchant.balance_fen(), 999_000);
    }
    let unknown = script("3", "#mock SYSTEMERROR,WHATEVER");
    assert_eq!((unknown.status, merchant.red_packet("3")), (400, None));
    assert!(unknown.body.contains("\"WHATEVER\""));
    script("4", "mock SYSTEMERROR").assert_success();
}
