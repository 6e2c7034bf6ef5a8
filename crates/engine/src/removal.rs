//! Removals: what a complete listing proves to be gone leaves the index.

use catchment_core::{Complete, DocumentKey, EntryId, Result, Run, Unseen};
use futures::Stream;

use crate::{
    engine::{Breaker, Engine},
    event::Event,
    import::Import,
};

/// How many entries are removed at once.
const BATCH: u32 = 500;

/// What happens while entries are removed.
pub(crate) enum Step {
    Event(Event),
    /// So many more entries are under a tombstone.
    Buried(u64),
}

/// Buries what is gone below each root that was listed completely, unless that is more than the
/// breaker lets pass, then removes what has lain long enough.
pub(crate) fn remove<'a>(
    engine: &'a Engine,
    import: &'a Import,
    run: Run,
    listed: Vec<(Complete, u64)>,
) -> impl Stream<Item = Result<Step>> + Send + 'a {
    async_stream::try_stream! {
        for (proof, found) in listed {
            let unseen = engine.ledger.unseen(&run, &proof).await?;
            if unseen.unseen == 0 {
                continue;
            }
            if !import.approve_removals && engine.options.breaker.holds(unseen, found) {
                let root = proof.path().to_owned();
                yield Step::Event(Event::Parked { root, gone: unseen.unseen, of: unseen.living });
            } else {
                yield Step::Buried(engine.ledger.bury(&run, &proof).await?);
            }
        }
        let integration = run.integration;
        loop {
            let taken = engine.ledger.take_buried(integration, engine.options.grace, BATCH).await?;
            if taken.is_empty() {
                break;
            }
            let entries: Vec<EntryId> = taken.iter().map(|buried| buried.entry.clone()).collect();
            let keys: Vec<DocumentKey> =
                entries.iter().map(|entry| DocumentKey { integration, entry: entry.clone() }).collect();
            engine.ingestor.remove(&keys).await?;
            // Another run has met these in the meantime. Whether its document or this removal
            // came last nobody knows: they are ingested once more.
            let stay = engine.ledger.forget(integration, &entries).await?;
            if !stay.is_empty() {
                engine.ledger.invalidate(integration, &stay).await?;
            }
            for buried in taken {
                if !stay.contains(&buried.entry) {
                    yield Step::Event(Event::Removed { entry: buried.entry, path: buried.path });
                }
            }
        }
    }
}

impl Breaker {
    /// Whether to ask a person before so much is removed. `found` is what the listing has found.
    pub(crate) fn holds(&self, unseen: Unseen, found: u64) -> bool {
        let share = unseen.unseen as f64 / unseen.living.max(1) as f64;
        found == 0 || (unseen.unseen > self.entries && share > self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(gone: u64, of: u64) -> bool {
        Breaker::default().holds(Unseen { living: of, unseen: gone }, of - gone)
    }

    #[test]
    fn much_is_both_a_share_and_a_number() {
        assert!(!holds(2, 10), "a fifth, but two files");
        assert!(!holds(60, 100_000), "sixty files, but next to nothing");
        assert!(holds(60, 300), "sixty files, and a fifth");
        assert!(!holds(50, 300) && holds(51, 300), "fifty is the limit");
    }

    #[test]
    fn an_empty_listing_is_not_believed() {
        assert!(holds(3, 3));
    }
}
