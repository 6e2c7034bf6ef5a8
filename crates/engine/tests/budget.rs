//! Many imports under one budget.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, atomic::Ordering};

use catchment_engine::{Event, Options};
use futures::{StreamExt, future::join_all};
use tokio::sync::Semaphore;

mod support;

use support::World;

fn world(budget: &Arc<Semaphore>) -> World {
    let mut world = World::new(&[]);
    for file in 0..20 {
        world.folder.put(&format!("f{file:02}"), "text");
    }
    world.options = Options { concurrency: 8, budget: Some(budget.clone()), ..Options::default() };
    world
}

#[tokio::test]
async fn imports_share_a_budget_and_give_it_back() {
    let budget = Arc::new(Semaphore::new(3));
    let mut worlds: Vec<World> = (0..6).map(|_| world(&budget)).collect();
    // What they have on their way is counted together.
    let (alive, most) = (worlds[0].folder.alive.clone(), worlds[0].folder.most_alive.clone());
    for world in &mut worlds {
        let folder = Arc::get_mut(&mut world.folder).unwrap();
        (folder.alive, folder.most_alive) = (alive.clone(), most.clone());
    }
    for told in join_all(worlds.iter().map(World::import)).await {
        assert_eq!(told.summary.ingested, 20);
    }
    let most = most.load(Ordering::SeqCst);
    // A page of each import may be listed at the same time.
    assert!(most <= 3 + 6 + 6, "{most} at once");
    assert_eq!(budget.available_permits(), 3);
}

#[tokio::test]
async fn an_import_goes_on_when_others_have_taken_the_whole_budget() {
    let budget = Arc::new(Semaphore::new(0));
    let world = world(&budget);
    assert_eq!(world.import().await.summary.ingested, 20);
    assert!(world.folder.most_alive.load(Ordering::SeqCst) <= 2, "a file and a page");
}

#[tokio::test]
async fn a_dropped_import_gives_its_part_back() {
    let budget = Arc::new(Semaphore::new(5));
    let world = world(&budget);
    let mut events = world.engine().import(world.everything());
    let mut started = 0;
    while started < 4 {
        started += u32::from(matches!(events.next().await, Some(Ok(Event::Started { .. }))));
    }
    assert!(budget.available_permits() < 5);
    drop(events);
    assert_eq!(budget.available_permits(), 5);
}
