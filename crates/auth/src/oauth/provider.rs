//! Providers: the OAuth of one vendor, for one registration.

use std::{fmt, time::Duration};

use catchment_client::{Client, Egress, outcome_is_unknown};
use catchment_core::{
    Error, ErrorKind, Result, Secret, async_trait,
    oauth::{ClientAuth, OAuth, Revocation},
};
use serde_json::Value;

use super::{
    address::{Origin, address},
    answers::{USED, granted},
    credentials::client,
    exchange::{Exchange, Granted},
    program::{ClientKey, ClientProof, Program},
};

/// A registration at a vendor: what the vendor calls this program.
#[derive(Debug, Clone, Default)]
pub struct App {
    /// The client id.
    pub id: String,
    /// The client secret; a public client has none.
    pub secret: Option<Secret>,
    /// A key to sign with instead of the secret.
    pub key: Option<ClientKey>,
    /// Scheme, host and port that take the place of the vendor's in every address: for an
    /// installation of one's own, and for tests.
    pub origin: Option<String>,
}

/// How one vendor speaks OAuth with one registration, as [`OAuth`] describes it.
///
/// A person is sent to the address of [`Provider::begin`], comes back with a code, and
/// [`Provider::finish`] makes tokens of it; or reads a code off a device
/// ([`Provider::device`], [`Provider::poll`]). As an [`Exchange`] it refreshes them, and
/// [`Provider::revoke`] gives them back.
pub struct Provider {
    pub(super) oauth: &'static OAuth,
    pub(super) client: Client,
    pub(super) program: Program,
    pub(super) authorize: String,
    pub(super) token: String,
    pub(super) device: Option<String>,
    /// The address, whichever way it is spoken to.
    pub(super) revocation: Option<String>,
}

impl App {
    /// The registration that an integration brings along in its settings `client_id` and
    /// `client_secret`; `None` where it uses the operator's.
    pub fn own(settings: &Value) -> Option<Self> {
        let text = |name: &str| settings.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty());
        Some(Self {
            id: text("client_id")?.to_owned(),
            secret: text("client_secret").map(Secret::new),
            ..Self::default()
        })
    }

    /// The registration of an integration: its own, or else the operator's. Where the operator
    /// points elsewhere, that holds for both.
    pub fn of(settings: &Value, operators: Option<&Self>) -> Option<Self> {
        match Self::own(settings) {
            Some(own) => Some(Self { origin: operators.and_then(|operators| operators.origin.clone()), ..own }),
            None => operators.cloned(),
        }
    }
}

impl Provider {
    /// The OAuth of a vendor, for a registration and the settings of an integration, which the
    /// addresses may depend on. Nothing is sent yet.
    ///
    /// # Errors
    /// `Config`, naming the setting without which an address cannot be filled in, or saying that
    /// an address is not permitted.
    pub fn new(oauth: &'static OAuth, app: App, settings: &Value, egress: Egress) -> Result<Self> {
        let origin = app.origin.as_deref().map(|origin| Origin::parse(origin, oauth.installed)).transpose()?;
        let at = |template: &str| address(template, origin.as_ref(), settings);
        let proof = match (app.key, app.secret, oauth.client) {
            (Some(key), ..) => ClientProof::Key(key),
            (None, Some(secret), ClientAuth::Body) => ClientProof::Body(secret),
            (None, Some(secret), ClientAuth::Basic) => ClientProof::Basic(secret),
            (None, None, _) => ClientProof::None,
        };
        let token = at(oauth.token)?;
        let client = client(&token, egress, &proof, |_, _| None)?;
        let revocation = match oauth.revocation {
            Revocation::None => None,
            Revocation::Form(template) | Revocation::Bearer(template) => Some(at(template)?),
            // The id of the program that holds the grant, whoever's it is.
            Revocation::Delete(template) => {
                Some(address(template, origin.as_ref(), &serde_json::json!({ "client_id": app.id }))?)
            }
        };
        Ok(Self {
            oauth,
            client,
            program: Program { id: app.id, proof },
            authorize: at(oauth.authorize)?,
            device: oauth.device.map(at).transpose()?,
            token,
            revocation,
        })
    }

    /// Exchanges the code that the person came back with. Not cancel-safe: a code is good once.
    ///
    /// # Errors
    /// `Unauthenticated` when the code is too old or was used, `Config` when the vendor does not
    /// know the program or the address of the callback; else what happened on the way.
    pub async fn finish(&self, code: &Secret, verifier: &Secret, redirect_uri: &str) -> Result<Granted> {
        let mut form =
            vec![("grant_type", "authorization_code"), ("code", code.expose()), ("redirect_uri", redirect_uri)];
        if self.oauth.pkce {
            form.push(("code_verifier", verifier.expose()));
        }
        // `invalid_grant` means the code here, and there is no grant yet that could be over.
        self.ask(&form).await.map_err(|error| match error.kind() {
            ErrorKind::Unauthenticated => Error::new(ErrorKind::Unauthenticated, USED).source(error),
            _ => error,
        })
    }

    /// Asks the token endpoint, once: the vendor may spend what is exchanged and the answer be lost.
    pub(super) async fn ask(&self, form: &[(&'static str, &str)]) -> Result<Granted> {
        let call = self.program.call(&self.client, &self.token, form)?;
        granted(&call.send().await.map_err(unclear)?, self.oauth.answers)
    }
}

#[async_trait]
impl Exchange for Provider {
    async fn refresh(&self, refresh: &Secret) -> Result<Granted> {
        self.ask(&[("grant_type", "refresh_token"), ("refresh_token", refresh.expose())]).await
    }

    fn idle(&self) -> Option<Duration> {
        self.oauth.idle
    }
}

/// The advice to look up what became of a call helps nobody here.
fn unclear(error: Error) -> Error {
    if !outcome_is_unknown(&error) {
        return error;
    }
    let plain = Error::new(error.kind(), "the vendor did not answer as it should: try again later");
    let known = ["code", "status", "host"].into_iter().filter_map(|name| Some((name, error.get(name)?)));
    known.fold(plain, |plain, (name, value)| plain.with(name, value)).source(error)
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("token", &self.token).field("id", &self.program.id).finish_non_exhaustive()
    }
}
