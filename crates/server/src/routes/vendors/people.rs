//! A user's connections in the shape that an older front end reads: `GET
//! /api/auth/integrations/{user_id}`, `GET /api/auth/{vendor}/status/{user_id}` and `GET
//! /api/{vendor}/status/{user_id}`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use catchment_core::Manifest;
use catchment_store::{Integration, Status};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    catalogue::Standing,
    own::{all_of, meant},
};
use crate::{
    extract::{Caller, UserId, VendorId},
    problem::{Problem, Result},
    state::App,
};

/// A user's connections.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserConnections)]
pub(crate) struct Connections {
    success: bool,
    /// By the vendor's id in camel case: `googleDrive`.
    integrations: BTreeMap<String, Connection>,
}

/// How a user stands with a vendor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserConnection)]
pub(crate) struct Connection {
    /// Whether it can be used.
    connected: bool,
    /// How it stands.
    status: Standing,
    /// What the account signs in as.
    username: Option<String>,
    /// The account's e-mail address.
    email: Option<String>,
    /// A picture of the account.
    avatar_url: Option<String>,
    /// Since when.
    connected_at: Option<DateTime<Utc>>,
    /// When the token ends.
    token_expiry: Option<DateTime<Utc>>,
    /// What the last failure said.
    last_error: Option<String>,
}

impl Connection {
    fn of(own: Option<&Integration>) -> Self {
        // Of what is disconnected, only that it is.
        let there = own.filter(|own| own.status != Status::Disconnected);
        let account = there.and_then(|own| own.account.clone());
        let username = account.as_ref().map(|account| {
            let named = account.details.iter().find(|(name, _)| name == "username");
            named.map_or_else(|| account.name.clone(), |(_, username)| username.clone())
        });
        Self {
            connected: own.is_some_and(|own| own.status == Status::Active),
            status: own.map(|own| own.status).into(),
            username: username.filter(|name| !name.is_empty()),
            email: account.as_ref().and_then(|account| account.email.clone()),
            avatar_url: account.and_then(|account| account.avatar_url),
            connected_at: there.and_then(|own| own.connected_at),
            token_expiry: there.and_then(|own| own.grant.as_ref()?.expires),
            last_error: there.and_then(|own| own.last_error.clone()),
        }
    }
}

/// Every vendor, and how a user stands with it.
#[utoipa::path(
    get, path = "/api/auth/integrations/{user_id}", tag = "vendors",
    params(("user_id" = String, Path, description = "The caller's own id; another user's only for an administrator")),
    responses((status = 200, description = "The user's connections", body = Connections)),
)]
pub(crate) async fn of_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    UserId(user): UserId,
) -> Result<Json<Connections>> {
    let all = all_of(&app.store.scoped(caller.scope_of(Some(&user))?), None).await?;
    let of = |manifest: &Manifest| Connection::of(meant(all.iter().filter(|one| one.vendor == manifest.id)));
    let integrations = app.registry.manifests().map(|manifest| (camel(manifest.id), of(manifest))).collect();
    Ok(Json(Connections { success: true, integrations }))
}

/// How a user stands with a vendor.
#[utoipa::path(
    get, path = "/api/auth/{vendor}/status/{user_id}", tag = "vendors",
    params(
        ("vendor" = String, Path, description = "The vendor's id, in snake, camel or kebab case", example = "googleDrive"),
        ("user_id" = String, Path, description = "The caller's own id; another user's only for an administrator"),
    ),
    responses((status = 200, description = "The user's connection", body = Connection)),
)]
pub(crate) async fn status_of_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    VendorId(vendor): VendorId,
    UserId(user): UserId,
) -> Result<Json<Connection>> {
    one(&app, &caller, &vendor, &user).await
}

/// The same, under another address.
#[utoipa::path(
    get, path = "/api/{vendor}/status/{user_id}", tag = "vendors",
    params(
        ("vendor" = String, Path, description = "The vendor's id, in snake, camel or kebab case", example = "github"),
        ("user_id" = String, Path, description = "The caller's own id; another user's only for an administrator"),
    ),
    responses((status = 200, description = "The user's connection", body = Connection)),
)]
pub(crate) async fn vendor_status_of_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    VendorId(vendor): VendorId,
    UserId(user): UserId,
) -> Result<Json<Connection>> {
    one(&app, &caller, &vendor, &user).await
}

async fn one(app: &App, caller: &Caller, vendor: &str, user: &str) -> Result<Json<Connection>> {
    let scope = caller.scope_of(Some(user))?;
    let plain = |id: &str| id.replace(['_', '-'], "").to_ascii_lowercase();
    let manifest = app.registry.manifests().find(|manifest| plain(manifest.id) == plain(vendor));
    let manifest = manifest
        .ok_or_else(|| Problem::not_found("no such integration type: GET /api/integrations lists those there are"))?;
    let all = all_of(&app.store.scoped(scope), Some(manifest.id)).await?;
    Ok(Json(Connection::of(meant(&all))))
}

/// `google_drive` as a front end writes it: `googleDrive`.
fn camel(id: &str) -> String {
    let mut words = id.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.extend(letters);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_in_camel_case() {
        assert_eq!(camel("google_drive"), "googleDrive");
        assert_eq!(camel("github"), "github");
        assert_eq!(camel("sql_accounting_x"), "sqlAccountingX");
    }
}
