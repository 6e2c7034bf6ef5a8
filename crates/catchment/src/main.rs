#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks on both")]

mod app;
mod cli;
mod commands;
mod exit;
mod registry;
mod settings;
mod show;

use std::{io::IsTerminal, process::ExitCode};

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
    let serving = matches!(cli.command, cli::Command::Serve(_));
    log(serving);
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
            // The command is dropped here, and dropping is what cancels it. A server stops by itself.
            _ = tokio::signal::ctrl_c(), if !serving => Ok(Exit::Interrupted),
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

/// Logs go to standard error when `CATCHMENT_LOG` asks for them, for example `debug`; those of a
/// server always do, as JSON unless a person watches or `CATCHMENT_LOG_FORMAT` says otherwise.
fn log(serving: bool) {
    use tracing_subscriber::EnvFilter;
    let filter = match EnvFilter::try_from_env("CATCHMENT_LOG") {
        Ok(filter) => filter,
        Err(_) if serving => EnvFilter::new("info"),
        Err(_) => return,
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let json = match std::env::var("CATCHMENT_LOG_FORMAT") {
        Ok(format) => format == "json",
        Err(_) => serving && !std::io::stderr().is_terminal(),
    };
    if json { logs.json().init() } else { logs.init() }
}
