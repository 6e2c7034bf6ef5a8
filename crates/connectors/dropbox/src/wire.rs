//! Calls: made and sent.

use std::time::Duration;

use catchment_client::{Call, Client, Download, Egress};
use catchment_core::{Context, Error, ErrorKind, Result, Secret};
use serde::{Serialize, de::DeserializeOwned};

use crate::{config::Settings, endpoints::Endpoints, errors, header};

/// What paths are below: the value of `Dropbox-API-Path-Root`. Without one, what the account has
/// for its own.
pub(crate) type PathRoot = Option<String>;

/// Longer than a long poll can take: 480 seconds, and up to 90 that Dropbox adds.
const LATE: Duration = Duration::from_secs(600);

/// The calls of one connection. All of them only read, so each may be sent twice.
#[derive(Debug)]
pub(crate) struct Wire {
    client: Client,
    /// For the one call that is answered late, and without a credential.
    notify: Client,
    endpoints: Endpoints,
    /// Whether the token was pasted.
    pasted: bool,
    /// Whether the address is one that a person gave.
    custom: bool,
    /// The team's member who is spoken for.
    member: Option<String>,
}

impl Wire {
    pub(crate) fn new(settings: &Settings, cx: &Context) -> Result<Self> {
        let custom = settings.url.as_deref().is_some_and(|url| !url.trim().is_empty());
        let endpoints = Endpoints::new(settings.url.as_deref(), settings.allow_http)?;
        let member = settings.member.as_deref().map(str::trim).filter(|member| !member.is_empty()).map(str::to_owned);
        if member.as_deref().is_some_and(|member| !member.starts_with("dbmid:")) {
            return Err(Error::config("member", "give the id of the team's member, which begins with dbmid:"));
        }
        let egress = if cx.private_network { Egress::allow_private() } else { Egress::public_only() };
        let builder = |base: &str| {
            Client::builder("dropbox")
                // Limits are kept for each user of an app.
                .tenant(format_args!("{} {}", cx.tenant, cx.integration))
                .base(base)
                .egress(egress.clone())
                .classify(errors::classify)
                .attempts(5)
                .idle(Duration::from_secs(60))
        };
        let notify = builder(&endpoints.notify).answer_within(LATE).deadline(LATE).build()?;
        let mut builder = builder(&endpoints.api).trusted_host(endpoints.content_host());
        match &settings.access_token {
            Some(token) => {
                let token = token.expose().trim();
                if token.is_empty() {
                    return Err(Error::config(
                        "access_token",
                        "paste the token, or leave the field out to consent at Dropbox",
                    ));
                }
                builder = builder.secret_header("authorization", &Secret::new(format!("Bearer {token}")));
            }
            None => builder = builder.authorize(cx.need_grant()?),
        }
        let pasted = settings.access_token.is_some();
        Ok(Self { client: builder.build()?, notify, endpoints, pasted, custom, member })
    }

    /// A call of JSON for JSON.
    pub(crate) async fn rpc<T: DeserializeOwned>(
        &self,
        route: &str,
        argument: &(impl Serialize + Sync),
        root: &PathRoot,
    ) -> Result<T> {
        let call = self.client.post(format!("2/{route}")).json(argument).idempotent(true);
        self.sent(self.on_behalf(call, root)).await
    }

    /// The same about the team as a whole, for nobody in it.
    pub(crate) async fn team<T: DeserializeOwned>(&self, route: &str, argument: &(impl Serialize + Sync)) -> Result<T> {
        self.sent(self.client.post(format!("2/{route}")).json(argument).idempotent(true)).await
    }

    async fn sent<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let response = call.send().await.map_err(|error| self.explained(error))?;
        response.json().map_err(|error| self.explained(error))
    }

    /// A call that is answered when there is something to say. It takes no credential.
    pub(crate) async fn notified<T: DeserializeOwned>(
        &self,
        route: &str,
        argument: &(impl Serialize + Sync),
    ) -> Result<T> {
        self.sent(self.notify.post(format!("2/{route}")).json(argument).idempotent(true)).await
    }

    /// A call whose answer is content, from `from` until before `until`.
    pub(crate) async fn content(
        &self,
        route: &str,
        argument: &(impl Serialize + Sync),
        root: &PathRoot,
        from: u64,
        until: Option<u64>,
    ) -> Result<Download> {
        let call = self
            .client
            .post(format!("{}/2/{route}", self.endpoints.content))
            .header(header::ARG, header::json(argument)?)
            // The argument stands in the header: the body has to be empty.
            .header("content-length", "0")
            .idempotent(true);
        let call = match until {
            Some(until) => call.range(from..until),
            None => call.range(from..),
        };
        self.on_behalf(call, root).stream().await.map_err(|error| self.explained(error))
    }

    /// Says below which root, and for whom.
    fn on_behalf(&self, mut call: Call, root: &PathRoot) -> Call {
        if let Some(root) = root {
            call = call.header("dropbox-api-path-root", root);
        }
        match &self.member {
            Some(member) => call.header("dropbox-api-select-user", member),
            None => call,
        }
    }

    /// An error names the setting that may be wrong.
    fn explained(&self, error: Error) -> Error {
        if error.get("field").is_some() {
            return error;
        }
        match error.kind() {
            ErrorKind::Unauthenticated if self.pasted => error.with("field", "access_token"),
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol
                if self.custom && error.get("code").is_none() =>
            {
                error.with("field", "url")
            }
            _ => error,
        }
    }
}
