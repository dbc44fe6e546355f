//! The bodies of the fuzz targets. They stand here so that a stable compiler checks them and its tests replay the
//! seeds; `fuzz_targets/` only calls them.

use bytes::Bytes;
use wechatpay_mock_server::{Mock, fuzz_http};
use wechatpay_proto::endpoint::{Endpoint as _, Outgoing, Trust};
use wechatpay_proto::reply::Reply as _;
#[allow(deprecated, reason = "what is out of use is read too")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, GetHbInfoReply, QueryWorkWxRedPack, QueryWorkWxRedPackReply, SendGroupRedPackOptions,
    SendGroupRedPackReply, SendMiniProgramHb, SendMiniProgramHbOptions, SendMiniProgramHbReply, SendRedPack,
    SendRedPackOptions, SendRedPackReply, SendWorkWxRedPack, SendWorkWxRedPackOptions,
    SendWorkWxRedPackReply,
};
use wechatpay_proto::wire::{self, Fields, Value, Writer, XmlErrorKind};
use wechatpay_proto::{AgentSecret, ApiKey, Call, Fen, Merchant, Nonce, Pending, ReplyError};

/// What the reader accepts: writing it and reading it again gives the same, and a reader that shares no code with
/// ours sees the same names and values.
pub fn fields(data: &[u8]) {
    let Ok(document) = wire::parse(data, GetHbInfo::SPEC.lists) else { return };
    let fields = document.untrusted();
    let written = write(fields);
    let again = wire::parse(written.as_bytes(), GetHbInfo::SPEC.lists).expect("what we write, we read");
    assert_eq!(leaves(fields), leaves(again.untrusted()));
    assert_eq!(leaves(fields), independent(data));
}

/// Any bytes as the answer to every typed request: no panic, never settled without naming the order, and the untyped
/// door says the same. Then the same fields with the right sign, which no mutation finds by itself.
pub fn reply(data: &[u8]) {
    let merchant = merchant();
    read(&merchant, &http::Response::new(Bytes::copy_from_slice(data)));
    if let Some(signed) = signed(&merchant, data) {
        read(&merchant, &http::Response::new(signed));
    }
}

/// Any bytes on a plain connection to the mock server: it ends, the same bytes bring the same answers, and nobody is
/// paid, as nobody has shown a certificate.
pub fn http(data: &[u8]) {
    let ask = || {
        let mock = Mock::builder().build();
        let merchant = mock.merchant().mch_id("10000098").key("exposed_your_key_here_have_risks");
        let merchant = merchant.create().expect("a sound merchant");
        (fuzz_http(&mock, data).expect("memory does not fail"), merchant.balance_fen())
    };
    let (answers, balance_fen) = ask();
    assert_eq!(ask(), (answers, balance_fen));
    // The admin API may do as it likes.
    assert!(balance_fen == 1_000_000 || data.windows(7).any(|bytes| bytes == b"/__mock"));
}

macro_rules! settled {
    ($merchant:expr, $request:expr, $response:expr, $is_this:expr) => {{
        if let Ok(reply) = pending($merchant, $request).accept($response) {
            let outcome = reply.outcome();
            assert!(outcome.is_unknown() || reply.mch_billno.as_deref() == Some("B1"));
            assert!(!outcome.is_accepted() || $is_this(&reply));
        }
    }};
}

#[allow(deprecated, reason = "what is out of use is read too")]
fn read(merchant: &Merchant, response: &http::Response<Bytes>) {
    let (packet, mini, group, work) = (packet(), mini(), group(), work());
    let (query, work_query) = (query(), work_query());
    settled!(merchant, &packet, response, |reply: &SendRedPackReply<'_>| reply.total_amount
        == Some(Fen(300)));
    settled!(merchant, &mini, response, |reply: &SendMiniProgramHbReply<'_>| reply.package.is_some());
    settled!(merchant, &group, response, |reply: &SendGroupRedPackReply<'_>| {
        reply.total_amount == Some(Fen(300)) && reply.total_num.is_none_or(|heads| heads == 3)
    });
    settled!(merchant, &work, response, |reply: &SendWorkWxRedPackReply<'_>| {
        reply.total_amount == Some(Fen(300)) && has_sign(response)
    });
    settled!(merchant, &query, response, |reply: &GetHbInfoReply<'_>| reply.status.is_some());
    settled!(merchant, &work_query, response, |reply: &QueryWorkWxRedPackReply<'_>| {
        reply.status.is_some() && has_sign(response)
    });

    let sent = || {
        [("mch_billno", "B1"), ("wxappid", "wx8888888888888888"), ("re_openid", "o"), ("total_amount", "300")]
    };
    let asked = || [("mch_billno", "B1"), ("appid", "wx8888888888888888")];
    same(merchant, &packet, &Call::new(SendRedPack::SPEC.path).fields(sent()), response);
    same(merchant, &mini, &Call::new(SendMiniProgramHb::SPEC.path).fields(sent()), response);
    let heads = Call::new(SendGroupRedPack::SPEC.path).fields(sent()).field("total_num", 3);
    same(merchant, &group, &heads, response);
    same(merchant, &work, &Call::new(SendWorkWxRedPack::SPEC.path).fields(sent()), response);
    same(merchant, &query, &Call::new(GetHbInfo::SPEC.path).fields(asked()), response);
    same(merchant, &work_query, &Call::new(QueryWorkWxRedPack::SPEC.path).fields(asked()), response);
}

/// A typed request and a call read the same, but for types, which a call does not have, and an amount, which it was
/// given as text.
fn same<E: Outgoing>(merchant: &Merchant, typed: &E, call: &Call<'_>, response: &http::Response<Bytes>) {
    let typed = pending(merchant, typed).accept(response).map(|reply| reply.head().clone());
    let call = pending(merchant, call).accept(response).map(|reply| reply.head);
    match typed {
        Err(ReplyError::Malformed { .. }) => assert!(call.is_ok()),
        typed => assert_eq!(typed, call),
    }
}

fn has_sign(response: &http::Response<Bytes>) -> bool {
    wire::parse(response.body(), &[]).is_ok_and(|document| document.untrusted().get("sign").is_some())
}

/// The fields of an unsigned flat document, signed. What is written must be read again.
fn signed(merchant: &Merchant, data: &[u8]) -> Option<Bytes> {
    let open = Call::new("open").trust(Trust::TransportOnly);
    let closed = Call::new("closed");
    let response = http::Response::new(Bytes::copy_from_slice(data));
    let reply = pending(merchant, &open).accept(&response).ok()?;
    if reply.fields.get("sign").is_some() {
        return None;
    }
    let written = match merchant.write_reply(&closed.spec(), &reply) {
        Ok(written) => Bytes::from(written),
        Err(ReplyError::KeyElement) => return None,
        // CDATA is longer than what it replaces, and the sign is one element more.
        Err(ReplyError::Xml(error)) => {
            assert!(matches!(error.kind, XmlErrorKind::TooManyElements | XmlErrorKind::BodyTooLong));
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let response = http::Response::new(written.clone());
    let read = pending(merchant, &closed).accept(&response).expect("what we sign, we read");
    assert_eq!(read.head, reply.head);
    Some(written)
}

fn pending<'r, E: Outgoing>(merchant: &'r Merchant, request: &'r E) -> Pending<'r, E> {
    merchant.sign(request, Nonce::from_bytes([0; 16])).expect("a sound request").into_parts().1
}

fn merchant() -> Merchant {
    let key = ApiKey::new("exposed_your_key_here_have_risks").expect("32 bytes");
    let secret = AgentSecret::new("192006250b4c09247ec02edce69f6a2d").expect("a sound secret");
    Merchant::direct("10000098", key).expect("a sound number").with_agent_secret(secret)
}

fn packet() -> SendRedPack<'static> {
    SendRedPack {
        mch_billno: "B1",
        wxappid: "wx8888888888888888",
        send_name: "s",
        re_openid: "o",
        total_amount: Fen(300),
        wishing: "w",
        client_ip: [127, 0, 0, 1].into(),
        act_name: "a",
        remark: "r",
        options: SendRedPackOptions::default(),
    }
}

fn mini() -> SendMiniProgramHb<'static> {
    SendMiniProgramHb {
        mch_billno: "B1",
        wxappid: "wx8888888888888888",
        send_name: "s",
        re_openid: "o",
        total_amount: Fen(300),
        wishing: "w",
        act_name: "a",
        remark: "r",
        options: SendMiniProgramHbOptions::default(),
    }
}

#[allow(deprecated, reason = "what is out of use is read too")]
fn group() -> SendGroupRedPack<'static> {
    SendGroupRedPack {
        mch_billno: "B1",
        wxappid: "wx8888888888888888",
        send_name: "s",
        re_openid: "o",
        total_amount: Fen(300),
        total_num: 3,
        wishing: "w",
        act_name: "a",
        remark: "r",
        options: SendGroupRedPackOptions::default(),
    }
}

fn work() -> SendWorkWxRedPack<'static> {
    SendWorkWxRedPack {
        mch_billno: "B1",
        wxappid: "wx8888888888888888",
        re_openid: "o",
        total_amount: Fen(300),
        wishing: "w",
        act_name: "a",
        remark: "r",
        options: SendWorkWxRedPackOptions { agentid: Some(1), ..Default::default() },
    }
}

fn query() -> GetHbInfo<'static> {
    GetHbInfo { mch_billno: "B1", appid: "wx8888888888888888" }
}

fn work_query() -> QueryWorkWxRedPack<'static> {
    QueryWorkWxRedPack { mch_billno: "B1", appid: "wx8888888888888888" }
}

fn write(fields: &Fields<'_>) -> String {
    let mut xml = Writer::new();
    for (name, value) in fields.iter() {
        xml.element(name, &Value::Text(value));
    }
    for list in GetHbInfo::SPEC.lists {
        xml.open(list.container);
        for item in fields.list(list.container) {
            xml.open(list.item);
            for (name, value) in item.iter() {
                xml.element(name, &Value::Text(value));
            }
            xml.close(list.item);
        }
        xml.close(list.container);
    }
    xml.finish()
}

/// Every leaf with a value: those of the root in order, then those of each item, with the item's place.
type Leaves = Vec<(usize, String, String)>;

fn leaves(fields: &Fields<'_>) -> Leaves {
    let root = fields.iter().map(|(name, value)| (0, name.to_owned(), value.to_owned()));
    let items = GetHbInfo::SPEC.lists.iter().flat_map(|list| fields.list(list.container)).enumerate();
    let items = items.flat_map(|(place, item)| {
        item.iter().map(move |(name, value)| (place + 1, name.to_owned(), value.to_owned()))
    });
    root.chain(items).filter(|(_, _, value)| !value.is_empty()).collect()
}

/// The same, by roxmltree.
fn independent(data: &[u8]) -> Leaves {
    let text = std::str::from_utf8(data).expect("accepted, so UTF-8");
    // XML 1.0, section 2.11: line ends are normalised before anything else. roxmltree leaves a carriage return
    // that stands before a reference.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let document = roxmltree::Document::parse(&text).expect("accepted, so well-formed");
    let (mut root, mut items) = (Vec::new(), Vec::new());
    let mut place = 0;
    for child in document.root_element().children().filter(roxmltree::Node::is_element) {
        if child.tag_name().name() == "hblist" {
            for item in child.children().filter(roxmltree::Node::is_element) {
                place += 1;
                let leaves = item.children().filter(roxmltree::Node::is_element);
                items.extend(leaves.map(|leaf| (place, leaf.tag_name().name().to_owned(), text_of(leaf))));
            }
        } else {
            root.push((0, child.tag_name().name().to_owned(), text_of(child)));
        }
    }
    root.into_iter().chain(items).filter(|(_, _, value)| !value.is_empty()).collect()
}

fn text_of(node: roxmltree::Node<'_, '_>) -> String {
    node.children().filter_map(|child| child.text()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(target: &str, body: fn(&[u8])) {
        let folder = format!("{}/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
        let mut seeds = 0;
        for entry in std::fs::read_dir(folder).expect("the seeds are committed") {
            body(&std::fs::read(entry.expect("readable").path()).expect("readable"));
            seeds += 1;
        }
        assert!(seeds > 3, "{target} has {seeds} seeds");
    }

    #[test]
    fn the_seeds_of_fields_pass() {
        replay("fields", fields);
    }

    #[test]
    fn the_seeds_of_http_pass() {
        replay("http", http);
    }

    #[test]
    fn the_seeds_of_http_are_answered() {
        let mock = Mock::builder().build();
        for (name, answers) in [
            ("health", 1),
            ("post", 1),
            ("chunked", 2),
            ("connect", 2),
            ("connect-tls", 1),
            ("pipeline", 2),
            ("admin", 1),
            ("old", 2),
            ("lengths", 1),
        ] {
            let path = format!("{}/seeds/http/{name}.http", env!("CARGO_MANIFEST_DIR"));
            let bytes = std::fs::read(path).expect("committed");
            let text = fuzz_http(&mock, &bytes).expect("memory does not fail");
            let text = String::from_utf8_lossy(&text);
            assert_eq!(text.matches("HTTP/1.").count(), answers, "{name}: {text}");
        }
    }

    #[test]
    fn the_seeds_of_reply_pass() {
        replay("reply", reply);
    }

    #[test]
    fn the_seeds_reach_the_outcomes() {
        let merchant = merchant();
        let seed = |name: &str| {
            let path = format!("{}/seeds/reply/{name}", env!("CARGO_MANIFEST_DIR"));
            Bytes::from(std::fs::read(path).expect("committed"))
        };
        macro_rules! outcome {
            ($request:ident, $body:expr) => {
                pending(&merchant, &$request()).accept(&http::Response::new($body)).expect("sound").outcome()
            };
        }
        assert!(outcome!(packet, seed("sent.xml")).is_accepted());
        assert!(outcome!(mini, seed("taken.xml")).is_accepted());
        assert!(outcome!(group, seed("shared.xml")).is_accepted());
        assert!(outcome!(work, seed("sent.signed.xml")).is_accepted());
        assert!(outcome!(query, seed("received.xml")).is_accepted());
        assert!(outcome!(work_query, seed("received.signed.xml")).is_accepted());
        for body in [seed("dead.xml"), seed("dead.signed.xml")] {
            assert!(outcome!(packet, body).is_failed());
        }
        assert!(outcome!(work, seed("dead.xml")).is_unknown());
        assert!(outcome!(work, seed("dead.signed.xml")).is_failed());
        // without a sign it gets the right one
        let signed = |name| signed(&merchant, &seed(name)).expect("flat and without a sign");
        assert!(outcome!(work, signed("sent.xml")).is_accepted());
        assert!(outcome!(work, signed("dead.xml")).is_failed());
    }
}
