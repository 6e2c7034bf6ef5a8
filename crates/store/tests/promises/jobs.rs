//! Jobs.

use std::{collections::HashMap, time::Duration};

use catchment_core::{ErrorKind, Tenant};
use catchment_store::{Claim, Failure, JobEnd, JobFile, JobId, JobList, JobState, NewJob, QueueStats, Store};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{Subject, job, new, strangers};

const LEASE: Duration = Duration::from_secs(600);

/// A lease that has lapsed as soon as it was given.
const LAPSED: Duration = Duration::ZERO;

async fn claim(store: &Store, lease: Duration) -> Option<Claim> {
    store.claim("w", lease).await.expect("claimed")
}

async fn some(store: &Store, lease: Duration) -> Claim {
    claim(store, lease).await.expect("a job is due")
}

pub(crate) async fn a_job_runs_once_and_ends(subject: &Subject) {
    let ann = subject.ann();
    let ends = [
        JobEnd::Succeeded(json!({ "files": 3 })),
        JobEnd::Failed(Failure { kind: ErrorKind::Forbidden, message: "no right".into() }),
        JobEnd::Cancelled,
    ];
    for end in ends {
        let submitted = ann.submit(job(None, json!({ "paths": ["a\0b"] }))).await.expect("submitted");
        assert_eq!((submitted.state, submitted.attempt, &submitted.progress), (JobState::Queued, 0, &Value::Null));
        assert_eq!(ann.job(submitted.id).await.expect("found"), submitted);
        let claimed = some(&subject.store, LEASE).await;
        assert_eq!((claimed.job.id, claimed.job.state, claimed.job.attempt), (submitted.id, JobState::Running, 1));
        assert_eq!(claimed.job.payload, submitted.payload);
        assert_eq!(claimed.job.tenant, crate::support::ann());
        assert!(claim(&subject.store, LEASE).await.is_none(), "nothing else is due");
        subject.store.finish_job(&claimed, end.clone()).await.expect("ended");
        subject.store.finish_job(&claimed, end.clone()).await.expect("said twice is said once");
        let ended = ann.job(submitted.id).await.expect("found");
        match end {
            JobEnd::Succeeded(result) => assert_eq!((ended.state, ended.result), (JobState::Succeeded, Some(result))),
            JobEnd::Failed(failure) => assert_eq!((ended.state, ended.error), (JobState::Failed, Some(failure))),
            JobEnd::Cancelled => assert_eq!(ended.state, JobState::Cancelled),
        }
        assert!(ended.ended_at.is_some() && ended.started_at.is_some() && ended.revision > submitted.revision);
        let late = subject.store.beat(&claimed, LEASE, &Value::Null).await.expect_err("it is over");
        assert_eq!(late.kind(), ErrorKind::Conflict);
    }
    let all = ann.jobs(&JobList::default()).await.expect("listed");
    assert!(all.len() == 3 && all.is_sorted_by(|a, b| a.id > b.id), "newest first");
    let failed = ann.jobs(&JobList { state: Some(JobState::Failed), ..JobList::default() }).await.expect("listed");
    assert_eq!(failed, all[1..2]);
    let older = ann.jobs(&JobList { before: Some(all[1].id), limit: 1, ..JobList::default() }).await.expect("listed");
    assert_eq!(older, all[2..]);
}

pub(crate) async fn one_integration_runs_one_job_at_a_time(subject: &Subject) {
    let ann = subject.ann();
    let (one, two) = (ann.create(new("one")).await.expect("made").id, ann.create(new("two")).await.expect("made").id);
    let mut submitted = Vec::new();
    for integration in [Some(one), Some(one), None, None, Some(two)] {
        submitted.push(ann.submit(job(integration, json!({}))).await.expect("submitted").id);
    }
    let first = some(&subject.store, LEASE).await;
    let mut running: Vec<JobId> = vec![first.job.id];
    while let Some(claim) = claim(&subject.store, LEASE).await {
        running.push(claim.job.id);
    }
    assert_eq!(running, [submitted[0], submitted[2], submitted[3], submitted[4]], "oldest first, and not the second");
    subject.store.finish_job(&first, JobEnd::Succeeded(Value::Null)).await.expect("ended");
    assert_eq!(some(&subject.store, LEASE).await.job.id, submitted[1]);
    let of_one = JobList { integration: Some(one), ..JobList::default() };
    assert_eq!(ann.jobs(&of_one).await.expect("listed").len(), 2);
}

pub(crate) async fn a_job_waits_for_its_time(subject: &Subject) {
    let ann = subject.ann();
    let later = Utc::now() + TimeDelta::hours(1);
    ann.submit(NewJob { not_before: Some(later), ..job(None, json!({})) }).await.expect("submitted");
    assert!(claim(&subject.store, LEASE).await.is_none());
    let earlier = Utc::now() - TimeDelta::hours(1);
    let due = ann.submit(NewJob { not_before: Some(earlier), ..job(None, json!({})) }).await.expect("submitted");
    assert_eq!(some(&subject.store, LEASE).await.job.id, due.id);
}

pub(crate) async fn a_lapsed_lease_is_taken_over_and_the_old_worker_is_fenced_off(subject: &Subject) {
    let ann = subject.ann();
    let integration = ann.create(new("one")).await.expect("made").id;
    let submitted = ann.submit(job(Some(integration), json!({}))).await.expect("submitted");
    let old = some(&subject.store, LAPSED).await;
    let other = subject.again().await;
    let new = some(&other, LEASE).await;
    assert_eq!((new.job.id, new.job.attempt), (submitted.id, 2));
    let failure = Failure { kind: ErrorKind::Timeout, message: "late".into() };
    let kinds = [
        subject.store.beat(&old, LEASE, &Value::Null).await.expect_err("lost").kind(),
        subject.store.record_files(&old, &[file("a", "ingested")]).await.expect_err("lost").kind(),
        subject.store.release(&old).await.expect_err("lost").kind(),
        subject.store.postpone(&old, Utc::now(), &failure).await.expect_err("lost").kind(),
        subject.store.finish_job(&old, JobEnd::Cancelled).await.expect_err("lost").kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Conflict; 5]);
    other.finish_job(&new, JobEnd::Succeeded(json!("by the new one"))).await.expect("ended");
    assert_eq!(ann.job(submitted.id).await.expect("found").result, Some(json!("by the new one")));
}

pub(crate) async fn a_beat_keeps_the_lease_and_tells_of_a_cancellation(subject: &Subject) {
    let ann = subject.ann();
    let submitted = ann.submit(job(None, json!({}))).await.expect("submitted");
    let claimed = some(&subject.store, LAPSED).await;
    assert!(!subject.store.beat(&claimed, LEASE, &json!({ "done": 1 })).await.expect("alive").cancel);
    assert!(claim(&subject.store, LEASE).await.is_none(), "the lease was prolonged");
    let running = ann.job(submitted.id).await.expect("found");
    assert_eq!(running.progress, json!({ "done": 1 }));
    let asked = ann.cancel(submitted.id).await.expect("asked");
    assert_eq!((asked.state, asked.cancel_requested), (JobState::Running, true));
    assert_eq!(ann.cancel(submitted.id).await.expect("asked again"), asked);
    assert!(subject.store.beat(&claimed, LEASE, &json!({ "done": 2 })).await.expect("alive").cancel);
    subject.store.finish_job(&claimed, JobEnd::Cancelled).await.expect("ended");
    let over = ann.job(submitted.id).await.expect("found");
    assert_eq!(ann.cancel(submitted.id).await.expect("over"), over);
}

pub(crate) async fn a_waiting_job_is_cancelled_at_once(subject: &Subject) {
    let ann = subject.ann();
    let submitted = ann.submit(job(None, json!({}))).await.expect("submitted");
    let cancelled = ann.cancel(submitted.id).await.expect("cancelled");
    assert_eq!(cancelled.state, JobState::Cancelled);
    assert!(cancelled.ended_at.is_some() && claim(&subject.store, LEASE).await.is_none());
}

pub(crate) async fn a_job_that_was_to_stop_is_not_taken_over(subject: &Subject) {
    let ann = subject.ann();
    let (dead, released) = (
        ann.submit(job(None, json!(1))).await.expect("submitted").id,
        ann.submit(job(None, json!(2))).await.expect("submitted").id,
    );
    let _died = some(&subject.store, LAPSED).await;
    let gives_back = some(&subject.store, LEASE).await;
    // The first lapsed, and was taken over by the second claim.
    assert_eq!(gives_back.job.id, dead);
    subject.store.release(&gives_back).await.expect("released");
    let first = some(&subject.store, LAPSED).await;
    ann.cancel(first.job.id).await.expect("asked");
    let next = some(&subject.store, LEASE).await;
    assert_ne!(next.job.id, first.job.id);
    assert_eq!(ann.job(first.job.id).await.expect("found").state, JobState::Cancelled);
    ann.cancel(next.job.id).await.expect("asked");
    subject.store.release(&next).await.expect("released");
    assert_eq!(ann.job(next.job.id).await.expect("found").state, JobState::Cancelled);
    assert!([dead, released].contains(&next.job.id) && claim(&subject.store, LEASE).await.is_none());
}

pub(crate) async fn what_is_released_is_due_at_once_and_has_not_failed(subject: &Subject) {
    let ann = subject.ann();
    let submitted = ann.submit(job(None, json!({}))).await.expect("submitted");
    for attempt in 1..=7 {
        let claimed = some(&subject.store, LEASE).await;
        assert_eq!(claimed.job.attempt, attempt);
        subject.store.release(&claimed).await.expect("released");
    }
    let waiting = ann.job(submitted.id).await.expect("found");
    assert_eq!((waiting.state, waiting.failures, waiting.error), (JobState::Queued, 0, None));
}

pub(crate) async fn what_is_put_off_says_why_and_waits(subject: &Subject) {
    let ann = subject.ann();
    let submitted = ann.submit(job(None, json!({}))).await.expect("submitted");
    let failure = Failure { kind: ErrorKind::RateLimited, message: "asked for fewer calls".into() };
    let claimed = some(&subject.store, LEASE).await;
    subject.store.postpone(&claimed, Utc::now(), &failure).await.expect("put off");
    let claimed = some(&subject.store, LEASE).await;
    assert_eq!((claimed.job.failures, claimed.job.error.as_ref()), (1, Some(&failure)));
    subject.store.postpone(&claimed, Utc::now() + TimeDelta::hours(1), &failure).await.expect("put off");
    assert!(claim(&subject.store, LEASE).await.is_none());
    assert_eq!(ann.job(submitted.id).await.expect("found").failures, 2);
}

pub(crate) async fn a_job_that_cost_five_workers_fails(subject: &Subject) {
    let ann = subject.ann();
    let submitted = ann.submit(job(None, json!({}))).await.expect("submitted");
    for attempt in 1..=5 {
        assert_eq!(some(&subject.store, LAPSED).await.job.attempt, attempt);
    }
    assert!(claim(&subject.store, LAPSED).await.is_none());
    let failed = ann.job(submitted.id).await.expect("found");
    let error = failed.error.expect("a reason");
    assert_eq!((failed.state, error.kind), (JobState::Failed, ErrorKind::Internal));
    assert!(error.message.contains("ended its worker 5 times"), "{error:?}");
}

pub(crate) async fn a_thousand_jobs_of_one_do_not_starve_another(subject: &Subject) {
    let (many, few) = (subject.ann(), subject.store.scoped(Tenant::new("small", "sue")));
    for _ in 0..200 {
        many.submit(job(None, json!({}))).await.expect("submitted");
    }
    for _ in 0..4 {
        few.submit(job(None, json!({}))).await.expect("submitted");
    }
    let mut got = HashMap::new();
    for _ in 0..8 {
        *got.entry(some(&subject.store, LEASE).await.job.tenant.organization).or_insert(0) += 1;
    }
    assert_eq!((got["acme"], got["small"]), (4, 4), "they take turns");
}

fn file(entry: &str, status: &str) -> JobFile {
    let (chunks, bytes) = (3, 5_000_000_000);
    JobFile {
        number: 0,
        entry: entry.into(),
        path: format!("in/{entry}"),
        status: status.into(),
        chunks,
        bytes,
        error: None,
    }
}

pub(crate) async fn files_are_recorded_once_each_and_ingested_stays_so(subject: &Subject) {
    let ann = subject.ann();
    let id = ann.submit(job(None, json!({}))).await.expect("submitted").id;
    let claimed = some(&subject.store, LEASE).await;
    let failed = JobFile {
        error: Some(Failure { kind: ErrorKind::Unreadable, message: "broken \0".into() }),
        ..file("c\0\u{1}", "failed")
    };
    // One of them twice in one page: the last word counts.
    let page = [file("b", "failed"), file("a", "ingested"), file("b", "ingested"), failed.clone()];
    subject.store.record_files(&claimed, &page).await.expect("recorded");
    subject.store.record_files(&claimed, &page).await.expect("recorded again");
    subject.store.release(&claimed).await.expect("released");
    let claimed = some(&subject.store, LEASE).await;
    let page = [file("a", "unchanged"), file("c\0\u{1}", "unchanged"), file("d", "unchanged")];
    subject.store.record_files(&claimed, &page).await.expect("recorded");
    let found = ann.job_files(id, None, 100).await.expect("listed");
    let statuses: Vec<_> = found.iter().map(|file| (file.entry.as_str(), file.status.as_str())).collect();
    assert_eq!(statuses, [("b", "ingested"), ("a", "ingested"), ("c\0\u{1}", "unchanged"), ("d", "unchanged")]);
    assert!(found.is_sorted_by(|a, b| a.number < b.number));
    assert_eq!((found[0].bytes, found[0].chunks, found[0].path.as_str()), (5_000_000_000, 3, "in/b"));
    let rest = ann.job_files(id, Some(found[1].number), 1).await.expect("listed");
    assert_eq!(rest, found[2..3]);
    subject.store.record_files(&claimed, std::slice::from_ref(&failed)).await.expect("recorded");
    let found = ann.job_files(id, None, 100).await.expect("listed");
    assert_eq!((&found[2].status, &found[2].error), (&failed.status, &failed.error));
}

pub(crate) async fn another_tenants_job_is_not_there(subject: &Subject) {
    let hers = subject.ann().submit(job(None, json!({}))).await.expect("submitted");
    for stranger in strangers(&subject.store) {
        let kinds = [
            stranger.job(hers.id).await.expect_err("not theirs").kind(),
            stranger.cancel(hers.id).await.expect_err("not theirs").kind(),
            stranger.job_files(hers.id, None, 10).await.expect_err("not theirs").kind(),
        ];
        assert_eq!(kinds, [ErrorKind::NotFound; 3]);
        assert!(stranger.jobs(&JobList::default()).await.expect("listed").is_empty());
    }
    assert_eq!(subject.ann().job(hers.id).await.expect("found"), hers);
}

pub(crate) async fn the_queue_is_counted(subject: &Subject) {
    let ann = subject.ann();
    assert_eq!(subject.store.queue().await.expect("counted"), QueueStats::default());
    let first = ann.submit(job(None, json!({}))).await.expect("submitted");
    ann.submit(job(None, json!({}))).await.expect("submitted");
    let other = ann.submit(job(None, json!({}))).await.expect("submitted");
    ann.cancel(other.id).await.expect("cancelled");
    let stats = subject.store.queue().await.expect("counted");
    let expected =
        QueueStats { queued: 2, cancelled: 1, oldest_queued: Some(first.created_at), ..QueueStats::default() };
    assert_eq!(stats, expected);
    some(&subject.store, LEASE).await;
    let stats = subject.store.queue().await.expect("counted");
    assert_eq!((stats.queued, stats.running), (1, 1));
}

pub(crate) async fn old_jobs_are_pruned_with_their_files(subject: &Subject) {
    let ann = subject.ann();
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(ann.submit(job(None, json!({}))).await.expect("submitted").id);
        let claimed = some(&subject.store, LEASE).await;
        subject.store.record_files(&claimed, &[file("a", "ingested")]).await.expect("recorded");
        subject.store.finish_job(&claimed, JobEnd::Succeeded(Value::Null)).await.expect("ended");
    }
    let waiting = ann.submit(job(None, json!({}))).await.expect("submitted").id;
    assert_eq!(subject.store.prune(Duration::from_secs(60)).await.expect("pruned"), 0);
    assert_eq!(subject.store.prune(Duration::ZERO).await.expect("pruned"), 50);
    assert_eq!(ann.jobs(&JobList::default()).await.expect("listed").len(), 1);
    assert_eq!(ann.job_files(ids[0], None, 10).await.expect_err("gone").kind(), ErrorKind::NotFound);
    ann.job(waiting).await.expect("it stays");
}
