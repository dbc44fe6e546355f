//! The untyped door: any path of APIv2, for endpoints that have no table here yet.

mod path;
mod paths;
mod reply;

use std::fmt;

use crate::endpoint::{Envelope, Field, Host, Method, Outgoing, Presence, SignBy, Spec, Trust};
use crate::error::RequestError;
use crate::rule::{Rule, Violation};
use crate::sign::SignType;
use crate::table::order::is_path;
use crate::wire::{self, List, MAX_ELEMENTS, Value, percent_encode};

pub use path::{ECHOES, MARKS, Path};
pub use paths::PATHS;
pub use reply::CallReply;

/// A request to any path of APIv2, by name and value.
///
/// It goes the way of the typed requests: the same signing, the same verification, the same errors, the same
/// [`Client`](crate::Client). What it lacks is the table: rules of fields, types, and an outcome. Where an endpoint is
/// typed, prefer that.
///
/// What is particular about a path (certificate, host, nonce, digest, signed answers) is known for every path in [`PATHS`];
/// each of it can be overridden. A path that is not listed is a POST to the main host with `mch_id` and `nonce_str`, signed
/// with MD5, whose answer must be signed.
///
/// An answer is held to its request, and nothing switches that off: it must speak of the same parties, order and amounts
/// ([`ECHOES`]), and a success must be one of this kind of call ([`Path::promises`], [`MARKS`]).
///
/// The core fills in the merchant number, `nonce_str`, `sign_type`, `sign` and, for work-weixin, `workwx_sign`; giving one of
/// them is an error, and so are a name that cannot stand on the wire (`[A-Za-z_][A-Za-z0-9_]*`, at most 64 bytes) and one
/// that is given twice. [`Merchant::sign`](crate::Merchant::sign) reports them. An empty value leaves no
/// trace.
///
/// ```
/// use wechatpay_proto::{ApiKey, Call, Fen, Merchant, Nonce};
///
/// let merchant = Merchant::direct("10000100", ApiKey::new("192006250b4c09247ec02edce69f6a2d")?)?;
/// let call = Call::new("v2/pay/unifiedorder") // `v2/` is the alias of some SDKs and no part of the path
///     .field("appid", "wxd930ea5d5a258f4f")
///     .field("out_trade_no", "1217752501201407033233368018")
///     .field("total_fee", Fen(100));
/// let signed = merchant.sign(&call, Nonce::from_text("ibuaiVcKdpRxkhJA")?)?;
/// assert_eq!(signed.uri(), "https://api.mch.weixin.qq.com/pay/unifiedorder");
/// assert!(signed.string_to_sign().ends_with("&sign_type=HMAC-SHA256&total_fee=100&key="));
/// # Ok::<(), wechatpay_proto::RequestError>(())
/// ```
///
/// # What it does not do
///
/// Answers that are no XML (a downloaded bill, JSON) are a [`ReplyError::OtherForm`](crate::ReplyError::OtherForm) here,
/// which says what they are. Read them yourself: [`Signed::into_parts`](crate::Signed::into_parts) gives the request, and the
/// bytes that come back are yours; [`Path::form`] says which paths answer so. Uploads
/// (`/secapi/mch/uploadmedia`) are refused. Pages that a browser opens need no transport: they are all in
/// [`Signed::uri`](crate::Signed::uri).
#[derive(Clone)]
#[must_use = "a call does nothing until it is signed and sent"]
pub struct Call<'a> {
    path: String,
    /// The path, and behind it what the URL says unsigned.
    target: String,
    facts: Path,
    /// The digest by nature of the path, before the caller chose another.
    natural: SignBy,
    /// The core's own rows, then the caller's.
    rows: Vec<Field<'a>>,
    values: Vec<Value<'a>>,
    /// How many rows are the core's.
    own: usize,
    /// The rows by index, in byte order of their names.
    order: Vec<usize>,
    echoes: Vec<&'static str>,
    /// How many echoes are not the caller's.
    natural_echoes: usize,
    foreign: Vec<&'static str>,
    lists: Vec<List>,
    /// How many fields the caller gave, those included that were too many to be kept.
    given: usize,
    fault: Option<RequestError>,
}

/// The most fields of a caller: with those of the core they can still be read back.
const MAX_FIELDS: usize = MAX_ELEMENTS - 8;

impl<'a> Call<'a> {
    /// A call to `path`, with or without a leading `/` or `v2/`.
    pub fn new(path: &str) -> Self {
        let bare = path.strip_prefix('/').unwrap_or(path);
        let path = format!("/{}", bare.strip_prefix("v2/").unwrap_or(bare));
        let facts = Path::find(&path);
        let mut call = Self {
            target: path.clone(),
            path,
            facts,
            natural: facts.sign_by,
            rows: Vec::new(),
            values: Vec::new(),
            own: 0,
            order: Vec::new(),
            // In the order of its table where the path has one: of two that differ, the same is told.
            echoes: [facts.echoes, ECHOES].concat(),
            natural_echoes: ECHOES.len() + facts.echoes.len(),
            foreign: facts.foreign(),
            lists: facts.lists.to_vec(),
            given: 0,
            fault: None,
        };
        // They are always there; where the path does not have one, it stays without a value.
        for name in [facts.merchant_row.unwrap_or("mch_id"), "nonce_str", "sign_type"] {
            call.push(name, Presence::Optional, Value::Absent);
        }
        if let Some(inner) = facts.inner {
            call.push(inner.name, Presence::Computed, Value::Absent);
        }
        call.own = call.rows.len();
        call
    }

    /// Adds a field. Text is signed and sent as it is. Whoever fills in a value that holds `&` and `=` can make the signed
    /// text read like other fields, so do not pass on what a user wrote into a page's URL ([`Method::Get`]) unseen.
    ///
    /// At most 1,016 fields are taken, empty ones included; more are not kept, and refused as soon as the call is signed.
    pub fn field(mut self, name: &'a str, value: impl Into<Value<'a>>) -> Self {
        self.given += 1;
        if !wire::is_name(name) {
            // Not shown: who mixes up name and value would find the value in a log.
            let place = self.given;
            let fault = || RequestError::new(format!("field {place}"), Violation::Name);
            self.fault.get_or_insert_with(fault);
        } else if self.given <= MAX_FIELDS {
            self.push(name, Presence::Optional, value.into());
        }
        self
    }

    /// Adds fields: an array of pairs, or a map of strings by reference; of other collections of strings
    /// `pairs.iter().map(|(name, value)| (name, value))`.
    pub fn fields<N, V>(self, fields: impl IntoIterator<Item = (&'a N, V)>) -> Self
    where
        N: AsRef<str> + ?Sized + 'a,
        V: Into<Value<'a>>,
    {
        fields.into_iter().fold(self, |call, (name, value)| call.field(name.as_ref(), value))
    }

    /// Adds a parameter of a POST's URL, which is not signed: `action` of `/secapi/mch/submchmanage`, for example.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if !wire::is_name(name) {
            self.fault.get_or_insert(RequestError::new("query", Violation::Name));
        }
        self.target.push(if self.target == self.path { '?' } else { '&' });
        self.target.extend(percent_encode(name).chain(["="]).chain(percent_encode(value)));
        self
    }

    /// Whether the fields travel in a document or in the URL.
    pub fn method(mut self, method: Method) -> Self {
        self.facts.method = method;
        self
    }

    /// Which of the service's hosts it goes to.
    pub fn host(mut self, host: Host) -> Self {
        self.facts.host = host;
        self
    }

    /// Whether to show the merchant's client certificate.
    pub fn certificate(mut self, certificate: bool) -> Self {
        self.facts.certificate = certificate;
        self
    }

    /// Whether to send `nonce_str`. Some endpoints must not have one.
    pub fn nonce(mut self, nonce: bool) -> Self {
        self.facts.nonce = nonce;
        self
    }

    /// The name under which the merchant number is sent, for paths that are not listed; `None` for not at all.
    pub fn merchant_row(mut self, name: Option<&'static str>) -> Self {
        self.facts.merchant_row = name;
        if name.is_some_and(|name| !wire::is_name(name)) {
            self.fault.get_or_insert(RequestError::new("merchant_row", Violation::Name));
        }
        if let (Some(name), Some(row)) = (name, self.rows.first_mut()) {
            row.name = name;
            self.order.retain(|row| *row != 0);
            self.sort_in(0);
        }
        self
    }

    /// The digest of request and answer, whatever the merchant prefers. HMAC-SHA256 is said in `sign_type`; MD5 only
    /// to endpoints that know this field.
    pub fn sign_type(mut self, sign_type: SignType) -> Self {
        self.facts.sign_by = match sign_type {
            SignType::Md5 => SignBy::Md5,
            SignType::HmacSha256 => SignBy::HmacSha256,
        };
        self
    }

    /// What the trust in the answer rests on. Whoever gives up the sign here names with [`echo`](Self::echo) what must
    /// come back instead.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.facts.trust = trust;
        self
    }

    /// A field that must come back as it was sent, wherever the answer has it, beside [`ECHOES`].
    /// Naming one that is not sent, or `nonce_str`, is an error.
    pub fn echo(mut self, name: &'static str) -> Self {
        self.echoes.push(name);
        self
    }

    /// A list that the answer may hold: `container` around any number of `item`.
    pub fn list(mut self, container: &'static str, item: &'static str) -> Self {
        self.lists.push(List { container, item });
        self
    }

    fn push(&mut self, name: &'a str, presence: Presence, value: Value<'a>) {
        self.rows.push(Field { name, presence, rule: Rule::Any });
        self.values.push(value);
        self.sort_in(self.rows.len() - 1);
    }

    /// Puts `row` where it belongs: by name, and within a name by place.
    fn sort_in(&mut self, row: usize) {
        let key = |row: usize| (self.rows.get(row).map(|row| row.name), row);
        let place = self.order.partition_point(|before| key(*before) < key(row));
        self.order.insert(place, row);
    }

    /// Each name can stand on the wire; here it is whether they can stand together.
    fn check_names(&self) -> Result<(), RequestError> {
        let broken = |name: &str, violation| Err(RequestError::new(name.to_owned(), violation));
        let names: Vec<_> =
            self.order.iter().filter_map(|&row| Some((self.rows.get(row)?.name, row))).collect();
        // Where the merchant number has another name, a `mch_id` beside it could only be another merchant's.
        let own = |row: usize| row < self.own;
        let reserved = |name: &str, row| ["sign", "key", "mch_id"].contains(&name) && !own(row);
        if let Some((name, _)) = names.iter().find(|(name, row)| reserved(name, *row)) {
            return broken(name, Violation::Reserved);
        }
        // Sorted by name, and within a name by place: of two alike, the core's own comes first.
        let twice = names.iter().zip(names.iter().skip(1)).find(|((one, _), (next, _))| one == next);
        if let Some(((name, row), _)) = twice {
            return broken(name, if own(*row) { Violation::Reserved } else { Violation::Duplicate });
        }
        let own_echoes = self.echoes.iter().skip(self.natural_echoes);
        for &name in own_echoes {
            let list = self.lists.iter().any(|list| list.container == name);
            let sent = names.iter().any(|(sent, _)| *sent == name);
            if list || name == "nonce_str" || !sent {
                return broken(name, Violation::NoEcho);
            }
        }
        Ok(())
    }
}

impl Outgoing for Call<'_> {
    type Reply<'b> = CallReply<'b>;

    fn spec(&self) -> Spec<'_> {
        Spec {
            path: &self.target,
            method: self.facts.method,
            host: self.facts.host,
            certificate: self.facts.certificate,
            sign_by: self.facts.sign_by,
            trust: self.facts.trust,
            form: self.facts.form,
            fields: &self.rows,
            order: &self.order,
            inner: self.facts.inner,
            echoes: &self.echoes,
            promises: self.facts.promises,
            foreign: &self.foreign,
            lists: &self.lists,
        }
    }

    fn with_values<R>(&self, envelope: &Envelope<'_>, visit: impl FnOnce(&[Value<'_>]) -> R) -> R {
        let Path { merchant_row, nonce, sign_by, .. } = self.facts;
        let says_sign_type = self.natural != SignBy::Md5 || sign_by != SignBy::Md5;
        let own = [
            merchant_row.map(|_| envelope.mch_id()),
            nonce.then(|| envelope.nonce()),
            says_sign_type.then(|| envelope.sign_type()),
        ];
        let mut values: Vec<Value<'_>> = self.values.clone();
        for (value, own) in values.iter_mut().zip(own) {
            *value = own.unwrap_or(Value::Absent);
        }
        visit(&values)
    }

    fn check(&self) -> Result<(), RequestError> {
        let version = ["/v2/", "/v3/"].iter().any(|version| {
            self.path.get(..version.len()).is_some_and(|start| start.eq_ignore_ascii_case(version))
        });
        if version || !is_path(&self.path) {
            let expected = "a path of APIv2: segments of [0-9A-Za-z_-], without host and query";
            return Err(RequestError::new("path", Violation::Malformed { expected }));
        }
        if self.facts.multipart {
            return Err(RequestError::new("path", Violation::Unsupported { what: "multipart/form-data" }));
        }
        if self.facts.method == Method::Get && self.target != self.path {
            let what = "an unsigned query beside the signed one";
            return Err(RequestError::new("query", Violation::Unsupported { what }));
        }
        if self.given > MAX_FIELDS {
            let (max, value) = (MAX_FIELDS as u64, self.given as u64);
            return Err(RequestError::new(
                "the number of fields",
                Violation::OutOfRange { min: 0, max, value },
            ));
        }
        self.fault.clone().map_or(Ok(()), Err)?;
        self.check_names()
    }
}

impl fmt::Debug for Call<'_> {
    /// Names only: values are the content of a request.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rows.iter().skip(self.own).map(|row| row.name);
        write!(f, "Call({} ", if is_path(&self.path) { &self.path } else { "?" })?;
        f.debug_list().entries(names).finish()?;
        f.write_str(")")
    }
}
