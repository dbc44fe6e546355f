//! Requests there and back: what a client signs, a server reads and verifies.

mod call;

use std::sync::LazyLock;

use wechatpay_proto::endpoint::{Endpoint as _, Incoming as _, Spec};
#[allow(deprecated, reason = "what is out of use is signed too")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, Scene, SendGroupRedPackOptions, SendMiniProgramHb,
    SendMiniProgramHbOptions, SendRedPack, SendRedPackOptions, SendWorkWxRedPack, SendWorkWxRedPackOptions,
};
use wechatpay_proto::wire::{self, Fields};
use wechatpay_proto::{AgentSecret, ApiKey, Fen, Merchant, Nonce, RequestError, SignType};

use crate::naive::{self, Pairs};
use crate::requests::{KEY, SECRET};

/// A byte for the endpoint, one for the merchant, one of flags; then the values, with 0xFF between them. A request that is
/// signed, a server reads and verifies, and gets the same back; one that is refused is told which field it was.
pub fn request(data: &[u8]) {
    let [endpoint, who, flags, values @ ..] = data else { return };
    let merchant = &MERCHANTS[usize::from(*who) % MERCHANTS.len()];
    let mut pieces = Pieces { rest: values, flags: *flags };
    typed(*endpoint, merchant, &mut pieces);
}

/// Direct or provider, MD5 or HMAC-SHA256, with the secret of an application or without. The last is another merchant.
static MERCHANTS: LazyLock<Vec<Merchant>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for make in [Merchant::direct, Merchant::service_provider] {
        for sign_type in [SignType::Md5, SignType::HmacSha256] {
            let merchant = make("10000098", ApiKey::new(KEY).expect("32 bytes")).expect("a sound number");
            let merchant = merchant.with_sign_type(sign_type);
            let secret = AgentSecret::new(SECRET).expect("a sound secret");
            all.extend([merchant.clone(), merchant.with_agent_secret(secret)]);
        }
    }
    all
});

static OTHER: LazyLock<Merchant> = LazyLock::new(|| {
    let key = ApiKey::new(SECRET).expect("32 bytes");
    let merchant = Merchant::direct("10000098", key).expect("a sound number");
    merchant.with_agent_secret(AgentSecret::new(KEY).expect("a sound secret"))
});

/// Values, one after the other; none left are empty ones.
struct Pieces<'d> {
    rest: &'d [u8],
    flags: u8,
}

impl<'d> Pieces<'d> {
    fn bytes(&mut self) -> &'d [u8] {
        let mut parts = self.rest.splitn(2, |byte| *byte == 0xFF);
        let piece = parts.next().unwrap_or_default();
        self.rest = parts.next().unwrap_or_default();
        piece
    }

    /// The next piece as far as it is UTF-8.
    fn text(&mut self) -> &'d str {
        let bytes = self.bytes();
        std::str::from_utf8(bytes)
            .or_else(|error| std::str::from_utf8(&bytes[..error.valid_up_to()]))
            .unwrap_or_default()
    }

    /// What is given but empty reads back as not given.
    fn option(&mut self) -> Option<&'d str> {
        Some(self.text()).filter(|text| !text.is_empty())
    }

    /// Digits, or four bytes.
    fn number(&mut self) -> u32 {
        let bytes = self.bytes();
        let digits = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
        digits.unwrap_or_else(|| bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn scene(&mut self) -> Option<Scene> {
        let number = self.bytes().first()?;
        Scene::ALL.get(usize::from(*number) % 9).copied()
    }

    fn flag(&mut self) -> bool {
        let flag = self.flags & 1 == 1;
        self.flags >>= 1;
        flag
    }

    fn nonce(&mut self) -> Nonce {
        Nonce::from_text(self.text()).unwrap_or_else(|_| Nonce::from_bytes([0; 16]))
    }
}

#[allow(deprecated, reason = "what is out of use is signed too")]
fn typed(endpoint: u8, merchant: &Merchant, pieces: &mut Pieces<'_>) {
    let nonce = pieces.nonce();
    macro_rules! there_and_back {
        ($Request:ident, $make:ident) => {{
            let request = $make(pieces);
            match merchant.sign(&request, nonce) {
                Ok(signed) => {
                    let document = wire::parse(signed.xml().as_bytes(), &[]).expect("what we write, we read");
                    let fields = document.untrusted();
                    verified($Request::SPEC, fields, merchant);
                    agrees(signed.xml(), &signed.string_to_sign(), $Request::SPEC, merchant);
                    assert_eq!($Request::read(fields).expect("complete"), request);
                }
                Err(error) => named($Request::SPEC, &error),
            }
        }};
    }
    match endpoint % 8 {
        0 => there_and_back!(SendRedPack, packet),
        1 => there_and_back!(SendMiniProgramHb, mini),
        2 => there_and_back!(SendGroupRedPack, group),
        3 => there_and_back!(SendWorkWxRedPack, work),
        4 => there_and_back!(GetHbInfo, query),
        5 => there_and_back!(QueryWorkWxRedPack, work_query),
        _ => call::call(merchant, nonce, pieces),
    }
}

/// The server's check, which no other key passes.
fn verified(spec: &Spec<'_>, fields: &Fields<'_>, merchant: &Merchant) {
    assert!(spec.is_signed_by(fields, merchant));
    assert!(!spec.is_signed_by(fields, &OTHER));
    if spec.inner.is_some() {
        assert!(spec.is_inner_signed_by(fields, merchant));
        assert!(!spec.is_inner_signed_by(fields, &OTHER));
    }
}

/// The naive reader and the naive signer say the same of a document.
fn agrees(xml: &str, string_to_sign: &str, spec: &Spec<'_>, merchant: &Merchant) -> Pairs {
    let document = naive::read(xml.as_bytes(), &[]).expect("what we write is of the dialect");
    signs(&document.fields, string_to_sign, spec, merchant);
    document.fields
}

fn signs(fields: &Pairs, string_to_sign: &str, spec: &Spec<'_>, merchant: &Merchant) {
    let given = |name: &str| fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let mut pairs = fields.clone();
    pairs.retain(|(name, _)| name != "sign");
    assert_eq!(naive::canonical(&pairs), string_to_sign);
    let sign_type = spec.sign_type(merchant.sign_type());
    assert_eq!(given("sign"), Some(naive::sign(&pairs, sign_type, KEY)));
    if let Some(inner) = spec.inner {
        pairs.retain(|(name, _)| inner.over.contains(&name.as_str()));
        assert_eq!(given(inner.name), Some(naive::inner_sign(&pairs, SECRET)));
    }
}

/// A refusal names a row of the table.
fn named(spec: &Spec<'_>, error: &RequestError) {
    assert!(spec.fields.iter().any(|field| field.name == error.field()), "{error}");
}

fn packet<'d>(pieces: &mut Pieces<'d>) -> SendRedPack<'d> {
    SendRedPack {
        mch_billno: pieces.text(),
        wxappid: pieces.text(),
        send_name: pieces.text(),
        re_openid: pieces.text(),
        total_amount: Fen(pieces.number()),
        wishing: pieces.text(),
        client_ip: pieces.number().into(),
        act_name: pieces.text(),
        remark: pieces.text(),
        options: SendRedPackOptions {
            scene_id: pieces.scene(),
            sub_mch_id: pieces.option(),
            msgappid: pieces.option(),
            consume_mch_id: pieces.option(),
            risk_info: pieces.option(),
        },
    }
}

fn mini<'d>(pieces: &mut Pieces<'d>) -> SendMiniProgramHb<'d> {
    SendMiniProgramHb {
        mch_billno: pieces.text(),
        wxappid: pieces.text(),
        send_name: pieces.text(),
        re_openid: pieces.text(),
        total_amount: Fen(pieces.number()),
        wishing: pieces.text(),
        act_name: pieces.text(),
        remark: pieces.text(),
        options: SendMiniProgramHbOptions { scene_id: pieces.scene() },
    }
}

#[allow(deprecated, reason = "what is out of use is signed too")]
fn group<'d>(pieces: &mut Pieces<'d>) -> SendGroupRedPack<'d> {
    SendGroupRedPack {
        mch_billno: pieces.text(),
        wxappid: pieces.text(),
        send_name: pieces.text(),
        re_openid: pieces.text(),
        total_amount: Fen(pieces.number()),
        total_num: pieces.number(),
        wishing: pieces.text(),
        act_name: pieces.text(),
        remark: pieces.text(),
        options: SendGroupRedPackOptions {
            scene_id: pieces.scene(),
            sub_mch_id: pieces.option(),
            msgappid: pieces.option(),
            consume_mch_id: pieces.option(),
            risk_info: pieces.option(),
        },
    }
}

fn work<'d>(pieces: &mut Pieces<'d>) -> SendWorkWxRedPack<'d> {
    SendWorkWxRedPack {
        mch_billno: pieces.text(),
        wxappid: pieces.text(),
        re_openid: pieces.text(),
        total_amount: Fen(pieces.number()),
        wishing: pieces.text(),
        act_name: pieces.text(),
        remark: pieces.text(),
        options: SendWorkWxRedPackOptions {
            scene_id: pieces.scene(),
            agentid: pieces.flag().then(|| pieces.number()),
            sender_name: pieces.option(),
            sender_header_media_id: pieces.option(),
        },
    }
}

fn query<'d>(pieces: &mut Pieces<'d>) -> GetHbInfo<'d> {
    GetHbInfo { mch_billno: pieces.text(), appid: pieces.text() }
}

fn work_query<'d>(pieces: &mut Pieces<'d>) -> QueryWorkWxRedPack<'d> {
    QueryWorkWxRedPack { mch_billno: pieces.text(), appid: pieces.text() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::seed;

    /// What the typed seeds are made for, so that they do not all end in a refusal.
    #[test]
    fn the_seeds_of_request_are_signed() {
        macro_rules! signed {
            ($name:literal, $make:ident) => {{
                let data = seed("request", $name);
                let mut pieces = Pieces { rest: &data[3..], flags: data[2] };
                let nonce = pieces.nonce();
                let request = $make(&mut pieces);
                let merchant = &MERCHANTS[usize::from(data[1])];
                assert!(
                    merchant.sign(&request, nonce).is_ok() == ($name != "refused"),
                    "{}: {request:?}",
                    $name
                );
            }};
        }
        signed!("packet", packet);
        signed!("provider", packet);
        signed!("mini", mini);
        signed!("group", group);
        signed!("work", work);
        signed!("work-sender", work);
        signed!("query", query);
        signed!("work-query", work_query);
        signed!("refused", packet);
    }
}
