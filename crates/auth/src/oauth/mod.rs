//! A valid token for each call, whatever happens around it.
//!
//! [`Authorizers`] keeps one [`Authorizer`] for each integration of a process, over a
//! [`TokenStore`](catchment_core::TokenStore) that other processes may share. An [`Exchange`]
//! knows how the vendor wants a refresh token to be exchanged. [`Issued`] holds the token that a
//! [`Grant`] gives a program for itself.

mod address;
mod answers;
mod authorizer;
mod consent;
mod credentials;
mod device;
mod exchange;
mod issued;
mod memory;
mod program;
mod provider;
mod refresh;
mod revoke;
mod scopes;
mod service_account;
mod slot;
mod stand_in;
mod watch;

pub use authorizer::{Authorizer, Authorizers};
pub use catchment_client::Egress;
pub use consent::{Begin, Started, new_state, state_hash};
pub use credentials::ClientCredentials;
pub use device::DeviceCode;
pub use exchange::{Exchange, Granted};
pub use issued::{Grant, Issued};
pub use memory::MemoryTokens;
pub use program::{ClientKey, ClientProof};
pub use provider::{App, Provider};
pub use scopes::missing;
pub use service_account::ServiceAccount;
pub use stand_in::{Fresh, Missing};
pub use watch::Watch;
