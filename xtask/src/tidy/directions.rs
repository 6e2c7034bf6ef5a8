//! Who may depend on whom: the table of rooms.

use super::{
    Finding,
    workspace::{Crate, Room, Workspace},
};

/// What the crates of a row of the table may use in the tree; `None` is anything.
type Row = (String, Option<Vec<String>>);

const TABLE: &str = "ARCHITECTURE.md";

/// Crates from outside that belong to certain rooms, by folder.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("reqwest", &["crates/client"]),
    ("object_store", &["crates/connectors/s3", "crates/connectors/azure_blob"]),
    ("sqlx", &["crates/store", "crates/index"]),
    ("axum", &["crates/server", "crates/testkit"]),
];

/// Where tests may use those of [`OUTSIDE`] as well; no folder means everywhere. To play a server, to
/// damage a database behind the back of whoever owns it, and to call our server with a client that
/// nobody here wrote.
const IN_TESTS: &[(&str, &[&str])] =
    &[("axum", &[]), ("sqlx", &[]), ("reqwest", &["crates/server", "crates/catchment"])];

/// Dependencies inside the tree point one way: the way of the table in ARCHITECTURE.md.
pub(super) fn in_tree(workspace: &Workspace) -> Vec<Finding> {
    let table = table(workspace.file(TABLE).map_or("", |file| &file.text));
    let mut findings = Vec::new();
    for one in &workspace.crates {
        let Some((_, allowed)) = table.iter().find(|(rooms, _)| covers(rooms, &one.folder)) else {
            findings.push(Finding::new(one.manifest(), "is in no room: add a row to the table in ARCHITECTURE.md"));
            continue;
        };
        let Some(allowed) = allowed else { continue };
        for dependency in &one.dependencies {
            let Some(used) = workspace.crates.iter().find(|other| other.name == dependency.name) else { continue };
            let own = used.name == one.name;
            if !own && !may_use(one, used, dependency.is_dev, allowed) {
                let message = format!("may not depend on {}: see the table of rooms in ARCHITECTURE.md", used.name);
                findings.push(Finding::new(one.manifest(), message));
            }
        }
    }
    findings
}

/// Reads the rows of the table: the first cell names folders, the last what they may use.
fn table(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches(['|', ' ']).split('|').map(str::trim).collect();
        let (Some(folders), Some(uses)) = (cells.first(), cells.last()) else { continue };
        let uses = uses.split(';').next().unwrap_or_default();
        let names = uses.split(',').map(|name| name.trim().to_owned()).filter(|name| name != "nothing");
        let allowed = (uses != "anything").then(|| names.collect::<Vec<_>>());
        let folders = folders.split('`').filter(|part| part.chars().any(char::is_alphanumeric));
        rows.extend(folders.map(|folder| (folder.to_owned(), allowed.clone())));
    }
    rows
}

/// Whether a row of the table is about a folder; `examples/*` is about every folder in examples.
fn covers(rooms: &str, folder: &str) -> bool {
    match rooms.strip_suffix('*') {
        Some(start) => folder.starts_with(start),
        None => folder == rooms,
    }
}

fn may_use(one: &Crate, used: &Crate, in_tests: bool, allowed: &[String]) -> bool {
    // Only connectors are kept from the layers above them in their tests as well: what they
    // promise must hold without any of them.
    let free = in_tests && matches!(one.room(), Room::Layer(_));
    match used.room() {
        // Nobody ships the test kit, and everybody above the contract may test with it.
        Room::Layer(name) if name == "testkit" => in_tests && one.name != "catchment-core",
        Room::Layer(name) => free || allowed.contains(&name),
        Room::Family(_) => matches!(one.room(), Room::Vendor(_)),
        Room::Vendor(_) => free,
        Room::Root => false,
    }
}

/// Some crates from outside belong to one room, so that there is one floor and one way.
pub(super) fn outside(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in &workspace.crates {
        for dependency in &one.dependencies {
            let Some((name, rooms)) = OUTSIDE.iter().find(|(name, _)| *name == dependency.name) else { continue };
            let folder = one.folder.as_str();
            let tests = IN_TESTS.iter().find(|(free, _)| free == name).map(|(_, rooms)| *rooms);
            let free = dependency.is_dev && tests.is_some_and(|rooms| rooms.is_empty() || rooms.contains(&folder));
            if !free && !rooms.contains(&folder) {
                let message = format!("{name} belongs to {}: use what they offer", rooms.join(", "));
                findings.push(Finding::new(one.manifest(), message));
            }
        }
    }
    findings
}

/// Every crate stands under the lints of the workspace.
pub(super) fn workspace_lints(workspace: &Workspace) -> Vec<Finding> {
    let missing = |one: &&Crate| {
        let manifest = workspace.file(&one.manifest()).map_or("", |file| &file.text);
        !manifest.contains("[lints]\nworkspace = true")
    };
    let message = "has no `[lints]` with `workspace = true`";
    workspace.crates.iter().filter(missing).map(|one| Finding::new(one.manifest(), message)).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::workspace::seeds::*, *};

    const ROOMS: &str = "\
| room | what lives there | may use in-tree |
|---|---|---|
| `crates/core` | the contract | nothing |
| `crates/client`, `crates/store` | floors | core |
| `crates/auth` | tokens | core, client |
| `crates/engine` | imports | core, documents |
| `crates/testkit` | suites | core |
| `crates/connectors/*` | one crate per vendor | core, client, auth, its family; dev: testkit |
| `crates/catchment` | the stock binary | anything |
| `examples/*`, `xtask` | programs | anything |
";

    /// The findings for one more crate next to one of each room.
    fn findings(rule: fn(&Workspace) -> Vec<Finding>, seeded: Crate) -> Vec<String> {
        let rooms = ["core", "client", "auth", "store", "engine", "testkit", "connectors/xero", "connectors/msgraph"];
        let crates = rooms.iter().map(|name| crate_in(&format!("crates/{name}"), &[]));
        let mut crates: Vec<_> = crates.filter(|one| one.folder != seeded.folder).collect();
        crates.push(seeded);
        let workspace = Workspace { crates, files: vec![file(TABLE, ROOMS)], ..Workspace::default() };
        rule(&workspace).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn core_depends_on_nothing_in_the_tree() {
        let found = findings(in_tree, crate_in("crates/core", &["catchment-client"]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("crates/core/Cargo.toml") && found[0].contains("catchment-client"));
        assert_eq!(findings(in_tree, crate_in("crates/core", &["dev:catchment-testkit"])).len(), 1);
    }

    #[test]
    fn a_vendor_sees_neither_store_nor_engine_nor_another_vendor_even_in_tests() {
        for other in ["catchment-store", "catchment-engine", "catchment-xero"] {
            for name in [other.to_owned(), format!("dev:{other}")] {
                assert_eq!(findings(in_tree, crate_in("crates/connectors/s3", &[&name])).len(), 1, "{name}");
            }
        }
    }

    #[test]
    fn a_vendor_stands_on_core_client_auth_its_family_and_tests_with_the_kit() {
        let good =
            ["catchment-core", "catchment-client", "catchment-auth", "catchment-msgraph", "dev:catchment-testkit"];
        assert_eq!(findings(in_tree, crate_in("crates/connectors/sharepoint", &good)), [""; 0]);
    }

    #[test]
    fn the_test_kit_is_never_shipped() {
        assert_eq!(findings(in_tree, crate_in("crates/engine", &["catchment-testkit"])).len(), 1);
        assert_eq!(findings(in_tree, crate_in("crates/engine", &["dev:catchment-testkit"])).len(), 0);
    }

    #[test]
    fn the_engine_sees_the_store_in_tests_only() {
        assert_eq!(findings(in_tree, crate_in("crates/engine", &["catchment-store"])).len(), 1);
        assert_eq!(findings(in_tree, crate_in("crates/engine", &["dev:catchment-store"])).len(), 0);
    }

    #[test]
    fn a_workspace_without_the_table_does_not_pass() {
        let workspace = Workspace { crates: vec![crate_in("crates/core", &[])], ..Workspace::default() };
        assert_eq!(in_tree(&workspace).len(), 1);
    }

    #[test]
    fn a_crate_without_a_room_is_found() {
        assert_eq!(findings(in_tree, crate_in("crates/misc", &[])).len(), 1);
    }

    #[test]
    fn composition_roots_may_use_anything() {
        for folder in ["crates/catchment", "examples/embed", "xtask"] {
            let found =
                findings(in_tree, crate_in(folder, &["catchment-store", "catchment-xero", "catchment-testkit"]));
            assert_eq!(found, [""; 0]);
        }
    }

    #[test]
    fn crates_from_outside_stay_in_their_rooms() {
        for (name, folder) in [
            ("reqwest", "crates/connectors/xero"),
            ("dev:reqwest", "crates/engine"),
            ("object_store", "crates/connectors/folder"),
            ("sqlx", "crates/engine"),
            ("axum", "crates/client"),
        ] {
            assert_eq!(findings(outside, crate_in(folder, &[name])).len(), 1, "{name} in {folder}");
        }
    }

    #[test]
    fn crates_from_outside_are_welcome_in_their_rooms() {
        for (name, folder) in [
            ("reqwest", "crates/client"),
            ("object_store", "crates/connectors/s3"),
            ("sqlx", "crates/index"),
            ("dev:axum", "crates/client"),
            ("dev:reqwest", "crates/server"),
            ("axum", "crates/server"),
        ] {
            assert_eq!(findings(outside, crate_in(folder, &[name])), [""; 0], "{name} in {folder}");
        }
    }

    #[test]
    fn a_crate_outside_the_workspace_lints_is_found() {
        let mut workspace = Workspace { crates: vec![crate_in("crates/core", &[])], ..Workspace::default() };
        workspace.files.push(file("crates/core/Cargo.toml", "[package]\n"));
        assert_eq!(workspace_lints(&workspace).len(), 1);
        workspace.files[0].text += "[lints]\nworkspace = true\n";
        assert_eq!(workspace_lints(&workspace), []);
    }
}
