//! Editing the text of an answer: where its elements are, and what else their values could be. The answers are the
//! mock's own, so tags have no attributes, and text that looks like a tag stands in CDATA.

use std::ops::Range;

use wechatpay_proto::wire::{Value, Writer};

/// What every document begins with.
pub(super) const ROOT: &str = "<xml>";
/// What every document ends with.
const END: &str = "</xml>";
const CDATA: &str = "<![CDATA[";
const CDATA_END: &str = "]]>";

/// The fields whose values are enumerated. Each value has another one behind it, in a circle.
const CIRCLES: [(&str, &[&str]); 5] = [
    ("return_code", &["SUCCESS", "FAIL"]),
    ("result_code", &["SUCCESS", "FAIL"]),
    ("status", &["SENT", "RECEIVED", "REFUND", "RFUND_ING", "FAILED", "SENDING"]),
    ("hb_type", &["NORMAL", "GROUP"]),
    ("send_type", &["API", "UPLOAD", "ACTIVITY"]),
];

/// A value that a field could have, and that is not this one.
fn otherwise(field: &str, value: &str) -> String {
    let enumerated = CIRCLES.iter().find(|(name, _)| *name == field).and_then(|(_, circle)| {
        let at = circle.iter().position(|own| *own == value)?;
        circle.get((at + 1) % circle.len())
    });
    if let Some(other) = enumerated {
        return (*other).to_owned();
    }
    let mut letters: Vec<_> = value.chars().collect();
    match letters.last_mut() {
        Some(last) => *last = next(*last),
        None => letters.push('0'),
    }
    letters.into_iter().collect()
}

/// Another letter or digit of the same kind; no number gets a digit more.
fn next(c: char) -> char {
    match c {
        '9' => '8',
        'z' => 'y',
        'Z' => 'Y',
        '0'..='8' | 'a'..='y' | 'A'..='Y' => char::from_u32(u32::from(c) + 1).unwrap_or('x'),
        _ => 'x',
    }
}

/// Where the first element with this name is, at any depth, its tags included.
fn find(text: &str, name: &str) -> Option<Range<usize>> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let start = outside_cdata(text, 0, &open)?;
    let end = outside_cdata(text, start + open.len(), &close)?;
    Some(start..end + close.len())
}

/// Where `tag` is, from `from` on, and not as text.
fn outside_cdata(text: &str, from: usize, tag: &str) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let found = rest.find(tag)?;
        match rest.find(CDATA).filter(|cdata| *cdata < found) {
            None => return Some(at + found),
            Some(cdata) => at += cdata + rest.get(cdata..)?.find(CDATA_END)? + CDATA_END.len(),
        }
    }
}

/// What stands between the tags of an element, and in CDATA only the text.
fn value<'t>(element: &'t str, name: &str) -> &'t str {
    let inner = element.strip_prefix(&*format!("<{name}>"));
    let inner = inner.and_then(|inner| inner.strip_suffix(&*format!("</{name}>"))).unwrap_or_default();
    inner.strip_prefix(CDATA).and_then(|inner| inner.strip_suffix(CDATA_END)).unwrap_or(inner)
}

/// An element, written as the mock writes; bare, where `like` is.
fn element(name: &str, value: &str, like: Option<&str>) -> String {
    let number = value.parse().ok().filter(|_| like.is_some_and(|like| !like.contains(CDATA)));
    let mut xml = Writer::new();
    xml.element(name, &number.map_or(Value::Text(value), Value::Number));
    let text = xml.finish();
    text.strip_prefix(ROOT).and_then(|text| text.strip_suffix(END)).unwrap_or_default().to_owned()
}

/// Gives a field another value; puts it at the end where it is absent.
pub(super) fn falsify(text: &str, field: &str, other: Option<&str>) -> String {
    match find(text, field) {
        Some(place) => {
            let old = text.get(place.clone()).unwrap_or_default();
            let other = other.map_or_else(|| otherwise(field, value(old, field)), str::to_owned);
            replace(text, place, &element(field, &other, Some(old)))
        }
        None => append(text, &element(field, other.unwrap_or("0"), None)),
    }
}

/// Has a field twice, with two values.
pub(super) fn duplicate(text: &str, field: &str) -> String {
    match find(text, field) {
        Some(place) => {
            let old = text.get(place.clone()).unwrap_or_default();
            let other = element(field, &otherwise(field, value(old, field)), Some(old));
            replace(text, place, &format!("{old}{other}"))
        }
        None => append(text, &(element(field, "0", None) + &element(field, "1", None))),
    }
}

/// Takes a field away.
pub(super) fn remove(text: &str, field: &str) -> String {
    find(text, field).map_or_else(|| text.to_owned(), |place| replace(text, place, ""))
}

/// Puts elements behind all others.
pub(super) fn append(text: &str, elements: &str) -> String {
    format!("{}{elements}{END}", text.strip_suffix(END).unwrap_or(text))
}

/// Adds a field with a text behind all others.
pub(super) fn add(text: &str, field: &str, value: &str) -> String {
    append(text, &element(field, value, None))
}

fn replace(text: &str, place: Range<usize>, with: &str) -> String {
    let mut text = text.to_owned();
    text.replace_range(place, with);
    text
}

/// The elements of the root, each with its tags.
pub(super) fn children(text: &str) -> Vec<&str> {
    let inner = text.strip_prefix(ROOT).and_then(|text| text.strip_suffix(END)).unwrap_or_default();
    let (mut children, mut rest) = (Vec::new(), inner);
    while let Some(name) = rest.strip_prefix('<').and_then(|tag| Some(tag.split_once('>')?.0)) {
        let Some(place) = find(rest, name).filter(|place| place.start == 0) else { break };
        let (child, behind) = rest.split_at(place.end);
        children.push(child);
        rest = behind;
    }
    children
}

/// The document with these elements.
pub(super) fn of(children: &[&str]) -> String {
    format!("{ROOT}{}{END}", children.concat())
}

/// Writes each text in CDATA in another way.
pub(super) fn each_cdata(text: &str, write: impl Fn(&str) -> String) -> String {
    let (mut done, mut rest) = (String::with_capacity(text.len() * 2), text);
    while let Some((before, behind)) = rest.split_once(CDATA) {
        let Some((inside, behind)) = behind.split_once(CDATA_END) else { break };
        done.push_str(before);
        done.push_str(&write(inside));
        rest = behind;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str =
        "<xml><a><![CDATA[<b>1</b></a>]]></a><b>7</b><l><i><c><![CDATA[x]]></c></i></l></xml>";

    #[test]
    fn elements_are_found_where_they_are_and_not_where_they_are_told_of() {
        assert_eq!(falsify(ANSWER, "b", None), ANSWER.replace("<b>7</b>", "<b>8</b>"));
        assert_eq!(falsify(ANSWER, "b", Some("q")), ANSWER.replace("<b>7</b>", "<b><![CDATA[q]]></b>"));
        assert_eq!(falsify(ANSWER, "c", None), ANSWER.replace("[x]", "[y]"));
        assert_eq!(falsify(ANSWER, "d", Some("]]>")), ANSWER.replace("</xml>", "<d>]]&gt;</d></xml>"));
        assert_eq!(duplicate(ANSWER, "b"), ANSWER.replace("<b>7</b>", "<b>7</b><b>8</b>"));
        assert_eq!(remove(ANSWER, "b"), ANSWER.replace("<b>7</b>", ""));
        assert_eq!(remove(ANSWER, "d"), ANSWER);
        let children = children(ANSWER);
        assert_eq!(children.len(), 3);
        assert_eq!(of(&children), ANSWER);
    }

    #[test]
    fn another_value_is_of_the_same_form() {
        for (field, value, other) in [
            ("total_amount", "1000", "1001"),
            ("total_amount", "9", "8"),
            ("mch_billno", "aZ", "aY"),
            ("re_openid", "oX", "oY"),
            ("status", "SENT", "RECEIVED"),
            ("status", "SENDING", "SENT"),
            ("result_code", "FAIL", "SUCCESS"),
            ("send_time", "2026-01-01 09:00:00", "2026-01-01 09:00:01"),
            ("return_msg", "发放成功", "发放成x"),
            ("x", "", "0"),
        ] {
            assert_eq!(otherwise(field, value), other);
        }
    }
}
