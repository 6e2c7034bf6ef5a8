//! The place: what paths are below, and which folder is connected to. Found with the first call.

use catchment_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::{
    errors,
    model::{FullAccount, Metadata},
    paths::Root,
    wire::{PathRoot, Wire},
};

/// The folder as it stands in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The namespace, where one is named.
    namespace: Option<String>,
    /// "" or a path that begins with a slash.
    path: String,
}

/// Where the connection is.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path_root: PathRoot,
    /// The namespace that paths are in. They mean something else in another.
    pub(crate) namespace: String,
    pub(crate) root: Root,
    /// As a person would write it.
    pub(crate) display: String,
}

impl Wanted {
    /// # Errors
    /// `Config` when nothing in Dropbox can be called so.
    pub(crate) fn new(setting: &str) -> Result<Self> {
        let wrong = |remedy: &'static str| Error::config("folder_path", remedy);
        let setting = setting.trim_matches('/');
        let (namespace, path) = match setting.strip_prefix("ns:") {
            None => (None, setting),
            Some(rest) => {
                let (namespace, path) = rest.split_once('/').unwrap_or((rest, ""));
                if namespace.is_empty() || !namespace.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(wrong("give the number of the namespace: ns:1234567890/folder"));
                }
                (Some(namespace.to_owned()), path.trim_start_matches('/'))
            }
        };
        if path.is_empty() {
            return Ok(Self { namespace, path: String::new() });
        }
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(wrong("a path must not hold empty parts, . or .."));
        }
        Ok(Self { namespace, path: format!("/{path}") })
    }

    /// Finds the place: whose account it is unless a namespace is named, and the folder unless
    /// everything is meant.
    pub(crate) async fn find(&self, wire: &Wire) -> Result<Place> {
        let (path_root, namespace) = match &self.namespace {
            Some(namespace) => (named(namespace), namespace.clone()),
            None => root_of(&account(wire).await?),
        };
        let (root, display) = match self.path.as_str() {
            "" => (Root::new(""), "/".to_owned()),
            path => folder(wire, path, &path_root).await?,
        };
        Ok(Place { path_root, namespace, root, display })
    }
}

/// Who signed in.
pub(crate) async fn account(wire: &Wire) -> Result<FullAccount> {
    wire.rpc("users/get_current_account", &Value::Null, &None).await
}

/// A team's own root where the account has one: otherwise only the member's folder is seen, and
/// none of the team's. See <https://developers.dropbox.com/dbx-team-files-guide>.
fn root_of(account: &FullAccount) -> (PathRoot, String) {
    let root = &account.root_info.root_namespace_id;
    let own = *root == account.root_info.home_namespace_id;
    ((!own).then(|| json!({ ".tag": "root", "root": root }).to_string()), root.clone())
}

fn named(namespace: &str) -> PathRoot {
    Some(json!({ ".tag": "namespace_id", "namespace_id": namespace }).to_string())
}

async fn folder(wire: &Wire, path: &str, path_root: &PathRoot) -> Result<(Root, String)> {
    let wrong = |remedy: &'static str| Error::config("folder_path", remedy);
    let metadata = wire.rpc("files/get_metadata", &json!({ "path": path }), path_root).await;
    match metadata {
        Ok(Metadata::Folder(folder)) => {
            let lower =
                folder.path_lower.ok_or_else(|| wrong("this folder is not in the account's Dropbox: add it"))?;
            Ok((Root::new(&lower), folder.path_display.unwrap_or(lower)))
        }
        Ok(Metadata::File(_)) => Err(wrong("this is a file: give the folder it is in")),
        Ok(Metadata::Deleted(_)) => Err(wrong("there is no such folder any more: correct the path")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(wrong("there is no such folder: correct the path, as dropbox.com shows it").source(error))
        }
        Err(error) => Err(error),
    }
}

/// Whether an error says that paths are not below what they were any more.
pub(crate) fn has_moved(error: &Error) -> bool {
    error.get("code").is_some_and(|code| code.split('/').next() == Some(errors::ROOT_CHANGED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_understood_however_its_slashes_stand() {
        for (setting, namespace, path) in [
            ("", None, ""),
            ("/", None, ""),
            ("Reports/2026", None, "/Reports/2026"),
            ("/Reports/", None, "/Reports"),
            ("ns:84528192421", Some("84528192421"), ""),
            ("ns:84528192421/Plans", Some("84528192421"), "/Plans"),
        ] {
            let wanted = Wanted::new(setting).unwrap();
            assert_eq!((wanted.namespace.as_deref(), wanted.path.as_str()), (namespace, path), "{setting}");
        }
        for setting in ["a//b", "a/../b", "ns:", "ns:x/y", "."] {
            assert_eq!(Wanted::new(setting).unwrap_err().get("field"), Some("folder_path"), "{setting}");
        }
    }
}
