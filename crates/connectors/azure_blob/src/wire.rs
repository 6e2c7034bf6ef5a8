//! Calls: made, signed and sent.

use std::{sync::Arc, time::Duration};

use catchment_client::{Call, Client, Download, Egress, Method};
use catchment_core::{Context, Error, ErrorKind, Result};
use catchment_object_store::quoted;
use uuid::Uuid;

use crate::{
    access::Access,
    config::Settings,
    endpoint::Endpoint,
    errors,
    signature::Signed,
    xml::{self, Blob, List},
};

/// The language spoken. Names that XML cannot hold come encoded since 2021-02-12.
pub(crate) const VERSION: &str = "2021-10-04";

/// The calls to one container.
#[derive(Debug)]
pub(crate) struct Wire {
    client: Client,
    endpoint: Endpoint,
    container: String,
    access: Arc<Access>,
    /// Whether the address is one that a person gave.
    custom: bool,
}

impl Wire {
    pub(crate) fn new(settings: &Settings, container: &str, cx: &Context) -> Result<Self> {
        let endpoint = Endpoint::new(settings)?;
        let egress = if cx.private_network { Egress::allow_private() } else { Egress::public_only() };
        let access = Arc::new(Access::new(settings, &endpoint, &egress)?);
        let sees = Arc::clone(&access);
        let mut builder = Client::builder("azure_blob")
            // An account that asks for a pause asks for nobody else.
            .tenant(format_args!("{} {}", cx.tenant, endpoint.account_url()))
            .base(endpoint.account_url())
            .egress(egress)
            .header("x-ms-version", VERSION)
            .classify(move |head, body| errors::classify(&sees, head, body))
            .attempts(5)
            .idle(Duration::from_secs(60));
        match &*access {
            Access::Entra(issued) => builder = builder.authorize(Arc::new(issued.clone())),
            // In a query; traces leave it out by its name, and this by its value.
            Access::Sas(sas) => builder = builder.redact(sas.signature()),
            Access::Key(_) | Access::Anonymous => {}
        }
        let custom = settings.url.is_some();
        Ok(Self { client: builder.build()?, endpoint, container: container.to_owned(), access, custom })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// One page of List Blobs.
    pub(crate) async fn list(&self, query: &[(&str, &str)]) -> Result<List> {
        // Metadata says which blobs stand for directories.
        let mut all = vec![("restype", "container"), ("comp", "list"), ("include", "metadata")];
        all.extend(query);
        let target = self.endpoint.container(&self.container, &all);
        let call = self.signed(Method::GET, &target, "", "")?.header("accept", "application/xml");
        let response = call.send().await.map_err(|error| self.explained(error))?;
        xml::list(response.bytes()).map_err(|error| self.explained(error))
    }

    /// What a list would say of one blob.
    pub(crate) async fn head(&self, name: &str) -> Result<Blob> {
        let target = self.endpoint.blob(&self.container, name);
        // As a stream, since the size of a blob that is stored encoded is that of what is stored.
        let answer = self.signed(Method::HEAD, &target, "", "")?.stream().await;
        let answer = answer.map_err(|error| self.explained(error))?;
        let text = |name: &str| answer.head.header(name).map(str::trim).filter(|text| !text.is_empty());
        let is = |name: &str, value: &str| text(name).is_some_and(|text| text.eq_ignore_ascii_case(value));
        if text("x-ms-blob-type").is_none() {
            let error = Error::protocol("what is here is no blob: check url, it may be the address of something else");
            return Err(self.explained(error));
        }
        Ok(Blob {
            name: name.to_owned(),
            size: text("content-length").and_then(|size| size.parse().ok()),
            etag: text("etag").and_then(quoted),
            modified: text("last-modified").and_then(xml::http_date),
            created: text("x-ms-creation-time").and_then(xml::http_date),
            mime: text("content-type").map(str::to_owned),
            md5: text("content-md5").map(str::to_owned),
            tier: text("x-ms-access-tier").map(str::to_owned),
            thawing: text("x-ms-archive-status").is_some(),
            directory: is("x-ms-meta-hdi_isfolder", "true") || is("x-ms-resource-type", "directory"),
            locked: text("x-ms-encryption-key-sha256").is_some(),
            ..Blob::default()
        })
    }

    /// A blob's bytes, from `from` until before `until`. With an ETag, of that version only.
    pub(crate) async fn get(&self, name: &str, etag: Option<&str>, from: u64, until: Option<u64>) -> Result<Download> {
        let target = self.endpoint.blob(&self.container, name);
        let range = match (from, until) {
            (0, None) => String::new(),
            (from, None) => format!("bytes={from}-"),
            (from, Some(until)) => format!("bytes={from}-{}", until - 1),
        };
        let mut call = self.signed(Method::GET, &target, etag.unwrap_or_default(), &range)?;
        call = match until {
            Some(until) => call.range(from..until),
            None => call.range(from..),
        };
        call.stream().await.map_err(|error| self.explained(error))
    }

    /// A call with whatever shows who asks. The client may repeat it: a signature is good for 15
    /// minutes.
    fn signed(&self, method: Method, target: &str, if_match: &str, range: &str) -> Result<Call> {
        let id = Uuid::new_v4().to_string();
        let mut address = format!("{}{target}", self.endpoint.origin());
        if let Access::Sas(sas) = &*self.access {
            address.push(if target.contains('?') { '&' } else { '?' });
            address.push_str(sas.query().expose());
        }
        let mut call = self.client.call(method.clone(), address).header("x-ms-client-request-id", &id);
        if !if_match.is_empty() {
            call = call.header("if-match", if_match);
        }
        if let Access::Key(key) = &*self.access {
            let date = httpdate::fmt_http_date(std::time::SystemTime::now());
            let headers =
                vec![("x-ms-client-request-id", id.as_str()), ("x-ms-date", &date), ("x-ms-version", VERSION)];
            let signature = key.sign(&Signed { method: method.as_str(), if_match, range, headers, target })?;
            call = call.header("x-ms-date", &date).secret_header("authorization", &signature);
        }
        Ok(call)
    }

    /// An error of the network names the setting that may be wrong.
    fn explained(&self, error: Error) -> Error {
        let network = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol);
        if network && error.get("field").is_none() && error.get("code").is_none() {
            let field = if self.custom { "url" } else { "account_name" };
            return error.with("field", field).with("endpoint", self.endpoint.origin());
        }
        error
    }
}
