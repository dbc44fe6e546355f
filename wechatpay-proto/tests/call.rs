//! The untyped door, outwards: what it sends and what it refuses.

mod common;

use common::*;
use wechatpay_proto::SignType::{HmacSha256, Md5};
use wechatpay_proto::endpoint::{Host, Method, Outgoing as _, Trust};
use wechatpay_proto::rule::Violation;
use wechatpay_proto::transport::{BaseUrl, ClientCertificate};
use wechatpay_proto::wire;
use wechatpay_proto::{AgentSecret, ApiKey, Call, Fen, Merchant, Nonce, ReplyError, RequestError, SignType};

fn nonce() -> Nonce {
    Nonce::from_text("5K8264ILTKCH16CQ2502SI8ZNMTM67VS").unwrap()
}

/// The fields that go out in the document, in its order.
fn sent(call: &Call<'_>) -> Vec<(String, String)> {
    let signed = MERCHANT.sign(call, nonce()).unwrap();
    let document = wire::parse(signed.xml().as_bytes(), &[]).unwrap();
    document.untrusted().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn names(call: &Call<'_>) -> Vec<String> {
    sent(call).into_iter().map(|(name, _)| name).collect()
}

fn value(call: &Call<'_>, name: &str) -> Option<String> {
    sent(call).into_iter().find(|(own, _)| own == name).map(|(_, value)| value)
}

/// The sign of the document is the naive one of this kind.
fn is_signed_with(call: &Call<'_>, sign_type: SignType) -> bool {
    let fields = sent(call);
    value(call, "sign").unwrap() == naive_sign(sign_type, &fields)
}

fn refused(call: &Call<'_>) -> RequestError {
    MERCHANT.sign(call, nonce()).unwrap_err()
}

fn uri(base: &str, call: &Call<'_>) -> String {
    MERCHANT.sign_for(&BaseUrl::parse(base).unwrap(), call, nonce()).unwrap().uri().to_string()
}

fn has_certificate(call: &Call<'_>) -> bool {
    let (request, _) = MERCHANT.sign(call, nonce()).unwrap().into_parts();
    request.extensions().get::<ClientCertificate>().is_some()
}

#[test]
fn the_aliases_of_a_path_are_one_path() {
    for alias in ["pay/unifiedorder", "/pay/unifiedorder", "v2/pay/unifiedorder", "/v2/pay/unifiedorder"] {
        let call = Call::new(alias).field("appid", "wx1");
        let uri = uri(BaseUrl::PRODUCTION, &call);
        assert_eq!(uri, "https://api.mch.weixin.qq.com/pay/unifiedorder", "{alias}");
        assert_eq!(
            value(&call, "sign_type").as_deref(),
            Some("HMAC-SHA256"),
            "{alias} is found in the table"
        );
    }
    // the alias is that of SDKs, so it is no part of another path
    assert_eq!(uri(BaseUrl::PRODUCTION, &Call::new("pay/v2/x")), "https://api.mch.weixin.qq.com/pay/v2/x");
}

#[test]
fn a_path_that_nobody_lists_is_like_most() {
    let call = Call::new("brand/new").field("b", "2").field("a", "1");
    assert_eq!(names(&call), ["a", "b", "mch_id", "nonce_str", "sign"]);
    assert!(is_signed_with(&call, Md5) && !has_certificate(&call));
    assert_eq!(call.spec().trust, Trust::Signed);
    assert_eq!(uri(BaseUrl::PRODUCTION, &call), "https://api.mch.weixin.qq.com/brand/new");
    let (request, _) = MERCHANT.sign(&call, nonce()).unwrap().into_parts();
    assert_eq!(request.method(), http::Method::POST);
    assert_eq!(request.headers()["content-type"], "text/xml; charset=utf-8");
}

#[test]
fn the_merchant_number_stands_in_the_row_of_its_path() {
    for (path, row) in [
        ("pay/unifiedorder", Some("mch_id")),
        ("mmpaymkttransfers/promotion/transfers", Some("mchid")),
        ("pay/combinedorder", Some("combine_mch_id")),
        ("applyment/micro/signcontract", None),
    ] {
        let fields = sent(&Call::new(path).field("x", "1"));
        let holding = fields.iter().filter(|(_, value)| value == "10000098").map(|(name, _)| name.as_str());
        assert_eq!(holding.collect::<Vec<_>>(), Vec::from_iter(row), "{path}");
    }
}

#[test]
fn a_nonce_is_sent_where_the_path_has_one() {
    let has_nonce = |call: &Call<'_>| value(call, "nonce_str").is_some();
    assert!(has_nonce(&Call::new("pay/unifiedorder")));
    assert!(!has_nonce(&Call::new("pay/unifiedorder").nonce(false)));
    assert!(!has_nonce(&Call::new("papay/deletecontract")));
    assert!(has_nonce(&Call::new("papay/deletecontract").nonce(true)));
    assert!(
        is_signed_with(&Call::new("pay/unifiedorder").nonce(false), HmacSha256),
        "what is left is signed"
    );
}

#[test]
fn a_digest_is_said_where_it_is_not_md5_by_nature() {
    let said = |call: &Call<'_>| value(call, "sign_type");
    let (md5, hmac) = (Some("MD5".to_owned()), Some("HMAC-SHA256".to_owned()));
    for (path, chosen, digest, expected) in [
        // MD5 by nature: silence, unless it is overridden
        ("tools/authcodetoopenid", None, Md5, None),
        ("tools/authcodetoopenid", Some(Md5), Md5, None),
        ("tools/authcodetoopenid", Some(HmacSha256), HmacSha256, hmac.clone()),
        // the merchant's choice, here HMAC-SHA256
        ("pay/unifiedorder", None, HmacSha256, hmac.clone()),
        ("pay/unifiedorder", Some(Md5), Md5, md5.clone()),
        // HMAC-SHA256 by nature
        ("secapi/pay/profitsharing", None, HmacSha256, hmac.clone()),
        ("secapi/pay/profitsharing", Some(Md5), Md5, md5),
    ] {
        let call = Call::new(path).field("x", "1");
        let call = match chosen {
            Some(sign_type) => call.sign_type(sign_type),
            None => call,
        };
        assert_eq!(said(&call), expected, "{path} {chosen:?}");
        assert!(is_signed_with(&call, digest), "{path} {chosen:?}");
        // the answer is held to the same digest
        let answer = [("return_code", "SUCCESS"), ("result_code", "FAIL")];
        let other = if digest == Md5 { HmacSha256 } else { Md5 };
        assert!(accept(&call, signed(digest, &answer)).is_ok(), "{path}");
        let mismatch = ReplyError::SignTypeMismatch { expected: digest };
        assert_eq!(accept(&call, signed(other, &answer)).unwrap_err(), mismatch, "{path}");
    }
    // a merchant that prefers MD5 says so too
    let (merchant, call) = (md5_merchant(), Call::new("pay/unifiedorder"));
    let signed = merchant.sign(&call, nonce()).unwrap();
    assert!(signed.string_to_sign().contains("sign_type=MD5&"));
}

#[test]
fn a_certificate_is_shown_where_the_path_wants_it() {
    assert!(has_certificate(&Call::new("secapi/pay/refund")));
    assert!(!has_certificate(&Call::new("secapi/pay/refund").certificate(false)));
    assert!(!has_certificate(&Call::new("pay/unifiedorder")));
    assert!(has_certificate(&Call::new("pay/unifiedorder").certificate(true)));
}

#[test]
fn a_host_of_its_own_counts_for_the_services_hosts_only() {
    let paths = [
        ("pay/orderquery", "api.mch.weixin.qq.com"),
        ("secsvc/realnameauth", "fraud.mch.weixin.qq.com"),
        ("face/get_wxpayface_authinfo", "payapp.weixin.qq.com"),
        ("appauth/authindex", "payapp.mch.weixin.qq.com"),
    ];
    let host = |base: &str, call: &Call<'_>| {
        let uri: http::Uri = uri(base, call).parse().unwrap();
        uri.authority().unwrap().to_string()
    };
    for (path, own) in paths {
        let call = Call::new(path);
        assert_eq!(host(BaseUrl::PRODUCTION, &call), own);
        // the backup is another name of the main host only
        let backup = if path == "pay/orderquery" { "api2.mch.weixin.qq.com" } else { own };
        assert_eq!(host(BaseUrl::BACKUP, &call), backup);
        for mock in ["http://127.0.0.1:8080", "https://mock.example"] {
            assert!(mock.ends_with(&host(mock, &call)), "{path} at {mock}");
        }
    }
    let moved = Call::new("pay/orderquery").host(Host::Fraud);
    assert_eq!(host(BaseUrl::PRODUCTION, &moved), "fraud.mch.weixin.qq.com");
    assert_eq!(host(BaseUrl::PRODUCTION, &moved.host(Host::Api)), "api.mch.weixin.qq.com");
}

/// The slow and obvious way back from a query.
fn decoded(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let (mut bytes, mut rest) = (Vec::new(), text.bytes());
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'%' => {
                    let digits =
                        String::from_utf8([rest.next().unwrap(), rest.next().unwrap()].into()).unwrap();
                    assert_eq!(digits, digits.to_uppercase(), "{text}");
                    u8::from_str_radix(&digits, 16).unwrap()
                }
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => byte,
                other => panic!("{} stands bare in {text}", char::from(other)),
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    query.split('&').map(|pair| pair.split_once('=').map(|(n, v)| (plain(n), plain(v))).unwrap()).collect()
}

#[test]
fn a_page_is_a_url_with_everything_in_it() {
    let hard = "https://a.example/?b=c&d=汽车 会员+1%25#~-_.😀'\"";
    let call = Call::new("v2/papay/entrustweb")
        .field("appid", "wx1")
        .field("plan_id", 12535)
        .field("notify_url", hard)
        .field("contract_display_account", "微信代扣")
        .field("return_web", "");
    let signed = MERCHANT.sign(&call, nonce()).unwrap();
    assert_eq!(signed.xml(), "");
    assert!(
        signed.uri().to_string().starts_with("https://api.mch.weixin.qq.com/papay/entrustweb?appid=wx1&")
    );
    let fields = decoded(signed.uri().query().unwrap());
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["appid", "contract_display_account", "mch_id", "notify_url", "plan_id", "sign"];
    assert_eq!(names, expected, "in order of signing, the empty one left out");
    assert!(fields.contains(&("notify_url".to_owned(), hard.to_owned())));
    assert_eq!(fields.last().unwrap().1, naive_sign(Md5, &fields), "what is signed is not encoded");
    assert_eq!(signed.string_to_sign(), naive_text(&fields));

    let (request, _) = signed.into_parts();
    assert_eq!((request.method(), request.body().len()), (&http::Method::GET, 0));
    assert!(request.headers().is_empty());

    // any path may be made one, or none
    let query = Call::new("pay/x").method(Method::Get).field("a", "é");
    assert!(uri(BaseUrl::PRODUCTION, &query).contains("?a=%C3%A9&mch_id=10000098&nonce_str="));
    assert!(!uri(BaseUrl::PRODUCTION, &query.method(Method::Post)).contains('?'));
}

#[test]
fn a_page_too_long_for_a_url_is_refused() {
    let long = "红".repeat(5_000);
    let names = ["a", "b", "c"].map(|name| (name, &long));
    let error = refused(&Call::new("papay/entrustweb").fields(names));
    assert_eq!(error.field(), "url");
    assert!(!error.to_string().contains("红") && !error.to_string().contains("%E7"), "{error}");
}

#[test]
fn values_of_every_kind_are_taken() {
    let owned = String::from("owned");
    let call = Call::new("pay/x")
        .field("text", "a")
        .field("string", &owned)
        .field("fen", Fen(100))
        .field("small", 7)
        .field("large", u64::MAX)
        .field("address", std::net::Ipv4Addr::LOCALHOST)
        .field("some", Some("s"))
        .field("none", None::<&str>)
        .field("empty", "")
        .fields([("many", "1"), ("more", "2")]);
    let signed = MERCHANT.sign(&call, nonce()).unwrap();
    assert_eq!(
        signed.string_to_sign(),
        "address=127.0.0.1&fen=100&large=18446744073709551615&many=1&mch_id=10000098&more=2\
         &nonce_str=5K8264ILTKCH16CQ2502SI8ZNMTM67VS&small=7&some=s&string=owned&text=a&key="
    );
    assert!(!signed.xml().contains("<empty") && !signed.xml().contains("<none"));
    assert!(signed.xml().contains("<fen>100</fen>") && signed.xml().contains("<text><![CDATA[a]]></text>"));
}

#[test]
fn what_cannot_stand_in_a_request_is_refused() {
    let long = "a".repeat(65);
    for bad in ["", "a b", "1a", "a-b", "p:a", "号", "a&b", "a=", "a\n", "<a>", &long] {
        let error = refused(&Call::new("pay/x").field("good", "1").field(bad, "CANARY"));
        assert_eq!((error.field(), error.violation()), ("field 2", &Violation::Name), "{bad:?}");
        assert!(bad.is_empty() || !error.to_string().contains(bad), "{error}");
    }
    // the place is that among the caller's own fields
    for (good, place) in [(0, "field 1"), (2, "field 3"), (7, "field 8")] {
        let names = &["a", "b", "c", "d", "e", "f", "g"][..good];
        let call = Call::new("pay/x").fields(names.iter().map(|name| (*name, "1")));
        assert_eq!(refused(&call.field("a b", "1")), RequestError::new(place, Violation::Name));
    }
    for reserved in ["sign", "key", "mch_id", "nonce_str", "sign_type"] {
        let error = refused(&Call::new("pay/x").field(reserved, "1"));
        assert_eq!(error, RequestError::new(reserved, Violation::Reserved));
        // also where the path does without it
        let error = refused(&Call::new("applyment/micro/signcontract").field(reserved, "1"));
        assert_eq!(error, RequestError::new(reserved, Violation::Reserved));
    }
    let inner = |path| Call::new(path).field("workwx_sign", "1");
    let error = refused(&inner("mmpaymkttransfers/sendworkwxredpack"));
    assert_eq!(error, RequestError::new("workwx_sign", Violation::Reserved));
    assert_eq!(value(&inner("pay/x"), "workwx_sign").as_deref(), Some("1"), "elsewhere it is a field");

    let twice = Call::new("pay/x").fields([("a", "1"), ("b", "2"), ("a", "1")]);
    assert_eq!(refused(&twice), RequestError::new("a", Violation::Duplicate));
    // of several faults one is told, and always the same
    let both = Call::new("pay/x").fields([("sign", "1"), ("a b", "2"), ("a c", "2")]);
    assert_eq!(refused(&both), RequestError::new("field 2", Violation::Name));

    for (bad, at) in [("\r", 0), ("a\r\nb", 1), ("红\0", 3), ("\u{1b}", 0), ("\u{FFFE}", 0)] {
        let error = refused(&Call::new("pay/x").field("a", bad));
        let allowed = "characters of XML, no carriage return";
        assert_eq!(error, RequestError::new("a", Violation::Characters { allowed, at }), "{bad:?}");
    }
    assert_eq!(value(&Call::new("pay/x").field("a", "1\n2\t3"), "a").as_deref(), Some("1\n2\t3"));
}

#[test]
fn what_is_no_path_is_refused() {
    for bad in [
        "pay/x?a=b",
        "https://evil.example/pay/x",
        "pay/x#f",
        "pay/../x",
        "pay/x y",
        "pay/号",
        "pay/%2e",
        "@evil.example",
        "pay\\x",
        "pay/x\r\nHost: evil",
        "//evil/x",
        "pay//x",
        "pay/x/",
        "v2/v2/pay/x",
        "V2/pay/x",
        "v3/pay/x",
        "v2/",
        "/",
        "",
    ] {
        let error = refused(&Call::new(bad).field("a", "1"));
        let expected = "a path of APIv2: segments of [0-9A-Za-z_-], without host and query";
        assert_eq!(error, RequestError::new("path", Violation::Malformed { expected }), "{bad}");
    }
}

#[test]
fn an_upload_is_refused() {
    let error = refused(&Call::new("secapi/mch/uploadmedia").field("media_hash", "x"));
    assert_eq!(error, RequestError::new("path", Violation::Unsupported { what: "multipart/form-data" }));
}

#[test]
fn a_call_knows_no_limits() {
    let long = "x".repeat(1_000);
    let call = Call::new("mmpaymkttransfers/sendredpack").field("send_name", &long);
    assert_eq!(call.at_limit(), [""; 0]);
    assert_eq!(value(&call, "send_name"), Some(long));
}

/// The table of the path says more than the fields: the sign within the sign is made for it.
#[test]
fn a_call_to_work_weixin_is_signed_twice() {
    let call = Call::new("mmpaymkttransfers/sendworkwxredpack")
        .fields([("mch_billno", "11111234567890"), ("wxappid", "wx123456789"), ("act_name", "XXX")])
        .field("re_openid", "oxTWIuGaIt6gTKsQRLau2M0yL16E")
        .field("total_amount", Fen(100));
    let nonce = Nonce::from_text("qFKEgfig76DF9912fewmkp").unwrap();
    let signed = MERCHANT.sign(&call, nonce).unwrap();
    assert!(signed.string_to_sign().contains("&workwx_sign=8B8D04AFC9FD08094CC5A0C2FA8BB60C&"));
    let without_secret = Merchant::direct("10000098", ApiKey::new(KEY).unwrap()).unwrap();
    let error = without_secret.sign(&call, Nonce::from_bytes([0; 16])).unwrap_err();
    assert_eq!(error, RequestError::new("workwx_sign", Violation::NoAgentSecret));
}

#[test]
fn a_post_may_say_more_in_its_url_unsigned() {
    let call = Call::new("secapi/mch/submchmanage")
        .query("action", "add")
        .query("x", "号 &")
        .field("merchant_name", "a");
    let signed = MERCHANT.sign(&call, nonce()).unwrap();
    assert_eq!(
        signed.uri(),
        "https://api.mch.weixin.qq.com/secapi/mch/submchmanage?action=add&x=%E5%8F%B7%20%26"
    );
    assert!(!signed.string_to_sign().contains("action") && !signed.xml().contains("action"));
    let pending = signed.into_parts().1;
    assert_eq!(
        format!("{call:?} {pending:?}"),
        "Call(/secapi/mch/submchmanage [\"merchant_name\"]) Pending(/secapi/mch/submchmanage)"
    );
    assert_eq!(refused(&call.clone().method(Method::Get)).field(), "query");
    assert_eq!(refused(&call.query("a=b", "c")), RequestError::new("query", Violation::Name));
}

#[test]
fn the_row_of_the_merchant_may_have_another_name() {
    let text = |call: &Call<'_>| MERCHANT.sign(call, nonce()).unwrap().string_to_sign();
    let call = Call::new("pay/x").field("aa", "1").field("zz", 2);
    assert!(text(&call).starts_with("aa=1&mch_id=10000098&nonce_str="));
    let other = call.clone().merchant_row(Some("a_mchid"));
    assert!(text(&other).starts_with("a_mchid=10000098&aa=1&nonce_str="), "{}", text(&other));
    assert!(text(&call.clone().merchant_row(None)).starts_with("aa=1&nonce_str="));
    assert_eq!(refused(&call.clone().merchant_row(Some("zz"))), RequestError::new("zz", Violation::Reserved));
    for bad in ["", "bad name&<"] {
        let error = refused(&call.clone().merchant_row(Some(bad)));
        assert_eq!(error, RequestError::new("merchant_row", Violation::Name));
    }
    // another merchant's number has no place beside the own one
    let transfers = Call::new("mmpaymkttransfers/promotion/transfers").field("mch_id", "999");
    assert_eq!(refused(&transfers), RequestError::new("mch_id", Violation::Reserved));
}

#[test]
fn a_port_of_ones_own_is_a_host_of_ones_own() {
    for (base, authority) in [
        ("https://api.mch.weixin.qq.com:8443", "api.mch.weixin.qq.com:8443"),
        ("https://api.mch.weixin.qq.com:443", "fraud.mch.weixin.qq.com"),
    ] {
        let (base, call) = (BaseUrl::parse(base).unwrap(), Call::new("secsvc/realnameauth"));
        let signed = MERCHANT.sign_for(&base, &call, nonce()).unwrap();
        assert_eq!(signed.uri().authority().unwrap(), authority);
    }
}

#[test]
fn what_could_not_be_read_back_is_not_sent() {
    let names: Vec<_> = (0..8_000).map(|number| format!("n{number}")).collect();
    let fields = |count: usize| Call::new("pay/x").fields(names[..count].iter().map(|name| (name, "1")));
    let most = fields(1_016);
    let signed = MERCHANT.sign(&most, nonce()).unwrap();
    assert!(wire::parse(signed.xml().as_bytes(), &[]).is_ok());
    for many in [1_017, 8_000] {
        let told = format!("the number of fields is {many}, must be 0 to 1016");
        assert_eq!(refused(&fields(many)).to_string(), told);
    }
    // whatever else is wrong with them, and whether or not they would be sent
    let empty = Call::new("pay/x").fields(names.iter().map(|name| (name, ""))).field("a b", "1");
    assert_eq!(refused(&empty).field(), "the number of fields");

    let value = "x".repeat(32 * 1024);
    assert!(MERCHANT.sign(&Call::new("pay/x").field("a", &value), nonce()).is_ok());
    let longer = format!("{value}x");
    let violation = Violation::TooLong { max: 32 * 1024, len: 32 * 1024 + 1 };
    assert_eq!(refused(&Call::new("pay/x").field("a", &longer)), RequestError::new("a", violation));
    let document = |rest: &str| {
        let call = Call::new("pay/x").field("a", &value).field("d", rest);
        MERCHANT.sign(&call, nonce()).map(|signed| signed.xml().len())
    };
    let left = wire::MAX_BODY - document("x").unwrap() + 1;
    assert_eq!(document(&"x".repeat(left)), Ok(wire::MAX_BODY));
    let error = document(&"x".repeat(left + 1)).unwrap_err();
    assert_eq!(
        (error.field(), matches!(error.violation(), Violation::TooLong { max: 65_536, .. })),
        ("xml", true)
    );
}

#[test]
fn a_map_of_strings_is_taken() {
    let map: std::collections::HashMap<String, String> =
        [("b", "2"), ("a", "1"), ("c", "3")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let text = MERCHANT.sign(&Call::new("pay/x").fields(&map), nonce()).unwrap().string_to_sign();
    assert!(text.starts_with("a=1&b=2&c=3&mch_id="), "{text}");
}

/// The transfer to a member of a work-weixin company has an inner sign too.
#[test]
fn a_transfer_is_signed_twice() {
    let secret = "192006250b4c09247ec02edce69f6a2d";
    let merchant = MERCHANT.clone().with_agent_secret(AgentSecret::new(secret).unwrap());
    let fields = [
        ("appid", "wxe062425f740c8888"),
        ("partner_trade_no", "10000098201411111234567890"),
        ("openid", "oxTWIuGaIt6gTKsQRLau2M0yL16E"),
        ("check_name", "NO_CHECK"),
        ("amount", "100"),
        ("desc", "理赔"),
        ("ww_msg_type", "NORMAL_MSG"),
    ];
    let call = Call::new("v2/mmpaymkttransfers/promotion/paywwsptrans2pocket").fields(fields);
    let signed = merchant.sign(&call, nonce()).unwrap();
    let covered = format!(
        "amount=100&appid=wxe062425f740c8888&desc=理赔&mch_id=10000098&nonce_str={}&openid=oxTWIuGaIt6gTKsQRLau2M0yL16E\
         &partner_trade_no=10000098201411111234567890&ww_msg_type=NORMAL_MSG&secret={secret}",
        nonce().as_str()
    );
    let sign = naive_digest(Md5, covered);
    assert!(signed.string_to_sign().ends_with(&format!("&workwx_sign={sign}&ww_msg_type=NORMAL_MSG&key=")));
    let without = Merchant::direct("10000098", ApiKey::new(KEY).unwrap()).unwrap();
    let error = without.sign(&call, nonce()).unwrap_err();
    assert_eq!(error, RequestError::new("workwx_sign", Violation::NoAgentSecret));
}
