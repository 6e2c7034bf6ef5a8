#![doc = include_str!("../README.md")]

mod address;
mod bucket;
mod config;
mod credentials;
mod endpoint;
mod errors;
mod keys;
mod listing;
mod reading;
mod wire;
mod xml;

pub use config::{S3, Settings};
