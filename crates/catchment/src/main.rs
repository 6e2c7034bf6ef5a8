#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks on both")]

mod app;
mod cli;
mod commands;
mod exit;
mod registry;
mod settings;
mod show;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::{app::App, cli::Cli, exit::Exit};

fn main() -> ExitCode {
    // Documents are parsed in this program, started again; see catchment-documents.
    catchment_documents::sandbox::run_if_worker();
    let cli = Cli::parse();
    if let cli::Command::Completions { shell } = cli.command {
        clap_complete::generate(shell, &mut Cli::command(), "catchment", &mut std::io::stdout());
        return Exit::Done.into();
    }
    log();
    let json = cli.common.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot start: {error}");
            return Exit::Fault.into();
        }
    };
    let exit = runtime.block_on(async {
        tokio::select! {
            ended = commands::run(cli) => ended,
            // The command is dropped here, and dropping is what cancels it.
            _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
        }
    });
    // What still blocks (a slow disk) is not waited for: everything acknowledged is durable.
    runtime.shutdown_background();
    match exit {
        Ok(exit) => {
            if exit == Exit::Interrupted {
                eprintln!("interrupted; run the same command again to go on");
            }
            exit.into()
        }
        Err(error) => {
            App::report(&error, json);
            Exit::from(&error).into()
        }
    }
}

/// Logs go to standard error when `CATCHMENT_LOG` asks for them, for example `debug`.
fn log() {
    use tracing_subscriber::EnvFilter;
    if let Ok(filter) = EnvFilter::try_from_env("CATCHMENT_LOG") {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
}
