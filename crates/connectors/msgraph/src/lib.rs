#![doc = include_str!("../README.md")]

mod cloud;
mod credentials;
mod directory;
mod errors;
mod graph;
mod groups;
mod identities;
mod trail;

pub use cloud::Cloud;
pub use credentials::{Registration, oauth};
pub use directory::app_tokens;
pub use errors::{classify, code};
pub use graph::{Collection, Graph};
pub use identities::{Identity, IdentitySet, TENANT};
pub use trail::Trail;
