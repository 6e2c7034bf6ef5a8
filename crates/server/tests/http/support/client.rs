//! A client that remembers every answer.

use std::{
    future::{Future, IntoFuture},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

/// What was called, and the head and body of the answer.
type Heard = (String, Vec<u8>);

/// Calls one server.
#[derive(Clone)]
pub(crate) struct Client {
    inner: reqwest::Client,
    base: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// A call that is being put together. Awaiting it makes it.
pub(crate) struct Call {
    client: Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// What the server said.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        let inner = reqwest::Client::builder()
            .no_proxy()
            .no_gzip()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { inner, base: format!("http://{address}"), heard: Arc::default() }
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        Call {
            client: self.clone(),
            method: method.parse().unwrap(),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    pub(crate) fn put(&self, path: &str) -> Call {
        self.call("PUT", path)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }

    /// Everything that was answered, heads and bodies.
    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn token<'a>(self, token: impl Into<Option<&'a str>>) -> Self {
        match token.into() {
            Some(token) => self.header("authorization", &format!("Bearer {token}")),
            None => self,
        }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let place = format!("{} {}", self.method, self.path);
            let url = format!("{}{}", self.client.base, self.path);
            let call = self.client.inner.request(self.method, url).headers(self.headers).body(self.body);
            let answer = call.send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let bytes = answer.bytes().await.unwrap();
            let mut said = format!("{headers:?}").into_bytes();
            said.extend_from_slice(&bytes);
            self.client.heard.lock().unwrap().push((place, said));
            let answer = Answer { status, headers, bytes };
            answer.keeps_the_rules();
            answer
        })
    }
}

impl Answer {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The stable name of a problem.
    pub(crate) fn code(&self) -> String {
        self.body()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn detail(&self) -> String {
        self.body()["detail"].as_str().unwrap_or_default().to_owned()
    }

    /// What holds for every answer.
    fn keeps_the_rules(&self) {
        let id = self.header("x-request-id").unwrap_or_else(|| panic!("no request id: {self:?}"));
        assert_ne!(self.status, 422, "{self:?}");
        if self.status >= 400 && !self.bytes.is_empty() {
            assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
            let body = self.body();
            for name in ["type", "title", "detail", "code", "request_id"] {
                assert!(body[name].as_str().is_some_and(|text| !text.is_empty()), "{name} in {body}");
            }
            assert_eq!(body["status"], self.status, "{body}");
            if self.header("idempotency-replayed").is_none() {
                assert_eq!(body["request_id"], id, "{body}");
            }
        }
        if matches!(self.status, 429 | 503) {
            assert!(self.header("retry-after").is_some(), "{self:?}");
        }
    }
}
