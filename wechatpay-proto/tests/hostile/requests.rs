//! What is refused before it is signed, and what arrives as it was sent.

use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::rule::{Rule, Violation};
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;
use wechatpay_proto::{ApiKey, Call, Merchant, Nonce, endpoint, wire};

use crate::common::*;
use crate::fields;

#[test]
fn x12_a_key_is_32_visible_bytes() {
    for (bad, violation) in [
        ("", Violation::Length { exactly: 32, len: 0 }),
        (&KEY[1..], Violation::Length { exactly: 32, len: 31 }),
        (&format!("{KEY}0"), Violation::Length { exactly: 32, len: 33 }),
        (&format!("{} ", &KEY[1..]), Violation::Stray { what: "white space", at: 31 }),
        (&format!("\n{}", &KEY[1..]), Violation::Stray { what: "white space", at: 0 }),
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
fn x12_a_key_may_have_every_visible_character() {
    let with = |byte: u8| [&[byte], &KEY.as_bytes()[1..]].concat();
    for byte in 0..=u8::MAX {
        assert_eq!(ApiKey::new(with(byte)).is_ok(), (0x21..=0x7E).contains(&byte), "{byte:#x}");
    }
}

#[test]
fn x15_zero_is_sent_and_signed_and_empty_leaves_no_trace() {
    let call = Call::new("pay/x").field("zero", 0).field("empty", "").field("text", "0");
    let signed = MERCHANT.sign(&call, Nonce::from_text("n").unwrap()).unwrap();
    let text = signed.string_to_sign();
    assert!(text.contains("&text=0&zero=0&") && !text.contains("empty"), "{text}");
    let read = fields(signed.xml());
    assert!(
        read.contains(&("zero".to_owned(), "0".to_owned())) && read.iter().all(|(name, _)| name != "empty")
    );
}

#[test]
fn x20_what_any_call_sends_is_what_arrives() {
    let hostile =
        ["]]>", "<", "&", "</xml>", "\"'", "]]><total_amount>1</total_amount>", "a\nb", "\t", " x "];
    for value in hostile {
        let call = Call::new("pay/x").field("a", value).field("total_fee", 1);
        let signed = MERCHANT.sign(&call, Nonce::from_bytes([0; 16])).unwrap();
        let read = fields(signed.xml());
        assert!(read.contains(&("a".to_owned(), value.to_owned())), "{value:?} in {}", signed.xml());
        assert!(read.contains(&("total_fee".to_owned(), "1".to_owned())));
        assert_eq!(read.iter().filter(|(name, _)| name.contains("total")).count(), 1);
    }
}

#[test]
fn x21_a_mark_alone_is_no_text() {
    for bad in ["\u{feff}", "\r", "\0", "\u{1}", "\u{1f}", "\u{fffe}"] {
        let packet = SendRedPack { wishing: bad, ..PACKET.clone() };
        let error = MERCHANT.sign(&packet, Nonce::from_bytes([0; 16])).unwrap_err();
        assert_eq!(error.field(), "wishing");
        assert!(matches!(error.violation(), Violation::Characters { at: 0, .. }), "{bad:?}: {error}");
    }
    // a text under no rule of its own may have line feeds and marks, and nothing that would not arrive
    for bad in ["\r", "a\r\n", "\0", "\u{1}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
        let call = Call::new("pay/x").field("a", bad);
        assert_eq!(MERCHANT.sign(&call, Nonce::from_bytes([0; 16])).unwrap_err().field(), "a", "{bad:?}");
    }
}

#[test]
fn x31_a_request_that_no_reader_would_take_is_not_sent() {
    let long = "x".repeat(wire::MAX_VALUE);
    let call = |fields: usize, value: &str| {
        let names = (0..fields).map(|at| format!("f{at}"));
        names.fold(Call::new("pay/x"), |call, name| call.field(leak(name), leak(value.to_owned())))
    };
    let sign = |call: &Call<'_>| {
        MERCHANT.sign(call, Nonce::from_bytes([0; 16])).map(|signed| signed.xml().to_owned())
    };
    assert!(wire::parse(sign(&call(1, &long)).unwrap().as_bytes(), &[]).is_ok());
    let refused = sign(&call(1, &format!("{long}x"))).unwrap_err();
    assert_eq!(refused.violation(), &Violation::TooLong { max: wire::MAX_VALUE, len: wire::MAX_VALUE + 1 });
    assert!(matches!(
        sign(&call(4, &long)).unwrap_err().violation(),
        Violation::TooLong { max: wire::MAX_BODY, .. }
    ));
}
