//! Changes: the logs that Google keeps, one for a person and one for each shared drive.
//!
//! Entries of a log say how something is now, and nothing of what lies below a folder that moved.
//! So the place of each is worked out anew, from folders as they are now.

use catchment_core::{Change, ChangePage, Changes, Cursor, Error, ErrorKind, Result, async_trait, page::Lap};
use serde::{Deserialize, Serialize};

use crate::{
    connector::Connection,
    entries::of_drive,
    places::{Memory, Node},
    root::Root,
    types::{File, LogEntry},
};

/// What a cursor of ours holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    /// The root it was made for.
    root: String,
    /// A place in each log.
    logs: Vec<Log>,
    /// The log whose turn it is.
    at: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    /// The shared drive; the person's log without one.
    drive: Option<String>,
    token: String,
}

#[async_trait]
impl Changes for Connection {
    async fn now(&self) -> Result<Cursor> {
        let root = self.root().await?;
        let mut logs = Vec::new();
        match root {
            Root::Folder { drive, .. } => logs.push(self.end_of(drive.as_deref()).await?),
            Root::Shared => logs.push(self.end_of(None).await?),
            Root::Drives => {
                // The person's log, for who joins a drive after it is listed here.
                logs.push(self.end_of(None).await?);
                for drive in self.all_drives().await? {
                    logs.push(self.end_of(Some(&drive.id)).await?);
                }
            }
        }
        Position { root: root.id().to_owned(), logs, at: 0 }.cursor()
    }

    async fn changes(&self, since: &Cursor) -> Result<ChangePage> {
        let root = self.root().await?;
        let mut position: Position =
            serde_json::from_str(since.as_str()).map_err(|_| expired("this cursor is not one of Google Drive"))?;
        if position.root != root.id() || position.at >= position.logs.len() {
            return Err(expired("this cursor is of another folder or drive: walk everything again"));
        }
        let log = &position.logs[position.at];
        let (lap, token) = Lap::of(Some(&log.token));
        let token = token.unwrap_or_default();
        let drive = log.drive.clone();
        let list = match self.wire.log(drive.as_deref(), token).await {
            Ok(list) => list,
            Err(error) if is_lost(&error) => return self.lost(position, drive, error),
            Err(error) => return Err(error),
        };
        let mut memory = Memory::fresh();
        // A page may tell of a file before it tells of its folder.
        for file in list.changes.iter().filter(|change| !change.removed).filter_map(|change| change.file.as_ref()) {
            if file.is_folder() && !file.is_drive() {
                self.remember(&mut memory, &file.id, Node::of(file));
            }
        }
        let mut changes = Vec::new();
        for change in list.changes {
            match change.change_type.as_str() {
                "drive" => self.of_drive_list(change, &mut position, &mut memory, &mut changes).await?,
                _ => changes.extend(self.of_file(change, &mut memory).await?),
            }
        }
        let at = position.at;
        match (lap.next(list.next_page_token.as_deref())?, list.new_start_page_token) {
            (Some(next), _) => position.logs[at].token = next.as_str().to_owned(),
            (None, Some(end)) => {
                position.logs[at].token = end;
                position.at += 1;
            }
            (None, None) => {
                return Err(Error::protocol("Google does not say where the log goes on: try again later"));
            }
        }
        position.page(changes)
    }
}

impl Connection {
    async fn end_of(&self, drive: Option<&str>) -> Result<Log> {
        let token = self.wire.log_end(drive).await?.start_page_token;
        Ok(Log { drive: drive.map(str::to_owned), token })
    }

    /// A file, a folder or a shortcut.
    async fn of_file(&self, change: LogEntry, memory: &mut Memory) -> Result<Option<Change>> {
        let Some(id) = change.file_id.or_else(|| change.file.as_ref().map(|file| file.id.clone())) else {
            return Err(Error::protocol("Google tells of a change, and not of which file"));
        };
        let is_root = id == self.root().await?.id();
        let file = change.file.filter(|file| !change.removed && !file.trashed);
        let Some(file) = file else {
            if is_root {
                return Err(expired("the folder itself is gone: walk everything again"));
            }
            self.forget(memory, &id);
            return Ok(Some(Change::Remove(id.into())));
        };
        // The root itself is no entry, whatever it is called; the tops of drives have another log.
        if is_root || file.is_drive() {
            return Ok(None);
        }
        self.of_visible(file, memory).await.map(Some)
    }

    async fn of_visible(&self, file: File, memory: &mut Memory) -> Result<Change> {
        let node = self.remember(memory, &file.id, Node::of(&file));
        match self.place(memory, &file.id, node).await? {
            Some(place) => {
                let at = place.at(self.root().await?.id());
                Ok(Change::Upsert(Box::new(self.entry(&file, at).await?)))
            }
            // Moved out, or never in: which of the two, the log does not say.
            None => Ok(Change::Remove(file.id.into())),
        }
    }

    /// A shared drive that was joined, renamed or left.
    async fn of_drive_list(
        &self,
        change: LogEntry,
        position: &mut Position,
        memory: &mut Memory,
        changes: &mut Vec<Change>,
    ) -> Result<()> {
        if *self.root().await? != Root::Drives {
            return Ok(());
        }
        let Some(id) = change.drive_id.or_else(|| change.drive.as_ref().map(|drive| drive.id.clone())) else {
            return Ok(());
        };
        match change.drive.filter(|_| !change.removed) {
            Some(drive) => {
                if !position.logs.iter().any(|log| log.drive.as_ref() == Some(&id)) {
                    // Before the consumer lists it, so that nothing falls in between.
                    let log = self.end_of(Some(&id)).await?;
                    position.logs.push(log);
                }
                self.remember(memory, &id, Node::of_drive(&drive));
                changes.push(Change::Upsert(Box::new(of_drive(&drive, Root::Drives.id()))));
            }
            None => {
                position.leave(&id);
                self.forget(memory, &id);
                changes.push(Change::Remove(id.into()));
            }
        }
        Ok(())
    }

    /// A log that is not to be had: of a drive that the account is not in any more, or its place in
    /// it is not known.
    fn lost(&self, mut position: Position, drive: Option<String>, error: Error) -> Result<ChangePage> {
        match drive {
            Some(drive) if position.root == Root::Drives.id() && error.kind() == ErrorKind::NotFound => {
                position.leave(&drive);
                position.page(vec![Change::Remove(drive.into())])
            }
            _ => Err(expired("Google does not know this place in its log: walk everything again").source(error)),
        }
    }
}

impl Position {
    fn cursor(&self) -> Result<Cursor> {
        let text = serde_json::to_string(self);
        text.map(Cursor::new).map_err(|error| Error::internal("a cursor cannot be written").source(error))
    }

    /// The page behind which this position is; with the last log, all have had their turn.
    fn page(mut self, changes: Vec<Change>) -> Result<ChangePage> {
        let more = self.at < self.logs.len();
        if !more {
            self.at = 0;
        }
        Ok(ChangePage { changes, cursor: self.cursor()?, more })
    }

    /// Follows the log of a drive no longer. The person's own comes first and stays, so that whose
    /// turn it is does not change.
    fn leave(&mut self, drive: &str) {
        if let Some(index) = self.logs.iter().position(|log| log.drive.as_deref() == Some(drive)) {
            self.logs.remove(index);
            if index < self.at {
                self.at -= 1;
            }
        }
    }
}

fn is_lost(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::CursorExpired)
}

fn expired(message: &'static str) -> Error {
    Error::new(ErrorKind::CursorExpired, message)
}
