//! The place that an integration reads: a folder, a library, or all libraries of a site.

use std::sync::Arc;

use catchment_client::{Url, segment};
use catchment_core::{Entry, EntryId, Error, ErrorKind, PageRequest, Result};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::{
    connection::Connection,
    item::{FIELDS, Item, entry_id},
    site::{Site, encoded},
};

/// What is asked of a drive, and of a site.
const DRIVE: &str = "id,name,driveType,webUrl";
const SITE: &str = "id,displayName,webUrl";

/// What Graph takes for the id of any drive's top: all there is of one that may not be looked at.
pub(crate) const CLOSED: &str = "root";

/// Where an integration's root is, and which drives are below it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The id of the root.
    pub(crate) id: EntryId,
    pub(crate) name: String,
    pub(crate) web_url: Option<String>,
    /// `personal`, `business` or `documentLibrary`; `site` for all libraries of one.
    pub(crate) kind: String,
    /// Whether the root is a site, with libraries below it.
    pub(crate) is_site: bool,
    pub(crate) libraries: Vec<Arc<Library>>,
}

/// A drive, or a folder of one, and what it is called below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Library {
    pub(crate) drive: String,
    /// The item that everything is below.
    pub(crate) top: String,
    /// Its path from the top of the drive.
    pub(crate) prefix: String,
    /// What its path begins with; nothing where it is the root itself.
    pub(crate) label: String,
    /// Its name in addresses, which stays when it is called otherwise.
    pub(crate) address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Drive {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    drive_type: String,
    web_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SiteInfo {
    id: String,
    display_name: Option<String>,
    web_url: Option<String>,
}

impl Place {
    /// The root as an entry.
    pub(crate) fn root(&self) -> Entry {
        let mut root = Entry::container(self.id.clone(), "");
        root.web_url.clone_from(&self.web_url);
        root
    }

    /// The library of a drive.
    pub(crate) fn library(&self, drive: &str) -> Option<&Arc<Library>> {
        self.libraries.iter().find(|library| library.drive == drive)
    }

    /// A library below a site, as an entry.
    pub(crate) fn entry(&self, library: &Library) -> Entry {
        let mut entry = Entry::container(library.id(), library.label.as_str());
        entry.name.clone_from(&library.label);
        entry.parent = Some(self.id.clone());
        entry
    }
}

impl Library {
    pub(crate) fn id(&self) -> EntryId {
        entry_id(&self.drive, &self.top)
    }

    /// Whether it may not be looked at.
    pub(crate) fn is_closed(&self) -> bool {
        self.top == CLOSED
    }

    /// The path from the integration's root, of a path from the top of the drive; `None` for what is outside.
    pub(crate) fn relative(&self, path: &str) -> Option<String> {
        let below = match path.strip_prefix(self.prefix.as_str())? {
            rest if self.prefix.is_empty() || rest.is_empty() => rest,
            rest => rest.strip_prefix('/')?,
        };
        Some(joined(&self.label, below))
    }

    /// Whether people call it so: by its name, or as it stands in addresses.
    fn is_called(&self, name: &str) -> bool {
        let same = |one: &str| !one.is_empty() && one.to_lowercase() == name.to_lowercase();
        same(&self.label) || same(&self.address)
    }
}

/// Two paths, one below the other.
pub(crate) fn joined(above: &str, below: &str) -> String {
    match (above.is_empty(), below.is_empty()) {
        (true, _) => below.to_owned(),
        (_, true) => above.to_owned(),
        _ => format!("{above}/{below}"),
    }
}

/// The names of a path that a person gave; `None` where one of them can be no name.
pub(crate) fn names(path: &str) -> Option<Vec<&str>> {
    let path = path.trim_matches('/');
    let names: Vec<_> = path.split('/').filter(|_| !path.is_empty()).collect();
    names.iter().all(|name| !name.is_empty() && *name != "." && *name != "..").then_some(names)
}

impl Connection {
    /// The place, found once.
    pub(crate) async fn place(&self) -> Result<Arc<Place>> {
        let mut found = self.found.lock().await;
        if let Some(place) = &*found {
            return Ok(Arc::clone(place));
        }
        let place = Arc::new(self.find().await.map_err(|error| self.explained(error))?);
        *found = Some(Arc::clone(&place));
        Ok(place)
    }

    /// The place as it is now: a site may have got libraries, or lost some.
    pub(crate) async fn place_now(&self) -> Result<Arc<Place>> {
        self.found.lock().await.take();
        self.place().await
    }

    async fn find(&self) -> Result<Place> {
        let wanted = names(&self.folder_path)
            .ok_or_else(|| Error::config("folder_path", "give names with slashes between them, or / for everything"))?;
        let Some(site) = &self.site else {
            return self.folder(self.onedrive().await?, &wanted, "").await;
        };
        let info: SiteInfo = self
            .graph
            .one(self.graph.get(site.request()).query("$select", SITE))
            .await
            .map_err(|error| no_site(error, self.is_app()))?;
        let drives = self.drives(&info.id).await?;
        let Some((first, folder)) = wanted.split_first() else { return self.whole_site(info, drives).await };
        let Some(drive) = drives.into_iter().find(|drive| Library::of(drive, String::new()).is_called(first)) else {
            let remedy = "the site has no such library: give its name, or / for all of them";
            return Err(Error::config("folder_path", remedy));
        };
        self.folder(drive, folder, info.display_name.as_deref().unwrap_or_default()).await
    }

    /// The drives of a site: its document libraries.
    async fn drives(&self, site: &str) -> Result<Vec<Drive>> {
        let mut request = PageRequest::first();
        let mut all = Vec::new();
        loop {
            let first = || self.graph.get(format!("sites/{}/drives", segment(site))).query("$select", DRIVE);
            let page = self.graph.page::<Drive>(first, &request, 2).await?;
            all.extend(page.items);
            let Some(next) = page.next else { return Ok(all) };
            request.token = Some(next);
        }
    }

    async fn whole_site(&self, site: SiteInfo, drives: Vec<Drive>) -> Result<Place> {
        let mut libraries = Vec::new();
        for drive in &drives {
            let path = format!("drives/{}/root", segment(&drive.id));
            let top = match self.graph.one::<Item>(self.graph.get(path).query("$select", "id,root")).await {
                Ok(root) => root.id,
                // It stands in the list, and what is in it is not known: that is found out by whoever lists it.
                Err(error) if error.kind() == ErrorKind::Forbidden => CLOSED.to_owned(),
                Err(error) => return Err(error),
            };
            libraries.push(Arc::new(Library::of(drive, top)));
        }
        Ok(Place {
            name: site.display_name.unwrap_or_else(|| site.id.clone()),
            id: site.id.into(),
            web_url: site.web_url,
            kind: "site".to_owned(),
            is_site: true,
            libraries,
        })
    }

    async fn onedrive(&self) -> Result<Drive> {
        let path = match &self.user_id {
            Some(user) => format!("users/{}/drive", segment(user)),
            None => "me/drive".to_owned(),
        };
        self.graph.one(self.graph.get(path).query("$select", DRIVE)).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound if self.user_id.is_some() => {
                let remedy =
                    "there is no such user, or their OneDrive was never opened: correct it, or have them open it";
                Error::config("user_id", remedy).source(error)
            }
            ErrorKind::NotFound => {
                let remedy = "this account has no OneDrive yet: open it once in the browser, or give the url of a site";
                Error::config("url", remedy).source(error)
            }
            ErrorKind::Forbidden => error.with("scope", "Files.Read.All"),
            _ => error,
        })
    }

    /// A folder of a drive, or its top, as the root.
    async fn folder(&self, drive: Drive, folder: &[&str], site: &str) -> Result<Place> {
        let path = match folder.is_empty() {
            true => format!("drives/{}/root", segment(&drive.id)),
            false => format!("drives/{}/root:/{}", segment(&drive.id), encoded(folder)),
        };
        let item: Item = match self.graph.one(self.graph.get(path).query("$select", FIELDS)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let remedy = "there is no such folder: correct the path, or give / for everything";
                return Err(Error::config("folder_path", remedy).source(error));
            }
            item => item?,
        };
        if !item.is_folder() {
            return Err(Error::config("folder_path", "this is no folder: give the folder it is in"));
        }
        let prefix = match folder.is_empty() {
            true => String::new(),
            // Graph's spelling, which may differ from the person's in case.
            false => joined(&item.folder_path().unwrap_or_default(), &item.name),
        };
        let library = Library { label: String::new(), prefix, ..Library::of(&drive, item.id) };
        let name: Vec<_> = [site, &drive.name].into_iter().chain(folder.iter().copied()).collect();
        Ok(Place {
            id: library.id(),
            name: name.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" / "),
            web_url: drive.web_url,
            kind: drive.drive_type,
            is_site: false,
            libraries: vec![Arc::new(library)],
        })
    }
}

impl Library {
    fn of(drive: &Drive, top: String) -> Self {
        let address = drive.web_url.as_deref().and_then(|url| Url::parse(url).ok()).and_then(|url| {
            let last = url.path_segments()?.next_back()?.to_owned();
            Some(percent_decode_str(&last).decode_utf8().ok()?.into_owned())
        });
        Self {
            drive: drive.id.clone(),
            top,
            prefix: String::new(),
            // A name with a slash would be two names of a path.
            label: drive.name.replace('/', "_"),
            address: address.unwrap_or_default(),
        }
    }

    /// The library that is called so, of several.
    pub(crate) fn called<'a>(libraries: &'a [Arc<Self>], name: &str) -> Option<&'a Arc<Self>> {
        // The exact name first: two libraries may differ in case, or one be called as another is addressed.
        let exact = libraries.iter().find(|library| library.label == name);
        exact.or_else(|| libraries.iter().find(|library| library.is_called(name)))
    }
}

/// A site that is not there, or that nobody granted.
fn no_site(error: Error, is_app: bool) -> Error {
    let malformed = error.kind() == ErrorKind::Protocol && error.get("status") == Some("400");
    match error.kind() {
        ErrorKind::NotFound => {
            Error::config("url", "there is no such site: copy its address from the browser").source(error)
        }
        _ if malformed => Error::config("url", "this tenant has no such host: check url, and tenant_id").source(error),
        ErrorKind::Forbidden => {
            let remedy = match is_app {
                true => {
                    "the app may not read this site: grant it the site (Sites.Selected), or have Sites.Read.All consented"
                }
                false => "this account may not read the site: have it shared, or consent with Sites.Read.All",
            };
            Error::new(ErrorKind::Forbidden, remedy).with("field", "url").with("scope", "Sites.Read.All").source(error)
        }
        _ => error,
    }
}

/// The address of a site in settings.
pub(crate) fn site(url: Option<&str>) -> Result<Option<Site>> {
    url.map(str::trim).filter(|url| !url.is_empty()).map(Site::parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(prefix: &str, label: &str) -> Library {
        Library {
            drive: "b!d".to_owned(),
            top: "01T".to_owned(),
            prefix: prefix.to_owned(),
            label: label.to_owned(),
            address: "Shared Documents".to_owned(),
        }
    }

    #[test]
    fn only_what_is_below_the_folder_has_a_path() {
        let folder = library("a/b", "");
        assert_eq!(folder.relative("a/b/c.txt").as_deref(), Some("c.txt"));
        assert_eq!(folder.relative("a/b").as_deref(), Some(""));
        for outside in ["", "a", "a/bc", "a/bc/d", "x/a/b/c"] {
            assert_eq!(folder.relative(outside), None, "{outside}");
        }
        assert_eq!(library("", "Docs").relative("x/y").as_deref(), Some("Docs/x/y"));
        assert_eq!(library("", "").relative("x").as_deref(), Some("x"));
    }

    #[test]
    fn a_path_that_could_lead_elsewhere_is_none() {
        assert_eq!(names("/a/b c/"), Some(vec!["a", "b c"]));
        assert_eq!(names("/"), Some(vec![]));
        for path in ["..", "a/../b", "a//b", "."] {
            assert_eq!(names(path), None, "{path}");
        }
    }

    #[test]
    fn a_library_goes_by_its_name_and_by_its_address() {
        let library = library("", "Documents");
        assert!(library.is_called("documents") && library.is_called("Shared Documents"));
        assert!(!library.is_called("") && !library.is_called("Docs"));
    }
}
