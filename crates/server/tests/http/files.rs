//! What the server tells of the files that were brought in.

use catchment_core::{Entry, IntegrationId, Ledger, Tenant};
use chrono::DateTime;
use serde_json::{Value, json};

use crate::support::Running;

#[tokio::test]
async fn a_file_is_shown_as_its_source_described_it() {
    let server = Running::local().await;
    let id = server.create(None).await;
    let scoped = server.store.scoped(Tenant::local());
    let run = scoped.begin(IntegrationId(id), &[]).await.unwrap();
    let mut described = Entry::file("id-1", "Reports/2026.pdf");
    (described.size, described.mime) = (Some(5_000_000_000), Some("application/pdf".into()));
    described.created = DateTime::from_timestamp(1_700_000_000, 0);
    described.modified = DateTime::from_timestamp(1_800_000_000, 0);
    described.web_url = Some("https://shelf.example/2026.pdf".into());
    scoped.seen(&run, &[described, Entry::file("id-2", "Reports/bare.txt")]).await.unwrap();

    let files = server.client.get(&format!("/integrations/{id}/files")).await.body();
    let told = |file: &Value| {
        let names = ["file_name", "file_size", "mime_type", "file_link", "external_created_at", "external_updated_at"];
        json!(names.map(|name| file[name].clone()))
    };
    let full = json!([
        "2026.pdf",
        5_000_000_000_u64,
        "application/pdf",
        "https://shelf.example/2026.pdf",
        "2023-11-14T22:13:20Z",
        "2027-01-15T08:00:00Z"
    ]);
    assert_eq!(told(&files["files"][0]), full, "{files}");
    assert_eq!(told(&files["files"][1]), json!(["bare.txt", null, null, null, null, null]), "{files}");
    server.stop().await;
}
