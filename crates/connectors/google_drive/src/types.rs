//! What the service answers, as far as it is asked for.

use std::collections::BTreeMap;

use catchment_core::{Error, Result};
use chrono::{DateTime, Utc};
use serde::Deserialize;

pub(crate) const FOLDER: &str = "application/vnd.google-apps.folder";
pub(crate) const SHORTCUT: &str = "application/vnd.google-apps.shortcut";

/// What is asked for of a file. Without a mask the service leaves nearly everything out.
pub(crate) const FILE: &str = "id,name,mimeType,size,createdTime,modifiedTime,md5Checksum,headRevisionId,webViewLink,\
    parents,trashed,driveId,sharedWithMeTime,resourceKey,capabilities(canDownload,canListChildren),shortcutDetails";

/// A file, a folder, or a shortcut.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct File {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) mime_type: String,
    /// A number in quotes; approximate for Google's own documents.
    pub(crate) size: Option<String>,
    pub(crate) created_time: Option<DateTime<Utc>>,
    pub(crate) modified_time: Option<DateTime<Utc>>,
    pub(crate) md5_checksum: Option<String>,
    pub(crate) head_revision_id: Option<String>,
    pub(crate) web_view_link: Option<String>,
    /// One, or none that the account can see.
    #[serde(default)]
    pub(crate) parents: Vec<String>,
    /// Also for what lies in a folder that is trashed.
    #[serde(default)]
    pub(crate) trashed: bool,
    /// The shared drive it is in.
    pub(crate) drive_id: Option<String>,
    pub(crate) shared_with_me_time: Option<DateTime<Utc>>,
    /// Goes along with requests for old files that were shared by link.
    pub(crate) resource_key: Option<String>,
    #[serde(default)]
    pub(crate) capabilities: Rights,
    pub(crate) shortcut_details: Option<Shortcut>,
    /// Addresses of exports, by media type.
    #[serde(default)]
    pub(crate) export_links: BTreeMap<String, String>,
}

/// What the account may do with a file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rights {
    pub(crate) can_download: Option<bool>,
    /// Always `false` for what is no folder.
    pub(crate) can_list_children: Option<bool>,
}

/// Where a shortcut leads.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shortcut {
    pub(crate) target_id: Option<String>,
    pub(crate) target_mime_type: Option<String>,
    pub(crate) target_resource_key: Option<String>,
}

/// A page of files.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileList {
    pub(crate) files: Vec<File>,
    pub(crate) next_page_token: Option<String>,
    /// Not everything was looked at.
    #[serde(default)]
    pub(crate) incomplete_search: bool,
}

/// A shared drive.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SharedDrive {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created_time: Option<DateTime<Utc>>,
}

/// A page of shared drives.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DriveList {
    pub(crate) drives: Vec<SharedDrive>,
    pub(crate) next_page_token: Option<String>,
}

/// Whose account it is.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct About {
    pub(crate) user: User,
}

/// A person.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) permission_id: String,
    #[serde(default)]
    pub(crate) display_name: String,
    pub(crate) email_address: Option<String>,
    pub(crate) photo_link: Option<String>,
}

/// Where a log of changes ends at the moment.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartToken {
    pub(crate) start_page_token: String,
}

/// A page of a log of changes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeList {
    pub(crate) changes: Vec<LogEntry>,
    pub(crate) next_page_token: Option<String>,
    /// On the last page only.
    pub(crate) new_start_page_token: Option<String>,
}

/// A change: how a file or a shared drive is now.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogEntry {
    #[serde(default)]
    pub(crate) change_type: String,
    /// No longer to be seen: deleted, or no longer shared with the account.
    #[serde(default)]
    pub(crate) removed: bool,
    pub(crate) file_id: Option<String>,
    pub(crate) file: Option<File>,
    pub(crate) drive_id: Option<String>,
    pub(crate) drive: Option<SharedDrive>,
}

/// A page of permissions.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PermissionList {
    pub(crate) permissions: Vec<Permission>,
    pub(crate) next_page_token: Option<String>,
}

/// Who may do what.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Permission {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) role: String,
    pub(crate) email_address: Option<String>,
    pub(crate) domain: Option<String>,
    /// Whether it can be found, or only opened by whoever has the link.
    pub(crate) allow_file_discovery: Option<bool>,
    /// The account behind it is gone.
    #[serde(default)]
    pub(crate) deleted: bool,
    pub(crate) expiration_time: Option<DateTime<Utc>>,
    /// Not the file itself: its published form, or its name alone.
    pub(crate) view: Option<String>,
}

impl File {
    pub(crate) fn is_folder(&self) -> bool {
        self.mime_type == FOLDER
    }

    /// Whether it is a folder that shows itself and nothing of what is in it. Google answers an empty
    /// list then, and no refusal: <https://developers.google.com/workspace/drive/api/guides/limited-expansive-access>.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_folder() && self.capabilities.can_list_children == Some(false)
    }

    /// Where it leads, if it is a shortcut.
    pub(crate) fn shortcut(&self) -> Option<&Shortcut> {
        self.shortcut_details.as_ref().filter(|_| self.mime_type == SHORTCUT)
    }

    /// Whether it is the top of a shared drive, whose own name is elsewhere.
    pub(crate) fn is_drive(&self) -> bool {
        self.drive_id.as_ref() == Some(&self.id)
    }

    /// Bytes, for files that have any.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.size.as_deref()?.parse().ok()
    }
}

impl FileList {
    /// What is not the whole must not pass for it: entries would vanish.
    pub(crate) fn whole(self) -> Result<Self> {
        if self.incomplete_search {
            let message = "Google did not look everywhere for this list: try again, or connect one shared drive alone";
            return Err(Error::new(catchment_core::ErrorKind::Unavailable, message));
        }
        Ok(self)
    }
}
