//! What a DER document is, told by its outermost parts: labels and names of files can say something else.

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::{Decode, Reader, SliceReader, Tag, Tagged};

/// What is told apart.
pub(super) enum Document {
    Certificate(CertificateDer<'static>),
    Key(PrivateKeyDer<'static>),
    EncryptedKey,
    Pkcs12,
    /// DER, and nothing of the above.
    Other,
}

impl Document {
    /// Of a document that [`is_whole`].
    pub(super) fn of(der: Vec<u8>) -> Self {
        match first_parts(&der).unwrap_or_default()[..] {
            [Tag::Integer, Tag::Integer, ..] => Self::Key(PrivatePkcs1KeyDer::from(der).into()),
            [Tag::Integer, Tag::Sequence, Tag::OctetString] => {
                Self::Key(PrivatePkcs8KeyDer::from(der).into())
            }
            [Tag::Integer, Tag::OctetString, ..] => Self::Key(PrivateSec1KeyDer::from(der).into()),
            [Tag::Integer, Tag::Sequence, ..] => Self::Pkcs12,
            [Tag::Sequence, Tag::Sequence, Tag::BitString] => Self::Certificate(der.into()),
            [Tag::Sequence, Tag::OctetString] => Self::EncryptedKey,
            _ => Self::Other,
        }
    }
}

/// The tags of the first three parts.
fn first_parts(der: &[u8]) -> x509_cert::der::Result<Vec<Tag>> {
    let mut reader = SliceReader::new(AnyRef::from_der(der)?.value())?;
    let mut tags = Vec::new();
    while tags.len() < 3 && !reader.is_finished() {
        tags.push(AnyRef::decode(&mut reader)?.tag());
    }
    Ok(tags)
}

/// Whether it is one document from its first byte to its last.
pub(super) fn is_whole(der: &[u8]) -> bool {
    whole_length(der) == Some(der.len())
}

/// How many bytes a document has in all, by its own first bytes; `None` where they are not those of a document.
pub(super) fn whole_length(der: &[u8]) -> Option<usize> {
    match der {
        [0x30, short @ 0..=0x7f, ..] => Some(2 + usize::from(*short)),
        [0x30, long @ 0x81..=0x84, rest @ ..] => {
            let bytes = usize::from(long & 0x0f);
            let length = rest.get(..bytes)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            length.checked_add(2 + bytes)
        }
        _ => None,
    }
}
