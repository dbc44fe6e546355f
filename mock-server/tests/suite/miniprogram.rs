//! `sendminiprogramhb`: the package, and what sets it apart from `sendredpack`.

use std::time::Duration;

use wechatpay_mock_server::Mock;
use wechatpay_proto::v2::mmpaymkttransfers::{Scene, SendMiniProgramHb, SendMiniProgramHbOptions};
use wechatpay_proto::{Fen, Nonce};

use crate::common::{APPID, Form, MCH_ID, OPENID, call, shop};

#[test]
fn a_success_ends_with_the_package() {
    let (_, merchant) = shop();
    let answer = call(&merchant, &Form::mini_program(&merchant, "1"));
    assert_eq!(answer.assert_success().text(), "发放成功");
    let order = ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount", "send_listid", "package"];
    assert_eq!(answer.names()[6..], order);
    let package = answer.get("package").unwrap();
    let parts: Vec<_> = package.split('&').map(|part| part.split_once('=').unwrap()).collect();
    let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["sendid", "ver", "sign", "mchid", "appid"]);
    assert_eq!((parts[1].1, parts[3].1, parts[4].1), ("8", MCH_ID, APPID));
    for (part, digits) in [(parts[0].1, 64), (parts[2].1, 128)] {
        assert_eq!(part.len(), digits);
        assert!(part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{part}");
    }
    assert_ne!(parts[2].1[..64], parts[2].1[64..]);
    assert!(answer.body.ends_with(&format!("<package><![CDATA[{package}]]></package></xml>")));
}

#[test]
fn a_package_belongs_to_its_seed_and_its_order() {
    let package = |seed, billno: &str| {
        let mock = Mock::builder().seed(seed).build();
        let merchant = mock.merchant().mch_id(MCH_ID).appid(APPID).create().unwrap();
        let form = Form::mini_program(&merchant, billno);
        let first = call(&merchant, &form).get("package").unwrap().to_owned();
        mock.advance(Duration::from_secs(1));
        merchant.claim(billno).unwrap();
        assert_eq!(call(&merchant, &form).get("package"), Some(&*first), "the same when it is claimed");
        mock.advance(Duration::from_secs(30 * 24 * 3600));
        assert_eq!(call(&merchant, &form).get("package"), Some(&*first), "the same a month later");
        first
    };
    assert_eq!(package(1, "1"), package(1, "1"));
    assert_ne!(package(1, "1"), package(2, "1"));
    assert_ne!(package(1, "1"), package(1, "2"));
}

#[test]
fn a_client_ip_is_tolerated_and_signed() {
    let (_, merchant) = shop();
    for (billno, address) in [("1", "127.0.0.1"), ("2", "no address at all")] {
        let form = Form::mini_program(&merchant, billno);
        call(&merchant, &form.clone().unsigned("client_ip", address)).assert_sign_error();
        call(&merchant, &form.with("client_ip", address)).assert_success();
    }
}

#[test]
fn its_own_fields_are_checked_and_those_of_others_are_unknown() {
    let (_, merchant) = shop();
    let form = Form::mini_program(&merchant, "1");
    call(&merchant, &form.clone().without("notify_way")).assert_param_error("notify_way字段有误");
    call(&merchant, &form.clone().with("notify_way", "APP")).assert_param_error("notify_way字段有误");
    let wrong = call(&merchant, &form.clone().with("total_num", "2"));
    assert_eq!(wrong.assert_param_error("total_num必须等于1").get("total_num"), Some("2"));
    call(&merchant, &form.clone().without("total_num")).assert_sign_error();
    for field in ["sub_mch_id", "msgappid", "consume_mch_id", "risk_info", "amt_type"] {
        call(&merchant, &form.clone().with(field, "1")).assert_sign_error();
    }
    assert!(merchant.red_packet("1").is_none());
    call(&merchant, &form.unsigned("risk_info", "posttime%3d1")).assert_success();
}

#[test]
fn it_is_queried_as_a_normal_packet() {
    let (_, merchant) = shop();
    call(&merchant, &Form::mini_program(&merchant, "1")).assert_success();
    let found = call(&merchant, &Form::query(&merchant, "1"));
    assert_eq!((found.get("hb_type"), found.get("total_num")), (Some("NORMAL"), Some("1")));
}

#[test]
fn what_the_core_signs_is_what_the_naive_signer_signs() {
    let (_, merchant) = shop();
    let request = SendMiniProgramHb {
        mch_billno: "1",
        wxappid: APPID,
        send_name: "天虹百货",
        re_openid: OPENID,
        total_amount: Fen(99),
        wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendMiniProgramHbOptions { scene_id: Some(Scene::Product2) },
    };
    let credentials = merchant.credentials();
    let signed = credentials.sign(&request, Nonce::from_text("n").unwrap()).unwrap();
    let form = Form::mini_program(&merchant, "1")
        .with("nonce_str", "n")
        .with("total_amount", "99")
        .with("scene_id", "PRODUCT_2");
    assert!(signed.xml().contains(&format!("<sign><![CDATA[{}]]></sign>", form.fields()["sign"])));
}
