//! One folder of vectors, and how its stages are compared.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use toml::{Table, Value};
use wechatpay_proto::endpoint::Endpoint;
use wechatpay_proto::v2::mmpaymkttransfers::Scene;
use wechatpay_proto::{AgentSecret, ApiKey, Fen, Merchant, Nonce, Outcome, Pending, Reason};

/// One folder.
pub(crate) struct Case {
    folder: PathBuf,
    context: Table,
}

impl Case {
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_else(|error| panic!("{self}: {name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.context[name].as_str().unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.optional(name).unwrap_or_else(|| panic!("{self}: no {name}"))
    }

    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.context["fields"].get(name).map(|value| value.as_str().unwrap())
    }

    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.context["fields"].get(name).map(|value| value.as_integer().unwrap().try_into().unwrap())
    }

    pub(crate) fn amount(&self) -> Fen {
        Fen(self.number("total_amount").unwrap())
    }

    pub(crate) fn scene(&self) -> Option<Scene> {
        let known = |id: &str| Scene::ALL.into_iter().find(|scene| scene.as_str() == id).unwrap();
        self.optional("scene_id").map(known)
    }

    pub(crate) fn merchant(&self) -> Merchant {
        let key = ApiKey::new(self.text("key")).unwrap();
        let merchant = match self.text("mode") {
            "direct" => Merchant::direct(self.text("mch_id"), key),
            "service_provider" => Merchant::service_provider(self.text("mch_id"), key),
            other => panic!("{self}: mode {other}"),
        };
        let secret =
            self.context.get("agent_secret").map(|secret| AgentSecret::new(secret.as_str().unwrap()));
        match secret {
            Some(secret) => merchant.unwrap().with_agent_secret(secret.unwrap()),
            None => merchant.unwrap(),
        }
    }

    /// Compares the stages of the request; hands out what waits for the answer.
    pub(crate) fn sign<'r, E: Endpoint>(&self, merchant: &'r Merchant, request: &'r E) -> Pending<'r, E> {
        let nonce = Nonce::from_text(self.text("nonce")).unwrap();
        let signed = merchant.sign(request, nonce).unwrap_or_else(|error| panic!("{self}: {error}"));
        assert_eq!(signed.string_to_sign(), self.file("string-to-sign.txt"), "{self}");
        let document = wechatpay_proto::wire::parse(signed.xml().as_bytes(), &[]).unwrap();
        let sign = |name: &str| document.untrusted().get(name).map(str::to_owned);
        assert_eq!(sign("sign"), Some(self.file("sign.txt")), "{self}");
        if let Some(inner) = E::SPEC.inner {
            assert_eq!(sign(inner.name), Some(self.file("workwx-sign.txt")), "{self}");
            assert_eq!(inner_text(inner.over, &document), self.file("workwx-string-to-sign.txt"), "{self}");
        }
        assert_eq!(signed.xml(), self.file("request.xml"), "{self}");
        let (request, pending) = signed.into_parts();
        assert_eq!(request.body().as_ref(), self.file("request.xml").as_bytes(), "{self}");
        pending
    }

    pub(crate) fn answer(&self) -> http::Response<Bytes> {
        http::Response::new(Bytes::from(self.file("reply.xml")))
    }

    pub(crate) fn compare(&self, values: Table, outcome: &Outcome<'_>) {
        let expected = self.context["reply"].as_table().unwrap();
        assert_eq!(&Value::Table(values), &expected["values"], "{self}");
        assert_eq!(say(outcome), expected["outcome"].as_str().unwrap(), "{self}");
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.folder.display())
    }
}

/// What the table says is signed with the secret; the library never shows this text.
fn inner_text(over: &[&str], document: &wechatpay_proto::wire::Unverified<'_>) -> String {
    let row = |name: &&str| format!("{name}={}&", document.untrusted().get(name).unwrap());
    over.iter().map(row).collect::<String>() + "secret="
}

/// The folders of one endpoint that hold a context, at least as many as there have been.
pub(crate) fn cases(path: &str, at_least: usize) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(path);
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let cases: Vec<_> = folders
        .filter(|folder| folder.is_dir())
        .map(|folder| {
            let context = fs::read_to_string(folder.join("context.toml")).unwrap();
            Case { folder, context: context.parse().unwrap() }
        })
        .collect();
    assert!(cases.len() >= at_least, "{path}: {} folders, {at_least} expected", cases.len());
    cases
}

/// An outcome in the words of the contexts.
fn say(outcome: &Outcome<'_>) -> String {
    let Outcome::Unknown(reason) = outcome else {
        return if outcome.is_accepted() { "accepted" } else { "failed" }.to_owned();
    };
    let why = match reason {
        Reason::Code(code) | Reason::QueryRefused(code) => code.as_str().to_owned(),
        Reason::Sending { reason: None } => "sending".to_owned(),
        Reason::Sending { reason: Some(reason) } => format!("sending ({reason})"),
        Reason::UnknownStatus(status) => format!("status {status}"),
        other => format!("{other:?}"),
    };
    format!("unknown: {why}, {}", format!("{:?}", reason.advice()).to_lowercase())
}
