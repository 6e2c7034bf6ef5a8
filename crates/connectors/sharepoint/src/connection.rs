//! The connection: what the capabilities share, and the check.

use std::sync::Arc;

use catchment_client::{Authorize, Egress, segment};
use catchment_core::{
    Account, Browse, Changes, Connector, Context, Download, EntryId, Error, ErrorKind, Permissions, Result, async_trait,
};
use catchment_msgraph::{Cloud, Collection, Graph, Registration};
use serde::{Deserialize, de::IgnoredAny};
use tokio::sync::Mutex;

use crate::{
    config::Settings,
    item,
    place::{self, Library, Place},
    site::Site,
};

/// What Microsoft grants the smallest tenant, in resource units a minute:
/// <https://learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online>.
const UNITS: u32 = 1_200;

/// A connection to a site or to somebody's OneDrive.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) graph: Graph,
    pub(crate) cloud: Cloud,
    pub(crate) site: Option<Site>,
    pub(crate) user_id: Option<String>,
    pub(crate) folder_path: String,
    pub(crate) found: Mutex<Option<Arc<Place>>>,
    /// The app that acts in its own name, and the tenant it does that in; `None` where a person consented.
    app: Option<(String, String)>,
    /// Whether a person gave the address of Graph.
    elsewhere: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    id: String,
    display_name: Option<String>,
    mail: Option<String>,
    user_principal_name: Option<String>,
}

impl Connection {
    pub(crate) fn new(settings: Settings, cx: &Context) -> Result<Self> {
        let given =
            |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let (graph_url, authority_url) = (given(&settings.graph_url), given(&settings.authority_url));
        let site = place::site(settings.url.as_deref())?;
        let user_id = given(&settings.user_id);
        let egress = if cx.private_network { Egress::allow_private() } else { Egress::public_only() };
        let in_own_name = settings.client_secret.is_some() || settings.certificate.is_some();
        // Nobody asks for tokens where a person consented, so only Graph's address matters there.
        let fallback = graph_url.clone().filter(|_| !in_own_name);
        let authority = authority_url.or(fallback);
        let cloud = Cloud::new(graph_url.as_deref(), authority.as_deref(), settings.allow_http)?;
        let (authorize, app): (Arc<dyn Authorize>, _) = if in_own_name {
            if site.is_none() && user_id.is_none() {
                return Err(Error::config("url", "give the address of a site, or user_id for somebody's OneDrive"));
            }
            let domain = || Some(user_id.as_deref()?.split_once('@')?.1.to_owned());
            let tenant = given(&settings.tenant_id).or_else(|| site.as_ref()?.tenant()).or_else(domain);
            let registration = Registration {
                tenant: tenant.clone().unwrap_or_default(),
                client_id: settings.client_id.clone().unwrap_or_default(),
                secret: settings.client_secret,
                certificate: settings.certificate,
            };
            let tokens = registration.tokens(&cloud, egress.clone())?;
            (Arc::new(tokens), Some((registration.client_id, registration.tenant)))
        } else {
            (cx.need_grant()?, None)
        };
        // Microsoft counts by app and tenant, whoever connects.
        let counted = app.as_ref().map_or_else(|| cx.tenant.to_string(), |(id, tenant)| format!("{id} {tenant}"));
        let units = settings.resource_units.unwrap_or(UNITS);
        Ok(Self {
            graph: Graph::new(&cloud, &counted, authorize, egress, units)?,
            cloud,
            site,
            user_id,
            folder_path: settings.folder_path,
            found: Mutex::default(),
            app,
            elsewhere: graph_url.is_some(),
        })
    }

    /// Whether an app acts in its own name.
    pub(crate) fn is_app(&self) -> bool {
        self.app.is_some()
    }

    /// The library and the item that an id stands for.
    ///
    /// # Errors
    /// `NotFound` for what is none of ours.
    pub(crate) async fn target<'a>(&self, id: &'a EntryId, path: &str) -> Result<(Arc<Library>, &'a str)> {
        let missing = || Error::not_found(path);
        let (drive, item) = item::split(id).ok_or_else(missing)?;
        if let Some(library) = self.place().await?.library(drive) {
            return Ok((Arc::clone(library), item));
        }
        let place = self.place().await?;
        // A library that came to the site after we looked.
        let place = if place.is_site { self.place_now().await? } else { place };
        Ok((Arc::clone(place.library(drive).ok_or_else(missing)?), item))
    }

    /// An error names the setting that may be wrong.
    pub(crate) fn explained(&self, error: Error) -> Error {
        let elsewhere = matches!(
            error.kind(),
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::NotFound
        );
        if self.elsewhere && elsewhere && error.get("field").is_none() {
            error.with("field", "graph_url")
        } else {
            error
        }
    }

    /// Lists one entry: a token is issued to an app that was granted nothing, and finding the place proves no
    /// right to list it.
    async fn may_list(&self, place: &Place) -> Result<()> {
        let Some(library) = place.libraries.first() else { return Ok(()) };
        let path = format!("drives/{}/items/{}/children", segment(&library.drive), segment(&library.top));
        let call = self.graph.get(path).query("$select", "id").query("$top", 1);
        match self.graph.one::<Collection<IgnoredAny>>(call.cost(2)).await {
            Err(error) if error.kind() == ErrorKind::Forbidden => Err(error.with("scope", "Files.Read.All")),
            listed => listed.map(drop),
        }
    }

    async fn person(&self) -> Result<Person> {
        let call = self.graph.get("me").query("$select", "id,displayName,mail,userPrincipalName");
        self.graph.one(call).await.map_err(|error| match error.kind() {
            ErrorKind::Forbidden => error.with("scope", "User.Read"),
            _ => error,
        })
    }
}

#[async_trait]
impl Connector for Connection {
    /// Token, place and right to list, in that order; where a person consented, who it is comes first.
    async fn check(&self) -> Result<Account> {
        let person = match self.app {
            Some(_) => None,
            None => Some(self.person().await.map_err(|error| self.explained(error))?),
        };
        let place = self.place_now().await?;
        self.may_list(&place).await.map_err(|error| self.explained(error))?;
        let mut details = vec![("place".to_owned(), place.name.clone()), ("kind".to_owned(), place.kind.clone())];
        details.extend(place.web_url.clone().map(|url| ("address".to_owned(), url)));
        if let Some((id, tenant)) = &self.app {
            details.extend([("app".to_owned(), id.clone()), ("tenant".to_owned(), tenant.clone())]);
        }
        Ok(match person {
            None => Account { id: place.id.to_string(), name: place.name.clone(), details, ..Account::default() },
            Some(person) => {
                let username = person.user_principal_name;
                details.extend(username.clone().map(|name| ("username".to_owned(), name)));
                let email = person.mail.or(username).filter(|email| email.contains('@'));
                let name = person.display_name.filter(|name| !name.is_empty());
                let name = name.or_else(|| email.clone()).unwrap_or_else(|| person.id.clone());
                Account { id: person.id, name, email, avatar_url: None, details }
            }
        })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }

    fn permissions(&self) -> Option<&dyn Permissions> {
        Some(self)
    }
}
