//! What a connector with [`Browse`](catchment_core::Browse) promises.

use std::collections::BTreeSet;

use catchment_core::{Browse, Entry, EntryId, ErrorKind, PageRequest, Step, Vendor, walk::walk};
use futures::StreamExt;

use crate::{
    fixture::{Connected, Fixture, root},
    listing::{children, files, pages, tree},
    verdict::{Verdict, ensure, must_fail},
};

/// Names that have gone wrong somewhere.
const ODD: &[&str] = &[
    "plain.txt",
    "with space",
    " space in front",
    "space behind ",
    "ünï.txt",
    "日本語.txt",
    "שלום.txt",
    "مرحبا",
    "\u{202e}txt.exe",
    "🌊 wave",
    "a+b",
    "100%",
    "%41",
    "%2F",
    "a#b",
    "why?",
    "x&y",
    "a=b;c",
    "quote\"'",
    "back\\slash",
    "tab\tline\nfeed",
    "\u{1}\u{1b}[31m",
    "a:b*c<d>|",
    "~",
    ".hidden",
    "...",
    "-rf",
    "comma,dot.",
    "[x]{y}",
    "$HOME",
    "e\u{301} apart",
    "é together",
    "null",
    "CON",
];

async fn fill<F: Fixture>(fixture: &F, count: usize) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for number in 0..count {
        let name = format!("many/{:03}.txt", number * 37 % 1000);
        fixture.put(&name, name.as_bytes()).await;
        names.insert(name);
    }
    names
}

async fn many(browse: &dyn Browse) -> Verdict<EntryId> {
    Ok(browse.lookup("many").await?.id)
}

/// Over many pages, each file once.
pub async fn a_listing_is_complete_and_unique<F: Fixture>(fixture: &F) -> Verdict {
    let wanted = fill(fixture, 25).await;
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let pages = pages(browse, &many(browse).await?, 7).await?;
    ensure!(pages.len() > 2, "25 files came in {} pages of at most 7: nothing was tried", pages.len());
    let all: Vec<Entry> = pages.into_iter().flat_map(|page| page.items).collect();
    let paths: BTreeSet<_> = all.iter().map(|entry| entry.path.clone()).collect();
    let ids: BTreeSet<_> = all.iter().map(|entry| &entry.id).collect();
    ensure!(paths == wanted, "listed {paths:?}, there are {wanted:?}");
    ensure!(ids.len() == all.len(), "{} entries have {} ids", all.len(), ids.len());
    Ok(())
}

/// The limit is an upper bound.
pub async fn a_page_holds_no_more_than_was_asked_for<F: Fixture>(fixture: &F) -> Verdict {
    fill(fixture, 9).await;
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let parent = many(browse).await?;
    for limit in [1, 4] {
        for page in pages(browse, &parent, limit).await? {
            ensure!(page.items.len() <= limit as usize, "{} items on a page of at most {limit}", page.items.len());
        }
    }
    Ok(())
}

/// A token is all it takes to go on: a run can be continued by another process.
pub async fn a_page_token_resumes_on_a_fresh_connector<F: Fixture>(fixture: &F) -> Verdict {
    fill(fixture, 12).await;
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let parent = many(browse).await?;
    let first = browse.children(&parent, PageRequest::first().limit(5)).await?;
    let Some(token) = first.next else { return Err("12 files came on one page of at most 5".into()) };
    let here = browse.children(&parent, PageRequest::at(token.clone()).limit(5)).await?;
    let fresh = fixture.connector()?;
    let there = fresh.need_browse()?.children(&parent, PageRequest::at(token).limit(5)).await?;
    let paths = |page: Vec<Entry>| page.into_iter().map(|entry| entry.path).collect::<Vec<_>>();
    let (here, there) = (paths(here.items), paths(there.items));
    ensure!(!here.is_empty(), "nothing on the second page");
    ensure!(here == there, "the same token gives {here:?} and {there:?}");
    Ok(())
}

/// Files that come and go in the middle neither keep a listing from ending nor repeat the others.
pub async fn a_listing_under_change_ends<F: Fixture>(fixture: &F) -> Verdict {
    let wanted = fill(fixture, 12).await;
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let parent = many(browse).await?;
    let mut request = PageRequest::first().limit(3);
    let (mut seen, mut turns) = (Vec::new(), 0);
    loop {
        let page = browse.children(&parent, request.clone()).await?;
        seen.extend(page.items.into_iter().map(|entry| entry.path));
        let Some(next) = page.next else { break };
        turns += 1;
        ensure!(turns < 50, "the listing does not end while files come and go");
        if turns < 4 {
            fixture.put(&format!("many/0 new {turns}"), b"new").await;
            fixture.remove(&format!("many/0 new {}", turns - 1)).await;
        }
        request.token = Some(next);
    }
    ensure!(turns > 2, "only {turns} further pages: nothing was tried");
    let old: Vec<_> = seen.iter().filter(|path| wanted.contains(*path)).collect();
    let once: BTreeSet<_> = old.iter().collect();
    ensure!(once.len() == old.len(), "an entry that was not touched came twice: {seen:?}");
    Ok(())
}

/// What a person wrote is what a person sees, and it leads to the file.
pub async fn odd_names_come_back_as_they_are<F: Fixture>(fixture: &F) -> Verdict {
    let names: BTreeSet<&str> = ODD.iter().copied().filter(|name| fixture.can_store(name)).collect();
    ensure!(names.len() * 2 > ODD.len(), "the source can store only {names:?}: nothing was tried");
    for name in &names {
        fixture.put(&format!("odd/{name}"), name.as_bytes()).await;
        fixture.put(&format!("odd folders/{name}/inside"), b"x").await;
    }
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let listed = children(browse, &browse.lookup("odd").await?.id).await?;
    let found: BTreeSet<&str> = listed.iter().map(|entry| entry.name.as_str()).collect();
    ensure!(found == names, "listed {found:?}, there are {names:?}");
    for entry in &listed {
        let again = browse.lookup(&entry.path).await?;
        ensure!(again.id == entry.id, "`{}` leads to another entry", entry.path);
        if let Some(download) = connector.download() {
            let content = crate::fixture::read(download, entry).await?;
            ensure!(content == entry.name.as_bytes(), "`{}` holds another file's content", entry.path);
        }
    }
    for folder in children(browse, &browse.lookup("odd folders").await?.id).await? {
        let inside = children(browse, &folder.id).await?;
        ensure!(inside.len() == 1 && inside[0].name == "inside", "`{}` holds {inside:?}", folder.path);
        ensure!(inside[0].path == format!("{}/inside", folder.path), "the path is {}", inside[0].path);
    }
    Ok(())
}

/// Fifty levels and more.
pub async fn deep_folders_are_reached<F: Fixture>(fixture: &F) -> Verdict {
    let path = (0..55).map(|level| format!("d{level}")).collect::<Vec<_>>().join("/") + "/leaf.txt";
    fixture.put(&path, b"deep").await;
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let files = files(&tree(browse).await?);
    ensure!(files == [path.clone()], "found {files:?}");
    let leaf = browse.lookup(&path).await?;
    ensure!(leaf.is_file() && leaf.path == path, "looked up {leaf:?}");
    Ok(())
}

/// Nothing is not an error.
pub async fn an_empty_folder_is_an_empty_page<F: Fixture>(fixture: &F) -> Verdict {
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let nothing = children(browse, &root(browse).await?.id).await?;
    ensure!(nothing.is_empty(), "an empty source holds {nothing:?}");
    if fixture.put_folder("empty").await {
        let folder = browse.lookup("empty").await?;
        ensure!(folder.is_container(), "an empty folder is {:?}", folder.kind);
        let inside = children(browse, &folder.id).await?;
        ensure!(inside.is_empty(), "an empty folder holds {inside:?}");
    }
    Ok(())
}

/// By path or by listing, it is the same entry.
pub async fn lookup_gives_what_was_listed<F: Fixture>(fixture: &F) -> Verdict {
    for path in ["a.txt", "a/b.txt", "a/b/c.txt", "a/b/d e.txt"] {
        fixture.put(path, path.as_bytes()).await;
    }
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let all = tree(browse).await?;
    ensure!(files(&all).len() == 4 && all.len() == 6, "listed {all:?}");
    for listed in all {
        let found = browse.lookup(&listed.path).await?;
        ensure!(found.id == listed.id, "`{}`: id {} and {}", listed.path, listed.id, found.id);
        ensure!(found.kind == listed.kind, "`{}`: {:?} and {:?}", listed.path, listed.kind, found.kind);
        ensure!(found.size == listed.size, "`{}`: size {:?} and {:?}", listed.path, listed.size, found.size);
        let marks = (&listed.fingerprint, &found.fingerprint);
        ensure!(marks.0 == marks.1, "`{}`: fingerprint {:?} and {:?}", listed.path, marks.0, marks.1);
    }
    Ok(())
}

/// Also where a longer name begins like it.
pub async fn a_missing_path_is_not_found<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("folder/file.txt", b"x").await;
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    for path in ["missing", "fold", "folder/fi", "folder/file.txt.bak", "folder/missing/file.txt", "folder/file.txt/x"]
    {
        let error = must_fail(browse.lookup(path).await, &format!("looking up `{path}`"))?;
        ensure!(error.kind() == ErrorKind::NotFound, "`{path}` is {}: {error}", error.kind());
    }
    Ok(())
}

/// "" is where everything is below.
pub async fn the_empty_path_is_the_root<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("top.txt", b"x").await;
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let root = root(browse).await?;
    ensure!(root.is_container() && root.path.is_empty(), "the root is {root:?}");
    let top = files(&children(browse, &root.id).await?);
    ensure!(top == ["top.txt"], "below the root is {top:?}");
    Ok(())
}

/// Neither by path nor by id.
pub async fn no_path_leads_out_of_the_root<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("inside/file.txt", b"x").await;
    let mut ways = fixture.put_outside().await;
    ensure!(!ways.is_empty(), "the fixture knows no way out: nothing was tried");
    ways.extend(["..", "../", "inside/../..", "/", "//", "/etc", "inside/%2e%2e/%2e%2e"].map(str::to_owned));
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let claims_permissions = F::Vendor::CAPABILITIES.permissions;
    for way in ways {
        if let Ok(entry) = browse.lookup(&way).await {
            ensure!(entry.path.is_empty() && entry.is_container(), "`{way}` leads to {entry:?}");
        }
        if let Ok(page) = browse.children(&way.as_str().into(), PageRequest::first()).await {
            let outside = page.items.iter().find(|entry| entry.path != "inside");
            ensure!(outside.is_none(), "`{way}` as an id lists {outside:?}");
        }
        if let Some(download) = connector.download() {
            let opened = download.open(&Entry::file(way.as_str(), way.as_str()), None).await;
            ensure!(opened.is_err(), "`{way}` as an id can be read");
        }
        if let Some(permissions) = connector.permissions().filter(|_| claims_permissions) {
            let told = permissions.grants(&Entry::file(way.as_str(), way.as_str())).await;
            ensure!(told.is_err(), "`{way}` as an id may be read by {told:?}");
        }
    }
    Ok(())
}

/// An error or nothing, but no entries.
pub async fn a_file_has_no_children<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("file.txt", b"x").await;
    fixture.put("file.txt.bak", b"x").await;
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let file = browse.lookup("file.txt").await?;
    match browse.children(&file.id, PageRequest::first()).await {
        Ok(page) => ensure!(page.items.is_empty() && page.next.is_none(), "a file holds {page:?}"),
        Err(error) => {
            let fits = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported);
            ensure!(fits, "listing a file is {}: {error}", error.kind());
        }
    }
    Ok(())
}

/// Through the core's own walk, with the proof that nothing was missed.
pub async fn a_walk_meets_every_file_once<F: Fixture>(fixture: &F) -> Verdict {
    let wanted = ["1", "a/1", "a/2", "a/a/1", "a/b/c/1", "z/1"];
    for path in wanted {
        fixture.put(path, path.as_bytes()).await;
    }
    let connector = fixture.connector()?;
    let browse = connector.need_browse()?;
    let steps = walk(browse, root(browse).await?, PageRequest::first());
    let mut steps = std::pin::pin!(steps);
    let (mut met, mut proof) = (Vec::new(), None);
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => met.extend(files(&entries)),
            Step::Unlisted { container, error } => return Err(format!("`{}`: {error}", container.path).into()),
            Step::End(complete) => proof = complete,
        }
    }
    met.sort();
    ensure!(met == wanted, "the walk met {met:?}");
    ensure!(proof.is_some(), "the walk has no proof that it is complete");
    Ok(())
}
