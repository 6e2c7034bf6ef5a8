//! `POST /integrations/{id}/test`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Json, extract::State};
use catchment_core::{Connector, Entry, Error, ErrorKind, Page, PageRequest, Result as CoreResult};
use catchment_store::{Integration, Scoped, Status, Success};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::{
    extract::{Caller, Id},
    problem::Result,
    state::App,
};

/// How long a vendor may take. Shorter than any request may.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many files are counted.
const MOST_FILES: u32 = 1_000;

/// Whether an integration works.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TestResult)]
pub(crate) struct Tested {
    /// Whether it does.
    pub(crate) success: bool,
    /// The account that answered, or which of credentials, network, permission or path is wrong,
    /// and what to do.
    #[schema(example = "permission: the credential may not list the bucket: allow s3:ListBucket")]
    pub(crate) message: String,
    /// The vendor's id.
    #[schema(example = "s3")]
    vendor: String,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<Wrong>,
    /// The scope that is missing, if that is what is wrong: connect again with it in `scopes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing_scope: Option<String>,
    /// How many files there are at the root, counted to 1000 at most; only where files are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    files_found: Option<usize>,
    /// Whether there are more files than were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_files: Option<bool>,
    /// How long the vendor took, in milliseconds.
    latency_ms: u64,
}

/// What keeps an integration from working.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TestFailure)]
pub(crate) enum Wrong {
    /// The vendor does not accept them, or they are not there.
    Credentials,
    /// The vendor cannot be reached, or does not answer.
    Network,
    /// The credentials are good, but may not do this.
    Permission,
    /// What the settings name is not there.
    Path,
    /// The settings do not fit together.
    Settings,
    /// The vendor, or the connector, does not keep to the rules.
    Vendor,
}

/// Tries an integration: asks the vendor who it is, and for its files. A failure is an answer and
/// no error; the integration keeps it as its last error.
#[utoipa::path(
    post, path = "/integrations/{id}/test", tag = "integrations",
    params(("id" = i64, Path, minimum = 0, description = "The integration")),
    responses((status = 200, description = "Whether it works, and what is wrong if not", body = Tested)),
)]
pub(crate) async fn test(State(app): State<Arc<App>>, caller: Caller, id: Id) -> Result<Json<Tested>> {
    let scoped = app.store.scoped(caller.scope());
    let integration = scoped.integration(id.integration()).await?;
    Ok(Json(app.tested(&scoped, &integration).await?))
}

impl App {
    /// Tries an integration, and notes at it how that went.
    pub(crate) async fn tested(&self, scoped: &Scoped, integration: &Integration) -> CoreResult<Tested> {
        let began = Instant::now();
        let tried = timeout(PATIENCE, tried(self, scoped, integration)).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Timeout, "the vendor does not answer: check the address, or try again later"))
        });
        let latency_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let vendor = integration.vendor.clone();
        match tried {
            Ok((message, files)) => {
                scoped.succeeded(integration.id, Success::Used).await?;
                Ok(Tested {
                    success: true,
                    message,
                    vendor,
                    wrong: None,
                    missing_scope: None,
                    files_found: files.map(|(count, _)| count),
                    more_files: files.map(|(_, more)| more),
                    latency_ms,
                })
            }
            Err(error) => {
                tracing::info!(integration = %integration.id, vendor, error = ?error, "the test failed");
                let wrong = wrong(&error);
                let message = format!("{}: {error}", wrong.as_str());
                // A person who disconnected it knows why it does not work.
                if integration.status != Status::Disconnected {
                    scoped.failed(integration.id, Status::Error, &message).await?;
                }
                Ok(Tested {
                    success: false,
                    message,
                    vendor,
                    wrong: Some(wrong),
                    missing_scope: error.get("scope").map(str::to_owned),
                    files_found: None,
                    more_files: None,
                    latency_ms,
                })
            }
        }
    }
}

/// Who answered, and how many files it has.
async fn tried(app: &App, scoped: &Scoped, integration: &Integration) -> CoreResult<(String, Option<(usize, bool)>)> {
    let connector = app.connect(scoped, integration).await?;
    let account = connector.check().await?;
    let files = count(&*connector).await?;
    let message =
        if account.name.is_empty() { "connected".to_owned() } else { format!("connected to {}", account.name) };
    Ok((message, files))
}

async fn count(connector: &dyn Connector) -> CoreResult<Option<(usize, bool)>> {
    let Some(browse) = connector.browse() else { return Ok(None) };
    let root = browse.lookup("").await?;
    let first = PageRequest::first().limit(MOST_FILES);
    let page: Page<Entry> = match browse.flat() {
        Some(flat) => flat.descendants(&root.id, first).await?,
        None => browse.children(&root.id, first).await?,
    };
    Ok(Some((page.items.iter().filter(|entry| entry.is_file()).count(), page.next.is_some())))
}

fn wrong(error: &Error) -> Wrong {
    match error.kind() {
        ErrorKind::Unauthenticated | ErrorKind::Conflict => Wrong::Credentials,
        ErrorKind::Forbidden => Wrong::Permission,
        ErrorKind::NotFound => Wrong::Path,
        ErrorKind::Config | ErrorKind::Unsupported => Wrong::Settings,
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited => Wrong::Network,
        _ => Wrong::Vendor,
    }
}

impl Wrong {
    fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Network => "network",
            Self::Permission => "permission",
            Self::Path => "path",
            Self::Settings => "settings",
            Self::Vendor => "vendor",
        }
    }
}
