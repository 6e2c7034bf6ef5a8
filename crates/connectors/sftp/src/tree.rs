//! The tree below the root, and nothing else. A server resolves links by itself when it opens a
//! path; so its real path is asked for in the same breath, and has to be the one that was meant.

use bytes::Bytes;
use catchment_core::{Entry, Error, ErrorKind, Fingerprint, Result};
use chrono::DateTime;
use futures::future::try_join_all;
use tokio::sync::OnceCell;

use crate::{
    names::{Place, is_within},
    packets::{Attrs, Name, Request},
    session::{Handle, Session},
};

/// More links than this on one path are not followed: with links that lead across, the number of
/// paths grows without bound.
const MOST_LINKS: usize = 8;

const TYPE: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// A root and the rules for what is below it.
#[derive(Debug)]
pub(crate) struct Tree {
    /// As it stands in the settings.
    pub(crate) folder: String,
    /// Its real path, once it is known.
    pub(crate) root: OnceCell<Bytes>,
    pub(crate) follow: bool,
    pub(crate) sequential: bool,
}

/// What the entries of one folder are held against.
#[derive(Debug, Default)]
pub(crate) struct Way {
    /// The real paths of the folders from the root down to here; found when a link needs them.
    reals: OnceCell<Vec<Bytes>>,
}

impl Tree {
    /// The real path of the root.
    pub(crate) async fn root(&self, session: &Session) -> Result<Bytes> {
        let resolve = || async {
            let real = session.send(Request::RealPath(self.folder.as_bytes())).path(&self.folder).await;
            real.map_err(|error| self.of_root(error))
        };
        self.root.get_or_try_init(resolve).await.cloned()
    }

    /// Opens a folder for listing.
    pub(crate) async fn open_dir(&self, session: &Session, place: &Place) -> Result<Handle> {
        let root = self.root(session).await?;
        let (path, shown) = (place.below(&root), place.display());
        let real = session.send(Request::RealPath(&path));
        let opened = session.open(Request::OpenDir(&path), &shown).await;
        let real = real.path(&shown).await;
        match (opened, real) {
            (Ok(handle), Ok(real)) => {
                self.confine(place, &root, &real)?;
                Ok(handle)
            }
            (Ok(_), Err(error)) => Err(error),
            // Many reasons are one code; a look says whether it is a folder at all.
            (Err(error), _) if error.kind() == ErrorKind::Unreadable => {
                let attrs = session.send(Request::Stat(&path)).attrs(&shown).await?;
                if attrs.kind() == Some(FOLDER) { Err(error) } else { Err(no_folder(&shown)) }
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Looks at a file before it is opened: where it really is, and that it is one. Opening a
    /// pipe would stop the server for everybody on this connection.
    pub(crate) async fn look(&self, session: &Session, place: &Place) -> Result<(Vec<u8>, Attrs)> {
        let root = self.root(session).await?;
        let (path, shown) = (place.below(&root), place.display());
        let real = session.send(Request::RealPath(&path));
        let attrs = session.send(Request::Lstat(&path)).attrs(&shown).await?;
        let attrs = if attrs.kind() == Some(LINK) && self.follow {
            session.send(Request::Stat(&path)).attrs(&shown).await?
        } else {
            attrs
        };
        regular(attrs, &shown)?;
        self.confine(place, &root, &real.path(&shown).await?)?;
        Ok((path, attrs))
    }

    /// The entry at a place that a person gave.
    pub(crate) async fn entry_at(&self, session: &Session, place: &Place) -> Result<Entry> {
        let root = self.root(session).await?;
        let shown = place.display();
        let (Some(above), Some(name)) = (place.above(), place.names().last()) else { return Ok(root_entry()) };
        let (path, over) = (place.below(&root), above.below(&root));
        let real = session.send(Request::RealPath(&over));
        let attrs = session.send(Request::Lstat(&path)).attrs(&shown).await?;
        self.confine(&above, &root, &real.path(&shown).await?)?;
        let name = Name { name: name.clone(), attrs };
        self.entry(session, &above, name, &Way::default()).await?.ok_or_else(|| Error::not_found(shown))
    }

    /// What a folder lists as an entry; `None` if it has gone in the meantime.
    pub(crate) async fn entry(&self, session: &Session, above: &Place, name: Name, way: &Way) -> Result<Option<Entry>> {
        let place = above.join(&name.name);
        let attrs = if name.attrs.is_whole() {
            name.attrs
        } else {
            let path = place.below(&self.root(session).await?);
            match session.send(Request::Lstat(&path)).attrs(&place.display()).await {
                Ok(attrs) => attrs,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Forbidden => return Ok(Some(unseen(&place))),
                Err(error) => return Err(error),
            }
        };
        if attrs.kind() == Some(LINK) {
            return self.follow(session, &place, way).await.map(Some);
        }
        Ok(Some(entry_of(&place, attrs)))
    }

    /// A link as an entry: what it leads to, if it is followed and stays inside.
    async fn follow(&self, session: &Session, place: &Place, way: &Way) -> Result<Entry> {
        if !self.follow {
            return Ok(special(place, "a symbolic link: set follow_links to read what it leads to"));
        }
        let root = self.root(session).await?;
        let (path, shown) = (place.below(&root), place.display());
        let real = session.send(Request::RealPath(&path));
        let attrs = session.send(Request::Stat(&path)).attrs(&shown).await;
        let (attrs, real) = match (attrs, real.path(&shown).await) {
            (Ok(attrs), Ok(real)) => (attrs, real),
            (Err(error), _) | (_, Err(error)) => {
                let reason = match error.kind() {
                    ErrorKind::NotFound | ErrorKind::Unreadable => {
                        "a symbolic link that leads to nothing, or back to itself: correct or remove it"
                    }
                    ErrorKind::Forbidden => return Ok(unseen(place)),
                    _ => return Err(error),
                };
                return Ok(special(place, reason));
            }
        };
        if !is_within(&real, &root) {
            return Ok(special(place, "a symbolic link that leads out of the folder: connect the place it leads to"));
        }
        if attrs.kind() == Some(FOLDER) && self.turns_back(session, &root, place, &real, way).await? {
            let reason = "a symbolic link to a folder that holds it: what is there is read already";
            return Ok(special(place, reason));
        }
        Ok(entry_of(place, attrs))
    }

    /// Whether the folder that the link at `place` really is lies on the way to it, or the way
    /// has become absurd.
    async fn turns_back(
        &self,
        session: &Session,
        root: &Bytes,
        place: &Place,
        target: &[u8],
        way: &Way,
    ) -> Result<bool> {
        let find = || async {
            let mut above = place.above();
            let mut asked = Vec::new();
            while let Some(folder) = above {
                asked.push((session.send(Request::RealPath(&folder.below(root))), folder.display()));
                above = folder.above();
            }
            // From the root down.
            try_join_all(asked.into_iter().rev().map(|(real, shown)| async move { real.path(&shown).await })).await
        };
        let reals = way.reals.get_or_try_init(find).await?;
        let names = place.names();
        let links =
            reals.windows(2).zip(names).filter(|(pair, name)| pair[1] != Place::default().join(name).below(&pair[0]));
        Ok(reals.iter().any(|real| is_within(real, target)) || links.count() >= MOST_LINKS)
    }

    /// That the server really goes where the path says. Without [`Tree::follow`] no part of the
    /// path may be a link; with it, the links have to stay inside.
    fn confine(&self, place: &Place, root: &[u8], real: &[u8]) -> Result<()> {
        let good = if self.follow { is_within(real, root) } else { real == place.below(root) };
        if good { Ok(()) } else { Err(Error::not_found(place.display())) }
    }
}

impl Attrs {
    /// Folder, file, link or something else; `None` if the server does not say.
    pub(crate) fn kind(&self) -> Option<u32> {
        self.mode.map(|mode| mode & TYPE)
    }

    /// Whether there is all that an entry needs.
    fn is_whole(&self) -> bool {
        match self.kind() {
            None => false,
            Some(FILE) => self.size.is_some() && self.mtime.is_some(),
            Some(_) => true,
        }
    }

    /// Whether both speak of one version of a file, as far as both say anything.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let same = |one: Option<u64>, other: Option<u64>| one.zip(other).is_none_or(|(one, other)| one == other);
        same(self.size, other.size) && same(self.mtime.map(u64::from), other.mtime.map(u64::from))
    }

    /// Size and time of the last change. What the server's clock says is only ever compared with
    /// what it said before, so that it may be wrong by any amount.
    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        let modified = DateTime::from_timestamp(self.mtime?.into(), 0)?;
        Some(Fingerprint::of_size_and_time(self.size?, modified))
    }
}

/// The root as an entry.
fn root_entry() -> Entry {
    Entry::container("", "")
}

fn entry_of(place: &Place, attrs: Attrs) -> Entry {
    let (id, path) = (place.id(), place.display());
    let mut entry = match attrs.kind() {
        Some(FOLDER) => Entry::container(id, path),
        Some(FILE) => {
            let mut file = Entry::file(id, path);
            file.size = attrs.size;
            file.fingerprint = attrs.fingerprint();
            file
        }
        other => return special(place, reason(other)),
    };
    entry.modified = attrs.mtime.and_then(|mtime| DateTime::from_timestamp(mtime.into(), 0));
    entry
}

/// What is there and may not be looked at. It may be a folder, and what was known below it must not
/// pass for gone; so it is one until it is listed, which says what is wrong with it. The others
/// beside it are not hidden by it.
fn unseen(place: &Place) -> Entry {
    Entry::container(place.id(), place.display())
}

fn special(place: &Place, reason: &str) -> Entry {
    Entry::special(place.id(), place.display(), reason)
}

fn reason(kind: Option<u32>) -> &'static str {
    match kind {
        Some(0o010_000) => "a named pipe: it has no content to read",
        Some(0o140_000) => "a socket: it has no content to read",
        Some(0o020_000 | 0o060_000) => "a device: it has no content to read",
        _ => "the server does not say what it is: have the server updated",
    }
}

fn no_folder(path: &str) -> Error {
    Error::unsupported("a file has nothing below it: read it").with("path", path)
}

/// That it is a file.
pub(crate) fn regular(attrs: Attrs, path: &str) -> Result<()> {
    match attrs.kind() {
        Some(FILE) => Ok(()),
        Some(FOLDER) => {
            Err(Error::unsupported("a folder has no content of its own: read the files in it").with("path", path))
        }
        _ => Err(Error::new(
            ErrorKind::Unreadable,
            "not a regular file: a link, pipe, socket or device has no content to read",
        )
        .with("path", path)),
    }
}
