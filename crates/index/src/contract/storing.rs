//! Documents in, documents out, and what is held.
#![expect(missing_docs, reason = "the names are the promises")]

use std::{
    collections::BTreeSet,
    future::Future,
    task::Poll,
    time::{Duration, Instant},
};

use catchment_core::{EntryId, ErrorKind, Ingestor};
use futures::future::{join_all, poll_fn};

use super::*;

pub async fn what_is_put_in_is_found(fixture: &Fixture) {
    let index = words(fixture).await;
    let made = index.upsert(document("a", "the heron fishes at dawn")).await.unwrap();
    assert_eq!(made.chunks, 1);
    assert_eq!(entries(&ask(&index, "heron", mine()).await), ["a"]);
    assert!(ask(&index, "badger", mine()).await.is_empty());
}

pub async fn a_second_upsert_takes_the_place_of_the_first(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let mut old = document("a", "");
    old.text = pages(&["heron one", "heron two", "heron three"]);
    put(&index, [old, document("a", "badger")]).await;
    assert!(ask_by(&index, Mode::Lexical, "heron", mine()).await.is_empty());
    assert_eq!(ask_by(&index, Mode::Lexical, "badger", mine()).await, ["a"]);
    assert_eq!(ask_by(&index, Mode::Dense, "heron", mine()).await, ["a"], "one chunk, one vector");
    let held = index.audit(IntegrationId(1), None, 10).await.unwrap();
    assert_eq!((held.len(), held[0].chunks, held[0].content_hash.as_str()), (1, 1, "hash of badger"));
}

pub async fn an_upsert_done_twice_leaves_one(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    put(&index, [document("a", "heron")]).await;
    let first = ask(&index, "heron", mine()).await;
    put(&index, [document("a", "heron")]).await;
    assert_eq!(ask(&index, "heron", mine()).await, first, "with the same ids");
    assert_eq!(first.len(), 1);
}

pub async fn upserts_of_one_document_at_once_leave_one(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let texts: Vec<String> = (0..8).map(|n| format!("heron number{n}")).collect();
    join_all(texts.iter().map(|text| put(&index, [document("a", text)]))).await;
    assert_eq!(ask(&index, "heron", mine()).await.len(), 1);
    assert_eq!(index.stats().await.unwrap().chunks, 1);
    assert_eq!(index.audit(IntegrationId(1), None, 10).await.unwrap()[0].chunks, 1);
}

/// Drops upserts later and later, until one is done before it is dropped.
pub async fn a_dropped_upsert_leaves_the_old_or_the_new(fixture: &Fixture) {
    const STEP: Duration = Duration::from_micros(60);
    let index = embedding(fixture, "letters").await;
    let mut dropped = 0;
    loop {
        let (old, new) = (format!("old{dropped} heron"), format!("new{dropped} heron"));
        put(&index, [document("a", &old)]).await;
        let mut upsert = Box::pin(index.upsert(document("a", &new)));
        let start = Instant::now();
        let finished = poll_fn(|context| match upsert.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(result.is_ok()),
            Poll::Pending if start.elapsed() >= STEP * dropped => Poll::Ready(false),
            Poll::Pending => {
                // Asked again at once, not when it has come further.
                context.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        drop(upsert);
        let hits = ask(&index, "heron", mine()).await;
        assert_eq!(hits.len(), 1, "the {dropped}th");
        assert!(hits[0].text == old || hits[0].text == new, "{}", hits[0].text);
        if finished {
            break;
        }
        dropped += 1;
    }
    assert!(dropped > 0);
    index.integrity().await.unwrap();
    assert_eq!(index.audit(IntegrationId(1), None, 10).await.unwrap()[0].chunks, 1);
}

pub async fn what_is_removed_is_gone(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    put(&index, [document("a", "heron"), document("b", "heron")]).await;
    let gone = document("a", "").key;
    index.remove(std::slice::from_ref(&gone)).await.unwrap();
    index.remove(&[gone, document("never", "").key]).await.unwrap();
    for mode in [Mode::Lexical, Mode::Dense, Mode::Auto] {
        assert_eq!(ask_by(&index, mode, "heron", mine()).await, ["b"], "{mode:?}");
    }
    assert_eq!(index.audit(IntegrationId(1), None, 10).await.unwrap().len(), 1);
    assert_eq!(index.stats().await.unwrap().documents, 1);
    index.integrity().await.unwrap();
}

pub async fn an_empty_document_is_held(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    assert_eq!(index.upsert(document("a", " ")).await.unwrap().chunks, 0);
    let held = index.audit(IntegrationId(1), None, 10).await.unwrap();
    assert_eq!((held.len(), held[0].content_hash.as_str()), (1, "hash of  "));
    assert!(ask(&index, "a", mine()).await.is_empty());
    assert_eq!(index.reembed(10).await.unwrap(), 0);
}

pub async fn a_long_document_is_held_whole(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let texts: Vec<String> = (0..700).map(|n| format!("page{n} of a long book")).collect();
    let mut long = document("book", "");
    long.text = pages(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(index.upsert(long).await.unwrap().chunks, 700);
    assert_eq!(index.audit(IntegrationId(1), None, 1).await.unwrap()[0].chunks, 700);
    for number in [0_u32, 255, 256, 699] {
        let hits = index.search(&Query::new(format!("page{number}"), mine()).mode(Mode::Lexical)).await.unwrap();
        assert_eq!((hits.len(), hits[0].ordinal, hits[0].page), (1, number, number + 1));
    }
    put(&index, [document("book", "short")]).await;
    assert_eq!(index.stats().await.unwrap().chunks, 1);
}

pub async fn the_audit_comes_in_pages_in_the_order_of_bytes(fixture: &Fixture) {
    let index = words(fixture).await;
    let mut names = vec!["a", "B", "é", "z", "a/b", "東京", "a b", "_", "😀"];
    put(&index, names.iter().map(|name| document(name, "heron"))).await;
    let mut other = document("other", "heron");
    other.key.integration = IntegrationId(2);
    put(&index, [other]).await;
    let (mut found, mut after): (Vec<String>, Option<EntryId>) = (Vec::new(), None);
    loop {
        let page = index.audit(IntegrationId(1), after.as_ref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.entry.clone());
        found.extend(page.iter().map(|held| held.entry.as_str().to_owned()));
    }
    names.sort_unstable();
    assert_eq!(found, names);
}

pub async fn integrations_are_those_that_have_documents(fixture: &Fixture) {
    let index = words(fixture).await;
    assert!(index.integrations().await.unwrap().is_empty());
    for id in [7, -3, 7, 900] {
        let mut one = document("a", "heron");
        one.key.integration = IntegrationId(id);
        put(&index, [one]).await;
    }
    index.remove(&[DocumentKey { integration: IntegrationId(900), entry: "a".into() }]).await.unwrap();
    assert_eq!(index.integrations().await.unwrap(), [IntegrationId(-3), IntegrationId(7)]);
}

pub async fn odd_names_come_back_as_they_were(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let names = ["a'b\"c", "x\ny", "\u{202e}txt.exe", "🦩/.. ;--", "%_*", "née", "ne\u{301}e"];
    for name in names {
        let mut odd = document(name, "heron");
        odd.tenant = Tenant::new(name, name);
        odd.portfolio = Some(name.into());
        odd.text.title = Some(name.into());
        put(&index, [odd]).await;
    }
    for name in names {
        let filter = Filter::owner(&Tenant::new(name, name)).portfolio(name);
        let hits = ask(&index, "heron", filter).await;
        assert_eq!(entries(&hits), [name]);
        assert_eq!((hits[0].path.as_str(), hits[0].title.as_deref()), (name, Some(name)));
    }
    let held: BTreeSet<String> =
        index.audit(IntegrationId(1), None, 100).await.unwrap().iter().map(|held| held.entry.to_string()).collect();
    assert_eq!(held, names.iter().map(|name| (*name).to_owned()).collect());
}

pub async fn vectors_of_another_length_are_refused(fixture: &Fixture) {
    embedding(fixture, "letters").await;
    let options = IndexOptions { embedder: Some(Arc::new(Letters("letters", 8))), ..IndexOptions::default() };
    let error = Index::open(fixture.backend.clone(), options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.get("before"), Some("16"));
}

pub async fn stats_count_what_is_there(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    let mut two = document("a", "");
    two.text = pages(&["heron", "badger"]);
    put(&index, [two, document("b", "fox")]).await;
    put(&words(fixture).await, [document("c", "crow")]).await;
    let stats = index.stats().await.unwrap();
    assert_eq!((stats.documents, stats.chunks), (3, 4));
    assert_eq!(
        stats.vectors.iter().map(|(space, count)| (space.embedder.as_str(), *count)).collect::<Vec<_>>(),
        [("letters", 3)]
    );
}

pub async fn a_sound_index_says_so(fixture: &Fixture) {
    let index = embedding(fixture, "letters").await;
    index.integrity().await.unwrap();
    put(&index, [document("a", "heron"), document("b", "badger"), document("a", "fox")]).await;
    index.integrity().await.unwrap();
}
