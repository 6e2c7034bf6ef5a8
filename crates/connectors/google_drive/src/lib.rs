#![doc = include_str!("../README.md")]

mod browse;
mod changes;
mod config;
mod connector;
mod download;
mod entries;
mod folder_path;
mod formats;
mod permissions;
mod places;
mod query;
mod root;
mod transfer;
mod types;
mod wire;

pub use config::{ExportAs, GoogleDrive, Settings};
