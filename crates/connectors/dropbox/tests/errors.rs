//! What a person is told: which of credential, network, permission and path is wrong.

mod fake;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use catchment_core::{
    Authorize, Connector, Context, Error, ErrorKind, IntegrationId, PageRequest, Registry, Result, Retry, Secret, Step,
    async_trait, walk,
};
use catchment_dropbox::Dropbox;
use catchment_testkit::world::{Key, Op};
use fake::{Answer, Fake, ROOT, TOKEN, Team};
use futures::StreamExt;
use serde_json::json;
use tokio::time::Instant;

async fn refused(fake: &Fake, changes: serde_json::Value) -> Error {
    match fake.connect(changes) {
        Err(error) => error,
        Ok(connector) => connector.check().await.expect_err("refused"),
    }
}

#[tokio::test]
async fn check_says_whose_account_it_is() {
    let fake = Fake::new().await;
    let account = fake.connector().check().await.expect("an account");
    assert_eq!((account.id.as_str(), account.name.as_str()), (fake::ACCOUNT, "Anna Example"));
    assert_eq!(account.email.as_deref(), Some(fake::OWNER));
    assert!(account.details.contains(&("folder".to_owned(), "/root".to_owned())), "{:?}", account.details);
    fake.account().email_verified = false;
    assert_eq!(fake.connector().check().await.expect("an account").email, None);
}

#[tokio::test]
async fn check_names_the_scope_that_is_missing() {
    for scope in ["account_info.read", "files.metadata.read", "files.content.read"] {
        let fake = Fake::new().await;
        fake.account().scopes.remove(scope);
        let error = refused(&fake, json!({})).await;
        assert_eq!((error.kind(), error.get("scope")), (ErrorKind::Forbidden, Some(scope)), "{error}");
    }
    let fake = Fake::new().await;
    fake.account().scopes.remove("sharing.read");
    fake.connector().check().await.expect("files can be read without it");
}

#[tokio::test]
async fn check_names_the_setting_that_is_wrong() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.txt", "x").expect("put");
    for (changes, kind, field) in [
        (json!({ "access_token": "sl.u.wrong" }), ErrorKind::Unauthenticated, "access_token"),
        (json!({ "access_token": " " }), ErrorKind::Config, "access_token"),
        (json!({ "folder_path": "/missing" }), ErrorKind::Config, "folder_path"),
        (json!({ "folder_path": format!("{ROOT}/file.txt") }), ErrorKind::Config, "folder_path"),
        (json!({ "folder_path": format!("{ROOT}/../outside") }), ErrorKind::Config, "folder_path"),
        (json!({ "folder_path": "ns:77/x" }), ErrorKind::Forbidden, "folder_path"),
        (json!({ "member": "ada@example.com" }), ErrorKind::Config, "member"),
        (json!({ "url": "http://127.0.0.1:1", "allow_http": false }), ErrorKind::Config, "url"),
    ] {
        let error = refused(&fake, changes.clone()).await;
        assert_eq!((error.kind(), error.get("field")), (kind, Some(field)), "{changes}: {error}");
    }
}

#[tokio::test]
async fn a_teams_token_wants_a_member() {
    let fake = Fake::new().await;
    fake.account().team = Some(Team { root: "2000".to_owned(), member: Some("dbmid:AAAA") });
    for (member, field) in [(None, "member"), (Some("dbmid:ZZZZ"), "member")] {
        let error = refused(&fake, member.map_or(json!({}), |member| json!({ "member": member }))).await;
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some(field)), "{error}");
    }
    fake.connect(json!({ "member": "dbmid:AAAA" })).expect("good settings").check().await.expect("a member");
}

#[tokio::test]
async fn every_refusal_has_its_kind() {
    let fake = Fake::new().await;
    let connector = fake.connector();
    connector.check().await.expect("good");
    for (answer, kind) in [
        (Answer::refusal(401, &["expired_access_token"]), ErrorKind::Unauthenticated),
        (Answer::refusal(401, &["user_suspended"]), ErrorKind::Forbidden),
        (Answer::refusal(403, &["invalid_account_type", "feature"]), ErrorKind::Forbidden),
        (Answer::refusal(403, &["team_access_denied"]), ErrorKind::Forbidden),
        (Answer::text(400, "The given OAuth 2 access token is malformed."), ErrorKind::Unauthenticated),
        (Answer::text(400, "Error in call to API function"), ErrorKind::Protocol),
        (Answer::refusal(409, &["something_new"]), ErrorKind::Protocol),
        (Answer::text(200, "<html><body>Sign in</body></html>"), ErrorKind::Protocol),
    ] {
        fake.then("users/get_current_account", answer);
        let error = connector.check().await.expect_err("refused");
        assert_eq!(error.kind(), kind, "{error}");
        let foreign = error.to_string().contains("OAuth 2") || error.to_string().contains("html");
        assert!(!foreign, "{error}");
    }
}

#[tokio::test]
async fn the_time_to_wait_is_in_the_header_or_in_the_body() {
    let body = json!({
        "error_summary": "too_many_requests/..",
        "error": { "reason": { ".tag": "too_many_requests" }, "retry_after": 400 },
    });
    for (answer, wait) in [
        (Answer::status(429, body.clone()), 400),
        (Answer::status(429, body).header("retry-after", "300"), 300),
        (Answer::text(429, "").header("retry-after", "200"), 200),
    ] {
        // The pause holds all that this account asks for, so each has an account of its own.
        let fake = Fake::new().await;
        let context = Context { integration: IntegrationId(wait), ..Context::local() };
        let connector = Registry::new().with::<Dropbox>().connect("dropbox", fake.settings(), context).expect("good");
        fake.then("users/get_current_account", answer);
        let error = connector.check().await.expect_err("throttled");
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::RateLimited, Retry::After(Duration::from_secs(wait as u64)))
        );
    }
}

#[tokio::test]
async fn a_page_that_comes_again_is_an_error_and_no_loop() {
    let fake = Fake::new().await;
    for number in 0..9 {
        fake.account().drive.world.put(Key::ROOT, &format!("{number}.txt"), "x").expect("put");
    }
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root").id;
    let first = browse.children(&root, PageRequest::first().limit(3)).await.expect("a page");
    let token = first.next.expect("more");
    let again = json!({ "entries": [], "cursor": token.as_str(), "has_more": true });
    fake.then("files/list_folder/continue", Answer::json(again));
    let error = browse.children(&root, PageRequest::at(token)).await.expect_err("a loop");
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_are_an_error_wherever_they_are() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "shared/a.txt", "x").expect("put");
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let round = |route: &'static str, with: fn(&str) -> serde_json::Value| {
        for cursor in ["a", "b"].into_iter().cycle().take(12) {
            fake.then(route, Answer::json(with(cursor)));
        }
    };
    let list = |cursor: &str| json!({ "entries": [], "cursor": cursor, "has_more": true });
    round("files/list_folder/continue", list);
    fake.then("files/list_folder", Answer::json(list("b")));
    let root = browse.lookup("").await.expect("a root");
    let steps: Vec<Step> = walk::walk(browse, root, PageRequest::first()).collect().await;
    let circle = |step: &Step| matches!(step, Step::Unlisted { error, .. } if error.kind() == ErrorKind::Protocol);
    assert!(steps.iter().any(circle) && matches!(steps.last(), Some(Step::End(None))), "{steps:?}");

    fake.account().instead.clear();
    let changes = connector.changes().expect("changes");
    let mut cursor = changes.now().await.expect("a cursor");
    round("files/list_folder/continue", list);
    let error = loop {
        match changes.changes(&cursor).await {
            Ok(page) => cursor = page.cursor,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");

    fake.account().instead.clear();
    let members = |cursor: &str| json!({ "users": [], "groups": [], "invitees": [], "cursor": cursor });
    round("sharing/list_folder_members/continue", members);
    fake.then("sharing/list_folder_members", Answer::json(members("b")));
    let shared = fake.account().drive.world.find(Key::ROOT, "shared").expect("there");
    let with = catchment_core::Principal::Group("g:1".to_owned());
    fake.account().drive.world.apply(Op::Share { key: shared, with }).expect("shared");
    let entry = browse.lookup("shared/a.txt").await.expect("there");
    let error = connector.permissions().expect("permissions").grants(&entry).await.expect_err("a circle");
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn an_empty_page_in_the_middle_of_a_list_is_not_the_end() {
    let fake = Fake::new().await;
    for number in 0..9 {
        fake.account().drive.world.put(Key::ROOT, &format!("{number}.txt"), "x").expect("put");
    }
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    let first = browse.flat().expect("flat").descendants(&root.id, PageRequest::first().limit(3)).await;
    let first = first.expect("a page");
    let token = first.next.expect("more");
    fake.then("files/list_folder", Answer::json(json!({ "entries": [], "cursor": token.as_str(), "has_more": true })));
    let steps: Vec<Step> = walk::walk(browse, root, PageRequest::first()).collect().await;
    let met: usize = steps.iter().map(|step| if let Step::Entries(entries) = step { entries.len() } else { 0 }).sum();
    assert_eq!((met, matches!(steps.last(), Some(Step::End(Some(_))))), (9 - first.items.len(), true), "{steps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_503_passes_and_nothing_is_gone_for_it() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.txt", "x").expect("put");
    let connector = fake.connector();
    let browse = connector.need_browse().expect("browse");
    let root = browse.lookup("").await.expect("a root");
    fake.account().down_until = Some(Instant::now() + Duration::from_secs(60));
    let walked = async || walk::walk(browse, root.clone(), PageRequest::first()).collect::<Vec<Step>>().await;
    let steps = walked().await;
    let passes = |step: &Step| matches!(step, Step::Unlisted { error, .. } if (error.kind(), error.retry()) == (ErrorKind::Unavailable, Retry::Backoff));
    assert!(steps.iter().any(passes) && matches!(steps.last(), Some(Step::End(None))), "{steps:?}");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(matches!(walked().await.last(), Some(Step::End(Some(_)))));
}

/// A grant whose first token has expired.
#[derive(Debug, Default)]
struct Expired(AtomicUsize);

#[async_trait]
impl Authorize for Expired {
    async fn header(&self) -> Result<Secret> {
        let token = if self.0.load(Ordering::SeqCst) == 0 { "sl.u.expired" } else { TOKEN };
        Ok(Secret::new(format!("Bearer {token}")))
    }

    async fn rejected(&self, _: &Secret) -> Result<()> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn a_persons_grant_is_refreshed_once_on_both_hosts() {
    let fake = Fake::new().await;
    fake.account().drive.world.put(Key::ROOT, "file.txt", "x").expect("put");
    let mut settings = fake.settings();
    settings.as_object_mut().expect("fields").remove("access_token");
    let connect = |context| Registry::new().with::<Dropbox>().connect("dropbox", settings.clone(), context);
    let error = connect(Context::local()).expect_err("nobody has consented");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let grant = Arc::new(Expired::default());
    let connector: Arc<dyn Connector> = connect(Context::local().with_grant(grant.clone())).expect("good settings");
    connector.check().await.expect("refreshed");
    assert_eq!(grant.0.load(Ordering::SeqCst), 1);
    let entry = connector.need_browse().expect("browse").lookup("file.txt").await.expect("a file");
    let content = connector.need_download().expect("download").open(&entry, None).await.expect("opened");
    assert_eq!(content.collect(9).await.expect("read"), b"x");
}

#[tokio::test]
async fn consent_asks_for_a_refresh_token_and_the_fewest_scopes() {
    let registry = Registry::new().with::<Dropbox>();
    let manifest = registry.manifests().find(|one| one.id == "dropbox").expect("a manifest");
    let oauth = manifest.oauth.expect("OAuth");
    assert!(oauth.extra.contains(&("token_access_type", "offline")) && oauth.pkce);
    assert!(oauth.scopes.iter().all(|scope| scope.ends_with(".read")), "{:?}", oauth.scopes);
    assert!(oauth.wanted(|_| false) && !oauth.wanted(|name| name == "access_token"));
}
