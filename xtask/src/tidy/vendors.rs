//! What every vendor carries, and that the stock binary knows it.

use super::{
    Finding,
    workspace::{Crate, SourceFile, Workspace},
};
use crate::spec_check::package;

/// A vendor's crate has the right name, an example, and a conformance suite; its README is checked
/// with everybody else's.
pub(super) fn carried(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (one, id) in workspace.vendors() {
        let mut say = |message: String| findings.push(Finding::new(&one.folder, message));
        if one.name != package(&id) {
            say(format!("the package of {id} is called {}, and should be {}", one.name, package(&id)));
        }
        let example = format!("examples/{id}");
        if !workspace.crates.iter().any(|other| other.folder == example) {
            say(format!("has no example: add the crate {example}"));
        }
        let tests = format!("{}/tests/", one.folder);
        let is_suite = |file: &&SourceFile| file.path.starts_with(&tests) && file.text.contains("conformance!");
        if !workspace.rust_files().any(|file| is_suite(&file)) {
            say("runs no conformance suite: use `conformance!` in a file under tests/".into());
        }
    }
    findings
}

/// The stock binary depends on every vendor and names it in its registry.
pub(super) fn registered(workspace: &Workspace) -> Vec<Finding> {
    let Some(binary) = workspace.crates.iter().find(|one| one.folder == "crates/catchment") else {
        return vec![Finding::new("crates/catchment", "the stock binary is gone")];
    };
    let mut findings = Vec::new();
    for (one, id) in workspace.vendors() {
        let known = binary.dependencies.iter().any(|dependency| dependency.name == one.name && !dependency.is_dev);
        if !known || !is_named(workspace, binary, one) {
            let message = format!("{id} is not in the registry: add {} and `.with::<...>()`", one.name);
            findings.push(Finding::new(binary.manifest(), message));
        }
    }
    findings
}

fn is_named(workspace: &Workspace, binary: &Crate, vendor: &Crate) -> bool {
    let module = vendor.name.replace('-', "_");
    let source = format!("{}/src/", binary.folder);
    workspace.rust_files().any(|file| file.path.starts_with(&source) && file.text.contains(&format!("{module}::")))
}

#[cfg(test)]
mod tests {
    use super::{super::workspace::seeds::*, *};

    fn good() -> Workspace {
        Workspace {
            crates: vec![
                crate_in("crates/connectors/google_drive", &[]),
                crate_in("crates/connectors/google", &[]),
                crate_in("crates/catchment", &["catchment-google-drive"]),
                crate_in("examples/google_drive", &[]),
            ],
            files: vec![
                file("crates/connectors/google_drive/tests/conformance.rs", "catchment_testkit::conformance!(Drive);"),
                file("crates/catchment/src/registry.rs", "use catchment_google_drive::GoogleDrive;"),
            ],
            ..Workspace::default()
        }
    }

    #[test]
    fn a_vendor_with_everything_passes_and_a_family_needs_nothing() {
        assert_eq!((carried(&good()), registered(&good())), (vec![], vec![]));
    }

    #[test]
    fn each_missing_part_is_found() {
        let mut workspace = good();
        workspace.files.retain(|file| !file.path.ends_with("conformance.rs"));
        let found = carried(&workspace);
        assert!(found.len() == 1 && found[0].message.contains("conformance suite"), "{found:?}");

        let mut workspace = good();
        workspace.crates.retain(|one| !one.folder.starts_with("examples/"));
        assert!(carried(&workspace)[0].message.contains("examples/google_drive"));
    }

    #[test]
    fn a_wrong_package_name_is_found() {
        let mut workspace = good();
        workspace.crates[0].name = "google-drive".into();
        assert!(carried(&workspace)[0].message.contains("should be catchment-google-drive"));
    }

    #[test]
    fn a_vendor_that_the_binary_does_not_depend_on_is_found() {
        let mut workspace = good();
        workspace.crates[2].dependencies.clear();
        assert_eq!(registered(&workspace).len(), 1);
    }

    #[test]
    fn a_vendor_that_no_source_of_the_binary_names_is_found() {
        let mut workspace = good();
        workspace.files[1].text.clear();
        assert_eq!(registered(&workspace).len(), 1);
    }
}
