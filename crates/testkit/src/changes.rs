//! What a connector with [`Changes`](catchment_core::Changes) promises. The fixture's feed has to come
//! in pages of less than forty changes, and its [`rules`](Fixture::rules) have to know an outside.

use std::collections::BTreeSet;

use catchment_core::{Change, ChangePage, Changes, Connector, Cursor, ErrorKind};

use crate::{
    faults::Fault,
    fixture::{Connected, Fixture},
    network::proxied,
    stage::Stage,
    verdict::{Verdict, ensure, must_fail},
    world::{Key, Mirror, Op},
};

/// More pages than any feed of the suite has.
const ENOUGH: usize = 200;

fn feed(connector: &dyn Connector) -> Verdict<&dyn Changes> {
    connector.changes().ok_or_else(|| "there is no feed: leave `changes` out".into())
}

/// All pages from a cursor on.
async fn pages(changes: &dyn Changes, since: &Cursor) -> Verdict<Vec<ChangePage>> {
    let mut all: Vec<ChangePage> = Vec::new();
    let mut cursor = since.clone();
    loop {
        ensure!(all.len() < ENOUGH, "the feed does not end");
        let page = changes.changes(&cursor).await?;
        let more = page.more;
        cursor = page.cursor.clone();
        all.push(page);
        if !more {
            return Ok(all);
        }
    }
}

/// The names of the entries that are told of as there.
fn names(pages: &[ChangePage]) -> BTreeSet<&str> {
    let all = pages.iter().flat_map(|page| &page.changes);
    all.filter_map(|change| match change {
        Change::Upsert(entry) => Some(entry.name.as_str()),
        Change::Remove(_) => None,
    })
    .collect()
}

/// Mirrors the source, changes it, follows, and compares.
async fn followed<F: Fixture>(
    stage: &mut Stage<'_, F>,
    what: &str,
    change: impl AsyncFnOnce(&mut Stage<'_, F>) -> Verdict,
) -> Verdict {
    let (connector, mut mirror) = stage.mirror().await?;
    change(stage).await?;
    mirror.follow(connector.as_ref()).await?;
    stage.agrees(&mirror, what)
}

/// What happens before the walk that follows is in the feed as well.
pub async fn a_cursor_holds_from_the_moment_it_was_asked_for<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    stage.put("before.txt", "x").await?;
    let connector = fixture.connector()?;
    let cursor = feed(connector.as_ref())?.now().await?;
    stage.put("in between.txt", "x").await?;
    let mut mirror = Mirror::walked(connector.need_browse()?, cursor.clone()).await?;
    stage.put("after.txt", "x").await?;
    let pages = pages(feed(connector.as_ref())?, &cursor).await?;
    let told = names(&pages);
    ensure!(told.contains("in between.txt") && told.contains("after.txt"), "since the cursor, {told:?} were told");
    for page in pages.clone() {
        mirror.apply(page, connector.need_browse()?).await?;
    }
    stage.agrees(&mirror, "three files")
}

/// With a new fingerprint, or nobody reads it again.
pub async fn a_rewritten_file_is_told<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    stage.put("folder/draft.txt", "one").await?;
    let (connector, mut mirror) = stage.mirror().await?;
    let mark = |mirror: &Mirror| -> Verdict<_> {
        let all = mirror.entries()?;
        let found = all.into_iter().find(|(path, _)| path == "folder/draft.txt");
        Ok(found.and_then(|(_, entry)| entry.fingerprint.clone()))
    };
    let before = mark(&mirror)?;
    stage.put("folder/draft.txt", "two").await?;
    mirror.follow(connector.as_ref()).await?;
    stage.agrees(&mirror, "a rewritten file")?;
    let after = mark(&mirror)?;
    ensure!(before.is_some() && before != after, "the fingerprint of a rewritten file stayed {after:?}");
    Ok(())
}

/// The file, and nothing else.
pub async fn a_removed_file_is_told<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    stage.put("folder/kept.txt", "x").await?;
    let key = stage.put("folder/gone.txt", "y").await?;
    followed(&mut stage, "a removal", async |stage| stage.apply(Op::Delete { key }).await).await
}

/// It is the same entry under another name.
pub async fn a_renamed_file_is_told<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    let key = stage.put("folder/old.txt", "x").await?;
    let name = "new.txt".to_owned();
    followed(&mut stage, "a renamed file", async |stage| stage.apply(Op::Rename { key, name }).await).await
}

/// Whole trees move in one change.
pub async fn a_moved_folder_takes_along_what_is_below<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    stage.put("here/tree/branch/leaf.txt", "x").await?;
    stage.put("here/tree/branch/twig/leaf.txt", "y").await?;
    let parent = stage.act(|world| world.put_folder(Key::ROOT, "there")).await?;
    let key = stage.world.find(Key::ROOT, "here/tree").ok_or("no tree")?;
    followed(&mut stage, "a moved folder", async |stage| stage.apply(Op::Move { key, parent }).await).await
}

/// Nothing of it stays behind.
pub async fn a_removed_folder_takes_along_what_is_below<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    stage.put("tree/branch/leaf.txt", "x").await?;
    stage.put("kept.txt", "y").await?;
    let key = stage.world.find(Key::ROOT, "tree").ok_or("no tree")?;
    followed(&mut stage, "a removed folder", async |stage| stage.apply(Op::Delete { key }).await).await
}

/// Two folders take each other's name, and each keeps what it holds.
pub async fn folders_that_exchange_their_names_keep_what_they_hold<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    stage.put("one/was in one.txt", "1").await?;
    stage.put("two/was in two.txt", "22").await?;
    let find = |stage: &Stage<'_, F>, path| stage.world.find(Key::ROOT, path).ok_or("no folder");
    let (one, two) = (find(&stage, "one")?, find(&stage, "two")?);
    followed(&mut stage, "an exchange of names", async |stage| {
        for (key, name) in [(one, "between"), (two, "one"), (one, "two")] {
            stage.apply(Op::Rename { key, name: name.to_owned() }).await?;
        }
        Ok(())
    })
    .await
}

fn knows_outside<F: Fixture>(fixture: &F) -> Verdict {
    ensure!(fixture.rules().outside, "the fixture's rules know no outside: nothing was tried");
    Ok(())
}

/// Out of the root is gone, with everything below.
pub async fn what_is_moved_out_is_gone<F: Fixture>(fixture: &F) -> Verdict {
    knows_outside(fixture)?;
    let mut stage = Stage::new(fixture);
    stage.put("tree/branch/leaf.txt", "x").await?;
    let file = stage.put("leaves.txt", "y").await?;
    stage.put("stays.txt", "z").await?;
    let tree = stage.world.find(Key::ROOT, "tree").ok_or("no tree")?;
    followed(&mut stage, "what was moved out", async |stage| {
        stage.apply(Op::Move { key: tree, parent: Key::OUTSIDE }).await?;
        stage.apply(Op::Move { key: file, parent: Key::OUTSIDE }).await
    })
    .await
}

/// With all that it brings along and that nobody tells of one by one.
pub async fn what_is_moved_in_is_found<F: Fixture>(fixture: &F) -> Verdict {
    knows_outside(fixture)?;
    let mut stage = Stage::new(fixture);
    let file = stage.act(|world| world.put(Key::OUTSIDE, "arrives.txt", "x")).await?;
    stage.act(|world| world.put(Key::OUTSIDE, "tree/branch/leaf.txt", "y")).await?;
    let tree = stage.world.find(Key::OUTSIDE, "tree").ok_or("no tree")?;
    followed(&mut stage, "what was moved in", async |stage| {
        stage.apply(Op::Move { key: tree, parent: Key::ROOT }).await?;
        stage.apply(Op::Move { key: file, parent: Key::ROOT }).await
    })
    .await
}

/// Not even by name.
pub async fn what_happens_outside_is_not_told<F: Fixture>(fixture: &F) -> Verdict {
    knows_outside(fixture)?;
    let mut stage = Stage::new(fixture);
    stage.act(|world| world.put(Key::OUTSIDE, "old secret.txt", "x")).await?;
    let connector = fixture.connector()?;
    let cursor = feed(connector.as_ref())?.now().await?;
    stage.act(|world| world.put(Key::OUTSIDE, "secrets/new secret.txt", "y")).await?;
    stage.act(|world| world.put(Key::OUTSIDE, "old secret.txt", "z")).await?;
    stage.put("seen.txt", "x").await?;
    let pages = pages(feed(connector.as_ref())?, &cursor).await?;
    let told = names(&pages);
    ensure!(told == BTreeSet::from(["seen.txt"]), "of one file inside and others outside, {told:?} were told");
    Ok(())
}

/// A run that died before its work was done asks again, perhaps from another process.
pub async fn a_cursor_can_be_replayed<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    let connector = fixture.connector()?;
    let changes = feed(connector.as_ref())?;
    let cursor = changes.now().await?;
    for path in ["one.txt", "two.txt", "folder/three.txt"] {
        stage.put(path, "x").await?;
    }
    let first = pages(changes, &cursor).await?;
    let again = pages(changes, &cursor).await?;
    let fresh = fixture.connector()?;
    let there = pages(feed(fresh.as_ref())?, &cursor).await?;
    let told = names(&first);
    ensure!(told.len() == 4, "of four new entries {told:?} were told");
    ensure!(names(&again) == told, "asked again, the feed tells {:?} instead of {told:?}", names(&again));
    ensure!(names(&there) == told, "a fresh connector is told {:?} instead of {told:?}", names(&there));
    Ok(())
}

/// Over many pages nothing is lost, and each page's cursor goes on from there.
pub async fn every_page_of_a_feed_counts<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    for folder in 0..3 {
        stage.act(|world| world.put_folder(Key::ROOT, &format!("folder {folder}"))).await?;
    }
    let (connector, mut mirror) = stage.mirror().await?;
    for number in 0..40 {
        // Folders that are known, so that no walk finds what the feed forgets.
        let path = format!("folder {}/file {number}.txt", number % 3);
        stage.act(|world| world.put(Key::ROOT, &path, "x")).await?;
    }
    let (mut copies, mut more) = (Vec::new(), true);
    while more {
        ensure!(copies.len() < ENOUGH, "the feed does not end");
        let page = feed(connector.as_ref())?.changes(mirror.cursor()).await?;
        more = page.more;
        mirror.apply(page, connector.need_browse()?).await?;
        copies.push(mirror.clone());
    }
    ensure!(copies.len() > 2, "40 changes came on {} pages: nothing was tried", copies.len());
    stage.agrees(&mirror, "forty files")?;
    for mut copy in copies {
        let fresh = fixture.connector()?;
        copy.follow(fresh.as_ref()).await?;
        stage.agrees(&copy, "forty files, continued by a fresh connector")?;
    }
    Ok(())
}

/// And the cursor it gives is good.
pub async fn a_quiet_source_has_nothing_to_tell<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    stage.put("old.txt", "x").await?;
    let connector = fixture.connector()?;
    let changes = feed(connector.as_ref())?;
    let quiet = pages(changes, &changes.now().await?).await?;
    ensure!(quiet.len() < 5, "a quiet source fills {} pages", quiet.len());
    let Some(last) = quiet.last() else { return Err("not even one page".into()) };
    stage.put("new.txt", "x").await?;
    let pages = pages(changes, &last.cursor).await?;
    ensure!(names(&pages).contains("new.txt"), "after a quiet page, {:?} were told", names(&pages));
    Ok(())
}

/// So that the consumer walks again, instead of missing what happened.
pub async fn an_expired_cursor_says_so<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    stage.put("one.txt", "x").await?;
    let (connector, mut mirror) = stage.mirror().await?;
    ensure!(fixture.expire_cursors(), "the source cannot be made to forget its cursors: nothing was tried");
    stage.put("two.txt", "x").await?;
    let error = must_fail(feed(connector.as_ref())?.changes(mirror.cursor()).await, "an expired cursor")?;
    ensure!(error.kind() == ErrorKind::CursorExpired, "an expired cursor is {}: {error}", error.kind());
    mirror.follow(connector.as_ref()).await?;
    stage.agrees(&mirror, "a new beginning")
}

/// It would give another's changes, or miss ours.
pub async fn a_cursor_of_another_source_is_refused<F: Fixture>(fixture: &F) -> Verdict {
    let connector = fixture.connector()?;
    let changes = feed(connector.as_ref())?;
    changes.changes(&changes.now().await?).await?;
    let elsewhere = fixture.elsewhere();
    ensure!(!elsewhere.is_empty(), "the fixture leads nowhere else: nothing was tried");
    let mut cursors = vec![("nothing", Cursor::new("")), ("nobody", Cursor::new("no cursor at all"))];
    for (what, settings) in elsewhere {
        let other = fixture.connect(settings)?;
        let cursor = feed(other.as_ref())?.now().await?;
        feed(other.as_ref())?.changes(&cursor).await?;
        cursors.push((what, cursor));
    }
    for (what, cursor) in cursors {
        let error = must_fail(changes.changes(&cursor).await, &format!("a cursor of {what}"))?;
        ensure!(error.kind() == ErrorKind::CursorExpired, "a cursor of {what} is {}: {error}", error.kind());
    }
    Ok(())
}

/// A vendor that gives the same page for ever would be followed for ever.
pub async fn a_feed_that_stands_still_is_caught<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    let (proxy, connector) = proxied(fixture).await?;
    let changes = feed(connector.as_ref())?;
    let cursor = changes.now().await?;
    for number in 0..40 {
        let path = format!("file {number}.txt");
        stage.act(|world| world.put(Key::ROOT, &path, "x")).await?;
    }
    // The second page is the first whose cursor leads to a page.
    let first = changes.changes(&cursor).await?;
    ensure!(first.more, "40 changes came on one page: nothing was tried");
    let second = changes.changes(&first.cursor).await?;
    ensure!(second.more, "40 changes came on two pages: nothing was tried");
    proxy.set(Fault::Again);
    let mut cursor = second.cursor;
    for _ in 0..5 {
        match changes.changes(&cursor).await {
            Err(error) => {
                ensure!(error.kind() == ErrorKind::Protocol, "a feed that stands still is {}: {error}", error.kind());
                return Ok(());
            }
            Ok(page) if !page.more => return Err("a feed that stands still seems to have ended".into()),
            Ok(page) => cursor = page.cursor,
        }
    }
    Err("a feed that stands still is followed for ever".into())
}

/// An empty feed would mean that nothing changed.
pub async fn a_refused_feed_is_an_error<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = Stage::new(fixture);
    let (proxy, connector) = proxied(fixture).await?;
    let changes = feed(connector.as_ref())?;
    let cursor = changes.now().await?;
    stage.put("new.txt", "x").await?;
    let before = proxy.seen().len();
    changes.changes(&cursor).await?;
    ensure!(proxy.seen().len() > before, "the feed does not go through the proxy");
    let status = |status, body: &str| Fault::Status { status, retry_after: None, body: body.to_owned() };
    let refusals = [ErrorKind::Unauthenticated, ErrorKind::Forbidden];
    let troubles = [ErrorKind::Protocol, ErrorKind::Unavailable, ErrorKind::Timeout];
    for (fault, kinds) in [
        (status(401, ""), &refusals[..]),
        (status(403, "{}"), &refusals),
        (status(403, "<html><body>no</body></html>"), &refusals),
        (status(200, "{}"), &troubles),
        (status(200, "<html><body>Sign in</body></html>"), &troubles),
        (Fault::CutBody(1), &troubles),
        (Fault::Close, &troubles),
    ] {
        let what = format!("a feed answered with {fault:?}");
        proxy.set(fault);
        let error = must_fail(changes.changes(&cursor).await, &what)?;
        ensure!(kinds.contains(&error.kind()), "{what} is {}: {error}", error.kind());
    }
    Ok(())
}
