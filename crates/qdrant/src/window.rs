//! Pages in the order of entries, which Qdrant cannot give: it orders points by their ids, and by
//! numbers in their payloads, not by strings.
//!
//! So an audit reads the names of an integration's entries once for many pages, and keeps the
//! first of them: a *window*. Names alone are read, and no more of them than fit the window are
//! kept, so that memory has a bound and an integration of a million entries is read through
//! twenty times, not once a page.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use catchment_core::{DocumentKey, EntryId, IntegrationId, Result};
use serde::Deserialize;
use tokio::time::Instant;

use crate::{client::Client, filter, record::read};

/// How many names a window has.
const WIDTH: usize = 50_000;
/// How old a window may be. Until then it does not know of entries that another process adds.
const FRESH: Duration = Duration::from_secs(30);
/// How many windows are kept.
const KEPT: usize = 4;

/// The windows of audits that go on.
#[derive(Debug, Default)]
pub(crate) struct Windows(Mutex<Vec<Window>>);

/// The first names of an integration behind one.
#[derive(Debug)]
struct Window {
    integration: IntegrationId,
    after: Option<EntryId>,
    names: BTreeSet<EntryId>,
    /// Whether there are none behind the last.
    complete: bool,
    made: Instant,
}

/// A page of names.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) names: Vec<EntryId>,
    /// Whether there are none behind the last.
    pub(crate) complete: bool,
}

impl Windows {
    /// The first `limit` names behind `after`. An audit that begins reads the collection.
    pub(crate) async fn page(
        &self,
        client: &Client,
        integration: IntegrationId,
        after: Option<&EntryId>,
        limit: usize,
    ) -> Result<Names> {
        if let Some(after) = after
            && let Some(names) = self.recall(integration, after, limit)
        {
            return Ok(names);
        }
        let window = Window::read(client, integration, after.cloned(), WIDTH.max(limit)).await?;
        let page = window.page(after, limit);
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.retain(|other| other.integration != integration && other.made.elapsed() < FRESH);
        windows.truncate(KEPT - 1);
        windows.push(window);
        Ok(page)
    }

    fn recall(&self, integration: IntegrationId, after: &EntryId, limit: usize) -> Option<Names> {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reaches = |window: &&Window| {
            window.integration == integration
                && window.made.elapsed() < FRESH
                && window.after.as_ref().is_none_or(|first| first <= after)
        };
        let page = windows.iter().find(reaches)?.page(Some(after), limit);
        (page.complete || page.names.len() == limit).then_some(page)
    }

    /// A document was put in: audits that go on meet it.
    pub(crate) fn add(&self, key: &DocumentKey) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for window in windows.iter_mut().filter(|window| window.integration == key.integration) {
            window.add(key.entry.clone());
        }
    }
}

impl Window {
    async fn read(client: &Client, integration: IntegrationId, after: Option<EntryId>, width: usize) -> Result<Self> {
        #[derive(Deserialize)]
        struct Named {
            entry: String,
        }
        let mut window = Self { integration, after, names: BTreeSet::new(), complete: true, made: Instant::now() };
        client
            .scan(&filter::documents_of(integration), &["entry"], |page| {
                for point in page {
                    window.take(read::<Named>(point.payload)?.entry.into(), width);
                }
                Ok(true)
            })
            .await?;
        Ok(window)
    }

    /// Keeps a name if it is among the first.
    fn take(&mut self, name: EntryId, width: usize) {
        if self.after.as_ref().is_some_and(|after| name <= *after) {
            return;
        }
        self.names.insert(name);
        if self.names.len() > width {
            self.names.pop_last();
            self.complete = false;
        }
    }

    fn add(&mut self, name: EntryId) {
        let behind = self.after.as_ref().is_none_or(|after| name > *after);
        let within = self.complete || self.names.last().is_some_and(|last| name < *last);
        if behind && within {
            self.names.insert(name);
        }
    }

    fn page(&self, after: Option<&EntryId>, limit: usize) -> Names {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = after.map_or(Unbounded, Excluded);
        let mut rest = self.names.range::<EntryId, _>((start, Unbounded));
        let names: Vec<EntryId> = rest.by_ref().take(limit).cloned().collect();
        Names { names, complete: self.complete && rest.next().is_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(after: Option<&str>, names: &[&str], width: usize) -> Window {
        let mut window = Window {
            integration: IntegrationId(1),
            after: after.map(EntryId::from),
            names: BTreeSet::new(),
            complete: true,
            made: Instant::now(),
        };
        for name in names {
            window.take((*name).into(), width);
        }
        window
    }

    fn names(page: &Names) -> Vec<&str> {
        page.names.iter().map(EntryId::as_str).collect()
    }

    #[test]
    fn a_window_keeps_the_first_names_behind_one() {
        let window = window(Some("b"), &["z", "a", "b", "d", "c", "e"], 3);
        assert_eq!(names(&window.page(None, 9)), ["c", "d", "e"]);
        assert!(!window.complete, "z did not fit");
    }

    #[test]
    fn a_page_knows_whether_it_is_the_last() {
        let whole = window(None, &["a", "b", "c"], 9);
        let page = whole.page(None, 2);
        assert_eq!((names(&page), page.complete), (vec!["a", "b"], false));
        let page = whole.page(Some(&"b".into()), 2);
        assert_eq!((names(&page), page.complete), (vec!["c"], true));
    }

    #[test]
    fn what_is_added_is_met_if_the_window_reaches_it() {
        let mut part = window(None, &["a", "c", "d"], 2);
        for name in ["b", "e"] {
            part.add(name.into());
        }
        assert_eq!(names(&part.page(None, 9)), ["a", "b", "c"], "e may have others before it");
        let mut whole = window(Some("a"), &["c"], 2);
        for name in ["a", "e"] {
            whole.add(name.into());
        }
        assert_eq!(names(&whole.page(None, 9)), ["c", "e"]);
    }
}
