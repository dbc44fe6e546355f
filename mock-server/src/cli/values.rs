//! The values of flags: durations, sizes, switches.

use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use wechatpay_mock_server::{Clock, Rules, Switch};

use super::failure::Failure;

/// Something that is there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnOff {
    On,
    Off,
}

impl OnOff {
    pub(crate) fn is_on(self) -> bool {
        self == Self::On
    }
}

/// For whom an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Print {
    Json,
    Human,
}

/// What is said on stderr while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, ValueEnum)]
pub(crate) enum Level {
    /// Nothing but what cannot be done, and each path once at which nothing is found.
    Off,
    /// A line for each request.
    Info,
    /// That, and the bodies.
    Wire,
}

/// Reads the variable of a flag; one that is empty is as good as none.
pub(crate) fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "on" | "yes" => Ok(true),
        "" | "0" | "false" | "off" | "no" => Ok(false),
        _ => Err("true or false is needed".to_owned()),
    }
}

pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let wrong =
        "an IP address and a port are needed, such as 127.0.0.1:8443 or [::1]:0; port 0 finds a free one";
    text.parse().map_err(|_| wrong.to_owned())
}

pub(crate) fn clock(text: &str) -> Result<Clock, String> {
    Clock::parse(text).map_err(|error| error.to_string())
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    wechatpay_mock_server::parse_duration(text)
}

/// Reads `65536`, `64KiB`, `64MiB` or `1GiB`.
pub(crate) fn bytes(text: &str) -> Result<usize, String> {
    let wrong = || "a number of bytes is needed: 65536, 64KiB, 64MiB or 1GiB".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit {
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(wrong()),
    };
    let number: usize = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(|| "more than this machine can count".to_owned())
}

/// Takes `name=value,…` apart; only some names may come more than once.
pub(crate) fn parts<'t>(text: &'t str, repeatable: &[&str]) -> Result<Vec<(&'t str, &'t str)>, String> {
    let mut parts: Vec<(&str, &str)> = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or("every part is name=value; a comma separates two")?;
        if !repeatable.contains(&name) && parts.iter().any(|(seen, _)| *seen == name) {
            return Err(format!("{name} is given twice"));
        }
        parts.push((name, value));
    }
    Ok(parts)
}

/// The switches of `--rules`.
pub(crate) fn switches(text: Option<&str>) -> Result<Vec<(&str, &str)>, Failure> {
    parts(text.unwrap_or_default(), &[]).map_err(wrong_rule)
}

pub(crate) fn wrong_rule(problem: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("--rules: {problem}"))
}

/// What `--help` says of the switches.
pub(crate) fn list_rules() -> String {
    let show = |switch: Switch| {
        let Switch { name, accepted, default, meaning, .. } = switch;
        format!("{name}=<{accepted}> [default: {default}]\n    {meaning}\n")
    };
    let switches: String = Rules::default().describe().into_iter().map(show).collect();
    format!("Switches, as name=value,…:\n{switches}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("65536"), Ok(65536));
        assert_eq!(bytes("64KiB"), Ok(65536));
        assert_eq!(bytes("64MiB"), Ok(67_108_864));
        assert_eq!(bytes("1GiB"), Ok(1 << 30));
        for wrong in ["", "MiB", "64MB", "64 MiB", "-1", "1.5KiB", "99999999999999999999", "17179869184GiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_variable_that_is_no_flag_switches_nothing_on() {
        for (text, read) in
            [("1", true), ("True", true), ("on", true), ("", false), ("0", false), ("OFF", false)]
        {
            assert_eq!(flag(text), Ok(read), "{text}");
        }
        assert!(flag("flase").is_err());
    }

    #[test]
    fn an_address_has_a_port_and_no_name() {
        assert_eq!(address("[::1]:0").unwrap().to_string(), "[::1]:0");
        for wrong in ["localhost:8443", "127.0.0.1", "8443", ""] {
            assert!(address(wrong).unwrap_err().contains("127.0.0.1:8443"), "{wrong}");
        }
    }

    #[test]
    fn parts_are_names_and_values() {
        assert_eq!(parts("a=1,,b=x=y,", &[]), Ok(vec![("a", "1"), ("b", "x=y")]));
        assert_eq!(parts("", &[]), Ok(vec![]));
        assert_eq!(parts("a=1,a=2", &["a"]), Ok(vec![("a", "1"), ("a", "2")]));
        assert_eq!(parts("a=1,a=2", &[]), Err("a is given twice".to_owned()));
        assert!(parts("a", &[]).unwrap_err().contains("name=value"));
    }
}
