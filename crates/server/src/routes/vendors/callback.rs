//! `GET /api/integrations/callback` and `GET /api/integrations/{vendor}/callback`: a browser comes
//! back from a vendor.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use catchment_auth::oauth::{Fresh, state_hash};
use catchment_core::{Account, Error, ErrorKind, Manifest, Secret};
use catchment_store::{Authorization, Connected, Status};
use chrono::Utc;
use tokio::time::timeout;
use url::form_urlencoded;

use super::own::own;
use crate::{
    extract::VendorId,
    oauth::{Browser, Draft, missing},
    routes::integrations::Given,
    state::App,
};

/// How long the vendor may take to say who has consented.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest value of a parameter that is looked at.
const LONGEST: usize = 4_096;

/// Ends a consent: the vendor's code becomes tokens, and the browser goes on.
#[utoipa::path(
    get, path = "/api/integrations/callback", tag = "vendors",
    params(
        ("code" = Option<String>, Query, description = "What the vendor issued"),
        ("state" = Option<String>, Query, description = "What was said when it began"),
        ("error" = Option<String>, Query, description = "Why the vendor issued nothing"),
    ),
    responses((status = 302, description = "On to where it was to go, with `success`, `provider` and `error`", headers(
        ("Location" = String, description = "Where that is"),
    ))),
)]
pub(crate) async fn callback(State(app): State<Arc<App>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    app.come_back(None, &headers, query.as_deref().unwrap_or_default()).await
}

/// The same, by the vendor in the path.
#[utoipa::path(
    get, path = "/api/integrations/{vendor}/callback", tag = "vendors",
    params(
        ("vendor" = String, Path, description = "The vendor's id", example = "google_drive"),
        ("code" = Option<String>, Query, description = "What the vendor issued"),
        ("state" = Option<String>, Query, description = "What was said when it began"),
        ("error" = Option<String>, Query, description = "Why the vendor issued nothing"),
    ),
    responses((status = 302, description = "On to where it was to go, with `success`, `provider` and `error`", headers(
        ("Location" = String, description = "Where that is"),
    ))),
)]
pub(crate) async fn callback_vendor(
    State(app): State<Arc<App>>,
    VendorId(vendor): VendorId,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    app.come_back(Some(&vendor), &headers, query.as_deref().unwrap_or_default()).await
}

/// How a consent ended.
struct End {
    vendor: Option<&'static str>,
    return_to: Option<String>,
    /// The scopes that were not granted, or why nothing was.
    result: Result<Vec<String>, Error>,
}

impl App {
    async fn come_back(&self, vendor: Option<&str>, headers: &HeaderMap, query: &str) -> Response {
        let end = self.ended(vendor, headers, query).await;
        if let Err(error) = &end.result {
            tracing::info!(vendor = end.vendor, error = ?error, "a consent came to nothing");
        }
        let location = HeaderValue::try_from(onward(&end)).unwrap_or(HeaderValue::from_static("/integrations"));
        (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
    }

    async fn ended(&self, vendor: Option<&str>, headers: &HeaderMap, query: &str) -> End {
        let mut end = End { vendor: None, return_to: None, result: Ok(Vec::new()) };
        end.result = async {
            let said = said(query)?;
            let state = said.get("state").filter(|state| !state.is_empty()).ok_or_else(unknown)?;
            // It is used up by this, whatever happens next.
            let begun = self.store.take_authorization(&state_hash(state)).await?.ok_or_else(unknown)?;
            let manifest = self.registry.manifest(&begun.vendor)?;
            end.vendor = Some(manifest.id);
            let draft = Draft::read(&begun.draft)?;
            end.return_to.clone_from(&draft.return_to);
            if vendor.is_some_and(|vendor| vendor != manifest.id) {
                return Err(unknown());
            }
            self.same_person(headers, &begun, &draft).await?;
            if let Some(code) = said.get("error") {
                return Err(declined(code));
            }
            let code = said
                .get("code")
                .filter(|code| !code.is_empty())
                .ok_or_else(|| refused("the vendor sent you back without a code: connect again"))?;
            self.granted(manifest, begun, draft, &Secret::new(code.clone()), &said).await
        }
        .await;
        end
    }

    /// Whether whoever comes back is the one who was sent there.
    async fn same_person(&self, headers: &HeaderMap, begun: &Authorization, draft: &Draft) -> Result<(), Error> {
        if draft.browser.as_ref().is_some_and(|mark| !Browser::has(headers, mark)) {
            return Err(refused("this is not the browser that began: connect again, and finish in the same one"));
        }
        // A browser brings no token. A program that does is who it says it is, or nobody.
        if let Some(authorization) = headers.get(header::AUTHORIZATION) {
            let caller = self.callers.identify(authorization.to_str().ok()).await;
            if caller.map_err(|_| unknown())?.tenant != begun.tenant {
                return Err(unknown());
            }
        }
        Ok(())
    }

    /// Exchanges the code, learns who consented, and stores both. Gives the scopes that are missing.
    async fn granted(
        &self,
        manifest: &Manifest,
        begun: Authorization,
        draft: Draft,
        code: &Secret,
        said: &HashMap<String, String>,
    ) -> Result<Vec<String>, Error> {
        let scoped = self.store.scoped(&begun.tenant);
        let own = match begun.integration {
            // It may have been deleted meanwhile, which makes this a new one.
            Some(id) => scoped.integration(id).await.map(Some).or_else(absent)?,
            None => own(&scoped, manifest.id, None).await?,
        };
        let mut fields = draft.fields;
        let kept = manifest.oauth.map_or(&[] as &[_], |oauth| oauth.callback);
        for (parameter, setting) in kept {
            if let Some(value) = said.get(*parameter) {
                fields.insert((*setting).to_owned(), value.clone().into());
            }
        }
        let given = Given::new(&self.registry, manifest.id, None, Some(fields), None).map_err(|_| outdated())?;
        let merged = self.merged(&scoped, own.as_ref(), given).await.map_err(|_| outdated())?;
        let oauth = self.consent(manifest.id, &merged.whole)?.ok_or_else(outdated)?;
        let provider = self.provider(manifest, oauth, &merged.whole)?;

        let asked = Utc::now();
        let granted = provider.finish(code, &Secret::new(draft.verifier), &draft.redirect_uri).await?;
        let says = granted.scopes.is_some();
        let mut tokens = granted.into_tokens(asked);
        if !says {
            // RFC 6749, section 5.1: what is not said is what was asked for.
            tokens.scopes.clone_from(&draft.scopes);
        }
        let missing = missing(&draft.scopes, &tokens.scopes);
        let fresh = Fresh::new(tokens.access.clone());
        let connector = self.fresh(manifest.id, &begun.tenant, merged.whole.clone(), Some(fresh))?;
        let checked = timeout(PATIENCE, connector.check())
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Timeout, "the vendor does not answer: try again later")));
        if let Err(error) = &checked
            && matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Forbidden)
        {
            // Of no use, so it is given back.
            if let Err(error) = provider.revoke(&tokens).await {
                tracing::info!(vendor = manifest.id, error = ?error, "a grant of no use could not be given back");
            }
        }
        let trouble = match checked {
            Ok(account) => Ok(account),
            Err(error) if matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Forbidden) => {
                return Err(error);
            }
            Err(error) => Err(error),
        };
        let account: Option<Account> = trouble.as_ref().ok().cloned();
        let connected = Connected { tokens: Some(tokens), account, change: merged.change() };
        let stored = self.store_connection(&scoped, own, manifest, draft.name, connected).await?;
        if let Err(error) = trouble {
            // The grant is good; what it is to be used for is not, or not at the moment.
            scoped.failed(stored.id, Status::Error, error.message()).await?;
        }
        Ok(missing)
    }
}

fn absent<T>(error: Error) -> Result<Option<T>, Error> {
    if error.kind() == ErrorKind::NotFound { Ok(None) } else { Err(error) }
}

/// The parameters, each once.
fn said(query: &str) -> Result<HashMap<String, String>, Error> {
    let mut said = HashMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let plain = value.len() <= LONGEST && !value.chars().any(char::is_control);
        if !plain || said.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(refused("the vendor sent you back with an address that makes no sense: connect again"));
        }
    }
    Ok(said)
}

fn unknown() -> Error {
    refused("this consent is not known here: it was finished already, or took longer than 10 minutes; connect again")
}

fn outdated() -> Error {
    refused("the settings were changed meanwhile: connect again")
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::Forbidden, message)
}

/// RFC 6749, section 4.1.2.1. The vendor's own sentence is not passed on.
fn declined(code: &str) -> Error {
    match code {
        "access_denied" | "consent_required" | "user_cancelled_authorize" | "user_cancelled_login" => {
            refused("you did not consent: connect again if you want to")
        }
        "temporarily_unavailable" | "server_error" => {
            Error::new(ErrorKind::Unavailable, "the vendor cannot ask you at the moment: try again later")
        }
        "invalid_scope" => refused("the vendor does not know a scope that was asked for: ask for others"),
        "unauthorized_client" | "invalid_client" | "unsupported_response_type" | "invalid_request" => Error::new(
            ErrorKind::Config,
            "the vendor does not take this program's registration: have the operator look at it",
        ),
        _ => refused("the vendor did not let you consent: connect again, or ask your administrator there"),
    }
}

/// Where the browser goes on to.
fn onward(end: &End) -> String {
    let to = end.return_to.as_deref().unwrap_or("/integrations");
    let (to, fragment) = to.split_once('#').map_or((to, None), |(to, fragment)| (to, Some(fragment)));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("success", if end.result.is_ok() { "true" } else { "false" });
    if let Some(vendor) = end.vendor {
        query.append_pair("provider", vendor);
    }
    match &end.result {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => {
            query.append_pair("missing_scopes", &missing.join(" "));
        }
        // What went wrong here is for the log.
        Err(error) if error.kind() == ErrorKind::Internal => {
            query.append_pair("error", "something went wrong here: try again");
        }
        Err(error) => {
            query.append_pair("error", error.message());
        }
    }
    let mark = if to.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{to}{mark}{}{fragment}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(return_to: Option<&str>, result: Result<Vec<String>, Error>) -> String {
        onward(&End { vendor: Some("github"), return_to: return_to.map(Into::into), result })
    }

    #[test]
    fn a_browser_is_told_how_it_ended_wherever_it_goes() {
        assert_eq!(end(None, Ok(vec![])), "/integrations?success=true&provider=github");
        assert_eq!(end(Some("/x?y=1#z"), Ok(vec![])), "/x?y=1&success=true&provider=github#z");
        let denied = end(None, Err(declined("access_denied")));
        assert!(denied.starts_with("/integrations?success=false&provider=github&error=you+did+not"), "{denied}");
        let ours = end(None, Err(Error::internal("row 7 is broken")));
        assert!(!ours.contains("row"), "{ours}");
    }

    #[test]
    fn an_address_that_says_something_twice_is_refused() {
        assert!(said("state=a&code=b").is_ok());
        assert!(said("state=a&state=b").is_err());
        assert!(said("state=a%0d%0aX").is_err());
        assert!(said(&format!("code={}", "a".repeat(5_000))).is_err());
    }
}
