//! `GET /api/integrations`, `.../connected` and `.../{vendor}`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use catchment_core::{AuthMethod, Manifest};
use catchment_store::{Integration, Scoped, Status};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::own::{all_of, meant, own};
use crate::{
    extract::{Caller, Query, VendorId},
    kept::{Part, Which},
    oauth::missing,
    problem::{Problem, Result},
    routes::integrations::AccountView,
    state::App,
};

/// Whose catalogue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    organization_slug: Option<String>,
}

/// A vendor, and how the caller stands with it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CatalogueEntry)]
pub(crate) struct Listed<'a> {
    /// The vendor's id.
    #[serde(rename = "type")]
    #[schema(example = "google_drive")]
    vendor: &'a str,
    /// What the vendor calls itself.
    #[schema(example = "Google Drive")]
    name: &'a str,
    /// One sentence.
    description: &'a str,
    /// A small picture as SVG markup.
    icon: &'a str,
    /// Whether a person consents on the vendor's page, unless the settings sign in otherwise.
    requires_oauth: bool,
    /// The ways to sign in: `none`, `keys`, `oauth2`, `service_account`.
    #[schema(value_type = Vec<String>)]
    sign_in: &'a [AuthMethod],
    /// How the caller's integration with it stands.
    status: Standing,
    /// When that was last brought in step with its source.
    last_sync: Option<DateTime<Utc>>,
    /// What its connectors can do.
    capabilities: Vec<&'static str>,
    /// The scopes that a consent asks for.
    scopes: &'a [&'static str],
    /// More about the caller's integration, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<Connection<'a>>,
}

/// How the caller stands with a vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Standing)]
pub(crate) enum Standing {
    /// It works, as far as is known.
    Connected,
    /// There is no integration, or a person disconnected it.
    Disconnected,
    /// It failed; see `last_error`.
    Error,
    /// Its credential has run out: connect again.
    Expired,
    /// The vendor withdrew its credential: connect again.
    Revoked,
}

/// The caller's integration with a vendor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(crate) struct Connection<'a> {
    /// Its id.
    id: i64,
    /// What the person calls it.
    name: &'a str,
    /// Who is connected.
    account: Option<AccountView<'a>>,
    /// Since when.
    connected_at: Option<DateTime<Utc>>,
    /// The scopes that were granted.
    granted_scopes: &'a [String],
    /// The scopes that were asked for and not granted.
    missing_scopes: Vec<String>,
    /// When the token ends. It is refreshed before that, if the vendor allows.
    token_expiry: Option<DateTime<Utc>>,
    /// When the vendor last answered.
    last_used: Option<DateTime<Utc>>,
    /// Failures since the last success.
    error_count: u32,
    /// What the last failure said.
    last_error: Option<&'a str>,
}

/// A vendor with its form.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Vendor)]
pub(crate) struct WithForm<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    /// The JSON Schema of its settings, from which a form can be drawn; secrets are `writeOnly`.
    #[schema(value_type = Object)]
    config_schema: Value,
}

impl From<Option<Status>> for Standing {
    fn from(status: Option<Status>) -> Self {
        match status {
            Some(Status::Active) => Self::Connected,
            Some(Status::Disconnected) | None => Self::Disconnected,
            Some(Status::Expired) => Self::Expired,
            Some(Status::Revoked) => Self::Revoked,
            Some(Status::Error) => Self::Error,
        }
    }
}

impl<'a> Listed<'a> {
    fn new(manifest: &'a Manifest, own: Option<&'a Integration>) -> Self {
        let scopes = manifest.oauth.map_or(&[] as &[_], |oauth| oauth.scopes);
        Self {
            vendor: manifest.id,
            name: manifest.name,
            description: manifest.description,
            icon: manifest.icon,
            requires_oauth: manifest.oauth.is_some(),
            sign_in: manifest.auth,
            status: own.map(|own| own.status).into(),
            last_sync: own.and_then(|own| own.last_sync),
            capabilities: manifest.capabilities.names().collect(),
            scopes,
            integration: own.map(|own| Connection::new(own, scopes)),
        }
    }
}

impl<'a> Connection<'a> {
    fn new(own: &'a Integration, scopes: &[&'static str]) -> Self {
        let grant = own.grant.as_ref();
        let granted = grant.map_or(&[] as &[String], |grant| &grant.scopes);
        Self {
            id: own.id.0,
            name: &own.name,
            account: own.account.as_ref().map(AccountView::from),
            connected_at: own.connected_at,
            granted_scopes: granted,
            missing_scopes: missing(scopes, granted),
            token_expiry: grant.and_then(|grant| grant.expires),
            last_used: own.last_used,
            error_count: own.errors,
            last_error: own.last_error.as_deref(),
        }
    }
}

/// Every vendor of this server, and how the caller stands with each.
#[utoipa::path(
    get, path = "/api/integrations", tag = "vendors",
    params(
        ("organization_slug" = Option<String>, Query, description = "The caller's organization. May be left out"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the list that is known"),
    ),
    responses(
        (status = 200, description = "The vendors", body = [Listed], headers(
            ("ETag" = String, description = "Names this list, for If-None-Match"),
        )),
        (status = 304, description = "The list is the one that is known"),
        (status = 404, description = "Another organization"),
    ),
)]
pub(crate) async fn catalogue(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(whose): Query<Whose>,
    headers: HeaderMap,
) -> Result<Response> {
    answer(&app, &caller, &whose, &headers, false).await
}

/// The vendors that the caller is connected to.
#[utoipa::path(
    get, path = "/api/integrations/connected", tag = "vendors",
    params(
        ("organization_slug" = Option<String>, Query, description = "The caller's organization. May be left out"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the list that is known"),
    ),
    responses(
        (status = 200, description = "The vendors", body = [Listed], headers(
            ("ETag" = String, description = "Names this list, for If-None-Match"),
        )),
        (status = 304, description = "The list is the one that is known"),
        (status = 404, description = "Another organization"),
    ),
)]
pub(crate) async fn connected(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(whose): Query<Whose>,
    headers: HeaderMap,
) -> Result<Response> {
    answer(&app, &caller, &whose, &headers, true).await
}

/// A vendor, how the caller stands with it, and the form of its settings.
#[utoipa::path(
    get, path = "/api/integrations/{vendor}", tag = "vendors",
    params(
        ("vendor" = String, Path, description = "The vendor's id", example = "google_drive"),
        ("organization_slug" = Option<String>, Query, description = "The caller's organization. May be left out"),
    ),
    responses((status = 200, description = "The vendor", body = WithForm)),
)]
pub(crate) async fn vendor(
    State(app): State<Arc<App>>,
    caller: Caller,
    VendorId(vendor): VendorId,
    Query(whose): Query<Whose>,
) -> Result<Response> {
    caller.within(whose.organization_slug.as_deref())?;
    let manifest = app
        .registry
        .manifest(&vendor)
        .map_err(|_| Problem::not_found("no such integration type: GET /api/integrations lists those there are"))?;
    let scoped = app.store.scoped(caller.scope_of(None)?);
    let own = own(&scoped, manifest.id, None).await?;
    let config_schema = app.registry.schema(manifest.id)?.to_value();
    let listed = Listed::new(manifest, own.as_ref());
    Ok(axum::response::IntoResponse::into_response((StatusCode::OK, Json(WithForm { listed, config_schema }))))
}

async fn answer(app: &App, caller: &Caller, whose: &Whose, headers: &HeaderMap, connected: bool) -> Result<Response> {
    caller.within(whose.organization_slug.as_deref())?;
    let scope = caller.scope_of(None)?;
    let which = Which {
        organization: scope.organization.clone(),
        user: caller.tenant.user.clone(),
        part: Part::Catalogue { connected },
    };
    let scoped = app.store.scoped(scope);
    let written = app.lists.written(&scoped, which, async || Ok((body(app, &scoped, connected).await?, None))).await?;
    Ok(written.answer(headers))
}

async fn body(app: &App, scoped: &Scoped, connected: bool) -> catchment_core::Result<Vec<u8>> {
    let all = all_of(scoped, None).await?;
    let listed = app
        .registry
        .manifests()
        .map(|manifest| Listed::new(manifest, meant(all.iter().filter(|one| one.vendor == manifest.id))));
    let listed: Vec<_> = listed.filter(|one| !connected || one.status == Standing::Connected).collect();
    Ok(serde_json::to_vec(&listed).unwrap_or_default())
}
