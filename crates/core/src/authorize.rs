//! The hook through which a connector gets its token, and says when it was not accepted.

use std::fmt;

use async_trait::async_trait;

use crate::{error::Result, secret::Secret};

/// Gives the value of the `Authorization` header and learns when the vendor rejects it.
#[async_trait]
pub trait Authorize: fmt::Debug + Send + Sync {
    /// The whole value, for example `Bearer abc`. Refreshes first when it is about to expire.
    async fn header(&self) -> Result<Secret>;

    /// The vendor did not accept `header`: refresh, unless somebody else already has, in which
    /// case the current header differs from this one. An error ends the call.
    async fn rejected(&self, header: &Secret) -> Result<()>;
}
