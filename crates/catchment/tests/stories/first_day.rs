//! The first day: what a new user does with the command line, and what a script does with it.

use std::fs;

use crate::support::{Machine, samples};

#[test]
fn the_demo_imports_the_samples_and_answers_with_file_and_page() {
    let machine = Machine::new();
    let demo = machine.run(["demo"]).exits(0);
    assert!(demo.out.contains("14 imported, 2 failed"), "{}", demo.out);
    assert!(demo.out.contains("42 months"), "{}", demo.out);
    assert!(demo.out.contains("pump-handbook.pdf, page 3"), "{}", demo.out);
    for (file, reason) in [("annex-c-prices.pdf", "protected by a password"), ("site-survey.docx", "damaged")] {
        let row = demo.out.lines().find(|line| line.contains(file)).expect("a row for each file");
        assert!(row.contains("FAILED") && row.contains(reason), "{row}");
    }
}

#[test]
fn a_question_before_any_import_is_told_how_to_begin() {
    let asked = Machine::new().run(["ask", "Where is the heron?"]).exits(6);
    assert!(asked.err.contains("catchment import"), "{asked:#?}");
}

#[test]
fn the_demo_leaves_ones_own_documents_alone() {
    let machine = Machine::new();
    machine.write("docs/a.txt", "The heron stands in the reeds.");
    machine.run(["import", "docs"]).exits(0);
    machine.run(["demo"]).exits(0);
    machine.run(["ask", "How long is the warranty of the pump?"]).exits(6);
    machine.run(["ask", "Where does the heron stand?"]).exits(0);
}

#[test]
fn every_question_of_the_samples_finds_its_file_and_page() {
    let machine = Machine::new();
    machine.run(["import".as_ref(), samples().as_os_str()]).exits(3);
    let questions = fs::read_to_string(samples().join("../questions.json")).expect("the questions");
    let questions: Vec<serde_json::Value> = serde_json::from_str(&questions).expect("a list");
    assert!(questions.len() >= 6);
    for question in questions {
        let text = question["question"].as_str().expect("a question");
        let answer = machine.run(["ask", text, "--json"]).exits(0).json().remove(0);
        let first = &answer["citations"][0];
        assert_eq!(first["file_path"], question["file"], "{text}: {answer:#}");
        if !question["page"].is_null() {
            assert_eq!(first["page"], question["page"], "{text}: {answer:#}");
        }
        let said = answer["answer"].as_str().expect("words");
        assert!(said.contains(question["answer"].as_str().expect("words")), "{text}: {said}");
    }
}

#[test]
fn a_second_import_reads_nothing_again_and_a_changed_file_replaces_itself() {
    let machine = Machine::new();
    let file = machine.write("docs/rules.md", "# Rules\n\nThe gate closes at nine.\n");
    machine.write("docs/other.txt", "The lamp is green.");
    let first = machine.run(["import", "docs", "--json"]).exits(0).event("summary");
    assert_eq!((first["ingested"].as_u64(), first["unchanged"].as_u64()), (Some(2), Some(0)));
    let second = machine.run(["import", "docs", "--json"]).exits(0).event("summary");
    assert_eq!((second["ingested"].as_u64(), second["unchanged"].as_u64()), (Some(0), Some(2)));
    fs::write(file, "# Rules\n\nThe gate closes at ten, all week.\n").expect("a change");
    let third = machine.run(["import", "docs", "--json"]).exits(0).event("summary");
    assert_eq!((third["ingested"].as_u64(), third["unchanged"].as_u64()), (Some(1), Some(1)));
    let answer = machine.run(["ask", "When does the gate close?", "--json"]).exits(0).json().remove(0);
    assert!(answer["answer"].as_str().is_some_and(|text| text.contains("ten") && !text.contains("nine")), "{answer:#}");
    machine.run(["verify"]).exits(0);
}

#[test]
fn a_deleted_file_is_no_longer_cited() {
    let machine = Machine::new();
    let file = machine.write("docs/rules.md", "The gate closes at nine.\n");
    machine.write("docs/other.txt", "The lamp is green.");
    machine.run(["import", "docs"]).exits(0);
    fs::remove_file(file).expect("it was there");
    let summary = machine.run(["import", "docs", "--json"]).exits(0).event("summary");
    assert_eq!(summary["removed"], 1, "{summary:#}");
    let answer = machine.run(["ask", "When does the gate close?", "--json"]).exits(6).json().remove(0);
    assert_eq!((answer["mode"].as_str(), answer["citations"].as_array().map(Vec::len)), (Some("not_found"), Some(0)));
    machine.run(["verify"]).exits(0);
}

#[test]
fn a_folder_that_empties_suddenly_loses_nothing_until_a_person_agrees() {
    let machine = Machine::new();
    for n in 0..60 {
        machine.write(&format!("docs/{n}.txt"), format!("Note number {n} is about herons."));
    }
    machine.run(["import", "docs"]).exits(0);
    for n in 0..55 {
        fs::remove_file(machine.path(&format!("docs/{n}.txt"))).expect("it was there");
    }
    let parked = machine.run(["import", "docs", "--json"]).exits(3).event("summary");
    assert_eq!((parked["removed"].as_u64(), parked["parked"].as_u64()), (Some(0), Some(55)), "{parked:#}");
    machine.run(["ask", "herons"]).exits(0);
    let approved = machine.run(["import", "docs", "--approve-removals", "--json"]).exits(0).event("summary");
    assert_eq!(approved["removed"], 55, "{approved:#}");
    machine.run(["verify"]).exits(0);
}

#[test]
fn a_single_file_is_imported_by_its_path_and_its_neighbours_stay() {
    let machine = Machine::new();
    machine.write("docs/one.txt", "The first heron stands in the reeds.");
    machine.write("docs/two.txt", "The second owl sits in the oak.");
    machine.run(["import", "docs"]).exits(0);
    let one = machine.run(["import", "docs/one.txt", "--json"]).exits(0).event("summary");
    assert_eq!((one["total_files"].as_u64(), one["removed"].as_u64()), (Some(1), Some(0)), "{one:#}");
    machine.run(["ask", "Where does the owl sit?"]).exits(0);
}

#[test]
fn a_question_can_be_narrowed_to_a_portfolio() {
    let machine = Machine::new();
    machine.write("a/a.txt", "The budget of the harbour is 5 million.");
    machine.write("b/b.txt", "The budget of the harbour is 9 million.");
    machine.run(["import", "a", "--portfolio", "draft"]).exits(0);
    machine.run(["import", "b", "--portfolio", "final"]).exits(0);
    let asked = ["ask", "What is the budget of the harbour?", "--json", "--portfolio"];
    let answer = machine.run(asked.iter().chain(&["final"])).exits(0).json().remove(0);
    assert!(answer["answer"].as_str().is_some_and(|text| text.contains("9 million")), "{answer:#}");
    machine.run(asked.iter().chain(&["none such"])).exits(6);
}

#[test]
fn a_thread_goes_on_in_the_next_call() {
    let machine = Machine::new();
    machine.write("docs/a.txt", "The warranty of the pump is 42 months.\n\nThe warranty of the valve is 12 months.");
    machine.run(["import", "docs"]).exits(0);
    let first = machine.run(["ask", "What is the warranty of the pump?", "--json"]).exits(0).json().remove(0);
    let thread = first["thread_id"].as_str().expect("an id").to_owned();
    let second = machine.run(["ask", "And of the valve?", "--json", "--thread", &thread]).exits(0).json().remove(0);
    assert_eq!(second["thread_id"].as_str(), Some(thread.as_str()));
    assert!(second["answer"].as_str().is_some_and(|text| text.contains("12 months")), "{second:#}");
    let unknown = machine.run(["ask", "And of the valve?", "--thread", "made-up"]).exits(4);
    assert!(unknown.err.contains("not found") || unknown.err.contains("no such thread"), "{unknown:#?}");
}

#[test]
fn browsing_lists_one_level_all_levels_or_what_is_looked_for() {
    let machine = Machine::new();
    machine.write("docs/a.txt", "a");
    machine.write("docs/deep/er/b.txt", "b");
    let paths = |arguments: &[&str]| -> Vec<String> {
        let listed = machine.run(["browse", "docs", "--json"].iter().chain(arguments)).exits(0).json();
        listed.iter().map(|entry| entry["path"].as_str().expect("a path").to_owned()).collect()
    };
    assert_eq!(paths(&[]), ["a.txt", "deep"]);
    assert_eq!(paths(&["deep/er"]), ["deep/er/b.txt"]);
    assert_eq!(paths(&["--recursive"]), ["a.txt", "deep/er/b.txt"]);
    assert_eq!(paths(&["--search", "B.TX"]), ["deep/er/b.txt"]);
    assert_eq!(paths(&["--recursive", "--limit", "1"]).len(), 1);
    let table = machine.run(["browse", "docs"]).exits(0).out;
    assert!(table.contains("folder") && table.contains("2 entries"), "{table}");
}

#[test]
fn the_catalogue_describes_every_setting_and_marks_secrets() {
    let machine = Machine::new();
    let vendors: Vec<_> = machine.run(["connectors", "--json"]).exits(0).json();
    let ids: Vec<_> = vendors.iter().map(|vendor| vendor["type"].as_str().expect("an id")).collect();
    assert_eq!(
        ids,
        [
            "autodesk",
            "azure_blob",
            "dropbox",
            "folder",
            "github",
            "google_drive",
            "opendal",
            "s3",
            "sftp",
            "sharepoint",
            "telegram"
        ]
    );
    for id in ids {
        let vendor = machine.run(["connectors", id, "--json"]).exits(0).json().remove(0);
        let fields = vendor["config_schema"]["properties"].as_object().expect("settings");
        for (name, field) in fields {
            assert!(field["description"].as_str().is_some_and(|text| !text.is_empty()), "{id}.{name} says nothing");
            if name.contains("secret") || name.contains("token") {
                assert_eq!(field["writeOnly"], true, "{id}.{name}");
            }
        }
    }
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let completions = Machine::new().run(["completions", shell]).exits(0);
        assert!(completions.out.contains("import") && completions.out.contains("verify"), "{shell}");
    }
}
