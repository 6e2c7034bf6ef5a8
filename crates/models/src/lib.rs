#![doc = include_str!("../README.md")]

#[cfg(feature = "local")]
pub mod local;
pub mod openai;

mod vectors;
