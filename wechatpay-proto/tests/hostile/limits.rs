//! What would cost too much, and the document types that it comes in.

use wechatpay_proto::ReplyError;
use wechatpay_proto::wire::{self, XmlErrorKind as Kind};

use crate::common::*;
use crate::{fields, found, refused_query, value, xml};

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
    assert_eq!(fields(elements(1_024)).len(), wire::MAX_ELEMENTS);
    assert_eq!(refusal(elements(1_025)), Kind::TooManyElements);
    let items = |count: usize| {
        accept(
            &QUERY,
            document(&SENT)
                .replace("</xml>", &format!("<hblist>{}</hblist></xml>", "<hbinfo/>".repeat(count))),
        )
    };
    let counted = SENT.len() + 1;
    assert_eq!(items(1_024 - counted).unwrap_err(), ReplyError::Missing { field: "status" });
    let refused = items(1_025 - counted).unwrap_err();
    assert!(matches!(refused, ReplyError::Xml(e) if e.kind == Kind::TooManyElements), "{refused}");

    let most = "x".repeat(wire::MAX_VALUE);
    assert_eq!((value(&most).len(), value(&most)), (32_768, most.clone()));
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
fn x29_what_comes_out_is_never_longer_than_what_went_in() {
    let many = |piece: &str| piece.repeat(60_000 / piece.len() / 8);
    for piece in
        ["&#65;", "&#x1F600;", "&lt;", "&#38;", "&amp;amp;", "<![CDATA[x]]>", "\r\n", "<![CDATA[]]>", "x"]
    {
        let body = xml(&(0..8).map(|at| format!("<a{at}>{}</a{at}>", many(piece))).collect::<String>());
        let read: usize = fields(&body).iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(read < body.len(), "{piece}: {read} of {}", body.len());
    }
}

#[test]
fn x29_no_size_of_an_entity_makes_it_one() {
    for (length, uses) in [(1, 1), (50_000, 1), (50_000, 1_000), (10, 10_000)] {
        let uses = "&a;".repeat(uses);
        let declared = format!("<!DOCTYPE xml [<!ENTITY a \"{}\">]>", "x".repeat(length));
        assert_eq!(refusal(format!("{declared}<xml><a>{uses}</a></xml>")), Kind::Doctype);
        assert_eq!(refusal(xml(&format!("<a>{uses}</a>"))), Kind::Reference);
    }
    // references to characters are limited by the length of what they make, and by that of the body
    let references = |count: usize| xml(&format!("<a>{}</a>", "&#65;".repeat(count)));
    assert_eq!(fields(references(13_000))[0].1.len(), 13_000);
    assert_eq!(refusal(references(13_200)), Kind::BodyTooLong);
}

/// The documents that made the tokenizer panic once, by the numbers of its reports.
#[test]
fn x30_what_once_made_the_tokenizer_panic_is_refused() {
    for (report, body) in [
        (344, "<!D>"),
        (570, "<?x?><!-->"),
        (923, "<?xml version=\"1.0\"?>\n<!DOCTYPE root [\n<!ENTITY ent \">\">\n]>\n<xml>&ent;</xml>"),
        (923, "<!DOCTYPE root [<!ENTITY ent \"<\">]><xml/>"),
        (957, "<!DOCTYPE r[<aa<bb<cc<dd>"),
        (957, "<!DOCTYPE r[<aa<bb<cc<dd>]><xml/>"),
        (960, "<!DOCTYPE r[<aaaaaaaaaaaaaaaaaaaaaaaaaaaaa>]>"),
        (960, "<!DOCTYPE r[<aaaaaaaaaaaaaaaaaaaaaaaaaaaaa>]><xml/>"),
        (964, "<a>x<!DOCTYPE y>z</a>"),
        (964, "<xml><a>x<!DOCTYPE y>z</a></xml>"),
    ] {
        for end in 1..=body.len() {
            let (begun, inside) = (&body[..end], format!("<xml><a>{}", &body[..end]));
            assert!(wire::parse(begun.as_bytes(), &[]).is_err(), "{report}: {begun}");
            assert!(wire::parse(inside.as_bytes(), &[]).is_err(), "{report}: {inside}");
        }
        refusal(body);
    }
    // subtractions below zero: every way to break a keyword off and to begin another
    for keyword in ["<!--", "<![CDATA[", "<!ELEMENT", "<!ATTLIST", "<!ENTITY", "<!NOTATION", "<?", "%", "<"] {
        for cut in 1..=keyword.len() {
            for tail in ["", "<", ">", "]>", "<!", "-->", "?>", ">]><xml/>"] {
                refusal(format!("<!DOCTYPE r [{}{tail}", &keyword[..cut]));
                refusal(format!("<!DOCTYPE r [{0}{0}{tail}", &keyword[..cut]));
            }
        }
    }
}

#[test]
fn x31_the_caps_hold_within_lists_and_around_the_root() {
    let most = "x".repeat(wire::MAX_VALUE);
    let item = |value: &str| format!("<hblist><hbinfo><openid>{value}</openid></hbinfo></hblist>");
    assert_eq!(accept(&QUERY, found(&item(&most))).unwrap().hblist.len(), 1);
    assert_eq!(refused_query(&item(&format!("{most}x"))), Kind::ValueTooLong);
    assert_eq!(refused_query(&item(&format!("{most}&#65;"))), Kind::ValueTooLong);
    // one character short, a reference still fits
    assert_eq!(value(&format!("{}&#65;", &most[1..])).len(), wire::MAX_VALUE);
    assert_eq!(value(&format!("{}<![CDATA[]]>", most)).len(), wire::MAX_VALUE);

    let gap = " ".repeat(16_000);
    let padded = |len: usize| {
        let body = format!("{gap}<xml>{gap}<a/>{gap}<b/>{gap}</xml>");
        format!("{body}{}", "\n".repeat(len - body.len()))
    };
    assert!(wire::parse(padded(wire::MAX_BODY).as_bytes(), &[]).is_ok());
    assert_eq!(refusal(padded(wire::MAX_BODY + 1)), Kind::BodyTooLong);
    // nesting in a flat kind, whatever its depth
    for depth in [2, 3, 4, 100, 8_000] {
        assert_eq!(refusal(xml(&format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth)))), Kind::Nested);
    }
}

/// The largest answers that are documented, by name and value.
#[test]
fn x31_the_largest_documented_answers_are_read() {
    let coupon = |at: usize| {
        (0..5).map(move |n| {
            format!(
                "<coupon_type_{at}_{n}>CASH</coupon_type_{at}_{n}><coupon_refund_id_{at}_{n}>1</coupon_refund_id_{at}_{n}>\
                 <coupon_refund_fee_{at}_{n}>1</coupon_refund_fee_{at}_{n}>"
            )
        })
    };
    let refund = |at: usize| {
        let rows = ["out_refund_no", "refund_id", "refund_fee", "refund_status"];
        let rows = rows.map(|name| format!("<{name}_{at}>1</{name}_{at}>")).concat();
        let more = ["refund_channel", "refund_account", "refund_recv_accout", "refund_success_time"];
        let more = more.map(|name| format!("<{name}_{at}>1</{name}_{at}>")).concat();
        let coupons: String = coupon(at).collect();
        format!(
            "{rows}{more}<coupon_refund_fee_{at}>5</coupon_refund_fee_{at}><coupon_refund_count_{at}>5</coupon_refund_count_{at}>{coupons}"
        )
    };
    let head = PAID.map(|(name, _)| format!("<{name}>1</{name}>")).concat();
    let refunds = (0..10).map(refund).collect::<String>();
    let queried = fields(xml(&format!("{head}<refund_count>10</refund_count>{refunds}")));
    assert!(queried.len() >= 250, "{}", queried.len());
    let elements = |count: usize| (0..count).map(|at| format!("<f{at}>1</f{at}>")).collect::<String>();
    assert_eq!(fields(xml(&elements(285))).len(), 285);

    let receiver = |at: usize| {
        format!(
            "{{\"type\":\"PERSONAL_OPENID\",\"account\":\"oUpF8uMuAJO_M2pxb1Q9zNjWe{at:03}\",\"amount\":{at},\"description\":\"{}\",\
             \"result\":\"SUCCESS\",\"finish_time\":\"20180608170132\",\"detail_id\":\"36011111111111111111111{at:03}\"}}",
            "分到商户".repeat(22)
        )
    };
    let receivers = format!("[{}]", (0..50).map(receiver).collect::<Vec<_>>().join(","));
    assert!(receivers.len() > 22_000, "{}", receivers.len());
    assert_eq!(value(&format!("<![CDATA[{receivers}]]>")), receivers);
    assert_eq!(value(&"x".repeat(22_000)).len(), 22_000);
}
