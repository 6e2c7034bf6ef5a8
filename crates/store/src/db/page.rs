//! Pages as one value, and the one character that Postgres cannot store.
//!
//! A name may hold U+0000, and Postgres has no place for it in a text. There it is written as
//! U+0001 U+0001, and U+0001 itself as U+0001 U+0002: every text comes back as it was, and the
//! order by bytes stays what it is.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::Value;

/// Rows as one value, for [`over_page`](super::over_page).
pub(crate) fn page(rows: impl Iterator<Item = Json>) -> Page {
    Page(Json::from_iter(rows))
}

/// Rows of JSON.
#[derive(Debug)]
pub(crate) struct Page(Json);

impl Page {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_array().is_none_or(Vec::is_empty)
    }

    /// As a database can read it.
    pub(crate) fn value(&self, tx: &super::Tx) -> Value<'static> {
        if tx.is_postgres() && self.0.to_string().contains("\\u000") {
            return escaped(&self.0).to_string().into();
        }
        self.0.to_string().into()
    }
}

fn escaped(json: &Json) -> Json {
    match json {
        Json::String(text) => Json::String(escape(text).into_owned()),
        Json::Array(items) => items.iter().map(escaped).collect(),
        Json::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), escaped(value))).collect(),
        other => other.clone(),
    }
}

const ESCAPE: char = '\u{1}';

pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => out.extend([ESCAPE, '\u{1}']),
            ESCAPE => out.extend([ESCAPE, '\u{2}']),
            other => out.push(other),
        }
    }
    out.into()
}

pub(super) fn unescape(text: String) -> String {
    if !text.contains(ESCAPE) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            ESCAPE if characters.next() == Some('\u{1}') => '\0',
            other => other,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_keeps_its_place() {
        let mut texts = vec![String::new()];
        for _ in 0..5 {
            let longer = texts.iter().flat_map(|text| ['\0', '\u{1}', '\u{2}', 'a'].map(|c| format!("{text}{c}")));
            texts = [String::new()].into_iter().chain(longer).collect();
        }
        texts.sort();
        texts.dedup();
        assert!(texts.len() > 1_000);
        for pair in texts.windows(2) {
            let (low, high) = (escape(&pair[0]), escape(&pair[1]));
            assert!(low < high && !high.contains('\0'), "{pair:?}");
            assert_eq!(unescape(high.into_owned()), pair[1]);
        }
    }
}
