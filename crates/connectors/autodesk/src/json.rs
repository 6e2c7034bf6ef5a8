//! Answers, as they come: JSON:API, and of it what is needed here.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// A list of things. An empty one may come without `data`.
#[derive(Debug, Deserialize)]
pub(crate) struct Many<T> {
    /// What shows that it is an answer at all.
    #[expect(dead_code, reason = "an answer without it is none")]
    jsonapi: Value,
    #[serde(default = "Vec::new")]
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) included: Vec<Resource>,
    #[serde(default)]
    pub(crate) links: Links,
    #[serde(default)]
    pub(crate) meta: Meta,
}

/// One thing.
#[derive(Debug, Deserialize)]
pub(crate) struct One {
    pub(crate) data: Resource,
    #[serde(default)]
    pub(crate) included: Vec<Resource>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Links {
    #[serde(default)]
    pub(crate) next: Option<Link>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Meta {
    /// What could not be asked: a region that refuses, for example.
    #[serde(default)]
    pub(crate) warnings: Vec<Warning>,
}

/// Why a part of the whole is missing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Warning {
    #[serde(rename = "HttpStatusCode", default)]
    status: Option<String>,
}

impl Warning {
    /// Whether it is that the part is not for us, and not that it could not be asked.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.status.as_deref(), Some("401" | "403" | "404"))
    }
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Link {
    pub(crate) href: Option<String>,
}

/// A hub, project, folder, item or version.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Resource {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) attributes: Attributes,
    #[serde(default)]
    relationships: HashMap<String, Value>,
    #[serde(default)]
    links: HashMap<String, Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Attributes {
    pub(crate) name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) region: Option<String>,
    /// Deleted.
    hidden: Option<bool>,
    #[serde(deserialize_with = "time")]
    pub(crate) create_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "time")]
    pub(crate) last_modified_time: Option<DateTime<Utc>>,
    pub(crate) storage_size: Option<u64>,
    pub(crate) mime_type: Option<String>,
    extension: Option<Extension>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Extension {
    #[serde(rename = "type")]
    kind: String,
}

/// Where the bytes of an object are, for a while.
#[derive(Debug, Deserialize)]
pub(crate) struct Signed {
    pub(crate) status: String,
    pub(crate) url: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) sha1: Option<String>,
}

impl Resource {
    /// The id of the one thing this is related to by that name.
    pub(crate) fn related(&self, name: &str) -> Option<&str> {
        self.relationships.get(name)?["data"]["id"].as_str().filter(|id| !id.is_empty())
    }

    /// The name that a person sees.
    pub(crate) fn shown(&self) -> String {
        let attributes = &self.attributes;
        // A version is called what the file is called; an item or a folder what is displayed.
        let (first, second) = match self.kind.as_str() {
            "versions" => (&attributes.name, &attributes.display_name),
            _ => (&attributes.display_name, &attributes.name),
        };
        let name = [first, second].into_iter().flatten().find(|name| !name.is_empty());
        name.cloned().unwrap_or_else(|| self.id.clone())
    }

    /// The page on which a person sees it.
    pub(crate) fn page(&self) -> Option<String> {
        let href = self.links.get("webView")?["href"].as_str()?;
        href.starts_with("https://").then(|| href.to_owned())
    }

    /// Whether it was deleted: such things stay in lists that ask for them, and under their id.
    pub(crate) fn is_deleted(&self) -> bool {
        let kind = self.attributes.extension.as_ref().map(|extension| extension.kind.as_str());
        self.attributes.hidden == Some(true) || kind == Some("versions:autodesk.core:Deleted")
    }
}

/// A time is a help; one that cannot be read is none.
fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text: Option<String> = de::Deserialize::deserialize(from)?;
    Ok(text.and_then(|text| text.parse().ok()))
}
