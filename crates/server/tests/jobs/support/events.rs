//! Server-sent events, read as a browser reads them.

use std::net::SocketAddr;

use serde_json::Value;

/// A stream of events of one job.
pub(crate) struct Events {
    answer: reqwest::Response,
    text: String,
}

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: i64,
    pub(crate) data: Value,
}

impl Events {
    pub(crate) async fn open(address: SocketAddr, job: i64, seen: Option<i64>) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut call = client.get(format!("http://{address}/jobs/{job}/events"));
        if let Some(seen) = seen {
            call = call.header("last-event-id", seen.to_string());
        }
        Self { answer: call.send().await.unwrap(), text: String::new() }
    }

    pub(crate) fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        super::soon(async {
            loop {
                if let Some((block, rest)) = self.text.split_once("\n\n") {
                    let (event, rest) = (parse(block), rest.to_owned());
                    self.text = rest;
                    match event {
                        Some(event) => return Some(event),
                        None => continue,
                    }
                }
                let bytes = self.answer.chunk().await.ok().flatten()?;
                self.text.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        })
        .await
    }
}

/// A comment is no event.
fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(Event {
        name: field("event:")?.to_owned(),
        id: field("id:").unwrap().parse().unwrap(),
        data: serde_json::from_str(field("data:").unwrap()).unwrap(),
    })
}
