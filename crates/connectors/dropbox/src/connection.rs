//! The connection: whose account it is, and what the capabilities share.

use std::sync::Arc;

use catchment_core::{
    Account, Browse, Changes, Connector, Context, Download, Error, ErrorKind, Permissions, Result, async_trait,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    config::Settings,
    members::Members,
    model::Listing,
    place::{self, Place, Wanted},
    wire::Wire,
};

/// A revision that no file has. Whether the token may read is decided before it is looked for.
const NO_REVISION: &str = "rev:000000000";

/// A connection to a folder of one account.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Shared with the bodies that are being read: they go on by themselves where one broke off.
    pub(crate) wire: Arc<Wire>,
    wanted: Wanted,
    /// Found with the first call, and again when the account's root has changed.
    place: Mutex<Option<Arc<Place>>>,
    /// Dropbox answers lists that one account asks for at the same time with 429.
    listing: Mutex<()>,
    pub(crate) members: Members,
    /// Until when Dropbox wants no other long poll.
    pub(crate) quiet: Mutex<Option<Instant>>,
}

impl Connection {
    pub(crate) fn new(settings: &Settings, cx: &Context) -> Result<Self> {
        let wanted = Wanted::new(&settings.folder_path)?;
        let wire = Arc::new(Wire::new(settings, cx)?);
        Ok(Self {
            wire,
            wanted,
            place: Mutex::default(),
            listing: Mutex::default(),
            members: Members::new(),
            quiet: Mutex::default(),
        })
    }

    /// Where the connection is. Whoever asks first finds out; the others wait for that.
    pub(crate) async fn place(&self) -> Result<Arc<Place>> {
        let mut place = self.place.lock().await;
        if let Some(place) = &*place {
            return Ok(Arc::clone(place));
        }
        let found = Arc::new(self.wanted.find(&self.wire).await?);
        *place = Some(Arc::clone(&found));
        Ok(found)
    }

    /// Forgets a place that is no longer right, unless somebody has already.
    pub(crate) async fn leave(&self, old: &Arc<Place>) {
        let mut place = self.place.lock().await;
        if place.as_ref().is_some_and(|place| Arc::ptr_eq(place, old)) {
            *place = None;
        }
    }

    /// A call about something in this place. When the account's root has changed meanwhile, it is
    /// found again and asked once more.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        route: &str,
        argument: impl Fn(&Place) -> Result<Value> + Send + Sync,
    ) -> Result<(Arc<Place>, T)> {
        let place = self.place().await?;
        match self.wire.rpc(route, &argument(&place)?, &place.path_root).await {
            Ok(answer) => Ok((place, answer)),
            Err(error) if place::has_moved(&error) => {
                self.leave(&place).await;
                let place = self.place().await?;
                let answer = self.wire.rpc(route, &argument(&place)?, &place.path_root).await?;
                Ok((place, answer))
            }
            Err(error) => Err(error),
        }
    }

    /// What follows on a cursor. It is good in the place alone where it was given out.
    pub(crate) async fn go_on<T: DeserializeOwned>(&self, route: &str, cursor: &str) -> Result<(Arc<Place>, T)> {
        let place = self.place().await?;
        let answer = self.wire.rpc(route, &json!({ "cursor": cursor }), &place.path_root).await;
        if answer.as_ref().is_err_and(place::has_moved) {
            self.leave(&place).await;
        }
        Ok((place, answer?))
    }

    /// The first page of a list, or the one behind its cursor.
    pub(crate) async fn list(
        &self,
        cursor: Option<&str>,
        argument: impl Fn(&Place) -> Result<Value> + Send + Sync,
    ) -> Result<(Arc<Place>, Listing)> {
        if let Some(cursor) = cursor {
            return self.list_on(cursor).await;
        }
        let _turn = self.listing.lock().await;
        self.ask("files/list_folder", argument).await
    }

    /// What follows on the cursor of a list.
    pub(crate) async fn list_on(&self, cursor: &str) -> Result<(Arc<Place>, Listing)> {
        let _turn = self.listing.lock().await;
        let (place, list): (_, Listing) = self.go_on("files/list_folder/continue", cursor).await?;
        if list.has_more && list.cursor == cursor {
            return Err(Error::protocol("Dropbox gives the same page again and again: list again later"));
        }
        Ok((place, list))
    }
}

#[async_trait]
impl Connector for Connection {
    /// The account proves credential and network, a list the folder and the right to list, and a
    /// read that finds nothing the right to read.
    async fn check(&self) -> Result<Account> {
        let account = place::account(&self.wire).await?;
        let place = self.place().await?;
        let (place, _) = self
            .list(None, |place| Ok(json!({ "path": place.root.as_str(), "limit": 1 })))
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound | ErrorKind::Unsupported if error.get("field").is_none() => {
                    Error::config("folder_path", "there is no such folder any more: correct the path").source(error)
                }
                _ => error.with("path", &place.display),
            })?;
        let nothing = json!({ "path": NO_REVISION });
        match self.wire.content("files/download", &nothing, &place.path_root, 0, Some(1)).await {
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported) => return Err(error),
            _ => {}
        }
        let mut details = vec![("folder".to_owned(), place.display.clone())];
        let more = [
            ("team", account.team.map(|team| team.name)),
            ("plan", account.account_type.map(|kind| kind.tag)),
            ("namespace", place.path_root.is_some().then(|| place.namespace.clone())),
        ];
        details.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Ok(Account {
            id: account.account_id,
            name: account.name.display_name,
            email: Some(account.email).filter(|_| account.email_verified),
            avatar_url: account.profile_photo_url,
            details,
        })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }

    fn permissions(&self) -> Option<&dyn Permissions> {
        Some(self)
    }
}
