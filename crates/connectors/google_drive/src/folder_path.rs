//! The setting `folder_path`: an id, a link, or a path.

use catchment_core::{Error, Location, Result};
use url::Url;

use crate::query::is_id;

/// Ids of folders have 28 or 33 characters, those of shared drives 19; names of such a length that
/// hold nothing else are rare, and looked for when there is no such id.
const SHORTEST_ID: usize = 19;

/// What the setting says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FolderPath {
    /// Names below My Drive.
    MyDrive(Vec<String>),
    /// A shared drive and names below it, or all of them.
    Drives(Vec<String>),
    /// Something that others shared and names below it, or all of it.
    Shared(Vec<String>),
    /// A folder or a shared drive, with its resource key.
    Id(String, Option<String>),
    /// An id, or else a name in My Drive.
    IdOrName(String),
}

/// Reads the setting.
///
/// # Errors
/// `Config`, naming `folder_path`, when it is an address of something else.
pub(crate) fn parse(text: Option<&str>) -> Result<FolderPath> {
    let text = text.unwrap_or_default().trim();
    if text.starts_with("https://") || text.starts_with("http://") {
        return linked(text).ok_or_else(|| {
            Error::config("folder_path", "this is not the link of a folder in Google Drive: copy it from its page")
        });
    }
    let parts: Vec<String> = text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    Ok(match parts.split_first() {
        None => FolderPath::MyDrive(Vec::new()),
        Some((first, rest)) => match first.to_lowercase().as_str() {
            "my drive" | "root" => FolderPath::MyDrive(rest.to_vec()),
            "shared drives" => FolderPath::Drives(rest.to_vec()),
            "shared with me" => FolderPath::Shared(rest.to_vec()),
            _ if rest.is_empty() && first.len() >= SHORTEST_ID && is_id(first) => FolderPath::IdOrName(first.clone()),
            _ => FolderPath::MyDrive(parts),
        },
    })
}

/// `https://drive.google.com/drive/folders/ID`, also with `u/0` in it and a resource key behind.
fn linked(text: &str) -> Option<FolderPath> {
    let url = Url::parse(text).ok().filter(|url| url.host_str() == Some("drive.google.com"))?;
    let parts: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let at = |name: &str| parts.iter().position(|part| *part == name);
    if at("my-drive").is_some() {
        return Some(FolderPath::MyDrive(Vec::new()));
    }
    if at("shared-with-me").is_some() {
        return Some(FolderPath::Shared(Vec::new()));
    }
    if at("shared-drives").is_some() {
        return Some(FolderPath::Drives(Vec::new()));
    }
    let id = parts.get(at("folders")? + 1).filter(|id| is_id(id))?;
    let key = url.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case("resourcekey")).map(|(_, key)| key);
    Some(FolderPath::Id((*id).to_owned(), key.filter(|key| is_id(key)).map(Into::into)))
}

/// `gdrive:PATH`, and the link of a folder as its page shows it.
pub(crate) fn locate(address: &str) -> Option<Result<Location>> {
    let folder = match address.strip_prefix("gdrive:") {
        Some(path) => path.trim_start_matches('/'),
        None if address.starts_with("https://drive.google.com/") => address,
        None => return None,
    };
    Some(parse(Some(folder)).map(|_| Location::root(serde_json::json!({ "folder_path": folder }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_path_says_where_it_begins() {
        let read = |text| parse(Some(text)).expect(text);
        assert_eq!(parse(None).expect("nothing"), FolderPath::MyDrive(Vec::new()));
        for text in ["", "/", "root", "My Drive", "my drive/"] {
            assert_eq!(read(text), FolderPath::MyDrive(Vec::new()), "{text}");
        }
        assert_eq!(read("Minutes/2026"), FolderPath::MyDrive(names(&["Minutes", "2026"])));
        assert_eq!(read("My Drive/Shared drives"), FolderPath::MyDrive(names(&["Shared drives"])));
        assert_eq!(read("Shared drives/Marketing/2026/"), FolderPath::Drives(names(&["Marketing", "2026"])));
        assert_eq!(read("shared with me"), FolderPath::Shared(Vec::new()));
        assert_eq!(read("0AKk1PVw4bNvmUk9PVA"), FolderPath::IdOrName("0AKk1PVw4bNvmUk9PVA".to_owned()));
        assert_eq!(read("minutes"), FolderPath::MyDrive(names(&["minutes"])));
    }

    #[test]
    fn a_link_is_understood_as_its_page_shows_it() {
        let id = FolderPath::Id("1AbC-d_9".to_owned(), None);
        for link in [
            "https://drive.google.com/drive/folders/1AbC-d_9",
            "https://drive.google.com/drive/u/0/folders/1AbC-d_9?usp=x",
        ] {
            assert_eq!(parse(Some(link)).expect(link), id);
        }
        let keyed = parse(Some("https://drive.google.com/drive/folders/1AbC?resourcekey=0-xy")).expect("a link");
        assert_eq!(keyed, FolderPath::Id("1AbC".to_owned(), Some("0-xy".to_owned())));
        for other in
            ["https://drive.google.com.evil.test/drive/folders/1AbC", "https://docs.google.com/document/d/1AbC"]
        {
            assert_eq!(parse(Some(other)).expect_err(other).get("field"), Some("folder_path"));
        }
    }

    #[test]
    fn an_address_becomes_a_setting() {
        let settings = |address| locate(address).expect("ours").expect("good").settings;
        assert_eq!(settings("gdrive:/Shared drives/Marketing")["folder_path"], "Shared drives/Marketing");
        assert_eq!(
            settings("https://drive.google.com/drive/folders/1A")["folder_path"],
            "https://drive.google.com/drive/folders/1A"
        );
        assert!(locate("https://example.com/").is_none());
        assert!(locate("https://drive.google.com/file/d/1A/view").expect("ours").is_err());
    }
}
