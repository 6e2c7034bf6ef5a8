#![doc = include_str!("../README.md")]

mod address;
mod bucket;
mod config;
mod credentials;
mod customer_key;
mod endpoint;
mod errors;
mod events;
mod keys;
mod listing;
mod reading;
mod wire;
mod xml;

pub use config::{S3, Settings};
