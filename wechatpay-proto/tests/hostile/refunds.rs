//! Refund notices: whatever is wrong with what is encrypted is one error, and what is right stays untrusted.

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use wechatpay_proto::notice::{Kind, MAX_REQ_INFO, NoticeError, RefundNotice};
use wechatpay_proto::wire::MAX_ELEMENTS;
use wechatpay_proto::{ApiKey, Merchant, ReplyError, SignType};

use crate::common::*;

/// Made from [`PLAIN`] by another library, OpenSSL 3.0:
/// `openssl enc -aes-256-ecb -K "$(printf %s KEY | md5sum | cut -c-32 | tr -d '\n' | xxd -p -c 64)" -base64 -A -in plain.xml`
const VECTOR: &str = include_str!("refund/notice.xml");
const PLAIN: &str = include_str!("refund/plain.xml");

/// The merchant of the vector; its key is the one of the official sign page.
fn shop() -> Merchant {
    Merchant::direct("10000100", ApiKey::new(SECRET).unwrap()).unwrap()
}

/// `plain` under the key of [`shop`], with this padding behind it.
fn encrypted(plain: &[u8], padding: &[u8]) -> Vec<u8> {
    let key: String = Md5::digest(SECRET).iter().map(|byte| format!("{byte:02x}")).collect();
    let cipher = Aes256::new_from_slice(key.as_bytes()).unwrap();
    let mut data = [plain, padding].concat();
    for block in data.chunks_exact_mut(16) {
        cipher.encrypt_block(block.try_into().unwrap());
    }
    data
}

/// The same with the padding that it should have.
fn padded(plain: &[u8]) -> Vec<u8> {
    let padding = 16 - plain.len() % 16;
    encrypted(plain, &vec![u8::try_from(padding).unwrap(); padding])
}

fn refund_notice(req_info: &str) -> String {
    let fields = [
        ("return_code", "SUCCESS"),
        ("appid", "wxd930ea5d5a258f4f"),
        ("mch_id", "10000100"),
        ("nonce_str", "TeqClE3i0mvn3DrK"),
        ("req_info", req_info),
    ];
    document(&fields)
}

/// Names of two letters, so that many of them are within the cap.
fn names() -> impl Iterator<Item = String> {
    let letters = || ('a'..='z').chain('A'..='Z');
    letters().flat_map(move |first| letters().map(move |second| format!("{first}{second}")))
}

/// What is to be seen of an error without asking for its causes.
fn shown(error: &NoticeError) -> String {
    format!("{error} {error:?} {error:#?}")
}

fn open(data: &[u8]) -> Result<RefundNotice, NoticeError> {
    RefundNotice::read(&shop(), refund_notice(&STANDARD.encode(data)).as_bytes())
}

#[test]
fn x42_a_refund_notice_of_another_library_opens() {
    let notice = RefundNotice::read(&shop(), VECTOR.as_bytes()).unwrap();
    assert_eq!(notice.out_refund_no(), "R2026010100000001");
    let fields = notice.untrusted();
    assert_eq!(fields.len(), 13);
    assert_eq!((fields.get("refund_status"), fields.get("refund_fee")), (Some("SUCCESS"), Some("1000")));
    assert_eq!(fields.get("refund_recv_accout"), Some("支付用户零钱"));
    // and what this test makes itself is what that library made
    let own = STANDARD.encode(padded(PLAIN.as_bytes()));
    assert!(VECTOR.contains(&format!("<![CDATA[{own}]]>")));
}

#[test]
fn x42_whatever_is_wrong_with_req_info_is_one_error() {
    let good = padded(PLAIN.as_bytes());
    assert!(open(&good).is_ok());
    // the whole document, so that nothing but the padding is wrong: `rest` bytes in its last block
    let plain = |rest: usize| {
        let spaces = (16 + rest - PLAIN.len() % 16) % 16;
        format!("{PLAIN}{}", " ".repeat(spaces)).into_bytes()
    };
    assert!(open(&encrypted(&plain(14), &[2; 2])).is_ok());
    assert!(open(&encrypted(&plain(0), &[16; 16])).is_ok());
    let mut bad: Vec<(&str, Vec<u8>)> = vec![
        ("no whole block", good[..good.len() - 1].to_vec()),
        ("a byte too many", [&good[..], b"x"].concat()),
        ("the last block left out", good[..good.len() - 16].to_vec()),
        ("a byte behind whole blocks that could be padding", [encrypted(&plain(0), &[]), vec![1]].concat()),
        ("a padding of nothing", encrypted(&plain(0), &[0; 16])),
        ("a padding of more than a block", encrypted(&plain(15), &[17; 17])),
        ("a padding longer than all", encrypted(b"", &[255; 16])),
        ("a padding that differs in its first byte", encrypted(&plain(14), &[9, 2])),
        ("a padding that differs within", encrypted(&plain(12), &[4, 4, 3, 4])),
        ("a text in the clear", plain(0)),
        ("over the cap", padded(" ".repeat(MAX_REQ_INFO).as_bytes())),
        ("nothing inside", padded(b"")),
    ];
    let inner = [
        ("no document", "ok".to_owned()),
        ("another root", PLAIN.replace("root>", "xml>")),
        ("a document type", format!("<!DOCTYPE root>{PLAIN}")),
        ("an entity", PLAIN.replace("<refund_fee>", "<refund_fee>&x;")),
        ("a comment", PLAIN.replace("<refund_fee>", "<refund_fee><!-- -->")),
        ("a duplicate", PLAIN.replace("<refund_fee>", "<refund_fee>1</refund_fee><refund_fee>")),
        ("nesting", PLAIN.replace("<refund_fee>", "<a><b/></a><refund_fee>")),
        ("an attribute", PLAIN.replace("<refund_fee>", "<refund_fee a=\"b\">")),
        ("a control character", PLAIN.replace("<refund_fee>", "<refund_fee>\u{1b}")),
        ("cut short", PLAIN.replace("</root>", "")),
        ("something behind the root", format!("{PLAIN}x")),
        (
            "too many elements",
            PLAIN.replace(
                "</root>",
                &format!(
                    "{}</root>",
                    names().take(MAX_ELEMENTS).map(|n| format!("<{n}/>")).collect::<String>()
                ),
            ),
        ),
    ];
    bad.extend(inner.iter().map(|(what, plain)| (*what, padded(plain.as_bytes()))));
    for name in [
        "out_refund_no",
        "out_trade_no",
        "refund_id",
        "transaction_id",
        "refund_fee",
        "total_fee",
        "refund_status",
    ] {
        bad.push(("a field less", padded(PLAIN.replace(name, "another").as_bytes())));
    }
    bad.push(("not UTF-8", padded(&[PLAIN.as_bytes(), &[0xFF]].concat())));
    let uniform = open(b"x").unwrap_err();
    assert!(matches!(uniform, NoticeError::ReqInfo(_)));
    assert_eq!(shown(&uniform), "req_info cannot be used ReqInfo(..) ReqInfo(\n    ..,\n)");
    for (what, data) in bad {
        let error = open(&data).unwrap_err();
        assert_eq!((&error, shown(&error)), (&uniform, shown(&uniform)), "{what}");
        assert!(!error.likely_causes().is_empty(), "{what}");
    }
    // no base64, base64 of another alphabet, with white space, without its padding, with bits left over
    let text = STANDARD.encode(&good);
    for (what, bad) in [
        ("not base64", "!!!!".to_owned()),
        ("white space", format!("{text}\n")),
        ("a line break within", format!("{}\n{}", &text[..76], &text[76..])),
        ("no padding", text.trim_end_matches('=').to_owned()),
        ("another alphabet", text.replace(['+', '/'], "-")),
        ("one character", "A".to_owned()),
    ] {
        let body = refund_notice(&bad);
        let read = RefundNotice::read(&shop(), body.as_bytes());
        if bad != text {
            let error = read.unwrap_err();
            assert_eq!((&error, shown(&error)), (&uniform, shown(&uniform)), "{what}");
            assert!(!error.likely_causes().is_empty(), "{what}");
        }
    }
}

/// One outcome for whoever sent it; in the log, what to look for.
#[test]
fn x42_what_people_meet_is_named_for_the_log_only() {
    let (head, rest) = VECTOR.split_once("<![CDATA[").unwrap();
    let (base64, tail) = rest.split_once("]]>").unwrap();
    let body = |info: &str| format!("{head}<![CDATA[{info}]]>{tail}");
    let lines = |end: &str| {
        base64.as_bytes().chunks(76).map(|line| format!("{}{end}", str::from_utf8(line).unwrap())).collect()
    };
    let crlf: String = lines("\r\n");
    let lf: String = lines("\n");
    let rooted =
        |name: &str| body(&STANDARD.encode(padded(PLAIN.replace("root>", &format!("{name}>")).as_bytes())));
    let other_key = Merchant::direct("10000100", ApiKey::new(KEY).unwrap()).unwrap();
    assert!(RefundNotice::read(&shop(), body(base64).as_bytes()).is_ok());
    assert!(base64.contains('+'));
    let mut seen = Vec::new();
    for (merchant, body, cause) in [
        (&other_key, VECTOR.to_owned(), "another key"),
        (&shop(), body(&lf), "line breaks"),
        (&shop(), body(&crlf), "line breaks"),
        (&shop(), body(&base64.replace('+', " ")), "'+'"),
        (&shop(), body(&base64.replace('+', "-").replace('/', "_")), "url-safe"),
        (&shop(), body(&base64.replace('+', "%2B")), "url-encoded"),
        (&shop(), body(&base64[..base64.len() - 4]), "cut short"),
        (&shop(), rooted("xml"), "<root>"),
        (&shop(), rooted("Root"), "<root>"),
        (&shop(), body(&STANDARD.encode(padded(b"<root><refund_id>1</refund_id></root>"))), "lacks a field"),
        (&shop(), body(&STANDARD.encode(padded(&[0xFF; 100]))), "another key"),
    ] {
        let error = RefundNotice::read(merchant, body.as_bytes()).unwrap_err();
        let named = error.likely_causes().join("; ");
        assert!(named.contains(cause), "{cause}: {named}");
        for secret in [KEY, SECRET, &base64[..40], "R2026010100000001", "50000000000000000000000000001"] {
            assert!(!format!("{named} {}", shown(&error)).contains(secret), "{named}");
        }
        seen.push((shown(&error), error));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

/// weixin-java-pay-demo#54: the order named the notify_url of refunds. It is not verified first, so the digest is no matter.
#[test]
fn a_payment_notice_is_no_refund_notice() {
    let payment = crate::payments::PAID_BY_APP;
    let contract = "<xml><change_type>ADD</change_type><mch_id>10000100</mch_id><sign>0</sign></xml>";
    for (body, found, said) in [
        (payment, Kind::Payment, "payment notice"),
        (contract, Kind::Contract, "contract notice"),
        (
            "<xml><combine_out_trade_no>1</combine_out_trade_no></xml>",
            Kind::CombinedPayment,
            "combined payment notice",
        ),
        ("<xml><event_ciphertext>1</event_ciphertext></xml>", Kind::Event, "event notice"),
        ("<xml><transaction_id_list>1</transaction_id_list></xml>", Kind::Risk, "risk notice"),
        (
            "<xml><vehicle_event_createtime>1</vehicle_event_createtime></xml>",
            Kind::Parking,
            "parking notice",
        ),
    ] {
        for merchant in [shop(), shop().with_sign_type(SignType::Md5)] {
            let error = RefundNotice::read(&merchant, body.as_bytes()).unwrap_err();
            assert_eq!(error, NoticeError::OtherKind { expected: Kind::Refund, found });
            let text = format!(
                "a {said} came where a refund notice is read: see which notify_url the order and the refund named"
            );
            assert_eq!(error.to_string(), text);
        }
    }
    // what looks like nothing known only lacks what a refund has
    let nothing = "<xml><return_code>SUCCESS</return_code><appid>1</appid><mch_id>10000100</mch_id><nonce_str>1</nonce_str></xml>";
    let missing = ReplyError::Missing { field: "req_info" };
    assert_eq!(RefundNotice::read(&shop(), nothing.as_bytes()).unwrap_err(), missing.into());
}

#[test]
fn x42_the_wrong_key_opens_nothing() {
    let other = Merchant::direct("10000100", ApiKey::new(KEY).unwrap()).unwrap();
    assert!(matches!(RefundNotice::read(&other, VECTOR.as_bytes()), Err(NoticeError::ReqInfo(_))));
}

#[test]
fn x42_the_cap_holds_to_the_block() {
    let fill = MAX_REQ_INFO - 1 - PLAIN.len();
    let most = PLAIN.replacen("<root>", &format!("<root>{}", " ".repeat(fill)), 1);
    assert_eq!(padded(most.as_bytes()).len(), MAX_REQ_INFO);
    assert!(open(&padded(most.as_bytes())).is_ok());
    let over = format!("{most} ");
    assert_eq!(padded(over.as_bytes()).len(), MAX_REQ_INFO + 16);
    assert!(matches!(open(&padded(over.as_bytes())), Err(NoticeError::ReqInfo(_))));
}

/// Nothing shows that blocks were moved: the reader refuses most of it, and what it lets pass is a document of whoever
/// moved them. That is why it is called untrusted.
#[test]
fn x42_moved_blocks_are_refused_or_stay_untrusted() {
    let good = padded(PLAIN.as_bytes());
    let blocks = good.len() / 16;
    let mut refused = 0;
    for one in 0..blocks {
        for other in 0..one {
            let mut moved = good.clone();
            for at in 0..16 {
                moved.swap(one * 16 + at, other * 16 + at);
            }
            match open(&moved) {
                Err(error) => {
                    assert!(matches!(error, NoticeError::ReqInfo(_)));
                    refused += 1;
                }
                Ok(notice) => assert!(notice.untrusted().len() >= 7),
            }
        }
    }
    assert!(refused > blocks, "{refused}");
    // a block of digits that an earlier notice had in this place changes the amount, and nobody can tell
    let plain = |fee: &str| {
        let start = PLAIN.split_once("<refund_fee>").unwrap().0;
        let aligned = format!("{start}{}<refund_fee>", " ".repeat(16 - (start.len() + 12) % 16));
        let rest = PLAIN.split_once("</refund_fee>").unwrap().1;
        format!("{aligned}{fee:0>16}</refund_fee>{rest}")
    };
    let (small, large) = (padded(plain("1").as_bytes()), padded(plain("9").as_bytes()));
    let at = plain("1").find("0000000000000001").unwrap();
    assert_eq!(at % 16, 0);
    let mixed = [&small[..at], &large[at..at + 16], &small[at + 16..]].concat();
    assert_eq!(open(&mixed).unwrap().untrusted().get("refund_fee"), Some("0000000000000009"));
}

#[test]
fn x42_the_envelope_is_held_to_the_merchant() {
    for (name, error) in [
        ("appid", ReplyError::Missing { field: "appid" }),
        ("mch_id", ReplyError::Missing { field: "mch_id" }),
        ("nonce_str", ReplyError::Missing { field: "nonce_str" }),
        ("req_info", ReplyError::Missing { field: "req_info" }),
        ("return_code", ReplyError::Missing { field: "return_code" }),
    ] {
        let body = VECTOR.replace(&format!("{name}>"), "other>");
        assert_eq!(RefundNotice::read(&shop(), body.as_bytes()).unwrap_err(), error.into());
    }
    let other = VECTOR.replace("10000100", "10000099");
    let mismatch = NoticeError::Mismatch { field: "mch_id" };
    assert_eq!(RefundNotice::read(&shop(), other.as_bytes()).unwrap_err(), mismatch);
    // a sign that is there all the same must fit
    let forged = VECTOR.replace("</xml>", &format!("<sign>{}</sign></xml>", "0".repeat(64)));
    assert_eq!(RefundNotice::read(&shop(), forged.as_bytes()).unwrap_err(), ReplyError::SignMismatch.into());
    for end in 0..VECTOR.len() {
        assert!(RefundNotice::read(&shop(), &VECTOR.as_bytes()[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn x11_nothing_is_read_of_a_failed_communication() {
    let failed = VECTOR.replace("SUCCESS", "FAIL");
    let read = RefundNotice::read(&shop(), failed.as_bytes());
    assert_eq!(read.unwrap_err(), NoticeError::CommunicationFailure);
}

#[test]
fn x43_a_refund_notice_shows_its_names_only() {
    let notice = RefundNotice::read(&shop(), VECTOR.as_bytes()).unwrap();
    let shown = format!("{notice:?}");
    for secret in ["支付用户零钱", "R2026010100000001", "1000", SECRET] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("out_refund_no"), "{shown}");
}
