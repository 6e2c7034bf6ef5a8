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
pub mod download;
#[doc(hidden)]
pub mod fingerprints;
mod fixture;
#[doc(hidden)]
pub mod flat;
#[doc(hidden)]
pub mod generic;
mod http1;
mod listing;
#[doc(hidden)]
pub mod network;
mod promises;
#[doc(hidden)]
pub mod stream;
pub mod tcp;
mod verdict;
pub mod world;

pub use fixture::Fixture;
pub use promises::{covers, promises};
pub use verdict::{Broken, Checking, Promise, Verdict};
