//! `POST /integrations/browse`: what is there, level by level or by name.

mod cursor;
mod list;
mod search;

use std::{sync::Arc, time::Duration};

use axum::{Json as JsonBody, extract::State};
use catchment_core::{Entry, EntryKind, Error, ErrorKind, IntegrationId, Result as CoreResult};
use catchment_store::Success;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;
use utoipa_axum::routes;

use self::cursor::Asked;
use crate::{
    extract::{Caller, Json, Limit, MOST},
    problem::{Problem, Result},
    routes::Routes,
    state::App,
};

/// How long one call may list before it answers with what it has.
const BUDGET: Duration = Duration::from_secs(30);

/// The longest path and the longest query, in bytes.
const LONGEST_PATH: usize = 4_096;
const LONGEST_QUERY: usize = 1_000;

/// What asks the vendor, and takes the time it takes.
pub(crate) fn long() -> Routes {
    Routes::new().routes(routes!(browse))
}

/// Where to look.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Browse, example = json!({"integration_id": 7, "path": "contracts", "search_query": "lease"}))]
pub(crate) struct Wanted {
    /// The integration.
    #[schema(minimum = 0)]
    integration_id: i64,
    /// A folder below the integration's root; "" is the root itself.
    #[serde(default)]
    #[schema(max_length = 4096)]
    path: String,
    /// Only files and folders anywhere below the path with this in their name. Where the vendor
    /// has a search of its own, what that finds.
    #[schema(max_length = 1000)]
    search_query: Option<String>,
    /// How many at most; 100 if left out.
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before, with everything else as it was.
    cursor: Option<String>,
}

/// A page of what is there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Listing)]
pub(crate) struct Listing {
    /// The integration.
    integration_id: i64,
    /// The vendor's id.
    vendor: String,
    /// The path that was looked at.
    path: String,
    /// How many files and folders stand on this page. That is all there are when the call had no
    /// cursor and `next_cursor` is `null`; vendors do not count the rest.
    total_count: usize,
    /// The files and folders in the vendor's order.
    files: Vec<FileView>,
    /// Folders that a search was not let into.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unlisted: Vec<String>,
    /// Where it goes on. A page may be short, or empty, and still have a next one: a search
    /// answers after 30 seconds with what it has.
    next_cursor: Option<String>,
}

/// Something that can be imported, or looked into.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BrowsedFile)]
pub(crate) struct FileView {
    /// Its name.
    name: String,
    /// Its path below the integration's root.
    path: String,
    /// Bytes, if the vendor says.
    size: Option<u64>,
    /// When it last changed, if the vendor says.
    last_modified: Option<DateTime<Utc>>,
    /// Its media type, if the vendor says.
    mime_type: Option<String>,
    /// Whether it can be looked into.
    is_directory: bool,
}

/// What a call has found.
#[derive(Debug, Default)]
struct Found {
    entries: Vec<Entry>,
    unlisted: Vec<String>,
    next: Option<cursor::Place>,
}

/// Lists a folder, or searches below it.
#[utoipa::path(
    post, path = "/integrations/browse", tag = "documents", request_body = Wanted,
    responses(
        (status = 200, description = "A page of what is there", body = Listing),
        (status = 409, description = "The integration is disconnected"),
        (status = 429, description = "The vendor takes no more calls for now"),
        (status = 502, description = "The vendor failed"),
    ),
)]
pub(crate) async fn browse(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(wanted): Json<Wanted>,
) -> Result<JsonBody<Listing>> {
    let limit = wanted.limit()?;
    let scoped = app.store.scoped(caller.scope());
    let integration = scoped.integration(IntegrationId(wanted.integration_id)).await?;
    let query = wanted.search_query.as_deref().filter(|query| !query.is_empty());
    let asked = Asked { integration: integration.id, path: &wanted.path, query };
    let place = wanted.cursor.as_deref().map(|cursor| asked.open(cursor)).transpose()?;
    let first = place.is_none();
    let connector = app.connect(&scoped, &integration).await?;
    let browse = connector.need_browse().map_err(Problem::vendor)?;
    let until = Instant::now() + BUDGET;
    let root = within(until, browse.lookup(&wanted.path)).await.map_err(Problem::vendor)?;
    let found = match query {
        _ if !root.is_container() => Found { entries: vec![root], ..Found::default() },
        None => list::list(browse, &root, place, limit, until).await?,
        Some(query) => search::search(browse, &root, query, place, limit, until).await?,
    };
    if first {
        scoped.succeeded(integration.id, Success::Used).await?;
    }
    Ok(JsonBody(Listing {
        integration_id: integration.id.0,
        vendor: integration.vendor,
        total_count: found.entries.len(),
        files: found.entries.into_iter().map(FileView::from).collect(),
        unlisted: found.unlisted,
        next_cursor: found.next.map(|place| asked.seal(place)).transpose()?,
        path: wanted.path,
    }))
}

impl Wanted {
    fn limit(&self) -> Result<usize> {
        let limit = self.limit.unwrap_or(Limit::default().0);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::field("limit", format_args!("give a whole number from 1 to {MOST}")));
        }
        if self.path.len() > LONGEST_PATH {
            return Err(Problem::field("path", format_args!("give a path of at most {LONGEST_PATH} bytes")));
        }
        if self.search_query.as_ref().is_some_and(|query| query.len() > LONGEST_QUERY) {
            return Err(Problem::field("search_query", format_args!("give at most {LONGEST_QUERY} bytes")));
        }
        Ok(limit as usize)
    }
}

/// A call of the vendor that ends with the budget.
async fn within<T>(until: Instant, call: impl Future<Output = CoreResult<T>>) -> CoreResult<T> {
    timeout_at(until, call).await.unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Timeout,
            "the vendor does not answer in time: look into a smaller folder, or try again later",
        ))
    })
}

impl From<Entry> for FileView {
    fn from(entry: Entry) -> Self {
        Self {
            is_directory: matches!(entry.kind, EntryKind::Container),
            name: entry.name,
            path: entry.path,
            size: entry.size,
            last_modified: entry.modified,
            mime_type: entry.mime,
        }
    }
}
