//! Clouds: where Graph is, and where its tokens are asked for.
//!
//! See <https://learn.microsoft.com/graph/deployments>.

use catchment_client::Url;
use catchment_core::{Error, Result};

/// Graph's addresses, and the directory that goes with each.
const CLOUDS: [(&str, &str); 4] = [
    ("https://graph.microsoft.com", "https://login.microsoftonline.com"),
    ("https://graph.microsoft.us", "https://login.microsoftonline.us"),
    ("https://dod-graph.microsoft.us", "https://login.microsoftonline.us"),
    ("https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
];

/// The version that is spoken.
const VERSION: &str = "v1.0";

/// One cloud of Microsoft's, or a stand-in for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloud {
    graph: Url,
    authority: Url,
    plain: bool,
}

impl Cloud {
    /// The cloud whose Graph is at `graph_url`, the worldwide one unless given. Its directory follows from
    /// that unless `authority_url` says otherwise. `allow_http` lets both be `http://`.
    ///
    /// # Errors
    /// `Config`, naming `graph_url` or `authority_url`.
    pub fn new(graph_url: Option<&str>, authority_url: Option<&str>, allow_http: bool) -> Result<Self> {
        let graph = address("graph_url", graph_url.unwrap_or(CLOUDS[0].0), allow_http)?;
        let known = CLOUDS.iter().find(|(at, _)| graph.as_str().trim_end_matches('/') == *at);
        let authority = authority_url.or(known.map(|(_, authority)| *authority)).ok_or_else(|| {
            Error::config("authority_url", "say where tokens are asked for: nobody knows it for this graph_url")
        })?;
        Ok(Self { graph, authority: address("authority_url", authority, allow_http)?, plain: allow_http })
    }

    /// The address that paths of Graph are below, version included.
    pub fn base(&self) -> String {
        format!("{}/{VERSION}", self.graph.as_str().trim_end_matches('/'))
    }

    /// The scope that stands for everything an app was granted.
    pub fn default_scope(&self) -> String {
        format!("{}/.default", self.graph.origin().ascii_serialization())
    }

    /// Whether addresses may be `http://`, which nobody should allow outside a test.
    pub fn allows_http(&self) -> bool {
        self.plain
    }

    /// Where tokens are asked for.
    pub(crate) fn authority(&self) -> &Url {
        &self.authority
    }
}

fn address(field: &'static str, text: &str, allow_http: bool) -> Result<Url> {
    let wrong = |remedy: &'static str| Error::config(field, remedy);
    let url = Url::parse(text.trim()).map_err(|_| wrong("give an address that starts with https://"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_http => {}
        _ => return Err(wrong("give an address that starts with https://: tokens are not sent in the clear")),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("give the address without a question mark or a hash sign"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_national_cloud_brings_its_own_directory() {
        let cloud = Cloud::new(Some("https://graph.microsoft.us/"), None, false).unwrap();
        assert_eq!(cloud.base(), "https://graph.microsoft.us/v1.0");
        assert_eq!(cloud.authority().as_str(), "https://login.microsoftonline.us/");
        assert_eq!(cloud.default_scope(), "https://graph.microsoft.us/.default");
        let everybodys = Cloud::new(None, None, false).unwrap();
        assert_eq!(everybodys.base(), "https://graph.microsoft.com/v1.0");
    }

    #[test]
    fn an_address_that_will_not_do_names_its_setting() {
        for (graph, authority, field) in [
            (Some("http://graph.example"), Some("https://login.example"), "graph_url"),
            (Some("graph"), None, "graph_url"),
            (Some("https://graph.example"), None, "authority_url"),
            (None, Some("http://login.example"), "authority_url"),
        ] {
            let error = Cloud::new(graph, authority, false).unwrap_err();
            assert_eq!(error.get("field"), Some(field), "{error}");
        }
        assert!(Cloud::new(Some("http://127.0.0.1:1"), Some("http://127.0.0.1:1"), true).is_ok());
    }
}
