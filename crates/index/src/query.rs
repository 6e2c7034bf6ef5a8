//! What can be asked, and what comes back.

use std::collections::BTreeSet;

use catchment_core::{DocumentKey, IntegrationId, Principal, Tenant};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A question to an [`Index`](crate::Index).
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The question, as a person typed it. It has no syntax.
    pub text: String,
    /// Whose documents, and which of them.
    pub filter: Filter,
    /// How many hits at most, up to 1,000.
    pub limit: u32,
    /// How many chunks of one document at most; `None`: as many as are good.
    pub per_document: Option<u32>,
    /// How to search.
    pub mode: Mode,
}

/// How to search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By words, and by meaning as well when an embedder is configured.
    #[default]
    Auto,
    /// By words.
    Lexical,
    /// By meaning; an error without an embedder.
    Dense,
}

/// Whose documents are searched, and which of them. It is part of the search itself: what it
/// leaves out never takes a place among the candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Only documents of this organization.
    pub organization: String,
    /// Only documents of this user; `None`: of everyone in the organization, which is for
    /// [`Access::As`] and for its administrators.
    pub user: Option<String>,
    /// Only documents of these integrations; `None`: of all. An empty list finds nothing.
    pub integrations: Option<Vec<IntegrationId>>,
    /// Only documents of this portfolio.
    pub portfolio: Option<String>,
    /// On whose behalf.
    pub access: Access,
}

/// On whose behalf a search reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// On behalf of whoever imported the documents: all of them.
    Owner,
    /// On behalf of these principals (a user, the user's groups, the domain, anyone): only
    /// documents one of them may read at the vendor. Where that is not known, nobody may.
    As(BTreeSet<Principal>),
}

/// A passage that answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The chunk's id: the same as long as document and ordinal are; see
    /// [`chunk_id`](crate::chunk_id).
    pub id: Uuid,
    /// The document it is from.
    pub document: DocumentKey,
    /// Which chunk of the document, counted from 0.
    pub ordinal: u32,
    /// The vendor the document came from.
    pub vendor: String,
    /// The document's name.
    pub name: String,
    /// The document's path below the integration's root.
    pub path: String,
    /// Where a person can open the document.
    pub web_url: Option<String>,
    /// The title the document carries.
    pub title: Option<String>,
    /// The page, counted from 1.
    pub page: u32,
    /// What the document calls the page: `iv`, a sheet's name.
    pub page_label: Option<String>,
    /// The headings above the passage, highest first.
    pub headings: Vec<String>,
    /// The passage.
    pub text: String,
    /// From 0 to 1: 1 is the first in every list that was searched. It orders hits of one answer
    /// and says nothing about how good the first one is; [`Hit::similarity`] does.
    pub score: f32,
    /// The place among the hits by words, counted from 1.
    pub lexical_rank: Option<u32>,
    /// The place among the hits by meaning, counted from 1.
    pub dense_rank: Option<u32>,
    /// The cosine of the angle between question and passage, if it was found by meaning.
    pub similarity: Option<f32>,
}

impl Query {
    /// The ten best passages of at most three chunks a document.
    pub fn new(text: impl Into<String>, filter: Filter) -> Self {
        Self { text: text.into(), filter, limit: 10, per_document: Some(3), mode: Mode::Auto }
    }

    /// At most so many hits.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// At most so many chunks of one document.
    #[must_use]
    pub fn per_document(mut self, most: Option<u32>) -> Self {
        self.per_document = most;
        self
    }

    /// How to search.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }
}

impl Filter {
    /// All documents of a tenant: organization and user.
    pub fn owner(tenant: &Tenant) -> Self {
        Self {
            organization: tenant.organization.clone(),
            user: Some(tenant.user.clone()),
            integrations: None,
            portfolio: None,
            access: Access::Owner,
        }
    }

    /// The documents of an organization, whoever imported them, that one of `principals` may read.
    pub fn readable_by(organization: impl Into<String>, principals: impl IntoIterator<Item = Principal>) -> Self {
        Self {
            organization: organization.into(),
            user: None,
            integrations: None,
            portfolio: None,
            access: Access::As(principals.into_iter().collect()),
        }
    }

    /// Only documents of these integrations.
    #[must_use]
    pub fn integrations(mut self, integrations: impl IntoIterator<Item = IntegrationId>) -> Self {
        self.integrations = Some(integrations.into_iter().collect());
        self
    }

    /// Only documents of this portfolio.
    #[must_use]
    pub fn portfolio(mut self, portfolio: impl Into<String>) -> Self {
        self.portfolio = Some(portfolio.into());
        self
    }

    /// Whether nothing can pass.
    pub fn is_empty(&self) -> bool {
        self.integrations.as_ref().is_some_and(Vec::is_empty)
            || matches!(&self.access, Access::As(principals) if principals.is_empty())
    }
}
