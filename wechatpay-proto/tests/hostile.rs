//! The adversarial cases that concern the reader, the verifier, the typed answer, the rules of requests and the
//! outcome. A test's name begins with the number of its case.

mod common;

use common::*;
use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::rule::{Rule, Violation};
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;
use wechatpay_proto::wire::{self, XmlErrorKind as Kind};
use wechatpay_proto::{ApiKey, ErrorCode, Fen, Merchant, Nonce, Outcome, Reason, ReplyError, endpoint};

/// A document with the one element `body` in it.
fn xml(body: &str) -> String {
    format!("<xml>{body}</xml>")
}

/// The values of a document that is of the dialect.
fn fields(body: impl AsRef<[u8]>) -> Vec<(String, String)> {
    let document = wire::parse(body.as_ref(), &[]).unwrap();
    document.untrusted().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn value(inside: &str) -> String {
    fields(xml(&format!("<a>{inside}</a>"))).remove(0).1
}

#[test]
fn x01_a_signed_kind_without_a_sign_is_refused() {
    for unsigned in [
        document(&PAID),
        document(&with(&PAID, "result_code", "FAIL")),
        document(&without(&PAID, "return_code")),
        document(&with(&PAID, "return_code", "")),
        document(&with(&PAID, "Sign", &"0".repeat(64))),
        xml(""),
    ] {
        assert_eq!(accept(&ORDER, &unsigned).unwrap_err(), ReplyError::SignMissing, "{unsigned}");
    }
    assert!(accept(&ORDER, signed(HmacSha256, &PAID)).is_ok());
}

#[test]
fn x02_a_sign_of_another_form_never_reaches_the_comparison() {
    let good = naive_sign(Md5, &SENT);
    let bad = [
        good[1..].to_owned(),
        format!("{good}0"),
        "0".repeat(63),
        format!("G{}", &good[1..]),
        format!(" {good}"),
        format!("{good} "),
        format!(" {}", &good[1..]),
        format!("\n{}", &good[1..]),
        format!("+{}", &good[1..]),
        format!("{}号", &good[3..]),
        format!("{good}{good}{good}"),
    ];
    for bad in &bad {
        let unsigned_kind = accept(&PACKET, document(&with(&SENT, "sign", bad)));
        assert_eq!(unsigned_kind.unwrap_err(), ReplyError::SignMalformed, "{bad:?}");
        let signed_kind = accept(&ORDER, document(&with(&PAID, "sign", bad)));
        assert_eq!(signed_kind.unwrap_err(), ReplyError::SignMalformed, "{bad:?}");
    }
    for empty in ["<sign/>", "<sign></sign>", "<sign><![CDATA[]]></sign>"] {
        let sent = document(&SENT).replace("</xml>", &format!("{empty}</xml>"));
        assert_eq!(accept(&PACKET, sent).unwrap_err(), ReplyError::SignMalformed, "{empty}");
        let paid = document(&PAID).replace("</xml>", &format!("{empty}</xml>"));
        assert_eq!(accept(&ORDER, paid).unwrap_err(), ReplyError::SignMissing, "{empty}");
        let fail = format!("<xml><return_code>FAIL</return_code>{empty}</xml>");
        assert_eq!(accept(&ORDER, fail).unwrap_err(), ReplyError::SignMissing, "{empty}");
    }
    assert!(accept(&PACKET, document(&with(&SENT, "sign", &good))).is_ok());
    assert!(accept(&PACKET, document(&with(&SENT, "sign", &good.to_lowercase()))).is_ok());
}

#[test]
fn x03_no_message_chooses_its_digest() {
    let mismatch = |expected| Err(ReplyError::SignTypeMismatch { expected });
    for said in [PAID.to_vec(), with(&PAID, "sign_type", "MD5"), with(&PAID, "sign_type", "HMAC-SHA256")] {
        assert_eq!(accept(&ORDER, signed(Md5, &said)), mismatch(HmacSha256));
        let merchant = md5_merchant();
        let response = answer(signed(HmacSha256, &said));
        assert_eq!(pending(&merchant, &ORDER).accept(&response), mismatch(Md5));
    }
    // the red packets know MD5 only, whatever the merchant prefers
    assert_eq!(accept(&PACKET, signed(HmacSha256, &SENT)).unwrap_err(), mismatch(Md5).unwrap_err());
    assert!(accept(&PACKET, signed(Md5, &SENT)).is_ok());
}

#[test]
fn x04_a_duplicate_is_refused_whatever_its_value() {
    let twice = |first: &str, second: &str| xml(&format!("{first}<a>x</a>{second}"));
    for (first, second) in [
        ("<total_fee>1</total_fee>", "<total_fee>100</total_fee>"),
        ("<total_fee>1</total_fee>", "<total_fee>1</total_fee>"),
        ("<total_fee/>", "<total_fee>1</total_fee>"),
        ("<total_fee>1</total_fee>", "<total_fee/>"),
        ("<sign>A</sign>", "<sign>B</sign>"),
        ("<return_code>FAIL</return_code>", "<return_code>SUCCESS</return_code>"),
    ] {
        assert_eq!(refusal(twice(first, second)), Kind::Duplicate, "{first}{second}");
    }
    let list = "<hblist><hbinfo><openid>a</openid></hbinfo></hblist>";
    for nested in [
        xml(&format!("{list}{list}")),
        xml(&format!("{list}<hblist/>")),
        xml(&list.replace("<openid>", "<openid/><openid>")),
    ] {
        let refused = accept(&QUERY, &nested).unwrap_err();
        assert!(matches!(refused, ReplyError::Xml(e) if e.kind == Kind::Duplicate), "{nested}: {refused}");
    }
}

#[test]
fn x05_nothing_splits_a_leaf() {
    // the sign is right for the joined value
    let good = signed(HmacSha256, &PAID);
    let (before, after) = good.split_once("100</total_fee>").unwrap();
    for (split, kind) in [
        ("<!-- x -->", Kind::Comment),
        ("<!---->", Kind::Comment),
        ("<?x y?>", Kind::ProcessingInstruction),
        ("<!DOCTYPE x>", Kind::Doctype),
    ] {
        assert_eq!(refusal(format!("{before}1{split}00</total_fee>{after}")), kind, "in an amount");
        assert_eq!(refusal(good.replace("<sign>", &format!("<sign>{split}"))), kind, "in the sign");
        assert_eq!(refusal(good.replace("<sign>", &format!("{split}<sign>"))), kind, "between elements");
    }
    // CDATA and references split nothing: the pieces are one value
    let pieces = format!("{before}1<![CDATA[0]]>&#48;</total_fee>{after}");
    assert_eq!(accept(&ORDER, pieces).unwrap().total_fee, Some(Fen(100)));
}

#[test]
fn x07_names_are_plain_or_refused() {
    let long = "a".repeat(65);
    for name in
        ["attach=x&bank_type", "a&b", "p:sign", ":sign", "1a", "", "a-b", "a.b", "号", "é", "a=", &long]
    {
        assert_eq!(refusal(xml(&format!("<{name}>x</{name}>"))), Kind::Name, "{name}");
    }
    assert_eq!(refusal(xml("<a b>x</a b>")), Kind::Attribute);
    for name in ["__proto__", "constructor", "_", "A9_", &long[1..]] {
        let reply = accept(&ORDER, signed(HmacSha256, &with(&PAID, name, "x"))).unwrap();
        assert_eq!(reply.extra, [(name.into(), "x".into())]);
    }
}

#[test]
fn x08_a_nested_field_is_no_field() {
    let good = signed(HmacSha256, &PAID);
    for nested in ["<a><total_fee>9</total_fee></a>", "<total_fee><total_fee>9</total_fee></total_fee>"] {
        assert_eq!(refusal(good.replace("<total_fee>", &format!("{nested}<total_fee>"))), Kind::Nested);
    }
    // in the one declared list, what stands inside is not outside: nothing of it is echo, promise or sign
    let inside: String =
        ["mch_billno", "mch_id", "status", "sign"].map(|name| format!("<{name}>x</{name}>")).concat();
    let listed = format!("<hblist><hbinfo>{inside}</hbinfo></hblist>");
    let head = "<return_code>SUCCESS</return_code><result_code>SUCCESS</result_code>";
    let missing = ReplyError::Missing { field: "mch_billno" };
    assert_eq!(accept(&QUERY, xml(&format!("{head}{listed}"))), Err(missing));
    for deeper in [
        "<hblist><hbinfo><a><b/></a></hbinfo></hblist>",
        "<hblist><other/></hblist>",
        "<hblist><hblist/></hblist>",
        "<hbinfo><openid/></hbinfo>",
    ] {
        let refused = accept(&QUERY, xml(deeper)).unwrap_err();
        assert!(matches!(refused, ReplyError::Xml(e) if e.kind == Kind::Nested), "{deeper}: {refused}");
    }
}

#[test]
fn x09_no_proper_prefix_of_an_answer_is_an_answer() {
    let list = "<hblist><hbinfo><openid>a</openid><amount>1</amount></hbinfo></hblist></xml>";
    let query = document(&with(&SENT, "status", "RECEIVED")).replace("</xml>", list);
    let cut = |whole: &str, check: &dyn Fn(&[u8]) -> bool| {
        assert!(check(whole.as_bytes()), "{whole}");
        for end in 0..whole.len() {
            assert!(!check(&whole.as_bytes()[..end]), "accepted when cut at {end}: {whole}");
        }
    };
    cut(&document(&SENT), &|body| accept(&PACKET, body).is_ok());
    cut(&signed(Md5, &SENT), &|body| accept(&PACKET, body).is_ok());
    cut(&signed(HmacSha256, &PAID), &|body| accept(&ORDER, body).is_ok());
    cut(&query, &|body| accept(&QUERY, body).is_ok());
    assert_eq!(refusal("<xml><a>1"), Kind::Truncated);
    assert_eq!(refusal("<xml><a>1</a>"), Kind::Truncated);
}

#[test]
fn x10_one_root_and_white_space_around_it() {
    let good = document(&SENT);
    for (tail, kind) in [
        ("<xml></xml>", Kind::Trailing),
        ("<xml/>", Kind::Trailing),
        ("x", Kind::Trailing),
        ("&#32;", Kind::Trailing),
        ("<![CDATA[]]>", Kind::Trailing),
        ("\u{feff}", Kind::Trailing),
        ("\u{a0}", Kind::Trailing),
        ("\0", Kind::Character),
        ("<!-- -->", Kind::Comment),
        ("<?x?>", Kind::ProcessingInstruction),
        ("</xml>", Kind::Syntax),
        ("<", Kind::Syntax),
    ] {
        assert_eq!(refusal(format!("{good}{tail}")), kind, "{tail:?} behind the root");
    }
    for head in ["x", "\u{a0}", "<a/>", "<![CDATA[]]>", "&#32;", " \u{feff}"] {
        assert_eq!(refusal(format!("{head}{good}")), Kind::NotXmlRoot, "{head:?} before the root");
    }
    assert!(accept(&PACKET, format!(" \t\r\n{good}\n\r\t ")).is_ok());
    assert!(accept(&PACKET, format!("\u{feff}{good}")).is_ok());
    assert!(wire::parse(format!("\u{feff}\u{feff}{good}").as_bytes(), &[]).is_err());
}

#[test]
fn x11_a_communication_failure_is_nothing_else() {
    let fail = with(&with(&PAID, "return_code", "FAIL"), "return_msg", "签名失败");
    let reply = accept(&ORDER, document(&with(&fail, "err_code", "SYSTEMERROR"))).unwrap();
    assert_eq!(reply.head.return_msg.as_deref(), Some("签名失败"));
    assert_eq!((reply.head.result_code.as_ref(), reply.head.err_code.as_ref()), (None, None));
    assert_eq!((reply.total_fee, reply.appid.as_ref(), reply.extra.len()), (None, None, 0));
    assert!(!reply.head.is_success());
    // with a sign it is checked like any other
    let forged = document(&with(&fail, "sign", &"0".repeat(64)));
    assert_eq!(accept(&ORDER, forged).unwrap_err(), ReplyError::SignMismatch);

    // unsigned kinds may give a reason, and still no verdict
    for code in ["SEND_FAILED", "SYSTEMERROR", "268458547"] {
        for result in ["SUCCESS", "FAIL"] {
            let fail = with(&with(&SENT, "return_code", "FAIL"), "result_code", result);
            let reply = accept(&PACKET, document(&with(&fail, "err_code", code))).unwrap();
            assert_eq!(reply.outcome(), Outcome::Unknown(Reason::Code(ErrorCode::new(code))));
        }
    }
}

#[test]
fn x12_a_key_is_32_visible_bytes() {
    for (bad, violation) in [
        ("", Violation::Length { exactly: 32, len: 0 }),
        (&KEY[1..], Violation::Length { exactly: 32, len: 31 }),
        (&format!("{KEY}0"), Violation::Length { exactly: 32, len: 33 }),
        (&format!("{} ", &KEY[1..]), Violation::Characters { allowed: "visible ASCII", at: 31 }),
        (&format!("\n{}", &KEY[1..]), Violation::Characters { allowed: "visible ASCII", at: 0 }),
        (&format!("é{}", &KEY[2..]), Violation::Characters { allowed: "visible ASCII", at: 0 }),
    ] {
        let error = ApiKey::new(bad).unwrap_err();
        assert_eq!((error.field(), error.violation()), ("key", &violation), "{bad:?}");
    }

    // Has no default: the inherent constant exists only for types that have one, and hides the trait's.
    struct Probe<T>(std::marker::PhantomData<T>);
    trait Fallback {
        const HAS_DEFAULT: bool = false;
    }
    impl<T> Fallback for Probe<T> {}
    impl<T: Default> Probe<T> {
        const HAS_DEFAULT: bool = true;
    }
    const { assert!(Probe::<String>::HAS_DEFAULT) };
    const { assert!(!Probe::<ApiKey>::HAS_DEFAULT && !Probe::<Merchant>::HAS_DEFAULT) };
}

#[test]
fn x13_an_unknown_field_is_kept_if_it_was_signed() {
    let more = with(&with(&PAID, "zzz", "1 & 2"), "aaa", "");
    let reply = accept(&ORDER, signed(HmacSha256, &with(&more, "sub_appid", "x"))).unwrap();
    for (name, value) in [("zzz", "1 & 2"), ("sub_appid", "x")] {
        assert!(reply.extra.contains(&(name.into(), value.into())), "{name}");
    }
    let appended = signed(HmacSha256, &PAID).replace("</xml>", "<zzz>1</zzz></xml>");
    assert_eq!(accept(&ORDER, appended).unwrap_err(), ReplyError::SignMismatch);
}

#[test]
fn x15_zero_signs_and_empty_does_not() {
    let zero = with(&PAID, "cash_fee", "0");
    assert_eq!(accept(&ORDER, signed(HmacSha256, &zero)).unwrap().cash_fee, Some(Fen(0)));
    let not_counted = signed(HmacSha256, &PAID).replace("</xml>", "<cash_fee>0</cash_fee></xml>");
    assert_eq!(accept(&ORDER, not_counted).unwrap_err(), ReplyError::SignMismatch);
    for empty in ["<cash_fee/>", "<cash_fee></cash_fee>", "<cash_fee><![CDATA[]]></cash_fee>"] {
        let traceless = signed(HmacSha256, &PAID).replace("</xml>", &format!("{empty}</xml>"));
        assert_eq!(accept(&ORDER, traceless).unwrap().cash_fee, None);
    }
}

#[test]
fn x17_references_are_decoded_once() {
    assert_eq!(value("&amp;lt;"), "&lt;");
    assert_eq!(value("&amp;#49;"), "&#49;");
    assert_eq!(value("<![CDATA[&lt;&#49;]]>"), "&lt;&#49;");
    assert_eq!(value("&#38;#49;"), "&#49;");
    assert_eq!(value("&lt;&gt;&amp;&apos;&quot;&#65;&#x42;&#x1F600;"), "<>&'\"AB😀");
    for bad in ["&nbsp;", "&LT;", "&#X41;", "&#+65;", "&#-1;", "&#;", "&#x;", "&;", "&a b;", "&#4294967361;"]
    {
        assert_eq!(refusal(xml(&format!("<a>{bad}</a>"))), Kind::Reference, "{bad}");
    }
    for bad in ["&#0;", "&#1;", "&#x1F;", "&#xFFFE;", "&#xD800;", "&#x110000;"] {
        assert_eq!(refusal(xml(&format!("<a>{bad}</a>"))), Kind::Character, "{bad}");
    }
    for bad in ["&", "&amp", "& ", "&lt&gt;", "a & b"] {
        assert_eq!(refusal(xml(&format!("<a>{bad}</a>"))), Kind::Syntax, "{bad}");
    }
}

#[test]
fn x18_an_answer_about_another_order_settles_nothing() {
    let failed = [("result_code", "FAIL"), ("err_code", "SEND_FAILED")];
    let failed = failed.iter().fold(SENT.to_vec(), |fields, (name, value)| with(&fields, name, value));
    for field in ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"] {
        for other in ["1001", "OD1", " ", "1000 ", "01000", "1000.0"] {
            for fields in [&SENT[..], &failed] {
                let refused = accept(&PACKET, document(&with(fields, field, other))).unwrap_err();
                assert_eq!(refused, ReplyError::Correlation { field });
                assert_eq!(refused.outcome(), Outcome::Unknown(Reason::Unreadable));
            }
        }
        for silent in [without(&SENT, field), with(&SENT, field, "")] {
            let refused = accept(&PACKET, document(&silent)).unwrap_err();
            assert_eq!(refused, ReplyError::Missing { field });
            assert!(refused.outcome().is_unknown());
        }
    }
    assert!(accept(&PACKET, document(&SENT)).unwrap().outcome().is_accepted());
    assert!(accept(&PACKET, document(&failed)).unwrap().outcome().is_failed());
    for anonymous in [without(&failed, "mch_billno"), with(&failed, "mch_billno", "")] {
        let reply = accept(&PACKET, document(&anonymous)).unwrap();
        assert_eq!(reply.outcome(), Outcome::Unknown(Reason::Code(ErrorCode::SendFailed)));
    }
    for field in ["mch_billno", "mch_id"] {
        let other = document(&with(&with(&SENT, "status", "FAILED"), field, "1"));
        assert_eq!(accept(&QUERY, other).unwrap_err(), ReplyError::Correlation { field });
    }
}

#[test]
fn x18_the_other_packets_are_held_to_their_order_too() {
    let taken = with(&SENT, "package", PACKAGE);
    assert!(accept(&MINI, document(&taken)).unwrap().outcome().is_accepted());
    assert!(accept(&GROUP, document(&SENT)).unwrap().outcome().is_accepted(), "total_num may be missing");
    for field in ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"] {
        let missing = ReplyError::Missing { field };
        assert_eq!(accept(&MINI, document(&without(&taken, field))).unwrap_err(), missing);
        assert_eq!(accept(&GROUP, document(&without(&SENT, field))).unwrap_err(), missing);
        let other = ReplyError::Correlation { field };
        assert_eq!(accept(&MINI, document(&with(&taken, field, "1"))).unwrap_err(), other);
        assert_eq!(accept(&GROUP, document(&with(&SENT, field, "1"))).unwrap_err(), other);
    }
    // without its package nobody can claim the packet
    assert_eq!(accept(&MINI, document(&SENT)).unwrap_err(), ReplyError::Missing { field: "package" });
    // a group of another size is another order
    assert!(accept(&GROUP, document(&with(&SENT, "total_num", "3"))).is_ok());
    let larger = accept(&GROUP, document(&with(&SENT, "total_num", "4"))).unwrap_err();
    assert_eq!(larger, ReplyError::Correlation { field: "total_num" });
}

#[test]
fn x19_an_amount_is_a_plain_integer() {
    let found = with(&SENT, "status", "SENT");
    for bad in [
        "-1",
        "+1",
        " 1",
        "1 ",
        "01",
        "00",
        "1.0",
        "1e3",
        "0x10",
        "１",
        "18446744073709551617",
        "4294967296",
        "99999999999",
        "1,000",
        "1_000",
        "\n1",
        "٣",
    ] {
        let refused = accept(&QUERY, document(&with(&found, "total_amount", bad))).unwrap_err();
        assert!(matches!(refused, ReplyError::Malformed { field: "total_amount", .. }), "{bad:?}: {refused}");
        assert!(refused.outcome().is_unknown());
        let refused = accept(&ORDER, signed(HmacSha256, &with(&PAID, "total_fee", bad))).unwrap_err();
        assert!(matches!(refused, ReplyError::Malformed { field: "total_fee", .. }), "{bad:?}: {refused}");
    }
    let empty = accept(&ORDER, signed(HmacSha256, &with(&PAID, "total_fee", ""))).unwrap_err();
    assert_eq!(empty, ReplyError::Missing { field: "total_fee" });
    for (good, fen) in [("0", 0), ("1", 1), ("4294967295", u32::MAX)] {
        let reply = accept(&QUERY, document(&with(&found, "total_amount", good))).unwrap();
        assert_eq!(reply.total_amount, Some(Fen(fen)));
    }
}

#[test]
fn x20_no_value_breaks_out_of_its_element() {
    for hostile in [
        "]]>",
        "]]]>",
        "]]]]>>",
        "<",
        "&",
        "</xml>",
        "\"'`",
        "]]><total_amount>1</total_amount>",
        "</wishing><total_amount>1</total_amount><wishing>",
        "<![CDATA[x]]>",
        "<!-- -->",
        "<?x?>",
        "&lt;&#49;",
        "a=1&total_amount=1",
        "]]",
        "]",
        ">",
    ] {
        let packet = SendRedPack { wishing: hostile, ..PACKET.clone() };
        let signed = MERCHANT.sign(&packet, Nonce::from_bytes([0; 16])).unwrap();
        let read = fields(signed.xml());
        let names: Vec<_> = read.iter().map(|(name, _)| name.as_str()).collect();
        let mut expected = [
            "act_name",
            "client_ip",
            "mch_billno",
            "mch_id",
            "nonce_str",
            "re_openid",
            "remark",
            "send_name",
            "total_amount",
            "total_num",
            "wishing",
            "wxappid",
            "sign",
        ];
        assert_eq!(names, expected);
        expected.sort_unstable();
        assert!(read.contains(&("wishing".to_owned(), hostile.to_owned())), "{hostile}");
        assert!(read.contains(&("total_amount".to_owned(), "1000".to_owned())));
        assert_eq!(read.last().unwrap().1, naive_sign(Md5, &read), "{hostile}");
        // and an answer that brings it back is read as it was sent
        let reply = accept(&ORDER, self::signed(HmacSha256, &with(&PAID, "attach", hostile))).unwrap();
        assert_eq!(reply.attach.as_deref(), Some(hostile));
    }
}

#[test]
fn x21_a_value_that_cannot_arrive_is_not_sent() {
    let controls = (0..0x20).map(|code| char::from_u32(code).unwrap());
    let bad = controls.chain(['\u{FFFE}', '\u{FFFF}', '\u{FEFF}']).map(String::from);
    for bad in bad.chain(["\r\n".to_owned()]) {
        let text = format!("ab{bad}");
        let broken: [(&str, SendRedPack<'_>); 4] = [
            ("send_name", SendRedPack { send_name: &text, ..PACKET.clone() }),
            ("wishing", SendRedPack { wishing: &text, ..PACKET.clone() }),
            ("act_name", SendRedPack { act_name: &text, ..PACKET.clone() }),
            ("remark", SendRedPack { remark: &text, ..PACKET.clone() }),
        ];
        for (field, packet) in broken {
            let error = MERCHANT.sign(&packet, Nonce::from_bytes([0; 16])).unwrap_err();
            assert_eq!(error.field(), field);
            assert!(matches!(error.violation(), Violation::Characters { at: 2, .. }), "{bad:?}: {error}");
        }
    }
}

#[test]
fn x23_every_other_character_keeps_its_bytes() {
    let strange = "\u{2028}\u{2029}\u{85}\u{a0}\u{7f}\u{200d}e\u{301}é😀👨\u{200d}👩\u{200d}👧 \u{FFFD}\u{10FFFF}\u{202e}";
    let reply = accept(&ORDER, signed(HmacSha256, &with(&PAID, "attach", strange))).unwrap();
    assert_eq!(reply.attach.as_deref(), Some(strange));
    let packet = SendRedPack { wishing: strange, ..PACKET.clone() };
    let signed = MERCHANT.sign(&packet, Nonce::from_bytes([0; 16])).unwrap();
    let read = fields(signed.xml());
    assert!(read.contains(&("wishing".to_owned(), strange.to_owned())));
    assert_eq!(read.last().unwrap().1, naive_sign(Md5, &read));
}

endpoint! {
    /// Names whose order by bytes is not their order by anything else.
    #[allow(non_snake_case, reason = "a name on the wire")]
    struct Ordered<'a> => OrderedReply<'b>;
    POST "/ordered", certificate: false, sign: Md5, trust: Signed;

    envelope { nonce_str: nonce; }
    required {
        coupon_id_10: &'a str => Rule::Any;
        coupon_id_2: &'a str => Rule::Any;
        a_: &'a str => Rule::Any;
        a1: &'a str => Rule::Any;
        a: &'a str => Rule::Any;
        A: &'a str => Rule::Any;
        _0: &'a str => Rule::Any;
    }
    reply {}
    echo {}
    promise {}
}

#[test]
fn x24_the_order_is_that_of_the_bytes_of_the_names() {
    // by value, or by the joined text, `a=~` would stand behind `a1=0`
    let request = Ordered { coupon_id_10: "1", coupon_id_2: "2", a_: "!", a1: "0", a: "~", A: "x", _0: "y" };
    let signed = MERCHANT.sign(&request, Nonce::from_text("n").unwrap()).unwrap();
    assert_eq!(
        signed.string_to_sign(),
        "A=x&_0=y&a=~&a1=0&a_=!&coupon_id_10=1&coupon_id_2=2&nonce_str=n&key="
    );
    let read = fields(signed.xml());
    assert_eq!(read.last().unwrap().1, naive_sign(Md5, &read));
    let names =
        [("coupon_id_2", "2"), ("coupon_id_10", "1"), ("a_", "!"), ("a1", "0"), ("a", "~"), ("A", "x")];
    let reply = accept(&ORDER, self::signed(HmacSha256, &[&PAID[..], &names].concat())).unwrap();
    assert_eq!(reply.extra.len(), names.len());
}

#[test]
fn x25_a_key_element_is_refused_where_answers_are_signed() {
    for value in ["x", "", KEY] {
        let body = signed(HmacSha256, &with(&PAID, "key", value));
        assert_eq!(accept(&ORDER, body).unwrap_err(), ReplyError::KeyElement);
        let body = signed(Md5, &with(&SENT, "key", value));
        assert_eq!(accept(&PACKET, body).unwrap_err(), ReplyError::KeyElement);
    }
    let more = with(&with(&with(&PAID, "Sign", "0"), "SIGN", "1"), "Key", "2");
    let reply = accept(&ORDER, signed(HmacSha256, &more)).unwrap();
    assert_eq!(reply.extra.len(), 3, "ordinary fields");
}

#[test]
fn x27_no_refusal_helps_to_forge() {
    let correct = naive_sign(HmacSha256, &PAID);
    let text = naive_text(&PAID);
    for (body, expected) in [
        (document(&PAID), ReplyError::SignMissing),
        (document(&with(&PAID, "sign", "0")), ReplyError::SignMalformed),
        (signed(Md5, &PAID), ReplyError::SignTypeMismatch { expected: HmacSha256 }),
        (document(&with(&PAID, "sign", &"0".repeat(64))), ReplyError::SignMismatch),
        (signed(HmacSha256, &with(&PAID, "key", "x")), ReplyError::KeyElement),
        (signed(HmacSha256, &with(&PAID, "mch_id", "1")), ReplyError::Correlation { field: "mch_id" }),
        (signed(HmacSha256, &without(&PAID, "appid")), ReplyError::Missing { field: "appid" }),
    ] {
        let error = accept(&ORDER, &body).unwrap_err();
        assert_eq!(error, expected);
        let shown = format!("{error} {error:?}");
        for secret in [correct.as_str(), &correct.to_lowercase(), &text, &body, KEY, PAID[2].1, PAID[4].1] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn x28_a_document_type_is_refused_at_sight() {
    let good = document(&SENT);
    for doctype in [
        "<!DOCTYPE x>",
        "<!doctype x>",
        "<!DocType xml>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]>",
        "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE x PUBLIC \"-//W3C//DTD\" \"https://example.com/x.dtd\">",
        "<!DOCTYPE x [<!ENTITY % p SYSTEM \"file:///etc/passwd\">%p;]>",
        "<!DOCTYPE x [<!ENTITY a \">\"><!ELEMENT xml ANY><!-- ]> --><?p ]>?>]>",
        "<!DOCTYPE x><!DOCTYPE x>",
    ] {
        assert_eq!(refusal(format!("{doctype}{good}")), Kind::Doctype, "before the root: {doctype}");
        assert_eq!(refusal(format!("<?xml version=\"1.0\"?>\n{doctype}{good}")), Kind::Doctype);
        assert_eq!(refusal(format!("{good}{doctype}")), Kind::Doctype, "behind the root: {doctype}");
        assert_eq!(refusal(xml(doctype)), Kind::Doctype, "in the root: {doctype}");
        assert_eq!(refusal(xml(&format!("<a>{doctype}</a>"))), Kind::Doctype, "in a leaf: {doctype}");
    }
    // an entity that only a document type could define
    assert_eq!(refusal(xml("<a>&xxe;</a>")), Kind::Reference);
}

#[test]
fn x29_nothing_expands() {
    let laughs: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let billion = format!("<!DOCTYPE xml [<!ENTITY l0 \"lol\">{laughs}]><xml><a>&l9;</a></xml>");
    assert_eq!(refusal(billion), Kind::Doctype);
    let quadratic =
        format!("<!DOCTYPE xml [<!ENTITY a \"{}\">]>{}", "x".repeat(50_000), xml(&"&a;".repeat(1_000)));
    assert_eq!(refusal(quadratic), Kind::Doctype);
    assert_eq!(refusal(xml(&format!("<a>{}</a>", "&#65;".repeat(1_000_000)))), Kind::BodyTooLong);
    // what is within the limits comes out shorter than it went in
    let references = "&#65;".repeat(13_000);
    assert_eq!(value(&references), "A".repeat(13_000));
}

#[test]
fn x30_a_malformed_document_type_is_refused_quietly() {
    let rich = "<!DOCTYPE x SYSTEM \"a\" 'b' [<!ENTITY % p \"<>'\"><!ENTITY e '\">'><!ELEMENT r (#PCDATA)><!ATTLIST r a \
                CDATA #IMPLIED><!NOTATION n SYSTEM '>'><!-- - -- ]> --><?pi >? ?>%p;]>";
    assert_eq!(refusal(format!("{rich}<xml/>")), Kind::Doctype);
    for end in 0..rich.len() {
        for tail in ["", ">", "]>", "'>", "\"]>", "?>", "-->", "<xml/>", "]><xml/>"] {
            for place in ["", "<xml>", "<xml><a>x"] {
                let body = format!("{place}{}{tail}", &rich[..end]);
                // the one prefix that is no document type at all
                if end > 0 || place.is_empty() != tail.ends_with("<xml/>") {
                    assert!(wire::parse(body.as_bytes(), &[]).is_err(), "{body}");
                }
            }
        }
    }
    for (bad, kind) in [
        ("<!D>", Kind::Syntax),
        ("<!DOCTYPE>", Kind::Syntax),
        ("<!DOCTYPE x [<!", Kind::Syntax),
        ("<!DOCTYPE x [<!>", Kind::Syntax),
        ("<!DOCTYPE x [<?", Kind::Syntax),
        ("<!", Kind::Syntax),
        ("<!>", Kind::Syntax),
        ("<!-", Kind::Syntax),
        ("<!-->", Kind::Syntax),
        ("<!--->", Kind::Syntax),
        ("<![CDATA", Kind::Syntax),
        ("<xml><a>x<!DOCTYPE y>z</a></xml>", Kind::Doctype),
    ] {
        assert_eq!(refusal(bad), kind, "{bad}");
    }
}

#[test]
fn x31_every_cap_holds_to_the_unit() {
    let body = |len: usize| {
        let fixed = "<xml></xml>".len() + 5 * "<a0></a0>".len();
        let rest = len - fixed;
        let part = |at: usize| (rest / 5) + usize::from(at < rest % 5);
        xml(&(0..5).map(|at| format!("<a{at}>{}</a{at}>", "x".repeat(part(at)))).collect::<String>())
    };
    assert_eq!((body(wire::MAX_BODY).len(), fields(body(wire::MAX_BODY)).len()), (65_536, 5));
    assert_eq!(refusal(body(wire::MAX_BODY + 1)), Kind::BodyTooLong);

    let elements = |count: usize| xml(&(0..count).map(|at| format!("<a{at}/>")).collect::<String>());
    assert_eq!(fields(elements(256)).len(), 256);
    assert_eq!(refusal(elements(257)), Kind::TooManyElements);
    let items = |count: usize| {
        accept(
            &QUERY,
            document(&SENT)
                .replace("</xml>", &format!("<hblist>{}</hblist></xml>", "<hbinfo/>".repeat(count))),
        )
    };
    let counted = SENT.len() + 1;
    assert_eq!(items(256 - counted).unwrap_err(), ReplyError::Missing { field: "status" });
    let refused = items(257 - counted).unwrap_err();
    assert!(matches!(refused, ReplyError::Xml(e) if e.kind == Kind::TooManyElements), "{refused}");

    let most = "x".repeat(wire::MAX_VALUE);
    assert_eq!(value(&most), most);
    assert_eq!(value(&format!("<![CDATA[{}]]>x", &most[1..])), most);
    for long in [
        format!("{most}x"),
        format!("<![CDATA[{most}x]]>"),
        format!("{most}<![CDATA[x]]>"),
        format!("{most}&lt;"),
    ] {
        assert_eq!(refusal(xml(&format!("<a>{long}</a>"))), Kind::ValueTooLong);
    }

    assert_eq!(refusal(xml("<a><b><c/></b></a>")), Kind::Nested);
    assert_eq!(refusal("<a>".repeat(100_000)), Kind::BodyTooLong);
    assert_eq!(refusal("<a>".repeat(20_000)), Kind::NotXmlRoot);
    assert_eq!(refusal(format!("<xml>{}", "<a>".repeat(20_000))), Kind::Nested);
}

#[test]
fn x32_any_attribute_is_refused() {
    let good = document(&SENT);
    for (from, to) in [
        ("<xml>", "<xml a=\"b\">"),
        ("<xml>", "<xml xmlns=\"urn:x\">"),
        ("<mch_id>", "<mch_id a='b'>"),
        ("<mch_id>", "<mch_id a>"),
        ("<mch_id>", "<mch_id a=b>"),
        ("<mch_id>", "<mch_id \u{a0}>"),
        ("<mch_id>", "<mch_id />x<mch_id a=\"1\" a=\"1\">"),
    ] {
        let kind = if to.contains("/>x") { Kind::Mixed } else { Kind::Attribute };
        assert_eq!(refusal(good.replacen(from, to, 1)), kind, "{to}");
    }
    let thousands = |count: usize| (0..count).map(|at| format!(" a{at}=''")).collect::<String>();
    assert_eq!(refusal(format!("<xml{}></xml>", thousands(7_000))), Kind::Attribute);
    assert_eq!(refusal(format!("<xml{}></xml>", thousands(80_000))), Kind::BodyTooLong);
    for end in ["</mch_id a=\"b\">", "</mch_id a>", "</ mch_id>", "</mch_id\u{a0}>"] {
        assert_eq!(refusal(good.replace("</mch_id>", end)), Kind::Syntax, "{end}");
    }
}

#[test]
fn x34_control_characters_are_refused_raw() {
    for control in (0..0x20).map(|code| char::from_u32(code).unwrap()).filter(|c| !"\t\n\r".contains(*c)) {
        for place in [
            xml(&format!("<a>x{control}</a>")),
            xml(&format!("<a><![CDATA[{control}]]></a>")),
            xml(&format!("<a{control}/>")),
            xml(&format!("<a/>{control}")),
            format!("{control}<xml/>"),
        ] {
            assert_eq!(refusal(place), Kind::Character, "{control:?}");
        }
    }
    assert_eq!(refusal(xml("<a>\u{FFFE}</a>")), Kind::Character);
    assert_eq!(refusal(xml("<a\u{7f}>x</a\u{7f}>")), Kind::Name);
    assert_eq!(value("x\u{7f}\t\n"), "x\u{7f}\t\n");
}

#[test]
fn x35_what_is_not_utf8_is_refused_with_its_place() {
    let bytes = |inside: &[u8]| [b"<xml><a>", inside, b"</a></xml>"].concat();
    for bad in [
        &[0xFF][..],
        &[0xC0, 0xAF],                         // overlong
        &[0xE0, 0x80, 0xAF],                   // overlong
        &[0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80], // CESU-8
        &[0xBA, 0xEC, 0xB0, 0xFC],             // 红包 in GBK
        &[0xE7, 0xBA],                         // cut short
        &[0xF5, 0x80, 0x80, 0x80],             // beyond Unicode
    ] {
        let error = wire::parse(&bytes(bad), &[]).unwrap_err();
        assert_eq!((error.kind, error.at), (Kind::NotUtf8, 8), "{bad:x?}");
        assert_eq!(refusal(bytes(bad)), Kind::NotUtf8);
    }
    let wide =
        |order: fn(u16) -> [u8; 2]| "\u{feff}<xml/>".encode_utf16().flat_map(order).collect::<Vec<_>>();
    for utf16 in [wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
        assert_eq!(wire::parse(&utf16, &[]).unwrap_err(), wire::XmlError { kind: Kind::NotUtf8, at: 0 });
        assert_eq!(refusal(&utf16[2..]), Kind::Character, "without its mark it is full of NUL");
    }
}

#[test]
fn x36_a_declaration_says_version_1_and_utf8_or_nothing() {
    let good = document(&SENT);
    for declaration in [
        "version=\"1.0\"",
        "version='1.0'",
        "version=\"1.0\" encoding=\"UTF-8\"",
        "version=\"1.0\" encoding='utf-8' ",
        " version = \"1.0\"\n",
    ] {
        assert!(accept(&PACKET, format!("<?xml {declaration}?>{good}")).is_ok(), "{declaration}");
        assert!(accept(&PACKET, format!("\u{feff}<?xml {declaration}?>\n{good}")).is_ok(), "{declaration}");
    }
    for declaration in [
        "",
        "version=\"1.0\" encoding=\"GBK\"",
        "version=\"1.0\" encoding=\"UTF-16\"",
        "version=\"1.0\" encoding=\"UTF8\"",
        "version=\"1.0\" encoding=\"\"",
        "version=\"9.9\"",
        "version=\"1.1\"",
        "version=\"1.0\" standalone=\"yes\"",
        "version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"",
        "encoding=\"UTF-8\" version=\"1.0\"",
        "encoding=\"UTF-8\"",
        "version=\"1.0\" version=\"1.0\"",
        "version=1.0",
        "version",
        "VERSION=\"1.0\"",
        "version=\"1.0\" encoding=\"UTF-8\" x=\"y\"",
    ] {
        assert_eq!(refusal(format!("<?xml {declaration}?>{good}")), Kind::Declaration, "{declaration}");
    }
    let once = "<?xml version=\"1.0\"?>";
    for misplaced in
        [format!(" {once}{good}"), format!("{once}{once}{good}"), format!("{good}{once}"), xml(once)]
    {
        assert_eq!(refusal(&misplaced), Kind::Declaration, "{misplaced}");
    }
    assert_eq!(refusal(format!("<?XML version=\"1.0\"?>{good}")), Kind::ProcessingInstruction);
}

#[test]
fn x38_what_is_no_xml_root_settles_nothing() {
    for other in [
        "",
        " \r\n\t",
        "\u{feff}",
        "ok",
        "SUCCESS",
        "{\"return_code\":\"SUCCESS\"}",
        "<XML></XML>",
        "<Xml/>",
        "<html>502</html>",
        "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body bgcolor=\"white\">\r\n<center>",
        "<return_code>SUCCESS</return_code>",
        "a < b",
    ] {
        assert_eq!(refusal(other), Kind::NotXmlRoot, "{other:?}");
        let outcome = accept(&PACKET, other).unwrap_err().outcome();
        assert_eq!(outcome, Outcome::Unknown(Reason::Unreadable));
    }
    for status in [100, 204, 302, 400, 404, 500, 502] {
        let mut response = answer(document(&SENT));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        let refused = pending(&MERCHANT, &PACKET).accept(&response).unwrap_err();
        assert_eq!(refused, ReplyError::HttpStatus(status), "whatever the body says");
        assert!(refused.outcome().is_unknown());
    }
    let empty = accept(&PACKET, "<xml/>").unwrap_err();
    assert_eq!(empty, ReplyError::Missing { field: "return_code" });
}

#[test]
fn x39_white_space_is_ignored_between_elements_and_kept_in_values() {
    let body = " \t\r\n<xml>\r\n <a> <![CDATA[x]]> </a>\t<b>\r\n</b>\r<c>\r</c><d> </d></xml >\n";
    let expected = [("a", " x "), ("b", "\n"), ("c", "\n"), ("d", " ")];
    assert_eq!(fields(body), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    for visible in ["\u{a0}", "\u{3000}", "\u{85}", "\u{feff}", "x", "<![CDATA[ ]]>", "<![CDATA[]]>", "&#32;"]
    {
        assert_eq!(refusal(xml(&format!("<a/>{visible}<b/>"))), Kind::Mixed, "{visible:?}");
    }
}

#[test]
fn x41_what_is_not_well_formed_is_refused() {
    for good in ["<a/>", "<a />", "<a></a >", "<a\n></a\t>", "<a><![CDATA[]]></a>"] {
        assert_eq!(fields(xml(good)), [("a".to_owned(), String::new())], "{good}");
    }
    for (bad, kind) in [
        ("<a></b>", Kind::Syntax),
        ("<a><b></a></b>", Kind::Nested),
        ("<a><![cdata[x]]></a>", Kind::Syntax),
        ("<a>x]]>y</a>", Kind::CdataEnd),
        ("]]>", Kind::CdataEnd),
        ("<a>1 < 2</a>", Kind::Attribute),
        ("<a><</a>", Kind::Name),
        ("<a/ >", Kind::Name),
        ("<a / >", Kind::Attribute),
        ("</a>", Kind::Syntax),
        ("<a", Kind::Name),
        ("<>x</>", Kind::Name),
        ("<a>x</A>", Kind::Syntax),
        ("<a><![CDATA[x]]</a>", Kind::Syntax),
    ] {
        assert_eq!(refusal(xml(bad)), kind, "{bad}");
    }
}

#[test]
fn x43_what_is_shown_of_untrusted_text_is_escaped() {
    // ESC itself is no character of XML; its one-byte sister CSI is
    assert_eq!(refusal(xml("<return_msg>\u{1b}[31m</return_msg>")), Kind::Character);
    assert_eq!(refusal(xml("<return_msg>&#27;[31m</return_msg>")), Kind::Character);
    let evil = "\u{9b}31m\u{202e}\u{7f}\n";
    let fields = ["return_msg", "err_code", "err_code_des", "result_code", "send_listid", "send_time", "zzz"];
    let fields = fields.iter().fold(SENT.to_vec(), |fields, name| with(&fields, name, evil));
    let reply = accept(&PACKET, document(&fields)).unwrap();
    let code = reply.head.err_code.clone().unwrap();
    let result = reply.head.result_code.clone().unwrap();
    let outcome = reply.outcome();
    for shown in [
        format!("{reply:?}"),
        format!("{code} {code:?}"),
        format!("{result} {result:?}"),
        format!("{outcome:?}"),
    ] {
        assert!(shown.contains("31m"), "{shown}");
        for raw in ['\u{9b}', '\u{202e}', '\u{7f}', '\n'] {
            assert!(!shown.contains(raw), "{raw:?} in {shown:?}");
        }
    }
}
