//! The client: Graph's headers, its budget, and its way of paging.

use std::sync::Arc;

use catchment_client::{Authorize, Budget, Call, Client, Egress};
use catchment_core::{Error, Page, PageRequest, Result};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{cloud::Cloud, errors, trail::Trail};

/// SharePoint asks programs to say who they are, and throttles those that do not first:
/// <https://learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online>.
const USER_AGENT: &str = concat!("NONISV|Catchment|Catchment/", env!("CARGO_PKG_VERSION"));

/// A client of Graph.
#[derive(Debug, Clone)]
pub struct Graph {
    client: Client,
}

/// A collection as Graph answers it.
#[derive(Debug, Deserialize)]
pub struct Collection<T> {
    /// The items. An answer without them is none.
    pub value: Vec<T>,
    /// The link to the next page.
    #[serde(rename = "@odata.nextLink")]
    pub next: Option<String>,
    /// The link to what will change from now on, on the last page of a feed.
    #[serde(rename = "@odata.deltaLink")]
    pub delta: Option<String>,
}

impl Graph {
    /// A client with a budget of `units` a minute (SharePoint's resource units). `app` tells apart who is
    /// throttled apart: an app in a tenant of Microsoft's.
    ///
    /// # Errors
    /// `Config` when the address is not permitted.
    pub fn new(cloud: &Cloud, app: &str, authorize: Arc<dyn Authorize>, egress: Egress, units: u32) -> Result<Self> {
        // What may be spent at once and what comes in a minute are together what a minute allows.
        let burst = (units / 4).max(1);
        let client = Client::builder("msgraph")
            .tenant(app)
            .base(cloud.base())
            .egress(egress)
            .authorize(authorize)
            .header("user-agent", USER_AGENT)
            .budget(Budget::per_minute((units - burst).max(1)).burst(burst))
            .classify(errors::classify)
            .build()?;
        Ok(Self { client })
    }

    /// A GET below Graph's address. Names that people chose go through
    /// [`segment`](catchment_client::segment) first.
    pub fn get(&self, path: impl AsRef<str>) -> Call {
        self.client.get(path)
    }

    /// A GET of an address that carries its own signature: no credential goes along.
    pub fn signed(&self, url: &str) -> Call {
        self.client.get(url).anonymous()
    }

    /// One object.
    ///
    /// # Errors
    /// What the call says, and `Protocol` when the answer has another shape.
    pub async fn one<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        call.send().await?.json()
    }

    /// One page of a collection: what `first` asks for, or the page that the request names.
    ///
    /// # Errors
    /// What the call says; `Protocol` when the answer has another shape, when the links go in circles, or
    /// when one leads to another host.
    pub async fn page<T: DeserializeOwned>(
        &self,
        first: impl FnOnce() -> Call,
        request: &PageRequest,
        units: u32,
    ) -> Result<Page<T>> {
        let before = request.token.as_ref().map(|token| Trail::parse(token.as_str())).transpose()?;
        let call = match &before {
            None => first(),
            Some(trail) => self.linked(trail.link()),
        };
        let collection: Collection<T> = self.one(call.cost(units)).await?;
        let next = match collection.next.filter(|next| !next.is_empty()) {
            None => None,
            Some(next) => {
                self.same_host(&next)?;
                Some(before.map_or_else(|| Ok(Trail::begin(&next)), |trail| trail.on(&next))?)
            }
        };
        Ok(Page { items: collection.value, next: next.map(|trail| trail.token()) })
    }

    /// One page of a feed of changes, which may end in a link to what will change later.
    ///
    /// # Errors
    /// As [`Graph::page`].
    pub async fn feed<T: DeserializeOwned>(&self, call: Call, units: u32) -> Result<Collection<T>> {
        let collection: Collection<T> = self.one(call.cost(units)).await?;
        match collection.next.as_ref().or(collection.delta.as_ref()) {
            Some(link) => self.same_host(link)?,
            None => return Err(Error::protocol("the feed of changes ends without saying where it goes on")),
        }
        Ok(collection)
    }

    /// A GET of a link that Graph gave, which leads nowhere else.
    pub fn linked(&self, link: &str) -> Call {
        self.client.page("", &PageRequest::at(catchment_core::PageToken::new(link)))
    }

    /// Following a link to another host would hand the token to whoever wrote it.
    fn same_host(&self, link: &str) -> Result<()> {
        self.client.by_next_url::<()>(Some(link), Vec::new()).map(drop)
    }
}
