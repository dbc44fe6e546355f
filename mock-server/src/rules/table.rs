//! The table of switches: the one place that knows their names, what they accept and what they mean.

use serde::Serialize;

use super::Rules;
use super::choices::{
    Duplicates, Echoes, Edge, Envelope, Extent, GroupRedPack, HbList, LargeBody, NoBalance, NotFound,
    PackageForm, PlainCert, ResendAnswer, Settle, SignCase, SystemError, TotalNumMissing, Whitespace,
    XmlEnvelope,
};
use super::forms::{Form, Gap, Header, Limit, OnOff, Range, Scenes, Signed, Span};

/// All that is to be said of one switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Switch {
    /// Its name.
    pub name: &'static str,
    /// What it is set to.
    pub value: String,
    /// What it is set to by itself.
    pub default: String,
    /// What it accepts.
    pub accepted: &'static str,
    /// What it is for, in a line.
    pub meaning: &'static str,
    /// Whether a merchant may have a setting of its own; the others are decided before the merchant is known.
    pub of_merchants: bool,
}

/// A switch that cannot be set so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// There is no such switch.
    #[error("unknown switch {name}: there are {}", names().join(", "))]
    Unknown {
        /// What was given.
        name: String,
    },
    /// It does not take this value.
    #[error("{name}={value}: it needs {accepted}")]
    Value {
        /// The switch, as it was named.
        name: String,
        /// What was given.
        value: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A merchant cannot have a setting of its own.
    #[error("{name} is for the whole world, not for a merchant: it is decided before the merchant is known")]
    WorldOnly {
        /// The switch.
        name: &'static str,
    },
}

/// Every name there is.
fn names() -> Vec<&'static str> {
    TABLE.iter().map(|row| row.name).collect()
}

/// Whose a switch can be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The world's alone: it is decided before the merchant is known.
    World,
    /// The world's, and a merchant's.
    Merchant,
}

/// One switch: a name for a field.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) reach: Reach,
    pub(super) accepted: &'static str,
    pub(super) meaning: &'static str,
    pub(super) print: fn(&Rules) -> String,
    /// `None` where the value is not accepted.
    parse: fn(&mut Rules, &str) -> Option<()>,
}

impl Row {
    /// Sets the switch, which was called `name`.
    pub(super) fn set(&self, rules: &mut Rules, name: &str, value: &str) -> Result<(), RuleError> {
        (self.parse)(rules, value).ok_or_else(|| RuleError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            accepted: self.accepted,
        })
    }
}

/// Names of before.
const ALIASES: [(&str, &str); 1] = [("sendgroupredpack", "group")];

/// The switch of this name; `_` is as good as `-`.
pub(super) fn find(name: &str) -> Result<&'static Row, RuleError> {
    let plain = name.replace('_', "-");
    let alias = ALIASES.iter().find(|(alias, _)| *alias == plain);
    let own = alias.map_or(plain.as_str(), |(_, own)| *own);
    let row = TABLE.iter().find(|row| row.name == own);
    row.ok_or_else(|| RuleError::Unknown { name: name.to_owned() })
}

macro_rules! table {
    ($($reach:ident $name:literal $field:ident: $Form:ty, $meaning:literal;)*) => {
        pub(super) const TABLE: &[Row] = &[$(Row {
            name: $name,
            reach: Reach::$reach,
            accepted: <$Form as Form>::ACCEPTED,
            meaning: $meaning,
            print: |rules| <$Form as Form>::print(&rules.$field),
            parse: |rules, text| {
                rules.$field = <$Form as Form>::parse(text)?;
                Some(())
            },
        }),*];
    };
}

table! {
    // What nobody knows of the service; by default what speaks for it most.
    World "group" group: GroupRedPack, "what sendgroupredpack answers: API_METHOD_CLOSED, as it did once, or 404";
    Merchant "envelope" envelope: Envelope, "refusals: as real ones, as in the official samples (FAIL/FAIL), or with FAIL for CA_ERROR alone";
    Merchant "length-edge" length_edge: Edge, "exactly as many bytes as allowed in send_name, act_name, wishing and remark";
    World "xml-envelope" xml_envelope: XmlEnvelope, "return_code of XML_ERROR";
    World "large-body" large_body: LargeBody, "a body above 1 MiB";
    World "duplicates" duplicates: Duplicates, "two elements of one name: XML_ERROR, or which of them counts";
    Merchant "reentry-compare" reentry_compare: Extent, "what must be the same when a number is sent again: receiver, amount and appid, or every field";
    Merchant "resend-gap" resend_gap: Gap, "how soon a number may be sent again";
    Merchant "resend-answer" resend_answer: ResendAnswer, "a number that is sent again too soon";
    Merchant "nonce-reuse" nonce_reuse: Edge, "a nonce_str that the merchant used among its last thousand";
    Merchant "query-limit" query_limit: Limit<u32>, "queries in a second; more are FREQ_LIMIT";
    World "whitespace" whitespace: Whitespace, "a value of white space alone: signed, or as good as none";
    Merchant "total-num-missing" total_num_missing: TotalNumMissing, "a packet for one user without total_num";
    Merchant "package-form" package_form: PackageForm, "how package is written: in CDATA, or with &amp;";
    Merchant "order-life" order_life: Span, "how long an order that is not paid can be sent again";
    Merchant "amount" amount: Range, "fen of a packet without scene_id";
    Merchant "scene-amount" scene_amount: Range, "fen of a packet with scene_id";
    Merchant "open-scenes" open_scenes: Scenes, "the scenes that are opened for the merchant; another scene_id is PARAM_ERROR";
    Merchant "group-amount" group_amount: Range, "fen of a whole group packet";
    Merchant "user-packets-a-day" user_packets_a_day: Limit<u32>, "packets for one user in a day; more are SENDNUM_LIMIT";
    Merchant "user-fen-a-day" user_fen_a_day: Limit<u64>, "fen for one user in a day; more are RCVDAMOUNT_LIMIT";
    Merchant "merchant-fen-a-day" merchant_fen_a_day: Limit<u64>, "fen of one merchant in a day; more are SENDAMOUNT_LIMIT";
    Merchant "sends-per-second" sends_per_second: Limit<u32>, "sends in a second; more are FREQ_LIMIT";
    Merchant "not-found" not_found: NotFound, "a query of an unknown order";
    Merchant "hblist" hblist: HbList, "what gethbinfo says of those who claimed";
    Merchant "system-error" system_error: SystemError, "the text of SYSTEMERROR on a send";
    Merchant "echoes" echoes: Echoes, "refusals that name the order: all but SYSTEMERROR on a send and a bad mch_billno, or all";
    World "content-type" content_type: Header, "Content-Type of the application's answers";
    // The mock's own.
    Merchant "sign-scope" sign_scope: Extent, "what a sign covers: the fields that the endpoint knows, or all that were sent";
    Merchant "sign-case" sign_case: SignCase, "in which case a sign may be";
    Merchant "lenient" lenient: OnOff, "lets a wrong sign through, with a warning in X-Mock-Diagnosis";
    Merchant "settle" settle: Settle, "when an order is paid; until then it is SENDING, with its amount reserved";
    Merchant "query-lag" query_lag: Gap, "how long queries do not find a new order";
    Merchant "claim-window" claim_window: Span, "how long a packet can be claimed";
    Merchant "refund-delay" refund_delay: Span, "from the end of the claim window to the money's return";
    Merchant "query-horizon" query_horizon: Span, "how long an order can be queried";
    Merchant "night-window" night_window: OnOff, "no payment from 0:00 to 8:00 in Beijing: TIME_LIMITED";
    Merchant "no-balance" no_balance: NoBalance, "a balance that does not cover the packet";
    Merchant "plain-cert" plain_cert: PlainCert, "plain HTTP: no client certificate, or the merchant's own";
    Merchant "workwx-failures" sign_work_weixin_failures: Signed, "whether failures of the work-weixin endpoints carry a sign";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use proptest::prelude::*;
    use wechatpay_proto::v2::mmpaymkttransfers::Scene;

    use super::*;

    #[test]
    fn names_are_kebab_case_and_one_of_a_kind() {
        let names = names();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        for name in &names {
            assert!(name.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase()), "{name}");
        }
        assert!(ALIASES.iter().all(|(alias, own)| !names.contains(alias) && names.contains(own)));
    }

    #[test]
    fn every_word_that_is_offered_is_taken_and_comes_back() {
        for row in TABLE.iter().filter(|row| row.accepted.contains('|') && !row.accepted.contains('<')) {
            for word in row.accepted.split('|') {
                let mut rules = Rules::default();
                rules.set(row.name, word).unwrap();
                assert_eq!((row.print)(&rules), word, "{}", row.name);
            }
        }
    }

    #[test]
    fn names_of_before_are_understood() {
        let mut rules = Rules::default();
        rules.set("sendgroupredpack", "legacy").unwrap();
        rules.set("workwx_failures", "unsigned").unwrap();
        rules.set("claim_window", "72h").unwrap();
        let expected = Rules {
            group: GroupRedPack::Legacy,
            sign_work_weixin_failures: false,
            claim_window: Duration::from_secs(72 * 3600),
            ..Rules::default()
        };
        assert_eq!(rules, expected);
    }

    #[test]
    fn an_error_says_what_there_is_and_changes_nothing() {
        let mut rules = Rules::default();
        let unknown = rules.set("Group", "closed").unwrap_err();
        assert_eq!(unknown, RuleError::Unknown { name: "Group".to_owned() });
        let text = unknown.to_string();
        assert!(names().iter().all(|name| text.contains(name)), "{text}");
        assert_eq!(
            rules.set("sendgroupredpack", "open").unwrap_err().to_string(),
            "sendgroupredpack=open: it needs closed|legacy|gone"
        );
        for (name, value) in [
            ("resend-gap", "1"),
            ("order-life", "none"),
            ("amount", "20000..100"),
            ("sends-per-second", "-1"),
            ("settle", "polls:0"),
            ("settle", "after:1"),
            ("settle", "at-once:"),
            ("night-window", "yes"),
            ("content-type", ""),
            ("envelope", "Real"),
        ] {
            let error = rules.set(name, value).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{name}={value}: it needs ")), "{error}");
        }
        assert_eq!(rules, Rules::default());
    }

    #[test]
    fn a_description_can_be_sent() {
        let rules = Rules { lenient: true, ..Rules::default() };
        let described = serde_json::to_value(rules.describe()).unwrap();
        let lenient =
            described.as_array().unwrap().iter().find(|switch| switch["name"] == "lenient").unwrap();
        assert_eq!(
            *lenient,
            serde_json::json!({
                "name": "lenient",
                "value": "on",
                "default": "off",
                "accepted": "off|on",
                "meaning": "lets a wrong sign through, with a warning in X-Mock-Diagnosis",
                "of_merchants": true,
            })
        );
    }

    /// Any value that a switch prints, by the kind of what it accepts.
    fn value(row: &'static Row) -> BoxedStrategy<String> {
        let span = || {
            (0_u64..=36_600 * 86_400_000).prop_map(|millis| crate::span::print(Duration::from_millis(millis)))
        };
        match row.accepted {
            Span::ACCEPTED => span().boxed(),
            Gap::ACCEPTED => {
                prop_oneof![Just("none".to_owned()), span().prop_filter("none", |text| text != "0ms")].boxed()
            }
            Range::ACCEPTED => (any::<u32>(), any::<u32>())
                .prop_map(|(one, other)| format!("{}..{}", one.min(other), one.max(other)))
                .boxed(),
            Scenes::ACCEPTED => proptest::sample::subsequence(Scene::ALL.to_vec(), 0..=8)
                .prop_map(|scenes| Scenes::print(&scenes))
                .boxed(),
            Header::ACCEPTED => "[!-~]([ -~]{0,30}[!-~])?".boxed(),
            Settle::ACCEPTED => prop_oneof![
                Just("at-once".to_owned()),
                Just("manual".to_owned()),
                span().prop_map(|span| format!("after:{span}")),
                (1_u32..).prop_map(|count| format!("polls:{count}")),
            ]
            .boxed(),
            words if words.contains('|') => {
                proptest::sample::select(words.split('|').collect::<Vec<_>>()).prop_map(str::to_owned).boxed()
            }
            _ => prop_oneof![Just("none".to_owned()), any::<u32>().prop_map(|number| number.to_string())]
                .boxed(),
        }
    }

    proptest! {
        #[test]
        fn switches_go_out_and_come_back(values in TABLE.iter().map(value).collect::<Vec<_>>()) {
            let mut rules = Rules::default();
            for (row, value) in TABLE.iter().zip(&values) {
                rules.set(row.name, value).unwrap();
            }
            let switches = rules.switches();
            prop_assert_eq!(switches.iter().map(|(_, value)| value).collect::<Vec<_>>(), values.iter().collect::<Vec<_>>());
            let mut back = Rules::unlimited();
            for (name, value) in &switches {
                back.set(name, value).unwrap();
            }
            prop_assert_eq!(back, rules);
        }

        #[test]
        fn whatever_is_given_nothing_panics(name in ".{0,20}", value in ".{0,20}") {
            let mut rules = Rules::default();
            prop_assert!(rules.set(&name, &value).is_err());
            for row in TABLE {
                if rules.set(row.name, &value).is_ok() {
                    let printed = (row.print)(&rules);
                    rules.set(row.name, &printed).unwrap();
                }
            }
        }
    }
}
