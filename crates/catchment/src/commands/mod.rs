//! One module a command.

mod ask;
mod browse;
mod check;
mod connections;
mod connectors;
mod demo;
mod download;
mod health;
mod import;
mod keys;
mod login;
mod progress;
mod serve;
mod target;
mod templates;
mod token;
mod verify;

use catchment_core::Result;

use crate::{
    app::App,
    cli::{Cli, Command},
    exit::Exit,
};

/// Runs what was typed.
pub(crate) async fn run(cli: Cli) -> Result<Exit> {
    let app = App::new(&cli.common)?;
    match cli.command {
        Command::Demo(demo) => demo::run(app, demo).await,
        Command::Connectors { vendor } => connectors::run(&app, vendor.as_deref()),
        Command::Login(login) => login::run(&app, &login).await,
        Command::Test(target) => check::run(&app, &target).await,
        Command::Browse(browse) => browse::run(&app, browse).await,
        Command::Download(download) => download::run(&app, download).await,
        Command::Import(import) => import::run(&app, import).await,
        Command::Ask(ask) => ask::run(&app, ask).await,
        Command::Verify { repair } => verify::run(&app, repair).await,
        Command::Serve(serve) => serve::run(&app, serve).await,
        Command::ImportConnections(import) => connections::run(&app, &import).await,
        Command::Templates(templates) => templates::run(&app, &templates).await,
        Command::Health { server } => health::run(&server).await,
        Command::Token(token) => token::run(&app, &token),
        Command::Keys(keys) => keys::run(&app, &keys).await,
        Command::Completions { .. } => Ok(Exit::Done),
    }
}
