//! Every folder below `vectors/` is a test: each stage from a typed request to a typed answer equals its file.
//!
//! The stages of the request come from `vectors/make.py`, a signer that shares nothing with this crate; the answers
//! are official samples, real ones, or written after them.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use toml::{Table, Value};
use wechatpay_proto::reply::{Head, Reply as _};
use wechatpay_proto::rule::Rule::Any;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, GetHbInfoReply, Scene, SendRedPack, SendRedPackOptions, SendRedPackReply,
};
use wechatpay_proto::wire::Writer;
use wechatpay_proto::{ApiKey, Merchant, Nonce, Outcome, Pending, Reason, SignType, endpoint};

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

/// One folder.
struct Case {
    folder: PathBuf,
    context: Table,
}

impl Case {
    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_else(|error| panic!("{self}: {name}: {error}"))
    }

    fn text(&self, name: &str) -> &str {
        self.context[name].as_str().unwrap()
    }

    fn field(&self, name: &str) -> &str {
        self.optional(name).unwrap_or_else(|| panic!("{self}: no {name}"))
    }

    fn optional(&self, name: &str) -> Option<&str> {
        self.context["fields"].get(name).map(|value| value.as_str().unwrap())
    }

    fn merchant(&self) -> Merchant {
        let key = ApiKey::new(self.text("key")).unwrap();
        match self.text("mode") {
            "direct" => Merchant::direct(self.text("mch_id"), key),
            "service_provider" => Merchant::service_provider(self.text("mch_id"), key),
            other => panic!("{self}: mode {other}"),
        }
        .unwrap()
    }

    /// Compares the stages of the request; hands out what waits for the answer.
    fn sign<'r, E: wechatpay_proto::endpoint::Endpoint>(
        &self,
        merchant: &'r Merchant,
        request: &'r E,
    ) -> Pending<'r, E> {
        let nonce = Nonce::from_text(self.text("nonce")).unwrap();
        let signed = merchant.sign(request, nonce).unwrap_or_else(|error| panic!("{self}: {error}"));
        assert_eq!(signed.string_to_sign(), self.file("string-to-sign.txt"), "{self}");
        let document = wechatpay_proto::wire::parse(signed.xml().as_bytes(), &[]).unwrap();
        let sign = document.untrusted().get("sign").map(str::to_owned);
        assert_eq!(sign, Some(self.file("sign.txt")), "{self}");
        assert_eq!(signed.xml(), self.file("request.xml"), "{self}");
        let (request, pending) = signed.into_parts();
        assert_eq!(request.body().as_ref(), self.file("request.xml").as_bytes(), "{self}");
        pending
    }

    fn answer(&self) -> http::Response<Bytes> {
        http::Response::new(Bytes::from(self.file("reply.xml")))
    }

    fn compare(&self, values: Shown, outcome: &Outcome<'_>) {
        let expected = self.context["reply"].as_table().unwrap();
        assert_eq!(&Value::Table(values.0), &expected["values"], "{self}");
        assert_eq!(say(outcome), expected["outcome"].as_str().unwrap(), "{self}");
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.folder.display())
    }
}

/// The folders of one endpoint that hold a context, at least as many as there have been.
fn cases(path: &str, at_least: usize) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(path);
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let cases: Vec<_> = folders
        .filter(|folder| folder.is_dir())
        .map(|folder| {
            let context = fs::read_to_string(folder.join("context.toml")).unwrap();
            Case { folder, context: context.parse().unwrap() }
        })
        .collect();
    assert!(cases.len() >= at_least, "{path}: {} folders, {at_least} expected", cases.len());
    cases
}

/// An outcome in the words of the contexts.
fn say(outcome: &Outcome<'_>) -> String {
    let Outcome::Unknown(reason) = outcome else {
        return if outcome.is_accepted() { "accepted" } else { "failed" }.to_owned();
    };
    let why = match reason {
        Reason::Code(code) | Reason::QueryRefused(code) => code.as_str().to_owned(),
        Reason::Sending { reason: None } => "sending".to_owned(),
        Reason::Sending { reason: Some(reason) } => format!("sending ({reason})"),
        Reason::UnknownStatus(status) => format!("status {status}"),
        other => format!("{other:?}"),
    };
    format!("unknown: {why}, {}", format!("{:?}", reason.advice()).to_lowercase())
}

/// The typed values that are present, by wire name, as a context writes them.
#[derive(Default)]
struct Shown(Table);

impl Shown {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        self.0.extend(value.map(|value| (name.to_owned(), value.into())));
    }

    fn text(&mut self, name: &str, value: Option<impl AsRef<str>>) {
        self.put(name, value.map(|value| value.as_ref().to_owned()));
    }

    fn head(&mut self, head: &Head<'_>) {
        self.text("return_code", Some(head.return_code.as_str()));
        self.text("return_msg", head.return_msg.as_ref());
        self.text("result_code", head.result_code.as_ref().map(|code| code.as_str()));
        self.text("err_code", head.err_code.as_ref().map(|code| code.as_str()));
        self.text("err_code_des", head.err_code_des.as_ref());
    }

    fn extra<T: AsRef<str>>(&mut self, extra: &[(T, T)]) {
        let pairs: Vec<_> = extra
            .iter()
            .map(|(name, value)| vec![name.as_ref().to_owned(), value.as_ref().to_owned()])
            .collect();
        self.put("extra", Some(pairs).filter(|pairs| !pairs.is_empty()));
    }
}

fn show_send(reply: &SendRedPackReply<'_>) -> Shown {
    let mut shown = Shown::default();
    shown.head(&reply.head);
    shown.text("mch_billno", reply.mch_billno.as_ref());
    shown.text("mch_id", reply.mch_id.as_ref());
    shown.text("wxappid", reply.wxappid.as_ref());
    shown.text("re_openid", reply.re_openid.as_ref());
    shown.put("total_amount", reply.total_amount.map(|fen| fen.0));
    shown.text("send_listid", reply.send_listid.as_ref());
    shown.put("total_num", reply.total_num);
    shown.text("send_time", reply.send_time.as_ref().map(|time| time.as_str()));
    shown.extra(&reply.extra);
    shown
}

fn show_query(reply: &GetHbInfoReply<'_>) -> Shown {
    let mut shown = Shown::default();
    shown.head(&reply.head);
    shown.text("mch_billno", reply.mch_billno.as_ref());
    shown.text("mch_id", reply.mch_id.as_ref());
    shown.text("detail_id", reply.detail_id.as_ref());
    shown.text("status", reply.status.as_ref().map(|status| status.as_str()));
    shown.text("send_type", reply.send_type.as_ref().map(|kind| kind.as_str()));
    shown.text("hb_type", reply.hb_type.as_ref().map(|kind| kind.as_str()));
    shown.put("total_num", reply.total_num);
    shown.put("total_amount", reply.total_amount.map(|fen| fen.0));
    shown.text("reason", reply.reason.as_ref());
    shown.text("send_time", reply.send_time.as_ref().map(|time| time.as_str()));
    shown.text("refund_time", reply.refund_time.as_ref().map(|time| time.as_str()));
    shown.put("refund_amount", reply.refund_amount.map(|fen| fen.0));
    shown.text("wishing", reply.wishing.as_ref());
    shown.text("remark", reply.remark.as_ref());
    shown.text("act_name", reply.act_name.as_ref());
    let claims = reply.hblist.iter().map(|claim| {
        let mut shown = Shown::default();
        shown.text("openid", claim.openid.as_ref());
        shown.put("amount", claim.amount.map(|fen| fen.0));
        shown.text("rcv_time", claim.rcv_time.as_ref().map(|time| time.as_str()));
        shown.extra(&claim.extra);
        shown.0
    });
    let claims: Vec<_> = claims.collect();
    shown.put("hblist", Some(claims).filter(|claims| !claims.is_empty()));
    shown.extra(&reply.extra);
    shown
}

#[test]
fn sendredpack_equals_its_vectors_at_every_stage() {
    for case in cases("mmpaymkttransfers/sendredpack", 11) {
        let merchant = case.merchant();
        let scene = |id: &str| Scene::ALL.into_iter().find(|scene| scene.as_str() == id).unwrap();
        let amount = case.context["fields"]["total_amount"].as_integer().unwrap();
        let packet = SendRedPack {
            mch_billno: case.field("mch_billno"),
            wxappid: case.field("wxappid"),
            send_name: case.field("send_name"),
            re_openid: case.field("re_openid"),
            total_amount: wechatpay_proto::Fen(amount.try_into().unwrap()),
            wishing: case.field("wishing"),
            client_ip: case.field("client_ip").parse().unwrap(),
            act_name: case.field("act_name"),
            remark: case.field("remark"),
            options: SendRedPackOptions {
                sub_mch_id: case.optional("sub_mch_id"),
                msgappid: case.optional("msgappid"),
                consume_mch_id: case.optional("consume_mch_id"),
                scene_id: case.optional("scene_id").map(scene),
                risk_info: case.optional("risk_info"),
            },
        };
        let pending = case.sign(&merchant, &packet);
        let response = case.answer();
        let reply = pending.accept(&response).unwrap_or_else(|error| panic!("{case}: {error}"));
        case.compare(show_send(&reply), &reply.outcome());

        let mut xml = Writer::new();
        reply.write(&mut xml);
        let written = http::Response::new(Bytes::from(xml.finish()));
        assert_eq!(pending.accept(&written).as_ref(), Ok(&reply), "{case}");
    }
}

#[test]
fn gethbinfo_equals_its_vectors_at_every_stage() {
    for case in cases("mmpaymkttransfers/gethbinfo", 12) {
        let merchant = case.merchant();
        let query = GetHbInfo { mch_billno: case.field("mch_billno"), appid: case.field("appid") };
        let pending = case.sign(&merchant, &query);
        let response = case.answer();
        let reply = pending.accept(&response).unwrap_or_else(|error| panic!("{case}: {error}"));
        case.compare(show_query(&reply), &reply.outcome());

        let mut xml = Writer::new();
        reply.write(&mut xml);
        let written = http::Response::new(Bytes::from(xml.finish()));
        assert_eq!(pending.accept(&written).as_ref(), Ok(&reply), "{case}");
    }
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
