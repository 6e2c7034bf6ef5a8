//! Calls: sent in the connection's name, each within the limit of its endpoint.

use std::time::Duration;

use catchment_client::{Budget, Call, Client, Download, Egress, Offset, Url};
use catchment_core::{Context, Error, ErrorKind, PageRequest, PageToken, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};
use url::form_urlencoded;

use crate::{
    access::Access,
    config::Settings,
    errors,
    ids::Project,
    json::{Links, Many, One, Resource, Signed},
};

/// Ids stand in paths whole: `:`, `?` and `=` as well.
const ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The most things on a page.
const PAGE: u32 = 200;

/// The calls of one connection.
#[derive(Debug)]
pub(crate) struct Wire {
    client: Client,
    /// For signed addresses, at whichever host they are. It knows no credential.
    storage: Client,
    access: Access,
}

/// An endpoint, and how many calls a minute all users of an app have there together.
/// <https://aps.autodesk.com/en/docs/data/v2/developers_guide/rate-limiting/>
#[derive(Debug, Clone, Copy)]
struct Lane(&'static str, u32);

const HUBS: Lane = Lane("hubs", 50);
const PROJECTS: Lane = Lane("projects", 50);
const TOP_FOLDERS: Lane = Lane("top folders", 300);
const FOLDERS: Lane = Lane("folders", 300);
const CONTENTS: Lane = Lane("contents", 300);
const SEARCH: Lane = Lane("search", 300);
const ITEMS: Lane = Lane("items", 300);
const OBJECTS: Lane = Lane("objects", 1000);
const PEOPLE: Lane = Lane("people", 300);

/// Who may do what in a folder.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subject {
    pub(crate) subject_id: String,
    #[serde(default)]
    pub(crate) autodesk_id: Option<String>,
    #[serde(default)]
    pub(crate) email: Option<String>,
    #[serde(default)]
    pub(crate) subject_status: Option<String>,
    pub(crate) subject_type: String,
    #[serde(default)]
    pub(crate) actions: Vec<String>,
    #[serde(default)]
    pub(crate) inherit_actions: Vec<String>,
}

/// A page of the users of a project.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Users {
    pub(crate) pagination: Pagination,
    pub(crate) results: Vec<User>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pagination {
    pub(crate) total_results: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct User {
    pub(crate) email: Option<String>,
    pub(crate) autodesk_id: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) role_ids: Vec<String>,
    pub(crate) company_id: Option<String>,
    pub(crate) access_levels: Levels,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Levels {
    pub(crate) project_admin: bool,
}

/// The person who consented.
#[derive(Debug, Deserialize)]
pub(crate) struct Person {
    pub(crate) sub: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) email: Option<String>,
    #[serde(default)]
    pub(crate) picture: Option<String>,
}

impl Wire {
    pub(crate) fn new(settings: &Settings, cx: &Context) -> Result<Self> {
        let egress = if cx.private_network { Egress::allow_private() } else { Egress::public_only() };
        let access = Access::new(settings, cx, &egress)?;
        let app = access.app.clone();
        let client = Client::builder("autodesk")
            // Limits are an app's; whose grants come through the same program's app share one.
            .tenant(settings.client_id.as_deref().unwrap_or_default())
            .base(&access.origin)
            .trusted_host(PROFILE_HOST)
            .egress(egress.clone())
            .authorize(std::sync::Arc::clone(&access.authorize))
            .classify(move |head, body| errors::classify(app.as_deref(), head, body))
            .attempts(5)
            .build()?;
        let storage = Client::builder("autodesk-storage")
            .tenant(&cx.tenant)
            .egress(egress)
            .attempts(5)
            .idle(Duration::from_secs(60))
            .build()?;
        Ok(Self { client, storage, access })
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) async fn hubs(&self) -> Result<Many<Resource>> {
        self.json(HUBS, "project/v1/hubs").await
    }

    pub(crate) async fn projects(&self, hub: &str, request: &PageRequest) -> Result<Many<Resource>> {
        self.json(PROJECTS, &format!("project/v1/hubs/{}/projects?{}", id(hub), page(request, PAGE))).await
    }

    pub(crate) async fn project(&self, project: &Project) -> Result<One> {
        let target = format!("project/v1/hubs/{}/projects/{}", id(&project.hub), id(&project.id));
        self.json(PROJECTS, &target).await
    }

    pub(crate) async fn top_folders(&self, project: &Project) -> Result<Many<Resource>> {
        let target = format!("project/v1/hubs/{}/projects/{}/topFolders", id(&project.hub), id(&project.id));
        self.json(TOP_FOLDERS, &target).await
    }

    pub(crate) async fn folder(&self, project: &Project, folder: &str) -> Result<One> {
        self.json(FOLDERS, &format!("data/v1/projects/{}/folders/{}", id(&project.id), id(folder))).await
    }

    pub(crate) async fn contents(
        &self,
        project: &Project,
        folder: &str,
        request: &PageRequest,
    ) -> Result<Many<Resource>> {
        let query = page(request, PAGE);
        let target = format!("data/v1/projects/{}/folders/{}/contents?{query}", id(&project.id), id(folder));
        self.json(CONTENTS, &target).await
    }

    /// The tips of items anywhere below a folder whose name holds `words`, as they are written.
    pub(crate) async fn search(
        &self,
        project: &Project,
        folder: &str,
        words: &str,
        request: &PageRequest,
    ) -> Result<Many<Resource>> {
        let query = match &request.token {
            Some(token) => token_query(token),
            None => form_urlencoded::Serializer::new(String::new())
                .append_pair("filter[attributes.displayName]-contains", words)
                .finish(),
        };
        let target = format!("data/v1/projects/{}/folders/{}/search?{query}", id(&project.id), id(folder));
        self.json(SEARCH, &target).await
    }

    /// An item, and its tip version beside it.
    pub(crate) async fn item(&self, project: &Project, item: &str) -> Result<One> {
        self.json(ITEMS, &format!("data/v1/projects/{}/items/{}", id(&project.id), id(item))).await
    }

    /// Where the bytes of an object are for the next hour.
    pub(crate) async fn sign(&self, bucket: &str, key: &str) -> Result<Signed> {
        let target = format!(
            "oss/v2/buckets/{}/objects/{}/signeds3download?minutesExpiration=60&public-resource-fallback=true",
            id(bucket),
            id(key)
        );
        let response =
            self.lane(OBJECTS, self.client.get(&target)).send().await.map_err(|error| self.explained(error))?;
        response.json().map_err(|error| self.explained(error))
    }

    /// Bytes from a signed address. Whatever it says, it gets no credential.
    pub(crate) async fn bytes(&self, url: &str, from: u64, until: Option<u64>) -> Result<Download> {
        let call = self.storage.get(url).anonymous();
        match until {
            Some(until) => call.range(from..until).stream().await,
            None => call.range(from..).stream().await,
        }
    }

    /// Who may do what in a folder, by inheritance as well.
    pub(crate) async fn subjects(&self, project: &Project, folder: &str) -> Result<Vec<Subject>> {
        let target = format!("bim360/docs/v1/projects/{}/folders/{}/permissions", id(bare(&project.id)), id(folder));
        self.json(PEOPLE, &target).await
    }

    /// Some of the users of a project.
    pub(crate) async fn users(&self, project: &str, region: Option<&str>, at: Offset) -> Result<Users> {
        let target = format!(
            "construction/admin/v1/projects/{}/users?limit={}&offset={}",
            id(bare(project)),
            at.limit,
            at.offset
        );
        let mut call = self.lane(PEOPLE, self.client.get(&target));
        if let Some(region) = region {
            call = call.header("region", region);
        }
        if let Some(user) = &self.access.user {
            call = call.header("user-id", user);
        }
        let response = call.send().await.map_err(|error| self.explained(error))?;
        response.json().map_err(|error| self.explained(error))
    }

    pub(crate) async fn person(&self) -> Result<Person> {
        let url = if self.access.custom {
            format!("{}/userinfo", self.access.origin)
        } else {
            format!("https://{PROFILE_HOST}/userinfo")
        };
        let response = self.client.get(url).send().await.map_err(|error| self.explained(error))?;
        response.json().map_err(|error| self.explained(error))
    }

    /// The page behind this one, as a token: the query of the address that the vendor names. The
    /// rest of it is ours to know, so no answer leads elsewhere.
    ///
    /// # Errors
    /// `Protocol` when the address is at another host.
    pub(crate) fn next(&self, links: &Links, asked: &PageRequest) -> Result<Option<PageToken>> {
        let Some(href) = links.next.as_ref().and_then(|link| link.href.as_deref()).filter(|href| !href.is_empty())
        else {
            return Ok(None);
        };
        let wrong = || Error::protocol("the vendor names a next page that is not an address");
        let origin = Url::parse(&self.access.origin).map_err(|_| wrong())?;
        let next = origin.join(href).map_err(|_| wrong())?;
        // A proxy in front passes on what the vendor calls itself.
        if next.origin() != origin.origin() && next.host_str() != Some("developer.api.autodesk.com") {
            let error = Error::protocol("the vendor names a next page at another host, which is not followed");
            return Err(error.with("to", next.host_str().unwrap_or_default()));
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(next.query_pairs());
        // Pages are counted by their length: another length would skip or repeat.
        if !next.query_pairs().any(|(name, _)| name == "page[limit]") && asked.limit.is_some() {
            query.append_pair("page[limit]", &asked.limit_or(PAGE, PAGE).to_string());
        }
        Ok(Some(PageToken::new(query.finish())))
    }

    async fn json<T: DeserializeOwned>(&self, lane: Lane, target: &str) -> Result<T> {
        let mut call = self.lane(lane, self.client.get(target)).header("accept", "application/json");
        if let Some(user) = &self.access.user {
            call = call.header("x-user-id", user);
        }
        let response = call.send().await.map_err(|error| self.explained(error))?;
        response.json().map_err(|error| self.explained(error))
    }

    fn lane(&self, Lane(name, a_minute): Lane, call: Call) -> Call {
        // In no minute more than the vendor counts: what is left of a rest, and what comes meanwhile.
        let burst = a_minute / 5;
        call.budget(Budget::per_minute(a_minute - burst).burst(burst).lane(name))
    }

    /// An error of the network names the setting that may be wrong.
    fn explained(&self, error: Error) -> Error {
        let network = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol);
        if network && self.access.custom && error.get("field").is_none() && error.get("code").is_none() {
            return error.with("field", "url");
        }
        error
    }
}

/// Where people are asked about.
const PROFILE_HOST: &str = "api.userprofile.autodesk.com";

/// An id as a segment of a path.
fn id(id: &str) -> String {
    utf8_percent_encode(id, ID).to_string()
}

/// A project as the older interfaces call it.
fn bare(project: &str) -> &str {
    project.strip_prefix("b.").unwrap_or(project)
}

fn page(request: &PageRequest, most: u32) -> String {
    match &request.token {
        Some(token) => token_query(token),
        None => form_urlencoded::Serializer::new(String::new())
            .append_pair("page[limit]", &request.limit_or(most, most).to_string())
            .finish(),
    }
}

/// The query that a token is, written anew: nothing in it can end the query.
fn token_query(token: &PageToken) -> String {
    let pairs = form_urlencoded::parse(token.as_str().as_bytes());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
