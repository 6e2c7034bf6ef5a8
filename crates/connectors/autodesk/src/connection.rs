//! The connection: what the capabilities share, and whether it works.

use std::sync::Arc;

use catchment_core::{Account, Browse, Connector, Context, Download, PageRequest, Permissions, Result, async_trait};
use tokio::sync::OnceCell;

use crate::{config::Settings, errors, ids::Place, root, tree::Tree, wire::Wire};

/// A connection to what one person, or one app, may see.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Shared with the bodies that are being read: they go on by themselves where one broke off.
    pub(crate) wire: Arc<Wire>,
    pub(crate) tree: Tree,
    /// The region that was given.
    pub(crate) region: Option<&'static str>,
    folder_path: String,
    root: OnceCell<Place>,
}

impl Connection {
    pub(crate) fn new(settings: &Settings, cx: &Context) -> Result<Self> {
        Ok(Self {
            wire: Arc::new(Wire::new(settings, cx)?),
            tree: Tree::new(),
            region: settings.region.map(|region| region.as_str()),
            folder_path: settings.folder_path.clone(),
            root: OnceCell::new(),
        })
    }

    /// The place that everything is below. Found once; cancel-safe.
    pub(crate) async fn root(&self) -> Result<&Place> {
        self.root.get_or_try_init(|| root::find(&self.wire, &self.tree, &self.folder_path)).await
    }
}

#[async_trait]
impl Connector for Connection {
    /// The list of hubs proves network, credential and that an account lets the app in; the root,
    /// that it is there and may be listed.
    async fn check(&self) -> Result<Account> {
        let access = self.wire.access();
        let person = match &access.app {
            None => Some(self.wire.person().await?),
            Some(_) => None,
        };
        let answer = self.wire.hubs().await?;
        // Regions that refuse are only mentioned, beside the hubs of the others.
        if answer.data.is_empty() {
            return Err(errors::not_added(access.app.as_deref()));
        }
        let root = self.root().await?;
        if *root != Place::All {
            self.list(root, "", &PageRequest::first().limit(1)).await?;
        }
        let names: Vec<_> = answer.data.iter().map(|hub| hub.shown()).collect();
        let mut details = vec![("hubs".to_owned(), names.join(", "))];
        let refused = answer.meta.warnings.len();
        let more = [
            ("folder", Some(self.folder_path.trim_matches('/').to_owned()).filter(|path| !path.is_empty())),
            ("regions that refused", (refused > 0).then(|| refused.to_string())),
            ("signed in as", access.app.as_ref().map(|app| format!("app {app}"))),
            ("acts as", access.user.clone()),
            ("endpoint", access.custom.then(|| access.origin.clone())),
        ];
        details.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Ok(match person {
            Some(person) => Account {
                name: person.name.or_else(|| person.email.clone()).unwrap_or_else(|| person.sub.clone()),
                id: person.sub,
                email: person.email,
                avatar_url: person.picture.filter(|url| url.starts_with("https://")),
                details,
            },
            // An app has no name that it could ask for; its account has.
            None => Account {
                id: access.app.clone().unwrap_or_default(),
                name: names.join(", "),
                details,
                ..Account::default()
            },
        })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }

    fn permissions(&self) -> Option<&dyn Permissions> {
        Some(self)
    }
}
