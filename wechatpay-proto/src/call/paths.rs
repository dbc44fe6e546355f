//! What is particular about each path of APIv2: one row a path, sorted.

use crate::endpoint::Endpoint as _;
use crate::endpoint::Form::{Json, Text};
use crate::endpoint::Host::{Fraud, PayApp, PayAppMch};
use crate::endpoint::InnerSign;
use crate::endpoint::SignBy::{HmacSha256, Md5, Merchant};
#[expect(deprecated, reason = "the table holds every path")]
use crate::v2::mmpaymkttransfers::SendGroupRedPack;
use crate::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, SendMiniProgramHb, SendRedPack, SendWorkWxRedPack,
};

use super::path::{Path, get, post, typed};

/// The inner sign of a transfer to a member of a work-weixin company.
const TRANSFER_SIGN: InnerSign = InnerSign {
    name: "workwx_sign",
    over: &["amount", "appid", "desc", "mch_id", "nonce_str", "openid", "partner_trade_no", "ww_msg_type"],
};

/// What a success has that found an order, took its money, gave it back, or shared it.
const ORDER: &[&str] = &["out_trade_no", "trade_state"];
const PAID: &[&str] = &["out_trade_no", "transaction_id"];
const REFUND: &[&str] = &["out_refund_no", "refund_id"];
const SHARED: &[&str] = &["out_order_no", "order_id"];
/// The same of a transfer that was made, or found.
const TRANSFER: &[&str] = &["partner_trade_no", "payment_no"];
const TRANSFER_FOUND: &[&str] = &["partner_trade_no", "status"];

/// Every path of APIv2, in byte order.
#[expect(deprecated, reason = "the table holds every path")]
pub const PATHS: &[Path] = &[
    get("/appauth/authindex", Md5).host(PayAppMch).no_nonce(),
    get("/appauth/getaccesstoken", HmacSha256).no_nonce().unsigned().answers(Json),
    post("/applyment/micro/getstate", HmacSha256).certificate().success(&["applyment_state"]),
    post("/applyment/micro/getupgradestate", HmacSha256).certificate().success(&["applyment_state"]),
    post("/applyment/micro/modifyarchives", HmacSha256).certificate(),
    post("/applyment/micro/modifycontactinfo", HmacSha256).certificate(),
    post("/applyment/micro/signcontract", Md5).certificate().merchant_row(None).no_nonce(),
    post("/applyment/micro/submit", HmacSha256).certificate().success(&["applyment_id"]),
    post("/applyment/micro/submitupgrade", HmacSha256).certificate(),
    post("/billcommentsp/batchquerycomment", HmacSha256).certificate().unsigned().answers(Text),
    post("/cgi-bin/mch/customs/customdeclareorder", Md5).no_nonce().success(&["state"]),
    post("/cgi-bin/mch/customs/customdeclarequery", Md5).no_nonce().success(&["count"]),
    post("/cgi-bin/mch/newcustoms/customdeclareredeclare", Md5).no_nonce().success(&["state"]),
    post("/deposit/consume", HmacSha256).certificate().success(&["consume_fee", "transaction_id"]),
    post("/deposit/facepay", HmacSha256).success(PAID).may(&["time_end"]),
    post("/deposit/micropay", Merchant).success(PAID).may(&["time_end"]),
    post("/deposit/orderquery", Merchant).success(ORDER).may(&["time_end"]),
    post("/deposit/refund", Merchant).certificate().success(REFUND),
    post("/deposit/refundquery", Merchant).success(&["refund_count"]),
    post("/deposit/reverse", Merchant).certificate().success(&["recall"]),
    post("/deposit/unifiedorder", Merchant).success(&["prepay_id"]),
    post("/face/get_wxpayface_authinfo", Merchant).host(PayApp).success(&["authinfo"]),
    post("/fund/queryautowithdrawbydate", HmacSha256).certificate().success(&["withdraw_status"]),
    post("/fund/reautowithdrawbydate", HmacSha256).certificate().success(&["withdraw_id"]),
    post("/mchrisk/bankquerymchauditinfo", HmacSha256).success(&["audit_status"]),
    post("/mchrisk/channelquerymchauditinfo", HmacSha256).success(&["audit_status"]),
    post("/mchrisk/querymchrisk", HmacSha256).certificate().unsigned().success(&["risk_level"]),
    post("/mchrisk/setmchriskcallback", HmacSha256).unsigned(),
    post("/mchrisk/syncmchriskresult", HmacSha256).certificate().unsigned(),
    typed(GetHbInfo::SPEC).may(&["detail_id"]),
    post("/mmpaymkttransfers/gettransferinfo", Md5)
        .certificate()
        .unsigned()
        .success(TRANSFER_FOUND)
        .may(&["detail_id"]),
    post("/mmpaymkttransfers/promotion/paywwsptrans2pocket", Md5)
        .certificate()
        .unsigned()
        .inner(TRANSFER_SIGN)
        .success(TRANSFER),
    post("/mmpaymkttransfers/promotion/querywwsptrans2pocket", Md5)
        .certificate()
        .unsigned()
        .success(TRANSFER_FOUND)
        .may(&["detail_id"]),
    post("/mmpaymkttransfers/promotion/transfers", Md5)
        .certificate()
        .merchant_row(Some("mchid"))
        .unsigned()
        .success(TRANSFER),
    post("/mmpaymkttransfers/query_coupon_stock", Md5).success(&["coupon_stock_id", "coupon_stock_status"]),
    post("/mmpaymkttransfers/querycouponsinfo", Md5).success(&["coupon_id", "coupon_state"]),
    typed(QueryWorkWxRedPack::SPEC).may(&["detail_id"]),
    post("/mmpaymkttransfers/send_coupon", Md5).certificate().success(&["coupon_stock_id", "success_count"]),
    typed(SendGroupRedPack::SPEC),
    typed(SendMiniProgramHb::SPEC),
    typed(SendRedPack::SPEC),
    typed(SendWorkWxRedPack::SPEC),
    post("/mmpaysptrans/pay_bank", Md5).certificate().unsigned().success(TRANSFER),
    post("/mmpaysptrans/query_bank", Md5)
        .certificate()
        .unsigned()
        .success(TRANSFER_FOUND)
        .may(&["bank_no_md5"]),
    post("/papay/deletecontract", Md5).no_nonce().success(&["contract_id"]),
    get("/papay/entrustweb", Md5).no_nonce().unsigned(),
    get("/papay/h5entrustweb", Merchant).no_nonce().unsigned(),
    post("/papay/partner/deletecontract", Md5).no_nonce().success(&["contract_id"]),
    get("/papay/partner/entrustweb", Md5).no_nonce().unsigned(),
    get("/papay/partner/h5entrustweb", Merchant).no_nonce().unsigned(),
    post("/papay/partner/preentrustweb", Merchant)
        .no_nonce()
        .success(&["pre_entrustweb_id"])
        .may(&["miniprogram_path"]),
    post("/papay/partner/querycontract", Md5).no_nonce().success(&["contract_id", "contract_state"]),
    post("/papay/preentrustweb", Merchant)
        .no_nonce()
        .success(&["pre_entrustweb_id"])
        .may(&["miniprogram_path"]),
    post("/papay/querycontract", Md5).no_nonce().success(&["contract_id", "contract_state"]),
    post("/pay/closecombinedorder", HmacSha256).merchant_row(Some("combine_mch_id")),
    post("/pay/closeorder", Merchant),
    post("/pay/combinedorder", HmacSha256).merchant_row(Some("combine_mch_id")).may(&["prepay_id"]),
    post("/pay/contractorder", Md5).success(&["prepay_id"]),
    post("/pay/downloadbill", Md5).unsigned().answers(Text),
    post("/pay/downloadfundflow", HmacSha256).certificate().unsigned().answers(Text),
    post("/pay/facepay", HmacSha256).success(PAID).may(&["time_end"]),
    post("/pay/facepayquery", Merchant).success(ORDER).may(&["time_end"]),
    post("/pay/micropay", Merchant).success(PAID).may(&["time_end"]),
    post("/pay/orderquery", Merchant).success(ORDER).may(&["time_end"]),
    post("/pay/paporderquery", Md5).success(ORDER).may(&["time_end"]),
    post("/pay/pappayapply", Md5),
    post("/pay/partner/paporderquery", Md5).success(ORDER).may(&["time_end"]),
    post("/pay/partner/pappayapply", Md5),
    post("/pay/profitsharingaddreceiver", HmacSha256).success(&["receiver"]),
    post("/pay/profitsharingmerchantratioquery", HmacSha256).success(&["max_ratio"]),
    post("/pay/profitsharingorderamountquery", HmacSha256)
        .success(&["transaction_id"])
        .may(&["unsplit_amount"]),
    post("/pay/profitsharingquery", HmacSha256).success(&["out_order_no", "order_id", "status"]),
    post("/pay/profitsharingremovereceiver", HmacSha256).success(&["receiver"]),
    post("/pay/profitsharingreturnquery", HmacSha256)
        .success(&["out_return_no"])
        .may(&["order_id", "return_no"]),
    post("/pay/querycombinedorder", HmacSha256)
        .merchant_row(Some("combine_mch_id"))
        .success(&["combine_out_trade_no", "sub_order_list"])
        .may(&["trade_state"]),
    post("/pay/queryexchagerate", Md5).no_nonce().success(&["rate"]),
    post("/pay/refundquery", Merchant).success(&["refund_count"]),
    post("/pay/refundqueryv2", Merchant).success(&["refund_count"]),
    post("/pay/settlementquery", Md5).merchant_row(Some("mchid")).success(&["record_num"]),
    post("/pay/unifiedorder", Merchant).success(&["prepay_id"]),
    post("/payitil/report", Md5).unsigned(),
    post("/risk/getcertficates", HmacSha256).success(&["certificates"]),
    post("/risk/getpublickey", Merchant).host(Fraud).certificate().unsigned(),
    post("/risk/getviolation", HmacSha256).certificate().unsigned(),
    post("/sandboxnew/pay/downloadbill", Md5).unsigned().answers(Text),
    post("/sandboxnew/pay/getsignkey", Md5).unsigned().success(&["sandbox_signkey"]),
    post("/sandboxnew/pay/micropay", Merchant).success(PAID).may(&["time_end"]),
    post("/sandboxnew/pay/orderquery", Merchant).success(ORDER).may(&["time_end"]),
    post("/sandboxnew/pay/refund", Merchant).success(REFUND),
    post("/sandboxnew/pay/refundquery", Merchant).success(&["refund_count"]),
    post("/sandboxnew/pay/unifiedorder", Merchant).success(&["prepay_id"]),
    post("/secapi/mch/addInstitutionsub", Md5).certificate().no_nonce().success(&["sub_mch_id"]),
    post("/secapi/mch/addsubdevconfig", Md5).certificate().no_nonce(),
    post("/secapi/mch/channelsetting", Md5).certificate().no_nonce().success(&["channel_id"]),
    post("/secapi/mch/modifyInstitutionsub", Md5).certificate().no_nonce().success(&["sub_mch_id"]),
    post("/secapi/mch/modifymchinfo", Md5).certificate().no_nonce(),
    post("/secapi/mch/queryInstitutionsub", Md5).certificate().no_nonce().success(&["merchant_name"]),
    post("/secapi/mch/querysubdevconfig", Md5).certificate().no_nonce(),
    post("/secapi/mch/submchmanage", Md5).certificate().no_nonce().unsigned(),
    post("/secapi/mch/uploadmedia", Merchant).certificate().no_nonce().multipart(),
    post("/secapi/mkt/addrecommendconf", Md5).certificate(),
    post("/secapi/pay/facepayreverse", Merchant).certificate().success(&["recall"]),
    post("/secapi/pay/multiprofitsharing", HmacSha256).certificate().success(SHARED),
    post("/secapi/pay/profitsharing", HmacSha256).certificate().success(SHARED),
    post("/secapi/pay/profitsharingfinish", HmacSha256).certificate().success(SHARED),
    post("/secapi/pay/profitsharingreturn", HmacSha256)
        .certificate()
        .success(&["out_return_no"])
        .may(&["order_id", "return_no"]),
    post("/secapi/pay/refund", Merchant).certificate().success(REFUND),
    post("/secapi/pay/refundv2", Merchant).certificate().success(REFUND),
    post("/secapi/pay/reverse", Merchant).certificate().success(&["recall"]),
    post("/secsvc/getrealnameinfo", HmacSha256).host(Fraud),
    post("/secsvc/realnameauth", Merchant).host(Fraud),
    post("/tools/authcodetoopenid", Md5).success(&["openid"]),
    post("/tools/shorturl", Merchant).success(&["short_url"]),
    post("/transit/partnerpay/payapply", HmacSha256),
    post("/transit/partnerpay/queryorder", HmacSha256).success(ORDER).may(&["time_end"]),
    post("/transit/partnerpay/querystate", HmacSha256)
        .success(&["user_state"])
        .may(&["contract_id", "contract_state"]),
    post("/transit/pay/payapply", HmacSha256),
    post("/transit/pay/querystate", HmacSha256)
        .success(&["user_state"])
        .may(&["contract_id", "contract_state"]),
    post("/transit/queryorder", HmacSha256).success(ORDER).may(&["time_end"]),
    post("/vehicle/partnerpay/notification", HmacSha256).success(&["user_state"]),
    post("/vehicle/partnerpay/payapply", HmacSha256),
    post("/vehicle/partnerpay/querystate", HmacSha256).success(&["user_state"]),
    post("/vehicle/pay/notification", HmacSha256).success(&["user_state"]),
    post("/vehicle/pay/payapply", HmacSha256),
    post("/vehicle/pay/querystate", HmacSha256).success(&["user_state"]),
    post("/wxv/cancelbill", HmacSha256).certificate().success(SHARED),
    post("/wxv/changerentmoney", HmacSha256).certificate().success(SHARED),
    post("/wxv/createhotelbill", HmacSha256).certificate().success(&[
        "out_order_no",
        "order_id",
        "miniprogram_path",
    ]),
    post("/wxv/createrentbill", HmacSha256).certificate().success(&[
        "out_order_no",
        "order_id",
        "miniprogram_path",
    ]),
    post("/wxv/finishhotelbill", HmacSha256).certificate().success(SHARED),
    post("/wxv/finishrentbill", HmacSha256).certificate().success(SHARED),
    post("/wxv/queryhotelbill", HmacSha256)
        .certificate()
        .success(&["out_order_no", "state"])
        .may(&["deposit_amount", "order_id"]),
    post("/wxv/queryrentbill", HmacSha256)
        .certificate()
        .success(&["out_order_no", "state"])
        .may(&["deposit_amount", "order_id"]),
    post("/xdc/apiv2getsignkey/sign/getsignkey", Md5).unsigned().success(&["sandbox_signkey"]),
    post("/xdc/apiv2sandbox/pay/micropay", Merchant).success(PAID).may(&["time_end"]),
    post("/xdc/apiv2sandbox/pay/orderquery", Merchant).success(ORDER).may(&["time_end"]),
];
