//! What is there, and whether it is whole.

use std::collections::{BTreeSet, HashMap};

use catchment_core::{DocumentKey, EntryId, Held, IntegrationId, Result};
use catchment_index::{
    Filter as Wanted, Stats,
    analyze::Language,
    backend::{Space, Unembedded},
};
use qdrant_client::qdrant::{CollectionStatus, Condition, Filter, Range, facet_value::Variant};
use uuid::Uuid;

use crate::{
    client::Client,
    error::damaged,
    filter::{self, chunks_of, is, kind},
    record::{CHUNK, DocumentRecord, Passage, WORDS, chunk_point, document_id, key, uuid, vector_name},
    schema,
    window::Windows,
    write,
};

/// See [`Backend::audit`](catchment_index::Backend::audit).
pub(crate) async fn audit(
    client: &Client,
    windows: &Windows,
    integration: IntegrationId,
    after: Option<&EntryId>,
    limit: u32,
) -> Result<Vec<Held>> {
    let limit = limit as usize;
    let mut held = Vec::new();
    let mut after = after.cloned();
    while held.len() < limit {
        let page = windows.page(client, integration, after.as_ref(), limit - held.len()).await?;
        held.extend(look(client, integration, &page.names).await?);
        if page.complete || page.names.is_empty() {
            break;
        }
        after = page.names.last().cloned();
    }
    Ok(held)
}

/// What is held of these entries, without those that are gone.
async fn look(client: &Client, integration: IntegrationId, names: &[EntryId]) -> Result<Vec<Held>> {
    let key = |entry: &EntryId| DocumentKey { integration, entry: entry.clone() };
    let ids: Vec<Uuid> = names.iter().map(|name| document_id(&key(name))).collect();
    let there: HashMap<Uuid, DocumentRecord> = client.get(ids.iter().copied(), None).await?;
    // The counts read what the searches read: the points, and which vectors they have.
    let chunks = counts(client, there.values(), None).await?;
    let worded = counts(client, there.values(), Some(WORDS)).await?;
    let mut near = HashMap::new();
    for space in there.values().filter_map(|one| one.space.as_ref()).collect::<BTreeSet<_>>() {
        let of_space = there.values().filter(|one| one.space.as_ref() == Some(space));
        near.extend(counts(client, of_space, Some(space)).await?);
    }
    let whole = |one: &DocumentRecord| {
        let has = |counted: &HashMap<Uuid, u64>| counted.get(&one.generation).copied().unwrap_or(0);
        has(&chunks) == u64::from(one.chunks)
            && has(&worded) == u64::from(one.worded)
            && (one.space.is_none() || has(&near) == u64::from(one.chunks))
    };
    let held = ids.iter().filter_map(|id| there.get(id)).map(|one| Held {
        entry: one.entry.as_str().into(),
        content_hash: one.content_hash.clone(),
        chunks: if whole(one) { one.chunks } else { 0 },
    });
    Ok(held.collect())
}

/// How many chunks each document has, with a vector of this name or at all.
async fn counts(
    client: &Client,
    documents: impl Iterator<Item = &DocumentRecord>,
    vector: Option<&str>,
) -> Result<HashMap<Uuid, u64>> {
    let generations: Vec<Uuid> = documents.map(|one| one.generation).collect();
    if generations.is_empty() {
        return Ok(HashMap::new());
    }
    let guess = generations.len() as u64 + 1;
    let mut filter = chunks_of(generations);
    filter.must.extend(vector.map(Condition::has_vector));
    let counted = client.facet(key::GENERATION, filter, guess).await?;
    Ok(counted.into_iter().filter_map(|(value, count)| Some((text(value)?.parse().ok()?, count))).collect())
}

fn text(value: Variant) -> Option<String> {
    match value {
        Variant::StringValue(text) => Some(text),
        _ => None,
    }
}

fn number(value: &Variant) -> Option<i64> {
    match value {
        Variant::IntegerValue(number) => Some(*number),
        _ => None,
    }
}

/// See [`Backend::integrations`](catchment_index::Backend::integrations).
pub(crate) async fn integrations(client: &Client) -> Result<Vec<IntegrationId>> {
    let found = client.facet(key::INTEGRATION, write::documents(), 10_000).await?;
    let mut ids: Vec<i64> = found.iter().filter_map(|(value, _)| number(value)).collect();
    ids.sort_unstable();
    Ok(ids.into_iter().map(IntegrationId).collect())
}

/// See [`Backend::languages`](catchment_index::Backend::languages).
pub(crate) async fn languages(client: &Client, wanted: &Wanted) -> Result<Vec<Language>> {
    let found = client.facet(key::LANGUAGE, filter::of_documents(wanted), 100).await?;
    Ok(found.into_iter().filter_map(|(value, _)| Language::from_code(&text(value)?)).collect())
}

/// See [`Backend::without_vectors`](catchment_index::Backend::without_vectors).
pub(crate) async fn without_vectors(client: &Client, space: &Space, limit: u32) -> Result<Vec<Unembedded>> {
    let filter = Filter {
        must: vec![
            kind(crate::record::DOCUMENT),
            Condition::range(key::CHUNKS, Range { gte: Some(1.0), ..Range::default() }),
        ],
        must_not: vec![is(key::SPACE, &vector_name(&space.embedder))],
        ..Filter::default()
    };
    if limit == 0 {
        return Ok(Vec::new());
    }
    let page = client.scroll(filter, &[key::GENERATION], None, limit).await?;
    let ids: Vec<Uuid> = page.result.iter().map(|point| uuid(point.id.as_ref())).collect::<Result<_>>()?;
    let documents: HashMap<Uuid, DocumentRecord> = client.get(ids.iter().copied(), None).await?;
    let mut found = Vec::with_capacity(ids.len());
    for one in ids.iter().filter_map(|id| documents.get(id)) {
        let points: Vec<Uuid> = (0..one.chunks).map(|ordinal| chunk_point(one.generation, ordinal)).collect();
        let mut passages: HashMap<Uuid, Passage> = client.get(points.iter().copied(), None).await?;
        // Of a damaged document what is there: it is not embedded before it is whole again.
        let chunks = points.iter().filter_map(|point| passages.remove(point));
        found.push(Unembedded {
            key: DocumentKey { integration: IntegrationId(one.integration), entry: one.entry.as_str().into() },
            content_hash: one.content_hash.clone(),
            title: one.title.clone(),
            chunks: chunks.map(|passage| (passage.headings, passage.text)).collect(),
        });
    }
    Ok(found)
}

/// See [`Backend::stats`](catchment_index::Backend::stats).
pub(crate) async fn stats(client: &Client) -> Result<Stats> {
    let (documents, chunks) = sums(client, write::documents()).await?;
    let mut vectors = Vec::new();
    for space in schema::spaces(client).await? {
        let mut filter = write::documents();
        filter.must.push(is(key::SPACE, &vector_name(&space.embedder)));
        vectors.push((space, sums(client, filter).await?.1));
    }
    Ok(Stats { documents, chunks, vectors })
}

/// Documents and chunks of documents: so many documents have so many chunks.
async fn sums(client: &Client, filter: Filter) -> Result<(u64, u64)> {
    let found = client.facet(key::CHUNKS, filter, 10_000).await?;
    Ok(found.iter().fold((0, 0), |(documents, chunks), (value, count)| {
        let each = number(value).and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        (documents + count, chunks + count * each)
    }))
}

/// See [`Backend::integrity`](catchment_index::Backend::integrity).
pub(crate) async fn integrity(client: &Client) -> Result<()> {
    let info = schema::info(client).await?;
    if info.status == CollectionStatus::Red as i32 {
        return Err(damaged().with("check", "the server calls the collection red"));
    }
    let (_, expected) = sums(client, write::documents()).await?;
    let there: u64 =
        client.facet(key::KIND, Filter::must([kind(CHUNK)]), 10).await?.iter().map(|(_, count)| count).sum();
    // More are what was left by somebody who was killed.
    if there < expected {
        return Err(damaged().with("counted", there).with("held", expected));
    }
    Ok(())
}

/// Whether the vectors of a space can be asked for.
pub(crate) async fn is_open(client: &Client, space: &Space) -> Result<bool> {
    let id = crate::record::space_id(&space.embedder);
    let there: HashMap<Uuid, crate::record::SpaceRecord> = client.get([id], None).await?;
    Ok(there.get(&id).is_some_and(|one| one.dimensions == space.dimensions as u64))
}
