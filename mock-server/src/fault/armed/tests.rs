use std::time::Duration;

use wechatpay_proto::wire;

use super::*;
use crate::clock::Clock;
use crate::fault::{Latency, SignFlaw};
use crate::outcome::TlsFlaw;

const SECOND: Duration = Duration::from_secs(1);

fn start() -> Time {
    Clock::default_frozen().now()
}

/// Faults of which `rules` are armed, in this order.
fn armed(rules: impl IntoIterator<Item = FaultRule>) -> Faults {
    let mut faults = Faults::default();
    for rule in rules {
        faults.arm(start(), rule).unwrap();
    }
    faults
}

fn lost() -> FaultRule {
    FaultRule::new(Fault::request_lost())
}

/// The number of the fault that a request meets.
fn meet_at(faults: &mut Faults, now: Time, path: &str, mch_id: &str) -> Option<u64> {
    let request = Request::post(format!("https://api.mch.weixin.qq.com:443/mmpaymkttransfers/{path}"))
        .body(Bytes::new())
        .unwrap();
    let xml = format!("<xml><mch_id>{mch_id}</mch_id><re_openid>oBad1</re_openid></xml>");
    let document = wire::parse(xml.as_bytes(), &[]).unwrap();
    let chosen = faults.choose(now, Seed(42), &Facts { request: &request, fields: document.untrusted() });
    chosen.map(|chosen| chosen.id)
}

fn meet(faults: &mut Faults, mch_id: &str) -> Option<u64> {
    meet_at(faults, start(), "sendredpack", mch_id)
}

fn hits(faults: &mut Faults, mch_id: &str, count: usize) -> Vec<bool> {
    (0..count).map(|_| meet(faults, mch_id).is_some()).collect()
}

#[test]
fn all_conditions_must_hold_and_the_newest_goes_first() {
    for (rule, met) in [
        (lost(), true),
        (lost().on("sendredpack"), true),
        (lost().on("/mmpaymkttransfers/sendredpack"), true),
        (lost().on("gethbinfo"), false),
        (lost().merchant("1"), true),
        (lost().merchant("2"), false),
        (lost().host("API.mch.weixin.qq.com"), true),
        (lost().host("api2.mch.weixin.qq.com"), false),
        (lost().field("re_openid", "^oBad"), true),
        (lost().field("re_openid", "^oGood"), false),
        (lost().field("re_openid", "d1$").field("nobody", ""), false),
        (lost().between(start(), start().after(SECOND)), true),
        (lost().between(start().before(SECOND), start()), false),
        (FaultRule::new(Fault::refuse()), false),
        (Fault::reply_sign(SignFlaw::Missing).applied(), false),
        (Fault::reply_sign(SignFlaw::Unexpected).applied(), true),
    ] {
        assert_eq!(meet(&mut armed([rule.clone()]), "1").is_some(), met, "{rule:?}");
    }
    let mut faults = armed([lost(), lost(), lost().merchant("2")]);
    assert_eq!((meet(&mut faults, "1"), meet(&mut faults, "2")), (Some(2), Some(3)));
    assert!(faults.disarm(2) && !faults.disarm(2));
    assert_eq!(meet(&mut faults, "1"), Some(1));
    assert_eq!((faults.disarm_all(Some("2")), faults.disarm_all(Some("2"))), (1, 0));
    assert_eq!((faults.disarm_all(None), meet(&mut faults, "1")), (1, None));
    assert_eq!(faults.arm(start(), lost()), Ok(4));
    // What is about orders that are sent is not used up by queries.
    let mut faults = armed([Fault::late_commit(SECOND).into()]);
    assert_eq!(meet_at(&mut faults, start(), "gethbinfo", "1"), None);
    assert_eq!(meet_at(&mut faults, start(), "sendworkwxredpack", "1"), Some(1));
}

#[test]
fn the_host_is_the_one_that_is_asked_for() {
    let nothing = Fields::default();
    let host = |uri: &str, header: &str| {
        let request = Request::post(uri).header("host", header).body(Bytes::new()).unwrap();
        Facts { request: &request, fields: &nothing }.host().map(str::to_owned)
    };
    assert_eq!(host("/a", "api2.mch.weixin.qq.com:8443").as_deref(), Some("api2.mch.weixin.qq.com"));
    assert_eq!(host("/a", "[::1]:80").as_deref(), Some("[::1]"));
    assert_eq!(host("http://a:1/b", "c").as_deref(), Some("a"));
    assert_eq!(host("/a", "\u{ff}"), None);
}

#[test]
fn matches_are_counted_for_each_merchant_by_itself() {
    let (yes, no) = (true, false);
    for (rule, expected) in [
        (lost().nth([2]), [no, yes, no, no, no, no]),
        (lost().nth([1, 3]), [yes, no, yes, no, no, no]),
        (lost().every(2), [no, yes, no, yes, no, yes]),
        (lost().every(2).times(1), [no, yes, no, no, no, no]),
        (lost().times(2), [yes, yes, no, no, no, no]),
        (lost().probability(0.0), [no; 6]),
        (lost().probability(1.0), [yes; 6]),
        (lost().probability(1.0).times(3), [yes, yes, yes, no, no, no]),
    ] {
        let mut faults = armed([rule.clone()]);
        for mch_id in ["1", "2"] {
            assert_eq!(hits(&mut faults, mch_id, 6), expected, "{rule:?}");
        }
        let told = faults.get(start(), 1).unwrap();
        let struck = expected.iter().filter(|hit| **hit).count() as u64;
        assert_eq!((told.matches, told.hits), (12, 2 * struck));
        assert_eq!(told.remaining, rule.when.times.map(|times| times - struck));
    }
}

#[test]
fn draws_are_the_seeds_whoever_else_calls() {
    let rule = || lost().probability(0.5);
    let alone = hits(&mut armed([rule()]), "1", 200);
    let mut faults = armed([rule()]);
    let company: Vec<_> = (0..200)
        .map(|turn| {
            for _ in 0..turn % 3 {
                meet(&mut faults, "2");
                meet(&mut faults, "");
            }
            meet(&mut faults, "1").is_some()
        })
        .collect();
    assert_eq!(alone, company);
    let struck = alone.iter().filter(|hit| **hit).count();
    assert!((70..130).contains(&struck), "{struck}");
    assert_ne!(alone, hits(&mut armed([rule()]), "2", 200));
}

#[test]
fn chance_keeps_to_its_bounds() {
    for draw in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
        assert!(!happens(draw, 0.0) && happens(draw, 1.0), "{draw}");
    }
    assert!(happens(u64::MAX / 2, 0.5) && !happens(u64::MAX / 2 + 1, 0.5));
}

#[test]
fn a_rate_limit_lets_so_many_pass_in_any_window() {
    let mut faults = armed([lost(), Fault::rate_limit(2, 10 * SECOND).into()]);
    let mut at =
        |seconds: u32, mch_id| meet_at(&mut faults, start().after(seconds * SECOND), "sendredpack", mch_id);
    // What passes goes on to the older rule.
    assert_eq!([at(0, "1"), at(5, "1"), at(9, "1"), at(10, "1"), at(14, "1")], [1, 1, 2, 1, 2].map(Some));
    assert_eq!([at(14, "2"), at(15, "1")], [1, 1].map(Some));
    let mut none = armed([Fault::rate_limit(0, SECOND).into()]);
    assert_eq!(meet(&mut none, "1"), Some(1));
}

#[test]
fn time_and_patches_switch_it_off_and_on() {
    let mut faults = armed([lost().ttl(10 * SECOND)]);
    let at = |faults: &mut Faults, seconds: u32| {
        meet_at(faults, start().after(seconds * SECOND), "sendredpack", "1").is_some()
    };
    assert!(at(&mut faults, 9) && !at(&mut faults, 10));
    let now = start().after(10 * SECOND);
    assert!(faults.get(now, 1).unwrap().expired);
    let patch = |faults: &mut Faults, json: &str| faults.patch(now, 1, &serde_json::from_str(json).unwrap());
    assert!(!patch(&mut faults, r#"{"ttl":"5s"}"#).unwrap().expired);
    assert!(at(&mut faults, 14) && !at(&mut faults, 15));
    assert!(!patch(&mut faults, r#"{"enabled":false}"#).unwrap().enabled);
    assert!(!at(&mut faults, 11));
    let told = patch(&mut faults, r#"{"enabled":true,"times":2}"#).unwrap();
    assert_eq!((told.hits, told.remaining), (2, Some(0)));
    assert!(!at(&mut faults, 11));
    let before = faults.list(now);
    let wrong = patch(&mut faults, r#"{"probability":1.5}"#).unwrap_err();
    assert_eq!(wrong.to_string(), "when.probability is 1.5: it must be from 0 to 1");
    assert_eq!(faults.list(now), before);
    assert_eq!(faults.patch(now, 9, &FaultPatch::default()), Err(FaultError::Unknown { id: 9 }));
    assert!(serde_json::from_str::<FaultPatch>(r#"{"time":1}"#).is_err());
}

#[test]
fn connections_meet_what_strikes_them() {
    let refuse = |name| FaultRule::new(Fault::refuse()).server_name(name).times(1);
    let mut faults = armed([
        lost(),
        FaultRule::new(Fault::silence()).nth([2]),
        Fault::tls(TlsFlaw::Expired).into(),
        refuse("api.mch.weixin.qq.com"),
    ]);
    let mut admit = |server_name: Option<&str>| {
        let hello = Hello { server_name: server_name.map(str::to_owned), tls: server_name.is_some() };
        faults.admit(start(), Seed(1), &hello)
    };
    assert_eq!(admit(Some("API.mch.weixin.qq.com")), Admission::Refuse);
    assert_eq!(admit(Some("api.mch.weixin.qq.com")), Admission::Flawed(TlsFlaw::Expired));
    assert_eq!(admit(None), Admission::Welcome);
    assert_eq!(admit(None), Admission::Silence);
    assert_eq!(admit(None), Admission::Welcome);
}

#[test]
fn everything_survives_a_file() {
    let rules = [
        lost().nth([2, 4]).field("re_openid", "^oBad"),
        Fault::rate_limit(1, 60 * SECOND).into(),
        lost().probability(0.5).ttl(60 * SECOND),
    ];
    let mut faults = armed(rules);
    faults.disarm(3);
    faults.arm(start(), lost().probability(0.5).times(9)).unwrap();
    hits(&mut faults, "1", 3);
    let json = serde_json::to_string(&faults.state()).unwrap();
    let mut again = Faults::from_state(serde_json::from_str(&json).unwrap()).unwrap();
    assert_eq!(again.state(), faults.state());
    assert_eq!(again.list(start()), faults.list(start()));
    let story = |faults: &mut Faults| (0..20).map(|_| meet(faults, "1")).collect::<Vec<_>>();
    assert_eq!(story(&mut again), story(&mut faults));
    assert_eq!(again.arm(start(), lost()), Ok(5));
    let broken = json.replace("^oBad", "(");
    assert!(Faults::from_state(serde_json::from_str(&broken).unwrap()).is_err());
}

#[test]
fn there_is_an_end_to_how_many_are_armed() {
    let mut faults = armed((0..MAX_ARMED).map(|_| lost()));
    assert_eq!(faults.arm(start(), lost()), Err(FaultError::TooMany { most: 1000 }));
}

#[test]
fn what_cannot_be_is_refused_with_the_field_and_the_way_out() {
    let applied = |fault: Fault| fault.applied();
    let latency = |latency| FaultRule::new(Fault::Latency(latency));
    let long = "a".repeat(257);
    let status = |status| FaultRule::new(Fault::applied_then_status(status));
    for (rule, part) in [
        (Fault::err("NO_AUTH").into(), "commit is missing: err_code hides or falsifies the answer, so say"),
        (applied(Fault::reply_lost()), "commit does not go with reply_lost"),
        (applied(Fault::latency(SECOND)), "commit does not go with latency"),
        (Fault::err("X").later(Duration::ZERO), "commit.later is 0ms"),
        (lost().on("sendredpck"), "when.path is \"sendredpck\", where nothing is served: there are /mmpay"),
        (lost().nth([0]), "when.nth is 0: it must be at least 1"),
        (lost().nth(1..), "when.nth is longer: it may name 64"),
        (lost().every(0), "when.every is 0"),
        (lost().times(0), "when.times is 0"),
        (lost().nth([1]).probability(0.5), "when.nth and when.probability exclude each other"),
        (lost().every(1).nth([1]), "when.nth and when.every exclude each other"),
        (lost().probability(f64::NAN), "when.probability is NaN: it must be from 0 to 1"),
        (lost().probability(-0.1), "when.probability is -0.1"),
        (lost().between(start(), start()), "when.between is from 2026"),
        (lost().field("re_openid", "("), "when.fields.re_openid is \"(\": it must be a regular expression"),
        (lost().field("re_openid", long.clone()), "when.fields.re_openid is 257 bytes long"),
        (lost().field("a b", "x"), "when.fields is \"a b\": it must be the name of a field"),
        (lost().merchant(""), "when.mch_id is \"\": it must be the number of a merchant"),
        (lost().host("https://a"), "when.host is \"https://a\": it must be the name of a host"),
        (Fault::clock_ahead(Duration::ZERO).into(), "then.by is 0ms: it must be 1ms at least"),
        (Fault::latency(Duration::MAX).into(), "it must be 100 years at most"),
        (Fault::drip(1, Duration::MAX).into(), "then.gap is"),
        (lost().server_name("x"), "when.server_name does not go with request_lost"),
        (
            FaultRule::new(Fault::refuse()).on("sendredpack"),
            "when.path does not go with refuse: it strikes before",
        ),
        (FaultRule::new(Fault::refuse()).merchant("1"), "when.mch_id does not go with refuse"),
        (FaultRule::new(Fault::silence()).host("x"), "when.host does not go with silence"),
        (FaultRule::new(Fault::tls(TlsFlaw::Alert)).field("a", "b"), "when.fields does not go with tls"),
        (
            Fault::late_commit(SECOND).on("gethbinfo"),
            "when.path does not go with late_commit: it is about orders",
        ),
        (Fault::late_commit(Duration::ZERO).into(), "then.after is 0ms"),
        (applied(Fault::reply_sign(SignFlaw::Missing)).on("sendredpack"), "none can be missing"),
        (applied(Fault::reply_sign(SignFlaw::Unexpected)).on("sendworkwxredpack"), "none is unexpected"),
        (lost().ttl(Duration::ZERO), "ttl is 0ms"),
        (status(499), "then.status is 499: it must be from 500 to 599"),
        (
            Fault::AppliedThenError { code: Some("X".to_owned()), status: Some(502) }.into(),
            "then.code and then.status exclude each other",
        ),
        (applied(Fault::status(302)), "then.status is 302: it must be from 400 to 599; for 302 there is"),
        (applied(Fault::err("")), "then.code is \"\""),
        (applied(Fault::err("A B")), "then.code is \"A B\""),
        (applied(Fault::wrong_echo("<a>")), "then.field is \"<a>\""),
        (applied(Fault::wrong_echo("sign")), "then.field is \"sign\": for the sign there is"),
        (
            applied(Fault::WrongEcho { field: "mch_id".to_owned(), value: Some(String::new()) }),
            "then.value is empty: it must be a text",
        ),
        (Fault::stuck_for(0).into(), "then.polls is 0"),
        (Fault::drip(0, SECOND).into(), "then.chunk is 0"),
        (Fault::rate_limit(1, Duration::ZERO).into(), "then.per is 0ms"),
        (latency(Latency::Uniform { from: 2 * SECOND, to: SECOND }), "then.from is 2s: it must not be more"),
        (latency(Latency::Lognormal { median: SECOND, sigma: f64::INFINITY }), "then.sigma is inf"),
        (latency(Latency::Lognormal { median: SECOND, sigma: f64::NAN }), "then.sigma is NaN"),
    ] {
        let error = Faults::default().arm(start(), rule).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    for (json, part) in [
        (r#"{"fault":"content","how":"huge","bytes":67108865}"#, "then.bytes is 67108865"),
        (r#"{"fault":"content","how":"missing_field","field":""}"#, "then.field is \"\""),
        (r#"{"fault":"http","how":"content_length","off_by":0}"#, "then.off_by is 0"),
        (r#"{"fault":"http","how":"content_type","value":"a\nb"}"#, "then.value is \"a\\nb\""),
        (r#"{"fault":"wrong_echo","field":"a","value":"\u0001"}"#, "characters that XML allows"),
    ] {
        let rule = applied(serde_json::from_str(json).unwrap());
        let error = Faults::default().arm(start(), rule).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
