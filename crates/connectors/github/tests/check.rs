//! What a check finds out, and what it says when something is missing.

mod fake;

use std::{sync::Arc, time::Duration};

use catchment_core::{Authorize, Context, Error, ErrorKind, Result, Retry, Secret, Vendor, async_trait};
use catchment_github::Github;
use fake::{Fake, TOKEN, connect};
use serde_json::{Value, json};

async fn refused(fake: &Fake) -> Error {
    fake.connector().check().await.expect_err("must be refused")
}

#[tokio::test]
async fn the_account_is_named_in_one_call() {
    let fake = Fake::new().await;
    let account = fake.connector().check().await.expect("connected");
    assert_eq!((account.id.as_str(), account.name.as_str()), ("1815", "Ada"));
    assert_eq!(account.email.as_deref(), Some("ada@example.com"));
    assert_eq!(account.avatar_url.as_deref(), Some("https://avatars.githubusercontent.com/u/1815?v=4"));
    let detail = |name: &str| account.details.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(detail("username"), Some("ada"));
    assert_eq!(detail("scopes"), Some("read:user user:email"));
    assert_eq!(fake.person().asked.len(), 1);
}

#[tokio::test]
async fn an_address_that_is_not_published_is_asked_for() {
    let fake = Fake::new().await;
    fake.person().email = None;
    fake.person().name = None;
    let account = fake.connector().check().await.expect("connected");
    assert_eq!((account.name.as_str(), account.email.as_deref()), ("ada", Some("private@example.com")));
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let fake = Fake::new().await;
    fake.person().email = None;
    fake.person().scopes = Some("repo");
    let error = refused(&fake).await;
    assert_eq!((error.kind(), error.get("scope")), (ErrorKind::Forbidden, Some("user:email")), "{error}");
    let asked = Github::OAUTH.expect("OAuth").scopes;
    assert!(asked.contains(&"user:email"), "the scope that is named is one that consent brings");
}

#[tokio::test]
async fn a_token_without_scopes_does_without_the_address() {
    let fake = Fake::new().await;
    fake.person().email = None;
    fake.person().scopes = None;
    let account = fake.connector().check().await.expect("connected");
    assert_eq!((account.id.as_str(), account.email), ("1815", None));
}

#[tokio::test]
async fn what_stands_in_the_way_is_said() {
    type Case = (u16, Vec<(&'static str, &'static str)>, &'static str, ErrorKind, &'static str);
    let sso = vec![("x-github-sso", "required; url=https://github.com/orgs/x/sso?authorization_request=A")];
    let cases: [Case; 5] = [
        (401, Vec::new(), "Bad credentials", ErrorKind::Unauthenticated, "authorize anew"),
        (403, sso, "Resource protected by organization SAML enforcement.", ErrorKind::Forbidden, "single sign-on"),
        (403, Vec::new(), "This installation has been suspended", ErrorKind::Forbidden, "suspended"),
        (403, Vec::new(), "the `acme` organization has an IP allow list enabled", ErrorKind::Forbidden, "address"),
        (451, Vec::new(), "Repository access blocked", ErrorKind::Forbidden, "may not"),
    ];
    let fake = Fake::new().await;
    for (status, headers, message, kind, says) in cases {
        fake.person().instead = Some((status, headers, json!({ "message": message })));
        let error = refused(&fake).await;
        assert_eq!(error.kind(), kind, "{message}: {error}");
        assert!(error.message().contains(says), "{message}: {error}");
        assert!(!error.to_string().contains(message), "a vendor's words became a message: {error}");
    }
}

#[tokio::test]
async fn a_limit_that_comes_as_a_refusal_is_a_limit() {
    // Each with clients of its own: a limit pauses all of one integration.
    let wait = async |headers: Vec<(&'static str, &'static str)>, message: &str| {
        let fake = Fake::new().await;
        fake.person().instead = Some((403, headers, json!({ "message": message })));
        static NEXT: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(100);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let cx = Context { integration: catchment_core::IntegrationId(number), ..Context::local() };
        let error = connect(fake.settings(), cx).expect("good settings").check().await.expect_err("limited");
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
        error.retry()
    };
    let primary = vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "7200"), ("x-ratelimit-limit", "5000")];
    let Retry::After(left) = wait(primary, "API rate limit exceeded").await else { panic!("no time is told") };
    assert!(left > Duration::from_secs(7000), "{left:?}");
    let told = wait(vec![("retry-after", "600")], "You have exceeded a secondary rate limit").await;
    assert!(matches!(told, Retry::After(left) if left > Duration::from_secs(500)), "{told:?}");
}

#[derive(Debug)]
struct Granted(&'static str);

#[async_trait]
impl Authorize for Granted {
    async fn header(&self) -> Result<Secret> {
        Ok(Secret::new(format!("Bearer {}", self.0)))
    }

    async fn rejected(&self, _: &Secret) -> Result<()> {
        Err(Error::new(ErrorKind::Unauthenticated, "authorize again").with("grant", "revoked"))
    }
}

#[tokio::test]
async fn a_grant_serves_where_no_token_was_pasted() {
    let fake = Fake::new().await;
    let mut settings = fake.settings();
    settings["access_token"] = Value::Null;
    let error = connect(settings.clone(), Context::local()).expect_err("nobody consented");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    let good = Context::local().with_grant(Arc::new(Granted(TOKEN)));
    connect(settings.clone(), good).expect("granted").check().await.expect("connected");
    let revoked = Context::local().with_grant(Arc::new(Granted("gho_revoked")));
    let error = connect(settings, revoked).expect("granted").check().await.expect_err("revoked");
    assert_eq!((error.kind(), error.get("grant")), (ErrorKind::Unauthenticated, Some("revoked")), "{error}");
}

#[test]
fn an_address_that_cannot_be_the_apis_is_refused() {
    for url in
        ["github.com", "https://github.com", "http://github.example/api/v3", "ftp://github.example", "https://u:p@h/"]
    {
        let error = connect(json!({ "access_token": TOKEN, "url": url }), Context::local()).expect_err(url);
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("url")), "{url}: {error}");
    }
    connect(json!({ "access_token": TOKEN, "url": "https://github.example/api/v3/" }), Context::local()).expect("good");
    let error = connect(json!({ "access_token": " " }), Context::local()).expect_err("an empty token");
    assert_eq!(error.get("field"), Some("access_token"), "{error}");
}
