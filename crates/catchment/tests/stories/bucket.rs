//! The same day with a bucket, on servers nobody here wrote.

use std::process::Command;

use catchment_testkit::backends::{self, S3Server};

use crate::support::{Machine, samples};

/// Copies the samples into a new bucket, with rclone.
fn bucket(server: &S3Server, name: &str) {
    let done = Command::new(backends::program("rclone"))
        .env_clear()
        .env("HOME", std::env::temp_dir())
        .args(["copy", "--config", "", "--s3-provider", "Other", "--s3-endpoint"])
        .arg(format!("http://{}", server.address))
        .args(["--s3-access-key-id", &server.admin.id, "--s3-secret-access-key", &server.admin.secret])
        .arg(samples())
        .arg(format!(":s3:{name}/handbooks"))
        .output()
        .expect("rclone starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A machine whose environment has the server's keys, as AWS tools want them.
fn machine(server: &S3Server) -> Machine {
    Machine::new()
        .with("AWS_ACCESS_KEY_ID", &server.admin.id)
        .with("AWS_SECRET_ACCESS_KEY", &server.admin.secret)
        .with("AWS_EC2_METADATA_DISABLED", "true")
}

/// The settings that lead to the server instead of Amazon's.
fn here(server: &S3Server) -> [String; 4] {
    ["--set".into(), format!("url=http://{}", server.address), "--set".into(), "allow_http=true".into()]
}

fn a_bucket_is_tested_browsed_imported_and_asked(server: &S3Server, name: &str) {
    bucket(server, name);
    let machine = machine(server);
    let address = format!("s3://{name}/handbooks");
    let with = |arguments: &[&str]| -> Vec<String> {
        arguments.iter().map(|argument| (*argument).to_owned()).chain(here(server)).collect()
    };
    machine.run(with(&["test", &address])).exits(0);
    let listed = machine.run(with(&["browse", &address, "--json"])).exits(0).json();
    assert_eq!(listed.len(), 16);
    let first = machine.run(with(&["import", &address, "--json"])).exits(3).event("summary");
    assert_eq!((first["ingested"].as_u64(), first["failed"].as_u64()), (Some(14), Some(2)), "{first:#}");
    let answer = machine.run(["ask", "How long is the warranty of the pump?", "--json"]).exits(0).json().remove(0);
    assert_eq!(answer["citations"][0]["file_path"], "handbooks/pump-handbook.pdf", "{answer:#}");
    assert_eq!(answer["citations"][0]["page"], 3, "{answer:#}");
    let second = machine.run(with(&["import", &address, "--json"])).exits(3).event("summary");
    assert_eq!(second["unchanged"], 14, "{second:#}");
    machine.run(["verify"]).exits(0);
    let database = std::fs::read(machine.path("data/catchment.db")).expect("the database");
    let secret = server.admin.secret.as_bytes();
    assert!(!database.windows(secret.len()).any(|window| window == secret), "the secret key is in the database");
}

#[test]
fn a_bucket_of_moto_is_tested_browsed_imported_and_asked() {
    a_bucket_is_tested_browsed_imported_and_asked(&backends::moto(), "journey-one");
}

#[test]
fn a_bucket_of_rclone_is_tested_browsed_imported_and_asked() {
    a_bucket_is_tested_browsed_imported_and_asked(&backends::rclone(), "journey-two");
}

#[test]
fn a_bucket_is_downloaded_as_it_is() {
    let server = backends::moto();
    bucket(&server, "journey-four");
    let machine = machine(&server);
    let download = |json: &str| {
        let arguments = ["download", "s3://journey-four", "--to", "out", json].map(str::to_owned);
        machine.run(arguments.into_iter().filter(|argument| !argument.is_empty()).chain(here(&server)))
    };
    let first = download("--json").exits(0);
    let summary = first.event("summary");
    assert_eq!((summary["downloaded"].as_u64(), summary["complete"].as_bool()), (Some(16), Some(true)), "{summary:#}");
    let differ =
        Command::new("diff").arg("-r").arg(samples()).arg(machine.path("out/handbooks")).output().expect("diff");
    assert!(differ.status.success(), "{}", String::from_utf8_lossy(&differ.stdout));
    let told = download("").exits(0);
    assert!(told.out.starts_with("16 there already; 0 B in "), "{told:#?}");
}

#[test]
fn what_is_wrong_with_a_bucket_is_said() {
    let server = backends::moto();
    bucket(&server, "journey-three");
    let ended = |machine: &Machine, address: &str, settings: &[String]| {
        machine.run(["test", address].into_iter().map(str::to_owned).chain(settings.iter().cloned()))
    };
    let good = machine(&server);
    let missing = ended(&good, "s3://journey-none", &here(&server)).exits(4);
    assert!(missing.err.contains("bucket_name"), "{missing:#?}");
    let wrong =
        Machine::new().with("AWS_ACCESS_KEY_ID", &server.admin.id).with("AWS_SECRET_ACCESS_KEY", "planted-wrong-key");
    let refused = ended(&wrong, "s3://journey-three", &here(&server)).exits(4);
    assert!(refused.err.contains("secret_access_key") && !refused.err.contains("planted-wrong-key"), "{refused:#?}");
    let nobody =
        ["--set".to_owned(), "url=http://127.0.0.1:9".to_owned(), "--set".to_owned(), "allow_http=true".to_owned()];
    let down = ended(&good, "s3://journey-three", &nobody).exits(5);
    assert!(down.err.contains("url"), "{down:#?}");
    let clear = ["--set".to_owned(), format!("url=http://{}", server.address)];
    let refused = ended(&good, "s3://journey-three", &clear).exits(4);
    assert!(refused.err.contains("allow_http"), "{refused:#?}");
}
