//! A backend that keeps everything in memory and looks at every chunk.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use catchment_core::{DocumentKey, EntryId, Error, Held, IntegrationId, Readers, Result, async_trait};
use catchment_index::{
    Access, Backend, Filter, Hit, Stats,
    analyze::Language,
    backend::{Search, Space, StoredChunk, StoredDocument, Unembedded},
    chunk_id,
    fuse::{diversify, fuse},
};

#[derive(Debug, Default)]
pub(crate) struct Brute(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    spaces: Vec<Space>,
    documents: BTreeMap<(i64, String), Kept>,
    /// How many chunks were ever put in, and how many terms they had. FTS5 weighs by these where
    /// it keeps no text: a deletion does not take them back.
    ever: (f64, f64),
}

#[derive(Debug, Clone)]
struct Kept {
    /// In the order of arrival; kept by an upsert.
    number: usize,
    document: StoredDocument,
    chunks: Vec<StoredChunk>,
    space: Option<Space>,
}

fn place(key: &DocumentKey) -> (i64, String) {
    (key.integration.0, key.entry.as_str().to_owned())
}

fn passes(document: &StoredDocument, filter: &Filter) -> bool {
    document.tenant.organization == filter.organization
        && filter.user.as_ref().is_none_or(|user| document.tenant.user == *user)
        && filter.integrations.as_ref().is_none_or(|list| list.contains(&document.key.integration))
        && filter.portfolio.as_ref().is_none_or(|name| document.portfolio.as_ref() == Some(name))
        && match (&filter.access, &document.readers) {
            (Access::Owner, _) => true,
            (Access::As(_), Readers::Unknown) => false,
            (Access::As(principals), Readers::Only(readers)) => !principals.is_disjoint(readers),
        }
}

/// A chunk by its document's number and its ordinal.
type Id = (usize, usize);

fn fields(chunk: &StoredChunk) -> [&str; 3] {
    [&chunk.terms.title, &chunk.terms.text, &chunk.terms.forms]
}

/// Organization, user and integration are terms of every chunk, and its portfolio if any.
fn length(document: &StoredDocument, chunk: &StoredChunk) -> f64 {
    let terms: usize = fields(chunk).iter().map(|list| list.split_whitespace().count()).sum();
    (terms + 3 + usize::from(document.portfolio.is_some())) as f64
}

impl State {
    fn all(&self) -> impl Iterator<Item = (Id, &Kept, &StoredChunk)> {
        self.documents
            .values()
            .flat_map(|kept| kept.chunks.iter().enumerate().map(move |(n, chunk)| ((kept.number, n), kept, chunk)))
    }

    /// BM25 with k1 = 1.2 and b = 0.75, words of the title counting four times
    /// and forms a half.
    fn lexical(&self, terms: &[String], filter: &Filter) -> Vec<Id> {
        let count = |list: &str, term: &str| list.split(' ').filter(|have| *have == term).count() as f64;
        let (total, average) = (self.ever.0, self.ever.1 / self.ever.0);
        let weight = |term: &String| {
            let with =
                self.all().filter(|(_, _, c)| fields(c).iter().any(|list| count(list, term) > 0.0)).count() as f64;
            ((total - with + 0.5) / (with + 0.5)).ln().max(1e-6)
        };
        let weights: Vec<f64> = terms.iter().map(weight).collect();
        let mut scored = Vec::new();
        for (id, kept, chunk) in self.all().filter(|(_, kept, _)| passes(&kept.document, filter)) {
            let [title, text, forms] = fields(chunk);
            let mut score = 0.0;
            for (term, weight) in terms.iter().zip(&weights) {
                let often = 4.0 * count(title, term) + count(text, term) + 0.5 * count(forms, term);
                score += weight * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * length(&kept.document, chunk) / average));
            }
            if score > 0.0 {
                scored.push((id, score));
            }
        }
        by_score(scored)
    }

    fn dense(&self, space: &Space, question: &[f32], filter: &Filter) -> Vec<(Id, f64)> {
        let mut scored: Vec<(Id, f64)> = self
            .all()
            .filter(|(_, kept, _)| passes(&kept.document, filter) && kept.space.as_ref() == Some(space))
            .filter_map(|(id, _, chunk)| Some((id, f64::from(cosine(question, chunk.vector.as_deref()?)))))
            .collect();
        scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        scored
    }
}

/// Best first; what differs by rounding alone counts as equal.
fn by_score(mut scored: Vec<(Id, f64)>) -> Vec<Id> {
    scored.sort_by_key(|(id, score)| (std::cmp::Reverse((score * 1e12).round() as i64), *id));
    scored.into_iter().map(|(id, _)| id).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let (mut dot, mut x, mut y) = (0_f32, 0_f32, 0_f32);
    for (a, b) in a.iter().zip(b) {
        dot += a * b;
        x += a * a;
        y += b * b;
    }
    if x * y > 0.0 { dot / (x * y).sqrt() } else { 0.0 }
}

#[async_trait]
impl Backend for Brute {
    async fn open_space(&self, space: &Space) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        match state.spaces.iter().find(|known| known.embedder == space.embedder) {
            Some(known) if known != space => Err(Error::config("embedder", "other").with("before", known.dimensions)),
            Some(_) => Ok(()),
            None => {
                state.spaces.push(space.clone());
                Ok(())
            }
        }
    }

    async fn replace(&self, document: &StoredDocument, chunks: &[StoredChunk], space: Option<&Space>) -> Result<()> {
        // One step back, so that an upsert can be dropped before it has happened.
        tokio::task::yield_now().await;
        let mut state = self.0.lock().unwrap();
        let place = place(&document.key);
        // As SQLite numbers rows: one more than the greatest there is.
        let next = state.documents.values().map(|kept| kept.number + 1).max().unwrap_or(1);
        let number = state.documents.get(&place).map_or(next, |kept| kept.number);
        let kept = Kept { number, document: document.clone(), chunks: chunks.to_vec(), space: space.cloned() };
        state.documents.insert(place, kept);
        state.ever.0 += chunks.len() as f64;
        state.ever.1 += chunks.iter().map(|chunk| length(document, chunk)).sum::<f64>();
        Ok(())
    }

    async fn remove(&self, keys: &[DocumentKey]) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        for key in keys {
            state.documents.remove(&place(key));
        }
        Ok(())
    }

    async fn search(&self, search: &Search) -> Result<Vec<Hit>> {
        let state = self.0.lock().unwrap();
        let lexical = (!search.terms.is_empty()).then(|| state.lexical(&search.terms, &search.filter));
        let near = search.vector.as_ref().map(|(space, vector)| state.dense(space, vector, &search.filter));
        let dense: Option<Vec<Id>> = near.as_ref().map(|near| near.iter().map(|(id, _)| *id).collect());
        let fused = fuse(lexical.as_deref(), dense.as_deref());
        let kept = diversify(fused, |(document, _)| document, search.per_document, search.limit);
        let hit = |fused: catchment_index::fuse::Fused<Id>| {
            let (_, kept, chunk) = state.all().find(|(id, ..)| *id == fused.id).unwrap();
            let document = kept.document.clone();
            let ordinal = u32::try_from(fused.id.1).unwrap();
            Hit {
                id: chunk_id(&document.key, ordinal),
                document: document.key,
                ordinal,
                vendor: document.vendor,
                name: document.name,
                path: document.path,
                web_url: document.web_url,
                title: document.title,
                page: chunk.page,
                page_label: chunk.page_label.clone(),
                headings: chunk.headings.clone(),
                text: chunk.text.clone(),
                score: fused.score,
                lexical_rank: fused.lexical_rank,
                dense_rank: fused.dense_rank,
                similarity: near.iter().flatten().find(|(id, _)| *id == fused.id).map(|(_, cosine)| *cosine as f32),
            }
        };
        Ok(kept.into_iter().map(hit).collect())
    }

    async fn languages(&self, filter: &Filter) -> Result<Vec<Language>> {
        let state = self.0.lock().unwrap();
        let mut seen = Vec::new();
        let tenants = Filter { integrations: None, portfolio: None, access: Access::Owner, ..filter.clone() };
        let reached = state.documents.values().filter(|kept| passes(&kept.document, &tenants));
        for language in reached.filter_map(|kept| kept.document.language) {
            if !seen.contains(&language) {
                seen.push(language);
            }
        }
        Ok(seen)
    }

    async fn audit(&self, integration: IntegrationId, after: Option<&EntryId>, limit: u32) -> Result<Vec<Held>> {
        let state = self.0.lock().unwrap();
        let held = state.documents.values().filter(|kept| {
            kept.document.key.integration == integration && after.is_none_or(|after| kept.document.key.entry > *after)
        });
        let held = held.map(|kept| Held {
            entry: kept.document.key.entry.clone(),
            content_hash: kept.document.content_hash.clone(),
            chunks: u32::try_from(kept.chunks.len()).unwrap(),
        });
        Ok(held.take(limit as usize).collect())
    }

    async fn integrations(&self) -> Result<Vec<IntegrationId>> {
        let state = self.0.lock().unwrap();
        let ids: BTreeSet<IntegrationId> = state.documents.values().map(|kept| kept.document.key.integration).collect();
        Ok(ids.into_iter().collect())
    }

    async fn without_vectors(&self, space: &Space, limit: u32) -> Result<Vec<Unembedded>> {
        let state = self.0.lock().unwrap();
        let wanting =
            state.documents.values().filter(|kept| kept.space.as_ref() != Some(space) && !kept.chunks.is_empty());
        let wanting = wanting.map(|kept| Unembedded {
            key: kept.document.key.clone(),
            content_hash: kept.document.content_hash.clone(),
            title: kept.document.title.clone(),
            chunks: kept.chunks.iter().map(|chunk| (chunk.headings.clone(), chunk.text.clone())).collect(),
        });
        Ok(wanting.take(limit as usize).collect())
    }

    async fn set_vectors(&self, space: &Space, document: &Unembedded, vectors: &[Vec<f32>]) -> Result<bool> {
        let mut state = self.0.lock().unwrap();
        let Some(kept) = state.documents.get_mut(&place(&document.key)) else { return Ok(false) };
        if kept.document.content_hash != document.content_hash || kept.chunks.len() != vectors.len() {
            return Ok(false);
        }
        kept.space = Some(space.clone());
        for (chunk, vector) in kept.chunks.iter_mut().zip(vectors) {
            chunk.vector = Some(vector.clone());
        }
        Ok(true)
    }

    async fn stats(&self) -> Result<Stats> {
        let state = self.0.lock().unwrap();
        let count =
            |space: &Space| state.all().filter(|(_, kept, _)| kept.space.as_ref() == Some(space)).count() as u64;
        Ok(Stats {
            documents: state.documents.len() as u64,
            chunks: state.all().count() as u64,
            vectors: state.spaces.iter().map(|space| (space.clone(), count(space))).collect(),
        })
    }

    async fn integrity(&self) -> Result<()> {
        Ok(())
    }
}
