//! Client credentials: a token for the program itself (RFC 6749, section 4.4).

use std::{fmt, time::Duration};

use catchment_client::{Client, Egress, ResponseHead};
use catchment_core::{Error, Result, async_trait};

use super::{
    answers::{classify, granted},
    exchange::Granted,
    issued::Grant,
    program::{ClientProof, Program},
};

/// What a vendor knows of its own errors: looks at an answer first.
type Explain = fn(&ResponseHead, &[u8]) -> Option<Error>;

/// The grant `client_credentials`, with a secret or a certificate.
pub struct ClientCredentials {
    client: Client,
    url: String,
    program: Program,
    scope: String,
}

impl ClientCredentials {
    /// A token endpoint, what this program is called there, and the scopes with spaces between
    /// them; with an empty one none are asked for. Nothing is sent yet.
    ///
    /// # Errors
    /// `Config` when the address cannot be one, or is not permitted.
    pub fn new(
        token_url: impl Into<String>,
        client_id: impl Into<String>,
        proof: ClientProof,
        scope: impl Into<String>,
        egress: Egress,
    ) -> Result<Self> {
        Self::explained(token_url, client_id, proof, scope, egress, |_, _| None)
    }

    /// As [`ClientCredentials::new`], for a vendor whose errors say more than the standard's:
    /// `explain` sees each answer first.
    ///
    /// # Errors
    /// As [`ClientCredentials::new`].
    pub fn explained(
        token_url: impl Into<String>,
        client_id: impl Into<String>,
        proof: ClientProof,
        scope: impl Into<String>,
        egress: Egress,
        explain: Explain,
    ) -> Result<Self> {
        let url = token_url.into();
        let client = client(&url, egress, &proof, explain)?;
        let program = Program { id: client_id.into(), proof };
        Ok(Self { client, url, program, scope: scope.into() })
    }
}

#[async_trait]
impl Grant for ClientCredentials {
    async fn grant(&self) -> Result<Granted> {
        let mut form = vec![("grant_type", "client_credentials")];
        if !self.scope.is_empty() {
            form.push(("scope", &self.scope));
        }
        // Asking twice gives two tokens, and harms nobody.
        let call = self.program.call(&self.client, &self.url, &form)?.idempotent(true);
        granted(&call.send().await?, &[""])
    }
}

/// A client for token endpoints at `url`.
pub(super) fn client(url: &str, egress: Egress, proof: &ClientProof, explain: Explain) -> Result<Client> {
    let client = Client::builder("oauth")
        .tenant(url)
        .base(url)
        .egress(egress)
        .classify(move |head, body| explain(head, body).or_else(|| classify(head, body)))
        .deadline(Duration::from_secs(50))
        .answer_within(Duration::from_secs(30))
        .attempts(3)
        .cap(64 * 1024);
    match proof {
        // In no trace either.
        ClientProof::Body(secret) | ClientProof::Basic(secret) => client.redact(secret),
        ClientProof::None | ClientProof::Key(_) => client,
    }
    .build()
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("url", &self.url)
            .field("id", &self.program.id)
            .finish_non_exhaustive()
    }
}
