//! What is on disk: snapshots and intents come back as they were, or not at all.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use wechatpay_proto::payout::{
    Asked, End, Intent, Kind, Now, Payout, Policy, Snapshot, SnapshotError, State,
};
use wechatpay_proto::transport::Delivery;
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;
use wechatpay_proto::{ApiKey, Fen, Merchant};

use crate::common::*;
use crate::world::*;

const KIND: Kind = Kind::RedPack;

/// One payout in every state, some in more than one way, by name.
fn every_state() -> Vec<(&'static str, World)> {
    let asked = |kind, response: &Response| {
        let mut world = World::querying(kind);
        world.answer(response);
        world
    };
    let told = |kind, response: &Response| {
        let mut world = World::sending(kind);
        world.answer(response);
        world
    };
    let mut mismatch = told(KIND, &sent(KIND));
    mismatch.turn();
    mismatch.answer(&reply(KIND, &found_fields("SENT", &[("detail_id", "2")])));
    let mut watched = told(KIND, &refusing(KIND, "SEND_FAILED"));
    watched.turn();
    watched.answer(&not_found(KIND));
    let mut confirmed = told(KIND, &refusing(KIND, "SEND_FAILED"));
    confirmed.turn();
    confirmed.pass(DAY);
    confirmed.answer(&http_502());
    confirmed.turn();
    confirmed.answer(&not_found(KIND));
    let mut absent = World::sending(KIND);
    absent.restart(Now { steady: SECOND, calendar: START.calendar + DAY });
    absent.turn();
    absent.answer(&not_found(KIND));
    let mut contradicted = World::sending(KIND);
    contradicted.restart(Now { steady: SECOND, calendar: START.calendar + 31 * DAY });
    contradicted.turn();
    contradicted.now.calendar = START.calendar + DAY;
    contradicted.answer(&not_found(KIND));
    let mut unseen = World::new(KIND);
    for hour in 24..26 {
        unseen.restart(Now { steady: SECOND, calendar: START.calendar + hour * HOUR });
        unseen.turn();
        unseen.fault(Delivery::MaybeSent);
    }
    unseen.pass(10 * MINUTE);
    unseen.turn();
    unseen.answer(&http_502());
    let mut set_back = World::sending(KIND);
    set_back.restart(Now { steady: SECOND, calendar: START.calendar - 31 * DAY });
    let blocked = set_back.payout().next(set_back.now).unwrap_err();
    set_back.put(blocked.into_payout());
    set_back.pass(10 * MINUTE);
    set_back.turn();
    set_back.answer(&http_502());
    let mut horizon = asked(KIND, &not_found(KIND));
    horizon.pass(30 * DAY);
    horizon.turn();
    let mut defect = told(KIND, &refusing(KIND, "PARAM_ERROR"));
    defect.pass(DAY);
    defect.turn();
    defect.answer(&not_found(KIND));
    let part = reply(Kind::Group, &found_fields("REFUND", &[("refund_amount", "300")]));
    vec![
        ("intent", World::new(KIND)),
        ("unknown_sent", World::sending(KIND)),
        ("unknown_missing", asked(KIND, &not_found(KIND))),
        ("unknown_refused", told(KIND, &refusing(KIND, "NOTENOUGH"))),
        ("unknown_halted", told(KIND, &refusing(KIND, "FATAL_ERROR"))),
        ("unknown_send_failed", told(KIND, &refusing(KIND, "SEND_FAILED"))),
        ("unknown_send_failed_watched", watched),
        ("unknown_after_absence", absent),
        ("unknown_contradicted", contradicted),
        ("unknown_unseen", unseen),
        ("unknown_set_back", set_back),
        ("unknown_odd_code", told(KIND, &refusing(KIND, "余额 不足=%\u{202e}"))),
        ("accepted", told(KIND, &sent(KIND))),
        ("accepted_mini_program", told(Kind::MiniProgram, &sent(Kind::MiniProgram))),
        ("accepted_workwx", told(Kind::WorkWx, &sent(Kind::WorkWx))),
        ("accepted_mismatch", mismatch),
        ("refunding", asked(KIND, &found(KIND, "RFUND_ING"))),
        ("received", asked(KIND, &found(KIND, "RECEIVED"))),
        ("refunded", asked(KIND, &found(KIND, "REFUND"))),
        ("refunded_part", asked(Kind::Group, &part)),
        ("refunded_some", asked(Kind::Group, &found(Kind::Group, "REFUND"))),
        ("failed", asked(KIND, &found(KIND, "FAILED"))),
        ("failed_confirmed", confirmed),
        ("conflict", asked(KIND, &reply(KIND, &found_fields("FAILED", &[("refund_amount", "1")])))),
        ("needs_human_horizon", horizon),
        ("needs_human_defect", defect),
    ]
}

fn seal(line: &str) -> String {
    let sum: String = Sha256::digest(line).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{line} sum={sum}")
}

fn line_of(snapshot: &Snapshot) -> String {
    snapshot.to_string().rsplit_once(" sum=").unwrap().0.to_owned()
}

fn parse(text: &str) -> Result<Snapshot, SnapshotError> {
    text.parse()
}

fn folder(version: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payout/snapshots").join(version)
}

fn read_file(version: &str, name: &str) -> Snapshot {
    let file = folder(version).join(format!("{name}.txt"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(text.is_ascii() && text.len() < 1_000, "{name}");
    parse(text.trim_end()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The payout goes on from a snapshot as it does from the memory.
fn goes_on_alike(name: &str, snapshot: Snapshot, world: &mut World) {
    assert_eq!(snapshot, world.disk, "{name}");
    let keys = (snapshot.mch_id(), snapshot.mch_billno(), snapshot.fingerprint());
    assert_eq!(
        keys,
        (world.intent.mch_id(), world.intent.mch_billno(), world.intent.fingerprint()),
        "{name}"
    );
    let flying = ["unknown_sent", "unknown_after_absence", "unknown_contradicted"].contains(&name);
    if !flying {
        let mut other = World::with(world.kind(), Policy::default());
        (other.intent, other.disk) = (Arc::clone(&world.intent), snapshot);
        other.restart(world.now);
        assert_eq!(other.turn(), world.turn(), "{name}");
    }
}

/// Old snapshots are read for ever. Missing files are written with `PAYOUT_SNAPSHOTS=write`; none is ever changed.
#[test]
fn snapshots_of_version_2_are_read_and_mean_the_same() {
    let write = std::env::var_os("PAYOUT_SNAPSHOTS").is_some_and(|how| how == "write");
    let mut read = 0;
    for (name, mut world) in every_state() {
        let file = folder("v2").join(format!("{name}.txt"));
        if write && !file.exists() {
            fs::create_dir_all(folder("v2")).unwrap();
            fs::write(&file, format!("{}\n", world.disk)).unwrap();
        }
        let snapshot = read_file("v2", name);
        assert!(name.starts_with(snapshot.state().name()), "{name}");
        goes_on_alike(name, snapshot, &mut world);
        read += 1;
    }
    assert_eq!(fs::read_dir(folder("v2")).unwrap().count(), read, "every file is read");
}

/// What version 1 called failed after a `SEND_FAILED` alone is unknown now; so is what it took for confirmed while an attempt
/// was open.
#[test]
fn snapshots_of_version_1_are_read_and_mean_the_same() {
    let mut read = 0;
    for (name, mut world) in every_state() {
        if folder("v1").join(format!("{name}.txt")).exists() && name != "failed_confirmed" {
            goes_on_alike(name, read_file("v1", name), &mut world);
            read += 1;
        }
    }
    let mut refused = World::sending(KIND);
    refused.answer(&refusing(KIND, "SEND_FAILED"));
    goes_on_alike("failed_unconfirmed", read_file("v1", "failed_unconfirmed"), &mut refused);
    let confirmed = read_file("v1", "failed_confirmed");
    assert_eq!(confirmed.state(), State::Failed);
    assert_eq!(fs::read_dir(folder("v1")).unwrap().count(), read + 2, "every file is read");

    let text = fs::read_to_string(folder("v1").join("failed_confirmed.txt")).unwrap();
    let line = text.trim_end().rsplit_once(" sum=").unwrap().0;
    let open = parse(&seal(&format!("{line} tainted=1"))).unwrap();
    assert_eq!(open.state(), State::Unknown { attempts: 1, tainted: true });
    let mut world = World::new(KIND);
    world.disk = open;
    world.restart(world.now);
    assert_eq!(world.turn(), Turn::Query, "it is not done");
    // of this version it makes no sense
    let line = line.replace(" v=1 ", " v=2 ");
    assert_eq!(parse(&seal(&format!("{line} tainted=1"))), Err(SnapshotError::Field { field: "confirmed" }));
}

#[test]
fn a_snapshot_that_is_cut_off_is_refused() {
    for (name, world) in every_state() {
        let text = world.disk.to_string();
        for end in 0..text.len() {
            let magic = end < "wxpay-payout v=".len();
            let expected = if magic { SnapshotError::Foreign } else { SnapshotError::Damaged };
            assert_eq!(parse(&text[..end]), Err(expected), "{name} {end}");
        }
        for more in ["\n", " ", "0", " a=b"] {
            assert_eq!(parse(&format!("{text}{more}")), Err(SnapshotError::Damaged), "{name} {more:?}");
        }
    }
}

#[test]
fn a_snapshot_with_one_bit_changed_is_refused() {
    for (name, world) in every_state() {
        let text = world.disk.to_string();
        for at in 0..text.len() {
            for bit in 0..7 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let error = parse(&String::from_utf8(bytes).unwrap()).expect_err(name);
                match at {
                    0..15 => assert_eq!(error, SnapshotError::Foreign),
                    15 => assert!(matches!(error, SnapshotError::Version { .. } | SnapshotError::Damaged)),
                    _ => assert_eq!(error, SnapshotError::Damaged, "{name} {at} {bit}"),
                }
            }
        }
    }
}

#[test]
fn a_field_that_is_missing_is_named() {
    const ALWAYS: [&str; 11] = [
        "path",
        "mch_id",
        "mch_billno",
        "intent",
        "state",
        "attempts",
        "seen",
        "step",
        "plan",
        "from",
        "wait",
    ];
    let mut tried = std::collections::BTreeSet::new();
    for (name, world) in every_state() {
        let line = line_of(&world.disk);
        for word in line.split(' ').skip(2) {
            let field = word.split_once('=').unwrap().0;
            let read = parse(&seal(&line.replace(&format!(" {word}"), "")));
            tried.insert(field.to_owned());
            match field {
                // one of the two is nothing
                "claim" | "claim_since" => {
                    assert_eq!(read, Err(SnapshotError::Field { field: "claim" }), "{name} {field}");
                }
                "send_failed" if name != "conflict" && !name.starts_with("failed") => {
                    assert_ne!(read.unwrap(), world.disk, "{name} {field}");
                }
                "send_failed" if name == "failed_confirmed" => {
                    assert_eq!(read, Err(SnapshotError::Field { field: "confirmed" }), "{name}");
                }
                "confirmed" => assert_eq!(read, Err(SnapshotError::Field { field: "state" }), "{name}"),
                _ if ALWAYS.contains(&field) || ["first", "last"].contains(&field) => {
                    let Err(SnapshotError::Field { field: named }) = read else {
                        panic!("{name} {field}: {read:?}")
                    };
                    assert_eq!(named, field, "{name}");
                }
                // facts that the word for the state needs
                "accepted" | "refunding" | "received" | "refunded" | "failed" | "send_failed" | "gave_up" => {
                    assert_eq!(read, Err(SnapshotError::Field { field: "state" }), "{name} {field}");
                }
                _ => assert_ne!(read.unwrap(), world.disk, "{name} {field}"),
            }
        }
    }
    assert!(tried.len() >= 28, "{tried:?}");
}

#[test]
fn a_field_that_makes_no_sense_is_named() {
    let worlds = every_state();
    let disk = |name: &str| line_of(&worlds.iter().find(|(own, _)| *own == name).unwrap().1.disk);
    let set = |line: &str, field: &str, value: &str| {
        let words = line.split(' ').map(|word| match word.split_once('=') {
            Some((own, _)) if own == field => format!("{own}={value}"),
            _ => word.to_owned(),
        });
        seal(&words.collect::<Vec<_>>().join(" "))
    };
    for (from, field, values) in [
        ("accepted", "attempts", &["", "-1", "x", "4294967296", "1e3", "+1"][..]),
        ("accepted", "step", &["", "4294967296"]),
        ("accepted", "seen", &["", "1.5", "18446744073709551616"]),
        ("accepted", "from", &["x"]),
        ("accepted", "wait", &["x"]),
        ("accepted", "first", &["x"]),
        ("accepted", "last", &["x"]),
        ("accepted", "path", &["/pay/refund", ""]),
        ("accepted", "intent", &["xyz", ""]),
        ("accepted", "state", &["paid", "failed", ""]),
        ("accepted", "plan", &["wait", ""]),
        ("accepted", "accepted", &["0", "true"]),
        ("accepted", "send_listid", &["%FF"]),
        ("unknown_sent", "tainted", &["0"]),
        ("unknown_halted", "halted", &["yes"]),
        ("unknown_halted", "reason", &["%C3"]),
        ("refunded", "refunded", &["all", "4294967296"]),
        ("needs_human_horizon", "gave_up", &["never"]),
        ("needs_human_defect", "window_closed", &["2"]),
        ("failed_confirmed", "confirmed", &["2"]),
        ("unknown_send_failed_watched", "watched", &["x", ""]),
        ("unknown_after_absence", "claim", &["x", "0"]),
        ("unknown_contradicted", "claim_refuted", &["x"]),
        ("unknown_unseen", "unseen", &["x", ""]),
        ("unknown_set_back", "time_lost", &["2"]),
        ("accepted_mismatch", "mismatch", &["2"]),
        ("accepted_mini_program", "package", &["%FE"]),
    ] {
        for value in values {
            let read = parse(&set(&disk(from), field, value));
            let Err(SnapshotError::Field { field: named }) = read else {
                panic!("{field}={value}: {read:?}")
            };
            assert_eq!(named, field, "{value}");
        }
    }
    let line = disk("accepted");
    for bad in [format!("{line} attempts=1"), format!("{line} attempts"), format!("{line} ")] {
        assert_eq!(parse(&seal(&bad)), Err(SnapshotError::Damaged), "{bad}");
    }
    // an attempt without its time would never end
    assert_eq!(parse(&set(&disk("intent"), "attempts", "1")), Err(SnapshotError::Field { field: "first" }));
    let timed = set(&disk("intent"), "attempts", "1").rsplit_once(" sum=").unwrap().0.to_owned() + " first=1";
    assert_eq!(parse(&seal(&timed)), Err(SnapshotError::Field { field: "last" }));
}

/// What would send for ever, wait for ever, or count a failure as confirmed before there is one.
#[test]
fn a_record_that_no_payout_puts_down_is_refused() {
    let worlds = every_state();
    let disk = |name: &str| line_of(&worlds.iter().find(|(own, _)| *own == name).unwrap().1.disk);
    let with = |name: &str, field: &str, value: &str| {
        let line = disk(name);
        let words: Vec<_> = line.split(' ').filter(|word| !word.starts_with(&format!("{field}="))).collect();
        parse(&seal(&format!("{} {field}={value}", words.join(" "))))
    };
    const LATER: &str = "1767999999999";
    for (name, field, value) in [
        ("unknown_sent", "first", LATER),
        ("unknown_sent", "last", LATER),
        ("unknown_halted", "halted", LATER),
        ("intent", "first", LATER),
        ("unknown_sent", "wait", "172800001"),
        ("unknown_sent", "wait", "18446744073709551615"),
        ("unknown_after_absence", "claim", "1767225600000"),
    ] {
        assert_eq!(with(name, field, value), Err(SnapshotError::Field { field }), "{name}");
    }
    let claim = Err(SnapshotError::Field { field: "claim" });
    assert_eq!(with("unknown_after_absence", "claim_since", LATER), claim);
    for refuted in ["1767225600001", "1767312000000"] {
        assert_eq!(with("unknown_contradicted", "claim_refuted", refuted), claim);
    }
    assert_eq!(with("unknown_sent", "claim_refuted", LATER), claim);
    assert!(with("unknown_sent", "wait", "172800000").is_ok());
    // a failure that is confirmed before there is one, or while an attempt is open
    let failed = |line: String| parse(&seal(&line.replace(" state=unknown", " state=failed")));
    let confirmed = Err(SnapshotError::Field { field: "confirmed" });
    assert_eq!(failed(format!("{} confirmed=1", disk("unknown_sent"))), confirmed);
    assert_eq!(failed(format!("{} confirmed=1", disk("unknown_refused"))), confirmed);
    let refused = disk("unknown_send_failed");
    assert!(failed(format!("{refused} confirmed=1")).is_ok());
    assert_eq!(failed(format!("{refused} confirmed=1 tainted=1")), confirmed);
    // what is known, or stopped, without the time that its horizon counts from
    let intent = disk("intent");
    let accepted = intent.replace(" state=intent", " state=accepted accepted=1");
    for line in [accepted, format!("{intent} fatal=1"), format!("{intent} halted=1")] {
        assert_eq!(parse(&seal(&line)), Err(SnapshotError::Field { field: "first" }), "{line}");
    }
}

/// A wrong calendar makes such plans, and they stay on record when it has come back: they are made anew at once.
#[test]
fn a_plan_from_the_future_is_read_and_made_anew() {
    let mut world = World::sending(KIND);
    world.fault(Delivery::MaybeSent);
    let line = line_of(&world.disk);
    let from = line.split(' ').find(|word| word.starts_with("from=")).unwrap();
    world.disk = parse(&seal(&line.replace(from, "from=1769999999999"))).unwrap();
    assert!(world.disk.wake_at() > START.calendar + 30 * DAY);
    world.restart(world.now);
    assert_eq!((world.turn(), world.waited), (Turn::Query, Duration::ZERO));
    world.answer(&http_502());
    assert!(world.disk.wake_at() < START.calendar + HOUR, "and put down anew");
}

/// The facts stand above the plan, whoever wrote it.
#[test]
fn a_record_that_plans_a_sending_which_must_not_be_asks_first() {
    for (name, mut world) in every_state() {
        let stops = ["accepted", "accepted_mismatch", "refunding", "unknown_send_failed", "unknown_halted"];
        if stops.contains(&name) {
            let line = line_of(&world.disk);
            assert!(line.contains(" plan=query "), "{name}");
            world.disk = parse(&seal(&line.replace(" plan=query ", " plan=send "))).unwrap();
            world.restart(world.now);
            assert_eq!(world.turn(), Turn::Query, "{name}");
        }
    }
}

#[test]
fn time_alone_confirms_no_failure_whoever_wrote_it() {
    let mut world = World::sending(KIND);
    world.answer(&refusing(KIND, "NOTENOUGH"));
    world.disk = parse(&seal(&format!("{} watched=999999999", line_of(&world.disk)))).unwrap();
    world.restart(world.now);
    world.pass(3 * DAY);
    assert_eq!(world.turn(), Turn::Query);
    world.answer(&not_found(KIND));
    assert!(matches!(world.state(), State::Unknown { .. }));
}

#[test]
fn no_later_version_is_read() {
    let line = line_of(&World::new(KIND).disk);
    for (version, error) in [
        ("3", SnapshotError::Version { found: 3, known: 2 }),
        ("0", SnapshotError::Version { found: 0, known: 2 }),
        ("18446744073709551615", SnapshotError::Version { found: u64::MAX, known: 2 }),
        ("18446744073709551616", SnapshotError::Damaged),
        ("01", SnapshotError::Damaged),
        ("x", SnapshotError::Damaged),
        ("", SnapshotError::Damaged),
    ] {
        let text = seal(&line.replace(" v=2 ", &format!(" v={version} ")));
        assert_eq!(parse(&text), Err(error.clone()), "{version}");
        // whatever else a later release writes
        let other = format!("wxpay-payout v={version} some other text");
        assert_eq!(parse(&other), Err(error));
    }
    for foreign in ["", "wxpay", "{}", "wxpay-payout", "WXPAY-PAYOUT v=1", " wxpay-payout v=1"] {
        assert_eq!(parse(foreign), Err(SnapshotError::Foreign), "{foreign:?}");
    }
}

#[test]
fn a_snapshot_fits_its_own_intent_only() {
    let disk = World::new(KIND).disk;
    let restore = |intent: Intent| {
        Payout::restore(intent, &Policy::default(), &disk, START).map(|payout| payout.snapshot() == disk)
    };
    let packet = |change: fn(&mut SendRedPack<'static>)| {
        let mut packet = PACKET.clone();
        change(&mut packet);
        Intent::new("row 1", &MERCHANT, &packet).unwrap()
    };
    assert_eq!(restore(packet(|_| {})), Ok(true));
    let other = Merchant::direct("10000099", ApiKey::new(KEY).unwrap()).unwrap();
    assert_eq!(restore(Intent::new("row 1", &other, &PACKET).unwrap()), Err(SnapshotError::OtherMerchant));
    assert_eq!(restore(packet(|packet| packet.mch_billno = "A1")), Err(SnapshotError::OtherOrder));
    for changed in [
        packet(|packet| packet.total_amount = Fen(1_001)),
        packet(|packet| packet.re_openid = "oxTWIuGaIt6gTKsQRLau2M0yL16F"),
        packet(|packet| packet.wishing = "祝"),
        packet(|packet| packet.wxappid = "wx8888888888888889"),
        packet(|packet| packet.client_ip = [10, 0, 0, 1].into()),
        packet(|packet| {
            packet.options.scene_id = Some(wechatpay_proto::v2::mmpaymkttransfers::Scene::Product2)
        }),
    ] {
        assert_eq!(restore(changed), Err(SnapshotError::OtherParameters));
    }
    assert_eq!(restore((*intent(Kind::Group)).clone()), Err(SnapshotError::OtherParameters));
}

/// Something that happens to a payout.
#[derive(Clone, Copy, Debug)]
enum Event {
    Answer(usize),
    Fault(Delivery),
    Late(usize),
    Sleep(u64),
}

fn answers(kind: Kind, asked: Asked) -> Vec<Response> {
    match asked {
        Asked::Send => vec![
            sent(kind),
            http_502(),
            refusing(kind, "PROCESSING"),
            refusing(kind, "SYSTEMERROR"),
            refusing(kind, "NOTENOUGH"),
            refusing(kind, "CA_ERROR"),
            refusing(kind, "SEND_FAILED"),
            refusing(kind, "FATAL_ERROR"),
            refusing(kind, "号=% \u{1f600}"),
        ],
        Asked::Query => vec![
            not_found(kind),
            found(kind, "SENDING"),
            found(kind, "SENT"),
            found(kind, "RFUND_ING"),
            found(kind, "RECEIVED"),
            found(kind, "REFUND"),
            found(kind, "FAILED"),
            reply(kind, &found_fields("SENT", &[("detail_id", "a b=c%")])),
            http_502(),
        ],
    }
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..9_usize).prop_map(Event::Answer),
        2 => prop::sample::select(vec![Delivery::NotSent, Delivery::MaybeSent]).prop_map(Event::Fault),
        1 => (0..18_usize).prop_map(Event::Late),
        1 => prop::sample::select(vec![1, 1_000, 100_000, 86_400_000, 2_600_000_000]).prop_map(Event::Sleep),
    ]
}

proptest! {
    #![proptest_config(config(400))]

    /// A restored payout does what the one in memory does. That it was on disk for long it does not believe at once, and gives
    /// up later.
    #[test]
    fn every_machine_that_can_be_reached_comes_back(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        events in prop::collection::vec(event(), 0..14),
    ) {
        let mut world = World::new(kind);
        for event in events {
            prop_assert_eq!(parse(&world.disk.to_string()).unwrap(), world.disk.clone());
            let mut twin = World::with(kind, Policy::default());
            twin.disk = world.disk.clone();
            twin.restart(world.now);
            let same = !twin.snapshot().contains(" claim=");
            match event {
                Event::Sleep(millis) => {
                    world.pass(Duration::from_millis(millis));
                    continue;
                }
                Event::Late(at) => {
                    let (asked, at) = if at < 9 { (Asked::Send, at) } else { (Asked::Query, at - 9) };
                    let response = &answers(kind, asked)[at];
                    world.hear(asked, response);
                    twin.hear(asked, response);
                    prop_assert_eq!(world.state(), twin.state());
                    prop_assert!(!same || world.disk == twin.disk);
                    continue;
                }
                _ => {}
            }
            let turn = world.turn();
            let twins = twin.turn();
            let given_up = matches!(turn, Turn::Done(End::NeedsHuman { .. })) && twins == Turn::Query;
            prop_assert!(twins == turn || given_up && !same, "{:?} {:?} {}", turn, twins, world.disk);
            let asked = match turn {
                Turn::Send => Asked::Send,
                Turn::Query => Asked::Query,
                Turn::Done(_) => break,
            };
            // a restart may make it wait for a second more
            prop_assert!(twin.waited >= world.waited && twin.waited <= world.waited + SECOND);
            match event {
                Event::Answer(at) => world.answer(&answers(kind, asked)[at]),
                Event::Fault(delivery) => world.fault(delivery),
                Event::Late(_) | Event::Sleep(_) => unreachable!(),
            };
        }
    }
}

#[cfg(feature = "serde")]
#[test]
fn serde_keeps_them_as_they_are() {
    for (name, world) in every_state() {
        let json = serde_json::to_string(&world.disk).unwrap();
        assert_eq!(json, format!("\"{}\"", world.disk));
        assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), world.disk, "{name}");
        let damaged = json.replace("v=2", "v=3");
        let error = serde_json::from_str::<Snapshot>(&damaged).unwrap_err().to_string();
        assert!(error.contains("has version 3"), "{error}");
        let json = serde_json::to_string(&*world.intent).unwrap();
        assert_eq!(serde_json::from_str::<Intent>(&json).unwrap(), *world.intent);
        let record: wechatpay_proto::payout::IntentRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(record, world.intent.record());
        assert_eq!(serde_json::to_string(&record).unwrap(), json);
        let changed = json.replace("\"1000\"", "\"1100\"");
        assert!(serde_json::from_str::<Intent>(&changed).unwrap_err().to_string().contains("fingerprint"));
        let more = json.replacen('{', "{\"more\":1,", 1);
        assert!(serde_json::from_str::<Intent>(&more).is_err());
    }
}
