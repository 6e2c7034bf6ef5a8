//! Who asks, for whom, below which root; and who that is.

use axum::http::HeaderMap;
use catchment_testkit::world::Key;
use serde_json::{Value, json};

use super::{ACCOUNT, Account, Answer, TOKEN};

/// The namespace of the account's own files.
pub const HOME: &str = "1000";

/// The address of whose account it is, as it was typed.
pub const OWNER: &str = "Owner@Example.com";

/// A team with a space of its own.
#[derive(Debug, Clone)]
pub struct Team {
    /// The namespace of the space, which is the drive.
    pub root: String,
    /// The member who has to be named, where the token is the team's.
    pub member: Option<&'static str>,
}

/// What each route wants, as the description has it.
fn scope(route: &str) -> &'static str {
    match route {
        "users/get_current_account" => "account_info.read",
        "files/download" | "files/export" => "files.content.read",
        "team/groups/members/list" | "team/groups/members/list/continue" => "groups.read",
        route if route.starts_with("sharing/") => "sharing.read",
        _ => "files.metadata.read",
    }
}

impl Account {
    pub fn route(&mut self, route: &str, headers: &HeaderMap, argument: &Value) -> Answer {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if route == "files/list_folder/longpoll" {
            return match header("authorization") {
                None => self.longpoll(argument),
                Some(_) => Answer::text(400, "this function takes no authentication"),
            };
        }
        if header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Answer::refusal(401, &["invalid_access_token"]);
        }
        let scope = scope(route);
        if !self.scopes.contains(scope) {
            return Answer::missing_scope(scope);
        }
        let wanted = self.team.as_ref().and_then(|team| team.member).filter(|_| !route.starts_with("team/"));
        match (wanted, header("dropbox-api-select-user")) {
            (Some(_), None) => {
                return Answer::text(
                    400,
                    "This API function operates on a single Dropbox account, but the OAuth 2 access token you provided \
                     is for an entire Dropbox Business team. Since your API app key has team member file access \
                     permissions, you can operate on a team member's Dropbox by providing the \
                     \"Dropbox-API-Select-User\" HTTP header",
                );
            }
            (Some(wanted), Some(given)) if wanted != given => return Answer::refusal(401, &["invalid_select_user"]),
            _ => {}
        }
        let top = match self.top(header("dropbox-api-path-root")) {
            Ok(top) => top,
            Err(refusal) => return refusal,
        };
        match route {
            "users/get_current_account" => Answer::json(self.full_account()),
            "files/list_folder" => self.list_folder(top, argument),
            "files/list_folder/continue" => self.list_folder_continue(top, argument),
            "files/list_folder/get_latest_cursor" => self.get_latest_cursor(top, argument),
            "files/get_metadata" => self.get_metadata(top, argument),
            "files/search_v2" => self.search(top, argument),
            "files/search/continue_v2" => self.search_continue(top, argument),
            "files/download" => self.download(top, argument, header("range")),
            "files/export" => self.export(top, argument),
            "sharing/list_folder_members" => self.list_folder_members(argument),
            "sharing/list_folder_members/continue" => self.members_continue(argument),
            "sharing/list_file_members" => self.list_file_members(top, argument),
            "sharing/list_file_members/continue" => self.members_continue(argument),
            "team/groups/members/list" => self.group_members(argument),
            "team/groups/members/list/continue" => self.group_members_continue(argument),
            _ => Answer::text(404, "unknown API function"),
        }
    }

    /// What paths are below: the drive, or in a team the member's folder unless the header says
    /// otherwise.
    fn top(&self, header: Option<&str>) -> Result<Key, Answer> {
        let root: Value = header.map(|text| serde_json::from_str(text).expect("JSON")).unwrap_or_default();
        match (root[".tag"].as_str(), &self.team) {
            (None | Some("home"), None) => Ok(Key::DRIVE),
            (None | Some("home"), Some(_)) => Ok(Key::OUTSIDE),
            (Some("root"), _) if root["root"] == self.root_namespace() => Ok(Key::DRIVE),
            (Some("namespace_id"), _) if root["namespace_id"] == HOME => Ok(Key::OUTSIDE),
            (Some("namespace_id"), _) if root["namespace_id"] == self.root_namespace() => Ok(Key::DRIVE),
            (Some("root"), _) => {
                let mut refusal = json!({ "error_summary": "invalid_root/..", "error": { ".tag": "invalid_root" } });
                refusal["error"]["invalid_root"] = self.root_info();
                Err(Answer::status(422, refusal))
            }
            _ => Err(Answer::refusal(422, &["no_permission"])),
        }
    }

    fn root_namespace(&self) -> &str {
        self.team.as_ref().map_or(HOME, |team| &team.root)
    }

    fn root_info(&self) -> Value {
        let root = self.root_namespace();
        match &self.team {
            None => json!({ ".tag": "user", "root_namespace_id": root, "home_namespace_id": HOME }),
            Some(_) => json!({
                ".tag": "team", "root_namespace_id": root, "home_namespace_id": HOME, "home_path": "/outside",
            }),
        }
    }

    fn full_account(&self) -> Value {
        let mut account = json!({
            "account_id": ACCOUNT,
            "name": {
                "given_name": "Anna", "surname": "Example", "familiar_name": "Anna", "display_name": "Anna Example",
                "abbreviated_name": "AE",
            },
            "email": OWNER,
            "email_verified": self.email_verified,
            "disabled": false,
            "country": "GB",
            "locale": "en",
            "referral_link": "https://db.tt/ZITNuhtI",
            "is_paired": false,
            "account_type": { ".tag": if self.team.is_some() { "business" } else { "basic" } },
            "profile_photo_url": "https://dl-web.dropbox.com/account_photo/get/anna",
            "root_info": self.root_info(),
        });
        if self.team.is_some() {
            account["team"] = json!({
                "id": "dbtid:AAAA", "name": "Analysts",
                "sharing_policies": {
                    "shared_folder_member_policy": { ".tag": "team" },
                    "shared_folder_join_policy": { ".tag": "from_anyone" },
                    "shared_link_create_policy": { ".tag": "team_only" },
                },
                "office_addin_policy": { ".tag": "disabled" },
                "top_level_content_policy": { ".tag": "admin_only" },
            });
            account["team_member_id"] = "dbmid:AAAA".into();
        }
        account
    }
}
