//! `POST /api/integrations/test`.

use std::sync::Arc;

use axum::{Json, extract::State};
use catchment_store::Status;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{known_vendor, not_connected, own::own};
use crate::{
    extract::{Caller, Query},
    problem::Result,
    state::App,
};

/// Which vendor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Type {
    #[serde(alias = "vendor", alias = "provider", alias = "type", alias = "endpoint_type")]
    pub(super) integration_type: String,
    pub(super) organization_slug: Option<String>,
}

/// Whether the caller's connection works.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VendorTestResult)]
pub(crate) struct Tested {
    success: bool,
    /// Which of credentials, network, permission or path is wrong, if one is.
    message: String,
    /// The vendor's id.
    integration_type: &'static str,
    /// The scope that is missing, if that is what is wrong: connect with it in `scopes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_scope: Option<String>,
}

/// Tries the caller's connection to a vendor. A failure is an answer and no error.
#[utoipa::path(
    post, path = "/api/integrations/test", tag = "vendors",
    params(
        ("integration_type" = String, Query, description = "The vendor's id", example = "telegram"),
        ("organization_slug" = Option<String>, Query, description = "The caller's organization. May be left out"),
    ),
    responses(
        (status = 200, description = "Whether it works, and what is wrong if not", body = Tested),
        (status = 404, description = "The caller is not connected to this vendor"),
    ),
)]
pub(crate) async fn test(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(which): Query<Type>,
) -> Result<Json<Tested>> {
    caller.within(which.organization_slug.as_deref())?;
    let manifest = known_vendor(&app, &which.integration_type)?;
    let scoped = app.store.scoped(caller.scope_of(None)?);
    let own = own(&scoped, manifest.id, None).await?.filter(|own| own.status != Status::Disconnected);
    let tested = app.tested(&scoped, &own.ok_or_else(not_connected)?).await?;
    let integration_type = manifest.id;
    Ok(Json(Tested {
        success: tested.success,
        message: tested.message,
        integration_type,
        missing_scope: tested.missing_scope,
    }))
}
