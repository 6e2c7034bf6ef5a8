//! The tests of `http`, the same ones, on Postgres. What has no database is not repeated: the
//! documentation, and the calls that are made from the description.

#![expect(clippy::unwrap_used, reason = "what cannot be set up breaks its test")]

#[path = "../http/consent.rs"]
mod consent;
#[path = "../database/postgres.rs"]
mod database;
#[path = "../http/floor.rs"]
mod floor;
#[path = "../http/grants.rs"]
mod grants;
#[path = "../http/idempotency.rs"]
mod idempotency;
#[path = "../http/input.rs"]
mod input;
#[path = "../http/integrations.rs"]
mod integrations;
#[path = "../http/monitor.rs"]
mod monitor;
#[path = "../http/operations.rs"]
mod operations;
#[path = "../http/support/mod.rs"]
mod support;
#[path = "../http/tenancy.rs"]
mod tenancy;
#[path = "../http/testing.rs"]
mod testing;
#[path = "../http/vendors.rs"]
mod vendors;
