//! Every way in which a row can be bad, with the very words that people get to read.

use wechatpay_proto::{ApiKey, Merchant};

use super::{Checked, Table, Terms, check};

const HEADER: &str = "business_id,mch_billno,wxappid,re_openid,total_amount,send_name,wishing,act_name,remark,client_ip,scene_id\n";

fn merchant() -> Merchant {
    Merchant::direct("9900000001", ApiKey::new([b'0'; 32]).unwrap()).unwrap()
}

fn checked(file: impl AsRef<[u8]>) -> Checked {
    let merchant = merchant();
    let table = Table::of_payouts(file.as_ref(), false);
    let Ok(table) = table else { panic!("the header is refused") };
    check(table, Terms { merchant: &merchant, appid: None })
}

/// What is said of a file.
fn problems(file: impl AsRef<[u8]>) -> Vec<String> {
    checked(file).problems().iter().map(ToString::to_string).collect()
}

/// What is said of a header.
fn of_header(file: &str, has_appid: bool) -> Vec<String> {
    match Table::of_payouts(file.as_bytes(), has_appid) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// A row that is fine, but for the columns that are given.
fn row(changes: &[(&str, &str)]) -> String {
    let fine = [
        ("business_id", "order 1"),
        ("mch_billno", "A1"),
        ("wxappid", "wx8888888888888888"),
        ("re_openid", "oxTWIuGaIt6gTKsQRLau2M0yL16E"),
        ("total_amount", "1000"),
        ("send_name", "天虹百货"),
        ("wishing", "祝"),
        ("act_name", "活动"),
        ("remark", "备注"),
        ("client_ip", "192.168.0.1"),
        ("scene_id", ""),
    ];
    let value = |(column, fine): (&str, &str)| {
        changes.iter().find(|(changed, _)| *changed == column).map_or(fine, |(_, value)| value).to_owned()
    };
    format!("{}\n", fine.map(value).join(","))
}

/// What is said of one row in which one column is changed.
fn of_value(column: &str, value: &str) -> String {
    problems(format!("{HEADER}{}", row(&[(column, value)]))).join("; ")
}

#[test]
fn fine_rows_are_counted() {
    for (file, what) in [
        (format!("{HEADER}{}", row(&[])), "as it is"),
        (format!("\u{feff}{HEADER}{}", row(&[])), "with a byte order mark"),
        (format!("{HEADER}{}", row(&[])).replace('\n', "\r\n"), "with lines of Windows"),
        (format!("{HEADER}{}", row(&[]).trim_end()), "without an end of the last line"),
    ] {
        let mut checked = checked(&file);
        assert!(checked.problems().is_empty(), "{what}: {:?}", checked.problems());
        assert_eq!((checked.rows, checked.good()), (1, (1, 1000)), "{what}");
        assert!(checked.appids.contains("wx8888888888888888"));
    }
}

#[test]
fn only_digits_are_an_amount() {
    let not_fen = "line 2, total_amount: must be an amount in fen: digits alone, such as 100 for 1.00 yuan";
    for amount in [
        "",
        "1.00",
        "1e3",
        " 100",
        "100 ",
        "+100",
        "-100",
        "0100",
        "0x64",
        "1 000",
        "\"1,000\"",
        "１００",
        "100fen",
    ] {
        assert_eq!(of_value("total_amount", amount), not_fen, "{amount:?}");
    }
    for (amount, said) in [
        ("0", "line 2, total_amount: is 0, must be 1 to 4294967295"),
        ("4294967296", "line 2, total_amount: has more fen than a packet can have"),
        ("99999999999999999999", "line 2, total_amount: has more fen than a packet can have"),
        ("20001", "line 2, scene_id: is required when a packet has less than 100 or more than 20000 fen"),
        ("99", "line 2, scene_id: is required when a packet has less than 100 or more than 20000 fen"),
        ("100", ""),
        ("20000", ""),
    ] {
        assert_eq!(of_value("total_amount", amount), said, "{amount:?}");
    }
}

#[test]
fn every_column_has_its_rule() {
    let long = "x".repeat(65);
    for (column, value, said) in [
        ("business_id", "", "line 2, business_id: is required"),
        ("business_id", &*long, "line 2, business_id: has 65 bytes of UTF-8, at most 64 are allowed"),
        ("mch_billno", "", "line 2, mch_billno: is required"),
        (
            "mch_billno",
            "A-1",
            "line 2, mch_billno: has a character that is not allowed at byte 1; allowed: [0-9A-Za-z]",
        ),
        (
            "mch_billno",
            "A2345678901234567890123456789",
            "line 2, mch_billno: has 29 bytes of UTF-8, at most 28 are allowed",
        ),
        ("wxappid", "", "line 2, wxappid: is required"),
        ("re_openid", "", "line 2, re_openid: is required"),
        (
            "re_openid",
            "o x",
            "line 2, re_openid: has a character that is not allowed at byte 1; allowed: [0-9A-Za-z_-]",
        ),
        ("send_name", " ", "line 2, send_name: is blank"),
        (
            "send_name",
            "十一个汉字就太长了真的",
            "line 2, send_name: has 33 bytes of UTF-8, at most 32 are allowed",
        ),
        ("wishing", "", "line 2, wishing: is required"),
        ("act_name", "", "line 2, act_name: is required"),
        ("remark", "", "line 2, remark: is required"),
        ("client_ip", "", "line 2, client_ip: must be an IPv4 address, such as 192.168.0.1"),
        ("client_ip", "::1", "line 2, client_ip: must be an IPv4 address, such as 192.168.0.1"),
        ("client_ip", "192.168.0.256", "line 2, client_ip: must be an IPv4 address, such as 192.168.0.1"),
        ("scene_id", "PRODUCT_9", "line 2, scene_id: must be empty, or PRODUCT_1 to PRODUCT_8"),
        ("scene_id", "PRODUCT_2", ""),
    ] {
        assert_eq!(of_value(column, value), said, "{column} {value:?}");
    }
}

#[test]
fn no_problem_repeats_a_receiver() {
    let openid = "oxTWIuGaIt6gTKsQRLau2M0yL16E!";
    let said = of_value("re_openid", openid);
    assert!(said.contains("re_openid") && !said.contains("GaIt6g"), "{said}");
}

#[test]
fn all_values_that_cannot_be_read_are_named_at_once() {
    let file = format!("{HEADER}{}", row(&[("total_amount", "1.00"), ("client_ip", "x"), ("scene_id", "x")]));
    assert_eq!(
        problems(file),
        [
            "line 2, total_amount: must be an amount in fen: digits alone, such as 100 for 1.00 yuan",
            "line 2, client_ip: must be an IPv4 address, such as 192.168.0.1",
            "line 2, scene_id: must be empty, or PRODUCT_1 to PRODUCT_8",
        ]
    );
}

#[test]
fn text_that_is_not_utf8_is_named() {
    let mut file = format!("{HEADER}{}", row(&[("wishing", "MARK")])).into_bytes();
    let at = file.windows(4).position(|four| four == b"MARK").unwrap();
    // 恭 in GBK.
    file.splice(at..at + 4, [0xB9, 0xA7]);
    assert_eq!(problems(file), ["line 2, wishing: is not UTF-8"]);
}

#[test]
fn lines_are_those_of_an_editor() {
    for end in ["\n", "\r\n"] {
        let two_lines = row(&[("business_id", "a"), ("mch_billno", "A1"), ("remark", "\"two\nlines\"")]);
        let blank_before = format!("\n{}", row(&[("business_id", "b"), ("mch_billno", "-")]));
        let last = row(&[("business_id", "c"), ("total_amount", "x")]);
        let file = format!("{HEADER}{two_lines}{blank_before}{last}").replace('\n', end);
        assert_eq!(
            problems(file),
            [
                "line 2, remark: has a character that is not allowed at byte 3; allowed: text without C0 controls such as line breaks",
                "line 5, mch_billno: has a character that is not allowed at byte 0; allowed: [0-9A-Za-z]",
                "line 6, total_amount: must be an amount in fen: digits alone, such as 100 for 1.00 yuan",
            ],
            "{end:?}"
        );
    }
}

#[test]
fn quotes_and_commas_are_text() {
    let file = format!("{HEADER}{}", row(&[("wishing", "\"恭喜, \"\"发财\"\"\"")]));
    assert!(problems(file).is_empty());
}

#[test]
fn rows_have_as_many_fields_as_the_header() {
    let file = format!("{HEADER}a,b\n{}{},1\n", row(&[]), row(&[("mch_billno", "A2")]).trim_end());
    assert_eq!(
        problems(file),
        ["line 2: has 2 fields, the header has 11", "line 4: has 12 fields, the header has 11"]
    );
    // A quote that is never closed swallows the rest.
    let file = format!("{HEADER}\"a,b\n{}", row(&[]));
    assert_eq!(problems(file), ["line 2: has 1 fields, the header has 11"]);
}

#[test]
fn what_stands_there_twice_names_the_line_before() {
    let rows = [
        row(&[("business_id", "a"), ("mch_billno", "A1")]),
        row(&[("business_id", "a"), ("mch_billno", "A2")]),
        row(&[("business_id", "b"), ("mch_billno", "A1")]),
        row(&[("business_id", "a"), ("mch_billno", "A1")]),
        // The numbers of rows that are bad are free.
        row(&[("business_id", "c"), ("mch_billno", "A2")]),
    ];
    let mut checked = checked(format!("{HEADER}{}", rows.concat()));
    let said: Vec<_> = checked.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 3, business_id: is that of line 2",
            "line 4, mch_billno: is that of line 2",
            "line 5, business_id: is that of line 2",
            "line 5, mch_billno: is that of line 2",
        ]
    );
    assert_eq!((checked.rows, checked.good()), (5, (2, 2000)));
}

#[test]
fn spellings_that_are_one_to_a_person_are_one_row() {
    let first = row(&[("business_id", "b1"), ("mch_billno", "A1a")]);
    for spelling in ["b1 ", "B1", "b1\u{200B}", " b1", "ｂ１", "b1\u{2060}"] {
        let file = format!("{HEADER}{first}{}", row(&[("business_id", spelling), ("mch_billno", "A2")]));
        assert_eq!(
            problems(file),
            [
                "line 3, business_id: looks like that of line 2: without case, white space around it and characters that show nothing they are one; give it a name of its own, or take one of the rows out"
            ],
            "{spelling:?}"
        );
    }
    let file = format!("{HEADER}{first}{}", row(&[("business_id", "b2"), ("mch_billno", "a1A")]));
    assert_eq!(
        problems(file),
        ["line 3, mch_billno: differs from that of line 2 in case alone; give it another number"]
    );
    let rows =
        [("b 1", "A2"), ("b2", "A3")].map(|(id, number)| row(&[("business_id", id), ("mch_billno", number)]));
    assert!(problems(format!("{HEADER}{first}{}", rows.concat())).is_empty());
}

#[test]
fn a_header_is_complete_and_has_nothing_else() {
    assert_eq!(of_header("", false), ["line 1: the file is empty"]);
    let unknown = "is not a column of this file; there are business_id, mch_billno, wxappid, re_openid, total_amount, send_name, wishing, act_name, remark, client_ip, scene_id";
    assert_eq!(
        of_header(&HEADER.replace("remark", "Remark"), false),
        [format!("line 1, Remark: {unknown}"), "line 1, remark: is missing from the header".to_owned(),]
    );
    assert_eq!(
        of_header(&HEADER.replace("remark", "remark,remark"), false),
        ["line 1, remark: stands in the header twice"]
    );
    // A file without a header, or of an old Mac: what the rows say is not repeated.
    let no_header = format!("line 1: is no header in UTF-8 with the columns {}", super::table::names());
    assert_eq!(of_header(&row(&[]), false), [no_header]);
    let lone = format!("{HEADER}{}", row(&[])).replace('\n', "\r");
    assert_eq!(
        of_header(&lone, false),
        ["line 1: must end with a line feed; a carriage return alone ends no line"]
    );
    let without_appid = HEADER.replace("wxappid,", "");
    assert_eq!(
        of_header(&without_appid, false),
        ["line 1, wxappid: is missing from the header, and there is no --appid"]
    );
    assert!(of_header(&without_appid, true).is_empty());
    assert!(of_header(&HEADER.replace(",scene_id", ""), false).is_empty());
}

#[test]
fn an_appid_may_be_given_for_all() {
    let merchant = merchant();
    let file = format!("{HEADER}{}", row(&[("wxappid", "")]));
    let Ok(table) = Table::of_payouts(file.as_bytes(), true) else { panic!("the header is refused") };
    let mut checked = check(table, Terms { merchant: &merchant, appid: Some("wx1111111111111111") });
    assert!(checked.problems().is_empty());
    assert!(checked.appids.contains("wx1111111111111111"));
}
