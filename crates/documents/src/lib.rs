//! Bytes to text with pages and structure.

mod formats;
mod limits;

pub use limits::Limits;
