//! A running server of the stock binary, and how to call it.

use std::{
    io::{BufRead, BufReader, Read},
    process::Child,
    time::Duration,
};

use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

use crate::support::Machine;

/// `catchment serve` on a free port of a machine; ended when dropped.
pub(crate) struct Serving {
    child: Child,
    base: String,
    client: reqwest::Client,
    token: Option<String>,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Serving {
    /// Starts the server and waits until it listens.
    pub(crate) fn on(machine: &Machine) -> Self {
        let mut child = machine.start(["serve", "--listen", "127.0.0.1:0", "--json"]);
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let Ok(said) = serde_json::from_str::<Value>(&line) else {
            let mut err = String::new();
            let _ = child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut err));
            panic!("the server did not start: {err}");
        };
        let base = format!("http://{}", said["address"].as_str().expect("an address"));
        // What it logs must not fill a pipe that nobody reads.
        let err = child.stderr.take().expect("its log");
        std::thread::spawn(move || BufReader::new(err).lines().for_each(drop));
        Self { child, base, client: reqwest::Client::new(), token: None }
    }

    /// Calls with this token from now on.
    #[must_use]
    pub(crate) fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Where it listens.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None, &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body), &[]).await
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&'static str, &str)],
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).timeout(Duration::from_secs(60));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header");
            request = request.header(HeaderName::from_static(name), value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }

    /// Follows a job to its end.
    pub(crate) async fn job(&self, id: i64) -> Value {
        loop {
            let job = self.get(&format!("/jobs/{id}")).await.is(200);
            if !matches!(job["state"].as_str(), Some("queued" | "running")) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks it to stop, and waits until it has; gives its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let asked = std::process::Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.expect("kill is there").success());
        self.child.wait().expect("it ends").code()
    }

    /// Ends it without a warning, as a power cut does.
    pub(crate) fn kill(mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("it ends");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    /// Demands a status; gives the body.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:#?}");
        self.body
    }
}
