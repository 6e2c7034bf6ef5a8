//! Giving a grant back.

use catchment_core::{Error, ErrorKind, Result, Secret, Tokens, oauth::Revocation};
use chrono::Utc;
use serde_json::json;

use super::{exchange::Exchange, program::ClientProof, provider::Provider};

impl Provider {
    /// Gives the grant back to the vendor. It is fine when the vendor does not know it any more,
    /// and when the vendor has no way to give it back.
    ///
    /// # Errors
    /// What happened on the way: then the grant may live on, and the person should remove it on
    /// the vendor's pages.
    pub async fn revoke(&self, tokens: &Tokens) -> Result<()> {
        let Some(url) = &self.revocation else { return Ok(()) };
        let revoked = match self.oauth.revocation {
            Revocation::None => return Ok(()),
            Revocation::Form(_) => self.by_form(url, tokens).await,
            Revocation::Bearer(_) => return self.by_bearer(url, tokens).await,
            Revocation::Delete(_) => self.by_delete(url, tokens).await,
        };
        revoked.or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) })
    }

    /// The refresh token takes the access tokens with it (RFC 7009, section 2.1).
    async fn by_form(&self, url: &str, tokens: &Tokens) -> Result<()> {
        let form = match &tokens.refresh {
            Some(refresh) => [("token", refresh.expose()), ("token_type_hint", "refresh_token")],
            None => [("token", tokens.access.expose()), ("token_type_hint", "access_token")],
        };
        self.program.call(&self.client, url, &form)?.idempotent(true).send().await.map(drop)
    }

    /// An access token that has ended revokes nothing: then another one is got for it.
    async fn by_bearer(&self, url: &str, tokens: &Tokens) -> Result<()> {
        let bearer = async |access: &Secret| {
            let call = self.client.post(url).bearer(access).header("accept", "application/json");
            call.idempotent(true).send().await.map(drop)
        };
        let ended = tokens.expires.is_some_and(|expires| expires <= Utc::now());
        if !ended {
            match bearer(&tokens.access).await {
                Err(error) if is_refused(&error) => {}
                result => return result,
            }
        }
        let Some(refresh) = &tokens.refresh else { return Ok(()) };
        let another = match self.refresh(refresh).await {
            Err(error) if is_gone(&error) => return Ok(()),
            granted => granted?.access,
        };
        bearer(&another).await.or_else(|error| if is_refused(&error) { Ok(()) } else { Err(error) })
    }

    async fn by_delete(&self, url: &str, tokens: &Tokens) -> Result<()> {
        let (ClientProof::Body(secret) | ClientProof::Basic(secret)) = &self.program.proof else {
            return Err(Error::config("client_secret", "the vendor takes a grant back only from who knows the secret"));
        };
        let call = self.client.delete(url).json(&json!({ "access_token": tokens.access.expose() }));
        call.secret_header("authorization", &self.program.basic(secret)).send().await.map(drop)
    }
}

/// Whether the vendor knows nothing of the grant. GitHub says so by 404 or 422.
fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::NotFound) || error.get("status") == Some("422")
}

/// Whether the vendor does not accept the token that asked.
fn is_refused(error: &Error) -> bool {
    error.kind() == ErrorKind::Unauthenticated || error.get("status") == Some("401")
}
