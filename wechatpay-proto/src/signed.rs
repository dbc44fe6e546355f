//! The half that goes out and the half that waits.

use std::fmt;

use bytes::Bytes;

use crate::endpoint::{Envelope, Field, Form, Method, Outgoing, Presence, Rows, Spec, Trust};
use crate::error::{ReplyError, RequestError};
use crate::merchant::{ApiKey, Merchant, Mode};
use crate::nonce::Nonce;
use crate::reply::{COMPLAINT, HEAD, Reply};
use crate::rule::Violation;
use crate::short::Short;
use crate::sign::{self, Canonical as _, Sign, SignType, Signer};
use crate::transport::{BaseUrl, ClientCertificate};
use crate::wire::scan::Kinds;
use crate::wire::{self, Fields, MAX_BODY, Query, Sheet, Unverified, Value, Writer, XmlError};

/// A checked and signed request, not sent yet.
#[must_use = "a signed request does nothing until it is sent"]
pub struct Signed<'r, E> {
    merchant: &'r Merchant,
    request: &'r E,
    nonce: Nonce,
    uri: http::Uri,
    xml: String,
}

impl<'r, E: Outgoing> Signed<'r, E> {
    pub(crate) fn new(
        merchant: &'r Merchant,
        base: &BaseUrl,
        request: &'r E,
        nonce: Nonce,
    ) -> Result<Self, RequestError> {
        let spec = request.spec();
        let written = match spec.method {
            Method::Post => sign_and_write(&spec, merchant, request, &nonce, Writer::new()),
            Method::Get => sign_and_write(&spec, merchant, request, &nonce, Query::new()),
        }?;
        let (xml, target) = match spec.method {
            Method::Post if written.len() > MAX_BODY => {
                let (max, len) = (MAX_BODY, written.len());
                return Err(RequestError::new("xml", Violation::TooLong { max, len }));
            }
            Method::Post => (written, request.path()),
            Method::Get => (String::new(), format!("{}{written}", spec.path).parse()),
        };
        let malformed = Violation::Malformed { expected: "a base URL, a path and a query of bounded size" };
        let uri = target.ok().and_then(|target| base.of(spec.host).with(target).ok());
        let uri = uri.ok_or_else(|| RequestError::new("url", malformed))?;
        Ok(Self { merchant, request, nonce, uri, xml })
    }

    /// Where it goes. Of a GET, this is all there is: the signed query included.
    pub fn uri(&self) -> &http::Uri {
        &self.uri
    }

    /// The document that goes out, with its sign; empty where the request is a GET.
    pub fn xml(&self) -> &str {
        &self.xml
    }

    /// The text that was signed, up to and including `&key=`; the key itself stays hidden.
    pub fn string_to_sign(&self) -> String {
        let spec = self.request.spec();
        let inner = inner_sign(&spec, self.merchant, self.request, &self.nonce);
        let (envelope, mut text) = (envelope(&spec, self.merchant, self.nonce.as_str()), Text::default());
        text.inner = inner;
        // It takes every row.
        let _ = self.request.each_sorted(&envelope, &mut text);
        text.text + "key="
    }

    /// What goes to the transport, and what waits for the answer.
    ///
    /// The request has an absolute URI; it carries [`ClientCertificate`] among its extensions where the endpoint wants
    /// the merchant's certificate. Its `Debug`, which is not ours, shows the body or the query with the sign: do not log it.
    pub fn into_parts(self) -> (http::Request<Bytes>, Pending<'r, E>) {
        let spec = self.request.spec();
        let mut request = http::Request::new(Bytes::from(self.xml));
        *request.uri_mut() = self.uri;
        if spec.method == Method::Post {
            *request.method_mut() = http::Method::POST;
            let content_type = http::HeaderValue::from_static("text/xml; charset=utf-8");
            request.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
        }
        if spec.certificate {
            request.extensions_mut().insert(ClientCertificate);
        }
        (request, Pending { merchant: self.merchant, request: self.request })
    }
}

impl<E: Outgoing> fmt::Debug for Signed<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query of a GET holds the sign.
        let (host, path) = (self.uri.host().unwrap_or_default(), self.uri.path());
        write!(f, "Signed({host}{path}, {} bytes)", self.xml.len())
    }
}

/// The half that waits for the answer to one request.
#[must_use = "an answer that nobody reads leaves the outcome unknown"]
pub struct Pending<'r, E> {
    merchant: &'r Merchant,
    request: &'r E,
}

impl<'r, E> Pending<'r, E> {
    /// What waits for the answer to a request that was sent in another life.
    pub(crate) fn of(merchant: &'r Merchant, request: &'r E) -> Self {
        Self { merchant, request }
    }
}

impl<E: Outgoing> Pending<'_, E> {
    /// Reads the answer: status, form and size, one parse, the sign as the endpoint has it, the echoes, the kind of call, the
    /// types.
    ///
    /// Whatever is wrong with it, for a payment the outcome is then unknown: see [`ReplyError::outcome`].
    pub fn accept<'b>(self, response: &'b http::Response<Bytes>) -> Result<E::Reply<'b>, ReplyError> {
        if response.status() != http::StatusCode::OK {
            return Err(refused_by_status(response));
        }
        let spec = self.request.spec();
        let document = wire::parse(response.body(), spec.lists)
            .map_err(|error| no_document(spec.form, response.body(), error))?;
        let fields = self.verify(&spec, document)?;
        self.correlate(&spec, &fields)?;
        E::Reply::read(fields)
    }

    fn verify<'b>(&self, spec: &Spec<'_>, document: Unverified<'b>) -> Result<Fields<'b>, ReplyError> {
        let sign_type = spec.sign_type(self.merchant.sign_type());
        let key = self.merchant.key();
        match spec.trust {
            Trust::TransportOnly => document.unsigned_by_design(sign_type, key),
            // The service does not sign these. Nothing but the complaint itself may be read from them.
            Trust::Signed if is_bare_failure(document.untrusted()) => {
                Ok(document.untrusted().only(|name| COMPLAINT.contains(&name)))
            }
            Trust::SignedSuccess if is_unsigned_failure(document.untrusted()) => {
                Ok(document.untrusted().only(|name| HEAD.contains(&name) || COMPLAINT.contains(&name)))
            }
            Trust::Signed | Trust::SignedSuccess => document.signed(sign_type, key),
        }
    }

    /// The answer must speak of this request, and a success must be one of this kind of call.
    fn correlate(&self, spec: &Spec<'_>, fields: &Fields<'_>) -> Result<(), ReplyError> {
        self.request.with_values(&envelope(spec, self.merchant, ""), |values| {
            // What was not sent has nothing to come back as.
            let sent = |name: &str| {
                let mut rows = spec.fields.iter().zip(values);
                rows.find(|(field, sent)| field.name == name && !sent.is_absent())
            };
            let other = |name: &str| sent(name).is_some_and(|(_, sent)| !comes_back(name, sent, fields));
            if let Some(&field) = spec.echoes.iter().find(|name| other(name)) {
                return Err(ReplyError::Correlation { field });
            }
            if !is_success(fields) {
                return Ok(());
            }
            if spec.form != Form::Xml {
                return Err(ReplyError::OtherForm { found: Form::Xml, expected: spec.form });
            }
            if let Some(&field) = spec.promises.iter().find(|name| fields.get(name).is_none()) {
                return Err(ReplyError::Missing { field });
            }
            let foreign = |name: &str| fields.get(name).is_some() && sent(name).is_none();
            match spec.foreign.iter().find(|name| foreign(name)) {
                Some(&field) => Err(ReplyError::OtherCall { field }),
                None => Ok(()),
            }
        })
    }
}

impl<E> Clone for Pending<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Pending<'_, E> {}

impl<E: Outgoing> fmt::Debug for Pending<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = self.request.spec();
        write!(f, "Pending({})", spec.path.split('?').next().unwrap_or_default())
    }
}

fn envelope<'r>(spec: &Spec<'_>, merchant: &'r Merchant, nonce: &'r str) -> Envelope<'r> {
    Envelope::new(merchant.mch_id(), nonce, spec.sign_type(merchant.sign_type()))
}

/// One pass over the rows in their order of signing: each is checked, goes into the digest and onto the sheet.
#[inline]
fn sign_and_write<E: Outgoing, S: Sheet>(
    spec: &Spec<'_>,
    merchant: &Merchant,
    request: &E,
    nonce: &Nonce,
    sheet: S,
) -> Result<String, RequestError> {
    let envelope = envelope(spec, merchant, nonce.as_str());
    let inner = inner_sign(spec, merchant, request, nonce);
    let signer = Signer::new(spec.sign_type(merchant.sign_type()), merchant.key());
    let mut writing = Writing { mode: merchant.mode(), inner, signer, sheet, digits: Short::new() };
    request.each_sorted(&envelope, &mut writing)?;
    request.check()?;
    let sign = writing.signer.finish("key=").to_hex();
    writing.sheet.field("sign", sign.as_str(), Some(Kinds::NONE));
    Ok(writing.sheet.finish())
}

/// A request on its way into the digest and onto the sheet.
struct Writing<'k, S> {
    mode: Mode,
    /// What stands in the row of the sign within the sign.
    inner: Option<Short>,
    signer: Signer<'k>,
    sheet: S,
    digits: Short,
}

impl<S: Sheet> Rows for Writing<'_, S> {
    #[inline(always)]
    fn row(&mut self, field: &Field<'_>, value: &Value<'_>) -> Result<(), RequestError> {
        let value = match &self.inner {
            Some(inner) if field.presence == Presence::Computed => &Value::Text(inner.as_str()),
            _ => value,
        };
        if value.is_absent() {
            return field.check(value, Kinds::NONE, self.mode);
        }
        let text = value.shown(&mut self.digits);
        let kinds = Kinds::of(text);
        field.check(value, kinds, self.mode)?;
        self.signer.field(field.name, text);
        self.sheet.field(field.name, text, value.is_text().then_some(kinds));
        Ok(())
    }
}

/// The text to sign, for people to read.
#[derive(Default)]
struct Text {
    text: String,
    inner: Option<Short>,
}

impl Rows for Text {
    fn row(&mut self, field: &Field<'_>, value: &Value<'_>) -> Result<(), RequestError> {
        match &self.inner {
            Some(inner) if field.presence == Presence::Computed => {
                self.text.field(field.name, inner.as_str())
            }
            _ => self.text.field(field.name, value.shown(&mut Short::new())),
        }
        Ok(())
    }
}

fn inner_sign<E: Outgoing>(
    spec: &Spec<'_>,
    merchant: &Merchant,
    request: &E,
    nonce: &Nonce,
) -> Option<Short> {
    spec.inner?;
    let envelope = envelope(spec, merchant, nonce.as_str());
    request.with_values(&envelope, |values| spec.inner_sign(values, merchant)).map(Sign::to_hex)
}

/// The document of an answer with its sign: what is signed is what a client will read.
pub(crate) fn seal(mut xml: Writer, sign_type: SignType, key: &ApiKey) -> Result<String, ReplyError> {
    let plain = xml.clone().finish();
    let document = wire::parse(plain.as_bytes(), &[])?;
    let sign = sign::of_fields(document.untrusted(), sign_type, key).to_hex();
    xml.element("sign", &Value::Text(sign.as_str()));
    let sealed = xml.finish();
    wire::parse(sealed.as_bytes(), &[])?.signed(sign_type, key)?;
    Ok(sealed)
}

/// Whether `sent` is what the answer has under `name`, or one of what it counts (`name_0`, `name_1`); where it has nothing
/// of the kind, nothing contradicts.
fn comes_back(name: &str, sent: &Value<'_>, fields: &Fields<'_>) -> bool {
    if let Some(echo) = fields.get(name) {
        return sent.is(echo);
    }
    let number = |own: &str| {
        let behind = own.strip_prefix(name).and_then(|rest| rest.strip_prefix('_'));
        behind.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut counted = fields.iter().filter(|(own, echo)| number(own) && !echo.is_empty()).peekable();
    counted.peek().is_none() || counted.any(|(_, echo)| sent.is(echo))
}

/// Pages of the web server in front that say what is wrong with the client certificate, by what stands in each.
const CERTIFICATE_PAGES: [(&str, ReplyError); 2] = [
    ("400 No required SSL certificate was sent", ReplyError::CertificateNotShown),
    ("The SSL certificate error", ReplyError::CertificateRefused),
];

/// Why an answer with another status than 200 is none. Of its body nothing is told but which known page it is.
#[cold]
fn refused_by_status(response: &http::Response<Bytes>) -> ReplyError {
    let status = response.status();
    let has = |text: &str| memchr::memmem::find(response.body(), text.as_bytes()).is_some();
    let known =
        CERTIFICATE_PAGES.iter().find(|(text, _)| status == http::StatusCode::BAD_REQUEST && has(text));
    known.map_or_else(|| ReplyError::HttpStatus(status.as_u16()), |(_, error)| error.clone())
}

/// Why a body is no document: it is in another form, or what the reader says.
#[cold]
fn no_document(expected: Form, body: &[u8], error: XmlError) -> ReplyError {
    match Form::of(body, expected) {
        Form::Xml => ReplyError::Xml(error),
        found => ReplyError::OtherForm { found, expected },
    }
}

fn is_success(fields: &Fields<'_>) -> bool {
    ["return_code", "result_code"].iter().all(|name| fields.get(name) == Some("SUCCESS"))
}

fn is_bare_failure(fields: &Fields<'_>) -> bool {
    fields.get("return_code") == Some("FAIL") && !fields.contains("sign")
}

fn is_unsigned_failure(fields: &Fields<'_>) -> bool {
    !is_success(fields) && !fields.contains("sign")
}
