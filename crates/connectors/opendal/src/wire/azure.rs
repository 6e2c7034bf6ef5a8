//! Azure Files and Azure Data Lake.

use serde_json::json;

use super::{
    Answer, Ask, CONTENT, TIME, Vendor,
    drives::{inside, is_file},
};

/// [List Directories and Files](https://learn.microsoft.com/en-us/rest/api/storageservices/list-directories-and-files).
pub(super) const FILES: Vendor = Vendor {
    scheme: "azfile",
    settings: || {
        let options = json!({ "endpoint": "https://ann.file.core.windows.net", "account_name": "ann" });
        ("minutes", options, json!({ "account_key": "aXRzIG93bg==" }))
    },
    answer: files,
    refusal: |status| {
        let code = if status == 404 { "ResourceNotFound" } else { "AuthenticationFailed" };
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>refused</Message></Error>")
    },
    refuses: 403,
    pages: true,
};

/// [Path List](https://learn.microsoft.com/en-us/rest/api/storageservices/datalakestoragegen2/path/list).
pub(super) const LAKE: Vendor = Vendor {
    scheme: "azdls",
    settings: || {
        let options = json!({ "endpoint": "https://ann.dfs.core.windows.net", "account_name": "ann" });
        ("minutes", options, json!({ "account_key": "aXRzIG93bg==" }))
    },
    answer: lake,
    refusal: |status| {
        let code = if status == 404 { "PathNotFound" } else { "AuthenticationFailed" };
        json!({ "error": { "code": code, "message": "refused" } }).to_string()
    },
    refuses: 403,
    pages: true,
};

const TAG: &str = "0x8DACF9B0061305F";

/// Two entries a page, and where the next begins.
fn page(held: Vec<(&'static str, bool)>, from: &str) -> (Vec<(&'static str, bool)>, Option<String>) {
    let from = from.parse().unwrap_or(0);
    let next = (from + 2 < held.len()).then(|| (from + 2).to_string());
    (held.into_iter().skip(from).take(2).collect(), next)
}

fn file() -> Vec<(&'static str, String)> {
    vec![
        ("etag", format!("\"{TAG}\"")),
        ("last-modified", TIME.1.to_owned()),
        ("x-ms-resource-type", "file".to_owned()),
    ]
}

fn folder(there: bool) -> Answer {
    let said = [("etag", TAG), ("last-modified", TIME.1), ("x-ms-resource-type", "directory")];
    let said = said.map(|(name, value)| (name, value.to_owned()));
    if there { Answer::With(String::new(), said.into()) } else { Answer::Refused(404) }
}

fn files(ask: &Ask) -> Answer {
    let Some(path) = ask.path.strip_prefix("/minutes/") else { return Answer::Unknown };
    if ask.host != "ann.file.core.windows.net" {
        return Answer::Unknown;
    }
    match (ask.method.as_str(), ask.query("restype"), ask.query("comp")) {
        ("GET", "directory", "list") => {
            let Some(held) = inside(path) else { return Answer::Refused(404) };
            let (held, next) = page(held, ask.query("marker"));
            let mut xml = "<?xml version=\"1.0\"?><EnumerationResults><Entries>".to_owned();
            for (name, is_file) in held {
                let kind = if is_file { "File" } else { "Directory" };
                let size =
                    if is_file { format!("<Content-Length>{}</Content-Length>", CONTENT.len()) } else { String::new() };
                let times = ["CreationTime", "LastAccessTime", "LastWriteTime", "ChangeTime"];
                let times = times.map(|word| format!("<{word}>{}</{word}>", TIME.0)).concat();
                xml += &format!(
                    "<{kind}><FileId>1</FileId><Name>{name}</Name><Properties>{size}{times}<Last-Modified>{}</Last-Modified>\
                     <Etag>\"{TAG}\"</Etag></Properties></{kind}>",
                    TIME.1
                );
            }
            Answer::Text(
                xml + &format!("</Entries><NextMarker>{}</NextMarker></EnumerationResults>", next.unwrap_or_default()),
            )
        }
        ("HEAD", "directory", "") => folder(inside(path).is_some()),
        ("HEAD" | "GET", "", "") if is_file(path) => Answer::Content(file()),
        ("HEAD" | "GET", "", "") => Answer::Refused(404),
        _ => Answer::Unknown,
    }
}

fn lake(ask: &Ask) -> Answer {
    if ask.host != "ann.dfs.core.windows.net" {
        return Answer::Unknown;
    }
    let path = ask.path.trim_start_matches("/minutes").trim_matches('/');
    match (ask.method.as_str(), ask.query("resource")) {
        ("GET", "filesystem") if path.is_empty() => {
            let folder = ask.query("directory");
            let Some(held) = inside(folder) else { return Answer::Refused(404) };
            let (held, next) = page(held, ask.query("continuation"));
            let paths = held.into_iter().map(|(name, is_file)| {
                let size = if is_file { CONTENT.len() } else { 0 };
                json!({
                    "name": format!("{folder}/{name}"), "contentLength": size.to_string(), "etag": TAG,
                    "isDirectory": (!is_file).to_string(), "lastModified": TIME.1,
                })
            });
            let text = json!({ "paths": paths.collect::<Vec<_>>() }).to_string();
            Answer::With(text, next.map(|next| ("x-ms-continuation", next)).into_iter().collect())
        }
        ("HEAD" | "GET", "") if is_file(path) => Answer::Content(file()),
        ("HEAD", "") => folder(inside(path).is_some()),
        ("GET", "") => Answer::Refused(404),
        _ => Answer::Unknown,
    }
}
