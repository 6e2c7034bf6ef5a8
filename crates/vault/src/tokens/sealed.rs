//! Tokens as one secret, for whoever keeps them.

use catchment_core::{Error, ErrorKind, Result, Secret, Tokens};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{place::Place, vault::Vault};

#[derive(Serialize)]
struct Plain<'a> {
    access: &'a str,
    issued: DateTime<Utc>,
    refresh: Option<&'a str>,
    expires: Option<DateTime<Utc>>,
    scopes: &'a [String],
}

#[derive(Deserialize)]
struct Opened {
    access: Secret,
    issued: DateTime<Utc>,
    refresh: Option<Secret>,
    expires: Option<DateTime<Utc>>,
    scopes: Vec<String>,
}

impl Vault {
    /// Seals tokens for a place, whole: the access token, the refresh token and what belongs to
    /// them.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub async fn seal_tokens(&self, place: &Place<'_>, tokens: &Tokens) -> Result<Vec<u8>> {
        self.seal(place, &plain(tokens)?).await
    }

    /// Opens tokens that were sealed for this very place.
    ///
    /// # Errors
    /// As [`Vault::open`]; `Config` when what was sealed there were no tokens.
    pub async fn open_tokens(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Tokens> {
        let text = self.open(place, sealed).await?;
        // The error would quote what it met.
        let opened: Opened = serde_json::from_str(text.expose()).map_err(|_| {
            Error::new(ErrorKind::Config, "the stored tokens are damaged: authorize again")
                .with("integration", place.integration)
        })?;
        let Opened { access, issued, refresh, expires, scopes } = opened;
        Ok(Tokens { access, issued, refresh, expires, scopes })
    }
}

/// The tokens as JSON, in a buffer that need not grow: that would leave copies behind.
fn plain(tokens: &Tokens) -> Result<Secret> {
    let refresh = tokens.refresh.as_ref().map(Secret::expose);
    let texts = tokens.access.expose().len() + refresh.map_or(0, str::len);
    let scopes: usize = tokens.scopes.iter().map(|scope| scope.len() + 1).sum();
    // JSON writes some characters in six bytes.
    let mut out = Zeroizing::new(Vec::with_capacity(6 * (texts + scopes) + 512));
    let Tokens { access, issued, expires, scopes, .. } = tokens;
    let plain = Plain { access: access.expose(), issued: *issued, refresh, expires: *expires, scopes };
    let failed = || Error::internal("tokens cannot be written as JSON");
    serde_json::to_writer(&mut *out, &plain).map_err(|_| failed())?;
    String::from_utf8(std::mem::take(&mut *out)).map(Secret::new).map_err(|_| failed())
}
