//! The connector: a folder of a server, and what the capabilities share.

use std::sync::Arc;

use bytes::Bytes;
use catchment_client::Egress;
use catchment_core::{Account, Browse, Connector, Context, Download, Error, ErrorKind, Result, async_trait};
use tokio::sync::OnceCell;

use crate::{
    address::Address,
    config::Settings,
    dial::Dialer,
    directories::Directories,
    host_keys::{Pins, fingerprint},
    login::Login,
    names::Place,
    packets::Request,
    pool::{Lease, Pool},
    tree::Tree,
};

/// A folder of a server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) pool: Arc<Pool>,
    pub(crate) tree: Arc<Tree>,
    pub(crate) directories: Directories,
}

impl Server {
    pub(crate) fn new(settings: Settings, cx: &Context) -> Result<Self> {
        for (field, value, most) in [
            ("max_connections", u64::from(settings.max_connections), 16),
            ("timeout_seconds", settings.timeout_seconds, 600),
        ] {
            if value == 0 || value > most {
                return Err(Error::config(field, format!("give a number from 1 to {most}")));
            }
        }
        let patience = settings.patience();
        let Address { host, port, user, path } = Address::parse(&settings.url)?;
        let named = settings.username.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let user = match (named, user) {
            (Some(named), Some(user)) if named != user => {
                return Err(Error::config("username", "another user name stands in url: give one of them"));
            }
            (named, user) => named.or(user).ok_or_else(|| Error::config("username", "give the name of the user"))?,
        };
        let folder = match (settings.folder_path.as_str(), path) {
            ("" | "/", path) => path.unwrap_or_else(|| "/".to_owned()),
            (folder, None) => folder.to_owned(),
            (folder, Some(path)) if path.trim_end_matches('/') == folder.trim_end_matches('/') => path,
            _ => return Err(Error::config("folder_path", "another folder stands in url: give one of them")),
        };
        if folder.contains('\0') {
            return Err(Error::config("folder_path", "give the path of a folder"));
        }
        let pins = match settings.host_key.as_deref().filter(|key| !key.trim().is_empty()) {
            Some(text) => {
                let pins = Pins::parse(text, &host, port)?;
                if pins.is_empty() {
                    let says = "none of these lines is about this host: give those that name it, with its port";
                    return Err(Error::config("host_key", says));
                }
                pins
            }
            None if cx.host_access => known_to_host(&host, port),
            None => Pins::default(),
        };
        let login = Login::new(user, settings.password, settings.private_key, settings.passphrase, cx.host_access)?;
        let egress = if cx.private_network { Egress::allow_private() } else { Egress::public_only() };
        let first_use = settings.trust_on_first_use;
        let dialer = Dialer { host, port, login, pins, first_use, egress, patience, seen: Arc::default() };
        Ok(Self {
            pool: Arc::new(Pool::new(dialer, settings.max_connections as usize)),
            tree: Arc::new(Tree {
                folder,
                root: OnceCell::new(),
                follow: settings.follow_links,
                sequential: settings.sequential,
            }),
            directories: Directories::default(),
        })
    }

    /// Proves that the root can be listed, and gives its real path.
    async fn list_root(&self, lease: Lease) -> Result<Bytes> {
        let root = self.tree.root(&lease).await?;
        let listed = async {
            let dir = self.tree.open_dir(&lease, &Place::default()).await?;
            lease.send(Request::ReadDir(dir.bytes())).names("").await
        };
        listed.await.map_err(|error| self.tree.of_root(error))?;
        Ok(root)
    }
}

/// The keys in the known_hosts file of whoever runs the program.
fn known_to_host(host: &str, port: u16) -> Pins {
    let file = std::env::home_dir().map(|home| home.join(".ssh/known_hosts"));
    let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    Pins::of_known_hosts(&text, host, port)
}

#[async_trait]
impl Connector for Server {
    /// Connects, checks the host key, logs in, and reads the first entries of the folder. The
    /// error names the `step` that failed: network, host key, login, subsystem or path.
    async fn check(&self) -> Result<Account> {
        let root = self.pool.call(|lease| self.list_root(lease)).await?;
        let Dialer { host, port, login, seen, .. } = &self.pool.dialer;
        let place = if *port == 22 { host.clone() } else { format!("{host}:{port}") };
        let folder = String::from_utf8_lossy(&root).into_owned();
        let key = seen.lock().map(|seen| seen.as_ref().map(fingerprint)).unwrap_or_default();
        let mut details = vec![("folder".to_owned(), folder.clone())];
        details.extend(key.map(|key| ("host key".to_owned(), key)));
        Ok(Account {
            id: format!("{}@{place}{folder}", login.user),
            name: format!("{}@{place}", login.user),
            details,
            ..Account::default()
        })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

impl Tree {
    /// The error of the root itself: the setting is wrong, not an item.
    pub(crate) fn of_root(&self, error: Error) -> Error {
        let ours = match error.kind() {
            ErrorKind::NotFound => {
                Error::config("folder_path", "no such folder: correct the path, as this user sees it over SFTP")
            }
            ErrorKind::Unsupported => Error::config("folder_path", "this is a file: give the folder that holds it"),
            ErrorKind::Forbidden => Error::new(
                ErrorKind::Forbidden,
                "this user may not read this folder: grant the right, or give another folder",
            )
            .with("field", "folder_path"),
            _ => return error,
        };
        ours.with("step", "path").with("path", &self.folder)
    }
}
