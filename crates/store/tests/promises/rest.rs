//! The audit log, idempotency keys, threads, the ledger for people.

use std::sync::Arc;

use catchment_core::{
    Entry, EntryId, EntryResult, ErrorKind, Ledger, RunOutcome, Speaker, Tenant,
    threads::{Message, ThreadId, Threads},
};
use catchment_store::{AuditList, FileList, FileStatus, Once, OnceGuard, RunList, Scoped, StoredAnswer};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::integrations::renamed;
use crate::support::{Subject, admin, job, new, strangers};

pub(crate) async fn what_is_done_is_noted_with_who_and_how(subject: &Subject) {
    let ann = subject.ann();
    let made = ann.create(new("Reports")).await.expect("made");
    let root = subject.store.scoped(admin("acme"));
    root.update(made.id, None, renamed("Letters")).await.expect("changed");
    root.note("integration.test", Some(made.id), json!({ "success": true })).await.expect("noted");
    root.note("keys.rotate", None, json!({})).await.expect("noted");
    let id = ann.submit(job(Some(made.id), json!({}))).await.expect("submitted").id;
    ann.cancel(id).await.expect("cancelled");
    ann.disconnect(made.id).await.expect("disconnected");

    let all = root.audit(&AuditList::default()).await.expect("listed");
    let actions: Vec<_> = all.iter().map(|row| (row.action.as_str(), row.actor.as_str())).collect();
    let expected = [
        ("integration.disconnect", "ann"),
        ("job.cancel", "ann"),
        ("job.submit", "ann"),
        ("keys.rotate", "root"),
        ("integration.test", "root"),
        ("integration.update", "root"),
        ("integration.create", "ann"),
    ];
    assert_eq!(actions, expected);
    assert_eq!((&all[5].detail, all[5].request_id.as_deref()), (&json!({ "changed": ["name"] }), Some("r-1")));
    assert!(all.iter().all(|row| row.organization == "acme" && row.at <= Utc::now()));
    let hers = ann.audit(&AuditList::default()).await.expect("listed");
    assert_eq!(hers.len(), 6, "what was done to nobody's is the administrator's");
    let page = AuditList { before: Some(all[2].id), limit: 2, ..AuditList::default() };
    assert_eq!(root.audit(&page).await.expect("listed"), all[3..5]);
    let of_it = AuditList { integration: Some(made.id), ..AuditList::default() };
    assert_eq!(root.audit(&of_it).await.expect("listed").len(), 6);
    for stranger in strangers(&subject.store) {
        assert!(stranger.audit(&AuditList::default()).await.expect("listed").is_empty());
    }
}

fn answer() -> StoredAnswer {
    StoredAnswer {
        status: 201,
        headers: vec![("location".into(), "/integrations/1".into())],
        body: b"{\0\xff".to_vec(),
    }
}

async fn first(scoped: &Scoped, key: &str) -> OnceGuard {
    match scoped.once(key, "hash").await.expect("asked") {
        Once::First(guard) => guard,
        other => panic!("the key is free: {other:?}"),
    }
}

pub(crate) async fn a_key_does_its_work_once(subject: &Subject) {
    let ann = subject.ann();
    let guard = first(&ann, "key").await;
    assert!(matches!(ann.once("key", "hash").await.expect("asked"), Once::Running));
    assert!(matches!(ann.once("key", "another").await.expect("asked"), Once::Other));
    ann.answer(guard, &answer()).await.expect("kept");
    let other = subject.again().await.scoped(crate::support::ann());
    for scoped in [&ann, &other] {
        match scoped.once("key", "hash").await.expect("asked") {
            Once::Again(again) => assert_eq!(again, answer()),
            other => panic!("it was answered: {other:?}"),
        }
        assert!(matches!(scoped.once("key", "another").await.expect("asked"), Once::Other));
    }
}

pub(crate) async fn a_key_that_was_dropped_is_free(subject: &Subject) {
    let ann = subject.ann();
    drop(first(&ann, "key").await);
    // It is freed by a task of its own.
    loop {
        match ann.once("key", "another").await.expect("asked") {
            Once::First(_) => break,
            Once::Running | Once::Other => tokio::task::yield_now().await,
            Once::Again(_) => panic!("nobody has answered"),
        }
    }
}

pub(crate) async fn keys_of_users_are_apart(subject: &Subject) {
    let _hers = first(&subject.ann(), "key").await;
    for stranger in strangers(&subject.store) {
        drop(first(&stranger, "key").await);
    }
}

pub(crate) async fn of_many_with_one_key_one_does_the_work(subject: &Subject) {
    let stores = [subject.store.clone(), subject.again().await];
    let asking: Vec<_> = (0..8)
        .map(|number| {
            let scoped = stores[number % 2].scoped(crate::support::ann());
            tokio::spawn(async move { scoped.once("key", "hash").await })
        })
        .collect();
    let mut guards = Vec::new();
    for asked in asking {
        match asked.await.expect("no panic").expect("asked") {
            Once::First(guard) => guards.push(guard),
            Once::Running => {}
            other => panic!("nobody has answered: {other:?}"),
        }
    }
    assert_eq!(guards.len(), 1);
}

fn message(speaker: Speaker, text: &str, citations: Value) -> Message {
    let at = DateTime::<Utc>::from_timestamp_micros(1_790_000_000_123_456).expect("a time");
    Message { speaker, text: text.into(), citations, at }
}

pub(crate) async fn a_thread_gives_its_last_messages_oldest_first(subject: &Subject) {
    let (scoped, ann) = (subject.ann(), crate::support::ann());
    let thread = Threads::create(&scoped, &ann).await.expect("opened");
    assert!(scoped.load(&ann, &thread, 10).await.expect("empty").is_empty());
    let question = message(Speaker::User, "when does the dam\0\u{1} open?", Value::Null);
    let answer = message(Speaker::Assistant, "in May [1]", json!([{ "path": "pl\0an.pdf", "page": 3 }]));
    scoped.append(&ann, &thread, &[question.clone(), answer.clone()]).await.expect("appended");
    let more = message(Speaker::User, "and the other?", Value::Null);
    scoped.append(&ann, &thread, std::slice::from_ref(&more)).await.expect("appended");
    assert_eq!(scoped.load(&ann, &thread, 10).await.expect("all"), [question, answer.clone(), more.clone()]);
    assert_eq!(scoped.load(&ann, &thread, 2).await.expect("the last two"), [answer, more]);
}

pub(crate) async fn another_tenants_thread_is_not_there(subject: &Subject) {
    let (scoped, ann) = (subject.ann(), crate::support::ann());
    let hers = Threads::create(&scoped, &ann).await.expect("opened");
    let text = [message(Speaker::User, "mine", Value::Null)];
    let nobodys = ThreadId("nobody's".into());
    let bob = Tenant::new("acme", "bob");
    for stranger in strangers(&subject.store) {
        for tenant in [&ann, &bob, &Tenant::new("other", "ann")] {
            let appended = stranger.append(tenant, &hers, &text).await.expect_err("not theirs");
            let loaded = stranger.load(tenant, &hers, 10).await.expect_err("not theirs");
            assert_eq!((appended.kind(), loaded.kind()), (ErrorKind::NotFound, ErrorKind::NotFound));
        }
    }
    assert_eq!(scoped.load(&ann, &nobodys, 10).await.expect_err("nobody's").kind(), ErrorKind::NotFound);
    assert_eq!(scoped.load(&bob, &hers, 10).await.expect_err("she is not Bob").kind(), ErrorKind::NotFound);
    assert_eq!(Threads::create(&scoped, &bob).await.expect_err("she is not Bob").kind(), ErrorKind::Forbidden);
    assert!(scoped.load(&ann, &hers, 10).await.expect("hers").is_empty(), "nothing was added");
}

pub(crate) async fn messages_appended_at_once_are_all_kept(subject: &Subject) {
    let ann = crate::support::ann();
    let thread = Threads::create(&subject.ann(), &ann).await.expect("opened");
    let stores = [subject.store.clone(), subject.again().await];
    let appending: Vec<_> = (0..8)
        .map(|number| {
            let (scoped, ann, thread) = (stores[number % 2].scoped(&ann), ann.clone(), thread.clone());
            let pair = [0, 1].map(|half| message(Speaker::User, &format!("{number}.{half}"), Value::Null));
            tokio::spawn(async move { scoped.append(&ann, &thread, &pair).await })
        })
        .collect();
    for append in appending {
        append.await.expect("no panic").expect("appended");
    }
    let texts: Vec<String> =
        subject.ann().load(&ann, &thread, 100).await.expect("all").into_iter().map(|message| message.text).collect();
    assert_eq!(texts.len(), 16);
    for pair in texts.chunks(2) {
        assert_eq!(pair[0].strip_suffix(".0"), pair[1].strip_suffix(".1"), "pairs stay together: {texts:?}");
    }
}

pub(crate) async fn files_and_runs_are_listed_as_they_stand(subject: &Subject) {
    let ann = subject.ann();
    let id = ann.create(new("Reports")).await.expect("made").id;
    assert!(ann.files(id, &FileList::default()).await.expect("listed").is_empty());
    let run = ann.begin(id, &["in".into(), String::new()]).await.expect("begun");
    let entries: Vec<_> = ["", "broken", "gone", "new", "good"].map(|name| Entry::file(name, name)).into();
    ann.seen(&run, &entries).await.expect("seen");
    let ingested = EntryResult::Ingested { content_hash: "h".into(), chunks: 2, portfolio: Some("p".into()) };
    let failed = EntryResult::Failed { kind: ErrorKind::Unreadable, message: "no PDF".into(), pause: None };
    ann.record(&run, &[(entries[4].clone(), ingested), (entries[1].clone(), failed)]).await.expect("recorded");
    ann.finish(&run, RunOutcome::Partial).await.expect("finished");
    let next = ann.begin(id, &[]).await.expect("begun");
    let there: Vec<_> = entries.iter().filter(|entry| entry.path != "gone").cloned().collect();
    ann.seen(&next, &there).await.expect("seen");
    ann.bury(&next, &catchment_testkit::ledger::proof("").await).await.expect("buried");

    let found = ann.files(id, &FileList::default()).await.expect("listed");
    let stand: Vec<_> = found.iter().map(|file| (file.path.as_str(), file.status)).collect();
    let (pending, removed) = (FileStatus::Pending, FileStatus::Removed);
    let expected = [
        ("", pending),
        ("broken", FileStatus::Failed),
        ("gone", removed),
        ("good", FileStatus::Ingested),
        ("new", pending),
    ];
    assert_eq!(stand, expected);
    assert_eq!(found[1].error.as_ref().map(|error| error.message.as_str()), Some("no PDF"));
    assert_eq!((found[3].chunks, found[3].portfolio.as_deref(), &found[3].error), (2, Some("p"), &None));
    let page = FileList { status: Some(pending), after: Some(EntryId::from("")), limit: 5 };
    assert_eq!(ann.files(id, &page).await.expect("listed"), found[4..]);

    let runs = ann.runs(id, &RunList::default()).await.expect("listed");
    assert_eq!(runs.iter().map(|run| run.number).collect::<Vec<_>>(), [next.number, run.number]);
    assert_eq!((runs[1].outcome, &runs[1].roots), (Some(RunOutcome::Partial), &vec!["in".to_owned(), String::new()]));
    assert!(runs[0].ended_at.is_none() && runs[1].ended_at.is_some());
    let older = RunList { before: Some(next.number), limit: 5 };
    assert_eq!(ann.runs(id, &older).await.expect("listed"), runs[1..]);
}

pub(crate) async fn a_file_is_shown_as_its_source_last_described_it(subject: &Subject) {
    let ann = subject.ann();
    let id = ann.create(new("Reports")).await.expect("made").id;
    let described = |size: u64| {
        let mut entry = Entry::file("a", "a");
        (entry.size, entry.mime) = (Some(size), Some(format!("text/{size}\0")));
        entry.modified = DateTime::from_timestamp_micros(-1);
        entry.created = DateTime::from_timestamp_micros(size.cast_signed());
        entry.web_url = Some(format!("https://example.com/{size}"));
        entry
    };
    let shown = async || ann.files(id, &FileList::default()).await.expect("listed").remove(0);
    for size in [5_000_000_000, 7] {
        let run = ann.begin(id, &[]).await.expect("begun");
        ann.seen(&run, &[described(size), described(1)]).await.expect("seen");
        ann.seen(&run, &[described(2)]).await.expect("seen again, by another way");
        let ingested = EntryResult::Ingested { content_hash: "h".into(), chunks: 1, portfolio: None };
        ann.record(&run, &[(described(3), ingested)]).await.expect("recorded");
        let (file, expected) = (shown().await, described(size));
        assert_eq!((file.size, file.mime, file.web_url), (expected.size, expected.mime, expected.web_url));
        assert_eq!((file.modified, file.created), (expected.modified, expected.created));
    }
    let run = ann.begin(id, &[]).await.expect("begun");
    let mut silent = Entry::file("a", "a");
    silent.size = Some(u64::MAX);
    ann.seen(&run, &[silent]).await.expect("seen");
    let file = shown().await;
    assert_eq!((file.size, file.mime, file.modified, file.created, file.web_url), (None, None, None, None, None));
}

pub(crate) async fn another_tenants_ledger_is_not_there(subject: &Subject) {
    let ann = subject.ann();
    let id = ann.create(new("Reports")).await.expect("made").id;
    let run = ann.begin(id, &[]).await.expect("begun");
    let entries = [Entry::file("a", "a")];
    ann.seen(&run, &entries).await.expect("seen");
    let result = EntryResult::Ingested { content_hash: "h".into(), chunks: 1, portfolio: None };
    let results = [(entries[0].clone(), result)];
    let ids = [entries[0].id.clone()];
    let proof = catchment_testkit::ledger::proof("").await;
    for stranger in strangers(&subject.store) {
        let stranger: Arc<dyn Ledger> = Arc::new(stranger);
        let kinds = [
            stranger.begin(id, &[]).await.expect_err("not theirs").kind(),
            stranger.seen(&run, &entries).await.expect_err("not theirs").kind(),
            stranger.unsettle(&run, &ids[0]).await.expect_err("not theirs").kind(),
            stranger.record(&run, &results).await.expect_err("not theirs").kind(),
            stranger.bury(&run, &proof).await.expect_err("not theirs").kind(),
            stranger.take_buried(id, std::time::Duration::ZERO, 10).await.expect_err("not theirs").kind(),
            stranger.forget(id, &ids).await.expect_err("not theirs").kind(),
            stranger.invalidate(id, &ids).await.expect_err("not theirs").kind(),
            stranger.finish(&run, RunOutcome::Complete).await.expect_err("not theirs").kind(),
        ];
        assert_eq!(kinds, [ErrorKind::NotFound; 9]);
        assert!(stranger.entries(id, None, 10).await.expect("none").is_empty());
        assert_eq!(stranger.unseen(&run, &proof).await.expect("none").living, 0);
    }
    for stranger in strangers(&subject.store) {
        assert_eq!(stranger.files(id, &FileList::default()).await.expect_err("not theirs").kind(), ErrorKind::NotFound);
        assert_eq!(stranger.runs(id, &RunList::default()).await.expect_err("not theirs").kind(), ErrorKind::NotFound);
    }
}

pub(crate) async fn it_is_ready_until_it_is_closed(subject: &Subject) {
    subject.store.ready().await.expect("ready");
    subject.store.close().await;
    assert_eq!(subject.store.ready().await.expect_err("closed").kind(), ErrorKind::Unavailable);
}
