//! Access: which of the ways to sign in the settings mean.

use catchment_auth::oauth::Issued;
use catchment_client::Egress;
use catchment_core::{Error, Result, Secret};

use crate::{config::Settings, endpoint::Endpoint, entra, sas::Sas, signature::Key};

/// How requests show who asks.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// Each is signed with the account's key.
    Key(Key),
    /// Each carries this in its query.
    Sas(Sas),
    /// Each carries a token of the directory.
    Entra(Issued),
    /// Nothing: public containers.
    Anonymous,
}

impl Access {
    pub(crate) fn new(settings: &Settings, endpoint: &Endpoint, egress: &Egress) -> Result<Self> {
        let key = filled(&settings.account_key);
        let sas = filled(&settings.sas_token);
        let secret = filled(&settings.client_secret);
        match (key, sas, secret, settings.anonymous) {
            (Some(key), None, None, false) => Ok(Self::Key(Key::new(&endpoint.account, key)?)),
            (None, Some(sas), None, false) => Ok(Self::Sas(Sas::parse(sas)?)),
            (None, None, Some(secret), false) => {
                Ok(Self::Entra(entra::tokens(settings, secret, endpoint, egress.clone())?))
            }
            (None, None, None, true) => Ok(Self::Anonymous),
            (_, _, _, true) => Err(Error::config("anonymous", "either leave the keys out or set anonymous to false")),
            (None, None, None, false) if settings.client_id.is_some() || settings.tenant_id.is_some() => {
                Err(Error::config("client_secret", "give the secret of the app registration"))
            }
            (None, None, None, false) => Err(Error::config(
                "account_key",
                "give a key, a sas_token, or tenant_id, client_id and client_secret; or set anonymous for a public \
                 container",
            )),
            (_, Some(_), _, _) => Err(Error::config("sas_token", "give one way to sign in: leave the others out")),
            _ => Err(Error::config("account_key", "give one way to sign in: leave the others out")),
        }
    }

    /// What it is, for a person.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Key(_) => "account key",
            Self::Sas(_) => "shared access signature",
            Self::Entra(_) => "app registration",
            Self::Anonymous => "none: public",
        }
    }

    /// The setting that is at fault if it is not accepted.
    pub(crate) fn field(&self) -> &'static str {
        match self {
            Self::Key(_) => "account_key",
            Self::Sas(_) => "sas_token",
            Self::Entra(_) => "client_secret",
            Self::Anonymous => "anonymous",
        }
    }
}

fn filled(secret: &Option<Secret>) -> Option<&Secret> {
    secret.as_ref().filter(|secret| !secret.expose().trim().is_empty())
}
