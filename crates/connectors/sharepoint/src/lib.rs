#![doc = include_str!("../README.md")]

mod browse;
mod changes;
mod config;
mod connection;
mod cursor;
mod download;
mod integrity;
mod item;
mod permissions;
mod place;
mod quickxor;
mod site;
mod whereabouts;

pub use config::{Settings, Sharepoint};
