//! Downloads, and the errors that pass.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::{sync::atomic::Ordering, time::Duration};

use catchment_core::{ByteRange, Error, ErrorKind};
use catchment_engine::{Event, Status};
use support::{Fault, World};
use tokio::time::Instant;

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "not now")
}

/// Large enough for several pieces, and no piece like another.
fn text() -> String {
    (0..60_000).map(|number| format!("{number:05} ")).collect()
}

#[tokio::test(start_paused = true)]
async fn an_error_that_passes_is_tried_again() {
    let world = World::new(&["a"]);
    world.folder.faults("a", vec![Fault::Refused(unavailable); 4]);
    let started = Instant::now();
    assert_eq!(world.import().await.status("a"), Status::Ingested);
    assert!(started.elapsed() > Duration::from_secs(4), "with pauses in between: {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn it_is_not_tried_for_ever() {
    let mut world = World::new(&["a", "b"]);
    world.folder.faults("a", vec![Fault::Refused(unavailable); 99]);
    let told = world.import().await;
    assert_eq!((told.status("a"), told.kind("a")), (Status::Failed, Some(ErrorKind::Unavailable)));
    assert_eq!((told.status("b"), world.folder.ranges("a").len()), (Status::Ingested, 5));

    let world = {
        world.options.retries.times = 1_000;
        world.folder.put("a", "a");
        world
    };
    let started = Instant::now();
    assert_eq!(world.import().await.status("a"), Status::Failed);
    assert!(started.elapsed() <= world.options.retries.deadline);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_does_not_pass_is_not_tried_again() {
    let world = World::new(&["a"]);
    world.folder.faults("a", [Fault::Refused(|| Error::new(ErrorKind::Forbidden, "grant access"))]);
    assert_eq!(world.import().await.status("a"), Status::Failed);
    assert_eq!(world.folder.ranges("a").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_asks_for_time_gets_it() {
    let world = World::new(&["soon", "late"]);
    world.folder.faults("soon", [Fault::Refused(|| later(15))]);
    world.folder.faults("late", [Fault::Refused(|| later(3_600))]);
    let started = Instant::now();
    let told = world.import().await;
    assert!(started.elapsed() >= Duration::from_secs(15) && started.elapsed() < Duration::from_secs(30));
    assert_eq!((told.status("soon"), told.status("late")), (Status::Ingested, Status::Failed));
    assert_eq!(world.folder.ranges("late").len(), 1, "an hour is not waited for");
}

fn later(seconds: u64) -> Error {
    Error::new(ErrorKind::RateLimited, "slow down").retry_after(Duration::from_secs(seconds))
}

#[tokio::test(start_paused = true)]
async fn a_transfer_goes_on_where_it_broke() {
    let world = World::new(&[]);
    world.folder.put("a", text());
    world.folder.faults("a", [Fault::Cut(100_000), Fault::Short(50_000), Fault::Stall(10)]);
    assert_eq!(world.import().await.status("a"), Status::Ingested);
    let from = |offset| Some(ByteRange::from(offset));
    assert_eq!(world.folder.ranges("a"), [None, from(100_000), from(150_000), from(150_010)]);
    assert_eq!(world.index.text("a").unwrap(), text().trim());
}

#[tokio::test(start_paused = true)]
async fn a_transfer_starts_over_on_another_version() {
    // Whether the vendor notices or not.
    for careless in [false, true] {
        let world = World::new(&["a"]);
        world.folder.careless.store(careless, Ordering::SeqCst);
        let second: &'static str = text().replace('0', "o").leak();
        world.folder.put("a", text());
        world.folder.faults("a", [Fault::CutAndChanged(100_000, second)]);
        assert_eq!(world.import().await.status("a"), Status::Ingested);
        let held = world.index.text("a").unwrap();
        assert!(held == second.trim(), "not the beginning of one and the end of the other");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_without_a_version_starts_over() {
    let world = World::new(&[]);
    world.folder.put("a", text());
    world.folder.change("a", |entry| entry.fingerprint = None);
    world.folder.faults("a", [Fault::Cut(100_000)]);
    assert_eq!(world.import().await.status("a"), Status::Ingested);
    assert_eq!(world.folder.ranges("a"), [None, None]);
    assert_eq!(world.index.text("a").unwrap(), text().trim());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_given_up() {
    let mut world = World::new(&["a", "b"]);
    world.options.retries.times = 0;
    world.folder.faults("a", [Fault::Stall(0)]);
    let told = world.import().await;
    assert_eq!((told.status("a"), told.kind("a")), (Status::Failed, Some(ErrorKind::Timeout)));
    assert_eq!(told.status("b"), Status::Ingested);
}

#[tokio::test]
async fn a_large_transfer_tells_how_far_it_is() {
    let world = World::new(&["small"]);
    world.folder.put("large", "x".repeat(1 << 20));
    let told = world.import().await;
    let mut far = Vec::new();
    for event in &told.events {
        match event {
            Event::Progress { entry, bytes } if entry.as_str() == "large" => far.push(*bytes),
            Event::Progress { entry, .. } => panic!("{entry} is small"),
            Event::Finished(result) if result.path == "large" => far.push(u64::MAX),
            _ => {}
        }
    }
    assert_eq!(far, [256 << 10, 512 << 10, 768 << 10, 1 << 20, u64::MAX], "and its result comes last");
}

#[tokio::test]
async fn how_far_a_transfer_came_is_told_before_it_failed() {
    let mut world = World::new(&[]);
    world.options.retries.times = 0;
    world.folder.put("a", "x".repeat(1 << 20));
    world.folder.faults("a", [Fault::Cut(256 << 10)]);
    let told = world.import().await;
    let last_two = &told.events[told.events.len() - 2..];
    assert!(matches!(last_two, [Event::Progress { .. }, Event::Finished(_)]), "{last_two:?}");
}
