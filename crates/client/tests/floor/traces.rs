//! What the log says about a call, and what it must not say.

use std::{
    io,
    sync::{Arc, Mutex},
};

use catchment_core::Secret;
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

use crate::support::{Server, json};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("nobody panics here").clone()).expect("text")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics here").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn listen() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_span_events(FmtSpan::FULL)
        .with_writer(log.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}

#[tokio::test(start_paused = true)]
async fn a_call_is_one_span_with_what_one_needs_to_know() {
    let (log, _guard) = listen();
    let server = Server::start(|index, _| if index == 0 { json(500, "{}") } else { json(200, "1") }).await;
    server.client("traced").get("files/list").query("page", 2).send().await.unwrap();
    let text = log.text();
    let closed = text.lines().find(|line| line.contains("close")).expect("a span that closes");
    for field in [
        "vendor=traced",
        "method=GET",
        "host=\"127.0.0.1\"",
        "path=/files/list?page=2",
        "status=200",
        "attempt=2",
        "duration_ms=",
    ] {
        assert!(closed.contains(field), "{field} is missing: {closed}");
    }
    assert!(text.contains("trying again") && text.contains("wait_ms="), "{text}");
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_any_trace_or_error() {
    let (log, _guard) = listen();
    let server = Server::always(json(500, r#"{"echo":"BODYSECRET"}"#)).await;
    let path = Secret::new("PATHSECRET");
    let client =
        server.builder("traced").redact(&path).secret_header("x-key", &Secret::new("HEADERSECRET")).attempts(2);
    let client = client.build().unwrap();
    let call = client
        .get("botPATHSECRET/getMe")
        .query("access_token", "QUERYSECRET")
        .query("sig", "SIGSECRET")
        .query("X-Amz-Signature", "AMZSECRET")
        .bearer(&Secret::new("BEARERSECRET"));
    let mut all = format!("{call:?} {client:?}");
    let error = call.send().await.unwrap_err();
    all.push_str(&format!("{error} {error:?}"));
    // A failure below HTTP, whose own error knows the address.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error =
        client.get(format!("http://127.0.0.1:{gone}/botPATHSECRET?password=QUERYSECRET")).send().await.unwrap_err();
    all.push_str(&format!("{error} {error:?}"));
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        all.push_str(&format!("{cause} {cause:?}"));
        source = cause.source();
    }
    let seen = server.seen();
    assert!(seen[0].target.contains("QUERYSECRET") && seen[0].header("x-key") == Some("HEADERSECRET"));
    let traces = log.text();
    assert!(traces.contains("botREDACTED/getMe?access_token=REDACTED"), "{traces}");
    all.push_str(&traces);
    if let Some(at) = all.find("SECRET") {
        panic!("{}", &all[at.saturating_sub(300)..all.len().min(at + 50)]);
    }
}
