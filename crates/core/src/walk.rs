//! Walks: everything below an entry, page by page, and the proof that nothing was missed.

use futures::{Stream, StreamExt, pin_mut};

use crate::{
    connector::Browse,
    entry::{Entry, EntryId},
    error::{Error, Result},
    page::{Lap, Page, PageRequest, pages},
};

/// Proof that every branch below a root was listed without error. Only a walk can make one, and
/// only a holder may remove what the walk did not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complete {
    root: EntryId,
    path: String,
}

/// What a walk meets.
#[derive(Debug)]
pub enum Step {
    /// Some entries, as they were listed: files, special entries, and containers whose own
    /// entries come later. Each names the container it is in, except in a flat listing that
    /// [shows](crate::Flat::shows_containers) none.
    Entries(Vec<Entry>),
    /// A branch that could not be listed. The walk goes on, and will not be complete.
    Unlisted {
        /// The container.
        container: Box<Entry>,
        /// Why.
        error: Error,
    },
    /// Always the last step. With a proof if every branch was listed.
    End(Option<Complete>),
}

/// Walks everything below `root`: in one flat listing where the vendor has one, else container
/// by container, depth first. A page is fetched when the stream is polled for it; memory is
/// bounded by the depth of the tree times the size of a page. A container that is met twice on
/// one path down (a link to its own parent) is an unlisted branch, not a loop.
///
/// A file as root is a walk of one entry.
pub fn walk<'a>(browse: &'a dyn Browse, root: Entry, page: PageRequest) -> impl Stream<Item = Step> + Send + 'a {
    async_stream::stream! {
        let mut complete = true;
        let root_id = root.id.clone();
        let path = root.path.clone();
        if !root.is_container() {
            yield Step::Entries(vec![root]);
        } else if let Some(flat) = browse.flat() {
            let listing = pages(page, |request| flat.descendants(&root_id, request));
            pin_mut!(listing);
            while let Some(page) = listing.next().await {
                match page {
                    Ok(page) => yield Step::Entries(page.items),
                    Err(error) => {
                        complete = false;
                        yield Step::Unlisted { container: Box::new(root.clone()), error };
                    }
                }
            }
        } else {
            let mut stack = vec![Frame::new(root)];
            while let Some(frame) = stack.last_mut() {
                if let Some(child) = frame.containers.pop() {
                    if stack.iter().any(|above| above.container.id == child.id) {
                        complete = false;
                        let error = Error::protocol("a container contains itself: it was not entered again");
                        yield Step::Unlisted { container: Box::new(child), error };
                    } else {
                        stack.push(Frame::new(child));
                    }
                    continue;
                }
                match frame.next_page(browse, page.limit).await {
                    None => { stack.pop(); }
                    Some(Ok(entries)) => yield Step::Entries(entries),
                    Some(Err(error)) => {
                        complete = false;
                        let container = Box::new(frame.container.clone());
                        stack.pop();
                        yield Step::Unlisted { container, error };
                    }
                }
            }
        }
        yield Step::End(complete.then_some(Complete { root: root_id, path }));
    }
}

/// Streams the entries below `under` whose name holds `query`, whatever the case: the vendor's
/// own search where it has one, else a walk.
pub fn search<'a>(
    browse: &'a dyn Browse,
    query: &'a str,
    under: Entry,
) -> impl Stream<Item = Result<Entry>> + Send + 'a {
    async_stream::try_stream! {
        let mut request = PageRequest::first();
        let mut own = true;
        let mut lap = Lap::default();
        loop {
            match browse.search(query, &under.id, request.clone()).await {
                Ok(page) => {
                    for entry in page.items {
                        yield entry;
                    }
                    match page.next {
                        None => break,
                        Some(next) => {
                            lap = lap.on(next.as_str())?;
                            request = PageRequest::at(next);
                        }
                    }
                }
                Err(error) if error.kind() == crate::ErrorKind::Unsupported && request.token.is_none() => {
                    own = false;
                    break;
                }
                Err(error) => Err(error)?,
            }
        }
        if !own {
            let wanted = query.to_lowercase();
            for await step in walk(browse, under, PageRequest::first()) {
                match step {
                    Step::Entries(entries) => {
                        for entry in entries {
                            if entry.name.to_lowercase().contains(&wanted) {
                                yield entry;
                            }
                        }
                    }
                    Step::Unlisted { error, .. } => Err(error)?,
                    Step::End(_) => {}
                }
            }
        }
    }
}

impl Complete {
    /// The entry below which everything was listed.
    pub fn root(&self) -> &EntryId {
        &self.root
    }

    /// Its path, without a trailing `/`; "" is everything.
    pub fn path(&self) -> &str {
        self.path.trim_end_matches('/')
    }

    /// Whether an entry at `path` is the root or lies below it.
    pub fn covers(&self, path: &str) -> bool {
        let root = self.path();
        root.is_empty() || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// A container on the way down: where its listing stands, and which of the listed containers
/// have not been entered.
struct Frame {
    container: Entry,
    containers: Vec<Entry>,
    next: Next,
    lap: Lap,
}

enum Next {
    First,
    At(crate::page::PageToken),
    Done,
}

impl Frame {
    fn new(container: Entry) -> Self {
        Self { container, containers: Vec::new(), next: Next::First, lap: Lap::default() }
    }

    async fn next_page(
        &mut self,
        browse: &dyn Browse,
        limit: Option<std::num::NonZeroU32>,
    ) -> Option<Result<Vec<Entry>>> {
        let token = match std::mem::replace(&mut self.next, Next::Done) {
            Next::First => None,
            Next::At(token) => Some(token),
            Next::Done => return None,
        };
        let request = PageRequest { token, limit };
        let Page { mut items, next } = match browse.children(&self.container.id, request).await {
            Ok(page) => page,
            Err(error) => return Some(Err(error)),
        };
        if let Some(next) = &next {
            match self.lap.on(next.as_str()) {
                Ok(lap) => self.lap = lap,
                Err(error) => return Some(Err(error)),
            }
        }
        self.next = next.map_or(Next::Done, Next::At);
        for item in &mut items {
            item.parent.get_or_insert_with(|| self.container.id.clone());
        }
        self.containers = items.iter().rev().filter(|entry| entry.is_container()).cloned().collect();
        Some(Ok(items))
    }
}
