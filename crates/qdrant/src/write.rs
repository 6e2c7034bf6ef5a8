//! Documents in and out.
//!
//! Qdrant has no transactions over several points, but the change of one point is one. So the
//! chunks of a document are written first, as a *generation* that no search accepts; then the
//! document's point is changed to name it, on the condition that it still names the generation it
//! named before; then the chunks of that one are deleted. Killed at any point, the document's
//! point names one whole generation, and what else is there is never found and is deleted later.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use catchment_core::{DocumentKey, Error, ErrorKind, Result};
use catchment_index::backend::{Space, StoredChunk, StoredDocument, Unembedded};
use chrono::Utc;
use qdrant_client::qdrant::{
    Condition, Filter, PointStruct, PointVectors, UpdateMode, UpdatePointVectors, UpsertPoints, Value, Vector,
};
use uuid::Uuid;

use crate::{
    client::{Client, strong},
    error::damaged,
    filter::{any, chunks_of, kind, written_before},
    record::{
        self, CHUNK, COMMITTED, Committed, DOCUMENT, DocumentRecord, Place, chunk_point, document_id, key, named,
        point_id, read, vector_name,
    },
};

/// How often a document is tried when others write the same one.
const TRIES: u32 = 8;
/// How long writing one document may take in all.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// After how long a generation that was never committed is nobody's work any more. Far beyond
/// [`LONGEST`], because the clocks of servers differ.
const ABANDONED: Duration = Duration::from_secs(60 * 60);
/// The most points of one message, however small.
const MOST: usize = 512;

/// See [`Backend::replace`](catchment_index::Backend::replace).
pub(crate) async fn replace(
    client: &Client,
    batch_bytes: usize,
    document: &StoredDocument,
    chunks: &[StoredChunk],
    space: Option<&Space>,
) -> Result<()> {
    let id = document_id(&document.key);
    let started = Instant::now();
    for _ in 0..TRIES {
        let before = committed(client, id).await?.map(|before| before.generation);
        let generation = Uuid::new_v4();
        write_chunks(client, batch_bytes, document, generation, chunks, space).await?;
        if started.elapsed() > LONGEST {
            return Err(Error::new(ErrorKind::Timeout, "writing the document took too long: check qdrant's load"));
        }
        commit(client, record::of_document(document, generation, chunks, space)?, before).await?;
        if committed(client, id).await?.is_some_and(|now| now.generation == generation) {
            if let Some(before) = before {
                clear(client, id, before, generation).await;
            }
            return Ok(());
        }
        // Another one was faster, and from now on nothing can commit this generation.
        client.delete(chunks_of([generation])).await?;
    }
    Err(Error::new(ErrorKind::Conflict, "others keep writing the same document: try again later")
        .with("entry", &document.key.entry))
}

/// What the document's point names.
async fn committed(client: &Client, id: Uuid) -> Result<Option<Committed>> {
    Ok(client.get(std::iter::once(id), Some(&COMMITTED)).await?.remove(&id))
}

async fn write_chunks(
    client: &Client,
    batch_bytes: usize,
    document: &StoredDocument,
    generation: Uuid,
    chunks: &[StoredChunk],
    space: Option<&Space>,
) -> Result<()> {
    let written = Utc::now().timestamp_millis();
    let mut batch = Vec::new();
    let mut size = 0;
    for (ordinal, chunk) in (0..).zip(chunks) {
        let bytes = bytes_of(chunk);
        if !batch.is_empty() && (size + bytes > batch_bytes || batch.len() >= MOST) {
            client.upsert(std::mem::take(&mut batch)).await?;
            size = 0;
        }
        batch.push(record::of_chunk(document, generation, ordinal, chunk, space, written)?);
        size += bytes;
    }
    if batch.is_empty() { Ok(()) } else { client.upsert(batch).await }
}

/// About how long a chunk's point is in a message.
fn bytes_of(chunk: &StoredChunk) -> usize {
    /// What a point has besides: ids, keys, the tenant.
    const REST: usize = 512;
    let terms = &chunk.terms;
    let headings: usize = chunk.headings.iter().map(|heading| heading.len() + 8).sum();
    // A term is at least two bytes long with its blank, a weight and its dimension are nine.
    let words = (terms.title.len() + terms.text.len() + terms.forms.len()) * 9 / 2;
    REST + chunk.text.len() + headings + words + chunk.vector.as_ref().map_or(0, |vector| vector.len() * 4)
}

/// Makes a generation the document, unless it has become another one than `before`.
async fn commit(client: &Client, point: PointStruct, before: Option<Uuid>) -> Result<()> {
    let mode = if before.is_some() { UpdateMode::UpdateOnly } else { UpdateMode::InsertOnly };
    let request = UpsertPoints {
        points: vec![point],
        ordering: Some(strong()),
        update_filter: before.map(|before| Filter::must([any(key::GENERATION, [before])])),
        update_mode: Some(mode as i32),
        ..client.upsert_request()
    };
    client
        .change(|qdrant| {
            let request = request.clone();
            async move { qdrant.upsert_points(request).await }
        })
        .await
}

/// Deletes the chunks of the generation that was replaced, and of such as were left long ago. The
/// document is in its place already: if this fails, the next one to write it does it.
async fn clear(client: &Client, id: Uuid, before: Uuid, now: Uuid) {
    let filter = Filter {
        must: vec![kind(CHUNK), any(key::DOCUMENT, [id])],
        must_not: vec![any(key::GENERATION, [now])],
        should: vec![any(key::GENERATION, [before]), written_before(abandoned())],
        ..Filter::default()
    };
    if let Err(error) = client.delete(filter).await {
        tracing::warn!(%error, "what a document was before stays in the collection, unseen, until it is written again");
    }
}

/// What was written before this moment and not committed is left over.
fn abandoned() -> i64 {
    Utc::now().timestamp_millis() - i64::try_from(ABANDONED.as_millis()).unwrap_or(i64::MAX)
}

/// See [`Backend::remove`](catchment_index::Backend::remove).
pub(crate) async fn remove(client: &Client, keys: &[DocumentKey]) -> Result<()> {
    for part in keys.chunks(MOST) {
        let ids: Vec<Uuid> = part.iter().map(document_id).collect();
        let there: HashMap<Uuid, Committed> = client.get(ids.iter().copied(), Some(&COMMITTED)).await?;
        let generations: Vec<Uuid> = there.values().map(|one| one.generation).collect();
        if !generations.is_empty() {
            // Not those that somebody has put there since.
            let documents = Condition::has_id(there.keys().copied().map(point_id));
            client.delete(Filter::must([documents, any(key::GENERATION, generations.iter().copied())])).await?;
            client.delete(chunks_of(generations)).await?;
        }
        let left = Filter::must([kind(CHUNK), any(key::DOCUMENT, ids), written_before(abandoned())]);
        client.delete(left).await?;
    }
    Ok(())
}

/// See [`Backend::set_vectors`](catchment_index::Backend::set_vectors).
///
/// The vectors go beside those that are there; no search looks at them before the document's
/// point names their space.
pub(crate) async fn set_vectors(
    client: &Client,
    batch_bytes: usize,
    space: &Space,
    document: &Unembedded,
    vectors: &[Vec<f32>],
) -> Result<bool> {
    let id = document_id(&document.key);
    let name = vector_name(&space.embedder);
    let there: HashMap<Uuid, DocumentRecord> = client.get([id], None).await?;
    let Some(before) = there.get(&id) else { return Ok(false) };
    let same = before.content_hash == document.content_hash && before.chunks as usize == vectors.len();
    if !same || before.space.as_ref() == Some(&name) {
        return Ok(false);
    }
    if vectors.iter().any(|vector| vector.len() != space.dimensions) {
        return Err(Error::internal("a vector does not have the dimensions of its space"));
    }
    let per_message = (batch_bytes / (space.dimensions * 4 + 64)).clamp(1, MOST);
    for (part, start) in vectors.chunks(per_message).zip((0_u32..).step_by(per_message)) {
        let points = (start..)
            .zip(part)
            .map(|(ordinal, vector)| PointVectors {
                id: Some(point_id(chunk_point(before.generation, ordinal))),
                vectors: Some(named(HashMap::from([(name.clone(), Vector::from(vector.clone()))]))),
            })
            .collect();
        let request = UpdatePointVectors { points, ..UpdatePointVectors::default() };
        if !client.update_vectors(request).await? {
            // A chunk is gone: because the document was replaced, or it is damaged.
            let now = committed(client, id).await?;
            let replaced = now.is_none_or(|now| now.generation != before.generation);
            return if replaced { Ok(false) } else { Err(damaged().with("entry", &document.key.entry)) };
        }
    }
    let still = Filter::must([Condition::has_id([point_id(id)]), any(key::GENERATION, [before.generation])]);
    client.set_payload(still, HashMap::from([(key::SPACE.to_owned(), Value::from(name.clone()))])).await?;
    let now = committed(client, id).await?;
    let done = now.is_some_and(|now| now.generation == before.generation && now.space.as_ref() == Some(&name));
    if let Some(old) = before.space.clone().filter(|_| done) {
        client.delete_vectors(chunks_of([before.generation]), old).await?;
    }
    Ok(done)
}

/// See [`QdrantBackend::sweep`](crate::QdrantBackend::sweep).
pub(crate) async fn sweep(client: &Client, age: Duration) -> Result<u64> {
    let instant = Utc::now().timestamp_millis() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    let filter = Filter::must([kind(CHUNK), written_before(instant)]);
    let mut offset = None;
    let mut swept = 0;
    loop {
        let page = client.scroll(filter.clone(), &record::PLACE, offset, 1_000).await?;
        offset = page.next_page_offset;
        let mut places: Vec<Place> = page.result.into_iter().map(|point| read(point.payload)).collect::<Result<_>>()?;
        places.sort_by_key(|place| (place.document, place.generation));
        places.dedup_by_key(|place| place.generation);
        let ids = places.iter().map(|place| place.document);
        let there: HashMap<Uuid, Committed> = client.get(ids, Some(&COMMITTED)).await?;
        places.retain(|place| there.get(&place.document).is_none_or(|now| now.generation != place.generation));
        swept += places.len() as u64;
        if !places.is_empty() {
            client.delete(chunks_of(places.iter().map(|place| place.generation))).await?;
        }
        if offset.is_none() {
            return Ok(swept);
        }
    }
}

/// The kind of a document's point, for those that count.
pub(crate) fn documents() -> Filter {
    Filter::must([kind(DOCUMENT)])
}
