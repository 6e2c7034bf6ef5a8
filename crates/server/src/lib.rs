#![doc = include_str!("../README.md")]

mod authenticate;
mod config;
mod connect;
mod cors;
mod extract;
mod floor;
mod guard;
mod idempotent;
mod kept;
mod listen;
mod metrics;
mod oauth;
mod openapi;
mod problem;
mod request_id;
mod router;
mod routes;
mod server;
mod state;
mod worker;

/// What routes of one's own are written with.
pub use axum;
pub use config::{Access, Config};
pub use extract::Caller;
pub use oauth::OAuth;
pub use problem::{Problem, Result};
pub use request_id::RequestId;
pub use server::{Builder, Server};
