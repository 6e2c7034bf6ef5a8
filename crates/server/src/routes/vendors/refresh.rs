//! `POST /api/integrations/{vendor}/refresh-token`.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use catchment_core::ErrorKind;
use catchment_store::Status;
use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{known_vendor, not_connected, own::own};
use crate::{
    extract::{Caller, VendorId},
    problem::{Problem, Result},
    state::App,
};

/// A token that is new.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefreshedToken)]
pub(crate) struct Refreshed {
    success: bool,
    /// For the person.
    message: String,
    /// When the new token ends; `null` where the vendor does not say.
    expires_at: Option<DateTime<Utc>>,
    /// The scopes that are granted.
    scopes: Vec<String>,
}

/// Has the vendor issue a new access token now. It is done by itself when it is needed.
#[utoipa::path(
    post, path = "/api/integrations/{vendor}/refresh-token", tag = "vendors",
    params(("vendor" = String, Path, description = "The vendor's id", example = "google_drive")),
    responses(
        (status = 200, description = "There is a new one", body = Refreshed),
        (status = 404, description = "The caller is not connected to this vendor"),
        (status = 409, description = "The person has to authorize again"),
        (status = 429, description = "The vendor asks for a pause"),
        (status = 502, description = "The vendor could not be asked"),
    ),
)]
pub(crate) async fn refresh(
    State(app): State<Arc<App>>,
    caller: Caller,
    VendorId(vendor): VendorId,
) -> Result<Json<Refreshed>> {
    let manifest = known_vendor(&app, &vendor)?;
    let scoped = app.store.scoped(caller.scope_of(None)?);
    let own = own(&scoped, manifest.id, None).await?.filter(|own| own.status != Status::Disconnected);
    let own = own.ok_or_else(not_connected)?;
    let whole = app.whole(&scoped, &own).await?;
    let authorizer = app.authorizer(&own, &whole)?.ok_or_else(|| {
        let remedy = "this integration has no token that could be refreshed: it signs in with its own credentials";
        Problem::new(StatusCode::BAD_REQUEST, "unsupported", remedy)
    })?;
    match authorizer.refresh_now().await {
        Ok(tokens) => Ok(Json(Refreshed {
            success: true,
            message: format!("{} has issued a new token", manifest.name),
            // As finely as it is stored.
            expires_at: tokens.expires.map(|expires| expires.trunc_subsecs(6)),
            scopes: tokens.scopes,
        })),
        Err(error) if error.kind() == ErrorKind::Unauthenticated => {
            Err(Problem::new(StatusCode::CONFLICT, "authorize_again", error.message().to_owned()))
        }
        Err(error) => Err(Problem::vendor(error)),
    }
}
