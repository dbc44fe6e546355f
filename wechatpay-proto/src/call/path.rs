//! What a call to one path needs, and what its answer is held to.

use crate::endpoint::Host;
use crate::endpoint::{Form, InnerSign, Method, SignBy, Spec, Trust};
use crate::table::order::is_row;
use crate::wire::List;

use super::paths::PATHS;

/// What a [`Call`](super::Call) to one path needs, and what its answer is held to.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Path {
    /// The path, from the root of the host.
    pub path: &'static str,
    /// How the fields travel.
    pub method: Method,
    /// Which of the service's hosts serves it.
    pub host: Host,
    /// Whether the merchant's client certificate is required.
    pub certificate: bool,
    /// Whether the request has a `nonce_str`.
    pub nonce: bool,
    /// The row that holds the merchant number: `mch_id`, or another name; `None` where there is no such row.
    pub merchant_row: Option<&'static str>,
    /// Who chooses the digest. Where it is not MD5 by nature, the request says it in `sign_type`.
    pub sign_by: SignBy,
    /// What the trust in an answer rests on.
    pub trust: Trust,
    /// The form of a success. What is no document is the caller's to read: see
    /// [`ReplyError::OtherForm`](crate::ReplyError::OtherForm).
    pub form: Form,
    /// Whether the request is an upload (`multipart/form-data`), which [`Call`](super::Call) cannot make.
    pub multipart: bool,
    /// The sign within the sign, where there is one.
    pub inner: Option<InnerSign>,
    /// Fields that must come back as they were sent, beside [`ECHOES`].
    pub echoes: &'static [&'static str],
    /// Fields that every success has: what it names, and what tells it from the successes of other calls.
    pub promises: &'static [&'static str],
    /// Marks of other calls ([`MARKS`]) that a success of this one may have as well.
    pub may: &'static [&'static str],
    /// The lists that an answer may hold.
    pub lists: &'static [List],
}

/// Who and what a request is about: these must come back byte for byte, on every path, wherever they were sent and the
/// answer has them. Where an answer counts them (`out_refund_no_0`), one must be what was sent.
///
/// They are all the fields that are documented in requests and in answers of one path, and `refund_id`, except:
///
/// * texts for people, in which the service masks words: `attach`, `description`, `contract_display_account`, `sender_name`,
///   `sender_header_media_id`;
/// * `receiver`, `receivers`: JSON that the service writes anew;
/// * `device_info`: the sandbox answers `sandbox`, whatever was sent. Payouts without a sign are held to it;
/// * `date_start`, `date_end`: what was asked is a span, what comes back is a day of it;
/// * `trade_type`, `return_account_type`: a kind, which names nothing;
/// * `access_token`: a credential, which may be renewed.
///
/// An answer that names neither order nor receiver, as that of `/pay/unifiedorder`, can be held to the merchant only.
pub const ECHOES: &[&str] = &[
    "amount",
    "appid",
    "applyment_id",
    "brand_mch_id",
    "channel_id",
    "combine_appid",
    "combine_mch_id",
    "combine_out_trade_no",
    "consume_fee",
    "contract_code",
    "contract_id",
    "coupon_id",
    "coupon_stock_id",
    "date",
    "fee_type",
    "mch_appid",
    "mch_billno",
    "mch_id",
    "mchid",
    "openid",
    "order_id",
    "out_order_no",
    "out_refund_no",
    "out_return_no",
    "out_trade_no",
    "partner_trade_no",
    "plan_id",
    "re_openid",
    "refund_fee",
    "refund_id",
    "request_serial",
    "return_account",
    "return_amount",
    "service_id",
    "sub_appid",
    "sub_mch_id",
    "sub_openid",
    "sub_order_id",
    "sub_order_no",
    "total_amount",
    "total_fee",
    "transaction_id",
    "wxappid",
];

/// Fields that only the successes of some calls have, and that tell them from others about the same order: a success of
/// `/pay/orderquery` has a `trade_state`, so it is none of `/pay/closeorder`. A success with one of these that its path
/// neither promises nor may have, and that was not sent, is the answer to another call.
///
/// Two calls whose successes have the same fields, as the acceptance of two deductions, cannot be told apart.
pub const MARKS: &[&str] = &[
    "bank_no_md5",
    "contract_id",
    "contract_state",
    "coupon_stock_status",
    "deposit_amount",
    "detail_id",
    "max_ratio",
    "miniprogram_path",
    "order_id",
    "prepay_id",
    "recall",
    "refund_count",
    "refund_id",
    "return_no",
    "sandbox_signkey",
    "short_url",
    "time_end",
    "trade_state",
    "unsplit_amount",
    "user_state",
];

impl Path {
    /// The row of `path`; for a path that is not listed, what most of APIv2 is like: a POST with `mch_id` and
    /// `nonce_str`, signed with MD5, answered with a sign.
    pub(super) fn find(path: &str) -> Self {
        let place = PATHS.binary_search_by(|row| row.path.cmp(path));
        place.ok().and_then(|at| PATHS.get(at)).copied().unwrap_or(post("", SignBy::Md5))
    }

    /// The marks of other calls. Of a path that is not listed nothing is known.
    pub(super) fn foreign(&self) -> Vec<&'static str> {
        let own =
            |mark: &&str| self.path.is_empty() || self.promises.contains(mark) || self.may.contains(mark);
        MARKS.iter().copied().filter(|mark| !own(mark)).collect()
    }

    pub(super) const fn host(self, host: Host) -> Self {
        Self { host, ..self }
    }

    pub(super) const fn certificate(self) -> Self {
        Self { certificate: true, ..self }
    }

    pub(super) const fn no_nonce(self) -> Self {
        Self { nonce: false, ..self }
    }

    pub(super) const fn merchant_row(self, merchant_row: Option<&'static str>) -> Self {
        Self { merchant_row, ..self }
    }

    pub(super) const fn unsigned(self) -> Self {
        Self { trust: Trust::TransportOnly, echoes: &["device_info"], ..self }
    }

    pub(super) const fn answers(self, form: Form) -> Self {
        Self { form, ..self }
    }

    pub(super) const fn success(self, promises: &'static [&'static str]) -> Self {
        Self { promises, ..self }
    }

    pub(super) const fn may(self, may: &'static [&'static str]) -> Self {
        Self { may, ..self }
    }

    pub(super) const fn inner(self, inner: InnerSign) -> Self {
        Self { inner: Some(inner), ..self }
    }

    pub(super) const fn multipart(self) -> Self {
        Self { multipart: true, ..self }
    }
}

pub(super) const fn post(path: &'static str, sign_by: SignBy) -> Path {
    Path {
        path,
        method: Method::Post,
        host: Host::Api,
        certificate: false,
        nonce: true,
        merchant_row: Some("mch_id"),
        sign_by,
        trust: Trust::Signed,
        form: Form::Xml,
        multipart: false,
        inner: None,
        echoes: &[],
        promises: &[],
        may: &[],
        lists: &[],
    }
}

/// A page that a user's browser opens: the URL is all that is needed.
pub(super) const fn get(path: &'static str, sign_by: SignBy) -> Path {
    Path { method: Method::Get, ..post(path, sign_by) }
}

/// An endpoint that has a table: what it says holds here too.
pub(super) const fn typed(spec: &'static Spec<'static>) -> Path {
    Path {
        host: spec.host,
        certificate: spec.certificate,
        nonce: is_row(spec, "nonce_str"),
        trust: spec.trust,
        form: spec.form,
        inner: spec.inner,
        echoes: spec.echoes,
        promises: spec.promises,
        lists: spec.lists,
        ..post(spec.path, spec.sign_by)
    }
}
