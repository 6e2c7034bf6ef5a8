//! How the server is: alive, ready, its integrations, its numbers, its audit log.

mod audit;
mod health;
mod metrics;
mod status;

use utoipa_axum::routes;

use self::{audit::*, health::*, metrics::*, status::*};
use crate::routes::Routes;

/// For callers that are known.
pub(crate) fn known() -> Routes {
    Routes::new().routes(routes!(status)).routes(routes!(audit)).routes(routes!(metrics))
}

/// For everybody: what starts and stops servers has no token.
pub(crate) fn open() -> Routes {
    Routes::new().routes(routes!(health)).routes(routes!(ready))
}
