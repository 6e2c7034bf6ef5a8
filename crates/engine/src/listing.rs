//! The listing: the walks of an import one after the other, each page known to the ledger.

use std::collections::HashSet;

use catchment_core::{
    Browse, Complete, Entry, Error, ErrorKind, Known, Ledger, PageRequest, Result, Run, Step, walk::walk,
};
use futures::Stream;

/// What the listing finds.
pub(crate) enum Found {
    /// Files and special entries, with what the ledger knows of them. Each comes once.
    Files(Vec<(Entry, Known)>),
    /// A branch, or a root, that could not be listed.
    Unlisted { path: String, error: Error },
    /// Everything below a root was listed; so many files and special entries. `placed` if each
    /// entry named the container it is in.
    Listed { proof: Complete, found: u64, placed: bool },
    /// A feed has told of so many changes, and buried so many entries.
    Told { changes: u64, buried: u64 },
    /// What comes next has to wait until every file so far is recorded.
    Wait,
    /// The feed cannot be followed any further.
    Unfollowed(Error),
}

/// Whether an error is about the connection, and every other call would meet it too.
pub(crate) fn fatal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Config)
}

/// Lists everything below `roots`. Fails when the connection is not accepted, when the ledger
/// fails, and when no root could be found at all. A root that is not there proves nothing: it
/// may be a disk that is not mounted, so nothing below it counts as removed. `tree` if the ledger
/// has to know the containers as well.
pub(crate) fn listing<'a>(
    browse: &'a dyn Browse,
    ledger: &'a dyn Ledger,
    run: Run,
    roots: &'a [String],
    page: u32,
    tree: bool,
) -> impl Stream<Item = Result<Found>> + Send + 'a {
    async_stream::try_stream! {
        let mut entered = false;
        let mut missing = None;
        for root in roots {
            let root = match browse.lookup(root).await {
                Ok(entry) => entry,
                Err(error) if fatal(&error) => Err(error)?,
                // The only one: its error is the import's.
                Err(error) if roots.len() == 1 => Err(error)?,
                Err(error) => {
                    yield Found::Unlisted { path: root.clone(), error: again(&error) };
                    missing = Some(error);
                    continue;
                }
            };
            entered = true;
            if tree && root.is_container() {
                ledger.seen(&run, std::slice::from_ref(&root)).await?;
            }
            let (mut found, mut placed) = (0, true);
            for await step in walk(browse, root, PageRequest::first().limit(page)) {
                match step {
                    Step::Entries(mut entries) => {
                        entries.retain(|entry| tree || !entry.is_container());
                        placed &= entries.iter().all(|entry| entry.parent.is_some());
                        while !entries.is_empty() {
                            let rest = entries.split_off(entries.len().min(page as usize));
                            let known = ledger.seen(&run, &entries).await?;
                            if known.len() != entries.len() {
                                Err(Error::internal("the ledger did not answer for every entry it was shown"))?;
                            }
                            let mut files: Vec<_> = entries.into_iter().zip(known).collect();
                            files.retain(|(entry, _)| !entry.is_container());
                            found += files.len() as u64;
                            files.retain(|(_, known)| !known.again);
                            yield Found::Files(files);
                            entries = rest;
                        }
                    }
                    Step::Unlisted { error, .. } if fatal(&error) => Err(error)?,
                    Step::Unlisted { container, error } => yield Found::Unlisted { path: container.path, error },
                    Step::End(Some(proof)) => yield Found::Listed { proof, found, placed },
                    Step::End(None) => {}
                }
            }
        }
        if let Some(error) = missing.filter(|_| !entered) {
            Err(error)?;
        }
    }
}

/// The roots of an import without those that lie below another one.
pub(crate) fn roots(paths: &[String]) -> Vec<String> {
    let trimmed = |path: &String| path.trim_end_matches('/').to_owned();
    let all: HashSet<String> = paths.iter().map(trimmed).collect();
    let mut kept = HashSet::new();
    let below_another = |path: &str| {
        !path.is_empty() && (all.contains("") || path.match_indices('/').any(|(at, _)| all.contains(&path[..at])))
    };
    paths
        .iter()
        .filter(|path| {
            let path = trimmed(path);
            !below_another(&path) && kept.insert(path)
        })
        // A trailing `/` is left to the connector, for which it may mean something; a lone one is
        // everything.
        .map(|path| if trimmed(path).is_empty() { String::new() } else { path.clone() })
        .collect()
}

/// The same error once more, without its source.
fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.to_string())
}

#[cfg(test)]
mod tests {
    use super::roots;

    fn of(paths: &[&str]) -> Vec<String> {
        roots(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_root_below_another_is_left_out() {
        assert_eq!(of(&["a/b/c", "a", "a-b", "a/b"]), ["a", "a-b"]);
        assert_eq!(of(&["a", "", "b"]), [""]);
        assert_eq!(of(&["a/", "a", "b"]), ["a/", "b"]);
        assert_eq!(of(&["/", "a"]), [""]);
    }
}
