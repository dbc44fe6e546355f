//! Tables that an outsider may write: odd names, nothing to borrow, names of their own in scope.

mod common;

use std::borrow::Cow;

use common::*;
use wechatpay_proto::endpoint::{Endpoint, Incoming};
use wechatpay_proto::rule::Rule::{self, Any, Range, Text, Token};
use wechatpay_proto::rule::Violation;
use wechatpay_proto::wire::{self, Value};
use wechatpay_proto::{Fen, Nonce, RequestError, endpoint};

// What a caller may well have in scope, under names that the macro could be using.
const COUNT: usize = 32;
const FIELDS: usize = 4;
type Result<T> = std::result::Result<T, String>;

endpoint! {
    /// Nothing to borrow, and nothing optional.
    struct GetSignKey => GetSignKeyReply<'b>;
    POST "/xdc/apiv2getsignkey/sign/getsignkey", certificate: false, sign: Merchant, trust: TransportOnly;

    envelope { mch_id: mch_id; nonce_str: nonce; }
    required { limit: u32 => Range { min: 1, max: 9 }; }
    reply { sandbox_signkey: Cow<'b, str>; }
    echo {}
    promise { sandbox_signkey }
}

endpoint! {
    /// Every name that a macro is likely to use for itself.
    struct Odd<'a> => OddReply<'b>;
    POST "/odd", certificate: false, sign: Md5, trust: TransportOnly;

    envelope { mch_id: mch_id; nonce_str: nonce; }
    required {
        r#type: &'a str => Token { max: COUNT };
        fields: &'a str => Text { max: FIELDS };
        values: &'a str => Any;
        envelope: &'a str => Any;
        visit: &'a str => Any;
        COUNT: Fen => Any;
    }
    fixed { version: Value::Text("1.0"); }
    options OddOptions {
        amount: Fen => Optional, Any;
        self_: u32 => Optional, Any;
    }
    reply {
        r#type: Cow<'b, str>;
        fields: Cow<'b, str>;
        name: Cow<'b, str>;
        value: Cow<'b, str>;
        other: Cow<'b, str>;
        lists: Fen;
        row: Cow<'b, str>;
        reply: Cow<'b, str>;
        xml: Cow<'b, str>;
        new: Cow<'b, str>;
    }
    list items(item): Entry { r#type: Cow<'b, str>; read: Cow<'b, str>; }
    list more(one): More { amount: Fen; }
    echo { r#type }
    promise { r#type }
}

const ODD: Odd<'static> = Odd {
    r#type: "a-longer-type",
    fields: "four",
    values: "v",
    envelope: "e",
    visit: "x",
    COUNT: Fen(7),
    options: OddOptions { amount: Some(Fen(1)), self_: None },
};

#[test]
fn odd_names_stand_on_the_wire_as_they_should() -> Result<()> {
    let signed = MERCHANT.sign(&ODD, Nonce::from_bytes([0; 16])).map_err(|error| error.to_string())?;
    let names = "COUNT=7&amount=1&envelope=e&fields=four&mch_id=10000098&nonce_str=00000000000000000000000000000000\
                 &type=a-longer-type&values=v&version=1.0&visit=x&key=";
    assert_eq!(signed.string_to_sign(), names);
    let document = wire::parse(signed.xml().as_bytes(), &[]).map_err(|error| error.to_string())?;
    assert_eq!(Odd::read(document.untrusted()), Ok(ODD));
    assert!(Odd::SPEC.is_signed_by(document.untrusted(), &MERCHANT));
    Ok(())
}

#[test]
fn rules_see_the_names_of_their_author() {
    let long = "t".repeat(33);
    let error = |odd: &Odd<'_>| MERCHANT.sign(odd, Nonce::from_bytes([0; 16])).unwrap_err();
    assert_eq!(error(&Odd { r#type: &long, ..ODD }).violation(), &Violation::TooLong { max: 32, len: 33 });
    assert_eq!(error(&Odd { fields: "five!", ..ODD }).violation(), &Violation::TooLong { max: 4, len: 5 });
    assert_eq!(error(&Odd { r#type: "", ..ODD }).field(), "type");
}

#[test]
fn an_odd_answer_is_read() {
    let body = "<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code><type>a-longer-type</type>\
                <items><item><type>t</type><read>r</read></item></items><more><one><amount>3</amount></one></more>\
                <lists>5</lists><new>n</new></xml>";
    let reply = accept(&ODD, body).unwrap();
    assert_eq!(
        (reply.r#type.as_deref(), reply.lists, reply.new.as_deref()),
        (Some("a-longer-type"), Some(Fen(5)), Some("n"))
    );
    assert_eq!((reply.items[0].r#type.as_deref(), reply.more[0].amount), (Some("t"), Some(Fen(3))));
    assert!(accept(&ODD, body.replace("a-longer-type", "another")).is_err());
}

#[test]
fn a_request_may_borrow_nothing() {
    let request = GetSignKey { limit: 3 };
    let signed = MERCHANT.sign(&request, Nonce::from_bytes([0; 16])).unwrap();
    let document = wire::parse(signed.xml().as_bytes(), &[]).unwrap();
    assert_eq!(GetSignKey::read(document.untrusted()), Ok(request));
    let error = MERCHANT.sign(&GetSignKey { limit: 10 }, Nonce::from_bytes([0; 16])).unwrap_err();
    assert_eq!(error, RequestError::new("limit", Violation::OutOfRange { min: 1, max: 9, value: 10 }));
}

#[test]
fn a_rule_that_does_not_fit_its_type_refuses_everything() {
    for (rule, value) in [
        (Range { min: 1, max: 3 }, Value::Text("2")),
        (Token { max: 9 }, Value::Number(2)),
        (Rule::Alphanumeric { max: 9 }, Value::Ipv4([127, 0, 0, 1].into())),
    ] {
        assert!(matches!(rule.check(&value), Err(Violation::Malformed { .. })), "{rule:?}");
    }
}
