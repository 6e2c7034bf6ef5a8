//! The routes of files but for the feed: metadata, search, bytes, exports.

use axum::body::Bytes;
use catchment_testkit::world::Key;
use serde_json::{Value, json};

use super::{Account, Answer, drive};

fn text<'a>(argument: &'a Value, name: &str) -> &'a str {
    argument[name].as_str().unwrap_or_default()
}

impl Account {
    pub fn get_metadata(&mut self, top: Key, argument: &Value) -> Answer {
        let path = text(argument, "path");
        if path.is_empty() {
            return Answer::text(400, "Error in call to API function \"files/get_metadata\": request body: path: ''");
        }
        match self.drive.find(top, path) {
            Ok(key) => {
                let mut metadata = self.drive.metadata(top, key);
                if argument["include_has_explicit_shared_members"] == true && metadata[".tag"] == "file" {
                    metadata["has_explicit_shared_members"] = self.drive.is_shared_itself(key).into();
                }
                Answer::json(metadata)
            }
            Err(tags) => Answer::tags(tags),
        }
    }

    pub fn search(&mut self, top: Key, argument: &Value) -> Answer {
        let options = &argument["options"];
        let under = match self.drive.find(top, text(options, "path")) {
            Ok(key) => key,
            Err(tags) => return Answer::tags(tags),
        };
        self.found(top, under, text(argument, "query"), options["max_results"].as_u64().unwrap_or(100), 0)
    }

    pub fn search_continue(&mut self, top: Key, argument: &Value) -> Answer {
        let cursor: Value = serde_json::from_str(text(argument, "cursor")).expect("a cursor");
        let number = |name: &str| cursor[name].as_u64().expect("a number");
        self.found(top, Key(number("under")), text(&cursor, "query"), number("limit"), number("after"))
    }

    fn found(&mut self, top: Key, under: Key, query: &str, limit: u64, after: u64) -> Answer {
        let mut keys = self.drive.world.below(under);
        keys.sort_unstable();
        let wanted = query.to_lowercase();
        keys.retain(|key| {
            key.0 > after && self.drive.world.get(*key).expect("there").name.to_lowercase().contains(&wanted)
        });
        let more = keys.len() as u64 > limit;
        keys.truncate(limit as usize);
        let last = keys.last().map_or(0, |key| key.0);
        let matches: Vec<_> = keys
            .into_iter()
            .map(|key| {
                let metadata = json!({ ".tag": "metadata", "metadata": self.drive.metadata(top, key) });
                json!({ "metadata": metadata, "match_type": { ".tag": "filename" } })
            })
            .collect();
        let mut result = json!({ "matches": matches, "has_more": more });
        if more {
            let cursor = json!({ "under": under.0, "query": query, "limit": limit, "after": last });
            result["cursor"] = cursor.to_string().into();
        }
        Answer::json(result)
    }

    pub fn download(&mut self, top: Key, argument: &Value, range: Option<&str>) -> Answer {
        let path = text(argument, "path");
        let key = match self.drive.find(top, path) {
            Ok(key) => key,
            Err(tags) => return Answer::tags(tags),
        };
        if self.drive.documents.contains_key(&key) {
            return Answer::tags(&["unsupported_file"]);
        }
        let pinned = path.strip_prefix("rev:").and_then(|rev| Some((rev, self.drive.revision(rev)?.1)));
        let Some(current) = self.drive.world.content(key).cloned() else {
            return Answer::tags(&["path", "not_file"]);
        };
        let mut metadata = self.drive.file(top, key);
        let content = match pinned {
            Some((rev, content)) => {
                metadata["rev"] = rev.into();
                metadata["size"] = content.len().into();
                metadata["content_hash"] = drive::content_hash(&content).into();
                content
            }
            None => current,
        };
        bytes(content, range, &metadata)
    }

    pub fn export(&mut self, top: Key, argument: &Value) -> Answer {
        let key = match self.drive.find(top, text(argument, "path")) {
            Ok(key) => key,
            Err(tags) => return Answer::tags(tags),
        };
        let Some(document) = self.drive.documents.get(&key).cloned() else {
            return Answer::tags(&["non_exportable"]);
        };
        let format = argument["export_format"].as_str().or(document.export_as).unwrap_or_default();
        let Some(content) = document.exports.get(format) else {
            return Answer::tags(&["invalid_export_format"]);
        };
        let result = json!({
            "export_metadata": {
                "name": "export", "size": content.len(), "export_hash": drive::content_hash(content),
            },
            "file_metadata": self.drive.file(top, key),
        });
        let mut answer = bytes(content.clone(), None, &result);
        // Whatever is said about the bytes beside the result, they are content.
        answer.headers.retain(|(name, _)| *name != "content-type");
        answer.header("content-type", "text/html; charset=utf-8")
    }
}

/// Content, whole or in part, and what it is in the header.
fn bytes(content: Bytes, range: Option<&str>, result: &Value) -> Answer {
    let size = content.len();
    let part = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')).map(|(first, last)| {
        let first: usize = first.parse().expect("a number");
        let end = if last.is_empty() { size } else { last.parse::<usize>().expect("a number") + 1 };
        first..end.min(size)
    });
    let answer = |status, body| Answer { status, headers: Vec::new(), body };
    let answer = match part {
        None => answer(200, content),
        Some(part) if part.start >= size => return Answer::text(416, "Requested range not satisfiable"),
        Some(part) => {
            let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            answer(206, content.slice(part)).header("content-range", range)
        }
    };
    answer.header("content-type", "application/octet-stream").header("dropbox-api-result", ascii(result))
}

/// JSON for a header, as Dropbox writes it.
fn ascii(value: &Value) -> String {
    let mut out = String::new();
    for unit in value.to_string().encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if (0x20..0x7f).contains(&byte) => out.push(byte.into()),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out
}
