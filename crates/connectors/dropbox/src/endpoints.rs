//! Endpoints: where the API, the contents and the long poll are.

use catchment_client::Url;
use catchment_core::{Error, Result};

/// Where Dropbox's own API is.
const API: &str = "https://api.dropboxapi.com";

/// Three origins, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// Lists and metadata.
    pub(crate) api: String,
    /// Bytes.
    pub(crate) content: String,
    /// Long polls.
    pub(crate) notify: String,
}

impl Endpoints {
    /// Dropbox's own, or those that stand behind another address.
    ///
    /// # Errors
    /// `Config` when the address cannot be one of an API.
    pub(crate) fn new(url: Option<&str>, allow_http: bool) -> Result<Self> {
        let wrong = |remedy: &'static str| Error::config("url", remedy);
        let given = url.map(str::trim).filter(|url| !url.is_empty()).unwrap_or(API);
        let parsed = Url::parse(given).map_err(|_| wrong("give an address that starts with https://"))?;
        match parsed.scheme() {
            "https" => {}
            "http" if allow_http => {}
            _ => return Err(wrong("give an address that starts with https://: the token is not sent in the clear")),
        }
        let Some(host) = parsed.host_str() else { return Err(wrong("give an address with a host name")) };
        if matches!(host, "dropbox.com" | "www.dropbox.com") {
            return Err(wrong("this is the address of the pages: leave it out, or give that of the API"));
        }
        let sibling = |name: &str| {
            let mut url = parsed.clone();
            if let Some(rest) = host.strip_prefix("api").filter(|rest| rest.starts_with(['.', '-'])) {
                url.set_host(Some(&format!("{name}{rest}"))).map_err(|_| wrong("give an address of an API"))?;
            }
            Ok(url.as_str().trim_end_matches('/').to_owned())
        };
        Ok(Self { api: sibling("api")?, content: sibling("content")?, notify: sibling("notify")? })
    }

    /// The host of the contents, which gets the credential as well.
    pub(crate) fn content_host(&self) -> String {
        let url = Url::parse(&self.content).ok();
        url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_at_the_host_beside_that_of_the_api() {
        let own = Endpoints::new(None, false).unwrap();
        assert_eq!(own.notify, "https://notify.dropboxapi.com");
        for (url, api, content) in [
            (None, "https://api.dropboxapi.com", "https://content.dropboxapi.com"),
            (Some("https://api.box.test/drop/"), "https://api.box.test/drop", "https://content.box.test/drop"),
            (Some("https://api-eu.box.test:8443"), "https://api-eu.box.test:8443", "https://content-eu.box.test:8443"),
            (Some("https://apis.box.test"), "https://apis.box.test", "https://apis.box.test"),
            (Some("http://127.0.0.1:80"), "http://127.0.0.1", "http://127.0.0.1"),
        ] {
            let endpoints = Endpoints::new(url, true).unwrap();
            assert_eq!((endpoints.api.as_str(), endpoints.content.as_str()), (api, content));
        }
    }

    #[test]
    fn an_address_that_cannot_be_right_says_what_to_give() {
        for url in ["dropbox", "http://api.dropboxapi.com", "ftp://h/", "https://www.dropbox.com/home"] {
            let error = Endpoints::new(Some(url), false).unwrap_err();
            assert_eq!(error.get("field"), Some("url"), "{url}");
        }
    }
}
