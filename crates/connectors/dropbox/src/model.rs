//! What Dropbox answers, as far as it is read. The names are those of its own description.

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// A file, a folder, or that there is none any more.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub(crate) enum Metadata {
    File(File),
    Folder(Folder),
    Deleted(Deleted),
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct File {
    /// Stays, however the file is renamed and moved.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path_lower: Option<String>,
    pub(crate) path_display: Option<String>,
    pub(crate) server_modified: DateTime<Utc>,
    pub(crate) rev: String,
    pub(crate) size: u64,
    pub(crate) content_hash: Option<String>,
    #[serde(default = "yes")]
    pub(crate) is_downloadable: bool,
    pub(crate) export_info: Option<ExportInfo>,
    /// Its target is of no use: a path on somebody's machine.
    pub(crate) symlink_info: Option<serde::de::IgnoredAny>,
    pub(crate) preview_url: Option<String>,
    pub(crate) sharing_info: Option<FileSharing>,
    /// Said where it is asked for.
    pub(crate) has_explicit_shared_members: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Folder {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path_lower: Option<String>,
    pub(crate) path_display: Option<String>,
    pub(crate) sharing_info: Option<FolderSharing>,
    pub(crate) preview_url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Deleted {
    pub(crate) path_lower: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct FileSharing {
    pub(crate) parent_shared_folder_id: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct FolderSharing {
    /// The shared folder it lies in.
    pub(crate) parent_shared_folder_id: Option<String>,
    /// The shared folder it is.
    pub(crate) shared_folder_id: Option<String>,
    /// The folder shows itself, and nothing that is in it.
    #[serde(default)]
    pub(crate) no_access: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ExportInfo {
    pub(crate) export_as: Option<String>,
    #[serde(default)]
    pub(crate) export_options: Option<Vec<String>>,
}

/// Of `files/list_folder` and `files/list_folder/continue`.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Metadata>,
    pub(crate) cursor: String,
    pub(crate) has_more: bool,
}

/// Of `files/list_folder/get_latest_cursor`.
#[derive(Debug, Deserialize)]
pub(crate) struct LatestCursor {
    pub(crate) cursor: String,
}

/// Of `files/list_folder/longpoll`.
#[derive(Debug, Deserialize)]
pub(crate) struct Longpoll {
    pub(crate) changes: bool,
    /// Seconds to leave Dropbox alone before the next.
    pub(crate) backoff: Option<u64>,
}

/// Of `files/search_v2` and `files/search/continue_v2`.
#[derive(Debug, Deserialize)]
pub(crate) struct Matches {
    pub(crate) matches: Vec<Match>,
    pub(crate) has_more: bool,
    pub(crate) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Match {
    pub(crate) metadata: Matched,
}

/// What matched: files and folders, or a thing that is neither.
#[derive(Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub(crate) enum Matched {
    Metadata {
        metadata: Box<Metadata>,
    },
    #[serde(other)]
    Other,
}

/// Beside the bytes of `files/export`.
#[derive(Debug, Deserialize)]
pub(crate) struct Exported {
    pub(crate) export_metadata: ExportMetadata,
    pub(crate) file_metadata: File,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ExportMetadata {
    pub(crate) size: u64,
    pub(crate) export_hash: Option<String>,
}

/// Of `users/get_current_account`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct FullAccount {
    pub(crate) account_id: String,
    pub(crate) name: Name,
    pub(crate) email: String,
    /// Without this an e-mail address is a claim.
    #[serde(default)]
    pub(crate) email_verified: bool,
    pub(crate) profile_photo_url: Option<String>,
    pub(crate) account_type: Option<Tagged>,
    pub(crate) team: Option<Team>,
    pub(crate) root_info: RootInfo,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Name {
    pub(crate) display_name: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Team {
    pub(crate) name: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RootInfo {
    pub(crate) root_namespace_id: String,
    pub(crate) home_namespace_id: String,
}

/// Of `sharing/list_folder_members`, `sharing/list_file_members` and what follows on them.
#[derive(Debug, Deserialize)]
pub(crate) struct SharedMembers {
    pub(crate) users: Vec<UserMembership>,
    pub(crate) groups: Vec<GroupMembership>,
    pub(crate) cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct UserMembership {
    pub(crate) access_type: Tagged,
    pub(crate) user: UserInfo,
}

#[derive(Debug, Deserialize)]
pub(crate) struct UserInfo {
    pub(crate) account_id: String,
    #[serde(default)]
    pub(crate) email: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct GroupMembership {
    pub(crate) access_type: Tagged,
    pub(crate) group: GroupInfo,
}

#[derive(Debug, Deserialize)]
pub(crate) struct GroupInfo {
    pub(crate) group_id: String,
}

/// Of `team/groups/members/list` and what follows on it.
#[derive(Debug, Deserialize)]
pub(crate) struct GroupMembers {
    pub(crate) members: Vec<GroupMember>,
    pub(crate) cursor: String,
    pub(crate) has_more: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct GroupMember {
    pub(crate) profile: MemberProfile,
}

#[derive(Debug, Deserialize)]
pub(crate) struct MemberProfile {
    pub(crate) account_id: Option<String>,
    #[serde(default)]
    pub(crate) email: String,
    pub(crate) status: Tagged,
}

/// A choice, by its name alone.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Tagged {
    #[serde(rename = ".tag")]
    pub(crate) tag: String,
}

fn yes() -> bool {
    true
}
