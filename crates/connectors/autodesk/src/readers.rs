//! Permissions: they are kept for each folder, and hold for everything below it.
//!
//! Whoever is not named, or whose state is not known, may not read: an answer that names nobody is a
//! document for nobody, and an error leaves the readers unknown.

use std::collections::BTreeSet;

use catchment_client::Offset;
use catchment_core::{Entry, Error, Page, PageRequest, Permissions, Principal, Result, async_trait};

use crate::{
    connection::Connection,
    ids::{Place, Project},
    wire::{Subject, User},
};

/// What opens a file to a reader.
const VIEW: &str = "VIEW";

/// How many users a page holds.
const USERS: u32 = 200;

#[async_trait]
impl Permissions for Connection {
    /// Two calls for a file, one for a folder.
    async fn grants(&self, entry: &Entry) -> Result<BTreeSet<Principal>> {
        let (project, folder) = match Place::of(&entry.id)? {
            Place::Folder(project, folder) => (project, folder),
            Place::Item(project, item) => {
                let found = self.wire.item(&project, &item).await?.data;
                let folder = found.related("parent").filter(|_| !found.is_deleted());
                let folder = folder.ok_or_else(|| Error::not_found(&entry.path))?.to_owned();
                (project, folder)
            }
            _ => return Err(Error::unsupported("Autodesk keeps permissions for folders only")),
        };
        self.tree.path(&self.wire, self.root().await?, &Place::Folder(project.clone(), folder.clone())).await?;
        let subjects = self.wire.subjects(&project, &folder).await?;
        let mut readers: BTreeSet<_> = subjects.iter().filter_map(|subject| reader(&project, subject)).collect();
        // They may do everything, and stand in no list.
        readers.insert(Principal::Group(Group::Admins.id(&project)));
        Ok(readers)
    }

    async fn members(&self, group: &str, page: PageRequest) -> Result<Page<Principal>> {
        let (project, group) = Group::of(group)?;
        let inside = match self.root().await? {
            Place::All => true,
            Place::Hub(hub) => *hub == project.hub,
            Place::Project(of) | Place::Folder(of, _) | Place::Item(of, _) => *of == project,
        };
        if !inside {
            return Err(Error::not_found(&project.id));
        }
        let region = match self.region {
            Some(region) => Some(region.to_owned()),
            None => self.tree.region(&self.wire, &project.hub).await?,
        };
        let at = Offset::of(&page, USERS, USERS)?;
        let users = self.wire.users(&project.id, region.as_deref(), at).await?;
        let total = users.pagination.total_results;
        let Page { items, next } = at.page(users.results, Some(total));
        let members = items.iter().filter(|user| group.holds(user)).filter_map(member).collect();
        Ok(Page { items: members, next })
    }
}

/// Whom a subject of a folder's permissions stands for, if it may read.
fn reader(project: &Project, subject: &Subject) -> Option<Principal> {
    let mut actions = subject.actions.iter().chain(&subject.inherit_actions);
    let active = subject.subject_status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("active"));
    if !active || !actions.any(|action| action == VIEW) {
        return None;
    }
    match subject.subject_type.as_str() {
        "USER" => user(subject.email.as_deref(), subject.autodesk_id.as_deref()),
        "ROLE" => Some(Principal::Group(Group::Role(subject.subject_id.clone()).id(project))),
        "COMPANY" => Some(Principal::Group(Group::Company(subject.subject_id.clone()).id(project))),
        _ => None,
    }
}

fn member(one: &User) -> Option<Principal> {
    let active = one.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("active"));
    user(one.email.as_deref(), one.autodesk_id.as_deref()).filter(|_| active)
}

fn user(email: Option<&str>, id: Option<&str>) -> Option<Principal> {
    let email = email.map(|email| email.trim().to_lowercase()).filter(|email| !email.is_empty());
    let id = || id.filter(|id| !id.is_empty()).map(str::to_owned);
    email.or_else(id).map(Principal::User)
}

/// Many users of a project.
#[derive(Debug, PartialEq, Eq)]
enum Group {
    Role(String),
    Company(String),
    Admins,
}

impl Group {
    fn id(&self, project: &Project) -> String {
        let (kind, id) = match self {
            Self::Role(id) => ("role", id.as_str()),
            Self::Company(id) => ("company", id.as_str()),
            Self::Admins => ("admins", ""),
        };
        format!("{}|{}|{kind}|{id}", project.hub, project.id)
    }

    fn of(text: &str) -> Result<(Project, Self)> {
        let parts: Vec<&str> = text.split('|').collect();
        let [hub, project, kind, id] = parts.as_slice() else { return Err(Error::not_found(text)) };
        let group = match (*kind, *id) {
            ("admins", "") => Self::Admins,
            ("role", id) if !id.is_empty() => Self::Role(id.to_owned()),
            ("company", id) if !id.is_empty() => Self::Company(id.to_owned()),
            _ => return Err(Error::not_found(text)),
        };
        Ok((Project { hub: (*hub).to_owned(), id: (*project).to_owned() }, group))
    }

    fn holds(&self, user: &User) -> bool {
        match self {
            Self::Role(id) => user.role_ids.contains(id),
            Self::Company(id) => user.company_id.as_deref() == Some(id),
            Self::Admins => user.access_levels.project_admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Project {
        Project { hub: "b.1".to_owned(), id: "b.2".to_owned() }
    }

    fn subject(kind: &str, status: &str, actions: &[&str], inherited: &[&str]) -> Subject {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Subject {
            subject_id: "s".to_owned(),
            autodesk_id: Some("A1".to_owned()),
            email: Some("Ada@Example.com".to_owned()),
            subject_status: Some(status.to_owned()),
            subject_type: kind.to_owned(),
            actions: words(actions),
            inherit_actions: words(inherited),
        }
    }

    #[test]
    fn only_who_may_view_is_a_reader() {
        let reads = |subject| reader(&project(), &subject);
        let ada = Some(Principal::User("ada@example.com".to_owned()));
        assert_eq!(reads(subject("USER", "ACTIVE", &["VIEW"], &[])), ada);
        assert_eq!(reads(subject("USER", "ACTIVE", &[], &["VIEW", "COLLABORATE"])), ada);
        assert_eq!(reads(subject("USER", "ACTIVE", &["PUBLISH"], &["COLLABORATE"])), None);
        assert_eq!(reads(subject("USER", "PENDING", &["VIEW"], &[])), None);
        assert_eq!(reads(subject("ALIEN", "ACTIVE", &["VIEW"], &[])), None);
        let unsaid = |kind| Subject { subject_status: None, ..subject(kind, "", &["VIEW"], &[]) };
        assert_eq!([reads(unsaid("USER")), reads(unsaid("ROLE"))], [None, None]);
        assert_eq!(
            reads(subject("ROLE", "ACTIVE", &["VIEW"], &[])),
            Some(Principal::Group("b.1|b.2|role|s".to_owned()))
        );
    }

    #[test]
    fn a_group_leads_back_to_its_project() {
        for group in [Group::Role("r".to_owned()), Group::Company("c".to_owned()), Group::Admins] {
            let id = group.id(&project());
            assert_eq!(Group::of(&id).expect("a group"), (project(), group), "{id}");
        }
        for wrong in ["", "b.1|b.2|role|", "b.1|b.2|everybody|x", "role|r"] {
            assert!(Group::of(wrong).is_err(), "{wrong}");
        }
    }
}
