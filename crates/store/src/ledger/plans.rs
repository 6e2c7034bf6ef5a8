//! How SQLite goes about the statements of a ledger: by an index, and never through every entry of an integration. It
//! does not count rows, so a plan that is bad for a million of them shows with none.

use catchment_core::Tenant;

use super::{entries, following, removals, results, tree};
use crate::{Store, db::Sql};

/// All that are run for a page, an entry, a container or a change. What is run once in an import may read everything.
fn statements() -> Vec<(&'static str, Sql)> {
    vec![
        ("entries::LOOK_UP", entries::LOOK_UP),
        ("entries::AGAIN", entries::AGAIN),
        ("entries::STAMP", entries::STAMP),
        ("entries::INVALIDATE", entries::INVALIDATE),
        ("entries::NEXT_PAGE", entries::NEXT_PAGE.into()),
        ("results::INGESTED", results::INGESTED),
        ("results::CONTRADICTED", results::CONTRADICTED),
        ("results::FAILED", results::FAILED),
        ("removals::TAKE", removals::TAKE.into()),
        ("removals::FORGET", removals::FORGET),
        ("removals::STAY", removals::STAY),
        ("following::UNLISTED", following::UNLISTED),
        ("following::DUE", following::DUE),
        ("following::DUE_BEHIND", following::DUE_BEHIND),
        ("tree::FOLLOW_CONTAINERS", tree::FOLLOW_CONTAINERS),
        ("tree::FOLLOW_ENTRIES", tree::FOLLOW_ENTRIES),
        ("tree::BURY", tree::BURY),
        ("tree::BURY_BELOW", tree::BURY_BELOW),
        ("tree::DROP_BELOW", tree::DROP_BELOW),
        ("tree::DOOMED", tree::DOOMED),
        ("tree::DOOMED_BELOW", tree::DOOMED_BELOW),
        ("tree::STAMP", tree::STAMP),
        ("tree::LOOK_UP", tree::LOOK_UP),
        ("tree::KNOWN", tree::KNOWN),
    ]
}

#[tokio::test]
async fn no_statement_reads_a_whole_ledger_for_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("catchment.db")).await.unwrap();
    let mut tx = store.scoped(Tenant::local()).write().await.unwrap();
    for (name, sql) in statements() {
        let values = (1..=9).rev().find(|number| sql.sqlite.contains(&format!("${number}"))).unwrap_or(0);
        let explain: &'static str = format!("EXPLAIN QUERY PLAN {}", sql.sqlite).leak();
        let rows = tx.all(explain, vec!["[]".into(); values]).await.unwrap();
        assert!(!rows.is_empty(), "{name} has a plan");
        for row in rows {
            let step = row.text(3).unwrap();
            let whole = step.contains("USING PRIMARY KEY (integration=?)") || step.starts_with("SCAN entries");
            assert!(!whole, "{name}: {step}");
        }
    }
}
