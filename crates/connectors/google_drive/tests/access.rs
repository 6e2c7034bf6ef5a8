//! Signing in: what a check tells apart, and a person's consent from the first page to the last.

mod fake;

use std::sync::Arc;

use catchment_auth::oauth::{App, Authorizers, Begin, MemoryTokens, Provider, new_state};
use catchment_client::Egress;
use catchment_core::{Connector, Context, Error, ErrorKind, IntegrationId, Registry, Secret, TokenStore, Vendor};
use catchment_google_drive::GoogleDrive;
use catchment_testkit::world::Key;
use chrono::Utc;
use fake::{CLIENT, DRIVE, Fake, MINE, OWNER, Token, connect};
use serde_json::{Value, json};

async fn checked(settings: Value) -> Error {
    connect(settings).expect("settings that can be used").check().await.expect_err("refused")
}

fn with(drive: &Fake, name: &str, value: &str) -> Value {
    let mut settings = drive.settings();
    settings[name] = value.into();
    settings
}

/// A connector of a person whose grant is a token with these scopes.
fn granted(drive: &Fake, token: Token) -> Arc<dyn Connector> {
    #[derive(Debug)]
    struct Bearer(Secret);

    #[catchment_core::async_trait]
    impl catchment_core::Authorize for Bearer {
        async fn header(&self) -> catchment_core::Result<Secret> {
            Ok(self.0.clone())
        }

        async fn rejected(&self, _: &Secret) -> catchment_core::Result<()> {
            Ok(())
        }
    }

    let access = drive.lock().token(token)["access_token"].as_str().expect("a token").to_owned();
    let cx = Context::local().with_grant(Arc::new(Bearer(Secret::new(format!("Bearer {access}")))));
    let settings = json!({ "url": format!("http://{}", drive.address), "folder_path": drive.id(Key::ROOT) });
    Registry::new().with::<GoogleDrive>().connect("google_drive", settings, cx).expect("good settings")
}

#[tokio::test]
async fn a_check_names_the_account_and_the_folder() {
    let drive = Fake::start().await;
    let account = drive.connect().check().await.expect("checked");
    assert_eq!((account.name.as_str(), account.id.as_str()), ("Ada", "04711"));
    assert_eq!(account.email.as_deref(), Some(OWNER));
    assert!(account.avatar_url.is_some());
    assert_eq!(account.details, [("folder".to_owned(), "root".to_owned())]);
}

#[tokio::test]
async fn a_folder_is_given_by_id_by_link_or_by_path() {
    let drive = Fake::start().await;
    let key = drive.world(|world| world.put_folder(Key::ROOT, "a/it's b").expect("made"));
    let id = drive.id(key);
    for way in [
        id.as_str(),
        "My Drive/root/a/it's b/",
        &format!("https://drive.google.com/drive/u/0/folders/{id}?usp=sharing"),
    ] {
        let account = drive.connect_to(way).check().await.unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!(account.details[0].1, "it's b", "{way}");
    }
    // A name that could be an id is looked for as both.
    drive.make(MINE, Key::DRIVE, "MinutesOfTheBoard2026", None);
    let account = drive.connect_to("MinutesOfTheBoard2026").check().await.expect("by its name");
    assert_eq!(account.details[0].1, "MinutesOfTheBoard2026");
    let all = drive.connect_to("").check().await.expect("all of it");
    assert_eq!(all.details[0].1, "My Drive");
}

#[tokio::test]
async fn a_wrong_folder_is_a_setting_to_be_corrected() {
    let drive = Fake::start().await;
    let file = drive.make(MINE, Key::ROOT, "file.txt", Some(b"x"));
    for _ in 0..2 {
        drive.make(MINE, Key::ROOT, "twin", None);
    }
    let trashed = drive.make(MINE, Key::ROOT, "trashed", None);
    assert_eq!(trashed.0 % 2, 0, "every other one is trashed");
    drive.world(|world| world.remove(Key::ROOT, "trashed").expect("removed"));
    for (way, word) in [
        ("1a00000000000000000000000000000ff", "no such folder"),
        ("My Drive/root/missing", "no such folder"),
        ("My Drive/root/twin", "several"),
        ("My Drive/root/file.txt", "no such folder"),
        ("Shared drives/Nobody's", "no such folder"),
        ("Shared with me/nothing", "no such folder"),
        (&drive.id(file), "no folder"),
        (&drive.id(trashed), "trash"),
    ] {
        let error = checked(with(&drive, "folder_path", way)).await;
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("folder_path")), "{way}: {error}");
        assert!(error.message().contains(word), "{way}: {error}");
    }
    let left = drive.id_in(DRIVE, Key::DRIVE);
    drive.join(&left, false);
    let error = checked(with(&drive, "folder_path", "Shared drives/Marketing")).await;
    assert_eq!(error.get("field"), Some("folder_path"), "{error}");
}

#[tokio::test]
async fn a_wrong_credential_a_wrong_person_and_no_delegation_are_told_apart() {
    let drive = Fake::start().await;
    let error = checked(drive.settings_of_a_stranger()).await;
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Unauthenticated, Some("service_account")), "{error}");
    let error = checked(with(&drive, "user_id", "anna@example.com")).await;
    assert_eq!((error.kind(), error.get("client_id")), (ErrorKind::Forbidden, Some("104711")), "{error}");
    assert!(error.get("scope").is_some_and(|scope| scope.ends_with("drive.readonly")), "{error}");
    for (name, value) in
        [("service_account", "{}"), ("url", "http://drive.example"), ("folder_path", "https://a.test/")]
    {
        let error = connect(with(&drive, name, value)).expect_err(name);
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some(name)), "{error}");
    }
    let nobody = json!({ "url": format!("http://{}", drive.address) });
    assert_eq!(connect(nobody).expect_err("no grant").kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_scope_that_is_missing_is_named() {
    let drive = Fake::start().await;
    drive.make(MINE, Key::ROOT, "file.txt", Some(b"x"));
    for token in [Token { scopes: Vec::new() }, Token::names_alone()] {
        let error = granted(&drive, token).check().await.expect_err("not enough");
        assert_eq!((error.kind(), error.get("scope")), (ErrorKind::Forbidden, Some("drive.readonly")), "{error}");
    }
}

#[tokio::test]
async fn a_flagged_or_closed_file_says_nothing_of_the_connection() {
    let drive = Fake::start().await;
    let key = drive.make(MINE, Key::ROOT, "flagged.exe", Some(b"x"));
    drive.patch(MINE, key, json!({ "_abusive": true }));
    drive.connect().check().await.expect("nothing is wrong with the connection");
}

fn provider(drive: &Fake) -> Provider {
    let app = App {
        id: CLIENT.0.to_owned(),
        secret: Some(Secret::new(CLIENT.1)),
        key: None,
        origin: Some(format!("http://{}", drive.address)),
    };
    let oauth = GoogleDrive::OAUTH.expect("a person can consent");
    Provider::new(oauth, app, &json!({}), Egress::allow_private()).expect("a provider")
}

/// What the consent page sends back, once the person has agreed.
fn consent(drive: &Fake, url: &str) -> (String, Secret) {
    let query = url::Url::parse(url).expect("an address");
    let call = fake::Call::browser(&query);
    let back = drive.lock().consent(&call).location().expect("sent back");
    let back = url::Url::parse(&back).expect("an address");
    let of = |name: &str| {
        back.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned()).expect(name)
    };
    (of("state"), Secret::new(of("code")))
}

#[tokio::test]
async fn a_person_consents_reads_and_takes_it_back() {
    let drive = Fake::start().await;
    drive.make(MINE, Key::ROOT, "file.txt", Some(b"x"));
    let provider = Arc::new(provider(&drive));
    let redirect_uri = "http://127.0.0.1/callback".to_owned();
    let state = new_state().expect("random");
    let begin =
        Begin { redirect_uri: redirect_uri.clone(), state: state.clone(), scopes: Vec::new(), login_hint: None };
    let started = provider.begin(&begin).expect("begun");
    assert!(started.url.contains("drive.readonly") && started.url.contains("code_challenge"), "{}", started.url);
    let (came, code) = consent(&drive, &started.url);
    assert_eq!(came, state);
    let asked = Utc::now();
    let granted = provider.finish(&code, &started.verifier, &redirect_uri).await.expect("granted");
    assert!(granted.refresh.is_some(), "offline access was asked for");
    provider.finish(&code, &started.verifier, &redirect_uri).await.expect_err("a code is good once");
    let tokens = granted.into_tokens(asked);
    assert_eq!(tokens.scopes, ["https://www.googleapis.com/auth/drive.readonly"]);

    let (store, key) = (Arc::new(MemoryTokens::default()), IntegrationId(7));
    assert!(store.swap(key, None, &tokens).await.expect("stored"));
    let authorizers = || Authorizers::new(Arc::clone(&store) as _).of(key, Arc::clone(&provider) as _);
    let authorizer = authorizers();
    let settings = json!({ "url": format!("http://{}", drive.address), "user_id": "Owner@Example.com" });
    let registry = Registry::new().with::<GoogleDrive>();
    let cx = || Context::local().with_grant(Arc::new(authorizer.clone()));
    let connector = registry.connect("google_drive", settings.clone(), cx()).expect("good settings");
    assert_eq!(connector.check().await.expect("checked").email.as_deref(), Some(OWNER));
    // Google forgets the access token: it is refreshed, and the call goes on.
    drive.lock().tokens.clear();
    connector.check().await.expect("refreshed");

    let mut other = settings.clone();
    other["user_id"] = "anna@example.com".into();
    let error = registry.connect("google_drive", other, cx()).expect("settings").check().await.expect_err("not her");
    assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("user_id")), "{error}");

    provider.revoke(&tokens).await.expect("taken back");
    // By another process, which has not refreshed a moment ago.
    let cx = Context::local().with_grant(Arc::new(authorizers()));
    let connector = registry.connect("google_drive", settings, cx).expect("good settings");
    let error = connector.check().await.expect_err("it was taken back");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
}

#[test]
fn what_is_asked_of_a_person_is_the_least() {
    let oauth = GoogleDrive::OAUTH.expect("a person can consent");
    assert_eq!(oauth.scopes, ["https://www.googleapis.com/auth/drive.readonly"]);
    assert!(!oauth.wanted(|name| name == "service_account") && oauth.wanted(|name| name == "user_id"));
}
