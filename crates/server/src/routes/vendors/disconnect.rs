//! `POST /api/integrations/disconnect` and `DELETE /api/integrations/{vendor}/disconnect`.

use std::sync::Arc;

use axum::{Json, extract::State};
use catchment_store::Status;
use serde::Serialize;
use utoipa::ToSchema;

use super::{known_vendor, own::own, test::Type};
use crate::{
    extract::{Caller, Query, VendorId},
    problem::{Problem, Result},
    state::App,
};

/// That it is disconnected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DisconnectResult)]
pub(crate) struct Disconnected {
    success: bool,
    /// For the person.
    #[schema(example = "telegram disconnected successfully")]
    message: String,
}

/// Disconnects the caller from a vendor: its tokens are revoked there where it can, and erased
/// here with all credentials. Settings, history and documents stay.
#[utoipa::path(
    post, path = "/api/integrations/disconnect", tag = "vendors",
    params(
        ("integration_type" = String, Query, description = "The vendor's id", example = "telegram"),
        ("organization_slug" = Option<String>, Query, description = "The caller's organization. May be left out"),
    ),
    responses(
        (status = 200, description = "It is disconnected", body = Disconnected),
        (status = 404, description = "The caller is not connected to this vendor"),
    ),
)]
pub(crate) async fn disconnect(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(which): Query<Type>,
) -> Result<Json<Disconnected>> {
    caller.within(which.organization_slug.as_deref())?;
    disconnected(&app, &caller, &which.integration_type).await
}

/// The same, by the vendor in the path.
#[utoipa::path(
    delete, path = "/api/integrations/{vendor}/disconnect", tag = "vendors",
    params(("vendor" = String, Path, description = "The vendor's id", example = "telegram")),
    responses(
        (status = 200, description = "It is disconnected", body = Disconnected),
        (status = 404, description = "The caller is not connected to this vendor"),
    ),
)]
pub(crate) async fn disconnect_vendor(
    State(app): State<Arc<App>>,
    caller: Caller,
    VendorId(vendor): VendorId,
) -> Result<Json<Disconnected>> {
    disconnected(&app, &caller, &vendor).await
}

async fn disconnected(app: &App, caller: &Caller, vendor: &str) -> Result<Json<Disconnected>> {
    let manifest = known_vendor(app, vendor)?;
    let scoped = app.store.scoped(caller.scope_of(None)?);
    let own = own(&scoped, manifest.id, None).await?.filter(|own| own.status != Status::Disconnected);
    let own = own.ok_or_else(|| Problem::not_found("Integration not found"))?;
    app.disconnect(&scoped, &own).await?;
    Ok(Json(Disconnected { success: true, message: format!("{} disconnected successfully", manifest.id) }))
}
