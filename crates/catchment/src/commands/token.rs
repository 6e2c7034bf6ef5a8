//! `catchment token`: a token to try a server with.

use std::time::Duration;

use catchment_auth::Role;
use catchment_core::{Error, Result, Tenant};
use serde_json::json;

use crate::{app::App, cli, exit::Exit};

pub(crate) fn run(app: &App, token: &cli::Token) -> Result<Exit> {
    let settings = &app.settings;
    let Some(secret) = &settings.jwt_secret else {
        return Err(Error::config(
            "jwt_secret",
            "tokens are made with the secret that the server checks them with: set CATCHMENT_JWT_SECRET",
        ));
    };
    let role = if token.admin { Role::Admin } else { Role::Member };
    let lifetime = Duration::from_secs(token.hours * 3600);
    let minted = settings.claims().mint(secret, &Tenant::new(&token.organization, &token.user), role, lifetime)?;
    if app.json {
        app.line(&json!({ "token": minted.expose(), "expires_in": lifetime.as_secs() }))?;
    } else {
        println!("{}", minted.expose());
    }
    Ok(Exit::Done)
}
