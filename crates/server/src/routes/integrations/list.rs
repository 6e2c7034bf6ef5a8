//! `GET /integrations/user/{user_id}`.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use catchment_core::{Error, IntegrationId};
use catchment_store::{List, Mark, Scoped};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    kept::{Which, Written},
    view::View,
};
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
    let which = Which {
        organization: scope.organization.clone(),
        user: user.clone(),
        vendor: wanted.vendor.clone(),
        after: wanted.cursor.map(|cursor| cursor.0),
        limit: wanted.limit.0,
    };
    let scoped = app.store.scoped(scope);
    // Before the rows: what changes in between makes the list newer than its mark, never older.
    let mark = scoped.integrations_mark().await?;
    let written = match app.lists.get(&which, mark) {
        Some(written) => written,
        None => {
            let written = write(&scoped, &which, mark).await?;
            app.lists.keep(which.clone(), written.clone());
            written
        }
    };
    let fresh = headers.get_all(header::IF_NONE_MATCH).iter().any(|known| names(known, &written.etag));
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], written.body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, written.etag);
    if let Some(last) = written.next {
        headers.insert("x-next-cursor", last.into());
        if let Ok(link) = HeaderValue::try_from(next(&which, last)) {
            headers.insert(header::LINK, link);
        }
    }
    Ok(response)
}

async fn write(scoped: &Scoped, which: &Which, mark: Mark) -> Result<Written> {
    let list = List {
        user: None,
        vendor: which.vendor.clone(),
        after: which.after.map(IntegrationId),
        // One more, to know whether there is a next page.
        limit: which.limit + 1,
    };
    let mut found = scoped.integrations(&list).await?;
    let more = found.len() > which.limit as usize;
    found.truncate(which.limit as usize);
    let views: Vec<_> = found.iter().map(View::from).collect();
    let body = serde_json::to_vec(&views).unwrap_or_default();
    let etag = format!("W/\"{}\"", &blake3::hash(&body).to_hex()[..32]);
    let etag = HeaderValue::try_from(etag).map_err(|error| Error::internal("an ETag is no header").source(error))?;
    let next = found.last().filter(|_| more).map(|last| last.id.0);
    Ok(Written { mark, body: body.into(), etag, next })
}

/// Whether a list of tags has this one, or is `*`.
fn names(known: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(known), Ok(etag)) = (known.to_str(), etag.to_str()) else { return false };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(etag))
}

fn next(which: &Which, last: i64) -> String {
    let user = form_urlencoded::byte_serialize(which.user.as_bytes()).collect::<String>().replace('+', "%20");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &which.limit.to_string()).append_pair("cursor", &last.to_string());
    if let Some(vendor) = &which.vendor {
        query.append_pair("vendor", vendor);
    }
    format!("</integrations/user/{user}?{}>; rel=\"next\"", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_list_is_named_by_its_tag_among_others_weak_or_not() {
        let tag = HeaderValue::from_static("W/\"0a1b\"");
        for known in ["W/\"0a1b\"", "\"0a1b\"", "\"ffff\", W/\"0a1b\"", "*"] {
            assert!(names(&HeaderValue::from_static(known), &tag), "{known}");
        }
        for known in ["", "0a1b", "\"0a1\"", "\"0a1b0\"", "W/\"ffff\""] {
            assert!(!names(&HeaderValue::from_static(known), &tag), "{known}");
        }
    }
}
