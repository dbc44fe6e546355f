//! 活动信息 (`risk_info`): what a merchant knows about the user's action.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::error::RequestError;
use crate::rule::{Rule, Violation};
use crate::wire::{Value, percent_encode, plain_number};

/// 活动信息: joined as `name=value` with `&`, then url-encoded as a whole. The encoded text is the field's value and what
/// is signed; it has at most 128 bytes. Parts that are empty or not set are left out, but one must be there.
///
/// ```
/// use wechatpay_proto::RiskInfo;
///
/// let risk_info = RiskInfo::default().posttime(1_717_171_199).mobile("86-13800000000").encode()?;
/// assert_eq!(risk_info, "posttime%3D1717171199%26mobile%3D86-13800000000");
/// # Ok::<(), wechatpay_proto::RequestError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct RiskInfo<'a> {
    /// 用户操作的时间戳: when the user acted, in seconds since 1970.
    pub posttime: Option<u64>,
    /// 业务系统账号的手机号: country code, `-`, number; digits and `-` only.
    pub mobile: Option<Cow<'a, str>>,
    /// MAC地址或者设备唯一标识: the device.
    pub deviceid: Option<Cow<'a, str>>,
    /// 用户操作的客户端版本: the version of the client that the user acted with.
    pub clientversion: Option<Cow<'a, str>>,
}

/// What the encoded value may hold.
const WHOLE: Rule = Rule::UrlEncoded { max: 128 };

/// What a part may hold: it is read back by `&` and `=`.
const PART: Rule = Rule::Echoed { max: 128 };

impl<'a> RiskInfo<'a> {
    /// Sets when the user acted, in seconds since 1970.
    pub fn posttime(self, posttime: u64) -> Self {
        Self { posttime: Some(posttime), ..self }
    }

    /// Sets the user's phone number: country code, `-`, number, without `+`.
    pub fn mobile(self, mobile: impl Into<Cow<'a, str>>) -> Self {
        Self { mobile: Some(mobile.into()), ..self }
    }

    /// Sets the device.
    pub fn deviceid(self, deviceid: impl Into<Cow<'a, str>>) -> Self {
        Self { deviceid: Some(deviceid.into()), ..self }
    }

    /// Sets the version of the client.
    pub fn clientversion(self, clientversion: impl Into<Cow<'a, str>>) -> Self {
        Self { clientversion: Some(clientversion.into()), ..self }
    }

    /// The value of `risk_info`, ready to be sent.
    pub fn encode(&self) -> Result<String, RequestError> {
        let posttime = self.posttime.map(|seconds| Cow::Owned(seconds.to_string()));
        let parts = [
            ("posttime", &posttime),
            ("mobile", &self.mobile),
            ("deviceid", &self.deviceid),
            ("clientversion", &self.clientversion),
        ];
        let mut joined = String::new();
        for (name, value) in parts {
            let Some(value) = value.as_deref().filter(|value| !value.is_empty()) else { continue };
            check(name, value)?;
            if !joined.is_empty() {
                joined.push('&');
            }
            joined.extend([name, "=", value]);
        }
        let encoded: String = percent_encode(&joined).collect();
        RequestError::check("risk_info", WHOLE, Value::Text(&encoded))?;
        Ok(encoded)
    }
}

impl RiskInfo<'static> {
    /// Reads an encoded value, hex digits in either case, parts in any order.
    pub fn decode(encoded: &str) -> Result<Self, RequestError> {
        let broken = |violation| RequestError::new("risk_info", violation);
        RequestError::check("risk_info", WHOLE, Value::Text(encoded))?;
        let expected = "an encoded list of posttime, mobile, deviceid and clientversion";
        let malformed = || broken(Violation::Malformed { expected });
        // Some encoders write a space as a plus; a plus itself is always escaped.
        let spaced = encoded.replace('+', " ");
        let joined = percent_decode_str(&spaced).decode_utf8().map_err(|_| malformed())?;
        let mut info = Self::default();
        for part in joined.split('&') {
            let (name, value) = part.split_once('=').ok_or_else(malformed)?;
            let text = |name| check(name, value).map(|()| Cow::Owned(value.to_owned()));
            let twice = match name {
                "posttime" => info.posttime.replace(plain_number(value).ok_or_else(malformed)?).is_some(),
                "mobile" => info.mobile.replace(text("mobile")?).is_some(),
                "deviceid" => info.deviceid.replace(text("deviceid")?).is_some(),
                "clientversion" => info.clientversion.replace(text("clientversion")?).is_some(),
                _ => return Err(malformed()),
            };
            if twice {
                return Err(broken(Violation::Duplicate));
            }
        }
        Ok(info)
    }
}

fn check(name: &str, value: &str) -> Result<(), RequestError> {
    let verdict = match value.find(|c: char| !c.is_ascii_digit() && c != '-') {
        Some(at) if name == "mobile" => Err(Violation::Characters { allowed: "[0-9-]", at }),
        _ => PART.check(&Value::Text(value)),
    };
    verdict.map_err(|violation| RequestError::new(format!("risk_info.{name}"), violation))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the official page.
    const OFFICIAL: &str =
        "posttime%3d123123412%26clientversion%3d234134%26mobile%3d122344545%26deviceid%3dIOS";

    #[test]
    fn the_official_example_is_read_back() {
        let info = RiskInfo::decode(OFFICIAL).unwrap();
        let own = RiskInfo::default()
            .posttime(123_123_412)
            .clientversion("234134")
            .mobile("122344545")
            .deviceid("IOS");
        assert_eq!(info, own);
        let encoded = own.encode().unwrap();
        assert_eq!(
            encoded,
            "posttime%3D123123412%26mobile%3D122344545%26deviceid%3DIOS%26clientversion%3D234134"
        );
        assert_eq!(RiskInfo::decode(&encoded).unwrap(), info);
    }

    #[test]
    fn any_text_is_encoded_as_a_whole() {
        let info = RiskInfo::default().deviceid("AA:BB 设备+1%").mobile("").clientversion("");
        let encoded = info.encode().unwrap();
        assert_eq!(encoded, "deviceid%3DAA%3ABB%20%E8%AE%BE%E5%A4%87%2B1%25");
        assert_eq!(RiskInfo::decode(&encoded).unwrap().deviceid.as_deref(), Some("AA:BB 设备+1%"));
        let others = RiskInfo::decode("deviceid%3DiPhone+12%2B!(x)").unwrap();
        assert_eq!(others.deviceid.as_deref(), Some("iPhone 12+!(x)"));
    }

    #[test]
    fn what_is_refused_is_named() {
        let long = "x".repeat(120);
        for (info, message) in [
            (RiskInfo::default(), "risk_info is required"),
            (RiskInfo::default().mobile("").deviceid(""), "risk_info is required"),
            (
                RiskInfo::default().mobile("+86138"),
                "risk_info.mobile has a character that is not allowed at byte 0; allowed: [0-9-]",
            ),
            (
                RiskInfo::default().mobile("86a"),
                "risk_info.mobile has a character that is not allowed at byte 2; allowed: [0-9-]",
            ),
            (
                RiskInfo::default().deviceid("a&b"),
                "risk_info.deviceid has a character that is not allowed at byte 1; allowed: text without & and = and C0 controls",
            ),
            (
                RiskInfo::default().clientversion(&*long),
                "risk_info has 136 bytes of UTF-8, at most 128 are allowed",
            ),
        ] {
            assert_eq!(info.encode().unwrap_err().to_string(), message);
        }
        for bad in [
            "",
            "posttime=1",
            "posttime%3D1%26posttime%3D2",
            "posttime%3Dx",
            "other%3D1",
            "%26",
            "deviceid%3D%FF",
        ] {
            assert!(RiskInfo::decode(bad).is_err(), "{bad}");
        }
    }
}
