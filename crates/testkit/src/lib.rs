#![doc = include_str!("../README.md")]

pub mod backends;
pub mod faults;
pub mod ledger;
pub mod model;
pub mod openapi;
pub mod tokens;

#[doc(hidden)]
pub mod account;
#[doc(hidden)]
pub mod browse;
#[doc(hidden)]
pub mod changes;
#[doc(hidden)]
pub mod download;
#[doc(hidden)]
pub mod fingerprints;
mod fixture;
#[doc(hidden)]
pub mod flat;
mod ftp;
#[doc(hidden)]
pub mod generic;
#[doc(hidden)]
pub mod history;
mod http1;
#[doc(hidden)]
pub mod links;
mod listing;
pub mod live;
#[doc(hidden)]
pub mod network;
#[doc(hidden)]
pub mod permissions;
mod promises;
#[doc(hidden)]
pub mod resume;
mod stage;
#[doc(hidden)]
pub mod stream;
pub mod tcp;
mod verdict;
pub mod world;

pub use fixture::Fixture;
pub use promises::{covers, promises};
pub use verdict::{Broken, Checking, Promise, Verdict};
