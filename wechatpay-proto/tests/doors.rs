//! Two doors, one way: a typed request and a [`Call`] with the same fields are the same request, and the same bytes are
//! the same answer to both.

mod common;

use std::net::Ipv4Addr;

use common::*;
use proptest::prelude::*;
use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::reply::Reply;
use wechatpay_proto::transport::ClientCertificate;
#[allow(deprecated, reason = "what is out of use is tested too")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, Scene, SendGroupRedPackOptions, SendMiniProgramHb,
    SendMiniProgramHbOptions, SendRedPack, SendRedPackOptions, SendWorkWxRedPack, SendWorkWxRedPackOptions,
};
use wechatpay_proto::{Call, Fen, Merchant, Nonce, ReplyError};

/// What the generated requests are made of.
#[derive(Clone, Debug)]
struct Drawn {
    provider: bool,
    number: String,
    appid: String,
    openid: String,
    amount: u32,
    heads: u32,
    address: Ipv4Addr,
    send_name: String,
    wishing: String,
    act_name: String,
    remark: String,
    scene: Option<Scene>,
    payer: Option<String>,
    risk: Option<String>,
    agent: Option<u32>,
    media: Option<String>,
}

/// Text that every rule takes, the dangerous characters often.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "]]>", "<", ">", "'", "\"", "%26", " ", "红", "😀", "\u{85}", "\u{2028}", "\u{7f}", "&", "=",
        "a=b&key=", "x",
    ];
    (
        prop::sample::select(vec!["x", "红", "<"]),
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..3),
    )
        .prop_map(|(first, more)| first.to_owned() + &more.concat())
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let scene = prop::sample::select(Scene::ALL.to_vec());
    let amounts = prop_oneof![100..=20_000_u32, 300..=1_000_u32];
    (
        (
            any::<bool>(),
            "[0-9A-Za-z]{1,28}",
            "[0-9A-Za-z_-]{1,32}",
            "[0-9A-Za-z_-]{1,32}",
            amounts,
            3..=20_u32,
        ),
        (any::<[u8; 4]>(), text(), text(), text(), text()),
        (prop::option::of(scene), prop::option::of("[0-9]{1,32}"), prop::option::of("([a-z]|%3d|%26){1,9}")),
        (prop::option::of(any::<u32>()), prop::option::of("[0-9A-Za-z_-]{1,64}")),
    )
        .prop_map(|(ids, texts, options, sender)| Drawn {
            provider: ids.0,
            number: ids.1,
            appid: ids.2,
            openid: ids.3,
            amount: ids.4,
            heads: ids.5,
            address: texts.0.into(),
            send_name: texts.1,
            wishing: texts.2,
            act_name: texts.3,
            remark: texts.4,
            scene: options.0,
            payer: options.1,
            risk: options.2,
            agent: sender.0,
            media: sender.1,
        })
}

impl Drawn {
    fn merchant(&self) -> Merchant {
        if self.provider { provider() } else { MERCHANT.clone() }
    }

    /// The rows of a service provider: there in that mode only.
    fn provided<'d>(&self, value: &'d str) -> Option<&'d str> {
        self.provider.then_some(value)
    }

    /// A group of many needs more money than was drawn.
    fn for_group(&self) -> Fen {
        Fen(self.amount.max(self.heads * 100))
    }

    /// Text that may come back in a signed answer.
    fn echoed(text: &str) -> String {
        text.replace(['&', '='], "_")
    }

    fn call(&self, path: &'static str) -> Call<'_> {
        Call::new(path).field("mch_billno", &self.number)
    }

    fn packet(&self, path: &'static str) -> Call<'_> {
        self.call(path)
            .field("wxappid", &self.appid)
            .field("re_openid", &self.openid)
            .field("scene_id", self.scene)
    }

    fn texts(&self, path: &'static str) -> Call<'_> {
        self.packet(path)
            .field("send_name", &self.send_name)
            .field("wishing", &self.wishing)
            .field("act_name", &self.act_name)
            .field("remark", &self.remark)
    }

    fn provider<'d>(&'d self, call: Call<'d>) -> Call<'d> {
        call.field("sub_mch_id", self.provided("10000090"))
            .field("msgappid", self.provided("wx_1"))
            .field("consume_mch_id", self.payer.as_deref().and_then(|payer| self.provided(payer)))
            .field("risk_info", self.risk.as_deref())
    }
}

/// Hands each of the six pairs to a macro that takes a typed request and a call with the same fields.
macro_rules! each_pair {
    ($drawn:ident, $pair:ident) => {{
        let drawn = &$drawn;
        let (wishing, act_name, remark) =
            (Drawn::echoed(&drawn.wishing), Drawn::echoed(&drawn.act_name), Drawn::echoed(&drawn.remark));
        let sender = Drawn::echoed(&drawn.send_name);
        let sender = drawn.agent.is_none().then_some(&*sender);
        let total_amount = Fen(drawn.amount);
        $pair!(
            SendRedPack {
                mch_billno: &drawn.number,
                wxappid: &drawn.appid,
                send_name: &drawn.send_name,
                re_openid: &drawn.openid,
                total_amount,
                wishing: &drawn.wishing,
                client_ip: drawn.address,
                act_name: &drawn.act_name,
                remark: &drawn.remark,
                options: SendRedPackOptions {
                    sub_mch_id: drawn.provided("10000090"),
                    msgappid: drawn.provided("wx_1"),
                    consume_mch_id: drawn.payer.as_deref().and_then(|payer| drawn.provided(payer)),
                    scene_id: drawn.scene,
                    risk_info: drawn.risk.as_deref(),
                },
            },
            drawn
                .provider(drawn.texts("v2/mmpaymkttransfers/sendredpack"))
                .field("client_ip", drawn.address)
                .field("total_amount", total_amount)
                .field("total_num", 1)
        );
        $pair!(
            SendMiniProgramHb {
                mch_billno: &drawn.number,
                wxappid: &drawn.appid,
                send_name: &drawn.send_name,
                re_openid: &drawn.openid,
                total_amount,
                wishing: &drawn.wishing,
                act_name: &drawn.act_name,
                remark: &drawn.remark,
                options: SendMiniProgramHbOptions { scene_id: drawn.scene },
            },
            drawn
                .texts("v2/mmpaymkttransfers/sendminiprogramhb")
                .field("total_amount", total_amount)
                .field("notify_way", "MINI_PROGRAM_JSAPI")
                .field("total_num", 1_u64)
        );
        $pair!(
            SendGroupRedPack {
                mch_billno: &drawn.number,
                wxappid: &drawn.appid,
                send_name: &drawn.send_name,
                re_openid: &drawn.openid,
                total_amount: drawn.for_group(),
                total_num: drawn.heads,
                wishing: &drawn.wishing,
                act_name: &drawn.act_name,
                remark: &drawn.remark,
                options: SendGroupRedPackOptions {
                    sub_mch_id: drawn.provided("10000090"),
                    msgappid: drawn.provided("wx_1"),
                    consume_mch_id: drawn.payer.as_deref().and_then(|payer| drawn.provided(payer)),
                    scene_id: drawn.scene,
                    risk_info: drawn.risk.as_deref(),
                },
            },
            drawn
                .provider(drawn.texts("v2/mmpaymkttransfers/sendgroupredpack"))
                .field("total_num", u64::from(drawn.heads))
                .field("total_amount", drawn.for_group())
                .field("amt_type", "ALL_RAND")
        );
        $pair!(
            SendWorkWxRedPack {
                mch_billno: &drawn.number,
                wxappid: &drawn.appid,
                re_openid: &drawn.openid,
                total_amount,
                wishing: &wishing,
                act_name: &act_name,
                remark: &remark,
                options: SendWorkWxRedPackOptions {
                    agentid: drawn.agent,
                    sender_name: sender,
                    sender_header_media_id: drawn.media.as_deref(),
                    scene_id: drawn.scene,
                },
            },
            drawn
                .packet("v2/mmpaymkttransfers/sendworkwxredpack")
                .fields([("wishing", &wishing), ("act_name", &act_name), ("remark", &remark)])
                .field("total_amount", total_amount)
                .field("agentid", drawn.agent.map(u64::from))
                .field("sender_name", sender)
                .field("sender_header_media_id", drawn.media.as_deref())
        );
        $pair!(
            GetHbInfo { mch_billno: &drawn.number, appid: &drawn.appid },
            drawn
                .call("v2/mmpaymkttransfers/gethbinfo")
                .field("appid", &drawn.appid)
                .field("bill_type", "MCHT")
        );
        $pair!(
            QueryWorkWxRedPack { mch_billno: &drawn.number, appid: &drawn.appid },
            drawn.call("v2/mmpaymkttransfers/queryworkwxredpack").field("appid", &drawn.appid)
        );
    }};
}

/// Everything that leaves: the text that was signed, the document with its sign, where it goes and how.
fn sent<E: Outgoing>(merchant: &Merchant, request: &E) -> Result<[String; 5], TestCaseError> {
    let signed = merchant.sign(request, Nonce::from_bytes([7; 16]));
    let signed = signed.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let (text, xml) = (signed.string_to_sign(), signed.xml().to_owned());
    let (request, _) = signed.into_parts();
    prop_assert_eq!(request.body(), &xml);
    let how = format!("{} {}", request.method(), request.uri());
    let certificate = format!("{:?}", request.extensions().get::<ClientCertificate>());
    Ok([text, xml, how, format!("{:?}", request.headers()), certificate])
}

/// What an answer is worth: its head and outcome-free verdict. Types are the one thing that only a typed answer has.
fn verdict<E: Outgoing>(merchant: &Merchant, request: &E, body: &str) -> Result<String, ReplyError> {
    let response = answer(body);
    pending(merchant, request).accept(&response).map(|reply| format!("{:?}", reply.head()))
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    #[allow(deprecated, reason = "what is out of use is tested too")]
    fn both_doors_send_the_same(drawn in drawn()) {
        let merchant = drawn.merchant();
        macro_rules! pair {
            ($typed:expr, $call:expr) => {
                let (typed, call) = (sent(&merchant, &$typed)?, sent(&merchant, &$call)?);
                prop_assert_eq!(&typed, &call);
                // and neither is wrong in the same way as the other
                let document = wechatpay_proto::wire::parse(typed[1].as_bytes(), &[]).unwrap();
                let fields: Vec<_> = document.untrusted().iter().collect();
                prop_assert_eq!(&typed[0], &naive_text(&fields));
                prop_assert_eq!(document.untrusted().get("sign"), Some(&*naive_sign(Md5, &fields)));
            };
        }
        each_pair!(drawn, pair);
    }

    #[test]
    #[allow(deprecated, reason = "what is out of use is tested too")]
    fn both_doors_read_the_same(
        drawn in drawn(),
        codes in prop::sample::select(vec![("SUCCESS", "SUCCESS"), ("SUCCESS", "SUCCESS"), ("SUCCESS", "SUCCESS"), ("SUCCESS", "FAIL"), ("FAIL", "FAIL"), ("FAIL", ""), ("", "SUCCESS")]),
        dropped in prop::option::of(0..7_usize),
        changed in prop::option::of((0..7_usize, prop::sample::select(vec!["", "1", "01000", " ", "a&b"]))),
        more in prop::sample::select(vec!["", "", "", "<key>k</key>", "<zzz>1</zzz>", "<mch_id>1</mch_id>", "<hblist><hbinfo><openid>o</openid></hbinfo></hblist>", "<!-- -->", "<sign/>"]),
        signed in prop::sample::select(vec![None, None, Some(Md5), Some(Md5), Some(HmacSha256)]),
        forged in prop::bool::weighted(0.1),
    ) {
        let merchant = drawn.merchant();
        let group = drawn.for_group().0.to_string();
        let amount = drawn.amount.to_string();
        macro_rules! pair {
            ($typed:expr, $call:expr) => {
                let (typed, call) = ($typed, $call);
                let total = if typed.spec().path.contains("sendgroup") { &group } else { &amount };
                let mut fields = vec![
                    ("return_code", codes.0), ("result_code", codes.1), ("err_code", "SEND_FAILED"),
                    ("mch_billno", &drawn.number), ("mch_id", "10000098"), ("wxappid", &drawn.appid),
                    ("re_openid", &drawn.openid), ("total_amount", total), ("status", "SENT"), ("package", PACKAGE),
                ];
                if let Some((at, value)) = changed {
                    fields[at + 3].1 = value;
                }
                if let Some(at) = dropped {
                    fields.remove(at + 3);
                }
                let sign = signed.map(|sign_type| naive_sign(sign_type, &fields));
                if let Some(sign) = &sign {
                    fields.push(("sign", if forged { "00000000000000000000000000000000" } else { sign }));
                }
                let body = document(&fields).replace("</xml>", &format!("{more}</xml>"));
                let untouched = dropped.is_none() && changed.is_none() && more.is_empty() && !forged;
                if untouched && codes == ("SUCCESS", "SUCCESS") && signed == Some(Md5) {
                    prop_assert!(verdict(&merchant, &typed, &body).is_ok(), "{}", body);
                }
                match verdict(&merchant, &typed, &body) {
                    // a number where a text stands: fields without types cannot see it
                    Err(ReplyError::Malformed { .. }) => prop_assert!(verdict(&merchant, &call, &body).is_ok(), "{}", body),
                    other => prop_assert_eq!(other, verdict(&merchant, &call, &body), "{}", body),
                }
            };
        }
        each_pair!(drawn, pair);
    }
}
