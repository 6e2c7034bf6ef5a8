//! The hook through which a client gets its token, and says when it was not accepted.

use std::fmt;

use async_trait::async_trait;
use catchment_core::{Result, Secret};

/// Gives the value of the `Authorization` header and learns when the vendor rejects it.
///
/// A 401, or a classifier's `Unauthenticated`, leads to exactly one [`Authorize::rejected`] and
/// one more attempt, whether the call is idempotent or not: a vendor that did not accept the
/// credential did nothing. The header goes to the base host and to trusted hosts only, and never
/// along with a redirect to another host.
#[async_trait]
pub trait Authorize: fmt::Debug + Send + Sync {
    /// The whole value, for example `Bearer abc`. Refreshes first when it is about to expire.
    async fn header(&self) -> Result<Secret>;

    /// The vendor did not accept `header`: refresh, unless somebody else already has, in which
    /// case the current header differs from this one. An error ends the call.
    async fn rejected(&self, header: &Secret) -> Result<()>;
}
