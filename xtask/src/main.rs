//! The workspace's own chores: `cargo xtask --help`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks on stdout and stderr")]

mod backends;
mod bench;
mod live;
mod new_vendor;
mod packaging;
mod shell;
mod spec_check;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::shell::Result;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The workspace's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every test, installing the servers they need first.
    Test {
        /// Handed on to the test runner: a filter, `-p <crate>`, `--no-capture`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check the rules that no compiler checks: who may depend on whom, what every vendor carries.
    Tidy,
    /// Make a connector to start from.
    NewVendor {
        /// The id on the wire, for example `google_drive`.
        id: String,
        /// What the vendor calls itself.
        #[arg(long)]
        name: String,
    },
    /// Check connectors and their fakes against the vendors' own published descriptions.
    SpecCheck,
    /// Hold a connector to its promises on a real account, reading only; the settings are JSON in
    /// `CATCHMENT_LIVE_<VENDOR>`.
    Live {
        /// The vendor's id, for example `google_drive`.
        vendor: String,
    },
    /// Lint the container image and the compose file.
    Packaging,
    /// The servers that tests run against and nobody here wrote.
    #[command(subcommand)]
    Backends(backends::Action),
    /// Measure the figures of BENCHMARKS.md, each beside a peer.
    Bench(bench::Wanted),
}

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    match chore {
        Chore::Test { arguments } => test::run(&arguments),
        Chore::Tidy => tidy::run(),
        Chore::NewVendor { id, name } => new_vendor::run(&id, &name),
        Chore::SpecCheck => spec_check::run(),
        Chore::Live { vendor } => live::run(&vendor),
        Chore::Packaging => packaging::run(),
        Chore::Backends(action) => backends::run(&action),
        Chore::Bench(wanted) => bench::run(&wanted),
    }
}
