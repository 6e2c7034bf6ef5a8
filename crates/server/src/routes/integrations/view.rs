//! What a client sees of an integration.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use catchment_core::Account;
use catchment_store::{Integration, Status};
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use utoipa::ToSchema;

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "••••••••";

/// One stored connection of one user to one vendor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Integration)]
pub(crate) struct View<'a> {
    /// Its id.
    #[schema(example = 7)]
    id: i64,
    /// Whose it is.
    #[schema(example = "ada")]
    user_id: &'a str,
    /// The organization it belongs to.
    #[schema(example = "acme")]
    organization_slug: &'a str,
    /// The vendor's id.
    #[schema(example = "s3")]
    vendor: &'a str,
    /// What the person calls it.
    #[schema(example = "Contracts")]
    name: &'a str,
    /// The vendor's address, where the settings have one.
    url: Option<&'a str>,
    /// Whether it can be used.
    status: StatusView,
    /// When it was last brought in step with its source.
    last_sync: Option<DateTime<Utc>>,
    /// When the source last answered.
    last_used: Option<DateTime<Utc>>,
    /// Failures since the last success.
    error_count: u32,
    /// What the last failure said, until something succeeds again.
    last_error: Option<&'a str>,
    /// What the person says about it.
    description: Option<&'a str>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When what a person can set last changed.
    updated_at: DateTime<Utc>,
    /// Who is connected, as the vendor names them.
    account: Option<AccountView<'a>>,
    /// Since when.
    connected_at: Option<DateTime<Utc>>,
    /// Every setting, each secret as `••••••••`.
    #[schema(value_type = Object, example = json!({
        "bucket_name": "contracts", "region": "us-east-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": "••••••••"
    }))]
    credentials_summary: Summary<'a>,
}

/// An account at a vendor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountView<'a> {
    /// The vendor's stable id of it.
    external_id: &'a str,
    /// What a person would call it.
    name: &'a str,
    /// What its owner signs in as, where that is something else.
    username: Option<&'a str>,
    /// Its e-mail address.
    email: Option<&'a str>,
    /// A picture of it.
    avatar_url: Option<&'a str>,
}

impl<'a> From<&'a Account> for AccountView<'a> {
    fn from(account: &'a Account) -> Self {
        let detail = |wanted: &str| account.details.iter().find(|(name, _)| name == wanted);
        Self {
            external_id: &account.id,
            name: &account.name,
            username: detail("username").map(|(_, username)| username.as_str()),
            email: account.email.as_deref(),
            avatar_url: account.avatar_url.as_deref(),
        }
    }
}

/// Whether an integration can be used.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntegrationStatus)]
pub(crate) enum StatusView {
    /// It can.
    Active,
    /// A person disconnected it: its secrets are erased.
    Disconnected,
    /// Its credential has run out: a person has to authorize it again.
    Expired,
    /// The vendor withdrew its credential: a person has to authorize it again.
    Revoked,
    /// It failed for another reason; see `last_error`.
    Error,
}

impl<'a> From<&'a Integration> for View<'a> {
    fn from(one: &'a Integration) -> Self {
        Self {
            id: one.id.0,
            user_id: &one.tenant.user,
            organization_slug: &one.tenant.organization,
            vendor: &one.vendor,
            name: &one.name,
            url: one.settings["url"].as_str(),
            status: one.status.into(),
            last_sync: one.last_sync,
            last_used: one.last_used,
            error_count: one.errors,
            last_error: one.last_error.as_deref(),
            description: one.description.as_deref(),
            created_at: one.created_at,
            updated_at: one.updated_at,
            account: one.account.as_ref().map(AccountView::from),
            connected_at: one.connected_at,
            credentials_summary: Summary(one),
        }
    }
}

impl From<Status> for StatusView {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Disconnected => Self::Disconnected,
            Status::Expired => Self::Expired,
            Status::Revoked => Self::Revoked,
            Status::Error => Self::Error,
        }
    }
}

/// Settings as they are, and the names of secrets with a mask. Written straight from the row: the
/// list is the most asked-for answer.
#[derive(Debug)]
pub(crate) struct Summary<'a>(&'a Integration);

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let settings = self.0.settings.as_object().into_iter().flatten();
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in settings.filter(|(name, _)| !self.0.secret_fields.contains(name)) {
            map.serialize_entry(name, value)?;
        }
        for name in &self.0.secret_fields {
            map.serialize_entry(name, &Value::from(MASK))?;
        }
        map.end()
    }
}

/// The tag of an integration as it stands: its revision.
pub(crate) fn etag(one: &Integration) -> String {
    format!("\"{}\"", one.revision)
}

/// An integration with its tag.
pub(crate) fn answer(status: StatusCode, one: &Integration) -> Response {
    let json = serde_json::to_vec(&View::from(one)).unwrap_or_default();
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], json).into_response();
    if let Ok(tag) = HeaderValue::try_from(etag(one)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
