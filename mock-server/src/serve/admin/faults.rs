//! The faults: what there is, what is armed.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Admin, Asked, Body, Call, Refused, Reply, world};
use crate::fault::{ArmedFault, FaultError, FaultPatch, FaultRule, catalogue};

const FAULT: &[&str] = &["id", "rule", "armed", "enabled", "expired", "matches", "hits", "remaining"];

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/faults",
        summary: "The faults that are armed, the newest first.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: &["faults"],
        run: |admin, _| Ok(Reply::Json(json!({"faults": admin.mock.faults()}))),
    },
    Call {
        method: Method::POST,
        path: "/faults",
        summary: "Arms a fault, in front of all others: when it strikes, what happens then, and for one that hides or \
                  falsifies the answer and does not say so by its name, whether the request is carried out. when takes \
                  path, mch_id, host, server_name, fields (regular expressions), nth, every, probability, times, between; \
                  commit is applied, not_applied or {\"later\":\"20m\"}; ttl is how long it stays armed.",
        query: &[],
        body: Body::Required(
            r#"{"when":{"path":"sendredpack","mch_id":"10000098","times":1},"then":{"fault":"err_code","code":"SYSTEMERROR"},"commit":"applied","ttl":"10m"}"#,
        ),
        status: StatusCode::CREATED,
        answers: FAULT,
        run: arm,
    },
    Call {
        method: Method::DELETE,
        path: "/faults",
        summary: "Disarms all faults, or those of one merchant.",
        query: &[("mch_id", "those that name this merchant")],
        body: Body::None,
        status: StatusCode::OK,
        answers: &["disarmed"],
        run: disarm_all,
    },
    Call {
        method: Method::GET,
        path: "/faults/catalogue",
        summary: "Every fault there is, with an example.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: &["faults", "in_band"],
        run: |_, _| Ok(Reply::Json(json!(catalogue()))),
    },
    Call {
        method: Method::GET,
        path: "/faults/{id}",
        summary: "A fault that is armed.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: FAULT,
        run: |admin, asked| show(admin, number(asked)?).map(Reply::Json),
    },
    Call {
        method: Method::PATCH,
        path: "/faults/{id}",
        summary: "Changes how often, how likely, how long or whether a fault strikes.",
        query: &[],
        body: Body::Required(r#"{"enabled":false}"#),
        status: StatusCode::OK,
        answers: FAULT,
        run: patch,
    },
    Call {
        method: Method::DELETE,
        path: "/faults/{id}",
        summary: "Disarms a fault.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: &["id"],
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
