//! Token endpoints: what OAuth 2.0 says of refreshing, and what vendors made of it.

use std::fmt;

use catchment_client::{Client, Egress};
use catchment_core::{Result, Secret, async_trait};

use super::{
    answers::granted,
    credentials::client,
    exchange::{Exchange, Granted},
    program::{ClientProof, Program},
};

/// The token endpoint of a vendor that keeps to RFC 6749, section 6, or nearly so: an error in an
/// answer of 200 is understood, and so are lives in quotes and scopes with commas between them.
pub struct TokenEndpoint {
    client: Client,
    url: String,
    program: Program,
}

impl TokenEndpoint {
    /// An endpoint, what this program is called there, and how it proves itself.
    ///
    /// # Errors
    /// `Config` when the address cannot be one.
    pub fn new(
        url: impl Into<String>,
        client_id: impl Into<String>,
        proof: ClientProof,
        egress: Egress,
    ) -> Result<Self> {
        let url = url.into();
        let client = client(&url, egress, &proof, |_, _| None)?;
        Ok(Self { client, url, program: Program { id: client_id.into(), proof } })
    }
}

#[async_trait]
impl Exchange for TokenEndpoint {
    async fn refresh(&self, refresh: &Secret) -> Result<Granted> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        // Not idempotent: the vendor may spend the refresh token and the answer be lost.
        let call = self.program.call(&self.client, &self.url, &form)?;
        granted(&call.send().await?, &[""])
    }
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint").field("url", &self.url).field("id", &self.program.id).finish_non_exhaustive()
    }
}
