#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, reason = "a program that lists and shows")]

use std::{collections::BTreeMap, path::PathBuf};

use bytes::Bytes;
use catchment_core::{
    Account, AuthMethod, Browse, ByteRange, Capabilities, Connector, Content, Context, Download, Entry, EntryId, Error,
    ErrorKind, Fingerprint, Page, PageRequest, PageToken, Registry, Result, Step, Vendor, async_trait, walk::walk,
};
use futures::{StreamExt, pin_mut, stream};
use schemars::JsonSchema;
use serde::Deserialize;

/// The notes by path.
type Book = BTreeMap<String, Note>;

/// What a note holds: text, or a list of bytes.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Note {
    Text(String),
    Bytes(Vec<u8>),
}

/// The settings: what a person fills in. The comments become the descriptions of the form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The JSON file that maps paths to texts, or to lists of bytes.
    file: PathBuf,
}

/// The vendor: what a catalogue says, and how to connect.
struct Notebook;

impl Vendor for Notebook {
    const ID: &'static str = "notebook";
    const NAME: &'static str = "Notebook";
    const DESCRIPTION: &'static str = "The notes of one JSON file.";
    const ICON: &'static str =
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M3 1h10v14H3z"/></svg>"#;
    const AUTH: &'static [AuthMethod] = &[AuthMethod::None];
    const CAPABILITIES: Capabilities = Capabilities::FILES;
    type Config = Settings;

    fn connect(settings: Settings, cx: Context) -> Result<impl Connector> {
        if !cx.host_access {
            return Err(Error::config("file", "files of the server are not for its tenants"));
        }
        Ok(Notes { file: settings.file })
    }
}

/// The connector: one capability a trait.
#[derive(Debug)]
struct Notes {
    file: PathBuf,
}

#[async_trait]
impl Connector for Notes {
    async fn check(&self) -> Result<Account> {
        self.read().await?;
        let id = self.file.display().to_string();
        Ok(Account { name: id.clone(), id, ..Account::default() })
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

#[async_trait]
impl Browse for Notes {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let notes = self.read().await?;
        let folder = entry(&notes, parent.as_str())?;
        if !folder.is_container() {
            return Err(Error::new(ErrorKind::NotFound, "a note has no notes below it").with("path", parent));
        }
        let prefix = if folder.path.is_empty() { String::new() } else { format!("{}/", folder.path) };
        // Ordered by name, so that a token is just the last name of the page before.
        let mut children = BTreeMap::new();
        for path in notes.keys().filter_map(|path| path.strip_prefix(&prefix)) {
            let name = path.split('/').next().unwrap_or_default();
            children.entry(name.to_owned()).or_insert_with(|| format!("{prefix}{name}"));
        }
        let after = page.token.as_ref().map(|token| token.as_str().to_owned());
        let limit = page.limit_or(100, 1000) as usize;
        let mut rest =
            children.into_iter().filter(|(name, _)| after.as_ref().is_none_or(|after| name > after)).peekable();
        let (mut items, mut last) = (Vec::new(), None);
        while items.len() < limit
            && let Some((name, path)) = rest.next()
        {
            items.push(entry(&notes, &path)?);
            last = Some(name);
        }
        Ok(Page { items, next: last.filter(|_| rest.peek().is_some()).map(PageToken::new) })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        entry(&self.read().await?, path)
    }
}

#[async_trait]
impl Download for Notes {
    async fn open(&self, listed: &Entry, range: Option<ByteRange>) -> Result<Content> {
        let notes = self.read().await?;
        let now = entry(&notes, listed.id.as_str())?;
        if listed.fingerprint.is_some() && now.fingerprint != listed.fingerprint {
            return Err(Error::new(ErrorKind::Conflict, "the note has changed: list it again").with("path", &now.path));
        }
        let note = notes.get(now.path.as_str()).ok_or_else(|| Error::not_found(&now.path))?.bytes();
        let range = range.unwrap_or(ByteRange::from(0));
        let from = range.offset.min(note.len() as u64);
        let size = range.length_in(note.len() as u64);
        let mut bytes = Bytes::copy_from_slice(&note[from as usize..(from + size) as usize]);
        let pieces = std::iter::from_fn(move || {
            let piece = bytes.split_to(bytes.len().min(64 << 10));
            (!piece.is_empty()).then_some(Ok(piece))
        });
        Ok(Content {
            size: Some(size),
            version: now.fingerprint.map(|mark| mark.as_str().to_owned()),
            mime: None,
            body: stream::iter(pieces).boxed(),
        })
    }
}

impl Note {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl Notes {
    async fn read(&self) -> Result<Book> {
        let text = tokio::fs::read(&self.file).await.map_err(|error| {
            let remedy = "the notebook cannot be read: check the path and its permissions";
            Error::config("file", remedy).with("path", self.file.display()).source(error)
        })?;
        serde_json::from_slice(&text).map_err(|error| {
            let remedy = "not a notebook: give a JSON object that maps paths to texts";
            Error::config("file", remedy).with("line", error.line()).source(error)
        })
    }
}

/// The note or the folder at a path; "" is the root.
fn entry(notes: &Book, path: &str) -> Result<Entry> {
    if let Some(note) = notes.get(path) {
        let bytes = note.bytes();
        let mut note = Entry::file(path, path);
        note.size = Some(bytes.len() as u64);
        // A notebook has no times and no versions; its content is small enough to be its own mark.
        let mark = bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
        note.fingerprint = Some(Fingerprint::new(format!("{mark:016x}")));
        return Ok(note);
    }
    let below = format!("{path}/");
    if path.is_empty() || notes.keys().any(|note| note.starts_with(&below)) {
        return Ok(Entry::container(path, path));
    }
    Err(Error::not_found(path))
}

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "notes.json".to_owned());
    let registry = Registry::new().with::<Notebook>();
    let connector = registry.connect("notebook", serde_json::json!({ "file": file }), Context::local())?;
    println!("{}", connector.check().await?.name);
    let browse = connector.need_browse()?;
    let steps = walk(browse, browse.lookup("").await?, PageRequest::first());
    pin_mut!(steps);
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => {
                for note in entries.iter().filter(|entry| entry.is_file()) {
                    let text = connector.need_download()?.open(note, None).await?.collect(1 << 20).await?;
                    println!("{}: {}", note.path, String::from_utf8_lossy(&text).lines().next().unwrap_or_default());
                }
            }
            Step::Unlisted { error, .. } => return Err(error),
            Step::End(_) => {}
        }
    }
    Ok(())
}

/// The promises, kept: one named test of each.
#[cfg(test)]
mod tests {
    use catchment_testkit::{Fixture, conformance};
    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::*;

    struct Drawer(TempDir);

    impl Drawer {
        fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Value>)) {
            let path = self.0.path().join("notes.json");
            let mut notes = std::fs::read(&path)
                .map_or_else(|_| BTreeMap::new(), |text| serde_json::from_slice(&text).expect("our own notebook"));
            change(&mut notes);
            std::fs::write(path, serde_json::to_vec(&notes).expect("JSON")).expect("a notebook");
        }
    }

    #[async_trait]
    impl Fixture for Drawer {
        type Vendor = Notebook;

        async fn new() -> Self {
            let drawer = Self(tempfile::tempdir().expect("a place"));
            drawer.change(|_| {});
            drawer
        }

        async fn put(&self, path: &str, bytes: &[u8]) {
            self.change(|notes| drop(notes.insert(path.to_owned(), json!(bytes))));
        }

        async fn remove(&self, path: &str) {
            self.change(|notes| drop(notes.remove(path)));
        }

        async fn put_folder(&self, _: &str) -> bool {
            false
        }

        async fn put_outside(&self) -> Vec<String> {
            std::fs::write(self.0.path().join("outside.txt"), "secret").expect("a file");
            vec!["../outside.txt".to_owned(), "/etc/hostname".to_owned()]
        }

        fn settings(&self) -> Value {
            json!({ "file": self.0.path().join("notes.json") })
        }
    }

    conformance!(Drawer => browse, download, fingerprints);
}
