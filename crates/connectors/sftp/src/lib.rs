#![doc = include_str!("../README.md")]

mod address;
mod config;
mod dial;
mod directories;
mod errors;
mod host_keys;
mod listing;
mod login;
mod names;
mod packets;
mod pool;
mod reading;
mod server;
mod session;
mod tree;

pub use config::{Settings, Sftp};
