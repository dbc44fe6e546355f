//! The answers that are not a success: the pages of the web server in front, and refusals in their true envelopes.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use wechatpay_proto::ErrorCode;
use wechatpay_proto::reply::{Head, Reply, ResultCode};
use wechatpay_proto::wire::Writer;

use crate::journal::Verdict;
use crate::outcome::Commit;
use crate::rules::{Envelope, ResendAnswer, Rules, XmlEnvelope};

/// An answer of the web server in front, which the application behind it never sees.
pub(crate) fn page(status: StatusCode, title: &str) -> Response<Bytes> {
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body bgcolor=\"white\">\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    answer(status, HeaderValue::from_static("text/html"), body)
}

/// What the web server in front can have against a client certificate.
#[derive(Clone, Copy)]
pub(crate) enum CertificatePage {
    /// It was not shown, where the path needs one.
    NotSent,
    /// It cannot be verified.
    Refused,
}

/// What the web server in front answers in place of the application, to the letter.
pub(crate) fn certificate_page(why: CertificatePage) -> Response<Bytes> {
    let why = match why {
        CertificatePage::NotSent => "No required SSL certificate was sent",
        CertificatePage::Refused => "The SSL certificate error",
    };
    let body = format!(
        "<html>\r\n<head><title>400 {why}</title></head>\r\n<body bgcolor=\"white\">\r\n\
         <center><h1>400 Bad Request</h1></center>\r\n<center>{why}</center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    answer(StatusCode::BAD_REQUEST, HeaderValue::from_static("text/html"), body)
}

/// A page with a remark of the mock behind it, which no browser shows and every log has.
pub(crate) fn remarked(response: Response<Bytes>, remark: Option<String>) -> Response<Bytes> {
    let Some(remark) = remark else { return response };
    let remark = format!("<!-- wechatpay-mock: {remark} -->\r\n");
    response.map(|page| Bytes::from([&*page, remark.as_bytes()].concat()))
}

/// An unsigned answer of the application.
pub(crate) fn xml<'b>(reply: &impl Reply<'b>) -> String {
    let mut xml = Writer::new();
    reply.write(&mut xml);
    xml.finish()
}

/// A refusal that names no order.
pub(crate) fn bare(refusal: &Refusal, rules: &Rules) -> Response<Bytes> {
    let mut xml = Writer::new();
    refusal.head(rules).write(&mut xml);
    document(xml.finish(), rules)
}

/// The document with the one element `name` written without CDATA.
pub(crate) fn without_cdata(document: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}><![CDATA["), format!("]]></{name}>"));
    let parts = document.split_once(&open);
    match parts.and_then(|(before, rest)| Some((before, rest.split_once(&close)?))) {
        Some((before, (text, after))) => {
            let text = text.replace('&', "&amp;").replace('<', "&lt;");
            format!("{before}<{name}>{text}</{name}>{after}")
        }
        None => document.to_owned(),
    }
}

/// A document of the application.
pub(crate) fn document(xml: String, rules: &Rules) -> Response<Bytes> {
    answer(StatusCode::OK, rules.content_type.clone(), xml)
}

fn answer(status: StatusCode, content_type: HeaderValue, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// A request that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode<'static>,
    pub(crate) text: Cow<'static, str>,
    /// Whether the answer echoes the order.
    pub(crate) echoes: bool,
    /// Whether the order was taken all the same, and will be decided later.
    pub(crate) commit: Commit,
}

impl Refusal {
    /// A business failure, which real answers send as SUCCESS/FAIL with echoes.
    pub(crate) fn new(code: ErrorCode<'static>, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, text: text.into(), echoes: true, commit: Commit::NotApplied }
    }

    /// More requests than the limits allow.
    pub(crate) fn too_often() -> Self {
        Self::new(ErrorCode::FreqLimit, "超过频率限制,请稍后再试")
    }

    /// A number that is sent again too soon.
    pub(crate) fn too_soon(rules: &Rules) -> Self {
        match rules.resend_answer {
            ResendAnswer::FreqLimit => Self::too_often(),
            ResendAnswer::Processing => Self::processing(Commit::NotApplied),
        }
    }

    /// SYSTEMERROR on a send, which settles nothing.
    pub(crate) fn system_error(rules: &Rules) -> Self {
        Self::new(ErrorCode::SystemError, rules.system_error.text()).without_echoes()
    }

    /// PROCESSING: the order was taken, and is decided then.
    pub(crate) fn processing(commit: Commit) -> Self {
        Self {
            commit, ..Self::new(ErrorCode::Processing, "请求已受理，请稍后使用原单号查询发放结果")
        }
    }

    /// In a word, what was found.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.code {
            ErrorCode::XmlError => Verdict::Xml,
            ErrorCode::CaError => Verdict::Certificate,
            ErrorCode::SignError => Verdict::Sign,
            _ => Verdict::Business,
        }
    }

    pub(crate) fn without_echoes(self) -> Self {
        Self { echoes: false, ..self }
    }

    pub(crate) fn head(&self, rules: &Rules) -> Head<'_> {
        let fails = match (&self.code, rules.envelope) {
            // The one failure that the protocol layer answers, before any field could be read.
            (ErrorCode::XmlError, _) => rules.xml_envelope == XmlEnvelope::Fail,
            (ErrorCode::CaError, Envelope::Documented2015Ca) | (_, Envelope::Documented) => true,
            (_, Envelope::Real | Envelope::Documented2015Ca) => false,
        };
        let return_code = if fails { ResultCode::Fail } else { ResultCode::Success };
        Head {
            return_code,
            return_msg: Some(Cow::Borrowed(&*self.text)),
            result_code: Some(ResultCode::Fail),
            err_code: Some(self.code.clone()),
            err_code_des: Some(Cow::Borrowed(&*self.text)),
        }
    }
}

/// The head of a success; real ones say `SUCCESS` in `err_code` too.
pub(crate) fn success(text: &str) -> Head<'_> {
    Head {
        return_code: ResultCode::Success,
        return_msg: Some(Cow::Borrowed(text)),
        result_code: Some(ResultCode::Success),
        err_code: Some(ErrorCode::new("SUCCESS")),
        err_code_des: Some(Cow::Borrowed(text)),
    }
}
