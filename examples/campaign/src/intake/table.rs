//! A file of rows: its header, and its rows one by one.

use std::io::{Chain, Read};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::problem::{Problem, Reason};

/// The columns of a file of payouts. Those with `false` may be left out.
const COLUMNS: [(&str, bool); 11] = [
    ("business_id", true),
    ("mch_billno", true),
    ("wxappid", false),
    ("re_openid", true),
    ("total_amount", true),
    ("send_name", true),
    ("wishing", true),
    ("act_name", true),
    ("remark", true),
    ("client_ip", true),
    ("scene_id", false),
];

/// The columns, for people.
pub(super) fn names() -> String {
    let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// A file of rows, read one at a time.
pub(crate) struct Table<R> {
    reader: csv::Reader<Chain<R, &'static [u8]>>,
    header: Vec<String>,
    record: ByteRecord,
}

/// One row: its values by the names of their columns.
pub(crate) struct Row<'t> {
    /// The line on which it begins.
    pub(crate) line: u64,
    header: &'t [String],
    record: &'t ByteRecord,
}

impl<R: Read> Table<R> {
    /// A file of payouts. `has_appid` is whether an appid is given elsewhere.
    pub(crate) fn of_payouts(file: R, has_appid: bool) -> Result<Self, Vec<Problem>> {
        let table = Self::open(file, &COLUMNS)?;
        if has_appid || table.has("wxappid") {
            Ok(table)
        } else {
            Err(vec![Problem::column(1, "wxappid", Reason::MissingAppid)])
        }
    }

    /// A file of new numbers.
    pub(crate) fn of_numbers(file: R) -> Result<Self, Vec<Problem>> {
        Self::open(file, &[("business_id", true), ("mch_billno", true)])
    }

    fn open(file: R, columns: &[(&str, bool)]) -> Result<Self, Vec<Problem>> {
        // So that every line has an end, and only one kind of it counts: by that lines can be told.
        let file = file.chain(&b"\n"[..]);
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).terminator(Terminator::Any(b'\n'));
        let mut reader = builder.from_reader(file);
        let mut record = ByteRecord::new();
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Err(vec![Problem::row(1, Reason::Empty)]),
            Err(error) => return Err(vec![Problem::row(1, Reason::Unreadable(error.to_string()))]),
        }
        let name = |field| String::from_utf8_lossy(trimmed(field)).into_owned();
        let header: Vec<_> = record.iter().map(name).collect();
        let problems = judge_header(&header, columns);
        if problems.is_empty() { Ok(Self { reader, header, record }) } else { Err(problems) }
    }

    fn has(&self, column: &str) -> bool {
        self.header.iter().any(|name| name == column)
    }

    /// The next row; one that has too few or too many fields is a problem of its own.
    pub(crate) fn next(&mut self) -> Option<Result<Row<'_>, Problem>> {
        let (read, line) = loop {
            let before = self.reader.position().line();
            let read = self.reader.read_byte_record(&mut self.record);
            // A blank line of Windows.
            if !matches!(read, Ok(true)) || self.record.as_slice() != b"\r" {
                break (read, self.line(before));
            }
        };
        let (found, expected) = (self.record.len(), self.header.len());
        match read {
            Ok(false) => None,
            Ok(true) if found == expected => {
                Some(Ok(Row { line, header: &self.header, record: &self.record }))
            }
            Ok(true) => Some(Err(Problem::row(line, Reason::Width { found, expected }))),
            Err(error) => Some(Err(Problem::row(line, Reason::Unreadable(error.to_string())))),
        }
    }

    /// The line on which the record begins that was just read: blank lines before it do not count, lines within it do.
    fn line(&self, before: u64) -> u64 {
        let within = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count();
        let after = self.reader.position().line();
        // A quote that is never closed has the end of its line within.
        before.max(after.saturating_sub(1 + u64::try_from(within).unwrap_or(0)))
    }
}

/// A field without the rest of the end of a line of Windows.
fn trimmed(field: &[u8]) -> &[u8] {
    field.strip_suffix(b"\r").unwrap_or(field)
}

fn judge_header(header: &[String], columns: &[(&str, bool)]) -> Vec<Problem> {
    let problem = |name: &str, reason| Problem::column(1, name, reason);
    let mut problems = Vec::new();
    // What is no header at all is not shown: it may name receivers.
    if !header.iter().any(|name| columns.iter().any(|(known, _)| known == name)) {
        return vec![Problem::row(1, Reason::NoHeader)];
    }
    if header.iter().any(|name| name.contains('\r')) {
        return vec![Problem::row(1, Reason::LoneReturn)];
    }
    for (at, name) in header.iter().enumerate() {
        if header.iter().take(at).any(|before| before == name) {
            problems.push(problem(name, Reason::RepeatedColumn));
        } else if !columns.iter().any(|(known, _)| known == name) {
            problems.push(problem(&name.escape_debug().to_string(), Reason::UnknownColumn));
        }
    }
    let required = columns.iter().filter(|(_, required)| *required);
    let missing = required.filter(|(name, _)| !header.iter().any(|there| there == name));
    problems.extend(missing.map(|(name, _)| problem(name, Reason::MissingColumn)));
    problems
}

impl Row<'_> {
    /// A value; empty where there is no such column.
    pub(crate) fn get(&self, column: &str) -> Result<&str, Problem> {
        let at = self.header.iter().position(|name| name == column);
        let field = at.and_then(|at| self.record.get(at)).unwrap_or_default();
        let is_last = at.is_some_and(|at| at + 1 == self.header.len());
        let bytes = if is_last { trimmed(field) } else { field };
        std::str::from_utf8(bytes).map_err(|_| Problem::column(self.line, column, Reason::NotUtf8))
    }
}
