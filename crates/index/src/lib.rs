#![doc = include_str!("../README.md")]

pub mod analyze;
pub mod backend;
pub mod chunk;
#[cfg(feature = "contract")]
pub mod contract;
pub mod fuse;
mod index;
mod query;
pub mod sqlite;

pub use backend::{Backend, Stats, chunk_id};
pub use chunk::{Chunk, Chunking};
pub use index::{Index, IndexOptions};
pub use query::{Access, Filter, Hit, Mode, Query};
pub use sqlite::SqliteBackend;
