//! The server as a client sees it: the real router on a loopback socket, over a real database.

#![expect(clippy::unwrap_used, reason = "what cannot be set up breaks its test")]

mod consent;
#[path = "../database/sqlite.rs"]
mod database;
mod docs;
mod files;
mod floor;
mod grants;
mod idempotency;
mod input;
mod integrations;
mod monitor;
mod operations;
mod schema;
mod support;
mod tenancy;
mod testing;
mod vendors;
