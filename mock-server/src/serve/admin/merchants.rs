//! Merchants: who there is, and what becomes of their money, their keys and their certificates.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Answer, Asked, Body, Call, Field, Kind, Refused, Reply, may, must, world};
use crate::fault::Mistaken;
use crate::merchant::{MerchantMode, MerchantSpec, MockMerchant, check_appids};
use crate::mock::MockError;
use crate::span;

const STATES: &[&str] = &["missing", "expired", "revoked", "foreign", "other_merchant"];
const MODE: Kind = Kind::OneOf(&["merchant", "partner"]);
const MERCHANT: &[Field] = &[
    must("mch_id", Kind::Text, "its number"),
    must("key", Kind::Text, "the last four characters of its API key"),
    must("appid", Kind::Text, "the first of its appids"),
    must("appids", Kind::List(&Kind::Text), "the appids that are bound to it"),
    must("balance_fen", Kind::Number, "its balance in fen, without what is reserved"),
    must("reserved_fen", Kind::Number, "fen reserved for orders that were taken and are not decided yet"),
    must("opening_fen", Kind::Number, "what a reset takes its balance back to"),
    must("mode", MODE, "whether it is a service provider"),
    must("under", Kind::Text, "the service provider that it is a sub-merchant of").or_null(),
    must("product_closed", Kind::Flag, "whether the product is closed for it"),
    must("allowed_ips", Kind::List(&Kind::Text), "the addresses that may call over a socket; null for all")
        .or_null(),
    must("certificate", Kind::OneOf(STATES), "what its certificate is taken for; null for what it is")
        .or_null(),
    must("rules", Kind::Map(&Kind::Text), "the switches that it has for itself"),
    must("kit", Kind::Text, "the folder of its certificate and key").or_null(),
];
const MATERIAL: &[Field] = &[
    must("mch_id", Kind::Text, "its number"),
    must("key", Kind::Text, "its API key"),
    must("agent_secret", Kind::Text, "the secret of its work-weixin application"),
    must("appid", Kind::Text, "the first of its appids"),
    must("mode", MODE, "whether it is a service provider"),
    must("cert", Kind::Text, "the file of its certificate"),
    must("cert_serial", Kind::Text, "the serial number of that, in hex").or_null(),
    must("key_pem", Kind::Text, "the file of the key to it"),
    must("p12", Kind::Text, "the file of both"),
    must("p12_legacy", Kind::Text, "the same in the old encoding"),
    must("p12_password", Kind::Text, "the password of both of these"),
    must("kit_url", Kind::Text, "where the four files are"),
];
/// A merchant as it is made; every part may be left out.
pub(super) const SPEC: &[Field] = &[
    may("mch_id", Kind::Text, "its number: 1 to 32 of [0-9A-Za-z]").or_null(),
    may("key", Kind::Text, "its API key: 32 visible ASCII characters; never a real one").or_null(),
    may("agent_secret", Kind::Text, "the secret of its work-weixin application; never a real one").or_null(),
    may("appids", Kind::List(&Kind::Text), "the appids that are bound to it"),
    may("balance_fen", Kind::Number, "its balance in fen; 1000000").or_null(),
    may("opening_fen", Kind::Number, "what a reset takes its balance back to; balance_fen").or_null(),
    may("mode", MODE, "partner makes it a service provider"),
    may("under", Kind::Text, "the service provider that it is a sub-merchant of").or_null(),
    may("product_closed", Kind::Flag, "whether the product is closed for it"),
    may("allowed_ips", Kind::List(&Kind::Text), "the addresses that may call over a socket; null for all")
        .or_null(),
    may("certificate", Kind::OneOf(STATES), "what its certificate is taken for").or_null(),
    may("rules", Kind::Map(&Kind::Text), "the switches that it has for itself: GET /rules lists them"),
    may("opening_rules", Kind::Map(&Kind::Text), "what a reset takes these back to; rules").or_null(),
    may("former", Kind::Object(FORMER), "the key before, which is good until then").or_null(),
];
const FORMER: &[Field] =
    &[must("key", Kind::Text, "the key"), must("until", Kind::Text, "until when, in RFC 3339")];
const CHANGES: &[Field] = &[
    may("balance_fen", Kind::Number, "its balance in fen; what is reserved stays").or_null(),
    may("appids", Kind::List(&Kind::Text), "the appids that are bound to it").or_null(),
    may("product_closed", Kind::Flag, "whether the product is closed for it").or_null(),
    may("allowed_ips", Kind::List(&Kind::Text), "the addresses that may call over a socket; null for all")
        .or_null(),
    may("rules", Kind::Map(&Kind::Text), "switches for itself alone; those that are not named stay"),
];

pub(super) const CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/merchants",
        summary: "All merchants.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(&[must("merchants", Kind::List(&Kind::Object(MERCHANT)), "all of them")]),
        run: list,
    },
    Call {
        method: Method::POST,
        path: "/merchants",
        summary: "Adds a merchant. Every part may be left out, and is made up then. The answer holds its key in clear, \
                  and where its certificate is.",
        query: &[],
        body: Body::Optional(
            SPEC,
            r#"{"mch_id":"1900000109","balance_fen":1000000,"appids":["wx8888888888888888"]}"#,
        ),
        status: StatusCode::CREATED,
        answer: Answer::Json(MATERIAL),
        run: create,
    },
    Call {
        method: Method::GET,
        path: "/merchants/{mch_id}",
        summary: "A merchant. Of its key the last four characters are shown.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(MERCHANT),
        run: |admin, asked| show(admin, asked.part(0)),
    },
    Call {
        method: Method::PATCH,
        path: "/merchants/{mch_id}",
        summary: "Changes a merchant. What is left out stays; where one part cannot be, all stays.",
        query: &[],
        body: Body::Required(CHANGES, r#"{"balance_fen":5000,"rules":{"settle":"manual"}}"#),
        status: StatusCode::OK,
        answer: Answer::Json(MERCHANT),
        run: change,
    },
    Call {
        method: Method::DELETE,
        path: "/merchants/{mch_id}",
        summary: "Takes a merchant out of the world, with everything that is its own.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Json(&[must("mch_id", Kind::Text, "its number")]),
        run: remove,
    },
    Call {
        method: Method::POST,
        path: "/merchants/{mch_id}/topup",
        summary: "Puts money into its balance.",
        query: &[],
        body: Body::Required(&[must("fen", Kind::Number, "how much, in fen")], r#"{"fen":100000}"#),
        status: StatusCode::OK,
        answer: Answer::Json(MERCHANT),
        run: top_up,
    },
    Call {
        method: Method::POST,
        path: "/merchants/{mch_id}/rotate-key",
        summary: "Gives it another API key: this one, or a made-up one. The one before is good for grace more.",
        query: &[],
        body: Body::Optional(
            &[
                may("key", Kind::Text, "32 visible ASCII characters; never a real one").or_null(),
                may("grace", Kind::Text, "how long, such as 10m; not at all, where it is left out"),
            ],
            r#"{"grace":"10m"}"#,
        ),
        status: StatusCode::OK,
        answer: Answer::Json(&[
            must("mch_id", Kind::Text, "its number"),
            must("key", Kind::Text, "its new API key"),
        ]),
        run: rotate_key,
    },
    Call {
        method: Method::POST,
        path: "/merchants/{mch_id}/cert",
        summary: "Has the service take its certificate for something else, whatever it is, or again for what it is (ok).",
        query: &[],
        body: Body::Required(
            &[must(
                "state",
                Kind::OneOf(&[
                    "ok",
                    "missing",
                    "expired",
                    "revoked",
                    "foreign",
                    "foreign_ca",
                    "other_merchant",
                ]),
                "what for; foreign_ca is foreign",
            )],
            r#"{"state":"expired"}"#,
        ),
        status: StatusCode::OK,
        answer: Answer::Json(&[
            must("mch_id", Kind::Text, "its number"),
            must(
                "state",
                Kind::OneOf(&["ok", "missing", "expired", "revoked", "foreign", "other_merchant"]),
                "what for",
            ),
        ]),
        run: certificate,
    },
    Call {
        method: Method::GET,
        path: "/merchants/{mch_id}/kit.zip",
        summary: "Its certificate and key, as PEM and as PKCS#12.",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::File("application/zip"),
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
    let serial = admin.kit()?.serial(merchant.mch_id()).map_err(|error| super::files::broken(&error))?;
    Ok(Reply::Json(json!({
        "mch_id": merchant.mch_id(),
        "key": merchant.key(),
        "agent_secret": merchant.agent_secret(),
        "appid": merchant.appid(),
        "mode": MerchantMode::from(merchant.mode()),
        "cert": files.certificate,
        "cert_serial": serial,
        "key_pem": files.key,
        "p12": files.p12,
        "p12_legacy": files.p12_legacy,
        "p12_password": merchant.mch_id(),
        "kit_url": format!("{}/__mock/merchants/{}/kit.zip", admin.admin_url, merchant.mch_id()),
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
        "reserved_fen": admin.mock.ledger_of(|ledger| ledger.reserved(mch_id)),
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
    changes.appids.as_deref().map_or(Ok(()), check_appids).map_err(refuse)?;
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
    Ok(Reply::File(bytes))
}

fn refuse(error: MockError) -> Refused {
    Refused::bad(error.to_string())
}
