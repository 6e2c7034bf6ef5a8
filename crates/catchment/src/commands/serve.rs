//! `catchment serve`: the HTTP server.

use catchment_auth::{Callers, KeyUrl, Verifier};
use catchment_core::{Error, Result};
use catchment_documents::Parser;
use catchment_server::Server;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    app::App,
    cli,
    exit::Exit,
    settings::{AuthMode, Settings},
};

pub(crate) async fn run(app: &App, serve: cli::Serve) -> Result<Exit> {
    let mut config = app.settings.server.config();
    if let Some(listen) = serve.listen {
        config.listen = listen;
    }
    config.oauth.registrations = app.settings.registrations(&app.registry)?;
    let callers = callers(&app.settings)?;
    let data = app.open_with(app.sealed_store(app.store().await?).await?).await?;
    let store = data.store;
    let parser = Parser::isolated(app.settings.limits.clone())?;
    let mut server = Server::builder(app.registry.clone(), store.clone(), data.index, parser).callers(callers);
    if let Some(files) = app.settings.server.files_at_once {
        server = server.imports(catchment_engine::Options { concurrency: files.max(1), ..Default::default() });
    }
    if let Some(model) = app.language_model()? {
        server = server.model(model);
    }
    let server = server.bind(config).await?;
    let address = server.address()?;
    if app.json {
        app.line(&serde_json::json!({ "event": "listening", "address": address }))?;
    } else {
        println!("Catchment listens on http://{address} (documentation: http://{address}/docs)");
    }
    server.serve(stop()?).await?;
    store.close().await;
    Ok(Exit::Done)
}

/// Who may call, as the settings say.
fn callers(settings: &Settings) -> Result<Callers> {
    let given = settings.jwt_secret.is_some() || settings.jwks_url.is_some();
    if settings.auth == AuthMode::None {
        if given {
            return Err(Error::config(
                "auth",
                "there is a key for tokens, but none is asked for: set CATCHMENT_AUTH=jwt, or take the key away",
            ));
        }
        return Ok(Callers::Local);
    }
    let claims = settings.claims();
    Ok(Callers::Jwt(match (&settings.jwt_secret, &settings.jwks_url) {
        (Some(secret), None) => Verifier::hs256(secret, claims)?,
        (None, Some(url)) => {
            let url = KeyUrl::new(url);
            Verifier::jwks(if settings.jwks_allow_http { url.allow_http() } else { url }, claims)?
        }
        (Some(_), Some(_)) => {
            return Err(Error::config("auth", "give CATCHMENT_JWT_SECRET or CATCHMENT_JWKS_URL, not both"));
        }
        (None, None) => {
            return Err(Error::config(
                "auth",
                "tokens have to be checked with something: give CATCHMENT_JWT_SECRET or CATCHMENT_JWKS_URL",
            ));
        }
    }))
}

/// Completes at the first request to stop. At the second one the program ends at once.
fn stop() -> Result<impl Future<Output = ()> + Send> {
    let listen =
        |kind| signal(kind).map_err(|error| Error::internal("the signals of the system cannot be had").source(error));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        eprintln!("stopping: what is on its way may end; once more to stop at once");
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            std::process::exit(Exit::Interrupted as i32);
        });
    })
}
