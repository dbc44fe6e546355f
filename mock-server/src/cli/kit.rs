//! A kit without a server.

use wechatpay_mock_server::{Clock, KitError, KitOptions, Mock};

use super::commands::KitCommand;
use super::failure::{Failure, chain};
use super::merchants::{self, Described};
use super::ready::KitFiles;
use super::say;

/// Writes a kit for the merchants of the flags, and says what is in it.
pub(crate) fn write(options: &KitCommand) -> Result<(), Failure> {
    let Some(dir) = &options.kit.kit_dir else {
        return Err(Failure::usage("--kit-dir is missing: a kit without a server needs a folder that stays"));
    };
    let seed = options.merchants.seed.unwrap_or_default();
    let mock = Mock::builder().seed(seed).clock(Clock::real()).build();
    let mut described = merchants::described(&options.merchants.merchants)?;
    if described.is_empty() {
        described.push(Described::made_up());
    }
    let added = described.into_iter().map(|one| one.add(&mock)).collect::<Result<Vec<_>, _>>()?;
    let merchants = added.concat();
    let aliases = options.kit.host_alias.iter();
    let kit = aliases.fold(KitOptions::new().dir(dir), KitOptions::host_alias).create();
    let kit = kit.map_err(|error| failed(&error))?;
    for merchant in &merchants {
        kit.write_merchant(merchant.mch_id()).map_err(|error| failed(&error))?;
    }
    let files = KitFiles::new(&kit, seed, &merchants);
    say(&(serde_json::to_string(&files).unwrap_or_default() + "\n"))
}

/// Why a kit could not be made, and what would help.
pub(crate) fn failed(error: &KitError) -> Failure {
    let text = chain(error);
    match error {
        KitError::HostAlias { .. } => Failure::usage(format!("--host-alias: {text}")),
        KitError::Io { .. } => Failure::configuration(format!("{text}; give another folder with --kit-dir")),
        _ => Failure::configuration(text),
    }
}
