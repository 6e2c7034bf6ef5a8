//! What an operator says about OAuth.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use catchment_auth::oauth::App as Registration;
use catchment_core::{Error, ErrorKind, Result};
use url::Url;

/// How persons are sent to vendors for their consent, and back.
#[derive(Debug, Clone, Default)]
pub struct OAuth {
    /// This program's registrations, by the vendor's id. An integration whose settings have a
    /// `client_id` uses its own.
    pub registrations: BTreeMap<String, Registration>,
    /// Where browsers reach this server, for example `https://catchment.example.com`: vendors
    /// send them back there. Where everybody is the person at the machine it may be left out.
    pub public_url: Option<String>,
    /// Origins besides this server's own that a browser may be sent on to afterwards, for example
    /// `https://app.example.com`.
    pub return_to: Vec<String>,
}

impl OAuth {
    /// Where a browser that made a request with these headers reaches this server.
    ///
    /// # Errors
    /// `Config` when nobody said. What a request says of itself is believed only where everybody
    /// is the person at the machine, since its `Host` has been looked at.
    pub(crate) fn public(&self, headers: &HeaderMap, local: bool) -> Result<Url> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|_| local);
        let address = self.public_url.clone().or_else(|| host.map(|host| format!("http://{host}")));
        let url = address.and_then(|address| Url::parse(&address).ok());
        url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "this server does not know how browsers reach it: have the operator set CATCHMENT_PUBLIC_URL",
            )
        })
    }

    /// A place that a browser may be sent on to: a path of this server, or a page of an origin
    /// that the operator allowed.
    ///
    /// # Errors
    /// `Config`, naming the field.
    pub(crate) fn destination(&self, wanted: &str, public: &Url) -> Result<String> {
        let refused =
            || Error::config("return_to", "give a path of this server, or a page of an origin that it allows");
        // What a browser reads as a host is looked for by the rules that browsers have.
        let url = public.join(wanted).map_err(|_| refused())?;
        let plain = !wanted.contains(|c: char| c.is_control() || c == '\\') && wanted.trim() == wanted;
        let web = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        if !plain || !web || !(wanted.starts_with('/') || wanted.contains("://")) {
            return Err(refused());
        }
        if url.origin() == public.origin() && wanted.starts_with('/') {
            return Ok(relative(&url));
        }
        let allowed = self.return_to.iter().filter_map(|origin| Url::parse(origin).ok());
        if url.origin() == public.origin() || allowed.into_iter().any(|allowed| allowed.origin() == url.origin()) {
            return Ok(url.into());
        }
        Err(refused())
    }
}

fn relative(url: &Url) -> String {
    let mut out = url.path().to_owned();
    for (mark, part) in [('?', url.query()), ('#', url.fragment())] {
        if let Some(part) = part {
            out.push(mark);
            out.push_str(part);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn oauth() -> OAuth {
        OAuth { return_to: vec!["https://app.example.com".into()], ..OAuth::default() }
    }

    fn destination(wanted: &str) -> Option<String> {
        oauth().destination(wanted, &Url::parse("https://catchment.example.com").unwrap()).ok()
    }

    #[test]
    fn a_browser_is_sent_on_to_this_server_and_to_allowed_origins() {
        assert_eq!(destination("/integrations?tab=2#x").as_deref(), Some("/integrations?tab=2#x"));
        assert_eq!(destination("/a/../b").as_deref(), Some("/b"));
        for same in ["https://app.example.com/done", "https://catchment.example.com/x?y=1"] {
            assert_eq!(destination(same).as_deref(), Some(same));
        }
    }

    #[test]
    fn a_browser_is_sent_nowhere_else() {
        for wanted in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "http:evil.example",
            "https:/evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            " //evil.example",
            "/\t/evil.example",
            "\t//evil.example",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "http://app.example.com/",
            "https://app.example.com:8443/",
            "https://user:pass@app.example.com/",
            "https://evil.example\\@app.example.com/",
            "/\n/evil.example",
            "//evil.example/%2f..",
            "///evil.example",
        ] {
            assert_eq!(destination(wanted), None, "{wanted:?}");
        }
    }

    #[test]
    fn what_a_request_says_of_itself_is_believed_at_ones_own_machine_only() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost:8000"));
        assert_eq!(oauth().public(&headers, true).unwrap().as_str(), "http://localhost:8000/");
        assert!(oauth().public(&headers, false).unwrap_err().to_string().contains("CATCHMENT_PUBLIC_URL"));
        let set = OAuth { public_url: Some("https://c.example".into()), ..OAuth::default() };
        assert_eq!(set.public(&headers, false).unwrap().as_str(), "https://c.example/");
    }
}
