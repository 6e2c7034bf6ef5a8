//! A valid token for each call, whatever happens around it.
//!
//! [`Authorizers`] keeps one [`Authorizer`] for each integration of a process, over a
//! [`TokenStore`](catchment_core::TokenStore) that other processes may share. An [`Exchange`]
//! knows how the vendor wants a refresh token to be exchanged. [`Issued`] holds the token that a
//! [`Grant`] gives a program for itself.

mod answers;
mod authorizer;
mod credentials;
mod endpoint;
mod exchange;
mod issued;
mod memory;
mod program;
mod refresh;
mod service_account;
mod slot;

pub use authorizer::{Authorizer, Authorizers};
pub use credentials::ClientCredentials;
pub use endpoint::TokenEndpoint;
pub use exchange::{Exchange, Granted};
pub use issued::{Grant, Issued};
pub use memory::MemoryTokens;
pub use program::{ClientKey, ClientProof};
pub use service_account::ServiceAccount;
