//! `catchment templates`: integrations that an operator has prepared.

use std::{fs, path::Path, sync::Arc};

use catchment_auth::oauth::Missing;
use catchment_core::{Context, Error, IntegrationId, Result, Tenant, config};
use catchment_store::{IntegrationChange, List, NewIntegration, Scoped, Status};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    app::{App, secret_value},
    cli::Templates,
    exit::Exit,
    show::{self, plain},
};

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Templated {
    integration: Vec<Template>,
}

/// `[[integration]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    /// The vendor's id.
    vendor: String,
    /// What it is called; with the vendor, what it is known by.
    name: String,
    /// What is said about it.
    description: Option<String>,
    /// Its settings. A secret may be `@FILE`.
    #[serde(default)]
    settings: Map<String, Value>,
}

pub(crate) async fn run(app: &App, templates: &Templates) -> Result<Exit> {
    // All of them are looked at before any is made.
    let prepared: Vec<NewIntegration> =
        read(&templates.file)?.into_iter().map(|template| prepared(app, template)).collect::<Result<_>>()?;
    let tenant = match (&templates.organization, &templates.user) {
        (Some(organization), Some(user)) => Tenant::new(organization, user),
        _ => app.tenant(),
    };
    let store = app.sealed_store(app.store().await?).await?;
    let scoped = store.scoped(&tenant);
    let mut table = show::table(&["Integration", "Vendor", "Result", "Id"]);
    for new in prepared {
        let (vendor, name) = (new.vendor.clone(), new.name.clone());
        let there = there(&scoped, &vendor, &name).await?;
        let (result, id) = match there {
            Some(id) => ("exists", Some(id)),
            None if templates.dry_run => ("would be made", None),
            None => ("made", Some(make(app, &scoped, new).await?)),
        };
        if app.json {
            let id = id.map(|id| id.0);
            app.line(
                &json!({ "event": "template", "vendor": vendor, "name": name, "result": result, "integration_id": id }),
            )?;
        } else {
            let id = id.map(|id| id.to_string()).unwrap_or_default();
            table.add_row([plain(&name), vendor, result.to_owned(), id]);
        }
    }
    store.close().await;
    if !app.json {
        println!("{table}");
    }
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<Vec<Template>> {
    let wrong = |remedy: &'static str| Error::config("file", remedy).with("path", path.display());
    let text =
        fs::read_to_string(path).map_err(|error| wrong("the file cannot be read: check the path").source(error))?;
    // toml's own sentence quotes the line, which may hold a secret.
    let templated: Templated = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count());
        wrong("not TOML of [[integration]] with vendor, name, description and settings").with("line", line)
    })?;
    Ok(templated.integration)
}

/// Checks a template as far as that goes without reaching for anything.
fn prepared(app: &App, template: Template) -> Result<NewIntegration> {
    let Template { vendor, name, description, settings } = template;
    let schema = app.registry.schema(&vendor)?;
    let mut whole = Map::new();
    for (field, value) in settings {
        let value = match value {
            Value::String(text) if config::secret_fields(&schema).any(|secret| secret == field) => {
                secret_value(&text)?.expose().into()
            }
            value => value,
        };
        whole.insert(field, value);
    }
    let whole = Value::Object(whole);
    // What may be reached is for the server to say that will use it.
    let cx = Context::local().with_grant(Arc::new(Missing));
    app.registry.connect(&vendor, whole.clone(), cx).map_err(|error| error.with("integration", &name))?;
    let (settings, secrets) = config::split(&schema, whole)?;
    Ok(NewIntegration { vendor, name, description, settings, secrets })
}

/// Makes one. Where a person has to consent, it is disconnected until then.
async fn make(app: &App, scoped: &Scoped, new: NewIntegration) -> Result<IntegrationId> {
    let whole = config::join(&new.settings, new.secrets.iter().cloned());
    let oauth = app.registry.manifest(&new.vendor)?.oauth;
    let id = scoped.create(new).await?.id;
    if oauth.is_some_and(|oauth| oauth.wanted(|name| !whole[name].is_null())) {
        let disconnected = IntegrationChange { status: Some(Status::Disconnected), ..IntegrationChange::default() };
        scoped.update(id, None, disconnected).await?;
    }
    Ok(id)
}

async fn there(scoped: &Scoped, vendor: &str, name: &str) -> Result<Option<IntegrationId>> {
    let mut after = None;
    loop {
        let list = List { vendor: Some(vendor.to_owned()), after, limit: 1_000, ..List::default() };
        let page = scoped.integrations(&list).await?;
        if let Some(found) = page.iter().find(|one| one.name == name) {
            return Ok(Some(found.id));
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(None),
        }
    }
}
