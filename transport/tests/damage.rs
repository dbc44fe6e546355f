//! What happens to `apiclient_cert.p12` on its way, and what the error says of it.
#![cfg(feature = "p12")]

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wechatpay_transport::{Identity, IdentityError, P12Error};

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("identities/", $name)).as_slice()
    };
}

const FILES: [&[u8]; 5] = [
    file!("rsa.legacy.p12"),
    file!("rsa.p12"),
    file!("ec.legacy.p12"),
    file!("ec.p12"),
    file!("java-rsa.p12"),
];

fn read(p12: impl AsRef<[u8]>) -> Result<Identity, IdentityError> {
    Identity::from_p12_at(
        p12.as_ref(),
        "1900000109",
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
    )
}

fn refused(p12: impl AsRef<[u8]>) -> P12Error {
    match read(p12) {
        Err(IdentityError::P12(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// Build tools that fill in variables in resources, editors, and shells that convert what they pass on.
#[test]
fn a_file_that_was_taken_for_text_is_named() {
    for p12 in FILES {
        let filtered = String::from_utf8_lossy(p12).into_owned();
        assert!(filtered.as_bytes().windows(3).any(|three| three == [0xef, 0xbf, 0xbd]));
        let recoded: String = p12.iter().map(|byte| char::from(*byte)).collect();
        let ascii: Vec<u8> = p12.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }).collect();
        let in_the_middle = filtered.rfind('\u{fffd}').unwrap() + 1;
        for damaged in [
            filtered.as_bytes(),
            format!("\u{feff}{filtered}").as_bytes(),
            format!("{filtered}\n").as_bytes(),
            &filtered.as_bytes()[..in_the_middle],
            recoded.as_bytes(),
            &ascii,
            STANDARD.encode(&filtered).as_bytes(),
        ] {
            let error = refused(damaged);
            assert!(matches!(error, P12Error::TextFilter), "{error:?}");
            assert!(error.to_string().contains("filter of resources"), "{error}");
        }
    }
}

#[test]
fn changed_line_ends_are_named() {
    let mut changed = 0;
    for p12 in FILES {
        let mut damaged = Vec::new();
        for byte in p12 {
            damaged.extend(if *byte == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(byte) });
        }
        if damaged.len() == p12.len() {
            continue;
        }
        changed += 1;
        for damaged in [damaged.clone(), STANDARD.encode(&damaged).into()] {
            let error = refused(damaged);
            assert!(matches!(error, P12Error::LineEnds), "{error:?}");
            assert!(error.to_string().contains("LF to CR LF"), "{error}");
        }
    }
    assert!(changed > 2, "{changed} files have a line feed in them");
}

#[test]
fn a_wrong_length_is_named() {
    for p12 in FILES {
        let whole = p12.len();
        for len in [4, 5, 100, whole - 1] {
            let error = refused(&p12[..len]);
            assert!(
                matches!(error, P12Error::Length { expected, len: is } if (expected, is) == (whole, len))
            );
            assert!(error.to_string().contains("it is cut off"), "{error}");
        }
        let error = refused([p12, b"\n"].concat());
        assert!(matches!(error, P12Error::Length { expected, len } if (expected, len) == (whole, whole + 1)));
        assert!(error.to_string().contains("something was added"), "{error}");
    }
}

#[test]
fn a_file_without_a_content_is_named() {
    for empty in ["", " \r\n", "\n\n"] {
        let error = refused(empty);
        assert!(matches!(error, P12Error::Empty), "{error:?}");
    }
}

#[test]
fn text_is_named() {
    let pem = include_str!("identities/rsa.bag-attributes.pem");
    for pem in [pem, &format!("\u{feff}{pem}"), &STANDARD.encode(pem), &pem.replace('\n', r"\n")] {
        assert!(matches!(refused(pem), P12Error::Pem));
    }
    let utf_16 = |text: &str| {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect::<Vec<u8>>()
    };
    let page = "<!DOCTYPE html><title>登录</title>";
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2734\n";
    for text in [page.into(), pointer.into(), "apiclient_cert.p12".into(), utf_16(pem), utf_16(page)] {
        let error = refused(&text);
        assert!(matches!(error, P12Error::Text), "{error:?}");
    }
}

/// Secrets are kept as base64: as long as it is nothing else, it is clear what it is.
#[test]
fn base64_is_read() {
    for p12 in FILES {
        let text = STANDARD.encode(p12);
        let rows: Vec<_> = text.as_bytes().chunks(64).map(|row| std::str::from_utf8(row).unwrap()).collect();
        for text in [
            text.clone(),
            rows.join("\n"),
            rows.join("\r\n") + "\r\n",
            rows.join(r"\n"),
            format!("\"{text}\""),
            format!("\u{feff}{text}\n"),
            text.trim_end_matches('=').to_owned(),
        ] {
            assert_eq!(read(text).unwrap().common_name(), Some("1900000109"));
        }
        let error = refused(&text[..text.len() / 8 * 4]);
        assert!(matches!(error, P12Error::Length { .. }), "{error:?}");
        for damaged in [text[1..].to_owned(), text.replace('+', "-"), format!("{text}!")] {
            assert!(matches!(read(damaged), Err(IdentityError::P12(_))));
        }
    }
}
