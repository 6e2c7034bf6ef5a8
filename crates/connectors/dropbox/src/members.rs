//! Members of shared folders, kept for a while: a folder holds many files.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use catchment_core::Principal;
use moka::sync::Cache;

use crate::model::{GroupMembership, SharedMembers, Tagged, UserMembership};

/// How long a list of members is believed.
const BELIEVED: Duration = Duration::from_secs(60);

/// How many lists are kept.
const MOST: u64 = 1_000;

/// Who may read what is in a shared folder, by the folder's id.
#[derive(Clone)]
pub(crate) struct Members(Cache<String, Arc<BTreeSet<Principal>>>);

impl Members {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(BELIEVED).build())
    }

    pub(crate) fn get(&self, folder: &str) -> Option<Arc<BTreeSet<Principal>>> {
        self.0.get(folder)
    }

    pub(crate) fn keep(&self, folder: &str, members: &Arc<BTreeSet<Principal>>) {
        self.0.insert(folder.to_owned(), Arc::clone(members));
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").finish_non_exhaustive()
    }
}

/// Those of a page who may read. Invitations that nobody has accepted let nobody read.
pub(crate) fn readers(page: SharedMembers) -> impl Iterator<Item = Principal> {
    let users = page.users.into_iter().filter(|member| reads(&member.access_type));
    let groups = page.groups.into_iter().filter(|member| reads(&member.access_type));
    let users = users.map(|UserMembership { user, .. }| person(&user.email, &user.account_id));
    users.chain(groups.map(|GroupMembership { group, .. }| Principal::Group(group.group_id)))
}

/// Somebody, by e-mail address or, where there is none, by the account's id.
pub(crate) fn person(email: &str, account_id: &str) -> Principal {
    let email = email.trim().to_lowercase();
    Principal::User(if email.is_empty() { account_id.to_owned() } else { email })
}

/// Whether an access lets content be seen: `traverse` shows the way to a folder further down, and
/// what is not known does not count.
fn reads(access: &Tagged) -> bool {
    matches!(access.tag.as_str(), "owner" | "editor" | "viewer" | "viewer_no_comment")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_count_who_may_see_content() {
        let user = |email: &str, access: &str| serde_json::json!({ "access_type": { ".tag": access }, "user": { "account_id": "dbid:1", "email": email } });
        let page = serde_json::json!({
            "users": [
                user("Owner@Example.com", "owner"), user("", "viewer"), user("passes@example.com", "traverse"),
                user("none@example.com", "no_access"), user("new@example.com", "something_new"),
            ],
            "groups": [
                { "access_type": { ".tag": "viewer_no_comment" }, "group": { "group_id": "g:1" } },
                { "access_type": { ".tag": "traverse" }, "group": { "group_id": "g:2" } },
            ],
            "invitees": [{ "access_type": { ".tag": "editor" }, "invitee": { ".tag": "email", "email": "x@example.com" } }],
        });
        let readers: Vec<_> = readers(serde_json::from_value(page).unwrap()).collect();
        let user = |name: &str| Principal::User(name.to_owned());
        assert_eq!(readers, [user("owner@example.com"), user("dbid:1"), Principal::Group("g:1".to_owned())]);
    }
}
