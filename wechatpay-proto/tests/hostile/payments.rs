//! What payment notices say of an order, as products differ and people meet them; and what is no payment notice.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wechatpay_proto::SignType::{self, HmacSha256, Md5};
use wechatpay_proto::notice::{
    BodyForm, DuplicateKey, Handled, Kind, NoticeError, Order, PaymentNotice, RefundNotice, ReqInfoFault,
    Verdict, read_signed,
};
use wechatpay_proto::wire::XmlErrorKind;
use wechatpay_proto::{ApiKey, Fen, Merchant, ReplyError};

use crate::common::*;
use crate::notices::{NOTICE, PLACED};

/// 委托代扣: the result of the business is a success, the trade failed. The signs of these three are those of Python's
/// hashlib.
const PAY_FAIL: &str = "<xml><appid><![CDATA[wxd930ea5d5a258f4f]]></appid><bank_type><![CDATA[CFT]]></bank_type><cash_fee><![CDATA[100]]></cash_fee><fee_type><![CDATA[CNY]]></fee_type><is_subscribe><![CDATA[N]]></is_subscribe><mch_id><![CDATA[10000100]]></mch_id><nonce_str><![CDATA[5d2b6c2a8db53831]]></nonce_str><openid><![CDATA[oUpF8uMEb4qRXf22hE3X68TekukE]]></openid><out_trade_no><![CDATA[1409811653]]></out_trade_no><result_code><![CDATA[SUCCESS]]></result_code><return_code><![CDATA[SUCCESS]]></return_code><time_end><![CDATA[20140903131540]]></time_end><total_fee><![CDATA[100]]></total_fee><trade_type><![CDATA[PAP]]></trade_type><transaction_id><![CDATA[1004400740201409030005092168]]></transaction_id><trade_state><![CDATA[PAY_FAIL]]></trade_state><contract_id><![CDATA[Wx1546]]></contract_id><sign><![CDATA[798CBF5D531E03CA4C7EDC37EE0717FD]]></sign></xml>";
/// The same without `trade_type`, and paid.
const PAID_BY_CONTRACT: &str = "<xml><appid><![CDATA[wxd930ea5d5a258f4f]]></appid><bank_type><![CDATA[CFT]]></bank_type><cash_fee><![CDATA[100]]></cash_fee><fee_type><![CDATA[CNY]]></fee_type><is_subscribe><![CDATA[N]]></is_subscribe><mch_id><![CDATA[10000100]]></mch_id><nonce_str><![CDATA[5d2b6c2a8db53831]]></nonce_str><openid><![CDATA[oUpF8uMEb4qRXf22hE3X68TekukE]]></openid><out_trade_no><![CDATA[1409811653]]></out_trade_no><result_code><![CDATA[SUCCESS]]></result_code><return_code><![CDATA[SUCCESS]]></return_code><time_end><![CDATA[20140903131540]]></time_end><total_fee><![CDATA[100]]></total_fee><transaction_id><![CDATA[1004400740201409030005092168]]></transaction_id><trade_state><![CDATA[SUCCESS]]></trade_state><contract_id><![CDATA[Wx1546]]></contract_id><sign><![CDATA[5A8A70C18307B198134B98890F02D415]]></sign></xml>";
/// A payment in an app, which has no `is_subscribe`.
pub(crate) const PAID_BY_APP: &str = "<xml><appid><![CDATA[wxd930ea5d5a258f4f]]></appid><bank_type><![CDATA[CFT]]></bank_type><cash_fee><![CDATA[100]]></cash_fee><fee_type><![CDATA[CNY]]></fee_type><mch_id><![CDATA[10000100]]></mch_id><nonce_str><![CDATA[5d2b6c2a8db53831]]></nonce_str><openid><![CDATA[oUpF8uMEb4qRXf22hE3X68TekukE]]></openid><out_trade_no><![CDATA[1409811653]]></out_trade_no><result_code><![CDATA[SUCCESS]]></result_code><return_code><![CDATA[SUCCESS]]></return_code><time_end><![CDATA[20140903131540]]></time_end><total_fee><![CDATA[100]]></total_fee><trade_type><![CDATA[APP]]></trade_type><transaction_id><![CDATA[1004400740201409030005092168]]></transaction_id><sign><![CDATA[693799CB95F5095B95BAE6881964B111]]></sign></xml>";

/// A failure of 委托代扣, with all that it has: <https://pay.weixin.qq.com/doc/v2/merchant/4011987465>.
const FAILED: [(&str, &str); 10] = [
    ("return_code", "SUCCESS"),
    ("appid", "wxd930ea5d5a258f4f"),
    ("mch_id", "10000098"),
    ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
    ("result_code", "FAIL"),
    ("err_code", "NOTENOUGH"),
    ("err_code_des", "余额不足"),
    ("trade_state", "PAY_FAIL"),
    ("out_trade_no", "1409811653"),
    ("contract_id", "Wx15463511252015071056489715"),
];

/// The merchant of the three; its digest is MD5.
fn shop() -> Merchant {
    Merchant::direct("10000100", ApiKey::new(SECRET).unwrap()).unwrap().with_sign_type(Md5)
}

fn read(body: &str) -> Result<PaymentNotice<'_>, NoticeError> {
    PaymentNotice::read(&MERCHANT, body.as_bytes())
}

fn verdict(fields: &[(&str, &str)]) -> Verdict {
    let body = signed(HmacSha256, fields);
    let notice = read(&body).unwrap();
    assert_eq!(notice.is_success(), notice.verdict() == Verdict::Paid);
    notice.verdict()
}

#[test]
fn a_trade_that_failed_is_not_paid_and_hides_no_payment_after_it() {
    let failed = PaymentNotice::read(&shop(), PAY_FAIL.as_bytes()).unwrap();
    assert!(!failed.is_success());
    assert_eq!((failed.verdict(), failed.trade_state()), (Verdict::Unknown, Some("PAY_FAIL")));
    let paid = PaymentNotice::read(&shop(), PAID_BY_CONTRACT.as_bytes()).unwrap();
    assert!(paid.is_success());
    assert_ne!(failed.duplicate_key(), paid.duplicate_key());
    for notice in [&failed, &paid] {
        assert_eq!(notice.is_for(&PLACED), Ok(()));
    }
}

#[test]
fn what_a_notice_has_differs_by_product() {
    for body in [PAID_BY_CONTRACT, PAID_BY_APP] {
        let notice = PaymentNotice::read(&shop(), body.as_bytes()).unwrap();
        assert!(notice.is_success());
        assert_eq!(
            (notice.total_fee(), notice.amount(), notice.fee_type()),
            (Some(Fen(100)), Some(100), "CNY")
        );
        assert_eq!(notice.transaction_id(), Some("1004400740201409030005092168"));
        assert_eq!((notice.err_code(), notice.err_code_des()), (None, None));
        assert_eq!(notice.is_for(&PLACED), Ok(()));
    }
    // no more than this
    let least = [
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("appid", "wxd930ea5d5a258f4f"),
        ("mch_id", "10000098"),
        ("out_trade_no", "1409811653"),
        ("total_fee", "100"),
        ("transaction_id", "1004400740201409030005092168"),
    ];
    assert_eq!(verdict(&least), Verdict::Paid);
    for (name, _) in least {
        let body = signed(HmacSha256, &without(&least, name));
        assert_eq!(read(&body).unwrap_err(), ReplyError::Missing { field: leak(name.to_owned()) }.into());
    }
}

#[test]
fn a_failure_of_a_contract_is_read_and_says_why() {
    let body = signed(HmacSha256, &FAILED);
    let failed = read(&body).unwrap();
    assert_eq!((failed.is_success(), failed.verdict()), (false, Verdict::Failed));
    assert_eq!((failed.err_code(), failed.err_code_des()), (Some("NOTENOUGH"), Some("余额不足")));
    assert_eq!(failed.trade_state(), Some("PAY_FAIL"));
    assert_eq!((failed.amount(), failed.total_fee(), failed.transaction_id()), (None, None, None));
    // it tells no amount, and is held against all the rest
    assert_eq!(failed.is_for(&PLACED), Ok(()));
    let abroad = Order::in_currency(PLACED.appid, PLACED.out_trade_no, 100, "HKD");
    assert_eq!(failed.is_for(&abroad), Ok(()));
    for (order, field) in [
        (Order::new("wx8888888888888888", PLACED.out_trade_no, Fen(100)), "appid"),
        (Order::new(PLACED.appid, "1409811654", Fen(100)), "out_trade_no"),
    ] {
        assert_eq!(failed.is_for(&order), Err(NoticeError::Mismatch { field }));
    }
    // the order is paid later
    let body = signed(HmacSha256, &NOTICE);
    let paid = read(&body).unwrap();
    let mut handled = Handled::default();
    for notice in [&failed, &paid] {
        assert!(handled.once(notice.duplicate_key(), || Ok::<_, ()>(())).unwrap() != already());
    }
    assert_eq!(handled.once(paid.duplicate_key(), || Ok::<_, ()>(())).unwrap(), already());
}

fn already() -> wechatpay_proto::notice::Handling<()> {
    wechatpay_proto::notice::Handling::AlreadyProcessed
}

/// Every pair of facts. What agrees on a success is paid, what agrees on a failure has failed, and nothing else is
/// either.
#[test]
fn only_facts_that_agree_make_a_verdict() {
    let states = [
        "",
        "SUCCESS",
        "PAY_FAIL",
        "CLOSED",
        "REFUND",
        "NOTPAY",
        "ACCEPT",
        "USERPAYING",
        "PAYERROR",
        "success",
        "SUCCESS ",
        "REVOKED",
    ];
    let codes = [
        "",
        "SUCCESS",
        "0",
        "OK",
        "NOTENOUGH",
        "SYSTEMERROR",
        "PROCESSING",
        "USERPAYING",
        "BANKERROR",
        "ok",
        "00",
        "SEND_FAILED",
    ];
    for result in ["SUCCESS", "FAIL", "success", "UNKNOWN"] {
        for state in states {
            for code in codes {
                for ended in ["", "20140903131540"] {
                    let fields = with(&with(&NOTICE, "result_code", result), "trade_state", state);
                    let fields = with(&with(&fields, "err_code", code), "time_end", ended);
                    let no_error = ["", "SUCCESS", "0", "OK"].contains(&code);
                    let undecided = ["SYSTEMERROR", "PROCESSING", "USERPAYING", "BANKERROR"].contains(&code);
                    let paid = result == "SUCCESS" && ["", "SUCCESS"].contains(&state) && no_error;
                    let failed = result == "FAIL"
                        && ["", "PAY_FAIL", "CLOSED"].contains(&state)
                        && (code.is_empty() || !no_error && !undecided)
                        && ended.is_empty();
                    let expected = match (paid, failed) {
                        (true, _) => Verdict::Paid,
                        (_, true) => Verdict::Failed,
                        _ => Verdict::Unknown,
                    };
                    assert_eq!(verdict(&fields), expected, "{result} {state} {code} {ended}");
                }
            }
        }
    }
}

/// The sign is the same whether a field is there or folded into the text before it.
#[test]
fn a_bad_sign_of_a_payment_cannot_be_folded_away() {
    for (name, value, before, kept) in [
        ("trade_state", "PAY_FAIL", "trade_desc", "x"),
        ("err_code", "SYSTEMERROR", "device_info", "1"),
        ("fee_type", "HKD", "cash_fee", "100"),
        ("time_end", "20140903131540", "sub_openid", "o"),
        ("sub_mch_id", "1608783242", "sub_appid", "wx1"),
    ] {
        let whole = with(&with(&NOTICE, before, kept), name, value);
        let folded = format!("{kept}&{name}={value}");
        let folded = without(&with(&whole, before, &folded), name);
        assert_eq!(naive_text(&folded), naive_text(&whole), "the sign fits");
        // with an element that is empty, too, which leaves no trace in the sign
        for folded in [folded.clone(), with(&folded, name, "")] {
            let body = signed(HmacSha256, &folded);
            let error = read(&body).unwrap_err();
            assert_eq!(error, NoticeError::Folded { field: name });
            let text = format!(
                "{name} is missing, and a value of the notice holds '&{name}=': the signature fits both"
            );
            assert_eq!(error.to_string(), text);
        }
        // where it is there by its own name, a text may look like it
        let both = with(&with(&NOTICE, "attach", "a=1&trade_state=2&err_code=3"), "trade_state", "SUCCESS");
        let body = signed(HmacSha256, &with(&both, "err_code", "0"));
        assert!(read(&body).unwrap().is_success());
    }
    // a number that swallowed the field behind it is not that number
    for (name, longer) in [
        ("transaction_id", "1004400740201409030005092168&user_repaid=N"),
        ("out_trade_no", "1409811653&product=1"),
    ] {
        let body = signed(HmacSha256, &with(&NOTICE, name, longer));
        let error = read(&body).unwrap_err();
        assert!(matches!(error, NoticeError::Refused(ReplyError::Malformed { field, .. }) if field == name));
        assert!(!error.to_string().contains('&'), "{error}");
    }
}

#[test]
fn an_order_has_a_currency() {
    let abroad = Order::in_currency(PLACED.appid, PLACED.out_trade_no, 100, "HKD");
    let body = signed(HmacSha256, &with(&NOTICE, "fee_type", "HKD"));
    let notice = read(&body).unwrap();
    assert!(notice.is_success());
    assert_eq!(notice.is_for(&abroad), Ok(()));
    assert_eq!(notice.is_for(&PLACED), Err(NoticeError::Mismatch { field: "fee_type" }));
    // a hundred cents are not shown as a hundred fen
    assert_eq!((notice.total_fee(), notice.amount(), notice.fee_type()), (None, Some(100), "HKD"));
    let more = Order::in_currency(PLACED.appid, PLACED.out_trade_no, 101, "HKD");
    assert_eq!(notice.is_for(&more), Err(NoticeError::Mismatch { field: "total_fee" }));
    // no currency is CNY
    let body = signed(HmacSha256, &without(&NOTICE, "fee_type"));
    let silent = read(&body).unwrap();
    assert_eq!((silent.is_for(&PLACED), silent.total_fee()), (Ok(()), Some(Fen(100))));
    assert_eq!(silent.is_for(&abroad), Err(NoticeError::Mismatch { field: "fee_type" }));
}

#[test]
fn two_sub_merchants_may_use_one_number() {
    let of = |sub_mch_id| PLACED.with_sub_mch_id(sub_mch_id);
    let body = signed(HmacSha256, &with(&NOTICE, "sub_mch_id", "1608783242"));
    let notice = read(&body).unwrap();
    assert_eq!((notice.is_for(&PLACED), notice.is_for(&of("1608783242"))), (Ok(()), Ok(())));
    assert_eq!(notice.is_for(&of("1608783243")), Err(NoticeError::Mismatch { field: "sub_mch_id" }));
    let body = signed(HmacSha256, &NOTICE);
    let direct = read(&body).unwrap();
    assert_eq!(direct.is_for(&of("1608783242")), Err(NoticeError::Mismatch { field: "sub_mch_id" }));
    assert_ne!(notice.duplicate_key(), direct.duplicate_key());
}

#[test]
fn a_notice_of_another_kind_is_called_that() {
    let expected = Kind::Payment;
    let vector = include_str!("refund/notice.xml");
    let error = PaymentNotice::read(&shop(), vector.as_bytes()).unwrap_err();
    assert_eq!(error, NoticeError::OtherKind { expected, found: Kind::Refund });
    let text = "a refund notice came where a payment notice is read: see which notify_url the order and the refund named";
    assert_eq!(error.to_string(), text);
    for (mark, found) in [
        ("change_type", Kind::Contract),
        ("combine_out_trade_no", Kind::CombinedPayment),
        ("event_ciphertext", Kind::Event),
        ("transaction_id_list", Kind::Risk),
        ("vehicle_event_createtime", Kind::Parking),
    ] {
        let fields = [("mch_id", "10000098"), ("return_code", "SUCCESS"), (mark, "x")];
        // lacking what a payment has, or of another digest, or without a sign
        for body in [signed(HmacSha256, &fields), signed(Md5, &fields), document(&fields)] {
            assert_eq!(read(&body).unwrap_err(), NoticeError::OtherKind { expected, found });
        }
        // a forgery is called a forgery, and a payment with such a field is a payment
        let forged = document(&with(&fields, "sign", &"0".repeat(64)));
        assert_eq!(read(&forged).unwrap_err(), ReplyError::SignMismatch.into());
        assert_eq!(verdict(&with(&NOTICE, mark, "x")), Verdict::Paid);
    }
}

#[test]
fn a_body_that_a_framework_changed_is_called_what_it_is() {
    let quoted = format!("\"{}\"", PAID_BY_APP.replace('"', "\\\"").replace("</", "<\\/"));
    let html = PAID_BY_APP.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let url: String = PAID_BY_APP.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let only_marks = PAID_BY_APP.replace('<', "%3c").replace('>', "%3e");
    let stripped = "wxd930ea5d5a258f4fCFT100CNY10000100 支付";
    for (body, form, said) in [
        (&*quoted, BodyForm::JsonString, "quoted as a JSON string"),
        (&format!("\"{PAID_BY_APP}\""), BodyForm::JsonString, "quoted as a JSON string"),
        ("\"\\u003cxml\\u003e\"", BodyForm::JsonString, "quoted as a JSON string"),
        (&PAID_BY_APP.replace("<xml>", "<xml>\\n"), BodyForm::JsonString, "quoted as a JSON string"),
        (&html, BodyForm::HtmlEscaped, "HTML-escaped"),
        (&format!("  {}", html.replace('&', "&amp;")), BodyForm::HtmlEscaped, "HTML-escaped"),
        ("&#60;xml&#62;", BodyForm::HtmlEscaped, "HTML-escaped"),
        ("&#X3C;xml&#X3E;", BodyForm::HtmlEscaped, "HTML-escaped"),
        (&url, BodyForm::UrlEncoded, "url-encoded"),
        (&only_marks, BodyForm::UrlEncoded, "url-encoded"),
        (&url.replace('%', "%25"), BodyForm::UrlEncoded, "url-encoded"),
        ("", BodyForm::Empty, "empty"),
        (" \r\n\t", BodyForm::Empty, "empty"),
        ("\u{FEFF}", BodyForm::Empty, "empty"),
        (&STANDARD.encode(PAID_BY_APP), BodyForm::Base64, "base64"),
        (&STANDARD.encode("<?xml version=\"1.0\"?><xml/>"), BodyForm::Base64, "base64"),
        (
            "{\"xml\":{\"appid\":[\"wx\"]}}",
            BodyForm::Json,
            "JSON, converted from the XML or a notice of APIv3",
        ),
        (
            "{\"id\":\"1\",\"resource\":{}}",
            BodyForm::Json,
            "JSON, converted from the XML or a notice of APIv3",
        ),
        ("[]", BodyForm::Json, "JSON, converted from the XML or a notice of APIv3"),
        ("1", BodyForm::Stripped, "text without a tag, as a filter against scripts leaves it"),
        (stripped, BodyForm::Stripped, "text without a tag, as a filter against scripts leaves it"),
    ] {
        let told = NoticeError::Body(form);
        let text = format!(
            "the body is {said}, not the XML that the service posts: pass on the bytes of the request as they came, \
             before a framework decodes, converts or filters them"
        );
        assert_eq!(told.to_string(), text);
        let body = body.as_bytes();
        assert_eq!(PaymentNotice::read(&shop(), body).unwrap_err(), told, "{said}");
        assert_eq!(RefundNotice::read(&shop(), body).unwrap_err(), told, "{said}");
        assert_eq!(read_signed(&shop(), body, &[]).unwrap_err(), told, "{said}");
    }
    let gzip = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xB3];
    assert_eq!(
        PaymentNotice::read(&shop(), &gzip).unwrap_err().to_string().split(',').next(),
        Some("the body is gzip")
    );
    // what is none of these keeps the reader's own words
    for (body, kind) in [
        (PAID_BY_APP.strip_suffix("</xml>").unwrap(), XmlErrorKind::Truncated),
        ("<html><body>502</body></html>", XmlErrorKind::NotXmlRoot),
        ("<!DOCTYPE xml><xml/>", XmlErrorKind::Doctype),
        ("x<xml/>", XmlErrorKind::NotXmlRoot),
    ] {
        let error = PaymentNotice::read(&shop(), body.as_bytes()).unwrap_err();
        assert!(
            matches!(error, NoticeError::Refused(ReplyError::Xml(error)) if error.kind == kind),
            "{body}"
        );
    }
    let utf16: Vec<u8> = PAID_BY_APP.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(matches!(PaymentNotice::read(&shop(), &utf16), Err(NoticeError::Refused(ReplyError::Xml(_)))));
    assert!(PaymentNotice::read(&shop(), format!("\u{FEFF}{PAID_BY_APP}\n").as_bytes()).is_ok());
}

#[test]
fn any_other_signed_notice_is_read_by_its_names() {
    let contract = [
        ("change_type", "ADD"),
        ("contract_id", "Wx15463511252015071056489715"),
        ("mch_id", "10000098"),
        ("openid", "oUpF8uMEb4qRXf22hE3X68TekukE"),
    ];
    let open = |fields: &[(&str, &str)], sign_type: SignType| {
        let body = signed(sign_type, fields);
        read_signed(&MERCHANT, body.as_bytes(), &["change_type", "contract_id"])
            .map(|fields| fields.into_owned())
    };
    let refused = |fields: &[(&str, &str)]| open(fields, HmacSha256).unwrap_err();
    let fields = open(&contract, HmacSha256).unwrap();
    assert_eq!((fields.get("change_type"), fields.len()), (Some("ADD"), 5));
    let other = ReplyError::SignTypeMismatch { expected: HmacSha256 };
    assert_eq!(open(&contract, Md5).unwrap_err(), other.into());
    for name in ["change_type", "contract_id", "mch_id"] {
        for silent in [without(&contract, name), with(&contract, name, "")] {
            assert_eq!(refused(&silent), ReplyError::Missing { field: leak(name.to_owned()) }.into());
        }
    }
    assert_eq!(refused(&with(&contract, "mch_id", "10000099")), NoticeError::Mismatch { field: "mch_id" });
    // a combined payment has its merchant under another name
    let combined = with(&without(&contract, "mch_id"), "combine_mch_id", "10000098");
    assert!(open(&combined, HmacSha256).is_ok());
    let field = "combine_mch_id";
    assert_eq!(refused(&with(&combined, field, "10000099")), NoticeError::Mismatch { field });
    assert_eq!(refused(&with(&combined, "mch_id", "10000099")), NoticeError::Mismatch { field: "mch_id" });
    // unsigned, forged, of a failed communication
    let read = |body: &str| read_signed(&MERCHANT, body.as_bytes(), &[]).unwrap_err();
    assert_eq!(read(&document(&contract)), ReplyError::SignMissing.into());
    let forged = signed(HmacSha256, &contract).replace("ADD", "DELETE");
    assert_eq!(read(&forged), ReplyError::SignMismatch.into());
    let failed = with(&contract, "return_code", "FAIL");
    assert_eq!(read(&document(&failed)), NoticeError::CommunicationFailure);
    assert_eq!(read(&signed(HmacSha256, &failed)), NoticeError::CommunicationFailure);
    assert!(open(&with(&contract, "return_code", "SUCCESS"), HmacSha256).is_ok());
    // a failure that was folded away
    for (name, value) in [("result_code", "FAIL"), ("return_code", "FAIL"), ("err_code", "SYSTEMERROR")] {
        let longer = format!("1&{name}={value}");
        let folded = with(&contract, "display", &longer);
        assert_eq!(refused(&folded), NoticeError::Folded { field: name });
    }
}

#[test]
fn errors_name_their_causes_for_the_log() {
    let body = signed(HmacSha256, &NOTICE);
    let causes = |error: NoticeError| error.likely_causes().join("; ");
    for (error, cause) in [
        (ReplyError::SignMismatch.into(), "API key"),
        (ReplyError::SignTypeMismatch { expected: Md5 }.into(), "with_sign_type"),
        (ReplyError::SignMissing.into(), "no notice of the service"),
        (NoticeError::Mismatch { field: "mch_id" }, "service provider"),
        (NoticeError::Mismatch { field: "total_fee" }, "another amount"),
        (NoticeError::Mismatch { field: "fee_type" }, "in_currency"),
    ] {
        assert!(causes(error).contains(cause), "{cause}");
    }
    let missing = ReplyError::Missing { field: "total_fee" };
    assert_eq!(causes(missing.into()), "");
    assert_eq!(causes(read(&body).unwrap().is_for(&PLACED.with_sub_mch_id("1")).unwrap_err()), "");
}

#[test]
fn all_of_it_goes_from_thread_to_thread() {
    fn check<T: Send + Sync>() {}
    check::<PaymentNotice<'_>>();
    check::<RefundNotice>();
    check::<NoticeError>();
    check::<ReqInfoFault>();
    check::<Order<'_>>();
    check::<DuplicateKey>();
    check::<Handled>();
}
