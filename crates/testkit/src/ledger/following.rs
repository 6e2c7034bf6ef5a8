//! What a ledger keeps so that a feed can be followed.

use std::time::Duration;

use catchment_core::{Change, Cursor, Entry, EntryId, ErrorKind, Feed, Fingerprint, Run, Told, Unseen};
use chrono::{DateTime, Utc};

use super::{Subject, failed, file, ingested, is_unsettled};

fn feed(cursor: &str) -> Feed {
    Feed { cursor: Cursor::new(cursor), walked: DateTime::<Utc>::UNIX_EPOCH, portfolio: Some("rivers".into()) }
}

/// A folder whose id is its name.
fn folder(path: &str, parent: &str) -> Entry {
    let name = path.rsplit('/').next().unwrap_or(path);
    within(Entry::container(name, path), parent)
}

/// A file whose id is its name.
fn leaf(path: &str, parent: &str) -> Entry {
    let mut entry = file(path, "1");
    entry.id = path.rsplit('/').next().unwrap_or(path).into();
    within(entry, parent)
}

fn within(mut entry: Entry, parent: &str) -> Entry {
    entry.parent = Some(parent.into());
    entry
}

fn there(entry: Entry) -> Change {
    Change::Upsert(Box::new(entry))
}

fn gone(id: &str) -> Change {
    Change::Remove(id.into())
}

impl Subject {
    /// A run that follows, after one that has walked this tree and ingested its files:
    /// `a/b/deep`, `a/high`, `c/other`.
    async fn followed(&self) -> Run {
        let run = self.begin().await;
        self.ledger.take_feed(&run).await.expect("taken");
        let tree = [
            Entry::container("root", ""),
            folder("a", "root"),
            folder("c", "root"),
            folder("a/b", "a"),
            leaf("a/b/deep", "b"),
            leaf("a/high", "a"),
            leaf("c/other", "c"),
        ];
        self.see(&run, &tree).await;
        let files = tree.iter().filter(|entry| entry.is_file());
        let results: Vec<_> = files.map(|entry| (entry.clone(), ingested("hash"))).collect();
        self.ledger.record(&run, &results).await.expect("recorded");
        self.ledger.start_feed(&run, &feed("1")).await.expect("kept");
        let run = self.begin().await;
        assert_eq!(self.ledger.take_feed(&run).await.expect("taken"), Some(feed("1")));
        run
    }

    async fn told(&self, run: &Run, changes: &[Change]) -> Told {
        self.ledger.told(run, changes).await.expect("told")
    }

    /// The living entries: path, and whether it is settled.
    async fn living(&self) -> Vec<(String, bool)> {
        let rows = self.ledger.entries(self.integration, None, 1_000).await.expect("a page");
        let living = rows.into_iter().filter(|row| !row.buried);
        let mut living: Vec<_> = living.map(|row| (row.path, row.settled.is_some())).collect();
        living.sort();
        living
    }

    async fn unlisted(&self, run: &Run) -> Vec<(String, String)> {
        let unlisted = self.ledger.unlisted(run, 100).await.expect("a page");
        let mut unlisted: Vec<_> = unlisted.into_iter().map(|entry| (entry.id.to_string(), entry.path)).collect();
        unlisted.sort();
        unlisted
    }

    async fn due(&self, run: &Run) -> Vec<String> {
        let due = self.ledger.due(run, None, 100).await.expect("a page");
        due.into_iter().map(|due| due.path).collect()
    }
}

fn settled(paths: &[&str]) -> Vec<(String, bool)> {
    paths.iter().map(|path| ((*path).to_owned(), true)).collect()
}

/// With everything that was said of it.
pub async fn a_feed_is_kept_and_moved_and_dropped(subject: &Subject) {
    let run = subject.begin().await;
    assert_eq!(subject.ledger.take_feed(&run).await.expect("taken"), None);
    subject.ledger.start_feed(&run, &feed("1")).await.expect("kept");
    subject.ledger.move_feed(&run, &Cursor::new("2")).await.expect("moved");
    let next = subject.begin().await;
    assert_eq!(subject.ledger.take_feed(&next).await.expect("taken"), Some(feed("2")));
    subject.ledger.drop_feed(&next).await.expect("dropped");
    assert_eq!(subject.ledger.take_feed(&next).await.expect("taken"), None);
}

/// An older one changes nothing any more.
pub async fn the_newest_run_follows_and_no_other(subject: &Subject) {
    let older = subject.followed().await;
    let newer = subject.begin().await;
    subject.ledger.take_feed(&newer).await.expect("taken");
    let ledger = &subject.ledger;
    let id = EntryId::from("a");
    let refused = [
        ledger.take_feed(&older).await.err(),
        ledger.drop_feed(&older).await.err(),
        ledger.start_feed(&older, &feed("3")).await.err(),
        ledger.move_feed(&older, &Cursor::new("3")).await.err(),
        ledger.leave_feed(&older).await.err(),
        ledger.doomed(&older, &[gone("a")]).await.err(),
        ledger.told(&older, &[gone("a")]).await.err(),
        ledger.found(&older, &id, &[leaf("a/new", "a")]).await.err(),
        ledger.listed(&older, &id).await.err(),
    ];
    for error in refused {
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Conflict));
    }
    assert_eq!(subject.living().await, settled(&["a/b/deep", "a/high", "c/other"]));
    assert_eq!(subject.ledger.take_feed(&newer).await.expect("taken"), Some(feed("1")));
}

/// The same as what is seen.
pub async fn what_is_told_is_known(subject: &Subject) {
    let run = subject.followed().await;
    let mut special = within(Entry::special("link", "a/link", "it dangles"), "a");
    special.size = Some(1);
    let told = subject.told(&run, &[there(leaf("a/high", "a")), there(leaf("a/new", "a")), there(special)]).await;
    let paths: Vec<_> = told.files.iter().map(|(entry, _)| entry.path.as_str()).collect();
    assert_eq!((paths, told.buried), (vec!["a/high", "a/link", "a/new"], 0));
    assert_eq!(told.files[0].1.content_hash.as_deref(), Some("hash"));
    assert!(is_unsettled(&told.files[1].1) && is_unsettled(&told.files[2].1));
    assert!(told.files.iter().all(|(_, known)| !known.again));
    // Elsewhere, it is another document.
    let told = subject.told(&run, &[there(leaf("c/high", "c"))]).await;
    assert!(is_unsettled(&told.files[0].1));
}

/// Whatever was said before it.
pub async fn the_last_word_of_a_page_counts(subject: &Subject) {
    let run = subject.followed().await;
    let changes = [
        there(leaf("a/high", "a")),
        there(leaf("c/high", "c")),
        there(leaf("c/brief", "c")),
        gone("brief"),
        gone("other"),
        there(leaf("c/other", "c")),
        there(folder("new", "root")),
        there(leaf("new/gone", "new")),
        gone("new"),
    ];
    let told = subject.told(&run, &changes).await;
    let paths: Vec<_> = told.files.iter().map(|(entry, _)| entry.path.as_str()).collect();
    assert_eq!(paths, ["c/high", "c/other"]);
    let living = [("a/b/deep".to_owned(), true), ("c/high".to_owned(), false), ("c/other".to_owned(), true)];
    assert_eq!(subject.living().await, living);
    assert!(subject.unlisted(&run).await.is_empty());
}

/// Their documents carry the old paths, so they are unsettled.
pub async fn a_container_that_moves_takes_along_what_is_below_it(subject: &Subject) {
    let run = subject.followed().await;
    let mut moved = folder("c/a", "c");
    moved.name = "renamed".into();
    moved.path = "c/renamed".into();
    let told = subject.told(&run, &[there(moved.clone())]).await;
    assert!(told.files.is_empty() && told.buried == 0);
    let living = [("c/other", true), ("c/renamed/b/deep", false), ("c/renamed/high", false)];
    assert_eq!(subject.living().await, living.map(|(path, settled)| (path.to_owned(), settled)));
    assert_eq!(subject.due(&run).await, ["c/renamed/b/deep", "c/renamed/high"]);
    assert!(subject.unlisted(&run).await.is_empty(), "what is in it is known");
    // Told again it stays as it is, and what comes next is below it by its new path.
    let told = subject.told(&run, &[there(moved), there(leaf("a/b/late", "b"))]).await;
    assert_eq!(told.files[0].0.path, "c/renamed/b/late");
}

/// However deep.
pub async fn a_container_that_is_removed_takes_along_what_is_below_it(subject: &Subject) {
    let run = subject.followed().await;
    let told = subject.told(&run, &[gone("a"), gone("never known")]).await;
    assert_eq!(told.buried, 2);
    assert_eq!(subject.living().await, settled(&["c/other"]));
    assert_eq!(subject.take(Duration::ZERO).await, ["deep", "high"]);
    // It is not known any more.
    subject.told(&run, &[there(folder("a", "root"))]).await;
    assert_eq!(subject.unlisted(&run).await, [("a".to_owned(), "a".to_owned())]);
}

/// And what was below it is gone.
pub async fn a_file_takes_the_place_of_a_container(subject: &Subject) {
    let run = subject.followed().await;
    let told = subject.told(&run, &[there(leaf("a", "root"))]).await;
    assert_eq!((told.buried, told.files.len()), (2, 1));
    let living = [("a".to_owned(), false), ("c/other".to_owned(), true)];
    assert_eq!(subject.living().await, living);
    subject.told(&run, &[there(folder("a", "root"))]).await;
    assert_eq!(subject.unlisted(&run).await.len(), 1, "it is not the folder that it was");
}

/// And the file is gone.
pub async fn a_container_takes_the_place_of_a_file(subject: &Subject) {
    let run = subject.followed().await;
    let told = subject.told(&run, &[there(folder("c/other", "c"))]).await;
    assert_eq!(told.buried, 1);
    assert_eq!(subject.living().await, settled(&["a/b/deep", "a/high"]));
    assert_eq!(subject.unlisted(&run).await, [("other".to_owned(), "c/other".to_owned())]);
}

/// Until its listing has ended, and what it shows is listed too.
pub async fn a_container_that_was_not_known_is_listed(subject: &Subject) {
    let run = subject.followed().await;
    subject.told(&run, &[there(folder("new", "root"))]).await;
    assert_eq!(subject.unlisted(&run).await, [("new".to_owned(), "new".to_owned())]);
    // The listing may name another path: it is ahead of the feed.
    let shown = [leaf("newer/file", "new"), folder("newer/inner", "new")];
    let found = subject.ledger.found(&run, &"new".into(), &shown).await.expect("noted");
    assert_eq!(found.iter().map(|(entry, _)| entry.path.as_str()).collect::<Vec<_>>(), ["new/file"]);
    subject.ledger.listed(&run, &"new".into()).await.expect("noted");
    assert_eq!(subject.unlisted(&run).await, [("inner".to_owned(), "new/inner".to_owned())]);
    let shown = [within(file("x", "1"), "somewhere"), leaf("new/inner/leaf", "inner")];
    subject.ledger.found(&run, &"inner".into(), &shown).await.expect("noted");
    subject.ledger.listed(&run, &"inner".into()).await.expect("noted");
    assert!(subject.unlisted(&run).await.is_empty());
    assert_eq!(subject.due(&run).await, ["new/file", "new/inner/leaf", "new/inner/x"]);
}

/// Which is not as far yet.
pub async fn a_listing_leaves_what_is_known_to_the_feed(subject: &Subject) {
    let run = subject.followed().await;
    subject.told(&run, &[there(folder("new", "root")), gone("high")]).await;
    let shown = [leaf("new/other", "new"), folder("new/b", "new"), leaf("new/high", "new")];
    let found = subject.ledger.found(&run, &"new".into(), &shown).await.expect("noted");
    let found: Vec<_> = found.iter().map(|(entry, _)| entry.path.as_str()).collect();
    assert_eq!(found, ["new/high"], "what was removed is not known");
    let living = [("a/b/deep", true), ("c/other", true), ("new/high", false)];
    assert_eq!(subject.living().await, living.map(|(path, settled)| (path.to_owned(), settled)));
}

/// Then its path is right when that has come.
pub async fn an_entry_may_come_before_its_container(subject: &Subject) {
    let run = subject.followed().await;
    subject.told(&run, &[there(leaf("elsewhere/early", "new")), there(folder("elsewhere/sub", "new"))]).await;
    subject.told(&run, &[there(leaf("elsewhere/sub/below", "sub"))]).await;
    assert_eq!(subject.due(&run).await, ["elsewhere/sub/below", "elsewhere/early"]);
    subject.told(&run, &[there(folder("a/new", "a"))]).await;
    assert_eq!(subject.due(&run).await, ["a/new/sub/below", "a/new/early"]);
    // Where it never comes, they go with it.
    assert_eq!(subject.told(&run, &[there(leaf("x/lost", "x")), gone("x")]).await.buried, 1);
}

/// As they are while two folders change places.
pub async fn containers_may_be_in_each_other_between_two_changes(subject: &Subject) {
    let run = subject.followed().await;
    subject.told(&run, &[there(folder("b/a", "b"))]).await;
    subject.told(&run, &[there(folder("b", "root"))]).await;
    let living = [("b/a/high", false), ("b/deep", false), ("c/other", true)];
    assert_eq!(subject.living().await, living.map(|(path, settled)| (path.to_owned(), settled)));
    subject.told(&run, &[there(folder("a/b", "a"))]).await;
    assert_eq!(subject.told(&run, &[gone("a")]).await.buried, 2);
}

/// So that nobody has to undo it.
pub async fn what_a_removal_would_bury_can_be_counted_before(subject: &Subject) {
    let run = subject.followed().await;
    let doomed = async |changes: &[Change]| subject.ledger.doomed(&run, changes).await.expect("counted");
    assert_eq!(doomed(&[gone("nothing"), there(leaf("a/new", "a"))]).await, Unseen::default());
    assert_eq!(doomed(&[gone("a")]).await, Unseen { living: 3, unseen: 2 });
    assert_eq!(doomed(&[gone("other")]).await, Unseen { living: 3, unseen: 1 });
    assert_eq!(doomed(&[there(leaf("a", "root"))]).await, Unseen { living: 3, unseen: 2 });
    assert_eq!(subject.living().await.len(), 3);
}

/// By the run that did it, and what others have buried stays.
pub async fn what_a_feed_buried_can_be_taken_back(subject: &Subject) {
    let older = subject.followed().await;
    subject.told(&older, &[gone("other")]).await;
    let run = subject.begin().await;
    subject.ledger.take_feed(&run).await.expect("taken");
    subject.told(&run, &[gone("a")]).await;
    assert!(subject.living().await.is_empty());
    subject.ledger.leave_feed(&run).await.expect("left");
    assert_eq!(subject.ledger.take_feed(&run).await.expect("taken"), None);
    assert_eq!(subject.living().await, settled(&["a/b/deep", "a/high"]));
}

/// What was left half done, and what failed for a reason that may have passed.
pub async fn what_no_feed_tells_again_is_due(subject: &Subject) {
    let run = subject.followed().await;
    assert!(subject.due(&run).await.is_empty());
    let special = within(Entry::special("link", "a/link", "it dangles"), "a");
    let files = ["a/broken", "a/later", "a/now"].map(|path| leaf(path, "a"));
    let changes: Vec<_> = files.iter().cloned().chain([special]).map(there).collect();
    subject.told(&run, &changes).await;
    assert_eq!(subject.due(&run).await, ["a/broken", "a/later", "a/now"]);
    for (entry, pause) in files.iter().zip([None, Some(3_600), Some(0)]) {
        subject.record(&run, entry, &failed(pause.map(Duration::from_secs))).await;
    }
    assert_eq!(subject.due(&run).await, ["a/now"]);
    // What failed anew is due although something of it is in the index.
    subject.record(&run, &leaf("a/high", "a"), &failed(Some(Duration::ZERO))).await;
    assert_eq!(subject.due(&run).await, ["a/high", "a/now"]);
    let behind = subject.ledger.due(&run, Some(&"high".into()), 1).await.expect("a page");
    assert_eq!(behind.into_iter().map(|due| due.path).collect::<Vec<_>>(), ["a/now"]);
    // With another fingerprint it has not failed yet.
    let mut mended = leaf("a/broken", "a");
    mended.fingerprint = Some(Fingerprint::new("2"));
    subject.told(&run, &[there(mended)]).await;
    assert_eq!(subject.due(&run).await, ["a/broken", "a/high", "a/now"]);
    subject.told(&run, &[gone("a")]).await;
    assert!(subject.due(&run).await.is_empty());
}

/// They are not there any more.
pub async fn containers_that_a_walk_does_not_meet_are_forgotten(subject: &Subject) {
    subject.followed().await;
    let run = subject.begin().await;
    subject.ledger.take_feed(&run).await.expect("taken");
    subject.see(&run, &[Entry::container("root", ""), folder("c", "root")]).await;
    subject.ledger.start_feed(&run, &feed("2")).await.expect("kept");
    subject.told(&run, &[there(folder("a", "root")), there(folder("c", "root"))]).await;
    assert_eq!(subject.unlisted(&run).await, [("a".to_owned(), "a".to_owned())]);
}

/// Also where it says what the listing before the feed has said: a ledger may leave out what it knows.
pub async fn a_listing_has_the_last_word(subject: &Subject) {
    let run = subject.followed().await;
    subject.told(&run, &[there(folder("c/b", "c")), there(leaf("c/high", "c"))]).await;
    let living =
        |paths: [&str; 2]| vec![(paths[0].to_owned(), false), (paths[1].to_owned(), false), ("c/other".into(), true)];
    assert_eq!(subject.living().await, living(["c/b/deep", "c/high"]));
    let run = subject.begin().await;
    subject.see(&run, &[leaf("a/b/deep", "b"), leaf("a/high", "a"), leaf("c/other", "c")]).await;
    assert_eq!(subject.living().await, living(["a/b/deep", "a/high"]));
}

/// It may end before it has listed them.
pub async fn a_walk_that_lost_the_feed_leaves_the_containers_alone(subject: &Subject) {
    let older = subject.followed().await;
    let newer = subject.begin().await;
    subject.ledger.take_feed(&newer).await.expect("taken");
    subject.see(&older, &[folder("new", "root")]).await;
    subject.told(&newer, &[there(folder("new", "root"))]).await;
    assert_eq!(subject.unlisted(&newer).await, [("new".to_owned(), "new".to_owned())]);
}

/// Each knows its own.
pub async fn feeds_of_two_integrations_are_apart(subject: &Subject) {
    let run = subject.followed().await;
    let other = subject.ledger.begin(subject.other, &[]).await.expect("a run begins");
    assert_eq!(subject.ledger.take_feed(&other).await.expect("taken"), None);
    assert_eq!(subject.told(&other, &[gone("a")]).await, Told::default());
    subject.told(&other, &[there(folder("c", "root")), there(leaf("c/other", "c"))]).await;
    assert_eq!(subject.living().await, settled(&["a/b/deep", "a/high", "c/other"]));
    assert!(subject.unlisted(&run).await.is_empty() && subject.due(&run).await.is_empty());
    assert_eq!(subject.unlisted(&other).await.len(), 1);
}
