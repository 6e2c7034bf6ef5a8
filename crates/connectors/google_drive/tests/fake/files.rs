//! Single files: what they are, what they hold, who may read them.

use axum::body::Bytes;
use catchment_testkit::world::Key;
use serde_json::{Value, json};

use super::{Call, Shared, answers::Answer, corpus::Kind};

impl Shared {
    /// The corpus and the key of an id that the account can see.
    pub(crate) fn find(&self, call: &Call, id: &str) -> Option<(usize, Key, Value)> {
        self.corpora.iter().enumerate().find_map(|(index, corpus)| {
            let key = corpus.key(id)?;
            let is_visible = match corpus.drive_id() {
                // Who does not say that it knows of shared drives is told of none.
                Some(drive) => self.joined.contains(&drive) && call.is("supportsAllDrives"),
                None => true,
            };
            Some((index, key, corpus.file(key).filter(|_| is_visible)?))
        })
    }

    pub(crate) fn file(&self, call: &Call, id: &str) -> Answer {
        match self.find(call, id) {
            Some((.., file)) => Answer::json(file),
            None => missing(),
        }
    }

    pub(crate) fn media(&self, call: &Call, id: &str) -> Answer {
        let Some((corpus, key, file)) = self.find(call, id) else { return missing() };
        let corpus = &self.corpora[corpus];
        if corpus.own(key, "_abusive") == true && !call.is("acknowledgeAbuse") {
            return Answer::error(403, "cannotDownloadAbusiveFile");
        }
        if let Some(to) = corpus.own(key, "_redirect").as_str() {
            return Answer::redirect(to);
        }
        let mime = file["mimeType"].as_str().expect("a type");
        if mime.starts_with("application/vnd.google-apps.") {
            return Answer::error(403, "fileNotDownloadable");
        }
        let Some((node, _)) = corpus.node(key) else { return missing() };
        let content = match corpus.own(key, "_damaged").as_str() {
            Some(damaged) => Bytes::from(damaged.to_owned()),
            None => node.content.clone().expect("a file"),
        };
        let Some(range) = call.header("range") else {
            return Answer::bytes(mime, content);
        };
        let (first, last) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).expect("a range");
        let first: usize = first.parse().expect("a number");
        let last = last.parse().unwrap_or(usize::MAX).min(content.len().saturating_sub(1));
        if first >= content.len() {
            return Answer::error(416, "requestedRangeNotSatisfiable");
        }
        let named = format!("bytes {first}-{last}/{}", content.len());
        Answer::bytes(mime, content.slice(first..=last)).with(206, "content-range", named)
    }

    pub(crate) fn export(&self, call: &Call, id: &str) -> Answer {
        let Some((corpus, key, _)) = self.find(call, id) else { return missing() };
        let corpus = &self.corpora[corpus];
        let format = call.get("mimeType").unwrap_or_default();
        let Some(text) = corpus.own(key, "_exports")[format].as_str() else {
            return Answer::error(400, "badRequest");
        };
        if corpus.own(key, "_too_large").as_array().is_some_and(|all| all.iter().any(|one| one == format)) {
            return Answer::error(403, "exportSizeLimitExceeded");
        }
        Answer::bytes(format, Bytes::from(text.to_owned()))
    }

    /// What `exportLinks` leads to, which knows no limit.
    pub(crate) fn linked_export(&self, call: &Call) -> Answer {
        let id = call.get("id").unwrap_or_default();
        let Some((corpus, key, _)) = self.find(call, id) else { return missing() };
        let format = call.get("format").unwrap_or_default();
        match self.corpora[corpus].own(key, "_exports")[format].as_str() {
            Some(text) => Answer::bytes(format, Bytes::from(text.to_owned())),
            None => missing(),
        }
    }

    pub(crate) fn permissions(&self, call: &Call, id: &str) -> Answer {
        let Some((corpus, key, _)) = self.find(call, id) else { return missing() };
        let corpus = &self.corpora[corpus];
        if corpus.own(key, "_closed") == true {
            return Answer::error(403, "insufficientFilePermissions");
        }
        let all = corpus.permissions(key);
        let from: usize = call.get("pageToken").map_or(0, |token| token.parse().expect("a token of ours"));
        if from > 0 && corpus.own(key, "_half_closed") == true {
            return Answer::error(403, "insufficientFilePermissions");
        }
        let size: usize = call.get("pageSize").map_or(100, |size| size.parse().expect("a number"));
        let until = (from + size.min(self.longest_page)).min(all.len());
        let mut answer = json!({ "kind": "drive#permissionList", "permissions": all[from..until] });
        if until < all.len() {
            answer["nextPageToken"] = until.to_string().into();
        }
        Answer::json(answer)
    }

    pub(crate) fn drive(&self, id: &str) -> Answer {
        match self.drive_list().into_iter().find(|drive| drive["id"] == id) {
            Some(drive) => Answer::json(drive),
            None => missing(),
        }
    }

    pub(crate) fn drives(&self, call: &Call) -> Answer {
        let all = self.drive_list();
        let from: usize = call.get("pageToken").map_or(0, |token| token.parse().expect("a token of ours"));
        let size: usize = call.get("pageSize").map_or(10, |size| size.parse().expect("a number"));
        let until = (from + size.min(self.longest_page)).min(all.len());
        let mut answer = json!({ "kind": "drive#driveList", "drives": all[from..until] });
        if until < all.len() {
            answer["nextPageToken"] = until.to_string().into();
        }
        Answer::json(answer)
    }

    /// The drives that the account is in.
    pub(crate) fn drive_list(&self) -> Vec<Value> {
        let one = |corpus: &super::Corpus| {
            let Kind::Drive(name) = &corpus.kind else { return None };
            let id = corpus.drive_id().filter(|id| self.joined.contains(id))?;
            Some(json!({ "kind": "drive#drive", "id": id, "name": name, "createdTime": "2026-01-01T00:00:00.000Z" }))
        };
        self.corpora.iter().filter_map(one).collect()
    }
}

pub(crate) fn missing() -> Answer {
    Answer::error_about(404, "notFound", Some("fileId"))
}
