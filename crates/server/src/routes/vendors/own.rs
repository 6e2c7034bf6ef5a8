//! The caller's own integration with a vendor.

use catchment_core::{IntegrationId, Result};
use catchment_store::{Integration, List, Scoped, Status};

/// Of several, the one that a person means: a connected one before a disconnected one, then the
/// one that was connected last, then the newest.
pub(super) fn meant<'a>(all: impl IntoIterator<Item = &'a Integration>) -> Option<&'a Integration> {
    all.into_iter().max_by_key(|one| (one.status != Status::Disconnected, one.connected_at, one.id))
}

/// Everything that a user has, of one vendor or of all. `scoped` is the user's own.
pub(super) async fn all_of(scoped: &Scoped, vendor: Option<&str>) -> Result<Vec<Integration>> {
    const PAGE: u32 = 1_000;
    let mut all: Vec<Integration> = Vec::new();
    loop {
        let after = all.last().map(|last| last.id);
        let list = List { user: None, vendor: vendor.map(str::to_owned), after, limit: PAGE };
        let page = scoped.integrations(&list).await?;
        let last = page.len() < PAGE as usize;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}

/// The one that is meant, or the one that was named.
pub(super) async fn own(scoped: &Scoped, vendor: &str, named: Option<i64>) -> Result<Option<Integration>> {
    match named {
        Some(id) => {
            let found = scoped.integration(IntegrationId(id)).await?;
            if found.vendor == vendor { Ok(Some(found)) } else { Err(catchment_core::Error::not_found("integration")) }
        }
        None => Ok(meant(&all_of(scoped, Some(vendor)).await?).cloned()),
    }
}
