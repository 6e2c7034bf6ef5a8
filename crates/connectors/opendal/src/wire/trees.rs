//! Object stores that answer in JSON: TOS and lakeFS.

use serde_json::json;

use super::{
    Answer, Ask, CONTENT, MD5, TIME, Vendor,
    buckets::{FILES, below},
};

/// Volcengine: [ListObjectsV2](https://www.volcengine.com/docs/6349/173817).
pub(super) const TOS: Vendor = Vendor {
    scheme: "tos",
    settings: || {
        let options =
            json!({ "endpoint": "https://tos-cn-beijing.volces.com", "region": "cn-beijing", "access_key_id": "ann" });
        ("minutes", options, json!({ "secret_access_key": "its own" }))
    },
    answer: tos,
    refusal: |status| {
        let code = if status == 404 { "NoSuchKey" } else { "AccessDenied" };
        json!({ "Code": code, "RequestId": "1", "HostId": "1", "Message": "refused" }).to_string()
    },
    refuses: 403,
    pages: true,
};

/// [lakeFS's API](https://docs.lakefs.io/reference/api/).
pub(super) const LAKEFS: Vendor = Vendor {
    scheme: "lakefs",
    settings: || {
        let options = json!({ "repository": "minutes", "branch": "main", "username": "ann" });
        ("lakefs.example", options, json!({ "password": "its own" }))
    },
    answer: lakefs,
    refusal: |status| json!({ "message": format!("refused with {status}") }).to_string(),
    refuses: 401,
    pages: true,
};

/// Two entries a page behind a name, and whether there are more.
fn page(names: &[String], behind: &str) -> (Vec<String>, bool) {
    let from = names.iter().position(|name| name.as_str() > behind).unwrap_or(names.len());
    let page: Vec<_> = names[from..].iter().take(2).cloned().collect();
    let more = from + page.len() < names.len();
    (page, more)
}

fn tos(ask: &Ask) -> Answer {
    if ask.host != "minutes.tos-cn-beijing.volces.com" {
        return Answer::Unknown;
    }
    let key = ask.path.trim_start_matches('/');
    match (ask.method.as_str(), key) {
        ("HEAD" | "GET", key) if FILES.contains(&key) => {
            Answer::Content(vec![("etag", format!("\"{MD5}\"")), ("last-modified", TIME.1.to_owned())])
        }
        ("GET", "") => {
            let names = below(ask.query("prefix"), ask.query("delimiter"));
            let (page, more) = page(&names, ask.query("continuation-token"));
            let (folders, files): (Vec<_>, Vec<_>) = page.iter().partition(|name| name.ends_with('/'));
            let file = |name: &&String| {
                let size = CONTENT.len();
                json!({ "Key": name, "LastModified": TIME.0, "ETag": format!("\"{MD5}\""), "Size": size })
            };
            let mut list = json!({
                "Name": "minutes", "Prefix": ask.query("prefix"), "MaxKeys": 2, "KeyCount": page.len(),
                "IsTruncated": more, "Contents": files.iter().map(file).collect::<Vec<_>>(),
                "CommonPrefixes": folders.iter().map(|name| json!({ "Prefix": name })).collect::<Vec<_>>(),
            });
            if more {
                list["NextContinuationToken"] = page.last().cloned().into();
            }
            Answer::Text(list.to_string())
        }
        ("HEAD" | "GET", _) => Answer::Refused(404),
        _ => Answer::Unknown,
    }
}

fn lakefs(ask: &Ask) -> Answer {
    if ask.host != "lakefs.example" {
        return Answer::Unknown;
    }
    let entry = |name: &str| match name.ends_with('/') {
        true => json!({
            "path": name, "path_type": "common_prefix", "physical_address": "", "checksum": "", "mtime": 0,
        }),
        false => json!({
            "path": name, "path_type": "object", "physical_address": "s3://b/1", "checksum": MD5, "mtime": TIME.2,
            "size_bytes": CONTENT.len(), "content_type": "text/plain",
        }),
    };
    let path = ask.query("path");
    match ask.path.strip_prefix("/api/v1/repositories/minutes/refs/main/objects") {
        Some("/ls") => {
            let names = below(ask.query("prefix"), ask.query("delimiter"));
            let (page, more) = page(&names, ask.query("after"));
            let next = page.last().filter(|_| more).cloned().unwrap_or_default();
            let results: Vec<_> = page.iter().map(|name| entry(name)).collect();
            let pagination =
                json!({ "has_more": more, "next_offset": next, "results": results.len(), "max_per_page": 1000 });
            Answer::Text(json!({ "pagination": pagination, "results": results }).to_string())
        }
        Some("/stat") if FILES.contains(&path) => Answer::Text(entry(path).to_string()),
        Some("") if FILES.contains(&path) => {
            Answer::Content(vec![("etag", format!("\"{MD5}\"")), ("last-modified", TIME.1.to_owned())])
        }
        Some("" | "/stat") => Answer::Refused(404),
        _ => Answer::Unknown,
    }
}
