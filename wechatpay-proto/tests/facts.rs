//! The tables against the facts of the public documents, distilled into `facts/apiv2.json`: nothing that is documented is
//! missing, and where the two differ, the difference is listed here with its reason.

mod common;
#[path = "facts/paths.rs"]
mod paths;

use std::sync::LazyLock;

use common::*;
use serde_json::Value as Json;
use wechatpay_proto::endpoint::{Endpoint as _, Presence, Spec, Trust};
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
