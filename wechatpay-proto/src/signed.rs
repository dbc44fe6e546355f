//! The half that goes out and the half that waits.

use std::fmt;

use bytes::Bytes;

use crate::endpoint::{Endpoint, Envelope, Spec, Trust};
use crate::error::{ReplyError, RequestError};
use crate::merchant::Merchant;
use crate::nonce::Nonce;
use crate::reply::Reply;
use crate::rule::Violation;
use crate::sign::{Canonical, Sign, Signer};
use crate::transport::{BaseUrl, ClientCertificate};
use crate::wire::{self, Fields, Unverified, Value, Writer};

/// A checked and signed request, not sent yet.
#[must_use = "a signed request does nothing until it is sent"]
pub struct Signed<'r, E> {
    merchant: &'r Merchant,
    request: &'r E,
    nonce: Nonce,
    uri: http::Uri,
    xml: String,
}

impl<'r, E: Endpoint> Signed<'r, E> {
    pub(crate) fn new(
        merchant: &'r Merchant,
        base: &BaseUrl,
        request: &'r E,
        nonce: Nonce,
    ) -> Result<Self, RequestError> {
        let malformed = Violation::Malformed { expected: "a base URL and a path" };
        let uri = base.join(E::SPEC.path).map_err(|_| RequestError::new("url", malformed))?;
        let xml = request.with_values(&envelope::<E>(merchant, nonce.as_str()), |values| {
            for (field, value) in E::SPEC.fields.iter().zip(values) {
                field.check(value, merchant.mode())?;
            }
            request.check()?;
            Ok(sign_and_write(E::SPEC, merchant, values))
        })?;
        Ok(Self { merchant, request, nonce, uri, xml })
    }

    /// The document that goes out, with its sign.
    pub fn xml(&self) -> &str {
        &self.xml
    }

    /// The text that was signed, up to and including `&key=`; the key itself stays hidden.
    pub fn string_to_sign(&self) -> String {
        self.request.with_values(&envelope::<E>(self.merchant, self.nonce.as_str()), |values| {
            E::SPEC.canonical(values, String::new())
        })
    }

    /// What goes to the transport, and what waits for the answer.
    ///
    /// The request is a POST with an absolute URI; it carries [`ClientCertificate`] among its extensions where
    /// the endpoint wants the merchant's certificate. Its `Debug`, which is not ours, shows the body with the sign:
    /// do not log it.
    pub fn into_parts(self) -> (http::Request<Bytes>, Pending<'r, E>) {
        let mut request = http::Request::new(Bytes::from(self.xml));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri;
        let content_type = http::HeaderValue::from_static("text/xml; charset=utf-8");
        request.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
        if E::SPEC.certificate {
            request.extensions_mut().insert(ClientCertificate);
        }
        (request, Pending { merchant: self.merchant, request: self.request })
    }
}

impl<E: Endpoint> fmt::Debug for Signed<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signed({}, {} bytes)", self.uri, self.xml.len())
    }
}

/// The half that waits for the answer to one request.
#[must_use = "an answer that nobody reads leaves the outcome unknown"]
pub struct Pending<'r, E> {
    merchant: &'r Merchant,
    request: &'r E,
}

impl<E: Endpoint> Pending<'_, E> {
    /// Reads the answer: status, size, one parse, the sign as the endpoint has it, the echoes, the types.
    ///
    /// Whatever is wrong with it, for a payment the outcome is then unknown: see [`ReplyError::outcome`].
    pub fn accept<'b>(self, response: &'b http::Response<Bytes>) -> Result<E::Reply<'b>, ReplyError> {
        if response.status() != http::StatusCode::OK {
            return Err(ReplyError::HttpStatus(response.status().as_u16()));
        }
        let document = wire::parse(response.body(), E::SPEC.lists)?;
        let fields = self.verify(document)?;
        self.correlate(&fields)?;
        E::Reply::read(fields)
    }

    fn verify<'b>(&self, document: Unverified<'b>) -> Result<Fields<'b>, ReplyError> {
        let sign_type = E::SPEC.sign_type(self.merchant.sign_type());
        let key = self.merchant.key();
        match E::SPEC.trust {
            Trust::TransportOnly => document.unsigned_by_design(sign_type, key),
            Trust::Signed if is_bare_failure(document.untrusted()) => {
                // The service does not sign this one. Nothing but the complaint itself may be read from it.
                let mut fields = document.into_untrusted();
                fields.retain(&["return_code", "return_msg"]);
                Ok(fields)
            }
            Trust::Signed => document.signed(sign_type, key),
        }
    }

    /// The answer must speak of this request, and a success must have what every success has.
    fn correlate(&self, fields: &Fields<'_>) -> Result<(), ReplyError> {
        let spec = E::SPEC;
        self.request.with_values(&envelope::<E>(self.merchant, ""), |values| {
            let echoed =
                spec.fields.iter().zip(values).filter(|(field, _)| spec.echoes.contains(&field.name));
            for (field, sent) in echoed {
                if fields.get(field.name).is_some_and(|echo| !sent.is(echo)) {
                    return Err(ReplyError::Correlation { field: field.name });
                }
            }
            Ok(())
        })?;
        let success = |name| fields.get(name) == Some("SUCCESS");
        let mut missing = spec.promises.iter().filter(|name| fields.get(name).is_none());
        match missing.next() {
            Some(field) if success("return_code") && success("result_code") => {
                Err(ReplyError::Missing { field })
            }
            _ => Ok(()),
        }
    }
}

impl<E> Clone for Pending<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Pending<'_, E> {}

impl<E: Endpoint> fmt::Debug for Pending<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({})", E::SPEC.path)
    }
}

fn envelope<'r, E: Endpoint>(merchant: &'r Merchant, nonce: &'r str) -> Envelope<'r> {
    Envelope::new(merchant.mch_id(), nonce, E::SPEC.sign_type(merchant.sign_type()))
}

/// One pass over the rows in their order of signing: each goes into the digest and into the document.
fn sign_and_write(spec: &Spec, merchant: &Merchant, values: &[Value<'_>]) -> String {
    let mut canonical = Canonical::new(Signer::new(spec.sign_type(merchant.sign_type()), merchant.key()));
    let mut xml = Writer::new();
    for (field, value) in spec.sorted(values) {
        canonical.field(field.name, value);
        xml.element(field.name, value);
    }
    let sign: Sign = canonical.end().finish();
    xml.element("sign", &Value::Text(&sign.to_hex()));
    xml.finish()
}

fn is_bare_failure(fields: &Fields<'_>) -> bool {
    fields.get("return_code") == Some("FAIL") && !fields.contains("sign")
}
