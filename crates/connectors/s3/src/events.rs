//! Events: what a bucket, or whoever passes its events on, calls a webhook with.
//!
//! S3 itself calls nobody. Its events come here through EventBridge (an API destination), through a
//! program that empties a queue, or from a compatible store that calls by itself (MinIO). All of them
//! can send a token along, in `Authorization` or `x-api-key`; that is what is checked. An event is
//! believed in nothing but the key: who gets the hint looks there, and a repeated or late event costs a
//! look and changes nothing, so none is refused for its age.

use catchment_core::{Error, ErrorKind, Hint, RawRequest, RawResponse, Result, Secret, webhook::Webhooks};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use reqsign_core::hash::hex_sha256;
use serde::Deserialize;

/// The webhooks of the vendor `s3`.
pub(crate) struct Events;

/// As it comes from S3, from SNS around it, or from EventBridge.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Records {
        #[serde(rename = "Records")]
        records: Vec<Record>,
    },
    Bridge {
        source: String,
        detail: Place,
    },
    /// SNS: the event is a text within.
    Wrapped {
        #[serde(rename = "Message")]
        message: String,
    },
    /// What S3 sends when notifications are set up.
    Test {
        #[serde(rename = "Event")]
        event: String,
    },
}

#[derive(Deserialize)]
struct Record {
    s3: Place,
}

#[derive(Deserialize)]
struct Place {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

impl Webhooks for Events {
    fn handshake(&self, _: &RawRequest<'_>, _: &Secret) -> Result<Option<RawResponse>> {
        Ok(None)
    }

    fn verify(&self, request: &RawRequest<'_>, secret: &Secret, _: DateTime<Utc>) -> Result<Vec<Hint>> {
        let tokens = request.headers.iter().filter(|(name, _)| matches!(name.as_str(), "authorization" | "x-api-key"));
        let known = |token: &str| {
            // Equal hashes, so that the time it takes says nothing about the token.
            let token = token.strip_prefix("Bearer ").unwrap_or(token);
            !secret.is_empty() && hex_sha256(token.as_bytes()) == hex_sha256(secret.expose().as_bytes())
        };
        if !tokens.into_iter().any(|(_, token)| known(token)) {
            return Err(Error::new(
                ErrorKind::Unauthenticated,
                "the call does not carry the webhook's token: set it as the API key of the EventBridge destination, \
                 or as the token of whoever calls",
            ));
        }
        hints(request.body, true)
    }
}

/// The keys of a message, each once, in order.
fn hints(body: &[u8], may_be_wrapped: bool) -> Result<Vec<Hint>> {
    let strange = |_| Error::protocol("the call holds no event of a bucket: send S3's own events, as they are");
    let keys: Vec<String> = match serde_json::from_slice(body).map_err(strange)? {
        // S3 encodes keys as forms do, EventBridge does not.
        Message::Records { records } => records.into_iter().map(|record| decoded(&record.s3.object.key)).collect(),
        Message::Bridge { source, detail } if source == "aws.s3" => vec![detail.object.key],
        Message::Test { event } if event == "s3:TestEvent" => Vec::new(),
        Message::Wrapped { message } if may_be_wrapped => return hints(message.as_bytes(), false),
        _ => return Err(Error::protocol("the call holds an event of something else: send S3's own events")),
    };
    let mut hints = Vec::new();
    for key in keys {
        let hint = Hint::Entry(key.into());
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    Ok(hints)
}

fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn call(token: Option<(&str, &str)>, body: &[u8]) -> Result<Vec<Hint>> {
        let headers: Vec<_> = token.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        let request = RawRequest { method: "POST", query: "", headers: &headers, body };
        Events.verify(&request, &Secret::new("the token"), Utc::now())
    }

    fn keys(body: &Value) -> Vec<String> {
        let hints = call(Some(("authorization", "Bearer the token")), body.to_string().as_bytes()).expect("an event");
        hints
            .into_iter()
            .map(|hint| match hint {
                Hint::Entry(id) => id.to_string(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn record(event: &str, key: &str) -> Value {
        json!({
            "eventVersion": "2.3", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": event,
            "eventTime": "2026-01-02T03:04:05.000Z",
            "s3": {
                "configurationId": "c", "bucket": { "name": "minutes", "arn": "arn:aws:s3:::minutes" },
                "object": { "key": key, "size": 5, "eTag": "e", "sequencer": "0055AED6DCD90281E5" },
            },
        })
    }

    #[test]
    fn an_event_of_the_bucket_leads_to_its_keys() {
        let body = json!({ "Records": [
            record("ObjectCreated:Put", "2026/red+flower%2B100%25.jpg"),
            record("ObjectRemoved:DeleteMarkerCreated", "gone.txt"),
            record("LifecycleExpiration:Delete", "gone.txt"),
        ] });
        assert_eq!(keys(&body), ["2026/red flower+100%.jpg", "gone.txt"]);
        let wrapped = json!({ "Type": "Notification", "MessageId": "m", "Message": body.to_string() });
        assert_eq!(keys(&wrapped), ["2026/red flower+100%.jpg", "gone.txt"]);
    }

    #[test]
    fn an_event_of_eventbridge_names_the_key_as_it_is() {
        let body = json!({
            "version": "0", "source": "aws.s3", "detail-type": "Object Created",
            "detail": { "bucket": { "name": "minutes" }, "object": { "key": "a+b %41.txt", "size": 1 } },
        });
        assert_eq!(keys(&body), ["a+b %41.txt"]);
    }

    #[test]
    fn the_test_event_leads_nowhere() {
        assert!(keys(&json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "minutes" })).is_empty());
    }

    #[test]
    fn a_call_without_the_token_is_refused_before_it_is_read() {
        for token in
            [None, Some(("authorization", "Bearer wrong")), Some(("x-api-key", "")), Some(("cookie", "the token"))]
        {
            let error = call(token, b"not even JSON").expect_err("no token");
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{token:?}");
        }
        assert!(call(Some(("x-api-key", "the token")), br#"{"Records":[]}"#).expect("an event").is_empty());
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        let inner = json!({ "Message": json!({ "Records": [] }).to_string() }).to_string();
        for body in [
            "".to_owned(),
            "[]".to_owned(),
            json!({ "Records": [{ "s3": {} }] }).to_string(),
            json!({ "source": "aws.ec2", "detail": { "object": { "key": "k" } } }).to_string(),
            json!({ "Event": "something" }).to_string(),
            json!({ "Message": inner }).to_string(),
        ] {
            let error = call(Some(("x-api-key", "the token")), body.as_bytes()).expect_err(&body);
            assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        }
    }
}
