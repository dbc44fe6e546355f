//! What the reader makes of bytes: fields, or a refusal.

use wechatpay_proto::SignType::HmacSha256;
use wechatpay_proto::wire::{self, XmlErrorKind as Kind};
use wechatpay_proto::{Fen, ReplyError};

use crate::common::*;
use crate::{fields, found, refused_query, value, xml};

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
        "version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"",
        "version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"",
        "version='1.0' standalone = 'no' ",
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
        "version=\"1.0\" standalone=\"true\"",
        "version=\"1.0\" standalone=\"NO\"",
        "version=\"1.0\" standalone=\"\"",
        "version=\"1.0\" standalone=\"no \"",
        "version=\"1.0\" standalone",
        "version=\"1.0\" standalone=no",
        "version=\"1.0\"standalone=\"no\"",
        "version=\"1.0\" encoding=\"UTF-8\"standalone=\"no\"",
        "version=\"1.0\" standalone=\"no\" standalone=\"no\"",
        "version=\"1.0\" standalone=\"no\" encoding=\"UTF-8\"",
        "version=\"1.0\" encoding=\"GBK\" standalone=\"no\"",
        "standalone=\"no\"",
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
    // whatever it says, a document type is refused
    for standalone in ["yes", "no"] {
        let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"{standalone}\"?>");
        assert_eq!(refusal(format!("{declared}<!DOCTYPE xml>{good}")), Kind::Doctype);
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
fn x04_what_repeats_in_its_own_place_is_no_duplicate() {
    let item = "<hbinfo><openid>o</openid><amount>1</amount></hbinfo>";
    let list = format!("<openid>p</openid><hblist>\n{item} \t{item}\r\n</hblist>");
    let reply = accept(&QUERY, found(&list)).unwrap();
    assert_eq!(reply.hblist.len(), 2);
    assert!(
        reply.extra.contains(&("openid".into(), "p".into()))
            && reply.hblist[0].openid.as_deref() == Some("o")
    );
    // the list may be missing, or empty, or have empty items
    assert_eq!(accept(&QUERY, found("")).unwrap().hblist.len(), 0);
    assert_eq!(accept(&QUERY, found("<hblist></hblist>")).unwrap().hblist.len(), 0);
    assert_eq!(accept(&QUERY, found("<hblist><hbinfo/></hblist>")).unwrap().hblist.len(), 1);
}

#[test]
fn x39_text_beside_the_items_of_a_list_is_refused() {
    for list in [
        "<hblist>x</hblist>",
        "<hblist><hbinfo/>x</hblist>",
        "<hblist><hbinfo>x</hbinfo></hblist>",
        "<hblist><hbinfo><openid>o</openid>x</hbinfo></hblist>",
        "<hblist>&#32;<hbinfo/></hblist>",
        "<hblist><![CDATA[ ]]><hbinfo/></hblist>",
    ] {
        assert_eq!(refused_query(list), Kind::Mixed, "{list}");
    }
}

#[test]
fn x39_line_ends_become_line_feeds_wherever_they_stand() {
    for (raw, read) in [
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\nb"),
        ("a\r\r\nb", "a\n\nb"),
        ("a\n\rb", "a\n\nb"),
        ("<![CDATA[a\r\nb\rc]]>", "a\nb\nc"),
        ("a\r<![CDATA[\nb]]>", "a\n\nb"),
        // written as a reference it is no line end
        ("a&#13;b", "a\rb"),
        ("a&#13;&#10;b", "a\r\nb"),
        // the line ends of XML 1.1 are none here
        ("a\u{85}b\u{2028}c", "a\u{85}b\u{2028}c"),
    ] {
        assert_eq!(value(raw), read, "{raw:?}");
    }
}

/// What a lenient tokenizer reports without an error, row by row.
#[test]
fn x41_what_a_lenient_tokenizer_lets_pass_is_refused() {
    for (what, body) in [
        ("a document type in lower case", "<!doctype x><xml/>"),
        ("an entity nobody declared", "<xml><a>&x;</a></xml>"),
        ("a reference to a control character", "<xml><a>&#8;</a></xml>"),
        ("a raw control character", "<xml><a>\u{8}</a></xml>"),
        ("a duplicate", "<xml><a/><a/></xml>"),
        ("a comment that ends at once", "<xml><!--></xml>"),
        ("a comment with two hyphens", "<xml><!-- a -- b --></xml>"),
        ("attributes of one name", "<xml><a b=\"1\" b=\"1\"/></xml>"),
        ("an unquoted attribute", "<xml><a b=1/></xml>"),
        ("an empty name", "<xml><>x</></xml>"),
        ("a name with a digit and an equals sign", "<xml><1a=></1a=></xml>"),
        ("a name with a slash", "<xml><a/b>x</a/b></xml>"),
        ("a prefix", "<xml><p:sign>x</p:sign></xml>"),
        ("a second root", "<xml/><xml/>"),
        ("text before the root", "x<xml/>"),
        ("text behind the root", "<xml/>x"),
        ("a root that is not closed", "<xml>"),
        ("a document cut short", "<xml><a>1"),
        ("the end of a CDATA section in text", "<xml><a>]]></a></xml>"),
        ("a label of another encoding", "<?xml version=\"1.0\" encoding=\"GBK\"?><xml/>"),
        ("the wrong end tag", "<xml><a></b></xml>"),
        ("an end tag too many", "<xml></a></xml>"),
        ("a reference that does not end", "<xml><a>&amp</a></xml>"),
        ("a bare ampersand", "<xml><a>a & b</a></xml>"),
    ] {
        assert!(wire::parse(body.as_bytes(), &[]).is_err(), "{what}: {body}");
    }
    assert!(wire::parse(b"<xml/>", &[]).is_ok());
}

#[test]
fn x07_a_name_is_judged_wherever_it_stands() {
    let long = "a".repeat(65);
    for name in [&long, "a.b", "号"] {
        let listed = format!("<hblist><hbinfo><{name}>x</{name}></hbinfo></hblist>");
        assert_eq!(refused_query(&listed), Kind::Name, "{name}");
    }
    for bad in ["<1a=>x</1a=>", "<a/b>x</a/b>", "<attach=x&bank_type>x</attach=x&bank_type>"] {
        refusal(xml(bad));
    }
    let longest = format!("<hblist><hbinfo><{0}>x</{0}></hbinfo></hblist>", &long[1..]);
    assert!(accept(&QUERY, found(&longest)).is_ok());
}

#[test]
fn x32_a_list_has_no_attributes_either() {
    for list in [
        "<hblist a=\"b\"></hblist>",
        "<hblist><hbinfo a=\"b\"/></hblist>",
        "<hblist><hbinfo><openid a=\"b\">o</openid></hbinfo></hblist>",
    ] {
        assert_eq!(refused_query(list), Kind::Attribute, "{list}");
    }
}
