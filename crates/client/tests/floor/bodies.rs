//! Bodies that are cut, stalled, too long, too large or coded.

use std::time::Duration;

use catchment_core::ErrorKind;
use futures::{StreamExt, TryStreamExt};
use tokio::time::Instant;

use crate::support::{Server, Step, answer, head, json, send};

#[tokio::test(start_paused = true)]
async fn a_stream_gives_size_etag_and_every_byte() {
    let body: Vec<u8> = (0..200_000u32).map(|index| index as u8).collect();
    let server = Server::always(answer(200, &[("etag", "\"v1\"")], &body)).await;
    let download = server.client("bodies").get("x").stream().await.unwrap();
    assert_eq!((download.size, download.etag.as_deref()), (Some(200_000), Some("\"v1\"")));
    assert_eq!(download.bytes(1 << 20).await.unwrap(), body);
}

#[tokio::test(start_paused = true)]
async fn a_truncated_stream_is_an_error_after_what_came() {
    let chunked = "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    for fault in [vec![send(head(200, &[], Some(10))), send("hello"), Step::Cut], vec![send(chunked), Step::Cut]] {
        let server = Server::always(fault).await;
        let mut body = server.client("bodies").get("x").stream().await.unwrap().body;
        assert_eq!(body.next().await.unwrap().unwrap(), "hello");
        let error = body.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(body.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_another_size_than_listed_is_an_error() {
    // Without a length of its own, so that nothing but the expectation can tell.
    let closed = vec![send("HTTP/1.1 200 x\r\nconnection: close\r\n\r\nhello"), Step::Cut];
    let server = Server::always(closed).await;
    let client = server.client("bodies");
    let read = |size| client.get("x").expect_size(size).stream();
    assert_eq!(read(5).await.unwrap().bytes(99).await.unwrap(), "hello");
    for wrong in [4, 6, 0, u64::MAX] {
        let error = read(wrong).await.unwrap().bytes(99).await.unwrap_err();
        assert_eq!(error.get("expected bytes"), Some(wrong.to_string().as_str()), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_pauses_too_long_is_a_timeout_and_a_slow_one_is_not() {
    let slow = |pause| {
        vec![send(head(200, &[], Some(10))), send("hello"), Step::Wait(Duration::from_secs(pause)), send("world")]
    };
    let server = Server::always(slow(29)).await;
    let client = server.builder("bodies").idle(Duration::from_secs(30)).build().unwrap();
    assert_eq!(client.get("x").stream().await.unwrap().bytes(99).await.unwrap(), "helloworld");
    let server = Server::always(slow(31)).await;
    let client = server.builder("bodies").idle(Duration::from_secs(30)).build().unwrap();
    let start = Instant::now();
    let error = client.get("x").stream().await.unwrap().bytes(99).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (ErrorKind::Timeout, 30));
}

#[tokio::test(start_paused = true)]
async fn the_idle_clock_stands_while_nobody_reads() {
    let server = Server::always(vec![send(head(200, &[], Some(10))), send("hello"), Step::Stall]).await;
    let mut body = server.client("bodies").get("x").stream().await.unwrap().body;
    assert_eq!(body.try_next().await.unwrap().unwrap(), "hello");
    tokio::time::advance(Duration::from_secs(3600)).await;
    let start = Instant::now();
    assert_eq!(body.try_next().await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection() {
    let server = Server::always(vec![send(head(200, &[], Some(10))), send("hello"), Step::Stall]).await;
    let mut body = server.client("bodies").get("x").stream().await.unwrap().body;
    body.next().await.unwrap().unwrap();
    drop(body);
    server.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_buffered_body_over_the_cap_is_too_large_announced_or_not() {
    let announced = answer(200, &[], vec![b' '; 1001]);
    let chunked = vec![
        send("HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n"),
        Step::Send(vec![b' '; 1001]),
        send("\r\n0\r\n\r\n"),
    ];
    for body in [announced, chunked] {
        let server = Server::always(body).await;
        let client = server.builder("bodies").cap(1000).build().unwrap();
        let error = client.get("x").send().await.unwrap_err();
        assert_eq!((error.kind(), server.count()), (ErrorKind::TooLarge, 1));
        assert_eq!(client.get("x").cap(1001).send().await.unwrap().bytes().len(), 1001);
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_gzip_bomb_stops_at_the_cap() {
    // gzip of 1,000,000 spaces, made once with Python's gzip.
    let bomb = include_bytes!("spaces.gz");
    let server = Server::always(answer(200, &[("content-encoding", "gzip")], bomb)).await;
    let client = server.client("bodies");
    assert_eq!(client.get("x").cap(999_999).send().await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(client.get("x").send().await.unwrap().bytes().len(), 1_000_000);
    assert_eq!(server.seen()[0].header("accept-encoding"), Some("gzip"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_not_decoded_unless_asked() {
    let stored = include_bytes!("spaces.gz");
    let server = Server::always(answer(200, &[("content-encoding", "gzip")], stored)).await;
    let client = server.client("bodies");
    let raw = client.get("x").stream().await.unwrap();
    assert_eq!(raw.size, Some(stored.len() as u64));
    assert_eq!(raw.bytes(1 << 20).await.unwrap(), stored.as_slice());
    assert_eq!(server.seen()[0].header("accept-encoding"), None);
    let decoded = client.get("x").decoded().stream().await.unwrap();
    assert_eq!(decoded.bytes(1 << 20).await.unwrap().len(), 1_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_range_is_given_by_servers_that_know_ranges_and_by_those_that_do_not() {
    let partial = |_, seen: &crate::support::Seen| {
        assert_eq!(seen.header("range"), Some("bytes=2-5"));
        answer(206, &[("content-range", "bytes 2-5/10")], "2345")
    };
    let server = Server::start(partial).await;
    let download = server.client("bodies").get("x").range(2..6).stream().await.unwrap();
    assert_eq!((download.size, download.bytes(99).await.unwrap()), (Some(4), "2345".into()));
    let mislabelled = Server::always(answer(200, &[("content-range", "bytes 2-5/10")], "2345")).await;
    let download = mislabelled.client("bodies").get("x").range(2..6).stream().await.unwrap();
    assert_eq!((download.size, download.bytes(99).await.unwrap()), (Some(4), "2345".into()));
    let server = Server::always(answer(200, &[], "0123456789")).await;
    let client = server.client("bodies");
    for (range, size, expected) in
        [(2..6, 4, "2345"), (0..3, 3, "012"), (8..99, 2, "89"), (0..10, 10, "0123456789"), (12..20, 0, "")]
    {
        let download = client.get("x").range(range.clone()).stream().await.unwrap();
        assert_eq!(download.size, Some(size), "{range:?}");
        assert_eq!(download.bytes(99).await.unwrap(), expected, "{range:?}");
    }
    let rest = client.get("x").range(7..).stream().await.unwrap();
    assert_eq!((rest.size, rest.bytes(99).await.unwrap()), (Some(3), "789".into()));
    let error = client.get("x").range(5..5).stream().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
}

#[tokio::test(start_paused = true)]
async fn a_download_becomes_content() {
    use catchment_core::ByteRange;
    let server = Server::always(answer(200, &[("etag", "\"v1\""), ("content-type", "text/plain")], "0123456789")).await;
    let part = server.client("bodies").get("x").part(Some(ByteRange::new(2, 3)));
    let content = part.stream().await.unwrap().into_content();
    assert_eq!(
        (content.size, content.version.as_deref(), content.mime.as_deref()),
        (Some(3), Some("\"v1\""), Some("text/plain"))
    );
    assert_eq!(content.collect(99).await.unwrap(), b"234");
}

#[tokio::test(start_paused = true)]
async fn another_range_than_asked_for_is_a_protocol_error() {
    for wrong in ["bytes 0-3/10", "bytes 2-9/10", "bytes */10", "bytes 5-2/10", "lines 2-5/10"] {
        let server = Server::always(answer(206, &[("content-range", wrong)], "2345")).await;
        let error = server.client("bodies").get("x").range(2..6).stream().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_cut_in_the_middle_is_tried_again() {
    let cut = || vec![send(head(200, &[], Some(10))), send("[1,"), Step::Cut];
    let server = Server::start(move |index, _| if index == 0 { cut() } else { json(200, "[1,2]") }).await;
    let list: Vec<u32> = server.client("bodies").get("x").send().await.unwrap().json().unwrap();
    assert_eq!((list, server.count()), (vec![1, 2], 2));
}

#[tokio::test(start_paused = true)]
async fn garbage_is_a_protocol_error_and_not_tried_again() {
    for garbage in ["SSH-2.0-OpenSSH_9.6\r\n", "\0\0\0\0\0\0\0\0\0\0", "HTTP/1.1 abc\r\n\r\n"] {
        let server = Server::always(vec![send(garbage), Step::Cut]).await;
        let error = server.client("bodies").get("x").send().await.unwrap_err();
        assert_eq!((error.kind(), server.count()), (ErrorKind::Protocol, 1), "{garbage:?}: {error:?}");
    }
    let chunks = "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n";
    let server = Server::always(vec![send(chunks), Step::Cut]).await;
    let error = server.client("bodies").get("x").send().await.unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Internal, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_of_something_large_is_no_problem() {
    let server = Server::always(vec![send(head(200, &[], Some(usize::MAX / 2)))]).await;
    let response = server.client("bodies").head("x").send().await.unwrap();
    assert_eq!(response.head().header("content-length").map(str::len), Some(19));
}
