//! The one list that a document becomes: first unverified, then opened by a signature or by an endpoint whose
//! answers carry none.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::{fmt, mem};

use crate::error::ReplyError;
use crate::merchant::ApiKey;
use crate::sign::{self, Sign, SignType};

use super::List;
use super::few::Few;
use super::order::{self, Places};

/// The fields of one document, in its order. Values are text as decoded; an empty value counts as absent for
/// typed reading and leaves no trace in a sign.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields<'b> {
    fields: NamedValues<'b>,
    /// The places of the fields, in byte order of their names.
    order: Places,
    lists: NamedLists<'b>,
}

/// Names and values in the order of a document; those of usual documents need no heap.
#[doc(hidden)]
pub type NamedValues<'b> = Few<(Cow<'b, str>, Cow<'b, str>)>;

/// Lists and their items, in the order of a document.
#[doc(hidden)]
pub type NamedLists<'b> = Vec<(List, Vec<Item<'b>>)>;

impl<'b> Fields<'b> {
    /// `None` where a name stands twice.
    pub(super) fn new(fields: NamedValues<'b>, lists: NamedLists<'b>) -> Option<Self> {
        let order = order::sorted(&fields)?;
        Some(Self { fields, order, lists })
    }

    /// Without lists; `None` where a name stands twice.
    pub(crate) fn from_pairs(fields: NamedValues<'b>) -> Option<Self> {
        Self::new(fields, Vec::new())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.fields.iter().any(|(own, _)| *own == name)
            || self.lists.iter().any(|(own, _)| own.container == name)
    }

    /// The value of `name`, where it is present and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(own, _)| *own == name)?;
        Some(&*found.1).filter(|value| !value.is_empty())
    }

    /// The items of the list `container`; empty where it is absent.
    pub fn list(&self, container: &str) -> &[Item<'b>] {
        self.lists.iter().find(|(own, _)| own.container == container).map_or(&[], |(_, items)| items)
    }

    /// All fields outside lists, in the order of the document.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }

    /// All fields outside lists, in byte order of their names.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (&str, &str)> {
        let field = |place: &u16| self.fields.get(usize::from(*place));
        self.order.iter().filter_map(field).map(|(name, value)| (&**name, &**value))
    }

    /// All fields outside lists as a map. Lists stay where they are: see [`list`](Self::list).
    pub fn to_map(&self) -> BTreeMap<&str, &str> {
        self.iter().collect()
    }

    /// The lists that are there, in the order of the document.
    pub fn lists(&self) -> impl Iterator<Item = List> {
        self.lists.iter().map(|(list, _)| *list)
    }

    /// The same fields, owning their text.
    pub fn into_owned(self) -> Fields<'static> {
        let lists = self.lists.into_iter();
        let lists =
            lists.map(|(list, items)| (list, items.into_iter().map(|item| Item(own(item.0))).collect()));
        Fields { lists: lists.collect(), fields: own(self.fields), order: self.order }
    }

    /// How many fields stand outside lists.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field outside lists.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(crate) fn has_lists(&self) -> bool {
        !self.lists.is_empty()
    }

    /// Only the fields whose names `keep` has, the lists dropped.
    pub(crate) fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let kept = self.fields.iter().filter(|(name, _)| keep(name));
        // Names that differ still do.
        Self::from_pairs(kept.cloned().collect()).unwrap_or_default()
    }

    /// Takes every field out, in the order of the document.
    #[doc(hidden)]
    pub fn take_fields(&mut self) -> impl Iterator<Item = (Cow<'b, str>, Cow<'b, str>)> {
        self.order = Places::default();
        self.fields.iter_mut().map(mem::take)
    }

    /// Takes every list out, in the order of the document.
    #[doc(hidden)]
    pub fn take_lists(&mut self) -> NamedLists<'b> {
        mem::take(&mut self.lists)
    }
}

impl fmt::Debug for Fields<'_> {
    /// Names only: values are the content of a body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = self.lists.iter().map(|(list, _)| list.container);
        let names = self.fields.iter().map(|(name, _)| &**name).chain(lists);
        f.debug_list().entries(names).finish()
    }
}

fn own<'b, F>(fields: impl IntoIterator<Item = (Cow<'b, str>, Cow<'b, str>)>) -> F
where
    F: FromIterator<(Cow<'static, str>, Cow<'static, str>)>,
{
    let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    fields.into_iter().map(|(name, value)| (owned(name), owned(value))).collect()
}

/// The fields of one item of a list.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Item<'b>(Vec<(Cow<'b, str>, Cow<'b, str>)>);

impl<'b> Item<'b> {
    /// `None` where a name stands twice.
    pub(super) fn new(fields: Vec<(Cow<'b, str>, Cow<'b, str>)>) -> Option<Self> {
        order::sorted(&fields).map(|_| Self(fields))
    }

    /// The value of `name`, where it is present; it may be empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, value)| &**value)
    }

    /// The fields, in the order of the document.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    #[doc(hidden)]
    pub fn into_fields(self) -> Vec<(Cow<'b, str>, Cow<'b, str>)> {
        self.0
    }
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// A document that was read but not verified. There are three ways out, and each says what it rests on.
#[derive(Clone, PartialEq, Eq)]
pub struct Unverified<'b>(Fields<'b>);

impl<'b> Unverified<'b> {
    #[inline]
    pub(super) fn new(fields: Fields<'b>) -> Self {
        Self(fields)
    }

    /// For messages that must be signed: opens only if the sign is there and fits. A signed message is flat and
    /// has no `key` element.
    pub fn signed(self, sign_type: SignType, key: &ApiKey) -> Result<Fields<'b>, ReplyError> {
        let received = self.0.get("sign").ok_or(ReplyError::SignMissing)?;
        let received = Sign::from_hex(received).ok_or(ReplyError::SignMalformed)?;
        if received.sign_type() != sign_type {
            return Err(ReplyError::SignTypeMismatch { expected: sign_type });
        }
        if self.0.has_lists() {
            return Err(ReplyError::SignedNesting);
        }
        if self.0.contains("key") {
            return Err(ReplyError::KeyElement);
        }
        let expected = sign::of_fields(&self.0, sign_type, key);
        if expected.matches(&received) { Ok(self.0) } else { Err(ReplyError::SignMismatch) }
    }

    /// For messages that carry no sign by design, protected by TLS alone. A sign that is there all the same
    /// must fit.
    pub fn unsigned_by_design(self, sign_type: SignType, key: &ApiKey) -> Result<Fields<'b>, ReplyError> {
        // Present but empty is malformed, not absent: `get` would not tell the two apart.
        if self.0.contains("sign") && self.0.get("sign").is_none() {
            return Err(ReplyError::SignMalformed);
        }
        if self.0.contains("sign") { self.signed(sign_type, key) } else { Ok(self.0) }
    }

    /// For a server, which must read who is calling before it can know the key. Nothing here is verified.
    pub fn untrusted(&self) -> &Fields<'b> {
        &self.0
    }
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unverified").field(&self.0).finish()
    }
}
