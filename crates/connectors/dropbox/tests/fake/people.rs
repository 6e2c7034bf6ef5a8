//! Who may read: shared folders, shared files, groups.

use catchment_core::Principal;
use catchment_testkit::world::Key;
use serde_json::{Value, json};

use super::{Account, Answer, OWNER, drive::Drive};

/// On one page, so that some need a second.
const PAGE: usize = 2;

impl Drive {
    /// The shared folder that something is in: the next above with grants of its own.
    pub fn shared_folder(&self, key: Key) -> Option<Key> {
        let mut at = self.world.get(key);
        while let Some(node) = at {
            if node.is_folder() && (!node.shared.is_empty() || !node.inherits) {
                return Some(node.key);
            }
            at = self.world.get(node.parent?);
        }
        None
    }

    /// Whether a file has grants of its own.
    pub fn is_shared_itself(&self, key: Key) -> bool {
        self.world.get(key).is_some_and(|node| !node.shared.is_empty())
    }
}

impl Account {
    pub fn list_folder_members(&mut self, argument: &Value) -> Answer {
        let id = argument["shared_folder_id"].as_str().and_then(|id| id.parse().ok());
        match id.map(Key).filter(|key| self.drive.world.get(*key).is_some()) {
            Some(key) => self.members(key, 0),
            None => Answer::tags(&["invalid_id"]),
        }
    }

    pub fn list_file_members(&mut self, top: Key, argument: &Value) -> Answer {
        match self.drive.find(top, argument["file"].as_str().unwrap_or_default()) {
            Ok(key) => self.members(key, 0),
            Err(_) => Answer::tags(&["access_error", "invalid_file"]),
        }
    }

    pub fn members_continue(&mut self, argument: &Value) -> Answer {
        let cursor = argument["cursor"].as_str().and_then(|cursor| cursor.split_once('@'));
        let numbers = cursor.and_then(|(key, from)| Some((key.parse().ok()?, from.parse().ok()?)));
        match numbers {
            Some((key, from)) => self.members(Key(key), from),
            None => Answer::tags(&["invalid_cursor"]),
        }
    }

    fn members(&self, key: Key, from: usize) -> Answer {
        // Whoever owns it is always there.
        let owner = Principal::User(OWNER.to_owned());
        let all: Vec<_> = [owner].into_iter().chain(self.drive.world.readers(key)).collect();
        let mut result = json!({ "users": [], "groups": [], "invitees": [] });
        for who in all.iter().skip(from).take(PAGE) {
            let (list, member) = match who {
                Principal::User(email) => (
                    "users",
                    json!({
                        "access_type": { ".tag": "viewer" }, "permissions": [], "is_inherited": false, "user": user(email),
                    }),
                ),
                Principal::Group(id) => (
                    "groups",
                    json!({
                        "access_type": { ".tag": "editor" }, "permissions": [], "is_inherited": false,
                        "group": {
                            "group_name": id, "group_id": id, "member_count": 1,
                            "group_management_type": { ".tag": "user_managed" }, "group_type": { ".tag": "user_managed" },
                            "is_member": false, "is_owner": false, "same_team": true,
                        },
                    }),
                ),
                Principal::Anyone | Principal::Domain(_) => continue,
            };
            result[list].as_array_mut().expect("a list").push(member);
        }
        if all.len() > from + PAGE {
            result["cursor"] = format!("{}@{}", key.0, from + PAGE).into();
        }
        Answer::json(result)
    }

    pub fn group_members(&mut self, argument: &Value) -> Answer {
        let id = argument["group"]["group_id"].as_str().unwrap_or_default();
        self.of_group(id, 0, argument["limit"].as_u64().unwrap_or(1000) as usize)
    }

    pub fn group_members_continue(&mut self, argument: &Value) -> Answer {
        let mut parts = argument["cursor"].as_str().unwrap_or_default().splitn(3, '@');
        let mut number = || parts.next().and_then(|part| part.parse().ok()).expect("a cursor");
        let (from, limit) = (number(), number());
        self.of_group(parts.next().expect("a group"), from, limit)
    }

    fn of_group(&self, id: &str, from: usize, limit: usize) -> Answer {
        let Some(members) = self.drive.world.groups().get(id) else { return Answer::tags(&["group_not_found"]) };
        let users = members.iter().filter_map(|member| match member {
            Principal::User(email) => Some(email),
            _ => None,
        });
        let page: Vec<_> = users.skip(from).take(limit).map(|email| member(email)).collect();
        let more = members.len() > from + limit;
        let cursor = format!("{}@{limit}@{id}", from + limit);
        Answer::json(json!({ "members": page, "cursor": cursor, "has_more": more }))
    }
}

fn account_id(email: &str) -> String {
    format!("dbid:{:A<35}", hex::encode(email).chars().take(35).collect::<String>())
}

fn user(email: &str) -> Value {
    json!({
        "account_id": account_id(email), "email": email, "display_name": email, "same_team": true,
        "team_member_id": "dbmid:BBBB",
    })
}

fn member(email: &str) -> Value {
    json!({
        "profile": {
            "team_member_id": "dbmid:BBBB", "account_id": account_id(email), "email": email, "email_verified": true,
            "status": { ".tag": "active" },
            "name": {
                "given_name": email, "surname": "", "familiar_name": email, "display_name": email,
                "abbreviated_name": "",
            },
            "membership_type": { ".tag": "full" },
        },
        "access_type": { ".tag": "member" },
    })
}
