//! How a document is read that the strict reader would refuse or read otherwise: elements that come twice, and values
//! of white space alone, where the rules have them so.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::str;

use bytes::Bytes;
use http::{Method, Request};
use wechatpay_proto::wire::{self, MAX_BODY, XmlError};

use super::MAX_REQUEST;
use crate::rules::{Duplicates, Rules, Whitespace};

/// Why a body is no document that is longer than the web server in front takes.
pub(super) const TOO_LONG: &str = "body longer than 1 MiB";

/// Why a request has no document: what the strict reader said of the body, and where. A place is told in the bytes that
/// were sent, so there is none where the rules had others read.
pub(super) fn diagnose(request: &Request<Bytes>, error: &XmlError, as_sent: bool) -> String {
    if request.method() != Method::POST {
        "not a POST, so no body is read".to_owned()
    } else if request.body().len() > MAX_REQUEST {
        TOO_LONG.to_owned()
    } else if request.body().is_empty() {
        "empty body".to_owned()
    } else if as_sent {
        error.to_string()
    } else {
        error.kind.to_string()
    }
}

/// The body as the strict reader is to get it. Whatever is no flat document stays as it is, and is refused there.
pub(super) fn tidy<'b>(body: &'b [u8], rules: &Rules) -> Cow<'b, [u8]> {
    let usual = rules.duplicates == Duplicates::Refuse && rules.whitespace == Whitespace::Value;
    if usual || body.len() > MAX_BODY {
        return Cow::Borrowed(body);
    }
    let tidied = str::from_utf8(body).ok().and_then(|text| tidied(text, rules));
    tidied.map_or(Cow::Borrowed(body), |text| Cow::Owned(text.into_bytes()))
}

fn tidied(text: &str, rules: &Rules) -> Option<String> {
    let (before, rest) = text.split_once("<xml>")?;
    let (inside, after) = rest.rsplit_once("</xml>")?;
    let mut leaves = leaves(inside)?;
    match rules.duplicates {
        Duplicates::Refuse => {}
        Duplicates::First => keep_first(&mut leaves),
        Duplicates::Last => {
            leaves.reverse();
            keep_first(&mut leaves);
            leaves.reverse();
        }
    }
    if rules.whitespace == Whitespace::Empty {
        leaves.retain(|leaf| !leaf.is_blank());
    }
    let inside: String = leaves.iter().map(|leaf| leaf.text).collect();
    Some(format!("{before}<xml>{inside}</xml>{after}"))
}

/// One element that holds no other.
struct Leaf<'t> {
    name: &'t str,
    /// All of it, from tag to tag.
    text: &'t str,
}

impl Leaf<'_> {
    fn is_blank(&self) -> bool {
        let document = format!("<xml>{}</xml>", self.text);
        wire::parse(document.as_bytes(), &[]).is_ok_and(|document| {
            document.untrusted().iter().all(|(_, value)| value.chars().all(char::is_whitespace))
        })
    }
}

fn keep_first(leaves: &mut Vec<Leaf<'_>>) {
    let mut seen = BTreeSet::new();
    leaves.retain(|leaf| seen.insert(leaf.name));
}

/// Takes the inside of the root apart; `None` where there is anything but leaves.
fn leaves(inside: &str) -> Option<Vec<Leaf<'_>>> {
    let (mut rest, mut leaves) = (inside.trim_start(), Vec::new());
    while !rest.is_empty() {
        let (name, _) = rest.strip_prefix('<')?.split_once('>')?;
        let (text, behind) = rest.split_at_checked(end(rest)?)?;
        leaves.push(Leaf { name: name.trim_end_matches('/').trim_end(), text });
        rest = behind.trim_start();
    }
    Some(leaves)
}

/// Where a leaf ends that begins here. What stands in CDATA is no tag.
fn end(leaf: &str) -> Option<usize> {
    let mut at = leaf.find('>')? + 1;
    if leaf.get(..at)?.ends_with("/>") {
        return Some(at);
    }
    loop {
        at += leaf.get(at..)?.find('<')?;
        let here = leaf.get(at..)?;
        if here.starts_with("<![CDATA[") {
            at += here.find("]]>")? + 3;
        } else {
            return here.starts_with("</").then(|| here.find('>').map(|end| at + end + 1))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, duplicates: Duplicates, whitespace: Whitespace) -> String {
        let rules = Rules { duplicates, whitespace, ..Rules::default() };
        String::from_utf8(tidy(text.as_bytes(), &rules).into_owned()).unwrap()
    }

    #[test]
    fn of_two_elements_one_stays() {
        let text = "<xml>\n<a>1</a>\n<b><![CDATA[</b><a>x</a>]]></b><a>2</a ><a/><c />\n</xml>\n";
        let first = "<xml><a>1</a><b><![CDATA[</b><a>x</a>]]></b><c /></xml>\n";
        assert_eq!(read(text, Duplicates::First, Whitespace::Value), first);
        let last = "<xml><b><![CDATA[</b><a>x</a>]]></b><a/><c /></xml>\n";
        assert_eq!(read(text, Duplicates::Last, Whitespace::Value), last);
        assert_eq!(read(text, Duplicates::Refuse, Whitespace::Value), text);
    }

    #[test]
    fn values_of_white_space_alone_go() {
        let text = "<xml><a> </a><b><![CDATA[\n]]>&#32;</b><c> x </c><d></d></xml>";
        assert_eq!(read(text, Duplicates::Refuse, Whitespace::Empty), "<xml><c> x </c></xml>");
        assert_eq!(read(text, Duplicates::Refuse, Whitespace::Value), text);
    }

    #[test]
    fn what_is_no_flat_document_stays_as_it_is() {
        for text in [
            "",
            "<xml>",
            "<html></html>",
            "<xml>text</xml>",
            "<xml><a>1</a>text</xml>",
            "<xml><a><b>1</b></a><a><b>1</b></a></xml>",
            "<xml><a><![CDATA[1</a></xml>",
            "<xml><a>1<!-- --></a></xml>",
            "<xml><a>1</xml>",
        ] {
            assert_eq!(read(text, Duplicates::First, Whitespace::Empty), text);
        }
        let doctype = "<!DOCTYPE xml><xml><a>1</a></xml>";
        assert_eq!(read(doctype, Duplicates::First, Whitespace::Empty), doctype);
    }
}
