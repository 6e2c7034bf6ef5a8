#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod errors;
mod token;

pub use config::{Settings, Telegram};
