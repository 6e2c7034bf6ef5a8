//! Whatever happens at the source: after each import, ledger and index hold exactly what is there,
//! in whichever way the feed tells of it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::{
    future::poll_fn,
    sync::{Arc, atomic::Ordering},
    task::Poll,
};

use catchment_core::Tenant;
use catchment_engine::Import;
use catchment_store::Store;
use catchment_testkit::world::{Op, Rules, World};
use futures::StreamExt;
use proptest::prelude::*;
use support::{Followed, Style};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Whether folders came or moved, and may have to be listed.
fn is_about_folders(world: &World, op: &Op) -> bool {
    match op {
        Op::Create { content, .. } => content.is_none(),
        Op::Move { key, .. } => world.get(*key).is_some_and(|node| node.is_folder()),
        _ => false,
    }
}

/// `listed` where the feed cannot be followed, and every import ends in a listing.
async fn follows(ops: &[Op], steps: usize, page: usize, style: Style, listed: bool) -> Result<(), TestCaseError> {
    follows_on(Followed::new(World::new(), style, page), ops, steps, listed).await
}

async fn follows_on(followed: Followed, ops: &[Op], steps: usize, listed: bool) -> Result<(), TestCaseError> {
    followed.import().await;
    for ops in ops.chunks(ops.len().div_ceil(steps).max(1)) {
        let mut folders = false;
        for op in ops {
            folders |= is_about_folders(&followed.drive.world(), op);
            followed.apply(op.clone());
        }
        followed.listings();
        let import = Import { approve_removals: true, ..followed.everything() };
        let told = followed.run(import).await.unwrap();
        prop_assert!(told.summary.complete && (listed || told.summary.followed.is_some()));
        prop_assert!(listed || folders || followed.listings() == 0, "nothing moved, and folders were listed");
        let differ = followed.differences().await;
        prop_assert!(differ.is_empty(), "{differ:#?}\n{:#?}", told.events);
    }
    Ok(())
}

/// Drops the import after so many polls, again and again, and lets the last one end.
async fn follows_in_pieces(ops: &[Op], polls: usize, page: usize, style: Style) -> Result<(), TestCaseError> {
    let half = ops.len() / 2;
    let mut world = World::new();
    for op in &ops[..half] {
        world.apply(op.clone()).unwrap();
    }
    let followed = Followed::new(world, style, page);
    followed.import().await;
    for op in &ops[half..] {
        followed.apply(op.clone());
    }
    let import = || Import { approve_removals: true, ..followed.everything() };
    for polls in (1..polls).rev().step_by(3) {
        let mut events = followed.engine().import(import());
        for _ in 0..polls {
            let _ = poll_fn(|cx| Poll::Ready(events.poll_next_unpin(cx))).await;
            tokio::task::yield_now().await;
        }
    }
    let told = followed.run(import()).await.unwrap();
    prop_assert!(told.summary.complete && told.summary.followed.is_some());
    let differ = followed.differences().await;
    prop_assert!(differ.is_empty(), "{differ:#?}\n{:#?}", told.events);
    Ok(())
}

/// The same on a database.
async fn follows_on_sqlite(ops: &[Op], steps: usize, page: usize, style: Style) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("catchment.db")).await.unwrap().scoped(Tenant::local());
    let made = store.find_or_create("drive", "one", &serde_json::json!({})).await.unwrap();
    assert_eq!(made.id, support::INTEGRATION);
    follows_on(Followed::with(World::new(), style, page, Arc::new(store)), ops, steps, false).await
}

fn with_parents() -> impl Strategy<Value = Style> {
    prop::sample::select(vec![Style::Events, Style::Latest, Style::Shuffled])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_is_followed(
        ops in Rules::default().with_outside().histories(World::new(), 1..60),
        steps in 1..6usize,
        page in 1..6usize,
        style in with_parents(),
    ) {
        run(follows(&ops, steps, page, style, false))?;
    }

    #[test]
    fn every_history_is_followed_from_a_flat_listing_that_shows_folders(
        ops in Rules::default().with_outside().histories(World::new(), 1..60),
        steps in 1..6usize,
        page in 1..6usize,
        style in with_parents(),
    ) {
        let half = ops.len() / 2;
        let mut world = World::new();
        for op in &ops[..half] {
            world.apply(op.clone()).unwrap();
        }
        let followed = Followed::new(world, style, page);
        followed.drive.flat.store(true, Ordering::SeqCst);
        followed.drive.shows_folders.store(true, Ordering::SeqCst);
        run(follows_on(followed, &ops[half..], steps, false))?;
    }

    #[test]
    fn a_feed_without_parents_is_as_good_as_none(
        ops in Rules::default().histories(World::new(), 1..60),
        steps in 1..6usize,
        page in 1..6usize,
    ) {
        run(follows(&ops, steps, page, Style::Paths, true))?;
    }

    #[test]
    fn an_import_may_be_dropped_anywhere(
        ops in Rules::default().with_outside().histories(World::new(), 1..60),
        polls in 1..80usize,
        page in 1..6usize,
        style in with_parents(),
    ) {
        run(follows_in_pieces(&ops, polls, page, style))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_is_followed_on_a_database(
        ops in Rules::default().with_outside().histories(World::new(), 1..60),
        steps in 1..6usize,
        page in 1..6usize,
        style in with_parents(),
    ) {
        run(follows_on_sqlite(&ops, steps, page, style))?;
    }
}
