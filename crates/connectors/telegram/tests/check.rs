//! What a check finds out, what it says when something is wrong, and that the token is nowhere.

mod fake;

use std::{
    error::Error as _,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use catchment_core::{ErrorKind, Retry};
use fake::{Fake, OLD, TOKEN, connect, refusal, settings};
use serde_json::json;

/// The part of the token that is secret; the number in front of it is the bot's id.
const SECRET: &str = "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

#[tokio::test]
async fn the_bot_is_named_in_one_call() {
    let fake = Fake::new().await;
    let account = fake.connector().check().await.expect("connected");
    assert_eq!((account.id.as_str(), account.name.as_str()), ("110201543", "Minutes"));
    let detail = |name: &str| account.details.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(detail("username"), Some("minutes_bot"));
    assert_eq!(detail("reads all messages of groups"), Some("no"));
    assert_eq!(fake.bot().asked, [("GET".to_owned(), format!("/bot{TOKEN}/getMe"))]);
}

#[tokio::test]
async fn a_refusal_says_who_acts() {
    let cases = [
        (refusal(401, "Unauthorized"), ErrorKind::Unauthenticated, Some("bot_token")),
        (refusal(404, "Not Found"), ErrorKind::Unauthenticated, Some("bot_token")),
        (refusal(403, "Forbidden: bot was kicked"), ErrorKind::Forbidden, None),
        (refusal(409, "Conflict: terminated by other getUpdates request"), ErrorKind::Conflict, None),
        (refusal(421, "Misdirected Request"), ErrorKind::Forbidden, Some("url")),
        (refusal(400, "Bad Request"), ErrorKind::Protocol, None),
        ((404, json!("no envelope")), ErrorKind::NotFound, Some("url")),
    ];
    for (instead, kind, field) in cases {
        let fake = Fake::new().await;
        fake.bot().instead = Some(instead.clone());
        let error = fake.connector().check().await.expect_err("must be refused");
        assert_eq!((error.kind(), error.get("field")), (kind, field), "{instead:?}: {error}");
        let words = instead.1["description"].as_str().unwrap_or("no envelope");
        assert!(!error.to_string().contains(words), "a vendor's words became a message: {error}");
    }
}

#[tokio::test]
async fn the_pause_stands_in_the_body() {
    let fake = Fake::new().await;
    let (status, mut body) = refusal(429, "Too Many Requests: retry after 1800");
    body["parameters"] = json!({ "retry_after": 1800 });
    fake.bot().instead = Some((status, body));
    let error = fake.connector().check().await.expect_err("limited");
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(1800)));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_token_is_in_no_log_no_error_and_no_debug_output() {
    let log = Log::default();
    let to = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || to.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let fake = Fake::new().await;
    let good = fake.connector();
    good.check().await.expect("connected");
    let mut shown = format!("{good:?} {good:#?}");
    let nobody = Fake::new().await.address;
    let errors = [
        connect(settings(nobody)).expect("good settings").check().await.expect_err("nobody is there"),
        connect(json!({ "bot_token": format!("{TOKEN}/x") })).expect_err("no token"),
        {
            fake.bot().instead = Some((200, json!({ "ok": true, "result": { "id": SECRET } })));
            good.check().await.expect_err("no bot")
        },
        {
            fake.bot().instead = Some(refusal(400, SECRET));
            good.check().await.expect_err("refused")
        },
    ];
    for error in &errors {
        shown += &format!("{error} {error:?}");
        let mut cause = error.source();
        while let Some(error) = cause {
            shown += &format!("{error} {error:?}");
            cause = error.source();
        }
    }
    let log = String::from_utf8_lossy(&log.0.lock().expect("not poisoned")).into_owned();
    assert!(log.contains("getMe"), "the log shows no call: nothing was tried");
    assert!(!log.contains(SECRET), "{log}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(connect(json!({ "bot_token": OLD })).is_ok());
}

#[test]
fn an_address_with_more_than_a_server_is_refused() {
    for url in [
        "api.telegram.org",
        "http://bots.example",
        "https://bots.example/bot1:a",
        "https://bots.example/?x=1",
        "https://u:p@h",
    ] {
        let error = connect(json!({ "bot_token": TOKEN, "url": url })).expect_err(url);
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("url")), "{url}: {error}");
    }
    connect(json!({ "bot_token": TOKEN, "url": "https://bots.example/" })).expect("good settings");
}
