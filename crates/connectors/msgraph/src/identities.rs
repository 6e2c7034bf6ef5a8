//! Identities: who stands in a permission or a group, as one of core's principals.

use catchment_core::Principal;
use serde::Deserialize;

/// The group that stands for everybody of the tenant but its guests. No group of the directory has this id.
pub const TENANT: &str = "tenant";

/// A person, a group, or a group of a SharePoint site.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The directory's id.
    pub id: Option<String>,
    /// The address of a person.
    pub email: Option<String>,
    /// The name that a site knows it by: a claim.
    pub login_name: Option<String>,
}

/// Who an identity is, by kind. One of them is there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentitySet {
    /// A user of the directory.
    pub user: Option<Identity>,
    /// A group of the directory.
    pub group: Option<Identity>,
    /// A user as a site knows it.
    pub site_user: Option<Identity>,
    /// A group of a site.
    pub site_group: Option<Identity>,
}

impl IdentitySet {
    /// The principal, unless it is none that reads: an app, a device, somebody without a name.
    ///
    /// The directory's identity counts before the site's, because it can be opened.
    pub fn principal(&self, site: &str) -> Option<Principal> {
        let group = |set: &Identity| set.id.clone().filter(|id| !id.is_empty()).map(Principal::Group);
        self.user
            .as_ref()
            .and_then(Identity::user)
            .or_else(|| self.group.as_ref().and_then(group))
            .or_else(|| self.site_user.as_ref().and_then(Identity::site_user))
            .or_else(|| {
                let id = self.site_group.as_ref()?.id.as_deref().filter(|id| !id.is_empty())?;
                Some(Principal::Group(format!("{SITE_GROUP}{site}/{id}")))
            })
    }
}

/// How the ids of groups begin that only a site knows.
pub(crate) const SITE_GROUP: &str = "site-group:";

impl Identity {
    /// A user, by address or else by id.
    pub fn user(&self) -> Option<Principal> {
        let email = self.email.as_deref().filter(|email| email.contains('@')).map(str::to_lowercase);
        email.or_else(|| self.id.clone().filter(|id| !id.is_empty())).map(Principal::User)
    }

    /// A site knows groups of the directory, and everybody, as users whose name is a claim.
    fn site_user(&self) -> Option<Principal> {
        let claim = self.login_name.as_deref().unwrap_or_default();
        let id = |rest: &str| {
            let id = rest.split('|').next_back().unwrap_or_default();
            // The owners of a Microsoft 365 group stand there with `_o` behind its id: some of it, not all.
            let whole = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
            whole.then(|| Principal::Group(id.to_owned()))
        };
        match claim {
            _ if claim.starts_with("c:0-.f|rolemanager|spo-grid-all-users/") || claim == "c:0(.s|true" => {
                Some(Principal::Group(TENANT.to_owned()))
            }
            _ if claim.starts_with("c:0o.c|federateddirectoryclaimprovider|")
                || claim.starts_with("c:0t.c|tenant|") =>
            {
                id(claim)
            }
            _ if claim.starts_with("i:0#.f|membership|") => {
                let name = claim.rsplit('|').next().filter(|name| name.contains('@')).map(str::to_lowercase);
                self.user_by_email().or(name.map(Principal::User))
            }
            _ if claim.starts_with("c:") => None,
            _ => self.user_by_email(),
        }
    }

    /// The id of a user within a site is a small number, and means nothing elsewhere.
    fn user_by_email(&self) -> Option<Principal> {
        let email = self.email.as_deref().filter(|email| email.contains('@'))?;
        Some(Principal::User(email.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(login_name: &str) -> Option<Principal> {
        let user = Identity { login_name: Some(login_name.to_owned()), id: Some("7".to_owned()), email: None };
        IdentitySet { site_user: Some(user), ..IdentitySet::default() }.principal("s")
    }

    #[test]
    fn claims_become_people_groups_and_everybody() {
        let id = "0d9e8c7b-1111-2222-3333-444455556666";
        let group = Some(Principal::Group(id.to_owned()));
        assert_eq!(claim(&format!("c:0o.c|federateddirectoryclaimprovider|{id}")), group);
        assert_eq!(claim(&format!("c:0t.c|tenant|{id}")), group);
        assert_eq!(
            claim(&format!("c:0-.f|rolemanager|spo-grid-all-users/{id}")),
            Some(Principal::Group(TENANT.into()))
        );
        assert_eq!(claim("i:0#.f|membership|Ada@Contoso.com"), Some(Principal::User("ada@contoso.com".into())));
    }

    #[test]
    fn what_cannot_be_told_is_nobody() {
        let id = "0d9e8c7b-1111-2222-3333-444455556666";
        for unknown in
            [&format!("c:0o.c|federateddirectoryclaimprovider|{id}_o"), "c:0-.t|unknown|x", "SHAREPOINT\\system"]
        {
            assert_eq!(claim(unknown), None, "{unknown}");
        }
        assert_eq!(IdentitySet::default().principal("s"), None);
    }
}
