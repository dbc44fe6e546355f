//! What the front end needs to open a payment or a packet: parameters signed with the API key.
//!
//! Times are seconds since 1970, from the caller's clock; each value takes a nonce of its own. The values give their
//! parameters as pairs ([`fields`](RequestPayment::fields)); with the feature `serde` they serialise as an object.

use std::fmt;

use crate::error::RequestError;
use crate::merchant::Merchant;
use crate::nonce::Nonce;
use crate::rule::{Rule, Violation};
use crate::sign::{Canonical as _, Sign, SignType, Signer};
use crate::v2::mmpaymkttransfers::SendMiniProgramHbReply;
use crate::wire::{Value, percent_encode};

/// The parameters of `wx.sendBizRedPacket`, by which a mini-program lets the user claim a packet that
/// [`SendMiniProgramHb`](crate::v2::mmpaymkttransfers::SendMiniProgramHb) took.
///
/// Signed are `appId`, `nonceStr`, `package` and `timeStamp`, the package **after** its url-encoding. `signType` is not
/// signed, unlike that of a payment; `appId` is signed and not passed on.
/// Official: <https://pay.weixin.qq.com/doc/v2/merchant/4011937428>.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendBizRedPacket {
    /// Seconds since 1970, as text.
    pub time_stamp: String,
    /// 随机字符串.
    pub nonce_str: String,
    /// The package of the answer, url-encoded.
    pub package: String,
    /// The only digest there is: `MD5`.
    pub sign_type: &'static str,
    /// Lower-case hex.
    pub pay_sign: String,
}

impl SendBizRedPacket {
    /// Makes the parameters from the answer that took the packet. One that is no success, or has no `package`, is an
    /// error.
    pub fn new(
        merchant: &Merchant,
        reply: &SendMiniProgramHbReply<'_>,
        unix_seconds: u64,
        nonce: Nonce,
    ) -> Result<Self, RequestError> {
        if !reply.head.is_success() {
            let violation = Violation::Malformed { expected: "SUCCESS: no packet was taken" };
            return Err(RequestError::new("result_code", violation));
        }
        let appid = reply.wxappid.as_deref().unwrap_or_default();
        let package = reply.package.as_deref().unwrap_or_default();
        Self::from_package(merchant, appid, package, unix_seconds, nonce)
    }

    /// Makes the parameters from a `package` that was kept, for the mini-program `appid`. A package can be opened for 24
    /// hours.
    pub fn from_package(
        merchant: &Merchant,
        appid: &str,
        package: &str,
        unix_seconds: u64,
        nonce: Nonce,
    ) -> Result<Self, RequestError> {
        check("appid", appid)?;
        let broken = |violation| Err(RequestError::new("package", violation));
        if package.is_empty() {
            return broken(Violation::Missing);
        }
        // It is a list of name=value; without a mark it was encoded already.
        if !package.contains('=') {
            return broken(Violation::Malformed { expected: "a package as it was answered, not encoded" });
        }
        let (time_stamp, nonce_str) = (time_stamp(unix_seconds)?, nonce.as_str().to_owned());
        let package: String = percent_encode(package).collect();
        let signed =
            [("appId", appid), ("nonceStr", &nonce_str), ("package", &package), ("timeStamp", &time_stamp)];
        let pay_sign = sign(merchant, SignType::Md5, &signed).to_hex().as_str().to_ascii_lowercase();
        Ok(Self { time_stamp, nonce_str, package, sign_type: SignType::Md5.as_str(), pay_sign })
    }

    /// The parameters by name.
    pub fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("timeStamp", &self.time_stamp),
            ("nonceStr", &self.nonce_str),
            ("package", &self.package),
            ("signType", self.sign_type),
            ("paySign", &self.pay_sign),
        ]
    }
}

/// The parameters of a payment inside WeChat: `getBrandWCPayRequest` of a web page (JSAPI), or `wx.requestPayment` of a
/// mini-program, which needs no `appId` and ignores it. `wx.chooseWXPay` of the JS-SDK spells one name otherwise: see
/// [`ChooseWxPay`].
///
/// Signed are `appId`, `nonceStr`, `package`, `signType` and `timeStamp`, with the digest that the merchant's orders are
/// signed with ([`Merchant::with_sign_type`]): it must be the same as that of the `unifiedorder` before.
/// Official: <https://pay.weixin.qq.com/wiki/doc/api/jsapi.php?chapter=7_7&index=6>.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestPayment {
    /// The appid of the official account or the mini-program.
    pub app_id: String,
    /// Seconds since 1970, as text.
    pub time_stamp: String,
    /// 随机字符串.
    pub nonce_str: String,
    /// `prepay_id=` and the number of the prepared order.
    pub package: String,
    /// `MD5` or `HMAC-SHA256`.
    pub sign_type: &'static str,
    /// Upper-case hex.
    pub pay_sign: String,
}

impl RequestPayment {
    /// Makes the parameters for an order that `unifiedorder` prepared.
    pub fn new(
        merchant: &Merchant,
        appid: &str,
        prepay_id: &str,
        unix_seconds: u64,
        nonce: Nonce,
    ) -> Result<Self, RequestError> {
        check("appid", appid)?;
        check("prepay_id", prepay_id)?;
        let (time_stamp, nonce_str) = (time_stamp(unix_seconds)?, nonce.as_str().to_owned());
        let (package, sign_type) = (format!("prepay_id={prepay_id}"), merchant.sign_type());
        let signed = [
            ("appId", appid),
            ("nonceStr", &nonce_str),
            ("package", &package),
            ("signType", sign_type.as_str()),
            ("timeStamp", &time_stamp),
        ];
        let pay_sign = sign(merchant, sign_type, &signed).to_hex().as_str().to_owned();
        let app_id = appid.to_owned();
        Ok(Self { app_id, time_stamp, nonce_str, package, sign_type: sign_type.as_str(), pay_sign })
    }

    /// The parameters by name.
    pub fn fields(&self) -> [(&'static str, &str); 6] {
        [
            ("appId", &self.app_id),
            ("timeStamp", &self.time_stamp),
            ("nonceStr", &self.nonce_str),
            ("package", &self.package),
            ("signType", self.sign_type),
            ("paySign", &self.pay_sign),
        ]
    }
}

/// The parameters of `wx.chooseWXPay`, the payment of a web page by the JS-SDK (`jweixin.js`). It takes `timestamp` in lower
/// case, though `timeStamp` is signed, and no `appId`, which is signed all the same: `wx.config` has it. The rest is that
/// of [`RequestPayment`], which is for pages without the JS-SDK.
/// Official: <https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html>.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChooseWxPay {
    /// Seconds since 1970, as text.
    pub timestamp: String,
    /// 随机字符串.
    pub nonce_str: String,
    /// `prepay_id=` and the number of the prepared order.
    pub package: String,
    /// `MD5` or `HMAC-SHA256`.
    pub sign_type: &'static str,
    /// Upper-case hex.
    pub pay_sign: String,
}

impl ChooseWxPay {
    /// Makes the parameters for an order that `unifiedorder` prepared. `appid` is that of the official account, the one
    /// that `wx.config` was given.
    pub fn new(
        merchant: &Merchant,
        appid: &str,
        prepay_id: &str,
        unix_seconds: u64,
        nonce: Nonce,
    ) -> Result<Self, RequestError> {
        let RequestPayment { app_id: _, time_stamp, nonce_str, package, sign_type, pay_sign } =
            RequestPayment::new(merchant, appid, prepay_id, unix_seconds, nonce)?;
        Ok(Self { timestamp: time_stamp, nonce_str, package, sign_type, pay_sign })
    }

    /// The parameters by name.
    pub fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("timestamp", &self.timestamp),
            ("nonceStr", &self.nonce_str),
            ("package", &self.package),
            ("signType", self.sign_type),
            ("paySign", &self.pay_sign),
        ]
    }
}

/// The parameters of a payment inside a mobile app (`PayReq` of the app's SDK).
///
/// All of them are signed, with the digest that the merchant's orders are signed with.
/// Official: <https://pay.weixin.qq.com/wiki/doc/api/app/app.php?chapter=9_12&index=2>.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppPayment {
    /// The app's appid.
    pub appid: String,
    /// The merchant number that the app pays to.
    pub partnerid: String,
    /// The number of the prepared order.
    pub prepayid: String,
    /// Always `Sign=WXPay`.
    pub package: &'static str,
    /// 随机字符串.
    pub noncestr: String,
    /// Seconds since 1970, as text.
    pub timestamp: String,
    /// Upper-case hex.
    pub sign: String,
}

impl AppPayment {
    /// Makes the parameters for an order that `unifiedorder` prepared. `partnerid` is the direct merchant's own number.
    pub fn new(
        merchant: &Merchant,
        appid: &str,
        partnerid: &str,
        prepay_id: &str,
        unix_seconds: u64,
        nonce: Nonce,
    ) -> Result<Self, RequestError> {
        check("appid", appid)?;
        check("partnerid", partnerid)?;
        check("prepay_id", prepay_id)?;
        let (timestamp, noncestr) = (time_stamp(unix_seconds)?, nonce.as_str().to_owned());
        let package = "Sign=WXPay";
        let signed = [
            ("appid", appid),
            ("noncestr", &noncestr),
            ("package", package),
            ("partnerid", partnerid),
            ("prepayid", prepay_id),
            ("timestamp", &timestamp),
        ];
        let sign = sign(merchant, merchant.sign_type(), &signed).to_hex().as_str().to_owned();
        let [appid, partnerid, prepayid] = [appid, partnerid, prepay_id].map(str::to_owned);
        Ok(Self { appid, partnerid, prepayid, package, noncestr, timestamp, sign })
    }

    /// The parameters by name.
    pub fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("appid", &self.appid),
            ("partnerid", &self.partnerid),
            ("prepayid", &self.prepayid),
            ("package", self.package),
            ("noncestr", &self.noncestr),
            ("timestamp", &self.timestamp),
            ("sign", &self.sign),
        ]
    }
}

fn check(name: &'static str, text: &str) -> Result<(), RequestError> {
    RequestError::check(name, Rule::Token { max: 64 }, Value::Text(text))
}

/// Ten digits reach to the year 2286; more are milliseconds.
fn time_stamp(unix_seconds: u64) -> Result<String, RequestError> {
    let seconds = Rule::Range { min: 1, max: 9_999_999_999 };
    RequestError::check("timeStamp", seconds, Value::Number(unix_seconds))?;
    Ok(unix_seconds.to_string())
}

/// `fields` stand in byte order of their names.
fn sign(merchant: &Merchant, sign_type: SignType, fields: &[(&str, &str)]) -> Sign {
    let mut signer = Signer::new(sign_type, merchant.key());
    fields.iter().for_each(|(name, value)| signer.field(name, value));
    signer.finish("key=")
}

macro_rules! value {
    ($($Name:ident),*) => {
        $(
            impl fmt::Debug for $Name {
                /// Nothing of it: it holds a sign.
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!(stringify!($Name), "(..)"))
                }
            }

            #[cfg(feature = "serde")]
            impl serde::Serialize for $Name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_map(self.fields())
                }
            }
        )*
    };
}

value!(SendBizRedPacket, RequestPayment, ChooseWxPay, AppPayment);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merchant::ApiKey;

    fn merchant(key: &str, sign_type: SignType) -> Merchant {
        Merchant::direct("10000098", ApiKey::new(key).unwrap()).unwrap().with_sign_type(sign_type)
    }

    /// The example of the official page.
    #[test]
    fn the_official_payment() {
        let merchant = merchant("qazwsxedcrfvtgbyhnujmikolp111111", SignType::Md5);
        let nonce = Nonce::from_text("5K8264ILTKCH16CQ2502SI8ZNMTM67VS").unwrap();
        let prepay_id = "wx2017033010242291fcfe0db70013231072";
        let payment =
            RequestPayment::new(&merchant, "wxd678efh567hg6787", prepay_id, 1_490_840_662, nonce).unwrap();
        assert_eq!(
            payment.fields(),
            [
                ("appId", "wxd678efh567hg6787"),
                ("timeStamp", "1490840662"),
                ("nonceStr", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
                ("package", "prepay_id=wx2017033010242291fcfe0db70013231072"),
                ("signType", "MD5"),
                ("paySign", "22D9B4E54AB1950F51E0649E8810ACD6"),
            ]
        );
        assert_eq!(format!("{payment:?}"), "RequestPayment(..)");
    }
}
