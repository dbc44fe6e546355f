//! The answers that are read: made by hand, signed by the rivals.

use bytes::Bytes;
use http::Response;
use wechatpay_proto::SignType;

use crate::rivals::{Pairs, sign_usual};
use crate::{packet, requests};

/// What was accepted of the packet of the official sample. It carries no sign.
pub fn red_packet() -> Response<Bytes> {
    let packet = packet();
    let amount = packet.total_amount.0;
    let texts = [
        ("return_code", "SUCCESS"),
        ("return_msg", "发放成功"),
        ("result_code", "SUCCESS"),
        ("err_code", "SUCCESS"),
        ("err_code_des", "发放成功"),
        ("mch_billno", packet.mch_billno),
        ("mch_id", "10000098"),
        ("wxappid", packet.wxappid),
        ("re_openid", packet.re_openid),
        ("send_listid", "1000041701201411110000000000001"),
    ];
    let numbers = format!("<total_amount>{amount}</total_amount>\n");
    response(xml(&pairs(&texts), &numbers))
}

/// An order that was paid: 20 fields and the sign over them.
pub fn order_query(digest: SignType) -> Response<Bytes> {
    let query = requests::order_query();
    response(signed(
        &pairs(&[
            ("return_code", "SUCCESS"),
            ("return_msg", "OK"),
            ("appid", query.appid),
            ("mch_id", "10000098"),
            ("device_info", "1000"),
            ("nonce_str", "TN55wO9Pba5yENl8"),
            ("result_code", "SUCCESS"),
            ("openid", "oUpF8uN95-Ptaags6E_roPHg7AG0"),
            ("is_subscribe", "Y"),
            ("trade_type", "MICROPAY"),
            ("bank_type", "CCB_DEBIT"),
            ("total_fee", "101"),
            ("fee_type", "CNY"),
            ("cash_fee", "100"),
            ("cash_fee_type", "CNY"),
            ("transaction_id", "1008450740201411110005820873"),
            ("out_trade_no", query.out_trade_no),
            ("attach", "订单额外描述"),
            ("time_end", "20141111170043"),
            ("trade_state", "SUCCESS"),
        ]),
        digest,
    ))
}

/// A signed success with these rows besides its head, of `bytes` in all; with the shortest values that such answers have
/// where no length is asked for.
pub fn wide(rows: &[&str], bytes: Option<usize>) -> Response<Bytes> {
    let build = |value: &str| {
        let head = [("return_code", "SUCCESS"), ("return_msg", "OK"), ("result_code", "SUCCESS")];
        let rows = rows.iter().map(|row| (*row, value));
        signed(&pairs(&head.into_iter().chain(rows).collect::<Vec<_>>()), SignType::Md5)
    };
    let Some(bytes) = bytes else { return response(build("1217752501201407033233368018")) };
    let length = bytes.saturating_sub(build("").len()) / rows.len();
    // What the rows cannot share evenly is white space behind the root.
    let document = build(&"x".repeat(length));
    let rest = " ".repeat(bytes.saturating_sub(document.len()));
    response(document + &rest)
}

/// Owns what the benches write by hand.
fn pairs(fields: &[(&str, &str)]) -> Pairs {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn signed(fields: &Pairs, digest: SignType) -> String {
    xml(fields, &format!("<sign><![CDATA[{}]]></sign>\n", sign_usual(fields, digest)))
}

/// In the form of the service: text as CDATA, each element on a line of its own.
fn xml(fields: &Pairs, tail: &str) -> String {
    let mut xml = String::from("<xml>");
    for (name, value) in fields {
        xml += &format!("<{name}><![CDATA[{value}]]></{name}>\n");
    }
    xml + tail + "</xml>"
}

fn response(document: String) -> Response<Bytes> {
    Response::new(Bytes::from(document))
}
