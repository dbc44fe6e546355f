//! Users: what is in the way of packets to them.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{Admin, Answer, Asked, Body, Call, Field, Kind, Refused, Reply, may, must, world};
use crate::users::UserFlag;

const USER: &[Field] = &[
    may("mch_id", Kind::Text, "for this merchant alone; for all, where it is left out").or_null(),
    must("flags", Kind::List(&Kind::Text), "risk_blocked, not_realname, daily_cap:<packets>, foreign_openid"),
];

pub(super) const CALLS: &[Call] = &[Call {
    method: Method::PUT,
    path: "/users/{openid}",
    summary: "Says what is in the way of packets to a user, of one merchant or of all. Without flags the user is fine again.",
    query: &[],
    body: Body::Required(USER, r#"{"mch_id":"10000098","flags":["risk_blocked","daily_cap:1"]}"#),
    status: StatusCode::OK,
    answer: Answer::Json(&[
        must("openid", Kind::Text, "the user"),
        must("mch_id", Kind::Text, "for this merchant alone; null for all").or_null(),
        must("flags", Kind::List(&Kind::Text), "what is in the way now"),
    ]),
    run: put,
}];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    #[serde(default)]
    mch_id: Option<String>,
    flags: Vec<UserFlag>,
}

fn put(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let User { mch_id, flags } = asked.read()?;
    world::known(admin, mch_id.as_deref())?;
    admin.mock.set_user(mch_id.as_deref(), asked.part(0), flags.clone());
    Ok(Reply::Json(json!({"openid": asked.part(0), "mch_id": mch_id, "flags": flags})))
}
