#![doc = include_str!("../README.md")]

mod access;
mod address;
mod config;
mod connection;
mod container;
mod endpoint;
mod entra;
mod errors;
mod listing;
mod names;
mod reading;
mod sas;
mod signature;
mod wire;
mod xml;

pub use config::{AzureBlob, Settings};
