#![doc = include_str!("../README.md")]

mod access;
mod consent;
mod errors;
mod service;

pub use access::authorize;
pub use consent::{oauth, short};
pub use errors::{classify, reason};
pub use service::Service;
