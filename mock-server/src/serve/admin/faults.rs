//! The faults: what there is, what is armed.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Admin, Answer, Asked, Body, Call, Field, Kind, Refused, Reply, may, must, world};
use crate::fault::{ArmedFault, FaultError, FaultPatch, FaultRule, catalogue};

pub(super) const FAULT: &[Field] = &[
    must("id", Kind::Number, "its number"),
    must("rule", Kind::Object(RULE), "the rule, as it is now"),
    must("armed", Kind::Text, "since when it is armed, in RFC 3339"),
    must("enabled", Kind::Flag, "whether it strikes at all"),
    must("expired", Kind::Flag, "whether its time is over"),
    must("matches", Kind::Number, "how often its conditions held"),
    must("hits", Kind::Number, "how often it struck"),
    must(
        "remaining",
        Kind::Number,
        "how often it can still strike the merchant that it has struck most; null for no limit",
    )
    .or_null(),
];
const RULE: &[Field] = &[
    may("when", Kind::Object(WHEN), "which requests, or connections, meet it; all, where it is left out"),
    must(
        "then",
        Kind::Map(&Kind::Any),
        "the fault, by its name, with its parameters: GET /faults/catalogue lists them",
    ),
    may("commit", Kind::Any, "applied, not_applied or {\"later\":\"20m\"}: what becomes of the money")
        .or_null(),
    may("ttl", Kind::Text, "how long it stays armed, such as 10m; for ever, where it is left out").or_null(),
];
const WHEN: &[Field] = &[
    may("path", Kind::Text, "the endpoint: its path, or the last part of it, such as sendredpack").or_null(),
    may("mch_id", Kind::Text, "the merchant that the request names").or_null(),
    may("host", Kind::Text, "the host that the request names").or_null(),
    may("server_name", Kind::Text, "the host that the TLS handshake names; for faults of connections only")
        .or_null(),
    may("fields", Kind::Map(&Kind::Text), "fields of the request, each with a regular expression"),
    may("nth", Kind::Any, "the first, the second and so on: a number, or a list of them"),
    may("every", Kind::Number, "every second, every third and so on").or_null(),
    may("probability", Kind::Fraction, "each with this probability, 0 to 1").or_null(),
    may("times", Kind::Number, "how often at most, for each merchant by itself").or_null(),
    may("between", Kind::List(&Kind::Text), "from when, and until before when, in RFC 3339").or_null(),
];
const PATCH: &[Field] = &[
    may(
        "times",
        Kind::Number,
        "how often at most, for each merchant by itself; what has struck before counts",
    )
    .or_null(),
    may("probability", Kind::Fraction, "the probability, 0 to 1").or_null(),
    may("ttl", Kind::Text, "how long it stays armed from now on, such as 10m").or_null(),
    may("enabled", Kind::Flag, "whether it strikes at all").or_null(),
];
const ENTRY: &[Field] = &[
    must("name", Kind::Text, "the fault of a rule"),
    must("group", Kind::Text, "what it belongs to"),
    must("meaning", Kind::Text, "what it does"),
    must("parameters", Kind::List(&Kind::Object(PARAMETER)), "what it takes beside its name"),
    must(
        "needs_commit",
        Kind::Flag,
        "whether a rule with it must say what becomes of the money; others must not",
    ),
    must("examples", Kind::List(&Kind::Object(RULE)), "rules that can be armed as they are"),
    must(
        "in_band",
        Kind::List(&Kind::Text),
        "the values of the header Wechatpay-Negative-Test that ask for it",
    ),
];
const PARAMETER: &[Field] = &[
    must("name", Kind::Text, "its name"),
    must("meaning", Kind::Text, "what it says, and what holds without it"),
];

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/faults",
        summary: "The faults that are armed, the newest first.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(&[must("faults", Kind::List(&Kind::Object(FAULT)), "those that are armed")]),
        run: |admin, _| Ok(Reply::Json(json!({"faults": admin.mock.faults()}))),
    },
    Call {
        method: Method::POST,
        path: "/faults",
        summary: "Arms a fault, in front of all others: when it strikes, what happens then, and for one that hides or \
                  falsifies the answer and does not say so by its name, whether the request is carried out.",
        query: &[],
        body: Body::Required(
            RULE,
            r#"{"when":{"path":"sendredpack","mch_id":"10000098","times":1},"then":{"fault":"err_code","code":"SYSTEMERROR"},"commit":"applied","ttl":"10m"}"#,
        ),
        status: StatusCode::CREATED,
        answer: Answer::Json(FAULT),
        run: arm,
    },
    Call {
        method: Method::DELETE,
        path: "/faults",
        summary: "Disarms all faults, or those of one merchant.",
        query: &[may("mch_id", Kind::Text, "those that name this merchant")],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(&[must("disarmed", Kind::Number, "how many those were")]),
        run: disarm_all,
    },
    Call {
        method: Method::GET,
        path: "/faults/catalogue",
        summary: "Every fault there is, with an example.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(&[must("faults", Kind::List(&Kind::Object(ENTRY)), "every one")]),
        run: |_, _| Ok(Reply::Json(json!({"faults": catalogue()}))),
    },
    Call {
        method: Method::GET,
        path: "/faults/{fault_id}",
        summary: "A fault that is armed.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(FAULT),
        run: |admin, asked| show(admin, number(asked)?).map(Reply::Json),
    },
    Call {
        method: Method::PATCH,
        path: "/faults/{fault_id}",
        summary: "Changes how often, how likely, how long or whether a fault strikes.",
        query: &[],
        body: Body::Required(PATCH, r#"{"enabled":false}"#),
        status: StatusCode::OK,
        answer: Answer::Json(FAULT),
        run: patch,
    },
    Call {
        method: Method::DELETE,
        path: "/faults/{fault_id}",
        summary: "Disarms a fault.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(&[must("id", Kind::Number, "its number")]),
        run: disarm,
    },
];

fn number(asked: &Asked<'_>) -> Result<u64, Refused> {
    asked.part(0).parse().map_err(|_| Refused::unknown("fault", asked.part(0)))
}

fn show(admin: &Admin, id: u64) -> Result<Value, Refused> {
    let found: Option<ArmedFault> = admin.mock.fault(id);
    found.map(|fault| json!(fault)).ok_or_else(|| Refused::unknown("fault", &id.to_string()))
}

fn arm(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let rule: FaultRule = asked.read()?;
    let id = admin.mock.arm(rule).map_err(|error| refuse(&error))?;
    show(admin, id).map(Reply::Json)
}

fn patch(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let (id, patch) = (number(asked)?, asked.read::<FaultPatch>()?);
    let fault = admin.mock.patch_fault(id, &patch).map_err(|error| refuse(&error))?;
    Ok(Reply::Json(json!(fault)))
}

fn disarm(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let id = number(asked)?;
    if admin.mock.disarm(id) {
        return Ok(Reply::Json(json!({"id": id})));
    }
    Err(Refused::unknown("fault", &id.to_string()))
}

fn disarm_all(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let mch_id = asked.query("mch_id");
    world::known(admin, mch_id)?;
    Ok(Reply::Json(json!({"disarmed": admin.mock.disarm_all(mch_id)})))
}

fn refuse(error: &FaultError) -> Refused {
    match error {
        FaultError::Unknown { id } => Refused::unknown("fault", &id.to_string()),
        error => Refused::bad(error.to_string()),
    }
}
