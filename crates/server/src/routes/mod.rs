//! The routes, one module a group.

pub(crate) mod ask;
pub(crate) mod browse;
pub(crate) mod docs;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod integrations;
pub(crate) mod jobs;
pub(crate) mod operations;
pub(crate) mod vendors;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::state::App;

/// A group of routes with their descriptions.
pub(crate) type Routes = OpenApiRouter<Arc<App>>;
