//! Each notice once, though it comes many times.

use std::collections::BTreeSet;

use super::payment::Verdict;

/// What makes two notices one: the order, and what is said of it. A failure that was handled must not hide the success
/// that comes after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct DuplicateKey {
    /// 商户号.
    pub mch_id: String,
    /// 子商户号, where the notice has one: two sub-merchants may use the same order number.
    pub sub_mch_id: Option<String>,
    /// 商户订单号.
    pub out_trade_no: String,
    /// What the notice says of the order.
    pub verdict: Verdict,
}

/// Which notices were handled, in the memory of one process. Share it behind one lock. It grows with every order and is
/// gone with the process: a row with a unique key, written in the transaction that settles the order, is what lasts.
#[derive(Clone, Debug, Default)]
pub struct Handled(BTreeSet<DuplicateKey>);

impl Handled {
    /// Does `work` unless it was done for this key before. Work that fails counts as not done.
    pub fn once<T, E>(
        &mut self,
        key: DuplicateKey,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<Handling<T>, E> {
        if self.0.contains(&key) {
            return Ok(Handling::AlreadyProcessed);
        }
        let done = work()?;
        self.0.insert(key);
        Ok(Handling::Done(done))
    }
}

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Handling<T> {
    /// It was the first, and this came of it.
    Done(T),
    /// It was handled before. Answer [`SUCCESS`](super::SUCCESS) all the same.
    AlreadyProcessed,
}
