//! The tests of `jobs`, the same ones, on Postgres: with two servers on one database as well.

#![expect(clippy::unwrap_used, reason = "what cannot be set up breaks its test")]

#[path = "../jobs/ask.rs"]
mod ask;
#[path = "../jobs/browse.rs"]
mod browse;
#[path = "../database/postgres.rs"]
#[expect(dead_code, reason = "these tests plant no secrets to look for")]
mod database;
#[path = "../jobs/flow.rs"]
mod flow;
#[path = "../jobs/follow.rs"]
mod follow;
#[path = "../jobs/import.rs"]
mod import;
#[path = "../jobs/restart.rs"]
mod restart;
#[path = "../jobs/support/mod.rs"]
mod support;
