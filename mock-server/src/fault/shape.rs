//! What an answer looks like after a fault. Pure functions: a good answer in, an effect out. What HTTP can say stays an
//! answer; what it cannot becomes bytes and an end, with what a careful client makes of them.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::{CutAt, Fault, Http, Latency, armed};
use crate::account::Account;
use crate::answer::{self, CertificatePage};
use crate::outcome::{Broken, Effect, End, Piece};

mod content;
mod document;
mod gzip;
mod sign;
mod wire;

/// The most pieces that an answer drips in; of a longer one they are larger.
const MAX_PIECES: usize = 4096;

/// What the peer gets in place of a good answer. `draw` is for what is left to chance.
pub(super) fn shape(
    fault: &Fault,
    response: Response<Bytes>,
    merchant: Option<&Account>,
    draw: u64,
) -> Effect {
    match fault {
        Fault::RequestLost { ending } | Fault::ReplyLost { ending } | Fault::LateArrival { ending, .. } => {
            nothing(*ending)
        }
        Fault::AppliedThenError { status: Some(status), .. } => Effect::Reply(page(response, *status)),
        Fault::WrongEcho { field, value } => {
            let edited = |text: &str| document::falsify(text, field, value.as_deref());
            Effect::Reply(edit(response, |text| sign::again(text, merchant, edited)))
        }
        Fault::ReplySign { how } => Effect::Reply(edit(response, |text| sign::flaw(text, *how, merchant))),
        Fault::Content(how) => Effect::Reply(content::content(response, how, draw)),
        Fault::Http(how) => http(response, how),
        Fault::Drip { chunk, gap } => drip(response, *chunk, *gap),
        Fault::Cut { at, ending } => cut(&response, *at, *ending),
        _ => Effect::Reply(response),
    }
}

/// How late an answer comes.
pub(super) fn delay(latency: &Latency, draw: u64) -> Duration {
    match *latency {
        Latency::Fixed { by } => by,
        Latency::Uniform { from, to } => {
            from.saturating_add(to.saturating_sub(from).mul_f64(armed::unit(draw)))
        }
        Latency::Lognormal { median, sigma } => {
            // Two uniform numbers, from the halves of the draw, make one of the normal distribution.
            let [one, other] =
                [draw >> 32, draw & 0xffff_ffff].map(|half| (half as f64 + 0.5) / 4_294_967_296.0);
            let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
            let millis = median.as_secs_f64() * (sigma * normal).exp() * 1000.0;
            Duration::from_millis(millis.round() as u64)
        }
    }
}

/// A plain text that says what is wrong with what the request asks for.
pub(super) fn complaint(response: Response<Bytes>, text: &str) -> Response<Bytes> {
    let response = with_body(response, "text/plain;charset=utf-8", text.to_owned());
    with_status(response, StatusCode::BAD_REQUEST)
}

/// The connection ends without a byte.
fn nothing(end: End) -> Effect {
    Effect::Wire { pieces: Vec::new(), end, seen: Err(end.into()) }
}

fn http(response: Response<Bytes>, how: &Http) -> Effect {
    match how {
        Http::Status { status } => Effect::Reply(page(response, *status)),
        Http::CertificateNotSent => certificate(response, CertificatePage::NotSent),
        Http::CertificateError => certificate(response, CertificatePage::Refused),
        Http::Redirect => Effect::Reply(redirect(response)),
        Http::ContentType { value } => Effect::Reply(with_type(response, value)),
        Http::ContentLength { off_by } => content_length(&response, *off_by),
        Http::BadChunk => wired(wire::bad_chunk(&response), Err(Broken::Malformed)),
        Http::Gzip => Effect::Reply(gzipped(response)),
        Http::Informational => {
            let bytes = [wire::INFORMATIONAL.as_bytes(), &wire::last(&response)].concat();
            wired(bytes, Ok(response))
        }
        Http::TwoReplies => {
            let bytes = wire::whole(&response);
            wired([&*bytes, &*bytes].concat(), Ok(response))
        }
        Http::CloseAfter => wired(wire::whole(&response), Ok(response)),
    }
}

/// All bytes at once, and then the end in good order.
fn wired(bytes: Vec<u8>, seen: Result<Response<Bytes>, Broken>) -> Effect {
    let piece = Piece { after: Duration::ZERO, bytes: bytes.into() };
    Effect::Wire { pieces: vec![piece], end: End::Close, seen }
}

fn drip(response: Response<Bytes>, chunk: usize, gap: Duration) -> Effect {
    let bytes = Bytes::from(wire::last(&response));
    let chunk = chunk.max(bytes.len().div_ceil(MAX_PIECES)).max(1);
    let pieces = bytes.chunks(chunk).enumerate().map(|(number, piece)| Piece {
        after: if number == 0 { Duration::ZERO } else { gap },
        bytes: bytes.slice_ref(piece),
    });
    Effect::Wire { pieces: pieces.collect(), end: End::Close, seen: Ok(response) }
}

/// Never the whole answer: the last byte is missing at least.
fn cut(response: &Response<Bytes>, at: CutAt, end: End) -> Effect {
    let mut bytes = wire::whole(response);
    let most = bytes.len().saturating_sub(1);
    bytes.truncate(match at {
        CutAt::Start => 0,
        CutAt::Head => (bytes.len() - response.body().len()).min(most),
        CutAt::Byte(count) => count.min(most),
    });
    let piece = Piece { after: Duration::ZERO, bytes: bytes.into() };
    let pieces = Some(piece).filter(|piece| !piece.bytes.is_empty());
    Effect::Wire { pieces: pieces.into_iter().collect(), end, seen: Err(end.into()) }
}

/// A client waits for more than comes, or takes the first part for all.
fn content_length(response: &Response<Bytes>, off_by: i32) -> Effect {
    let body = response.body();
    let step = usize::try_from(off_by.unsigned_abs()).unwrap_or(usize::MAX);
    let claimed = if off_by < 0 { body.len().saturating_sub(step) } else { body.len().saturating_add(step) };
    let seen = if claimed > body.len() {
        Err(Broken::Closed)
    } else {
        Ok(response.clone().map(|body| body.slice(..claimed)))
    };
    wired(wire::claiming(response, claimed), seen)
}

fn page(response: Response<Bytes>, status: u16) -> Response<Bytes> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let reason = status.canonical_reason().unwrap_or("Error");
    let page = answer::page(status, &format!("{} {reason}", status.as_u16()));
    with_status(with_body(response, "text/html", page.into_body()), status)
}

fn certificate(response: Response<Bytes>, why: CertificatePage) -> Effect {
    let page = answer::certificate_page(why);
    let status = page.status();
    Effect::Reply(with_status(with_body(response, "text/html", page.into_body()), status))
}

/// To a page that is not there: no client may be led away from the mock.
fn redirect(response: Response<Bytes>) -> Response<Bytes> {
    let mut response = page(response, StatusCode::FOUND.as_u16());
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/blocked.html"));
    response
}

fn gzipped(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.map(|body| gzip::stored(&body).into())
}

/// Edits the text of an answer. A page of the web server in front is no document, and stays as it is.
fn edit(response: Response<Bytes>, edit: impl FnOnce(&str) -> String) -> Response<Bytes> {
    response.map(|body| match std::str::from_utf8(&body) {
        Ok(text) if text.starts_with(document::ROOT) => edit(text).into(),
        _ => body,
    })
}

fn with_body(response: Response<Bytes>, content_type: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    with_type(response.map(|_| body.into()), content_type)
}

fn with_type(mut response: Response<Bytes>, content_type: &str) -> Response<Bytes> {
    if let Ok(value) = HeaderValue::from_str(content_type) {
        let headers: &mut HeaderMap = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, value);
    }
    response
}

fn with_status(mut response: Response<Bytes>, status: StatusCode) -> Response<Bytes> {
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
