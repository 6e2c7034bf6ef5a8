#![doc = include_str!("../README.md")]

mod host;

use catchment_core::{Result, Secret};
use reqsign_aws_v4::{Credential, DefaultCredentialProvider, RequestSigner, StaticCredentialProvider};
use reqsign_core::{Context, OsEnv, Signer};

/// Signs with these keys. Pasted keys bring spaces and line ends along, which are left out. The
/// session token belongs to temporary keys.
pub fn keys_signer(
    sign: RequestSigner,
    id: &str,
    secret: &Secret,
    session_token: Option<&Secret>,
) -> Signer<Credential> {
    let mut keys = StaticCredentialProvider::new(id.trim(), secret.expose().trim());
    if let Some(token) = session_token {
        keys = keys.with_session_token(token.expose().trim());
    }
    Signer::new(Context::new(), keys, sign)
}

/// Signs with what the environment, a profile or the role of this host gives. Nothing is looked
/// for before the first request is signed.
pub fn host_signer(sign: RequestSigner) -> Result<Signer<Credential>> {
    let host = Context::new().with_env(OsEnv).with_file_read(host::Files).with_http_send(host::metadata()?);
    let keys = DefaultCredentialProvider::builder().no_process().build();
    Ok(Signer::new(host, keys, sign))
}
