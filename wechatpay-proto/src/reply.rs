//! What all answers have in common.

use std::borrow::Cow;

use crate::code::ErrorCode;
use crate::error::ReplyError;
use crate::open_enum;
use crate::outcome::Reason;
use crate::wire::{BeijingTime, Fen, Fields, FromText, ToValue, Writer};

/// A typed answer, made from fields that were verified before.
pub trait Reply<'b>: Sized {
    /// The same answer, owning its text.
    type Static: 'static;

    /// Reads the fields into their types; unknown ones are kept.
    fn read(fields: Fields<'b>) -> Result<Self, ReplyError>;

    /// Writes the fields, in the order of the table: the server's direction.
    fn write(&self, xml: &mut Writer);

    /// The fields that every answer begins with.
    fn head(&self) -> &Head<'b>;

    /// Cuts the answer loose from the body.
    fn into_owned(self) -> Self::Static;
}

open_enum! {
    /// `return_code` and `result_code`.
    pub enum ResultCode {
        /// It worked.
        Success = "SUCCESS",
        /// It did not, or nobody knows yet: the error code says more.
        Fail = "FAIL",
    }
}

/// The names under which the service complains, in all its spellings. Of a failure that came without the sign that a
/// success must have, these are read and nothing else. Only `err_code` is ever taken for a code.
pub(crate) const COMPLAINT: [&str; 10] = [
    "return_code",
    "return_msg",
    "err_code",
    "err_code_des",
    "error_code",
    "error_code_des",
    "error_msg",
    "result_msg",
    "retcode",
    "retmsg",
];

/// The names of the fields of a [`Head`].
pub(crate) const HEAD: [&str; 5] = ["return_code", "return_msg", "result_code", "err_code", "err_code_des"];

/// The five fields that every answer begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'b> {
    /// 返回状态码: whether the message was understood. Not a verdict about money.
    pub return_code: ResultCode<'b>,
    /// 返回信息, for people.
    pub return_msg: Option<Cow<'b, str>>,
    /// 业务结果: the verdict about the order.
    pub result_code: Option<ResultCode<'b>>,
    /// 错误代码. Present on success too (`SUCCESS`, `0`, `OK`); any other code there contradicts the success.
    pub err_code: Option<ErrorCode<'b>>,
    /// 错误代码描述, for people; do not automate on it.
    pub err_code_des: Option<Cow<'b, str>>,
}

impl<'b> Head<'b> {
    /// Both codes say SUCCESS, and `err_code` is not there or names no fault ([`ErrorCode::is_no_fault`]). Nothing else is a
    /// success.
    pub fn is_success(&self) -> bool {
        self.says_success() && !self.names_fault()
    }

    /// Both codes say SUCCESS, and `err_code` names a fault: one of the two is wrong, and nothing is settled.
    pub fn is_contradiction(&self) -> bool {
        self.says_success() && self.names_fault()
    }

    fn says_success(&self) -> bool {
        self.return_code == ResultCode::Success && self.result_code == Some(ResultCode::Success)
    }

    fn names_fault(&self) -> bool {
        self.err_code.as_ref().is_some_and(|code| !code.is_no_fault())
    }

    /// The message was understood and the verdict is FAIL. This alone does **not** mean that nothing was paid.
    pub fn is_failure(&self) -> bool {
        self.return_code == ResultCode::Success && self.result_code == Some(ResultCode::Fail)
    }

    /// Why an answer to a sending that is no success settles nothing.
    pub fn reason(&self) -> Reason<'b> {
        match &self.err_code {
            _ if self.is_contradiction() => Reason::Contradiction,
            Some(code) => Reason::Code(code.clone()),
            None => Reason::NoVerdict,
        }
    }

    /// The same head, owning its text.
    pub fn into_owned(self) -> Head<'static> {
        Head {
            return_code: self.return_code.into_owned(),
            return_msg: self.return_msg.to_static(),
            result_code: self.result_code.to_static(),
            err_code: self.err_code.to_static(),
            err_code_des: self.err_code_des.to_static(),
        }
    }

    /// Where the reading of a head begins. An answer without `return_code` is none, whatever else is wrong with it.
    #[doc(hidden)]
    pub fn begin(fields: &Fields<'b>) -> Result<PartialHead<'b>, ReplyError> {
        match fields.get("return_code") {
            Some(_) => Ok(PartialHead::default()),
            None => Err(ReplyError::Missing { field: "return_code" }),
        }
    }

    #[doc(hidden)]
    pub fn write(&self, xml: &mut Writer) {
        xml.element("return_code", &self.return_code.to_value());
        xml.element("return_msg", &self.return_msg.to_value());
        xml.element("result_code", &self.result_code.to_value());
        xml.element("err_code", &self.err_code.to_value());
        xml.element("err_code_des", &self.err_code_des.to_value());
    }
}

/// A head that is being read.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct PartialHead<'b> {
    return_code: Option<ResultCode<'b>>,
    return_msg: Option<Cow<'b, str>>,
    result_code: Option<ResultCode<'b>>,
    err_code: Option<ErrorCode<'b>>,
    err_code_des: Option<Cow<'b, str>>,
}

impl<'b> PartialHead<'b> {
    /// Takes what belongs into a head, and the sign, which has done its work; hands back what does not.
    pub fn take(&mut self, name: &str, value: Cow<'b, str>) -> Result<Option<Cow<'b, str>>, ReplyError> {
        match name {
            "return_code" => self.return_code = read_field("return_code", value)?,
            "return_msg" => self.return_msg = read_field("return_msg", value)?,
            "result_code" => self.result_code = read_field("result_code", value)?,
            "err_code" => self.err_code = read_field("err_code", value)?,
            "err_code_des" => self.err_code_des = read_field("err_code_des", value)?,
            "sign" => {}
            _ => return Ok(Some(value)),
        }
        Ok(None)
    }

    /// The whole head.
    pub fn finish(self) -> Result<Head<'b>, ReplyError> {
        let Self { return_code, return_msg, result_code, err_code, err_code_des } = self;
        let return_code = return_code.ok_or(ReplyError::Missing { field: "return_code" })?;
        Ok(Head { return_code, return_msg, result_code, err_code, err_code_des })
    }
}

/// Reads one field of an answer; an empty one is absent.
#[doc(hidden)]
pub fn read_field<'b, T: FromText<'b>>(
    name: &'static str,
    value: Cow<'b, str>,
) -> Result<Option<T>, ReplyError> {
    if value.is_empty() {
        return Ok(None);
    }
    T::from_text(value).map(Some).map_err(|malformed| ReplyError::malformed(name, malformed))
}

/// Types of an answer that can be cut loose from the body.
pub trait ToStatic {
    /// The type without a borrow.
    type Static: 'static;

    /// Owns what was borrowed.
    fn to_static(self) -> Self::Static;
}

impl ToStatic for Cow<'_, str> {
    type Static = Cow<'static, str>;

    fn to_static(self) -> Cow<'static, str> {
        Cow::Owned(self.into_owned())
    }
}

impl ToStatic for BeijingTime<'_> {
    type Static = BeijingTime<'static>;

    fn to_static(self) -> BeijingTime<'static> {
        self.into_owned()
    }
}

impl ToStatic for Fen {
    type Static = Self;

    fn to_static(self) -> Self {
        self
    }
}

impl ToStatic for u32 {
    type Static = Self;

    fn to_static(self) -> Self {
        self
    }
}

impl<T: ToStatic> ToStatic for Option<T> {
    type Static = Option<T::Static>;

    fn to_static(self) -> Option<T::Static> {
        self.map(T::to_static)
    }
}

impl<T: ToStatic> ToStatic for Vec<T> {
    type Static = Vec<T::Static>;

    fn to_static(self) -> Vec<T::Static> {
        self.into_iter().map(T::to_static).collect()
    }
}

impl<A: ToStatic, B: ToStatic> ToStatic for (A, B) {
    type Static = (A::Static, B::Static);

    fn to_static(self) -> (A::Static, B::Static) {
        (self.0.to_static(), self.1.to_static())
    }
}
