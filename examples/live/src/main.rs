//! Holds a connector to its promises on a real account, reading only: `example-live <vendor>`, with the
//! settings as JSON in `CATCHMENT_LIVE_<VENDOR>`. Ends with 0 when every promise that could be tried was
//! kept, with 1 when one was broken, with 2 when nothing was run.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks on stdout and stderr")]

use std::process::ExitCode;

use catchment_core::Context;
use catchment_testkit::live::{Outcome, promises};
use serde_json::Value;

// The stock binary's own list, so that no vendor is left out here.
#[path = "../../../crates/catchment/src/registry.rs"]
mod registry;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(vendor) = std::env::args().nth(1) else {
        eprintln!("NOT RUN: name a vendor, for example s3");
        return ExitCode::from(2);
    };
    let variable = format!("CATCHMENT_LIVE_{}", vendor.to_uppercase());
    let Ok(settings) = std::env::var(&variable) else {
        eprintln!("NOT RUN: {variable} is not set. Nothing was tried on an account of {vendor}.");
        return ExitCode::from(2);
    };
    let Ok(settings) = serde_json::from_str::<Value>(&settings) else {
        eprintln!("NOT RUN: {variable} is not JSON: give the settings of {vendor} as one object");
        return ExitCode::from(2);
    };
    let registry = registry::registry();
    // Wrong settings are found before anything is tried.
    if let Err(error) = registry.connect(&vendor, settings.clone(), Context::local()) {
        eprintln!("NOT RUN: {error}");
        return ExitCode::from(2);
    }
    let outcomes = promises(|| registry.connect(&vendor, settings.clone(), Context::local())).await;
    for (promise, outcome) in &outcomes {
        println!("{promise}: {outcome}");
    }
    let broken = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Broken(_))).count();
    println!("{vendor}: {} promises, {broken} broken", outcomes.len());
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
