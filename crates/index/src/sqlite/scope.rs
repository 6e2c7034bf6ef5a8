//! Whose a chunk is, as terms and numbers an index can intersect.
//!
//! Names of organizations, users and portfolios may hold anything; their hashes are letters and
//! digits, and of one length. 96 bits: nobody can make two portfolios that are taken for one.

use std::fmt::Write;

use catchment_core::{IntegrationId, Principal};

use crate::{
    backend::StoredDocument,
    query::{Access, Filter},
};

/// The most integrations that are worth a term each in a question.
const MOST_TERMS: usize = 8;

/// The scope terms of a document.
pub(super) fn of_document(document: &StoredDocument) -> String {
    let tenant = &document.tenant;
    let mut scope = format!(
        "{} {} {}",
        organization(&tenant.organization),
        user(&tenant.organization, &tenant.user),
        integration(document.key.integration),
    );
    if let Some(name) = &document.portfolio {
        let _ = write!(scope, " {}", portfolio(name));
    }
    scope
}

/// The part of a MATCH expression that holds for chunks a filter lets through, readers and long
/// lists of integrations left aside.
pub(super) fn of_filter(filter: &Filter) -> String {
    let mut scope = match &filter.user {
        Some(name) => format!("\"{}\"", user(&filter.organization, name)),
        None => format!("\"{}\"", organization(&filter.organization)),
    };
    if let Some(name) = &filter.portfolio {
        let _ = write!(scope, " AND \"{}\"", portfolio(name));
    }
    if let Some(integrations) = filter.integrations.as_ref().filter(|list| list.len() <= MOST_TERMS) {
        let any: Vec<String> = integrations.iter().map(|id| format!("\"{}\"", integration(*id))).collect();
        let _ = write!(scope, " AND ({})", any.join(" OR "));
    }
    format!("scope : ({scope})")
}

/// The integrations that are too many to be terms, as a JSON array.
pub(super) fn long_list(filter: &Filter) -> Option<String> {
    filter.integrations.as_ref().filter(|list| list.len() > MOST_TERMS).map(|list| integrations_json(list))
}

/// Integrations as a JSON array.
pub(super) fn integrations_json(list: &[IntegrationId]) -> String {
    let ids: Vec<String> = list.iter().map(ToString::to_string).collect();
    format!("[{}]", ids.join(","))
}

/// The principals a search reads for, as a JSON array; `None`: it reads for the owner.
pub(super) fn principals_json(filter: &Filter) -> Option<String> {
    match &filter.access {
        Access::Owner => None,
        Access::As(principals) => Some(serde_json::Value::from_iter(principals.iter().map(principal)).to_string()),
    }
}

/// A principal as it stands in the table of readers.
pub(super) fn principal(principal: &Principal) -> String {
    match principal {
        Principal::Anyone => "anyone".to_owned(),
        Principal::Domain(domain) => format!("domain:{domain}"),
        Principal::Group(group) => format!("group:{group}"),
        Principal::User(user) => format!("user:{user}"),
    }
}

/// The number that stands for a portfolio beside a vector.
pub(super) fn portfolio_number(portfolio: Option<&str>) -> i64 {
    portfolio.map_or(0, |name| {
        let hash = blake3::hash(name.as_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash.as_bytes()[..8]);
        i64::from_be_bytes(bytes)
    })
}

fn organization(name: &str) -> String {
    hashed("o", &[name])
}

fn user(organization: &str, name: &str) -> String {
    hashed("u", &[organization, name])
}

fn portfolio(name: &str) -> String {
    hashed("p", &[name])
}

fn integration(id: IntegrationId) -> String {
    // A minus is no part of a term.
    format!("i{:x}", id.0)
}

fn hashed(kind: &str, parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // With its length, so that ("ab", "c") is not ("a", "bc").
        hasher.update(&(part.len() as u64).to_be_bytes()).update(part.as_bytes());
    }
    format!("{kind}{}", &hasher.finalize().to_hex()[..24])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_be_taken_for_each_other() {
        assert_ne!(user("ab", "c"), user("a", "bc"));
        assert_ne!(organization("a"), portfolio("a"));
        assert_ne!(portfolio_number(Some("")), portfolio_number(None));
        assert!(organization("\" OR *").chars().all(|c| c.is_ascii_alphanumeric()));
        assert_eq!(integration(IntegrationId(-1)), "iffffffffffffffff");
    }
}
