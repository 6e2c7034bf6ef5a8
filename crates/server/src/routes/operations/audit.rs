//! `GET /audit`.

use std::sync::Arc;

use axum::{Json, extract::State};
use catchment_core::IntegrationId;
use catchment_store::{AuditList, AuditRow};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    extract::{Caller, Cursor, Limit, Query},
    problem::Result,
    state::App,
};

/// Which rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    integration_id: Option<Cursor>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// Who did what, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Audit {
    /// What was done.
    events: Vec<Row>,
    /// Where the older ones are, if there are any.
    next_cursor: Option<String>,
}

/// One thing that was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub(crate) struct Row {
    /// Its id; newer ones are greater.
    id: i64,
    /// When.
    at: DateTime<Utc>,
    /// Who did it.
    actor: String,
    /// What was done.
    #[schema(example = "integration.create")]
    action: String,
    /// To whom what it was done to belongs.
    user_id: Option<String>,
    /// To which integration. It may have been deleted since.
    integration_id: Option<i64>,
    /// More about it.
    #[schema(value_type = Option<Object>)]
    detail: Value,
    /// On the way of which request.
    request_id: Option<String>,
}

/// Who did what to which integration, and when: the caller's own, or the whole organization's for an
/// administrator.
#[utoipa::path(
    get, path = "/audit", tag = "operations",
    params(
        ("integration_id" = Option<i64>, Query, minimum = 0, description = "Only of this integration"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 if left out"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,18}$", description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "What was done, newest first", body = Audit)),
)]
pub(crate) async fn audit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Audit>> {
    let limit = wanted.limit.0;
    let list = AuditList {
        integration: wanted.integration_id.map(|id| IntegrationId(id.0)),
        before: wanted.cursor.map(|cursor| cursor.0),
        limit: limit + 1,
    };
    let mut rows = app.store.scoped(caller.scope()).audit(&list).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.id.to_string());
    Ok(Json(Audit { events: rows.into_iter().map(Row::from).collect(), next_cursor }))
}

impl From<AuditRow> for Row {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: row.actor,
            action: row.action,
            user_id: row.user,
            integration_id: row.integration.map(|id| id.0),
            detail: row.detail,
            request_id: row.request_id,
        }
    }
}
