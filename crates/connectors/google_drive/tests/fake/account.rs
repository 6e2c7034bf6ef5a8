//! Tokens: for service accounts, and for persons who consent.

use std::net::SocketAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Call, OWNER, Shared, answers::Answer};

pub(crate) const KEY: &str = include_str!("key.pem");
pub(crate) const OTHER: &str = include_str!("other.pem");
const PUBLIC: &str = include_str!("key.pub.pem");

/// The program that persons consent to: its id and its secret.
pub(crate) const CLIENT: (&str, &str) = ("4711.apps.googleusercontent.com", "client secret");

const READ: &str = "https://www.googleapis.com/auth/drive.readonly";
const NAMES: &str = "https://www.googleapis.com/auth/drive.metadata.readonly";

/// What a token is good for.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) scopes: Vec<String>,
}

impl Token {
    pub(crate) fn names_alone() -> Self {
        Self { scopes: vec![NAMES.to_owned()] }
    }

    pub(crate) fn reads_content(&self) -> bool {
        self.scopes.iter().any(|scope| scope == READ)
    }

    pub(crate) fn reads_names(&self) -> bool {
        self.reads_content() || self.scopes.iter().any(|scope| scope == NAMES)
    }
}

/// The file of a service account's key.
pub(crate) fn key_file(address: SocketAddr, key: &str) -> Value {
    json!({
        "type": "service_account", "project_id": "catchment", "private_key_id": "k1", "private_key": key,
        "client_email": "reader@catchment.iam.gserviceaccount.com", "client_id": "104711",
        "token_uri": format!("http://{address}/token"),
    })
}

impl Shared {
    pub(crate) fn issue(&mut self, call: &Call) -> Answer {
        match call.field("grant_type").as_deref() {
            Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => self.signed(call),
            Some("authorization_code") => self.exchanged(call),
            Some("refresh_token") => self.refreshed(call),
            _ => Answer::refusal("unsupported_grant_type"),
        }
    }

    /// A service account, acting for the owner.
    fn signed(&mut self, call: &Call) -> Answer {
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_audience(&[format!("http://{}/token", self.address)]);
        rules.set_required_spec_claims(&["exp", "aud", "iss"]);
        let key = DecodingKey::from_rsa_pem(PUBLIC.as_bytes()).expect("a key");
        let assertion = call.field("assertion").unwrap_or_default();
        let Ok(claims) = decode::<Value>(&assertion, &key, &rules) else { return Answer::refusal("invalid_grant") };
        let claims = claims.claims;
        if claims["sub"] != OWNER {
            return Answer::refusal("unauthorized_client");
        }
        let scopes = claims["scope"].as_str().unwrap_or_default().split(' ').map(str::to_owned).collect();
        Answer::json(self.token(Token { scopes }))
    }

    /// The person consents at once, and is sent back.
    pub(crate) fn consent(&mut self, call: &Call) -> Answer {
        let of = |name: &str| call.get(name).unwrap_or_default().to_owned();
        let proper = of("response_type") == "code"
            && of("client_id") == CLIENT.0
            && of("code_challenge_method") == "S256"
            && of("access_type") == "offline"
            && of("prompt") == "consent";
        if !proper {
            return Answer::error(400, "invalid_request");
        }
        let code = format!("4/0A{}", self.codes.len());
        let scopes = of("scope").split(' ').map(str::to_owned).collect();
        self.codes.insert(code.clone(), (Token { scopes }, of("code_challenge")));
        let mut back = url::Url::parse(&of("redirect_uri")).expect("an address");
        back.query_pairs_mut().append_pair("state", &of("state")).append_pair("code", &code);
        Answer::redirect(back.as_str())
    }

    fn exchanged(&mut self, call: &Call) -> Answer {
        if !knows(call) {
            return Answer::refusal("invalid_client");
        }
        let code = call.field("code").unwrap_or_default();
        // Used once, whatever comes of it.
        let Some((token, challenge)) = self.codes.remove(&code) else { return Answer::refusal("invalid_grant") };
        let verifier = call.field("code_verifier").unwrap_or_default();
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != challenge {
            return Answer::refusal("invalid_grant");
        }
        let refresh = format!("1//0{}", self.refresh_tokens.len());
        self.refresh_tokens.insert(refresh.clone(), token.clone());
        let mut answer = self.token(token);
        answer["refresh_token"] = refresh.into();
        Answer::json(answer)
    }

    /// The refresh token stays as it is.
    fn refreshed(&mut self, call: &Call) -> Answer {
        let refresh = call.field("refresh_token").unwrap_or_default();
        match self.refresh_tokens.get(&refresh).cloned() {
            Some(token) if knows(call) => Answer::json(self.token(token)),
            Some(_) => Answer::refusal("invalid_client"),
            None => Answer::refusal("invalid_grant"),
        }
    }

    /// One token takes the whole grant along.
    pub(crate) fn revoke(&mut self, call: &Call) -> Answer {
        let token = call.field("token").unwrap_or_default();
        let bearer = format!("Bearer {token}");
        if !self.refresh_tokens.contains_key(&token) && !self.tokens.contains_key(&bearer) {
            return Answer::refusal("invalid_token");
        }
        self.refresh_tokens.clear();
        self.tokens.clear();
        Answer::json(json!({}))
    }

    pub(crate) fn token(&mut self, token: Token) -> Value {
        let access = format!("ya29.{}", self.tokens.len());
        let scope = token.scopes.join(" ");
        self.tokens.insert(format!("Bearer {access}"), token);
        json!({ "access_token": access, "token_type": "Bearer", "expires_in": 3599, "scope": scope })
    }
}

fn knows(call: &Call) -> bool {
    call.field("client_id").as_deref() == Some(CLIENT.0) && call.field("client_secret").as_deref() == Some(CLIENT.1)
}
