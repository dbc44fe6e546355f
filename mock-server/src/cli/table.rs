//! Lists for people: one line each, in columns.

use serde_json::Value;

/// The columns of a list of requests, each with where its text stands in a record.
const REQUESTS: [(&str, &str); 6] = [
    ("time", "/at"),
    ("id", "/id"),
    ("path", "/path"),
    ("number", "/mch_billno"),
    ("verdict", "/verdict"),
    ("err_code", "/outcome/err_code"),
];

/// Requests as a table, in the order in which they came: the newest first.
pub(crate) fn requests(page: &Value) -> String {
    let records = page["requests"].as_array().map_or(&[][..], Vec::as_slice);
    let head = REQUESTS.map(|(name, _)| name.to_owned());
    let rows = records.iter().map(|record| REQUESTS.map(|(_, place)| cell(record.pointer(place))));
    let mut text = table(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
    let shown = records.len();
    let dropped = page["dropped"].as_u64().unwrap_or_default();
    let total = page["total"].as_u64().unwrap_or_default();
    text += &format!("{shown} shown of {total} that arrived");
    if dropped > 0 {
        text += &format!("; {dropped} are not in the journal any more");
    }
    text + "\n"
}

/// Nothing that a terminal would obey, and never nothing.
fn cell(value: Option<&Value>) -> String {
    let text = value.and_then(Value::as_str).unwrap_or_default().escape_debug().to_string();
    if text.is_empty() { "-".to_owned() } else { text }
}

/// Columns as wide as their widest cell, two blanks apart; nothing behind the last.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  "));
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_are_lines_in_columns() {
        let page = json!({"dropped": 3, "total": 5, "requests": [
            {"at": "2026-01-01T09:00:01+08:00", "id": "req_000005", "path": "/mmpaymkttransfers/gethbinfo",
                "mch_billno": "1", "verdict": "ok", "outcome": {"err_code": "SUCCESS"}},
            {"at": "2026-01-01T09:00:00.5+08:00", "id": "req_000004", "path": "/\u{1b}[2J",
                "mch_billno": null, "verdict": "path", "outcome": {"err_code": null}},
        ]});
        let expected = "\
time                         id          path                          number  verdict  err_code
2026-01-01T09:00:01+08:00    req_000005  /mmpaymkttransfers/gethbinfo  1       ok       SUCCESS
2026-01-01T09:00:00.5+08:00  req_000004  /\\u{1b}[2J                    -       path     -
2 shown of 5 that arrived; 3 are not in the journal any more
";
        assert_eq!(requests(&page), expected);
        let none = requests(&json!({"dropped": 0, "total": 0, "requests": []}));
        assert_eq!(none, "time  id  path  number  verdict  err_code\n0 shown of 0 that arrived\n");
    }
}
