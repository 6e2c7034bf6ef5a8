//! What every connector that lists promises of whatever may happen to its source: a program that follows
//! it, by its feed or by its fingerprints, ends with exactly what is there, content included.
//!
//! The histories are random and the same in every run; `CATCHMENT_HISTORIES` says how many there are. One
//! that is not followed is shortened to what matters before it is told.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use catchment_core::{Connector, Entry, EntryId, Fingerprint, PageRequest, Step, walk::walk};
use futures::StreamExt;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    fixture::{Connected, Fixture, read, root},
    stage::Stage,
    verdict::{Broken, Verdict, ensure},
    world::{Folders, Mirror, Op},
};

/// How many histories there are, unless the environment says otherwise.
const HISTORIES: usize = 4;

/// How many operations a history has at the most.
const LONGEST: usize = 40;

/// How often a history that is not followed is tried again shorter.
const SHORTER: usize = 60;

/// In how many steps a history is followed.
const STEPS: usize = 3;

/// Whatever happens, and from whichever cursor.
pub async fn every_history_is_followed<F: Fixture>(fixture: &F) -> Verdict {
    let count = std::env::var("CATCHMENT_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(HISTORIES);
    let rules = fixture.rules();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let histories = rules.clone().histories(rules.world(), LONGEST / 2..LONGEST);
    for number in 0..count {
        let drawn = histories.new_tree(&mut runner);
        let mut history = drawn.map_err(|reason| Broken::from(format!("no history: {reason}")))?;
        let Err(broken) = follow(fixture, &history.current()).await else { continue };
        let mut worst = (history.current(), broken);
        let mut shorter = history.simplify();
        for _ in 0..SHORTER {
            if !shorter {
                break;
            }
            shorter = match follow(fixture, &history.current()).await {
                Err(broken) => {
                    worst = (history.current(), broken);
                    history.simplify()
                }
                Ok(()) => history.complicate(),
            };
        }
        return Err(format!("history {number}, of which this is left: {:?}: {}", worst.0, worst.1).into());
    }
    Ok(())
}

/// Follows one history on a source of its own.
async fn follow<F: Fixture>(fixture: &F, ops: &[Op]) -> Verdict {
    let fixture = fixture.another().await;
    let connector = fixture.connector()?;
    let mut stage = Stage::new(&fixture);
    let mut copy = Copy::default();
    let mut mirrors = Vec::new();
    if connector.changes().is_some() {
        mirrors.push(Mirror::new(connector.as_ref()).await?);
    }
    for (step, ops) in ops.chunks(ops.len().div_ceil(STEPS).max(1)).enumerate() {
        for op in ops {
            stage.apply(op.clone()).await?;
        }
        let after = format!("step {step}");
        for mirror in &mut mirrors {
            mirror.follow(connector.as_ref()).await?;
            stage.agrees(mirror, &after)?;
        }
        let entries = match mirrors.first() {
            Some(mirror) => mirror.entries()?.into_iter().map(|(path, entry)| (path, entry.clone())).collect(),
            None => walked(connector.as_ref()).await?,
        };
        copy.update(connector.as_ref(), entries).await?;
        copy.agrees(&stage, &after)?;
        if connector.changes().is_some() {
            // A mirror that begins here has to end where the first does.
            let late = Mirror::new(connector.as_ref()).await?;
            stage.agrees(&late, &format!("{after}, walked anew"))?;
            let differ = mirrors.first().map(|first| first.differences(&late)).transpose()?.unwrap_or_default();
            ensure!(differ.is_empty(), "after {after}, followed is not walked: {}", differ.join("; "));
            mirrors.push(late);
        }
    }
    Ok(())
}

/// All that a walk meets, which has to be complete.
async fn walked(connector: &dyn Connector) -> Verdict<Vec<(String, Entry)>> {
    let browse = connector.need_browse()?;
    let (mut all, mut complete) = (Vec::new(), false);
    let steps = walk(browse, root(browse).await?, PageRequest::first());
    futures::pin_mut!(steps);
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => all.extend(entries.into_iter().map(|entry| (entry.path.clone(), entry))),
            Step::Unlisted { error, .. } => return Err(error.into()),
            Step::End(proof) => complete = proof.is_some(),
        }
    }
    ensure!(complete, "the walk has no proof that it is complete");
    Ok(all)
}

/// What a program has that reads only what has changed.
#[derive(Default)]
struct Copy {
    entries: Vec<(String, Entry)>,
    /// Whether containers are not listed.
    flat: bool,
    /// By id: the fingerprint it was read with, and what was read.
    read: HashMap<EntryId, (Option<Fingerprint>, Bytes)>,
}

impl Copy {
    async fn update(&mut self, connector: &dyn Connector, entries: Vec<(String, Entry)>) -> Verdict {
        let mut now = HashMap::new();
        for (_, entry) in entries.iter().filter(|(_, entry)| entry.is_file()) {
            let known = self.read.remove(&entry.id);
            let same = known.filter(|(mark, _)| mark.is_some() && *mark == entry.fingerprint);
            let kept = match (same, connector.download()) {
                (Some(same), _) => same,
                (None, Some(download)) => (entry.fingerprint.clone(), read(download, entry).await?.into()),
                (None, None) => continue,
            };
            now.insert(entry.id.clone(), kept);
        }
        let flat = connector.changes().is_none()
            && connector.need_browse()?.flat().is_some_and(|flat| !flat.shows_containers());
        *self = Self { entries, flat, read: now };
        Ok(())
    }

    fn agrees<F: Fixture>(&self, stage: &Stage<'_, F>, after: &str) -> Verdict {
        let folders = if self.flat { Folders::None } else { stage.folders() };
        let all: Vec<_> = self.entries.iter().map(|(path, entry)| (path.clone(), entry)).collect();
        let differ = stage.world.differences(&all, folders, |node| stage.fixture.expected(&stage.world, node));
        ensure!(differ.is_empty(), "after {after}: {}", differ.join("; "));
        let ids: BTreeMap<_, _> = self.entries.iter().map(|(path, entry)| (path.as_str(), &entry.id)).collect();
        let twins = ids.len() < self.entries.len();
        for node in stage.world.nodes() {
            let (Some(wanted), Some(path)) = (&node.content, stage.world.path(node.key)) else { continue };
            let expected = stage.fixture.expected(&stage.world, node).id;
            let id = expected.as_ref().or_else(|| ids.get(path.as_str()).copied().filter(|_| !twins));
            let Some((_, came)) = id.and_then(|id| self.read.get(id)) else { continue };
            ensure!(came == wanted, "after {after}: {path:?} holds {} bytes that are not its own", came.len());
        }
        Ok(())
    }
}
