//! Who calls: asked before any handler runs, and before a body is read.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use catchment_core::Tenant;

use crate::{
    extract::Caller,
    floor::note_caller,
    problem::{Problem, Result},
    request_id::RequestId,
    state::App,
};

pub(crate) async fn authenticate(State(_app): State<Arc<App>>, mut request: Request, next: Next) -> Result<Response> {
    let request_id = request.extensions().get::<RequestId>().cloned();
    let request_id = request_id.unwrap_or_else(|| RequestId::take(request.headers()));
    let caller = Caller { tenant: Tenant::local(), admin: true, request_id };
    note_caller(&caller.tenant.organization, &caller.tenant.user);
    request.extensions_mut().insert(caller);
    Ok::<_, Problem>(next.run(request).await)
}
