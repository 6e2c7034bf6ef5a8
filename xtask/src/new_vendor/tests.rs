//! A vendor made in a copy of the workspace.

use super::*;
use crate::shell::{cargo, output};

/// A folder that holds what the chore reads and changes.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for path in
        ["Cargo.toml", "crates/catchment/Cargo.toml", "examples/live/Cargo.toml", "crates/catchment/src/registry.rs"]
    {
        let to = folder.path().join(path);
        fs::create_dir_all(to.parent().expect("a parent")).expect("a folder in it");
        fs::copy(root().join(path), to).expect("a copy");
    }
    folder
}

fn read(folder: &tempfile::TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).expect(path)
}

#[test]
fn a_new_vendor_is_registered_everywhere() {
    let folder = copy();
    scaffold(folder.path(), "acme_box", "Acme Box").expect("a vendor");
    let member = "catchment-acme-box = { path = \"crates/connectors/acme_box\" }\n";
    assert!(read(&folder, "Cargo.toml").contains(member));
    let live = read(&folder, "examples/live/Cargo.toml");
    assert_eq!(
        live.matches("catchment-").count(),
        read(&folder, "crates/catchment/src/registry.rs").matches("with::<").count() + 2
    );
    let manifest = read(&folder, "crates/catchment/Cargo.toml");
    // As the last of the vendors, which are a paragraph of their own.
    let (vendors, _) = manifest.split_once("catchment-acme-box = { workspace = true }\n\n").expect("a line of its own");
    let last = vendors.lines().last().unwrap_or_default();
    assert!(last.starts_with("catchment-") && last.ends_with("= { workspace = true }"), "{last}");
    let registry = read(&folder, "crates/catchment/src/registry.rs");
    let once: String = registry.split_whitespace().collect();
    assert!(once.contains(">().with::<catchment_acme_box::AcmeBox>()"), "{registry}");
}

#[test]
fn nothing_is_left_to_fill_in() {
    let folder = copy();
    scaffold(folder.path(), "acme_box", "Acme Box").expect("a vendor");
    for (path, _) in FILES {
        let text = read(&folder, &path.replace("@id@", "acme_box"));
        assert!(!text.contains("@id@") && !text.contains("@name@") && !text.contains("@Type@"), "{path}");
    }
}

#[test]
fn a_second_vendor_of_the_same_id_is_refused_and_changes_nothing() {
    let folder = copy();
    scaffold(folder.path(), "acme", "Acme").expect("a vendor");
    let before = read(&folder, "Cargo.toml");
    assert!(scaffold(folder.path(), "acme", "Acme").is_err());
    assert_eq!(read(&folder, "Cargo.toml"), before);
}

#[test]
fn an_id_is_lower_case_words() {
    for id in ["", "Acme", "acme-box", "_acme", "acme__box", "7acme", "../acme"] {
        assert!(scaffold(copy().path(), id, "Acme").is_err(), "{id}");
    }
    assert!(scaffold(copy().path(), "acme", "A \"quoted\" name").is_err());
}

/// The crate and its example compile against the contract as it is today, without warnings.
#[test]
fn a_new_vendor_compiles() {
    let folder = copy();
    scaffold(folder.path(), "acme_box", "Acme Box").expect("a vendor");
    let manifest = read(&folder, "Cargo.toml");
    let (start, rest) = manifest.split_once("members = [").expect("members");
    let (_, rest) = rest.split_once(']').expect("their end");
    // The contract stays where it is; only the new crates are members.
    let core = format!("catchment-core = {{ path = {:?} }}", root().join("crates/core"));
    let kit = format!("catchment-testkit = {{ path = {:?} }}", root().join("crates/testkit"));
    let rest = rest
        .replace("catchment-core = { path = \"crates/core\" }", &core)
        .replace("catchment-testkit = { path = \"crates/testkit\" }", &kit);
    let members = "members = [\"crates/connectors/acme_box\", \"examples/acme_box\"]";
    fs::write(folder.path().join("Cargo.toml"), format!("{start}{members}{rest}")).expect("a manifest");
    fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("a lock file");

    let mut check = cargo();
    let target = crate::shell::cache().expect("a cache").join("new-vendor-check");
    check.args(["check", "--offline", "--quiet", "--all-targets"]).current_dir(folder.path());
    check.env("CARGO_TARGET_DIR", target).env("RUSTFLAGS", "-Dwarnings");
    output(&mut check).expect("a crate that compiles");
}
