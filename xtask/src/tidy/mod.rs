//! `tidy`: the rules of ARCHITECTURE.md that no compiler checks.
//!
//! Each rule is a function from the workspace, read into memory, to findings; its tests seed the
//! violation it is there for, so that none of them passes because it looks at nothing.

mod directions;
mod files;
mod vendors;
mod workspace;

use std::fmt;

use crate::shell::{Result, root};
use workspace::Workspace;

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Where, relative to the workspace.
    path: String,
    /// What is wrong, and what to do.
    message: String,
}

type Rule = fn(&Workspace) -> Vec<Finding>;

const RULES: &[Rule] = &[
    directions::in_tree,
    directions::outside,
    directions::workspace_lints,
    vendors::carried,
    vendors::registered,
    files::readmes,
    files::module_docs,
    files::long_files,
    files::forbidden_text,
];

pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::read(&root())?;
    let findings = check(&workspace);
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} crates, {} files, nothing to say", workspace.crates.len(), workspace.files.len());
            Ok(())
        }
        count => Err(format!("tidy: {count} findings").into()),
    }
}

fn check(workspace: &Workspace) -> Vec<Finding> {
    RULES.iter().flat_map(|rule| rule(workspace)).collect()
}

impl Finding {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        let workspace = Workspace::read(&root()).expect("cargo metadata and readable files");
        let findings: Vec<_> = check(&workspace).iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }

    #[test]
    fn tidy_looks_at_the_whole_workspace() {
        let workspace = Workspace::read(&root()).expect("cargo metadata and readable files");
        for name in ["catchment-core", "catchment-s3", "catchment", "xtask", "example-folder"] {
            assert!(workspace.crates.iter().any(|one| one.name == name), "{name} is not seen");
        }
        assert!(workspace.files.iter().any(|file| file.path == "xtask/src/tidy/mod.rs"));
        assert!(workspace.files.iter().all(|file| !file.path.starts_with("target/")));
    }
}
