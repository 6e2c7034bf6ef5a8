//! The settings, and the addresses that stand for them.

use std::path::{Path, PathBuf};

use catchment_core::{AuthMethod, Capabilities, Connector, Context, Error, ErrorKind, Location, Result, Vendor};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::{filter::Filter, folder::LocalFolder};

/// The vendor `folder`: files of a folder on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Folder;

/// The settings of a folder.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folder. A relative path starts where the program was started.
    pub path: String,
    /// Whether symbolic links are followed. One that leads out of the folder never is.
    #[serde(default)]
    pub follow_links: bool,
    /// Whether names that begin with a dot belong to it.
    #[serde(default = "yes")]
    pub hidden: bool,
    /// Only files that match one of these patterns, for example `*.pdf` or `contracts/**`.
    #[serde(default)]
    pub include: Vec<String>,
    /// No files or folders that match one of these patterns.
    #[serde(default)]
    pub exclude: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Vendor for Folder {
    const ID: &'static str = "folder";
    const NAME: &'static str = "Folder";
    const DESCRIPTION: &'static str = "Files of a folder on this machine, a network mount included.";
    const ICON: &'static str = concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#b7791f" "##,
        r##"stroke-width="2" stroke-linejoin="round"><path d="M3 6h6l2 3h10v10H3z"/></svg>"##
    );
    const AUTH: &'static [AuthMethod] = &[AuthMethod::None];
    const CAPABILITIES: Capabilities = Capabilities::FILES;

    type Config = Settings;

    fn connect(config: Settings, cx: Context) -> Result<impl Connector> {
        if !cx.host_access {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "the files of this machine are closed to integrations: ask the operator, or connect another vendor",
            ));
        }
        if config.path.is_empty() || config.path.contains('\0') {
            return Err(Error::config("path", "give the path of a folder"));
        }
        let filter = Filter::new(config.hidden, &config.include, &config.exclude)?;
        let root = std::path::absolute(&config.path)
            .map_err(|error| Error::config("path", "give a whole path, from the root of the disk on").source(error))?;
        Ok(LocalFolder::new(root, config.follow_links, filter))
    }

    /// `file:///data/docs`, or anything without a scheme. An address of a file is the folder it
    /// is in, and its name.
    fn locate(address: &str) -> Option<Result<Location>> {
        let path = match address.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => match of_url(rest) {
                Ok(path) => path,
                Err(error) => return Some(Err(error)),
            },
            Some((scheme, _)) if is_scheme(scheme) => return None,
            _ => PathBuf::from(address),
        };
        Some(location(&path))
    }
}

fn location(path: &Path) -> Result<Location> {
    let Some(text) = path.to_str().filter(|text| !text.is_empty()) else {
        return Err(Error::config("path", "give the path of a folder or file"));
    };
    if path.is_file()
        && let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
    {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        return Ok(Location { settings: json!({ "path": folder }), path: name.to_owned() });
    }
    Ok(Location::root(json!({ "path": text })))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|next| next.is_ascii_alphanumeric() || matches!(next, '+' | '-' | '.' | '_'))
}

/// The path of a `file://` address; a host other than this one has no files here.
fn of_url(rest: &str) -> Result<PathBuf> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(Error::config("path", "give an address with three slashes, like file:///data/docs"));
    }
    let path = percent_encoding::percent_decode_str(path).decode_utf8();
    path.map(|path| Path::new(path.as_ref()).to_owned())
        .map_err(|_| Error::config("path", "this address does not hold UTF-8: give the path itself"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(address: &str) -> Option<String> {
        let location = Folder::locate(address)?.expect("a good address");
        assert_eq!(location.path, "");
        Some(location.settings["path"].as_str().expect("text").to_owned())
    }

    #[test]
    fn an_address_without_a_scheme_is_a_path() {
        assert_eq!(path("./docs").as_deref(), Some("./docs"));
        assert_eq!(path("/a b/ü").as_deref(), Some("/a b/ü"));
        assert_eq!(path("./odd://name").as_deref(), Some("./odd://name"));
        assert_eq!(path("file:///a%20b").as_deref(), Some("/a b"));
        assert_eq!(path("file://localhost/a").as_deref(), Some("/a"));
        assert_eq!(path("s3://bucket/prefix"), None);
        assert!(Folder::locate("file://other/share").expect("ours").is_err());
        assert!(Folder::locate("").expect("ours").is_err());
    }

    #[test]
    fn an_address_of_a_file_is_its_folder_and_its_name() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("a b.pdf");
        std::fs::write(&file, "x").expect("a file");
        let location = Folder::locate(file.to_str().expect("UTF-8")).expect("ours").expect("there");
        assert_eq!((location.settings["path"].as_str(), location.path.as_str()), (place.path().to_str(), "a b.pdf"));
    }

    #[test]
    fn a_shared_server_keeps_its_files_to_itself() {
        let settings =
            Settings { path: "/".into(), follow_links: false, hidden: true, include: Vec::new(), exclude: Vec::new() };
        let cx = Context { host_access: false, ..Context::local() };
        let error = Folder::connect(settings, cx).expect_err("no access to the host");
        assert_eq!(error.kind(), ErrorKind::Forbidden);
    }
}
