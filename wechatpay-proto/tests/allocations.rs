//! How often the hot paths ask for memory, a block that grows counted as another: signing, and accepting an answer.
#![allow(clippy::print_stdout, reason = "figures for whoever runs the tests with --nocapture")]

mod common;

use std::borrow::Cow;

use allocation_counter::measure;
use common::*;
use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::reply::Reply as _;
use wechatpay_proto::rule::Rule::Token;
use wechatpay_proto::v2::mmpaymkttransfers::{Scene, SendRedPack, SendRedPackOptions};
use wechatpay_proto::wire::BeijingTime;
use wechatpay_proto::{Call, Fen, Merchant, Nonce, SignType, endpoint};

endpoint! {
    /// An endpoint whose signed answers have 20 fields.
    pub(crate) struct Paid<'a> => PaidReply<'b>;
    POST "/pay/orderquery", certificate: false, sign: Merchant, trust: Signed;

    envelope { mch_id: mch_id; nonce_str: nonce; sign_type: sign_type; }
    required {
        /// 应用ID.
        appid: &'a str => Token { max: 32 };
        /// 商户订单号.
        out_trade_no: &'a str => Token { max: 32 };
    }
    reply {
        /// 应用ID.
        appid: Cow<'b, str>;
        /// 商户号.
        mch_id: Cow<'b, str>;
        /// 随机字符串.
        nonce_str: Cow<'b, str>;
        /// 设备号.
        device_info: Cow<'b, str>;
        /// 用户标识.
        openid: Cow<'b, str>;
        /// 是否关注公众账号.
        is_subscribe: Cow<'b, str>;
        /// 交易类型.
        trade_type: Cow<'b, str>;
        /// 交易状态.
        trade_state: Cow<'b, str>;
        /// 付款银行.
        bank_type: Cow<'b, str>;
        /// 标价金额.
        total_fee: Fen;
        /// 标价币种.
        fee_type: Cow<'b, str>;
        /// 现金支付金额.
        cash_fee: Fen;
        /// 现金支付币种.
        cash_fee_type: Cow<'b, str>;
        /// 微信支付订单号.
        transaction_id: Cow<'b, str>;
        /// 商户订单号.
        out_trade_no: Cow<'b, str>;
        /// 附加数据.
        attach: Cow<'b, str>;
        /// 支付完成时间.
        time_end: BeijingTime<'b>;
    }
    echo { appid, mch_id, out_trade_no }
    promise { appid, mch_id, out_trade_no, trade_state }
}

/// A success that fits [`Paid`] with what [`ORDER`] asks for, not signed yet.
const TWENTY: [(&str, &str); 20] = [
    ("return_code", "SUCCESS"),
    ("return_msg", "OK"),
    ("result_code", "SUCCESS"),
    ("appid", "wxd930ea5d5a258f4f"),
    ("mch_id", "10000098"),
    ("nonce_str", "TN55wO9Pba5yENl8"),
    ("device_info", "1000"),
    ("openid", "oUpF8uN95-Ptaags6E_roPHg7AG0"),
    ("is_subscribe", "Y"),
    ("trade_type", "MICROPAY"),
    ("trade_state", "SUCCESS"),
    ("bank_type", "CCB_DEBIT"),
    ("total_fee", "101"),
    ("fee_type", "CNY"),
    ("cash_fee", "100"),
    ("cash_fee_type", "CNY"),
    ("transaction_id", "1008450740201411110005820873"),
    ("out_trade_no", "1217752501201407033233368018"),
    ("attach", "订单额外描述"),
    ("time_end", "20141111170043"),
];

/// How often memory is asked for to sign `request`, the nonce included.
fn signing<E: Outgoing>(merchant: &Merchant, request: &E) -> u64 {
    let mut signed = None;
    let count = measure(|| signed = Some(merchant.sign(request, Nonce::from_bytes([7; 16])))).count_total;
    assert!(signed.unwrap().unwrap().xml().contains("<sign>"));
    count
}

/// How often to accept `body` as the answer to `request`.
fn accepting<E: Outgoing>(merchant: &Merchant, request: &E, body: impl AsRef<[u8]>) -> u64 {
    let (pending, response) = (pending(merchant, request), answer(body));
    let mut reply = None;
    let count = measure(|| reply = Some(pending.accept(&response))).count_total;
    assert!(reply.unwrap().unwrap().head().is_success());
    count
}

/// How often quick-xml itself asks, for nothing but its events: it keeps the names of open elements in two blocks, one of
/// which grows with the longest name.
fn tokens(body: impl AsRef<[u8]>) -> u64 {
    let body = std::str::from_utf8(body.as_ref()).unwrap();
    let mut events = 0;
    let count = measure(|| {
        let mut reader = quick_xml::Reader::from_str(body);
        while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {
            events += 1;
        }
    });
    assert!(events > 20);
    count.count_total
}

fn at_most(most: u64, counts: &[(&str, u64)]) {
    for (what, count) in counts {
        println!("{what}: {count} allocations");
    }
    let over: Vec<_> = counts.iter().filter(|(_, count)| *count > most).collect();
    assert!(over.is_empty(), "more than {most}: {over:?}");
}

#[test]
fn a_block_that_grows_is_counted_again() {
    let mut text = String::new();
    let grown = measure(|| {
        text.reserve_exact(1);
        text.reserve_exact(1_000);
    });
    assert_eq!((grown.count_total, measure(|| ()).count_total), (2, 0));
}

#[test]
fn signing_takes_one_allocation() {
    let options = SendRedPackOptions {
        scene_id: Some(Scene::Product4),
        risk_info: Some("posttime%3d1388000000%26mobile%3d13800000000"),
        ..Default::default()
    };
    let fourteen = SendRedPack { options, ..PACKET.clone() };
    at_most(
        1,
        &[
            ("sign, sendredpack of 12 fields by MD5", signing(&MERCHANT, &PACKET)),
            ("sign, sendredpack of 14 fields by MD5", signing(&MERCHANT, &fourteen)),
            ("sign, an order query by HMAC-SHA256", signing(&MERCHANT, &ORDER)),
            ("sign, an order query by MD5", signing(&md5_merchant(), &ORDER)),
        ],
    );
}

#[test]
fn accepting_takes_none_but_those_of_the_tokenizer() {
    let paid = Paid { appid: ORDER.appid, out_trade_no: ORDER.out_trade_no };
    let [md5, hmac] = [SignType::Md5, SignType::HmacSha256].map(|sign_type| signed(sign_type, &TWENTY));
    let found = include_str!("vectors/mmpaymkttransfers/gethbinfo/received_without_list/reply.xml");
    let sent = document(&SENT);
    println!("the events of 20 fields: {} allocations, blocks that grow counted again", tokens(&md5));
    at_most(
        0,
        &[
            ("accept, sendredpack without a sign", accepting(&MERCHANT, &PACKET, &sent) - tokens(&sent)),
            ("accept, gethbinfo without a list", accepting(&MERCHANT, &QUERY, found) - tokens(found)),
            ("accept, 20 fields by MD5", accepting(&md5_merchant(), &paid, &md5) - tokens(&md5)),
            ("accept, 20 fields by HMAC-SHA256", accepting(&MERCHANT, &paid, &hmac) - tokens(&hmac)),
        ],
    );
}

#[test]
fn the_tokenizer_has_two_blocks() {
    // With names of up to five bytes inside `xml` nothing grows.
    assert_eq!(tokens("<xml><a>1</a><b>2</b><c>3</c><d>4</d><e>5</e><f>6</f><g>7</g></xml>"), 2);
}

#[test]
fn fields_past_the_most_of_a_call_cost_nothing() {
    let names: Vec<_> = (0..8_000).map(|number| format!("n{number}")).collect();
    let building = |count: usize| {
        let built =
            measure(|| drop(Call::new("pay/x").fields(names[..count].iter().map(|name| (name, "1")))));
        (built.count_total, built.bytes_total)
    };
    let (count, bytes) = building(1_016);
    assert_eq!(building(8_000), (count, bytes), "what is refused is not kept");
    // and each that is taken is put in its place, with no block to sort all of them in
    assert!(count < 64 && bytes < 512 * 1024, "{count} allocations, {bytes} bytes");
}
