//! Sending a person to the vendor for their consent: `GET /api/integrations/{vendor}/auth`, and
//! what connecting does where a consent is needed.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use catchment_auth::oauth::{Begin, new_state, state_hash};
use catchment_core::{Manifest, OAuth, Tenant};
use catchment_store::{Integration, NewAuthorization, Scoped};
use chrono::{TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::{known_vendor, own::own};
use crate::{
    extract::{Caller, Query, VendorId},
    oauth::{Browser, Draft},
    problem::{Problem, Result},
    routes::integrations::Fields,
    state::App,
};

/// How long a person may take at the vendor's page.
const LIFE: TimeDelta = TimeDelta::minutes(10);

/// Scopes beyond the vendor's own: so many, so long.
const MOST_SCOPES: usize = 50;
const LONGEST_SCOPE: usize = 300;

/// A consent that is to be asked for.
pub(super) struct Wish<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) oauth: &'static OAuth,
    /// The integration it is for; without one there will be a new one.
    pub(super) own: Option<&'a Integration>,
    /// What to call a new one.
    pub(super) name: Option<String>,
    /// Settings as they were given, and all of them.
    pub(super) fields: Fields,
    pub(super) whole: &'a Value,
    /// Further scopes.
    pub(super) scopes: Vec<String>,
    pub(super) return_to: Option<String>,
}

/// A consent that was asked for.
pub(super) struct Begun {
    pub(super) url: String,
    pub(super) state: String,
    pub(super) cookie: Option<HeaderValue>,
}

impl App {
    /// Prepares a consent: what the vendor's page needs to know, and what is remembered until the
    /// person comes back.
    pub(super) async fn begin(&self, scoped: &Scoped, headers: &HeaderMap, wish: Wish<'_>) -> Result<Begun> {
        let public = self.config.oauth.public(headers, self.guard.is_local())?;
        let back = wish.return_to.map(|wanted| self.config.oauth.destination(&wanted, &public)).transpose()?;
        let scopes = scopes(wish.oauth, wish.own, wish.scopes)?;
        let provider = self.provider(wish.manifest, wish.oauth, wish.whole)?;
        let path = public.path().trim_end_matches('/').to_owned();
        let mut callback = public.clone();
        callback.set_path(&format!("{path}/api/integrations/{}/callback", wish.manifest.id));
        let state = new_state()?;
        let begin = Begin {
            redirect_uri: callback.to_string(),
            state: state.clone(),
            scopes: scopes.clone(),
            ..Begin::default()
        };
        let started = provider.begin(&begin)?;
        let browser = Browser::of(headers)?;
        let draft = Draft {
            verifier: started.verifier.expose().to_owned(),
            redirect_uri: begin.redirect_uri,
            return_to: back,
            scopes,
            name: wish.name,
            fields: wish.fields,
            browser: Browser::will_come_back(headers).then(|| browser.mark()),
        };
        let new = NewAuthorization {
            state_hash: state_hash(&state),
            vendor: wish.manifest.id.to_owned(),
            integration: wish.own.map(|own| own.id),
            draft: draft.sealable()?,
            expires_at: Utc::now() + LIFE,
        };
        scoped.begin_authorization(new).await?;
        self.metrics.secrets_sealed(1);
        Ok(Begun { url: started.url, state, cookie: browser.cookie(&public) })
    }
}

/// What is asked for: what the vendor's connector needs, what was granted already, so that nothing
/// is lost by asking for more, and what else is wished for.
fn scopes(oauth: &OAuth, own: Option<&Integration>, more: Vec<String>) -> Result<Vec<String>> {
    let sane = |scope: &String| {
        (1..=LONGEST_SCOPE).contains(&scope.len())
            && scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    };
    if more.len() > MOST_SCOPES || !more.iter().all(sane) {
        return Err(Problem::field("scopes", "give the vendor's names of scopes, each on its own, 50 at most"));
    }
    let granted = own.and_then(|own| own.grant.as_ref()).map(|grant| grant.scopes.clone()).unwrap_or_default();
    let mut met = BTreeSet::new();
    let wanted = oauth.scopes.iter().map(|scope| (*scope).to_owned()).chain(granted).chain(more);
    Ok(wanted.filter(|scope| met.insert(scope.clone())).collect())
}

/// Where to go on afterwards, and for what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Way {
    /// The caller's organization. May be left out.
    organization_slug: Option<String>,
    /// Where the browser goes afterwards: a path of this server, or a page of an allowed origin.
    return_to: Option<String>,
    /// Further scopes, with spaces between them.
    scopes: Option<String>,
    /// Which integration is to be authorized, where there are several.
    #[param(minimum = 0)]
    integration_id: Option<i64>,
}

/// Sends the browser to the vendor's page, where the person consents.
#[utoipa::path(
    get, path = "/api/integrations/{vendor}/auth", tag = "vendors",
    params(("vendor" = String, Path, description = "The vendor's id", example = "google_drive"), Way),
    responses((status = 302, description = "To the vendor", headers(
        ("Location" = String, description = "The vendor's page"),
        ("Set-Cookie" = String, description = "Marks the browser that has to come back"),
    ))),
)]
pub(crate) async fn authorize(
    State(app): State<Arc<App>>,
    caller: Caller,
    VendorId(vendor): VendorId,
    Query(way): Query<Way>,
    headers: HeaderMap,
) -> Result<Response> {
    caller.within(way.organization_slug.as_deref())?;
    let manifest = known_vendor(&app, &vendor)?;
    let scoped = app.store.scoped(caller.scope_of(None)?);
    let own = own(&scoped, manifest.id, way.integration_id).await?;
    let whole = match &own {
        Some(own) => app.whole(&scoped, own).await?,
        None => Value::Object(Fields::new()),
    };
    let oauth = consent(&app, manifest, &whole)?;
    let tenant = Tenant::new(&caller.tenant.organization, &caller.tenant.user);
    app.validate(manifest.id, &tenant, whole.clone())?;
    let wish = Wish {
        manifest,
        oauth,
        own: own.as_ref(),
        name: None,
        fields: Fields::new(),
        whole: &whole,
        scopes: way.scopes.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        return_to: way.return_to,
    };
    let begun = app.begin(&scoped, &headers, wish).await?;
    let location = HeaderValue::try_from(begun.url)
        .map_err(|error| catchment_core::Error::internal("the vendor's page has no address").source(error))?;
    let mut response = (StatusCode::FOUND, [(header::LOCATION, location)]).into_response();
    if let Some(cookie) = begun.cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// How a person consents.
pub(super) fn consent(app: &App, manifest: &Manifest, whole: &Value) -> Result<&'static OAuth> {
    app.consent(manifest.id, whole)?.ok_or_else(|| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "unsupported",
            format!("{} needs nobody's consent with these settings: connect it with POST", manifest.name),
        )
    })
}
