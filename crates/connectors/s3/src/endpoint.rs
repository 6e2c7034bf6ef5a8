//! Endpoints: which host a bucket is at, and how a key stands in a path.

use std::fmt::Write;

use catchment_core::{Error, ErrorKind, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::config::Settings;

/// What Signature V4 leaves as it is.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Scheme and host, without a slash at the end.
    origin: String,
    /// `/bucket` in path style, else nothing.
    bucket_path: String,
}

/// A path and query, as they are signed and as they are sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The address that the signature is about.
    pub(crate) signed: String,
    /// The address that is sent. See [`Endpoint::object`].
    pub(crate) sent: String,
}

impl Endpoint {
    pub(crate) fn new(settings: &Settings, region: &str) -> Result<Self> {
        let bucket = &settings.bucket_name;
        // A name with dots has no certificate of its own, one with capitals is no host name.
        let hostlike = bucket.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let path_style = settings.force_path_style.unwrap_or(settings.url.is_some()) || !hostlike;
        let origin = match &settings.url {
            Some(url) => custom(url, settings.allow_http)?,
            None => {
                let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                format!("https://s3.{region}.{suffix}")
            }
        };
        let (scheme, host) = origin.split_once("://").unwrap_or(("https", &origin));
        Ok(if path_style {
            let bucket_path = format!("/{}", utf8_percent_encode(bucket, STRICT));
            Self { origin, bucket_path }
        } else {
            Self { origin: format!("{scheme}://{bucket}.{host}"), bucket_path: String::new() }
        })
    }

    /// The host, for a person.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// A call about the bucket.
    pub(crate) fn bucket(&self, query: &[(&str, &str)]) -> Target {
        let path = if self.bucket_path.is_empty() { "/" } else { &self.bucket_path };
        let mut address = format!("{}{path}", self.origin);
        for (index, (name, value)) in query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            let value = utf8_percent_encode(value, STRICT);
            let _ = write!(address, "{separator}{name}={value}");
        }
        Target { signed: address.clone(), sent: address }
    }

    /// A call about an object, or one version of it. Keys are not paths: `//`, a leading `/` and dots stay as they are.
    ///
    /// URLs know no way to write a segment of one or two dots, not even encoded: it is taken
    /// away, with the segment before. So the slashes of such a key are sent as `%2F`; the store
    /// decodes them before it looks at the key and the signature. A key that is nothing but dots
    /// cannot be written at all.
    pub(crate) fn object(&self, key: &str, version: Option<&str>) -> Result<Target> {
        if matches!(key, "." | "..") {
            return Err(Error::new(ErrorKind::Unreadable, "no address can name a key of one or two dots: rename it")
                .with("path", key));
        }
        let parts: Vec<_> = key.split('/').map(|part| utf8_percent_encode(part, STRICT).to_string()).collect();
        let separator = if parts.iter().any(|part| matches!(part.as_str(), "." | "..")) { "%2F" } else { "/" };
        let query = version.map(|id| format!("?versionId={}", utf8_percent_encode(id, STRICT))).unwrap_or_default();
        let address = |separator: &str| format!("{}{}/{}{query}", self.origin, self.bucket_path, parts.join(separator));
        Ok(Target { signed: address("/"), sent: address(separator) })
    }
}

/// Whether this can be the name of a region. It becomes part of a host's name, and credentials go there.
pub(crate) fn is_region(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn custom(url: &str, allow_http: bool) -> Result<String> {
    let wrong = |remedy: &'static str| Error::config("url", remedy);
    let parsed = Url::parse(url.trim()).map_err(|_| wrong("give an address that starts with https://"))?;
    match parsed.scheme() {
        "https" => {}
        "http" if allow_http => {}
        "http" => return Err(wrong("http:// sends data in the clear: give https://, or set allow_http")),
        _ => return Err(wrong("give an address that starts with https://")),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("give the address without user name and password, keys have fields of their own"));
    }
    if !parsed.has_host() || parsed.query().is_some() || !matches!(parsed.path(), "" | "/") {
        return Err(wrong("give the store's address alone: the bucket and the prefix have fields of their own"));
    }
    Ok(parsed.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn endpoint(settings: Value) -> Result<Endpoint> {
        let settings: Settings = catchment_core::config::parse(settings)?;
        Endpoint::new(&settings, &settings.region)
    }

    #[test]
    fn a_bucket_stands_in_the_host_name_where_it_can() {
        let origin = |settings: Value| endpoint(settings).map(|at| format!("{}{}", at.origin, at.bucket_path));
        assert_eq!(origin(json!({"bucket_name": "b"})).unwrap(), "https://b.s3.us-east-1.amazonaws.com");
        assert_eq!(origin(json!({"bucket_name": "b.c"})).unwrap(), "https://s3.us-east-1.amazonaws.com/b.c");
        assert_eq!(
            origin(json!({"bucket_name": "b", "region": "cn-north-1"})).unwrap(),
            "https://b.s3.cn-north-1.amazonaws.com.cn"
        );
        assert_eq!(origin(json!({"bucket_name": "b", "url": "https://h:1/"})).unwrap(), "https://h:1/b");
        assert_eq!(
            origin(json!({"bucket_name": "b", "url": "https://h:1", "force_path_style": false})).unwrap(),
            "https://b.h:1"
        );
    }

    #[test]
    fn a_wrong_address_of_the_store_names_its_field() {
        for url in ["minio", "ftp://h", "http://h", "https://h/bucket", "https://k:s@h", "https://h?x=1"] {
            let error = endpoint(json!({"bucket_name": "b", "url": url})).expect_err(url);
            assert_eq!(error.get("field"), Some("url"), "{url}");
        }
        assert!(endpoint(json!({"bucket_name": "b", "url": "http://h", "allow_http": true})).is_ok());
    }

    #[test]
    fn a_key_keeps_every_byte() {
        let at = endpoint(json!({"bucket_name": "b", "url": "https://h"})).unwrap();
        let plain = |key: &str| {
            let target = at.object(key, None).unwrap();
            assert_eq!(target.signed, target.sent);
            assert_eq!(Url::parse(&target.sent).unwrap().as_str(), target.sent, "no URL library changes it");
            target.sent.strip_prefix("https://h/b/").unwrap().to_owned()
        };
        assert_eq!(plain("a b+c%d?e#f&g"), "a%20b%2Bc%25d%3Fe%23f%26g");
        assert_eq!(plain("/lead//twice/"), "/lead//twice/");
        assert_eq!(plain("\u{1}\n\\"), "%01%0A%5C");
        assert_eq!(plain("…/.../x"), "%E2%80%A6/.../x");
        assert_eq!(at.object("a", Some("v/1+")).unwrap().signed, "https://h/b/a?versionId=v%2F1%2B");
        let dots = at.object("a/../b/./c", None).unwrap();
        assert_eq!(dots.signed, "https://h/b/a/../b/./c");
        assert_eq!(Url::parse(&dots.sent).unwrap().as_str(), "https://h/b/a%2F..%2Fb%2F.%2Fc");
        assert_eq!(at.object("..", None).unwrap_err().kind(), ErrorKind::Unreadable);
    }
}
