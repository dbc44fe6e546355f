//! What PEM and base64 become on their way through environment variables, configuration files and editors, undone
//! where only one reading is possible. Nothing of base64 itself is ever taken away or added: what lost a character is an
//! error, by the length that the document inside tells.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Strict, but for the padding, which some stores of secrets take away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) const BEGIN: &[u8] = b"-----BEGIN";

/// The text without its byte order mark and its comments, and with real line breaks where `\n` stands for them.
pub(super) fn plain(file: &[u8]) -> Vec<u8> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let lines = file.split_inclusive(|byte| *byte == b'\n');
    unescape(&lines.filter(|line| !line.trim_ascii_start().starts_with(b"#")).collect::<Vec<_>>().concat())
}

/// Undoes what JSON, shells and programming languages do, once or several times. An escape that is none of theirs stays
/// as it is, which makes the base64 around it an error.
fn unescape(text: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
        match rest.get(slashes) {
            Some(b'n' | b'r' | b't') => {
                out.push(b'\n');
                rest = &rest[slashes + 1..];
            }
            Some(b'/' | b'"' | b'\'' | b'\n' | b'\r') => rest = &rest[slashes..],
            _ => out.push(b'\\'),
        }
    }
    out
}

/// What the whole of a text is the base64 of, if it is nothing else. Quotation marks may be around it.
pub(super) fn whole_base64(text: &[u8]) -> Option<Vec<u8>> {
    decode(unquoted(text)).filter(|bytes| !bytes.is_empty())
}

/// The text without the quotation marks around it.
pub(super) fn unquoted(text: &[u8]) -> &[u8] {
    let mut text = text.trim_ascii();
    while let [b'"', inside @ .., b'"'] | [b'\'', inside @ .., b'\''] = text {
        text = inside.trim_ascii();
    }
    text
}

/// `None` where a character is not of base64, or where some are missing.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(squeezed(text)).ok()
}

/// Without its white space.
pub(super) fn squeezed(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
}

/// The first character that base64 does not have.
pub(super) fn first_foreign(text: &[u8]) -> Option<char> {
    let text: Cow<'_, str> = String::from_utf8_lossy(text);
    text.chars().find(|character| !is_base64(*character))
}

fn is_base64(character: char) -> bool {
    matches!(character, 'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' | '=')
        || character.is_ascii_whitespace()
}

/// Whether a binary file went through something that took it for text: a filter of resources or templates, an editor, a
/// copy as text. Bytes that are no text become U+FFFD (EF BF BD) or `?` there, or two bytes each. DER begins with the digit
/// 0 and a byte that no text has there, so a file that is text and begins like that was changed.
pub(super) fn is_filtered(file: &[u8]) -> bool {
    let text = match std::str::from_utf8(file) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&file[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    // Numbers of version and tags come early in DER, and stay as they are.
    let odd = |character: char| character.is_control() && !character.is_whitespace();
    text.trim_start_matches('\u{feff}').starts_with('0') && text.contains(odd)
}

pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    find(text, part).is_some()
}
