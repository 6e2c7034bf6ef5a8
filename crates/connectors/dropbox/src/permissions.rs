//! Permissions: who may read, by shared folder, and by file where a file is shared by itself.
//!
//! Links are left out: that somebody who has the link may read lets nobody find it.

use std::{collections::BTreeSet, sync::Arc};

use catchment_core::{Entry, Error, Page, PageRequest, PageToken, Permissions, Principal, Result, async_trait, page};
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::{
    connection::Connection,
    listing,
    members::{person, readers},
    model::{GroupMembers, Metadata, SharedMembers},
    place::{self, Place},
};

/// Dropbox gives no more members of a folder or group, or of a file, in one answer.
const OF_FOLDER: u32 = 1_000;
const OF_FILE: u32 = 300;

#[async_trait]
impl Permissions for Connection {
    /// A call for the entry, and one for each shared folder and minute; for a file that is shared
    /// by itself one more.
    async fn grants(&self, entry: &Entry) -> Result<BTreeSet<Principal>> {
        let explained = |error: Error| match error.get("path") {
            Some(_) => error,
            None => error.with("path", &entry.path),
        };
        self.readers_of(entry).await.map_err(explained)
    }

    /// Told to apps that are linked to a team, with the scope `groups.read`.
    async fn members(&self, group: &str, page: PageRequest) -> Result<Page<Principal>> {
        let found: GroupMembers = match &page.token {
            Some(cursor) => {
                let argument = json!({ "cursor": cursor.as_str() });
                self.wire.team("team/groups/members/list/continue", &argument).await?
            }
            None => {
                let selector = json!({ ".tag": "group_id", "group_id": group });
                let argument = json!({ "group": selector, "limit": page.limit_or(OF_FOLDER, OF_FOLDER) });
                self.wire.team("team/groups/members/list", &argument).await?
            }
        };
        // Those who were invited, suspended or removed may not read.
        let active = found.members.into_iter().map(|member| member.profile).filter(|one| one.status.tag == "active");
        let items = active.map(|one| person(&one.email, one.account_id.as_deref().unwrap_or_default())).collect();
        let next = found.has_more.then(|| PageToken::new(found.cursor));
        if next.is_some() && next == page.token {
            return Err(Error::protocol("Dropbox gives the same page again and again: ask again later"));
        }
        Ok(Page { items, next })
    }
}

impl Connection {
    async fn readers_of(&self, entry: &Entry) -> Result<BTreeSet<Principal>> {
        let wanted = |place: &Place| match place.root.path(&entry.id)? {
            // What has no path cannot be asked about.
            "" => Err(Error::unsupported("Dropbox does not say who sees all of an account: ask for what is in it")),
            path => Ok(json!({ "path": path, "include_has_explicit_shared_members": true })),
        };
        let (_, metadata): (_, Metadata) = self.ask("files/get_metadata", wanted).await?;
        let (folder, file) = match metadata {
            Metadata::Deleted(_) => return Err(Error::not_found(&entry.path)),
            Metadata::File(file) => {
                let shared = file.has_explicit_shared_members.unwrap_or_default();
                (file.sharing_info.map(|sharing| sharing.parent_shared_folder_id), shared.then_some(file.id))
            }
            Metadata::Folder(folder) => {
                let sharing = folder.sharing_info.unwrap_or_default();
                if sharing.no_access {
                    return Err(listing::no_access());
                }
                (sharing.shared_folder_id.or(sharing.parent_shared_folder_id), None)
            }
        };
        match (file, folder) {
            (Some(file), _) => {
                let argument = json!({ "file": file, "include_inherited": true, "limit": OF_FILE });
                self.shared_with("sharing/list_file_members", argument).await
            }
            (None, Some(folder)) => {
                if let Some(known) = self.members.get(&folder) {
                    return Ok((*known).clone());
                }
                let argument = json!({ "shared_folder_id": folder, "limit": OF_FOLDER });
                let members = Arc::new(self.shared_with("sharing/list_folder_members", argument).await?);
                self.members.keep(&folder, &members);
                Ok((*members).clone())
            }
            // Shared with nobody: the account's own.
            (None, None) => {
                let account = place::account(&self.wire).await?;
                let email = if account.email_verified { account.email.as_str() } else { "" };
                Ok([person(email, &account.account_id)].into())
            }
        }
    }

    /// All pages. One that fails fails all: fewer readers than there are would be no answer.
    async fn shared_with(&self, route: &str, argument: Value) -> Result<BTreeSet<Principal>> {
        let (place, argument) = (&self.place().await?, &argument);
        let members = page::items(PageRequest::first(), |request| async move {
            let mut found: SharedMembers = match &request.token {
                None => self.wire.rpc(route, argument, &place.path_root).await?,
                Some(cursor) => self.go_on(&format!("{route}/continue"), cursor.as_str()).await?.1,
            };
            let next = found.cursor.take().filter(|cursor| !cursor.is_empty()).map(PageToken::new);
            Ok(Page { items: readers(found).collect(), next })
        });
        members.try_collect().await
    }
}
