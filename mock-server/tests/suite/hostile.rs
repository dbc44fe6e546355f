//! The adversarial cases where the mock reads requests: whatever arrives, it is refused in the true envelope, gives
//! nothing away, and moves no money. A test's name begins with the number of its case.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wechatpay_mock_server::rules::{Duplicates, Whitespace};
use wechatpay_mock_server::{Arrival, CurlFiles, MAX_REQUEST, Mock, MockMerchant, Rules, Verdict};
use wechatpay_proto::transport::BlockingTransport as _;

use crate::common::{
    Answer, Form, KEY, MCH_ID, QUERY, SEND, call, in_force, legacy, md5, post, shop, shop_with,
};

const PATHS: [&str; 6] = [
    SEND,
    QUERY,
    "/mmpaymkttransfers/sendminiprogramhb",
    "/mmpaymkttransfers/sendgroupredpack",
    "/mmpaymkttransfers/sendworkwxredpack",
    "/mmpaymkttransfers/queryworkwxredpack",
];

/// Every path refuses the body as no document: with the one code, without an echo, and without an order.
fn refused_by(rules: Rules, body: impl AsRef<[u8]>, why: &str) {
    let (mock, merchant) = shop_with(Rules { group: legacy().group, ..rules });
    for path in PATHS {
        let request = post(path, body.as_ref().to_vec());
        let outcome = mock.handle(&request, &Arrival::with(in_force(MCH_ID)));
        let answer = Answer::new(outcome.seen().unwrap());
        assert_eq!((answer.status, answer.code()), (200, "XML_ERROR"), "{why}: {}", answer.body);
        let names = ["xml", "return_code", "return_msg", "result_code", "err_code", "err_code_des"];
        assert_eq!(answer.names(), names, "{why}");
        assert_eq!(mock.journal().last().unwrap().verdict, Verdict::Xml, "{why}");
    }
    assert_eq!((mock.ledger().packets().count(), merchant.balance_fen()), (0, untouched()), "{why}");
}

fn refused(body: impl AsRef<[u8]>) {
    let body = body.as_ref();
    let start = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
    refused_by(Rules::default(), body, &start);
}

/// What a merchant begins with.
fn untouched() -> u64 {
    shop().1.balance_fen()
}

/// A good request, as text.
fn good() -> String {
    Form::send(&shop().1, "1").xml()
}

fn instead(from: &str, to: &str) -> String {
    let good = good();
    assert!(good.contains(from), "{from}");
    good.replacen(from, to, 1)
}

/// A request that is sent as it is: the mock, the merchant, the answer.
fn sent(form: &Form) -> (Mock, MockMerchant, Answer) {
    let (mock, merchant) = shop();
    let answer = call(&merchant, form);
    (mock, merchant, answer)
}

/// What this merchant's packet is answered, sent as these bytes.
fn written(merchant: &MockMerchant, body: String) -> Answer {
    Answer::new(merchant.transport().send_blocking(post(SEND, body)).unwrap())
}

fn form() -> Form {
    Form::send(&shop().1, "1")
}

#[test]
fn x01_a_request_without_a_sign_is_refused() {
    let (start, rest) = good().split_once("<sign>").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let rest = rest.split_once("</sign>").unwrap().1.to_owned();
    for sign in ["", "<sign/>", "<sign></sign>", "<Sign>0</Sign>"] {
        let (_, merchant) = shop();
        written(&merchant, format!("{start}{sign}{rest}")).assert_sign_error();
        assert_eq!(merchant.balance_fen(), untouched(), "{sign}");
    }
}

#[test]
fn x02_a_sign_of_another_form_is_refused() {
    let right = form().fields()["sign"].clone();
    for bad in [
        right[1..].to_owned(),
        format!("{right}0"),
        format!(" {right}"),
        format!("{right}\n"),
        "0".repeat(32),
        "0".repeat(63),
        "0".repeat(64),
        format!("G{}", &right[1..]),
        format!("{}号", &right[3..]),
        format!("{right}{right}"),
    ] {
        let (mock, merchant, answer) = sent(&form().unsigned("sign", &*bad));
        answer.assert_sign_error();
        assert_eq!((mock.ledger().packets().count(), merchant.balance_fen()), (0, untouched()), "{bad:?}");
    }
}

#[test]
fn x03_a_request_does_not_choose_its_digest() {
    for form in [form(), form().with("sign_type", "HMAC-SHA256"), form().unsigned("sign_type", "HMAC-SHA256")]
    {
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(form.string_to_sign().as_bytes());
        let hmac: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
        let (mock, _, answer) = sent(&form.unsigned("sign", hmac));
        answer.assert_sign_error();
        assert_eq!(mock.ledger().packets().count(), 0);
    }
}

#[test]
fn x04_a_duplicate_is_refused_whatever_its_value() {
    for name in ["total_amount", "mch_billno", "re_openid", "sign", "nonce_str"] {
        let value = form().fields()[name].clone();
        for other in ["1", &value, ""] {
            refused(instead("<xml>", &format!("<xml><{name}>{other}</{name}>")));
            refused(instead("</xml>", &format!("<{name}>{other}</{name}></xml>")));
        }
    }
}

#[test]
fn x05_nothing_splits_a_leaf() {
    for split in ["<!-- x -->", "<!---->", "<?x y?>", "<!DOCTYPE x>"] {
        refused(instead("<![CDATA[1000]]>", &format!("1{split}000")));
        refused(instead("<sign>", &format!("<sign>{split}")));
        refused(instead("<sign>", &format!("{split}<sign>")));
    }
}

#[test]
fn x07_names_are_plain_or_refused() {
    let long = "a".repeat(65);
    for name in ["attach=x&bank_type", "a&b", "p:sign", ":sign", "1a", "", "a.b", "号", &long] {
        refused(instead("</xml>", &format!("<{name}>x</{name}></xml>")));
    }
    // legal and unknown: not signed, not read
    for name in ["__proto__", "constructor", "_", &long[1..]] {
        sent(&form().unsigned(name, "x")).2.assert_success();
    }
}

#[test]
fn x08_a_nested_field_is_no_field() {
    for nested in [
        "<a><total_amount>9</total_amount></a>",
        "<total_amount><total_amount>9</total_amount></total_amount>",
        "<hblist><hbinfo><openid>o</openid></hbinfo></hblist>",
    ] {
        refused(instead("<xml>", &format!("<xml>{nested}")));
    }
}

#[test]
fn x09_no_proper_prefix_of_a_request_is_a_request() {
    let (mock, merchant) = shop();
    for whole in [good(), Form::query(&merchant, "1").xml()] {
        for (path, end) in
            [SEND, QUERY].into_iter().flat_map(|path| (0..whole.len()).map(move |end| (path, end)))
        {
            let request = post(path, whole.as_bytes()[..end].to_vec());
            let outcome = mock.handle(&request, &Arrival::with(in_force(MCH_ID)));
            assert_eq!(Answer::new(outcome.seen().unwrap()).code(), "XML_ERROR", "cut at {end}");
        }
    }
    assert_eq!((mock.ledger().packets().count(), merchant.balance_fen()), (0, untouched()));
}

#[test]
fn x10_one_root_and_white_space_around_it() {
    let good = good();
    for tail in ["<xml></xml>", "<xml/>", "x", "\0", "&#32;", "<!-- -->", "</xml>"] {
        refused(format!("{good}{tail}"));
    }
    for head in ["x", "<a/>", "<![CDATA[]]>", " \u{feff}", "\u{feff}\u{feff}"] {
        refused(format!("{head}{good}"));
    }
}

/// The text that is signed has no escapes, so one sign fits several documents.
#[test]
fn x13_a_text_that_swallows_a_field_is_refused() {
    // all that the table needs, each swallowed by the field that is signed before it
    let fields = form().fields();
    let names: Vec<&str> = fields.keys().map(String::as_str).filter(|name| *name != "sign").collect();
    for pair in names.windows(2) {
        let longer = format!("{}&{}={}", fields[pair[0]], pair[1], fields[pair[1]]);
        let folded = form().without(pair[1]).with(pair[0], longer);
        assert_eq!(folded.string_to_sign(), form().string_to_sign());
        let (mock, merchant, answer) = sent(&folded);
        assert_ne!(answer.code(), "SUCCESS", "{pair:?}");
        assert_eq!((mock.ledger().packets().count(), merchant.balance_fen()), (0, untouched()), "{pair:?}");
    }
    // a name that holds the marks is no name
    refused(instead("<remark>", "<re_openid=x&remark>").replace("</remark>", "</re_openid=x&remark>"));
    // a text that comes apart into a field that is there already makes a duplicate
    let spoken = form().with("send_name", "x&total_amount=1");
    let apart = spoken
        .xml()
        .replace("x&total_amount=1]]></send_name>", "x]]></send_name><total_amount>1</total_amount>");
    refused(apart);
}

#[test]
fn x13_a_field_that_was_changed_or_added_is_refused() {
    for (name, value) in form().fields() {
        let changed = form().unsigned(&name, format!("{value}0"));
        let (mock, merchant, answer) = sent(&changed);
        assert_ne!(answer.code(), "SUCCESS", "{name}");
        assert_eq!((mock.ledger().packets().count(), merchant.balance_fen()), (0, untouched()), "{name}");
    }
    sent(&form().unsigned("scene_id", "PRODUCT_1")).2.assert_sign_error();
    sent(&form().with("zzz", "signed, and not known")).2.assert_sign_error();
}

#[test]
fn x17_references_are_decoded_once() {
    let form = form().with("wishing", "&lt;&#49;");
    let xml = form.xml().replace("<![CDATA[&lt;&#49;]]>", "&amp;lt;&#38;#49;");
    assert_ne!(xml, form.xml());
    let (mock, merchant) = shop();
    written(&merchant, xml).assert_success();
    assert!(mock.journal().last().unwrap().to_json_line().contains("\"&lt;&#49;\""));
    for bad in ["&nbsp;", "&xxe;", "&", "&#0;", "&#x1B;", "&#xFFFE;", "&#xD800;", "&#;", "&#+65;"] {
        refused(instead("<remark>", &format!("<remark>{bad}")));
    }
}

#[test]
fn x19_an_amount_is_a_plain_integer() {
    for bad in [
        "-1",
        "+1",
        " 1",
        "1 ",
        "01",
        "01000",
        "1.0",
        "1e3",
        "0x10",
        "１",
        "18446744073709551617",
        "4294968296",
        "1000\n",
    ] {
        let (mock, merchant, answer) = sent(&form().with("total_amount", bad));
        assert_eq!(answer.code(), "PARAM_ERROR", "{bad:?}");
        assert_eq!((mock.ledger().packets().count(), merchant.balance_fen()), (0, untouched()), "{bad:?}");
    }
}

#[test]
fn x20_no_value_breaks_out_of_its_element() {
    for hostile in
        ["]]>", "<", "&", "</xml>", "\"'", "]]><total_amount>1</total_amount>", "a=1&total_amount=1"]
    {
        let (mock, merchant, answer) = sent(&form().with("wishing", hostile));
        answer.assert_success();
        assert_eq!(merchant.balance_fen(), untouched() - 1_000, "{hostile}");
        assert_eq!(mock.journal().last().unwrap().verdict, Verdict::Ok);
    }
}

#[test]
fn x25_a_key_element_signs_nothing() {
    for name in ["key", "Sign", "SIGN"] {
        sent(&form().with(name, "x")).2.assert_sign_error();
    }
    // whoever gives a key of his own along is not believed
    let forged = format!("{}&key=mine", form().string_to_sign().rsplit_once("&key=").unwrap().0);
    let (mock, _, answer) = sent(&form().unsigned("key", "mine").unsigned("sign", md5(&forged)));
    answer.assert_sign_error();
    assert_eq!(mock.ledger().packets().count(), 0);
}

#[test]
fn x27_no_refusal_helps_to_forge() {
    let right = form().fields()["sign"].clone();
    let text = form().string_to_sign();
    for (name, value) in
        [("sign", "0".repeat(32)), ("sign", "0".repeat(64)), ("remark", "another".to_owned())]
    {
        let (mock, _, answer) = sent(&form().unsigned(name, value));
        let record = mock.journal().last().unwrap();
        // of what was sent, the journal has all; of what was calculated, nothing
        let told =
            if name == "sign" { vec![record.to_json_line(), format!("{record:?}")] } else { Vec::new() };
        for shown in told.into_iter().chain([answer.body]) {
            for secret in [KEY, &right, &right.to_lowercase(), &text] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
    }
}

#[test]
fn x28_a_document_type_is_refused_at_sight() {
    let good = good();
    for doctype in [
        "<!DOCTYPE x>",
        "<!doctype x>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]>",
        "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE x [<!ENTITY % p SYSTEM \"file:///etc/passwd\">%p;]>",
        "<!DOCTYPE x><!DOCTYPE x>",
    ] {
        refused(format!("{doctype}{good}"));
        refused(format!("<?xml version=\"1.0\"?>{doctype}{good}"));
        refused(format!("{good}{doctype}"));
        refused(instead("<remark>", &format!("<remark>{doctype}")));
        refused(instead("<remark>", &format!("{doctype}<remark>")));
    }
}

#[test]
fn x29_nothing_expands() {
    let laughs: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    refused(format!("<!DOCTYPE xml [<!ENTITY l0 \"lol\">{laughs}]><xml><a>&l9;</a></xml>"));
    let entity = format!("<!DOCTYPE xml [<!ENTITY a \"{}\">]>", "x".repeat(50_000));
    refused(format!("{entity}<xml><a>{}</a></xml>", "&a;".repeat(1_000)));
    refused(format!("<xml><a>{}</a></xml>", "&#65;".repeat(200_000)));
}

#[test]
fn x30_what_once_made_the_tokenizer_panic_is_refused() {
    for body in [
        "<!D>",
        "<?x?><!-->",
        "<!DOCTYPE r[<aa<bb<cc<dd>",
        "<!DOCTYPE r[<aaaaaaaaaaaaaaaaaaaaaaaaaaaaa>]>",
        "<xml><a>x<!DOCTYPE y>z</a></xml>",
        "<!DOCTYPE x [<!",
        "<![CDATA",
    ] {
        refused(body);
    }
}

#[test]
fn x31_every_cap_holds() {
    let padded = |len: usize| {
        let good = good();
        // white space in pieces that are no value
        let piece = (len - good.len()) / 10;
        let gaps = good.replacen('\n', &" ".repeat(piece), 10);
        format!("{gaps}{}", " ".repeat(len - gaps.len()))
    };
    let (_, merchant) = shop();
    written(&merchant, padded(65_536)).assert_success();
    refused(padded(65_537));
    let more = |count: usize| (0..count).map(|at| format!("<a{at}/>")).collect::<String>();
    let own = form().fields().len();
    let (_, merchant) = shop();
    let full = instead("</xml>", &format!("{}</xml>", more(1_024 - own)));
    written(&merchant, full).assert_success();
    refused(instead("</xml>", &format!("{}</xml>", more(1_025 - own))));
    refused(instead("</xml>", &format!("<a>{}</a></xml>", "x".repeat(32 * 1024 + 1))));
    refused("<a>".repeat(20_000));
    refused(format!("<xml>{}", "<a>".repeat(20_000)));
    refused("<a>".repeat(100_000));
    refused("x".repeat(MAX_REQUEST));
    let (mock, _) = shop();
    for path in PATHS {
        let outcome = mock.handle(&post(path, vec![b'<'; MAX_REQUEST + 1]), &Arrival::default());
        assert_eq!(outcome.seen().unwrap().status(), 413, "{path}");
    }
}

#[test]
fn x32_any_attribute_is_refused() {
    for (from, to) in [
        ("<xml>", "<xml a=\"b\">"),
        ("<xml>", "<xml xmlns=\"urn:x\">"),
        ("<remark>", "<remark a='b'>"),
        ("<remark>", "<remark a>"),
        ("<remark>", "<remark a=b a=b>"),
        ("</remark>", "</remark a=\"b\">"),
    ] {
        refused(instead(from, to));
    }
    let thousands = |count: usize| (0..count).map(|at| format!(" a{at}=''")).collect::<String>();
    refused(instead("<xml>", &format!("<xml{}>", thousands(5_000))));
    refused(instead("<xml>", &format!("<xml{}>", thousands(80_000))));
}

#[test]
fn x34_control_characters_are_refused_raw() {
    for control in (0..0x20).map(|code| char::from_u32(code).unwrap()).filter(|c| !"\t\n\r".contains(*c)) {
        refused(instead("<remark><![CDATA[", &format!("<remark><![CDATA[{control}")));
        refused(instead("</xml>", &format!("<a{control}/></xml>")));
    }
    refused(instead("</xml>", "<a\u{7f}/></xml>"));
    sent(&form().with("remark", "x\u{7f}")).2.assert_success();
}

#[test]
fn x35_what_is_not_utf8_is_refused() {
    let (start, rest) =
        good().split_once("<remark><![CDATA[").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    for bad in [
        &[0xFF][..],
        &[0xC0, 0xAF],
        &[0xE0, 0x80, 0xAF],
        &[0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80],
        &[0xBA, 0xEC, 0xB0, 0xFC], // 红包 in GBK
        &[0xE7, 0xBA],
    ] {
        refused([start.as_bytes(), b"<remark><![CDATA[", bad, rest.as_bytes()].concat());
    }
    let wide = |order: fn(u16) -> [u8; 2]| {
        format!("\u{feff}{}", good()).encode_utf16().flat_map(order).collect::<Vec<_>>()
    };
    refused(wide(u16::to_le_bytes));
    refused(wide(u16::to_be_bytes));
}

#[test]
fn x36_a_declaration_says_version_1_and_utf8_or_nothing() {
    let good = good();
    for declaration in [
        "version=\"1.0\" encoding=\"GBK\"",
        "version=\"1.0\" encoding=\"UTF-16\"",
        "version=\"9.9\"",
        "version=\"1.0\" standalone=\"true\"",
        "version=\"1.0\" standalone=\"maybe\"",
        "",
    ] {
        refused(format!("<?xml {declaration}?>{good}"));
    }
    let once = "<?xml version=\"1.0\"?>";
    refused(format!(" {once}{good}"));
    refused(format!("{once}{once}{good}"));
    refused(format!("{good}{once}"));
}

#[test]
fn x38_what_is_no_xml_root_is_refused() {
    for other in [
        "",
        " \r\n",
        "ok",
        "{\"mch_id\":\"1\"}",
        "mch_id=1&sign=0",
        "<XML></XML>",
        "<html>502</html>",
        "\u{feff}",
    ] {
        refused(other);
    }
}

#[test]
fn x41_what_is_not_well_formed_is_refused() {
    for (from, to) in [
        ("</remark>", "</remarks>"),
        ("<remark>", "<a><b></a></b><remark>"),
        ("<remark><![CDATA[", "<remark><![cdata["),
        ("<remark>", "<remark>]]>"),
        ("<remark>", "<remark>1 < 2"),
        ("<remark>", "x<remark>"),
    ] {
        refused(instead(from, to));
    }
}

#[test]
fn x43_what_the_mock_shows_holds_no_key() {
    let (mock, merchant) = shop();
    let evil = "\u{9b}31m\u{202e}\u{7f}";
    let text = form().with("remark", evil);
    call(&merchant, &text).assert_success();
    call(&merchant, &form().unsigned("sign", "0".repeat(32))).assert_sign_error();
    let broken = post(SEND, instead("</xml>", evil));
    mock.handle(&broken, &Arrival::with(in_force(MCH_ID)));
    let records = mock.journal().all();
    assert_eq!(records.len(), 3);
    for record in records {
        let curl = record.to_curl("http://127.0.0.1:1", &CurlFiles::default());
        let raw = String::from_utf8_lossy(&record.to_raw()).into_owned();
        for shown in [format!("{record:?}"), record.to_json_line(), curl, raw] {
            assert!(!shown.contains(KEY) && !shown.contains(merchant.agent_secret()), "{shown}");
        }
        // what is shown to people has no control character in it, nor has a line of the journal
        let shown = format!("{record:?}");
        assert!(!shown.contains(['\u{9b}', '\u{202e}', '\u{7f}', '\n']), "{shown:?}");
        assert!(!record.to_json_line().trim_end().contains('\n'));
    }
    let unmet = mock.journal().order("another").one().unwrap_err().to_string();
    for shown in [unmet, format!("{merchant:?}"), format!("{mock:?}")] {
        assert!(!shown.contains(KEY) && !shown.contains(merchant.agent_secret()), "{shown}");
    }
}

/// Rules that take duplicates and white space as some say the service does open no other door.
#[test]
fn x28_a_lenient_world_is_lenient_in_two_points_only() {
    for duplicates in [Duplicates::First, Duplicates::Last] {
        let rules = || Rules { duplicates, whitespace: Whitespace::Empty, ..Rules::default() };
        for (from, to) in [
            ("<xml>", "<!DOCTYPE xml><xml>"),
            ("<remark>", "<remark><!DOCTYPE x>"),
            ("<remark>", "<remark><!-- -->"),
            ("<remark>", "<!-- --><remark>"),
            ("<remark>", "<remark a=\"b\">"),
            ("<remark>", "<p:remark>x</p:remark><remark>"),
            ("<remark>", "<a><remark>x</remark></a><remark>"),
            ("<remark>", "<remark>\0"),
            ("<remark>", "<remark>&nbsp;"),
            ("<remark>", "<remark>]]>"),
            ("</remark>", ""),
            ("</xml>", ""),
            ("</xml>", "</xml><xml></xml>"),
            ("</xml>", "x</xml>"),
        ] {
            refused_by(rules(), instead(from, to), to);
        }
        let whole = good();
        for end in 0..whole.len() {
            let (mock, _) = shop_with(rules());
            let request = post(SEND, whole.as_bytes()[..end].to_vec());
            let outcome = mock.handle(&request, &Arrival::with(in_force(MCH_ID)));
            assert_eq!(Answer::new(outcome.seen().unwrap()).code(), "XML_ERROR", "cut at {end}");
        }
    }
}
