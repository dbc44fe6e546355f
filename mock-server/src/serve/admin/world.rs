//! The world as a whole: its health, its seed, its rules; to be reset, taken out, put back.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{Admin, Answer, Asked, Body, Call, Field, Kind, Refused, Reply, faults, may, merchants, must};
use crate::control::{Remains, Scope};
use crate::state::{STATE_VERSION, State, StateError};

/// The most snapshots that are kept.
const MOST: usize = 100;

const OBJECTS: Kind = Kind::List(&Kind::Map(&Kind::Any));
const VERSION: Field = must("version", Kind::Exactly(STATE_VERSION as u64), "of the schema");
const STATE: &[Field] = &[
    VERSION,
    must("seed", Kind::Number, "what everything is drawn from"),
    must("clock", Kind::Map(&Kind::Text), "how it goes (mode) and what it shows (now)"),
    must("rules", Kind::Map(&Kind::Text), "the switches"),
    must("merchants", Kind::List(&Kind::Object(merchants::SPEC)), "the merchants"),
    must("users", OBJECTS, "what was told of users"),
    must("red_packets", OBJECTS, "the packets"),
    must("late", OBJECTS, "the requests on their way"),
    must("faults", Kind::Map(&Kind::Any), "the faults that are armed, and how often they struck"),
    must("recent", Kind::Map(&Kind::Any), "the sends of the last second"),
    must("requests", Kind::Number, "how many were answered"),
];
const GIVEN_STATE: &[Field] = &[
    VERSION,
    may("seed", Kind::Number, "what everything is drawn from").or_null(),
    may("clock", Kind::Map(&Kind::Any), "how it goes (mode) and what it shows (now)").or_null(),
    may("rules", Kind::Map(&Kind::Text), "the switches; others stay as the world began with them"),
    may("merchants", Kind::List(&Kind::Object(merchants::SPEC)), "the merchants, service providers first"),
    may("users", OBJECTS, "what is told of users, as {openid, mch_id, flags}"),
    may("red_packets", OBJECTS, "the packets, as GET /state answers them"),
    may("late", OBJECTS, "the requests on their way, as GET /state answers them"),
    may("faults", Kind::Map(&Kind::Any), "the faults that are armed, as GET /state answers them"),
    may("arm", OBJECTS, "faults to be armed besides, as POST /faults takes them"),
    may("recent", Kind::Map(&Kind::Any), "the sends of the last second, as GET /state answers them"),
    may("requests", Kind::Number, "how many were answered"),
];
const REPLACED: &[Field] = &[
    must("merchants", Kind::Number, "how many there are"),
    must("red_packets", Kind::Number, "how many there are"),
];
const SWITCH: &[Field] = &[
    must("name", Kind::Text, "its name"),
    must("value", Kind::Text, "what it is set to"),
    must("default", Kind::Text, "what it is set to by itself"),
    must("accepted", Kind::Text, "what it may be set to"),
    must("meaning", Kind::Text, "what it does"),
    must("of_merchants", Kind::Flag, "whether a merchant may have a setting of its own"),
];
const SWITCHES: Answer = Answer::Json(&[must("rules", Kind::List(&Kind::Object(SWITCH)), "every switch")]);
const SCOPES: Kind = Kind::List(&Kind::OneOf(&["state", "requests", "faults", "rules", "clock"]));
const CHANGED: &[Field] = &[
    must("name", Kind::Text, "the switch"),
    must("mch_id", Kind::Text, "the merchant that has it for itself; null for the world").or_null(),
    must("value", Kind::Text, "what it is set to; null where the merchant has none of its own").or_null(),
    must("began", Kind::Text, "what it was at the beginning; null where the merchant had none").or_null(),
];

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/health",
        summary: "Whether it is up. No certificate and no token is asked for.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(&[
            must("status", Kind::OneOf(&["ok"]), "that it is well"),
            must("version", Kind::Text, "of the mock"),
            must("seed", Kind::Number, "what everything is drawn from"),
            must("now", Kind::Text, "what the clock shows, in RFC 3339"),
            must("merchants", Kind::Number, "how many there are"),
            must("requests", Kind::Number, "how many arrived; admin calls are none"),
            must("faults_armed", Kind::Number, "how many there are"),
        ]),
        run: health,
    },
    Call {
        method: Method::PUT,
        path: "/seed",
        summary: "Sets the seed, for everything that is drawn from now on.",
        query: &[],
        body: Body::Required(&[must("seed", Kind::Number, "the seed")], r#"{"seed":42}"#),
        status: StatusCode::OK,
        answer: Answer::Json(&[must("seed", Kind::Number, "the seed")]),
        run: seed,
    },
    Call {
        method: Method::GET,
        path: "/rules",
        summary: "The switches: what each means, what it may be set to, and how it is set, for all or for a merchant.",
        query: &[may("mch_id", Kind::Text, "as they hold for this merchant")],
        body: Body::None,
        status: StatusCode::OK,
        answer: SWITCHES,
        run: rules,
    },
    Call {
        method: Method::PATCH,
        path: "/rules",
        summary: "Sets switches, for all or for a merchant alone.",
        query: &[],
        body: Body::Required(
            &[
                may("mch_id", Kind::Text, "for this merchant alone; for all, where it is left out").or_null(),
                must("rules", Kind::Map(&Kind::Text), "names and settings"),
            ],
            r#"{"mch_id":"10000098","rules":{"length-edge":"reject","settle":"after:2s"}}"#,
        ),
        status: StatusCode::OK,
        answer: SWITCHES,
        run: set_rules,
    },
    Call {
        method: Method::POST,
        path: "/reset",
        summary: "Takes things back to the beginning, all or one merchant's: state (packets, balances, users, requests \
                  on their way), requests (the journal), faults, rules (the switches), clock. Without a scope: state, \
                  requests and faults. The answer lists the faults that stay armed, such as those that name no \
                  merchant where one is given, and the switches that stay changed.",
        query: &[],
        body: Body::Optional(
            &[
                may("scope", SCOPES, "what; state, requests and faults, where it is left out"),
                may("mch_id", Kind::Text, "of this merchant alone; not with the clock").or_null(),
            ],
            r#"{"scope":["state","requests","faults"],"mch_id":"10000098"}"#,
        ),
        status: StatusCode::OK,
        answer: Answer::Json(&[
            must("scope", SCOPES, "what"),
            must("mch_id", Kind::Text, "of this merchant alone; null for all").or_null(),
            must(
                "stays_armed",
                Kind::List(&Kind::Object(faults::FAULT)),
                "the faults that the merchant, or anybody, can still meet",
            ),
            must(
                "stays_changed",
                Kind::List(&Kind::Object(CHANGED)),
                "the switches that are not what they were at the beginning",
            ),
        ]),
        run: reset,
    },
    Call {
        method: Method::GET,
        path: "/state",
        summary: "The whole world but for the journal. It holds the API keys in clear.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(STATE),
        run: |admin, _| Ok(Reply::Json(json!(admin.mock.state()))),
    },
    Call {
        method: Method::PUT,
        path: "/state",
        summary: "Puts a world in place of this one; the journal stays. Every part but the version may be left out.",
        query: &[],
        body: Body::Required(
            GIVEN_STATE,
            r#"{"version":1,"seed":7,"merchants":[{"mch_id":"10000098","balance_fen":5000}]}"#,
        ),
        status: StatusCode::OK,
        answer: Answer::Json(REPLACED),
        run: put_state,
    },
    Call {
        method: Method::GET,
        path: "/snapshots",
        summary: "The names of the snapshots.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(&[must("snapshots", Kind::List(&Kind::Text), "their names")]),
        run: |admin, _| Ok(Reply::Json(json!({"snapshots": admin.snapshots().keys().collect::<Vec<_>>()}))),
    },
    Call {
        method: Method::POST,
        path: "/snapshots",
        summary: "Keeps the world as it is now, under a name, to be restored. One of the same name is replaced.",
        query: &[],
        body: Body::Required(&[must("name", Kind::Text, "its name")], r#"{"name":"before"}"#),
        status: StatusCode::CREATED,
        answer: Answer::Json(&[
            must("name", Kind::Text, "its name"),
            must("now", Kind::Text, "what the clock showed, in RFC 3339").or_null(),
        ]),
        run: snapshot,
    },
    Call {
        method: Method::POST,
        path: "/snapshots/{name}/restore",
        summary: "Puts a snapshot in place of the world.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(REPLACED),
        run: restore,
    },
];

impl Admin {
    fn snapshots(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, State>> {
        // Nothing that could panic is done while the lock is held.
        self.snapshots.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn health(admin: &Admin, _: &Asked<'_>) -> Result<Reply, Refused> {
    let mock = &admin.mock;
    Ok(Reply::Json(json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "seed": mock.seed(),
        "now": mock.now(),
        "merchants": mock.merchants().len(),
        "requests": mock.requests(),
        "faults_armed": mock.faults().len(),
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    seed: u64,
}

fn seed(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let Seed { seed } = asked.read()?;
    admin.mock.set_seed(seed);
    Ok(Reply::Json(json!({"seed": seed})))
}

fn rules(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let mch_id = asked.query("mch_id");
    known(admin, mch_id)?;
    Ok(Reply::Json(json!({"rules": admin.mock.rules(mch_id).describe()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    mch_id: Option<String>,
    rules: BTreeMap<String, String>,
}

fn set_rules(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let Settings { mch_id, rules } = asked.read()?;
    known(admin, mch_id.as_deref())?;
    admin.mock.set_rules(mch_id.as_deref(), &rules).map_err(|error| Refused::bad(error.to_string()))?;
    Ok(Reply::Json(json!({"rules": admin.mock.rules(mch_id.as_deref()).describe()})))
}

/// A merchant that is named must be there.
pub(super) fn known(admin: &Admin, mch_id: Option<&str>) -> Result<(), Refused> {
    match mch_id {
        Some(mch_id) if admin.mock.merchant_spec(mch_id).is_none() => {
            Err(Refused::unknown("merchant", mch_id))
        }
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    #[serde(default = "what_happened")]
    scope: BTreeSet<Scope>,
    #[serde(default)]
    mch_id: Option<String>,
}

/// What goes without being named: not the clock, nor the rules, which are how the world is set up.
fn what_happened() -> BTreeSet<Scope> {
    [Scope::State, Scope::Requests, Scope::Faults].into()
}

fn reset(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let Reset { scope, mch_id } = asked.read()?;
    known(admin, mch_id.as_deref())?;
    if scope.contains(&Scope::Clock) && mch_id.is_some() {
        return Err(Refused::bad("the clock is everybody's: reset it without mch_id".to_owned()));
    }
    let Remains { armed, changed } = admin.mock.reset(&scope, mch_id.as_deref());
    let answer = json!({"scope": scope, "mch_id": mch_id, "stays_armed": armed, "stays_changed": changed});
    Ok(Reply::Json(answer))
}

fn put_state(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let state = State::from_json(asked.body).map_err(broken)?;
    replace(admin, state)
}

fn replace(admin: &Admin, state: State) -> Result<Reply, Refused> {
    let counts = json!({"merchants": state.merchants.len(), "red_packets": state.red_packets.len()});
    admin.mock.restore(state).map_err(broken)?;
    admin.write_all_kits()?;
    Ok(Reply::Json(counts))
}

fn broken(error: StateError) -> Refused {
    Refused::bad(error.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

fn snapshot(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let Name { name } = asked.read()?;
    if name.is_empty() {
        return Err(Refused::bad("name is empty: no path could hold it".to_owned()));
    }
    let state = admin.mock.state();
    let mut snapshots = admin.snapshots();
    if snapshots.len() >= MOST && !snapshots.contains_key(&name) {
        let hint = "take one of the names that there are: it is replaced";
        return Err(Refused::conflict("too_many", format!("there are {MOST} snapshots"), hint));
    }
    let now = state.clock.as_ref().and_then(|clock| clock.now);
    snapshots.insert(name.clone(), state);
    Ok(Reply::Json(json!({"name": name, "now": now})))
}

fn restore(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let state = admin.snapshots().get(asked.part(0)).cloned();
    replace(admin, state.ok_or_else(|| Refused::unknown("snapshot", asked.part(0)))?)
}
