//! OpenDAL's HTTP, sent by our client: addresses guarded, calls retried as long as the server asks
//! to wait, secrets kept out of traces, answers bounded.
//!
//! An answer that is an error does not reach OpenDAL as an answer, but as the error that the client
//! made of it. Besides keeping status and pauses, that closes a hole: several of OpenDAL's listers
//! take a 404 for an empty folder.

use std::{
    pin::Pin,
    sync::Mutex,
    task::{Context as Poller, Poll},
};

use bytes::Bytes;
use catchment_client::{Call, Client, Method, StatusCode, header};
use catchment_core::{Error, Result, Secret};
use futures::{Stream, stream, stream::BoxStream};
use opendal::{Buffer, HttpBody, HttpTransport, raw::Operation};

use crate::errors;

/// Answers other than content are read whole; none is larger than this. A folder of 100,000 files
/// in WebDAV takes about half.
pub(crate) const CAP: usize = 64 << 20;

/// One of these stands in a list of the S3 family that goes on. Without it, OpenDAL ends it there.
const NEXT_PAGE: [&str; 3] = ["<NextMarker>", "<NextContinuationToken>", "<NextKeyMarker>"];

/// OpenDAL's way to HTTP.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) client: Client,
    pub(crate) allow_http: bool,
    pub(crate) list_mark: &'static str,
}

impl HttpTransport for Transport {
    async fn fetch(&self, request: http::Request<Buffer>) -> opendal::Result<http::Response<HttpBody>> {
        self.answer(request).await.map_err(errors::through)
    }
}

impl Transport {
    async fn answer(&self, request: http::Request<Buffer>) -> Result<http::Response<HttpBody>> {
        let operation = request.extensions().get::<Operation>().copied();
        let is_content = operation == Some(Operation::Read) && request.method() == Method::GET;
        let window = if is_content { range(&request)? } else { None };
        let is_head = request.method() == Method::HEAD;
        let mut call = self.call(request)?;
        if let Some((first, end)) = window {
            call = match end {
                Some(end) => call.range(first..end),
                None => call.range(first..),
            };
        }
        if is_head {
            // Streamed, so that the length is that of what is stored. No body comes.
            let head = call.stream().await?.head;
            return Ok(response(head.status, head.headers, HttpBody::new(stream::empty(), None)));
        }
        if is_content {
            let download = call.stream().await?;
            // A server that ignores the range sends everything, and the client has cut it.
            let status = if window.is_some() { StatusCode::PARTIAL_CONTENT } else { download.head.status };
            return Ok(response(status, download.head.headers, HttpBody::new(Body(Mutex::new(download.body)), None)));
        }
        let answer = call.send().await?;
        if operation == Some(Operation::List) {
            self.is_a_list(&answer)?;
        }
        let mut headers = answer.head().headers.clone();
        // The client has undone the coding.
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        let body = Buffer::from(answer.bytes().clone());
        Ok(response(answer.status(), headers, HttpBody::new(stream::iter([Ok(body)]), None)))
    }

    /// The call that a request means. Nothing here writes: what would is refused.
    fn call(&self, request: http::Request<Buffer>) -> Result<Call> {
        let (parts, body) = request.into_parts();
        if parts.uri.scheme_str() == Some("http") && !self.allow_http {
            return Err(Error::config(
                "allow_http",
                "http:// sends data in the clear: give an address that starts with https://, or allow it",
            ));
        }
        // POST signs in and lists.
        let reads = matches!(parts.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "PROPFIND" | "REPORT");
        if !reads && parts.method != Method::POST {
            return Err(Error::internal("a connection that only reads was about to write").with("method", parts.method));
        }
        let mut call = self.client.call(parts.method, parts.uri.to_string());
        if reads {
            call = call.idempotent(true);
        }
        if !body.is_empty() {
            call = call.body("application/octet-stream", body.to_bytes());
        }
        if !parts.headers.contains_key(header::ACCEPT) {
            call = call.header(header::ACCEPT.as_str(), "*/*");
        }
        for (name, value) in &parts.headers {
            // The client says these itself.
            if matches!(*name, header::HOST | header::CONTENT_LENGTH | header::RANGE) {
                continue;
            }
            let text = value.to_str().map_err(|_| {
                Error::config("options", "an option holds characters that cannot stand in a header: correct it")
            })?;
            call = if value.is_sensitive() || is_secret(name.as_str()) {
                call.secret_header(name.as_str(), &Secret::new(text))
            } else {
                call.header(name.as_str(), text)
            };
        }
        Ok(call)
    }

    /// That a list is one: what OpenDAL does not find in an answer, it takes for nothing.
    fn is_a_list(&self, answer: &catchment_client::Response) -> Result<()> {
        let has = |mark: &str| answer.bytes().windows(mark.len()).any(|part| part == mark.as_bytes());
        if has("<IsTruncated>true</IsTruncated>") && !NEXT_PAGE.iter().any(|mark| has(mark)) {
            return Err(Error::protocol("the service says that a list goes on, and not where: try again later"));
        }
        if answer.head().is_html() || !(self.list_mark.is_empty() || has(self.list_mark)) {
            return Err(Error::protocol(
                "something else came where a list was expected: check the address, a proxy or a sign-in page may have \
                 answered",
            ));
        }
        Ok(())
    }
}

/// First byte and the one behind the last, of `bytes=0-99` and `bytes=100-`.
fn range(request: &http::Request<Buffer>) -> Result<Option<(u64, Option<u64>)>> {
    let Some(value) = request.headers().get(header::RANGE) else { return Ok(None) };
    let read = || {
        let (first, last) = value.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
        let first = first.parse().ok()?;
        if last.is_empty() {
            return Some((first, None));
        }
        let end = last.parse::<u64>().ok()?.checked_add(1)?;
        (first < end).then_some((first, Some(end)))
    };
    read().map(Some).ok_or_else(|| Error::internal("OpenDAL asks for a range in a form that is not known"))
}

/// Headers that carry credentials under names of the service's own.
fn is_secret(name: &str) -> bool {
    ["authorization", "token", "cookie", "secret", "key"].iter().any(|word| name.contains(word))
}

fn response(status: StatusCode, headers: http::HeaderMap, body: HttpBody) -> http::Response<HttpBody> {
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A body that OpenDAL may share between threads, as it wants to; only its owner reads it.
struct Body(Mutex<BoxStream<'static, Result<Bytes>>>);

impl Stream for Body {
    type Item = opendal::Result<Buffer>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let body = self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        body.as_mut().poll_next(cx).map(|chunk| chunk.map(|chunk| chunk.map(Buffer::from).map_err(errors::through)))
    }
}

#[cfg(test)]
mod tests {
    use catchment_core::ErrorKind;

    use super::*;

    fn transport() -> Transport {
        let client = Client::builder("transport-test").build().expect("a client");
        Transport { client, allow_http: false, list_mark: "" }
    }

    fn request(method: &str, uri: &str) -> http::Request<Buffer> {
        http::Request::builder().method(method).uri(uri).body(Buffer::new()).expect("a request")
    }

    #[test]
    fn nothing_is_written() {
        for method in ["PUT", "DELETE", "PATCH", "MKCOL", "MOVE", "COPY", "PROPPATCH"] {
            let error = transport().call(request(method, "https://h/")).expect_err(method);
            assert_eq!(error.kind(), ErrorKind::Internal, "{method}");
        }
        for method in ["GET", "HEAD", "PROPFIND", "POST"] {
            assert!(transport().call(request(method, "https://h/")).is_ok(), "{method}");
        }
    }

    #[test]
    fn what_is_in_the_clear_is_refused_unless_it_is_allowed() {
        let mut transport = transport();
        let error = transport.call(request("GET", "http://h/")).expect_err("in the clear");
        assert_eq!(error.get("field"), Some("allow_http"));
        transport.allow_http = true;
        assert!(transport.call(request("GET", "http://h/")).is_ok());
    }

    #[test]
    fn a_range_is_read_as_it_was_meant() {
        let with = |value: &str| {
            let mut request = request("GET", "https://h/");
            request.headers_mut().insert(header::RANGE, value.parse().expect("a header"));
            range(&request)
        };
        assert_eq!(with("bytes=0-99").unwrap(), Some((0, Some(100))));
        assert_eq!(with("bytes=7-").unwrap(), Some((7, None)));
        assert!(with("bytes=-5").is_err() && with("bytes=9-3").is_err() && with("lines=1-2").is_err());
    }
}
