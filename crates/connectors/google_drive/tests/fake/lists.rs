//! Lists of files, and logs of changes.

use catchment_testkit::world::{Key, Op};
use serde_json::{Value, json};

use super::{Call, Corpus, Kind, MINE, Quirk, Shared, THEIRS, answers::Answer, files::missing, search::Search};

impl Shared {
    pub(crate) fn list(&self, call: &Call) -> Answer {
        let Some(search) = Search::read(call.get("q").unwrap_or_default()) else {
            return Answer::error_about(400, "invalid", Some("q"));
        };
        if search.is_full_text() && call.get("orderBy").is_some() {
            return Answer::error_about(400, "badRequest", Some("orderBy"));
        }
        if search.parents().iter().any(|parent| self.find(call, parent).is_none()) {
            return missing();
        }
        // Of a folder that is closed to the account nothing is listed, and nothing is refused.
        let is_closed = |parent: &&str| {
            self.find(call, parent).is_some_and(|(.., file)| file["capabilities"]["canListChildren"] == false)
        };
        if search.parents().iter().any(is_closed) {
            return page(Vec::new(), None, false);
        }
        let all_drives = call.is("supportsAllDrives") && call.is("includeItemsFromAllDrives");
        let is_asked = |corpus: &Corpus| match (call.get("corpora").unwrap_or("user"), corpus.drive_id()) {
            ("user", None) | ("allDrives", None) => true,
            ("drive", Some(drive)) => all_drives && call.get("driveId") == Some(&drive),
            ("allDrives", Some(drive)) => all_drives && self.joined.contains(&drive),
            _ => false,
        };
        let after = match call.get("pageToken").map(place) {
            None => None,
            Some(Some(place)) => Some(place),
            Some(None) => return Answer::error_about(400, "invalid", Some("pageToken")),
        };
        if self.quirk == Quirk::EmptyPageFirst && after.is_none() {
            return page(Vec::new(), Some((0, Key(0))), false);
        }
        let mut found = Vec::new();
        for (index, corpus) in self.corpora.iter().enumerate().filter(|(_, corpus)| is_asked(corpus)) {
            for key in keys(corpus) {
                let Some(file) = corpus.file(key).filter(|_| key != Key::DRIVE) else { continue };
                if search.fits(&file, &|| text(corpus, key)) {
                    found.push(((index, key), file));
                }
            }
        }
        if self.quirk == Quirk::Circle {
            // From a page to another and back.
            let next = if after.is_some_and(|(_, key)| key == Key(1)) { Key(2) } else { Key(1) };
            return page(found.into_iter().map(|(_, file)| file).collect(), Some((0, next)), false);
        }
        found.retain(|(place, _)| after.is_none_or(|after| *place > after));
        let size: usize = call.get("pageSize").map_or(100, |size| size.parse().expect("a number"));
        let size = size.min(self.longest_page);
        let next = (found.len() > size).then(|| found[size - 1].0);
        found.truncate(size);
        page(found.into_iter().map(|(_, file)| file).collect(), next, self.quirk == Quirk::Incomplete)
    }

    pub(crate) fn start_token(&self, call: &Call) -> Answer {
        let token = match call.get("driveId") {
            None => self.end().text(),
            Some(drive) => match self.drive_corpus(drive) {
                Some(corpus) => corpus.world.version().to_string(),
                None => return missing(),
            },
        };
        Answer::json(json!({ "kind": "drive#startPageToken", "startPageToken": self.mark(token) }))
    }

    pub(crate) fn changes(&self, call: &Call) -> Answer {
        let token = call.get("pageToken").unwrap_or_default();
        let invalid = || Answer::error_about(400, "invalid", Some("pageToken"));
        let size: usize = call.get("pageSize").map_or(100, |size| size.parse().expect("a number"));
        let size = size.min(self.longest_log);
        let mut changes = Vec::new();
        let (next, is_end) = match call.get("driveId") {
            Some(drive) => {
                let Some(corpus) = self.drive_corpus(drive) else { return missing() };
                let Some(since) = self.known(token).and_then(|token| token.parse::<u64>().ok()) else {
                    return invalid();
                };
                if since > corpus.world.version() {
                    return invalid();
                }
                let (to, is_end) = tell(corpus, since, size, &mut changes);
                (self.mark(to.to_string()), is_end)
            }
            None => {
                let Some(since) =
                    self.known(token).and_then(Position::read).filter(|since| since.is_before(&self.end()))
                else {
                    return invalid();
                };
                let (next, is_end) = self.personal(since, size, &mut changes);
                (self.mark(next.text()), is_end)
            }
        };
        let name = if is_end { "newStartPageToken" } else { "nextPageToken" };
        Answer::json(json!({ "kind": "drive#changeList", "changes": changes, name: next }))
    }

    /// A token as it is given: those of before and after everything was forgotten differ.
    fn mark(&self, token: String) -> String {
        format!("{}{token}", if self.forgotten { "9" } else { "1" })
    }

    fn known<'a>(&self, token: &'a str) -> Option<&'a str> {
        token.strip_prefix(if self.forgotten { '9' } else { '1' })
    }

    /// The log of the person: My Drive, what others share, and which drives were joined and left.
    fn personal(&self, since: Position, size: usize, changes: &mut Vec<Value>) -> (Position, bool) {
        let (mine, is_end) = tell(&self.corpora[MINE], since.mine, size, changes);
        let mut next = Position { mine, ..since };
        if !is_end {
            return (next, false);
        }
        let (theirs, is_end) = tell(&self.corpora[THEIRS], since.theirs, size - changes.len(), changes);
        next.theirs = theirs;
        if !is_end {
            return (next, false);
        }
        for id in &self.drive_log[since.drives as usize..] {
            let drive = self.drive_list().into_iter().find(|drive| drive["id"] == *id);
            let mut change = json!({
                "kind": "drive#change", "changeType": "drive", "type": "drive", "driveId": id,
                "removed": drive.is_none(), "time": "2026-01-01T00:00:00.000Z"
            });
            if let Some(drive) = drive {
                change["drive"] = drive;
            }
            changes.push(change);
        }
        next.drives = self.drive_log.len() as u64;
        (next, true)
    }

    fn end(&self) -> Position {
        Position {
            mine: self.corpora[MINE].world.version(),
            theirs: self.corpora[THEIRS].world.version(),
            drives: self.drive_log.len() as u64,
        }
    }

    fn drive_corpus(&self, id: &str) -> Option<&Corpus> {
        self.corpora.iter().find(|corpus| corpus.drive_id().as_deref() == Some(id) && self.joined.contains(id))
    }
}

/// A place in the person's log, which is put together of three.
#[derive(Debug, Clone, Copy)]
struct Position {
    mine: u64,
    theirs: u64,
    drives: u64,
}

impl Position {
    fn read(token: &str) -> Option<Self> {
        let numbers: Option<Vec<u64>> = token.split('.').map(|number| number.parse().ok()).collect();
        let [mine, theirs, drives] = numbers?.try_into().ok()?;
        Some(Self { mine, theirs, drives })
    }

    fn text(self) -> String {
        format!("{}.{}.{}", self.mine, self.theirs, self.drives)
    }

    fn is_before(&self, end: &Self) -> bool {
        self.mine <= end.mine && self.theirs <= end.theirs && self.drives <= end.drives
    }
}

/// Tells what changed since, no more than `size`: up to which event, and whether that is the last.
fn tell(corpus: &Corpus, since: u64, size: usize, changes: &mut Vec<Value>) -> (u64, bool) {
    let all = corpus.since(since);
    let told = &all[..size.min(all.len())];
    for (_, key) in told {
        let file = corpus.file(*key);
        let mut change = json!({
            "kind": "drive#change", "changeType": "file", "type": "file", "fileId": corpus.id(*key),
            "removed": file.is_none(), "time": "2026-01-01T00:00:00.000Z"
        });
        if let Some(file) = file {
            change["file"] = file;
        }
        changes.push(change);
    }
    match told.last() {
        Some((number, _)) if told.len() < all.len() => (*number, false),
        None if !all.is_empty() => (since, false),
        _ => (corpus.world.version(), true),
    }
}

/// Everything that was ever made, in the order in which it was.
fn keys(corpus: &Corpus) -> Vec<Key> {
    let fixed = [Key::DRIVE, Key::ROOT, Key::OUTSIDE];
    let made = corpus.world.log().iter().filter(|event| matches!(event.op, Op::Create { .. }));
    fixed.into_iter().chain(made.filter_map(|event| event.key)).collect()
}

fn text(corpus: &Corpus, key: Key) -> String {
    let content = corpus.node(key).and_then(|(node, _)| node.content.clone());
    content.map(|content| String::from_utf8_lossy(&content).into_owned()).unwrap_or_default()
}

fn page(files: Vec<Value>, next: Option<(usize, Key)>, incomplete: bool) -> Answer {
    let mut answer = json!({ "kind": "drive#fileList", "incompleteSearch": incomplete, "files": files });
    if let Some((corpus, key)) = next {
        answer["nextPageToken"] = format!("~!!~{corpus}.{key}").into();
    }
    Answer::json(answer)
}

fn place(token: &str) -> Option<(usize, Key)> {
    let (corpus, key) = token.strip_prefix("~!!~")?.split_once('.')?;
    Some((corpus.parse().ok()?, Key(key.parse().ok()?)))
}

/// Shares something of a corpus that is somebody else's.
pub(crate) fn share(corpus: &mut Corpus, key: Key) {
    if let Kind::Theirs(shared) = &mut corpus.kind {
        shared.insert(key);
    }
}
