//! Ten wrong policies, each as small as its mistake.

use wechatpay_proto::payout::Asked;
use wechatpay_simulation::{Conduct, Heard, Verdict};

/// All of them, by name.
pub(crate) const ALL: &[(&str, &dyn Conduct)] = &[
    ("new number after a timeout", &NewNumberAfterTimeout),
    ("NOT_FOUND read as failed", &NotFoundIsFailure),
    ("unparsable answer or unknown err_code read as failed", &StrangeIsFailure),
    ("two workers make two numbers", &TwoNumbers),
    ("new number after SYSTEMERROR", &NewNumberAfterSystemError),
    ("any refusal of a resend read as failed", &RefusedResendIsFailure),
    ("number not persisted before the send", &SendsFirst),
    ("NOTENOUGH read as failed", &NotEnoughIsFailure),
    ("PROCESSING read as success", &ProcessingIsSuccess),
    ("NOT_FOUND after SEND_FAILED read as failed", &NotFoundAfterSendFailedIsFailure),
];

/// Pays another one of those who are to be paid: two rows of a table that got mixed up.
pub(crate) struct MixesUpReceivers;

impl Conduct for MixesUpReceivers {
    fn receiver_of(&self, want: usize) -> usize {
        want ^ 1
    }
}

struct NewNumberAfterTimeout;

impl Conduct for NewNumberAfterTimeout {
    fn hears(&self, heard: &Heard<'_>) -> Verdict {
        let timeout = heard.asked == Asked::Send && heard.response.is_none();
        if timeout { Verdict::NewNumber } else { Verdict::OfCampaign }
    }
}

struct NotFoundIsFailure;

impl Conduct for NotFoundIsFailure {
    fn hears(&self, heard: &Heard<'_>) -> Verdict {
        failed(heard.asked == Asked::Query && code(heard) == Some("NOT_FOUND"))
    }
}

struct StrangeIsFailure;

impl Conduct for StrangeIsFailure {
    fn hears(&self, heard: &Heard<'_>) -> Verdict {
        let known = code(heard)
            .is_some_and(|code| code.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase()))
            && code(heard) != Some("RISK_CTRL_SUSPECT");
        failed(heard.asked == Asked::Send && heard.response.is_some() && !known)
    }
}

struct TwoNumbers;

impl Conduct for TwoNumbers {
    fn knows_double_clicks(&self) -> bool {
        false
    }
}

struct NewNumberAfterSystemError;

impl Conduct for NewNumberAfterSystemError {
    fn hears(&self, heard: &Heard<'_>) -> Verdict {
        let error = heard.asked == Asked::Send && code(heard) == Some("SYSTEMERROR");
        if error { Verdict::NewNumber } else { Verdict::OfCampaign }
    }
}

struct RefusedResendIsFailure;

impl Conduct for RefusedResendIsFailure {
    fn hears(&self, heard: &Heard<'_>) -> Verdict {
        let refused =
            code(heard).is_some_and(|code| !matches!(code, "SUCCESS" | "0" | "SYSTEMERROR" | "PROCESSING"));
        failed(heard.asked == Asked::Send && heard.attempts > 1 && refused)
    }
}

struct SendsFirst;

impl Conduct for SendsFirst {
    fn writes_first(&self) -> bool {
        false
    }
}

struct NotEnoughIsFailure;

impl Conduct for NotEnoughIsFailure {
    fn hears(&self, heard: &Heard<'_>) -> Verdict {
        failed(heard.asked == Asked::Send && code(heard) == Some("NOTENOUGH"))
    }
}

struct ProcessingIsSuccess;

impl Conduct for ProcessingIsSuccess {
    fn hears(&self, heard: &Heard<'_>) -> Verdict {
        let processing = heard.asked == Asked::Send && code(heard) == Some("PROCESSING");
        if processing { Verdict::Paid } else { Verdict::OfCampaign }
    }
}

struct NotFoundAfterSendFailedIsFailure;

impl Conduct for NotFoundAfterSendFailedIsFailure {
    fn hears(&self, heard: &Heard<'_>) -> Verdict {
        failed(heard.asked == Asked::Query && heard.refused && code(heard) == Some("NOT_FOUND"))
    }
}

fn failed(it_is: bool) -> Verdict {
    if it_is { Verdict::Failed } else { Verdict::OfCampaign }
}

fn code<'a>(heard: &Heard<'a>) -> Option<&'a str> {
    heard.element("err_code")
}
