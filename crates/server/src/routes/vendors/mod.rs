//! By vendor: the catalogue with the caller's own status, connecting, consenting, disconnecting.
//!
//! A URL that names a vendor means the caller's own integration with it.

mod begin;
mod bulk;
mod callback;
mod catalogue;
mod connect;
mod disconnect;
mod landing;
mod own;
mod people;
mod refresh;
mod test;

use axum::http::StatusCode;
use catchment_core::Manifest;
use utoipa_axum::routes;

use self::{
    begin::*, bulk::*, callback::*, catalogue::*, connect::*, disconnect::*, landing::*, people::*, refresh::*, test::*,
};
use crate::{
    problem::{Problem, Result},
    routes::Routes,
    state::App,
};

/// For callers that are known.
pub(crate) fn known() -> Routes {
    Routes::new()
        .routes(routes!(catalogue))
        .routes(routes!(connected))
        .routes(routes!(vendor))
        .routes(routes!(connect))
        .routes(routes!(connect_vendor))
        .routes(routes!(authorize))
        .routes(routes!(refresh))
        .routes(routes!(test))
        .routes(routes!(disconnect))
        .routes(routes!(disconnect_vendor))
        .routes(routes!(of_user))
        .routes(routes!(status_of_user))
        .routes(routes!(vendor_status_of_user))
}

/// Work on many integrations, which takes as long as it takes.
pub(crate) fn long() -> Routes {
    Routes::new().routes(routes!(bulk))
}

/// For browsers that come back from a vendor: they have a state, and no token.
pub(crate) fn open() -> Routes {
    Routes::new().routes(routes!(callback)).routes(routes!(callback_vendor)).routes(routes!(landing))
}

/// The vendor that a client means.
fn known_vendor<'a>(app: &'a App, vendor: &str) -> Result<&'a Manifest> {
    app.registry
        .manifest(vendor)
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "invalid_integration_type", "Invalid integration type"))
}

fn not_connected() -> Problem {
    Problem::not_found("Integration not connected")
}
