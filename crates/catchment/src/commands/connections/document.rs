//! A connection as the systems before this one wrote it down.

use catchment_core::{Account, Error, Manifest, Registry, Result, Secret, Tenant, Tokens, config};
use catchment_store::{Past, Status};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// Fields that the systems before this one keep for themselves.
const THEIR_OWN: [&str; 6] = ["_id", "id", "__v", "createdAt", "updatedAt", "tokenType"];

/// A document, with whatever fields it has.
pub(super) struct Document(Map<String, Value>);

/// What it is here.
pub(super) struct Moved {
    pub(super) tenant: Tenant,
    pub(super) vendor: &'static str,
    pub(super) name: String,
    pub(super) settings: Value,
    pub(super) secrets: Vec<(String, Secret)>,
    pub(super) tokens: Option<Tokens>,
    pub(super) account: Option<Account>,
    pub(super) past: Past,
    /// Fields that have no place here.
    pub(super) left: Vec<String>,
}

impl Document {
    /// Reads a line. An error quotes nothing of it: it holds tokens.
    pub(super) fn read(line: &str) -> Result<Self> {
        match serde_json::from_str(line) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            _ => Err(Error::config("line", "not a JSON object: write one document a line")),
        }
    }

    /// Translates it. Nothing is reached for.
    pub(super) fn translated(mut self, registry: &Registry, organization: Option<&str>) -> Result<Moved> {
        let manifest = self.vendor(registry)?;
        let tenant = self.tenant(organization)?;
        let consent = manifest.oauth.is_some();
        let mut past = self.past()?;
        let connected = past.status != Status::Disconnected;
        let mut left = Vec::new();
        let (settings, mut secrets) = self.settings(registry, manifest, &mut left)?;
        let account = self.account();
        let (tokens, token) = self.tokens()?;
        let schema = registry.schema(manifest.id)?;
        let mut kept = None;
        match (tokens, token) {
            (Some(_), _) if !connected => left.push("accessToken".to_owned()),
            (Some(tokens), _) if consent => kept = Some(tokens),
            // A vendor that takes one secret and no consent: the token is that secret.
            (_, Some(token)) => {
                let names: Vec<&str> = config::secret_fields(&schema).collect();
                match names.as_slice() {
                    [only] if secrets.iter().all(|(name, _)| name != only) => secrets.push(((*only).to_owned(), token)),
                    _ => left.push("accessToken".to_owned()),
                }
            }
            _ => {}
        }
        let has = |name: &str| !settings[name].is_null() || secrets.iter().any(|(secret, _)| secret == name);
        if past.status == Status::Active && kept.is_none() && manifest.oauth.is_some_and(|oauth| oauth.wanted(has)) {
            past.status = Status::Expired;
            past.last_error = Some("no token came along: connect again".to_owned());
        }
        if !connected {
            left.extend(secrets.drain(..).map(|(name, _)| format!("settings.{name}")));
        }
        left.extend(self.0.keys().filter(|name| !THEIR_OWN.contains(&name.as_str())).cloned());
        left.sort();
        let name = account.as_ref().map(|account| account.name.as_str()).filter(|name| !name.is_empty());
        let name = name.map_or_else(|| manifest.name.to_owned(), |name| format!("{} ({name})", manifest.name));
        Ok(Moved { tenant, vendor: manifest.id, name, settings, secrets, tokens: kept, account, past, left })
    }

    fn vendor(&mut self, registry: &Registry) -> Result<Manifest> {
        let named = self.text("integrationType").or_else(|| self.text("type")).unwrap_or_default();
        let plain = |id: &str| id.replace(['_', '-', ' '], "").to_lowercase();
        registry.manifests().find(|manifest| plain(manifest.id) == plain(&named)).copied().ok_or_else(|| {
            Error::config("integrationType", "no connector here has this id: `catchment connectors` lists them")
                .with("given", named.chars().take(40).collect::<String>())
        })
    }

    fn tenant(&mut self, organization: Option<&str>) -> Result<Tenant> {
        let user = self.text("userId").ok_or_else(|| Error::config("userId", "missing: say whose connection it is"))?;
        let own = self.text("organizationId").or_else(|| self.text("organizationSlug"));
        let organization = own.or_else(|| organization.map(str::to_owned)).ok_or_else(|| {
            Error::config("organizationId", "missing: give it in the document, or with --organization for all")
        })?;
        Ok(Tenant::new(organization, user))
    }

    fn past(&mut self) -> Result<Past> {
        let connected_at = self.time("connectedAt")?;
        let last_sync = self.time("lastSyncAt")?.or(self.time("lastSync")?);
        let connected = self.0.remove("isConnected").and_then(|it| it.as_bool());
        let status = match self.text("status").as_deref().map(str::to_lowercase).as_deref() {
            _ if connected == Some(false) => Status::Disconnected,
            Some("expired") => Status::Expired,
            Some("revoked") => Status::Revoked,
            Some("error" | "failed") => Status::Error,
            Some("disconnected" | "inactive") => Status::Disconnected,
            _ => Status::Active,
        };
        let errors = self.0.remove("errorCount").and_then(|it| it.as_u64()).unwrap_or_default();
        let errors = u32::try_from(errors).unwrap_or(u32::MAX);
        Ok(Past { status, connected_at, last_sync, errors, last_error: self.text("lastError") })
    }

    fn tokens(&mut self) -> Result<(Option<Tokens>, Option<Secret>)> {
        let access = self.text("accessToken").map(Secret::new);
        let refresh = self.text("refreshToken").map(Secret::new);
        let expires = self.time("tokenExpiry")?;
        let scopes = match self.0.remove("scope").or_else(|| self.0.remove("scopes")) {
            Some(Value::String(scopes)) => {
                scopes.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
            }
            Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let Some(access) = access else {
            // A refresh token alone is as good: the access token that has ended is exchanged first.
            let tokens = refresh.map(|refresh| Tokens {
                access: Secret::new(""),
                issued: DateTime::UNIX_EPOCH,
                refresh: Some(refresh),
                expires: Some(DateTime::UNIX_EPOCH),
                scopes,
            });
            return Ok((tokens, None));
        };
        // When it was issued nobody wrote down; what is left of its life is what counts.
        let issued = expires.map_or_else(Utc::now, |expires| expires.min(Utc::now()));
        Ok((Some(Tokens { access: access.clone(), issued, refresh, expires, scopes }), Some(access)))
    }

    fn account(&mut self) -> Option<Account> {
        let names: Vec<String> = self.0.keys().filter(|name| name.starts_with("external")).cloned().collect();
        let mut account = Account::default();
        for name in names {
            let Some(value) = self.text(&name) else { continue };
            match name["external".len()..].to_lowercase().as_str() {
                "id" | "userid" | "accountid" => account.id = value,
                "name" | "displayname" | "accountname" => account.name = value,
                "email" | "useremail" => account.email = Some(value),
                "avatar" | "avatarurl" | "picture" => account.avatar_url = Some(value),
                "username" | "login" => account.details.push(("username".to_owned(), value)),
                other => account.details.push((other.to_owned(), value)),
            }
        }
        if account.name.is_empty() {
            let username = account.details.iter().find(|(name, _)| name == "username").map(|(_, name)| name.clone());
            account.name = username.or_else(|| account.email.clone()).unwrap_or_default();
        }
        (account != Account::default()).then_some(account)
    }

    /// The settings that the vendor knows, by its own names or in camel case.
    fn settings(
        &mut self,
        registry: &Registry,
        manifest: Manifest,
        left: &mut Vec<String>,
    ) -> Result<(Value, Vec<(String, Secret)>)> {
        let schema = registry.schema(manifest.id)?;
        let mut settings = Map::new();
        for group in ["settings", "metadata"] {
            let fields = match self.0.remove(group) {
                Some(Value::Object(fields)) => fields,
                None | Some(Value::Null) => continue,
                Some(_) => {
                    left.push(group.to_owned());
                    continue;
                }
            };
            for (name, value) in fields {
                let plain = |name: &str| name.replace('_', "").to_lowercase();
                let known = config::fields(&schema).find(|(field, _)| plain(field) == plain(&name));
                match known {
                    _ if value.is_null() => {}
                    Some((field, _)) if !settings.contains_key(field) => {
                        settings.insert(field.to_owned(), value);
                    }
                    _ => left.push(format!("{group}.{name}")),
                }
            }
        }
        config::split(&schema, Value::Object(settings))
    }

    /// A text that is there and not empty. Ids may be numbers, or objects as MongoDB writes them.
    fn text(&mut self, name: &str) -> Option<String> {
        let text = match self.0.remove(name)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Object(mut fields) => match fields.remove("$oid") {
                Some(Value::String(text)) => text,
                _ => return None,
            },
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// A moment: RFC 3339, milliseconds since 1970, or either as MongoDB writes it.
    fn time(&mut self, name: &str) -> Result<Option<DateTime<Utc>>> {
        fn read(value: &Value) -> Option<DateTime<Utc>> {
            match value {
                Value::String(text) => DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc)),
                Value::Number(number) => DateTime::from_timestamp_millis(number.as_i64()?),
                Value::Object(fields) => {
                    let inner = fields.get("$date").or_else(|| fields.get("$numberLong"))?;
                    match inner {
                        Value::String(text) => {
                            text.parse().ok().and_then(DateTime::from_timestamp_millis).or_else(|| read(inner))
                        }
                        inner => read(inner),
                    }
                }
                _ => None,
            }
        }
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(&value).map(Some).ok_or_else(|| {
                Error::config(name.to_owned(), "not a moment: give RFC 3339 or milliseconds since 1970")
            }),
        }
    }
}
