//! Microsoft's own metadata (`spec/`) against what is sent to Graph, and what the stand-in answers.

mod csdl;
mod fake;

use catchment_core::{ByteRange, Connector, Entry, PageRequest, Principal};
use catchment_testkit::world::{Key, Op};
use csdl::Metadata;
use fake::{Asked, Fake};
use serde_json::{Value, json};

/// Where people, groups and tokens are, which the cut leaves out.
const BESIDE: [&str; 4] = ["/v1.0/me", "/v1.0/users", "/v1.0/groups", "/contoso.onmicrosoft.com/oauth2/"];

/// Does everything once that the connector can do.
async fn use_all(fake: &Fake, connector: &dyn Connector) {
    connector.check().await.expect("checked");
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    let first = browse.children(&root.id, PageRequest::first().limit(1)).await.expect("a page");
    if let Some(next) = first.next {
        browse.children(&root.id, PageRequest::at(next)).await.expect("a page");
    }
    let path = if root.id.as_str().contains('/') { "a b/it's.txt" } else { "Documents/root/a b/it's.txt" };
    let entry: Entry = browse.lookup(path).await.expect("found");
    browse.search("it's", &root.id, PageRequest::first()).await.expect("searched");
    let download = connector.need_download().expect("download");
    download.open(&entry, Some(ByteRange::new(1, 2))).await.expect("opened").collect(9).await.expect("read");
    let permissions = connector.permissions().expect("permissions");
    permissions.grants(&entry).await.expect("told");
    permissions.members("team", PageRequest::first().limit(1)).await.expect("told");
    let changes = connector.changes().expect("changes");
    let cursor = changes.now().await.expect("a cursor");
    fake.put("a b/new.txt", b"new");
    let mut page = changes.changes(&cursor).await.expect("a page");
    while page.more {
        page = changes.changes(&page.cursor).await.expect("a page");
    }
}

#[tokio::test]
async fn every_request_and_every_answer_is_one_that_microsoft_describes() {
    let metadata = Metadata::read(include_str!("../spec/microsoft-graph.csdl.xml"));
    for more in [
        json!({}),
        json!({ "folder_path": "/" }),
        json!({ "url": null, "user_id": "ada@contoso.com", "folder_path": "root", "tenant_id": "contoso.onmicrosoft.com" }),
    ] {
        let fake = Fake::new().await;
        let key = fake.put("a b/it's.txt", b"content");
        let notebook = fake.world(|world| world.create(Key::ROOT, "Notes", None).expect("possible"));
        let package = json!({ "folder": null, "package": { "type": "oneNote" } });
        fake.cloud().facets.insert((fake::DRIVE.to_owned(), notebook), package);
        for with in [Principal::Anyone, Principal::Group("team".into()), Principal::User("ada@contoso.com".into())] {
            fake.world(|world| world.apply(Op::Share { key, with }).map(drop).expect("possible"));
        }
        let join = Op::Join { group: "team".to_owned(), member: Principal::User("ada@contoso.com".to_owned()) };
        fake.world(|world| world.apply(join).map(drop).expect("possible"));
        use_all(&fake, fake.with(more).as_ref()).await;
        let asked: Vec<Asked> = fake.cloud().asked.clone();
        let graph: Vec<_> = asked
            .iter()
            .filter(|asked| {
                asked.path.starts_with("/v1.0/") && !BESIDE.iter().any(|beside| asked.path.starts_with(beside))
            })
            .collect();
        assert!(graph.len() > 10, "{graph:?}");
        for asked in graph {
            assert_eq!((asked.method.as_str(), asked.status), ("GET", 200), "{asked:?}");
            let kind = metadata.request(asked).unwrap_or_else(|how| panic!("{how}: {asked:?}"));
            let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
            metadata.value(&kind, &body).unwrap_or_else(|how| panic!("{how}: {} {body:#}", asked.path));
        }
    }
}

#[test]
fn what_is_not_described_is_found() {
    let metadata = Metadata::read(include_str!("../spec/microsoft-graph.csdl.xml"));
    let asked = |path: &str, select: &str| Asked {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: vec![("$select".to_owned(), select.to_owned())],
        headers: Vec::new(),
        status: 200,
        body: Vec::new(),
    };
    assert!(metadata.request(&asked("/v1.0/drives/x/items/y/children", "id,name")).is_ok());
    assert!(metadata.request(&asked("/v1.0/drives/x/items/y:/a/b", "eTag")).is_ok());
    for (path, select) in [
        ("/v1.0/drives/x/items/y/kids", "id"),
        ("/v1.0/drives/x/items/y/children", "id,names"),
        ("/v1.0/drive/x", "id"),
        ("/v1.0/sites/x/delta", "id"),
    ] {
        assert!(metadata.request(&asked(path, select)).is_err(), "{path} {select}");
    }
    for wrong in
        [json!({ "id": 7 }), json!({ "names": "x" }), json!({ "size": "7" }), json!({ "file": { "hash": "x" } })]
    {
        assert!(metadata.value("graph.driveItem", &wrong).is_err(), "{wrong}");
    }
    assert!(metadata.value("graph.driveItem", &json!({ "id": "x", "@odata.type": "x", "folder": {} })).is_ok());
}
