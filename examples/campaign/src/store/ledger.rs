//! What reports and progress bars read.

use std::time::Duration;

use wechatpay_proto::payout::Stored;

use super::error::StoreError;

/// The books of one merchant's campaign, to be read.
pub trait Ledger {
    /// Counts and sums, by state.
    fn summary(&mut self) -> Result<Summary, StoreError>;

    /// Up to `limit` rows that come after `after`, by business id (as bytes) and generation: an order that no work changes.
    fn page(&mut self, after: Option<&RowKey>, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// A payout as it stands, done or not, whoever holds it. To be looked at: it is not taken.
    fn find(&mut self, mch_billno: &str) -> Result<Option<Stored>, StoreError>;

    /// All rows, a page in memory at a time. Each is as it stood when its page was read.
    fn rows(&mut self) -> Rows<'_, Self>
    where
        Self: Sized,
    {
        Rows { ledger: self, page: Vec::new().into_iter(), last: None, over: false }
    }
}

/// One number of a payout, for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The business's own name for it.
    pub business_id: String,
    /// How many numbers of this business id failed before this one.
    pub generation: u32,
    /// Its number.
    pub mch_billno: String,
    /// How much, in fen.
    pub amount_fen: u64,
    /// Where it stands, in a word ([`State::name`](wechatpay_proto::payout::State::name)).
    pub state: String,
    /// Whether it has come to its end.
    pub done: bool,
    /// How many attempts are on record.
    pub attempts: u32,
    /// The service's own number, where an answer named it.
    pub send_listid: Option<String>,
    /// Why the last answer settled nothing.
    pub reason: Option<String>,
    /// How much came back, where it did and an answer said.
    pub refunded_fen: Option<u64>,
    /// When it wants to go on: calendar time since 1970.
    pub wake_at: Duration,
}

impl Row {
    /// Its place in the order.
    pub fn key(&self) -> RowKey {
        RowKey { business_id: self.business_id.clone(), generation: self.generation }
    }
}

/// The place of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// Its business id.
    pub business_id: String,
    /// Its generation.
    pub generation: u32,
}

/// Counts and sums of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Those of each state that is there, by its word.
    pub states: Vec<StateSum>,
}

/// Counts and sums of the payouts of one state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateSum {
    /// The state, in a word.
    pub state: String,
    /// How many there are.
    pub payouts: u64,
    /// How many of them have come to their end.
    pub done: u64,
    /// Their amounts together.
    pub fen: u64,
    /// How much of that came back, as far as answers said.
    pub refunded_fen: u64,
}

impl Summary {
    /// How many there are.
    pub fn payouts(&self) -> u64 {
        self.states.iter().map(|sum| sum.payouts).sum()
    }

    /// How many have not come to their end.
    pub fn open(&self) -> u64 {
        self.states.iter().map(|sum| sum.payouts - sum.done).sum()
    }

    /// All amounts together. A payment that has two numbers, because the first failed, is in it twice.
    pub fn fen(&self) -> u64 {
        self.states.iter().map(|sum| sum.fen).sum()
    }

    /// Those of one state.
    pub fn state(&self, word: &str) -> StateSum {
        let found = self.states.iter().find(|sum| sum.state == word);
        found.cloned().unwrap_or_else(|| StateSum { state: word.to_owned(), ..StateSum::default() })
    }
}

/// All rows of a ledger, one after the other. After an error it gives no more.
#[derive(Debug)]
pub struct Rows<'l, L> {
    ledger: &'l mut L,
    page: std::vec::IntoIter<Row>,
    last: Option<RowKey>,
    over: bool,
}

const PAGE: usize = 1_000;

impl<L: Ledger> Iterator for Rows<'_, L> {
    type Item = Result<Row, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.page.next() {
            return Some(Ok(row));
        }
        if self.over {
            return None;
        }
        match self.ledger.page(self.last.as_ref(), PAGE) {
            Ok(page) => {
                self.over = page.len() < PAGE;
                self.last = page.last().map(Row::key);
                self.page = page.into_iter();
                self.page.next().map(Ok)
            }
            Err(error) => {
                self.over = true;
                Some(Err(error))
            }
        }
    }
}
