//! A vendor that works, or fails in the way its settings say.

use catchment_core::{
    Account, AuthMethod, Browse, Capabilities, Connector, Content, Context, Download, Entry, EntryId, Error, ErrorKind,
    Page, PageRequest, Result, Secret, Vendor, async_trait, content::ByteRange,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The vendor `shelf`.
pub(crate) struct Shelf;

/// Which shelf, and what opens it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Which one. `locked`, `dark`, `closed`, `gone`, `babel` and `busy` do not work.
    shelf: String,
    /// What opens it, unless it is bent.
    key: Option<Secret>,
    /// What opens it as well.
    spare_key: Option<Secret>,
    /// Where it stands.
    url: Option<String>,
}

#[derive(Debug)]
struct Books(Settings);

impl Vendor for Shelf {
    const ID: &'static str = "shelf";
    const NAME: &'static str = "Shelf";
    const DESCRIPTION: &'static str = "Books";
    const ICON: &'static str = "<svg/>";
    const AUTH: &'static [AuthMethod] = &[AuthMethod::Keys];
    const CAPABILITIES: Capabilities = Capabilities::FILES;
    type Config = Settings;

    fn connect(settings: Settings, cx: Context) -> Result<impl Connector> {
        if settings.shelf == "attic" && !cx.host_access {
            return Err(Error::config("shelf", "the attic is the host's own: give another shelf"));
        }
        Ok(Books(settings))
    }
}

#[async_trait]
impl Connector for Books {
    async fn check(&self) -> Result<Account> {
        let kind = match self.0.shelf.as_str() {
            "locked" => ErrorKind::Unauthenticated,
            "closed" => ErrorKind::Forbidden,
            "dark" => ErrorKind::Unavailable,
            "gone" => ErrorKind::NotFound,
            "babel" => ErrorKind::Protocol,
            "busy" => ErrorKind::RateLimited,
            _ if [&self.0.key, &self.0.spare_key].into_iter().flatten().any(|key| key.expose().ends_with("bent")) => {
                ErrorKind::Unauthenticated
            }
            _ => {
                let details = self.0.url.iter().map(|url| ("url".to_owned(), url.clone())).collect();
                return Ok(Account { name: format!("shelf {}", self.0.shelf), details, ..Account::default() });
            }
        };
        Err(Error::new(kind, "the shelf does not open: try another one").with("shelf", &self.0.shelf))
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

#[async_trait]
impl Browse for Books {
    async fn children(&self, parent: &EntryId, _: PageRequest) -> Result<Page<Entry>> {
        let files = ["one.txt", "two.txt", "three.txt"].map(|name| Entry::file(name, name));
        Ok(Page::last(if parent.as_str().is_empty() { files.into() } else { Vec::new() }))
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        match path {
            "" => Ok(Entry::container("", "")),
            "one.txt" | "two.txt" | "three.txt" => Ok(Entry::file(path, path)),
            _ => Err(Error::not_found(path)),
        }
    }
}

#[async_trait]
impl Download for Books {
    async fn open(&self, entry: &Entry, _: Option<ByteRange>) -> Result<Content> {
        Ok(Content::bytes(format!("This is the book {}. The dam opens in May.", entry.path)))
    }
}
