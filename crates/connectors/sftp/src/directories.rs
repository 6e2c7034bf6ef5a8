//! Directories that are being listed: what is open at the server between two pages.
//!
//! SFTP has no way to start in the middle of a directory. So a directory stays open from page to
//! page, and a page token says how many names came before and what they add up to. When the open
//! one has gone (another process goes on, the connection broke), the directory is read again from
//! the start; if what is skipped adds up to the same, exactly the rest is left. If not, the
//! directory has changed, and nobody can say what is missing: that is an error, never a guess.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use catchment_core::{EntryId, Error, ErrorKind, PageToken, Result};

use crate::{
    names::{Place, is_plain},
    packets::{Name, Request},
    pool::Lease,
    session::{Handle, Pending},
    tree::{Tree, Way},
};

/// Directories open at a time: as many as a few walks need.
const KEPT: usize = 8;

/// Answers that are asked for ahead while a page is filled.
const AHEAD: usize = 4;

/// Answers without any name in a row: more than a server gives that looks for the next one.
const IDLE: u32 = 100;

/// The directories that are open between pages.
#[derive(Debug, Default)]
pub(crate) struct Directories(Mutex<VecDeque<(EntryId, Reading)>>);

/// A directory that is being read.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) lease: Lease,
    pub(crate) way: Way,
    handle: Handle,
    asked: VecDeque<Pending>,
    came: VecDeque<Name>,
    ended: bool,
    ahead: usize,
    /// The name that came first of all.
    first: Option<Bytes>,
    /// Answers without any name since the last one with some.
    idle: u32,
    passed: Passed,
    /// Whether the directory has named itself.
    dots: bool,
    path: Vec<u8>,
    shown: String,
}

/// The names that went by: how many, and a sum over them that no order changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Passed {
    count: u64,
    sum: u64,
}

impl Directories {
    /// Takes out the directory that stands where the token says.
    pub(crate) fn take(&self, parent: &EntryId, token: &PageToken) -> Option<Reading> {
        let mut kept = self.kept();
        let at = kept.iter().position(|(id, reading)| id == parent && reading.token() == *token)?;
        kept.remove(at).map(|(_, reading)| reading).filter(|reading| !reading.lease.is_dead())
    }

    /// Keeps a directory open for its next page; the one that waits longest makes room.
    pub(crate) fn keep(&self, parent: EntryId, reading: Reading) {
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((parent, reading));
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(EntryId, Reading)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// Opens a directory, and skips what came before the token.
    pub(crate) async fn open(lease: Lease, tree: &Tree, place: &Place, token: Option<&PageToken>) -> Result<Self> {
        let before = token.map(Passed::parse).transpose()?.unwrap_or_default();
        let handle = tree.open_dir(&lease, place).await?;
        let path = place.below(&tree.root(&lease).await?);
        let mut reading = Self {
            lease,
            way: Way::default(),
            handle,
            asked: VecDeque::new(),
            came: VecDeque::new(),
            ended: false,
            ahead: if tree.sequential { 1 } else { AHEAD },
            first: None,
            idle: 0,
            passed: Passed::default(),
            dots: false,
            path,
            shown: place.display(),
        };
        while reading.passed.count < before.count && reading.next().await?.is_some() {}
        if reading.passed != before {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the folder changed while its listing was interrupted: list it again from the start",
            )
            .with("path", &reading.shown));
        }
        Ok(reading)
    }

    /// The next name; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Name>> {
        loop {
            if let Some(name) = self.came.pop_front() {
                if is_plain(&name.name) {
                    self.passed.add(&name.name);
                    return Ok(Some(name));
                }
                self.dots = true;
                continue;
            }
            if self.ended {
                return Ok(None);
            }
            while self.asked.len() < self.ahead {
                self.asked.push_back(self.lease.send(Request::ReadDir(self.handle.bytes())));
            }
            let Some(first) = self.asked.pop_front() else { return Ok(None) };
            match first.names(&self.shown).await? {
                Some(names) => {
                    self.moves_on(&names)?;
                    self.came.extend(names);
                }
                None => {
                    self.ended = true;
                    self.asked.clear();
                    self.prove_empty().await?;
                }
            }
        }
    }

    /// That the listing comes nearer to its end: some servers give empty answers for ever, or begin
    /// anew where they should end.
    fn moves_on(&mut self, names: &[Name]) -> Result<()> {
        let Some(leading) = names.first() else {
            self.idle += 1;
            return if self.idle < IDLE { Ok(()) } else { Err(endless(&self.shown)) };
        };
        self.idle = 0;
        match &self.first {
            Some(first) if *first == leading.name => Err(endless(&self.shown)),
            Some(_) => Ok(()),
            None => {
                self.first = Some(leading.name.clone());
                Ok(())
            }
        }
    }

    /// A folder whose names may be read, but nothing about them, looks empty: OpenSSH leaves out
    /// what it cannot look at, the folder itself among it. So one that is empty and has not named
    /// itself is looked into.
    async fn prove_empty(&mut self) -> Result<()> {
        if self.dots || self.passed.count > 0 {
            return Ok(());
        }
        self.path.extend_from_slice(b"/.");
        match self.lease.send(Request::Stat(&self.path)).attrs(&self.shown).await {
            Err(error) if error.kind() == ErrorKind::Forbidden => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether nothing is left, as far as is known without asking.
    pub(crate) fn is_at_end(&self) -> bool {
        self.ended && self.came.is_empty()
    }

    /// Where the next page starts.
    pub(crate) fn token(&self) -> PageToken {
        PageToken::new(format!("{}.{:016x}", self.passed.count, self.passed.sum))
    }
}

fn endless(shown: &str) -> Error {
    Error::protocol("the server never comes to the end of this folder: list it again later, or have the server updated")
        .with("path", shown)
}

impl Passed {
    fn add(&mut self, name: &[u8]) {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        self.count += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }

    fn parse(token: &PageToken) -> Result<Self> {
        let parts = token.as_str().split_once('.');
        parts
            .and_then(|(count, sum)| Some(Self { count: count.parse().ok()?, sum: u64::from_str_radix(sum, 16).ok()? }))
            .ok_or_else(|| Error::protocol("this page token is not one of this folder: start from the first page"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(names: &[&str]) -> Passed {
        let mut passed = Passed::default();
        names.iter().for_each(|name| passed.add(name.as_bytes()));
        passed
    }

    #[test]
    fn a_token_tells_apart_what_was_given_and_nothing_else() {
        assert_eq!(passed(&["a", "b"]), passed(&["b", "a"]));
        assert_ne!(passed(&["a", "b"]), passed(&["a", "c"]));
        assert_ne!(passed(&["a"]), passed(&["a", "b"]));
        assert!(Passed::parse(&PageToken::new("made up")).is_err());
    }
}
