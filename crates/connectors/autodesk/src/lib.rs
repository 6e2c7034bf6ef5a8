#![doc = include_str!("../README.md")]

mod access;
mod config;
mod connection;
mod errors;
mod ids;
mod json;
mod listing;
mod paging;
mod readers;
mod reading;
mod root;
mod tree;
mod wire;

pub use config::{Autodesk, GrantType, Region, Settings};
