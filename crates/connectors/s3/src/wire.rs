//! Calls: signed, sent, and once more to the right region.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use catchment_client::{Call, Client, Download, Egress};
use catchment_core::{Context, Error, ErrorKind, Result, Secret};
use http::{Method, header};
use reqsign_aws_v4::{Credential, RequestSigner};
use reqsign_core::Signer;

use crate::{
    config::Settings,
    credentials,
    customer_key::{CustomerKey, KEY},
    endpoint::{Endpoint, Target, is_region},
    errors::{self, REGION},
    xml::{self, List},
};

/// SHA-256 of nothing: the body of every call made here.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Which version of an object is meant: the one of an ETag, or of a version id. A version id names it
/// even when it is no longer the latest, in a bucket that keeps versions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Version<'a> {
    pub(crate) etag: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
}

/// The calls to one bucket.
#[derive(Debug)]
pub(crate) struct Wire {
    client: Client,
    settings: Settings,
    customer_key: Option<CustomerKey>,
    /// Replaced once the store has said in which region the bucket is.
    place: RwLock<Arc<Place>>,
}

#[derive(Debug)]
struct Place {
    endpoint: Endpoint,
    region: String,
    signer: Option<Signer<Credential>>,
}

impl Wire {
    pub(crate) fn new(settings: Settings, cx: &Context) -> Result<Self> {
        let egress = if cx.private_network { Egress::allow_private() } else { Egress::public_only() };
        let region = settings.region.trim().to_owned();
        if !is_region(&region) {
            return Err(Error::config(
                "region",
                "give a region such as eu-central-1; many other stores take us-east-1",
            ));
        }
        let endpoint = Endpoint::new(&settings, &region)?;
        let customer_key = settings.customer_key.as_ref().map(CustomerKey::new).transpose()?;
        let client = Client::builder("s3")
            // A bucket that asks for a pause asks for nobody else.
            .tenant(format_args!("{} {} {}", cx.tenant, endpoint.origin(), settings.bucket_name))
            .egress(egress)
            .classify(errors::classify)
            .attempts(5)
            .idle(Duration::from_secs(60))
            .build()?;
        let signer = credentials::signer(&settings, cx)?;
        Ok(Self { client, settings, customer_key, place: RwLock::new(Arc::new(Place { endpoint, region, signer })) })
    }

    /// Host and region, for a person.
    pub(crate) fn whereabouts(&self) -> (String, String) {
        let place = self.place();
        (place.endpoint.origin().to_owned(), place.region.clone())
    }

    /// One page of ListObjectsV2.
    pub(crate) async fn list(&self, query: &[(&str, &str)]) -> Result<List> {
        let response = match self.send_list(&self.place(), query).await {
            Err(error) if self.move_to_region_of(&error) => self.send_list(&self.place(), query).await?,
            other => other?,
        };
        xml::list(response.bytes()).map_err(|error| self.explained(error))
    }

    async fn send_list(&self, place: &Place, query: &[(&str, &str)]) -> Result<catchment_client::Response> {
        let mut all = vec![("list-type", "2"), ("encoding-type", "url")];
        all.extend(query);
        // Signature V4 wants the parameters in order.
        all.sort_unstable();
        let restore = ("x-amz-optional-object-attributes", "RestoreStatus");
        let call = self.signed(place, Method::GET, &place.endpoint.bucket(&all), &[restore]).await?;
        call.header("accept", "application/xml").send().await.map_err(|error| self.explained(error))
    }

    /// An object's bytes, from `from` until before `until`.
    pub(crate) async fn get(&self, key: &str, version: Version<'_>, from: u64, until: Option<u64>) -> Result<Download> {
        let once = || async {
            let place = self.place();
            let target = place.endpoint.object(key, version.id)?;
            match self.send_get(&place, &target, version.etag, from, until).await {
                // Most stores sign what they have decoded, some what was sent.
                Err(error) if target.signed != target.sent && error.get("code") == Some("SignatureDoesNotMatch") => {
                    let target = Target { signed: target.sent.clone(), ..target };
                    self.send_get(&place, &target, version.etag, from, until).await
                }
                other => other,
            }
        };
        match once().await {
            Err(error) if self.move_to_region_of(&error) => once().await,
            other => other,
        }
    }

    async fn send_get(
        &self,
        place: &Place,
        target: &Target,
        etag: Option<&str>,
        from: u64,
        until: Option<u64>,
    ) -> Result<Download> {
        let mut extra: Vec<_> = self.customer_key.iter().flat_map(CustomerKey::headers).collect();
        // Of a part there is none.
        extra.extend((from == 0 && until.is_none()).then_some(("x-amz-checksum-mode", "ENABLED")));
        let mut call = self.signed(place, Method::GET, target, &extra).await?;
        if let Some(etag) = etag {
            call = call.header("if-match", etag);
        }
        let sent = match until {
            Some(until) => call.range(from..until).stream().await,
            None if from > 0 => call.range(from..).stream().await,
            None => call.stream().await,
        };
        sent.map_err(|error| self.explained(error))
    }

    /// A call with its signature. The client may repeat it: a signature is good for 15 minutes.
    async fn signed(&self, place: &Place, method: Method, target: &Target, extra: &[(&str, &str)]) -> Result<Call> {
        let call = self.client.call(method.clone(), &target.sent);
        let mut request = http::Request::builder().method(method).uri(&target.signed);
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        if self.settings.requester_pays {
            request = request.header("x-amz-request-payer", "requester");
        }
        let request = match &place.signer {
            Some(_) => request.header("x-amz-content-sha256", EMPTY),
            None => request,
        };
        let request = request.body(()).map_err(|error| Error::internal("cannot make the request").source(error))?;
        let (mut parts, ()) = request.into_parts();
        if let Some(signer) = &place.signer {
            signer.sign(&mut parts, None).await.map_err(credentials::unsigned)?;
        }
        let mut call = call;
        for (name, value) in &parts.headers {
            if *name == header::HOST {
                continue;
            }
            let value = value.to_str().map_err(|_| {
                Error::config("session_token", "a line break or another odd character stands in a key: paste it again")
            })?;
            let secret = *name == header::AUTHORIZATION || *name == "x-amz-security-token" || *name == KEY;
            call = if secret {
                call.secret_header(name.as_str(), &Secret::new(value))
            } else {
                call.header(name.as_str(), value)
            };
        }
        Ok(call)
    }

    fn place(&self) -> Arc<Place> {
        Arc::clone(&self.place.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// After an error that names another region: whether it is worth trying there.
    fn move_to_region_of(&self, error: &Error) -> bool {
        let Some(region) = error.get(REGION) else { return false };
        let mut place = self.place.write().unwrap_or_else(PoisonError::into_inner);
        let Ok(endpoint) = Endpoint::new(&self.settings, region) else { return false };
        if place.region == region && place.endpoint == endpoint {
            // Somebody else has moved in the meantime; if not, moving does not help.
            return self.settings.region.trim() != region;
        }
        let signer = place.signer.clone().map(|signer| signer.with_request_signer(RequestSigner::new("s3", region)));
        *place = Arc::new(Place { endpoint, region: region.to_owned(), signer });
        true
    }

    /// An error of the network names the setting that may be wrong.
    fn explained(&self, error: Error) -> Error {
        let network = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol);
        if network && error.get("field").is_none() && error.get("code").is_none() {
            let field = if self.settings.url.is_some() { "url" } else { "region" };
            return error.with("field", field).with("endpoint", self.place().endpoint.origin());
        }
        error
    }
}
