//! What a run sees, and what became of it.

use std::time::Duration;

use catchment_core::{Entry, ErrorKind, Fingerprint, Known, RunOutcome};
use chrono::Utc;

use super::{Subject, failed, file, files, ingested, is_unsettled};

/// See the name.
pub async fn runs_are_numbered_upwards(subject: &Subject) {
    let first = subject.begin().await;
    let second = subject.begin().await;
    subject.ledger.finish(&first, RunOutcome::Complete).await.expect("a run ends");
    let third = subject.begin().await;
    assert!(first.number < second.number && second.number < third.number);
    assert_eq!(first.integration, subject.integration);
}

/// See the name.
pub async fn what_was_ingested_is_known(subject: &Subject) {
    let entry = file("a", "1");
    let run = subject.begin().await;
    assert_eq!(subject.see_one(&run, &entry).await, Known::default(), "nothing is known of a new entry");
    subject.record(&run, &entry, &ingested("hash")).await;

    let known = subject.see_one(&subject.begin().await, &file("a", "2")).await;
    assert_eq!(known.fingerprint, Some(Fingerprint::new("1")));
    assert_eq!(known.content_hash.as_deref(), Some("hash"));
    assert_eq!((known.chunks, known.portfolio.as_deref()), (3, Some("rivers")));
    assert_eq!((known.quarantine, known.again), (None, false));
}

/// See the name.
pub async fn a_page_is_answered_in_its_order(subject: &Subject) {
    let entries: Vec<_> = (0..2_500).rev().map(|number| file(&format!("{number:05}"), "1")).collect();
    let run = subject.begin().await;
    subject.see(&run, &entries).await;
    for entry in entries.iter().step_by(100) {
        subject.record(&run, entry, &ingested(entry.id.as_str())).await;
    }
    let known = subject.see(&subject.begin().await, &entries).await;
    for (index, (entry, known)) in entries.iter().zip(&known).enumerate() {
        let expected = (index % 100 == 0).then_some(entry.id.as_str());
        assert_eq!(known.content_hash.as_deref(), expected);
    }
}

/// See the name.
pub async fn an_entry_seen_twice_in_one_run_is_known_as_such(subject: &Subject) {
    let run = subject.begin().await;
    let again = |known: Vec<Known>| known.iter().map(|known| known.again).collect::<Vec<_>>();
    assert_eq!(again(subject.see(&run, &files(&["a", "b", "a"])).await), [false, false, true]);
    assert_eq!(again(subject.see(&run, &files(&["c", "b"])).await), [false, true]);
    assert_eq!(again(subject.see(&subject.begin().await, &files(&["a"])).await), [false]);
}

/// See the name.
pub async fn of_two_paths_in_one_run_the_first_counts(subject: &Subject) {
    let (first, mut second) = (file("a/x", "1"), file("a/x", "1"));
    second.path = "b/x".into();
    let run = subject.begin().await;
    subject.see_one(&run, &first).await;
    assert!(subject.see_one(&run, &second).await.again);
    subject.record(&run, &first, &ingested("hash")).await;
    let held = subject.ledger.entries(subject.integration, None, 10).await.expect("one entry");
    assert!(held[0].path == "a/x" && held[0].settled.is_some(), "{held:?}");
}

/// See the name.
pub async fn an_entry_that_moved_is_unsettled(subject: &Subject) {
    let mut entry = Entry::file("7", "old/name");
    entry.fingerprint = Some(Fingerprint::new("1"));
    subject.ingested(std::slice::from_ref(&entry)).await;

    entry.path = "new/name".into();
    let run = subject.begin().await;
    assert!(is_unsettled(&subject.see_one(&run, &entry).await), "its document carries the old path");
    let held = subject.ledger.entries(subject.integration, None, 10).await.expect("one entry");
    assert_eq!((held[0].path.as_str(), &held[0].settled), ("new/name", &None));

    subject.record(&run, &entry, &ingested("hash")).await;
    assert!(!is_unsettled(&subject.see_one(&subject.begin().await, &entry).await));
    // A result that was on its way when the entry moved is about a document with the old path.
    let run = subject.begin().await;
    subject.see_one(&run, &entry).await;
    let late = entry.clone();
    entry.path = "newer/name".into();
    subject.see_one(&subject.begin().await, &entry).await;
    subject.record(&run, &late, &ingested("hash")).await;
    assert!(is_unsettled(&subject.see_one(&subject.begin().await, &entry).await));
}

/// See the name.
pub async fn an_unsettled_entry_is_unknown_until_it_is_recorded(subject: &Subject) {
    let entry = file("a", "1");
    subject.ingested(std::slice::from_ref(&entry)).await;
    let run = subject.begin().await;
    subject.see_one(&run, &entry).await;
    subject.ledger.unsettle(&run, &entry.id).await.expect("unsettled");
    // A crash here leaves it so.
    let run = subject.begin().await;
    assert!(is_unsettled(&subject.see_one(&run, &entry).await));
    subject.record(&run, &entry, &ingested("hash")).await;
    assert!(!is_unsettled(&subject.see_one(&subject.begin().await, &entry).await));
}

/// See the name.
pub async fn a_result_of_an_older_run_never_replaces_one_of_a_newer(subject: &Subject) {
    let entry = file("a", "1");
    let older = subject.begin().await;
    let newer = subject.begin().await;
    subject.see_one(&older, &entry).await;
    subject.see_one(&newer, &entry).await;
    subject.record(&newer, &entry, &ingested("newer")).await;
    subject.record(&older, &entry, &failed(None)).await;
    subject.record(&older, &entry, &ingested("newer")).await;
    let known = subject.see_one(&subject.begin().await, &entry).await;
    assert_eq!((known.content_hash.as_deref(), known.quarantine), (Some("newer"), None));
    subject.record(&newer, &entry, &ingested("newest")).await;
    let known = subject.see_one(&subject.begin().await, &entry).await;
    assert_eq!(known.content_hash.as_deref(), Some("newest"), "a run may replace its own result");
}

/// See the name.
pub async fn two_runs_that_ingested_different_bytes_leave_the_entry_unsettled(subject: &Subject) {
    let entry = file("a", "1");
    let older = subject.begin().await;
    let newer = subject.begin().await;
    subject.see_one(&older, &entry).await;
    subject.see_one(&newer, &entry).await;
    subject.record(&newer, &entry, &ingested("newer")).await;
    // Nobody knows which of the two documents reached the ingestor last.
    subject.record(&older, &entry, &ingested("older")).await;
    let next = subject.begin().await;
    assert!(is_unsettled(&subject.see_one(&next, &entry).await));
    subject.record(&next, &entry, &ingested("next")).await;
    assert!(!is_unsettled(&subject.see_one(&subject.begin().await, &entry).await));
}

/// See the name.
pub async fn an_invalidation_outlives_the_runs_that_had_begun(subject: &Subject) {
    let entry = file("a", "1");
    subject.ingested(std::slice::from_ref(&entry)).await;
    let running = subject.begin().await;
    subject.ledger.invalidate(subject.integration, std::slice::from_ref(&entry.id)).await.expect("invalidated");
    subject.record(&running, &entry, &ingested("late")).await;
    let next = subject.begin().await;
    assert!(is_unsettled(&subject.see_one(&next, &entry).await));
    subject.record(&next, &entry, &ingested("next")).await;
    let known = subject.see_one(&subject.begin().await, &entry).await;
    assert_eq!(known.content_hash.as_deref(), Some("next"));
}

/// See the name.
pub async fn failures_count_up_while_the_fingerprint_stays(subject: &Subject) {
    let failures = |known: Known| known.quarantine.map(|quarantine| quarantine.failures);
    for fingerprint in [Some("1"), None] {
        let mut entry = Entry::file(format!("{fingerprint:?}"), format!("{fingerprint:?}"));
        entry.fingerprint = fingerprint.map(Fingerprint::new);
        let run = subject.begin().await;
        subject.see_one(&run, &entry).await;
        for count in 1..=3 {
            subject.record(&run, &entry, &failed(None)).await;
            assert_eq!(failures(subject.see_one(&subject.begin().await, &entry).await), Some(count));
        }
        let mut changed = entry.clone();
        changed.fingerprint = Some(Fingerprint::new("2"));
        let run = subject.begin().await;
        assert_eq!(failures(subject.see_one(&run, &changed).await), None, "another fingerprint ends it");
        subject.record(&run, &changed, &failed(None)).await;
        assert_eq!(failures(subject.see_one(&subject.begin().await, &changed).await), Some(1));
        subject.record(&run, &changed, &ingested("hash")).await;
        assert_eq!(failures(subject.see_one(&subject.begin().await, &changed).await), None, "so does success");
    }
}

/// See the name.
pub async fn a_failure_leaves_what_was_ingested(subject: &Subject) {
    subject.ingested(&files(&["a"])).await;
    let run = subject.begin().await;
    let changed = file("a", "2");
    subject.see_one(&run, &changed).await;
    subject.record(&run, &changed, &failed(None)).await;
    let known = subject.see_one(&subject.begin().await, &changed).await;
    assert_eq!((known.content_hash.as_deref(), known.fingerprint), (Some("hash"), Some(Fingerprint::new("1"))));
    assert!(known.quarantine.is_some());
}

/// See the name.
pub async fn a_quarantine_says_until_when(subject: &Subject) {
    let entry = file("a", "1");
    let run = subject.begin().await;
    let before = Utc::now();
    subject.record(&run, &entry, &failed(Some(Duration::from_secs(3_600)))).await;
    let quarantine = subject.see_one(&run, &entry).await.quarantine.expect("in quarantine");
    let until = quarantine.until.expect("for an hour") - before;
    assert!((3_599..3_700).contains(&until.num_seconds()), "{until}");
    assert_eq!((quarantine.kind, quarantine.message.as_str()), (ErrorKind::Unreadable, "broken"));
    assert_eq!(quarantine.fingerprint, entry.fingerprint);
    subject.record(&run, &entry, &failed(Some(Duration::MAX))).await;
    subject.record(&run, &entry, &failed(None)).await;
    assert_eq!(subject.see_one(&run, &entry).await.quarantine.expect("in quarantine").until, None);
}
