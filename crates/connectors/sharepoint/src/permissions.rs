//! Permissions: who may read an item, inherited grants included.
//!
//! See <https://learn.microsoft.com/graph/api/driveitem-list-permissions>.

use std::collections::BTreeSet;

use catchment_client::segment;
use catchment_core::{Entry, Error, ErrorKind, Page, PageRequest, Permissions, Principal, Result, async_trait};
use catchment_msgraph::{IdentitySet, TENANT};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{connection::Connection, item::Item, place::Library, whereabouts::Whereabouts};

/// What a list of permissions costs, in resource units.
const UNITS: u32 = 5;

/// One entry of a list of permissions. Who it is for stands in several places, of which the newer ones say more;
/// personal accounts know the older ones only.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    #[serde(default)]
    roles: Vec<String>,
    granted_to_v2: Option<IdentitySet>,
    granted_to: Option<IdentitySet>,
    granted_to_identities_v2: Option<Vec<IdentitySet>>,
    granted_to_identities: Option<Vec<IdentitySet>>,
    link: Option<Link>,
    invitation: Option<Invitation>,
    expiration_date_time: Option<DateTime<Utc>>,
    #[serde(default)]
    has_password: bool,
}

#[derive(Debug, Deserialize)]
struct Link {
    scope: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invitation {
    email: Option<String>,
    #[serde(default)]
    sign_in_required: bool,
}

#[async_trait]
impl Permissions for Connection {
    async fn grants(&self, entry: &Entry) -> Result<BTreeSet<Principal>> {
        if self.place().await?.id == entry.id && self.place().await?.is_site {
            return Err(Error::unsupported("a site says who may read its libraries: ask for those"));
        }
        let (library, item) = self.target(&entry.id, &entry.path).await?;
        if item != library.top
            && !self.lies_within(&library, item).await.map_err(|error| error.with("path", &entry.path))?
        {
            return Err(Error::not_found(&entry.path));
        }
        let now = Utc::now();
        let mut request = PageRequest::first();
        let mut readers = BTreeSet::new();
        loop {
            let first = || {
                let path = format!("drives/{}/items/{}/permissions", segment(&library.drive), segment(item));
                self.graph.get(path)
            };
            let page = self.graph.page::<Grant>(first, &request, UNITS).await.map_err(|error| match error.kind() {
                ErrorKind::Forbidden => error.with("path", &entry.path),
                _ => self.explained(error).with("path", &entry.path),
            })?;
            readers.extend(page.items.iter().flat_map(|grant| grant.readers(&library.drive, now)));
            let Some(next) = page.next else { return Ok(readers) };
            request.token = Some(next);
        }
    }

    async fn members(&self, group: &str, page: PageRequest) -> Result<Page<Principal>> {
        self.graph.members(group, &page).await.map_err(|error| self.explained(error))
    }
}

impl Connection {
    /// Whether an item lies below the integration's root: an id leads anywhere in its drive.
    async fn lies_within(&self, library: &Library, item: &str) -> Result<bool> {
        let path = format!("drives/{}/items/{}", segment(&library.drive), segment(item));
        let call = self.graph.get(path).query("$select", "id,name,folder,parentReference,root");
        let item: Item = self.graph.one(call).await.map_err(|error| self.explained(error))?;
        Ok(Whereabouts::new(self, library).path(&item).await?.is_some())
    }
}

impl Grant {
    /// Who may read by this grant at a time. Groups of a site are told apart by the drive.
    fn readers(&self, drive: &str, now: DateTime<Utc>) -> Vec<Principal> {
        // No end is written as the first day of the first year.
        let ended = self.expiration_date_time.is_some_and(|end| end.timestamp() > 0 && end <= now);
        // A role that is not known is none that reads; limited access only lets through to what is below.
        let reads = |role: &String| matches!(role.as_str(), "read" | "write" | "owner" | "sp.full control");
        if ended || self.has_password || !self.roles.iter().any(reads) {
            return Vec::new();
        }
        let mut readers = Vec::new();
        match self.link.as_ref().map(|link| link.scope.as_deref().unwrap_or_default()) {
            Some("anonymous") => readers.push(Principal::Anyone),
            Some("organization") => readers.push(Principal::Group(TENANT.to_owned())),
            _ => {}
        }
        let one = self.granted_to_v2.as_ref().or(self.granted_to.as_ref());
        let many = self.granted_to_identities_v2.as_ref().or(self.granted_to_identities.as_ref());
        readers.extend(one.into_iter().chain(many.into_iter().flatten()).filter_map(|set| set.principal(drive)));
        // Somebody who was invited and has not come yet may: by that address, and after signing in.
        let invited = self.invitation.as_ref().filter(|invitation| invitation.sign_in_required && readers.is_empty());
        if let Some(email) = invited.and_then(|invitation| invitation.email.as_deref()) {
            readers.push(Principal::User(email.to_lowercase()));
        }
        readers
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn readers(grant: Value) -> Vec<Principal> {
        let grant: Grant = serde_json::from_value(grant).unwrap();
        grant.readers("b!d", "2026-06-01T00:00:00Z".parse().unwrap())
    }

    fn user(name: &str) -> Principal {
        Principal::User(name.to_owned())
    }

    #[test]
    fn people_groups_and_links_read() {
        let ada = json!({ "user": { "id": "1", "email": "Ada@Contoso.com", "displayName": "Ada" } });
        assert_eq!(readers(json!({ "roles": ["write"], "grantedToV2": ada })), [user("ada@contoso.com")]);
        assert_eq!(readers(json!({ "roles": ["owner"], "grantedTo": ada })), [user("ada@contoso.com")]);
        let group = json!({ "group": { "id": "g" } });
        assert_eq!(readers(json!({ "roles": ["read"], "grantedToV2": group })), [Principal::Group("g".into())]);
        let link = |scope: &str| json!({ "roles": ["read"], "link": { "scope": scope }, "grantedToIdentitiesV2": [] });
        assert_eq!(readers(link("anonymous")), [Principal::Anyone]);
        assert_eq!(readers(link("organization")), [Principal::Group(TENANT.into())]);
        let people = json!({ "roles": ["read"], "link": { "scope": "users" }, "grantedToIdentitiesV2": [ada] });
        assert_eq!(readers(people), [user("ada@contoso.com")]);
        let invited =
            json!({ "roles": ["read"], "invitation": { "email": "Guest@x.example", "signInRequired": true } });
        assert_eq!(readers(invited), [user("guest@x.example")]);
    }

    #[test]
    fn what_reads_nothing_or_cannot_be_told_is_left_out() {
        let anonymous = json!({ "scope": "anonymous", "type": "view" });
        for grant in [
            json!({ "roles": ["read"], "link": anonymous, "hasPassword": true }),
            json!({ "roles": ["read"], "link": anonymous, "expirationDateTime": "2026-05-31T00:00:00Z" }),
            json!({ "roles": ["read"], "link": { "scope": "existingAccess" } }),
            json!({ "roles": ["read"], "link": { "scope": "something new" } }),
            json!({ "roles": [], "grantedToV2": { "user": { "email": "a@b.example" } } }),
            json!({ "roles": ["sp.limited access"], "grantedToV2": { "user": { "email": "a@b.example" } } }),
            json!({ "roles": ["read"], "grantedToV2": { "application": { "id": "app" } } }),
            json!({ "roles": ["read"], "invitation": { "email": "guest@x.example", "signInRequired": false } }),
        ] {
            assert_eq!(readers(grant.clone()), [], "{grant}");
        }
        let forever = json!({ "roles": ["read"], "link": anonymous, "expirationDateTime": "0001-01-01T00:00:00Z" });
        assert_eq!(readers(forever), [Principal::Anyone]);
    }

    #[test]
    fn a_group_of_a_site_stays_a_group_nobody_can_open() {
        let owners =
            json!({ "roles": ["read"], "grantedToV2": { "siteGroup": { "id": "3", "displayName": "Owners" } } });
        assert_eq!(readers(owners), [Principal::Group("site-group:b!d/3".into())]);
    }
}
