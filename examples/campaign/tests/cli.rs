//! The program as people use it: exit codes, what is said, and what is in the store afterwards.

#[allow(dead_code, unreachable_pub, reason = "it serves other tests too")]
#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/shop.rs"]
mod shop;

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use shop::{APPID, MCH_ID, Said, Shop, Worker, campaign, csv, finish, number, read_report};
use wechatpay_mock_server::Fault;

fn sample() -> String {
    format!("{}/sample.csv", env!("CARGO_MANIFEST_DIR"))
}

/// `campaign report` of a store of the shop.
fn report(shop: &Shop) -> Said {
    finish(&mut campaign(&["report", "--store", &shop.store(), "--mch-id", MCH_ID]))
}

#[test]
fn the_sample_is_paid_to_the_mock_inside() {
    let shop = Shop::open(0);
    let path = shop.path("report.csv");
    let run = |seed: &str| {
        let words = ["run", "--csv", &sample(), "--mock", "--mock-faults", "60", "--mock-seed", seed];
        let said = finish(campaign(&words).arg("--report").arg(&path));
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        (said.stdout, fs::read_to_string(&path).unwrap())
    };
    for seed in ["1", "2", "3"] {
        let (stdout, _) = run(seed);
        let rows = read_report(&path);
        assert_eq!(rows.len(), 20);
        let sum = |column: &str| rows.iter().filter_map(|row| row[column].parse::<u64>().ok()).sum::<u64>();
        let (paid, back) = (sum("total_amount"), sum("refund_amount"));
        let total = format!("total: 20 payouts, {paid} fen, {paid} fen paid, {back} fen back\n");
        let ledger = format!("ledger: 20 packets, {paid} fen paid, {back} fen back; report: the same\n");
        assert!(stdout.ends_with(&format!("{total}{ledger}")), "{stdout}");
        assert!(rows.iter().all(|row| ["received", "refunded"].contains(&&*row["state"])), "{rows:?}");
        assert!(rows.iter().any(|row| row["attempts"] != "1"), "some were sent again");
        // One seed, one campaign, to the byte.
        assert_eq!(run(seed).0, stdout);
    }
}

#[test]
fn both_transports_pay_over_tls_with_the_certificate() {
    for transport in ["ureq", "hyper"] {
        let shop = Shop::open(20);
        shop.mock.set_rule(None, "plain-cert", "none").unwrap();
        let files = shop.server.kit().merchant(MCH_ID).unwrap();
        let ca = shop.write("ca.pem", shop.server.kit().ca_pem());
        let report = shop.path("report.csv");
        let mut command =
            campaign(&["run", "--store", &shop.store(), "--mch-id", MCH_ID, "--goal", "accepted"]);
        command.args(["--url", &shop.server.https_url(), "--transport", transport]);
        command.arg("--csv").arg(shop.path("rows.csv")).arg("--key-file").arg(shop.path("key"));
        command.arg("--cert").arg(files.certificate).arg("--key-pem").arg(files.key).arg("--ca").arg(ca);
        let said = finish(command.arg("--report").arg(&report));
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        shop.audit(&report);
    }
}

#[test]
fn one_bad_row_keeps_all_from_being_sent_unless_it_is_left_out() {
    let shop = Shop::open(3);
    let bad = csv(0..3).replace(&format!("{},{APPID}", number(1)), &format!("A-1,{APPID}"));
    shop.write("rows.csv", bad);
    let said = finish(&mut shop.lead("run", &shop.store()));
    assert_eq!(said.code, Some(2));
    let line = "line 3, mch_billno: has a character that is not allowed at byte 1; allowed: [0-9A-Za-z]\n";
    assert!(said.stderr.starts_with(line), "{}", said.stderr);
    assert!(said.stderr.ends_with("rows.csv: 1 problems; nothing was sent\n"), "{}", said.stderr);
    assert_eq!(shop.mock.requests(), 0);
    assert!(report(&shop).stdout.starts_with("total: 0 payouts"), "nothing was stored");

    let said = finish(shop.lead("run", &shop.store()).arg("--skip-bad"));
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.stderr.starts_with(line), "{}", said.stderr);
    assert!(said.stdout.starts_with("accepted: 2 payouts, 274 fen\n"), "{}", said.stdout);
    assert_eq!(shop.mock.ledger().packets().count(), 2);
}

#[test]
fn a_check_says_everything_and_writes_nothing() {
    let shop = Shop::open(2);
    let rows = shop.path("rows.csv").display().to_string();
    let said = finish(&mut campaign(&["check", "--csv", &rows]));
    assert_eq!((said.code, &*said.stdout, &*said.stderr), (Some(0), "2 rows: 2 good, 237 fen; 0 bad\n", ""));

    shop.write("rows.csv", format!("{}row 0,A1,,,1.00,,,,,\n", csv(0..2)));
    let said = finish(&mut campaign(&["check", "--csv", &rows]));
    assert_eq!((said.code, &*said.stdout), (Some(2), "3 rows: 2 good, 237 fen; 1 bad\n"));
    let lines: Vec<_> = said.stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "line 4, total_amount: must be an amount in fen: digits alone, such as 100 for 1.00 yuan",
            "line 4, client_ip: must be an IPv4 address, such as 192.168.0.1",
        ]
    );
}

#[test]
fn the_same_file_again_pays_nobody_again_and_a_changed_one_is_refused() {
    let shop = Shop::open(3);
    for said in [finish(&mut shop.lead("run", &shop.store())), finish(&mut shop.lead("run", &shop.store()))] {
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert!(said.stdout.starts_with("accepted: 3 payouts, 411 fen\n"), "{}", said.stdout);
    }
    assert_eq!(shop.mock.requests(), 3);
    // Another remark, another number, another business id for a number that is there.
    let rows = csv(0..3).replacen("备注", "别的", 1).replace(&number(1), "A1").replace("row 2", "row 9");
    shop.write("rows.csv", rows);
    let check = campaign(&["check", "--csv"])
        .arg(shop.path("rows.csv"))
        .args(["--store", &shop.store(), "--mch-id", MCH_ID])
        .output();
    for said in [finish(&mut shop.lead("run", &shop.store())), check.unwrap().into()] {
        assert_eq!(said.code, Some(2));
        let lines: Vec<_> = said.stderr.lines().take(3).map(str::to_owned).collect();
        let stored = |at| format!("is in the store with other parameters, as mch_billno {}", number(at));
        assert_eq!(
            lines,
            [
                format!("line 2, business_id: {}", stored(0)),
                format!("line 3, business_id: {}", stored(1)),
                "line 4, mch_billno: is in the store for the business_id \"row 2\"".to_owned(),
            ]
        );
    }
    assert_eq!(shop.mock.requests(), 3);
}

/// A second file, which names what the store holds in other spellings.
#[test]
fn other_spellings_of_what_is_stored_pay_nobody_again() {
    for in_postgres in [false, true] {
        let shop = Shop::open(3);
        let database = in_postgres.then(postgres::database).flatten();
        let store =
            database.as_ref().map_or_else(|| shop.store(), |database| format!("postgres:{}", database.url()));
        let lead = |text: String| {
            shop.write("rows.csv", text);
            finish(&mut shop.lead("run", &store))
        };
        let said = lead(csv(0..3).replace("row 0", "b1"));
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let second = csv(10..15)
            .replace("row 10", "b1 ")
            .replace("row 11", "B1")
            .replace("row 12", "b1\u{200B}")
            .replace(&number(13), &number(1).to_lowercase());
        let said = lead(second.lines().take(2).map(|line| format!("{line}\n")).collect());
        assert_eq!(said.code, Some(2), "{}", said.stderr);
        let line = |line| {
            format!(
                "line {line}, business_id: looks like \"b1\", which is in the store as mch_billno {}: without case, white space around it and characters that show nothing they are one; give it a name of its own, or take the row out",
                number(0)
            )
        };
        assert_eq!(said.stderr.lines().next(), Some(&*line(2)));
        let said = lead(second);
        assert_eq!(said.code, Some(2), "{}", said.stderr);
        assert!(said.stderr.contains("line 3, business_id: looks like that of line 2"), "{}", said.stderr);
        assert!(said.stderr.contains("line 4, business_id: looks like that of line 2"), "{}", said.stderr);
        let number_alike = format!(
            "line 5, mch_billno: differs in case alone from {}, which is in the store for the business_id \"row 1\"; give it another number",
            number(1)
        );
        assert!(said.stderr.contains(&number_alike), "{}", said.stderr);
        assert_eq!(shop.mock.requests(), 3, "nobody was paid again");
    }
}

#[test]
fn a_signal_lets_answers_come_and_the_next_start_goes_on() {
    let shop = Shop::open(400);
    shop.mock.arm(Fault::latency(Duration::from_millis(300)).into()).unwrap();
    let mut worker = Worker::start(&mut shop.lead("run", &shop.store()));
    shop.wait_for(40);
    // The child's own id.
    let kill = Command::new("kill").args(["-TERM", &worker.0.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(worker.0.wait().unwrap().code(), Some(4));
    shop.mock.disarm_all(None);
    // Every request that reached the mock is settled in the store. Attempts may be on record that were never sent.
    let stopped = report(&shop).stdout;
    let sent = shop.mock.requests();
    assert!(sent < 400, "{sent}");
    assert!(stopped.contains(&format!("accepted: {sent} payouts")), "{sent} requests: {stopped}");
    let path = shop.path("report.csv");
    let said = finish(shop.lead("resume", &shop.store()).arg("--report").arg(&path));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(shop.sends(), 400, "nothing was sent twice");
    shop.audit(&path);
}

#[test]
fn what_failed_can_have_a_new_number_and_nothing_else_can() {
    let shop = Shop::open(3);
    let second = number(1);
    let fail = Fault::late_failure(Duration::from_millis(1)).on("sendredpack").field("mch_billno", &second);
    shop.mock.arm(fail).unwrap();
    let said = finish(&mut shop.lead("run", &shop.store()));
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(
        said.stdout.starts_with("accepted: 2 payouts, 274 fen\nfailed: 1 payouts, 137 fen\n"),
        "{}",
        said.stdout
    );

    let numbers = shop.path("numbers.csv");
    let renumber = |rows: &str| {
        shop.write("numbers.csv", format!("business_id,mch_billno\n{rows}"));
        let mut command = campaign(&["renumber", "--store", &shop.store(), "--mch-id", MCH_ID]);
        finish(command.arg("--csv").arg(&numbers))
    };
    let said = renumber(&format!("row 0,N0\nrow 1,{}\nrow 7,N7\nrow 1,N8\n", number(2)));
    assert_eq!(said.code, Some(2));
    let lines: Vec<_> = said.stderr.lines().take(4).map(str::to_owned).collect();
    let refused = format!(
        "line 2, business_id: cannot have a new number: as mch_billno {} it is accepted, and only what failed for certain can",
        number(0)
    );
    assert_eq!(
        lines,
        [
            refused,
            "line 3, mch_billno: is in the store for the business_id \"row 2\"".to_owned(),
            "line 4, business_id: is not in the store".to_owned(),
            "line 5, business_id: is that of line 3".to_owned(),
        ]
    );
    assert_eq!(renumber(&format!("row 1,{second}\n")).code, Some(0), "it has that number already");
    assert_eq!(renumber("row 1,A-1\n").code, Some(2), "no number at all");
    // Nothing is written where another spelling is in the store, or in the file.
    let said = renumber(&format!("row 1,{}\n", number(0).to_lowercase()));
    let alike =
        format!("line 2, mch_billno: differs in case alone from {}, which is in the store", number(0));
    assert!(said.code == Some(2) && said.stderr.starts_with(&alike), "{}", said.stderr);
    let said = renumber("row 1,N1\nrow 2,n1\n");
    assert!(
        said.stderr.contains("line 3, mch_billno: differs from that of line 2 in case alone"),
        "{}",
        said.stderr
    );

    // Twice is once.
    for said in [renumber("row 1,N1\n"), renumber("row 1,N1\n")] {
        assert_eq!((said.code, &*said.stderr), (Some(0), ""));
    }
    let path = shop.path("report.csv");
    let said = finish(shop.lead("resume", &shop.store()).arg("--report").arg(&path));
    // The one that failed is still in the books.
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(
        said.stdout.starts_with("accepted: 3 payouts, 411 fen\nfailed: 1 payouts, 137 fen\n"),
        "{}",
        said.stdout
    );
    let rows = read_report(&path);
    let of_second: Vec<_> = rows
        .iter()
        .filter(|row| row["business_id"] == "row 1")
        .map(|row| (&*row["generation"], &*row["mch_billno"], &*row["state"]))
        .collect();
    assert_eq!(of_second, [("0", &*second, "failed"), ("1", "N1", "accepted")]);
    assert_eq!(shop.merchant.balance_fen(), 0, "each was paid once");
}

#[test]
fn wrong_usage_is_told_before_anything_is_done() {
    let shop = Shop::open(1);
    let rows = shop.path("rows.csv").display().to_string();
    let key = shop.path("key").display().to_string();
    shop.write("short", "short");
    let short = shop.path("short").display().to_string();
    let store = shop.store();
    let base = ["run", "--csv", &rows, "--mch-id", MCH_ID, "--url", "http://127.0.0.1:1", "--store"];
    fn with<'t>(base: &[&'t str], more: &[&'t str]) -> Vec<&'t str> {
        [base, more].concat()
    }
    for (words, said) in [
        (vec!["run", "--mock"], "--csv"),
        (vec!["run", "--csv", &*rows], "--store"),
        (vec!["run", "--csv", "none.csv", "--mock"], "none.csv"),
        (with(&base, &[&store]), "--key-file is needed"),
        (with(&base, &[&store, "--key-file", &short]), "key"),
        (
            with(&base, &[&store, "--key-file", &key, "--report", "/none/report.csv"]),
            "--report /none/report.csv",
        ),
        (with(&base, &["oracle:x", "--key-file", &key]), "--store: a store is sqlite:PATH or postgres://"),
        (with(&base, &[&store, "--key-file", &key, "--rate", "0"]), "sends_per_second must be 1 to 1000"),
        (with(&base, &[&store, "--key-file", &key, "--lease", "30s"]), "--lease must be longer than 45s"),
        (
            vec!["run", "--csv", &*rows, "--mch-id", MCH_ID, "--store", &*store, "--key-file", &*key],
            "--cert and --key-pem are needed",
        ),
    ] {
        let said_so = finish(&mut campaign(&words));
        assert_eq!(said_so.code, Some(2), "{words:?}: {}", said_so.stderr);
        assert!(said_so.stderr.contains(said), "{words:?}: {}", said_so.stderr);
        assert!(!said_so.stderr.contains(shop.merchant.key()));
    }
    assert!(!shop.path("campaign.db").exists(), "no store was made");
}

#[test]
fn the_mock_inside_wants_a_store_of_its_own() {
    let shop = Shop::open(2);
    assert_eq!(finish(&mut shop.lead("run", &shop.store())).code, Some(0));
    let said = finish(&mut campaign(&["run", "--csv", &sample(), "--mock", "--store", &shop.store()]));
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("--mock needs an empty store"), "{}", said.stderr);
}

#[test]
fn a_store_is_one_workers_and_anybody_may_look_at_it() {
    let shop = Shop::open(400);
    shop.mock.arm(Fault::latency(Duration::from_millis(300)).into()).unwrap();
    let mut worker = Worker::start(&mut shop.lead("run", &shop.store()));
    shop.wait_for(20);
    let said = finish(&mut shop.lead("resume", &shop.store()));
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let said = report(&shop);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("total: 400 payouts"), "{}", said.stdout);
    assert!(worker.kill());
}

#[test]
fn a_report_has_no_formulas() {
    let shop = Shop::open(0);
    let ids = ["=1+1", "+8613800000000", "-1", "@SUM(A1)", "fine = 1"];
    let rows =
        ids.iter().enumerate().fold(csv(0..5), |rows, (at, id)| rows.replace(&format!("row {at}"), id));
    let (rows, path) = (shop.write("rows.csv", rows), shop.path("report.csv"));
    let mut command = campaign(&["run", "--mock"]);
    let said = finish(command.arg("--csv").arg(rows).arg("--report").arg(&path));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let shown: Vec<_> = read_report(&path).iter().map(|row| row["business_id"].clone()).collect();
    assert_eq!(shown, ["'+8613800000000", "'-1", "'=1+1", "'@SUM(A1)", "fine = 1"]);
}

#[test]
fn receivers_and_keys_are_not_shown() {
    let shop = Shop::open(30);
    shop.arm();
    let mut command = shop.lead("run", &shop.store());
    let said: Said = command.stdin(Stdio::null()).output().unwrap().into();
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    for text in [said.stdout, said.stderr] {
        assert!(!text.contains("openid0000") && !text.contains(shop.merchant.key()), "{text}");
    }
}
