//! Credentials: the ones in the settings, or the host's own where the operator allows it.

use catchment_aws::{host_signer, keys_signer};
use catchment_core::{Context, Error, ErrorKind, Result};
use reqsign_aws_v4::{Credential, RequestSigner};
use reqsign_core::Signer;

use crate::config::Settings;

/// A signer for these settings; `None` to sign nothing.
pub(crate) fn signer(settings: &Settings, cx: &Context) -> Result<Option<Signer<Credential>>> {
    let filled = |given: &str| !given.trim().is_empty();
    let id = settings.access_key_id.as_deref().filter(|id| filled(id));
    let secret = settings.secret_access_key.as_ref().filter(|secret| filled(secret.expose()));
    let sign = RequestSigner::new("s3", &settings.region);
    if settings.anonymous {
        return match (id, secret) {
            (None, None) => Ok(None),
            _ => Err(Error::config("anonymous", "either leave the keys out or set anonymous to false")),
        };
    }
    match (id, secret) {
        (Some(id), Some(secret)) => {
            let token = settings.session_token.as_ref();
            if token.is_none() && id.trim().starts_with("ASIA") {
                return Err(Error::config(
                    "session_token",
                    "these are temporary keys: give their session token as well",
                ));
            }
            Ok(Some(keys_signer(sign, id, secret, token)))
        }
        (Some(_), None) => Err(Error::config("secret_access_key", "give the secret that belongs to the access key id")),
        (None, Some(_)) => Err(Error::config("access_key_id", "give the access key id that the secret belongs to")),
        (None, None) if cx.host_access => host_signer(sign).map(Some),
        (None, None) => Err(Error::config(
            "access_key_id",
            "give an access key id and its secret, or set anonymous for a public bucket",
        )),
    }
}

/// What it means that nothing could be signed.
pub(crate) fn unsigned(error: reqsign_core::Error) -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "no usable credential: give access_key_id and secret_access_key, set AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, or set anonymous for a public bucket",
    )
    .source(error)
}
