//! A right that is taken away: what may not be listed any more is unknown, and never deleted.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use catchment_testkit::backends;

use crate::support::Machine;

fn rights(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("rights");
}

#[test]
fn a_branch_that_may_not_be_listed_keeps_its_documents_and_all_others() {
    let server = backends::openssh();
    let place = tempfile::tempdir_in(&server.folder).expect("a folder");
    rights(place.path(), 0o755);
    for (path, text) in [
        ("open/heron.txt", "The heron stands in the reeds."),
        ("closed/otter.txt", "The otter swims in the brook."),
        ("closed/below/badger.txt", "The badger digs in the hill."),
    ] {
        let path = place.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder above")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    let machine = Machine::new();
    let key = format!("private_key=@{}", server.key_file("ed25519").display());
    let host_key = format!("host_key={}", server.host_keys.join("\n"));
    let name = place.path().file_name().expect("a name").to_str().expect("text");
    let folder = format!("{}/{name}/", server.root.trim_end_matches('/'));
    let address = format!("sftp://{}@{}{folder}", server.limited, server.address);
    let import = || machine.run(["import", &address, "--json", "--set", &key, "--set", &host_key]);
    let found = |question: &str, code: i32| {
        machine.run(["ask", question, "--json"]).exits(code);
    };
    let first = import().exits(0).event("summary");
    assert_eq!((first["ingested"].as_u64(), first["complete"].as_bool()), (Some(3), Some(true)), "{first:#}");

    // One file goes while another branch is closed: nothing says which of them were deleted.
    rights(&place.path().join("closed"), 0o000);
    fs::remove_file(place.path().join("open/heron.txt")).expect("gone");
    let closed = import();
    rights(&place.path().join("closed"), 0o755);
    let second = closed.event("summary");
    assert_eq!((second["removed"].as_u64(), second["complete"].as_bool()), (Some(0), Some(false)), "{second:#}");
    assert!(closed.out.contains("closed") && closed.out.contains("forbidden"), "{closed:#?}");
    for question in ["Where does the otter swim?", "Where does the badger dig?", "Where does the heron stand?"] {
        found(question, 0);
    }

    let third = import().event("summary");
    assert_eq!((third["removed"].as_u64(), third["complete"].as_bool()), (Some(1), Some(true)), "{third:#}");
    found("Where does the otter swim?", 0);
    found("Where does the heron stand?", 6);
}
