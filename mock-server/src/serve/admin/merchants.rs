//! Merchants: who there is, and what becomes of their money, their keys and their certificates.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Asked, Body, Call, Refused, Reply, world};
use crate::fault::Mistaken;
use crate::merchant::{MerchantMode, MerchantSpec, MockMerchant, check_appids};
use crate::mock::MockError;
use crate::span;

const MERCHANT: &[&str] = &[
    "mch_id",
    "key",
    "appid",
    "appids",
    "balance_fen",
    "opening_fen",
    "mode",
    "under",
    "product_closed",
    "allowed_ips",
    "certificate",
    "rules",
    "kit",
];
const MATERIAL: &[&str] = &[
    "mch_id",
    "key",
    "agent_secret",
    "appid",
    "mode",
    "cert",
    "key_pem",
    "p12",
    "p12_legacy",
    "p12_password",
    "kit_url",
];

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/merchants",
        summary: "All merchants.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: &["merchants"],
        run: list,
    },
    Call {
        method: Method::POST,
        path: "/merchants",
        summary: "Adds a merchant. Every part may be left out, and is made up then. The answer holds its key in clear, \
                  and where its certificate is.",
        query: &[],
        body: Body::Optional(
            r#"{"mch_id":"1900000109","balance_fen":1000000,"appids":["wx8888888888888888"]}"#,
        ),
        status: StatusCode::CREATED,
        answers: MATERIAL,
        run: create,
    },
    Call {
        method: Method::GET,
        path: "/merchants/{mch_id}",
        summary: "A merchant. Of its key the last four characters are shown.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: MERCHANT,
        run: |admin, asked| show(admin, asked.part(0)),
    },
    Call {
        method: Method::PATCH,
        path: "/merchants/{mch_id}",
        summary: "Changes a merchant: balance_fen, appids, product_closed, allowed_ips, rules. What is left out stays.",
        query: &[],
        body: Body::Required(r#"{"balance_fen":5000,"rules":{"settle":"manual"}}"#),
        status: StatusCode::OK,
        answers: MERCHANT,
        run: change,
    },
    Call {
        method: Method::DELETE,
        path: "/merchants/{mch_id}",
        summary: "Takes a merchant out of the world, with everything that is its own.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: &["mch_id"],
        run: remove,
    },
    Call {
        method: Method::POST,
        path: "/merchants/{mch_id}/topup",
        summary: "Puts money into its balance.",
        query: &[],
        body: Body::Required(r#"{"fen":100000}"#),
        status: StatusCode::OK,
        answers: MERCHANT,
        run: top_up,
    },
    Call {
        method: Method::POST,
        path: "/merchants/{mch_id}/rotate-key",
        summary: "Gives it another API key: this one, or a made-up one. The one before is good for grace more.",
        query: &[],
        body: Body::Optional(r#"{"grace":"10m"}"#),
        status: StatusCode::OK,
        answers: &["mch_id", "key"],
        run: rotate_key,
    },
    Call {
        method: Method::POST,
        path: "/merchants/{mch_id}/cert",
        summary: "Has the service take its certificate for something else (missing, expired, revoked, foreign, \
                  other_merchant), whatever it is, or again for what it is (ok).",
        query: &[],
        body: Body::Required(r#"{"state":"expired"}"#),
        status: StatusCode::OK,
        answers: &["mch_id", "state"],
        run: certificate,
    },
    Call {
        method: Method::GET,
        path: "/merchants/{mch_id}/kit.zip",
        summary: "Its certificate and key, as PEM and as PKCS#12.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answers: &[],
        run: kit,
    },
];

fn list(admin: &Admin, _: &Asked<'_>) -> Result<Reply, Refused> {
    let specs = admin.mock.state().merchants;
    Ok(Reply::Json(json!({"merchants": specs.iter().map(|spec| describe(admin, spec)).collect::<Vec<_>>()})))
}

fn create(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let merchant = admin.mock.add_merchant(asked.read::<MerchantSpec>()?).map_err(refuse)?;
    material(admin, &merchant)
}

/// What a client needs to be a merchant.
fn material(admin: &Admin, merchant: &MockMerchant) -> Result<Reply, Refused> {
    let files = admin.write_kit(merchant.mch_id())?;
    Ok(Reply::Json(json!({
        "mch_id": merchant.mch_id(),
        "key": merchant.key(),
        "agent_secret": merchant.agent_secret(),
        "appid": merchant.appid(),
        "mode": MerchantMode::from(merchant.mode()),
        "cert": files.certificate,
        "key_pem": files.key,
        "p12": files.p12,
        "p12_legacy": files.p12_legacy,
        "p12_password": merchant.mch_id(),
        "kit_url": format!("{}/__mock/merchants/{}/kit.zip", admin.http_url, merchant.mch_id()),
    })))
}

fn show(admin: &Admin, mch_id: &str) -> Result<Reply, Refused> {
    let spec = admin.mock.merchant_spec(mch_id).ok_or_else(|| Refused::unknown("merchant", mch_id))?;
    Ok(Reply::Json(describe(admin, &spec)))
}

fn describe(admin: &Admin, spec: &MerchantSpec) -> Value {
    let mch_id = spec.mch_id.as_deref().unwrap_or_default();
    let end = spec.key.as_deref().and_then(|key| key.get(key.len().saturating_sub(4)..)).unwrap_or_default();
    json!({
        "mch_id": mch_id,
        "key": format!("…{end}"),
        "appid": spec.appids.first(),
        "appids": spec.appids,
        "balance_fen": spec.balance_fen,
        "opening_fen": spec.opening_fen,
        "mode": spec.mode,
        "under": spec.under,
        "product_closed": spec.product_closed,
        "allowed_ips": spec.allowed_ips,
        "certificate": spec.certificate,
        "rules": spec.rules,
        "kit": admin.kit.as_ref().map(|kit| kit.dir().join(mch_id)),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    #[serde(default)]
    balance_fen: Option<u64>,
    #[serde(default)]
    appids: Option<Vec<String>>,
    #[serde(default)]
    product_closed: Option<bool>,
    /// `null` for all.
    #[serde(default, deserialize_with = "given")]
    allowed_ips: Option<Option<Vec<IpAddr>>>,
    #[serde(default)]
    rules: BTreeMap<String, String>,
}

/// Tells `null` from what is left out.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    value: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(value).map(Some)
}

fn change(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let (mock, mch_id, changes) = (&admin.mock, asked.part(0), asked.read::<Changes>()?);
    world::known(admin, Some(mch_id))?;
    // What can be refused comes first, so that a call that is refused has changed nothing.
    check_appids(changes.appids.as_deref().unwrap_or_default()).map_err(refuse)?;
    mock.set_rules(Some(mch_id), &changes.rules).map_err(|error| Refused::bad(error.to_string()))?;
    changes.appids.map_or(Ok(()), |appids| mock.set_appids(mch_id, appids)).map_err(refuse)?;
    changes.balance_fen.map_or(Ok(()), |fen| mock.set_balance(mch_id, fen)).map_err(refuse)?;
    let open = changes.product_closed.map(|closed| !closed);
    open.map_or(Ok(()), |open| mock.set_product_open(mch_id, open)).map_err(refuse)?;
    changes
        .allowed_ips
        .map_or(Ok(()), |addresses| mock.set_allowed_ips(mch_id, addresses))
        .map_err(refuse)?;
    show(admin, mch_id)
}

fn remove(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let mch_id = asked.part(0);
    world::known(admin, Some(mch_id))?;
    if !admin.mock.remove_merchant(mch_id) {
        let message = format!("{mch_id} is a service provider that others are under");
        return Err(Refused::conflict("in_use", message, "take those out first"));
    }
    Ok(Reply::Json(json!({"mch_id": mch_id})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopUp {
    fen: u64,
}

fn top_up(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let TopUp { fen } = asked.read()?;
    world::known(admin, Some(asked.part(0)))?;
    admin.mock.top_up(asked.part(0), fen).map_err(refuse)?;
    show(admin, asked.part(0))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    #[serde(default)]
    key: Option<String>,
    #[serde(default, with = "span")]
    grace: Duration,
}

fn rotate_key(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let Rotation { key, grace } = asked.read()?;
    world::known(admin, Some(asked.part(0)))?;
    let merchant = admin.mock.rotate_key(asked.part(0), key, grace).map_err(refuse)?;
    Ok(Reply::Json(json!({"mch_id": merchant.mch_id(), "key": merchant.key()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    state: CertificateState,
}

#[derive(Clone, Copy, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum CertificateState {
    Ok,
    Missing,
    Expired,
    Revoked,
    #[serde(alias = "foreign_ca")]
    Foreign,
    OtherMerchant,
}

fn certificate(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    let Certificate { state } = asked.read()?;
    world::known(admin, Some(asked.part(0)))?;
    let mistaken = match state {
        CertificateState::Ok => None,
        CertificateState::Missing => Some(Mistaken::Missing),
        CertificateState::Expired => Some(Mistaken::Expired),
        CertificateState::Revoked => Some(Mistaken::Revoked),
        CertificateState::Foreign => Some(Mistaken::Foreign),
        CertificateState::OtherMerchant => Some(Mistaken::OtherMerchant),
    };
    admin.mock.take_certificate_for(asked.part(0), mistaken).map_err(refuse)?;
    Ok(Reply::Json(json!({"mch_id": asked.part(0), "state": state})))
}

fn kit(admin: &Admin, asked: &Asked<'_>) -> Result<Reply, Refused> {
    world::known(admin, Some(asked.part(0)))?;
    let bytes = admin.kit()?.zip(asked.part(0)).map_err(|error| super::files::broken(&error))?;
    Ok(Reply::File { content_type: "application/zip", bytes })
}

fn refuse(error: MockError) -> Refused {
    Refused::bad(error.to_string())
}
