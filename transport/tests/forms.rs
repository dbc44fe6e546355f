//! What PEM becomes on its way: environment variables, secrets, editors, copying. Where it is clear what it was, it is
//! read; everything else is an error that says what happened to it.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair};
use rustls::SignatureScheme::{ECDSA_NISTP256_SHA256, RSA_PSS_SHA256};
use rustls::pki_types::CertificateDer;
use wechatpay_transport::{Identity, IdentityError, Lane, PemError, Settings};

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("identities/", $name))
    };
}

const RSA_CERT: &str = file!("rsa.cert.pem");
const RSA_KEY: &str = file!("rsa.key.pem");
const EC_CERT: &str = file!("ec.cert.pem");
const EC_KEY: &str = file!("ec.key.pem");

/// Certificates with a key of theirs, in every form of key.
const PAIRS: [(&str, &str); 5] = [
    (RSA_CERT, RSA_KEY),
    (RSA_CERT, file!("rsa.pkcs1.pem")),
    (file!("rsa-4096.cert.pem"), file!("rsa-4096.key.pem")),
    (EC_CERT, EC_KEY),
    (EC_CERT, file!("ec.sec1.pem")),
];

fn read(certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Identity, IdentityError> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Identity::from_pem_at(certificate.as_ref(), key.as_ref(), now)
}

/// What a server sees: the chain, and the public key that signatures are checked with.
fn shown(identity: Identity) -> (Vec<CertificateDer<'static>>, Option<Vec<u8>>) {
    let prepared = Settings::new().identity(identity).prepare().unwrap();
    let config = prepared.tls(Lane::Merchant).unwrap();
    let schemes = [RSA_PSS_SHA256, ECDSA_NISTP256_SHA256];
    let pair = config.client_auth_cert_resolver.resolve(&[], &schemes).unwrap();
    (pair.cert.clone(), pair.key.public_key().map(|key| key.as_ref().to_vec()))
}

/// Without its armour and its line breaks.
fn bare(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn lines(pem: &str, with: &str) -> String {
    pem.lines().map(|line| format!("{line}{with}")).collect()
}

fn indented(pem: &str, by: &str) -> String {
    pem.lines().map(|line| format!("{by}{line}\n")).collect()
}

/// What happens to a PEM, with its name.
type Change = (&'static str, fn(&str) -> String);

/// What leaves no doubt about what it was.
const CHANGES: [Change; 26] = [
    ("as it is", |pem| pem.into()),
    ("without line breaks", |pem| lines(pem, "")),
    ("spaces in place of line breaks", |pem| lines(pem, " ")),
    ("without any white space", |pem| pem.split_whitespace().collect()),
    (r"\n as two characters", |pem| lines(pem, r"\n")),
    (r"\r\n as four characters", |pem| lines(pem, r"\r\n")),
    (r"\\n as three characters", |pem| lines(pem, r"\\n")),
    (r"\n and a line break", |pem| lines(pem, "\\n\n")),
    ("a backslash and a line break", |pem| lines(pem, "\\\n")),
    ("escaped slashes", |pem| lines(&pem.replace('/', r"\/"), r"\n")),
    ("indented", |pem| indented(pem, "    ")),
    ("indented with tabs", |pem| indented(pem, "\t\t")),
    ("double quotes", |pem| format!("\"{pem}\"")),
    ("single quotes", |pem| format!("'{pem}'\n")),
    ("quotes and two characters", |pem| format!("\"{}\"", lines(pem, r"\n"))),
    ("in JSON", |pem| format!(r#"{{"key":"{}","n":1}}"#, lines(pem, r"\n"))),
    ("in YAML", |pem| format!("key: |\n{}", indented(pem, "  "))),
    ("assigned", |pem| format!("WECHATPAY_PEM=\"{pem}\"")),
    ("CRLF", |pem| lines(pem, "\r\n")),
    ("CR", |pem| lines(pem, "\r")),
    ("a byte order mark", |pem| format!("\u{feff}{pem}")),
    ("blank lines", |pem| lines(pem, "\n\n")),
    ("a comment and trailing spaces", |pem| format!("# of 2026\n{}", lines(pem, "  \n"))),
    ("base64", base64),
    ("base64 with line breaks and quotes", |pem| {
        let text = base64(pem);
        let rows: Vec<_> = text.as_bytes().chunks(76).map(|row| std::str::from_utf8(row).unwrap()).collect();
        format!("\"{}\"\n", rows.join("\n"))
    }),
    ("base64 of one line", |pem| base64(&format!("{}\n", lines(pem, r"\n")))),
];

/// The same where there is one certificate, or one key, and its armour is gone.
const WITHOUT_ARMOUR: [Change; 5] = [
    ("bare base64", bare),
    ("bare base64 in lines", |pem| {
        format!(
            "\n{}",
            pem.lines()
                .filter(|line| !line.starts_with('-'))
                .fold(String::new(), |text, line| text + line + "\r\n")
        )
    }),
    ("bare base64 in quotes", |pem| format!("'{}'", bare(pem))),
    ("bare base64 without its padding", |pem| bare(pem).trim_end_matches('=').into()),
    ("bare base64 with two characters", |pem| format!("\u{feff}\"{}\\n\"", bare(pem))),
];

#[test]
fn what_is_clear_is_read() {
    let mut wrong = Vec::new();
    for (certificate, key) in PAIRS {
        let expected = shown(read(certificate, key).unwrap());
        for (name, change) in CHANGES.iter().chain(&WITHOUT_ARMOUR) {
            for (which, certificate, key) in [
                ("certificate", change(certificate), key.to_owned()),
                ("key", certificate.to_owned(), change(key)),
                ("both", change(certificate), change(key)),
            ] {
                match read(certificate, key) {
                    Ok(identity) if shown(identity.clone()) == expected => {}
                    other => wrong.push(format!("{name} ({which}): {other:?}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the old tools wrote under one name and the new ones write under another: the content tells what it is.
#[test]
fn a_key_may_stand_under_the_name_of_another_kind() {
    for (certificate, key) in PAIRS {
        let expected = shown(read(certificate, key).unwrap());
        for name in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
            let named = format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", bare(key));
            assert_eq!(shown(read(certificate, named).unwrap()), expected, "{name}");
        }
    }
}

#[test]
fn what_is_commented_out_does_not_count() {
    let (old, old_key) = (indented(RSA_CERT, "# "), indented(RSA_KEY, "  #"));
    let identity = read(format!("{old}\n{EC_CERT}"), format!("{EC_KEY}{old_key}")).unwrap();
    assert_eq!(shown(identity), shown(read(EC_CERT, EC_KEY).unwrap()));
    assert!(matches!(read(old, EC_KEY), Err(IdentityError::NoCertificate)));
}

/// What it is called, what it is refused as, and how it comes about.
type Named<'a> = (&'a str, PemError, &'a dyn Fn(&str) -> Vec<u8>);

/// What does leave a doubt, or is no PEM at all.
#[test]
fn what_is_not_clear_is_named() {
    use PemError::{
        Character, CutOff, Incomplete, Markers, Other, Path, Pkcs12, TextFilter, UrlEncoded, Utf16,
    };
    let public = "-----BEGIN PRIVATE KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEexGE6nuy81aO7kS7WyzFdTFfG1LMFj/a\
                  jI9x7rQNf5n6wJsU3/7YsuGz/L7WX8pRr1Oh0ZfCImsAm28hGxUYZw==\n-----END PRIVATE KEY-----";
    let second_line = |pem: &str| pem.lines().nth(1).unwrap().to_owned() + "\n";
    let url = |pem: &str| {
        let text = pem.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        text.replace('\n', "%0A")
    };
    let utf_16 = |pem: &str| pem.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let p12 = include_bytes!("identities/rsa.legacy.p12");
    let p12_as_base64 = |_: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(p12)
    };
    let latin_1 = |_: &str| p12.iter().map(|byte| char::from(*byte)).collect::<String>();
    let ascii = |_: &str| p12.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }).collect();
    let changes: [Named<'_>; 30] = [
        ("UTF-16 with its mark", Utf16, &|pem| utf_16(&format!("\u{feff}{pem}"))),
        ("UTF-16 without its mark", Utf16, &utf_16),
        ("UTF-16, the other way round", Utf16, &|pem| pem.bytes().flat_map(|byte| [byte, 0]).collect()),
        ("without its last line", CutOff, &|pem| pem[..pem.rfind("-----END").unwrap()].into()),
        ("within its last line", CutOff, &|pem| pem[..pem.trim_end().len() - 1].into()),
        ("within its first line", CutOff, &|pem| pem[..12].into()),
        ("half", CutOff, &|pem| pem[..pem.len() / 2].into()),
        ("half, and another", CutOff, &|pem| format!("{}\n{pem}", &pem[..pem.len() / 2]).into()),
        ("without its first line", Markers, &|pem| pem[pem.find('\n').unwrap()..].into()),
        ("four hyphens in front", Markers, &|pem| pem[1..].into()),
        ("four hyphens behind", Markers, &|pem| pem.replacen("-----\n", "----\n", 1).into()),
        ("dashes for hyphens", Markers, &|pem| pem.replace("-----", "—–").into()),
        ("another last line", Markers, &|pem| pem.replacen("END ", "END OF ", 1).into()),
        ("small letters", Markers, &|pem| pem.replace("-----END", "-----end").into()),
        ("a line lost", Incomplete, &|pem| pem.replace(&second_line(pem), "").into()),
        ("a line twice", Incomplete, &|pem| {
            pem.replace(&second_line(pem), &second_line(pem).repeat(2)).into()
        }),
        ("+ became a space", Incomplete, &|pem| pem.replace('+', " ").into()),
        ("a letter lost", Incomplete, &|pem| [&pem[..100], &pem[101..]].concat().into()),
        ("bare base64, cut off", Incomplete, &|pem| bare(pem)[..120].into()),
        ("bare base64, + became a space", Incomplete, &|pem| bare(pem).replace('+', " ").into()),
        ("a mark of quotation", Character('>'), &|pem| indented(pem, "> ").into()),
        ("a space that does not break", Character('\u{a0}'), &|pem| lines(pem, "\u{a0}").into()),
        ("an unknown escape", Character('\\'), &|pem| lines(pem, r"\x0a").into()),
        ("the alphabet of URLs", Character('_'), &|pem| pem.replace('/', "_").into()),
        ("URL-encoded", UrlEncoded, &|pem| url(pem).replace(' ', "%20").into()),
        ("URL-encoded as a form", UrlEncoded, &|pem| url(pem).replace(' ', "+").into()),
        ("URL-encoded within", UrlEncoded, &|pem| url(pem).into()),
        ("URL-encoded bare base64", UrlEncoded, &|pem| url(&bare(pem)).into()),
        ("the name of the file", Path, &|_| b"/etc/wechatpay/apiclient_key.pem\n".into()),
        ("a public key", Other, &|_| public.into()),
    ];
    let binary: [Named<'_>; 4] = [
        ("PKCS#12 as base64", Pkcs12, &|pem| p12_as_base64(pem).into()),
        ("PKCS#12, filtered", TextFilter, &|_| String::from_utf8_lossy(p12).as_bytes().into()),
        ("PKCS#12, recoded", TextFilter, &|pem| latin_1(pem).into()),
        ("PKCS#12, as ASCII", TextFilter, &ascii),
    ];
    for (name, expected, change) in changes.into_iter().chain(binary) {
        // Both have every letter of base64.
        match read(RSA_CERT, change(RSA_KEY)) {
            Err(IdentityError::KeyPem(error)) => assert_eq!(error, expected, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        match read(change(RSA_CERT), RSA_KEY) {
            Err(IdentityError::CertificatePem(error)) => assert_eq!(error, expected, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// A chain may stand in any order, and what does not belong to it is not shown.
#[test]
fn the_certificate_of_the_key_comes_first() {
    let named = |name: &str| {
        let mut params = CertificateParams::default(); // 1975 to 4096
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let issuer = CertifiedIssuer::self_signed(named("issuer"), KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = named("1900000109").signed_by(&key, &issuer).unwrap();
    let (key, leaf, issuer) = (key.serialize_pem(), leaf.pem(), issuer.pem());
    let chain = shown(read([&*leaf, &issuer].concat(), &key).unwrap());
    assert_eq!(chain.0.len(), 2);
    for order in [vec![&*issuer, &leaf], vec![EC_CERT, &issuer, &leaf], vec![&issuer, EC_CERT, &leaf, &leaf]]
    {
        let identity = read(order.concat(), &key).unwrap();
        assert_eq!(identity.common_name(), Some("1900000109"));
        assert_eq!(shown(identity), chain, "{order:?}");
    }
    assert_eq!(shown(read([EC_CERT, &*leaf].concat(), &key).unwrap()).0, chain.0[..1]);
    // Of several keys, the one that has a certificate.
    assert_eq!(shown(read(&leaf, [EC_KEY, &*key].concat()).unwrap()).0, chain.0[..1]);
    assert!(matches!(read([EC_CERT, &*issuer].concat(), &key), Err(IdentityError::KeyMismatch)));
}

#[test]
fn an_encrypted_key_is_named_in_every_form() {
    for key in [file!("rsa.encrypted.pem"), file!("rsa.encrypted-pkcs1.pem")] {
        for (name, change) in CHANGES {
            let error = read(RSA_CERT, change(key)).unwrap_err();
            assert!(matches!(error, IdentityError::EncryptedKey), "{name}: {error:?}");
        }
    }
    let error = read(RSA_CERT, bare(file!("rsa.encrypted.pem"))).unwrap_err();
    assert!(matches!(error, IdentityError::EncryptedKey), "{error:?}");
    let error = read(file!("rsa.encrypted.pem"), RSA_CERT).unwrap_err();
    assert!(matches!(error, IdentityError::Swapped), "{error:?}");
}

/// The same way each time.
fn tried(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(15),
        failure_persistence: None,
        ..Config::default()
    })
}

/// Any pair, through any changes that do not get in each other's way: what is inside, then what is around it.
#[test]
fn any_pem_through_any_changes_is_the_same_identity() {
    let change = || 0..CHANGES.len();
    let around = [
        |pem: &str| pem.to_owned(),
        |pem: &str| format!("\u{feff}{pem}\r\n"),
        |pem: &str| format!("\n\t \"{pem}\" \n"),
    ];
    let strategy = (0..PAIRS.len(), change(), change(), 0..around.len(), 0..around.len(), "[ \t\r\n]{0,9}");
    let tested = tried(300).run(&strategy, |(pair, first, second, outer, other, space)| {
        let (certificate, key) = PAIRS[pair];
        let expected = shown(read(certificate, key).unwrap());
        let certificate = around[outer](&(space.clone() + &CHANGES[first].1(certificate)));
        let key = around[other](&(CHANGES[second].1(key) + &space));
        let name = (CHANGES[first].0, CHANGES[second].0);
        match read(certificate, key) {
            Ok(identity) => prop_assert_eq!(shown(identity), expected, "{:?}", name),
            Err(error) => prop_assert!(false, "{name:?}: {error:?}"),
        }
        Ok(())
    });
    tested.unwrap();
}

/// Whatever happens to a file, with or without a change from above: it does not panic, and where it is read the key is
/// the same one. Where characters were lost or added, the certificate is the same, too. (One letter of a certificate may
/// become another, outside of its public key, and only who has the issuer's can tell.)
#[test]
fn damage_never_panics_and_never_makes_another_identity() {
    #[derive(Clone, Copy, Debug)]
    enum Damage {
        Lost(usize),
        Another(u8),
        More(u8),
        CutOff,
        Swapped,
    }
    let letters = b"AZaz09+/=-_ \n\r\\\"'%n\x00\xff\xe2";
    let letter = || prop::sample::select(letters.to_vec());
    let damage = prop_oneof![
        (1..99_usize).prop_map(Damage::Lost),
        letter().prop_map(Damage::Another),
        letter().prop_map(Damage::More),
        Just(Damage::CutOff),
        Just(Damage::Swapped),
    ];
    let strategy = (0..PAIRS.len(), 0..CHANGES.len(), any::<bool>(), any::<prop::sample::Index>(), damage);
    let tested = tried(600).run(&strategy, |(pair, change, of_key, at, damage)| {
        let (certificate, key) = PAIRS[pair];
        let expected = shown(read(certificate, key).unwrap());
        let mut file = CHANGES[change].1(if of_key { key } else { certificate }).into_bytes();
        let at = at.index(file.len());
        match damage {
            Damage::Lost(many) => drop(file.drain(at..(at + many).min(file.len()))),
            Damage::Another(byte) => file[at] = byte,
            Damage::More(byte) => file.insert(at, byte),
            Damage::CutOff => file.truncate(at),
            Damage::Swapped => file.swap(at, at.saturating_sub(1)),
        }
        let identity = match of_key {
            true => read(certificate, file),
            false => read(file, key),
        };
        if let Ok(identity) = identity {
            let (chain, public) = shown(identity);
            prop_assert_eq!(public, expected.1);
            let same_length = matches!(damage, Damage::Another(_) | Damage::Swapped);
            prop_assert!(chain == expected.0 || !of_key && same_length && chain.len() == expected.0.len());
        }
        Ok(())
    });
    tested.unwrap();
}
