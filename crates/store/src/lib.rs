#![doc = include_str!("../README.md")]

mod error;
mod integrations;
mod ledger;
mod open;
mod threads;
mod time;

pub use integrations::Integration;
pub use open::Store;
