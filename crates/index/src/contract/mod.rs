//! The suite every backend passes: one named test for each promise of [`Backend`].
//!
//! A backend's own tests call [`contract!`](crate::contract!) with a function that makes an empty
//! backend.
#![expect(clippy::unwrap_used, reason = "a call that fails is a test that fails")]

pub mod filtering;
pub mod searching;
pub mod storing;

use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use catchment_core::{
    Block, Document, DocumentKey, Embedder, Ingestor, IntegrationId, Readers, Result, Role, Tenant, Text, TextPage,
};

use crate::{Backend, Filter, Hit, Index, IndexOptions, Mode, Query};

/// An empty backend, and whatever has to live as long as it does.
#[derive(Debug)]
pub struct Fixture {
    /// The backend.
    pub backend: Arc<dyn Backend>,
    /// A folder, a server.
    pub guard: Box<dyn Any + Send + Sync>,
}

/// Makes one test of each promise, for the backend that `$make` (an `async fn() -> Fixture`) makes.
#[macro_export]
macro_rules! contract {
    ($make:path) => {
        $crate::contract!($make, storing:
            what_is_put_in_is_found,
            a_second_upsert_takes_the_place_of_the_first,
            an_upsert_done_twice_leaves_one,
            upserts_of_one_document_at_once_leave_one,
            a_dropped_upsert_leaves_the_old_or_the_new,
            what_is_removed_is_gone,
            an_empty_document_is_held,
            a_long_document_is_held_whole,
            the_audit_comes_in_pages_in_the_order_of_bytes,
            integrations_are_those_that_have_documents,
            odd_names_come_back_as_they_were,
            vectors_of_another_length_are_refused,
            stats_count_what_is_there,
            a_sound_index_says_so,
        );
        $crate::contract!($make, searching:
            a_hit_says_where_it_is_from,
            other_forms_of_a_word_are_found,
            identifiers_are_found_by_parts_and_whole,
            scripts_without_spaces_are_found,
            rare_words_outweigh_frequent_ones,
            titles_and_headings_outweigh_text,
            a_question_has_no_syntax,
            a_question_without_words_finds_nothing,
            near_vectors_come_first,
            what_both_ways_find_comes_first,
            vectors_of_another_embedder_are_not_compared,
            what_another_embedder_left_is_embedded_again,
            a_document_that_changed_meanwhile_keeps_its_own_vectors,
            one_document_does_not_fill_the_answer,
            one_document_does_not_hide_the_others,
            limits_hold,
        );
        $crate::contract!($make, filtering:
            tenants_do_not_find_each_others_documents,
            an_organization_is_searched_as_a_whole_on_request,
            integrations_narrow,
            many_integrations_narrow,
            portfolios_narrow,
            only_readers_find_what_they_may_read,
            missing_permissions_mean_nobody,
            readers_change_with_the_document,
            a_moved_document_leaves_its_old_tenant,
            a_filter_does_not_starve_the_answer,
            permissions_do_not_starve_the_answer,
        );
    };
    ($make:path, $part:ident: $($name:ident,)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                $crate::contract::$part::$name(&$make().await).await;
            }
        )+
    };
}

/// Embeds a text as the counts of its letters `a` to `p`: near texts have near vectors.
#[derive(Debug, Clone)]
struct Letters(&'static str, usize);

#[async_trait]
impl Embedder for Letters {
    fn id(&self) -> &str {
        self.0
    }

    fn dimensions(&self) -> usize {
        self.1
    }

    async fn embed(&self, texts: &[String], _: Role) -> Result<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| letters(text, self.1)).collect())
    }
}

fn letters(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    for byte in text.bytes().map(|byte| byte.to_ascii_lowercase()).filter(u8::is_ascii_lowercase) {
        if let Some(count) = vector.get_mut(usize::from(byte - b'a')) {
            *count += 1.0;
        }
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::EPSILON);
    vector.iter().map(|x| x / length).collect()
}

async fn words(fixture: &Fixture) -> Index {
    Index::open(fixture.backend.clone(), IndexOptions::default()).await.unwrap()
}

async fn embedding(fixture: &Fixture, name: &'static str) -> Index {
    let options = IndexOptions { embedder: Some(Arc::new(Letters(name, 16))), ..IndexOptions::default() };
    Index::open(fixture.backend.clone(), options).await.unwrap()
}

fn ann() -> Tenant {
    Tenant::new("acme", "ann")
}

fn document(entry: &str, text: &str) -> Document {
    Document {
        key: DocumentKey { integration: IntegrationId(1), entry: entry.into() },
        tenant: ann(),
        portfolio: None,
        vendor: "folder".into(),
        name: entry.into(),
        path: entry.into(),
        mime: "text/plain".into(),
        web_url: None,
        modified: None,
        content_hash: format!("hash of {text}"),
        readers: Readers::Unknown,
        text: pages(&[text]),
    }
}

fn pages(texts: &[&str]) -> Text {
    let pages = (1..)
        .zip(texts)
        .map(|(number, text)| TextPage { number, label: None, blocks: vec![Block::paragraph(*text)] })
        .collect();
    Text { pages, ..Text::default() }
}

async fn put(index: &Index, documents: impl IntoIterator<Item = Document>) {
    for document in documents {
        index.upsert(document).await.unwrap();
    }
}

async fn ask(index: &Index, question: &str, filter: Filter) -> Vec<Hit> {
    index.search(&Query::new(question, filter)).await.unwrap()
}

async fn ask_by(index: &Index, mode: Mode, question: &str, filter: Filter) -> Vec<String> {
    entries(&index.search(&Query::new(question, filter).mode(mode)).await.unwrap())
}

/// The entries of the hits, in order.
fn entries(hits: &[Hit]) -> Vec<String> {
    hits.iter().map(|hit| hit.document.entry.as_str().to_owned()).collect()
}

fn mine() -> Filter {
    Filter::owner(&ann())
}
