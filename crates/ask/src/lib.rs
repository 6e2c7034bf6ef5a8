#![doc = include_str!("../README.md")]

mod ask;
mod extract;
mod passage;
mod prompt;

pub use ask::{Answer, Ask, Mode, Options, Piece, Question};
pub use passage::Citation;
