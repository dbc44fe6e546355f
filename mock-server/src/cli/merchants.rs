//! Merchants as `--merchant` describes them. They are read here and not by clap, whose errors would show the key.

use std::path::Path;

use wechatpay_mock_server::{MerchantMode, MerchantSpec, Mock, MockMerchant};

use super::failure::Failure;
use super::secrets::unless_key;
use super::values::parts;

const VARIABLE: &str = "WECHATPAY_MOCK_MERCHANT";
const PARTS: &str = "mch_id, key, key_file, appid, balance, agent_secret, mode, under, sub_mch_id";

/// A merchant that is to be.
#[derive(Debug)]
pub(crate) struct Described {
    /// Where it was described, for errors.
    place: String,
    pub(crate) spec: MerchantSpec,
    /// The sub-merchants that are made with it.
    subs: Vec<String>,
}

/// The merchants of the flags, or of the variable where there is no flag; with the number of the flag in errors.
pub(crate) fn described(flags: &[String]) -> Result<Vec<Described>, Failure> {
    if !flags.is_empty() {
        return flags
            .iter()
            .enumerate()
            .map(|(at, text)| read(format!("--merchant {}", at + 1), text))
            .collect();
    }
    match std::env::var(VARIABLE) {
        Ok(texts) => of_variable(&texts),
        Err(std::env::VarError::NotPresent) => Ok(Vec::new()),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{VARIABLE} is not UTF-8"))),
    }
}

fn of_variable(texts: &str) -> Result<Vec<Described>, Failure> {
    let texts = texts.split(';').map(str::trim).filter(|text| !text.is_empty());
    texts.enumerate().map(|(at, text)| read(format!("{VARIABLE} {}", at + 1), text)).collect()
}

fn read(place: String, text: &str) -> Result<Described, Failure> {
    match parse(text) {
        Ok((spec, subs)) => Ok(Described { place, spec, subs }),
        Err(problem) => Err(Failure::usage(format!("{place}: {problem}"))),
    }
}

fn parse(text: &str) -> Result<(MerchantSpec, Vec<String>), String> {
    let (mut spec, mut subs) = (MerchantSpec::default(), Vec::new());
    for (name, value) in parts(text, &["appid", "sub_mch_id"])? {
        let given = || Some(value.to_owned());
        match name {
            "mch_id" => spec.mch_id = given(),
            "key" | "key_file" if spec.key.is_some() => {
                return Err("key and key_file: one is enough".to_owned());
            }
            "key" => spec.key = given(),
            "key_file" => spec.key = Some(key_from(Path::new(value))?),
            "appid" => spec.appids.push(value.to_owned()),
            "balance" => spec.balance_fen = Some(fen(value)?),
            "agent_secret" => spec.agent_secret = given(),
            "mode" => spec.mode = mode(value)?,
            "under" => spec.under = given(),
            "sub_mch_id" => subs.push(value.to_owned()),
            other => return Err(format!("unknown part {}: there are {PARTS}", unless_key(other))),
        }
    }
    if !subs.is_empty() && spec.mode != MerchantMode::Partner {
        return Err("sub_mch_id needs mode=partner; a merchant under another has under=MCH_ID".to_owned());
    }
    Ok((spec, subs))
}

fn fen(value: &str) -> Result<u64, String> {
    let wrong = |_| format!("balance={}: an integer in fen is needed, 1000 for 10 yuan", unless_key(value));
    value.parse().map_err(wrong)
}

fn mode(value: &str) -> Result<MerchantMode, String> {
    match value {
        "merchant" => Ok(MerchantMode::Merchant),
        "partner" => Ok(MerchantMode::Partner),
        other => Err(format!("mode={}: there are merchant, partner", unless_key(other))),
    }
}

/// The key in a file. The end of its line is no part of it.
pub(crate) fn key_from(path: &Path) -> Result<String, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(format!("key_file: cannot read {}: {error}", path.display())),
    }
}

impl Described {
    /// The one that there is when nobody is described.
    pub(crate) fn made_up() -> Self {
        Self { place: "the made-up merchant".to_owned(), spec: MerchantSpec::default(), subs: Vec::new() }
    }

    /// Adds it to a world, and its sub-merchants behind it.
    pub(crate) fn add(self, mock: &Mock) -> Result<Vec<MockMerchant>, Failure> {
        let Self { place, spec, subs } = self;
        let add = |spec| {
            mock.add_merchant(spec)
                .map_err(|error| Failure::usage(format!("{place}: {}", hint(&error.to_string()))))
        };
        let merchant = add(spec)?;
        let under = |mch_id| {
            let mut spec = MerchantSpec::default();
            (spec.mch_id, spec.under) = (Some(mch_id), Some(merchant.mch_id().to_owned()));
            spec
        };
        let subs = subs.into_iter().map(|mch_id| add(under(mch_id))).collect::<Result<Vec<_>, _>>()?;
        Ok(std::iter::once(merchant).chain(subs).collect())
    }
}

/// What is wrong with a merchant, and how it is mended.
fn hint(problem: &str) -> String {
    let problem = problem.strip_prefix("merchant: ").unwrap_or(problem);
    let mend = match problem.split(' ').next() {
        Some("key") => "; 32 visible ASCII characters are needed, or none for a made-up one",
        Some("mch_id") => "; every merchant has its own number of 1 to 32 of [0-9A-Za-z]",
        Some("under") => "; describe it before, with mode=partner",
        _ => "",
    };
    format!("{problem}{mend}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "exposed_your_key_here_have_risks";

    #[test]
    fn every_part_is_read() {
        let text = format!(
            "mch_id=1,key={KEY},appid=wxa,appid=wxb,balance=7,agent_secret=s,mode=partner,sub_mch_id=2"
        );
        let (spec, subs) = parse(&text).unwrap();
        assert_eq!(
            (spec.mch_id.as_deref(), spec.key.as_deref(), spec.balance_fen),
            (Some("1"), Some(KEY), Some(7))
        );
        assert_eq!(
            (spec.appids, spec.agent_secret.as_deref()),
            (vec!["wxa".to_owned(), "wxb".to_owned()], Some("s"))
        );
        assert_eq!((spec.mode, subs), (MerchantMode::Partner, vec!["2".to_owned()]));
        assert_eq!(parse("").unwrap().0, MerchantSpec::default());
    }

    #[test]
    fn a_key_may_lie_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, format!("{KEY}\r\n")).unwrap();
        let text = format!("key_file={}", path.display());
        assert_eq!(parse(&text).unwrap().0.key.as_deref(), Some(KEY));
        assert!(parse(&format!("{text},key={KEY}")).unwrap_err().contains("one is enough"));
        assert!(parse("key_file=/no/such").unwrap_err().contains("/no/such"));
    }

    #[test]
    fn errors_name_the_place_and_the_part() {
        for (text, part) in [
            ("balance=10.5", "balance=10.5: an integer in fen"),
            ("mode=x", "mode=x"),
            ("colour=red", "unknown part colour"),
            ("sub_mch_id=1", "mode=partner"),
        ] {
            let failure = read("--merchant 2".to_owned(), text).unwrap_err();
            assert!(failure.message.starts_with("--merchant 2: "), "{}", failure.message);
            assert!(failure.message.contains(part), "{}", failure.message);
        }
    }

    #[test]
    fn a_key_in_the_wrong_part_is_not_repeated() {
        for text in [format!("mode={KEY}"), format!("balance={KEY}"), format!("{KEY}=1"), KEY.to_owned()] {
            let failure = read("--merchant 1".to_owned(), &text).unwrap_err();
            assert!(!failure.message.contains(KEY), "{}", failure.message);
        }
    }

    #[test]
    fn the_variable_holds_several() {
        let described = of_variable("mch_id=1; mch_id=2,appid=wxa;").unwrap();
        let numbers: Vec<_> = described.iter().map(|one| one.spec.mch_id.as_deref()).collect();
        assert_eq!(numbers, [Some("1"), Some("2")]);
        assert!(of_variable("mch_id=1;x").unwrap_err().message.starts_with("WECHATPAY_MOCK_MERCHANT 2: "));
    }

    #[test]
    fn a_service_provider_comes_with_its_sub_merchant() {
        let mock = Mock::builder().build();
        let described = of_variable("mode=partner,sub_mch_id=1900000002").unwrap();
        let made: Vec<_> = described.into_iter().flat_map(|one| one.add(&mock).unwrap()).collect();
        let [partner, sub] = &*made else { panic!("{made:?}") };
        assert!(partner.mch_id().starts_with("99"));
        assert_eq!((sub.mch_id(), sub.mode()), ("1900000002", wechatpay_proto::Mode::Direct));
        assert_ne!(sub.key(), partner.key());
        assert_eq!(mock.state().merchants[1].under.as_deref(), Some(partner.mch_id()));
    }
}
