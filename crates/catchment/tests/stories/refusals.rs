//! Bad input: a clear sentence that says what to do, an exit code that says who acts, nothing lost.

use std::fs;

use crate::support::{Ended, Machine};

/// The command is refused with this exit code, and says each of these words.
#[track_caller]
fn refused(ended: Ended, code: i32, words: &[&str]) {
    let ended = ended.exits(code);
    for word in words {
        assert!(ended.err.contains(word), "`{word}` is not said: {ended:#?}");
    }
    assert!(!ended.err.contains("panicked"), "{ended:#?}");
}

#[test]
fn an_unknown_vendor_is_told_the_known_ones() {
    refused(Machine::new().run(["connectors", "dropbocks"]), 4, &["unknown vendor", "folder", "s3"]);
    refused(Machine::new().run(["test", "gopher://somewhere"]), 4, &["gopher://somewhere", "s3://bucket/prefix"]);
}

#[test]
fn a_wrong_setting_is_named() {
    let machine = Machine::new();
    refused(machine.run(["test", "s3", "--set", "region=eu-west-1"]), 4, &["bucket_name", "missing"]);
    refused(machine.run(["test", "s3://b", "--set", "buket=x"]), 4, &["buket", "unknown field"]);
    refused(machine.run(["test", "s3://b", "--set", "anonymous=perhaps"]), 4, &["anonymous", "boolean"]);
    refused(machine.run(["test", "s3://b", "--set", "region"]), 4, &["NAME=VALUE"]);
    refused(machine.run(["test", "s3://b", "--set", "secret_access_key=@/no/such/file"]), 4, &["/no/such/file"]);
}

#[test]
fn a_setting_in_the_configuration_that_is_not_one_is_named_and_its_value_is_not() {
    let machine = Machine::new();
    machine.write(
        "data/catchment.toml",
        "[language_model]\nurl = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\nkee = \"planted-secret\"\n",
    );
    let ended = machine.run(["ask", "anything"]);
    assert!(!ended.err.contains("planted-secret"), "{ended:#?}");
    refused(ended, 4, &["language_model", "catchment.toml"]);
    refused(machine.run(["ask", "x", "--config", "none.toml"]), 4, &["none.toml"]);
}

#[test]
fn a_place_that_is_not_there_is_named() {
    let machine = Machine::new();
    refused(machine.run(["import", "./nowhere"]), 4, &["nowhere", "no such folder"]);
    machine.write("docs/a.txt", "a");
    refused(machine.run(["import", "docs", "missing.txt"]), 4, &["missing.txt", "not found"]);
    refused(machine.run(["browse", "docs", "a.txt/b"]), 4, &["not found"]);
}

#[test]
fn a_folder_that_cannot_be_downloaded_to_is_named() {
    let machine = Machine::new();
    machine.write("docs/a.txt", "a");
    machine.write("out", "a file");
    refused(machine.run(["download", "docs", "--to", "out"]), 4, &["folder", "there is a file"]);
    refused(machine.run(["download", "docs", "--to", "out/below"]), 4, &["folder", "there is a file"]);
    refused(machine.run(["download", "docs", "b.txt", "--to", "other"]), 4, &["b.txt", "not found"]);
    assert!(!machine.path("other").exists(), "nothing is made for what is not there");
    // What arrives would be downloaded again, without end.
    for inside in ["docs", "docs/new/folder", "other/../docs/new"] {
        refused(machine.run(["download", "docs", "--to", inside]), 4, &["to", "choose another"]);
    }
    machine.run(["download", "docs", "a.txt", "--to", "docs/new"]).exits(0);
}

#[test]
fn a_path_never_leaves_its_root() {
    let machine = Machine::new();
    machine.write("secret.txt", "outside");
    machine.write("docs/a.txt", "inside");
    for path in ["../secret.txt", "a/../../secret.txt", "/etc/passwd", ".."] {
        let ended = machine.run(["browse", "docs", path, "--json"]);
        assert!(ended.code == 4 && ended.out.is_empty(), "{path}: {ended:#?}");
        let ended = machine.run(["import", "docs", path, "--json"]);
        assert!(ended.code == 4 && !ended.out.contains("\"ingested\""), "{path}: {ended:#?}");
    }
    machine.run(["ask", "outside"]).exits(6);
}

#[test]
fn one_bad_file_never_fails_the_others() {
    let machine = Machine::new();
    machine.write("docs/good.txt", "The heron stands in the reeds.");
    machine.write("docs/empty.txt", "");
    machine.write("docs/broken.docx", b"PK\x03\x04 this is not an office file");
    machine.write("docs/broken.pdf", b"%PDF-1.7\nnothing follows");
    machine.write("docs/program.bin", [0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 62, 0]);
    let ended = machine.run(["import", "docs", "--json"]).exits(3);
    let summary = ended.event("summary");
    assert_eq!((summary["ingested"].as_u64(), summary["total_files"].as_u64()), (Some(1), Some(5)), "{ended:#?}");
    for file in ended.json().iter().filter(|line| line["event"] == "file" && line["file_path"] != "good.txt") {
        let message = file["error"]["message"].as_str().expect("a reason");
        assert!(message.len() > 10 && !message.ends_with('.'), "{message}");
    }
    machine.run(["ask", "Where does the heron stand?"]).exits(0);
}

#[test]
fn a_zip_bomb_fails_alone() {
    let machine = Machine::new();
    machine.write("docs/bomb.docx", bomb());
    machine.write("docs/good.txt", "The heron stands in the reeds.");
    let ended = machine.run(["import", "docs", "--json"]).exits(3);
    let bomb = ended.json().into_iter().find(|line| line["file_path"] == "bomb.docx").expect("a result");
    assert_eq!(bomb["error"]["kind"], "too_large", "{bomb:#}");
    assert_eq!(ended.event("summary")["ingested"], 1);
}

#[test]
fn a_file_over_the_limit_fails_alone_and_names_the_limit() {
    let machine = Machine::new();
    machine.write("data/catchment.toml", "[limits]\nbytes = 1000\n");
    machine.write("docs/large.txt", "word ".repeat(1000));
    machine.write("docs/small.txt", "The heron stands in the reeds.");
    let ended = machine.run(["import", "docs", "--json"]).exits(3);
    let large = ended.json().into_iter().find(|line| line["file_path"] == "large.txt").expect("a result");
    assert_eq!(large["error"]["kind"], "too_large", "{large:#}");
    assert!(large["error"]["message"].as_str().is_some_and(|text| text.contains("1000")), "{large:#}");
}

#[cfg(unix)]
#[test]
fn odd_names_are_imported_and_shown_without_driving_the_terminal() {
    let machine = Machine::new();
    machine.write("docs/a\u{1b}[31mred.txt", "The heron stands in the reeds.");
    machine.write("docs/invoice\u{202e}txt.exe.txt", "The owl sits in the oak.");
    machine.write("docs/line\nfeed.txt", "The crane dances in the marsh.");
    let table = machine.run(["import", "docs"]).exits(0);
    assert!(!table.out.contains('\u{1b}') && !table.out.contains('\u{202e}'), "{table:#?}");
    assert!(table.out.contains("3 imported"), "{table:#?}");
    let answer = machine.run(["ask", "Where does the owl sit?"]).exits(0);
    assert!(!answer.out.contains('\u{202e}') && answer.out.contains("invoice\\u{202e}"), "{answer:#?}");
}

#[test]
fn a_database_that_is_none_is_refused_and_left_alone() {
    let machine = Machine::new();
    let path = machine.write("data/catchment.db", "this is a letter to grandmother, not a database");
    refused(machine.run(["ask", "anything"]), 4, &["catchment.db"]);
    assert_eq!(fs::read_to_string(path).expect("still there"), "this is a letter to grandmother, not a database");
}

#[test]
fn an_empty_question_is_refused() {
    refused(Machine::new().run(["ask", "  "]), 4, &["question", "empty"]);
}

/// A Word file whose one part is a gigabyte of zeros behind a megabyte.
fn bomb() -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let types = concat!(
        r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">"#,
        r#"<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#,
    );
    zip.start_file("[Content_Types].xml", options).expect("a part");
    zip.write_all(types.as_bytes()).expect("in memory");
    zip.start_file("word/document.xml", options).expect("a part");
    zip.write_all(b"<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>")
        .expect("in memory");
    let blank = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        zip.write_all(&blank).expect("in memory");
    }
    zip.finish().expect("in memory").into_inner()
}
