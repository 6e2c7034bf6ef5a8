#![doc = include_str!("../README.md")]

mod cipher;
mod data_key;
mod durable;
mod envelope;
mod kms;
mod place;
mod ring;
mod service;
mod tokens;
mod vault;

pub use data_key::DataKey;
pub use kms::{AwsKms, AwsKmsBuilder};
pub use place::Place;
pub use ring::KeyRing;
pub use service::{KeyService, Wrapped};
pub use tokens::TokenFiles;
pub use vault::Vault;
