//! `GET /integrations/user/{user_id}`.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use catchment_core::IntegrationId;
use catchment_store::{List, Scoped};
use serde::Deserialize;
use url::form_urlencoded;

use super::view::View;
use crate::{
    extract::{Caller, Cursor, Limit, Query, UserId},
    kept::{Part, Which},
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
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the list that is known"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,18}$", description = "`X-Next-Cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "The integrations", body = [View], headers(
            ("ETag" = String, description = "Names this list, for If-None-Match"),
            ("X-Next-Cursor" = String, description = "The cursor of the next page, if there is one"),
            ("Link" = String, description = "The address of the next page, if there is one"),
        )),
        (status = 304, description = "The list is the one that is known"),
    ),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    UserId(user): UserId,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response> {
    caller.within(wanted.organization_slug.as_deref())?;
    let scope = caller.scope_of(Some(&user))?;
    let list = List {
        user: None,
        vendor: wanted.vendor,
        after: wanted.cursor.map(|cursor| IntegrationId(cursor.0)),
        // One more, to know whether there is a next page.
        limit: wanted.limit.0 + 1,
    };
    let part = Part::Integrations {
        vendor: list.vendor.clone(),
        after: list.after.map(|after| after.0),
        limit: wanted.limit.0,
    };
    let which = Which { organization: scope.organization.clone(), user: user.clone(), part };
    let scoped = app.store.scoped(scope);
    let written = app.lists.written(&scoped, which, async || write(&scoped, &list).await).await?;
    let link = written.next.map(|last| (last, next(&user, &list, last)));
    let mut response = written.answer(&headers);
    if let Some((last, link)) = link {
        response.headers_mut().insert("x-next-cursor", last.into());
        if let Ok(link) = HeaderValue::try_from(link) {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    Ok(response)
}

/// The list, and the last id in it if there are more.
async fn write(scoped: &Scoped, list: &List) -> catchment_core::Result<(Vec<u8>, Option<i64>)> {
    let mut found = scoped.integrations(list).await?;
    let more = found.len() == list.limit as usize;
    found.truncate(list.limit as usize - 1);
    let views: Vec<_> = found.iter().map(View::from).collect();
    let next = found.last().filter(|_| more).map(|last| last.id.0);
    Ok((serde_json::to_vec(&views).unwrap_or_default(), next))
}

fn next(user: &str, list: &List, last: i64) -> String {
    let user = form_urlencoded::byte_serialize(user.as_bytes()).collect::<String>().replace('+', "%20");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &(list.limit - 1).to_string()).append_pair("cursor", &last.to_string());
    if let Some(vendor) = &list.vendor {
        query.append_pair("vendor", vendor);
    }
    format!("</integrations/user/{user}?{}>; rel=\"next\"", query.finish())
}
