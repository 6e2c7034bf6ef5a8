//! Exchanges: a refresh token in, an access token out.

use std::{fmt, time::Duration};

use catchment_core::{Result, Secret, Tokens, async_trait};
use chrono::{DateTime, TimeDelta, Utc};

/// Exchanges refresh tokens as one vendor wants it.
#[async_trait]
pub trait Exchange: fmt::Debug + Send + Sync + 'static {
    /// Exchanges a refresh token once. It is not dropped before it ends, unless it takes longer
    /// than 60 seconds.
    ///
    /// # Errors
    /// `Unauthenticated` when the vendor said for certain that the grant is over (`invalid_grant`
    /// and its kin), and only then: it makes a person authorize again. Anything else is taken for
    /// something that passes, or that an operator corrects.
    ///
    /// Where the vendor's answer says how the grant ended, the error carries the context pair
    /// `grant`, which is `expired` or `revoked`.
    async fn refresh(&self, refresh: &Secret) -> Result<Granted>;

    /// A refresh token that nobody uses for so long lapses; `None` where it does not.
    fn idle(&self) -> Option<Duration> {
        None
    }
}

/// What a vendor granted.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The new access token.
    pub access: Secret,
    /// The new refresh token; `None` where the old one stays good.
    pub refresh: Option<Secret>,
    /// How long the access token lives; `None` where the vendor does not say.
    pub lives: Option<Duration>,
    /// The scopes; `None` where they stay what they were.
    pub scopes: Option<Vec<String>>,
}

impl Granted {
    /// The tokens to keep: what is not granted anew stays as it was in `old`. The times are by our
    /// own clock, counted from before the question, so that the vendor's may be wrong.
    pub(super) fn over(self, old: &Tokens, asked: DateTime<Utc>) -> Tokens {
        let new = Self {
            refresh: self.refresh.or_else(|| old.refresh.clone()),
            scopes: self.scopes.or_else(|| Some(old.scopes.clone())),
            ..self
        };
        new.into_tokens(asked)
    }

    /// The tokens of a first grant. `asked` is when it was asked for, by our own clock, so that
    /// the vendor's may be wrong. Without scopes the vendor did not say which it granted.
    pub fn into_tokens(self, asked: DateTime<Utc>) -> Tokens {
        let lives = self.lives.filter(|lives| !lives.is_zero()).and_then(|lives| TimeDelta::from_std(lives).ok());
        Tokens {
            access: self.access,
            issued: asked,
            refresh: self.refresh,
            expires: lives.and_then(|lives| asked.checked_add_signed(lives)),
            scopes: self.scopes.unwrap_or_default(),
        }
    }
}
