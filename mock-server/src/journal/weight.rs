//! How many bytes a record holds, and what is left of one that holds too many.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use super::Record;
use crate::arrival::Certificate;
use crate::outcome::Effect;

/// What a map keeps for each header besides its text.
const HEADER: usize = size_of::<HeaderName>() + size_of::<HeaderValue>() + 2 * size_of::<usize>();

impl Record {
    /// The bytes that it holds. What it shares with others counts in full.
    pub(super) fn weight(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let certificate = match &self.certificate {
            Certificate::Merchant { mch_id, .. } => mch_id.len(),
            Certificate::None | Certificate::Foreign => 0,
        };
        let shown = self.shown.as_ref().map_or(0, |facts| {
            optional(&facts.subject_cn) + optional(&facts.serial) + optional(&facts.not_after)
        });
        let effect = match &self.effect {
            Effect::Reply(response) => answer(response),
            Effect::Wire { pieces, seen, .. } => {
                let written: usize = pieces.iter().map(|piece| size_of_val(piece) + piece.bytes.len()).sum();
                written + seen.as_ref().map_or(0, answer)
            }
        };
        size_of::<Self>()
            + self.target.len()
            + map(&self.headers)
            + self.body.len()
            + optional(&self.mch_id)
            + optional(&self.mch_billno)
            + optional(&self.diagnosis)
            + certificate
            + shown
            + effect
    }

    /// The same without its bodies, both ways.
    pub(super) fn trimmed(mut self) -> Self {
        self.trimmed = true;
        self.body = Bytes::new();
        match &mut self.effect {
            Effect::Reply(response) => *response.body_mut() = Bytes::new(),
            Effect::Wire { pieces, seen, .. } => {
                *pieces = Vec::new();
                if let Ok(response) = seen {
                    *response.body_mut() = Bytes::new();
                }
            }
        }
        self
    }
}

fn answer(response: &Response<Bytes>) -> usize {
    map(response.headers()) + response.body().len()
}

fn map(headers: &HeaderMap) -> usize {
    let text = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    headers.capacity() * HEADER + headers.iter().map(text).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::samples::record;
    use super::*;
    use crate::arrival::CertificateFacts;
    use crate::outcome::{End, Piece};

    #[test]
    fn everything_that_grows_counts() {
        let small = record(1, &[]);
        let weighs = |change: fn(&mut Record)| {
            let mut record = small.clone();
            change(&mut record);
            record.weight() - small.weight()
        };
        assert_eq!(weighs(|record| record.target.push_str("?0123456")), 8);
        assert_eq!(weighs(|record| record.mch_billno = Some("0123".to_owned())), 4);
        assert_eq!(weighs(|record| record.diagnosis = Some("01234".to_owned())), 5);
        assert_eq!(weighs(|record| record.certificate = Certificate::of("0123")), 4);
        let shown = |serial: &str| CertificateFacts { serial: Some(serial.to_owned()), ..Default::default() };
        let mut seen = small.clone();
        seen.shown = Some(shown("5A5A"));
        assert_eq!(seen.weight() - small.weight(), 4);
        let headed = weighs(|record| assert!(!record.headers.append("a", HeaderValue::from_static("0123"))));
        assert!(headed >= 5, "{headed}");
        let body = weighs(|record| record.body = Bytes::from(vec![b'x'; 100_000]));
        assert_eq!(body, 100_000 - small.body.len());
    }

    #[test]
    fn an_answer_counts_as_it_was_written_and_as_it_was_seen_until_both_are_left_out() {
        let bytes = Bytes::from(vec![b'x'; 1_000]);
        let mut record = record(1, &[]);
        record.effect = Effect::Reply(Response::new(Bytes::new()));
        let empty = record.weight();
        record.effect = Effect::Reply(Response::new(bytes.clone()));
        assert_eq!(record.weight(), empty + 1_000);
        let piece = Piece { after: Duration::ZERO, bytes: bytes.clone() };
        record.effect = Effect::Wire { pieces: vec![piece], end: End::Close, seen: Ok(Response::new(bytes)) };
        assert_eq!(record.weight(), empty + 2_000 + size_of::<Piece>());
        let trimmed = record.clone().trimmed();
        assert!(trimmed.trimmed && !record.trimmed);
        assert_eq!(trimmed.weight(), empty - record.body.len());
    }
}
