//! `GET /integrations/user/{user_id}`.

use std::{borrow::Cow, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use catchment_core::IntegrationId;
use catchment_store::List;
use serde::Deserialize;
use url::form_urlencoded;

use super::view::View;
use crate::{
    extract::{Caller, Cursor, Limit, Query, UserId},
    problem::Result,
    state::App,
};

/// Which integrations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(alias = "provider", alias = "integration_type", alias = "type", alias = "endpoint_type")]
    vendor: Option<String>,
    organization_slug: Option<String>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// The integrations of a user, oldest first. When there are more, `X-Next-Cursor` and `Link` say
/// where they are.
#[utoipa::path(
    get, path = "/integrations/user/{user_id}", tag = "integrations",
    params(
        ("user_id" = String, Path, description = "The caller's own id; another user's only for an administrator"),
        ("vendor" = Option<String>, Query, description = "Only of this vendor"),
        ("organization_slug" = Option<String>, Query, description = "The caller's organization. May be left out"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 if left out"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,18}$", description = "`X-Next-Cursor` of the page before"),
    ),
    responses((status = 200, description = "The integrations", body = [View], headers(
        ("X-Next-Cursor" = String, description = "The cursor of the next page, if there is one"),
        ("Link" = String, description = "The address of the next page, if there is one"),
    ))),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    UserId(user): UserId,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    caller.within(wanted.organization_slug.as_deref())?;
    let scope = caller.scope_of(Some(&user))?;
    let limit = wanted.limit.0;
    let list = List {
        user: None,
        vendor: wanted.vendor.clone(),
        after: wanted.cursor.map(|cursor| IntegrationId(cursor.0)),
        // One more, to know whether there is a next page.
        limit: limit + 1,
    };
    let mut found = app.store.scoped(scope).integrations(&list).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let views: Vec<_> = found.iter().map(View::from).collect();
    let json = serde_json::to_vec(&views).unwrap_or_default();
    let mut response = ([(header::CONTENT_TYPE, "application/json")], json).into_response();
    if let Some(last) = found.last().filter(|_| more) {
        let link = next(&user, &wanted, limit, last.id);
        let headers = response.headers_mut();
        headers.insert("x-next-cursor", last.id.0.into());
        if let Ok(link) = HeaderValue::try_from(link) {
            headers.insert(header::LINK, link);
        }
    }
    Ok(response)
}

fn next(user: &str, wanted: &Wanted, limit: u32, last: IntegrationId) -> String {
    let user: Cow<'_, str> =
        form_urlencoded::byte_serialize(user.as_bytes()).collect::<String>().replace('+', "%20").into();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &limit.to_string()).append_pair("cursor", &last.0.to_string());
    if let Some(vendor) = &wanted.vendor {
        query.append_pair("vendor", vendor);
    }
    format!("</integrations/user/{user}?{}>; rel=\"next\"", query.finish())
}
