//! An intent on disk: it comes back as it was, or not at all.

use wechatpay_proto::Fen;
use wechatpay_proto::payout::{Intent, IntentError, Kind, MAX_BUSINESS_ID, Next};
use wechatpay_proto::transport::BaseUrl;

use crate::common::*;
use crate::world::*;

#[test]
fn an_intent_comes_back_as_it_was() {
    for kind in Kind::ALL {
        let intent = intent(kind);
        let record = intent.record();
        assert_eq!(Intent::restore(record.clone()).as_ref(), Ok(&*intent));
        assert_eq!(Intent::try_from(record.clone()).unwrap().record(), record);
        assert_eq!((record.version, record.path.as_str()), (1, kind.path()));
        assert_eq!(Kind::of_path(kind.path()), Some(kind));
        let field = |wanted: &str| record.fields.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
        assert_eq!(intent.re_openid(), field("re_openid"));
        let names: Vec<_> = record.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"mch_billno") && !names.contains(&"sign") && !names.contains(&"nonce_str"));
    }
    assert_eq!(Kind::of_path("/pay/refund"), None);
}

#[test]
fn an_intent_that_was_changed_is_refused() {
    for kind in Kind::ALL {
        let record = intent(kind).record();
        for at in 0..record.fields.len() {
            let mut changed = record.clone();
            changed.fields[at].1.insert(0, '1');
            let error = Intent::restore(changed).unwrap_err();
            assert!(matches!(error, IntentError::Changed | IntentError::Field(_)), "{error}");
            let mut missing = record.clone();
            let (name, _) = missing.fields.remove(at);
            let error = Intent::restore(missing).unwrap_err();
            match &*name {
                "mch_billno" | "wxappid" | "total_amount" => {
                    assert!(matches!(&error, IntentError::Field(field) if field.field() == name), "{error}");
                    assert_eq!(error.to_string(), format!("{name} is required"));
                }
                _ => assert_eq!(error, IntentError::Changed, "{name}"),
            }
        }
        let change = |change: &dyn Fn(&mut wechatpay_proto::payout::IntentRecord)| {
            let mut changed = record.clone();
            change(&mut changed);
            Intent::restore(changed)
        };
        assert_eq!(
            change(&|record| record.fields.push(("more".into(), "1".into()))),
            Err(IntentError::Changed)
        );
        assert_eq!(change(&|record| record.mch_id = "10000099".into()), Err(IntentError::Changed));
        assert_eq!(
            change(&|record| record.fingerprint = record.fingerprint.to_uppercase() + "0"),
            Err(IntentError::Changed)
        );
        assert_eq!(change(&|record| record.fingerprint.clear()), Err(IntentError::Changed));
        for version in [0, 2, u32::MAX] {
            let error = IntentError::Version { found: version, known: 1 };
            assert_eq!(change(&|record| record.version = version), Err(error));
        }
        let path = IntentError::Path { path: "/pay/refund".into() };
        assert_eq!(change(&|record| record.path = "/pay/refund".into()), Err(path));
        let other = Kind::ALL.into_iter().find(|other| *other != kind).unwrap();
        assert_eq!(change(&|record| record.path = other.path().into()), Err(IntentError::Changed));
        for bad in ["", "a\u{0}", &"a".repeat(MAX_BUSINESS_ID + 1)] {
            let refused = change(&|record| record.business_id = bad.into());
            assert!(
                matches!(&refused, Err(IntentError::Field(field)) if field.field() == "business_id"),
                "{bad:?} {refused:?}"
            );
        }
    }
}

#[test]
fn a_business_id_has_its_bounds() {
    let new = |id: &str| Intent::new(id, &MERCHANT, &PACKET).map(|intent| intent.business_id().to_owned());
    for good in ["1", "号", &"a".repeat(MAX_BUSINESS_ID)] {
        assert_eq!(new(good).as_deref(), Ok(good));
    }
    for bad in ["", &"a".repeat(MAX_BUSINESS_ID + 1), &"号".repeat(22)] {
        assert_eq!(new(bad).unwrap_err().field(), "business_id", "{bad:?}");
    }
    let mut packet = PACKET.clone();
    packet.total_amount = Fen(0);
    assert_eq!(Intent::new("row", &MERCHANT, &packet).unwrap_err().field(), "total_amount");
}

#[test]
fn a_record_that_names_a_field_twice_is_refused_for_that() {
    let mut record = intent(Kind::RedPack).record();
    record.fields.push(record.fields[0].clone());
    let error = Intent::try_from(record).unwrap_err();
    assert!(error.to_string().contains("fields is given twice"), "{error}");
}

/// The query names the application of the sending, and goes to the path of its kind.
#[test]
fn each_kind_is_queried_where_it_belongs() {
    for kind in Kind::ALL {
        let mut world = World::sending(kind);
        world.answer(&sent(kind));
        world.pass(DAY);
        let Ok(Next::Query(query)) = world.payout().next(world.now) else { panic!() };
        let (request, _) = query.sign(world.now, &MERCHANT, &BaseUrl::default(), nonce()).unwrap();
        let path = if kind == Kind::WorkWx { "queryworkwxredpack" } else { "gethbinfo" };
        assert_eq!(request.uri().path(), format!("/mmpaymkttransfers/{path}"));
        let record = intent(kind).record();
        let (_, appid) = record.fields.iter().find(|(name, _)| name == "wxappid").unwrap();
        let body = std::str::from_utf8(request.body()).unwrap();
        assert!(body.contains(&format!("<appid><![CDATA[{appid}]]></appid>")), "{body}");
    }
}
