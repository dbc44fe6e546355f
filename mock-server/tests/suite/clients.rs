//! The core's client against every endpoint, in-process and over mutual TLS: the same bodies to the byte.

use std::cell::RefCell;

use bytes::Bytes;
use wechatpay_mock_server::MockMerchant;
use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::reply::Reply as _;
use wechatpay_proto::transport::{BaseUrl, BlockingTransport};
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, SendGroupRedPackOptions, SendMiniProgramHb, SendMiniProgramHbOptions,
    SendRedPack, SendRedPackOptions, SendWorkWxRedPack, SendWorkWxRedPackOptions,
};
use wechatpay_proto::{Client, Fen};

use crate::common::{APPID, MCH_ID, OPENID, legacy, shop_with};
use crate::tls::{own, transport};

const ASK: GetHbInfo<'_> = GetHbInfo { mch_billno: "1", appid: APPID };

/// Sends, asks, has the packet claimed, and asks again: the bodies of the answers, each of which the client accepts
/// as a success.
fn story<T: BlockingTransport>(
    merchant: &MockMerchant,
    transport: &T,
    base: BaseUrl,
    send: &impl Outgoing,
    ask: &impl Outgoing,
) -> Vec<Bytes> {
    let bodies = RefCell::new(Vec::new());
    let recorded = |request| {
        let response = transport.send_blocking(request)?;
        bodies.borrow_mut().push(response.body().clone());
        Ok::<_, T::Error>(response)
    };
    let client = Client::new(merchant.credentials(), recorded, || [7; 16]).with_base(base);
    assert!(client.send_blocking(send).unwrap().head().is_success());
    assert!(client.send_blocking(ask).unwrap().head().is_success());
    merchant.claim("1").unwrap();
    assert!(client.send_blocking(ask).unwrap().head().is_success());
    bodies.into_inner()
}

#[track_caller]
fn same_inside_and_outside(send: &impl Outgoing, ask: &impl Outgoing) {
    let (inside, insider) = shop_with(legacy());
    let (outside, outsider) = shop_with(legacy());
    let server = outside.serve().unwrap();
    let socket = transport(&server, own(&server, MCH_ID));
    let base = BaseUrl::parse(&server.https_url()).unwrap();
    let told = story(&insider, &insider.transport(), BaseUrl::default(), send, ask);
    assert_eq!(told, story(&outsider, &socket, base, send, ask));
    assert_eq!(inside.ledger(), outside.ledger());
    assert_ne!(told[1], told[2], "the claim is told");
}

#[test]
fn sendredpack_and_gethbinfo() {
    let request = SendRedPack {
        mch_billno: "1",
        wxappid: APPID,
        send_name: "天虹百货",
        re_openid: OPENID,
        total_amount: Fen(1_000),
        wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
        client_ip: [192, 168, 0, 1].into(),
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendRedPackOptions::default(),
    };
    same_inside_and_outside(&request, &ASK);
}

#[test]
fn sendminiprogramhb_and_gethbinfo() {
    let request = SendMiniProgramHb {
        mch_billno: "1",
        wxappid: APPID,
        send_name: "天虹百货",
        re_openid: OPENID,
        total_amount: Fen(1_000),
        wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendMiniProgramHbOptions::default(),
    };
    same_inside_and_outside(&request, &ASK);
}

#[test]
#[expect(deprecated, reason = "the mock can still serve it")]
fn sendgroupredpack_and_gethbinfo() {
    let request = wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack {
        mch_billno: "1",
        wxappid: APPID,
        send_name: "天虹百货",
        re_openid: OPENID,
        total_amount: Fen(1_000),
        total_num: 3,
        wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendGroupRedPackOptions::default(),
    };
    same_inside_and_outside(&request, &ASK);
}

#[test]
fn sendworkwxredpack_and_queryworkwxredpack() {
    let request = SendWorkWxRedPack {
        mch_billno: "1",
        wxappid: APPID,
        re_openid: OPENID,
        total_amount: Fen(1_000),
        wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendWorkWxRedPackOptions {
            sender_name: Some("张三"),
            sender_header_media_id: Some("1G6nrLmr5EC3MMb"),
            ..SendWorkWxRedPackOptions::default()
        },
    };
    same_inside_and_outside(&request, &QueryWorkWxRedPack { mch_billno: "1", appid: APPID });
}
