//! The adversarial cases, at every level that they reach. A test's name begins with the number of its case.

#[path = "../common/mod.rs"]
mod common;

mod cases;
mod limits;
mod notices;
mod outcome;
mod payments;
mod reader;
mod refunds;
mod reply;
mod requests;
mod verifier;

use common::*;
use wechatpay_proto::ReplyError;
use wechatpay_proto::wire::{self, XmlErrorKind};

/// A document with the one element `body` in it.
fn xml(body: &str) -> String {
    format!("<xml>{body}</xml>")
}

/// The values of a document that is of the dialect.
fn fields(body: impl AsRef<[u8]>) -> Vec<(String, String)> {
    let document = wire::parse(body.as_ref(), &[]).unwrap();
    document.untrusted().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The value of an element with `inside` in it.
fn value(inside: &str) -> String {
    fields(xml(&format!("<a>{inside}</a>"))).remove(0).1
}

/// A claimed packet with `list` behind its fields.
fn found(list: &str) -> String {
    document(&with(&SENT, "status", "RECEIVED")).replace("</xml>", &format!("{list}</xml>"))
}

/// Why a claimed packet with `list` in it is no document of the dialect.
fn refused_query(list: &str) -> XmlErrorKind {
    match accept(&QUERY, found(list)).unwrap_err() {
        ReplyError::Xml(error) => error.kind,
        other => panic!("{other}: {list}"),
    }
}
