//! What stands where the token of a connection will be.

use std::fmt;

use catchment_client::Authorize;
use catchment_core::{Error, ErrorKind, Result, Secret, async_trait};

/// A token that a vendor has issued a moment ago, before it is stored: for the call that asks who
/// has consented.
pub struct Fresh(Secret);

/// Nobody has consented: a connector can be made, and says so when it is asked for something.
#[derive(Debug, Clone, Copy, Default)]
pub struct Missing;

impl Fresh {
    /// This access token.
    pub fn new(access: Secret) -> Self {
        Self(access)
    }
}

#[async_trait]
impl Authorize for Fresh {
    async fn header(&self) -> Result<Secret> {
        Ok(Secret::new(format!("Bearer {}", self.0.expose())))
    }

    async fn rejected(&self, _: &Secret) -> Result<()> {
        let message = "the vendor does not accept the token that it has just issued: authorize again";
        Err(Error::new(ErrorKind::Unauthenticated, message))
    }
}

#[async_trait]
impl Authorize for Missing {
    async fn header(&self) -> Result<Secret> {
        let message = "nobody has consented at the vendor: authorize the connection";
        Err(Error::new(ErrorKind::Unauthenticated, message))
    }

    async fn rejected(&self, _: &Secret) -> Result<()> {
        self.header().await.map(drop)
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fresh")
    }
}
