//! A merchant, requests as text, a naive signer, and answers taken apart by hand: no help from the core.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use http::{Request, Response};
use md5::{Digest as _, Md5};
use wechatpay_mock_server::{Arrival, Certificate, GroupRedPack, Mock, MockMerchant, Rules, Standing};
use wechatpay_proto::transport::{BlockingTransport as _, ClientCertificate};

/// The merchant of the official samples; its key protects nothing.
pub(crate) const MCH_ID: &str = "10000098";
pub(crate) const KEY: &str = "exposed_your_key_here_have_risks";
pub(crate) const APPID: &str = "wx8888888888888888";
pub(crate) const OPENID: &str = "oxTWIuGaIt6gTKsQRLau2M0yL16E";

pub(crate) const SEND: &str = "/mmpaymkttransfers/sendredpack";
pub(crate) const QUERY: &str = "/mmpaymkttransfers/gethbinfo";

/// The rules under which packets for groups are sent as they were.
pub(crate) fn legacy() -> Rules {
    Rules { group: GroupRedPack::Legacy, ..Rules::default() }
}

/// A mock with one merchant that has 10000 yuan.
pub(crate) fn shop() -> (Mock, MockMerchant) {
    shop_with(Rules::default())
}

pub(crate) fn shop_with(rules: Rules) -> (Mock, MockMerchant) {
    let mock = Mock::builder().seed(42).rules(rules).build();
    let merchant = mock.merchant().mch_id(MCH_ID).key(KEY).appid(APPID).create().unwrap();
    (mock, merchant)
}

/// The fields of a request, and who signs it.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    path: &'static str,
    key: String,
    /// What `workwx_sign` is made with, where there is one.
    secret: Option<String>,
    signed: BTreeMap<String, String>,
    unsigned: BTreeMap<String, String>,
}

impl Form {
    /// A packet of 10 yuan.
    pub(crate) fn send(merchant: &MockMerchant, mch_billno: &str) -> Self {
        Self::new(SEND, merchant)
            .with("mch_billno", mch_billno)
            .with("wxappid", merchant.appid())
            .with("send_name", "天虹百货")
            .with("re_openid", OPENID)
            .with("total_amount", "1000")
            .with("total_num", "1")
            .with("wishing", "感谢您参加猜灯谜活动，祝您元宵节快乐！")
            .with("client_ip", "192.168.0.1")
            .with("act_name", "猜灯谜抢红包活动")
            .with("remark", "猜越多得越多，快来抢！")
    }

    /// A packet of 10 yuan that a mini-program opens.
    pub(crate) fn mini_program(merchant: &MockMerchant, mch_billno: &str) -> Self {
        let form =
            Self::send(merchant, mch_billno).without("client_ip").with("notify_way", "MINI_PROGRAM_JSAPI");
        Self { path: "/mmpaymkttransfers/sendminiprogramhb", ..form }
    }

    /// A packet of 10 yuan for three users.
    pub(crate) fn group(merchant: &MockMerchant, mch_billno: &str) -> Self {
        let form = Self::send(merchant, mch_billno)
            .without("client_ip")
            .with("total_num", "3")
            .with("amt_type", "ALL_RAND");
        Self { path: "/mmpaymkttransfers/sendgroupredpack", ..form }
    }

    /// A packet of 10 yuan in the name of an application of work-weixin.
    pub(crate) fn work_weixin(merchant: &MockMerchant, mch_billno: &str) -> Self {
        let form = ["client_ip", "send_name", "total_num"]
            .into_iter()
            .fold(Self::send(merchant, mch_billno), |form, name| form.without(name))
            .with("agentid", "1000002");
        Self { path: "/mmpaymkttransfers/sendworkwxredpack", ..form }.secret(merchant.agent_secret())
    }

    /// One of each kind.
    pub(crate) fn sends(merchant: &MockMerchant, mch_billno: &str) -> [Self; 4] {
        [Self::send, Self::mini_program, Self::group, Self::work_weixin]
            .map(|form| form(merchant, mch_billno))
    }

    pub(crate) fn query(merchant: &MockMerchant, mch_billno: &str) -> Self {
        Self::new(QUERY, merchant)
            .with("mch_billno", mch_billno)
            .with("appid", merchant.appid())
            .with("bill_type", "MCHT")
    }

    pub(crate) fn query_work_weixin(merchant: &MockMerchant, mch_billno: &str) -> Self {
        let form = Self::query(merchant, mch_billno).without("bill_type");
        Self { path: "/mmpaymkttransfers/queryworkwxredpack", ..form }
    }

    /// The query that fits what this sends.
    pub(crate) fn queried(&self, merchant: &MockMerchant) -> Self {
        let query = if self.secret.is_some() { Self::query_work_weixin } else { Self::query };
        query(merchant, &self.signed["mch_billno"])
    }

    /// The envelope alone.
    pub(crate) fn new(path: &'static str, merchant: &MockMerchant) -> Self {
        let (signed, unsigned) = (BTreeMap::new(), BTreeMap::new());
        Self { path, key: merchant.key().to_owned(), secret: None, signed, unsigned }
            .with("mch_id", merchant.mch_id())
            .with("nonce_str", "50780e0cca98c8c8e814883e5caa672e")
    }

    /// Sets a field that is sent and signed.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.signed.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a field that is sent and not signed; `sign` itself too.
    pub(crate) fn unsigned(mut self, name: &str, value: impl Into<String>) -> Self {
        self.unsigned.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.signed.remove(name);
        self
    }

    pub(crate) fn keyed(self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self }
    }

    pub(crate) fn secret(self, secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..self }
    }

    pub(crate) fn without_secret(self) -> Self {
        Self { secret: None, ..self }
    }

    /// `a=1&b=2&key=…`, by the letter of the documentation.
    pub(crate) fn string_to_sign(&self) -> String {
        pairs(&self.covered()) + "key=" + &self.key
    }

    /// What the sign covers: everything, and `workwx_sign`, which covers seven fields itself.
    fn covered(&self) -> BTreeMap<String, String> {
        let mut all = self.signed.clone();
        if let Some(secret) = &self.secret {
            let names =
                ["act_name", "mch_billno", "mch_id", "nonce_str", "re_openid", "total_amount", "wxappid"];
            let some = all.clone().into_iter().filter(|(name, _)| names.contains(&&**name)).collect();
            all.insert("workwx_sign".to_owned(), md5(&(pairs(&some) + "secret=" + secret)));
        }
        all
    }

    /// Every field that is sent, with the sign.
    pub(crate) fn fields(&self) -> BTreeMap<String, String> {
        let mut all = self.covered();
        all.insert("sign".to_owned(), md5(&self.string_to_sign()));
        all.extend(self.unsigned.clone());
        all
    }

    pub(crate) fn xml(&self) -> String {
        let elements = self.fields().into_iter().map(|(name, value)| {
            let value = value.replace("]]>", "]]]]><![CDATA[>");
            format!("<{name}><![CDATA[{value}]]></{name}>\n")
        });
        format!("<xml>\n{}</xml>", elements.collect::<String>())
    }

    pub(crate) fn request(&self) -> Request<Bytes> {
        post(self.path, self.xml())
    }
}

/// `a=1&b=2&`, of what is not empty.
fn pairs(fields: &BTreeMap<String, String>) -> String {
    let pairs = fields.iter().filter(|(_, value)| !value.is_empty());
    pairs.map(|(name, value)| format!("{name}={value}&")).collect()
}

/// Upper-case hex of the MD5.
pub(crate) fn md5(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02X}")).collect()
}

pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(format!("https://api.mch.weixin.qq.com{path}"))
        .extension(ClientCertificate)
        .body(body.into())
        .unwrap()
}

/// Sends over the merchant's in-process transport.
pub(crate) fn call(merchant: &MockMerchant, form: &Form) -> Answer {
    let response = merchant.transport().send_blocking(form.request()).unwrap();
    Answer::new(response)
}

/// Sends as if from a socket.
pub(crate) fn call_from(mock: &Mock, form: &Form, certificate: Certificate, peer: Option<IpAddr>) -> Answer {
    Answer::new(mock.handle(&form.request(), &Arrival { peer, ..Arrival::with(certificate) }).seen().unwrap())
}

pub(crate) fn in_force(mch_id: &str) -> Certificate {
    Certificate::Merchant { mch_id: mch_id.to_owned(), standing: Standing::InForce }
}

/// An answer, taken apart with `find`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn new(response: Response<Bytes>) -> Self {
        let status = response.status().as_u16();
        Self { status, body: String::from_utf8(response.into_body().to_vec()).unwrap() }
    }

    /// The text of the first element with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>")).unwrap_or(text))
    }

    /// The names of the elements, in their order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let tags = self.body.split('<').filter_map(|tag| tag.split_once('>')).map(|(name, _)| name);
        tags.filter(|name| !name.starts_with(['/', '!'])).collect()
    }

    /// `err_code`; on a success `SUCCESS`.
    #[track_caller]
    pub(crate) fn code(&self) -> &str {
        self.get("err_code").unwrap_or_else(|| panic!("no err_code: {self:?}"))
    }

    /// The texts for people, which are one.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        assert_eq!(self.get("return_msg"), self.get("err_code_des"));
        self.get("return_msg").unwrap_or_else(|| panic!("no return_msg: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn assert_success(&self) -> &Self {
        assert_eq!(self.status, 200);
        for name in ["return_code", "result_code", "err_code"] {
            assert_eq!(self.get(name), Some("SUCCESS"), "{}", self.body);
        }
        self
    }

    /// A business failure in its true envelope.
    #[track_caller]
    pub(crate) fn assert_failure(&self, code: &str, text: &str) -> &Self {
        assert_eq!((self.status, self.code(), self.text()), (200, code, text), "{}", self.body);
        assert_eq!((self.get("return_code"), self.get("result_code")), (Some("SUCCESS"), Some("FAIL")));
        assert_eq!((self.get("sign"), self.get("nonce_str"), self.get("send_listid")), (None, None, None));
        self
    }

    /// The same, signed with `key`.
    #[track_caller]
    pub(crate) fn assert_signed_failure(&self, key: &str, code: &str, text: &str) -> &Self {
        let sign = format!("<sign><![CDATA[{}]]></sign>", self.get("sign").unwrap_or_default());
        Self { status: self.status, body: self.body.replace(&sign, "") }.assert_failure(code, text);
        self.assert_signed(key)
    }

    /// The sign fits, and is the last element.
    #[track_caller]
    pub(crate) fn assert_signed(&self, key: &str) -> &Self {
        let names = self.names();
        assert_eq!((names[0], names[names.len() - 1]), ("xml", "sign"), "{}", self.body);
        let leaves = &names[1..names.len() - 1];
        let fields =
            leaves.iter().map(|name| (name.to_string(), self.get(name).unwrap().to_owned())).collect();
        assert_eq!(self.get("sign"), Some(&*md5(&(pairs(&fields) + "key=" + key))), "{}", self.body);
        self
    }

    #[track_caller]
    pub(crate) fn assert_param_error(&self, text: &str) -> &Self {
        self.assert_failure("PARAM_ERROR", &format!("参数错误:{text}"))
    }

    #[track_caller]
    pub(crate) fn assert_sign_error(&self) -> &Self {
        assert_eq!(self.code(), "SIGN_ERROR", "{}", self.body);
        self
    }
}
