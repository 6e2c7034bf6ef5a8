//! The router: every group of routes on its floor.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use catchment_core::Result;
use tower::util::option_layer;
use tower_http::compression::CompressionLayer;

use crate::{
    authenticate::authenticate,
    cors,
    floor::{floor, no_method, no_route},
    idempotent::idempotent,
    openapi,
    problem::Problem,
    routes::{Routes, ask, browse, docs, history, import, integrations, jobs, operations, vendors},
    state::App,
};

/// All routes; `extra` are the program's own.
pub(crate) fn router(app: &Arc<App>, extra: Routes) -> Result<Router> {
    // Everything here is answered in a bounded time; imports, questions and streams are not.
    let short = Routes::new()
        .merge(integrations::router())
        .merge(import::short())
        .merge(history::router())
        .merge(jobs::short())
        .merge(operations::known())
        .merge(vendors::known())
        .layer(from_fn_with_state(app.clone(), bounded));
    let long = Routes::new()
        .merge(integrations::long())
        .merge(import::long())
        .merge(browse::long())
        .merge(ask::long())
        .merge(jobs::long())
        .merge(vendors::long());
    let mut known = short
        .merge(long)
        .merge(extra)
        .layer(from_fn_with_state(app.clone(), idempotent))
        .layer(from_fn_with_state(app.clone(), authenticate));
    openapi::known(known.get_openapi_mut());
    let open = operations::open().merge(vendors::open()).layer(from_fn_with_state(app.clone(), bounded));
    let (router, mut api) = known.merge(open).split_for_parts();
    openapi::finish(&mut api);
    let router = router
        .merge(docs::router(&api)?)
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(CompressionLayer::new())
        .layer(option_layer(cors::layer(&app.config)))
        .layer(from_fn_with_state(app.clone(), floor))
        .with_state(app.clone());
    Ok(router)
}

/// Ends a request that takes too long.
async fn bounded(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let limit = app.config.request_timeout;
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            format!("no answer within {} s: try again later", limit.as_secs()),
        )
        .retry_after(limit)
        .into_response()
    })
}
