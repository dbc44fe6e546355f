//! Properties over generated documents.

mod common;

use common::*;
use proptest::prelude::*;
use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::reply::Reply;
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;
use wechatpay_proto::wire::{self, Value, Writer, is_xml_char};
use wechatpay_proto::{Advice, ApiKey, ErrorCode, Nonce, Outcome, Pending, Reason, ReplyError, SignType};

/// A character that XML allows, the dangerous ones often.
fn xml_char() -> impl Strategy<Value = char> {
    prop_oneof![
        4 => prop::sample::select("<>&'\"]=! \t\n\r;#-?/[\u{85}\u{2028}\u{7f}\u{fffd}\u{feff}红😀".chars().collect::<Vec<_>>()),
        3 => proptest::char::range('0', 'z'),
        1 => any::<char>().prop_filter("a Char of XML 1.0", |c| is_xml_char(*c)),
    ]
}

fn xml_text() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => prop::collection::vec(xml_char(), 0..24).prop_map(String::from_iter),
        1 => prop::sample::select(vec!["]]>", "<![CDATA[", "]]]]><![CDATA[>", "&amp;", "&#13;", "a&b=c", "0"]).prop_map(String::from),
    ]
}

/// Names and values of a flat document; a name comes once.
fn xml_fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let name =
        "[A-Za-z_][A-Za-z0-9_]{0,7}".prop_filter("an ordinary field", |name| name != "key" && name != "sign");
    prop::collection::btree_map(name, xml_text(), 0..12)
        .prop_map(|fields| fields.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn sign_type() -> impl Strategy<Value = SignType> {
    prop::sample::select(vec![Md5, HmacSha256])
}

/// The non-empty fields of a document, its sign in upper case; `None` if it is no document.
fn view(body: &[u8]) -> Option<Vec<(String, String)>> {
    let document = wire::parse(body, &[]).ok()?;
    let fields = document.untrusted().iter().filter(|(_, value)| !value.is_empty());
    let upper =
        |name: &str, value: &str| if name == "sign" { value.to_uppercase() } else { value.to_owned() };
    Some(fields.map(|(name, value)| (name.to_owned(), upper(name, value))).collect())
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// The answer with its unknown fields sorted: the only trace that the order of a document may leave.
macro_rules! unordered {
    ($reply:expr) => {
        $reply.map(|mut reply| {
            reply.extra.sort();
            reply
        })
    };
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn the_order_of_elements_changes_neither_verdict_nor_answer(
        shuffled in Just(owned(&PAID)).prop_shuffle(),
        more in xml_fields(),
        forge in any::<bool>(),
    ) {
        let known = |name: &str| PAID.iter().any(|(own, _)| *own == name) || ["cash_fee", "err_code"].contains(&name);
        let more: Vec<_> = more.into_iter().filter(|(name, _)| !known(name)).collect();
        let sign = if forge { "0".repeat(64) } else { naive_sign(HmacSha256, &[owned(&PAID), more.clone()].concat()) };
        let sign = vec![("sign".to_owned(), sign)];
        let plain = document(&[owned(&PAID), more.clone(), sign.clone()].concat());
        let mixed = document(&[sign, shuffled, more.into_iter().rev().collect()].concat());
        let (plain, mixed) = (accept(&ORDER, plain), accept(&ORDER, mixed));
        prop_assert_eq!(plain.is_err(), forge);
        prop_assert_eq!(unordered!(plain), unordered!(mixed));
    }

    #[test]
    fn the_order_of_elements_changes_no_outcome(
        fields in Just(owned(&SENT)).prop_shuffle(),
        dropped in 0..SENT.len(),
        code in prop::sample::select(vec!["", "0", "SEND_FAILED", "SYSTEMERROR"]),
        result in prop::sample::select(vec!["SUCCESS", "FAIL", "", "OTHER"]),
    ) {
        let change = |fields: &[(String, String)]| {
            let kept = fields.iter().filter(|(name, _)| *name != SENT[dropped].0);
            let result = |name: &str, value: &str| if name == "result_code" { result.to_owned() } else { value.to_owned() };
            let mut kept: Vec<_> = kept.map(|(name, value)| (name.clone(), result(name, value))).collect();
            kept.insert(kept.len() / 2, ("err_code".to_owned(), code.to_owned()));
            document(&kept)
        };
        let (plain, mixed) = (accept(&PACKET, change(&owned(&SENT))), accept(&PACKET, change(&fields)));
        prop_assert_eq!(&plain, &mixed);
        if let (Ok(plain), Ok(mixed)) = (&plain, &mixed) {
            prop_assert_eq!(plain.outcome(), mixed.outcome());
        }
    }

    #[test]
    fn a_second_signer_agrees_on_sign_and_verdict(
        fields in xml_fields(),
        sign_type in sign_type(),
        tampered in xml_text(),
        at in any::<prop::sample::Index>(),
    ) {
        let key = ApiKey::new(KEY).unwrap();
        let verdict = |fields: &[(String, String)], sign: &str| {
            let body = document(&[fields, &[("sign".to_owned(), sign.to_owned())]].concat());
            wire::parse(body.as_bytes(), &[]).unwrap().signed(sign_type, &key).map(|fields| fields.len())
        };
        let sign = naive_sign(sign_type, &fields);
        prop_assert_eq!(verdict(&fields, &sign), Ok(fields.len() + 1));
        if !fields.is_empty() {
            let mut other = fields.clone();
            let at = at.index(other.len());
            other[at].1 = tampered;
            let same = naive_text(&other) == naive_text(&fields);
            prop_assert_eq!(verdict(&other, &sign).is_ok(), same);
        }
    }

    #[test]
    fn a_second_signer_agrees_on_requests(name in xml_text(), wishing in xml_text(), attach in xml_text(), sign_type in sign_type()) {
        let merchant = MERCHANT.clone().with_sign_type(sign_type);
        let packet = SendRedPack { send_name: &name, wishing: &wishing, ..PACKET.clone() };
        let mut order = ORDER.clone();
        order.options.attach = Some(&attach);
        let nonce = || Nonce::from_bytes([7; 16]);
        let signed = [
            merchant.sign(&packet, nonce()).map(|signed| (Md5, signed.xml().to_owned(), signed.string_to_sign())),
            merchant.sign(&order, nonce()).map(|signed| (sign_type, signed.xml().to_owned(), signed.string_to_sign())),
        ];
        for (sign_type, xml, text) in signed.into_iter().flatten() {
            let fields = view(xml.as_bytes()).unwrap();
            let (sign, fields) = fields.split_last().unwrap();
            prop_assert_eq!(&sign.1, &naive_sign(sign_type, fields));
            prop_assert_eq!(text, naive_text(fields));
            prop_assert!(fields.is_sorted());
            // every value arrives as it was given
            for (name, value) in [("send_name", &name), ("wishing", &wishing), ("attach", &attach)] {
                let arrived = fields.iter().find(|(own, _)| own == name);
                prop_assert!(arrived.is_none_or(|(_, arrived)| arrived == value));
            }
        }
    }

    #[test]
    fn a_value_that_was_accepted_is_read_back(fields in xml_fields()) {
        let document = document(&fields);
        let read = wire::parse(document.as_bytes(), &[]).unwrap();
        prop_assert_eq!(owned(&read.untrusted().iter().collect::<Vec<_>>()), fields.clone());
        let mut xml = Writer::new();
        for (name, value) in read.untrusted().iter() {
            xml.element(name, &Value::Text(value));
        }
        let kept: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let xml = xml.finish();
        let again = wire::parse(xml.as_bytes(), &[]).unwrap();
        prop_assert_eq!(owned(&again.untrusted().iter().collect::<Vec<_>>()), kept);
    }

    #[test]
    fn an_answer_that_was_accepted_is_read_back(fields in xml_fields(), message in xml_text(), act_name in xml_text()) {
        let plain = with(&with(&with(&SENT, "status", "SENT"), "return_msg", &message), "act_name", &act_name);
        let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let fields: Vec<_> = fields.filter(|(name, _)| plain.iter().all(|(own, _)| own != name)).collect();
        if let Ok(reply) = accept(&QUERY, document(&[owned(&plain), fields].concat())) {
            let mut xml = Writer::new();
            reply.write(&mut xml);
            prop_assert_eq!(accept(&QUERY, xml.finish()), Ok(reply));
        }
    }
}

/// The answer to [`ORDER`] with one edit: accepted only if it still says the same.
fn survives_unchanged_only(
    pending: Pending<'_, OrderQuery<'_>>,
    original: &[u8],
    edited: &[u8],
) -> Result<(), TestCaseError> {
    let response = answer(edited);
    match pending.accept(&response) {
        Ok(_) => prop_assert_eq!(view(edited), view(original), "{}", String::from_utf8_lossy(edited)),
        Err(error) => prop_assert!(error.outcome().is_unknown()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn a_signed_answer_with_a_byte_changed_is_refused(
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(b"<>/&;!?]=0129 \t\n\r\"'AFafxX".to_vec())],
        edit in 0..3,
        sign_type in sign_type(),
    ) {
        let merchant = MERCHANT.clone().with_sign_type(sign_type);
        let spaced = signed(sign_type, &PAID).replace("><", "> <").into_bytes();
        let at = at.index(spaced.len());
        let mut edited = spaced.clone();
        match edit {
            0 => edited[at] = byte,
            1 => edited.insert(at, byte),
            _ => drop(edited.remove(at)),
        }
        survives_unchanged_only(pending(&merchant, &ORDER), &spaced, &edited)?;
    }

    #[test]
    fn bytes_at_random_are_no_success(body in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(prop::sample::select(vec![
            "<xml>", "</xml>", "<xml/>", "<", ">", "/", "<!", "<!--", "-->", "--", "<![CDATA[", "]]>", "<!DOCTYPE x", "[", "]",
            "<!ENTITY a '", "'", "\"", "%p;", "<?xml version=\"1.0\"", "<?", "?>", "&", "&#", "&#x", ";", "65", " ", "\r", "\n", "=",
            "<return_code>", "</return_code>", "<result_code>", "</result_code>", "SUCCESS", "FAIL", "<a>", "</a>", "<a/>", "<a b='c'>",
            "<hblist>", "</hblist>", "<hbinfo>", "</hbinfo>", "<sign>", "</sign>", "\u{feff}", "\0", "\u{2028}", "红",
            "<mch_id>10000098</mch_id>", "<status>SENT</status>", "<err_code>SEND_FAILED</err_code>",
        ]), 0..40).prop_map(|tokens| tokens.concat().into_bytes()),
    ]) {
        // no such body names the order, so none can settle it
        if let Ok(reply) = accept(&PACKET, &body) {
            prop_assert!(reply.outcome().is_unknown(), "{}", String::from_utf8_lossy(&body));
        }
        if let Ok(reply) = accept(&QUERY, &body) {
            prop_assert!(reply.outcome().is_unknown(), "{}", String::from_utf8_lossy(&body));
        }
        if let Ok(reply) = accept(&ORDER, &body) {
            prop_assert!(!reply.head.is_success() && reply.total_fee.is_none(), "{}", String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn a_success_with_any_bytes_spliced_in_still_names_its_order(
        noise in prop::collection::vec(any::<u8>(), 1..12),
        at in any::<prop::sample::Index>(),
        cut in 0..12usize,
    ) {
        let mut body = document(&SENT).into_bytes();
        let at = at.index(body.len());
        let end = (at + cut).min(body.len());
        body.splice(at..end, noise);
        if let Ok(reply) = accept(&PACKET, &body) {
            let names_it = reply.mch_billno.as_deref() == Some(PACKET.mch_billno)
                && reply.re_openid.as_deref() == Some(PACKET.re_openid)
                && reply.total_amount == Some(PACKET.total_amount);
            prop_assert!(names_it || !reply.outcome().is_accepted(), "{}", String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn a_code_that_nobody_has_listed_settles_nothing(code in prop_oneof!["[A-Z_]{1,24}", "[0-9]{1,12}", "\\PC{1,12}", "SEND_FAILED.", ".SEND_FAILED"]) {
        let listed = ErrorCode::LISTED.iter().any(|listed| listed.as_str() == code);
        prop_assume!(!listed && code.chars().all(is_xml_char) && !code.contains('\r'));
        let unknown = Reason::Code(ErrorCode::Other(code.clone().into()));
        prop_assert_eq!(unknown.advice(), Advice::Query);
        let fields = with(&with(&SENT, "err_code", &code), "result_code", "FAIL");
        let reply = accept(&PACKET, document(&fields)).unwrap();
        prop_assert_eq!(reply.outcome(), Outcome::Unknown(unknown));
    }
}

/// Every place, with the bytes that matter most; the generated test above takes all the others.
#[test]
fn a_signed_answer_is_refused_wherever_it_is_touched() {
    let whole = signed(HmacSha256, &PAID).into_bytes();
    let pending = pending(&MERCHANT, &ORDER);
    assert!(pending.accept(&answer(&whole)).is_ok());
    for at in 0..whole.len() {
        for byte in *b"<>&/ 09AaZ\n\r\x00\xff" {
            let mut replaced = whole.clone();
            replaced[at] = byte;
            survives_unchanged_only(pending, &whole, &replaced).unwrap();
            let mut inserted = whole.clone();
            inserted.insert(at, byte);
            survives_unchanged_only(pending, &whole, &inserted).unwrap();
        }
        let mut removed = whole.clone();
        removed.remove(at);
        survives_unchanged_only(pending, &whole, &removed).unwrap();
    }
}

/// The text that is signed has no escapes, so a sign fits every folding of a field into the value of its neighbour.
/// What stands against it are the rows that a success must have, and those that it must echo.
#[test]
fn a_field_folded_into_its_neighbour_is_refused_where_it_is_promised() {
    let mut fields = with(&PAID, "cash_fee", "1");
    fields.sort_unstable();
    let sign = naive_sign(HmacSha256, &fields);
    for neighbours in fields.windows(2) {
        let [(before, kept), (name, value)] = *neighbours else { unreachable!() };
        let longer = format!("{kept}&{name}={value}");
        let folded = without(&with(&fields, before, &longer), name);
        assert_eq!(naive_text(&folded), naive_text(&fields), "the sign fits");
        let read = accept(&ORDER, document(&with(&folded, "sign", &sign)));
        match (before, name) {
            // an echo that swallows anything is no echo of the request
            ("appid" | "mch_id" | "out_trade_no", _) => {
                assert_eq!(read, Err(ReplyError::Correlation { field: before }));
            }
            (_, "mch_id" | "total_fee") if before != "return_code" => {
                assert_eq!(read, Err(ReplyError::Missing { field: name }));
            }
            // without its two codes no answer is a success
            ("result_code", _) => assert_eq!(read, Err(ReplyError::Missing { field: "return_code" })),
            ("return_code", _) => assert!(!read.unwrap().head.is_success()),
            // neither of the two is promised: this is what the sign cannot see
            ("attach", "cash_fee") => assert_eq!(read.unwrap().cash_fee, None),
            pair => panic!("{pair:?} is not thought of"),
        }
    }
}
