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
    Authorize, Connector, Context, Error, ErrorKind, IntegrationId, PageRequest, Registry, Result, Retry, Secret,
    async_trait,
};
use catchment_dropbox::Dropbox;
use catchment_testkit::world::Key;
use fake::{Answer, Fake, ROOT, TOKEN, Team};
use serde_json::json;

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
