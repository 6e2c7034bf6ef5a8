//! Following: a vendor's feed of changes in the place of a listing.
//!
//! Whatever keeps a feed from being followed to its end ends in a listing of everything, which is
//! always right: a cursor that has expired, a branch that cannot be listed, more removals than are
//! believed, another import that took the feed over.

use std::num::NonZeroU32;

use catchment_core::{
    Browse, Change, ChangePage, Changes, Cursor, Due, Entry, Error, ErrorKind, Feed, Ledger, PageRequest, Result, Run,
    Unseen,
    page::{Lap, pages},
};
use chrono::{TimeDelta, Utc};
use futures::{Stream, StreamExt, pin_mut, stream};

use crate::{
    engine::Engine,
    import::Import,
    listing::{Found, fatal},
};

/// The feed to follow, if there is one that may be trusted for this import.
pub(crate) async fn trusted(engine: &Engine, import: &Import, run: &Run) -> Result<Option<Feed>> {
    let feed = unless_taken(engine.ledger.take_feed(run).await)?.flatten();
    let trust = TimeDelta::from_std(engine.options.trust_feed).unwrap_or(TimeDelta::MAX);
    Ok(feed.filter(|feed| {
        // A feed does not tell of what only goes into another portfolio.
        !import.full && feed.portfolio == import.portfolio && Utc::now() - feed.walked < trust
    }))
}

/// Where the feed will be followed from once everything is listed; `None` where it will not be.
/// Until then nothing is kept: a listing that ends half way leaves nothing that can be followed.
pub(crate) async fn start(engine: &Engine, import: &Import, changes: &dyn Changes, run: &Run) -> Result<Option<Feed>> {
    if unless_taken(engine.ledger.take_feed(run).await)?.is_none() {
        return Ok(None);
    }
    let taken = unless_taken(engine.ledger.drop_feed(run).await)?.is_none();
    // Without the containers nobody knows what goes with one.
    let hidden = import.connector.need_browse()?.flat().is_some_and(|flat| !flat.shows_containers());
    if taken || hidden || engine.options.trust_feed.is_zero() {
        return Ok(None);
    }
    // What is wrong with the connection the listing tells, and without a feed it is as good.
    let Ok(cursor) = changes.now().await else { return Ok(None) };
    Ok(Some(Feed { cursor, walked: Utc::now(), portfolio: import.portfolio.clone() }))
}

/// `None` where a newer import has taken the feed over, which is no failure of this one.
pub(crate) fn unless_taken<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
        Err(error) => Err(error),
    }
}

/// Applies the feed from a cursor to its end, and then looks at what it will not tell again.
pub(crate) fn follow<'a>(
    engine: &'a Engine,
    import: &'a Import,
    browse: &'a dyn Browse,
    changes: &'a dyn Changes,
    run: Run,
    cursor: Cursor,
) -> impl Stream<Item = Result<Found>> + Send + 'a {
    let follower = Follower { engine, import, browse, changes, ledger: &*engine.ledger, run };
    async_stream::try_stream! {
        for await found in follower.feed(cursor) {
            match found {
                Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::CursorExpired) => {
                    yield Found::Unfollowed(error);
                    return;
                }
                Ok(Found::Unfollowed(error)) => {
                    yield Found::Unfollowed(error);
                    return;
                }
                found => yield found?,
            }
        }
    }
}

struct Follower<'a> {
    engine: &'a Engine,
    import: &'a Import,
    browse: &'a dyn Browse,
    changes: &'a dyn Changes,
    ledger: &'a dyn Ledger,
    run: Run,
}

impl<'a> Follower<'a> {
    fn feed(&self, mut cursor: Cursor) -> impl Stream<Item = Result<Found>> + Send {
        async_stream::try_stream! {
            let (mut gone, mut lap) = (0, Lap::default());
            loop {
                let (page, further) = self.page(&cursor, lap).await?;
                if !page.changes.iter().all(is_placed) {
                    yield Found::Unfollowed(unplaced());
                    return;
                }
                if self.is_too_much(&page.changes, gone).await? {
                    yield Found::Unfollowed(too_much());
                    return;
                }
                let told = self.ledger.told(&self.run, &page.changes).await?;
                gone += told.buried;
                yield Found::Told { changes: page.changes.len() as u64, buried: told.buried };
                yield Found::Files(told.files);
                for await found in self.unlisted() {
                    yield found?;
                }
                // Law 3: the cursor moves after the sink has acknowledged.
                yield Found::Wait;
                self.ledger.move_feed(&self.run, &page.cursor).await?;
                (cursor, lap) = (page.cursor, further);
                if !page.more {
                    break;
                }
            }
            for await found in self.due() {
                yield found?;
            }
        }
    }

    /// The next page, and how far the feed has come with it.
    async fn page(&self, cursor: &Cursor, lap: Lap) -> Result<(ChangePage, Lap)> {
        let page = match self.changes.changes(cursor).await {
            Ok(page) if !page.more => Ok((page, lap)),
            Ok(page) if page.cursor == *cursor => Err(Error::protocol(
                "the vendor's feed has more and does not move on, so it would never end: import again",
            )),
            Ok(page) => lap.on(page.cursor.as_str()).map(|lap| (page, lap)),
            Err(error) => Err(error),
        };
        if page.as_ref().is_err_and(|error| error.kind() == ErrorKind::Protocol) {
            // It would say the same again. The next import lists.
            self.ledger.drop_feed(&self.run).await?;
        }
        page
    }

    /// Whether more is gone than is believed without a listing. `gone` is what this import has
    /// buried before.
    async fn is_too_much(&self, changes: &[Change], gone: u64) -> Result<bool> {
        if self.import.approve_removals {
            return Ok(false);
        }
        let Unseen { living, unseen } = self.ledger.doomed(&self.run, changes).await?;
        let all = Unseen { living: living + gone, unseen: unseen + gone };
        Ok(unseen > 0 && self.engine.options.breaker.holds(all, living.saturating_sub(unseen)))
    }

    /// Lists the containers that came with all they hold.
    fn unlisted(&self) -> impl Stream<Item = Result<Found>> + Send {
        async_stream::try_stream! {
            loop {
                let containers = self.ledger.unlisted(&self.run, self.limit().get()).await?;
                if containers.is_empty() {
                    break;
                }
                for container in containers {
                    for await found in self.list(&container) {
                        yield found?;
                    }
                    self.ledger.listed(&self.run, &container.id).await?;
                }
            }
        }
    }

    fn list(&self, container: &Entry) -> impl Stream<Item = Result<Found>> + Send {
        async_stream::try_stream! {
            let first = PageRequest::first().limit(self.limit().get());
            let listing = pages(first, |request| self.browse.children(&container.id, request));
            pin_mut!(listing);
            while let Some(page) = listing.next().await {
                match page {
                    Ok(page) => {
                        let new = self.ledger.found(&self.run, &container.id, &page.items).await?;
                        yield Found::Files(new);
                    }
                    // It is gone again, and the feed is about to tell.
                    Err(error) if error.kind() == ErrorKind::NotFound => break,
                    Err(error) if fatal(&error) => Err(error)?,
                    Err(error) => {
                        yield Found::Unfollowed(error);
                        return;
                    }
                }
            }
        }
    }

    /// Looks at what was left half done, or failed for a reason that may have passed: no feed tells
    /// of it again.
    fn due(&self) -> impl Stream<Item = Result<Found>> + Send {
        async_stream::try_stream! {
            let (mut after, mut lost) = (None, false);
            loop {
                let due = self.ledger.due(&self.run, after.as_ref(), self.limit().get()).await?;
                let Some(last) = due.last() else { break };
                after = Some(last.entry.clone());
                let mut there = Vec::new();
                let mut answers = stream::iter(due).map(|due| self.look(due)).buffered(self.engine.options.concurrency.max(1));
                while let Some(answer) = answers.next().await {
                    match answer {
                        Ok(Some(entry)) => there.push(Change::Upsert(Box::new(entry))),
                        Ok(None) => lost = true,
                        Err(error) if fatal(&error) => Err(error)?,
                        // It stays due.
                        Err(_) => {}
                    }
                }
                let told = self.ledger.told(&self.run, &there).await?;
                yield Found::Files(told.files);
            }
            if lost {
                // It moved or went away behind the end of the feed, or shares its path with another:
                // the next import lists, which is sure to find it.
                self.ledger.drop_feed(&self.run).await?;
            }
        }
    }

    /// The entry by its path, if it is still the same.
    async fn look(&self, due: Due) -> Result<Option<Entry>> {
        match self.browse.lookup(&due.path).await {
            Ok(entry) => Ok(Some(entry).filter(|entry| entry.id == due.entry && !entry.is_container())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn limit(&self) -> NonZeroU32 {
        self.engine.options.page
    }
}

/// Whether it can be told what it is in: what moves with a container could not be found by paths
/// that were true at one time or another.
fn is_placed(change: &Change) -> bool {
    match change {
        Change::Upsert(entry) => entry.parent.is_some(),
        Change::Remove(_) => true,
    }
}

fn unplaced() -> Error {
    Error::unsupported("the vendor's feed does not name the folders that things are in: everything is listed instead")
}

fn too_much() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "the vendor's feed tells of more removals than are believed at once: everything is listed to see",
    )
}
