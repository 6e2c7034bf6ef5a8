//! One search: candidates by words and by meaning in one message, those of documents as they are
//! now kept, fused, and what the hits say.
//!
//! A filter is part of the queries, so that what it leaves out takes no candidate's place. What
//! the queries cannot know is which generation of a document is the one: that stands in the
//! document's point and is compared afterwards. What falls away by that is little: it was written
//! this moment, or by somebody who was killed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use catchment_core::{DocumentKey, IntegrationId, Result};
use catchment_index::{
    Hit,
    backend::{Search, chunk_id},
    fuse::{Fused, diversify, fuse},
};
use qdrant_client::qdrant::{DenseVector, Query, QueryPoints, VectorInput, query, vector_input};
use uuid::Uuid;

use crate::{
    client::{Client, payload},
    filter,
    record::{COMMITTED, Committed, DocumentRecord, PLACE, Passage, Place, WORDS, chunk_point, read, vector_name},
    words,
};

/// How many candidates of each list are looked at for each hit that is asked for.
const CANDIDATES: u32 = 5;
/// The most candidates of each list.
const MOST: u32 = 16_384;
/// How often a search is made again because documents changed under it.
const TRIES: u32 = 12;

/// A chunk, whatever its generation.
type Id = (Uuid, u32);

/// A candidate and how near it is.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    place: Place,
    score: f32,
}

/// What was found in one go.
struct Found {
    lexical: Option<Vec<Candidate>>,
    dense: Option<Vec<Candidate>>,
    /// Whether a list may go on.
    more: bool,
}

/// See [`Backend::search`](catchment_index::Backend::search). `space` says whether the space of the
/// search's vector was ever opened.
pub(crate) async fn search(client: &Client, search: &Search, space: bool) -> Result<Vec<Hit>> {
    let by_words = !search.terms.is_empty();
    let near = search.vector.as_ref().filter(|_| space);
    let mut depth = search.limit.saturating_mul(CANDIDATES).clamp(50, MOST);
    let mut changed: Option<BTreeMap<Uuid, Option<Uuid>>> = None;
    let mut tries = 0;
    loop {
        let mut found = query(client, search, near.is_some(), depth).await?;
        let documents = committed(client, &found).await?;
        let stale = keep_committed(&mut found, &documents, near.map(|(space, _)| vector_name(&space.embedder)));
        // A document that was replaced between the two calls has lost its old chunks and not got
        // its new ones: look again, until what is not accepted stays what it is.
        if !stale.is_empty() && changed.as_ref() != Some(&stale) && tries < TRIES {
            changed = Some(stale);
            tries += 1;
            continue;
        }
        // Nothing was asked of a space that is not there, and nothing is in it.
        let dense = if search.vector.is_some() { Some(found.dense.unwrap_or_default()) } else { None };
        let similar: HashMap<Id, f32> = dense.iter().flatten().map(|one| (id(one), one.score)).collect();
        let lexical: Option<Vec<Id>> = found.lexical.filter(|_| by_words).map(|list| list.iter().map(id).collect());
        let dense: Option<Vec<Id>> = dense.map(|list| list.iter().map(id).collect());
        let fused = fuse(lexical.as_deref(), dense.as_deref());
        let hits = diversify(fused, |(document, _)| document, search.per_document, search.limit);
        // One document may have taken all candidates' places: look deeper.
        if hits.len() < search.limit as usize && found.more && depth < MOST {
            depth = depth.saturating_mul(4).min(MOST);
            continue;
        }
        let loaded = load(client, &hits, &documents, &similar).await?;
        if loaded.len() == hits.len() || tries >= TRIES {
            return Ok(loaded);
        }
        tries += 1;
    }
}

fn id(candidate: &Candidate) -> Id {
    (candidate.place.document, candidate.place.ordinal)
}

async fn query(client: &Client, search: &Search, near: bool, depth: u32) -> Result<Found> {
    let ask = |variant: vector_input::Variant, using: String| QueryPoints {
        collection_name: client.collection.clone(),
        query: Some(Query { variant: Some(query::Variant::Nearest(VectorInput { variant: Some(variant) })) }),
        using: Some(using),
        filter: Some(filter::of_chunks(&search.filter)),
        limit: Some(u64::from(depth)),
        with_payload: Some(payload(Some(&PLACE))),
        ..QueryPoints::default()
    };
    let mut queries = Vec::new();
    let by_words = !search.terms.is_empty();
    if by_words {
        let terms = words::of_question(&search.terms);
        queries.push(ask(vector_input::Variant::Sparse(terms), WORDS.to_owned()));
    }
    if let Some((space, vector)) = search.vector.as_ref().filter(|_| near) {
        let vector = vector_input::Variant::Dense(DenseVector { data: vector.clone() });
        queries.push(ask(vector, vector_name(&space.embedder)));
    }
    if queries.is_empty() {
        return Ok(Found { lexical: None, dense: None, more: false });
    }
    let mut more = false;
    let mut lists = Vec::with_capacity(queries.len());
    for points in client.query(queries).await? {
        more |= points.len() >= depth as usize;
        let mut list = Vec::with_capacity(points.len());
        for point in points {
            list.push(Candidate { place: read(point.payload)?, score: point.score });
        }
        // Equals in an order that does not depend on where the server has them.
        list.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| id(a).cmp(&id(b))));
        lists.push(list);
    }
    let mut lists = lists.into_iter();
    let lexical = if by_words { lists.next() } else { None };
    Ok(Found { lexical, dense: lists.next(), more })
}

/// What the documents of all candidates are now.
async fn committed(client: &Client, found: &Found) -> Result<HashMap<Uuid, Committed>> {
    let lists = found.lexical.iter().chain(&found.dense).flatten();
    let documents: BTreeSet<Uuid> = lists.map(|one| one.place.document).collect();
    client.get(documents, Some(&COMMITTED)).await
}

/// Takes out what is not of a committed generation or space, and gives the documents of the first
/// with what they have committed.
fn keep_committed(
    found: &mut Found,
    documents: &HashMap<Uuid, Committed>,
    space: Option<String>,
) -> BTreeMap<Uuid, Option<Uuid>> {
    let mut stale = BTreeMap::new();
    let mut current = |one: &Candidate| {
        let now = documents.get(&one.place.document);
        let current = now.filter(|now| now.generation == one.place.generation);
        if current.is_none() {
            stale.insert(one.place.document, now.map(|now| now.generation));
        }
        current.cloned()
    };
    if let Some(list) = &mut found.lexical {
        list.retain(|one| current(one).is_some());
    }
    if let Some(list) = &mut found.dense {
        // A document that is being embedded again has vectors of two spaces for a while.
        list.retain(|one| current(one).is_some_and(|now| now.space == space));
    }
    stale
}

/// What the hits say; those of documents that have gone meanwhile are left out.
async fn load(
    client: &Client,
    hits: &[Fused<Id>],
    committed: &HashMap<Uuid, Committed>,
    similar: &HashMap<Id, f32>,
) -> Result<Vec<Hit>> {
    if hits.is_empty() {
        return Ok(Vec::new());
    }
    let point = |(document, ordinal): Id| committed.get(&document).map(|now| chunk_point(now.generation, ordinal));
    let wanted: BTreeSet<Uuid> = hits.iter().map(|hit| hit.id.0).collect();
    let (documents, passages) = futures::try_join!(
        client.get::<DocumentRecord>(wanted, None),
        client.get::<Passage>(
            hits.iter().filter_map(|hit| point(hit.id)),
            Some(&["ordinal", "page", "page_label", "headings", "text"]),
        ),
    )?;
    let hit = |fused: &Fused<Id>| {
        let document = documents.get(&fused.id.0)?;
        let passage = passages.get(&point(fused.id)?)?;
        let same = committed.get(&fused.id.0).is_some_and(|now| now.generation == document.generation);
        same.then(|| describe(fused, document, passage, similar.get(&fused.id).copied()))
    };
    Ok(hits.iter().filter_map(hit).collect())
}

fn describe(fused: &Fused<Id>, document: &DocumentRecord, passage: &Passage, similarity: Option<f32>) -> Hit {
    let key = DocumentKey { integration: IntegrationId(document.integration), entry: document.entry.as_str().into() };
    Hit {
        id: chunk_id(&key, passage.ordinal),
        document: key,
        ordinal: passage.ordinal,
        vendor: document.vendor.clone(),
        name: document.name.clone(),
        path: document.path.clone(),
        web_url: document.web_url.clone(),
        title: document.title.clone(),
        page: passage.page,
        page_label: passage.page_label.clone(),
        headings: passage.headings.clone(),
        text: passage.text.clone(),
        score: fused.score,
        lexical_rank: fused.lexical_rank,
        dense_rank: fused.dense_rank,
        similarity,
    }
}
