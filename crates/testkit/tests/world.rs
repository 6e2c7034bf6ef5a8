//! The world and its mirror: histories are valid, and a mirror that follows any feed that keeps the
//! contract ends with the world.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use catchment_core::{
    Account, Browse, ChangePage, Changes, Connector, Cursor, Entry, EntryId, Page, PageRequest, Result, async_trait,
};
use catchment_testkit::world::{
    Expected, Folders, Key, Mirror, Node, Op, Refused, Rules, World,
    feed::{Feed, Style, fingerprint, id},
};
use proptest::prelude::*;

/// A vendor in memory. With `script`, the world changes whenever it is asked for something.
#[derive(Debug)]
struct Drive {
    world: Mutex<World>,
    feed: Feed,
    script: Mutex<Vec<Op>>,
    calls: AtomicUsize,
}

impl Drive {
    fn new(world: World, style: Style, page: usize) -> Self {
        Self {
            world: Mutex::new(world),
            feed: Feed { style, page },
            script: Mutex::default(),
            calls: AtomicUsize::new(0),
        }
    }

    /// Something happens between two calls.
    fn ask(&self) -> std::sync::MutexGuard<'_, World> {
        let mut world = self.world.lock().expect("the world");
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
            && let Some(op) = self.script.lock().expect("the script").pop()
        {
            world.apply(op).expect("a valid history");
        }
        world
    }
}

fn expected(node: &Node) -> Expected {
    Expected { id: Some(id(node.key)), fingerprint: fingerprint(node) }
}

#[async_trait]
impl Connector for Drive {
    async fn check(&self) -> Result<Account> {
        Ok(Account::default())
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

#[async_trait]
impl Browse for Drive {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        self.feed.children(&self.ask(), parent, &page)
    }

    async fn lookup(&self, _: &str) -> Result<Entry> {
        Ok(Entry::container(id(Key::ROOT), ""))
    }
}

#[async_trait]
impl Changes for Drive {
    async fn now(&self) -> Result<Cursor> {
        Ok(self.feed.now(&self.ask()))
    }

    async fn changes(&self, since: &Cursor) -> Result<ChangePage> {
        // An offset into what has changed by now is only good while nothing changes.
        self.feed.changes(&self.ask(), since, 0)
    }
}

fn world(ops: &[Op]) -> World {
    let mut world = World::new();
    for op in ops {
        world.apply(op.clone()).expect("a valid history");
    }
    world
}

fn histories() -> impl Strategy<Value = Vec<Op>> {
    Rules::default().with_outside().with_permissions().histories(World::new(), 1..60)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// Fails with sentences.
fn same(mirror: &Mirror, world: &World) -> Result<(), TestCaseError> {
    let differ = mirror.differences_from(world, Folders::All, expected).expect("a whole mirror");
    prop_assert!(differ.is_empty(), "{differ:#?}");
    Ok(())
}

/// Walks in the middle of a history, and follows it to its end.
fn follows(ops: &[Op], at: f64, page: usize, style: Style) -> Result<(), TestCaseError> {
    let half = (ops.len() as f64 * at) as usize;
    let drive = Drive::new(world(&ops[..half]), style, page);
    let mut mirror = run(Mirror::new(&drive)).expect("a walk");
    same(&mirror, &drive.world.lock().expect("the world"))?;
    for op in &ops[half..] {
        drive.world.lock().expect("the world").apply(op.clone()).expect("a valid history");
    }
    run(mirror.follow(&drive)).expect("a feed");
    same(&mirror, &drive.world.lock().expect("the world"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_history_can_be_done_from_the_start_to_any_number(ops in histories()) {
        let whole = world(&ops);
        prop_assert_eq!(whole.version(), ops.len() as u64);
        let half = whole.at(whole.version() / 2);
        let mut again = half.clone();
        for event in whole.since(half.version()) {
            prop_assert_eq!(again.apply(event.op.clone()).expect("a valid history"), event);
        }
        prop_assert!(again.nodes().eq(whole.nodes()));
    }

    #[test]
    fn a_mirror_follows_any_feed_to_the_world(
        ops in histories(),
        at in 0.0..1.0f64,
        page in 1..5usize,
        style in prop::sample::select(vec![Style::Events, Style::Latest, Style::Shuffled]),
    ) {
        follows(&ops, at, page, style)?;
    }

    #[test]
    fn a_mirror_follows_a_feed_of_paths_to_the_world(
        ops in Rules::default().with_permissions().histories(World::new(), 1..60),
        at in 0.0..1.0f64,
        page in 1..5usize,
    ) {
        follows(&ops, at, page, Style::Paths)?;
    }

    #[test]
    fn a_mirror_converges_while_the_world_goes_on(
        ops in histories(),
        at in 0.0..1.0f64,
        page in 1..5usize,
    ) {
        let style = Style::Events;
        let half = (ops.len() as f64 * at) as usize;
        let drive = Drive::new(world(&ops[..half]), style, page);
        drive.script.lock().expect("the script").extend(ops[half..].iter().rev().cloned());
        let mut mirror = run(Mirror::new(&drive)).expect("a walk");
        while !drive.script.lock().expect("the script").is_empty() {
            run(mirror.follow(&drive)).expect("a feed");
        }
        run(mirror.follow(&drive)).expect("a feed");
        same(&mirror, &drive.world.lock().expect("the world"))?;
    }
}

#[test]
fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let mut world = World::new();
    let folder = world.put_folder(Key::ROOT, "a/b").expect("folders");
    let file = world.put(Key::ROOT, "a/file", "x").expect("a file");
    let above = world.find(Key::ROOT, "a").expect("a folder");
    let version = world.version();
    for (op, wanted) in [
        (Op::Move { key: above, parent: folder }, Refused::IntoItself),
        (Op::Move { key: folder, parent: file }, Refused::NotAFolder),
        (Op::Rename { key: folder, name: "file".to_owned() }, Refused::NameTaken),
        (Op::Rename { key: folder, name: "b/c".to_owned() }, Refused::NoName),
        (Op::Write { key: folder, content: "x".into() }, Refused::NotAFile),
        (Op::Delete { key: Key::ROOT }, Refused::Fixed),
        (Op::Delete { key: Key(99) }, Refused::Missing),
    ] {
        assert_eq!(world.apply(op).expect_err("refused"), wanted);
    }
    assert_eq!(world.version(), version);
}

#[test]
fn differences_are_told_in_words() {
    let world = world(&[
        Op::Create { parent: Key::ROOT, name: "kept".to_owned(), content: Some("x".into()) },
        Op::Create { parent: Key::ROOT, name: "missing".to_owned(), content: None },
    ]);
    let mut kept = Entry::file("id-3", "kept");
    kept.size = Some(2);
    let more = Entry::file("id-9", "more");
    let entries = [("kept".to_owned(), &kept), ("more".to_owned(), &more)];
    assert_eq!(
        world.differences(&entries, Folders::All, |_| Expected::default()),
        [
            "\"kept\" has Some(2) bytes instead of 1",
            "the folder \"missing\" is missing",
            "\"more\" with the id id-9 should not be there",
        ]
    );
}
