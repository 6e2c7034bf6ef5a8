//! Endpoints: where an account is, and how containers and blobs stand in a path.

use std::fmt::Write;

use catchment_core::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use crate::config::Settings;

/// Everything that an address could misread is encoded.
pub(crate) const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where an account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The name of the account.
    pub(crate) account: String,
    /// Scheme and host, without a slash at the end.
    origin: String,
    /// `/account` where the account does not stand in the host name: emulators.
    account_path: String,
}

impl Endpoint {
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let given = settings.account_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        if let Some(name) = given
            && !(name.len() <= 63 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
        {
            return Err(Error::config("account_name", "give the name alone: small letters and digits, no address"));
        }
        let url = settings.url.as_deref().map(str::trim).filter(|url| !url.is_empty());
        let Some(url) = url else {
            let account = given.ok_or_else(|| Error::config("account_name", "give the name of the storage account"))?;
            let origin = format!("https://{account}.blob.core.windows.net");
            return Ok(Self { account: account.to_owned(), origin, account_path: String::new() });
        };
        let url = checked("url", url, settings.allow_http)?;
        Self::of_url(&url, given)
    }

    fn of_url(url: &Url, given: Option<&str>) -> Result<Self> {
        let wrong = |remedy: &'static str| Error::config("url", remedy);
        let in_path = url.path().trim_matches('/');
        if in_path.contains('/') {
            return Err(wrong("give the account's address alone: the container and the prefix go into folder_path"));
        }
        let host = url.host_str().unwrap_or_default();
        // The twin for Data Lake has the same blobs, but speaks another language.
        let host = host.replacen(".dfs.", ".blob.", 1);
        let in_host = host.split_once(".blob.").map(|(account, _)| account);
        let (account, account_path) = match (in_host, in_path) {
            (Some(_), path) if !path.is_empty() => {
                return Err(wrong("give the account's address alone: the container goes into folder_path"));
            }
            // Of `account-secondary` and `account.z1` the account is the first part.
            (Some(label), _) => (label.split(['-', '.']).next().unwrap_or_default().to_owned(), String::new()),
            (None, "") => {
                let account = given.ok_or_else(|| {
                    Error::config("account_name", "give the name of the account, the address does not say it")
                })?;
                // An emulator at a bare address; a domain of the customer's own stands for one account.
                let local = matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))) || host == "localhost";
                (account.to_owned(), if local { format!("/{account}") } else { String::new() })
            }
            (None, path) => (path.to_owned(), format!("/{path}")),
        };
        if given.is_some_and(|given| given != account) {
            return Err(Error::config(
                "account_name",
                "the address in url is of another account: correct one of the two",
            ));
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self { account, origin: format!("{}://{host}{port}", url.scheme()), account_path })
    }

    /// The account's own address.
    pub(crate) fn account_url(&self) -> String {
        format!("{}{}", self.origin, self.account_path)
    }

    /// Scheme and host: what stands before a target.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The host's name ends so: which cloud it is.
    pub(crate) fn is_in(&self, suffix: &str) -> bool {
        self.origin.ends_with(suffix)
    }

    /// Path and query of a call about a container.
    pub(crate) fn container(&self, container: &str, query: &[(&str, &str)]) -> String {
        let mut target = format!("{}/{container}", self.account_path);
        for (index, (name, value)) in query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            let value = utf8_percent_encode(value, STRICT);
            let _ = write!(target, "{separator}{name}={value}");
        }
        target
    }

    /// The path of a blob. Its name keeps every byte: `//` and slashes at the ends stay.
    pub(crate) fn blob(&self, container: &str, name: &str) -> String {
        let parts: Vec<_> = name.split('/').map(|part| utf8_percent_encode(part, STRICT).to_string()).collect();
        format!("{}/{container}/{}", self.account_path, parts.join("/"))
    }
}

/// An address that a person gave, of this field.
pub(crate) fn checked(field: &'static str, url: &str, allow_http: bool) -> Result<Url> {
    let wrong = |remedy: &'static str| Error::config(field, remedy);
    let parsed = Url::parse(url.trim()).map_err(|_| wrong("give an address that starts with https://"))?;
    match parsed.scheme() {
        "https" => {}
        "http" if allow_http => {}
        "http" => return Err(wrong("http:// sends data in the clear: give https://, or set allow_http")),
        _ => return Err(wrong("give an address that starts with https://")),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("give the address without user name and password"));
    }
    if parsed.query().is_some() {
        return Err(wrong("give the address without the part after the question mark: that goes into sas_token"));
    }
    if !parsed.has_host() {
        return Err(wrong("give an address with a host name"));
    }
    Ok(parsed)
}

/// Whether a container can be called this; the names in dollars are the service's own.
pub(crate) fn is_container_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    matches!(name, "$root" | "$web" | "$logs" | "$blobchangefeed")
        || ((3..=63).contains(&name.len()) && name.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn endpoint(settings: Value) -> Result<Endpoint> {
        Endpoint::new(&catchment_core::config::parse(settings)?)
    }

    #[test]
    fn an_account_is_in_the_host_name_or_in_the_path() {
        for (settings, account, url) in [
            (json!({"account_name": "minutes"}), "minutes", "https://minutes.blob.core.windows.net"),
            (
                json!({"url": "https://minutes.blob.core.usgovcloudapi.net/"}),
                "minutes",
                "https://minutes.blob.core.usgovcloudapi.net",
            ),
            (
                json!({"url": "https://minutes.dfs.core.windows.net"}),
                "minutes",
                "https://minutes.blob.core.windows.net",
            ),
            (
                json!({"url": "https://minutes-secondary.blob.core.windows.net"}),
                "minutes",
                "https://minutes-secondary.blob.core.windows.net",
            ),
            (json!({"url": "https://127.0.0.1:1/dev"}), "dev", "https://127.0.0.1:1/dev"),
            (json!({"url": "https://127.0.0.1:1", "account_name": "dev"}), "dev", "https://127.0.0.1:1/dev"),
            (
                json!({"url": "https://files.example.com", "account_name": "minutes"}),
                "minutes",
                "https://files.example.com",
            ),
        ] {
            let at = endpoint(settings.clone()).unwrap_or_else(|error| panic!("{settings}: {error}"));
            assert_eq!((at.account.as_str(), at.account_url().as_str()), (account, url));
        }
    }

    #[test]
    fn a_wrong_address_names_its_field() {
        for (settings, field) in [
            (json!({}), "account_name"),
            (json!({"account_name": "https://minutes.blob.core.windows.net"}), "account_name"),
            (json!({"account_name": "other", "url": "https://minutes.blob.core.windows.net"}), "account_name"),
            (json!({"url": "https://files.example.com"}), "account_name"),
            (json!({"url": "minutes"}), "url"),
            (json!({"url": "http://minutes.blob.core.windows.net"}), "url"),
            (json!({"url": "https://minutes.blob.core.windows.net/documents"}), "url"),
            (json!({"url": "https://minutes.blob.core.windows.net?sig=hunter2"}), "url"),
            (json!({"url": "https://k:hunter2@minutes.blob.core.windows.net"}), "url"),
        ] {
            let error = endpoint(settings.clone()).expect_err("must be refused");
            assert_eq!(error.get("field"), Some(field), "{settings}: {error}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn a_name_keeps_every_byte() {
        let at = endpoint(json!({"account_name": "a"})).unwrap();
        let path = |name: &str| {
            let path = at.blob("docs", name);
            let url = format!("{}{path}", at.origin());
            assert_eq!(Url::parse(&url).unwrap().as_str(), url, "no URL library changes it");
            path.strip_prefix("/docs/").unwrap().to_owned()
        };
        assert_eq!(path("a b+c%d?e#f&g"), "a%20b%2Bc%25d%3Fe%23f%26g");
        assert_eq!(path("/lead//twice/"), "/lead//twice/");
        assert_eq!(path("\u{1}\n"), "%01%0A");
        assert_eq!(path("e\u{301}/é/🌊"), "e%CC%81/%C3%A9/%F0%9F%8C%8A");
        assert_eq!(at.container("docs", &[("comp", "list"), ("prefix", "a/b&c")]), "/docs?comp=list&prefix=a%2Fb%26c");
    }

    #[test]
    fn a_container_has_a_name_of_its_kind() {
        for name in ["documents", "a-1", "$root", "$web"] {
            assert!(is_container_name(name), "{name}");
        }
        for name in ["", "ab", "Documents", "a b c", "a..", "$other", "..", "über"] {
            assert!(!is_container_name(name), "{name}");
        }
    }
}
