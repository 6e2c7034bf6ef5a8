//! `spec-check`: connectors and their fakes against the vendors' own published descriptions.
//!
//! A vendor declares its description by a folder `spec/` in its crate, and checks every request
//! it sends and every response its fake serves in `tests/spec.rs`; this chore runs those tests. A
//! description that nothing is held against is an error: it would only look like a check.

use std::{fs, path::Path};

use crate::shell::{Result, cargo, root, run as run_command};

pub(crate) fn run() -> Result<()> {
    let declared = declared(&root().join("crates/connectors"))?;
    if declared.is_empty() {
        println!("no vendor declares a published description yet: 0 checked");
        return Ok(());
    }
    for vendor in &declared {
        run_command(cargo().args(["test", "--quiet", "-p", &package(vendor), "--test", "spec"]))?;
    }
    println!("{} checked: {}", declared.len(), declared.join(", "));
    Ok(())
}

/// The vendors with a description, in order.
fn declared(connectors: &Path) -> Result<Vec<String>> {
    let mut vendors = Vec::new();
    for entry in fs::read_dir(connectors)? {
        let entry = entry?;
        if entry.path().join("spec").is_dir() {
            let vendor = entry.file_name().to_string_lossy().into_owned();
            if !entry.path().join("tests/spec.rs").is_file() {
                return Err(format!("{vendor} has a spec/ folder, but no tests/spec.rs that checks against it").into());
            }
            vendors.push(vendor);
        }
    }
    vendors.sort();
    Ok(vendors)
}

/// The package of a vendor: `google_drive` is in `catchment-google-drive`.
pub(crate) fn package(vendor: &str) -> String {
    format!("catchment-{}", vendor.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_that_nothing_checks_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("xero/spec")).expect("a spec folder");
        fs::create_dir_all(folder.path().join("s3/src")).expect("a crate without one");
        assert!(declared(folder.path()).expect_err("no tests/spec.rs").to_string().contains("xero"));

        fs::create_dir_all(folder.path().join("xero/tests")).expect("tests");
        fs::write(folder.path().join("xero/tests/spec.rs"), "").expect("a test");
        assert_eq!(declared(folder.path()).expect("one vendor"), ["xero"]);
    }
}
