//! Killed in the middle: what was acknowledged is there, the rest comes with the next run, and
//! nothing is there twice.

use std::io::{BufRead, BufReader};

use crate::support::Machine;

const FILES: u64 = 120;

fn fill(machine: &Machine) {
    for n in 0..FILES {
        let text = format!("Note {n}: bird number {n} of the register is a heron.\n").repeat(20);
        machine.write(&format!("docs/{:02}/note-{n}.txt", n % 7), text);
    }
}

#[test]
fn an_import_killed_at_any_point_is_finished_by_running_it_again() {
    let machine = Machine::new();
    fill(&machine);
    // Killed after the first, after some, and after many of the results.
    for results in [1, 25, 90] {
        let mut import = machine.start(["import", "docs", "--json"]);
        let mut lines = BufReader::new(import.stdout.take().expect("piped")).lines();
        let seen = lines.by_ref().take(results).filter(|line| line.is_ok()).count();
        import.kill().expect("SIGKILL");
        import.wait().expect("it ended");
        assert!(seen > 0, "killed before anything happened");
        machine.run(["verify"]).exits(0);
    }
    let last = machine.run(["import", "docs", "--json"]).exits(0).event("summary");
    assert_eq!(last["successful"], FILES, "{last:#}");
    assert!(last["unchanged"].as_u64().is_some_and(|unchanged| unchanged > 0), "nothing survived the kills: {last:#}");
    let report = machine.run(["verify", "--json"]).exits(0).json().remove(0);
    assert_eq!(report["report"]["checked"], FILES, "{report:#}");
    let again = machine.run(["import", "docs", "--json"]).exits(0).event("summary");
    assert_eq!(again["unchanged"], FILES, "{again:#}");
}

#[test]
fn two_imports_of_the_same_files_at_once_leave_one_of_each() {
    let machine = Machine::new();
    fill(&machine);
    let both = [machine.start(["import", "docs", "--json"]), machine.start(["import", "docs", "--json"])];
    for import in both {
        let output = import.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let report = machine.run(["verify", "--json"]).exits(0).json().remove(0);
    assert_eq!(
        (report["clean"].as_bool(), report["report"]["checked"].as_u64()),
        (Some(true), Some(FILES)),
        "{report:#}"
    );
}

#[test]
fn damage_is_found_and_mended() {
    let machine = Machine::new();
    fill(&machine);
    machine.run(["import", "docs"]).exits(0);
    // Another program, or a restored backup, took documents out of the index behind the ledger.
    damage(&machine.path("data/catchment.db"));
    let found = machine.run(["verify"]).exits(7);
    assert!(found.out.contains("--repair"), "{found:#?}");
    machine.run(["verify", "--repair"]).exits(0);
    machine.run(["import", "docs"]).exits(0);
    let report = machine.run(["verify", "--json"]).exits(0).json().remove(0);
    assert_eq!(
        (report["clean"].as_bool(), report["report"]["checked"].as_u64()),
        (Some(true), Some(FILES)),
        "{report:#}"
    );
}

/// Deletes a tenth of the index's documents.
fn damage(database: &std::path::Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        use catchment_core::{DocumentKey, Ingestor, IntegrationId};
        let backend = catchment_index::SqliteBackend::open(database).await.expect("the database");
        let index =
            catchment_index::Index::open(std::sync::Arc::new(backend), Default::default()).await.expect("an index");
        let held = index.audit(IntegrationId(1), None, 12).await.expect("what is held");
        assert_eq!(held.len(), 12);
        let keys: Vec<_> =
            held.into_iter().map(|held| DocumentKey { integration: IntegrationId(1), entry: held.entry }).collect();
        index.remove(&keys).await.expect("removed");
    });
}
