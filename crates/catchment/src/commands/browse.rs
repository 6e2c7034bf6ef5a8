//! `catchment browse`: lists what is there.

use std::sync::Arc;

use catchment_core::{Entry, EntryKind, Error, Page, PageRequest, Result, Step, page::pages, walk::search};
use catchment_engine::walk_ahead;
use futures::{Stream, StreamExt, pin_mut};
use serde_json::json;

use super::target::resolve;
use crate::{
    app::App,
    cli,
    exit::Exit,
    show::{self, plain},
};

/// Rows of a table before it is printed and the next begins: a listing streams, however long.
const ROWS: usize = 1000;

pub(crate) async fn run(app: &App, browse: cli::Browse) -> Result<Exit> {
    let resolved = resolve(app, &browse.target).await?;
    let browser = resolved.connector.need_browse()?;
    let path = if browse.path.is_empty() { &resolved.path } else { &browse.path };
    let root = browser.lookup(path).await?;
    let limit = browse.limit.unwrap_or(u64::MAX);
    let mut listing = Listing { app, rows: Vec::new(), found: 0 };
    if let Some(query) = &browse.search {
        let found = search(browser, query, root);
        pin_mut!(found);
        while listing.found < limit
            && let Some(entry) = found.next().await
        {
            listing.show(entry?)?;
        }
    } else if browse.recursive {
        let steps = walk_ahead(Arc::clone(&resolved.connector), root, PageRequest::first());
        pin_mut!(steps);
        let mut incomplete = None;
        'walk: while let Some(step) = steps.next().await {
            match step {
                Step::Entries(entries) => {
                    // Containers are in the paths of what they hold.
                    for entry in entries.into_iter().filter(|entry| !entry.is_container()) {
                        if listing.found >= limit {
                            break 'walk;
                        }
                        listing.show(entry)?;
                    }
                }
                Step::Unlisted { container, error } => {
                    App::report(&error.with("container", &container.path), app.json);
                    incomplete = Some(Exit::Partial);
                }
                Step::End(_) => {}
            }
        }
        listing.end();
        return Ok(incomplete.unwrap_or(Exit::Done));
    } else if root.is_container() {
        let children = pages(PageRequest::first(), |page| browser.children(&root.id, page));
        level(&mut listing, children, limit).await?;
    } else {
        listing.show(root)?;
    }
    listing.end();
    Ok(Exit::Done)
}

async fn level(listing: &mut Listing<'_>, pages: impl Stream<Item = Result<Page<Entry>>>, limit: u64) -> Result<()> {
    pin_mut!(pages);
    while let Some(page) = pages.next().await {
        for entry in page?.items {
            if listing.found >= limit {
                return Ok(());
            }
            listing.show(entry)?;
        }
    }
    Ok(())
}

struct Listing<'a> {
    app: &'a App,
    rows: Vec<[String; 4]>,
    found: u64,
}

impl Listing<'_> {
    fn show(&mut self, entry: Entry) -> Result<(), Error> {
        self.found += 1;
        if self.app.json {
            return self.app.line(&json!({
                "id": entry.id,
                "name": entry.name,
                "path": entry.path,
                "kind": match &entry.kind { EntryKind::Container => "container", EntryKind::File => "file", EntryKind::Special(_) => "special" },
                "reason": match &entry.kind { EntryKind::Special(reason) => Some(reason), _ => None },
                "size": entry.size,
                "last_modified": entry.modified,
                "mime_type": entry.mime,
                "is_directory": entry.is_container(),
            }));
        }
        let size = match &entry.kind {
            EntryKind::Container => "folder".to_owned(),
            EntryKind::File => entry.size.map(show::size).unwrap_or_default(),
            EntryKind::Special(_) => "-".to_owned(),
        };
        let note = match &entry.kind {
            EntryKind::Special(reason) => plain(reason),
            _ => entry.mime.as_deref().map(plain).unwrap_or_default(),
        };
        self.rows.push([plain(&entry.path), size, entry.modified.map(show::moment).unwrap_or_default(), note]);
        if self.rows.len() >= ROWS {
            self.print();
        }
        Ok(())
    }

    fn print(&mut self) {
        let mut table = show::table(&["Path", "Size", "Changed (UTC)", ""]);
        for row in self.rows.drain(..) {
            table.add_row(row);
        }
        println!("{table}");
    }

    fn end(&mut self) {
        if self.app.json {
            return;
        }
        if !self.rows.is_empty() {
            self.print();
        }
        println!("{} {}", self.found, if self.found == 1 { "entry" } else { "entries" });
    }
}
