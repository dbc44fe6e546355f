//! Every folder below `vectors/` is a test: each stage from a typed request to a typed answer equals its file.
//!
//! The stages of the request come from `vectors/make.py`, a signer that shares nothing with this crate, and so do the
//! signs of the answers; the answers are official samples, real ones, or written after them.

#[path = "vectors/case.rs"]
mod case;

use bytes::Bytes;
use case::cases;
use toml::{Table, Value};
use wechatpay_proto::endpoint::Endpoint as _;
use wechatpay_proto::reply::Head;
use wechatpay_proto::rule::Rule::Any;
#[allow(deprecated, reason = "what is out of use has vectors too")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, SendGroupRedPackOptions, SendMiniProgramHb, SendMiniProgramHbOptions,
    SendRedPack, SendRedPackOptions, SendWorkWxRedPack, SendWorkWxRedPackOptions,
};
use wechatpay_proto::{BeijingTime, Fen, SignType, endpoint};

endpoint! {
    /// The made-up call of the official signature page.
    pub(crate) struct Example<'a> => ExampleReply<'b>;
    POST "/example", certificate: false, sign: Merchant, trust: Signed;

    envelope { mch_id: mch_id; nonce_str: nonce; }
    required {
        /// An appid.
        appid: &'a str => Any;
        /// A body.
        body: &'a str => Any;
        /// A device.
        device_info: &'a str => Any;
    }
    reply {}
    echo {}
    promise {}
}

/// The typed values that are present, by wire name, as a context writes them.
#[derive(Default)]
struct Shown(Table);

impl Shown {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        self.0.extend(value.map(|value| (name.to_owned(), value.into())));
    }

    fn text(&mut self, name: &str, value: Option<&impl AsRef<str>>) {
        self.put(name, value.map(|value| value.as_ref().to_owned()));
    }

    fn word(&mut self, name: &str, value: Option<&impl ToString>) {
        self.put(name, value.map(ToString::to_string));
    }

    fn time(&mut self, name: &str, value: Option<&BeijingTime<'_>>) {
        self.put(name, value.map(|value| value.as_str().to_owned()));
    }

    fn number(&mut self, name: &str, value: Option<&u32>) {
        self.put(name, value.copied());
    }

    fn fen(&mut self, name: &str, value: Option<&Fen>) {
        self.put(name, value.map(|fen| fen.0));
    }

    fn head(&mut self, head: &Head<'_>) {
        self.word("return_code", Some(&head.return_code));
        self.text("return_msg", head.return_msg.as_ref());
        self.word("result_code", head.result_code.as_ref());
        self.word("err_code", head.err_code.as_ref());
        self.text("err_code_des", head.err_code_des.as_ref());
    }

    fn extra<T: AsRef<str>>(&mut self, extra: &[(T, T)]) {
        let pair = |(name, value): &(T, T)| vec![name.as_ref().to_owned(), value.as_ref().to_owned()];
        let pairs: Vec<_> = extra.iter().map(pair).collect();
        self.put("extra", Some(pairs).filter(|pairs| !pairs.is_empty()));
    }
}

/// Puts the rows of an answer, or of an item, into a `Shown`, each by its kind.
macro_rules! show {
    ($shown:expr, $rows:expr; $($kind:ident: $($name:ident),*;)*) => {{
        $($($shown.$kind(stringify!($name), $rows.$name.as_ref());)*)*
        $shown.extra(&$rows.extra);
    }};
}

/// Compares the stages of one folder, then what is read of its answer, then what is read of that when written again.
macro_rules! compare {
    ($case:expr, $Endpoint:ident, $request:expr, |$shown:ident, $reply:ident| $show:expr) => {{
        let (case, request) = (&$case, $request);
        let merchant = case.merchant();
        let pending = case.sign(&merchant, &request);
        let response = case.answer();
        let $reply = pending.accept(&response).unwrap_or_else(|error| panic!("{case}: {error}"));
        let mut $shown = Shown::default();
        $shown.head(&$reply.head);
        $show;
        case.compare($shown.0, &$reply.outcome());

        let written = merchant.write_reply($Endpoint::SPEC, &$reply).unwrap();
        let written = http::Response::new(Bytes::from(written));
        assert_eq!(pending.accept(&written).as_ref(), Ok(&$reply), "{case}");
    }};
}

#[test]
fn sendredpack_equals_its_vectors_at_every_stage() {
    for case in cases("mmpaymkttransfers/sendredpack", 11) {
        let packet = SendRedPack {
            mch_billno: case.field("mch_billno"),
            wxappid: case.field("wxappid"),
            send_name: case.field("send_name"),
            re_openid: case.field("re_openid"),
            total_amount: case.amount(),
            wishing: case.field("wishing"),
            client_ip: case.field("client_ip").parse().unwrap(),
            act_name: case.field("act_name"),
            remark: case.field("remark"),
            options: SendRedPackOptions {
                sub_mch_id: case.optional("sub_mch_id"),
                msgappid: case.optional("msgappid"),
                consume_mch_id: case.optional("consume_mch_id"),
                scene_id: case.scene(),
                risk_info: case.optional("risk_info"),
            },
        };
        compare!(case, SendRedPack, packet, |shown, reply| show!(shown, reply;
            text: mch_billno, mch_id, wxappid, re_openid, send_listid;
            fen: total_amount;
            number: total_num;
            time: send_time;
        ));
    }
}

#[test]
fn sendminiprogramhb_equals_its_vectors_at_every_stage() {
    for case in cases("mmpaymkttransfers/sendminiprogramhb", 3) {
        let packet = SendMiniProgramHb {
            mch_billno: case.field("mch_billno"),
            wxappid: case.field("wxappid"),
            send_name: case.field("send_name"),
            re_openid: case.field("re_openid"),
            total_amount: case.amount(),
            wishing: case.field("wishing"),
            act_name: case.field("act_name"),
            remark: case.field("remark"),
            options: SendMiniProgramHbOptions { scene_id: case.scene() },
        };
        compare!(case, SendMiniProgramHb, packet, |shown, reply| show!(shown, reply;
            text: mch_billno, mch_id, wxappid, re_openid, send_listid, package;
            fen: total_amount;
            number: total_num;
            time: send_time;
        ));
    }
}

#[test]
#[allow(deprecated, reason = "what is out of use has vectors too")]
fn sendgroupredpack_equals_its_vectors_at_every_stage() {
    for case in cases("mmpaymkttransfers/sendgroupredpack", 4) {
        let packet = SendGroupRedPack {
            mch_billno: case.field("mch_billno"),
            wxappid: case.field("wxappid"),
            send_name: case.field("send_name"),
            re_openid: case.field("re_openid"),
            total_amount: case.amount(),
            total_num: case.number("total_num").unwrap(),
            wishing: case.field("wishing"),
            act_name: case.field("act_name"),
            remark: case.field("remark"),
            options: SendGroupRedPackOptions {
                sub_mch_id: case.optional("sub_mch_id"),
                msgappid: case.optional("msgappid"),
                consume_mch_id: case.optional("consume_mch_id"),
                scene_id: case.scene(),
                risk_info: case.optional("risk_info"),
            },
        };
        compare!(case, SendGroupRedPack, packet, |shown, reply| show!(shown, reply;
            text: mch_billno, mch_id, wxappid, re_openid, send_listid;
            fen: total_amount;
            number: total_num;
            time: send_time;
        ));
    }
}

#[test]
fn sendworkwxredpack_equals_its_vectors_at_every_stage() {
    for case in cases("mmpaymkttransfers/sendworkwxredpack", 5) {
        let packet = SendWorkWxRedPack {
            mch_billno: case.field("mch_billno"),
            wxappid: case.field("wxappid"),
            re_openid: case.field("re_openid"),
            total_amount: case.amount(),
            wishing: case.field("wishing"),
            act_name: case.field("act_name"),
            remark: case.field("remark"),
            options: SendWorkWxRedPackOptions {
                agentid: case.number("agentid"),
                sender_name: case.optional("sender_name"),
                sender_header_media_id: case.optional("sender_header_media_id"),
                scene_id: case.scene(),
            },
        };
        compare!(case, SendWorkWxRedPack, packet, |shown, reply| show!(shown, reply;
            text: mch_billno, mch_id, wxappid, re_openid, send_listid, sender_name, sender_header_media_id;
            fen: total_amount;
        ));
    }
}

#[test]
fn gethbinfo_equals_its_vectors_at_every_stage() {
    for case in cases("mmpaymkttransfers/gethbinfo", 12) {
        let query = GetHbInfo { mch_billno: case.field("mch_billno"), appid: case.field("appid") };
        compare!(case, GetHbInfo, query, |shown, reply| {
            show!(shown, reply;
                text: mch_billno, mch_id, detail_id, reason, wishing, remark, act_name;
                word: status, send_type, hb_type;
                number: total_num;
                fen: total_amount, refund_amount;
                time: send_time, refund_time;
            );
            let claims = reply.hblist.iter().map(|claim| {
                let mut shown = Shown::default();
                show!(shown, claim; text: openid; fen: amount; time: rcv_time;);
                shown.0
            });
            let claims: Vec<_> = claims.collect();
            shown.put("hblist", Some(claims).filter(|claims| !claims.is_empty()));
        });
    }
}

#[test]
fn queryworkwxredpack_equals_its_vectors_at_every_stage() {
    for case in cases("mmpaymkttransfers/queryworkwxredpack", 4) {
        let query = QueryWorkWxRedPack { mch_billno: case.field("mch_billno"), appid: case.field("appid") };
        compare!(case, QueryWorkWxRedPack, query, |shown, reply| show!(shown, reply;
            text: mch_billno, mch_id, detail_id, reason, wishing, remark, act_name, openid, sender_name,
                sender_header_media_id;
            word: status, send_type;
            fen: total_amount, refund_amount, amount;
            time: send_time, refund_time, rcv_time;
        ));
    }
}

/// The page prints no result; another program than make.py gave this one.
#[test]
fn the_official_example_of_the_sign_of_work_weixin_is_among_the_vectors() {
    let cases = cases("mmpaymkttransfers/sendworkwxredpack", 5);
    let signs: Vec<_> = cases.iter().map(|case| case.file("workwx-sign.txt")).collect();
    assert!(signs.contains(&"8B8D04AFC9FD08094CC5A0C2FA8BB60C".to_owned()), "{signs:?}");
}

#[test]
fn the_official_signature_example_equals_its_vectors() {
    for case in cases("signature/official", 2) {
        let sign_type = match case.text("sign_type") {
            "MD5" => SignType::Md5,
            "HMAC-SHA256" => SignType::HmacSha256,
            other => panic!("{case}: {other}"),
        };
        let merchant = case.merchant().with_sign_type(sign_type);
        let request = Example {
            appid: case.field("appid"),
            body: case.field("body"),
            device_info: case.field("device_info"),
        };
        let _ = case.sign(&merchant, &request);
    }
}
