//! What a run has not seen.

use std::time::Duration;

use catchment_core::{EntryId, Unseen};

use super::{Subject, files, ingested, is_unsettled, proof};

/// See the name.
pub async fn unseen_counts_what_was_there_before_this_run(subject: &Subject) {
    subject.ingested(&files(&["a", "b", "c"])).await;
    let run = subject.begin().await;
    subject.see(&run, &files(&["a", "new"])).await;
    let unseen = subject.ledger.unseen(&run, &proof("").await).await.expect("counted");
    assert_eq!(unseen, Unseen { living: 3, unseen: 2 });
    assert_eq!(subject.bury(&run, "").await, 2);
    let unseen = subject.ledger.unseen(&subject.begin().await, &proof("").await).await.expect("counted");
    assert_eq!(unseen, Unseen { living: 2, unseen: 2 }, "what is buried does not live");
}

/// See the name.
pub async fn a_root_covers_itself_and_what_is_below_it(subject: &Subject) {
    subject
        .ingested(&files(&["a", "a/b", "a/b/c", "a//d", "a!", "a0", "ab", "A/b", "%/x", "_/x", "é/x", "e\u{301}/x"]))
        .await;
    let run = subject.begin().await;
    let expected = [("a", 4), ("a/b", 2), ("a/b/", 2), ("%", 1), ("é", 1), ("nowhere", 0), ("", 12)];
    for (root, count) in expected {
        let unseen = subject.ledger.unseen(&run, &proof(root).await).await.expect("counted");
        assert_eq!(unseen, Unseen { living: count, unseen: count }, "below {root:?}");
    }
    assert_eq!(subject.bury(&run, "a").await, 4);
    assert_eq!(subject.take(Duration::ZERO).await, ["a", "a//d", "a/b", "a/b/c"]);
}

/// See the name.
pub async fn what_a_newer_run_has_seen_is_not_buried_by_an_older(subject: &Subject) {
    subject.ingested(&files(&["a", "b"])).await;
    let older = subject.begin().await;
    let newer = subject.begin().await;
    subject.see(&newer, &files(&["a", "new"])).await;
    subject.see(&older, &files(&["a"])).await;
    let unseen = subject.ledger.unseen(&older, &proof("").await).await.expect("counted");
    assert_eq!(unseen, Unseen { living: 2, unseen: 1 });
    assert_eq!(subject.bury(&older, "").await, 1);
    assert_eq!(subject.take(Duration::ZERO).await, ["b"]);
}

/// See the name.
pub async fn an_entry_seen_again_is_alive(subject: &Subject) {
    let entries = files(&["a"]);
    subject.ingested(&entries).await;
    assert_eq!(subject.bury(&subject.begin().await, "").await, 1);
    let held = subject.ledger.entries(subject.integration, None, 10).await.expect("one entry");
    assert!(held[0].buried && held[0].settled.is_some());
    let known = subject.see_one(&subject.begin().await, &entries[0]).await;
    assert_eq!(known.content_hash.as_deref(), Some("hash"), "it was never away");
    assert!(subject.take(Duration::ZERO).await.is_empty());
}

/// See the name.
pub async fn a_tombstone_waits_for_its_grace(subject: &Subject) {
    subject.ingested(&files(&["a", "b", "c"])).await;
    assert_eq!(subject.bury(&subject.begin().await, "").await, 3);
    assert!(subject.take(Duration::from_secs(3_600)).await.is_empty());
    assert!(subject.take(Duration::MAX).await.is_empty());
    let some = subject.ledger.take_buried(subject.integration, Duration::ZERO, 2).await.expect("two");
    assert_eq!(some.len(), 2, "no more than asked for");
    assert_eq!(some[0].path, some[0].entry.as_str());
    assert_eq!(subject.take(Duration::ZERO).await, ["a", "b", "c"], "taken is not forgotten");
}

/// See the name.
pub async fn what_is_taken_for_removal_is_unsettled(subject: &Subject) {
    let entries = files(&["a"]);
    subject.ingested(&entries).await;
    subject.bury(&subject.begin().await, "").await;
    subject.take(Duration::ZERO).await;
    // A crash here, and the entry comes back: the ingestor may have removed it.
    assert!(is_unsettled(&subject.see_one(&subject.begin().await, &entries[0]).await));
}

/// See the name.
pub async fn what_came_back_is_not_forgotten(subject: &Subject) {
    let entries = files(&["a", "b"]);
    subject.ingested(&entries).await;
    subject.bury(&subject.begin().await, "").await;
    subject.take(Duration::ZERO).await;
    subject.see_one(&subject.begin().await, &entries[1]).await;
    let ids = ["a", "b", "never"].map(EntryId::from);
    let stay = subject.ledger.forget(subject.integration, &ids).await.expect("forgotten");
    assert_eq!(stay, [EntryId::from("b")]);
    assert_eq!(subject.ids().await, ["b"]);
}

/// See the name.
pub async fn what_was_recorded_meanwhile_is_not_forgotten(subject: &Subject) {
    let entries = files(&["a"]);
    let slow = subject.begin().await;
    subject.see(&slow, &entries).await;
    subject.bury(&subject.begin().await, "").await;
    subject.take(Duration::ZERO).await;
    subject.record(&slow, &entries[0], &ingested("hash")).await;
    let ids = [entries[0].id.clone()];
    assert_eq!(subject.ledger.forget(subject.integration, &ids).await.expect("forgotten"), ids);
    assert_eq!(subject.take(Duration::ZERO).await, ["a"], "its tombstone stands");
    assert!(subject.ledger.forget(subject.integration, &ids).await.expect("forgotten").is_empty());
    assert!(subject.ids().await.is_empty());
}
