//! Addresses of sites, as people paste them.

use catchment_client::{Url, segment};
use catchment_core::{Error, Location, Result};
use percent_encoding::percent_decode_str;
use serde_json::json;

/// Where the address of a site ends and that of something in it begins.
const WITHIN: [&str; 8] =
    ["forms", "lists", "pages", "shared documents", "siteassets", "sitepages", "style library", "_layouts"];

/// How the names of SharePoint's hosts end, one per cloud.
const HOSTS: [&str; 4] = [".sharepoint.com", ".sharepoint.us", ".sharepoint-mil.us", ".sharepoint.cn"];

/// A site, by where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    host: String,
    /// The names from the host; none for the root site.
    path: Vec<String>,
    /// What stood behind it.
    rest: Vec<String>,
}

impl Site {
    /// Reads an address, which may lead to a page or a library in the site.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |remedy: &'static str| Error::config("url", remedy);
        let url = Url::parse(text.trim()).map_err(|_| wrong("give the address of a site, https:// in front"))?;
        let host = url.host_str().filter(|_| url.scheme() == "https");
        let host = host.ok_or_else(|| wrong("give the address of a site, https:// in front"))?;
        let decoded = |name: &str| percent_decode_str(name).decode_utf8().map(|name| name.into_owned()).ok();
        let names: Option<Vec<String>> = url.path().split('/').filter(|name| !name.is_empty()).map(decoded).collect();
        let names = names.ok_or_else(|| wrong("this address cannot be read: copy it anew from the browser"))?;
        if names.first().is_some_and(|first| first.starts_with(':')) {
            return Err(wrong("this is a link for sharing: give the address of the site it leads to"));
        }
        let managed = names
            .first()
            .is_some_and(|first| ["sites", "teams", "personal"].iter().any(|known| known.eq_ignore_ascii_case(first)));
        if managed && names.len() < 2 {
            return Err(wrong("the name of the site is missing behind the last slash"));
        }
        let within = |name: &&String| WITHIN.contains(&name.to_lowercase().as_str()) || name.ends_with(".aspx");
        let end = names.iter().position(|name| within(&name)).unwrap_or(names.len());
        let (path, rest) = names.split_at(end.max(if managed { 2 } else { 0 }));
        Ok(Self { host: host.to_owned(), path: path.to_vec(), rest: rest.to_vec() })
    }

    /// How Graph is asked for it: <https://learn.microsoft.com/graph/api/site-getbypath>.
    pub(crate) fn request(&self) -> String {
        match self.path.is_empty() {
            true => format!("sites/{}", self.host),
            false => format!("sites/{}:/{}", self.host, encoded(&self.path)),
        }
    }

    /// The domain that every tenant has: the name before `.sharepoint`, which its other hosts carry as well.
    pub(crate) fn tenant(&self) -> Option<String> {
        let end = self.suffix()?;
        let name = self.host[..self.host.len() - end.len()].trim_end_matches("-my").trim_end_matches("-admin");
        let cloud = match end {
            ".sharepoint.us" | ".sharepoint-mil.us" => "onmicrosoft.us",
            ".sharepoint.cn" => "partner.onmschina.cn",
            _ => "onmicrosoft.com",
        };
        (!name.is_empty() && !name.contains('.')).then(|| format!("{name}.{cloud}"))
    }

    fn suffix(&self) -> Option<&'static str> {
        HOSTS.into_iter().find(|end| self.host.ends_with(end))
    }
}

/// Names as a path in an address: each encoded by itself, the slashes between them not.
pub(crate) fn encoded(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| segment(name.as_ref())).collect::<Vec<_>>().join("/")
}

/// What an address in the browser stands for: its site, and the path in it.
pub(crate) fn locate(address: &str) -> Option<Result<Location>> {
    if !address.starts_with("https://") {
        return None;
    }
    let site = match Site::parse(address) {
        Ok(site) => site,
        Err(error) => {
            let host = Url::parse(address).ok()?.host_str()?.to_owned();
            return HOSTS.iter().any(|end| host.ends_with(end)).then_some(Err(error));
        }
    };
    site.suffix()?;
    let url = format!("https://{}/{}", site.host, encoded(&site.path));
    let names = site.rest.iter().take_while(|name| *name != "Forms" && !name.ends_with(".aspx"));
    let path = names.map(String::as_str).collect::<Vec<_>>().join("/");
    Some(Ok(Location { settings: json!({ "url": url.trim_end_matches('/'), "folder_path": "/" }), path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_from_the_browser_leads_to_its_site() {
        for (address, request) in [
            ("https://contoso.sharepoint.com", "sites/contoso.sharepoint.com"),
            ("https://contoso.sharepoint.com/Shared%20Documents/x", "sites/contoso.sharepoint.com"),
            ("https://contoso.sharepoint.com/sites/Team", "sites/contoso.sharepoint.com:/sites/Team"),
            ("https://contoso.sharepoint.com/sites/Team/Sub/", "sites/contoso.sharepoint.com:/sites/Team/Sub"),
            (
                "https://contoso.sharepoint.com/sites/A%20%23b/Shared%20Documents/Forms/AllItems.aspx?id=1",
                "sites/contoso.sharepoint.com:/sites/A%20%23b",
            ),
            ("https://contoso.sharepoint.com/teams/x/SitePages/Home.aspx", "sites/contoso.sharepoint.com:/teams/x"),
        ] {
            assert_eq!(Site::parse(address).unwrap().request(), request, "{address}");
        }
        for address in [
            "contoso",
            "http://contoso.sharepoint.com",
            "https://contoso.sharepoint.com/:f:/s/Team/x",
            "https://c.sharepoint.com/sites/",
        ] {
            assert_eq!(Site::parse(address).unwrap_err().get("field"), Some("url"), "{address}");
        }
    }

    #[test]
    fn the_tenant_follows_from_the_host() {
        let tenant = |host: &str| Site::parse(&format!("https://{host}")).unwrap().tenant();
        assert_eq!(tenant("contoso.sharepoint.com").as_deref(), Some("contoso.onmicrosoft.com"));
        assert_eq!(tenant("contoso-my.sharepoint.com").as_deref(), Some("contoso.onmicrosoft.com"));
        assert_eq!(tenant("contoso.sharepoint.us").as_deref(), Some("contoso.onmicrosoft.us"));
        assert_eq!(tenant("files.contoso.example"), None);
    }

    #[test]
    fn only_hosts_of_sharepoint_are_located() {
        let found = locate("https://contoso.sharepoint.com/sites/Team/Shared%20Documents/a%20b").unwrap().unwrap();
        assert_eq!(found.settings["url"], "https://contoso.sharepoint.com/sites/Team");
        assert_eq!(found.path, "Shared Documents/a b");
        assert!(locate("https://example.com/sites/Team").is_none());
        assert!(locate("s3://bucket").is_none());
    }
}
