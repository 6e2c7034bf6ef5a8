//! Token endpoints: what OAuth 2.0 says of refreshing, and what vendors made of it.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use catchment_client::{Client, Egress, ResponseHead, StatusCode};
use catchment_core::{Error, ErrorKind, Result, Secret, async_trait};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use super::exchange::{Exchange, Granted};

/// Nothing lives longer; what says so is no number of seconds.
const LONGEST_LIFE: u64 = 10 * 366 * 24 * 3600;

/// The token endpoint of a vendor that keeps to RFC 6749, section 6, or nearly so: an error in an
/// answer of 200 is understood, and so are lives in quotes and scopes with commas between them.
pub struct TokenEndpoint {
    client: Client,
    url: String,
    id: String,
    secret: Option<Secret>,
    basic: bool,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    scope: Value,
}

impl TokenEndpoint {
    /// An endpoint, and what this program is called there. The secret goes into the body.
    ///
    /// # Errors
    /// `Config` when the address cannot be one.
    pub fn new(
        url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: Option<Secret>,
        egress: Egress,
    ) -> Result<Self> {
        let url = url.into();
        let client = Client::builder("oauth")
            .tenant(&url)
            .base(&url)
            .egress(egress)
            .classify(classify)
            .deadline(Duration::from_secs(50))
            .answer_within(Duration::from_secs(30))
            .attempts(3)
            .cap(64 * 1024)
            .build()?;
        Ok(Self { client, url, id: client_id.into(), secret: client_secret, basic: false })
    }

    /// Sends id and secret in the header `Authorization`, where a vendor wants it (RFC 6749,
    /// section 2.3.1).
    #[must_use]
    pub fn basic(mut self) -> Self {
        self.basic = true;
        self
    }
}

#[async_trait]
impl Exchange for TokenEndpoint {
    async fn refresh(&self, refresh: &Secret) -> Result<Granted> {
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        let secret = self.secret.as_ref().map_or("", Secret::expose);
        if !self.basic {
            form.push(("client_id", &self.id));
            form.extend(self.secret.as_ref().map(|_| ("client_secret", secret)));
        }
        // Not idempotent: the vendor may spend the refresh token and the answer be lost.
        let mut call = self.client.post(&self.url).form(form).header("accept", "application/json");
        if self.basic {
            let part = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
            let pair = format!("{}:{}", part(&self.id), part(secret));
            call = call.secret_header("authorization", &Secret::new(format!("Basic {}", STANDARD.encode(pair))));
        }
        let answer: Answer = call.send().await?.json()?;
        let access = answer.access_token.filter(|access| !access.is_empty());
        Ok(Granted {
            access: access.ok_or_else(|| Error::protocol("the vendor granted no access token"))?,
            refresh: answer.refresh_token.filter(|refresh| !refresh.is_empty()),
            lives: lives(&answer.expires_in),
            scopes: scopes(&answer.scope),
        })
    }
}

fn lives(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(|seconds| seconds as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds.filter(|seconds| (1..=LONGEST_LIFE).contains(seconds)).map(Duration::from_secs)
}

fn scopes(value: &Value) -> Option<Vec<String>> {
    let split = |text: &str| text.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    let scopes: Vec<String> = match value {
        Value::String(text) => split(text),
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return None,
    };
    (!scopes.is_empty()).then_some(scopes)
}

/// What the code in an answer means, whatever its status. Nothing but a code that says so ends a
/// grant: a bare 401 speaks of this program, and a page or a 503 of nothing.
fn classify(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    #[derive(Deserialize)]
    struct Fault {
        error: String,
    }

    let code = serde_json::from_slice::<Fault>(body).map(|fault| fault.error);
    let (kind, message) = match code.as_deref() {
        Ok(
            // RFC 6749, GitHub, Slack, OpenID Connect.
            "invalid_grant"
            | "bad_refresh_token"
            | "invalid_refresh_token"
            | "token_revoked"
            | "token_expired"
            | "interaction_required"
            | "login_required"
            | "consent_required",
        ) => (ErrorKind::Unauthenticated, "the vendor does not accept this connection any more: authorize it again"),
        Ok(
            "invalid_client"
            | "unauthorized_client"
            | "incorrect_client_credentials"
            | "invalid_client_id"
            | "bad_client_secret",
        ) => (ErrorKind::Config, UNKNOWN_PROGRAM),
        Ok("temporarily_unavailable" | "server_error" | "internal_failure") => {
            (ErrorKind::Unavailable, "the vendor issues no tokens at the moment: try again later")
        }
        Ok("slow_down" | "ratelimited" | "rate_limited") => {
            (ErrorKind::RateLimited, "the vendor asks for fewer tokens to be asked for: wait")
        }
        Ok(_) if head.status.is_success() || head.status == StatusCode::BAD_REQUEST => {
            (ErrorKind::Protocol, "the vendor refuses to exchange the token, for a reason that is not known here")
        }
        _ if head.status == StatusCode::UNAUTHORIZED => (ErrorKind::Config, UNKNOWN_PROGRAM),
        _ => return None,
    };
    Some(Error::new(kind, message))
}

const UNKNOWN_PROGRAM: &str = "the vendor does not accept this program: correct the client id and the client secret";

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint").field("url", &self.url).field("id", &self.id).finish_non_exhaustive()
    }
}
