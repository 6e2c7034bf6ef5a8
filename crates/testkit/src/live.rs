//! What can be tried on a real account without writing to it.
//!
//! The conformance suite makes the files that it lists, which nobody wants in an account that people
//! use. Here a connector is held to those of its promises that reading alone can show, on a part of
//! whatever is there.

use std::{collections::HashSet, fmt, sync::Arc};

use catchment_core::{ByteRange, Connector, Cursor, Entry, ErrorKind, PageRequest, Result};

use crate::{
    fixture::root,
    verdict::{Broken, Verdict, ensure, must_fail},
};

/// How many entries are listed at the most.
const MOST: usize = 500;

/// How many of them are looked at closely.
const SAMPLE: usize = 5;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// How a promise did.
#[derive(Debug)]
pub enum Outcome {
    /// It was tried and kept.
    Kept,
    /// There was nothing to try it on, or the connector has no such capability.
    NotTried(&'static str),
    /// It was broken, and how.
    Broken(Broken),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept"),
            Self::NotTried(why) => write!(f, "not tried: {why}"),
            Self::Broken(how) => write!(f, "BROKEN: {how}"),
        }
    }
}

impl From<Verdict<Option<&'static str>>> for Outcome {
    fn from(verdict: Verdict<Option<&'static str>>) -> Self {
        match verdict {
            Ok(None) => Self::Kept,
            Ok(Some(why)) => Self::NotTried(why),
            Err(how) => Self::Broken(how),
        }
    }
}

/// Tries everything that can be tried by reading, each promise by name. `connect` makes a connector
/// to the same account whenever it is asked.
pub async fn promises(connect: impl Fn() -> Result<Arc<dyn Connector>> + Send + Sync) -> Vec<(&'static str, Outcome)> {
    let listed = listed(&connect).await;
    let entries = listed.as_deref().unwrap_or_default();
    let mut all = vec![("the account has a name", account(&connect).await.into())];
    all.push(("what is listed can be looked up", lookups(&connect, entries).await.into()));
    all.push(("a file comes whole, and in parts", files(&connect, entries).await.into()));
    all.push(("a feed ends, and can be replayed", feed(&connect).await.into()));
    all.push(("a cursor of nobody is refused", nobody(&connect).await.into()));
    all.push(("readers are told or refused", readers(&connect, entries).await.into()));
    let listing = match listed {
        Ok(entries) if entries.is_empty() => Outcome::NotTried("there is nothing in the account"),
        Ok(_) => Outcome::Kept,
        Err(how) => Outcome::Broken(how),
    };
    all.insert(1, ("a listing has each entry once", listing));
    all
}

async fn account(connect: &impl Fn() -> Result<Arc<dyn Connector>>) -> Verdict<Option<&'static str>> {
    let account = connect()?.check().await?;
    ensure!(!account.id.is_empty() && !account.name.is_empty(), "the account is {account:?}");
    Ok(None)
}

/// The first entries, container by container, each page by a fresh connector.
async fn listed(connect: &impl Fn() -> Result<Arc<dyn Connector>>) -> Verdict<Vec<Entry>> {
    let connector = connect()?;
    let Some(browse) = connector.browse() else { return Ok(Vec::new()) };
    let mut left = vec![root(browse).await?];
    let (mut all, mut ids) = (Vec::new(), HashSet::new());
    while let Some(container) = left.pop() {
        let mut request = PageRequest::first().limit(50);
        while all.len() < MOST {
            let page = connect()?.need_browse()?.children(&container.id, request.clone()).await?;
            for entry in page.items {
                ensure!(ids.insert(entry.id.clone()), "{:?} was listed twice", entry.path);
                let inside = container.path.is_empty() || entry.path.starts_with(&format!("{}/", container.path));
                ensure!(inside, "{:?} was listed in {:?}", entry.path, container.path);
                if entry.is_container() {
                    left.push(entry.clone());
                }
                all.push(entry);
            }
            match page.next {
                None => break,
                Some(next) if request.token.as_ref() == Some(&next) => return Err("a page token came twice".into()),
                Some(next) => request.token = Some(next),
            }
        }
    }
    Ok(all)
}

async fn lookups(
    connect: &impl Fn() -> Result<Arc<dyn Connector>>,
    entries: &[Entry],
) -> Verdict<Option<&'static str>> {
    if entries.is_empty() {
        return Ok(Some("nothing is listed"));
    }
    let connector = connect()?;
    for entry in entries.iter().step_by(entries.len().div_ceil(SAMPLE)) {
        let twins = entries.iter().filter(|other| other.path == entry.path).count() > 1;
        let found = connector.need_browse()?.lookup(&entry.path).await?;
        let same = found.id == entry.id && found.kind == entry.kind && found.fingerprint == entry.fingerprint;
        ensure!(same || twins, "{:?} is {found:?}, and was listed as {entry:?}", entry.path);
    }
    Ok(None)
}

async fn files(connect: &impl Fn() -> Result<Arc<dyn Connector>>, entries: &[Entry]) -> Verdict<Option<&'static str>> {
    let connector = connect()?;
    let Some(download) = connector.download() else { return Ok(Some("the connector reads no files")) };
    let small = entries.iter().filter(|entry| entry.is_file() && entry.size.is_some_and(|size| size <= LARGEST));
    let mut tried = 0;
    for entry in small.take(SAMPLE) {
        let whole = download.open(entry, None).await?.collect(LARGEST).await?;
        let size = entry.size.unwrap_or_default();
        ensure!(whole.len() as u64 == size, "{:?} has {} bytes, and was listed with {size}", entry.path, whole.len());
        let middle = size / 2;
        let rest = download.open(entry, Some(ByteRange::from(middle))).await?.collect(LARGEST).await?;
        ensure!(rest == whole[middle as usize..], "the second half of {:?} is not its second half", entry.path);
        tried += 1;
    }
    Ok((tried == 0).then_some("no small file with a size is listed"))
}

async fn feed(connect: &impl Fn() -> Result<Arc<dyn Connector>>) -> Verdict<Option<&'static str>> {
    let connector = connect()?;
    let Some(changes) = connector.changes() else { return Ok(Some("the connector has no feed")) };
    let first = changes.now().await?;
    let mut cursor = first.clone();
    for turn in 0.. {
        ensure!(turn < 50, "a feed since a moment ago does not end");
        let page = changes.changes(&cursor).await?;
        if !page.more {
            break;
        }
        ensure!(page.cursor != cursor, "there is more, and the cursor did not move");
        cursor = page.cursor;
    }
    let fresh = connect()?;
    let Some(changes) = fresh.changes() else { return Err("a fresh connector has no feed".into()) };
    changes.changes(&first).await?;
    Ok(None)
}

async fn nobody(connect: &impl Fn() -> Result<Arc<dyn Connector>>) -> Verdict<Option<&'static str>> {
    let connector = connect()?;
    let Some(changes) = connector.changes() else { return Ok(Some("the connector has no feed")) };
    let error = must_fail(changes.changes(&Cursor::new("no cursor at all")).await, "a cursor of nobody")?;
    ensure!(error.kind() == ErrorKind::CursorExpired, "a cursor of nobody is {}: {error}", error.kind());
    Ok(None)
}

async fn readers(
    connect: &impl Fn() -> Result<Arc<dyn Connector>>,
    entries: &[Entry],
) -> Verdict<Option<&'static str>> {
    let connector = connect()?;
    let Some(permissions) = connector.permissions() else { return Ok(Some("the connector tells no permissions")) };
    for entry in entries.iter().take(SAMPLE) {
        match permissions.grants(entry).await {
            Err(error) if error.kind() != ErrorKind::Forbidden => return Err(error.into()),
            _ => {}
        }
    }
    Ok(entries.is_empty().then_some("nothing is listed"))
}
