//! Jobs, imports, browsing and asking, over the real router and a socket.

#![expect(clippy::unwrap_used, reason = "what cannot be set up breaks its test")]

mod ask;
mod browse;
#[path = "../database/sqlite.rs"]
#[expect(dead_code, reason = "these tests plant no secrets to look for")]
mod database;
mod flow;
mod follow;
mod import;
mod restart;
mod support;
