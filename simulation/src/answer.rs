//! Answers that the service never gave: what gateways, proxies and broken connections make of one.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::chance::Chance;

/// What arrives in place of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// SYSTEMERROR.
    SystemError,
    /// PROCESSING.
    Processing,
    /// A code that nobody has documented.
    Unlisted,
    /// A number for a code.
    Numeric,
    /// `return_code` FAIL, and nothing more.
    ReturnFail,
    /// No `result_code`.
    NoVerdict,
    /// A page of a gateway.
    Html,
    /// The answer, cut off somewhere.
    Cut,
    /// 200, and no body.
    Empty,
    /// JSON.
    Json,
    /// A document with another root.
    OtherRoot,
    /// The last answer about another order.
    OtherOrder,
    /// A refusal with this code.
    Refusal(&'static str),
}

impl Shape {
    /// Those that say nothing of the order, and so can stand for any answer.
    pub const EMPTY: [Self; 12] = [
        Self::SystemError,
        Self::SystemError,
        Self::Processing,
        Self::Unlisted,
        Self::Numeric,
        Self::ReturnFail,
        Self::NoVerdict,
        Self::Html,
        Self::Cut,
        Self::Empty,
        Self::Json,
        Self::OtherRoot,
    ];

    /// Codes of refusals: true of a request that was not carried out.
    pub const REFUSALS: [&'static str; 8] = [
        "FREQ_LIMIT",
        "FREQ_LIMIT",
        "NOTENOUGH",
        "SENDNUM_LIMIT",
        "CA_ERROR",
        "SIGN_ERROR",
        "NO_AUTH",
        "API_METHOD_CLOSED",
    ];

    /// The answer as it arrives; `truth` is what the service said, and `other` what it said about another order.
    pub fn make(
        self,
        chance: &mut Chance,
        truth: Option<&Response<Bytes>>,
        other: Option<&Response<Bytes>>,
    ) -> Response<Bytes> {
        let true_body = truth.map_or(&b""[..], |truth| truth.body());
        match self {
            Self::SystemError => coded("SYSTEMERROR"),
            Self::Processing => coded("PROCESSING"),
            Self::Unlisted => coded("RISK_CTRL_SUSPECT"),
            Self::Numeric => coded("268501013"),
            Self::ReturnFail => page(
                StatusCode::OK,
                "<xml><return_code>FAIL</return_code><return_msg>busy</return_msg></xml>",
            ),
            Self::NoVerdict => page(StatusCode::OK, "<xml><return_code>SUCCESS</return_code></xml>"),
            Self::Html => page(StatusCode::BAD_GATEWAY, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
            Self::Cut => {
                let end = chance.index(true_body.len());
                answer(StatusCode::OK, Bytes::copy_from_slice(&true_body[..end]))
            }
            Self::Empty => page(StatusCode::OK, ""),
            Self::Json => page(StatusCode::OK, r#"{"code":"SUCCESS","message":"ok"}"#),
            Self::OtherRoot => {
                let text = String::from_utf8_lossy(true_body).replace("<xml>", "<root>");
                answer(StatusCode::OK, text.replace("</xml>", "</root>").into())
            }
            Self::OtherOrder => other.cloned().unwrap_or_else(|| page(StatusCode::OK, "")),
            Self::Refusal(code) => coded(code),
        }
    }
}

fn coded(code: &str) -> Response<Bytes> {
    let head = "<xml><return_code>SUCCESS</return_code><result_code>FAIL</result_code>";
    page(StatusCode::OK, &format!("{head}<err_code>{code}</err_code><err_code_des>.</err_code_des></xml>"))
}

fn page(status: StatusCode, text: &str) -> Response<Bytes> {
    answer(status, Bytes::copy_from_slice(text.as_bytes()))
}

fn answer(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
