//! Walks: complete and unique, or honest about what is missing.

use catchment_core::{
    Browse, Entry, EntryId, Error, ErrorKind, Page, PageRequest, PageToken, Result, Step, async_trait,
    walk::{search, walk},
};
use futures::{StreamExt, TryStreamExt, executor::block_on};

/// Containers named `d…` with `fan` children each, down to `depth`; pages of two entries.
struct Tree {
    fan: usize,
    depth: usize,
    forbidden: Option<&'static str>,
    cyclic: bool,
}

impl Tree {
    fn entries(&self, parent: &str) -> Vec<Entry> {
        let level = parent.matches('/').count() + usize::from(!parent.is_empty());
        (0..self.fan)
            .map(|n| {
                let path = if parent.is_empty() { format!("{n}") } else { format!("{parent}/{n}") };
                if level < self.depth && n % 2 == 0 {
                    let id = if self.cyclic && level > 0 { parent.to_owned() } else { path.clone() };
                    Entry::container(id, path)
                } else {
                    Entry::file(path.clone(), path)
                }
            })
            .collect()
    }
}

#[async_trait]
impl Browse for Tree {
    async fn children(&self, parent: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        if self.forbidden == Some(parent.as_str()) {
            return Err(Error::new(ErrorKind::Forbidden, "not for you"));
        }
        let all = self.entries(parent.as_str());
        let from: usize = page.token.map_or(0, |token| token.as_str().parse().expect("our own token"));
        let next = (from + 2 < all.len()).then(|| PageToken::new((from + 2).to_string()));
        Ok(Page { items: all.into_iter().skip(from).take(2).collect(), next })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        Ok(Entry::container(path, path))
    }
}

fn run(tree: &Tree) -> (Vec<String>, Vec<ErrorKind>, bool) {
    let steps: Vec<Step> = block_on(walk(tree, Entry::container("", ""), PageRequest::first()).collect());
    let (mut files, mut errors, mut complete) = (Vec::new(), Vec::new(), false);
    for step in steps {
        match step {
            Step::Entries(entries) => files.extend(entries.into_iter().filter(Entry::is_file).map(|entry| entry.path)),
            Step::Unlisted { error, .. } => errors.push(error.kind()),
            Step::End(proof) => complete = proof.is_some(),
        }
    }
    (files, errors, complete)
}

#[test]
fn a_walk_meets_every_file_once() {
    let (mut files, errors, complete) = run(&Tree { fan: 5, depth: 3, forbidden: None, cyclic: false });
    // Three containers and two files a level, five files at the bottom.
    assert_eq!(files.len(), 2 + 3 * 2 + 9 * 2 + 27 * 5);
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 161);
    assert!(errors.is_empty() && complete);
}

#[test]
fn a_branch_that_cannot_be_listed_takes_the_proof_away_and_nothing_else() {
    let (files, errors, complete) = run(&Tree { fan: 5, depth: 2, forbidden: Some("2"), cyclic: false });
    assert_eq!(files.len(), 2 + 2 * (2 + 3 * 5));
    assert_eq!(errors, [ErrorKind::Forbidden]);
    assert!(!complete);
}

#[test]
fn a_container_inside_itself_is_not_entered_again() {
    let (_, errors, complete) = run(&Tree { fan: 3, depth: 9, forbidden: None, cyclic: true });
    assert!(!errors.is_empty() && errors.iter().all(|kind| *kind == ErrorKind::Protocol));
    assert!(!complete);
}

#[test]
fn a_file_as_root_is_a_walk_of_one() {
    let tree = Tree { fan: 1, depth: 0, forbidden: None, cyclic: false };
    let steps: Vec<Step> = block_on(walk(&tree, Entry::file("7", "7"), PageRequest::first()).collect());
    assert!(matches!(&steps[..], [Step::Entries(entries), Step::End(Some(_))] if entries.len() == 1));
}

#[test]
fn a_vendor_without_search_is_searched_by_walking() {
    let tree = Tree { fan: 5, depth: 2, forbidden: None, cyclic: false };
    let found: Vec<Entry> = block_on(search(&tree, "3", Entry::container("", "")).try_collect()).expect("a walk");
    assert_eq!(found.len(), 1 + 3 + 9);
    let refused = Tree { forbidden: Some("2"), ..tree };
    let result: Result<Vec<Entry>> = block_on(search(&refused, "3", Entry::container("", "")).try_collect());
    assert_eq!(result.expect_err("an incomplete search says so").kind(), ErrorKind::Forbidden);
}

/// Pages whose tokens go round in a circle.
struct Round(u32);

#[async_trait]
impl Browse for Round {
    async fn children(&self, _: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        let at: u32 = page.token.map_or(0, |token| token.as_str().parse().expect("our own token"));
        Ok(Page { items: Vec::new(), next: Some(PageToken::new(((at + 1) % self.0).to_string())) })
    }

    async fn lookup(&self, path: &str) -> Result<Entry> {
        Ok(Entry::container(path, path))
    }

    async fn search(&self, _: &str, under: &EntryId, page: PageRequest) -> Result<Page<Entry>> {
        self.children(under, page).await
    }
}

#[test]
fn pages_that_go_in_a_circle_end_a_walk_and_a_search() {
    for round in [1, 2, 5] {
        let tree = Round(round);
        let steps: Vec<Step> = block_on(walk(&tree, Entry::container("", ""), PageRequest::first()).collect());
        let unlisted = steps
            .iter()
            .any(|step| matches!(step, Step::Unlisted { error, .. } if error.kind() == ErrorKind::Protocol));
        assert!(unlisted && matches!(steps.last(), Some(Step::End(None))), "a circle of {round}: {steps:?}");
        let found: Result<Vec<Entry>> = block_on(search(&tree, "x", Entry::container("", "")).try_collect());
        assert_eq!(found.expect_err("a circle").kind(), ErrorKind::Protocol, "of {round}");
    }
}
