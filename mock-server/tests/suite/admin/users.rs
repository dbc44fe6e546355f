//! Users: what is in the way of packets to them.

use serde_json::json;

use super::{done, refused};
use crate::common::{Form, MCH_ID, OPENID, call, shop};

#[test]
fn a_user_is_in_the_way_of_all_or_of_one_until_fine_again() {
    let (mock, one) = shop();
    let other = mock.merchant().create().unwrap();
    let server = mock.serve().unwrap();
    let put = format!("PUT /users/{OPENID}");
    let mut number = 0;
    let mut codes = || {
        number += 1;
        [&one, &other]
            .map(|merchant| call(merchant, &Form::send(merchant, &number.to_string())).code().to_owned())
    };
    let answer = done(&server, &put, json!({"flags": ["risk_blocked"]}));
    assert_eq!(answer, json!({"openid": OPENID, "mch_id": null, "flags": ["risk_blocked"]}));
    assert_eq!(codes(), ["NO_AUTH", "NO_AUTH"]);
    done(&server, &put, json!({"flags": []}));
    done(&server, &put, json!({"mch_id": MCH_ID, "flags": ["daily_cap:1", "foreign_openid"]}));
    assert_eq!(codes(), ["OPENID_ERROR", "SUCCESS"]);
    done(&server, &put, json!({"mch_id": MCH_ID, "flags": ["daily_cap:1"]}));
    assert_eq!(codes(), ["SUCCESS", "SUCCESS"]);
    assert_eq!(codes(), ["SENDNUM_LIMIT", "SUCCESS"]);
    done(&server, "POST /reset", json!({"scope": ["state"], "mch_id": MCH_ID}));
    assert_eq!(codes(), ["SUCCESS", "SUCCESS"]);
    for flag in ["", "RISK_BLOCKED", "daily_cap", "daily_cap:-1", "daily_cap:x"] {
        let error = refused(&server, &put, json!({"flags": [flag]}), 400, "bad_request");
        assert!(error.contains("there are risk_blocked, not_realname"), "{error}");
    }
    let error = refused(&server, &put, json!({"mch_id": "1", "flags": []}), 404, "not_found");
    assert!(error.contains("no merchant 1"), "{error}");
}
