//! Entries: what a file, a folder or a shortcut becomes.

use catchment_core::{ContentHash, Entry, Error, ErrorKind, Fingerprint, Result};
use chrono::SecondsFormat;

use crate::{
    config::ExportAs,
    connector::Connection,
    formats::{Native, native, tag},
    places::At,
    query::part,
    types::{FOLDER, File, SharedDrive, Shortcut},
    wire::Keyed,
};

/// What a shortcut leads to.
pub(crate) enum Target {
    File(Box<File>),
    /// Nothing that could be read, and why.
    Nothing(String),
}

/// What changes with the content. Two revisions with one MD5 are one content; Google's own documents
/// have neither, and their version rises with every glance at them.
pub(crate) fn mark(file: &File, wanted: ExportAs) -> Option<String> {
    match native(&file.mime_type, wanted) {
        Some(Native::Export(formats)) => {
            let modified = file.modified_time?.to_rfc3339_opts(SecondsFormat::Millis, true);
            Some(format!("{modified} {}", tag(formats.first()?)))
        }
        Some(Native::Nothing(_)) => None,
        None => file.md5_checksum.clone().or_else(|| file.head_revision_id.clone()),
    }
}

/// An entry for anything but a shortcut.
pub(crate) fn plain(file: &File, path: String, wanted: ExportAs) -> Entry {
    let mut entry = if file.is_folder() {
        Entry::container(&file.id, path)
    } else {
        match native(&file.mime_type, wanted) {
            Some(Native::Nothing(reason)) => Entry::special(&file.id, path, reason),
            _ if file.capabilities.can_download == Some(false) => {
                Entry::special(&file.id, path, "its owner does not let readers download it: ask for more rights")
            }
            Some(Native::Export(formats)) => {
                let mut entry = Entry::file(&file.id, path);
                entry.mime = formats.first().map(|format| (*format).to_owned());
                entry
            }
            None => {
                let mut entry = Entry::file(&file.id, path);
                entry.size = file.bytes();
                entry.mime = Some(file.mime_type.clone());
                entry.hash = file.md5_checksum.clone().map(|value| ContentHash { algorithm: "md5".to_owned(), value });
                entry
            }
        }
    };
    entry.name.clone_from(&file.name);
    entry.modified = file.modified_time;
    entry.created = file.created_time;
    entry.web_url.clone_from(&file.web_view_link);
    if entry.is_file() {
        entry.fingerprint = mark(file, wanted).map(Fingerprint::new);
    }
    entry
}

/// The entry of a shared drive.
pub(crate) fn of_drive(drive: &SharedDrive, root: &str) -> Entry {
    let mut entry = Entry::container(&drive.id, part(&drive.name));
    entry.parent = Some(root.into());
    entry.name.clone_from(&drive.name);
    entry.created = drive.created_time;
    entry.web_url = Some(format!("https://drive.google.com/drive/folders/{}", drive.id));
    entry
}

impl Connection {
    /// The entry of anything. A shortcut to a file is that file under the shortcut's own id and
    /// name; one to a folder is not entered, so that no walk goes in circles or meets a file twice.
    pub(crate) async fn entry(&self, file: &File, at: At) -> Result<Entry> {
        let At { path, parent } = at;
        let Some(shortcut) = file.shortcut() else {
            let mut entry = plain(file, path, self.export_as);
            entry.parent = Some(parent);
            return Ok(entry);
        };
        let mut entry = match self.target(shortcut).await? {
            Target::File(target) => plain(&target, path, self.export_as),
            Target::Nothing(reason) => Entry::special(&file.id, path, reason),
        };
        entry.id = file.id.as_str().into();
        entry.parent = Some(parent);
        entry.name.clone_from(&file.name);
        entry.created = file.created_time;
        Ok(entry)
    }

    /// Where a shortcut leads.
    pub(crate) async fn target(&self, shortcut: &Shortcut) -> Result<Target> {
        let gone = || Target::Nothing("a shortcut whose target is gone, or not shared with the account".to_owned());
        let Some(id) = &shortcut.target_id else { return Ok(gone()) };
        if shortcut.target_mime_type.as_deref() == Some(FOLDER) {
            let reason = format!("a shortcut to a folder, which is not entered: connect the folder {id} by itself");
            return Ok(Target::Nothing(reason));
        }
        match self.wire.exportable(Keyed { id, key: shortcut.target_resource_key.as_deref() }).await {
            Ok(target) if target.trashed || target.is_folder() || target.shortcut().is_some() => Ok(gone()),
            Ok(target) => Ok(Target::File(Box::new(target))),
            Err(error) if is_about_the_file(&error) => Ok(gone()),
            Err(error) => Err(error),
        }
    }
}

/// Whether only this file is out of reach, and not everything for want of a scope.
fn is_about_the_file(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound || catchment_google::reason(error) == Some("insufficientFilePermissions")
}
