//! Downloads into a folder.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use catchment_core::{
    Account, Browse, ByteRange, Connector, Content, Download, Entry, EntryId, Error, ErrorKind, Page, PageRequest,
    Result, async_trait,
};
use catchment_engine::{DownloadEvent, DownloadStatus, DownloadSummary, DownloadedFile, FolderDownload, Options};
use chrono::DateTime;
use futures::{StreamExt, TryStreamExt};
use support::{Fault, Folder};
use tempfile::TempDir;

/// A source, and a folder to download to.
struct Place {
    source: Arc<Folder>,
    to: TempDir,
    options: Options,
}

/// What a download told.
#[derive(Debug)]
struct Told {
    files: BTreeMap<String, DownloadedFile>,
    unlisted: Vec<String>,
    summary: DownloadSummary,
}

impl Place {
    fn new(paths: &[&str]) -> Self {
        let source = Arc::new(Folder::default());
        for (at, path) in paths.iter().enumerate() {
            source.put(path, format!("text of {path}"));
            source
                .change(path, |entry| entry.modified = DateTime::from_timestamp(1_700_000_000 + at as i64, 5_000_000));
        }
        Self { source, to: tempfile::tempdir().unwrap(), options: Options::default() }
    }

    fn of(&self, path: &str) -> FolderDownload {
        FolderDownload { connector: self.source.clone(), path: path.into(), folder: self.to.path().join("a/folder") }
    }

    async fn download(&self) -> Told {
        told(self.of(""), &self.options).await.unwrap()
    }

    fn file(&self, path: &str) -> PathBuf {
        self.to.path().join("a/folder").join(path)
    }

    /// Every file below the folder, by path.
    fn files(&self) -> BTreeMap<String, String> {
        let (mut found, mut left, root) = (BTreeMap::new(), vec![self.file("")], self.file(""));
        while let Some(folder) = left.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.symlink_metadata().unwrap().is_dir() {
                    left.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, fs::read_to_string(path).unwrap());
                }
            }
        }
        found
    }
}

async fn told(download: FolderDownload, options: &Options) -> Result<Told> {
    let mut events = download.run(options.clone());
    let mut told = Told { files: BTreeMap::new(), unlisted: Vec::new(), summary: DownloadSummary::default() };
    while let Some(event) = events.try_next().await? {
        match event {
            DownloadEvent::File(file) => assert_eq!(told.files.insert(file.path.clone(), file), None, "told once"),
            DownloadEvent::Unlisted { path, .. } => told.unlisted.push(path),
            DownloadEvent::Done(summary) => told.summary = summary,
            _ => {}
        }
    }
    assert_eq!(told.summary.files(), told.files.len() as u64);
    Ok(told)
}

impl Told {
    fn status(&self, path: &str) -> DownloadStatus {
        self.files[path].status
    }
}

/// More than one block, and no piece like another.
fn long() -> String {
    (0..400_000).map(|number| format!("{number:06} ")).collect()
}

#[tokio::test]
async fn everything_arrives_with_its_path_and_time() {
    let place = Place::new(&["a.txt", "docs/b.txt", "docs/deep/er/ü #%+\n.txt"]);
    place.source.special("pipe", "a named pipe has no content");
    place.source.put("docs/long.txt", long());
    let told = place.download().await;
    assert!(told.summary.complete);
    assert_eq!((told.summary.downloaded, told.summary.skipped, told.summary.failed), (4, 1, 0));
    assert_eq!(told.summary.bytes, told.files.values().map(|file| file.bytes).sum::<u64>());
    let files = place.files();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["a.txt", "docs/b.txt", "docs/deep/er/ü #%+\n.txt", "docs/long.txt"]);
    assert_eq!(files["docs/deep/er/ü #%+\n.txt"], "text of docs/deep/er/ü #%+\n.txt");
    assert!(files["docs/long.txt"] == long());
    let modified = fs::metadata(place.file("docs/b.txt")).unwrap().modified().unwrap();
    assert_eq!(modified.duration_since(SystemTime::UNIX_EPOCH).unwrap(), Duration::from_millis(1_700_000_001_005));
    // As sha256sum has it.
    let hash = "643b519fa1463dd0c02cc6b9a26dbb982ca2dd8c3b54206f408e04390255eef0";
    assert_eq!(told.files["a.txt"].sha256.as_deref(), Some(hash));
}

#[tokio::test]
async fn what_is_there_already_is_left_alone_and_what_changed_is_replaced() {
    let place = Place::new(&["same", "longer", "later", "timeless"]);
    place.source.change("timeless", |entry| entry.modified = None);
    place.download().await;
    let modified =
        |path: &str| place.source.change(path, |entry| entry.modified = DateTime::from_timestamp(1_700_000_000, 0));
    place.source.put("longer", "a longer text than before, at the same time");
    modified("longer");
    place.source.put("later", "text of later");
    modified("later");
    let before = place.source.given.load(Ordering::SeqCst);
    let told = place.download().await;
    let status = |path| told.status(path);
    assert_eq!(status("same"), DownloadStatus::Unchanged);
    assert_eq!((status("longer"), status("later")), (DownloadStatus::Downloaded, DownloadStatus::Downloaded));
    assert_eq!(status("timeless"), DownloadStatus::Downloaded, "nobody knows whether it is the same");
    assert_eq!(place.files()["longer"], "a longer text than before, at the same time");
    let given = place.source.given.load(Ordering::SeqCst) - before;
    assert_eq!(given as u64, told.summary.bytes, "the same file was not asked for");
}

#[tokio::test(start_paused = true)]
async fn a_transfer_goes_on_where_it_broke() {
    let place = Place::new(&[]);
    place.source.put("long", long());
    place.source.faults("long", [Fault::Cut(100_000), Fault::Cut(2_000_000), Fault::Short(100_000)]);
    let told = place.download().await;
    assert_eq!(told.status("long"), DownloadStatus::Downloaded);
    let from = |offset| Some(ByteRange::from(offset));
    assert_eq!(place.source.ranges("long"), [None, from(100_000), from(2_100_000), from(2_200_000)]);
    assert!(place.files()["long"] == long());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changes_on_its_way_comes_whole() {
    let place = Place::new(&[]);
    place.source.put("long", long());
    let second: &'static str = long().replace('0', "o").leak();
    place.source.faults("long", [Fault::CutAndChanged(2_000_000, second)]);
    assert_eq!(place.download().await.status("long"), DownloadStatus::Downloaded);
    assert!(place.files()["long"] == second, "not the beginning of one and the end of the other");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_fails_leaves_what_was_there_before_and_nothing_else() {
    let place = Place::new(&["long", "other"]);
    place.download().await;
    place.source.put("long", long());
    place.source.faults("long", vec![Fault::Cut(1_500_000); 9]);
    let told = place.download().await;
    assert_eq!((told.status("long"), told.status("other")), (DownloadStatus::Failed, DownloadStatus::Unchanged));
    assert_eq!(told.files["long"].error.as_ref().unwrap().kind, ErrorKind::Unavailable);
    assert_eq!(place.files().into_values().collect::<Vec<_>>(), ["text of long", "text of other"]);
}

#[tokio::test]
async fn dropping_a_download_leaves_no_part_of_a_file() {
    let mut place = Place::new(&["short"]);
    place.options.concurrency = 2;
    place.source.put("long", long());
    place.source.faults("long", [Fault::Stall(2_500_000)]);
    let mut events = place.of("").run(place.options.clone());
    let (mut short, mut long) = (false, false);
    while !(short && long) {
        match events.next().await.unwrap().unwrap() {
            DownloadEvent::File(file) => short |= file.path == "short",
            DownloadEvent::Progress { bytes, .. } => long |= bytes > 2_000_000,
            _ => {}
        }
    }
    drop(events);
    // The tasks end at their next step; the thread that writes when its channel closes.
    while place.source.alive.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(place.files().into_keys().collect::<Vec<_>>(), ["short"]);
}

#[tokio::test]
async fn a_container_or_one_file_can_be_asked_for() {
    let place = Place::new(&["docs/a", "docs/b/c", "other"]);
    let told_of = told(place.of("docs"), &place.options).await.unwrap();
    assert!(told_of.summary.complete);
    assert_eq!(place.files().into_keys().collect::<Vec<_>>(), ["a", "b/c"]);
    let one = told(place.of("docs/b/c"), &place.options).await.unwrap();
    assert_eq!(one.files["docs/b/c"].to, Path::new("c"));
    assert_eq!(place.files()["c"], "text of docs/b/c");
    assert_eq!(told(place.of("nowhere"), &place.options).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn nothing_is_written_outside_of_the_folder() {
    let place = Place::new(&["good", "link/file", "leads"]);
    let paths = ["../up", "/etc/absolute", "a/../../up"];
    for (at, path) in paths.into_iter().enumerate() {
        let name = format!("bad{at}");
        place.source.put(&name, "bad");
        place.source.change(&name, |entry| entry.path = path.into());
    }
    let outside = place.to.path().join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir_all(place.file("")).unwrap();
    std::os::unix::fs::symlink(&outside, place.file("link")).unwrap();
    std::os::unix::fs::symlink(outside.join("led"), place.file("leads")).unwrap();
    let told = place.download().await;
    for path in paths.into_iter().chain(["link/file"]) {
        assert_eq!(told.status(path), DownloadStatus::Failed);
        assert_eq!(told.files[path].error.as_ref().unwrap().kind, ErrorKind::Unsupported);
    }
    assert_eq!((told.status("good"), told.status("leads")), (DownloadStatus::Downloaded, DownloadStatus::Downloaded));
    assert!(place.file("leads").symlink_metadata().unwrap().is_file(), "the link was replaced, not followed");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(fs::read_dir(place.to.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn what_is_in_the_way_fails_one_file_alone() {
    let place = Place::new(&["file/below", "folder", "good"]);
    place.source.put(&"n".repeat(300), "a name that is too long");
    fs::create_dir_all(place.file("folder")).unwrap();
    fs::write(place.file("file"), "in the way").unwrap();
    let told = place.download().await;
    assert_eq!((told.summary.downloaded, told.summary.failed), (1, 3), "{told:?}");
    for path in ["file/below", "folder", &"n".repeat(300)] {
        assert_eq!(told.files[path].error.as_ref().unwrap().kind, ErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_ends_it() {
    let place = Place::new(&["a"]);
    fs::write(place.to.path().join("a"), "a file").unwrap();
    let error = told(place.of(""), &place.options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.context().map(|(name, _)| name).collect::<Vec<_>>(), ["field", "path"]);
}

#[tokio::test]
async fn a_branch_that_cannot_be_listed_is_told() {
    let place = Place::new(&["a", "secret/b"]);
    place.source.unlisted("secret", ErrorKind::Forbidden);
    let told = place.download().await;
    assert_eq!((told.unlisted, told.summary.complete), (vec!["secret".to_owned()], false));
    assert_eq!(place.files().into_keys().collect::<Vec<_>>(), ["a"]);

    place.source.unlisted("secret", ErrorKind::Unauthenticated);
    let error = self::told(place.of(""), &place.options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_down_ends_it() {
    let mut place = Place::new(&["a", "b", "c", "d"]);
    (place.options.give_up_after, place.options.concurrency) = (3, 1);
    for path in ["a", "b", "c", "d"] {
        place.source.faults(path, vec![Fault::Refused(|| Error::new(ErrorKind::Unavailable, "not now")); 9]);
    }
    let error = told(place.of(""), &place.options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(place.source.ranges("d"), []);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_left_out() {
    let mut place = Place::new(&["small"]);
    place.source.put("long", long());
    place.options.max_bytes = Some(2_000_000);
    let told = place.download().await;
    assert_eq!((told.status("small"), told.status("long")), (DownloadStatus::Downloaded, DownloadStatus::Failed));
    assert_eq!(told.files["long"].error.as_ref().unwrap().kind, ErrorKind::TooLarge);
}

/// Files that all have one path, as some vendors allow.
#[derive(Debug)]
struct Twins(Vec<(&'static str, i64)>);

#[async_trait]
impl Connector for Twins {
    async fn check(&self) -> Result<Account> {
        Ok(Account::default())
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}

#[async_trait]
impl Browse for Twins {
    async fn children(&self, _: &EntryId, _: PageRequest) -> Result<Page<Entry>> {
        let entry = |(id, modified): &(&'static str, i64)| {
            let mut entry = Entry::file(*id, "twin");
            entry.size = Some(id.len() as u64);
            entry.modified = DateTime::from_timestamp(*modified, 0);
            entry
        };
        Ok(Page::last(self.0.iter().map(entry).collect()))
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        Ok(Entry::container("", path))
    }
}

#[async_trait]
impl Download for Twins {
    async fn open(&self, entry: &Entry, _: Option<ByteRange>) -> Result<Content> {
        Ok(Content::bytes(entry.id.as_str().to_owned()))
    }
}

#[tokio::test]
async fn of_two_files_with_one_path_the_first_is_kept_and_the_other_is_told() {
    for concurrency in [1, 8] {
        let to = tempfile::tempdir().unwrap();
        let twins = Arc::new(Twins(vec![("one", 1_700_000_000), ("other", 1_700_000_001)]));
        let options = Options { concurrency, ..Options::default() };
        // The second time the first one is there already, and still the other one does not take its place.
        for status in [DownloadStatus::Downloaded, DownloadStatus::Unchanged] {
            let download =
                FolderDownload { connector: twins.clone(), path: String::new(), folder: to.path().to_owned() };
            let files = download.run(options.clone()).try_filter_map(async |event| match event {
                DownloadEvent::File(file) => Ok(Some(file)),
                _ => Ok(None),
            });
            let files: Vec<_> = files.try_collect().await.unwrap();
            assert_eq!(files.iter().filter(|file| file.status == status).count(), 1, "{files:?}");
            let failed: Vec<_> = files.iter().filter(|file| file.status == DownloadStatus::Failed).collect();
            assert_eq!(failed.len(), 1);
            assert_eq!(failed[0].error.as_ref().unwrap().kind, ErrorKind::Unsupported);
            assert_eq!(fs::read_to_string(to.path().join("twin")).unwrap(), "one");
        }
    }
}
