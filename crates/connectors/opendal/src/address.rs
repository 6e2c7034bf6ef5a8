//! Addresses: `webdav://host/folder`, `gcs://bucket/folder`, and the services they name.

use catchment_core::{Error, Location, Result};
use serde_json::{Map, Value};

use crate::service;

/// An address, taken apart. What follows the place is a path as it is, not percent-encoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Uri {
    pub(crate) scheme: String,
    /// A host or a bucket.
    pub(crate) place: Option<String>,
    pub(crate) folder: String,
}

impl Uri {
    /// # Errors
    /// `Config` when it is none, or names a service that is not there.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |remedy: &'static str| Error::config("uri", remedy);
        let text = text.trim_start();
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("give the service and the place, like webdav://cloud.example.com/folder"))?;
        let (place, folder) = rest.split_once('/').unwrap_or((rest, ""));
        if place.contains('@') {
            return Err(wrong("give the address without user name and password: they are options"));
        }
        if place.contains(['?', '#', ' ']) {
            return Err(wrong("give the host or the bucket alone in front of the path: the rest goes into options"));
        }
        let scheme = named(scheme);
        if service::find(&scheme).is_none() {
            return Err(
                wrong("no such service here: give one of the known ones").with("known", service::schemes().join(", "))
            );
        }
        let place = Some(place.to_owned()).filter(|place| !place.is_empty());
        Ok(Self { scheme, place, folder: folder.to_owned() })
    }
}

/// The scheme by its one name.
fn named(scheme: &str) -> String {
    let scheme = scheme.to_ascii_lowercase();
    if scheme == "gs" { "gcs".to_owned() } else { scheme }
}

/// The settings that an address stands for. What follows the place is a path to look up; with a `/`
/// at its end it is the folder that is connected to. `?endpoint=https://host:port` names another
/// server.
pub(crate) fn locate(address: &str) -> Option<Result<Location>> {
    let (scheme, rest) = address.split_once("://")?;
    let scheme = service::find(&named(scheme))?.scheme;
    let (rest, endpoint) = match rest.rsplit_once("?endpoint=") {
        Some((rest, endpoint)) => (rest, Some(endpoint)),
        None => (rest, None),
    };
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (folder, path) = if path.ends_with('/') { (path, "") } else { ("", path) };
    let uri = format!("{scheme}://{place}/{folder}");
    Some(Uri::parse(&uri).map(|_| {
        let mut settings = Map::from_iter([("uri".to_owned(), Value::from(uri))]);
        if let Some(endpoint) = endpoint {
            settings.insert("options".to_owned(), serde_json::json!({ "endpoint": endpoint }));
        }
        Location { settings: settings.into(), path: path.to_owned() }
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_a_service_a_place_and_a_folder() {
        let uri = Uri::parse("gs://minutes/2026/May #1?/").unwrap();
        assert_eq!(
            (uri.scheme.as_str(), uri.place.as_deref(), uri.folder.as_str()),
            ("gcs", Some("minutes"), "2026/May #1?/")
        );
        assert_eq!(Uri::parse("yandex-disk://").unwrap().place, None);
        for bad in ["minutes", "nowhere://h", "webdav://ann:hunter2@h/", "webdav://h?sig=hunter2", "s3://b"] {
            let error = Uri::parse(bad).expect_err(bad);
            assert!(error.get("field") == Some("uri") && !error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn an_address_becomes_settings_and_a_path() {
        let at = |address: &str| locate(address).expect("one of ours").expect("a good one");
        let file = at("webdav://h/a/b.txt?endpoint=http://127.0.0.1:8080");
        assert_eq!(file.settings, json!({"uri": "webdav://h/", "options": {"endpoint": "http://127.0.0.1:8080"}}));
        assert_eq!(file.path, "a/b.txt");
        let folder = at("gcs://minutes/2026/");
        assert_eq!((folder.settings, folder.path.as_str()), (json!({"uri": "gcs://minutes/2026/"}), ""));
        assert!(locate("s3://bucket/").is_none() && locate("https://h/").is_none());
        assert!(locate("ftp://ann:hunter2@h/").expect("one of ours").is_err());
    }
}
