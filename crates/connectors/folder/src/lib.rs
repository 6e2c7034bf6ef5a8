#![doc = include_str!("../README.md")]

mod blocking;
mod config;
mod entries;
mod errors;
mod filter;
mod folder;
mod listing;
mod names;
mod reading;
mod tree;
mod windows;

pub use config::{Folder, Settings};
