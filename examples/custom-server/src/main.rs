//! A server of one's own: two vendors, an ingestor that tells of what it takes in, and a route
//! beside ours.
//!
//! `cargo run -p example-custom-server -- data`
#![expect(clippy::print_stdout, reason = "a program that speaks")]

mod telling;

use std::{env, path::PathBuf, sync::Arc};

use catchment_core::{Registry, Result};
use catchment_documents::{Limits, Parser, sandbox};
use catchment_folder::Folder;
use catchment_index::{Index, IndexOptions, SqliteBackend};
use catchment_s3::S3;
use catchment_server::{
    Caller, Config, Server,
    axum::{Router, routing::get},
};
use catchment_store::Store;
use catchment_vault::{KeyRing, Vault};

use crate::telling::Telling;

fn main() -> Result<()> {
    // Documents are parsed in this program, started again.
    sandbox::run_if_worker();
    serve()
}

#[tokio::main]
async fn serve() -> Result<()> {
    let data = PathBuf::from(env::args().nth(1).unwrap_or_else(|| "data".to_owned()));
    // The store makes the folder. A key file is made in one that is there and nowhere else: a disk
    // that is not mounted must not look like a first start.
    let store = Store::open(data.join("catchment.db")).await?;
    let store = store.with_vault(Vault::new(KeyRing::from_file(data.join("keys"))?));
    let backend = SqliteBackend::open(data.join("catchment.db")).await?;
    let index = Arc::new(Index::open(Arc::new(backend), IndexOptions::default()).await?);

    let registry = Registry::new().with::<Folder>().with::<S3>();
    let server = Server::builder(registry, store, index.clone(), Parser::isolated(Limits::default())?)
        .ingestor(Arc::new(Telling(index)))
        .routes(Router::new().route("/hello", get(hello)))
        .bind(Config::default())
        .await?;
    println!("http://{}/docs", server.address()?);
    server
        .serve(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await
}

async fn hello(caller: Caller) -> String {
    format!("hello, {}", caller.tenant.user)
}
