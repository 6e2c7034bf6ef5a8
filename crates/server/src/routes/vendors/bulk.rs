//! `POST /integrations/bulk`: the same for many integrations, each with its own result.

use std::sync::Arc;

use axum::{Json as Answer, extract::State, http::HeaderMap};
use catchment_core::IntegrationId;
use catchment_store::Scoped;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::connect::Form;
use crate::{
    extract::{Caller, Json},
    problem::{Problem, Result},
    state::App,
};

/// How many at most, and how many at once.
const MOST: usize = 100;
const AT_ONCE: usize = 8;

/// What to do, and with which.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Bulk, example = json!({"action": "test", "integration_ids": [7, 8]}))]
pub(crate) struct Order {
    action: Action,
    /// The integrations; for everything but `connect`.
    #[serde(default)]
    #[schema(max_items = 100)]
    integration_ids: Vec<i64>,
    /// What to connect, each as for `POST /api/integrations/connect`.
    #[serde(default)]
    #[schema(max_items = 100)]
    connections: Vec<Form>,
}

/// What is done with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BulkAction)]
pub(crate) enum Action {
    /// Connect.
    Connect,
    /// Test.
    Test,
    /// Disconnect: tokens revoked and erased, settings and documents stay.
    Disconnect,
    /// Delete, with its documents.
    Purge,
}

/// What came of it, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkResult)]
pub(crate) struct Report {
    total: usize,
    succeeded: usize,
    failed: usize,
    results: Vec<One>,
}

/// What came of one.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = BulkItemResult)]
pub(crate) struct One {
    #[serde(skip_serializing_if = "Option::is_none")]
    integration_id: Option<i64>,
    success: bool,
    /// For the person.
    message: String,
    /// The stable name of the problem, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The vendor's page, where the person has to consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_url: Option<String>,
    /// What the vendor will say when the browser comes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
}

/// Connects, tests, disconnects or purges up to 100 integrations, eight at once. One that fails
/// does not keep the others.
#[utoipa::path(
    post, path = "/integrations/bulk", tag = "vendors", request_body = Order,
    responses((status = 200, description = "What came of each", body = Report)),
)]
pub(crate) async fn bulk(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Json(order): Json<Order>,
) -> Result<Answer<Report>> {
    let connects = order.action == Action::Connect;
    let (unused, used) = if connects {
        (order.integration_ids.len(), order.connections.len())
    } else {
        (order.connections.len(), order.integration_ids.len())
    };
    let name = if connects { "connections" } else { "integration_ids" };
    if unused > 0 || !(1..=MOST).contains(&used) {
        return Err(Problem::field(name, "give 1 to 100 of them, and nothing that belongs to another action"));
    }
    let scoped = app.store.scoped(caller.scope());
    let results: Vec<One> = if connects {
        let one = async |form| app.connect_one(&caller, &headers, form).await;
        stream::iter(order.connections).map(one).buffered(AT_ONCE).collect().await
    } else {
        let one = async |id| app.do_one(&scoped, order.action, id).await;
        stream::iter(order.integration_ids).map(one).buffered(AT_ONCE).collect().await
    };
    let succeeded = results.iter().filter(|one| one.success).count();
    Ok(Answer(Report { total: results.len(), succeeded, failed: results.len() - succeeded, results }))
}

impl App {
    async fn connect_one(&self, caller: &Caller, headers: &HeaderMap, form: Form) -> One {
        match self.connect_own(caller, headers, None, form).await {
            Ok((outcome, _)) => One {
                integration_id: outcome.integration_id,
                success: outcome.success,
                message: outcome.message,
                oauth_url: outcome.oauth_url,
                state: outcome.state,
                ..One::default()
            },
            Err(problem) => One::failed(None, &problem),
        }
    }

    async fn do_one(&self, scoped: &Scoped, action: Action, id: i64) -> One {
        match self.done(scoped, action, IntegrationId(id)).await {
            Ok((success, message)) => One { integration_id: Some(id), success, message, ..One::default() },
            Err(problem) => One::failed(Some(id), &problem),
        }
    }

    async fn done(&self, scoped: &Scoped, action: Action, id: IntegrationId) -> Result<(bool, String)> {
        let integration = scoped.integration(id).await?;
        let vendor = &integration.vendor;
        match action {
            Action::Test => {
                let tested = self.tested(scoped, &integration).await?;
                Ok((tested.success, tested.message))
            }
            Action::Purge => {
                self.purge(scoped, &integration).await?;
                Ok((true, format!("{vendor} purged successfully")))
            }
            Action::Disconnect | Action::Connect => {
                self.disconnect(scoped, &integration).await?;
                Ok((true, format!("{vendor} disconnected successfully")))
            }
        }
    }
}

impl One {
    fn failed(integration_id: Option<i64>, problem: &Problem) -> Self {
        if let Some(cause) = problem.cause() {
            tracing::debug!(integration_id, code = problem.code(), error = ?cause, "one of many failed");
        }
        Self {
            integration_id,
            message: problem.detail().to_owned(),
            code: Some(problem.code().to_owned()),
            ..Self::default()
        }
    }
}
