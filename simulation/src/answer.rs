//! Answers that the service never gave: what gateways, proxies and broken connections make of one. And how texts are read
//! here, by hand, so that no reader is its own judge.

use bytes::Bytes;
use http::{Request, Response, StatusCode};

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
    /// A refusal with this code, which names no order.
    Refusal(&'static str),
    /// A refusal with this code, which names the order as a true one does.
    Named(&'static str),
    /// A refusal with this code, which names the order and a payment that there is not.
    Listed(&'static str),
    /// The answer; if it is a refusal, with a payment in it that there is not.
    TrueButListed,
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

    /// The answer to `request` as it arrives; `truth` is what the service said, and `other` what it said about another
    /// order.
    pub fn make(
        self,
        chance: &mut Chance,
        request: &Request<Bytes>,
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
            Self::Named(code) => naming(code, request, ""),
            Self::Listed(code) => naming(code, request, &stray_payment(chance, request)),
            Self::TrueButListed => {
                let text = String::from_utf8_lossy(true_body);
                let refused = element(&text, "result_code") == Some("FAIL");
                let listed = format!("{}</xml>", stray_payment(chance, request));
                let text = if refused { text.replace("</xml>", &listed) } else { text.into() };
                answer(StatusCode::OK, text.into())
            }
        }
    }
}

fn coded(code: &str) -> Response<Bytes> {
    with_code(code, "")
}

fn with_code(code: &str, rest: &str) -> Response<Bytes> {
    let head = "<xml><return_code>SUCCESS</return_code><result_code>FAIL</result_code>";
    page(
        StatusCode::OK,
        &format!("{head}<err_code>{code}</err_code><err_code_des>.</err_code_des>{rest}</xml>"),
    )
}

/// A refusal that echoes all of a request that true ones echo, and `more`.
pub(crate) fn naming(code: &str, request: &Request<Bytes>, more: &str) -> Response<Bytes> {
    let text = std::str::from_utf8(request.body()).unwrap_or_default();
    let echoes: String = ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"]
        .into_iter()
        .filter_map(|name| Some(format!("<{name}>{}</{name}>", element(text, name)?)))
        .collect();
    with_code(code, &format!("{echoes}{more}"))
}

/// A payment that there is not, as the answer to a request names one.
fn stray_payment(chance: &mut Chance, request: &Request<Bytes>) -> String {
    let sends = element(std::str::from_utf8(request.body()).unwrap_or_default(), "re_openid").is_some();
    let name = if sends { "send_listid" } else { "detail_id" };
    format!("<{name}>1000041701{:018}</{name}>", chance.below(1_000_000_000))
}

/// The text of an element, wherever it stands.
pub(crate) fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let at = text.match_indices(name).map(|(at, _)| at).find(|at| {
        text.get(..*at).is_some_and(|before| before.ends_with('<'))
            && text.get(at + name.len()..).is_some_and(|rest| rest.starts_with('>'))
    })?;
    let rest = text.get(at + name.len() + 1..)?;
    match rest.strip_prefix("<![CDATA[") {
        Some(rest) => rest.split_once("]]>").map(|(text, _)| text),
        None => rest.split_once('<').map(|(text, _)| text),
    }
}

/// The text of an answer that is whole, and an answer.
pub(crate) fn whole(response: &Response<Bytes>) -> Option<&str> {
    let text = std::str::from_utf8(response.body()).ok()?.trim();
    let whole = response.status() == StatusCode::OK && text.starts_with("<xml>") && text.ends_with("</xml>");
    whole.then_some(text)
}

fn page(status: StatusCode, text: &str) -> Response<Bytes> {
    answer(status, Bytes::copy_from_slice(text.as_bytes()))
}

fn answer(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
