//! The way to the consent page: PKCE (RFC 7636, S256) and state.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use catchment_client::Url;
use catchment_core::{Error, Result, Secret};
use sha2::{Digest, Sha256};

use super::provider::Provider;

/// What a person is sent to the vendor with.
#[derive(Clone, Default)]
pub struct Begin {
    /// Where the vendor sends the person back to; registered there, to the letter.
    pub redirect_uri: String,
    /// Comes back with the person; see [`new_state`].
    pub state: String,
    /// The scopes to ask for; the vendor's usual ones where it is empty. Whoever needs more than
    /// was granted asks for all of them together.
    pub scopes: Vec<String>,
    /// Who the person probably is, so that the vendor need not ask.
    pub login_hint: Option<String>,
}

/// A consent that has begun.
#[derive(Clone)]
pub struct Started {
    /// Where to send the person.
    pub url: String,
    /// Proves in [`Provider::finish`] that it is the same program that asks: keep it until then.
    pub verifier: Secret,
}

impl Provider {
    /// The address of the consent page.
    ///
    /// # Errors
    /// `Internal` when the system gives no random numbers.
    pub fn begin(&self, begin: &Begin) -> Result<Started> {
        let mut url =
            Url::parse(&self.authorize).map_err(|_| Error::internal("an address of the vendor cannot be read"))?;
        let verifier = Secret::new(random()?);
        let scopes = self.scopes(&begin.scopes);
        let mut query = url.query_pairs_mut();
        query.append_pair("response_type", "code").append_pair("client_id", &self.program.id);
        query.append_pair("redirect_uri", &begin.redirect_uri).append_pair("state", &begin.state);
        if !scopes.is_empty() {
            query.append_pair("scope", &scopes);
        }
        if self.oauth.pkce {
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()));
            query.append_pair("code_challenge", &challenge).append_pair("code_challenge_method", "S256");
        }
        for (name, value) in self.oauth.extra {
            query.append_pair(name, value);
        }
        if let Some(hint) = &begin.login_hint {
            query.append_pair("login_hint", hint);
        }
        drop(query);
        Ok(Started { url: url.into(), verifier })
    }

    /// Scopes as the vendor wants them written; its usual ones where none are named.
    pub(super) fn scopes(&self, named: &[String]) -> String {
        if named.is_empty() { self.oauth.scopes.join(self.oauth.separator) } else { named.join(self.oauth.separator) }
    }
}

/// A state that nobody can guess: 256 random bits. It comes back in the callback and is good once.
///
/// # Errors
/// `Internal` when the system gives no random numbers.
pub fn new_state() -> Result<String> {
    random()
}

/// What is kept of a state: whoever reads it cannot make a callback of it.
pub fn state_hash(state: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(state))
}

fn random() -> Result<String> {
    let mut bits = [0; 32];
    let failed = |error| Error::internal("the system gives no random numbers").source(error);
    getrandom::fill(&mut bits).map_err(failed)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

impl fmt::Debug for Begin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begin")
            .field("redirect_uri", &self.redirect_uri)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// The state stands in the address.
impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").finish_non_exhaustive()
    }
}
