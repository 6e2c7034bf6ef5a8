//! Several servers: one database on Postgres, one index on Qdrant's wire.

use catchment_qdrant::double::{Double, Traits};
use catchment_testkit::backends;
use reqwest::Method;
use serde_json::json;

use crate::{
    serving::Serving,
    support::{Machine, samples},
};

const KEY: &str = "4f1d0a9be2c35877c60e1f94a3b2d8576e9080c1b7a5f3e2d4c6b8a09f7e5d31";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A machine of a cluster: its data directory is its own, everything that counts is shared.
fn machine(database: &str, qdrant: &str) -> Machine {
    Machine::new()
        .with("CATCHMENT_DATABASE_URL", database)
        .with("CATCHMENT_QDRANT_URL", qdrant)
        .with("CATCHMENT_ENCRYPTION_KEY", KEY)
        .with("CATCHMENT_AUTH", "jwt")
        .with("CATCHMENT_JWT_SECRET", SECRET)
        .with("CATCHMENT_SERVER__HOST_ACCESS", "true")
        .with("CATCHMENT_SERVER__LEASE_S", "2")
}

fn token(machine: &Machine, user: &str) -> String {
    machine.run(["token", "--user", user, "--organization", "acme"]).exits(0).out.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_share_a_database_an_index_and_the_work() {
    let database = backends::postgres().database();
    let qdrant = Double::start(Traits::default()).await.expect("the stand-in of Qdrant");
    let (here, there) = (machine(&database.url, &qdrant.url()), machine(&database.url, &qdrant.url()));
    let ann = token(&here, "ann");
    let (first, second) = (Serving::on(&here).token(&ann), Serving::on(&there).token(&ann));

    let body =
        json!({ "user_id": "ann", "vendor": "folder", "name": "Handbooks", "credentials": { "path": samples() } });
    let id = first.post("/integrations", body).await.is(201)["id"].as_i64().expect("an id");
    second.get(&format!("/integrations/{id}")).await.is(200);
    let imported =
        second.post("/integrations/import", json!({ "integration_id": id, "file_paths": [""] })).await.is(200);
    assert_eq!((&imported["successful"], &imported["failed"]), (&json!(14), &json!(2)), "{imported:#}");
    let question = json!({ "query": "How long is the warranty of the pump?" });
    for server in [&first, &second] {
        let answer = server.post("/ask", question.clone()).await.is(200);
        assert_eq!(answer["citations"][0]["file_path"], "pump-handbook.pdf", "{answer:#}");
    }

    let eve = Serving::on(&there).token(token(&there, "eve"));
    eve.get(&format!("/integrations/{id}")).await.is(404);
    assert_eq!(eve.post("/ask", question).await.is(200)["citations"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_began_another_finishes() {
    let database = backends::postgres().database();
    let qdrant = Double::start(Traits::default()).await.expect("the stand-in of Qdrant");
    let (here, there) = (machine(&database.url, &qdrant.url()), machine(&database.url, &qdrant.url()));
    for number in 0..200 {
        here.write(&format!("docs/{number}.txt"), format!("Paragraph {number}.\n\n").repeat(300));
    }
    let ann = token(&here, "ann");
    let first = Serving::on(&here).token(&ann);
    let body =
        json!({ "user_id": "ann", "vendor": "folder", "name": "Docs", "credentials": { "path": here.path("docs") } });
    let id = first.post("/integrations", body).await.is(201)["id"].as_i64().expect("an id");
    let order = json!({ "integration_id": id, "file_paths": [""] });
    let respond_async = [("prefer", "respond-async")];
    let job = first.call(Method::POST, "/integrations/import", Some(order), &respond_async).await.is(202);
    let job = job["job_id"].as_i64().expect("a job");
    while first.get(&format!("/jobs/{job}/files?limit=1")).await.is(200)["files"] == json!([]) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    first.kill();

    let second = Serving::on(&there).token(&ann);
    let ended = second.job(job).await;
    assert_eq!(ended["state"], "succeeded", "{ended:#}");
    let listed = second.get(&format!("/integrations/{id}/files?limit=1000")).await.is(200);
    assert_eq!(listed["files"].as_array().map_or(0, Vec::len), 200, "{listed:#}");
    there.run(["verify"]).exits(0);
}

#[test]
fn a_shared_database_without_a_shared_key_or_with_a_superuser_is_refused() {
    let database = backends::postgres().database();
    let no_key = Machine::new().with("CATCHMENT_DATABASE_URL", &database.url).run(["serve"]).exits(4);
    assert!(no_key.err.contains("CATCHMENT_ENCRYPTION_KEY"), "{no_key:#?}");
    let superuser = Machine::new()
        .with("CATCHMENT_DATABASE_URL", &database.admin_url)
        .with("CATCHMENT_ENCRYPTION_KEY", KEY)
        .run(["serve"])
        .exits(4);
    assert!(superuser.err.contains("CREATE ROLE"), "{superuser:#?}");
    assert!(!superuser.err.contains(&backends::postgres().password), "{superuser:#?}");
    let elsewhere = Machine::new()
        .with("CATCHMENT_DATABASE_URL", "mysql://root:hunter2@localhost/db")
        .with("CATCHMENT_ENCRYPTION_KEY", KEY)
        .run(["serve"])
        .exits(4);
    assert!(elsewhere.err.contains("postgres://") && !elsewhere.err.contains("hunter2"), "{elsewhere:#?}");
}
