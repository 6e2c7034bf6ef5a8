#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod errors;
mod oauth;

pub use config::{Github, Settings};
