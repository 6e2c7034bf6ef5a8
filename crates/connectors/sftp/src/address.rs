//! Addresses: what a person writes for a server, and `sftp://user@host:port/path` as a location.

use catchment_core::{Error, Location, Result};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use url::Url;

/// A server as it is written in `url`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: Option<String>,
    /// A path in the address, without loss.
    pub(crate) path: Option<String>,
}

impl Address {
    /// `host`, `host:port`, `user@host` or the whole of `sftp://user@host:port/path`.
    ///
    /// # Errors
    /// `Config` for `url`, without repeating it: people paste passwords into addresses.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let wrong = |remedy: &'static str| Error::config("url", remedy);
        let whole = match text.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("sftp") => text.to_owned(),
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("ssh") => format!("sftp{}", &text[3..]),
            Some(_) => return Err(wrong("give a server that speaks SFTP, like sftp://files.example.com")),
            // An IPv6 address as it is written everywhere else.
            None if text.parse::<std::net::Ipv6Addr>().is_ok() => format!("sftp://[{text}]"),
            None => format!("sftp://{text}"),
        };
        let url =
            Url::parse(&whole).map_err(|_| wrong("give a server as host, host:port or sftp://user@host:port/path"))?;
        if url.password().is_some() {
            return Err(wrong("give the address without a password, it has a field of its own"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("write # and ? in a path as %23 and %3F"));
        }
        let decoded = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded.map(String::from).map_err(|_| wrong("this address does not hold UTF-8: give folder_path instead"))
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("give the name of a server"))?;
        let host = decoded(host.trim_start_matches('[').trim_end_matches(']'))?;
        if host.chars().any(|odd| odd.is_whitespace() || odd.is_control() || "/\\@".contains(odd)) {
            return Err(wrong("this is no name of a server: correct it"));
        }
        let user = Some(decoded(url.username())?).filter(|user| !user.is_empty());
        let path = Some(decoded(url.path())?).filter(|path| !matches!(path.as_str(), "" | "/"));
        Ok(Self { host, port: url.port().unwrap_or(22), user, path })
    }
}

/// The settings that an address stands for. What follows the host is a path to look up, a file or
/// a folder; with a `/` at its end it is the folder that is connected to. A pinned key may follow
/// a question mark.
pub(crate) fn locate(address: &str) -> Option<Result<Location>> {
    let (scheme, rest) = address.split_once("://")?;
    scheme.eq_ignore_ascii_case("sftp").then(|| location(rest))
}

fn location(rest: &str) -> Result<Location> {
    let (place, host_key) = match rest.split_once("?host_key=") {
        Some((place, key)) => (place, Some(percent_decode_str(key).decode_utf8_lossy().into_owned())),
        None => (rest, None),
    };
    let address = Address::parse(&format!("sftp://{place}"))?;
    let host = if address.host.contains(':') { format!("[{}]", address.host) } else { address.host };
    let mut settings = Map::new();
    settings.insert("url".to_owned(), json!(format!("{host}:{}", address.port)));
    let mut put = |name: &str, value: Option<String>| {
        settings.extend(value.map(|value| (name.to_owned(), Value::from(value))));
    };
    put("username", address.user);
    put("host_key", host_key);
    let path = address.path.unwrap_or_default();
    let mut path = path.trim_start_matches('/').to_owned();
    if path.ends_with('/') {
        put("folder_path", Some(format!("/{path}")));
        path.clear();
    }
    Ok(Location { settings: settings.into(), path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, u16, Option<String>, Option<String>) {
        let Address { host, port, user, path } = Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (host, port, user, path)
    }

    #[test]
    fn a_server_is_written_as_people_write_it() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parsed("h.example.com"), ("h.example.com".into(), 22, None, None));
        assert_eq!(parsed(" h:2222 "), ("h".into(), 2222, None, None));
        assert_eq!(parsed("ann@h"), ("h".into(), 22, some("ann"), None));
        assert_eq!(parsed("sftp://ann%40corp@h:23/a%20b"), ("h".into(), 23, some("ann@corp"), some("/a b")));
        assert_eq!(parsed("SFTP://h/"), ("h".into(), 22, None, None));
        assert_eq!(parsed("::1"), ("::1".into(), 22, None, None));
        assert_eq!(parsed("[::1]:2222"), ("::1".into(), 2222, None, None));
        assert_eq!(parsed("127.0.0.1:22"), ("127.0.0.1".into(), 22, None, None));
    }

    #[test]
    fn what_is_no_server_names_its_field_and_is_not_repeated() {
        for wrong in ["", "https://h", "h:port", "ann:hunter2@h", "sftp://h?x", "h/#a", "sftp:///p", "a b"] {
            let error = Address::parse(wrong).expect_err(wrong);
            assert_eq!(error.get("field"), Some("url"), "{wrong}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn an_address_names_a_server_and_what_to_look_at() {
        let located = |address: &str| locate(address).expect("ours").expect("a good address");
        assert_eq!(located("sftp://h"), Location::root(json!({ "url": "h:22" })));
        let file = located("sftp://ann@h:23/srv/a b.pdf");
        assert_eq!((file.settings, file.path.as_str()), (json!({ "url": "h:23", "username": "ann" }), "srv/a b.pdf"));
        let folder = located("sftp://h/srv/?host_key=SHA256:a+b/c");
        assert_eq!(folder.settings, json!({ "url": "h:22", "folder_path": "/srv/", "host_key": "SHA256:a+b/c" }));
        assert_eq!(located("sftp://[::1]/x").settings["url"], "[::1]:22");
        assert!(locate("s3://b").is_none() && locate("./sftp").is_none());
        assert!(locate("sftp://ann:hunter2@h").expect("ours").is_err());
    }
}
