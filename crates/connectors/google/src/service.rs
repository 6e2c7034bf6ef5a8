//! A service of Google: its address, its budget, and a client for it.

use std::{sync::Arc, time::Duration};

use catchment_client::{Authorize, Budget, Client, Url};
use catchment_core::{Context, Error, Result};

use crate::{access::egress, errors};

/// Where Google's services are.
const GOOGLE: &str = "https://www.googleapis.com";

/// A service of Google, as one connector uses it.
#[derive(Debug, Clone)]
pub struct Service {
    /// The connector's id.
    pub vendor: &'static str,
    /// The service's path: `drive/v3`.
    pub path: &'static str,
    /// What the connector asks for; errors name the first one.
    pub scopes: &'static [&'static str],
    /// How fast one person may call.
    pub budget: Budget,
    /// Other hosts of Google that get the token.
    pub hosts: &'static [&'static str],
}

impl Service {
    /// A client for the service, at `url` instead of `https://www.googleapis.com` if one is given.
    /// Budgets are kept apart by integration, since Google counts by person.
    ///
    /// # Errors
    /// `Config`, naming `url`, when it is no address for a token to go to.
    pub fn client(&self, cx: &Context, url: Option<&str>, authorize: Arc<dyn Authorize>) -> Result<Client> {
        let scope = self.scopes.first().copied().unwrap_or_default();
        let builder = Client::builder(self.vendor)
            .tenant(format_args!("{} {}", cx.tenant, cx.integration.0))
            .base(format!("{}/{}", base(url)?, self.path))
            .budget(self.budget.clone())
            .egress(egress(cx))
            .classify(move |head, body| errors::classify(head, body, scope))
            .authorize(authorize)
            .attempts(5)
            .idle(Duration::from_secs(60));
        self.hosts.iter().fold(builder, |builder, host| builder.trusted_host(*host)).build()
    }
}

fn base(url: Option<&str>) -> Result<String> {
    let Some(url) = url.map(str::trim).filter(|url| !url.is_empty()) else { return Ok(GOOGLE.to_owned()) };
    let bad = |remedy: &'static str| Error::config("url", remedy);
    let parsed = Url::parse(url).map_err(|_| bad("give an address such as https://www.googleapis.com"))?;
    let local = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    // Whoever reads a token on its way can use it.
    if parsed.scheme() != "https" && !local {
        return Err(bad("the address has to start with https://"));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(bad("give the address alone, without a query"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_https_or_stays_on_this_machine() {
        assert_eq!(base(None).expect("the usual one"), GOOGLE);
        assert_eq!(base(Some(" https://drive.example/ ")).expect("fine"), "https://drive.example");
        assert_eq!(base(Some("http://127.0.0.1:9")).expect("this machine"), "http://127.0.0.1:9");
        for bad in ["http://drive.example", "drive", "https://drive.example?key=1", "ftp://127.0.0.1.example"] {
            assert_eq!(base(Some(bad)).expect_err(bad).get("field"), Some("url"));
        }
    }
}
