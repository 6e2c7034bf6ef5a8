//! The stage: a fixture's source and the world it should be, changed together.

use std::sync::Arc;

use catchment_core::Connector;

use crate::{
    fixture::{Connected, Fixture},
    verdict::{Broken, Verdict, ensure},
    world::{Event, Folders, Key, Mirror, Op, Refused, World},
};

/// A source, and the world it should be.
pub(crate) struct Stage<'a, F> {
    pub(crate) fixture: &'a F,
    pub(crate) world: World,
}

impl<'a, F: Fixture> Stage<'a, F> {
    /// The fixture has nothing in it, and neither has the world.
    pub(crate) fn new(fixture: &'a F) -> Self {
        Self { fixture, world: fixture.rules().world() }
    }

    /// Does something to both.
    pub(crate) async fn act<T>(&mut self, act: impl FnOnce(&mut World) -> Result<T, Refused>) -> Verdict<T> {
        let done = self.world.version();
        let result = act(&mut self.world).map_err(|refused| Broken::from(format!("the check is wrong: {refused}")))?;
        for event in self.world.since(done) {
            // A source that looks at the world sees it as of this event.
            if event.number == self.world.version() {
                self.fixture.play(&self.world, event).await;
            } else {
                self.fixture.play(&self.world.at(event.number), event).await;
            }
        }
        Ok(result)
    }

    /// Does one operation to both.
    pub(crate) async fn apply(&mut self, op: Op) -> Verdict {
        self.act(|world| world.apply(op).map(|_| ())).await
    }

    /// Makes or rewrites a file in both.
    pub(crate) async fn put(&mut self, path: &str, content: &'static str) -> Verdict<Key> {
        self.act(|world| world.put(Key::ROOT, path, content)).await
    }

    /// A connector to the source, and a mirror of it.
    pub(crate) async fn mirror(&self) -> Verdict<(Arc<dyn Connector>, Mirror)> {
        let connector = self.fixture.connector()?;
        let mirror = Mirror::new(connector.as_ref()).await?;
        self.agrees(&mirror, "the first walk")?;
        Ok((connector, mirror))
    }

    /// Which folders the source keeps.
    pub(crate) fn folders(&self) -> Folders {
        if self.fixture.rules().empty_folders { Folders::All } else { Folders::Filled }
    }

    /// That a mirror holds what the world does.
    pub(crate) fn agrees(&self, mirror: &Mirror, after: &str) -> Verdict {
        let differ =
            mirror.differences_from(&self.world, self.folders(), |node| self.fixture.expected(&self.world, node))?;
        ensure!(differ.is_empty(), "after {after}: {}", differ.join("; "));
        Ok(())
    }
}

/// Does to a store of paths what was done to the world by its last event.
pub(crate) async fn play_by_paths<F: Fixture>(fixture: &F, world: &World, event: &Event) {
    let Some(top) = event.key else { return };
    let (before, after) = event.within_root();
    match (&event.op, before, after) {
        (Op::Create { .. } | Op::Write { .. }, _, Some(path)) => write(fixture, world, top, path).await,
        (Op::Rename { .. } | Op::Move { .. }, Some(from), Some(to)) if from == to => {}
        (Op::Rename { .. } | Op::Move { .. }, Some(from), Some(to)) => {
            relocate(fixture, world, event, (from, to)).await
        }
        (Op::Rename { .. } | Op::Move { .. } | Op::Delete { .. }, Some(_), None) => {
            clear(fixture, world, event, top).await;
        }
        _ => {}
    }
}

async fn relocate<F: Fixture>(fixture: &F, world: &World, event: &Event, (from, to): (&str, &str)) {
    if fixture.rename(from, to).await {
        return;
    }
    if let Some(top) = event.key {
        clear(fixture, world, event, top).await;
    }
    for key in event.key.iter().chain(&event.below) {
        if let Some(path) = world.path(*key) {
            write(fixture, world, *key, &path).await;
        }
    }
}

async fn write<F: Fixture>(fixture: &F, world: &World, key: Key, path: &str) {
    match world.content(key) {
        Some(bytes) => fixture.put(path, bytes).await,
        None => {
            fixture.put_folder(path).await;
        }
    }
}

/// Takes away what lay where the event found it, what is below before what it is in.
async fn clear<F: Fixture>(fixture: &F, world: &World, event: &Event, top: Key) {
    for key in event.below.iter().rev().chain([&top]) {
        let path = world.path_before(event, *key);
        let Some(path) = path.as_deref().and_then(|path| path.strip_prefix("root/")) else { continue };
        match world.get(*key).or_else(|| world.gone(*key)) {
            Some(node) if node.is_folder() => fixture.remove_folder(path).await,
            _ => fixture.remove(path).await,
        }
    }
}
