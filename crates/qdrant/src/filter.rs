//! Whose a chunk is, as conditions of a query.

use catchment_core::{IntegrationId, Principal};
use catchment_index::{Access, Filter as Wanted};
use qdrant_client::qdrant::{Condition, Filter, Range, r#match::MatchValue};
use uuid::Uuid;

use crate::record::{CHUNK, DOCUMENT, key};

/// The chunks a filter lets through.
pub(crate) fn of_chunks(wanted: &Wanted) -> Filter {
    let mut must = tenant(wanted);
    if let Some(portfolio) = &wanted.portfolio {
        must.push(is(key::PORTFOLIO, portfolio));
    }
    if let Some(integrations) = &wanted.integrations {
        let ids: Vec<i64> = integrations.iter().map(|id| id.0).collect();
        must.push(Condition::matches(key::INTEGRATION, ids));
    }
    if let Access::As(principals) = &wanted.access {
        // A document whose readers are not known has no such key, and so nobody reads it.
        let principals: Vec<String> = principals.iter().map(principal).collect();
        must.push(Condition::matches(key::READERS, principals));
    }
    Filter::must(must)
}

/// The documents of the filter's organization and user.
pub(crate) fn of_documents(wanted: &Wanted) -> Filter {
    let mut must = tenant(wanted);
    must.push(kind(DOCUMENT));
    Filter::must(must)
}

fn tenant(wanted: &Wanted) -> Vec<Condition> {
    let mut must = vec![is(key::ORGANIZATION, &wanted.organization)];
    if let Some(user) = &wanted.user {
        must.push(is(key::USER, user));
    }
    must
}

/// Exactly this under a key. The client's own conversion of a string makes a full-text match of
/// one with a blank in it.
pub(crate) fn is(key: &str, value: &str) -> Condition {
    Condition::matches(key, MatchValue::Keyword(value.to_owned()))
}

/// Points of one kind.
pub(crate) fn kind(kind: &str) -> Condition {
    is(key::KIND, kind)
}

/// The documents of an integration.
pub(crate) fn documents_of(integration: IntegrationId) -> Filter {
    Filter::must([kind(DOCUMENT), Condition::matches(key::INTEGRATION, integration.0)])
}

/// The chunks of these generations.
pub(crate) fn chunks_of(generations: impl IntoIterator<Item = Uuid>) -> Filter {
    Filter::must([kind(CHUNK), any(key::GENERATION, generations)])
}

/// What was written before `instant`, in milliseconds since 1970.
pub(crate) fn written_before(instant: i64) -> Condition {
    // Exact: the milliseconds of 280,000 years fit into a double.
    Condition::range(key::WRITTEN, Range { lt: Some(instant as f64), ..Range::default() })
}

/// One of these ids under a key.
pub(crate) fn any(key: &str, ids: impl IntoIterator<Item = Uuid>) -> Condition {
    Condition::matches(key, ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>())
}

/// A principal as it stands among the readers.
pub(crate) fn principal(principal: &Principal) -> String {
    match principal {
        Principal::Anyone => "anyone".to_owned(),
        Principal::Domain(domain) => format!("domain:{domain}"),
        Principal::Group(group) => format!("group:{group}"),
        Principal::User(user) => format!("user:{user}"),
    }
}
