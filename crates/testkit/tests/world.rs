//! The world and its mirror: histories are valid, and a mirror that follows any feed that keeps the
//! contract ends with the world.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use catchment_core::{
    Account, Browse, Change, ChangePage, Changes, Connector, Cursor, Entry, EntryId, Error, ErrorKind, Page,
    PageRequest, PageToken, Result, async_trait,
};
use catchment_testkit::world::{Expected, Folders, Key, Mirror, Node, Op, Refused, Rules, World};
use proptest::prelude::*;

/// In which of the permitted ways a feed tells.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Style {
    /// Each event, in order, parents named.
    Events,
    /// Each event, in order, parents by path.
    Paths,
    /// The latest of each entry, in the order of the last events.
    Latest,
    /// The latest of each entry, in no order.
    Shuffled,
}

/// A vendor in memory. With `script`, the world changes whenever it is asked for something.
#[derive(Debug)]
struct Drive {
    world: Mutex<World>,
    style: Style,
    page: usize,
    script: Mutex<Vec<Op>>,
    calls: AtomicUsize,
}

impl Drive {
    fn new(world: World, style: Style, page: usize) -> Self {
        Self { world: Mutex::new(world), style, page, script: Mutex::default(), calls: AtomicUsize::new(0) }
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

    fn change(&self, world: &World, key: Key, path: Option<String>) -> Option<Change> {
        let node = world.get(key).or_else(|| world.gone(key))?;
        match path {
            Some(path) => Some(Change::Upsert(Box::new(entry(node, path, self.style != Style::Paths)))),
            None => Some(Change::Remove(id(key))),
        }
    }

    /// An entry and all below it, parents first.
    fn with_all_below(&self, world: &World, key: Key, changes: &mut Vec<Change>) {
        changes.extend(self.change(world, key, world.path(key)));
        for node in world.children(key) {
            self.with_all_below(world, node.key, changes);
        }
    }

    /// What changed since an event, up to a later one, and whether there is more.
    fn page(&self, world: &World, since: u64, offset: usize) -> ChangePage {
        let mut changes = Vec::new();
        if matches!(self.style, Style::Events | Style::Paths) {
            let events = world.since(since);
            for event in &events[..events.len().min(self.page)] {
                let (before, past) = (world.at(event.number - 1), world.at(event.number));
                let Some(key) = event.key else { continue };
                match (before.path(key), past.path(key)) {
                    (None, None) => {}
                    // The listing of what came in may have run ahead of this.
                    (None, Some(_)) => self.with_all_below(&past, key, &mut changes),
                    (_, path) => changes.extend(self.change(&past, key, path)),
                }
            }
            let next = since + events.len().min(self.page) as u64;
            return ChangePage { changes, cursor: cursor(next, 0), more: events.len() > self.page };
        }
        let mut keys = world.touched_since(since);
        if self.style == Style::Shuffled {
            keys.sort_by_key(|key| key.0.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        // What is new while a feed of this kind is read comes behind it: pages are cut from the
        // state at the first.
        let left = keys.get(offset..).unwrap_or_default();
        for key in &left[..left.len().min(self.page)] {
            changes.extend(self.change(world, *key, world.path(*key)));
        }
        let more = left.len() > self.page;
        let next = if more { cursor(since, offset + self.page) } else { cursor(world.version(), 0) };
        ChangePage { changes, cursor: next, more }
    }
}

fn cursor(since: u64, offset: usize) -> Cursor {
    Cursor::new(format!("{since}.{offset}"))
}

fn id(key: Key) -> EntryId {
    format!("id-{key}").into()
}

fn entry(node: &Node, path: String, parent: bool) -> Entry {
    let mut entry =
        if node.is_folder() { Entry::container(id(node.key), path) } else { Entry::file(id(node.key), path) };
    entry.parent = node.parent.filter(|_| parent).map(id);
    entry.size = node.content.as_ref().map(|content| content.len() as u64);
    entry.fingerprint = Some(catchment_core::Fingerprint::new(node.edition.to_string()));
    entry
}

fn expected(node: &Node) -> Expected {
    Expected { id: Some(id(node.key)), fingerprint: Some(catchment_core::Fingerprint::new(node.edition.to_string())) }
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
        let world = self.ask();
        let key = Key(parent.as_str()[3..].parse().expect("an id"));
        if world.path(key).is_none() {
            return Err(Error::not_found(parent));
        }
        let after = page.token.map_or(0, |token| token.as_str().parse().expect("a token"));
        let left: Vec<_> = world.children(key).filter(|node| node.key.0 > after).take(3).collect();
        let next = (left.len() == 3).then(|| PageToken::new(left[2].key.to_string()));
        let items = left[..].iter().map(|node| entry(node, world.path(node.key).expect("inside"), true)).collect();
        Ok(Page { items, next })
    }

    async fn lookup(&self, _: &str) -> Result<Entry> {
        Ok(Entry::container(id(Key::ROOT), ""))
    }
}

#[async_trait]
impl Changes for Drive {
    async fn now(&self) -> Result<Cursor> {
        Ok(cursor(self.ask().version(), 0))
    }

    async fn changes(&self, since: &Cursor) -> Result<ChangePage> {
        let world = self.ask();
        let (number, offset) = since.as_str().split_once('.').expect("a cursor");
        let (number, offset) = (number.parse().expect("a number"), offset.parse().expect("an offset"));
        if number > world.version() {
            return Err(Error::new(ErrorKind::CursorExpired, "not a cursor of this drive: begin anew"));
        }
        // An offset into what has changed by now is only good while nothing changes.
        Ok(self.page(&world, number, offset))
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
