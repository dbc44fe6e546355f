//! What is checked, with which words, and in which order.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wechatpay_mock_server::{Arrival, Certificate, Mock, Standing, Status};
use wechatpay_proto::transport::BlockingTransport as _;
use wechatpay_proto::v2::mmpaymkttransfers::{GetHbInfo, Scene, SendRedPack, SendRedPackOptions};
use wechatpay_proto::{Fen, Nonce};

use crate::common::{APPID, Answer, Form, KEY, MCH_ID, OPENID, SEND, call, call_from, in_force, post, shop};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// One fault for each check, in the order of the checks, and what is answered to it.
const FAULTS: [(&str, &str); 9] = [
    ("XML_ERROR", "输入xml参数格式错误"),
    ("PARAM_ERROR", "参数错误:total_num必须等于1"),
    ("PARAM_ERROR", "参数错误:商户号和wxappid不匹配"),
    ("CA_ERROR", "证书出错，请登录微信支付商户平台下载证书"),
    ("SIGN_ERROR", "签名错误"),
    (
        "PRODUCT_AUTHORITY_UNOPEN",
        "你的商户号未开通该产品权限，请联系管理员到产品中心开通。开通路径：产品中心-产品大全-现金红包-申请开通",
    ),
    ("NO_AUTH", "IP地址非你在商户平台设置的可用IP地址"),
    ("FATAL_ERROR", "更换了openid，但商户单号未更新"),
    ("MONEY_LIMIT", "红包金额发放限制"),
];

#[test]
fn whatever_else_is_wrong_the_earliest_check_answers() {
    for faults in 0..1_u32 << FAULTS.len() {
        let wrong = |number: usize| faults >> number & 1 == 1;
        let mock = Mock::builder().build();
        let mut builder = mock.merchant().mch_id(MCH_ID).key(KEY).appid(APPID).allowed_ips([HERE]);
        if wrong(5) {
            builder = builder.product_closed();
        }
        let merchant = builder.create().unwrap();
        let mut form =
            Form::send(&merchant, "1").with("total_amount", if wrong(8) { "20001" } else { "100" });
        if wrong(7) {
            // Where the product is closed this leaves no order; the closed product answers all the same.
            call_from(&mock, &form.clone().with("total_amount", "100"), in_force(MCH_ID), Some(HERE));
            form = form.with("re_openid", "another");
        }
        if wrong(1) {
            form = form.with("total_num", "2");
        }
        if wrong(2) {
            form = form.with("wxappid", "wx0000000000000000");
        }
        if wrong(4) {
            form = form.keyed("another key");
        }
        let certificate = if wrong(3) { Certificate::None } else { in_force(MCH_ID) };
        let peer = Some(if wrong(6) { ELSEWHERE } else { HERE });
        let mut request = form.request();
        if wrong(0) {
            *request.body_mut() = Bytes::from(form.xml().replace("</xml>", ""));
        }
        let answer = Answer::new(
            mock.handle(&request, &Arrival { peer, ..Arrival::with(certificate) }).seen().unwrap(),
        );

        let expected = FAULTS.get(faults.trailing_zeros() as usize).unwrap_or(&("SUCCESS", "发放成功"));
        assert_eq!((answer.code(), answer.text()), *expected, "faults {faults:09b}");
        let packet = merchant.red_packet("1");
        assert_eq!(packet.is_some(), faults == 0 || (wrong(7) && !wrong(5)), "faults {faults:09b}");
    }
}

#[test]
fn a_query_is_checked_in_the_same_order() {
    let (mock, merchant) = shop();
    let good = Form::query(&merchant, "1");
    let mismatch = good.clone().with("appid", "wx0000000000000000").keyed("wrong");
    let ask = |form: &Form, certificate| call_from(&mock, form, certificate, None);
    ask(&mismatch.clone().with("bill_type", "ALL"), Certificate::None)
        .assert_param_error("bill_type字段有误");
    ask(&mismatch, Certificate::None).assert_param_error("商户号和wxappid不匹配");
    assert_eq!(ask(&good.clone().keyed("wrong"), Certificate::None).code(), "CA_ERROR");
    ask(&good.clone().keyed("wrong"), in_force(MCH_ID)).assert_sign_error();
    assert_eq!(ask(&good, in_force(MCH_ID)).code(), "NOT_FOUND");
}

#[test]
fn each_field_has_its_own_words() {
    let (_, merchant) = shop();
    let x = |count: usize| "x".repeat(count);
    let cases: [(&str, String, &str); 29] = [
        ("act_name", x(0), "act_name字段必填,并且少于32个字符"),
        ("act_name", x(33), "act_name字段必填,并且少于32个字符"),
        ("wxappid", x(0), "appid字段必填,最长为32个字符"),
        ("wxappid", x(33), "appid字段必填,最长为32个字符"),
        ("client_ip", x(0), "client_ip必须是合法的IP字符串"),
        ("client_ip", "1.2.3".into(), "client_ip必须是合法的IP字符串"),
        ("client_ip", "256.0.0.1".into(), "client_ip必须是合法的IP字符串"),
        ("client_ip", "localhost".into(), "client_ip必须是合法的IP字符串"),
        ("mch_id", x(0), "输入的商户号有误"),
        ("mch_id", "10000099".into(), "找不到对应的商户号"),
        ("wxappid", "wx1".into(), "商户号和wxappid不匹配"),
        ("nonce_str", x(0), "nonce_str字段必填,并且少于32字符"),
        ("re_openid", x(0), "re_openid字段为必填并且少于32个字符"),
        ("re_openid", x(33), "re_openid字段为必填并且少于32个字符"),
        ("remark", x(0), "remark字段为必填,并且少于256字符"),
        ("remark", x(257), "remark字段为必填,并且少于256字符"),
        ("send_name", x(0), "send_name字段必填,并且少于32字符"),
        ("send_name", x(33), "send_name字段必填,并且少于32字符"),
        ("send_name", "汉".repeat(11), "send_name字段必填,并且少于32字符"),
        ("wishing", x(0), "wishing字段为必填,并且少于128个字符"),
        ("wishing", x(129), "wishing字段为必填,并且少于128个字符"),
        ("total_amount", x(0), "红包金额参数错误"),
        ("total_amount", "-100".into(), "红包金额参数错误"),
        ("total_amount", "1.00".into(), "红包金额参数错误"),
        ("total_amount", "4294967296".into(), "红包金额参数错误"),
        ("total_num", "2".into(), "total_num必须等于1"),
        ("total_num", "one".into(), "total_num必须等于1"),
        ("msgappid", "wx1".into(), "授理模式/资金受理才需要填入msgappid"),
        ("sub_mch_id", "1".into(), "授理模式/资金受理才需要填入msgappid"),
    ];
    for (field, value, text) in cases {
        // An empty element and none at all are the same.
        let form = Form::send(&merchant, "1").with(field, value.clone());
        call(&merchant, &form).assert_param_error(text);
        if value.is_empty() {
            call(&merchant, &form.without(field)).assert_param_error(text);
        }
    }
    assert!(merchant.red_packet("1").is_none());
}

#[test]
fn a_bad_number_is_told_without_echoes() {
    let (_, merchant) = shop();
    let missing = "参数错误:订单号字段必填,最长为28个字符";
    let wrong = "参数错误:输入的商户订单号有误";
    let long = "1".repeat(29);
    for (billno, text) in [("", missing), (&*long, missing), ("a-b", wrong), ("红包", wrong), ("1 ", wrong)]
    {
        for form in [Form::send(&merchant, billno), Form::query(&merchant, billno)] {
            let answer = call(&merchant, &form);
            assert_eq!(answer.assert_failure("PARAM_ERROR", text).names().len(), 6, "{}", answer.body);
        }
    }
}

#[test]
fn a_wrong_total_num_is_echoed_and_a_missing_one_spoils_the_sign() {
    let (_, merchant) = shop();
    let answer = call(&merchant, &Form::send(&merchant, "1").with("total_num", "2"));
    assert_eq!(answer.assert_param_error("total_num必须等于1").get("total_num"), Some("2"));
    call(&merchant, &Form::send(&merchant, "1").without("total_num")).assert_sign_error();
    call(&merchant, &Form::send(&merchant, "1").with("total_num", "")).assert_sign_error();
    let answer = call(&merchant, &Form::send(&merchant, "1"));
    assert_eq!(answer.assert_success().get("total_num"), None);
}

#[test]
fn lengths_are_bytes_and_the_limit_itself_passes() {
    let (_, merchant) = shop();
    let limits = [
        ("mch_billno", 28),
        ("nonce_str", 32),
        ("send_name", 32),
        ("act_name", 32),
        ("re_openid", 32),
        ("wishing", 128),
        ("remark", 256),
        ("risk_info", 128),
    ];
    for (number, (field, max)) in limits.into_iter().enumerate() {
        let text = if max == 28 { "z".repeat(max) } else { "汉".repeat(max / 3) + &"x".repeat(max % 3) };
        assert_eq!(text.len(), max);
        call(&merchant, &Form::send(&merchant, &number.to_string()).with(field, text)).assert_success();
    }
}

#[test]
fn a_signed_field_that_the_endpoint_does_not_know_is_a_sign_error() {
    let (_, merchant) = shop();
    for (name, value) in
        [("appid", APPID), ("sub_appid", APPID), ("sign_type", "MD5"), ("trade_type", "JSAPI"), ("key", "1")]
    {
        let form = Form::send(&merchant, "1");
        call(&merchant, &form.with(name, value)).assert_sign_error();
    }
    for (name, value) in [("wxappid", APPID), ("sub_mch_id", "1"), ("sub_appid", APPID), ("sign_type", "MD5")]
    {
        call(&merchant, &Form::query(&merchant, "1").with(name, value)).assert_sign_error();
    }
    assert!(merchant.red_packet("1").is_none());
}

#[test]
fn an_unsigned_field_that_the_endpoint_does_not_know_is_ignored() {
    let (_, merchant) = shop();
    for (number, name) in
        ["appid", "sub_appid", "sign_type", "trade_type", "Mch_id", "_x9"].into_iter().enumerate()
    {
        let billno = number.to_string();
        call(&merchant, &Form::send(&merchant, &billno).unsigned(name, "MD5")).assert_success();
        let query = Form::query(&merchant, &billno).unsigned("wxappid", APPID).unsigned("sub_mch_id", "1");
        call(&merchant, &query).assert_success();
    }
}

#[test]
fn a_known_field_that_is_present_but_not_signed_is_a_sign_error() {
    let (_, merchant) = shop();
    for (name, value) in [("scene_id", "PRODUCT_1"), ("risk_info", "posttime%3d1"), ("consume_mch_id", "1")] {
        call(&merchant, &Form::send(&merchant, "1").unsigned(name, value)).assert_sign_error();
        // Present but empty counts as absent.
        call(&merchant, &Form::send(&merchant, &name[..3]).unsigned(name, "")).assert_success();
        let signed = Form::send(&merchant, &name[..4]).with(name, value);
        call(&merchant, &signed).assert_success();
    }
    for name in ["send_name", "wishing", "total_amount", "client_ip"] {
        let form = Form::send(&merchant, "1");
        let value = form.fields()[name].clone();
        call(&merchant, &form.without(name).unsigned(name, value)).assert_sign_error();
    }
}

#[test]
fn a_sign_that_is_not_the_upper_case_md5_is_refused() {
    let (mock, merchant) = shop();
    let form = Form::send(&merchant, "1");
    let sign = form.fields()["sign"].clone();
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(form.string_to_sign().as_bytes());
    let hmac: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    let lower = sign.to_lowercase();
    assert_ne!(sign, lower);
    let mixed = format!("{}{}", &sign[..16], &lower[16..]);
    let zeros = "0".repeat(32);
    let (short, long, spaced) = (&sign[1..], format!("{sign}0"), format!(" {sign}"));
    for wrong in ["", &lower, &mixed, &hmac, short, &long, &spaced, &zeros, "签名"] {
        for form in [&form, &Form::query(&merchant, "1")] {
            call(&merchant, &form.clone().unsigned("sign", wrong)).assert_sign_error();
        }
    }
    let (head, tail) =
        form.xml().split_once("<sign>").map(|(head, tail)| (head.to_owned(), tail.to_owned())).unwrap();
    let unsigned = head + tail.split_once("</sign>\n").unwrap().1;
    let response = merchant.transport().send_blocking(post(SEND, unsigned)).unwrap();
    Answer::new(response).assert_sign_error();
    assert_eq!((mock.ledger().packets().count(), merchant.balance_fen()), (0, 1_000_000));
    call(&merchant, &form).assert_success();
}

#[test]
fn a_value_that_was_changed_on_its_way_is_a_sign_error() {
    let (_, merchant) = shop();
    let form = Form::send(&merchant, "1").with("scene_id", "PRODUCT_2").with("risk_info", "posttime%3d1");
    let changed = [
        ("nonce_str", "0"),
        ("mch_billno", "2"),
        ("send_name", "天虹"),
        ("re_openid", "o"),
        ("total_amount", "1001"),
        ("wishing", " "),
        ("client_ip", "192.168.0.2"),
        ("act_name", "x"),
        ("remark", "x"),
        ("scene_id", "PRODUCT_3"),
        ("risk_info", "posttime%3D1"),
    ];
    for (name, value) in changed {
        call(&merchant, &form.clone().unsigned(name, value)).assert_sign_error();
    }
    call(&merchant, &form).assert_success();
}

#[test]
fn white_space_is_signed_and_counts_as_a_value() {
    let (_, merchant) = shop();
    call(&merchant, &Form::send(&merchant, "1").with("wishing", "  ").with("remark", " x ")).assert_success();
}

#[test]
fn what_the_core_signs_is_what_the_naive_signer_signs() {
    let (_, merchant) = shop();
    let request = SendRedPack {
        mch_billno: "1",
        wxappid: APPID,
        send_name: "天虹百货",
        re_openid: OPENID,
        total_amount: Fen(99),
        wishing: "a&b=c ]]> <d>",
        client_ip: [192, 168, 0, 1].into(),
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendRedPackOptions {
            scene_id: Some(Scene::Product2),
            risk_info: Some("posttime%3d123123412%26mobile%3d122344545"),
            ..SendRedPackOptions::default()
        },
    };
    let credentials = merchant.credentials();
    let signed = credentials.sign(&request, Nonce::from_text("n").unwrap()).unwrap();
    let form = Form::send(&merchant, "1")
        .with("nonce_str", "n")
        .with("total_amount", "99")
        .with("wishing", request.wishing)
        .with("scene_id", "PRODUCT_2")
        .with("risk_info", "posttime%3d123123412%26mobile%3d122344545");
    assert!(signed.xml().contains(&format!("<sign><![CDATA[{}]]></sign>", form.fields()["sign"])));
    let (request, pending) = signed.into_parts();
    let response = merchant.transport().send_blocking(request).unwrap();
    assert!(pending.accept(&response).unwrap().outcome().is_accepted());

    let query = GetHbInfo { mch_billno: "1", appid: APPID };
    let signed = credentials.sign(&query, Nonce::from_text("n").unwrap()).unwrap();
    let form = Form::query(&merchant, "1").with("nonce_str", "n");
    assert!(signed.xml().contains(&form.fields()["sign"]));
    let (request, pending) = signed.into_parts();
    let response = merchant.transport().send_blocking(request).unwrap();
    assert!(pending.accept(&response).unwrap().outcome().is_accepted());
}

#[test]
fn a_certificate_is_judged_after_the_fields() {
    let (mock, merchant) = shop();
    mock.merchant().mch_id("10000099").create().unwrap();
    let expired = Certificate::Merchant { mch_id: MCH_ID.to_owned(), standing: Standing::Expired };
    let verdicts = [
        (Certificate::None, "证书出错，请登录微信支付商户平台下载证书"),
        (expired, "证书已过期"),
        (in_force("10000099"), "请求没带商户API证书或者带上了错误的商户API证书"),
        (in_force("1000009"), "请求没带商户API证书或者带上了错误的商户API证书"),
    ];
    for (certificate, text) in verdicts {
        let form = Form::send(&merchant, "1");
        call_from(&mock, &form, certificate.clone(), None).assert_failure("CA_ERROR", text);
        assert_eq!(call_from(&mock, &Form::query(&merchant, "1"), certificate, None).code(), "CA_ERROR");
    }
    assert!(merchant.red_packet("1").is_none());
    // Without the marker of the core the in-process transport shows no certificate.
    let mut request = Form::send(&merchant, "1").request();
    request.extensions_mut().clear();
    let response = merchant.transport().send_blocking(request).unwrap();
    assert_eq!(Answer::new(response).code(), "CA_ERROR");
}

#[test]
fn the_white_list_is_about_the_peer_and_not_about_client_ip() {
    let mock = Mock::builder().build();
    let merchant = mock.merchant().mch_id(MCH_ID).allowed_ips([HERE]).create().unwrap();
    let form = Form::send(&merchant, "1").with("client_ip", "8.8.8.8");
    let text = "IP地址非你在商户平台设置的可用IP地址";
    call_from(&mock, &form, in_force(MCH_ID), Some(ELSEWHERE)).assert_failure("NO_AUTH", text);
    call_from(&mock, &form, in_force(MCH_ID), Some(HERE)).assert_success();
    call_from(&mock, &Form::send(&merchant, "2"), in_force(MCH_ID), None).assert_success();
    assert_eq!(merchant.red_packet("1").unwrap().status, Status::Sent);
}

#[test]
fn amounts_have_a_range_and_a_wider_one_with_a_scene() {
    let (mock, merchant) = shop();
    let cases = [
        ("0", None, false),
        ("1", None, false),
        ("99", None, false),
        ("100", None, true),
        ("20000", None, true),
        ("20001", None, false),
        ("0", Some("PRODUCT_1"), false),
        ("1", Some("PRODUCT_8"), true),
        ("20001", Some("PRODUCT_5"), true),
        ("499900", Some("PRODUCT_5"), false),
        ("499901", Some("PRODUCT_5"), false),
    ];
    for (number, (amount, scene, passes)) in cases.into_iter().enumerate() {
        let billno = number.to_string();
        let mut form = Form::send(&merchant, &billno)
            .with("total_amount", amount)
            .with("re_openid", format!("o{number}"));
        if let Some(scene) = scene {
            form = form.with("scene_id", scene);
        }
        let answer = call(&merchant, &form);
        // 4999 yuan is more than a user may get on one day, which is another matter.
        let code = if amount == "499900" {
            "RCVDAMOUNT_LIMIT"
        } else if passes {
            "SUCCESS"
        } else {
            "MONEY_LIMIT"
        };
        assert_eq!(answer.code(), code, "{amount} {scene:?}");
        if code == "MONEY_LIMIT" {
            answer.assert_failure("MONEY_LIMIT", "红包金额发放限制");
            assert!(mock.red_packet(MCH_ID, &billno).is_none(), "an amount out of range leaves no order");
        }
    }
    let form = Form::send(&merchant, "s").with("scene_id", "PRODUCT_9");
    assert_eq!(call(&merchant, &form).code(), "PARAM_ERROR");
}
