//! From an answer to an error: body first, then status, and never the vendor's words.

use catchment_client::ResponseHead;
use catchment_core::{Error, ErrorKind};
use serde_json::Value;

use crate::support::{Server, answer, json};

fn slack(_: &ResponseHead, body: &[u8]) -> Option<Error> {
    let body: Value = serde_json::from_slice(body).ok()?;
    match body.get("error")?.as_str()? {
        "channel_not_found" => Some(Error::not_found("the channel")),
        "ratelimited" => Some(Error::new(ErrorKind::RateLimited, "slow down")),
        "cursor" => Some(Error::new(ErrorKind::CursorExpired, "walk again")),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_200_with_an_error_in_it_is_an_error() {
    let server = Server::always(json(200, r#"{"ok":false,"error":"channel_not_found"}"#)).await;
    let client = server.builder("slackish").classify(slack).build().unwrap();
    let error = client.get("x").send().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.get("status"), error.get("vendor")),
        (ErrorKind::NotFound, Some("200"), Some("slackish"))
    );
}

#[tokio::test(start_paused = true)]
async fn the_classifier_comes_before_the_status_and_the_status_after_it() {
    let server = Server::start(|index, _| json(410, if index == 0 { r#"{"error":"cursor"}"# } else { "{}" })).await;
    let client = server.builder("slackish").classify(slack).build().unwrap();
    assert_eq!(client.get("x").send().await.unwrap_err().kind(), ErrorKind::CursorExpired);
    assert_eq!(client.get("x").send().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_classified_error_decides_about_the_next_attempt() {
    let limited = || answer(200, &[("retry-after", "9")], r#"{"error":"ratelimited"}"#);
    let server = Server::start(move |index, _| if index == 0 { limited() } else { json(200, "{}") }).await;
    let client = server.builder("slackish").classify(slack).build().unwrap();
    let start = tokio::time::Instant::now();
    client.post("x").json(&1).send().await.unwrap();
    assert_eq!((server.count(), start.elapsed().as_secs()), (2, 9));
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_classified_only_when_it_failed() {
    let server =
        Server::start(|index, _| json(if index == 0 { 200 } else { 409 }, r#"{"error":"channel_not_found"}"#)).await;
    let client = server.builder("slackish").classify(slack).build().unwrap();
    assert!(client.get("x").stream().await.is_ok());
    assert_eq!(client.get("x").stream().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_web_page_where_data_was_expected_is_named_as_one() {
    let page = "<!doctype html><title>Sign in</title>";
    for headers in [&[("content-type", "text/html; charset=utf-8")][..], &[]] {
        let server = Server::always(answer(200, headers, page)).await;
        let client = server.client("html");
        let error = client.get("x").send().await.unwrap().json::<Value>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.message().contains("web page") && !error.to_string().contains("Sign in"), "{error}");
    }
    let server = Server::always(answer(200, &[("content-type", "text/html")], page)).await;
    let client = server.client("html");
    assert_eq!(client.get("x").reject_html().stream().await.unwrap_err().kind(), ErrorKind::Protocol);
    assert!(client.get("x").stream().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn no_word_of_the_vendor_gets_into_an_error() {
    let words = "the-vendor-says-s3cr3t";
    for (status, body) in [
        (200, format!("\"{words}\"")),
        (200, format!("{{\"n\": \"{words}\"}}")),
        (200, words.to_owned()),
        (200, format!("5 {words}")),
        (400, format!("{{\"message\":\"{words}\"}}")),
        (500, words.to_owned()),
        (401, words.to_owned()),
    ] {
        let server = Server::always(answer(status, &[("x-request-id", "req-1")], &body)).await;
        let client = server.builder("words").attempts(1).build().unwrap();
        let error = match client.get("x").send().await {
            Ok(response) => response.json::<std::collections::BTreeMap<String, u32>>().unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.get("request id"), Some("req-1"));
        assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_shape_names_the_place() {
    let server = Server::always(json(200, r#"{"entries":[{"n":1},{"n":"x"}]}"#)).await;
    type Entries = std::collections::BTreeMap<String, Vec<std::collections::BTreeMap<String, u32>>>;
    let error = server.client("shape").get("x").send().await.unwrap().json::<Entries>().unwrap_err();
    assert_eq!((error.kind(), error.get("at")), (ErrorKind::Protocol, Some("entries[1].n")));
}
