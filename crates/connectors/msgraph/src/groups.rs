//! Groups of the directory, opened one level at a time.

use catchment_client::segment;
use catchment_core::{Error, ErrorKind, Page, PageRequest, Principal, Result};
use serde::Deserialize;

use crate::{
    graph::Graph,
    identities::{SITE_GROUP, TENANT},
};

/// What is asked of a member.
const FIELDS: &str = "id,mail,userPrincipalName";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    #[serde(rename = "@odata.type", default)]
    kind: String,
    id: String,
    mail: Option<String>,
    user_principal_name: Option<String>,
}

impl Graph {
    /// One page of the members of a group, users and groups; of everybody but guests for [`TENANT`].
    /// Cancel-safe.
    ///
    /// # Errors
    /// `NotFound` for a group that was deleted. `Forbidden`, naming the scope, when the token may not read groups. `Unsupported` for a group of a
    /// SharePoint site, which Graph does not open.
    pub async fn members(&self, group: &str, request: &PageRequest) -> Result<Page<Principal>> {
        if group.starts_with(SITE_GROUP) {
            return Err(Error::unsupported(
                "Microsoft Graph does not tell who is in a group of a SharePoint site: share with groups of the \
                 directory instead",
            ));
        }
        let everybody = group == TENANT;
        let first = || {
            let top = request.limit_or(100, 999);
            let call = match everybody {
                // <https://learn.microsoft.com/graph/api/user-list>
                true => self.get("users").query("$filter", "userType eq 'Member'"),
                false => self.get(format!("groups/{}/members", segment(group))),
            };
            call.query("$select", FIELDS).query("$top", top)
        };
        let page = match self.page::<Member>(first, request, 1).await {
            Ok(page) => page,
            Err(error) if error.kind() == ErrorKind::Forbidden => {
                return Err(error.with("scope", if everybody { "User.Read.All" } else { "GroupMember.Read.All" }));
            }
            Err(error) => return Err(error),
        };
        let items = page.items.into_iter().filter_map(|member| member.principal(everybody)).collect();
        Ok(Page { items, next: page.next })
    }
}

impl Member {
    /// Devices, apps and contacts read nothing.
    fn principal(self, is_user: bool) -> Option<Principal> {
        match self.kind.as_str() {
            "#microsoft.graph.group" => Some(Principal::Group(self.id)),
            kind if is_user || kind == "#microsoft.graph.user" => {
                let named = self.mail.or(self.user_principal_name).filter(|name| name.contains('@'));
                Some(Principal::User(named.map_or(self.id, |name| name.to_lowercase())))
            }
            _ => None,
        }
    }
}
