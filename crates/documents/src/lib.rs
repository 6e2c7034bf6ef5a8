#![doc = include_str!("../README.md")]

mod dispatch;
mod formats;
mod hint;
mod limits;
mod parser;
mod pdf;
pub mod sandbox;
mod sniff;

pub use dispatch::parse_bytes;
pub use limits::Limits;
pub use parser::{Builder, Input, Parsed, Parser, Source};
