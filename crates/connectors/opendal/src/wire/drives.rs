//! Places with real folders: Seafile, Koofr and Yandex Disk.

use serde_json::{Value, json};

use super::{Answer, Ask, CONTENT, MD5, TIME, Vendor};

/// [Seafile's web API](https://seafile-api.readme.io).
pub(super) const SEAFILE: Vendor = Vendor {
    scheme: "seafile",
    settings: || {
        let options = json!({ "repo_name": "Minutes", "username": "ann@example.com" });
        ("cloud.seafile.example", options, json!({ "password": "its own" }))
    },
    answer: seafile,
    refusal: |status| json!({ "error_msg": format!("refused with {status}") }).to_string(),
    refuses: 401,
    pages: false,
};

/// [Koofr's API](https://app.koofr.net/developers).
pub(super) const KOOFR: Vendor = Vendor {
    scheme: "koofr",
    settings: || ("api.koofr.example", json!({ "email": "ann@example.com" }), json!({ "password": "its own" })),
    answer: koofr,
    refusal: |status| json!({ "error": { "code": "Refused", "message": format!("{status}") } }).to_string(),
    refuses: 401,
    pages: false,
};

/// [Yandex Disk's API](https://yandex.com/dev/disk-api/doc/en/).
pub(super) const YANDEX_DISK: Vendor = Vendor {
    scheme: "yandex-disk",
    settings: || ("", json!({}), json!({ "access_token": "its own" })),
    answer: yandex_disk,
    refusal: |status| json!({ "error": "Refused", "description": status.to_string(), "message": "" }).to_string(),
    refuses: 401,
    pages: true,
};

/// What is in a folder: names, and whether each is a file. `None`: no such folder.
pub(super) fn inside(folder: &str) -> Option<Vec<(&'static str, bool)>> {
    match folder.trim_matches('/') {
        "" => Some(vec![("folder", false)]),
        "folder" => Some(vec![("a.txt", true), ("b.txt", true), ("sub", false)]),
        "folder/sub" => Some(vec![("c.txt", true)]),
        _ => None,
    }
}

pub(super) fn is_file(path: &str) -> bool {
    let (folder, name) = path.trim_matches('/').rsplit_once('/').unwrap_or(("", path));
    inside(folder).is_some_and(|held| held.contains(&(name, true)))
}

/// A document, or what is said where there is none.
fn found(document: Option<Value>) -> Answer {
    document.map_or(Answer::Refused(404), |document| Answer::Text(document.to_string()))
}

fn seafile(ask: &Ask) -> Answer {
    let link = "https://downloads.seafile.example/files/9a80";
    if ask.host == "downloads.seafile.example" {
        return if is_file(ask.path.trim_start_matches("/files/9a80")) {
            Answer::Content(Vec::new())
        } else {
            Answer::Refused(404)
        };
    }
    let path = ask.query("p");
    match (ask.host.as_str(), ask.path.as_str()) {
        ("cloud.seafile.example", "/api2/auth-token/") => Answer::Text(json!({ "token": "t" }).to_string()),
        ("cloud.seafile.example", "/api2/repos") => {
            let repo = |id: &str, name: &str| json!({ "id": id, "name": name, "type": "repo", "encrypted": false });
            Answer::Text(json!([repo("0", "Others"), repo("1", "Minutes")]).to_string())
        }
        ("cloud.seafile.example", "/api2/repos/1/dir/") => found(inside(path).map(|held| {
            let entry = |(name, file): (&str, bool)| {
                let kind = if file { "file" } else { "dir" };
                let mut entry = json!({ "id": "0d", "mtime": TIME.2, "name": name, "permission": "r", "type": kind });
                if file {
                    entry["size"] = CONTENT.len().into();
                }
                entry
            };
            held.into_iter().map(entry).collect()
        })),
        ("cloud.seafile.example", "/api2/repos/1/file/") => {
            found(is_file(path).then(|| format!("{link}/{}", path.trim_matches('/')).into()))
        }
        ("cloud.seafile.example", "/api2/repos/1/file/detail/") => found(is_file(path).then(|| {
            let size = CONTENT.len();
            json!({ "id": "01", "mtime": TIME.2, "last_modified": TIME.0, "type": "file", "name": "a.txt", "size": size })
        })),
        ("cloud.seafile.example", "/api/v2.1/repos/1/dir/detail/") => found(inside(ask.query("path")).map(|_| {
            json!({ "repo_id": "1", "name": "a folder", "file_count": 1, "dir_count": 0, "mtime": TIME.0, "size": 10 })
        })),
        _ => Answer::Unknown,
    }
}

fn koofr(ask: &Ask) -> Answer {
    let path = ask.query("path");
    let entry = |name: &str, file: bool| {
        let (kind, size) = if file { ("file", CONTENT.len()) } else { ("dir", 0) };
        let mime = if file { "text/plain" } else { "" };
        json!({ "name": name, "type": kind, "modified": TIME.2 * 1000, "size": size, "contentType": mime, "hash": "" })
    };
    match (ask.host.as_str(), ask.path.as_str()) {
        ("api.koofr.example", "/token") => Answer::Text(json!({ "token": "t" }).to_string()),
        ("api.koofr.example", "/api/v2/mounts") => {
            let mount = |id: &str, primary: bool| json!({ "id": id, "name": id, "isPrimary": primary });
            Answer::Text(json!({ "mounts": [mount("0", false), mount("1", true)] }).to_string())
        }
        ("api.koofr.example", "/api/v2/mounts/1/files/list") => found(inside(path).map(|held| {
            let held: Vec<_> = held.into_iter().map(|(name, file)| entry(name, file)).collect();
            json!({ "files": held })
        })),
        ("api.koofr.example", "/api/v2/mounts/1/files/info") => {
            let name = path.trim_matches('/').rsplit('/').next().unwrap_or_default();
            let is_file = is_file(path);
            found((is_file || inside(path).is_some()).then(|| entry(name, is_file)))
        }
        ("api.koofr.example", "/api/v2/mounts/1/files/get") if is_file(path) => Answer::Content(Vec::new()),
        ("api.koofr.example", "/api/v2/mounts/1/files/get") => Answer::Refused(404),
        _ => Answer::Unknown,
    }
}

fn yandex_disk(ask: &Ask) -> Answer {
    if ask.host == "downloads.yandex.example" {
        return Answer::Content(Vec::new());
    }
    let path = ask.query("path").trim_start_matches("disk:").trim_matches('/');
    let entry = |path: &str, file: bool| {
        let mut entry = json!({
            "name": path.rsplit('/').next(), "path": format!("disk:/{path}"), "created": TIME.0, "modified": TIME.0,
            "type": if file { "file" } else { "dir" }, "resource_id": "1:2",
        });
        if file {
            entry["size"] = CONTENT.len().into();
            entry["md5"] = MD5.into();
            entry["mime_type"] = "text/plain".into();
        }
        entry
    };
    match (ask.host.as_str(), ask.path.as_str()) {
        ("cloud-api.yandex.net", "/v1/disk/resources") if is_file(path) => found(Some(entry(path, true))),
        ("cloud-api.yandex.net", "/v1/disk/resources") => found(inside(path).map(|held| {
            let from = ask.query("offset").parse().unwrap_or(0);
            let page = held.iter().skip(from).take(2);
            let items: Vec<_> = page.map(|(name, file)| entry(&format!("{path}/{name}"), *file)).collect();
            let mut folder = entry(path, false);
            folder["_embedded"] = json!({
                "sort": "", "path": format!("disk:/{path}"), "items": items, "limit": 2, "offset": from,
                "total": held.len(),
            });
            folder
        })),
        ("cloud-api.yandex.net", "/v1/disk/resources/download") => found(is_file(path).then(
            || json!({ "href": "https://downloads.yandex.example/disk/9a80", "method": "GET", "templated": false }),
        )),
        _ => Answer::Unknown,
    }
}
