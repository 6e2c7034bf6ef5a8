//! `catchment login`: a person consents at a vendor, and the connection is stored.

mod listener;

use std::sync::Arc;

use catchment_auth::oauth::{Begin, Fresh, Granted, Provider, new_state};
use catchment_core::{Context, Error, Manifest, OAuth, Result, config};
use catchment_store::{Connected, IntegrationChange, NewIntegration};
use chrono::Utc;
use serde_json::{Map, Value, json};

use self::listener::Listener;
use super::target::values;
use crate::{app::App, cli::Login, exit::Exit, show::plain};

pub(crate) async fn run(app: &App, login: &Login) -> Result<Exit> {
    let manifest = app.registry.manifest(&login.vendor)?;
    let store = app.sealed_store(app.store().await?).await?;
    let own = store.scoped(app.tenant());
    let stored = app.stored(&own, manifest.id).await?;
    let schema = app.registry.schema(manifest.id)?;
    let mut whole = match &stored {
        Some(stored) => config::join(&stored.settings, own.secrets(stored.id).await?),
        None => Value::Object(Map::new()),
    };
    for (name, value) in values(&schema, &login.settings)? {
        whole[name] = value;
    }
    let wanted = manifest.oauth.filter(|oauth| oauth.wanted(|name| !whole[name].is_null()));
    let tokens = match wanted {
        Some(oauth) => Some(consent(app, login, manifest, oauth, &whole).await?),
        None if login.settings.is_empty() => {
            return Err(Error::config(
                "vendor",
                "nobody consents at this vendor: give its settings with --set, `catchment connectors VENDOR` lists them",
            )
            .with("vendor", manifest.id));
        }
        None => None,
    };
    let asked = Utc::now();
    let tokens = tokens.map(|granted| granted.into_tokens(asked));
    let mut cx = Context::local();
    if let Some(tokens) = &tokens {
        cx = cx.with_grant(Arc::new(Fresh::new(tokens.access.clone())));
    }
    let account = app.registry.connect(manifest.id, whole.clone(), cx)?.check().await?;
    let (settings, secrets) = config::split(&schema, whole)?;
    let connected = match stored {
        Some(stored) => {
            let secrets = secrets.into_iter().map(|(name, secret)| (name, Some(secret))).collect();
            let change = IntegrationChange { settings: Some(settings), secrets, ..IntegrationChange::default() };
            own.connected(stored.id, Connected { tokens, account: Some(account.clone()), change }).await?
        }
        None => {
            let (vendor, name) = (manifest.id.to_owned(), manifest.name.to_owned());
            let new = NewIntegration { vendor, name, description: None, settings, secrets };
            own.create_connected(new, tokens, Some(account.clone())).await?
        }
    };
    store.close().await;
    if app.json {
        app.line(&json!({
            "event": "connected", "vendor": manifest.id, "integration_id": connected.id.0,
            "account": { "id": account.id, "name": account.name, "email": account.email },
        }))?;
    } else {
        println!("Connected to {} as {}.", manifest.name, plain(&account.name));
        println!("Try `catchment test {0}` or `catchment import {0}`.", manifest.id);
    }
    Ok(Exit::Done)
}

/// Sends the person to the vendor's page, and waits until they are back.
async fn consent(
    app: &App,
    login: &Login,
    manifest: &Manifest,
    oauth: &'static OAuth,
    whole: &Value,
) -> Result<Granted> {
    let provider = app.provider(manifest, oauth, whole)?;
    if login.device {
        return device(app, login, manifest, &provider).await;
    }
    let listener = Listener::open(login.port).await?;
    let state = new_state()?;
    let begin = Begin {
        redirect_uri: listener.address(),
        state: state.clone(),
        scopes: login.scopes.clone(),
        ..Begin::default()
    };
    let started = provider.begin(&begin)?;
    if app.json {
        app.line(&json!({ "event": "consent", "url": started.url }))?;
    } else {
        println!("Open this page in a browser on this machine and consent:\n\n  {}\n", started.url);
    }
    let code = listener.code(&state, manifest.name).await?;
    provider.finish(&code, &started.verifier, &begin.redirect_uri).await
}

async fn device(app: &App, login: &Login, manifest: &Manifest, provider: &Provider) -> Result<Granted> {
    let code = provider.device(&login.scopes).await?;
    if app.json {
        app.line(&json!({ "event": "device", "url": code.verification_uri, "code": code.user_code }))?;
    } else {
        println!("Open {} in any browser and type {}", plain(&code.verification_uri), plain(&code.user_code));
        println!("Waiting until you have consented at {} ...", manifest.name);
    }
    provider.poll(&code).await
}
