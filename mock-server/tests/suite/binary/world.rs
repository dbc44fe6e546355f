//! The world that it begins with, and the one that it leaves.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use serde_json::{Value, json};
use wechatpay_mock_server::State;

use super::{Running, command, exchange, run};
use crate::common::{Form, KEY};
use crate::raw::health;

fn write(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

fn numbers(running: &Running) -> Vec<&str> {
    let merchants = running.ready["merchants"].as_array().unwrap();
    merchants.iter().map(|merchant| merchant["mch_id"].as_str().unwrap()).collect()
}

#[test]
fn a_config_file_says_what_there_is_and_flags_come_in_addition() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "key.txt", &format!("{KEY}\n"));
    let config = json!({
        "seed": 7,
        "clock": {"mode": "frozen", "now": "2027-01-01T00:00:00Z"},
        "merchants": [{"mch_id": "2", "key_file": "key.txt"}, {"mch_id": "1", "balance_fen": 5}],
        "users": [{"openid": "oA", "flags": []}],
    });
    let config = write(folder.path(), "world.json", &config.to_string());
    let running = Running::start(&["--config", &config]);
    assert_eq!((numbers(&running), &running.ready["seed"]), (vec!["2", "1"], &json!(7)));
    assert_eq!(running.ready["merchants"][0]["key"], KEY);
    assert_eq!(health(running.address())["now"], "2027-01-01T08:00:00+08:00");

    let clock = "frozen:2030-01-01T00:00:00Z";
    let running =
        Running::start(&["--config", &config, "--merchant", "mch_id=3", "--seed", "8", "--clock", clock]);
    assert_eq!((numbers(&running), &running.ready["seed"]), (vec!["3", "2", "1"], &json!(8)));
    assert_eq!(health(running.address())["now"], "2030-01-01T08:00:00+08:00");
}

#[test]
fn a_config_may_come_on_stdin() {
    let mut command = command(&["--config", "-"]);
    let running = Running::feed(command.stdin(Stdio::piped()), r#"{"merchants":[{"mch_id":"77"}]}"#);
    assert_eq!(numbers(&running), ["77"]);
}

#[test]
fn a_partner_is_made_with_its_sub_merchant_by_one_flag() {
    let parts = "mode=partner,mch_id=1900000001,sub_mch_id=1900000002,appid=wxpartner";
    let running = Running::start(&["--merchant", parts]);
    assert_eq!(numbers(&running), ["1900000001", "1900000002"]);
    let [partner, sub] = [0, 1].map(|at| &running.ready["merchants"][at]);
    assert_eq!((&partner["mode"], &sub["mode"]), (&json!("partner"), &json!("merchant")));
    assert_ne!(partner["key"], sub["key"]);
    let sub_appid = sub["appid"].as_str().unwrap();
    let form = |twin: &_| Form::send(twin, "1").with("sub_mch_id", "1900000002").with("msgappid", sub_appid);
    exchange(&running, form).assert_success();
}

#[test]
fn the_variable_holds_several_merchants() {
    let variable = "mch_id=5,appid=wxa;mch_id=4";
    let running = Running::spawn(command(&[]).env("WECHATPAY_MOCK_MERCHANT", variable));
    assert_eq!(numbers(&running), ["5", "4"]);
}

#[test]
fn a_world_goes_on_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let flags =
        ["--state-file", path.to_str().unwrap(), "--merchant", "mch_id=10000098,balance=5000,appid=wxa"];
    let running = Running::start(&flags);
    exchange(&running, |twin| Form::send(twin, "1")).assert_success();
    let before = running.ready["merchants"].clone();
    assert_eq!(running.stop("-TERM").0, Some(0));
    let saved = State::from_json(&fs::read(&path).unwrap()).unwrap();
    assert_eq!((saved.red_packets.len(), saved.merchants[0].balance_fen), (1, Some(4000)));

    // With the same flags, and one more: the merchant is not made again, the packet is still there.
    let running = Running::start(&[&flags[..], &["--merchant", "mch_id=2"]].concat());
    assert_eq!(numbers(&running), ["10000098", "2"]);
    assert_eq!(running.ready["merchants"][0]["key"], before[0]["key"]);
    let (status, packet) = crate::raw::admin(running.address(), "GET /__mock/redpackets/10000098/1");
    assert_eq!((status, &packet["total_amount"]), (200, &json!(1000)));
    assert_eq!(running.stop("-INT").0, Some(0));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left beside it");
}

#[test]
fn a_state_is_whole_when_it_ends_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let running =
        Running::start(&["--state-file", path.to_str().unwrap(), "--merchant", "mch_id=1,balance=100000000"]);
    let address = running.address();
    let load: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(move || {
                let Ok(mut stream) = std::net::TcpStream::connect(address) else { return };
                let request = "POST /mmpaymkttransfers/sendredpack HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n<xml>";
                let mut answer = [0; 4096];
                while stream.write_all(request.as_bytes()).is_ok() {
                    if !matches!(std::io::Read::read(&mut stream, &mut answer), Ok(1..)) {
                        return;
                    }
                }
            })
        })
        .collect();
    assert!((0..100_000).any(|_| health(address)["requests"].as_u64().unwrap() >= 100));
    assert_eq!(running.stop("-TERM").0, Some(0));
    load.into_iter().for_each(|thread| thread.join().unwrap());
    let state = State::from_json(&fs::read(&path).unwrap()).unwrap();
    assert!(state.requests >= 100, "{}", state.requests);
}

#[test]
fn a_broken_file_is_named_with_the_place_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let packet = json!({"red_packets": [{"mch_id": "1"}]}).to_string();
    for (content, part) in [
        ("{\n  \"version\": 1,\n  \"seed\": }", "line 3 column 11"),
        (r#"{"version":9}"#, "version 9"),
        (r#"{"version":1,"merchants":[{"key":"0123456789012345678901234567890"}]}"#, "merchants[0]"),
        (r#"{"version":1,"merchants":["key=0123456789012345678901234567890"]}"#, "merchants[0]"),
        (&packet, "red_packets[0]: missing field"),
    ] {
        for flag in ["--state-file", "--config"] {
            let path = write(folder.path(), "broken.json", content);
            let (code, stderr) = run(&[flag, &path]);
            assert_eq!(code, Some(4), "{stderr}");
            assert!(stderr.contains(&path) && stderr.contains(part), "{stderr}");
            assert!(!stderr.contains("0123456789012345678901234567890"), "a key is not repeated");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }
    let (code, stderr) = run(&["--config", "/no/such.json"]);
    assert_eq!((code, stderr.contains("/no/such.json")), (Some(4), true), "{stderr}");
}

#[test]
fn what_was_made_up_stays_when_a_world_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let flags = ["--state-file", path.to_str().unwrap(), "--merchant", "appid=wxa"];
    let first = Running::start(&flags);
    let merchants: Value = first.ready["merchants"][0]["key"].clone();
    assert_eq!(first.stop("-TERM").0, Some(0));
    let second = Running::start(&flags);
    assert_eq!((numbers(&second).len(), &second.ready["merchants"][0]["key"]), (1, &merchants));
}
