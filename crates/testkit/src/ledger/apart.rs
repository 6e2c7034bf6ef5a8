//! Order, names, and what belongs to whom.

use std::time::Duration;

use catchment_core::{EntryId, Known, RunOutcome, Settled};

use super::{Subject, files, ingested, is_unsettled, proof};

/// See the name.
pub async fn entries_come_in_the_order_of_their_ids(subject: &Subject) {
    let mut ids = vec!["", "\0", "\u{1}", "\u{1}\0", "\u{2}", "B", "a", "a!", "a/b", "a0", "z", "é", "\u{ffff}", "😀"];
    subject.ingested(&files(&ids)).await;
    subject.bury(&subject.begin().await, "a").await;
    ids.sort_unstable();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = subject.ledger.entries(subject.integration, after.as_ref(), 3).await.expect("a page");
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.entry.clone());
        found.extend(page);
    }
    assert_eq!(found.iter().map(|held| held.entry.as_str()).collect::<Vec<_>>(), ids);
    let buried: Vec<_> = found.iter().filter(|held| held.buried).map(|held| held.path.as_str()).collect();
    assert_eq!(buried, ["a", "a/b"]);
    let settled = Some(Settled { content_hash: "hash".into(), chunks: 3 });
    assert!(found.iter().all(|held| held.settled == settled));
}

/// See the name.
pub async fn names_may_hold_anything(subject: &Subject) {
    let names = [
        "'; DROP TABLE entries; --",
        "\"q\"",
        "back\\slash",
        "\u{1}\u{1b}[31m",
        "\u{202e}txt.exe",
        "[1,2]",
        "null",
        "a\0b",
        "\0",
        "\u{1}\0\u{2}",
    ];
    let entries = files(&names);
    subject.ingested(&entries).await;
    let run = subject.begin().await;
    assert!(subject.see(&run, &entries).await.iter().all(|known| known.content_hash.is_some()));
    let ids: Vec<EntryId> = entries.iter().map(|entry| entry.id.clone()).collect();
    subject.ledger.invalidate(subject.integration, &ids).await.expect("invalidated");
    assert!(subject.see(&subject.begin().await, &entries).await.iter().all(is_unsettled));
    subject.bury(&subject.begin().await, "").await;
    assert_eq!(subject.take(Duration::ZERO).await.len(), names.len());
    assert!(subject.ledger.forget(subject.integration, &ids).await.expect("forgotten").is_empty());
    assert!(subject.ids().await.is_empty());
}

/// See the name.
pub async fn integrations_are_apart(subject: &Subject) {
    let entries = files(&["a"]);
    subject.ingested(&entries).await;
    let other = subject.ledger.begin(subject.other, &[]).await.expect("a run of the other");
    assert_eq!(subject.see_one(&other, &entries[0]).await, Known::default());
    subject.ledger.record(&other, &[(entries[0].clone(), ingested("other"))]).await.expect("recorded");
    subject.ledger.unsettle(&other, &entries[0].id).await.expect("unsettled");
    subject.ledger.invalidate(subject.other, &[entries[0].id.clone()]).await.expect("invalidated");
    let next = subject.ledger.begin(subject.other, &[]).await.expect("a run of the other");
    assert_eq!(subject.ledger.bury(&next, &proof("").await).await.expect("buried"), 1);
    assert!(subject.take(Duration::ZERO).await.is_empty());
    let known = subject.see_one(&subject.begin().await, &entries[0]).await;
    assert_eq!(known.content_hash.as_deref(), Some("hash"));
}

/// See the name.
pub async fn nothing_is_a_page_too(subject: &Subject) {
    let run = subject.begin().await;
    assert!(subject.see(&run, &[]).await.is_empty());
    assert!(subject.ledger.forget(subject.integration, &[]).await.expect("nothing").is_empty());
    subject.ledger.invalidate(subject.integration, &[]).await.expect("nothing");
    assert!(subject.ledger.entries(subject.integration, None, 0).await.expect("nothing").is_empty());
    subject.ledger.record(&run, &[]).await.expect("nothing");
    assert_eq!(subject.bury(&run, "").await, 0);
    subject.ledger.finish(&run, RunOutcome::Partial).await.expect("ended");
}
