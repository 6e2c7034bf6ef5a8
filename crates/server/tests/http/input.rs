//! Bad input: refused by name, never a fault of ours.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{PLANTED, Running, Start};

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_without_being_repeated() {
    let server = Running::local().await;
    for body in ["{", "", "nul", "{\"name\": planted-Zq7Kx0-one}", "\u{0}", "{\"a\":1}{", "[1]", "\"text\"", "7"] {
        let answer = server.client.post("/integrations").body("application/json", body.to_owned()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "malformed_json"), "{body} {answer:?}");
    }
    let deep = "[".repeat(100_000);
    let answer = server.client.post("/integrations").body("application/json", deep).await;
    assert_eq!(answer.code(), "malformed_json");
    let latin = server.client.post("/integrations").body("application/json", &b"{\"name\": \"\xff\"}"[..]).await;
    assert_eq!(latin.code(), "malformed_json");
    server.stop().await;
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let server = Running::local().await;
    let body = json!({"vendor": "shelf", "name": "x", "credentials": {"shelf": "east", "key": PLANTED[0]}}).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", ""] {
        let answer = server.client.post("/integrations").body(kind, body.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "content_type"), "{kind} {answer:?}");
    }
    for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(server.client.post("/integrations").body(kind, body.clone()).await.status, 201, "{kind}");
    }
    server.stop().await;
}

#[tokio::test]
async fn bad_parameters_are_refused_by_name() {
    let server = Running::local().await;
    for (path, field) in [
        ("/integrations/user/local?limit=-1", "limit"),
        ("/integrations/user/local?limit=0", "limit"),
        ("/integrations/user/local?limit=1001", "limit"),
        ("/integrations/user/local?limit=ten", "limit"),
        ("/integrations/user/local?limit=1&limit=2", "limit"),
        ("/integrations/user/local?cursor=x", "cursor"),
        ("/integrations/user/local?vendr=s3", "vendr"),
        ("/integrations/user/local?vendor=%00", "vendor"),
        ("/integrations/user/a%00b", "user_id"),
        ("/integrations/user/%ff", "user_id"),
        ("/integrations/abc", "id"),
        ("/integrations/-1", "id"),
        ("/integrations/1e3", "id"),
        ("/integrations/99999999999999999999", "id"),
        ("/audit?integration_id=x", "integration_id"),
        ("/status?limit=%2B1", "limit"),
    ] {
        let answer = server.client.get(path).await;
        assert_eq!((answer.status, answer.body()["field"].as_str()), (400, Some(field)), "{path} {answer:?}");
        assert!(answer.detail().starts_with(field), "{answer:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn text_that_no_database_takes_is_refused() {
    let server = Running::local().await;
    for body in [
        json!({"vendor": "shelf", "name": "a\u{0}b", "credentials": {"shelf": "east"}}),
        json!({"vendor": "shelf", "name": "x", "credentials": {"shelf": "ea\u{0}st"}}),
        json!({"vendor": "shelf", "name": "x", "credentials": {"sh\u{0}elf": "east"}}),
    ] {
        let answer = server.client.post("/integrations").json(&body).await;
        assert_eq!(answer.status, 400, "{body} {answer:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_however_it_comes() {
    let server = Running::local().await;
    let large = vec![b' '; 3 << 20];
    let answer = server.client.post("/integrations").body("application/json", large).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"), "{answer:?}");

    // 100 MB in pieces, with no length announced.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /integrations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let before = resident();
    let piece = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..100 * 16 {
        stream.write_all(&piece).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("body_too_large"), "{answer}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 40 << 20, "{} MiB were kept of the body", grown >> 20);
    server.stop().await;
}

/// The resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_client_that_dawdles_over_its_body_is_told_so() {
    let mut start = Start::default();
    start.config.body_timeout = Duration::from_millis(200);
    let server = Running::start(start).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /integrations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n\r\n{\"name\":";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body_timeout"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_token_in_the_place_of_a_request_is_not_written_down() {
    let server = Running::tokens().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(format!("{} garbage\r\n\r\n", PLANTED[0]).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 400"), "{answer:?}");
    server.stop().await;
}
