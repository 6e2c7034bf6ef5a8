//! What stands in the files: documentation, length, and words that must not be there.

use super::{
    Finding,
    workspace::{Room, SourceFile, Workspace},
};

const MOST_LINES: usize = 400;

/// Every crate that others build on has a README, and a library's README is its documentation.
pub(super) fn readmes(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in &workspace.crates {
        let shipped = one.room() != Room::Root || one.folder == "crates/catchment";
        if !shipped {
            continue;
        }
        if workspace.file(&format!("{}/README.md", one.folder)).is_none() {
            findings.push(Finding::new(&one.folder, "has no README.md"));
        }
        let library = format!("{}/src/lib.rs", one.folder);
        let text = workspace.file(&library).map_or("", |file| &file.text);
        if one.has_library && !text.contains(r#"#![doc = include_str!("../README.md")]"#) {
            findings.push(Finding::new(library, r#"does not open with `#![doc = include_str!("../README.md")]`"#));
        }
    }
    findings
}

/// Every module says first what it is for.
pub(super) fn module_docs(workspace: &Workspace) -> Vec<Finding> {
    let silent = |file: &&SourceFile| {
        let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        !first.starts_with("//!") && !first.starts_with("#![doc")
    };
    let message = "does not open with `//!` and what it is for";
    workspace.rust_files().filter(silent).map(|file| Finding::new(&file.path, message)).collect()
}

/// Long files are on a list with a reason, and the list holds nothing else.
pub(super) fn long_files(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.rust_files() {
        let lines = file.text.lines().count();
        let listed = workspace.long_files.contains_key(&file.path);
        if lines > MOST_LINES && !listed {
            let message = format!("has {lines} lines: cut it, or list it in xtask/tidy.toml with the reason");
            findings.push(Finding::new(&file.path, message));
        } else if lines <= MOST_LINES && listed {
            findings.push(Finding::new(&file.path, "is no longer long: take it off the list in xtask/tidy.toml"));
        }
    }
    for (path, reason) in &workspace.long_files {
        if reason.trim().is_empty() || workspace.file(path).is_none() {
            findings.push(Finding::new(path, "is listed in xtask/tidy.toml without a reason, or is gone"));
        }
    }
    findings
}

/// Put together here, so that this file does not break its own rule.
const FORBIDDEN_IN_RUST: &[(&str, &str)] = &[
    (concat!("#[", "ignore"), "a test that does not run proves nothing: make it run or delete it"),
    (concat!("to", "do!("), "unfinished code does not land"),
    (concat!("unimple", "mented!("), "unfinished code does not land"),
];

const MACHINE_PATHS: &[&str] =
    &[concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// No tests that are left out, no unfinished code, no paths of somebody's machine.
pub(super) fn forbidden_text(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &workspace.files {
        for (number, line) in file.text.lines().enumerate() {
            let place = || format!("{}:{}", file.path, number + 1);
            let words = FORBIDDEN_IN_RUST.iter().filter(|_| file.path.ends_with(".rs"));
            for (word, why) in words.filter(|(word, _)| line.contains(word)) {
                findings.push(Finding::new(place(), format!("`{word}`: {why}")));
            }
            for path in MACHINE_PATHS.iter().filter(|path| names_machine_path(line, path)) {
                findings.push(Finding::new(place(), format!("`{path}`: a path of somebody's machine")));
            }
        }
    }
    findings
}

/// Whether an absolute path starts with `path`: what stands before it is not part of a longer path.
fn names_machine_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|character| character.is_whitespace() || "\"'`(=:<[,".contains(character))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::workspace::seeds::*, *};

    fn with(files: Vec<SourceFile>) -> Workspace {
        Workspace { crates: vec![crate_in("crates/core", &[])], files, ..Workspace::default() }
    }

    #[test]
    fn a_library_without_its_readme_as_documentation_is_found() {
        let readme = || file("crates/core/README.md", "# core");
        let good = file("crates/core/src/lib.rs", "#![doc = include_str!(\"../README.md\")]\n");
        assert_eq!(readmes(&with(vec![readme(), good])), []);
        assert_eq!(readmes(&with(vec![readme(), file("crates/core/src/lib.rs", "//! The core.")])).len(), 1);
        assert_eq!(readmes(&with(vec![])).len(), 2);
    }

    #[test]
    fn a_module_that_does_not_say_what_it_is_for_is_found() {
        assert_eq!(module_docs(&with(vec![file("a/src/b.rs", "use std::fs;\n//! Late.")])).len(), 1);
        assert_eq!(module_docs(&with(vec![file("a/src/b.rs", "")])).len(), 1);
        assert_eq!(module_docs(&with(vec![file("a/src/b.rs", "\n//! First.")])), []);
    }

    #[test]
    fn a_long_file_is_found_unless_it_is_listed_with_a_reason() {
        let long = || file("a/src/b.rs", &"//\n".repeat(MOST_LINES + 1));
        let mut workspace = with(vec![long()]);
        assert_eq!(long_files(&workspace).len(), 1);
        workspace.long_files.insert("a/src/b.rs".into(), "a table".into());
        assert_eq!(long_files(&workspace), []);
        workspace.long_files.insert("a/src/b.rs".into(), " ".into());
        assert_eq!(long_files(&workspace).len(), 1);
        let longest = file("a/src/b.rs", &"//\n".repeat(MOST_LINES));
        assert_eq!(long_files(&with(vec![longest])), []);
    }

    #[test]
    fn the_list_of_long_files_holds_nothing_else() {
        let mut workspace = with(vec![file("a/src/b.rs", "//! Short.\n")]);
        workspace.long_files.insert("a/src/b.rs".into(), "it was long once".into());
        workspace.long_files.insert("a/src/gone.rs".into(), "it was there once".into());
        assert_eq!(long_files(&workspace).len(), 2);
    }

    #[test]
    fn every_forbidden_word_is_found_with_its_line() {
        for (word, _) in FORBIDDEN_IN_RUST {
            let found = forbidden_text(&with(vec![file("a/src/b.rs", &format!("//! B.\n{word}"))]));
            assert!(found.len() == 1 && found[0].path == "a/src/b.rs:2", "{word}: {found:?}");
        }
    }

    #[test]
    fn every_machine_path_is_found_in_any_file() {
        for path in MACHINE_PATHS {
            let found = forbidden_text(&with(vec![file("README.md", &format!("look at `{path}notes`"))]));
            assert_eq!(found.len(), 1, "{path}");
        }
    }

    #[test]
    fn a_folder_of_that_name_inside_a_path_is_none_of_them() {
        let inside = format!("see https://host.example{}x and a{}b", MACHINE_PATHS[1], MACHINE_PATHS[0]);
        assert_eq!(forbidden_text(&with(vec![file("README.md", &inside)])), []);
    }
}
