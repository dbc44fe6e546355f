//! The strict reader: bytes to one ordered list of fields, or a typed refusal. quick-xml finds the tokens; this
//! room decides which of them a document of the dialect may have, and where.

use std::borrow::Cow;

use memchr::memchr;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::fields::{Fields, Item, NamedLists, NamedValues, Unverified};
use super::scan::{any, no_character};
use super::{MAX_BODY, MAX_ELEMENTS, MAX_VALUE, is_name, is_xml_char};

/// A list that an endpoint's table declares: the one place where a document may nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// The element that holds the items (`hblist`).
    pub container: &'static str,
    /// The element that repeats inside it (`hbinfo`).
    pub item: &'static str,
}

/// A document that is not of the dialect. It says where and why, never what stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {at}")]
pub struct XmlError {
    /// The rule that was broken.
    pub kind: XmlErrorKind,
    /// How far the reader had come, in bytes.
    pub at: usize,
}

/// The rule that a document broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlErrorKind {
    /// The body is longer than [`MAX_BODY`].
    #[error("body longer than {} KiB", MAX_BODY / 1024)]
    BodyTooLong,
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A character that XML does not allow, written raw or as a reference.
    #[error("character not allowed in XML")]
    Character,
    /// A declaration other than version 1.0, UTF-8 and a `standalone` of `yes` or `no`, or not at the very start.
    #[error("XML declaration not accepted")]
    Declaration,
    /// No `<xml>` element around everything: HTML, JSON, plain text, nothing.
    #[error("no <xml> root")]
    NotXmlRoot,
    /// Something other than white space behind the root.
    #[error("content after the root")]
    Trailing,
    /// A document type definition.
    #[error("DOCTYPE refused")]
    Doctype,
    /// A comment.
    #[error("comment refused")]
    Comment,
    /// A processing instruction.
    #[error("processing instruction refused")]
    ProcessingInstruction,
    /// An attribute.
    #[error("attribute refused")]
    Attribute,
    /// An element name outside `[A-Za-z_][A-Za-z0-9_]*` or longer than 64 bytes.
    #[error("element name not accepted")]
    Name,
    /// An element inside a leaf, or anything but the declared item inside a list.
    #[error("nested element refused")]
    Nested,
    /// Text beside elements.
    #[error("text between elements")]
    Mixed,
    /// The same name twice in one container.
    #[error("duplicate element")]
    Duplicate,
    /// More than [`MAX_ELEMENTS`].
    #[error("more than {MAX_ELEMENTS} elements")]
    TooManyElements,
    /// A value longer than [`MAX_VALUE`].
    #[error("value longer than {} KiB", MAX_VALUE / 1024)]
    ValueTooLong,
    /// A reference other than the five predefined entities and XML's character references.
    #[error("entity reference refused")]
    Reference,
    /// `]]>` in plain text.
    #[error("']]>' in text")]
    CdataEnd,
    /// The document ends before its root does.
    #[error("document cut short")]
    Truncated,
    /// Not well-formed.
    #[error("not well-formed")]
    Syntax,
}

/// Reads a document whose only nesting is in `lists`. What comes out is not verified yet.
pub fn parse<'b>(body: &'b [u8], lists: &[List]) -> Result<Unverified<'b>, XmlError> {
    parse_root(body, "xml", lists)
}

/// Like [`parse`], for a document whose root has another name: the inner one of a refund notice.
pub(crate) fn parse_root<'b>(body: &'b [u8], root: &str, lists: &[List]) -> Result<Unverified<'b>, XmlError> {
    if body.len() > MAX_BODY {
        return Err(XmlError { kind: XmlErrorKind::BodyTooLong, at: MAX_BODY });
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| XmlError { kind: XmlErrorKind::NotUtf8, at: error.valid_up_to() })?;
    if let Some(at) = first_refused(text) {
        return Err(XmlError { kind: XmlErrorKind::Character, at });
    }
    let document = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut reader = Reader::new(document, root, lists);
    let fields = reader.document().map_err(|kind| XmlError {
        kind,
        at: text.len() - document.len() + reader.position().min(document.len()),
    })?;
    Ok(Unverified::new(fields))
}

/// Where the first character stands that is no `Char` of XML.
fn first_refused(text: &str) -> Option<usize> {
    let control = |byte| (byte < b' ') & (byte != b'\t') & (byte != b'\n') & (byte != b'\r');
    // Nearly no document has one; that is cheaper to see than where it stands.
    let first_control = if any(text.as_bytes(), control) { text.bytes().position(control) } else { None };
    first_control.into_iter().chain(no_character(text, false)).min()
}

struct Reader<'b, 'l> {
    tokens: quick_xml::Reader<&'b [u8]>,
    document: &'b str,
    /// Whether line ends may be other than line feeds.
    returns: bool,
    root: &'l str,
    lists: &'l [List],
    elements: usize,
}

type Step<T> = Result<T, XmlErrorKind>;

impl<'b, 'l> Reader<'b, 'l> {
    fn new(document: &'b str, root: &'l str, lists: &'l [List]) -> Self {
        let mut tokens = quick_xml::Reader::from_str(document);
        tokens.config_mut().expand_empty_elements = true;
        let returns = memchr(b'\r', document.as_bytes()).is_some();
        Self { tokens, document, returns, root, lists, elements: 0 }
    }

    fn position(&self) -> usize {
        usize::try_from(self.tokens.buffer_position()).unwrap_or(usize::MAX)
    }

    #[inline(always)]
    fn event(&mut self) -> Step<Event<'b>> {
        self.tokens.read_event().map_err(|_| XmlErrorKind::Syntax)
    }

    /// The whole document: its declaration, white space, the root, white space.
    fn document(&mut self) -> Step<Fields<'b>> {
        loop {
            let at = self.position();
            match self.event()? {
                Event::Decl(_) if at == 0 => self.declaration()?,
                Event::Text(text) if is_space(&text) => {}
                Event::Start(tag) if self.opened(at, &tag)? == self.root => break,
                other => return Err(refused(&other, XmlErrorKind::NotXmlRoot)),
            }
        }
        let fields = self.root()?;
        loop {
            match self.event()? {
                Event::Text(text) if is_space(&text) => {}
                Event::Eof => return Ok(fields),
                other => return Err(refused(&other, XmlErrorKind::Trailing)),
            }
        }
    }

    /// The elements of the root, up to its end tag.
    fn root(&mut self) -> Step<Fields<'b>> {
        let (mut fields, mut lists) = (NamedValues::new(), NamedLists::new());
        while let Some(name) = self.child()? {
            match self.lists.iter().find(|list| list.container == name).copied() {
                Some(list) if lists.iter().any(|(before, _)| *before == list) => {
                    return Err(XmlErrorKind::Duplicate);
                }
                Some(list) => lists.push((list, self.items(list)?)),
                None => fields.push((Cow::Borrowed(name), self.leaf()?)),
            }
        }
        Fields::new(fields, lists).ok_or(XmlErrorKind::Duplicate)
    }

    /// The items of a list, up to its end tag.
    fn items(&mut self, list: List) -> Step<Vec<Item<'b>>> {
        let mut items = Vec::new();
        while let Some(name) = self.child()? {
            if name != list.item {
                return Err(XmlErrorKind::Nested);
            }
            items.push(self.item()?);
        }
        Ok(items)
    }

    /// The leaves of one item, up to its end tag.
    fn item(&mut self) -> Step<Item<'b>> {
        let mut leaves = Vec::new();
        while let Some(name) = self.child()? {
            leaves.push((Cow::Borrowed(name), self.leaf()?));
        }
        Item::new(leaves).ok_or(XmlErrorKind::Duplicate)
    }

    /// The name of the next element of a container, or `None` at the container's end.
    #[inline]
    fn child(&mut self) -> Step<Option<&'b str>> {
        loop {
            let at = self.position();
            match self.event()? {
                Event::Start(tag) => {
                    self.elements += 1;
                    if self.elements > MAX_ELEMENTS {
                        return Err(XmlErrorKind::TooManyElements);
                    }
                    return self.opened(at, &tag).map(Some);
                }
                Event::Text(text) if is_space(&text) => {}
                Event::End(_) => return Ok(None),
                other => return Err(refused(&other, XmlErrorKind::Mixed)),
            }
        }
    }

    /// The value of a leaf, up to its end tag: all its pieces, joined. Borrowed while there is only one.
    #[inline]
    fn leaf(&mut self) -> Step<Cow<'b, str>> {
        let mut value = Cow::Borrowed("");
        loop {
            let at = self.position();
            let piece = match self.event()? {
                Event::End(_) => return Ok(value),
                Event::CData(text) if self.returns => text.xml10_content(),
                Event::CData(text) => text.into_inner(),
                Event::Text(text) if text.contains('>') && text.contains("]]>") => {
                    return Err(XmlErrorKind::CdataEnd);
                }
                Event::Text(text) if self.returns => text.xml10_content(),
                Event::Text(text) => text.into_inner(),
                Event::GeneralRef(reference) => Cow::Owned(resolve(&reference)?.to_string()),
                Event::Start(tag) => return Err(self.opened(at, &tag).err().unwrap_or(XmlErrorKind::Nested)),
                other => return Err(refused(&other, XmlErrorKind::Nested)),
            };
            if value.len() + piece.len() > MAX_VALUE {
                return Err(XmlErrorKind::ValueTooLong);
            }
            if value.is_empty() {
                value = piece;
            } else {
                value += piece;
            }
        }
    }

    /// The name of the tag that starts at `at`, taken from the document itself so that it lives as long.
    #[inline]
    fn opened(&self, at: usize, tag: &BytesStart<'_>) -> Step<&'b str> {
        if !is_space(tag.attributes_raw()) {
            return Err(XmlErrorKind::Attribute);
        }
        let len = tag.name().into_inner().len();
        let name = self.document.get(at + 1..at + 1 + len).ok_or(XmlErrorKind::Syntax)?;
        if is_name(name) { Ok(name) } else { Err(XmlErrorKind::Name) }
    }

    /// The declaration just read: `version="1.0"`, then, if at all, `encoding="UTF-8"`, then, if at all, `standalone`, which
    /// says nothing where there is no DTD. The JDK writes it.
    fn declaration(&self) -> Step<()> {
        let declaration = self.document.get(..self.position()).unwrap_or_default();
        let inside = declaration.strip_prefix("<?xml").and_then(|rest| rest.strip_suffix("?>"));
        let rest = inside.and_then(|text| attribute(text, "version", |found| found == "1.0"));
        let rest = rest.map(|text| {
            let behind =
                attribute(text, "encoding", |found| found.eq_ignore_ascii_case("UTF-8")).unwrap_or(text);
            attribute(behind, "standalone", |found| matches!(found, "yes" | "no")).unwrap_or(behind)
        });
        if rest.is_some_and(is_space) { Ok(()) } else { Err(XmlErrorKind::Declaration) }
    }
}

/// Why a document cannot have `event` where it stands: by its own nature, or because of the place.
#[cold]
fn refused(event: &Event<'_>, by_place: XmlErrorKind) -> XmlErrorKind {
    match event {
        Event::DocType(_) => XmlErrorKind::Doctype,
        Event::Comment(_) => XmlErrorKind::Comment,
        Event::PI(_) => XmlErrorKind::ProcessingInstruction,
        Event::Decl(_) => XmlErrorKind::Declaration,
        Event::Eof if by_place != XmlErrorKind::NotXmlRoot => XmlErrorKind::Truncated,
        Event::Text(text) if text.contains("]]>") => XmlErrorKind::CdataEnd,
        _ => by_place,
    }
}

/// White space, `name="value"` with a value that is `accepted`; what stands behind it. quick-xml would take attributes
/// without white space between them.
fn attribute<'t>(text: &'t str, name: &str, accepted: impl Fn(&str) -> bool) -> Option<&'t str> {
    let space = |c: char| u8::try_from(c).is_ok_and(is_space_byte);
    let named = text.strip_prefix(space)?.trim_start_matches(space).strip_prefix(name)?;
    let quoted = named.trim_start_matches(space).strip_prefix('=')?.trim_start_matches(space);
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (found, rest) = quoted.strip_prefix(quote)?.split_once(quote)?;
    accepted(found).then_some(rest)
}

/// `&lt;` and its four sisters, `&#60;`, `&#x3C;`; nothing else.
fn resolve(reference: &BytesRef<'_>) -> Step<char> {
    let c = match &**reference {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        other => {
            let number = other.strip_prefix('#').ok_or(XmlErrorKind::Reference)?;
            let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
            // `from_str_radix` takes a leading plus sign, XML does not.
            if !digits.chars().all(|c| c.is_digit(radix)) {
                return Err(XmlErrorKind::Reference);
            }
            let code = u32::from_str_radix(digits, radix).map_err(|_| XmlErrorKind::Reference)?;
            char::from_u32(code).ok_or(XmlErrorKind::Character)?
        }
    };
    if is_xml_char(c) { Ok(c) } else { Err(XmlErrorKind::Character) }
}

fn is_space(text: &str) -> bool {
    text.bytes().all(is_space_byte)
}

fn is_space_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
