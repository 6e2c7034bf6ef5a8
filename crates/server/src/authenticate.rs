//! Who calls: asked before any handler runs, and before a body is read.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::Response,
};
use catchment_auth::Role;

use crate::{
    extract::Caller,
    floor::note_caller,
    problem::{Problem, Result},
    request_id::RequestId,
    state::App,
};

/// Lets a request pass whose caller is known.
pub(crate) async fn authenticate(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Result<Response> {
    let headers = request.headers();
    let authorization = match headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => Some(value.to_str().map_err(|_| unreadable())?),
    };
    let known = app.callers.identify(authorization).await?;
    let request_id = request.extensions().get::<RequestId>().cloned();
    let request_id = request_id.unwrap_or_else(|| RequestId::take(request.headers()));
    note_caller(&known.tenant.organization, &known.tenant.user);
    let caller = Caller { tenant: known.tenant, admin: known.role == Role::Admin, request_id };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn unreadable() -> Problem {
    let message = "the header `Authorization` holds more than ASCII: send `Bearer` and a token";
    catchment_core::Error::new(catchment_core::ErrorKind::Unauthenticated, message).into()
}
