//! Points: what a document and a chunk look like in the collection.

use std::collections::HashMap;

use catchment_core::{DocumentKey, Error, Readers, Result};
use catchment_index::backend::{Space, StoredChunk, StoredDocument};
use qdrant_client::{
    Payload,
    qdrant::{NamedVectors, PointId, PointStruct, Value, Vector, Vectors, point_id::PointIdOptions},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{filter::principal, words};

/// The keys of payloads that are looked for; all of them are indexed.
pub(crate) mod key {
    pub(crate) const KIND: &str = "kind";
    pub(crate) const ORGANIZATION: &str = "organization";
    pub(crate) const USER: &str = "user";
    pub(crate) const PORTFOLIO: &str = "portfolio";
    pub(crate) const INTEGRATION: &str = "integration";
    pub(crate) const READERS: &str = "readers";
    pub(crate) const LANGUAGE: &str = "language";
    pub(crate) const SPACE: &str = "space";
    pub(crate) const DOCUMENT: &str = "document";
    pub(crate) const GENERATION: &str = "generation";
    pub(crate) const CHUNKS: &str = "chunks";
    pub(crate) const WRITTEN: &str = "written";
}

/// The kinds of points.
pub(crate) const DOCUMENT: &str = "document";
pub(crate) const CHUNK: &str = "chunk";
pub(crate) const SPACE: &str = "space";

/// The sparse vector of a chunk.
pub(crate) const WORDS: &str = "words";

const NAMESPACE: Uuid = Uuid::from_u128(0x2d9d_41c7_3f6e_4d0a_8a56_90a4_6bd1_57c3);

/// A document's point: as long as it names a generation, the chunks of that one are the document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DocumentRecord {
    kind: String,
    pub(crate) integration: i64,
    pub(crate) entry: String,
    organization: String,
    user: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    portfolio: Option<String>,
    pub(crate) vendor: String,
    pub(crate) name: String,
    pub(crate) path: String,
    mime: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) web_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
    pub(crate) content_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    pub(crate) generation: Uuid,
    /// How many chunks it has.
    pub(crate) chunks: u32,
    /// How many of them have terms.
    pub(crate) worded: u32,
    /// The vector of its chunks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) space: Option<String>,
}

/// What of a document a search has to know of all candidates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Committed {
    pub(crate) generation: Uuid,
    #[serde(default)]
    pub(crate) space: Option<String>,
}

/// The keys of [`Committed`].
pub(crate) const COMMITTED: [&str; 2] = [key::GENERATION, key::SPACE];

/// What of a chunk a search has to know of all candidates.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Place {
    pub(crate) document: Uuid,
    pub(crate) generation: Uuid,
    pub(crate) ordinal: u32,
}

/// The keys of [`Place`].
pub(crate) const PLACE: [&str; 3] = [key::DOCUMENT, key::GENERATION, "ordinal"];

/// What a chunk says.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Passage {
    pub(crate) ordinal: u32,
    pub(crate) page: u32,
    #[serde(default)]
    pub(crate) page_label: Option<String>,
    #[serde(default)]
    pub(crate) headings: Vec<String>,
    pub(crate) text: String,
}

/// A space's point: which embedder a vector belongs to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SpaceRecord {
    kind: String,
    pub(crate) embedder: String,
    pub(crate) dimensions: u64,
}

impl SpaceRecord {
    pub(crate) fn of(space: &Space) -> Self {
        Self { kind: SPACE.into(), embedder: space.embedder.clone(), dimensions: space.dimensions as u64 }
    }

    pub(crate) fn space(&self) -> Space {
        Space { embedder: self.embedder.clone(), dimensions: usize::try_from(self.dimensions).unwrap_or(usize::MAX) }
    }
}

/// The point of a document: the same for a key, always.
pub(crate) fn document_id(key: &DocumentKey) -> Uuid {
    let mut name = b"document".to_vec();
    name.extend_from_slice(&key.integration.0.to_be_bytes());
    name.extend_from_slice(key.entry.as_str().as_bytes());
    Uuid::new_v5(&NAMESPACE, &name)
}

/// The point of a chunk: its own in every generation, so that writing one leaves the others alone.
pub(crate) fn chunk_point(generation: Uuid, ordinal: u32) -> Uuid {
    Uuid::new_v5(&generation, &ordinal.to_be_bytes())
}

/// The point of a space.
pub(crate) fn space_id(embedder: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, &[b"space", embedder.as_bytes()].concat())
}

/// The name of an embedder's vectors. Ids of embedders hold anything, names of vectors become
/// names of files.
pub(crate) fn vector_name(embedder: &str) -> String {
    format!("near-{}", &blake3::hash(embedder.as_bytes()).to_hex()[..24])
}

/// The point that makes a generation the document.
pub(crate) fn of_document(
    document: &StoredDocument,
    generation: Uuid,
    chunks: &[StoredChunk],
    space: Option<&Space>,
) -> Result<PointStruct> {
    let record = DocumentRecord {
        kind: DOCUMENT.into(),
        integration: document.key.integration.0,
        entry: document.key.entry.as_str().to_owned(),
        organization: document.tenant.organization.clone(),
        user: document.tenant.user.clone(),
        portfolio: document.portfolio.clone(),
        vendor: document.vendor.clone(),
        name: document.name.clone(),
        path: document.path.clone(),
        mime: document.mime.clone(),
        web_url: document.web_url.clone(),
        modified: document.modified.map(|time| time.to_rfc3339()),
        content_hash: document.content_hash.clone(),
        title: document.title.clone(),
        language: document.language.map(|language| language.code().to_owned()),
        generation,
        chunks: count(chunks.len()),
        worded: count(chunks.iter().filter(|chunk| words::of_chunk(&chunk.terms).is_some()).count()),
        space: space.map(|space| vector_name(&space.embedder)),
    };
    point(document_id(&document.key), HashMap::new(), &record)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The point of one chunk. `written` is in milliseconds since 1970.
pub(crate) fn of_chunk(
    document: &StoredDocument,
    generation: Uuid,
    ordinal: u32,
    chunk: &StoredChunk,
    space: Option<&Space>,
    written: i64,
) -> Result<PointStruct> {
    #[derive(Serialize)]
    struct ChunkRecord<'a> {
        kind: &'a str,
        document: Uuid,
        generation: Uuid,
        ordinal: u32,
        integration: i64,
        organization: &'a str,
        user: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        portfolio: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        readers: Option<Vec<String>>,
        written: i64,
        page: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        page_label: Option<&'a str>,
        headings: &'a [String],
        text: &'a str,
    }
    let record = ChunkRecord {
        kind: CHUNK,
        document: document_id(&document.key),
        generation,
        ordinal,
        integration: document.key.integration.0,
        organization: &document.tenant.organization,
        user: &document.tenant.user,
        portfolio: document.portfolio.as_deref(),
        readers: match &document.readers {
            Readers::Only(readers) => Some(readers.iter().map(principal).collect()),
            _ => None,
        },
        written,
        page: chunk.page,
        page_label: chunk.page_label.as_deref(),
        headings: &chunk.headings,
        text: &chunk.text,
    };
    let mut vectors = HashMap::new();
    if let Some(words) = words::of_chunk(&chunk.terms) {
        vectors.insert(WORDS.to_owned(), Vector::from(words));
    }
    if let Some(space) = space {
        let vector = chunk.vector.as_deref().filter(|vector| vector.len() == space.dimensions);
        let vector = vector.ok_or_else(|| Error::internal("every chunk wants a vector of its space"))?;
        vectors.insert(vector_name(&space.embedder), Vector::from(vector.to_vec()));
    }
    point(chunk_point(generation, ordinal), vectors, &record)
}

/// The point of a space.
pub(crate) fn of_space(space: &Space) -> Result<PointStruct> {
    point(space_id(&space.embedder), HashMap::new(), &SpaceRecord::of(space))
}

fn point(id: Uuid, vectors: HashMap<String, Vector>, record: &impl Serialize) -> Result<PointStruct> {
    let json = serde_json::to_value(record)
        .map_err(|error| Error::internal("cannot write a point's payload").source(error))?;
    let payload =
        Payload::try_from(json).map_err(|error| Error::internal("a point's payload is not an object").source(error))?;
    Ok(PointStruct { id: Some(point_id(id)), payload: payload.into(), vectors: Some(named(vectors)) })
}

/// Vectors by name; none at all are still said.
pub(crate) fn named(vectors: HashMap<String, Vector>) -> Vectors {
    Vectors::from(NamedVectors { vectors })
}

/// The id of a point, as the client has it.
pub(crate) fn point_id(id: Uuid) -> PointId {
    PointId { point_id_options: Some(PointIdOptions::Uuid(id.to_string())) }
}

/// The id of a point, as we have it.
pub(crate) fn uuid(id: Option<&PointId>) -> Result<Uuid> {
    match id.and_then(|id| id.point_id_options.as_ref()) {
        Some(PointIdOptions::Uuid(text)) => text.parse().map_err(|error| foreign().source(error)),
        _ => Err(foreign()),
    }
}

/// What a payload says.
pub(crate) fn read<T: DeserializeOwned>(payload: HashMap<String, Value>) -> Result<T> {
    Payload::from(payload).deserialize().map_err(|error| foreign().source(error))
}

fn foreign() -> Error {
    Error::config("collection", "the collection holds points that are not catchment's: give it one of its own")
}
