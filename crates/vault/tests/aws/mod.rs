//! A key in moto's KMS, and what the key service cannot do to it: make, disable.

use base64::{Engine, engine::general_purpose::STANDARD};
use catchment_client::{Client, Egress};
use catchment_core::{Result, Secret};
use catchment_testkit::backends::{Keys, S3Server};
use catchment_vault::{AwsKms, AwsKmsBuilder};
use reqsign_aws_v4::{RequestSigner, StaticCredentialProvider};
use reqsign_core::Signer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) struct Kms {
    pub(crate) server: S3Server,
}

impl Kms {
    pub(crate) fn start() -> Self {
        Self { server: catchment_testkit::backends::moto() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The id of a new key.
    pub(crate) async fn key(&self) -> String {
        let made = self.call("CreateKey", json!({})).await;
        made["KeyMetadata"]["KeyId"].as_str().expect("an id").to_owned()
    }

    /// Whether these bytes decrypt in KMS with this encryption context.
    pub(crate) async fn decrypts(&self, wrapped: &[u8], context: Value) -> bool {
        let body = json!({ "CiphertextBlob": STANDARD.encode(wrapped), "EncryptionContext": context });
        self.try_call("Decrypt", body).await.is_ok()
    }

    pub(crate) fn service(&self, key: &str) -> AwsKmsBuilder {
        self.service_as(key, &self.server.admin)
    }

    pub(crate) fn service_as(&self, key: &str, keys: &Keys) -> AwsKmsBuilder {
        let secret = Secret::new(keys.secret.as_str());
        AwsKms::builder(key).region("us-east-1").endpoint(self.url()).credentials(&keys.id, secret, None)
    }

    async fn call(&self, operation: &str, body: Value) -> Value {
        self.try_call(operation, body).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    async fn try_call(&self, operation: &str, body: Value) -> Result<Value> {
        let keys = StaticCredentialProvider::new(&self.server.admin.id, &self.server.admin.secret);
        let signer = Signer::new(reqsign_core::Context::new(), keys, RequestSigner::new("kms", "us-east-1"));
        let body = body.to_string();
        let url = format!("{}/", self.url());
        let request = http::Request::post(&url)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("TrentService.{operation}"))
            .header("x-amz-content-sha256", hex::encode(Sha256::digest(&body)));
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        signer.sign(&mut parts, None).await.expect("signed");
        let client = Client::builder("kms-tests").egress(Egress::allow_private()).build()?;
        let mut call = client.post(&url).body("application/x-amz-json-1.1", body);
        for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host" && *name != "content-type") {
            call = call.header(name.as_str(), value.to_str().expect("text"));
        }
        call.send().await?.json()
    }
}
