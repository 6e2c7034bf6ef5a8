//! `PUT /integrations/{id}`.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use catchment_core::ErrorKind;
use catchment_store::{Integration, IntegrationChange, Scoped, Status};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    settings::{Fields, Given},
    text::{Description, Name},
    view::{View, answer, etag},
};
use crate::{
    extract::{Caller, Id, Json},
    problem::{Problem, Result},
    state::App,
};

/// How often a change is laid over what somebody else has just written, when the client did not
/// say which state it means.
const TRIES: usize = 5;

/// A change of an integration. What is left out stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IntegrationChange, example = json!({"name": "Contracts of 2026"}))]
pub(crate) struct Change {
    /// What to call it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    name: Option<Name>,
    /// The vendor's address, where its settings have one; `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    url: Option<Option<String>>,
    /// What to say about it; `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 4000)]
    description: Option<Option<Description>>,
    /// Settings that change, secrets among them. A field that is `null` goes, one that is left
    /// out stays, and so does a secret that comes back as `••••••••`.
    #[schema(value_type = Option<Object>)]
    credentials: Option<Fields>,
    /// More settings, taken together with `credentials`.
    #[schema(value_type = Option<Object>)]
    settings: Option<Fields>,
}

/// A field that is there is `Some`, also when it is `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes an integration. With `If-Match` only in the state the client knows. New credentials
/// make a disconnected integration active again.
#[utoipa::path(
    put, path = "/integrations/{id}", tag = "integrations", request_body = Change,
    params(
        ("id" = i64, Path, minimum = 0, description = "The integration"),
        ("If-Match" = Option<String>, Header, description = "The ETag the change is meant for"),
    ),
    responses(
        (status = 200, description = "As it is now", body = View, headers(
            ("ETag" = String, description = "Its revision, for If-Match"),
        )),
        (status = 409, description = "Others change it at the same time"),
        (status = 412, description = "It is no longer in the state that If-Match names"),
    ),
)]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Id,
    headers: HeaderMap,
    Json(change): Json<Change>,
) -> Result<Response> {
    let scoped = app.store.scoped(caller.scope());
    let wanted = headers.contains_key(header::IF_MATCH);
    let mut tries = 0;
    loop {
        let current = scoped.integration(id.integration()).await?;
        if wanted && !matches(&headers, &etag(&current)) {
            return Err(stale());
        }
        let laid_over = over(&app, &scoped, &current, change.clone()).await?;
        match scoped.update(current.id, Some(current.revision), laid_over).await {
            Ok(changed) => return Ok(answer(StatusCode::OK, &changed)),
            Err(error) if error.kind() == ErrorKind::Conflict && wanted => return Err(stale()),
            Err(error) if error.kind() == ErrorKind::Conflict && tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

async fn over(app: &App, scoped: &Scoped, current: &Integration, change: Change) -> Result<IntegrationChange> {
    let mut out = IntegrationChange {
        name: change.name.map(Into::into),
        description: change.description.map(|description| description.map(Into::into)),
        ..IntegrationChange::default()
    };
    if change.url.is_none() && change.credentials.is_none() && change.settings.is_none() {
        return Ok(out);
    }
    let url = change.url.map(|url| url.map_or(Value::Null, Value::from));
    let given = Given::new(&app.registry, &current.vendor, url, change.credentials, change.settings)?;
    let secrets = scoped.secrets(current.id).await?;
    app.metrics.secrets_opened(secrets.len());
    let merged = given.over(&current.settings, secrets)?;
    let consent = app.consent(&current.vendor, &merged.whole)?;
    app.validate(&current.vendor, &current.tenant, merged.whole)?;
    app.metrics.secrets_sealed(merged.secrets.iter().filter(|(_, secret)| secret.is_some()).count());
    out.settings = Some(merged.settings);
    out.secrets = merged.secrets;
    // New settings are no consent.
    out.status = consent.is_none().then_some(Status::Active);
    Ok(out)
}

/// Whether `If-Match` names this tag, or any.
fn matches(headers: &HeaderMap, etag: &str) -> bool {
    let named = headers.get_all(header::IF_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|tag| matches!(tag.trim(), "*") || tag.trim() == etag)
}

fn stale() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "revision",
        "it has been changed since: get it again, and send the change with its new ETag",
    )
}
