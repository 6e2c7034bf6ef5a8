//! Calls to AWS KMS: its JSON protocol, signed.
//!
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html>

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use catchment_client::{Client, Egress, ResponseHead};
use catchment_core::{Error, ErrorKind, Result, Secret};
use http::{Method, header};
use reqsign_aws_v4::Credential;
use reqsign_core::Signer;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::data_key::DataKey;

/// A fault of the sealed bytes, not of the service.
pub(crate) const REFUSED: [&str; 2] = ["InvalidCiphertextException", "IncorrectKeyException"];

#[derive(Debug)]
pub(crate) struct Wire {
    client: Client,
    url: String,
    signer: Signer<Credential>,
}

/// Bound to what is encrypted, and written into the account's audit trail.
#[derive(Serialize)]
struct Scope<'a> {
    catchment: &'static str,
    organization: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    key_id: &'a str,
    encryption_context: Scope<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_spec: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_blob: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Generated {
    plaintext: Secret,
    ciphertext_blob: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encrypted {
    ciphertext_blob: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypted {
    plaintext: Secret,
}

impl Wire {
    pub(crate) fn new(url: String, signer: Signer<Credential>) -> Result<Self> {
        let client = Client::builder("aws-kms")
            // The operator chose the address; it is often one inside a private network.
            .egress(Egress::allow_private())
            .classify(classify)
            .deadline(Duration::from_secs(15))
            .answer_within(Duration::from_secs(5))
            .attempts(4)
            .cap(64 * 1024)
            .build()?;
        Ok(Self { client, url, signer })
    }

    /// A new data key, and the same encrypted.
    pub(crate) async fn generate(&self, key: &str, organization: &str) -> Result<(DataKey, Vec<u8>)> {
        let request = Request { key_spec: Some("AES_256"), ..Request::new(key, organization) };
        let answer: Generated = self.call("TrentService.GenerateDataKey", &request).await?;
        Ok((data_key(&answer.plaintext)?, blob(&answer.ciphertext_blob)?))
    }

    pub(crate) async fn encrypt(&self, key: &str, organization: &str, data_key: &DataKey) -> Result<Vec<u8>> {
        let plaintext = Zeroizing::new(STANDARD.encode(data_key.expose()));
        let request = Request { plaintext: Some(&plaintext), ..Request::new(key, organization) };
        let answer: Encrypted = self.call("TrentService.Encrypt", &request).await?;
        blob(&answer.ciphertext_blob)
    }

    pub(crate) async fn decrypt(&self, key: &str, organization: &str, wrapped: &[u8]) -> Result<DataKey> {
        let ciphertext = STANDARD.encode(wrapped);
        let request = Request { ciphertext_blob: Some(&ciphertext), ..Request::new(key, organization) };
        let answer: Decrypted = self.call("TrentService.Decrypt", &request).await?;
        data_key(&answer.plaintext)
    }

    /// None of these calls changes anything, so all may be repeated.
    async fn call<T: DeserializeOwned>(&self, target: &str, request: &Request<'_>) -> Result<T> {
        const JSON: &str = "application/x-amz-json-1.1";
        let body = serde_json::to_vec(request)
            .map_err(|error| Error::internal("the request cannot be written as JSON").source(error))?;
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(&self.url)
            .header(header::CONTENT_TYPE, JSON)
            .header("x-amz-target", target)
            .header("x-amz-content-sha256", hex::encode(Sha256::digest(&body)))
            .body(())
            .map_err(|error| Error::internal("cannot make the request").source(error))?;
        let (mut parts, ()) = request.into_parts();
        self.signer.sign(&mut parts, None).await.map_err(unsigned)?;
        let mut call = self.client.post(&self.url).body(JSON, body).idempotent(true);
        for (name, value) in &parts.headers {
            if *name == header::HOST || *name == header::CONTENT_TYPE {
                continue;
            }
            let value = value.to_str().map_err(|_| {
                Error::config("credentials", "a line break or another odd character stands in a key: paste it again")
            })?;
            call = call.secret_header(name.as_str(), &Secret::new(value));
        }
        call.send().await?.json()
    }
}

impl<'a> Request<'a> {
    fn new(key_id: &'a str, organization: &'a str) -> Self {
        let encryption_context = Scope { catchment: "vault", organization };
        Self { key_id, encryption_context, key_spec: None, plaintext: None, ciphertext_blob: None }
    }
}

fn data_key(text: &Secret) -> Result<DataKey> {
    let bytes = STANDARD.decode(text.expose()).map(Zeroizing::new).ok();
    bytes
        .and_then(|bytes| DataKey::from_slice(&bytes))
        .ok_or_else(|| Error::protocol("AWS KMS gave a data key of another length than was asked for"))
}

fn blob(text: &str) -> Result<Vec<u8>> {
    let bytes = STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty() && bytes.len() <= usize::from(u16::MAX));
    bytes.ok_or_else(|| Error::protocol("AWS KMS gave an encrypted data key that cannot be kept"))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html>
fn classify(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    #[derive(Deserialize)]
    struct Fault {
        #[serde(rename = "__type")]
        code: String,
    }

    if head.status.is_success() {
        return None;
    }
    let fault: Fault = serde_json::from_slice(body).ok()?;
    // Some services put a namespace in front.
    let code = fault.code.rsplit('#').next().unwrap_or_default();
    let (kind, message) = match code {
        "AccessDeniedException" | "AccessDenied" => (
            ErrorKind::Forbidden,
            "AWS KMS does not let this program use the key: grant it kms:GenerateDataKey, kms:Encrypt and kms:Decrypt",
        ),
        "NotFoundException" => {
            (ErrorKind::Config, "AWS KMS knows no such key in this region: correct the key or the region")
        }
        "DisabledException" | "KMSInvalidStateException" | "InvalidKeyUsageException" => (
            ErrorKind::Config,
            "the key in AWS KMS is disabled, about to be deleted or of another kind: enable a symmetric encryption key",
        ),
        "InvalidCiphertextException" | "IncorrectKeyException" => {
            (ErrorKind::Config, "AWS KMS does not decrypt this: it was changed, or encrypted for something else")
        }
        "ThrottlingException" | "LimitExceededException" => {
            (ErrorKind::RateLimited, "AWS KMS asks for fewer calls: wait, or have the account's limit raised")
        }
        "KeyUnavailableException" | "DependencyTimeoutException" | "KMSInternalException" => {
            (ErrorKind::Unavailable, "AWS KMS is not available at the moment: try again later")
        }
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "ExpiredTokenException"
        | "MissingAuthenticationTokenException" => {
            (ErrorKind::Unauthenticated, "AWS KMS does not accept the credentials: correct them, or the clock")
        }
        _ => return None,
    };
    Some(Error::new(kind, message).with("code", code))
}

/// What it means that nothing could be signed.
fn unsigned(error: reqsign_core::Error) -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "no usable credential for AWS KMS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with \
         AWS_PROFILE, or give this host a role",
    )
    .source(error)
}
