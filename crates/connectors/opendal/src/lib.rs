#![doc = include_str!("../README.md")]

mod address;
mod config;
mod errors;
mod listing;
mod listings;
mod look;
mod metadata;
mod names;
mod options;
mod reading;
#[cfg(test)]
mod readme;
mod service;
mod services;
mod storage;
mod transport;
#[cfg(test)]
mod wire;

pub use config::{OpenDal, Settings};
pub use service::{Reach, Service, add};
