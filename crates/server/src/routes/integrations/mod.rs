//! Integrations by id: made, read, changed, tried, disconnected and deleted.

mod create;
mod list;
mod remove;
mod settings;
mod test;
mod text;
mod update;
mod view;

pub(crate) use self::{
    settings::{Fields, Given, Merged},
    text::Name,
    view::{AccountView, StatusView},
};

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use utoipa_axum::routes;

use self::{
    create::*,
    list::*,
    remove::*,
    test::*,
    update::*,
    view::{View, answer},
};
use crate::{
    extract::{Caller, Id},
    problem::Result,
    routes::Routes,
    state::App,
};

pub(crate) fn router() -> Routes {
    Routes::new()
        .routes(routes!(create))
        .routes(routes!(list))
        .routes(routes!(get, update))
        .routes(routes!(disconnect))
        .routes(routes!(test))
}

/// What takes as long as there are documents to take out of the index.
pub(crate) fn long() -> Routes {
    Routes::new().routes(routes!(delete))
}

/// One integration.
#[utoipa::path(
    get, path = "/integrations/{id}", tag = "integrations",
    params(("id" = i64, Path, minimum = 0, description = "The integration")),
    responses((status = 200, description = "The integration", body = View, headers(
        ("ETag" = String, description = "Its revision, for If-Match"),
    ))),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, caller: Caller, id: Id) -> Result<Response> {
    let found = app.store.scoped(caller.scope()).integration(id.integration()).await?;
    Ok(answer(StatusCode::OK, &found))
}
