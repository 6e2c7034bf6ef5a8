#![doc = include_str!("../README.md")]

mod callers;
mod claims;
mod fetch;
mod keys;
mod mint;
pub mod oauth;
mod verifier;

pub use callers::{Caller, Callers, Role};
pub use claims::Claims;
pub use fetch::KeyUrl;
pub use mint::mint;
pub use verifier::Verifier;
