//! What Google's answers mean.

use catchment_client::{Client, Egress};
use catchment_core::Retry;

use super::*;

// Heads are made by the client alone, so answers come over the wire.
async fn told(status: u16, headers: &str, body: &str) -> Error {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a call");
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.expect("a request") > 0);
        stream.write_all(answer.as_bytes()).await.expect("answered");
    });
    let client = Client::builder("google-errors-test")
        .tenant(address)
        .base(format!("http://{address}"))
        .egress(Egress::allow_private())
        .attempts(1)
        .classify(|head, body| classify(head, body, "https://www.googleapis.com/auth/drive.readonly"))
        .build()
        .expect("a client");
    let error = client.get("files").send().await.expect_err("an error");
    server.await.expect("served");
    error
}

fn body(code: u16, reason: &str) -> String {
    serde_json::json!({ "error": { "code": code, "message": "hunter2 said no", "errors": [
        { "domain": "global", "reason": reason, "message": "hunter2 said no" }
    ] } })
    .to_string()
}

#[tokio::test]
async fn a_403_is_what_its_reason_says() {
    use ErrorKind::*;
    for (status, reason, kind) in [
        (403, "rateLimitExceeded", RateLimited),
        (403, "userRateLimitExceeded", RateLimited),
        (429, "rateLimitExceeded", RateLimited),
        (403, "dailyLimitExceeded", RateLimited),
        (403, "downloadQuotaExceeded", Unavailable),
        (403, "insufficientFilePermissions", Forbidden),
        (403, "domainPolicy", Forbidden),
        (403, "exportSizeLimitExceeded", TooLarge),
        (403, "fileNotDownloadable", Unsupported),
        (404, "notFound", NotFound),
        (401, "authError", Unauthenticated),
        (500, "backendError", Unavailable),
        (400, "badRequest", Protocol),
        (403, "somethingNew", Forbidden),
    ] {
        let error = told(status, "", &body(status, reason)).await;
        assert_eq!((error.kind(), super::reason(&error)), (kind, Some(reason)), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let daily = told(403, "", &body(403, "dailyLimitExceeded")).await;
    assert_eq!(daily.retry(), Retry::After(A_WHILE));
    let short = told(403, "retry-after: 7\r\n", &body(403, "userRateLimitExceeded")).await;
    assert_eq!(short.retry(), Retry::After(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let detailed = r#"{"error":{"code":403,"message":"x","errors":[{"reason":"insufficientPermissions"}],
        "status":"PERMISSION_DENIED","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}"#;
    let header = "www-authenticate: Bearer realm=\"x\", error=\"insufficient_scope\"\r\n";
    for (headers, body) in [("", detailed), ("", &body(403, "insufficientPermissions")), (header, "")] {
        let error = told(403, headers, body).await;
        assert_eq!((error.kind(), error.get("scope")), (ErrorKind::Forbidden, Some("drive.readonly")), "{error}");
    }
}

#[tokio::test]
async fn a_service_that_is_off_and_a_token_that_is_unknown_say_so() {
    let off = r#"{"error":{"code":403,"errors":[{"reason":"forbidden"}],"details":[{"reason":"SERVICE_DISABLED"}]}}"#;
    assert!(told(403, "", off).await.to_string().contains("enable"));
    let token = r#"{"error":{"code":400,"errors":[{"reason":"invalid","location":"pageToken"}]}}"#;
    assert_eq!(told(400, "", token).await.kind(), ErrorKind::CursorExpired);
    assert_eq!(told(404, "", "<html>hunter2</html>").await.kind(), ErrorKind::NotFound);
}
