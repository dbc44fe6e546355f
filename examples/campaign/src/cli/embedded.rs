//! A campaign against the mock inside: nothing leaves this process.

use std::time::Duration;

use tempfile::TempDir;
use wechatpay_mock_server::{Mock, MockError, MockMerchant, Rules};
use wechatpay_proto::payout::{Campaign, Goal};

use super::commands::{close, open, place, tell_loaded, watch};
use super::options::{MockFlags, Run as Options};
use super::{rows, say, setup};
use crate::audit;
use crate::book::{Book, Place};
use crate::failure::Failure;
use crate::intake::Checked;
use crate::report::cannot_read;
use crate::run::{Embedded, Nonces, Plan, Run};

/// The merchant number, where none is given.
const MCH_ID: &str = "9900000001";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// `campaign run --mock`.
pub(super) fn run(options: &Options) -> Result<u8, Failure> {
    let mch_id = options.merchant.mch_id.as_deref().unwrap_or(MCH_ID);
    let merchant = setup::unable_to_sign(mch_id)?;
    let policy = setup::policy(&options.pace)?;
    let lease = setup::lease(&options.pace, &policy, options.merchant.timeout)?;
    let usual = setup::plan(&options.pace, &policy, options.merchant.timeout);
    // Nobody else knows of this world.
    let plan = Plan { look_again: None, renew: DAY, ..usual };
    let (place, _dir) = store_of(options)?;
    let mut store = open(&place, mch_id, lease)?;
    must_be_empty(&mut *store)?;

    let mut checked = rows::check(&options.rows, &merchant, None)?;
    let left_out = rows::judge(&options.rows, &mut checked, options.skip_bad)?;
    let (mock, merchant_there) = mock(mch_id, &checked, &options.mock)?;
    let at = (&policy, Embedded::begin());
    let loaded = rows::load(&options.rows, &merchant, &checked, &mut *store, at)?;
    let mut watch = watch(&mut *store)?;
    tell_loaded(&watch, &loaded, left_out);

    let campaign = Campaign::new(merchant_there.credentials(), &policy, nonces());
    let world = Embedded::new(mock.clone(), merchant_there);
    let ended = Run::new(&mut *store, campaign, world, &mut watch, plan).lead();
    watch.end();
    let (code, sums) = close(&mut *store, ended?, options.report.as_deref(), left_out > 0)?;
    say(&audit::compare(&mut *store, &sums, &mock, policy.settings().goal == Goal::Settled)?)?;
    Ok(code)
}

/// The store that was asked for; or a file in a folder that goes when it is dropped.
fn store_of(options: &Options) -> Result<(Place, Option<TempDir>), Failure> {
    if let Some(store) = &options.store {
        return Ok((place(store)?, None));
    }
    let dir = TempDir::new().map_err(|error| Failure::of("cannot make a folder", &error))?;
    Ok((Place::Fleeting(dir.path().join("campaign.db")), Some(dir)))
}

/// The mock forgets everything when the program ends, and what is in the store was paid in another world.
fn must_be_empty(store: &mut dyn Book) -> Result<(), Failure> {
    let summary = store.summary().map_err(|error| cannot_read(&error))?;
    if summary.payouts() == 0 {
        return Ok(());
    }
    Err(Failure::usage(
        "--mock needs an empty store: the mock inside forgets everything at the end. A mock that lasts is a server of its own (wechatpay-mock), for --url",
    ))
}

/// A world with just enough money, and without limits for one user or one day.
fn mock(mch_id: &str, checked: &Checked, flags: &MockFlags) -> Result<(Mock, MockMerchant), Failure> {
    let rules = Rules {
        user_packets_a_day: None,
        user_fen_a_day: None,
        merchant_fen_a_day: None,
        ..Rules::default()
    };
    let mock = Mock::builder().seed(flags.mock_seed).rules(rules).build();
    let failed = |error: MockError| Failure::of("the mock", &error);
    let merchant = mock.merchant().mch_id(mch_id).balance_fen(checked.good().1);
    let merchant = checked.appids.iter().fold(merchant, |merchant, appid| merchant.appid(appid));
    let merchant = merchant.create().map_err(failed)?;
    Embedded::arm(&mock, flags.mock_faults).map_err(|error| Failure::of("the mock", &error))?;
    Ok((mock, merchant))
}

/// One after the other: the same flags give the same campaign.
fn nonces() -> Nonces {
    let mut last = 0_u128;
    Box::new(move || {
        last += 1;
        Ok(last.to_be_bytes())
    })
}
