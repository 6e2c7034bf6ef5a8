//! `POST /api/integrations/connect` and `POST /api/integrations/{vendor}/connect`.

use std::sync::Arc;

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use catchment_core::{ErrorKind, Manifest, Tenant, config};
use catchment_store::{Connected, Integration, IntegrationChange, NewIntegration, Scoped};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{begin::Wish, known_vendor, own::own};
use crate::{
    extract::{Caller, Json, VendorId},
    problem::{Problem, Result},
    routes::integrations::{Fields, Given, Merged, Name},
    state::App,
};

/// What a person gives to connect.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Connect, example = json!({"integration_type": "telegram", "bot_token": "<bot token>"}))]
pub(crate) struct Form {
    /// The vendor's id, where the path does not name it. Also taken as `vendor`, `provider`,
    /// `type` or `endpoint_type`.
    #[serde(alias = "vendor", alias = "provider", alias = "type", alias = "endpoint_type")]
    integration_type: Option<String>,
    /// A bot's token; the same as in `credentials`.
    bot_token: Option<Value>,
    /// The settings, secrets among them. See the vendor's schema.
    #[schema(value_type = Option<Object>)]
    credentials: Option<Fields>,
    /// More settings, taken together with `credentials`.
    #[schema(value_type = Option<Object>)]
    settings: Option<Fields>,
    /// The vendor's address, where its settings have one.
    url: Option<String>,
    /// Scopes to ask for besides the vendor's own.
    #[serde(default)]
    scopes: Vec<String>,
    /// What to call a new integration; the vendor's name if left out.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    name: Option<Name>,
    /// Which integration to connect, where there are several.
    #[schema(minimum = 0)]
    integration_id: Option<i64>,
    /// Where the browser goes after the vendor's page.
    return_to: Option<String>,
    /// The caller's organization. May be left out.
    organization_slug: Option<String>,
    /// The caller. May be left out.
    user_id: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectResult)]
pub(crate) struct Outcome {
    /// Whether it is connected, or ready to be.
    pub(super) success: bool,
    /// For the person.
    #[schema(example = "telegram connected successfully")]
    pub(super) message: String,
    /// The integration, unless it will be made when the person has consented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) integration_id: Option<i64>,
    /// The vendor's page, where the person has to consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) oauth_url: Option<String>,
    /// What the vendor will say when the browser comes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
}

/// Connects the caller to a vendor, or connects again: the integration keeps its id, its settings
/// and its history. Credentials are tried before anything is stored; where a person has to consent,
/// the answer says where.
#[utoipa::path(
    post, path = "/api/integrations/connect", tag = "vendors", request_body = Form,
    responses(
        (status = 200, description = "It is connected, or the person has to consent", body = Outcome, headers(
            ("Set-Cookie" = Option<String>, description = "Marks the browser that will come back"),
        )),
        (status = 429, description = "The vendor asks for a pause"),
        (status = 502, description = "The vendor could not be asked"),
    ),
)]
pub(crate) async fn connect(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Json(form): Json<Form>,
) -> Result<Response> {
    app.connected(&caller, &headers, None, form).await
}

/// The same, by the vendor in the path.
#[utoipa::path(
    post, path = "/api/integrations/{vendor}/connect", tag = "vendors", request_body = Form,
    params(("vendor" = String, Path, description = "The vendor's id", example = "telegram")),
    responses(
        (status = 200, description = "It is connected, or the person has to consent", body = Outcome, headers(
            ("Set-Cookie" = Option<String>, description = "Marks the browser that will come back"),
        )),
        (status = 429, description = "The vendor asks for a pause"),
        (status = 502, description = "The vendor could not be asked"),
    ),
)]
pub(crate) async fn connect_vendor(
    State(app): State<Arc<App>>,
    caller: Caller,
    VendorId(vendor): VendorId,
    headers: HeaderMap,
    Json(form): Json<Form>,
) -> Result<Response> {
    app.connected(&caller, &headers, Some(&vendor), form).await
}

impl App {
    async fn connected(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        vendor: Option<&str>,
        form: Form,
    ) -> Result<Response> {
        let (outcome, cookie) = self.connect_own(caller, headers, vendor, form).await?;
        let mut response = Answer(outcome).into_response();
        if let Some(cookie) = cookie {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// Connects the caller to a vendor, or says where to consent.
    pub(super) async fn connect_own(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        vendor: Option<&str>,
        form: Form,
    ) -> Result<(Outcome, Option<HeaderValue>)> {
        caller.within(form.organization_slug.as_deref())?;
        let manifest = known_vendor(self, form.vendor(vendor)?)?;
        let scope = caller.scope_of(form.user_id.as_deref())?;
        let tenant = Tenant::new(&scope.organization, scope.user.as_deref().unwrap_or_default());
        let scoped = self.store.scoped(scope);
        let own = own(&scoped, manifest.id, form.integration_id).await?;
        let fields = fields(form.credentials, form.bot_token)?;
        let given = Given::new(&self.registry, manifest.id, form.url.map(Into::into), fields, form.settings)?;
        let fields = given.fields().clone();
        let merged = self.merged(&scoped, own.as_ref(), given).await?;
        complete(self, manifest, &merged.whole)?;
        self.validate(manifest.id, &tenant, merged.whole.clone())?;
        if let Some(oauth) = self.consent(manifest.id, &merged.whole)? {
            let wish = Wish {
                manifest,
                oauth,
                own: own.as_ref(),
                name: form.name.map(Into::into),
                fields,
                whole: &merged.whole,
                scopes: form.scopes,
                return_to: form.return_to,
            };
            let begun = self.begin(&scoped, headers, wish).await?;
            let outcome = Outcome {
                success: true,
                message: format!("open the address to let {} know that you consent", manifest.name),
                integration_id: own.map(|own| own.id.0),
                oauth_url: Some(begun.url),
                state: Some(begun.state),
            };
            return Ok((outcome, begun.cookie));
        }
        let account = self.fresh(manifest.id, &tenant, merged.whole.clone(), None)?.check().await.map_err(refused)?;
        let connected = Connected { tokens: None, account: Some(account), change: merged.change() };
        let stored = self.store_connection(&scoped, own, manifest, form.name.map(Into::into), connected).await?;
        let outcome = Outcome {
            success: true,
            message: format!("{} connected successfully", manifest.id),
            integration_id: Some(stored.id.0),
            oauth_url: None,
            state: None,
        };
        Ok((outcome, None))
    }

    /// What was given, laid over what is stored.
    pub(super) async fn merged(&self, scoped: &Scoped, own: Option<&Integration>, given: Given) -> Result<Merged> {
        let Some(own) = own else {
            let (settings, secrets) = given.fresh()?;
            let whole = config::join(&settings, secrets.iter().cloned());
            let secrets = secrets.into_iter().map(|(name, secret)| (name, Some(secret))).collect();
            return Ok(Merged { whole, settings, secrets });
        };
        let secrets = scoped.secrets(own.id).await?;
        self.metrics.secrets_opened(secrets.len());
        given.over(&own.settings, secrets)
    }

    /// Stores a connection that works: at the integration it is for, or at a new one.
    pub(super) async fn store_connection(
        &self,
        scoped: &Scoped,
        own: Option<Integration>,
        manifest: &Manifest,
        name: Option<String>,
        connected: Connected,
    ) -> catchment_core::Result<Integration> {
        self.metrics.secrets_sealed(connected.change.secrets.len() + usize::from(connected.tokens.is_some()));
        let stored = match own {
            Some(own) => scoped.connected(own.id, connected).await?,
            None => {
                let Connected { tokens, account, change } = connected;
                let secrets = change.secrets.into_iter().filter_map(|(name, secret)| Some((name, secret?)));
                let new = NewIntegration {
                    vendor: manifest.id.to_owned(),
                    name: name.unwrap_or_else(|| manifest.name.to_owned()),
                    description: None,
                    settings: change.settings.unwrap_or_else(|| Value::Object(Fields::new())),
                    secrets: secrets.collect(),
                };
                scoped.create_connected(new, tokens, account).await?
            }
        };
        self.grants.forget(stored.id);
        Ok(stored)
    }
}

impl Form {
    /// The vendor, from the path or from the body.
    pub(super) fn vendor<'a>(&'a self, path: Option<&'a str>) -> Result<&'a str> {
        match (path, self.integration_type.as_deref()) {
            (Some(path), Some(body)) if path != body => {
                Err(Problem::field("integration_type", "not the vendor of the path: leave it out"))
            }
            (path, body) => path.or(body).ok_or_else(|| Problem::field("integration_type", "missing: give this field")),
        }
    }
}

impl Merged {
    /// What changes in the store.
    pub(super) fn change(self) -> IntegrationChange {
        IntegrationChange { settings: Some(self.settings), secrets: self.secrets, ..IntegrationChange::default() }
    }
}

/// A bot's token may stand outside of the credentials, and in both if it is the same.
fn fields(credentials: Option<Fields>, bot_token: Option<Value>) -> Result<Option<Fields>> {
    let Some(token) = bot_token else { return Ok(credentials) };
    let mut fields = credentials.unwrap_or_default();
    match fields.insert("bot_token".to_owned(), token.clone()) {
        Some(other) if other != token => Err(Problem::field("bot_token", "given twice with two values: give it once")),
        _ => Ok(Some(fields)),
    }
}

/// Says in the words that front ends know which setting is missing.
fn complete(app: &App, manifest: &Manifest, whole: &Value) -> Result<()> {
    let schema = app.registry.schema(manifest.id)?;
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        if whole[name].is_null() {
            let detail = format!("{name} required for {}", manifest.name);
            return Err(Problem::new(StatusCode::BAD_REQUEST, "config", detail).about(name));
        }
    }
    Ok(())
}

/// What the vendor said of credentials that are not stored yet: it is the caller who gave them.
fn refused(error: catchment_core::Error) -> Problem {
    let code = match error.kind() {
        ErrorKind::Unauthenticated => "vendor_unauthenticated",
        ErrorKind::Forbidden => "vendor_forbidden",
        ErrorKind::NotFound => "path_not_found",
        _ => return Problem::vendor(error),
    };
    Problem::refused(code, error)
}
