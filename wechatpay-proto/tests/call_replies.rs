//! The untyped door, inwards: an answer is its fields, verified as the path or the caller says.

mod common;

use common::*;
use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::endpoint::{Outgoing as _, Trust};
use wechatpay_proto::reply::{Reply as _, ResultCode};
use wechatpay_proto::rule::Violation;
use wechatpay_proto::wire::{self, XmlErrorKind};
use wechatpay_proto::{Call, Client, ErrorCode, Fen, Nonce, ReplyError, RequestError};

#[test]
fn an_answer_is_its_verified_fields() {
    let call = Call::new("pay/orderquery").field("out_trade_no", "1217752501201407033233368018");
    let found = with(&PAID, "trade_state", "SUCCESS");
    let body = signed(HmacSha256, &with(&found, "return_msg", "OK"));
    let reply = accept(&call, &body).unwrap();
    assert!(reply.head.is_success() && reply.head() == &reply.head);
    assert_eq!(reply.head.return_msg.as_deref(), Some("OK"));
    assert_eq!(reply.fields.get("attach"), Some("支付测试 <&>"));
    let map = reply.fields.to_map();
    assert_eq!((map["total_fee"], map["return_code"], map.len()), ("100", "SUCCESS", found.len() + 2));
    let order: Vec<_> = reply.fields.iter().map(|(name, _)| name).collect();
    assert_eq!(order[..3], ["return_code", "result_code", "appid"], "in the order of the answer");

    // owned, or written with a sign of one's own, it is the same
    let response = answer(&body);
    let borrowed = pending(&MERCHANT, &call).accept(&response).unwrap();
    assert_eq!(borrowed.clone().into_owned(), borrowed);
    let written = MERCHANT.write_reply(&call.spec(), &borrowed).unwrap();
    assert_eq!(accept(&call, written), Ok(reply));
    // a server that has its fields from elsewhere signs them
    let loose = accept(&Call::new("pay/x").trust(Trust::TransportOnly), document(&found)).unwrap();
    let written = MERCHANT.write_reply(&call.spec(), &loose).unwrap();
    assert_eq!(accept(&call, written).unwrap().fields.len(), found.len() + 1);
}

#[test]
fn trust_is_the_paths_or_the_callers() {
    let (plain, md5) = (document(&PAID), signed(Md5, &PAID));
    let call = || Call::new("brand/new");
    assert_eq!(accept(&call(), &plain).unwrap_err(), ReplyError::SignMissing);
    assert!(accept(&call(), &md5).is_ok());
    let loose = || call().trust(Trust::TransportOnly);
    assert!(accept(&loose(), &plain).is_ok());
    let forged = document(&with(&PAID, "sign", &"0".repeat(32)));
    assert_eq!(
        accept(&loose(), forged).unwrap_err(),
        ReplyError::SignMismatch,
        "a sign that is there must fit"
    );

    let success = || call().trust(Trust::SignedSuccess);
    assert_eq!(accept(&success(), &plain).unwrap_err(), ReplyError::SignMissing);
    let failed = with(&with(&PAID, "result_code", "FAIL"), "err_code", "ORDERPAID");
    let reply = accept(&success(), document(&failed)).unwrap();
    assert_eq!(reply.head.err_code, Some(ErrorCode::Other("ORDERPAID".into())));
    assert_eq!((reply.fields.get("total_fee"), reply.fields.len()), (None, 3), "its head only");

    // a complaint about the form is never signed
    let complaint = document(&[("return_code", "FAIL"), ("return_msg", "签名错误"), ("appid", "x")]);
    let reply = accept(&call(), complaint).unwrap();
    assert_eq!((reply.head.return_code, reply.fields.get("appid")), (ResultCode::Fail, None));
}

#[test]
fn an_echo_holds_the_answer_to_the_request() {
    let call = |echo: bool| {
        let call =
            Call::new("pay/x").trust(Trust::TransportOnly).field("shelf", "1").field("price", Fen(100));
        if echo { call.echo("shelf").echo("price").echo("mch_id") } else { call }
    };
    let body = |number: &'static str, fee: &'static str| {
        document(&[("return_code", "SUCCESS"), ("result_code", "SUCCESS"), ("shelf", number), ("price", fee)])
    };
    assert!(accept(&call(true), body("1", "100")).is_ok());
    assert!(accept(&call(true), body("", "")).is_ok(), "where the answer has it");
    assert!(accept(&call(false), body("2", "1")).is_ok(), "nobody asked");
    for (body, field) in
        [(body("2", "100"), "shelf"), (body("1", "1"), "price"), (body("1", "0100"), "price")]
    {
        assert_eq!(accept(&call(true), body).unwrap_err(), ReplyError::Correlation { field });
    }
    for (echo, call) in [
        ("never_sent", call(true).echo("never_sent")),
        ("nonce_str", call(true).echo("nonce_str")),
        ("shelf", call(true).list("shelf", "item")),
    ] {
        let error = MERCHANT.sign(&call, Nonce::from_bytes([0; 16])).unwrap_err();
        assert_eq!(error, RequestError::new(echo, Violation::NoEcho));
    }
    // who is who is held without being asked
    let other = document(&[("return_code", "SUCCESS"), ("mch_id", "1")]);
    for echo in [true, false] {
        let refused = accept(&call(echo), &other).unwrap_err();
        assert_eq!(refused, ReplyError::Correlation { field: "mch_id" });
    }
    // a path with a table has its echoes and promises without being asked
    let typed = Call::new("mmpaymkttransfers/gethbinfo")
        .field("mch_billno", QUERY.mch_billno)
        .field("appid", QUERY.appid);
    let found = with(&SENT, "status", "SENT");
    assert!(accept(&typed, document(&found)).is_ok());
    let refused = accept(&typed, document(&with(&found, "mch_billno", "1"))).unwrap_err();
    assert_eq!(refused, ReplyError::Correlation { field: "mch_billno" });
    let refused = accept(&typed, document(&without(&found, "status"))).unwrap_err();
    assert_eq!(refused, ReplyError::Missing { field: "status" });
}

#[test]
fn every_echo_of_an_unsigned_payout_is_held() {
    let own = [("partner_trade_no", "MINE"), ("amount", "100"), ("device_info", "d")];
    let appids = [("mch_appid", "wx1"), ("appid", "wx2")];
    let codes = [("return_code", "SUCCESS"), ("result_code", "SUCCESS"), ("mchid", "10000098")];
    let paid = [&codes[..], &own, &appids, &[("payment_no", "9")]].concat();
    let call = Call::new("mmpaymkttransfers/promotion/transfers").fields(own).fields(appids);
    assert!(accept(&call, document(&paid)).is_ok());
    for field in ["partner_trade_no", "amount", "mchid", "appid", "mch_appid", "device_info"] {
        let refused = accept(&call, document(&with(&paid, field, "9"))).unwrap_err();
        assert_eq!(refused, ReplyError::Correlation { field });
    }
    // what was sent empty was not sent
    let silent =
        Call::new("mmpaysptrans/pay_bank").field("partner_trade_no", "MINE").field("device_info", "");
    let paid = with(&without(&paid, "mchid"), "device_info", "x");
    assert!(accept(&silent, document(&paid)).is_ok());
}

/// Unsigned payouts that have no table yet.
#[test]
fn an_unsigned_payout_names_its_order() {
    let sent = [("partner_trade_no", "MINE"), ("amount", "100")];
    let paid = [("return_code", "SUCCESS"), ("result_code", "SUCCESS"), ("mch_id", "10000098")];
    let paid = [&paid[..], &sent, &[("payment_no", "9"), ("status", "SUCCESS")]].concat();
    let call = Call::new("mmpaysptrans/pay_bank").fields(sent);
    assert!(accept(&call, document(&paid)).unwrap().head.is_success());
    for (field, value) in [("partner_trade_no", "OTHER"), ("amount", "999"), ("mch_id", "9")] {
        let refused = accept(&call, document(&with(&paid, field, value))).unwrap_err();
        assert_eq!(refused, ReplyError::Correlation { field });
    }
    for path in [
        "mmpaysptrans/pay_bank",
        "mmpaysptrans/query_bank",
        "mmpaymkttransfers/gettransferinfo",
        "mmpaymkttransfers/promotion/transfers",
        "mmpaymkttransfers/promotion/querywwsptrans2pocket",
        "mmpaymkttransfers/promotion/paywwsptrans2pocket",
    ] {
        let refused = accept(&Call::new(path).fields(sent), document(&without(&paid, "partner_trade_no")));
        assert_eq!(refused.unwrap_err(), ReplyError::Missing { field: "partner_trade_no" }, "{path}");
    }
}

#[test]
fn a_list_is_read_where_it_is_declared() {
    let head = "<return_code>SUCCESS</return_code><result_code>SUCCESS</result_code>";
    let list = "<mchinfo><mch><id>1</id></mch><mch><id>2</id></mch></mchinfo>";
    let body = format!("<xml>{head}{list}</xml>");
    let call = || Call::new("pay/x").trust(Trust::TransportOnly);
    let nested = accept(&call(), &body).unwrap_err();
    assert!(matches!(nested, ReplyError::Xml(error) if error.kind == XmlErrorKind::Nested), "{nested}");

    let listed = call().list("mchinfo", "mch");
    let reply = accept(&listed, &body).unwrap();
    let ids: Vec<_> = reply.fields.list("mchinfo").iter().filter_map(|item| item.get("id")).collect();
    assert_eq!(ids, ["1", "2"]);
    assert!(!reply.fields.to_map().contains_key("mchinfo"));
    let mut xml = wire::Writer::new();
    reply.write(&mut xml);
    assert_eq!(accept(&listed, xml.finish()), Ok(reply));
    // the sign of a signed answer covers no list, so none is written
    let closed = Call::new("pay/x").list("mchinfo", "mch");
    let refused = MERCHANT.write_reply(&closed.spec(), &accept(&listed, &body).unwrap()).unwrap_err();
    assert!(matches!(refused, ReplyError::Xml(error) if error.kind == XmlErrorKind::Nested), "{refused}");
    // and none is read
    let right = signed(Md5, &[("return_code", "SUCCESS"), ("result_code", "SUCCESS")]);
    let with_list = right.replace("</xml>", &format!("{list}</xml>"));
    let refused = accept(&listed.trust(Trust::Signed), with_list).unwrap_err();
    assert_eq!(refused, ReplyError::SignedNesting);
    // a path with a table has its lists without being asked
    assert_eq!(Call::new("mmpaymkttransfers/gethbinfo").spec().lists[0].container, "hblist");
}

#[test]
fn a_client_sends_a_call_like_any_request() {
    let transport = |request: http::Request<bytes::Bytes>| {
        assert_eq!(request.uri().path(), "/pay/orderquery");
        Ok::<_, std::io::Error>(answer(signed(HmacSha256, &with(&PAID, "trade_state", "SUCCESS"))))
    };
    let client = Client::new(MERCHANT.clone(), transport, || [7; 16]);
    let reply =
        client.send_blocking(&Call::new("pay/orderquery").field("out_trade_no", ORDER.out_trade_no)).unwrap();
    assert_eq!(reply.fields.get("total_fee"), Some("100"));
}
