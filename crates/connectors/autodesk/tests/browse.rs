//! Hubs, projects and folders: found by name and by id, listed whole whatever the pages are like.

mod fake;

use catchment_core::{Connector, Context, ErrorKind, PageRequest, Result, Retry, Step, walk};
use catchment_testkit::world::{Key, Op};
use fake::{Fake, HUB, PROJECT, connect};
use futures::{StreamExt, TryStreamExt};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

fn at(fake: &Fake, path: &str) -> Arc<dyn Connector> {
    let mut settings = fake.settings();
    settings["folder_path"] = path.into();
    connect(settings, Context::local()).expect("good settings")
}

/// The paths of all files, by a walk that has to be complete.
async fn files(connector: &dyn Connector, limit: u32) -> Result<Vec<String>> {
    let browse = connector.need_browse()?;
    let root = browse.lookup("").await?;
    let mut steps = std::pin::pin!(walk::walk(browse, root, PageRequest::first().limit(limit)));
    let mut files = Vec::new();
    while let Some(step) = steps.next().await {
        match step {
            Step::Entries(entries) => {
                files.extend(entries.into_iter().filter(|entry| entry.is_file()).map(|entry| entry.path))
            }
            Step::Unlisted { error, .. } => return Err(error),
            Step::End(proof) => assert!(proof.is_some()),
        }
    }
    files.sort();
    Ok(files)
}

#[tokio::test]
async fn every_level_can_be_the_root() {
    let fake = Fake::new().await;
    fake.account().put("minutes/a.pdf", b"x");
    let folder = fake.account().world.find(Key::ROOT, "minutes").expect("a folder");
    let id = format!("urn:adsk.wipprod:fs.folder:co.{folder}");
    for (path, wanted) in [
        ("Acme/Bridge/root/minutes", "a.pdf"),
        ("acme/BRIDGE/Root/Minutes/", "a.pdf"),
        (&format!("{HUB}/{PROJECT}/{id}"), "a.pdf"),
        (&format!("Acme/Bridge/urn:adsk.wipprod:fs.folder:co.{}/minutes", Key::ROOT), "a.pdf"),
        ("Acme/Bridge/root", "minutes/a.pdf"),
        ("Acme/Bridge", "root/minutes/a.pdf"),
    ] {
        let connector = at(&fake, path);
        connector.check().await.expect(path);
        assert_eq!(files(connector.as_ref(), 0).await.expect(path), [wanted], "{path}");
        let entry = connector.need_browse().expect("browse").lookup(wanted).await.expect(path);
        assert_eq!(
            connector
                .need_download()
                .expect("download")
                .open(&entry, None)
                .await
                .expect(path)
                .collect(9)
                .await
                .expect(path),
            b"x"
        );
    }
    for (path, wanted) in [("Acme", "Bridge/root/minutes/a.pdf"), ("", "Acme/Bridge/root/minutes/a.pdf")] {
        let connector = at(&fake, path);
        connector.check().await.expect("connected");
        let browse = connector.need_browse().expect("browse");
        let entry = browse.lookup(wanted).await.expect("there");
        // As another process finds it that knows the id alone.
        let fresh = at(&fake, path);
        assert!(fresh.need_download().expect("download").open(&entry, None).await.is_ok(), "{wanted}");
        let parent = browse.lookup(wanted.rsplit_once('/').expect("a folder").0).await.expect("there");
        let page = at(&fake, path).need_browse().expect("browse").children(&parent.id, PageRequest::first()).await;
        assert_eq!(page.expect("a page").items[0].path, wanted);
    }
}

#[tokio::test]
async fn a_name_with_a_slash_is_a_name() {
    let fake = Fake::new().await;
    let connector = at(&fake, "Acme");
    let entry = connector.need_browse().expect("browse").lookup("Road / North").await.expect("there");
    assert_eq!(
        (entry.name.as_str(), entry.path.as_str(), entry.is_container()),
        ("Road / North", "Road / North", true)
    );
    at(&fake, "Acme/Bridge/outside").check().await.expect("the folder is there");
    let error = at(&fake, "Acme/Road / North/x").check().await.expect_err("no such folder");
    assert_ne!(error.get("at"), Some("Road "), "{error}");
}

#[tokio::test]
async fn a_root_that_is_not_there_is_named() {
    let fake = Fake::new().await;
    fake.account().put("a.pdf", b"x");
    for (path, part) in [
        ("Nobody/Bridge", Some("Nobody")),
        ("Acme/Tunnel/x", Some("Tunnel")),
        ("Acme/Bridge/Nothing", Some("Nothing")),
        ("Acme/Bridge/root/none/x", Some("none")),
        ("Acme/Bridge/urn:adsk.wipprod:fs.folder:co.99", Some("urn:adsk.wipprod:fs.folder:co.99")),
        ("Acme/Bridge/root/a.pdf", None),
    ] {
        let error = at(&fake, path).check().await.expect_err(path);
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("folder_path")), "{path}: {error}");
        assert_eq!(error.get("at"), part, "{path}: {error}");
    }
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_not_the_end() {
    let fake = Fake::new().await;
    for number in 0..6 {
        fake.account().put(&format!("{number}.pdf"), b"x");
    }
    fake.account().empty_pages = [0, 2].into();
    assert_eq!(files(fake.connector().as_ref(), 2).await.expect("listed").len(), 6);
}

#[tokio::test]
async fn a_list_that_moves_while_it_is_read_is_not_a_whole_one() {
    type Happening = fn(&Fake);
    let happenings: [(&str, Happening, bool); 4] = [
        ("nothing", |_| {}, true),
        ("something behind is deleted", |fake| fake.account().remove("5.pdf"), true),
        ("something is deleted", |fake| fake.account().remove("0.pdf"), false),
        (
            "something is moved away",
            |fake| {
                let mut account = fake.account();
                let key = account.world.find(Key::ROOT, "1.pdf").expect("there");
                account.world.apply(Op::Move { key, parent: Key::OUTSIDE }).expect("moved");
            },
            false,
        ),
    ];
    for (what, happen, whole) in happenings {
        let fake = Fake::new().await;
        for number in 0..6 {
            fake.account().put(&format!("{number}.pdf"), b"x");
        }
        let connector = fake.connector();
        let browse = connector.need_browse().expect("browse");
        let root = browse.lookup("").await.expect("a root");
        let mut steps = std::pin::pin!(walk::walk(browse, root, PageRequest::first().limit(2)));
        assert!(matches!(steps.next().await, Some(Step::Entries(first)) if first.len() == 2), "{what}");
        happen(&fake);
        let rest: Vec<Step> = steps.collect().await;
        assert_eq!(matches!(rest.last(), Some(Step::End(Some(_)))), whole, "{what}: {rest:?}");
        let missed = rest
            .iter()
            .any(|step| matches!(step, Step::Unlisted { error, .. } if error.kind() == ErrorKind::Unavailable));
        assert_eq!(missed, !whole, "{what}: {rest:?}");
    }
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_end_a_listing() {
    let fake = Fake::new().await;
    for number in 0..6 {
        fake.account().put(&format!("{number}.pdf"), b"x");
    }
    fake.account().circle = Some(2);
    let connector = fake.connector();
    assert_eq!(files(connector.as_ref(), 2).await.expect_err("a circle").kind(), ErrorKind::Protocol);
    let error = connector.need_browse().expect("browse").lookup("missing.pdf").await.expect_err("a circle");
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_503_passes_and_nothing_is_gone_for_it() {
    let fake = Fake::new().await;
    fake.account().put("a.pdf", b"x");
    let connector = fake.connector();
    assert_eq!(files(connector.as_ref(), 0).await.expect("listed").len(), 1);
    fake.account().down_until = Some(Instant::now() + Duration::from_secs(60));
    let error = files(connector.as_ref(), 0).await.expect_err("a minute is long");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Backoff), "{error}");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(files(connector.as_ref(), 0).await.expect("listed again").len(), 1);
}

#[tokio::test]
async fn hubs_of_a_region_that_does_not_answer_are_not_gone() {
    let fake = Fake::new().await;
    let listed = async || {
        let connector = at(&fake, "");
        connector.check().await.expect("one region is enough for the connection");
        files(connector.as_ref(), 0).await
    };
    for refused in ["401", "403", "404"] {
        fake.account().warned = Some(refused);
        listed().await.expect("what is not for us was never listed");
    }
    for trouble in ["429", "500", "503", ""] {
        fake.account().warned = Some(trouble);
        assert_eq!(listed().await.expect_err(trouble).kind(), ErrorKind::Unavailable);
    }
    // A hub that is named does not wait for the others.
    files(at(&fake, "Acme/Bridge").as_ref(), 0).await.expect("listed");
    fake.account().warned = None;
    fake.account().provisioned = false;
    let error = files(at(&fake, "").as_ref(), 0).await.expect_err("no hub at all");
    assert_eq!((error.kind(), error.get("client_id")), (ErrorKind::Forbidden, Some(fake::CLIENT_ID)), "{error}");
}

#[tokio::test]
async fn a_next_page_at_another_host_is_refused() {
    let fake = Fake::new().await;
    for number in 0..6 {
        fake.account().put(&format!("{number}.pdf"), b"x");
    }
    fake.account().links_at = Some(fake.address.to_string());
    assert_eq!(files(fake.connector().as_ref(), 2).await.expect("whole addresses").len(), 6);
    for host in ["developer.api.autodesk.com", "evil.example"] {
        fake.account().links_at = Some(host.to_owned());
        let listed = files(fake.connector().as_ref(), 2).await;
        match host {
            "evil.example" => assert_eq!(listed.expect_err(host).kind(), ErrorKind::Protocol),
            _ => assert_eq!(listed.expect("what the vendor calls itself").len(), 6),
        }
    }
}

#[tokio::test]
async fn a_branch_that_is_refused_is_not_empty() {
    let fake = Fake::new().await;
    fake.account().put("open/a.pdf", b"x");
    fake.account().put("closed/b.pdf", b"x");
    let closed = fake.account().world.find(Key::ROOT, "closed").expect("a folder");
    let path = format!("urn%3Aadsk.wipprod%3Afs.folder%3Aco.{closed}/contents");
    fake.account().refuses.push((path, 403, "ACCESS_DENIED".to_owned()));
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    let steps: Vec<Step> = walk::walk(browse, root, PageRequest::first()).collect().await;
    let unlisted = steps.iter().find_map(|step| match step {
        Step::Unlisted { container, error } => Some((container.path.as_str(), error.kind())),
        _ => None,
    });
    assert_eq!(unlisted, Some(("closed", ErrorKind::Forbidden)));
    assert!(matches!(steps.last(), Some(Step::End(None))), "a walk that missed a branch is not complete");
}

#[tokio::test]
async fn a_person_searches_and_an_app_lists() {
    let fake = Fake::new().await;
    for path in ["pumps/Pump 1.pdf", "pumps/old/Pump 2.pdf", "valves/Valve.pdf"] {
        fake.account().put(path, b"x");
    }
    fake.account().world.put(Key::OUTSIDE, "Pump 3.pdf", &b"x"[..]).expect("a file");
    for connector in [fake.person(), fake.connector()] {
        let browse = connector.need_browse().expect("browse");
        let root = browse.lookup("").await.expect("a root");
        let found: Vec<_> = walk::search(browse, "Pump", root).try_collect().await.expect("found");
        let mut paths: Vec<_> = found.iter().filter(|entry| entry.is_file()).map(|entry| entry.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["pumps/Pump 1.pdf", "pumps/old/Pump 2.pdf"]);
        for entry in found.iter().filter(|entry| entry.is_file()) {
            assert_eq!(browse.lookup(&entry.path).await.expect("there").fingerprint, entry.fingerprint);
        }
    }
    let searches = fake.account().calls().iter().filter(|call| call.ends_with("/search")).count();
    assert_eq!(searches, 1, "the person's search is the vendor's, the app's is a walk");
}

#[tokio::test]
async fn what_lies_above_the_root_is_not_there() {
    let fake = Fake::new().await;
    fake.account().put("in/a.pdf", b"x");
    let whole = at(&fake, "Acme/Bridge");
    let browse = whole.need_browse().expect("browse");
    let (above, beside) = (browse.lookup("root").await.expect("there"), browse.lookup("outside").await.expect("there"));
    let narrow = at(&fake, "Acme/Bridge/root/in");
    for id in [above.id, beside.id, browse.lookup("").await.expect("a root").id] {
        let error =
            narrow.need_browse().expect("browse").children(&id, PageRequest::first()).await.expect_err("outside");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}
