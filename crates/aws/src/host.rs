//! What the search for credentials may use of this host: profile files and metadata services.

use std::time::Duration;

use bytes::Bytes;
use catchment_client::{Client, Egress};
use catchment_core::{Error, Result};
use reqsign_core::{FileRead, HttpSend};

/// The metadata services answer at once or not at all.
const METADATA_WITHIN: Duration = Duration::from_secs(2);

/// Reads the profile files.
#[derive(Debug)]
pub(crate) struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
        let read = read.map_err(|_| reqsign_core::Error::unexpected("reading the file was stopped"))?;
        read.map_err(|error| reqsign_core::Error::config_invalid("cannot read the file").with_source(error))
    }
}

/// Asks the metadata services of the host, and the token service for roles.
#[derive(Debug)]
pub(crate) struct Metadata(Client);

pub(crate) fn metadata() -> Result<Metadata> {
    // Only here, where the operator lends the credentials of the host, are these addresses open.
    let egress = Egress::allow_private().allow_net("169.254.169.254/32")?.allow_net("169.254.170.0/24")?;
    let client = Client::builder("aws-credentials").egress(egress.allow_net("fd00:ec2::/32")?).attempts(1);
    Ok(Metadata(client.deadline(Duration::from_secs(10)).build()?))
}

impl HttpSend for Metadata {
    async fn http_send(&self, request: http::Request<Bytes>) -> reqsign_core::Result<http::Response<Bytes>> {
        let failed =
            |error: Error| reqsign_core::Error::unexpected("the credential service does not answer").with_source(error);
        let (parts, body) = request.into_parts();
        let local = parts.uri.host().is_some_and(|host| host.starts_with("169.254.") || host.starts_with("[fd00:"));
        let mut call = self.0.call(parts.method, parts.uri.to_string()).idempotent(true);
        if local {
            call = call.deadline(METADATA_WITHIN);
        }
        for (name, value) in &parts.headers {
            if *name == http::header::CONTENT_LENGTH {
                continue;
            }
            let value = value.to_str().map_err(|_| reqsign_core::Error::unexpected("a header is not text"))?;
            call = call.secret_header(name.as_str(), &value.into());
        }
        if !body.is_empty() {
            let content_type = parts.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            call = call.body(content_type.unwrap_or("application/octet-stream"), body);
        }
        let answer = call.send().await.map_err(failed)?;
        let mut response = http::Response::new(answer.bytes().clone());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.head().headers.clone();
        Ok(response)
    }
}
