//! `live`: a connector on a real account, reading only.

use crate::shell::{Result, cargo};

/// The settings come from `CATCHMENT_LIVE_<VENDOR>`; without them nothing is run, and that is said.
pub(crate) fn run(vendor: &str) -> Result<()> {
    let mut command = cargo();
    command.args(["run", "--quiet", "-p", "example-live", "--", vendor]);
    match command.status()?.code() {
        Some(0) => Ok(()),
        Some(2) => Err(format!("{vendor} was not run on a real account: see above").into()),
        _ => Err(format!("{vendor} broke a promise, or could not be built: see above").into()),
    }
}
