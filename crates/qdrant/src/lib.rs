#![doc = include_str!("../README.md")]

mod audit;
mod backend;
mod client;
#[cfg(feature = "double")]
pub mod double;
mod error;
mod filter;
mod options;
mod record;
mod schema;
mod search;
mod window;
mod words;
mod write;

pub use backend::QdrantBackend;
pub use options::Options;
