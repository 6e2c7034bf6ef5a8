#![doc = include_str!("../README.md")]

mod cipher;
mod data_key;
mod envelope;
mod kms;
mod place;
mod ring;
mod service;
mod vault;

pub use data_key::DataKey;
pub use kms::{AwsKms, AwsKmsBuilder};
pub use place::Place;
pub use ring::KeyRing;
pub use service::{KeyService, Wrapped};
pub use vault::Vault;
