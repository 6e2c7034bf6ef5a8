//! The object store: signed addresses, and the bytes behind them.

use axum::body::Bytes;
use catchment_testkit::world::{Key, Node};
use serde_json::json;
use sha1::{Digest, Sha1};

use super::{Answer, Ask, state::Account};

pub(crate) const BUCKET: &str = "wip.dm.prod";

/// Each version has an object of its own, which never changes.
pub(crate) fn object_urn(node: &Node) -> String {
    format!("urn:adsk.objects:os.object:{BUCKET}/{}.{}.pdf", node.key, node.edition)
}

fn content(account: &Account, object: &str) -> Option<Bytes> {
    let (key, edition) = object.strip_suffix(".pdf")?.split_once('.')?;
    account.edition(Key(key.parse().ok()?), edition.parse().ok()?)
}

pub(crate) fn sign(account: &mut Account, ask: &Ask, object: &str) -> Answer {
    let Some(content) = content(account, object) else {
        return Answer::json(404, &json!({ "reason": "Object not found" }));
    };
    if account.chunked {
        return Answer::json(
            200,
            &json!({ "status": "chunked", "urls": { "0-9": "http://h" }, "params": {}, "size": 10 }),
        );
    }
    let number = account.signed.len() as u32 + 1;
    account.signed.insert(number, account.uses);
    let host = account.store.clone().unwrap_or_else(|| ask.host.clone());
    let url = format!("http://{host}/objects/{object}?X-Amz-Signature=s1gn4ture-{number}");
    let sha1 = Sha1::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Answer::json(200, &json!({ "status": "complete", "url": url, "params": {}, "size": content.len(), "sha1": sha1 }))
}

pub(crate) fn object(account: &mut Account, ask: &Ask, object: &str) -> Answer {
    let plain = |status, text: &str| Answer {
        status,
        headers: vec![("content-type", "application/xml".to_owned())],
        body: Bytes::copy_from_slice(text.as_bytes()),
    };
    // As S3 answers who signs twice.
    if !ask.header("authorization").is_empty() || !ask.header("x-user-id").is_empty() {
        return plain(400, "<Error><Code>InvalidArgument</Code></Error>");
    }
    let signature = ask.query.get("X-Amz-Signature").and_then(|text| text.strip_prefix("s1gn4ture-"));
    let left = signature.and_then(|number| account.signed.get_mut(&number.parse().ok()?));
    match left {
        Some(left) if *left > 0 => *left -= 1,
        _ => return plain(403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"),
    }
    let Some(content) = content(account, object) else { return plain(404, "<Error><Code>NoSuchKey</Code></Error>") };
    let content = if account.damaged { content.iter().map(|byte| byte ^ 1).collect() } else { content };
    let whole = content.len();
    let range = ask.header("range").strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let (status, from, until) = match range {
        None => (200, 0, whole),
        Some((from, until)) => {
            let from: usize = from.parse().expect("a number");
            (206, from, until.parse::<usize>().map_or(whole, |last| whole.min(last + 1)))
        }
    };
    if from >= until && whole > 0 {
        return plain(416, "<Error><Code>InvalidRange</Code></Error>");
    }
    let mut headers = vec![("content-type", "application/octet-stream".to_owned()), ("etag", "\"e\"".to_owned())];
    if status == 206 {
        headers.push(("content-range", format!("bytes {from}-{}/{whole}", until - 1)));
    }
    Answer { status, headers, body: content.slice(from..until) }
}
