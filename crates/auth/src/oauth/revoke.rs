//! Giving a grant back.

use catchment_client::Response;
use catchment_core::{Error, ErrorKind, Result, Secret, Tokens, oauth::Revocation};
use chrono::Utc;
use serde_json::json;

use super::{exchange::Exchange, program::ClientProof, provider::Provider};

impl Provider {
    /// Gives the grant back to the vendor. It is fine when the vendor does not know it any more,
    /// and when the vendor has no way to give it back. The tokens are of no use afterwards, even
    /// if it fails: one that had ended may have been exchanged on the way.
    ///
    /// # Errors
    /// What happened on the way: then the grant may live on, and the person should remove it on
    /// the vendor's pages.
    pub async fn revoke(&self, tokens: &Tokens) -> Result<()> {
        let Some(url) = &self.revocation else { return Ok(()) };
        match self.oauth.revocation {
            Revocation::None => Ok(()),
            Revocation::Form(_) => self.by_form(url, tokens).await,
            Revocation::Bearer(_) => self.by_bearer(url, tokens).await,
            Revocation::Delete(_) => self.by_delete(url, tokens).await,
        }
    }

    /// The refresh token takes the access tokens with it (RFC 7009, section 2.1).
    async fn by_form(&self, url: &str, tokens: &Tokens) -> Result<()> {
        let form = match &tokens.refresh {
            Some(refresh) => [("token", refresh.expose()), ("token_type_hint", "refresh_token")],
            None => [("token", tokens.access.expose()), ("token_type_hint", "access_token")],
        };
        let call = self.program.call(&self.client, url, &form)?.idempotent(true);
        unless(call.send().await, is_over)
    }

    /// An access token that has ended revokes nothing: then another one is got for it.
    async fn by_bearer(&self, url: &str, tokens: &Tokens) -> Result<()> {
        let bearer = async |access: &Secret| {
            let call = self.client.post(url).bearer(access).header("accept", "application/json");
            call.idempotent(true).send().await
        };
        let ended = tokens.expires.is_some_and(|expires| expires <= Utc::now());
        if !ended {
            match bearer(&tokens.access).await {
                Err(error) if is_refused(&error) => {}
                result => return result.map(drop),
            }
        }
        let Some(refresh) = &tokens.refresh else { return Ok(()) };
        let another = match self.refresh(refresh).await {
            Err(error) if is_over(&error) => return Ok(()),
            granted => granted?.access,
        };
        unless(bearer(&another).await, is_refused)
    }

    async fn by_delete(&self, url: &str, tokens: &Tokens) -> Result<()> {
        let (ClientProof::Body(secret) | ClientProof::Basic(secret)) = &self.program.proof else {
            return Err(Error::config("client_secret", "the vendor takes a grant back only from who knows the secret"));
        };
        let call = self.client.delete(url).json(&json!({ "access_token": tokens.access.expose() }));
        let call = call.secret_header("authorization", &self.program.basic(secret));
        unless(call.send().await, is_unknown)
    }
}

/// What came of it, unless the error says that there is nothing to give back.
fn unless(result: Result<Response>, nothing: fn(&Error) -> bool) -> Result<()> {
    result.map(drop).or_else(|error| if nothing(&error) { Ok(()) } else { Err(error) })
}

/// Whether the grant is over.
fn is_over(error: &Error) -> bool {
    error.kind() == ErrorKind::Unauthenticated
}

/// Whether the vendor does not accept the token that asked.
fn is_refused(error: &Error) -> bool {
    is_over(error) || error.get("status") == Some("401")
}

/// Whether GitHub does not know the token.
fn is_unknown(error: &Error) -> bool {
    matches!(error.get("status"), Some("404" | "422"))
}
