//! Permissions: who may read a file or a folder.
//!
//! In doubt nobody may: whoever was let in on something else than the content, or in a way that is
//! not known here, is left out.

use std::collections::BTreeSet;

use catchment_core::{Entry, Error, Page, PageRequest, Permissions, Principal, Result, async_trait};
use chrono::{DateTime, Utc};

use crate::{
    connector::Connection,
    places::{Memory, Node},
    query::is_id,
    root::Root,
    types::Permission,
};

/// The roles that read.
const READERS: [&str; 6] = ["owner", "organizer", "fileOrganizer", "writer", "commenter", "reader"];

#[async_trait]
impl Permissions for Connection {
    /// Inherited ones are among them, as Google works them out. Those of a shortcut are those of
    /// its target.
    async fn grants(&self, entry: &Entry) -> Result<BTreeSet<Principal>> {
        self.readers(entry).await.map_err(|error| error.with("path", &entry.path))
    }

    /// Google keeps groups in its directory, which takes an administrator's consent.
    async fn members(&self, _: &str, _: PageRequest) -> Result<Page<Principal>> {
        Err(Error::unsupported(
            "Google Drive does not say who is in a group: take its members from the organization's directory",
        ))
    }
}

impl Connection {
    async fn readers(&self, entry: &Entry) -> Result<BTreeSet<Principal>> {
        let root = self.root().await?;
        let mut id = entry.id.as_str().to_owned();
        if id == root.id() && !matches!(root, Root::Folder { .. }) {
            return Err(Error::unsupported("this is a list and no folder: ask for what is in it"));
        }
        if !is_id(&id) {
            return Err(Error::not_found(&entry.path));
        }
        let file = self.wire.file(self.keyed(&id)).await?;
        if self.place(&mut Memory::Lately, &id, Node::of(&file).into()).await?.is_none() {
            return Err(Error::not_found(&entry.path));
        }
        if let Some(target) = file.shortcut().and_then(|shortcut| shortcut.target_id.clone()) {
            id = target;
        }
        let now = Utc::now();
        let mut readers = BTreeSet::new();
        let mut page = PageRequest::first();
        loop {
            let (list, lap) = self.wire.permissions(&id, &page).await?;
            readers.extend(list.permissions.iter().filter_map(|permission| reader(permission, now)));
            page.token = lap.next(list.next_page_token.as_deref())?;
            if page.token.is_none() {
                return Ok(readers);
            }
        }
    }
}

/// Whom a permission lets read at a time, if anybody.
fn reader(permission: &Permission, now: DateTime<Utc>) -> Option<Principal> {
    let lapsed = permission.expiration_time.is_some_and(|end| end <= now);
    // A view is of the name alone, or of a published form.
    if permission.deleted || lapsed || permission.view.is_some() || !READERS.contains(&permission.role.as_str()) {
        return None;
    }
    // Whoever has the link may read; but who has it, nobody knows, and a search would give it away.
    let can_be_found = permission.allow_file_discovery == Some(true);
    let email = permission.email_address.as_ref().filter(|email| !email.is_empty()).map(|email| email.to_lowercase());
    match permission.kind.as_str() {
        "user" => Some(Principal::User(email.unwrap_or_else(|| permission.id.clone()))),
        "group" => email.map(Principal::Group),
        "domain" if can_be_found => permission
            .domain
            .as_ref()
            .filter(|domain| !domain.is_empty())
            .map(|domain| Principal::Domain(domain.to_lowercase())),
        "anyone" if can_be_found => Some(Principal::Anyone),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(mut changes: Value) -> Option<Principal> {
        let mut permission = json!({ "id": "07", "type": "user", "role": "reader", "emailAddress": "Ada@Example.com" });
        permission.as_object_mut().expect("an object").append(changes.as_object_mut().expect("an object"));
        let now = "2026-06-01T00:00:00Z".parse().expect("a time");
        reader(&serde_json::from_value(permission).expect("a permission"), now)
    }

    #[test]
    fn users_groups_domains_and_everybody_are_told_apart() {
        let found = json!(true);
        assert_eq!(read(json!({})), Some(Principal::User("ada@example.com".into())));
        assert_eq!(read(json!({ "emailAddress": null })), Some(Principal::User("07".into())));
        assert_eq!(read(json!({ "type": "group" })), Some(Principal::Group("ada@example.com".into())));
        let domain = json!({ "type": "domain", "domain": "Example.com", "allowFileDiscovery": found });
        assert_eq!(read(domain), Some(Principal::Domain("example.com".into())));
        assert_eq!(read(json!({ "type": "anyone", "allowFileDiscovery": found })), Some(Principal::Anyone));
    }

    #[test]
    fn in_doubt_nobody_may_read() {
        for changes in [
            json!({ "deleted": true }),
            json!({ "expirationTime": "2026-05-31T23:59:59Z" }),
            json!({ "view": "metadata" }),
            json!({ "view": "published" }),
            json!({ "role": "somethingNew" }),
            json!({ "type": "somethingNew" }),
            json!({ "type": "anyone" }),
            json!({ "type": "anyone", "allowFileDiscovery": false }),
            json!({ "type": "domain", "domain": "example.com", "allowFileDiscovery": false }),
            json!({ "type": "domain", "allowFileDiscovery": true }),
            json!({ "type": "group", "emailAddress": null }),
        ] {
            assert_eq!(read(changes.clone()), None, "{changes}");
        }
        assert!(read(json!({ "expirationTime": "2026-06-01T00:00:01Z" })).is_some());
    }
}
