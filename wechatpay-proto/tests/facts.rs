//! The tables against the facts of the public documents, distilled into `facts/apiv2.json`: nothing that is documented is
//! missing, and where the two differ, the difference is listed here with its reason.

mod common;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use common::*;
use serde_json::Value as Json;
use wechatpay_proto::call::{ECHOES, MARKS, PATHS};
use wechatpay_proto::endpoint::{Endpoint as _, Form, Host, Method, Presence, SignBy, Spec, Trust};
use wechatpay_proto::reply::ResultCode;
use wechatpay_proto::rule::Rule;
#[allow(deprecated, reason = "what is out of use is documented too")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, HbStatus, HbType, QueryWorkWxRedPack, Scene, SendMiniProgramHb, SendRedPack, SendType,
    SendWorkWxRedPack,
};
use wechatpay_proto::{ReplyError, SignType};

static FACTS: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(include_str!("facts/apiv2.json")).expect("JSON"));

fn endpoints() -> &'static [Json] {
    FACTS["endpoints"].as_array().expect("a list")
}

fn rows<'f>(endpoint: &'f Json, direction: &str) -> &'f [Json] {
    endpoint[direction].as_array().expect("a list")
}

fn row<'f>(endpoint: &'f Json, name: &str) -> Option<&'f Json> {
    rows(endpoint, "request").iter().find(|row| row["name"] == name)
}

fn text<'f>(row: &'f Json, name: &str) -> &'f str {
    row[name].as_str().unwrap_or_default()
}

fn options(row: &Json) -> Vec<&str> {
    row["enum"].as_array().map_or(vec![], |options| options.iter().filter_map(Json::as_str).collect())
}

/// A typed endpoint: its table, and what an answer leaves in `extra`.
struct Typed {
    spec: &'static Spec<'static>,
    extra: fn(&str) -> Result<Vec<String>, ReplyError>,
}

impl Typed {
    fn facts(&self) -> &'static Json {
        endpoints().iter().find(|endpoint| endpoint["path"] == self.spec.path).expect("documented")
    }

    fn name(&self) -> &str {
        self.spec.path.rsplit('/').next().expect("a path")
    }

    /// A success that fits the request, with `name` set to `value`, signed where it must be.
    fn success(&self, name: &str, value: &str) -> String {
        let more = [("status", "SENT"), ("package", PACKAGE)];
        let known = SENT.iter().chain(&more).copied();
        let codes = ["return_code", "result_code"];
        let needed: Vec<_> =
            known.filter(|(name, _)| codes.contains(name) || self.spec.promises.contains(name)).collect();
        let fields = with(&needed, name, value);
        match self.spec.trust {
            Trust::TransportOnly => document(&fields),
            _ => signed(SignType::Md5, &fields),
        }
    }
}

macro_rules! typed {
    ($($Endpoint:ident $request:ident,)*) => {
        [$(Typed {
            spec: $Endpoint::SPEC,
            extra: |body| {
                let reply = accept(&$request, body)?;
                Ok(reply.extra.iter().map(|(name, _)| name.to_string()).collect())
            },
        },)*]
    };
}

#[allow(deprecated, reason = "what is out of use is documented too")]
fn typed() -> [Typed; 6] {
    typed![
        GetHbInfo QUERY,
        QueryWorkWxRedPack WORK_QUERY,
        SendGroupRedPack GROUP,
        SendMiniProgramHb MINI,
        SendRedPack PACKET,
        SendWorkWxRedPack WORK,
    ]
}

/// Rows of ours that the facts do not have.
const NOT_DOCUMENTED_THERE: [(&str, &str); 5] = [
    // of service providers: some official tables have them, others not
    ("sendredpack", "consume_mch_id"),
    ("sendgroupredpack", "sub_mch_id"),
    ("sendgroupredpack", "msgappid"),
    ("sendgroupredpack", "consume_mch_id"),
    // working clients send it, ours does not
    ("sendminiprogramhb", "client_ip"),
];

/// Rows that are required there and optional here, or the other way round.
const OTHER_PRESENCE: [(&str, &str); 2] = [
    // optional there; the official table requires it
    ("sendworkwxredpack", "workwx_sign"),
    // required there; but the official text says that it excludes `agentid`
    ("sendworkwxredpack", "sender_name"),
];

#[test]
fn every_documented_field_of_a_request_has_its_row() {
    for typed in typed() {
        let documented = rows(typed.facts(), "request").iter().map(|row| text(row, "name"));
        let mut documented: Vec<_> = documented.filter(|name| *name != "sign").collect();
        let own = NOT_DOCUMENTED_THERE.iter().filter(|(endpoint, _)| *endpoint == typed.name());
        documented.extend(own.map(|(_, name)| name));
        documented.sort_unstable();
        let sorted: Vec<_> = typed.spec.order.iter().map(|&row| typed.spec.fields[row].name).collect();
        assert_eq!(sorted, documented, "{}", typed.name());
    }
}

#[test]
fn what_a_request_must_have_is_what_is_documented() {
    let mut others = Vec::new();
    for typed in typed() {
        for field in typed.spec.fields {
            let Some(fact) = row(typed.facts(), field.name) else { continue };
            let always = match field.presence {
                Presence::Envelope | Presence::Required | Presence::Fixed | Presence::Computed => true,
                Presence::Optional | Presence::ProviderRequired | Presence::ProviderOptional => false,
                other => panic!("{other:?} of {} is documented", field.name),
            };
            if fact["required"] != always {
                others.push((typed.name().to_owned(), field.name));
            }
        }
    }
    assert_eq!(others, OTHER_PRESENCE.map(|(endpoint, name)| (endpoint.to_owned(), name)));
}

#[test]
fn what_a_field_of_a_request_may_hold_is_what_is_documented() {
    for typed in typed() {
        for field in typed.spec.fields {
            let Some(fact) = row(typed.facts(), field.name) else { continue };
            let (name, longest) = (field.name, fact["max_length"].as_u64().map(|max| max as usize));
            match field.rule {
                Rule::Exactly(value) => {
                    let value = value.to_string();
                    assert_eq!(text(fact, "example"), value, "{name}");
                    assert!(options(fact).iter().all(|only| *only == value), "{name}");
                    assert!(longest.is_none_or(|max| value.len() <= max), "{name}");
                }
                // the type says it: an address of at most 15 characters, and a closed set
                Rule::Any if name == "client_ip" => assert_eq!(longest, Some("255.255.255.255".len())),
                Rule::Any if name == "scene_id" => {
                    assert_eq!(options(fact), Scene::ALL.map(Scene::as_str), "{}", typed.name());
                }
                rule => {
                    assert_eq!(rule.max_bytes(), longest, "{} {name}", typed.name());
                    assert_eq!(options(fact), [""; 0], "{name}");
                }
            }
        }
    }
}

#[test]
fn every_documented_field_of_an_answer_has_its_row_and_its_type() {
    for typed in typed() {
        let unknown = (typed.extra)(&typed.success("zzz", "1"));
        assert_eq!(unknown, Ok(vec!["zzz".to_owned()]), "what has no row would be seen");
        for fact in rows(typed.facts(), "response") {
            let name = text(fact, "name");
            if name == "sign" || fact["type"] == "object" {
                continue;
            }
            let sent = SENT.iter().find(|(own, _)| *own == name && typed.spec.echoes.contains(own));
            let value = sent.map_or_else(|| text(fact, "example"), |(_, sent)| sent);
            assert_eq!((typed.extra)(&typed.success(name, value)), Ok(vec![]), "{} {name}", typed.name());

            let other = (typed.extra)(&typed.success(name, "文字 1"));
            match other {
                Err(ReplyError::Correlation { field }) => {
                    assert!(field == name && typed.spec.echoes.contains(&field));
                }
                Err(ReplyError::Malformed { field, .. }) => {
                    assert_eq!((field, text(fact, "type")), (name, "integer"));
                }
                other => assert_eq!((other, text(fact, "type")), (Ok(vec![]), "string"), "{name}"),
            }
        }
    }
}

#[test]
fn every_documented_field_of_a_claim_has_its_row_and_its_type() {
    let facts = endpoints().iter().find(|endpoint| endpoint["path"] == GetHbInfo::SPEC.path).unwrap();
    let list = rows(facts, "response").iter().find(|row| row["type"] == "object").unwrap();
    let item = &rows(list, "fields")[0];
    let [own] = GetHbInfo::SPEC.lists else { panic!("one list") };
    assert_eq!((text(list, "name"), text(item, "name")), (own.container, own.item));
    let claim = |name: &str, value: &str| {
        let found = document(&with(&SENT, "status", "RECEIVED"));
        let list = format!("<hblist><hbinfo><{name}>{value}</{name}></hbinfo></hblist></xml>");
        accept(&QUERY, found.replace("</xml>", &list)).map(|mut reply| reply.hblist.remove(0).extra)
    };
    assert_eq!(claim("zzz", "1"), Ok(vec![("zzz".into(), "1".into())]));
    let leaves = rows(item, "items");
    assert_eq!(leaves.len(), 3);
    for fact in leaves {
        let name = text(fact, "name");
        assert_eq!(claim(name, text(fact, "example")), Ok(vec![]), "{name}");
        let malformed =
            matches!(claim(name, "文字"), Err(ReplyError::Malformed { field, .. }) if field == name);
        assert_eq!(malformed, fact["type"] == "integer", "{name}");
    }
}

#[test]
fn every_documented_word_of_an_answer_is_listed() {
    fn words<T: ToString>(listed: &[T]) -> Vec<String> {
        listed.iter().map(ToString::to_string).collect()
    }
    let mut seen = 0;
    for typed in typed() {
        for fact in rows(typed.facts(), "response") {
            let listed = match text(fact, "name") {
                "return_code" | "result_code" => words(ResultCode::LISTED),
                "status" => words(HbStatus::LISTED),
                "hb_type" => words(HbType::LISTED),
                // a work-weixin packet is never an upload
                "send_type" if typed.name() == "queryworkwxredpack" => vec!["API".to_owned()],
                "send_type" => words(SendType::LISTED),
                name => {
                    assert_eq!(options(fact), [""; 0], "{name}");
                    continue;
                }
            };
            assert_eq!(options(fact), listed);
            seen += 1;
        }
    }
    assert_eq!(seen, 6 * 2 + 2 + 3, "two codes each, two states, three kinds");
    assert!(SendType::LISTED.iter().any(|kind| kind.as_str() == "API"));
}

#[test]
fn nothing_is_promised_that_the_documents_leave_open() {
    for typed in typed() {
        for promise in typed.spec.promises {
            let fact = rows(typed.facts(), "response").iter().find(|row| row["name"] == *promise);
            assert_eq!(
                fact.map(|fact| &fact["required"]),
                Some(&Json::Bool(true)),
                "{} {promise}",
                typed.name()
            );
        }
    }
}

/// Only these sign their successes and not their failures: the facts know signed and unsigned.
const SIGNED_SUCCESS: [&str; 2] =
    ["/mmpaymkttransfers/queryworkwxredpack", "/mmpaymkttransfers/sendworkwxredpack"];

#[test]
fn every_path_is_listed_once_in_order_with_what_is_documented_of_it() {
    assert_eq!(PATHS.len(), 136);
    assert!(PATHS.is_sorted_by(|one, next| one.path < next.path));
    let listed: Vec<_> = PATHS.iter().map(|row| row.path).collect();
    let mut documented: Vec<_> = endpoints().iter().map(|endpoint| text(endpoint, "path")).collect();
    documented.sort_unstable();
    assert_eq!(listed, documented);

    for listed in PATHS {
        let fact = endpoints().iter().find(|endpoint| endpoint["path"] == listed.path).unwrap();
        let method = match text(fact, "request_in") {
            "query" => Method::Get,
            "body" | "formData" => Method::Post,
            other => panic!("{other}"),
        };
        assert_eq!(text(fact, "verb"), format!("{method:?}").to_uppercase(), "{}", listed.path);
        let host = match text(fact, "base") {
            "https://api.mch.weixin.qq.com/" => Host::Api,
            "https://fraud.mch.weixin.qq.com/" => Host::Fraud,
            "https://payapp.weixin.qq.com/" => Host::PayApp,
            "https://payapp.mch.weixin.qq.com/" => Host::PayAppMch,
            other => panic!("{other}"),
        };
        let form = match text(fact, "response_form") {
            "" => Form::Xml,
            "json" => Form::Json,
            other if other.starts_with("text") => Form::Text,
            other => panic!("{other}"),
        };
        assert_eq!(listed.form, form, "{}", listed.path);
        let multipart = fact["consumes"][0] == "multipart/form-data";
        let rows = ["mch_id", "mchid", "combine_mch_id"];
        let merchant_row: Vec<_> = rows.into_iter().filter(|name| row(fact, name).is_some()).collect();
        assert!(merchant_row.len() < 2, "{}: {merchant_row:?}", listed.path);
        let trust = match fact["response_signed"].as_bool().unwrap() {
            true if SIGNED_SUCCESS.contains(&listed.path) => Trust::SignedSuccess,
            true => Trust::Signed,
            false => Trust::TransportOnly,
        };
        assert_eq!(
            (listed.method, listed.host, listed.certificate, listed.multipart),
            (method, host, fact["client_certificate"] == true, multipart),
            "{}",
            listed.path
        );
        assert_eq!(
            (listed.nonce, listed.merchant_row, listed.sign_by, listed.trust),
            (row(fact, "nonce_str").is_some(), merchant_row.first().copied(), digest(fact), trust),
            "{}",
            listed.path
        );
    }
}

/// The digest that the documents leave: without `sign_type` it is MD5.
fn digest(endpoint: &Json) -> SignBy {
    let Some(sign_type) = row(endpoint, "sign_type") else { return SignBy::Md5 };
    match *options(sign_type) {
        ["MD5"] => SignBy::Md5,
        ["HMAC-SHA256"] => SignBy::HmacSha256,
        [_, _] => SignBy::Merchant,
        // downloadfundflow: its text says HMAC-SHA256 only, and so does its example
        [] if text(sign_type, "example") == "HMAC-SHA256" => SignBy::HmacSha256,
        ref other => panic!("{other:?}"),
    }
}

fn names<'f>(endpoint: &'f Json, direction: &str) -> BTreeSet<&'f str> {
    rows(endpoint, direction).iter().map(|row| text(row, "name")).collect()
}

/// What is documented in a request and in its answer, and is not compared all the same.
const NO_ECHO: [&str; 20] = [
    // what every answer has of its own
    "nonce_str",
    "sign",
    "sign_type",
    "return_code",
    "return_msg",
    "result_code",
    "err_code",
    // texts for people, in which the service masks words
    "attach",
    "description",
    "contract_display_account",
    "sender_name",
    "sender_header_media_id",
    // JSON that the service writes anew
    "receiver",
    "receivers",
    // the sandbox answers `sandbox`, whatever was sent
    "device_info",
    // a span is asked for, a day of it comes back
    "date_start",
    "date_end",
    // a kind, which names nothing
    "trade_type",
    "return_account_type",
    // a credential, which may be renewed
    "access_token",
];

#[test]
fn what_goes_out_and_comes_back_is_compared() {
    assert!(ECHOES.is_sorted_by(|one, next| one < next));
    let both = endpoints().iter().flat_map(|endpoint| {
        let (sent, back) = (names(endpoint, "request"), names(endpoint, "response"));
        sent.intersection(&back).copied().collect::<Vec<_>>()
    });
    let mut documented: BTreeSet<_> = both.filter(|name| !NO_ECHO.contains(name)).collect();
    // it is sent to ask for one refund, and where it comes back without a number it must be that one
    documented.insert("refund_id");
    assert_eq!(ECHOES.iter().copied().collect::<BTreeSet<_>>(), documented);
    for path in PATHS.iter().filter(|path| path.trust == Trust::TransportOnly) {
        let held = ECHOES.contains(&"mch_id") && path.echoes.iter().all(|name| !NO_ECHO[..7].contains(name));
        assert!(held, "{}", path.path);
    }
}

#[test]
fn every_success_is_held_to_what_is_documented_of_it() {
    assert!(MARKS.is_sorted_by(|one, next| one < next));
    let (mut promising, mut promises) = (0, 0);
    for listed in PATHS {
        let fact = endpoints().iter().find(|endpoint| endpoint["path"] == listed.path).unwrap();
        for promise in listed.promises {
            let row = rows(fact, "response").iter().find(|row| row["name"] == *promise);
            let row = row.unwrap_or_else(|| panic!("{} {promise} is not documented", listed.path));
            assert_eq!(row["required"], true, "{} {promise}", listed.path);
            assert_eq!(row["required_if"], Json::Null, "{} {promise} depends on the state", listed.path);
        }
        let documented = names(fact, "response");
        let own = |mark: &&&str| documented.contains(**mark) && !listed.promises.contains(*mark);
        assert_eq!(
            listed.may.to_vec(),
            MARKS.iter().filter(own).copied().collect::<Vec<_>>(),
            "{}",
            listed.path
        );
        promising += usize::from(!listed.promises.is_empty());
        promises += listed.promises.len();
    }
    // the others have no answer, no document, or nothing but who is who
    assert_eq!((promising, promises), (100, 168));
    // a mark of nothing would refuse for nothing
    for mark in MARKS {
        let anywhere = endpoints().iter().filter(|endpoint| names(endpoint, "response").contains(mark));
        assert_ne!(anywhere.count(), 0, "{mark}");
    }
}

/// Nothing that is compared, promised or a mark refuses an answer as it is documented.
#[test]
fn a_success_with_every_documented_field_is_one() {
    let own = ["sign", "sign_type", "nonce_str", "mch_id", "mchid", "combine_mch_id", "workwx_sign"];
    let mut read = 0;
    for listed in PATHS.iter().filter(|path| path.form == Form::Xml && !path.multipart) {
        let fact = endpoints().iter().find(|endpoint| endpoint["path"] == listed.path).unwrap();
        let sent: Vec<_> = rows(fact, "request").iter().map(|row| text(row, "name")).collect();
        let sent: Vec<_> =
            sent.into_iter().filter(|name| !own.contains(name) && !name.contains('-')).collect();
        let call = wechatpay_proto::Call::new(listed.path).fields(sent.iter().map(|name| (*name, *name)));
        let value = |name: &'static str| match name {
            "return_code" | "result_code" => "SUCCESS",
            "mch_id" | "mchid" | "combine_mch_id" => "10000098",
            name => name.split("_$").next().unwrap(),
        };
        for only_required in [false, true] {
            let answered = rows(fact, "response").iter().filter(|row| {
                let text_field =
                    row["type"] != "object" && !["sign", "err_code"].contains(&text(row, "name"));
                text_field && (!only_required || row["required"] == true)
            });
            let fields: Vec<_> = answered
                .map(|row| text(row, "name"))
                .map(|name| (leak(name.replace("$n", "0").replace("$m", "0")), value(name)))
                .collect();
            if !fields.iter().any(|(name, _)| *name == "return_code") {
                continue;
            }
            let body = match (listed.trust, listed.sign_by) {
                (Trust::TransportOnly, _) => document(&fields),
                (_, SignBy::Md5) => signed(SignType::Md5, &fields),
                _ => signed(SignType::HmacSha256, &fields),
            };
            let reply = accept(&call, body).unwrap_or_else(|error| panic!("{}: {error}", listed.path));
            assert_eq!(reply.head.is_success(), reply.head.result_code.is_some(), "{}", listed.path);
            read += 1;
        }
    }
    assert!(read > 200, "{read}");
}

/// What is known of an order depends on its state: captured answers contradicted the tables.
#[test]
fn what_depends_on_the_state_of_an_order_is_not_promised() {
    let queries = endpoints()
        .iter()
        .filter(|endpoint| rows(endpoint, "response").iter().any(|row| row["required_if"] != Json::Null));
    let queries: Vec<_> = queries.map(|endpoint| text(endpoint, "path")).collect();
    let expected = [
        "/deposit/orderquery",
        "/pay/facepayquery",
        "/pay/orderquery",
        "/sandboxnew/pay/orderquery",
        "/xdc/apiv2sandbox/pay/orderquery",
    ];
    assert_eq!(queries, expected);
    for path in queries {
        let unpaid = [
            ("return_code", "SUCCESS"),
            ("result_code", "SUCCESS"),
            ("mch_id", "10000098"),
            ("out_trade_no", "1"),
            ("trade_state", "NOTPAY"),
        ];
        let call = wechatpay_proto::Call::new(path).field("out_trade_no", "1");
        assert!(accept(&call, signed(SignType::HmacSha256, &unpaid)).unwrap().head.is_success(), "{path}");
    }
}

#[test]
fn the_notice_of_a_payment_requires_what_every_product_sends() {
    let notices = FACTS["notifications"].as_array().unwrap();
    let paid = notices.iter().find(|notice| notice["name"] == "transaction-success").unwrap();
    let field = |name: &str| rows(paid, "fields").iter().find(|row| row["name"] == name).unwrap();
    for name in ["is_subscribe", "trade_type", "openid", "bank_type", "total_fee", "transaction_id"] {
        assert_eq!(field(name)["required"], false, "{name}");
    }
    for name in ["total_fee", "transaction_id"] {
        assert_ne!(field(name)["required_if"], Json::Null, "{name}: a success has it");
    }
    assert!(text(paid, "note").contains("PAY_FAIL"));
}
