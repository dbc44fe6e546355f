//! The refusals by their codes, with the texts that the service usually gives.

use wechatpay_proto::ErrorCode;

use crate::answer::Refusal;
use crate::rules::Rules;

/// What a code that is not listed says.
const OTHER: &str = "系统繁忙，请再试";

/// The texts of sending, and those of querying where they differ.
const TEXTS: [(ErrorCode<'static>, &str, Option<&str>); 26] = [
    (ErrorCode::NoAuth, "发放失败，此请求可能存在风险，已被微信拦截", Some("没有权限")),
    (ErrorCode::SendNumLimit, "该用户今日领取红包个数超过限制", None),
    (
        ErrorCode::SendAmountLimit,
        "您的商户号今日发放金额超过限制，如有需要请登录微信支付商户平台更改API安全配置",
        None,
    ),
    (
        ErrorCode::RcvdAmountLimit,
        "该用户今日领取金额超过限制,如有需要请登录微信支付商户平台更改API安全配置",
        None,
    ),
    (ErrorCode::IllegalAppid, "非法appid，请确认是否为公众号的appid，不能为APP的appid", None),
    (ErrorCode::MoneyLimit, "红包金额发放限制", None),
    (ErrorCode::SendFailed, "红包发放失败,请更换单号再重试", None),
    (ErrorCode::FatalError, "openid和原始单参数不一致", None),
    (
        ErrorCode::CaError,
        "证书出错，请登录微信支付商户平台下载证书",
        Some("请求未携带证书，或请求携带的证书出错"),
    ),
    (ErrorCode::SignError, "签名错误", Some("商户签名错误")),
    (
        ErrorCode::SystemError,
        "请求已受理，请稍后使用原单号查询发放结果",
        Some("系统繁忙，请再试。红包系统繁忙。"),
    ),
    (ErrorCode::Processing, "请求已受理，请稍后使用原单号查询发放结果", None),
    (ErrorCode::XmlError, "输入xml参数格式错误", Some("请求的xml格式错误，或者post的数据为空")),
    (ErrorCode::FreqLimit, "超过频率限制,请稍后再试", Some("受频率限制")),
    (ErrorCode::ApiMethodClosed, "你的商户号API发放方式已关闭，请联系管理员在商户平台开启", None),
    (ErrorCode::NotEnough, "帐号余额不足，请到商户平台充值后再重试", None),
    (ErrorCode::OpenidError, "openid和appid不匹配", None),
    (ErrorCode::MsgAppidError, "触达消息给用户appid有误", None),
    (ErrorCode::AcceptModeError, "主、子商户号关系校验失败", None),
    (ErrorCode::ParamError, "参数错误:红包金额参数错误", Some("参数错误")),
    (ErrorCode::SecondOverLimited, "企业红包的按分钟发放受限", None),
    (ErrorCode::DayOverLimited, "企业红包的按天日发放受限", None),
    (
        ErrorCode::ProductAuthorityUnopen,
        "你的商户号未开通该产品权限，请联系管理员到产品中心开通。开通路径：产品中心-产品大全-现金红包-申请开通",
        None,
    ),
    (ErrorCode::NoCompetence, "商户没有开通企业支付", None),
    (ErrorCode::PayerAccountAbnormal, "商户号被处罚、冻结", None),
    (ErrorCode::NotFound, "指定单号数据不存在", None),
];

/// The refusal with a code, and with its usual text unless another is given.
pub(super) fn refusal(code: &str, text: Option<&str>, sends: bool, rules: &Rules) -> Refusal {
    let code = ErrorCode::new(code).into_owned();
    if code == ErrorCode::SystemError && sends && text.is_none() {
        return Refusal::system_error(rules);
    }
    let usual = TEXTS.iter().find(|(listed, ..)| *listed == code);
    let usual = usual.map_or(OTHER, |(_, sending, querying)| querying.filter(|_| !sends).unwrap_or(sending));
    // These name no order: nothing was read yet, or nothing is known.
    let bare = matches!(code, ErrorCode::SystemError | ErrorCode::XmlError);
    let refusal = Refusal::new(code, text.unwrap_or(usual).to_owned());
    if bare { refusal.without_echoes() } else { refusal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_has_its_text() {
        let rules = &Rules::default();
        for code in ErrorCode::LISTED {
            assert_eq!(TEXTS.iter().filter(|(listed, ..)| listed == code).count(), 1, "{code}");
        }
        assert_eq!(refusal("FREQ_LIMIT", None, false, rules).text, "受频率限制");
        assert_eq!(refusal("FREQ_LIMIT", None, true, rules), Refusal::too_often());
        assert_eq!(refusal("FREQ_LIMIT", Some("slower"), true, rules).text, "slower");
        assert_eq!(refusal("268501013", None, true, rules).code.as_str(), "268501013");
        assert!(
            !refusal("SYSTEMERROR", None, true, rules).echoes && refusal("NO_AUTH", None, true, rules).echoes
        );
    }
}
