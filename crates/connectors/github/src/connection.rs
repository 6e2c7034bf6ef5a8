//! The connection: whose account it is.

use catchment_client::{Client, Egress, Response, ResponseHead, Url};
use catchment_core::{Account, Connector, Context, Error, ErrorKind, Result, Secret, async_trait};
use serde::Deserialize;

use crate::{config::Settings, errors};

/// Where GitHub's own API is.
const API: &str = "https://api.github.com";

/// The version of the API that is spoken: <https://docs.github.com/rest/about-the-rest-api/api-versions>.
const VERSION: &str = "2022-11-28";

/// A connection to one account.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
    /// The setting to look at when the token is refused, if it was pasted.
    pasted: bool,
    /// The address that a person gave.
    custom: Option<String>,
}

#[derive(Deserialize)]
struct User {
    /// Stays, whatever the person is called.
    id: u64,
    login: String,
    name: Option<String>,
    email: Option<String>,
    avatar_url: Option<String>,
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

impl Connection {
    pub(crate) fn new(settings: &Settings, cx: &Context) -> Result<Self> {
        let custom = settings.url.as_deref().map(|url| api(url, settings.allow_http)).transpose()?;
        let egress = if cx.private_network { Egress::allow_private() } else { Egress::public_only() };
        let mut builder = Client::builder("github")
            // Limits are kept for each user at GitHub.
            .tenant(format_args!("{} {}", cx.tenant, cx.integration))
            .base(custom.as_deref().unwrap_or(API))
            .egress(egress)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", VERSION)
            .classify(errors::classify)
            .attempts(4);
        match &settings.access_token {
            Some(token) => {
                let token = token.expose().trim();
                if token.is_empty() {
                    return Err(Error::config(
                        "access_token",
                        "paste the token, or leave the field out to consent at GitHub",
                    ));
                }
                builder = builder.secret_header("authorization", &Secret::new(format!("Bearer {token}")));
            }
            None => builder = builder.authorize(cx.need_grant()?),
        }
        Ok(Self { client: builder.build()?, pasted: settings.access_token.is_some(), custom })
    }

    async fn get(&self, path: &str) -> Result<Response> {
        self.client.get(path).send().await.map_err(|error| self.explained(error))
    }

    /// The address that GitHub writes to, which only the person may see.
    async fn email(&self) -> Result<Option<String>> {
        let addresses: Vec<Address> = match self.get("user/emails").await {
            Ok(response) => response.json().map_err(|error| self.explained(error))?,
            // Tokens without scopes (of a GitHub App, or fine-grained) say nothing about what they
            // lack, and nothing but the address is missing.
            Err(error)
                if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound)
                    && error.get("scope").is_none() =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Ok(addresses.into_iter().find(|address| address.primary && address.verified).map(|address| address.email))
    }

    /// An error names the setting that may be wrong.
    fn explained(&self, error: Error) -> Error {
        if error.get("field").is_some() {
            return error;
        }
        match error.kind() {
            ErrorKind::Unauthenticated if self.pasted => error.with("field", "access_token"),
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::NotFound
                if self.custom.is_some() =>
            {
                error.with("field", "url")
            }
            _ => error,
        }
    }
}

#[async_trait]
impl Connector for Connection {
    /// One call says who it is; a second one finds the e-mail address of those who do not publish
    /// it.
    async fn check(&self) -> Result<Account> {
        let response = self.get("user").await?;
        let user: User = response.json().map_err(|error| self.explained(error))?;
        let email = match user.email.filter(|email| !email.is_empty()) {
            Some(email) => Some(email),
            None => self.email().await?,
        };
        let mut details = vec![("username".to_owned(), user.login.clone())];
        let more = [
            ("profile", user.html_url),
            ("scopes", scopes(response.head())),
            ("lapses", response.head().header("github-authentication-token-expiration").map(str::to_owned)),
            ("endpoint", self.custom.clone()),
        ];
        details.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        let name = user.name.filter(|name| !name.is_empty()).unwrap_or(user.login);
        Ok(Account { id: user.id.to_string(), name, email, avatar_url: user.avatar_url, details })
    }
}

/// The scopes that were granted, where the token has such a thing.
fn scopes(head: &ResponseHead) -> Option<String> {
    let scopes: Vec<_> = errors::scopes(head.header("x-oauth-scopes")?).collect();
    Some(if scopes.is_empty() { "none".to_owned() } else { scopes.join(" ") })
}

/// An address that a person gave, without the slash at the end.
fn api(url: &str, allow_http: bool) -> Result<String> {
    let wrong = |remedy: &'static str| Error::config("url", remedy);
    let parsed = Url::parse(url.trim()).map_err(|_| wrong("give an address that starts with https://"))?;
    match parsed.scheme() {
        "https" => {}
        "http" if allow_http => {}
        _ => return Err(wrong("give an address that starts with https://: the token is not sent in the clear")),
    }
    if matches!(parsed.host_str(), Some("github.com" | "www.github.com")) {
        return Err(wrong("this is the address of the pages: leave it out, or give that of the API"));
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}
