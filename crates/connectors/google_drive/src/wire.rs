//! The calls, each with its cost in Google's quota units.

use catchment_client::{Budget, Call, Client, Download, Url, segment};
use catchment_core::{Context, PageRequest, PageToken, Result, page::Lap};
use catchment_google::Service;

use crate::{
    config::{SCOPES, Settings},
    types::{About, ChangeList, DriveList, FILE, File, FileList, PermissionList, SharedDrive, StartToken},
};

/// Where exports that are too large for the API can be had.
const DOCS: &str = "docs.google.com";

/// Units of the quota. A person may spend 325,000 in a minute; a tenth is left to others.
const READ: u32 = 5;
const LIST: u32 = 100;
const DOWNLOAD: u32 = 200;
const A_MINUTE: u32 = 290_000;
const AT_ONCE: u32 = 20_000;

/// The service gives no more in one page.
const MOST: u32 = 1_000;
const MOST_DRIVES: u32 = 100;

/// The calls to the service.
#[derive(Debug)]
pub(crate) struct Wire {
    client: Client,
    /// Where the service is, if a person said.
    own: Option<Url>,
}

/// A file, and the key that goes along with requests for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keyed<'a> {
    pub(crate) id: &'a str,
    pub(crate) key: Option<&'a str>,
}

/// Where to look for files.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Corpus<'a> {
    /// What the person has, or has been given.
    User,
    /// A shared drive.
    Drive(&'a str),
    /// Everywhere.
    All,
}

impl Wire {
    pub(crate) fn new(settings: &Settings, cx: &Context) -> Result<Self> {
        let subject = settings.user_id.as_deref();
        let authorize = catchment_google::authorize(cx, SCOPES, settings.service_account.as_ref(), subject)?;
        let service = Service {
            vendor: "google_drive",
            path: "drive/v3",
            scopes: SCOPES,
            budget: Budget::per_minute(A_MINUTE).burst(AT_ONCE),
            hosts: &[DOCS],
        };
        let url = settings.url.as_deref();
        let client = service.client(cx, url, authorize)?;
        Ok(Self { client, own: url.and_then(|url| Url::parse(url.trim()).ok()) })
    }

    pub(crate) async fn about(&self) -> Result<About> {
        self.client.get("about").query("fields", "user").cost(READ).send().await?.json()
    }

    /// A file, a folder or a shortcut.
    pub(crate) async fn file(&self, file: Keyed<'_>) -> Result<File> {
        self.get(file).query("fields", FILE).send().await?.json()
    }

    /// The same, with the addresses of its exports.
    pub(crate) async fn exportable(&self, file: Keyed<'_>) -> Result<File> {
        self.get(file).query("fields", format!("{FILE},exportLinks")).send().await?.json()
    }

    /// A page of what fits a search, in an order that new files do not disturb: with the newest at
    /// the end. Full-text searches have an order of their own.
    pub(crate) async fn list(&self, search: &str, corpus: Corpus<'_>, page: &PageRequest) -> Result<(FileList, Lap)> {
        let (lap, token) = Lap::of(page.token.as_ref().map(PageToken::as_str));
        let mut call = self
            .client
            .get("files")
            .query("q", search)
            .query("pageSize", page.limit_or(MOST, MOST))
            .query("fields", format!("nextPageToken,incompleteSearch,files({FILE})"))
            .query("supportsAllDrives", true)
            .query("includeItemsFromAllDrives", true)
            .cost(LIST);
        if !search.contains("fullText") {
            call = call.query("orderBy", "createdTime");
        }
        call = match corpus {
            Corpus::User => call.query("corpora", "user"),
            Corpus::Drive(id) => call.query("corpora", "drive").query("driveId", id),
            Corpus::All => call.query("corpora", "allDrives"),
        };
        if let Some(token) = token {
            call = call.query("pageToken", token);
        }
        let list: FileList = call.send().await?.json()?;
        Ok((list.whole()?, lap))
    }

    /// A page of the shared drives that the account is in.
    pub(crate) async fn drives(&self, page: &PageRequest) -> Result<(DriveList, Lap)> {
        let (lap, token) = Lap::of(page.token.as_ref().map(PageToken::as_str));
        let mut call = self
            .client
            .get("drives")
            .query("pageSize", page.limit_or(MOST_DRIVES, MOST_DRIVES))
            .query("fields", "nextPageToken,drives(id,name,createdTime)")
            .cost(LIST);
        if let Some(token) = token {
            call = call.query("pageToken", token);
        }
        Ok((call.send().await?.json()?, lap))
    }

    pub(crate) async fn drive(&self, id: &str) -> Result<SharedDrive> {
        let call = self.client.get(format!("drives/{}", segment(id))).query("fields", "id,name,createdTime");
        call.cost(READ).send().await?.json()
    }

    /// The bytes of a file, from `from` until before `until`.
    pub(crate) async fn media(&self, file: Keyed<'_>, part: Part, insist: bool) -> Result<Download> {
        let mut call = self.get(file).query("alt", "media").cost(DOWNLOAD);
        if insist {
            call = call.query("acknowledgeAbuse", true);
        }
        if let Some(size) = part.expected {
            call = call.expect_size(size);
        }
        if !part.may_be_html {
            call = call.reject_html();
        }
        part.of(call).stream().await
    }

    /// One of Google's own documents in a format.
    pub(crate) async fn export(&self, id: &str, format: &str, part: Part) -> Result<Download> {
        let call = self.client.get(format!("files/{}/export", segment(id))).query("mimeType", format).cost(DOWNLOAD);
        part.of(call).reject_html().stream().await
    }

    /// The same from another address, which knows no limit; `None` when it is not one of Google's.
    pub(crate) async fn linked(&self, link: &str, part: Part) -> Option<Result<Download>> {
        let url = Url::parse(link).ok()?;
        let google = url.scheme() == "https" && url.host_str() == Some(DOCS);
        if !google && self.own.as_ref().is_none_or(|own| own.origin() != url.origin()) {
            return None;
        }
        Some(part.of(self.client.get(url).cost(DOWNLOAD)).reject_html().stream().await)
    }

    /// The end of the person's log of changes, or of a shared drive's.
    pub(crate) async fn log_end(&self, drive: Option<&str>) -> Result<StartToken> {
        let call = self.client.get("changes/startPageToken").query("supportsAllDrives", true).cost(READ);
        let call = call.query("fields", "startPageToken");
        with_drive(call, drive).send().await?.json()
    }

    /// A page of a log.
    pub(crate) async fn log(&self, drive: Option<&str>, token: &str) -> Result<ChangeList> {
        let fields = format!(
            "nextPageToken,newStartPageToken,changes(changeType,removed,fileId,driveId,drive(id,name,createdTime),\
             file({FILE}))"
        );
        let call = self
            .client
            .get("changes")
            .query("pageToken", token)
            .query("pageSize", MOST)
            .query("fields", fields)
            .query("includeRemoved", true)
            .query("supportsAllDrives", true)
            .query("includeItemsFromAllDrives", true)
            .cost(LIST);
        with_drive(call, drive).send().await?.json()
    }

    /// A page of those who may do something with a file or a shared drive.
    pub(crate) async fn permissions(&self, id: &str, page: &PageRequest) -> Result<(PermissionList, Lap)> {
        let (lap, token) = Lap::of(page.token.as_ref().map(PageToken::as_str));
        let fields = "nextPageToken,permissions(id,type,role,emailAddress,domain,allowFileDiscovery,deleted,\
                      expirationTime,view)";
        let call = self.client.get(format!("files/{}/permissions", segment(id))).query("fields", fields);
        let mut call = call.query("pageSize", MOST_DRIVES).query("supportsAllDrives", true).cost(READ);
        if let Some(token) = token {
            call = call.query("pageToken", token);
        }
        Ok((call.send().await?.json()?, lap))
    }

    fn get(&self, file: Keyed<'_>) -> Call {
        let call = self.client.get(format!("files/{}", segment(file.id))).query("supportsAllDrives", true).cost(READ);
        match file.key {
            Some(key) => call.header("x-goog-drive-resource-keys", format!("{}/{key}", file.id)),
            None => call,
        }
    }
}

/// Which bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// The first.
    pub(crate) from: u64,
    /// The first that is not wanted.
    pub(crate) until: Option<u64>,
    /// How many there have to be.
    pub(crate) expected: Option<u64>,
    /// Whether a web page is what the file is.
    pub(crate) may_be_html: bool,
}

impl Part {
    fn of(self, call: Call) -> Call {
        match self.until {
            Some(until) => call.range(self.from..until),
            None => call.range(self.from..),
        }
    }
}

fn with_drive(call: Call, drive: Option<&str>) -> Call {
    match drive {
        Some(drive) => call.query("driveId", drive),
        None => call,
    }
}
