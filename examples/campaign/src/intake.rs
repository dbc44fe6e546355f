//! Rows of a file become intents: first all of them are checked, then they are written to the store.

mod check;
mod load;
mod problem;
mod row;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use check::{Checked, check};
pub(crate) use load::{Loaded, load, refusal};
pub(crate) use problem::{Problem, Reason};
pub(crate) use row::Terms;
pub(crate) use table::Table;
