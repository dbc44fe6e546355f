//! `sendworkwxredpack` and `queryworkwxredpack`: the sign within the sign, and answers that are signed.

use std::time::Duration;

use wechatpay_mock_server::{Certificate, Mock, Rules, Status};
use wechatpay_proto::transport::BlockingTransport as _;
use wechatpay_proto::v2::mmpaymkttransfers::{
    QueryWorkWxRedPack, SendWorkWxRedPack, SendWorkWxRedPackOptions,
};
use wechatpay_proto::{Client, Fen, Nonce};

use crate::common::{
    APPID, Answer, Form, KEY, MCH_ID, OPENID, call, call_from, in_force, post, shop, shop_with,
};

const SEND_WORK_WEIXIN: &str = "/mmpaymkttransfers/sendworkwxredpack";
const INNER: &str = "企业微信签名校验失败";
const ECHOES: [&str; 5] = ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"];

/// In the name of a person.
fn in_person(merchant: &wechatpay_mock_server::MockMerchant, mch_billno: &str) -> Form {
    Form::work_weixin(merchant, mch_billno)
        .without("agentid")
        .with("sender_name", "张三")
        .with("sender_header_media_id", "1G6nrLmr5EC3MMb_-zK1dDdzmd0p7cNliYu9V5w7o8K0")
}

#[test]
fn a_success_is_signed_and_names_the_sender() {
    let (_, merchant) = shop();
    let answer = call(&merchant, &Form::work_weixin(&merchant, "1"));
    assert_eq!(answer.assert_success().assert_signed(KEY).text(), "发放成功");
    assert_eq!(answer.names()[6..], [&ECHOES[..], &["send_listid", "sign"]].concat());
    let form = in_person(&merchant, "2");
    let answer = call(&merchant, &form);
    answer.assert_success().assert_signed(KEY);
    let sender = ["sender_name", "sender_header_media_id"];
    assert_eq!(answer.names()[6..], [&ECHOES[..], &["send_listid"], &sender, &["sign"]].concat());
    for name in sender {
        assert_eq!(answer.get(name), Some(&*form.fields()[name]));
    }
}

#[test]
fn both_signs_are_needed_and_the_outer_one_is_checked_first() {
    let (mock, merchant) = shop();
    let form = Form::work_weixin(&merchant, "1");
    let right = form.fields()["workwx_sign"].clone();
    call(&merchant, &form.clone().keyed("wrong")).assert_signed_failure(KEY, "SIGN_ERROR", "签名错误");
    call(&merchant, &form.clone().keyed("wrong").secret("wrong")).assert_signed_failure(
        KEY,
        "SIGN_ERROR",
        "签名错误",
    );
    let bare = form.clone().without_secret();
    let cases = [
        form.clone().secret("wrong"),
        bare.clone(),
        bare.clone().with("workwx_sign", ""),
        bare.clone().with("workwx_sign", right.to_lowercase()),
        bare.clone().with("workwx_sign", "签名"),
        bare.clone().with("workwx_sign", "0".repeat(64)),
        // Right for another order.
        form.clone().without_secret().with("workwx_sign", right.clone()).with("total_amount", "1001"),
    ];
    for case in cases {
        call(&merchant, &case).assert_signed_failure(KEY, "SIGN_ERROR", INNER);
    }
    // The outer sign covers the inner one.
    call(&merchant, &form.clone().unsigned("workwx_sign", "0".repeat(32))).assert_signed_failure(
        KEY,
        "SIGN_ERROR",
        "签名错误",
    );
    assert_eq!(mock.ledger().packets().count(), 0);
    call(&merchant, &bare.with("workwx_sign", right)).assert_success();
}

#[test]
fn the_inner_sign_covers_seven_fields_and_the_certificate_comes_before_both() {
    let (mock, merchant) = shop();
    let form = Form::work_weixin(&merchant, "1");
    let inner = |form: &Form| form.fields()["workwx_sign"].clone();
    for covered in ["act_name", "mch_billno", "nonce_str", "re_openid", "total_amount"] {
        assert_ne!(inner(&form.clone().with(covered, "2000")), inner(&form), "{covered}");
    }
    for free in ["wishing", "remark", "agentid"] {
        let changed = form.clone().with(free, "2");
        assert_eq!(inner(&changed), inner(&form));
        mock.advance(Duration::from_secs(1));
        call(&merchant, &changed).assert_success();
    }
    let unsigned = form.keyed("wrong").without_secret();
    assert_eq!(call_from(&mock, &unsigned, Certificate::None, None).code(), "CA_ERROR");
}

#[test]
fn the_inner_sign_comes_before_permission() {
    let mock = Mock::builder().build();
    let merchant = mock.merchant().product_closed().create().unwrap();
    let form = Form::work_weixin(&merchant, "1");
    assert_eq!(call(&merchant, &form.clone().secret("wrong")).code(), "SIGN_ERROR");
    assert_eq!(call(&merchant, &form).code(), "NO_COMPETENCE");
}

#[test]
fn an_application_or_a_person_sends_not_both() {
    let (_, merchant) = shop();
    let form = Form::work_weixin(&merchant, "1");
    let both = form.clone().with("sender_name", "张三");
    let text = "参数错误:agentid与sender_name互斥,二者只能填一个";
    call(&merchant, &both.clone().keyed("wrong")).assert_signed_failure(KEY, "PARAM_ERROR", text);
    call(&merchant, &both.clone().unsigned("agentid", "")).assert_signed_failure(
        KEY,
        "SIGN_ERROR",
        "签名错误",
    );
    call(&merchant, &form.clone().with("agentid", "one")).assert_signed_failure(
        KEY,
        "PARAM_ERROR",
        "参数错误:agentid字段有误",
    );
    assert!(merchant.red_packet("1").is_none());
    call(&merchant, &form).assert_success();
    call(&merchant, &both.with("mch_billno", "2").with("agentid", "")).assert_success();
}

#[test]
fn the_fields_of_other_packets_are_unknown() {
    let (_, merchant) = shop();
    for (field, value) in [
        ("client_ip", "127.0.0.1"),
        ("send_name", "n"),
        ("total_num", "1"),
        ("sub_mch_id", "1"),
        ("msgappid", "wx"),
    ] {
        let form = Form::work_weixin(&merchant, "1").with(field, value);
        call(&merchant, &form).assert_signed_failure(KEY, "SIGN_ERROR", "签名错误");
    }
    for (field, value) in [("bill_type", "MCHT"), ("workwx_sign", "1")] {
        let form = Form::query_work_weixin(&merchant, "1").with(field, value);
        call(&merchant, &form).assert_signed_failure(KEY, "SIGN_ERROR", "商户签名错误");
    }
}

#[test]
fn failures_are_signed_wherever_the_merchant_is_known() {
    let (mock, merchant) = shop();
    let stranger = |form: &Form| call_from(&mock, form, Certificate::None, None);
    for form in [Form::work_weixin(&merchant, "1"), Form::query_work_weixin(&merchant, "1")] {
        stranger(&form).assert_signed(KEY);
        stranger(&form.clone().with("mch_billno", "-")).assert_signed(KEY);
        for mch_id in ["10000099", "not a number", ""] {
            let answer = stranger(&form.clone().with("mch_id", mch_id));
            assert_eq!((answer.code(), answer.get("sign")), ("PARAM_ERROR", None), "{mch_id:?}");
        }
    }
    let malformed = merchant.transport().send_blocking(post(SEND_WORK_WEIXIN, "<xml>")).unwrap();
    let malformed = Answer::new(malformed);
    assert_eq!((malformed.code(), malformed.get("sign")), ("XML_ERROR", None));
    // Those of the other packets never are.
    for form in [Form::send(&merchant, "1"), Form::query(&merchant, "1"), Form::group(&merchant, "1")] {
        assert_eq!(stranger(&form).get("sign"), None);
    }
}

#[test]
fn failures_are_unsigned_where_the_rules_say_so_and_successes_are_not() {
    let (_, merchant) = shop_with(Rules { sign_work_weixin_failures: false, ..Rules::default() });
    let (send, query) = (Form::work_weixin(&merchant, "1"), Form::query_work_weixin(&merchant, "1"));
    let unsigned = call(&merchant, &send.clone().keyed("wrong"));
    assert_eq!(unsigned.assert_failure("SIGN_ERROR", "签名错误").names()[6..], ECHOES);
    call(&merchant, &query).assert_failure("NOT_FOUND", "指定单号数据不存在");
    call(&merchant, &send).assert_success().assert_signed(KEY);
    call(&merchant, &query).assert_success().assert_signed(KEY);
}

#[test]
fn echoes_that_are_too_long_to_be_signed_are_still_an_answer() {
    let (_, merchant) = shop();
    let form = Form::work_weixin(&merchant, "1").with("re_openid", "]]>".to_owned() + &"&".repeat(15_000));
    let answer = call(&merchant, &form);
    assert_eq!((answer.status, answer.code(), answer.get("sign")), (200, "PARAM_ERROR", None));
    let short = call(&merchant, &Form::work_weixin(&merchant, "1").with("re_openid", "&".repeat(15_000)));
    assert_eq!(short.assert_signed(KEY).code(), "PARAM_ERROR");
}

#[test]
fn a_query_is_flat_and_signed_in_every_status() {
    const HEAD: [&str; 6] = ["mch_billno", "mch_id", "detail_id", "status", "send_type", "total_amount"];
    const SENDER: [&str; 2] = ["sender_name", "sender_header_media_id"];
    let (mock, merchant) = shop();
    let query = |billno: &str, status: &str, tail: &[&str]| {
        let answer = call(&merchant, &Form::query_work_weixin(&merchant, billno));
        assert_eq!(answer.assert_success().assert_signed(KEY).text(), "OK");
        assert_eq!(answer.names()[6..], [&HEAD[..], tail, &["sign"]].concat());
        let facts = ["mch_id", "status", "send_type", "total_amount"].map(|name| answer.get(name).unwrap());
        assert_eq!(facts, [MCH_ID, status, "API", "1000"]);
        answer
    };
    let sent = call(&merchant, &Form::work_weixin(&merchant, "1"));
    call(&merchant, &in_person(&merchant, "2")).assert_success();
    assert_eq!(query("1", "SENT", &["send_time"]).get("detail_id"), sent.get("send_listid"));
    let answer = query("2", "SENT", &["send_time", SENDER[0], SENDER[1]]);
    assert_eq!(answer.get("sender_name"), Some("张三"));
    mock.advance(Duration::from_secs(61));
    merchant.claim("2").unwrap();
    let tail = ["send_time", "openid", "amount", "rcv_time", SENDER[0], SENDER[1]];
    let answer = query("2", "RECEIVED", &tail);
    let claim = ["openid", "amount", "rcv_time"].map(|name| answer.get(name).unwrap());
    assert_eq!(claim, [OPENID, "1000", "2026-01-01 09:01:01"]);
    mock.advance(Duration::from_secs(2 * 24 * 3600));
    let answer = query("1", "REFUND", &["send_time", "refund_time", "refund_amount"]);
    assert_eq!(
        (answer.get("refund_amount"), answer.get("refund_time")),
        (Some("1000"), Some("2026-01-02 09:15:00"))
    );
}

#[test]
fn a_query_speaks_in_the_words_of_queries() {
    let (mock, merchant) = shop();
    let query = Form::query_work_weixin(&merchant, "1");
    call(&merchant, &query).assert_signed_failure(KEY, "NOT_FOUND", "指定单号数据不存在");
    let other = call_from(&mock, &query, in_force("1"), None);
    other.assert_signed_failure(KEY, "CA_ERROR", "请求未携带证书，或请求携带的证书出错");
}

#[test]
fn a_secret_is_made_up_from_the_seed_and_hidden_in_debug() {
    let made = |seed| {
        let mock = Mock::builder().seed(seed).build();
        [(); 2].map(|()| mock.merchant().create().unwrap().agent_secret().to_owned())
    };
    let [first, second] = made(1);
    assert_eq!(made(1), [first.clone(), second.clone()]);
    assert_ne!(made(2)[0], first);
    assert_ne!(first, second);
    for secret in [&first, &second] {
        assert_eq!(secret.len(), 43);
        assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
    }

    for secret in ["short", "0123456789012345678901234567890123456789abc"] {
        let builder = Mock::builder().build().merchant().key(KEY).agent_secret(secret);
        let shown = format!("{builder:?}");
        let merchant = builder.create().unwrap();
        assert_eq!(merchant.agent_secret(), secret);
        for text in [shown, format!("{merchant:?}"), format!("{:?}", merchant.credentials())] {
            assert!(!text.contains(&secret[..5]) && !text.contains(&KEY[..5]), "{text}");
            // Of a short one not even the end.
            assert!(!text.contains("hort"), "{text}");
        }
    }
}

#[test]
fn a_secret_that_is_none_is_refused_by_name() {
    for (secret, problem) in [("", "required"), ("a b", "character"), (&*"x".repeat(129), "129")] {
        let error = Mock::builder().build().merchant().agent_secret(secret).create().unwrap_err().to_string();
        assert!(error.starts_with("merchant: agent_secret ") && error.contains(problem), "{error}");
    }
}

#[test]
fn what_the_core_signs_is_what_the_naive_signer_signs() {
    let mock = Mock::builder().build();
    let merchant = mock
        .merchant()
        .mch_id(MCH_ID)
        .key(KEY)
        .appid(APPID)
        .agent_secret("another-secret_")
        .create()
        .unwrap();
    let request = SendWorkWxRedPack {
        mch_billno: "1",
        wxappid: APPID,
        re_openid: OPENID,
        total_amount: Fen(1_000),
        wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendWorkWxRedPackOptions { agentid: Some(1_000_002), ..SendWorkWxRedPackOptions::default() },
    };
    let credentials = merchant.credentials();
    let signed = credentials.sign(&request, Nonce::from_text("n").unwrap()).unwrap();
    let form = Form::work_weixin(&merchant, "1").with("nonce_str", "n");
    for name in ["sign", "workwx_sign"] {
        assert!(
            signed.xml().contains(&format!("<{name}><![CDATA[{}]]></{name}>", form.fields()[name])),
            "{name}"
        );
    }
    let client = Client::new(credentials.clone(), merchant.transport(), || [7; 16]);
    assert!(client.send_blocking(&request).unwrap().outcome().is_accepted());
    let found = client.send_blocking(&QueryWorkWxRedPack { mch_billno: "1", appid: APPID }).unwrap();
    assert!(found.outcome().is_accepted());
    assert_eq!(merchant.red_packet("1").unwrap().status, Status::Sent);
}
