//! The routes, one module a group.

pub(crate) mod integrations;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::state::App;

/// A group of routes with their descriptions.
pub(crate) type Routes = OpenApiRouter<Arc<App>>;
