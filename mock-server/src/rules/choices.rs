//! The settings of switches that have a few words to choose from.

use std::time::Duration;

use super::forms::{Form, Span, number};

/// An enum whose variants are words; the first is the default.
macro_rules! choice {
    ($(#[$doc:meta])* $Name:ident {
        $(#[$first_doc:meta])* $First:ident = $first:literal,
        $($(#[$variant_doc:meta])* $Variant:ident = $word:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $Name {
            $(#[$first_doc])* #[default] $First,
            $($(#[$variant_doc])* $Variant,)*
        }

        impl Form for $Name {
            type Value = Self;
            const ACCEPTED: &'static str = concat!($first $(, "|", $word)*);

            fn parse(text: &str) -> Option<Self> {
                match text {
                    $first => Some(Self::$First),
                    $($word => Some(Self::$Variant),)*
                    _ => None,
                }
            }

            fn print(value: &Self) -> String {
                let word = match value {
                    Self::$First => $first,
                    $(Self::$Variant => $word,)*
                };
                word.to_owned()
            }
        }
    };
}

choice! {
    /// What `sendgroupredpack` answers.
    GroupRedPack {
        /// API_METHOD_CLOSED to whatever is in order.
        Closed = "closed",
        /// It works as it did.
        Legacy = "legacy",
        /// The page of an unknown path.
        Gone = "gone",
    }
}

choice! {
    /// In which envelope a refusal comes.
    Envelope {
        /// SUCCESS/FAIL with echoes, as real ones do.
        Real = "real",
        /// FAIL/FAIL with echoes, as in the official samples; a send's SYSTEMERROR has the sample's number for a code.
        Documented = "documented",
        /// As real ones, but CA_ERROR has FAIL/FAIL, as was seen in 2015.
        Documented2015Ca = "documented-2015-ca",
    }
}

choice! {
    /// Whether something doubtful passes.
    Edge {
        /// It does.
        Accept = "accept",
        /// It does not: PARAM_ERROR.
        Reject = "reject",
    }
}

choice! {
    /// The envelope of XML_ERROR.
    XmlEnvelope {
        /// FAIL/FAIL.
        Fail = "fail",
        /// SUCCESS/FAIL.
        Success = "success",
    }
}

choice! {
    /// What a body that is too large answers.
    LargeBody {
        /// 413, a page of the web server in front.
        Page = "413",
        /// XML_ERROR.
        XmlError = "xml-error",
    }
}

choice! {
    /// Which of two elements of one name counts.
    Duplicates {
        /// None: XML_ERROR.
        Refuse = "refuse",
        /// The first.
        First = "first",
        /// The last.
        Last = "last",
    }
}

choice! {
    /// Which fields count.
    Extent {
        /// Those that are known to.
        Known = "known",
        /// All.
        All = "all",
    }
}

choice! {
    /// What a number answers that is sent again too soon.
    ResendAnswer {
        /// FREQ_LIMIT.
        FreqLimit = "FREQ_LIMIT",
        /// PROCESSING.
        Processing = "PROCESSING",
    }
}

choice! {
    /// What a value of white space alone is.
    Whitespace {
        /// A value, which is signed.
        Value = "value",
        /// As good as none.
        Empty = "empty",
    }
}

choice! {
    /// What a missing `total_num` answers.
    TotalNumMissing {
        /// SIGN_ERROR, as was seen.
        SignError = "SIGN_ERROR",
        /// PARAM_ERROR, like every other field.
        ParamError = "PARAM_ERROR",
    }
}

choice! {
    /// How `package` is written.
    PackageForm {
        /// In CDATA.
        Cdata = "cdata",
        /// With `&amp;`.
        Escaped = "escaped",
    }
}

choice! {
    /// What a query of an unknown order answers.
    NotFound {
        /// NOT_FOUND.
        NotFound = "NOT_FOUND",
        /// SYSTEMERROR with the same text, as in the official sample.
        SystemError = "SYSTEMERROR",
    }
}

choice! {
    /// What `gethbinfo` says of those who claimed.
    HbList {
        /// Who, how much, and when.
        Present = "present",
        /// Who and how much.
        NoRcvTime = "no-rcv-time",
        /// Nothing.
        Absent = "absent",
    }
}

choice! {
    /// The text of SYSTEMERROR on a send.
    SystemError {
        /// 请求已受理，请稍后使用原单号查询发放结果
        Accepted = "accepted",
        /// 系统繁忙，请再试
        Busy = "busy",
        /// 系统错误,请稍后使用原单号重试,请勿更换单号
        Retry = "retry",
    }
}

impl SystemError {
    /// The text.
    pub fn text(self) -> &'static str {
        match self {
            Self::Accepted => "请求已受理，请稍后使用原单号查询发放结果",
            Self::Busy => "系统繁忙，请再试",
            Self::Retry => "系统错误,请稍后使用原单号重试,请勿更换单号",
        }
    }
}

choice! {
    /// Which refusals name the order.
    Echoes {
        /// All but SYSTEMERROR on a send, and PARAM_ERROR for a bad `mch_billno`.
        Most = "most",
        /// All.
        All = "all",
    }
}

choice! {
    /// In which case the hex digits of a sign may be.
    SignCase {
        /// In upper case.
        Upper = "upper",
        /// In any.
        Any = "any",
    }
}

choice! {
    /// What a balance that does not cover the packet answers. The order stays SENDING with a reason either way.
    NoBalance {
        /// NOTENOUGH.
        NotEnough = "NOTENOUGH",
        /// PROCESSING.
        Processing = "PROCESSING",
    }
}

choice! {
    /// What plain HTTP counts as.
    PlainCert {
        /// A connection without a client certificate.
        None = "none",
        /// One with the merchant's own.
        Trust = "trust",
    }
}

/// When an order is paid that nothing is in the way of. Until then it is SENDING, though its send was answered SUCCESS,
/// and its amount is reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Settle {
    /// With the send.
    #[default]
    AtOnce,
    /// So much later.
    After(Duration),
    /// With the query of this number.
    Polls(u32),
    /// When somebody settles it.
    Manual,
}

impl Form for Settle {
    type Value = Self;
    const ACCEPTED: &'static str = "at-once|after:<duration>|polls:<queries, 1 or more>|manual";

    fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "at-once" => Some(Self::AtOnce),
            None if text == "manual" => Some(Self::Manual),
            Some(("after", span)) => Span::parse(span).map(Self::After),
            Some(("polls", count)) => number(count).filter(|count| *count > 0).map(Self::Polls),
            _ => None,
        }
    }

    fn print(value: &Self) -> String {
        match value {
            Self::AtOnce => "at-once".to_owned(),
            Self::After(span) => format!("after:{}", Span::print(span)),
            Self::Polls(count) => format!("polls:{count}"),
            Self::Manual => "manual".to_owned(),
        }
    }
}
