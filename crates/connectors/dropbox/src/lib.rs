#![doc = include_str!("../README.md")]

mod changes;
mod config;
mod connection;
mod content_hash;
mod endpoints;
mod errors;
mod export;
mod header;
mod listing;
mod members;
mod model;
mod oauth;
mod paths;
mod permissions;
mod place;
mod reading;
mod search;
mod wire;

pub use config::{Dropbox, Settings};
