//! The contract of ledgers: one test for each promise, for every implementation.
//!
//! ```ignore
//! async fn fixture() -> Subject { .. }
//! catchment_testkit::ledger_contract!(fixture);
//! ```

mod apart;
mod following;
mod removals;
mod results;

use std::{any::Any, sync::Arc, time::Duration};

use catchment_core::{
    Browse, Complete, Entry, EntryId, EntryResult, ErrorKind, Fingerprint, IntegrationId, Known, Ledger, Page,
    PageRequest, Result, Run, Step, async_trait, walk::walk,
};
use futures::StreamExt;

pub use apart::*;
pub use following::*;
pub use removals::*;
pub use results::*;

/// An empty ledger to try.
pub struct Subject {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// An integration it knows.
    pub integration: IntegrationId,
    /// Another one.
    pub other: IntegrationId,
    /// What has to live as long: a directory, a server.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Makes one test of each promise of a [`Ledger`]. Takes the name of an `async fn() -> Subject`.
/// The caller needs `tokio` with its macros.
#[macro_export]
macro_rules! ledger_contract {
    ($fixture:path) => {
        $crate::ledger_contract!(@tests $fixture;
            runs_are_numbered_upwards,
            what_was_ingested_is_known,
            a_page_is_answered_in_its_order,
            an_entry_seen_twice_in_one_run_is_known_as_such,
            of_two_paths_in_one_run_the_first_counts,
            an_entry_that_moved_is_unsettled,
            an_unsettled_entry_is_unknown_until_it_is_recorded,
            a_result_of_an_older_run_never_replaces_one_of_a_newer,
            two_runs_that_ingested_different_bytes_leave_the_entry_unsettled,
            an_invalidation_outlives_the_runs_that_had_begun,
            failures_count_up_while_the_fingerprint_stays,
            a_failure_leaves_what_was_ingested,
            a_quarantine_says_until_when,
            unseen_counts_what_was_there_before_this_run,
            a_root_covers_itself_and_what_is_below_it,
            what_a_newer_run_has_seen_is_not_buried_by_an_older,
            an_entry_seen_again_is_alive,
            a_tombstone_waits_for_its_grace,
            what_is_taken_for_removal_is_unsettled,
            what_came_back_is_not_forgotten,
            what_was_recorded_meanwhile_is_not_forgotten,
            entries_come_in_the_order_of_their_ids,
            names_may_hold_anything,
            integrations_are_apart,
            nothing_is_a_page_too,
            a_feed_is_kept_and_moved_and_dropped,
            the_newest_run_follows_and_no_other,
            what_is_told_is_known,
            the_last_word_of_a_page_counts,
            a_container_that_moves_takes_along_what_is_below_it,
            a_container_that_is_removed_takes_along_what_is_below_it,
            a_file_takes_the_place_of_a_container,
            a_container_takes_the_place_of_a_file,
            a_container_that_was_not_known_is_listed,
            a_listing_leaves_what_is_known_to_the_feed,
            an_entry_may_come_before_its_container,
            containers_may_be_in_each_other_between_two_changes,
            what_a_removal_would_bury_can_be_counted_before,
            what_a_feed_buried_can_be_taken_back,
            what_no_feed_tells_again_is_due,
            containers_that_a_walk_does_not_meet_are_forgotten,
            a_listing_has_the_last_word,
            a_walk_that_lost_the_feed_leaves_the_containers_alone,
            feeds_of_two_integrations_are_apart,
        );
    };
    (@tests $fixture:path; $($name:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            $crate::ledger::$name(&$fixture().await).await;
        })*
    };
}

/// The proof that everything below `path` was listed.
pub async fn proof(path: &str) -> Complete {
    struct Nothing;

    #[async_trait]
    impl Browse for Nothing {
        async fn children(&self, _: &EntryId, _: PageRequest) -> Result<Page<Entry>> {
            Ok(Page::last(Vec::new()))
        }

        async fn lookup(&self, path: &str) -> Result<Entry> {
            Ok(Entry::container(path, path))
        }
    }

    let steps: Vec<Step> = walk(&Nothing, Entry::container(path, path), PageRequest::first()).collect().await;
    match steps.into_iter().last() {
        Some(Step::End(Some(proof))) => proof,
        _ => unreachable!("a walk over nothing is complete"),
    }
}

impl Subject {
    async fn begin(&self) -> Run {
        self.ledger.begin(self.integration, &[String::new()]).await.expect("a run begins")
    }

    async fn see(&self, run: &Run, entries: &[Entry]) -> Vec<Known> {
        let known = self.ledger.seen(run, entries).await.expect("a page is seen");
        assert_eq!(known.len(), entries.len());
        known
    }

    async fn see_one(&self, run: &Run, entry: &Entry) -> Known {
        self.see(run, std::slice::from_ref(entry)).await.remove(0)
    }

    async fn record(&self, run: &Run, entry: &Entry, result: &EntryResult) {
        self.ledger.record(run, &[(entry.clone(), result.clone())]).await.expect("a result is recorded");
    }

    /// A run that has seen and ingested `entries`.
    async fn ingested(&self, entries: &[Entry]) -> Run {
        let run = self.begin().await;
        self.see(&run, entries).await;
        let results: Vec<_> = entries.iter().map(|entry| (entry.clone(), ingested("hash"))).collect();
        self.ledger.record(&run, &results).await.expect("results are recorded");
        run
    }

    async fn bury(&self, run: &Run, path: &str) -> u64 {
        self.ledger.bury(run, &proof(path).await).await.expect("the unseen are buried")
    }

    async fn take(&self, grace: Duration) -> Vec<String> {
        let taken = self.ledger.take_buried(self.integration, grace, 100).await.expect("tombstones are taken");
        let mut taken: Vec<_> = taken.into_iter().map(|buried| buried.entry.as_str().to_owned()).collect();
        taken.sort();
        taken
    }

    async fn ids(&self) -> Vec<String> {
        let entries = self.ledger.entries(self.integration, None, 1_000).await.expect("a page of entries");
        entries.into_iter().map(|entry| entry.entry.as_str().to_owned()).collect()
    }
}

/// A file whose id is its path.
fn file(path: &str, fingerprint: &str) -> Entry {
    let mut entry = Entry::file(path, path);
    entry.fingerprint = Some(Fingerprint::new(fingerprint));
    entry
}

fn files(paths: &[&str]) -> Vec<Entry> {
    paths.iter().map(|path| file(path, "1")).collect()
}

fn ingested(hash: &str) -> EntryResult {
    EntryResult::Ingested { content_hash: hash.into(), chunks: 3, portfolio: Some("rivers".into()) }
}

fn failed(pause: Option<Duration>) -> EntryResult {
    EntryResult::Failed { kind: ErrorKind::Unreadable, message: "broken".into(), pause }
}

fn is_unsettled(known: &Known) -> bool {
    known.fingerprint.is_none() && known.content_hash.is_none() && known.chunks == 0 && known.portfolio.is_none()
}
