//! What is particular about each path of APIv2: one row a path, sorted.

use crate::endpoint::Endpoint as _;
use crate::endpoint::Host::{self, Fraud, PayApp, PayAppMch};
use crate::endpoint::SignBy::{self, HmacSha256, Md5, Merchant};
use crate::endpoint::{InnerSign, Method, Spec, Trust};
use crate::table::order::is_row;
#[expect(deprecated, reason = "the table holds every path")]
use crate::v2::mmpaymkttransfers::SendGroupRedPack;
use crate::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, SendMiniProgramHb, SendRedPack, SendWorkWxRedPack,
};
use crate::wire::List;

/// What a [`Call`](super::Call) to one path needs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Path {
    /// The path, from the root of the host.
    pub path: &'static str,
    /// How the fields travel.
    pub method: Method,
    /// Which of the service's hosts serves it.
    pub host: Host,
    /// Whether the merchant's client certificate is required.
    pub certificate: bool,
    /// Whether the request has a `nonce_str`.
    pub nonce: bool,
    /// The row that holds the merchant number: `mch_id`, or another name; `None` where there is no such row.
    pub merchant_row: Option<&'static str>,
    /// Who chooses the digest. Where it is not MD5 by nature, the request says it in `sign_type`.
    pub sign_by: SignBy,
    /// What the trust in an answer rests on.
    pub trust: Trust,
    /// Whether the request is an upload (`multipart/form-data`), which [`Call`](super::Call) cannot make.
    pub multipart: bool,
    /// The sign within the sign, where there is one.
    pub inner: Option<InnerSign>,
    /// Fields that must come back as they were sent, wherever they were sent and the answer has them.
    pub echoes: &'static [&'static str],
    /// Fields that every success has.
    pub promises: &'static [&'static str],
    /// The lists that an answer may hold.
    pub lists: &'static [List],
}

/// What protects answers without a sign, whichever of it was sent.
const ECHOED: &[&str] =
    &["partner_trade_no", "amount", "mch_id", "mchid", "appid", "mch_appid", "device_info"];

/// The inner sign of a transfer to a member of a work-weixin company.
const TRANSFER: InnerSign = InnerSign {
    name: "workwx_sign",
    over: &["amount", "appid", "desc", "mch_id", "nonce_str", "openid", "partner_trade_no", "ww_msg_type"],
};

impl Path {
    /// The row of `path`; for a path that is not listed, what most of APIv2 is like: a POST with `mch_id` and
    /// `nonce_str`, signed with MD5, answered with a sign.
    pub(super) fn find(path: &str) -> Self {
        let place = PATHS.binary_search_by(|row| row.path.cmp(path));
        place.ok().and_then(|at| PATHS.get(at)).copied().unwrap_or(post("", Md5))
    }

    const fn host(self, host: Host) -> Self {
        Self { host, ..self }
    }

    const fn certificate(self) -> Self {
        Self { certificate: true, ..self }
    }

    const fn no_nonce(self) -> Self {
        Self { nonce: false, ..self }
    }

    const fn merchant_row(self, merchant_row: Option<&'static str>) -> Self {
        Self { merchant_row, ..self }
    }

    const fn unsigned(self) -> Self {
        Self { trust: Trust::TransportOnly, echoes: ECHOED, ..self }
    }

    /// A success names the order.
    const fn names_order(self) -> Self {
        Self { promises: &["partner_trade_no"], ..self }
    }

    const fn inner(self, inner: InnerSign) -> Self {
        Self { inner: Some(inner), ..self }
    }

    const fn multipart(self) -> Self {
        Self { multipart: true, ..self }
    }
}

const fn post(path: &'static str, sign_by: SignBy) -> Path {
    Path {
        path,
        method: Method::Post,
        host: Host::Api,
        certificate: false,
        nonce: true,
        merchant_row: Some("mch_id"),
        sign_by,
        trust: Trust::Signed,
        multipart: false,
        inner: None,
        echoes: &[],
        promises: &[],
        lists: &[],
    }
}

/// A page that a user's browser opens: the URL is all that is needed.
const fn get(path: &'static str, sign_by: SignBy) -> Path {
    Path { method: Method::Get, ..post(path, sign_by) }
}

/// An endpoint that has a table: what it says holds here too.
const fn typed(spec: &'static Spec<'static>) -> Path {
    Path {
        host: spec.host,
        certificate: spec.certificate,
        nonce: is_row(spec, "nonce_str"),
        trust: spec.trust,
        inner: spec.inner,
        echoes: spec.echoes,
        promises: spec.promises,
        lists: spec.lists,
        ..post(spec.path, spec.sign_by)
    }
}

/// Every path of APIv2, in byte order.
#[expect(deprecated, reason = "the table holds every path")]
pub const PATHS: &[Path] = &[
    get("/appauth/authindex", Md5).host(PayAppMch).no_nonce(),
    get("/appauth/getaccesstoken", HmacSha256).no_nonce().unsigned(),
    post("/applyment/micro/getstate", HmacSha256).certificate(),
    post("/applyment/micro/getupgradestate", HmacSha256).certificate(),
    post("/applyment/micro/modifyarchives", HmacSha256).certificate(),
    post("/applyment/micro/modifycontactinfo", HmacSha256).certificate(),
    post("/applyment/micro/signcontract", Md5).certificate().merchant_row(None).no_nonce(),
    post("/applyment/micro/submit", HmacSha256).certificate(),
    post("/applyment/micro/submitupgrade", HmacSha256).certificate(),
    post("/billcommentsp/batchquerycomment", HmacSha256).certificate(),
    post("/cgi-bin/mch/customs/customdeclareorder", Md5).no_nonce(),
    post("/cgi-bin/mch/customs/customdeclarequery", Md5).no_nonce(),
    post("/cgi-bin/mch/newcustoms/customdeclareredeclare", Md5).no_nonce(),
    post("/deposit/consume", HmacSha256).certificate(),
    post("/deposit/facepay", HmacSha256),
    post("/deposit/micropay", Merchant),
    post("/deposit/orderquery", Merchant),
    post("/deposit/refund", Merchant).certificate(),
    post("/deposit/refundquery", Merchant),
    post("/deposit/reverse", Merchant).certificate(),
    post("/deposit/unifiedorder", Merchant),
    post("/face/get_wxpayface_authinfo", Merchant).host(PayApp),
    post("/fund/queryautowithdrawbydate", HmacSha256).certificate(),
    post("/fund/reautowithdrawbydate", HmacSha256).certificate(),
    post("/mchrisk/bankquerymchauditinfo", HmacSha256),
    post("/mchrisk/channelquerymchauditinfo", HmacSha256),
    post("/mchrisk/querymchrisk", HmacSha256).certificate().unsigned(),
    post("/mchrisk/setmchriskcallback", HmacSha256).unsigned(),
    post("/mchrisk/syncmchriskresult", HmacSha256).certificate().unsigned(),
    typed(GetHbInfo::SPEC),
    post("/mmpaymkttransfers/gettransferinfo", Md5).certificate().unsigned().names_order(),
    post("/mmpaymkttransfers/promotion/paywwsptrans2pocket", Md5)
        .certificate()
        .unsigned()
        .names_order()
        .inner(TRANSFER),
    post("/mmpaymkttransfers/promotion/querywwsptrans2pocket", Md5).certificate().unsigned().names_order(),
    post("/mmpaymkttransfers/promotion/transfers", Md5)
        .certificate()
        .merchant_row(Some("mchid"))
        .unsigned()
        .names_order(),
    post("/mmpaymkttransfers/query_coupon_stock", Md5),
    post("/mmpaymkttransfers/querycouponsinfo", Md5),
    typed(QueryWorkWxRedPack::SPEC),
    post("/mmpaymkttransfers/send_coupon", Md5).certificate(),
    typed(SendGroupRedPack::SPEC),
    typed(SendMiniProgramHb::SPEC),
    typed(SendRedPack::SPEC),
    typed(SendWorkWxRedPack::SPEC),
    post("/mmpaysptrans/pay_bank", Md5).certificate().unsigned().names_order(),
    post("/mmpaysptrans/query_bank", Md5).certificate().unsigned().names_order(),
    post("/papay/deletecontract", Md5).no_nonce(),
    get("/papay/entrustweb", Md5).no_nonce().unsigned(),
    get("/papay/h5entrustweb", Merchant).no_nonce().unsigned(),
    post("/papay/partner/deletecontract", Md5).no_nonce(),
    get("/papay/partner/entrustweb", Md5).no_nonce().unsigned(),
    get("/papay/partner/h5entrustweb", Merchant).no_nonce().unsigned(),
    post("/papay/partner/preentrustweb", Merchant).no_nonce(),
    post("/papay/partner/querycontract", Md5).no_nonce(),
    post("/papay/preentrustweb", Merchant).no_nonce(),
    post("/papay/querycontract", Md5).no_nonce(),
    post("/pay/closecombinedorder", HmacSha256).merchant_row(Some("combine_mch_id")),
    post("/pay/closeorder", Merchant),
    post("/pay/combinedorder", HmacSha256).merchant_row(Some("combine_mch_id")),
    post("/pay/contractorder", Md5),
    post("/pay/downloadbill", Md5).unsigned(),
    post("/pay/downloadfundflow", HmacSha256).certificate().unsigned(),
    post("/pay/facepay", HmacSha256),
    post("/pay/facepayquery", Merchant),
    post("/pay/micropay", Merchant),
    post("/pay/orderquery", Merchant),
    post("/pay/paporderquery", Md5),
    post("/pay/pappayapply", Md5),
    post("/pay/partner/paporderquery", Md5),
    post("/pay/partner/pappayapply", Md5),
    post("/pay/profitsharingaddreceiver", HmacSha256),
    post("/pay/profitsharingmerchantratioquery", HmacSha256),
    post("/pay/profitsharingorderamountquery", HmacSha256),
    post("/pay/profitsharingquery", HmacSha256),
    post("/pay/profitsharingremovereceiver", HmacSha256),
    post("/pay/profitsharingreturnquery", HmacSha256),
    post("/pay/querycombinedorder", HmacSha256).merchant_row(Some("combine_mch_id")),
    post("/pay/queryexchagerate", Md5).no_nonce(),
    post("/pay/refundquery", Merchant),
    post("/pay/refundqueryv2", Merchant),
    post("/pay/settlementquery", Md5).merchant_row(Some("mchid")),
    post("/pay/unifiedorder", Merchant),
    post("/payitil/report", Md5).unsigned(),
    post("/risk/getcertficates", HmacSha256),
    post("/risk/getpublickey", Merchant).host(Fraud).certificate().unsigned(),
    post("/risk/getviolation", HmacSha256).certificate().unsigned(),
    post("/sandboxnew/pay/downloadbill", Md5),
    post("/sandboxnew/pay/getsignkey", Md5),
    post("/sandboxnew/pay/micropay", Merchant),
    post("/sandboxnew/pay/orderquery", Merchant),
    post("/sandboxnew/pay/refund", Merchant),
    post("/sandboxnew/pay/refundquery", Merchant),
    post("/sandboxnew/pay/unifiedorder", Merchant),
    post("/secapi/mch/addInstitutionsub", Md5).certificate().no_nonce(),
    post("/secapi/mch/addsubdevconfig", Md5).certificate().no_nonce(),
    post("/secapi/mch/channelsetting", Md5).certificate().no_nonce(),
    post("/secapi/mch/modifyInstitutionsub", Md5).certificate().no_nonce(),
    post("/secapi/mch/modifymchinfo", Md5).certificate().no_nonce(),
    post("/secapi/mch/queryInstitutionsub", Md5).certificate().no_nonce(),
    post("/secapi/mch/querysubdevconfig", Md5).certificate().no_nonce(),
    post("/secapi/mch/submchmanage", Md5).certificate().no_nonce().unsigned(),
    post("/secapi/mch/uploadmedia", Merchant).certificate().no_nonce().multipart(),
    post("/secapi/mkt/addrecommendconf", Md5).certificate(),
    post("/secapi/pay/facepayreverse", Merchant).certificate(),
    post("/secapi/pay/multiprofitsharing", HmacSha256).certificate(),
    post("/secapi/pay/profitsharing", HmacSha256).certificate(),
    post("/secapi/pay/profitsharingfinish", HmacSha256).certificate(),
    post("/secapi/pay/profitsharingreturn", HmacSha256).certificate(),
    post("/secapi/pay/refund", Merchant).certificate(),
    post("/secapi/pay/refundv2", Merchant).certificate(),
    post("/secapi/pay/reverse", Merchant).certificate(),
    post("/secsvc/getrealnameinfo", HmacSha256).host(Fraud),
    post("/secsvc/realnameauth", Merchant).host(Fraud),
    post("/tools/authcodetoopenid", Md5),
    post("/tools/shorturl", Merchant),
    post("/transit/partnerpay/payapply", HmacSha256),
    post("/transit/partnerpay/queryorder", HmacSha256),
    post("/transit/partnerpay/querystate", HmacSha256),
    post("/transit/pay/payapply", HmacSha256),
    post("/transit/pay/querystate", HmacSha256),
    post("/transit/queryorder", HmacSha256),
    post("/vehicle/partnerpay/notification", HmacSha256),
    post("/vehicle/partnerpay/payapply", HmacSha256),
    post("/vehicle/partnerpay/querystate", HmacSha256),
    post("/vehicle/pay/notification", HmacSha256),
    post("/vehicle/pay/payapply", HmacSha256),
    post("/vehicle/pay/querystate", HmacSha256),
    post("/wxv/cancelbill", HmacSha256).certificate(),
    post("/wxv/changerentmoney", HmacSha256).certificate(),
    post("/wxv/createhotelbill", HmacSha256).certificate(),
    post("/wxv/createrentbill", HmacSha256).certificate(),
    post("/wxv/finishhotelbill", HmacSha256).certificate(),
    post("/wxv/finishrentbill", HmacSha256).certificate(),
    post("/wxv/queryhotelbill", HmacSha256).certificate(),
    post("/wxv/queryrentbill", HmacSha256).certificate(),
    post("/xdc/apiv2getsignkey/sign/getsignkey", Md5).unsigned(),
    post("/xdc/apiv2sandbox/pay/micropay", Merchant),
    post("/xdc/apiv2sandbox/pay/orderquery", Merchant),
];
