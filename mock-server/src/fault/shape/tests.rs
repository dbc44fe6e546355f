use proptest::prelude::*;
use wechatpay_proto::endpoint::Endpoint as _;
use wechatpay_proto::v2::mmpaymkttransfers::GetHbInfo;
use wechatpay_proto::wire::{self as xml, XmlErrorKind};
use wechatpay_proto::{ApiKey, Merchant};

use super::*;
use crate::account::{Account, TestSecret};
use crate::fault::{Content, SignFlaw};

const KEY: &str = "exposed_your_key_here_have_risks";
const BODY: &str = "<xml><return_code><![CDATA[SUCCESS]]></return_code><err_code_des><![CDATA[发放成功]]></err_code_des>\
                    <mch_billno><![CDATA[1]]></mch_billno><total_amount>1000</total_amount></xml>";

fn answer(body: &str) -> Response<Bytes> {
    answer::document(body.to_owned(), &crate::rules::Rules::default())
}

fn account() -> Account {
    let secret = |text: &str| TestSecret(text.to_owned());
    Account {
        credentials: Merchant::direct("10000098", ApiKey::new(KEY).unwrap()).unwrap(),
        key: secret(KEY),
        agent_secret: secret("x"),
        appids: Vec::new(),
        provider: None,
        product_open: true,
        allowed_ips: None,
        taken_for: None,
        former: None,
        opening_rules: std::collections::BTreeMap::new(),
        opening_fen: 0,
    }
}

fn shaped(fault: &Fault, body: &str) -> Effect {
    shape(fault, answer(body), Some(&account()), 7)
}

fn reply(fault: &Fault, body: &str) -> Response<Bytes> {
    match shaped(fault, body) {
        Effect::Reply(response) => response,
        wire => panic!("no answer: {wire:?}"),
    }
}

/// The bytes, the end, and what is seen.
fn wired(fault: &Fault) -> (String, End, Result<Response<Bytes>, Broken>) {
    match shaped(fault, BODY) {
        Effect::Wire { pieces, end, seen } => {
            let bytes = pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
            (String::from_utf8(bytes).unwrap(), end, seen)
        }
        reply => panic!("no bytes: {reply:?}"),
    }
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

fn content(how: Content) -> String {
    text(&reply(&Fault::Content(how), BODY)).to_owned()
}

fn fields(body: &str) -> Vec<(String, String)> {
    let document = xml::parse(body.as_bytes(), &[]).unwrap();
    document.untrusted().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn refused(body: &[u8]) -> XmlErrorKind {
    xml::parse(body, &[]).unwrap_err().kind
}

#[test]
fn documents_that_no_careful_client_takes() {
    for (how, kind) in [
        (Content::Truncated { at: None }, XmlErrorKind::Syntax),
        (Content::Truncated { at: Some(usize::MAX) }, XmlErrorKind::Syntax),
        (Content::Truncated { at: Some(18) }, XmlErrorKind::Truncated),
        (Content::Truncated { at: Some(0) }, XmlErrorKind::NotXmlRoot),
        (Content::Empty, XmlErrorKind::NotXmlRoot),
        (Content::Html, XmlErrorKind::NotXmlRoot),
        (Content::Charset, XmlErrorKind::NotUtf8),
        (Content::DuplicateField { field: "mch_billno".to_owned() }, XmlErrorKind::Duplicate),
        (Content::DuplicateField { field: "none".to_owned() }, XmlErrorKind::Duplicate),
        (Content::Doctype, XmlErrorKind::Doctype),
        (Content::EntityBomb, XmlErrorKind::Doctype),
        (Content::Huge { bytes: Some(70_000) }, XmlErrorKind::BodyTooLong),
    ] {
        let response = reply(&Fault::Content(how.clone()), BODY);
        assert_eq!((response.status(), refused(response.body())), (StatusCode::OK, kind), "{how:?}");
    }
    assert_eq!(content(Content::Huge { bytes: Some(70_000) }).len(), 70_000);
    assert_eq!(content(Content::Huge { bytes: None }).len(), 10 * 1024 * 1024);
    assert!(content(Content::EntityBomb).len() < 2_000);
}

#[test]
fn documents_that_say_the_same_in_another_way() {
    let plain = fields(BODY);
    for how in [Content::Bom, Content::CdataSplit, Content::Entities, Content::Huge { bytes: Some(5_000) }] {
        let body = content(how.clone());
        assert_ne!(body, BODY);
        assert_eq!(fields(&body), plain, "{how:?}");
    }
    assert_eq!(content(Content::CdataSplit).matches("]]><![CDATA[").count(), 3);
    assert!(content(Content::Entities).contains("<err_code_des>&#x53D1;"));
    let mut shuffled = fields(&content(Content::Reordered));
    assert_ne!(shuffled, plain);
    shuffled.sort();
    let mut sorted = plain.clone();
    sorted.sort();
    assert_eq!(shuffled, sorted);
    for draw in 0..50 {
        assert_ne!(content::content(answer(BODY), &Content::Reordered, draw).body(), BODY.as_bytes());
    }
    let more = fields(&content(Content::ExtraField));
    assert_eq!((more.len(), &more[..4]), (5, &*plain));
    let fewer = fields(&content(Content::MissingField { field: "mch_billno".to_owned() }));
    assert_eq!(fewer, [plain[0].clone(), plain[1].clone(), plain[3].clone()]);
}

#[test]
fn a_page_is_no_document_and_is_left_alone() {
    let page = answer::page(StatusCode::NOT_FOUND, "404 Not Found");
    for fault in [
        Fault::wrong_echo("mch_billno"),
        Fault::reply_sign(SignFlaw::Bad),
        Fault::content(Content::Reordered),
        Fault::content(Content::EntityBomb),
    ] {
        let Effect::Reply(response) = shape(&fault, page.clone(), None, 0) else { panic!("{fault:?}") };
        assert_eq!((response.status(), response.body()), (page.status(), page.body()), "{fault:?}");
    }
}

/// What the core makes of the sign.
fn verified(body: &str) -> Result<usize, String> {
    let key = ApiKey::new(KEY).unwrap();
    let document = xml::parse(body.as_bytes(), GetHbInfo::SPEC.lists).unwrap();
    let fields = document.signed(wechatpay_proto::SignType::Md5, &key);
    fields.map(|fields| fields.len()).map_err(|error| format!("{error:?}"))
}

#[test]
fn signs_are_wrong_as_they_should_be_and_right_where_they_should_be() {
    let signed = text(&reply(&Fault::reply_sign(SignFlaw::Unexpected), BODY)).to_owned();
    assert_eq!(verified(&signed), Ok(5));
    let flawed = |how| text(&reply(&Fault::reply_sign(how), &signed)).to_owned();
    assert_eq!(flawed(SignFlaw::Unexpected), signed);
    assert_eq!(flawed(SignFlaw::Missing), BODY);
    for how in [SignFlaw::Bad, SignFlaw::OldKey] {
        assert_eq!(verified(&flawed(how)), Err("SignMismatch".to_owned()), "{how:?}");
    }
    assert_eq!(flawed(SignFlaw::WrongType).len(), signed.len() + 32);
    assert!(verified(&flawed(SignFlaw::WrongType)).unwrap_err().starts_with("SignTypeMismatch"));
    let sign = &signed[BODY.len()..];
    assert_ne!(flawed(SignFlaw::LowerCase), signed);
    assert!(
        flawed(SignFlaw::LowerCase)
            .to_ascii_uppercase()
            .ends_with(&sign[sign.len() - 30..].to_ascii_uppercase())
    );

    // A false echo is signed; anything else behind a sign makes it wrong.
    let lie = text(&reply(&Fault::wrong_echo("total_amount"), &signed)).to_owned();
    assert!(lie.contains("<total_amount>1001</total_amount>"));
    assert_eq!(verified(&lie), Ok(5));
    let more = text(&reply(&Fault::content(Content::ExtraField), &signed)).to_owned();
    assert_eq!(verified(&more), Err("SignMismatch".to_owned()));
    let stranger = shape(&Fault::reply_sign(SignFlaw::Bad), answer(BODY), None, 0);
    assert!(matches!(stranger, Effect::Reply(response) if response.body() == BODY));
}

#[test]
fn http_that_is_still_http() {
    for status in [429, 500, 502, 503, 504] {
        let response = reply(&Fault::status(status), BODY);
        assert_eq!(
            (response.status().as_u16(), response.headers()["content-type"].as_bytes()),
            (status, &b"text/html"[..])
        );
        assert!(text(&response).contains(&format!("<h1>{status} ")));
    }
    assert_eq!(reply(&Fault::applied_then_status(502), BODY).status(), 502);
    let redirect = reply(&Fault::http(Http::Redirect), BODY);
    assert_eq!(
        (redirect.status().as_u16(), redirect.headers()["location"].as_bytes()),
        (302, &b"/blocked.html"[..])
    );
    let typed = reply(&Fault::http(Http::ContentType { value: "application/json".to_owned() }), BODY);
    assert_eq!((text(&typed), typed.headers()["content-type"].as_bytes()), (BODY, &b"application/json"[..]));
    let zipped = reply(&Fault::http(Http::Gzip), BODY);
    assert_eq!(
        (&zipped.body()[..2], zipped.headers()["content-encoding"].as_bytes()),
        (&[0x1f, 0x8b][..], &b"gzip"[..])
    );
    assert_eq!(zipped.body()[15..15 + BODY.len()], *BODY.as_bytes());
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=utf-8\r\n";

#[test]
fn http_that_is_none() {
    let length = BODY.len();
    let good = format!("{HEAD}content-length: {length}\r\n\r\n{BODY}");
    let last = good.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    let off = |off_by| wired(&Fault::http(Http::ContentLength { off_by }));

    let (bytes, end, seen) = off(7);
    assert_eq!(bytes, good.replace(&format!(": {length}"), &format!(": {}", length + 7)));
    assert_eq!((end, seen.unwrap_err()), (End::Close, Broken::Closed));
    let (bytes, _, seen) = off(-7);
    assert_eq!(bytes, good.replace(&format!(": {length}"), &format!(": {}", length - 7)));
    assert_eq!(text(&seen.unwrap()), &BODY[..length - 7]);
    assert_eq!(off(i32::MIN).2.unwrap().body(), "");

    let (bytes, _, seen) = wired(&Fault::http(Http::BadChunk));
    assert_eq!(bytes, format!("{HEAD}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{BODY}\r\nzz\r\n"));
    assert_eq!(seen.unwrap_err(), Broken::Malformed);
    for (how, expected) in [
        (Http::Informational, format!("{}{last}", wire::INFORMATIONAL)),
        (Http::TwoReplies, format!("{good}{good}")),
        (Http::CloseAfter, good.clone()),
    ] {
        let (bytes, end, seen) = wired(&Fault::http(how.clone()));
        assert_eq!((bytes, end, text(&seen.unwrap())), (expected, End::Close, BODY), "{how:?}");
    }
}

#[test]
fn answers_are_cut_where_they_should_be_and_never_whole() {
    let good = format!("{HEAD}content-length: {}\r\n\r\n{BODY}", BODY.len());
    for (at, bytes) in [
        (CutAt::Start, 0),
        (CutAt::Head, good.len() - BODY.len()),
        (CutAt::Byte(1), 1),
        (CutAt::Byte(good.len() - 1), good.len() - 1),
        (CutAt::Byte(usize::MAX), good.len() - 1),
    ] {
        let (sent, end, seen) = wired(&Fault::cut(at, End::Truncate));
        assert_eq!(
            (&*sent, end, seen.unwrap_err()),
            (&good[..bytes], End::Truncate, Broken::Closed),
            "{at:?}"
        );
    }
    for (end, broken) in
        [(End::Reset, Broken::Reset), (End::Close, Broken::Closed), (End::Hang, Broken::Silent)]
    {
        for fault in [
            Fault::ReplyLost { ending: end },
            Fault::RequestLost { ending: end },
            Fault::cut(CutAt::Start, end),
        ] {
            assert!(
                matches!(wired(&fault), (bytes, sent, Err(seen)) if bytes.is_empty() && sent == end && seen == broken)
            );
        }
    }
}

#[test]
fn an_answer_drips_whole_and_in_so_many_pieces_at_most() {
    let (gap, long) = (Duration::from_millis(5), "x".repeat(100_000));
    for (chunk, body, pieces) in [(100, BODY, 3..=3), (1, &*long, 4000..=4096), (usize::MAX, BODY, 1..=1)] {
        let Effect::Wire { pieces: sent, seen, .. } = shaped(&Fault::drip(chunk, gap), body) else {
            panic!()
        };
        assert!(pieces.contains(&sent.len()), "{}", sent.len());
        assert!(sent.iter().enumerate().all(|(at, piece)| (piece.after == gap) == (at > 0)));
        let bytes: Vec<u8> = sent.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
        assert!(bytes.ends_with(body.as_bytes()) && text(&seen.unwrap()) == body);
    }
}

#[test]
fn delays_lie_where_they_should() {
    let second = Duration::from_secs(1);
    let draws: Vec<u64> = (0..1000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    assert_eq!(delay(&Latency::Fixed { by: second }, 5), second);
    let uniform = Latency::Uniform { from: second, to: 3 * second };
    let delays: Vec<_> = draws.iter().map(|draw| delay(&uniform, *draw)).collect();
    assert!(delays.iter().all(|delay| (second..=3 * second).contains(delay)));
    assert!(delays.iter().any(|delay| *delay > 2 * second) && delays.iter().any(|delay| *delay < 2 * second));
    let lognormal = Latency::Lognormal { median: second, sigma: 0.5 };
    let below = draws.iter().filter(|draw| delay(&lognormal, **draw) < second).count();
    assert!((400..600).contains(&below), "{below}");
    let wide = Latency::Lognormal { median: Duration::MAX, sigma: 3.0 };
    assert!(
        draws.iter().chain(&[0, u64::MAX]).all(|draw| delay(&wide, *draw) <= Duration::from_millis(u64::MAX))
    );
    assert_eq!(delay(&Latency::Lognormal { median: second, sigma: 0.0 }, 9), second);
}

/// A document with these values, the last of them bare.
fn any_document(values: &[String], number: u32) -> String {
    let mut xml = xml::Writer::new();
    for (at, value) in values.iter().enumerate() {
        xml.element(&format!("f{at}"), &xml::Value::Text(value));
    }
    xml.element("number", &xml::Value::Number(number.into()));
    xml.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in an answer: an edit changes what it is about, and nothing else.
    #[test]
    fn edits_change_what_they_are_about(
        values in proptest::collection::vec("([a-c0-9<>&;/\\]\\[!]|<f1>|</f0>|]]>|<!\\[CDATA\\[|发|\r){1,12}", 1..5),
        number: u32,
        draw: u64,
    ) {
        let body = any_document(&values, number);
        let plain = fields(&body);
        let edited = |how: &Content| {
            let response = content::content(answer(&body), how, draw);
            fields(text(&response))
        };
        for how in [Content::Bom, Content::CdataSplit, Content::Entities, Content::Huge { bytes: Some(1 << 12) }] {
            prop_assert_eq!(&edited(&how), &plain, "{:?}", how);
        }
        let mut reordered = edited(&Content::Reordered);
        prop_assert_ne!(&reordered, &plain);
        reordered.sort();
        let mut sorted = plain.clone();
        sorted.sort();
        prop_assert_eq!(reordered, sorted);
        for (at, (name, value)) in plain.iter().enumerate() {
            let mut rest = plain.clone();
            rest.remove(at);
            prop_assert_eq!(edited(&Content::MissingField { field: name.clone() }), rest.clone());
            let lie = fields(text(&reply(&Fault::wrong_echo(name.as_str()), &body)));
            prop_assert_ne!(&lie[at].1, value);
            let mut others = lie;
            others.remove(at);
            prop_assert_eq!(others, rest);
        }
        let signed = text(&reply(&Fault::reply_sign(SignFlaw::Unexpected), &body)).to_owned();
        prop_assert_eq!(verified(&signed), Ok(plain.len() + 1));
    }

    /// Nothing that is no document of the mock's own makes an edit fail.
    #[test]
    fn edits_take_any_text(text in "(<xml>)?(<a>|</a>|<!\\[CDATA\\[|]]>|x|<){0,12}(</xml>)?", draw: u64) {
        for fault in [
            Fault::wrong_echo("a"),
            Fault::reply_sign(SignFlaw::Bad),
            Fault::content(Content::DuplicateField { field: "a".to_owned() }),
            Fault::content(Content::MissingField { field: "a".to_owned() }),
            Fault::content(Content::CdataSplit),
            Fault::content(Content::Entities),
            Fault::content(Content::Reordered),
            Fault::content(Content::EntityBomb),
            Fault::content(Content::Truncated { at: None }),
            Fault::cut(CutAt::Head, End::Close),
            Fault::drip(1, Duration::ZERO),
        ] {
            drop(shape(&fault, answer(&text), Some(&account()), draw));
        }
    }
}
