//! Autodesk's own descriptions (`spec/`) against what is sent to it, and what the stand-in answers.

mod fake;

use catchment_core::{PageRequest, walk};
use catchment_testkit::openapi::{Description, Request};
use fake::{Fake, connect};
use futures::TryStreamExt;

/// Not in the descriptions: the token and the profile are held in others, and the permissions of
/// folders are documented only.
const BESIDE: [&str; 4] = ["/authentication/", "/userinfo", "/bim360/docs/", "/objects/"];

fn description() -> Description {
    Description::read(include_str!("../spec/platform-services.json")).expect("a description")
}

#[tokio::test]
async fn every_request_and_every_answer_is_one_that_is_described() {
    let fake = Fake::new().await;
    for path in ["a/b.pdf", "a/c/d.pdf", "e.pdf"] {
        fake.account().put(path, b"x");
    }
    fake.account().staffed = true;
    let mut settings = fake.settings();
    settings["user_id"] = "A1".into();
    settings["folder_path"] = "Acme".into();
    let app = connect(settings, catchment_core::Context::local()).expect("good settings");
    for connector in [app, fake.person()] {
        connector.check().await.expect("connected");
        let browse = connector.need_browse().expect("browse");
        let root = browse.lookup("").await.expect("a root");
        browse.children(&root.id, PageRequest::first().limit(1)).await.expect("a page");
        let found: Vec<_> = walk::search(browse, "b.pdf", browse.lookup("").await.expect("a root"))
            .try_collect()
            .await
            .unwrap_or_default();
        let _ = browse.lookup("nowhere").await;
        let permissions = connector.permissions().expect("permissions");
        for file in found.iter().filter(|entry| entry.is_file()) {
            connector
                .need_download()
                .expect("download")
                .open(file, None)
                .await
                .expect("opened")
                .collect(9)
                .await
                .expect("read");
            for group in permissions.grants(file).await.expect("told") {
                if let catchment_core::Principal::Group(group) = group {
                    permissions.members(&group, PageRequest::first()).await.expect("members");
                }
            }
        }
    }
    let description = description();
    let account = fake.account();
    let mut held = std::collections::BTreeSet::new();
    for (asked, status, body) in
        account.asked.iter().filter(|(asked, ..)| !BESIDE.iter().any(|start| asked.path.starts_with(start)))
    {
        description.request(asked, &[]).unwrap_or_else(|how| panic!("{how}: {asked:?}"));
        // Of errors the descriptions say less than the service does.
        if *status >= 400 {
            continue;
        }
        let answer = description.answer(&asked.method, &asked.path, *status, body);
        answer.unwrap_or_else(|how| panic!("{how}: {}", String::from_utf8_lossy(body)));
        held.insert(asked.path.rsplit('/').next().unwrap_or_default().to_owned());
    }
    for last in ["hubs", "projects", "topFolders", "contents", "search", "signeds3download", "users"] {
        assert!(held.contains(last), "{last} was not tried: {held:?}");
    }
}

#[test]
fn a_request_that_is_not_described_is_found() {
    let request = |path: &str, name: &str| Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: vec![(name.to_owned(), "1".to_owned())],
        ..Request::default()
    };
    assert!(description().request(&request("/project/v1/hubs/b.1/projects", "page[limit]"), &[]).is_ok());
    assert!(description().request(&request("/project/v1/hubs/b.1/projects", "limit"), &[]).is_err());
    assert!(description().request(&request("/data/v1/projects/b.1/files", "page[limit]"), &[]).is_err());
}
