#![doc = include_str!("../README.md")]

mod integrity;
mod prefix;
mod version;
pub mod xml;

pub use integrity::Hash;
pub use prefix::{Prefix, only_below};
pub use version::{changed, empty, is_past_the_end, quoted, unchanged};
