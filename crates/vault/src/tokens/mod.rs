//! Tokens: as one sealed secret, and kept in sealed files.

mod files;
mod sealed;

pub use files::TokenFiles;
