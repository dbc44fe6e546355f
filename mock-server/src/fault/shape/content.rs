//! Documents that are not what they should be. A sign is left as it is: what is changed under it makes it wrong.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{document, edit, with_body};
use crate::answer;
use crate::fault::Content;

/// The size of a huge answer where none is given: 10 MiB.
const HUGE: usize = 10 * 1024 * 1024;
const DOCTYPE: &str = "<!DOCTYPE xml>";
/// What the innermost entity of the bomb stands for.
const POWDER: &str = "mockmockmo";
/// The entities, of which each stands for ten of the one before: ten million bytes in the end.
const LEVELS: [char; 6] = ['a', 'b', 'c', 'd', 'e', 'f'];

pub(super) fn content(response: Response<Bytes>, how: &Content, draw: u64) -> Response<Bytes> {
    match how {
        Content::Truncated { at } => response.map(|body| {
            let most = body.len().saturating_sub(1);
            body.slice(..at.unwrap_or(body.len() / 2).min(most))
        }),
        Content::Empty => response.map(|_| Bytes::new()),
        Content::Html => {
            let page = answer::page(StatusCode::OK, "Welcome to nginx!");
            with_body(response, "text/html", page.into_body())
        }
        Content::Charset => response.map(|body| two_bytes(&String::from_utf8_lossy(&body)).into()),
        Content::Bom => response.map(|body| ["\u{feff}".as_bytes(), &body].concat().into()),
        Content::ExtraField => edit(response, |text| document::add(text, "mock_extra", "of the future")),
        Content::DuplicateField { field } => edit(response, |text| document::duplicate(text, field)),
        Content::MissingField { field } => edit(response, |text| document::remove(text, field)),
        Content::Reordered => edit(response, |text| reordered(text, draw)),
        Content::CdataSplit => edit(response, |text| document::each_cdata(text, split)),
        Content::Entities => edit(response, |text| document::each_cdata(text, escape)),
        Content::Doctype => edit(response, |text| format!("{DOCTYPE}{text}")),
        Content::EntityBomb => edit(response, bomb),
        Content::Huge { bytes } => edit(response, |text| grown(text, bytes.unwrap_or(HUGE))),
    }
}

/// As in GBK, every character beyond ASCII is two bytes, of which the first is 0x81 to 0xfe and the second has its
/// highest bit set too. Which two is not what GBK says: it is enough that nothing reads them as UTF-8.
fn two_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(c).ok().filter(u8::is_ascii) {
            Some(ascii) => bytes.push(ascii),
            // Two heads of a sequence, none of which may follow the other.
            None => bytes.extend([0xc4, 0xe3]),
        }
    }
    bytes
}

/// The elements in an order that is drawn, and is not the one they had.
fn reordered(text: &str, draw: u64) -> String {
    let mut children = document::children(text);
    let count = children.len();
    let mut draw = draw;
    for at in (1..count).rev() {
        let places = at as u64 + 1;
        children.swap(at, (draw % places) as usize);
        draw = (draw / places).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
    if document::of(&children) == text {
        children.rotate_left(1.min(count));
    }
    document::of(&children)
}

/// Two sections in place of one, with the cut in the middle.
fn split(text: &str) -> String {
    let middle = text.char_indices().map(|(at, _)| at).nth(text.chars().count() / 2).unwrap_or_default();
    let (one, other) = text.split_at(middle);
    format!("<![CDATA[{one}]]><![CDATA[{other}]]>")
}

fn escape(text: &str) -> String {
    let letter = |c: char| match c {
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '&' => "&amp;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&apos;".to_owned(),
        ascii if ascii.is_ascii() => ascii.to_string(),
        other => format!("&#x{:X};", u32::from(other)),
    };
    text.chars().map(letter).collect()
}

fn bomb(text: &str) -> String {
    let (mut entities, mut inner) = (String::new(), POWDER.to_owned());
    for name in LEVELS {
        entities += &format!("<!ENTITY {name} \"{inner}\">");
        inner = format!("&{name};").repeat(10);
    }
    let document = document::append(text, &format!("<mock_bomb>{inner}</mock_bomb>"));
    format!("<!DOCTYPE xml [{entities}]>{document}")
}

/// White space in front of the elements, up to a size.
fn grown(text: &str, size: usize) -> String {
    let space = " ".repeat(size.saturating_sub(text.len()));
    text.replacen(document::ROOT, &format!("{}{space}", document::ROOT), 1)
}
