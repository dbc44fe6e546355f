//! The untyped door, with any path, any names and any values.

use wechatpay_proto::call::PATHS;
use wechatpay_proto::endpoint::{Method, Outgoing as _};
use wechatpay_proto::wire::{self, Value};
use wechatpay_proto::{Call, Merchant, Nonce, SignType};

use super::{Pieces, agrees, signs, verified};
use crate::naive::Pairs;

/// What the core fills in by itself.
const OWN: [&str; 3] = ["nonce_str", "sign_type", "sign"];

pub(super) fn call(merchant: &Merchant, nonce: Nonce, pieces: &mut Pieces<'_>) {
    let (call, given) = make(pieces);
    let signed = match merchant.sign(&call, nonce) {
        Ok(signed) => signed,
        Err(error) => return assert!(!error.field().is_empty(), "{error}"),
    };
    let (spec, string_to_sign) = (call.spec(), signed.string_to_sign());
    let there = match spec.method {
        Method::Post => {
            let document = wire::parse(signed.xml().as_bytes(), &[]).expect("what we write, we read");
            verified(&spec, document.untrusted(), merchant);
            agrees(signed.xml(), &string_to_sign, &spec, merchant)
        }
        _ => {
            assert_eq!(signed.xml(), "");
            let there = query(signed.uri().query().unwrap_or_default());
            signs(&there, &string_to_sign, &spec, merchant);
            there
        }
    };
    let inner = spec.inner.map(|inner| inner.name);
    let own = |name: &str| OWN.contains(&name) || inner == Some(name);
    for (name, value) in &there {
        let own = own(name) || value == merchant.mch_id();
        assert!(own || given.contains(&(name.clone(), value.clone())), "{name} was not given");
    }
    for pair in &given {
        assert!(there.contains(pair), "{} is lost", pair.0);
    }
}

/// A call and the pairs with a value that it was given.
fn make<'d>(pieces: &mut Pieces<'d>) -> (Call<'d>, Pairs) {
    let path = pieces.text();
    let index = path.parse().unwrap_or(usize::MAX);
    let mut call = Call::new(PATHS.get(index).map_or(path, |row| row.path));
    if pieces.flag() {
        call = call.method(Method::Get);
    }
    if pieces.flag() {
        call = call.sign_type(if pieces.flag() { SignType::Md5 } else { SignType::HmacSha256 });
    }
    if pieces.flag() {
        call = call.nonce(false);
    }
    if pieces.flag() {
        call = call.merchant_row(if pieces.flag() { Some("mchid") } else { None });
    }
    if pieces.flag() {
        call = call.echo("amount");
    }
    if pieces.flag() {
        call = call.query("action", pieces.text());
    }
    let mut given = Pairs::new();
    while !pieces.rest.is_empty() {
        let (name, text) = (pieces.text(), pieces.text());
        // A number goes out bare, a text in CDATA.
        let number: Option<u64> = text.parse().ok().filter(|number: &u64| number.to_string() == text);
        call = call.field(name, number.map_or(Value::Text(text), Value::Number));
        if !text.is_empty() {
            given.push((name.to_owned(), text.to_owned()));
        }
    }
    (call, given)
}

/// The pairs of a query, decoded.
fn query(query: &str) -> Pairs {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').expect("a pair");
        (name.to_owned(), decode(value))
    };
    query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
}

fn decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |c: u8| char::from(c).to_digit(16).expect("a hex digit") as u8;
                bytes.push(digit(*high) << 4 | digit(*low));
                tail
            }
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    String::from_utf8(bytes).expect("UTF-8 was encoded")
}

#[cfg(test)]
mod tests {
    use super::super::MERCHANTS;
    use super::*;
    use crate::tests::seed;

    #[test]
    fn the_seeds_of_calls_are_signed() {
        for (name, method) in [
            ("call", Method::Post),
            ("call-by-row", Method::Post),
            ("call-mchid", Method::Post),
            ("call-transfer", Method::Post),
            ("get", Method::Get),
        ] {
            let data = seed("request", name);
            let mut pieces = Pieces { rest: &data[3..], flags: data[2] };
            let nonce = pieces.nonce();
            let (call, given) = make(&mut pieces);
            assert_eq!(call.spec().method, method, "{name}");
            assert!(!given.is_empty(), "{name}");
            if let Err(error) = MERCHANTS[usize::from(data[1])].sign(&call, nonce) {
                panic!("{name}: {error}");
            }
        }
    }
}
