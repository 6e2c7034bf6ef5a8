//! The routes, one module a group.

pub(crate) mod docs;
pub(crate) mod integrations;
pub(crate) mod operations;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::state::App;

/// A group of routes with their descriptions.
pub(crate) type Routes = OpenApiRouter<Arc<App>>;
