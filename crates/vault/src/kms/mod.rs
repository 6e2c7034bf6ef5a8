//! AWS KMS: the key never leaves it, and data keys are asked for once in a while.

mod cache;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use catchment_aws::{host_signer, keys_signer};
use catchment_core::{Error, ErrorKind, Result, Secret, async_trait};
use futures::FutureExt;
use reqsign_aws_v4::{Credential, RequestSigner};
use reqsign_core::Signer;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::{
    data_key::DataKey,
    envelope::is_id,
    place::Place,
    service::{KeyService, Wrapped},
    vault::refused,
};
use cache::{Cache, Name};
use wire::Wire;

/// In front of the key's name in a header.
const PREFIX: &str = "aws-kms:";

/// How long a data key is used unless given. Random nonces are good for 2^32 secrets under one
/// key, which is ten million in a second for as long as this.
const LIVES: Duration = Duration::from_secs(300);

/// So many data keys are kept.
const MOST: usize = 10_000;

/// A symmetric key in AWS KMS.
///
/// Data keys are made for an organization and used for all its secrets for five minutes, and
/// those that open secrets are kept as long, so that no secret costs a call. So a key that is
/// disabled, or a permission that is taken away, takes effect within five minutes, or at once
/// where the process is restarted. The organization's slug is the encryption context: it binds the
/// data key, stands in the audit trail of the account, and policies can speak of it.
#[derive(Clone)]
pub struct AwsKms {
    inner: Arc<Inner>,
}

struct Inner {
    /// The current one first.
    keys: Vec<String>,
    wire: Wire,
    /// By organization.
    sealing: Cache<Sealing>,
    /// By organization, key and wrapped data key.
    opening: Cache<DataKey>,
    /// Wrapped data keys, by organization and data key: while secrets move to another key.
    moving: Cache<Arc<[u8]>>,
}

/// A data key that seals.
#[derive(Clone)]
struct Sealing {
    data_key: DataKey,
    wrapped: Arc<[u8]>,
}

/// Sets up an [`AwsKms`].
#[must_use]
pub struct AwsKmsBuilder {
    keys: Vec<String>,
    region: Option<String>,
    endpoint: Option<String>,
    credentials: Option<(String, Secret, Option<Secret>)>,
    lives: Duration,
}

impl AwsKms {
    /// Starts with the key to seal under: its id, its ARN, or an alias (`alias/catchment`).
    pub fn builder(key: impl Into<String>) -> AwsKmsBuilder {
        AwsKmsBuilder { keys: vec![key.into()], region: None, endpoint: None, credentials: None, lives: LIVES }
    }
}

impl AwsKmsBuilder {
    /// A key that opens what was sealed before, and seals no more. Nothing is asked of keys that
    /// are not named, whatever a stored header says.
    pub fn older(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// The region. Not needed where the key is an ARN.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Another address than the region's own, for example of a VPC endpoint.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// These credentials instead of the ones this host has (environment, profile, role).
    pub fn credentials(mut self, id: impl Into<String>, secret: Secret, session_token: Option<Secret>) -> Self {
        self.credentials = Some((id.into(), secret, session_token));
        self
    }

    /// How long a data key is used before KMS is asked again, at most an hour; five minutes unless
    /// given.
    pub fn data_keys_live(mut self, time: Duration) -> Self {
        self.lives = time.min(Duration::from_secs(3600));
        self
    }

    /// The key service. Nothing is called yet.
    ///
    /// # Errors
    /// `Config` when a key, the region or the endpoint cannot be one.
    pub fn build(self) -> Result<AwsKms> {
        if self.keys.iter().any(|key| !is_id(&format!("{PREFIX}{key}"))) {
            return Err(Error::config("key", "give the id, the ARN or the alias of a key in AWS KMS"));
        }
        let region = self.region.clone().or_else(|| region_of(&self.keys[0])).unwrap_or_default();
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Error::config("region", "give a region such as eu-central-1, or the ARN of the key"));
        }
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let url = self.endpoint.unwrap_or_else(|| format!("https://kms.{region}.{domain}"));
        // The signature is about a path, and this is what an address without one is sent with.
        let url = format!("{}/", url.trim().trim_end_matches('/'));
        let sign = RequestSigner::new("kms", &region);
        let signer: Signer<Credential> = match self.credentials {
            Some((id, secret, token)) => keys_signer(sign, &id, &secret, token.as_ref()),
            None => host_signer(sign)?,
        };
        Ok(AwsKms {
            inner: Arc::new(Inner {
                keys: self.keys,
                wire: Wire::new(url, signer)?,
                sealing: Cache::new(self.lives, MOST),
                opening: Cache::new(self.lives, MOST),
                moving: Cache::new(self.lives, MOST),
            }),
        })
    }
}

#[async_trait]
impl KeyService for AwsKms {
    fn current(&self) -> String {
        format!("{PREFIX}{}", self.inner.keys[0])
    }

    fn holds(&self, key: &str) -> bool {
        self.inner.known(key).is_some()
    }

    async fn data_key(&self, place: &Place<'_>) -> Result<(DataKey, Wrapped)> {
        let inner = &self.inner;
        let sealing = inner.sealing.get(name(&[place.organization.as_bytes()]), || {
            let (inner, organization) = (Arc::clone(inner), place.organization.to_owned());
            async move {
                let asked = Instant::now();
                let key = &inner.keys[0];
                let (data_key, wrapped) = inner.wire.generate(key, &organization).await?;
                // Whoever seals opens soon after.
                inner.opening.keep(opening(&organization, key, &wrapped), data_key.clone(), asked);
                Ok(Sealing { data_key, wrapped: wrapped.into() })
            }
            .boxed()
        });
        let Sealing { data_key, wrapped } = sealing.await?;
        Ok((data_key, Wrapped { key: self.current(), bytes: wrapped.to_vec() }))
    }

    async fn wrap(&self, place: &Place<'_>, data_key: &DataKey) -> Result<Wrapped> {
        let inner = &self.inner;
        let wrapped = inner.moving.get(name(&[place.organization.as_bytes(), data_key.expose()]), || {
            let (inner, organization) = (Arc::clone(inner), place.organization.to_owned());
            let data_key = data_key.clone();
            async move { inner.wire.encrypt(&inner.keys[0], &organization, &data_key).await.map(Arc::from) }.boxed()
        });
        Ok(Wrapped { key: self.current(), bytes: wrapped.await?.to_vec() })
    }

    async fn unwrap(&self, place: &Place<'_>, key: &str, wrapped: &[u8]) -> Result<DataKey> {
        let inner = &self.inner;
        let known = inner.known(key).ok_or_else(|| {
            let message = format!("the key `{key}` that sealed this is not configured: name it as an older key");
            Error::new(ErrorKind::Config, message).with("key", key)
        })?;
        let opened = inner.opening.get(opening(place.organization, known, wrapped), || {
            let (inner, organization) = (Arc::clone(inner), place.organization.to_owned());
            let (known, wrapped) = (known.to_owned(), wrapped.to_vec());
            async move { inner.wire.decrypt(&known, &organization, &wrapped).await }.boxed()
        });
        opened.await.map_err(|error| match error.get("code") {
            Some(code) if wire::REFUSED.contains(&code) => refused(place).source(error),
            _ => error,
        })
    }
}

impl Inner {
    fn known(&self, key: &str) -> Option<&str> {
        let name = key.strip_prefix(PREFIX)?;
        self.keys.iter().find(|key| *key == name).map(String::as_str)
    }
}

/// What stands for a data key that opens.
fn opening(organization: &str, key: &str, wrapped: &[u8]) -> Name {
    name(&[organization.as_bytes(), key.as_bytes(), wrapped])
}

/// A hash of the parts, each behind its length.
fn name(parts: &[&[u8]]) -> Name {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The region in `arn:aws:kms:eu-central-1:123456789012:key/..`.
fn region_of(key: &str) -> Option<String> {
    let mut parts = key.split(':');
    (parts.next() == Some("arn")).then(|| parts.nth(2).map(str::to_owned)).flatten()
}

impl fmt::Debug for AwsKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsKms").field("keys", &self.inner.keys).finish_non_exhaustive()
    }
}

impl fmt::Debug for AwsKmsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsKmsBuilder").field("keys", &self.keys).field("region", &self.region).finish_non_exhaustive()
    }
}
