//! Back-off, deadlines, idempotency, cancellation.

use std::time::Duration;

use catchment_client::outcome_is_unknown;
use catchment_core::{ErrorKind, Retry};
use tokio::time::Instant;

use crate::support::{Server, Step, answer, json, send};

#[tokio::test(start_paused = true)]
async fn a_failed_read_is_tried_again_with_growing_pauses() {
    let server = Server::start(|index, _| if index < 4 { json(500, "{}") } else { json(200, "7") }).await;
    let answer: u32 = server.client("retries").get("x").send().await.unwrap().json().unwrap();
    assert_eq!(answer, 7);
    let pauses: Vec<_> = server.seen().windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    for (index, pause) in pauses.iter().enumerate() {
        let least = Duration::from_millis(500 << index);
        assert!(*pause >= least && *pause <= 2 * least + Duration::from_millis(50), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_are_jittered() {
    let mut all = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let server = Server::start(|index, _| if index < 1 { json(500, "{}") } else { json(200, "7") }).await;
        server.client("retries").get("x").send().await.unwrap();
        let seen = server.seen();
        all.insert(seen[1].at - seen[0].at);
    }
    assert!(all.len() > 1, "every pause was {all:?}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_for_all_attempts_together() {
    let server = Server::always(json(500, "{}")).await;
    let client = server.builder("retries").deadline(Duration::from_secs(10)).attempts(1000).build().unwrap();
    let start = Instant::now();
    let error = client.get("x").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(start.elapsed() <= Duration::from_secs(10), "{:?}", start.elapsed());
    assert!((3..8).contains(&server.count()), "{}", server.count());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_a_timeout_at_the_deadline() {
    let server = Server::always(vec![Step::Stall]).await;
    let client = server.builder("retries").deadline(Duration::from_secs(20)).build().unwrap();
    let start = Instant::now();
    let error = client.get("x").send().await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (ErrorKind::Timeout, 20));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_answer_is_given_up_and_tried_again() {
    let server = Server::start(|index, _| if index == 0 { vec![Step::Stall] } else { json(200, "7") }).await;
    let client = server.builder("retries").answer_within(Duration::from_secs(5)).build().unwrap();
    assert_eq!(client.get("x").send().await.unwrap().json::<u32>().unwrap(), 7);
    assert_eq!(server.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_counted() {
    let server = Server::always(json(502, "{}")).await;
    let error = server.builder("retries").attempts(3).build().unwrap().get("x").send().await.unwrap_err();
    assert_eq!((server.count(), error.get("attempts"), error.get("status")), (3, Some("3"), Some("502")));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_tried_again() {
    for status in [400, 401, 403, 404, 409, 410, 422] {
        let server = Server::always(json(status, "{}")).await;
        server.client("retries").get("x").send().await.unwrap_err();
        assert_eq!(server.count(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_of_unknown_outcome_is_not_repeated_and_says_so() {
    let cut = || vec![Step::Cut];
    let half = || vec![send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"), Step::Cut];
    for fault in [cut(), half(), vec![Step::Stall], json(500, "{}"), json(502, "{}"), json(503, "{}"), json(408, "{}")]
    {
        let server = Server::always(fault.clone()).await;
        let error = server.client("retries").post("x").json(&1).send().await.unwrap_err();
        assert!(outcome_is_unknown(&error), "{fault:?} gave {error}");
        assert_eq!((server.count(), error.retry()), (1, Retry::Never), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_refused_or_did_not_arrive_is_repeated() {
    for refusal in [
        json(429, "{}"),
        answer(429, &[("retry-after", "3")], ""),
        answer(503, &[("retry-after", "3")], ""),
        answer(403, &[("retry-after", "3")], ""),
    ] {
        let again = refusal.clone();
        let server = Server::start(move |index, _| if index == 0 { again.clone() } else { json(200, "7") }).await;
        server.client("retries").post("x").json(&1).send().await.unwrap_or_else(|error| panic!("{refusal:?}: {error}"));
        assert_eq!(server.count(), 2);
        assert_eq!(server.seen()[1].body, b"1");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_found_nobody_listening_is_repeated_and_its_outcome_known() {
    // A port that was free a moment ago; a server appears on it after two seconds.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = catchment_client::Client::builder("retries")
        .tenant(port)
        .base(format!("http://127.0.0.1:{port}"))
        .egress(catchment_client::Egress::allow_private())
        .deadline(Duration::from_secs(30))
        .build()
        .unwrap();
    let start = Instant::now();
    let error = client.post("x").json(&1).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!outcome_is_unknown(&error) && start.elapsed() > Duration::from_secs(2), "{error}");
    assert_ne!(error.get("attempts"), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn a_write_with_an_idempotency_key_or_a_word_for_it_is_repeated() {
    let flaky = |index: usize, _: &_| if index == 0 { vec![Step::Cut] } else { json(200, "7") };
    let server = Server::start(flaky).await;
    server.client("retries").post("x").header("Idempotency-Key", "k1").send().await.unwrap();
    assert_eq!(server.count(), 2);
    let server = Server::start(flaky).await;
    server.client("retries").post("x").idempotent(true).send().await.unwrap();
    assert_eq!(server.count(), 2);
    let server = Server::start(flaky).await;
    let error = server.client("retries").put("x").idempotent(false).send().await.unwrap_err();
    assert!(outcome_is_unknown(&error));
    assert_eq!(server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_answered_with_nonsense_says_that_its_outcome_is_unknown() {
    let server = Server::always(json(200, "oops")).await;
    let response = server.client("retries").post("x").json(&1).send().await.unwrap();
    assert!(outcome_is_unknown(&response.json::<u32>().unwrap_err()));
}

#[tokio::test]
async fn dropping_a_call_closes_its_connection() {
    let server = Server::always(vec![Step::Stall]).await;
    let client = server.client("retries");
    let call = tokio::spawn(async move { client.get("x").send().await });
    while server.count() == 0 {
        tokio::task::yield_now().await;
    }
    call.abort();
    server.closed().await;
    assert_eq!(server.count(), 1);
}
