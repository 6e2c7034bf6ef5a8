//! A vendor that wants a person's consent, and its pages: `/authorize`, `/token`, `/revoke`, `/me`.
//!
//! It keeps to the rules, PKCE and single-use codes among them, unless a test tells it not to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Query, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use catchment_auth::oauth::App as Registration;
use catchment_core::{
    Account, AuthMethod, Authorize, Capabilities, Connector, Context, Error, ErrorKind, OAuth, Result, Secret, Vendor,
    async_trait, oauth::Revocation,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{net::TcpListener, task::JoinHandle};
use url::{Url, form_urlencoded};

use super::PLANTED;

/// The vendor `library`.
pub(crate) struct Library;

const OAUTH: OAuth = OAuth {
    authorize: "https://library.example/{branch|main}/authorize",
    token: "https://library.example/token",
    revocation: Revocation::Form("https://library.example/revoke"),
    scopes: &["read", "profile"],
    extra: &[("prompt", "consent")],
    callback: &[("realmId", "realm_id")],
    unless: &["card"],
    idle: Some(Duration::from_secs(2)),
    ..OAuth::STANDARD
};

/// Which branch, and how to get in without a person.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "some only stand in addresses")]
pub(crate) struct Settings {
    /// Which branch.
    branch: Option<String>,
    /// What the vendor says of the place when somebody consents.
    realm_id: Option<String>,
    /// A registration of one's own.
    client_id: Option<String>,
    /// Its secret.
    client_secret: Option<Secret>,
    /// A card, with which nobody needs to consent.
    card: Option<Secret>,
    /// Where the library answers.
    url: Option<String>,
}

#[derive(Debug)]
struct Reader {
    settings: Settings,
    grant: Option<Arc<dyn Authorize>>,
}

impl Vendor for Library {
    const ID: &'static str = "library";
    const NAME: &'static str = "Library";
    const DESCRIPTION: &'static str = "Borrowed books";
    const ICON: &'static str = "<svg/>";
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Oauth2, AuthMethod::Keys];
    const CAPABILITIES: Capabilities = Capabilities::NONE;
    const OAUTH: Option<&'static OAuth> = Some(&OAUTH);
    type Config = Settings;

    fn connect(settings: Settings, cx: Context) -> Result<impl Connector> {
        let grant = if settings.card.is_some() { None } else { Some(cx.need_grant()?) };
        Ok(Reader { settings, grant })
    }
}

#[async_trait]
impl Connector for Reader {
    async fn check(&self) -> Result<Account> {
        let Some(grant) = &self.grant else { return Ok(Account { name: "a card".into(), ..Account::default() }) };
        let url = self.settings.url.clone().unwrap_or_default();
        let mut rejected = false;
        loop {
            let header = grant.header().await?;
            let call = reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{url}/me"));
            let answer = call.header("authorization", header.expose()).send().await.map_err(|error| {
                Error::new(ErrorKind::Unavailable, "the library does not answer: try again later").source(error)
            })?;
            match answer.status().as_u16() {
                200 => {
                    let me: Value = answer.json().await.unwrap();
                    let text = |name: &str| me[name].as_str().map(str::to_owned);
                    return Ok(Account {
                        id: text("id").unwrap_or_default(),
                        name: text("name").unwrap_or_default(),
                        email: text("email"),
                        avatar_url: text("avatar"),
                        details: vec![("username".into(), text("login").unwrap_or_default())],
                    });
                }
                401 if !rejected => {
                    grant.rejected(&header).await?;
                    rejected = true;
                }
                403 => {
                    let message = "the grant does not reach that far: consent to more";
                    return Err(Error::new(ErrorKind::Forbidden, message).with("scope", "profile"));
                }
                _ => {
                    return Err(Error::new(ErrorKind::Unauthenticated, "the library does not know you: consent again"));
                }
            }
        }
    }
}

/// How the token page answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// By the rules.
    #[default]
    Fair,
    /// With a page for people.
    Html,
    /// With an error in an answer of 200.
    ErrorIn200,
    /// With 503.
    Down,
    /// By the rules, but nobody may see whose token it is.
    NoProfile,
}

#[derive(Default)]
struct Books {
    mood: Mood,
    count: usize,
    codes: HashMap<String, Consent>,
    refresh: HashMap<String, String>,
    access: HashMap<String, String>,
    calls: Vec<String>,
}

struct Consent {
    challenge: String,
    redirect_uri: String,
    scope: String,
    reader: String,
}

/// A running library.
pub(crate) struct Pages {
    pub(crate) base: String,
    books: Arc<Mutex<Books>>,
    serving: JoinHandle<()>,
}

impl Pages {
    pub(crate) async fn open() -> Self {
        let books = Arc::<Mutex<Books>>::default();
        let router = Router::new()
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/me", get(me))
            .with_state(books.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, books, serving }
    }

    /// The operator's registration, which leads here.
    pub(crate) fn registration(&self) -> Registration {
        Registration {
            id: "catchment-client".into(),
            secret: Some(Secret::new(PLANTED[2])),
            origin: Some(self.base.clone()),
            ..Registration::default()
        }
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.books().mood = mood;
    }

    /// What was asked for so far.
    pub(crate) fn calls(&self, what: &str) -> usize {
        self.books().calls.iter().filter(|call| *call == what).count()
    }

    /// All tokens of everybody end, as if a person had taken the consent back.
    pub(crate) fn forget_everybody(&self) {
        let mut books = self.books();
        books.refresh.clear();
        books.access.clear();
    }

    /// Access tokens end, refresh tokens stay.
    pub(crate) fn forget_access(&self) {
        self.books().access.clear();
    }

    /// A person consents on the page; `scope` is what they left ticked, everything if `None`.
    /// Gives the path and query to which the browser is sent back.
    pub(crate) fn consent(&self, oauth_url: &str, reader: &str, scope: Option<&str>) -> String {
        let url = Url::parse(oauth_url).unwrap();
        assert!(oauth_url.starts_with(&self.base) && url.path().ends_with("/authorize"), "{oauth_url}");
        let said: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!((said["response_type"].as_str(), said["client_id"].as_str()), ("code", "catchment-client"));
        assert_eq!((said["code_challenge_method"].as_str(), said["prompt"].as_str()), ("S256", "consent"));
        let mut books = self.books();
        books.count += 1;
        let code = format!("code-{}-{}", books.count, PLANTED[0]);
        let consent = Consent {
            challenge: said["code_challenge"].clone(),
            redirect_uri: said["redirect_uri"].clone(),
            scope: scope.map_or_else(|| said["scope"].clone(), str::to_owned),
            reader: reader.to_owned(),
        };
        books.codes.insert(code.clone(), consent);
        let mut back = Url::parse(&said["redirect_uri"]).unwrap();
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &said["state"])
            .append_pair("realmId", "r-1");
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Shared = State<Arc<Mutex<Books>>>;

fn refused(status: StatusCode, error: &str) -> Response {
    (status, axum::Json(json!({"error": error, "error_description": PLANTED[1]}))).into_response()
}

async fn token(State(books): Shared, body: Bytes) -> Response {
    let said: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let mut books = books.lock().unwrap();
    let grant = said.get("grant_type").cloned().unwrap_or_default();
    books.calls.push(grant.clone());
    match books.mood {
        Mood::Html => return Html("<h1>Welcome</h1>").into_response(),
        Mood::ErrorIn200 => return refused(StatusCode::OK, "bad_verification_code"),
        Mood::Down => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Fair | Mood::NoProfile => {}
    }
    if said.get("client_secret").map(String::as_str) != Some(PLANTED[2]) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let (reader, scope) = match grant.as_str() {
        "authorization_code" => {
            let Some(consent) = books.codes.remove(&said["code"]) else {
                return refused(StatusCode::BAD_REQUEST, "invalid_grant");
            };
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(said["code_verifier"].as_bytes()));
            if challenge != consent.challenge || said["redirect_uri"] != consent.redirect_uri {
                return refused(StatusCode::BAD_REQUEST, "invalid_grant");
            }
            (consent.reader, Some(consent.scope))
        }
        "refresh_token" => match books.refresh.remove(&said["refresh_token"]) {
            Some(reader) => (reader, None),
            None => return refused(StatusCode::BAD_REQUEST, "invalid_grant"),
        },
        _ => return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
    };
    books.count += 1;
    let access = format!("access-{}-{}", books.count, PLANTED[0]);
    let refresh = format!("refresh-{}-{}", books.count, PLANTED[1]);
    books.access.insert(access.clone(), reader.clone());
    books.refresh.insert(refresh.clone(), reader);
    let mut answer = json!({
        "access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600,
    });
    if let Some(scope) = scope {
        answer["scope"] = scope.into();
    }
    axum::Json(answer).into_response()
}

async fn revoke(State(books): Shared, body: Bytes) -> Response {
    let said: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let mut books = books.lock().unwrap();
    books.calls.push("revoke".into());
    if books.mood == Mood::Down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let token = said["token"].clone();
    let reader = books.refresh.get(&token).or_else(|| books.access.get(&token)).cloned();
    books.refresh.retain(|_, of| Some(&*of) != reader.as_ref());
    books.access.retain(|_, of| Some(&*of) != reader.as_ref());
    StatusCode::OK.into_response()
}

async fn me(State(books): Shared, headers: HeaderMap, RawQuery(_): RawQuery, Query(_): Query<Value>) -> Response {
    let mut books = books.lock().unwrap();
    books.calls.push("me".into());
    let token = headers.get("authorization").and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
    let reader = token.and_then(|token| books.access.get(token)).cloned();
    match reader {
        Some(_) if books.mood == Mood::NoProfile => StatusCode::FORBIDDEN.into_response(),
        Some(reader) => axum::Json(json!({
            "id": format!("id-of-{reader}"), "name": reader.to_uppercase(), "login": reader,
            "email": format!("{reader}@library.example"), "avatar": "https://library.example/a.png",
        }))
        .into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
