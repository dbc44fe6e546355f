//! The texts of PARAM_ERROR: documented ones, and for the rest one in their style.

use wechatpay_proto::ErrorCode;
use wechatpay_proto::rule::Violation;

use crate::answer::Refusal;

/// `参数错误:` and what is wrong.
pub(crate) fn param_error(text: &str) -> Refusal {
    Refusal::new(ErrorCode::ParamError, format!("参数错误:{text}"))
}

/// The refusal of one field.
pub(crate) fn refusal(field: &str, violation: &Violation) -> Refusal {
    let text = match (field, violation) {
        ("act_name", _) => "act_name字段必填,并且少于32个字符",
        ("amt_type", _) => "amt_type字段必填,并且必须为ALL_RAND",
        ("appid" | "wxappid", _) => "appid字段必填,最长为32个字符",
        ("mch_billno", Violation::Missing | Violation::TooLong { .. }) => "订单号字段必填,最长为28个字符",
        // Real answers to a bad number carry no echoes.
        ("mch_billno", _) => return param_error("输入的商户订单号有误").without_echoes(),
        ("client_ip", _) => "client_ip必须是合法的IP字符串",
        ("mch_id", _) => "输入的商户号有误",
        ("nonce_str", _) => "nonce_str字段必填,并且少于32字符",
        ("re_openid", _) => "re_openid字段为必填并且少于32个字符",
        ("remark", _) => "remark字段为必填,并且少于256字符",
        ("send_name", _) => "send_name字段必填,并且少于32字符",
        ("total_amount", _) => "红包金额参数错误",
        ("total_num", Violation::Exactly { .. }) => "total_num必须等于1",
        ("total_num", _) => "total_num必须介于(包括)3到20之间",
        ("wishing", _) => "wishing字段为必填,并且少于128个字符",
        (other, _) => return param_error(&format!("{other}字段有误")),
    };
    let refusal = param_error(text);
    if field == "mch_billno" { refusal.without_echoes() } else { refusal }
}
