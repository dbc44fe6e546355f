//! What comes back through the untyped door.

use crate::error::ReplyError;
use crate::reply::{COMPLAINT, HEAD, Head, Reply};
use crate::wire::{Fields, Value, Writer};

/// The answer to a [`Call`](super::Call): its head, and everything in it as verified [`Fields`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an answer is no verdict: it may be a refusal, or leave everything open"]
#[non_exhaustive]
pub struct CallReply<'b> {
    /// The five fields that every answer begins with. They stand in `fields` too. A few paths answer without
    /// `result_code` (`/sandboxnew/pay/getsignkey` is one), so that their head is never a success: look into `fields`.
    pub head: Head<'b>,
    /// All fields in the order of the answer, the sign included, and the declared lists. Of a failure that came without
    /// the sign that a success must have, only those of the [`complaint`](Self::complaint).
    pub fields: Fields<'b>,
}

impl CallReply<'_> {
    /// What the answer says about itself, by the names that it uses: beside those of the head, some paths complain in
    /// `error_code`, `error_code_des`, `error_msg`, `result_msg`, `retcode` or `retmsg`. For people and logs; none of it
    /// settles anything.
    pub fn complaint(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().filter(|(name, value)| COMPLAINT.contains(name) && !value.is_empty())
    }
}

impl<'b> Reply<'b> for CallReply<'b> {
    type Static = CallReply<'static>;

    fn read(fields: Fields<'b>) -> Result<Self, ReplyError> {
        let mut head = Head::begin(&fields)?;
        for (name, value) in fields.only(|name| HEAD.contains(&name)).take_fields() {
            head.take(&name, value)?;
        }
        Ok(Self { head: head.finish()?, fields })
    }

    fn write(&self, xml: &mut Writer) {
        // The sign is that of the answer that was read; a server writes its own.
        for (name, value) in self.fields.iter().filter(|(name, _)| *name != "sign") {
            xml.element(name, &Value::Text(value));
        }
        for list in self.fields.lists() {
            xml.open(list.container);
            for item in self.fields.list(list.container) {
                xml.open(list.item);
                for (name, value) in item.iter() {
                    xml.element(name, &Value::Text(value));
                }
                xml.close(list.item);
            }
            xml.close(list.container);
        }
    }

    fn head(&self) -> &Head<'b> {
        &self.head
    }

    fn into_owned(self) -> CallReply<'static> {
        CallReply { head: self.head.into_owned(), fields: self.fields.into_owned() }
    }
}
