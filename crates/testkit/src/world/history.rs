//! Histories: random operations, each possible when its turn comes.

use bytes::Bytes;
use catchment_core::Principal;
use proptest::{arbitrary::any, collection::SizeRange, strategy::Strategy};

use crate::world::{Key, Node, Op, World};

/// What a vendor allows, and so what a history for it may hold.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The names that things are given.
    pub names: Vec<String>,
    /// The longest path from the drive, in bytes.
    pub longest: usize,
    /// Whether names that differ in case alone are two names.
    pub cases: bool,
    /// Whether one folder may hold two things of one name. The world has to be one
    /// [`with_twins`](World::with_twins).
    pub twins: bool,
    /// Whether a folder that holds no file is something.
    pub empty_folders: bool,
    /// Whether things move out of the integration's root and into it.
    pub outside: bool,
    /// Whether grants and groups change.
    pub permissions: bool,
}

/// Names that people give, and that programs trip over.
const NAMES: [&str; 30] = [
    "a",
    "b",
    "c",
    "notes",
    "notes.txt",
    "report.pdf",
    "Report.pdf",
    "REPORT.PDF",
    "two words.txt",
    " leading",
    "trailing ",
    "dot.",
    ".hidden",
    "#1 hash.txt",
    "50% off.txt",
    "100%25.txt",
    "a+b=c.txt",
    "back\\slash.txt",
    "line\nbreak.txt",
    "tab\tstop.txt",
    "quote\"'`.txt",
    "question?.txt",
    "star*.txt",
    "colon:semi;amp&.txt",
    "<angle>|pipe.txt",
    "😀 emoji.txt",
    // One name in two normal forms.
    "caf\u{e9}.txt",
    "cafe\u{301}.txt",
    "日本語.txt",
    "a long name that goes on and on, as names do that were the first sentence of a letter once, or the \
     subject of a message that was forwarded by five people, each of whom added something.txt",
];

impl Default for Rules {
    /// All names; nothing outside the root, no permissions, no twins.
    fn default() -> Self {
        Self {
            names: NAMES.map(str::to_owned).into(),
            longest: 700,
            cases: true,
            twins: false,
            empty_folders: true,
            outside: false,
            permissions: false,
        }
    }
}

impl Rules {
    /// Without the names that the vendor forbids.
    #[must_use]
    pub fn only(mut self, allows: impl Fn(&str) -> bool) -> Self {
        self.names.retain(|name| allows(name));
        self
    }

    /// With things that move out of the root and into it.
    #[must_use]
    pub fn with_outside(self) -> Self {
        Self { outside: true, ..self }
    }

    /// For a store whose folders are nothing but the paths of its files.
    #[must_use]
    pub fn without_empty_folders(self) -> Self {
        Self { empty_folders: false, ..self }
    }

    /// With grants and groups that change.
    #[must_use]
    pub fn with_permissions(self) -> Self {
        Self { permissions: true, ..self }
    }

    /// For a vendor to which `A` and `a` are one name.
    #[must_use]
    pub fn without_cases(self) -> Self {
        Self { cases: false, ..self }
    }

    /// A new world for such histories.
    pub fn world(&self) -> World {
        if self.twins { World::with_twins() } else { World::new() }
    }

    /// Random histories on `start`, for [`proptest`]; they shrink by leaving operations out.
    pub fn histories(self, start: World, length: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Op>, Tree: Send> {
        let draws = proptest::collection::vec(any::<u64>(), length);
        draws.prop_map(move |draws| self.history(&start, draws))
    }

    /// The history on `start` that belongs to a number: about `length` operations.
    ///
    /// Deterministic.
    pub fn seeded(&self, start: &World, seed: u64, length: usize) -> Vec<Op> {
        let mut dice = Dice(seed);
        let draws: Vec<_> = (0..length).map(|_| dice.next()).collect();
        self.history(start, draws)
    }

    /// One operation, or three that exchange two names, for every number drawn.
    fn history(&self, start: &World, draws: impl IntoIterator<Item = u64>) -> Vec<Op> {
        let mut maker = Maker { rules: self, world: start.clone(), freed: Vec::new(), ops: Vec::new() };
        for draw in draws {
            maker.step(Dice(draw));
        }
        maker.ops
    }
}

/// Splitmix64: numbers that look random, from a seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

/// A history on the way.
struct Maker<'a> {
    rules: &'a Rules,
    world: World,
    /// Places that something left: the likeliest to be confused with what comes there next.
    freed: Vec<(Key, String)>,
    ops: Vec<Op>,
}

impl Maker<'_> {
    /// Where a draw is not possible as things are, a file is made instead: no draw is without effect.
    fn step(&mut self, mut dice: Dice) {
        let weight = if self.rules.permissions { 112 } else { 100 };
        let done = match dice.below(weight) {
            0..22 => false,
            22..38 => self.create(&mut dice, true),
            38..54 => self.write(&mut dice),
            54..66 => self.rename(&mut dice),
            66..82 => self.relocate(&mut dice),
            82..92 => self.delete(&mut dice),
            92..96 => self.recreate(&mut dice),
            96..100 => self.exchange(&mut dice),
            _ => self.share(&mut dice),
        };
        if !done {
            self.create(&mut dice, false);
        }
    }

    fn create(&mut self, dice: &mut Dice, folder: bool) -> bool {
        let content = (!folder).then(|| content(dice));
        let known = if dice.one_in(3) { dice.pick(&self.freed).cloned() } else { None };
        if let Some((parent, name)) = known
            && self.try_op(Op::Create { parent, name, content: content.clone() })
        {
            return true;
        }
        let Some(parent) = self.any_folder(dice) else { return false };
        let name = self.name(dice);
        self.try_op(Op::Create { parent, name, content: content.clone() })
            || self.try_op(Op::Create { parent, name: format!("n{}", dice.below(1 << 30)), content })
    }

    fn write(&mut self, dice: &mut Dice) -> bool {
        let Some(key) = self.any(dice, |node| !node.is_folder()) else { return false };
        let content = content(dice);
        self.try_op(Op::Write { key, content })
    }

    fn rename(&mut self, dice: &mut Dice) -> bool {
        let Some(key) = self.any(dice, |_| true) else { return false };
        let parent = self.world.get(key).and_then(|node| node.parent);
        let freed: Vec<_> = self.freed.iter().filter(|(place, _)| Some(*place) == parent).collect();
        let name = match dice.pick(&freed) {
            Some((_, name)) if dice.one_in(2) => name.clone(),
            _ => self.name(dice),
        };
        self.try_op(Op::Rename { key, name })
    }

    fn relocate(&mut self, dice: &mut Dice) -> bool {
        let folders_first = dice.one_in(2);
        let Some(key) = self.any(dice, |node| !folders_first || node.is_folder()) else { return false };
        let Some(parent) = self.any_folder(dice) else { return false };
        self.try_op(Op::Move { key, parent })
    }

    fn delete(&mut self, dice: &mut Dice) -> bool {
        let Some(key) = self.any(dice, |_| true) else { return false };
        self.try_op(Op::Delete { key })
    }

    /// Another thing at the same path.
    fn recreate(&mut self, dice: &mut Dice) -> bool {
        let Some(key) = self.any(dice, |_| true) else { return false };
        let Some((parent, name)) = self.world.get(key).and_then(|node| Some((node.parent?, node.name.clone()))) else {
            return false;
        };
        let content = (!dice.one_in(3)).then(|| content(dice));
        self.try_op(Op::Delete { key }) && self.try_op(Op::Create { parent, name, content })
    }

    /// Two things of one folder take each other's name.
    fn exchange(&mut self, dice: &mut Dice) -> bool {
        let Some(one) = self.any(dice, |_| true).and_then(|key| self.world.get(key)) else { return false };
        let (one, parent, first) = (one.key, one.parent, one.name.clone());
        let Some(other) = self.any(dice, |node| node.parent == parent && node.key != one) else { return false };
        let second = self.world.get(other).map(|node| node.name.clone()).unwrap_or_default();
        self.try_op(Op::Rename { key: one, name: "in between".to_owned() })
            && self.try_op(Op::Rename { key: other, name: first })
            && self.try_op(Op::Rename { key: one, name: second })
    }

    fn share(&mut self, dice: &mut Dice) -> bool {
        let with = principal(dice);
        let op = match dice.below(6) {
            0 => Op::Join { group: format!("group-{}", dice.below(3)), member: principal(dice) },
            1 => Op::Leave { group: format!("group-{}", dice.below(3)), member: principal(dice) },
            kind => {
                let Some(key) = self.any(dice, |_| true) else { return false };
                match kind {
                    2 => Op::Inherit { key, inherits: !self.world.get(key).is_some_and(|node| node.inherits) },
                    3 => Op::Unshare { key, with },
                    _ => Op::Share { key, with },
                }
            }
        };
        self.try_op(op)
    }

    fn name(&self, dice: &mut Dice) -> String {
        dice.pick(&self.rules.names).cloned().unwrap_or_else(|| format!("n{}", dice.below(1 << 30)))
    }

    fn any(&self, dice: &mut Dice, fits: impl Fn(&Node) -> bool) -> Option<Key> {
        let all: Vec<_> =
            self.world.nodes().filter(|node| !node.key.is_fixed() && fits(node)).map(|node| node.key).collect();
        dice.pick(&all).copied()
    }

    fn any_folder(&self, dice: &mut Dice) -> Option<Key> {
        let open = |node: &&Node| {
            node.is_folder() && node.key != Key::DRIVE && (self.rules.outside || node.key != Key::OUTSIDE)
        };
        let all: Vec<_> = self.world.nodes().filter(open).map(|node| node.key).collect();
        dice.pick(&all).copied()
    }

    /// Does it, if the world and the vendor allow it.
    fn try_op(&mut self, op: Op) -> bool {
        let left = match &op {
            Op::Rename { key, .. } | Op::Move { key, .. } | Op::Delete { key } => {
                self.world.get(*key).and_then(|node| Some((node.parent?, node.name.clone())))
            }
            _ => None,
        };
        if !self.allowed(&op) || self.world.apply(op.clone()).is_err() {
            return false;
        }
        self.freed.extend(left);
        self.ops.push(op);
        true
    }

    fn allowed(&self, op: &Op) -> bool {
        let (parent, name, key) = match op {
            Op::Create { parent, name, .. } => (Some(*parent), Some(name), None),
            Op::Rename { key, name } => (self.world.get(*key).and_then(|node| node.parent), Some(name), Some(*key)),
            Op::Move { key, parent } => (Some(*parent), self.world.get(*key).map(|node| &node.name), Some(*key)),
            _ => return true,
        };
        let (Some(parent), Some(name)) = (parent, name) else { return false };
        let folded = name.to_lowercase();
        let clashes = |node: &Node| Some(node.key) != key && node.name.to_lowercase() == folded;
        if !self.rules.cases && !self.rules.twins && self.world.children(parent).any(clashes) {
            return false;
        }
        let length = |from: Key, to: Key| self.world.path_from(from, to).map_or(0, |path| path.len());
        let below = key
            .map(|top| (top, self.world.below(top)))
            .map_or(0, |(top, all)| all.into_iter().map(|key| length(top, key) + 1).max().unwrap_or_default());
        length(Key::DRIVE, parent) + 1 + name.len() + below <= self.rules.longest
    }
}

/// Nothing, a little, or a few pages.
fn content(dice: &mut Dice) -> Bytes {
    let length = match dice.below(10) {
        0..2 => 0,
        2..8 => dice.below(60),
        _ => dice.below(20_000),
    };
    let start = dice.next();
    (0..length).map(|at| (start.rotate_left(at as u32) as u8) ^ (at / 64) as u8).collect::<Vec<_>>().into()
}

fn principal(dice: &mut Dice) -> Principal {
    match dice.below(8) {
        0 => Principal::Anyone,
        1 => Principal::Domain("example.com".to_owned()),
        2..4 => Principal::Group(format!("group-{}", dice.below(3))),
        _ => Principal::User(format!("user-{}@example.com", dice.below(4))),
    }
}
