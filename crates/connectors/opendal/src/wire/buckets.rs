//! Object stores: OSS, COS and OBS, who speak the same XML, and B2.

use serde_json::json;

use super::{Answer, Ask, CONTENT, MD5, TIME, Vendor};

/// Alibaba: [ListObjectsV2](https://www.alibabacloud.com/help/en/oss/developer-reference/listobjectsv2).
pub(super) const OSS: Vendor = Vendor {
    scheme: "oss",
    settings: || {
        let options = json!({ "endpoint": "https://oss-cn-beijing.aliyuncs.com", "access_key_id": "ann" });
        ("minutes", options, json!({ "access_key_secret": "its own" }))
    },
    answer: |ask| family(ask, "minutes.oss-cn-beijing.aliyuncs.com", "continuation-token", "NextContinuationToken"),
    refusal,
    refuses: 403,
    pages: true,
};

/// Tencent: [GET Bucket](https://www.tencentcloud.com/document/product/436/30614).
pub(super) const COS: Vendor = Vendor {
    scheme: "cos",
    settings: || {
        let options = json!({ "endpoint": "https://cos.ap-beijing.myqcloud.com" });
        ("minutes", options, json!({ "secret_id": "ann", "secret_key": "its own" }))
    },
    answer: |ask| family(ask, "minutes.cos.ap-beijing.myqcloud.com", "marker", "NextMarker"),
    refusal,
    refuses: 403,
    pages: true,
};

/// Huawei: [Listing Objects in a Bucket](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0022.html).
pub(super) const OBS: Vendor = Vendor {
    scheme: "obs",
    settings: || {
        let options = json!({ "endpoint": "https://obs.cn-north-4.myhuaweicloud.com", "access_key_id": "ann" });
        ("minutes", options, json!({ "secret_access_key": "its own" }))
    },
    answer: |ask| family(ask, "minutes.obs.cn-north-4.myhuaweicloud.com", "marker", "NextMarker"),
    refusal,
    refuses: 403,
    pages: true,
};

/// Backblaze: [b2_list_file_names](https://www.backblaze.com/apidocs/b2-list-file-names) and its like.
pub(super) const B2: Vendor = Vendor {
    scheme: "b2",
    settings: || {
        let options = json!({ "bucket_id": "4a48fe8875c6214145260818", "application_key_id": "ann" });
        ("minutes", options, json!({ "application_key": "its own" }))
    },
    answer: b2,
    refusal: |status| json!({ "status": status, "code": "bad_auth_token", "message": "refused" }).to_string(),
    refuses: 401,
    pages: true,
};

fn refusal(status: u16) -> String {
    let code = match status {
        404 => "NoSuchKey",
        429 => "SlowDown",
        _ => "AccessDenied",
    };
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>refused</Message></Error>")
}

pub(super) const FILES: [&str; 3] = ["folder/a.txt", "folder/b.txt", "folder/sub/c.txt"];

/// What stands in a list below a prefix: names of files, and of folders with a slash.
pub(super) fn below(prefix: &str, delimiter: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for file in FILES {
        let Some(rest) = file.strip_prefix(prefix) else { continue };
        let cut = rest.find('/').filter(|_| !delimiter.is_empty()).map(|at| format!("{prefix}{}", &rest[..=at]));
        let name = cut.unwrap_or_else(|| file.to_owned());
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    names
}

fn family(ask: &Ask, host: &str, marker: &str, next: &str) -> Answer {
    if ask.host != host {
        return Answer::Unknown;
    }
    let key = ask.path.trim_start_matches('/');
    let tag = format!("\"{MD5}\"");
    match (ask.method.as_str(), key) {
        ("HEAD" | "GET", key) if FILES.contains(&key) => {
            Answer::Content(vec![("etag", tag), ("last-modified", TIME.1.to_owned())])
        }
        ("GET", "") => {
            // Two entries a page.
            let names = below(ask.query("prefix"), ask.query("delimiter"));
            let from = names.iter().position(|name| name.as_str() > ask.query(marker)).unwrap_or(names.len());
            let page: Vec<_> = names[from..].iter().take(2).collect();
            let more = from + page.len() < names.len();
            let mut xml = format!("<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>{more}</IsTruncated>");
            for name in &page {
                xml += &match name.ends_with('/') {
                    true => format!("<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"),
                    false => format!(
                        "<Contents><Key>{name}</Key><LastModified>{}</LastModified><ETag>{tag}</ETag>\
                         <Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                        TIME.0,
                        CONTENT.len()
                    ),
                };
            }
            if let (true, Some(last)) = (more, page.last()) {
                xml += &format!("<{next}>{last}</{next}>");
            }
            Answer::Text(xml + "</ListBucketResult>")
        }
        ("HEAD" | "GET", _) => Answer::Refused(404),
        _ => Answer::Unknown,
    }
}

fn b2(ask: &Ask) -> Answer {
    match (ask.host.as_str(), ask.path.as_str()) {
        ("api.backblazeb2.com", "/b2api/v2/b2_authorize_account") => Answer::Text(
            json!({
                "accountId": "12f6b6d3bc10",
                "authorizationToken": "4_token",
                "apiUrl": "https://api004.backblazeb2.com",
                "downloadUrl": "https://f004.backblazeb2.com",
                "recommendedPartSize": 100_000_000,
                "absoluteMinimumPartSize": 5_000_000,
                "s3ApiUrl": "https://s3.us-west-004.backblazeb2.com",
                "allowed": { "bucketId": null, "bucketName": null, "capabilities": ["listFiles"], "namePrefix": null },
            })
            .to_string(),
        ),
        ("api004.backblazeb2.com", "/b2api/v2/b2_list_file_names") => {
            let names = below(ask.query("prefix"), ask.query("delimiter"));
            let most = ask.query("maxFileCount").parse().unwrap_or(2).min(2);
            let from = names.iter().position(|name| name.as_str() >= ask.query("startFileName"));
            let from = from.unwrap_or(names.len());
            let page = names[from..].iter().take(most);
            let files: Vec<_> = page
                .map(|name| match name.ends_with('/') {
                    true => json!({
                        "action": "folder", "contentLength": 0, "contentMd5": null, "contentType": null,
                        "fileId": null, "fileInfo": {}, "fileName": name, "uploadTimestamp": 0,
                    }),
                    false => json!({
                        "action": "upload", "contentLength": CONTENT.len(), "contentMd5": MD5,
                        "contentType": "text/plain", "fileId": "4_z", "fileInfo": {}, "fileName": name,
                        "uploadTimestamp": TIME.2 * 1000,
                    }),
                })
                .collect();
            let next = names.get(from + files.len());
            Answer::Text(json!({ "files": files, "nextFileName": next }).to_string())
        }
        ("f004.backblazeb2.com", path) => match path.strip_prefix("/file/minutes/") {
            Some(name) if FILES.contains(&name) => Answer::Content(vec![("x-bz-file-id", "4_z".to_owned())]),
            _ => Answer::Refused(404),
        },
        _ => Answer::Unknown,
    }
}
