//! Redirects, followed by ourselves because credentials must not travel with them.

use catchment_core::{Error, Result};
use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

/// More than this many in a row is a loop or close to one.
pub(crate) const MOST: usize = 10;

/// Where to go next, and as what.
#[derive(Debug, PartialEq)]
pub(crate) struct Hop {
    pub(crate) url: Url,
    pub(crate) method: Method,
    /// Whether the body is sent again.
    pub(crate) body: bool,
    /// Whether another origin is asked: credentials stay behind.
    pub(crate) foreign: bool,
}

/// The hop that an answer asks for, if it asks for one.
///
/// # Errors
/// `Protocol` when the address cannot be read, or when a body would be carried to another
/// origin: a token request's body is as secret as a header.
pub(crate) fn next(
    status: StatusCode,
    headers: &HeaderMap,
    url: &Url,
    method: &Method,
    has_body: bool,
) -> Result<Option<Hop>> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get(header::LOCATION) else { return Ok(None) };
    // Some servers send raw UTF-8 here, which is what `to_str` would refuse.
    let target = std::str::from_utf8(location.as_bytes()).ok().and_then(|text| url.join(text).ok());
    let target = target.ok_or_else(|| Error::protocol("the vendor redirects to something that is not an address"))?;
    let foreign = target.origin() != url.origin();
    let (method, body) = match status.as_u16() {
        303 if *method != Method::HEAD => (Method::GET, false),
        301 | 302 if *method == Method::POST => (Method::GET, false),
        _ => (method.clone(), has_body),
    };
    if body && foreign {
        return Err(Error::protocol(
            "the vendor redirects a write to another host, which is not followed: correct the address",
        )
        .with("to", target.host_str().unwrap_or_default()));
    }
    Ok(Some(Hop { url: target, method, body, foreign }))
}

/// Takes out what must not reach another origin: the headers that carry credentials by
/// definition, and all whose value was marked secret.
pub(crate) fn drop_credentials(headers: &mut HeaderMap) {
    let drop: Vec<_> = headers
        .iter()
        .filter(|(name, value)| {
            value.is_sensitive()
                || matches!(name.as_str(), "authorization" | "cookie" | "cookie2" | "proxy-authorization")
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in drop {
        headers.remove(name);
    }
}

/// Takes out what describes a body that is not sent again.
pub(crate) fn drop_body_headers(headers: &mut HeaderMap) {
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(status: u16, method: Method, to: &str) -> Result<Option<Hop>> {
        let headers = HeaderMap::from_iter([(header::LOCATION, to.parse().unwrap())]);
        let has_body = method == Method::POST || method == Method::PUT;
        next(StatusCode::from_u16(status).unwrap(), &headers, &"https://a.test/x/y".parse().unwrap(), &method, has_body)
    }

    #[test]
    fn the_method_changes_as_browsers_and_the_standard_have_it() {
        for (status, method, expected, body) in [
            (301, Method::POST, Method::GET, false),
            (302, Method::POST, Method::GET, false),
            (303, Method::POST, Method::GET, false),
            (303, Method::PUT, Method::GET, false),
            (303, Method::HEAD, Method::HEAD, false),
            (302, Method::PUT, Method::PUT, true),
            (307, Method::POST, Method::POST, true),
            (308, Method::POST, Method::POST, true),
            (302, Method::GET, Method::GET, false),
        ] {
            let hop = hop(status, method.clone(), "../z").unwrap().unwrap();
            assert_eq!((hop.method, hop.body, hop.foreign), (expected, body, false), "{status} {method}");
            assert_eq!(hop.url.as_str(), "https://a.test/z");
        }
        assert_eq!(hop(304, Method::GET, "/").unwrap(), None);
    }

    #[test]
    fn another_host_port_or_scheme_is_foreign() {
        for to in ["https://b.test/", "https://a.test:8443/", "http://a.test/", "//b.test/", "https://a.test@b.test/"] {
            assert!(hop(302, Method::GET, to).unwrap().unwrap().foreign, "{to}");
        }
        assert!(!hop(302, Method::GET, "https://a.test:443/z").unwrap().unwrap().foreign);
    }

    #[test]
    fn a_body_is_not_carried_to_another_host() {
        assert!(hop(307, Method::POST, "https://b.test/").is_err());
        assert!(hop(302, Method::POST, "https://b.test/").is_ok());
    }
}
