//! Error codes: an open set, and what each of them lets you do.

use crate::open_enum;

/// What to do after an answer that names an error code. Whatever the advice, the `mch_billno` and its parameters stay
/// the same; only [`Outcome::Failed`](crate::Outcome::Failed) lets the business choose a new number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Advice {
    /// The outcome is unknown: query the order, or send it again as it was.
    Query,
    /// Not paid by this attempt: wait, or top up, then send it again as it was.
    ResendSame,
    /// A defect outside the order: key, certificate, permission, form. Mend it, then send it again as it was.
    FixSetup,
    /// A defect in the parameters of the order. They must not be changed under the same number, because an earlier
    /// attempt may have landed: query, and let a person decide. So for an answer that contradicts itself.
    FixOrder,
    /// This `mch_billno` looks dead. Query it once to be sure; only where that says `FAILED`, or where the outcome of
    /// this answer is already [`Outcome::Failed`](crate::Outcome::Failed) and every attempt before it was answered, may the
    /// *business* choose a new one.
    ConfirmThenNewNumber,
}

open_enum! {
    /// An error code (`err_code`) of the red packets. The set is open: a code that is not listed here, or a bare
    /// number, is [`ErrorCode::Other`] and means "unknown".
    pub enum ErrorCode {
        /// 发放失败，此请求可能存在风险: the receiver's account is abnormal; or the caller's address is not on the white list.
        /// The two cannot be told apart by the code, so the safer advice stands.
        NoAuth = "NO_AUTH",
        /// The user has got as many packets today as the limit allows.
        SendNumLimit = "SENDNUM_LIMIT",
        /// The merchant has spent as much today as the limit allows.
        SendAmountLimit = "SENDAMOUNT_LIMIT",
        /// The user has got as much today as the limit allows.
        RcvdAmountLimit = "RCVDAMOUNT_LIMIT",
        /// 非法appid: not the appid of an official account.
        IllegalAppid = "ILLEGAL_APPID",
        /// 红包金额发放限制: the amount is outside the merchant's range.
        MoneyLimit = "MONEY_LIMIT",
        /// 红包发放失败,请更换单号再重试: the only code that frees a new `mch_billno`.
        SendFailed = "SEND_FAILED",
        /// The number was sent before with another receiver or amount. The first order exists.
        FatalError = "FATAL_ERROR",
        /// No client certificate, a wrong one, or an expired one.
        CaError = "CA_ERROR",
        /// 签名错误.
        SignError = "SIGN_ERROR",
        /// 请求已受理，请稍后使用原单号查询发放结果, or 系统繁忙: no definite result.
        SystemError = "SYSTEMERROR",
        /// 请求已受理: query after 20 minutes; if it stays so, send again with the same number.
        Processing = "PROCESSING",
        /// 输入xml参数格式错误: malformed XML or an empty body.
        XmlError = "XML_ERROR",
        /// 超过频率限制: wait at least a second.
        FreqLimit = "FREQ_LIMIT",
        /// The merchant has closed the API in its settings.
        ApiMethodClosed = "API_METHOD_CLOSED",
        /// 帐号余额不足: top up. The order may stand as `SENDING` meanwhile.
        NotEnough = "NOTENOUGH",
        /// openid和appid不匹配.
        OpenidError = "OPENID_ERROR",
        /// 触达消息给用户appid有误 (service providers).
        MsgAppidError = "MSGAPPID_ERROR",
        /// 主、子商户号关系校验失败 (service providers).
        AcceptModeError = "ACCEPTMODE_ERROR",
        /// 参数错误; the text says which.
        ParamError = "PARAM_ERROR",
        /// More than 1800 a minute (older documents).
        SecondOverLimited = "SECOND_OVER_LIMITED",
        /// More than the day allows (older documents).
        DayOverLimited = "DAY_OVER_LIMITED",
        /// 未开通该产品权限 (observed, not documented).
        ProductAuthorityUnopen = "PRODUCT_AUTHORITY_UNOPEN",
        /// The merchant has not opened 企业支付 (work-weixin packets).
        NoCompetence = "NO_COMPETENCE",
        /// 商户号被处罚、冻结: ask support, and query meanwhile.
        PayerAccountAbnormal = "PAYER_ACCOUNT_ABNORMAL",
        /// 指定单号数据不存在, on a query. **No proof of failure:** the order may still be on its way.
        NotFound = "NOT_FOUND",
    }
}

impl ErrorCode<'_> {
    /// Whether it names no fault: successes carry `SUCCESS`, `0` or `OK`. Every other code contradicts a success.
    pub fn is_no_fault(&self) -> bool {
        matches!(self.as_str(), "SUCCESS" | "0" | "OK")
    }

    /// What to do next. A code that is not listed says [`Advice::Query`].
    pub fn advice(&self) -> Advice {
        match self {
            Self::SendFailed => Advice::ConfirmThenNewNumber,
            Self::SendNumLimit
            | Self::SendAmountLimit
            | Self::RcvdAmountLimit
            | Self::FreqLimit
            | Self::NotEnough
            | Self::SecondOverLimited
            | Self::DayOverLimited => Advice::ResendSame,
            Self::CaError
            | Self::SignError
            | Self::XmlError
            | Self::ApiMethodClosed
            | Self::NoCompetence
            | Self::ProductAuthorityUnopen => Advice::FixSetup,
            Self::IllegalAppid
            | Self::MoneyLimit
            | Self::OpenidError
            | Self::MsgAppidError
            | Self::AcceptModeError
            | Self::ParamError => Advice::FixOrder,
            Self::NoAuth
            | Self::FatalError
            | Self::SystemError
            | Self::Processing
            | Self::PayerAccountAbnormal
            | Self::NotFound
            | Self::Other(_) => Advice::Query,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_code_frees_a_new_number() {
        let free: Vec<_> =
            ErrorCode::LISTED.iter().filter(|code| code.advice() == Advice::ConfirmThenNewNumber).collect();
        assert_eq!(free, [&ErrorCode::SendFailed]);
    }

    #[test]
    fn codes_are_read_as_spelt_and_the_set_is_open() {
        for code in ErrorCode::LISTED {
            assert_eq!(&ErrorCode::new(code.as_str()), code);
        }
        for unknown in
            ["", "0", "268501013", "send_failed", "SEND_FAILED ", "DAY_ OVER_LIMITED", "SYSTEM_ERROR"]
        {
            assert_eq!(ErrorCode::new(unknown), ErrorCode::Other(unknown.into()));
            assert_eq!(ErrorCode::new(unknown).advice(), Advice::Query, "{unknown:?}");
        }
        assert_eq!(ErrorCode::new("a\u{1b}[31m").to_string(), "a\\u{1b}[31m");
    }
}
