//! A valid token for each call, whatever happens around it.
//!
//! [`Authorizers`] keeps one [`Authorizer`] for each integration of a process, over a
//! [`TokenStore`](catchment_core::TokenStore) that other processes may share. An [`Exchange`]
//! knows how the vendor wants a refresh token to be exchanged.

mod authorizer;
mod endpoint;
mod exchange;
mod memory;
mod refresh;

pub use authorizer::{Authorizer, Authorizers};
pub use endpoint::TokenEndpoint;
pub use exchange::{Exchange, Granted};
pub use memory::MemoryTokens;
