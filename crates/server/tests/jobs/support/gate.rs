//! A vendor whose downloads wait until they are let through, and who counts them.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use catchment_core::{
    Account, AuthMethod, Browse, Capabilities, Connector, Content, Context, Download, Entry, EntryId, Error, ErrorKind,
    Fingerprint, Page, PageRequest, Result, Vendor, async_trait, content::ByteRange,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::{Semaphore, watch};

/// The vendor `gate`.
pub(crate) struct Gate;

/// Which gate, and how many files are behind it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Its name. Those of one name share what follows.
    gate: String,
    /// How many files.
    files: usize,
}

/// What tests and connectors of this process see of a gate.
#[derive(Debug)]
pub(crate) struct Gates {
    /// Each download takes one.
    pub(crate) pass: Semaphore,
    /// How often each file was let through.
    pub(crate) passed: Mutex<HashMap<String, usize>>,
    /// How many downloads have been begun.
    pub(crate) knocked: watch::Sender<usize>,
    /// How many listings still fail.
    pub(crate) down: AtomicUsize,
    /// What is open, and the most there ever was.
    pub(crate) open: AtomicUsize,
    pub(crate) most: AtomicUsize,
}

static ALL: LazyLock<Mutex<HashMap<String, Arc<Gates>>>> = LazyLock::new(Mutex::default);

impl Gates {
    /// Waits until so many downloads have been begun.
    pub(crate) async fn knocked(&self, times: usize) {
        super::soon(self.knocked.subscribe().wait_for(|knocked| *knocked >= times)).await.unwrap();
    }
}

impl Gate {
    /// The gate of a name.
    pub(crate) fn named(name: &str) -> Arc<Gates> {
        let mut all = ALL.lock().unwrap();
        let made = || {
            Arc::new(Gates {
                pass: Semaphore::new(0),
                passed: Mutex::default(),
                knocked: watch::Sender::default(),
                down: AtomicUsize::new(0),
                open: AtomicUsize::new(0),
                most: AtomicUsize::new(0),
            })
        };
        all.entry(name.to_owned()).or_insert_with(made).clone()
    }
}

#[derive(Debug)]
struct Behind(Settings, Arc<Gates>);

impl Vendor for Gate {
    const ID: &'static str = "gate";
    const NAME: &'static str = "Gate";
    const DESCRIPTION: &'static str = "Files behind a gate";
    const ICON: &'static str = "<svg/>";
    const AUTH: &'static [AuthMethod] = &[AuthMethod::None];
    const CAPABILITIES: Capabilities = Capabilities::FILES;
    type Config = Settings;

    fn connect(settings: Settings, _: Context) -> Result<impl Connector> {
        let gates = Self::named(&settings.gate);
        Ok(Behind(settings, gates))
    }
}

#[async_trait]
impl Connector for Behind {
    async fn check(&self) -> Result<Account> {
        Ok(Account::default())
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

fn file(number: usize) -> Entry {
    let name = format!("f{number:03}.txt");
    let mut entry = Entry::file(name.as_str(), name.as_str());
    entry.fingerprint = Some(Fingerprint::new("v1"));
    entry
}

#[async_trait]
impl Browse for Behind {
    async fn children(&self, _: &EntryId, _: PageRequest) -> Result<Page<Entry>> {
        Ok(Page::last((0..self.0.files).map(file).collect()))
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        if self.0.gate == "locked" {
            return Err(Error::new(ErrorKind::Unauthenticated, "the gate does not know you: give another key"));
        }
        let failing = |left: usize| left.checked_sub(1);
        if self.1.down.fetch_update(Ordering::SeqCst, Ordering::SeqCst, failing).is_ok() {
            return Err(Error::new(ErrorKind::Unavailable, "the gate is not there: try again later"));
        }
        match (0..self.0.files).map(file).find(|file| file.path == path) {
            _ if path.is_empty() => Ok(Entry::container("", "")),
            Some(file) => Ok(file),
            None => Err(Error::not_found(path)),
        }
    }
}

/// Counts what is open.
struct Open<'a>(&'a Gates);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Download for Behind {
    async fn open(&self, entry: &Entry, _: Option<ByteRange>) -> Result<Content> {
        let gates = &*self.1;
        gates.most.fetch_max(gates.open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let _open = Open(gates);
        gates.knocked.send_modify(|knocked| *knocked += 1);
        gates.pass.acquire().await.map_err(|error| Error::internal("the gate is gone").source(error))?.forget();
        *gates.passed.lock().unwrap().entry(entry.path.clone()).or_default() += 1;
        Ok(Content::bytes(format!("What stands in {}: the dam opens in May.", entry.path)))
    }
}
