//! `POST /integrations`.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use catchment_core::{Tenant, config};
use catchment_store::{IntegrationChange, NewIntegration, Status};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    settings::{Fields, Given},
    text::{Description, Name},
    view::{View, answer},
};
use crate::{
    extract::{Caller, Json},
    problem::Result,
    state::App,
};

/// A new integration.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewIntegration, example = json!({
    "vendor": "s3", "name": "Contracts",
    "credentials": {"bucket_name": "contracts", "access_key_id": "<access key id>", "secret_access_key": "<secret>"}
}))]
pub(crate) struct New {
    /// Whose it is to be; the caller's own if left out. Another user's only for an administrator.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    user_id: Option<Name>,
    /// The caller's organization. May be left out.
    organization_slug: Option<String>,
    /// The vendor's id, as `GET /api/integrations` lists them. Also taken as `provider`,
    /// `integration_type`, `type` or `endpoint_type`.
    #[serde(alias = "provider", alias = "integration_type", alias = "type", alias = "endpoint_type")]
    vendor: String,
    /// What to call it.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: Name,
    /// The vendor's address, where its settings have one.
    url: Option<String>,
    /// The settings, secrets among them. See the vendor's schema.
    #[schema(value_type = Option<Object>)]
    credentials: Option<Fields>,
    /// More settings, taken together with `credentials`.
    #[schema(value_type = Option<Object>)]
    settings: Option<Fields>,
    /// What to say about it.
    #[schema(value_type = Option<String>, max_length = 4000)]
    description: Option<Description>,
}

/// Stores a new integration. Its settings are checked against each other; whether the vendor
/// accepts them, `POST /integrations/{id}/test` finds out. Where a person has to consent, it is
/// disconnected until then: see `POST /api/integrations/{vendor}/connect`.
#[utoipa::path(
    post, path = "/integrations", tag = "integrations", request_body = New,
    responses(
        (status = 201, description = "It is stored", body = View, headers(
            ("Location" = String, description = "Where it is"),
            ("ETag" = String, description = "Its revision, for If-Match"),
        )),
        (status = 404, description = "Another user's, or another organization"),
    ),
)]
pub(crate) async fn create(State(app): State<Arc<App>>, caller: Caller, Json(new): Json<New>) -> Result<Response> {
    caller.within(new.organization_slug.as_deref())?;
    let scope = caller.scope_of(new.user_id.as_ref().map(Name::as_str))?;
    let tenant = Tenant::new(&scope.organization, scope.user.as_deref().unwrap_or_default());
    let url = new.url.map(Into::into);
    let (settings, secrets) = Given::new(&app.registry, &new.vendor, url, new.credentials, new.settings)?.fresh()?;
    let whole = config::join(&settings, secrets.iter().cloned());
    let consent = app.consent(&new.vendor, &whole)?;
    app.validate(&new.vendor, &tenant, whole)?;
    app.metrics.secrets_sealed(secrets.len());
    let new = NewIntegration {
        vendor: new.vendor,
        name: new.name.into(),
        description: new.description.map(Into::into),
        settings,
        secrets,
    };
    let scoped = app.store.scoped(scope);
    let mut made = scoped.create(new).await?;
    if consent.is_some() {
        // Until a person has consented it is of no use.
        let disconnected = IntegrationChange { status: Some(Status::Disconnected), ..IntegrationChange::default() };
        made = scoped.update(made.id, None, disconnected).await?;
    }
    let mut response = answer(StatusCode::CREATED, &made);
    if let Ok(location) = HeaderValue::try_from(format!("/integrations/{}", made.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
