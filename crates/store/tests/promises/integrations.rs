//! Integrations.

use catchment_core::{ErrorKind, Tenant, TokenStore};
use catchment_store::{Connected, IntegrationChange, JobState, List, NewIntegration, Scope, Scoped, Status, Success};
use serde_json::{Value, json};

use super::grants::account;
use crate::support::{Subject, admin, job, new, strangers, tokens};

pub(crate) async fn a_new_one_is_as_it_was_given(subject: &Subject) {
    let ann = subject.ann();
    let given = NewIntegration { description: Some("all of them".into()), ..new("Reports") };
    let made = ann.create(given).await.expect("made");
    assert_eq!((made.vendor.as_str(), made.name.as_str()), ("s3", "Reports"));
    assert_eq!(made.description.as_deref(), Some("all of them"));
    assert_eq!(made.tenant, crate::support::ann());
    assert_eq!((&made.settings, made.status, made.revision), (&json!({ "bucket": "Reports" }), Status::Active, 1));
    assert_eq!(made.secret_fields, ["key", "secret_access_key"], "in order");
    assert_eq!((made.errors, &made.last_error, made.last_sync, made.last_used), (0, &None, None, None));
    assert_eq!(made.created_at, made.updated_at);
    assert_eq!(ann.integration(made.id).await.expect("found"), made);
    assert_eq!(subject.again().await.scoped(ann.scope().clone()).integration(made.id).await.expect("found"), made);
    let next = ann.create(NewIntegration { secrets: Vec::new(), ..new("Reports") }).await.expect("made");
    assert!(next.id > made.id && next.secret_fields.is_empty(), "the same settings may be used twice");
}

pub(crate) async fn the_same_settings_are_the_same_integration(subject: &Subject) {
    let (ann, bob) = (subject.ann(), subject.store.scoped(Tenant::new("acme", "bob")));
    let first = ann
        .find_or_create("s3", "Reports", &json!({ "bucket": "b", "list": [{ "x": 1, "y": 2 }] }))
        .await
        .expect("made");
    let settings: Value = serde_json::from_str(r#"{ "list": [{ "y": 2, "x": 1 }], "bucket": "b" }"#).expect("JSON");
    assert_eq!(ann.find_or_create("s3", "Other name", &settings).await.expect("found"), first);

    for (scoped, vendor, settings) in
        [(&bob, "s3", &settings), (&ann, "r2", &settings), (&ann, "s3", &json!({ "bucket": "c" }))]
    {
        let other = scoped.find_or_create(vendor, "Reports", settings).await.expect("made");
        assert_ne!(other.id, first.id);
    }
    assert_eq!(ann.integrations(&List::default()).await.expect("listed").len(), 3);
    assert_eq!(bob.integrations(&List::default()).await.expect("listed").len(), 1);
}

pub(crate) async fn many_who_look_for_the_same_one_find_one(subject: &Subject) {
    let stores = [subject.store.clone(), subject.again().await];
    let looking: Vec<_> = (0..8)
        .map(|number| {
            let scoped = stores[number % 2].scoped(crate::support::ann());
            tokio::spawn(async move { scoped.find_or_create("s3", "one", &json!({ "a": 1 })).await })
        })
        .collect();
    for found in looking {
        found.await.expect("no panic").expect("found");
    }
    assert_eq!(subject.ann().integrations(&List::default()).await.expect("listed").len(), 1);
}

pub(crate) async fn another_tenants_is_not_there(subject: &Subject) {
    let hers = subject.ann().create(new("Reports")).await.expect("made");
    for stranger in strangers(&subject.store) {
        let kinds = [
            stranger.integration(hers.id).await.expect_err("not theirs").kind(),
            stranger.update(hers.id, None, renamed("theirs")).await.expect_err("not theirs").kind(),
            stranger.disconnect(hers.id).await.expect_err("not theirs").kind(),
            stranger.delete(hers.id).await.expect_err("not theirs").kind(),
            stranger.secrets(hers.id).await.expect_err("not theirs").kind(),
            stranger.succeeded(hers.id, Success::Used).await.expect_err("not theirs").kind(),
            stranger.failed(hers.id, Status::Error, "x").await.expect_err("not theirs").kind(),
            stranger.submit(job(Some(hers.id), json!({}))).await.expect_err("not theirs").kind(),
            stranger.note("x", Some(hers.id), json!({})).await.expect_err("not theirs").kind(),
        ];
        assert_eq!(kinds, [ErrorKind::NotFound; 9]);
        let list = List { user: Some("ann".into()), ..List::default() };
        assert!(stranger.integrations(&list).await.expect("listed").is_empty());
    }
    assert_eq!(subject.ann().integration(hers.id).await.expect("found"), hers, "and nothing has changed");
}

pub(crate) async fn an_administrator_sees_the_whole_organization(subject: &Subject) {
    let hers = subject.ann().create(new("Reports")).await.expect("made");
    let bob = subject.store.scoped(Tenant::new("acme", "bob"));
    let his = bob.create(new("Letters")).await.expect("made");
    let root = subject.store.scoped(admin("acme"));
    assert_eq!(root.integrations(&List::default()).await.expect("listed"), [hers.clone(), his.clone()]);
    let of_bob = List { user: Some("bob".into()), ..List::default() };
    assert_eq!(root.integrations(&of_bob).await.expect("listed"), [his]);
    let changed = root.update(hers.id, Some(1), renamed("Ann's reports")).await.expect("changed");
    assert_eq!(changed.tenant, hers.tenant, "it stays hers");
    assert_eq!(root.create(new("x")).await.expect_err("whose?").kind(), ErrorKind::Forbidden);
}

pub(crate) async fn a_list_comes_in_pages_and_by_vendor(subject: &Subject) {
    let ann = subject.ann();
    let mut made = Vec::new();
    for number in 0..7 {
        let vendor = if number % 3 == 0 { "folder" } else { "s3" };
        made.push(
            ann.create(NewIntegration { vendor: vendor.into(), ..new(&number.to_string()) }).await.expect("made"),
        );
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = ann.integrations(&List { after, limit: 3, ..List::default() }).await.expect("listed");
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        found.extend(page);
    }
    assert_eq!(found, made);
    let folders = List { vendor: Some("folder".into()), ..List::default() };
    assert_eq!(ann.integrations(&folders).await.expect("listed").len(), 3);
    let root = subject.store.scoped(admin("acme"));
    assert_eq!(root.integrations(&folders).await.expect("listed").len(), 3);
}

pub(crate) async fn what_is_not_named_stays(subject: &Subject) {
    let ann = subject.ann();
    let made = ann.create(new("Reports")).await.expect("made");
    let change = IntegrationChange {
        name: Some("Letters".into()),
        secrets: vec![("key".into(), None), ("token".into(), Some("planted-secret-3".into()))],
        ..IntegrationChange::default()
    };
    let changed = ann.update(made.id, Some(made.revision), change).await.expect("changed");
    assert_eq!((changed.name.as_str(), changed.revision), ("Letters", 2));
    assert_eq!((&changed.settings, &changed.description), (&made.settings, &made.description));
    assert_eq!(changed.secret_fields, ["secret_access_key", "token"]);
    assert!(changed.updated_at > made.updated_at && changed.created_at == made.created_at);
    assert_eq!(ann.integration(made.id).await.expect("found"), changed);
    let secrets = ann.secrets(made.id).await.expect("opened");
    let opened: Vec<_> = secrets.iter().map(|(field, secret)| (field.as_str(), secret.expose())).collect();
    assert_eq!(opened, [("secret_access_key", "planted-secret-1"), ("token", "planted-secret-3")]);
    let same = ann.update(made.id, None, renamed("Letters")).await.expect("nothing to change");
    assert_eq!(same, changed, "a change of nothing is no revision");
}

pub(crate) async fn of_two_changes_of_one_revision_one_wins(subject: &Subject) {
    let made = subject.ann().create(new("Reports")).await.expect("made");
    let stores = [subject.store.clone(), subject.again().await];
    let changing: Vec<_> = (0..8)
        .map(|number| {
            let scoped = stores[number % 2].scoped(crate::support::ann());
            tokio::spawn(async move { scoped.update(made.id, Some(1), renamed(&format!("by {number}"))).await })
        })
        .collect();
    let mut won = Vec::new();
    for change in changing {
        match change.await.expect("no panic") {
            Ok(integration) => won.push(integration),
            Err(error) => {
                assert_eq!((error.kind(), error.get("revision")), (ErrorKind::Conflict, Some("2")), "{error}")
            }
        }
    }
    assert_eq!(won, [subject.ann().integration(made.id).await.expect("found")]);
}

pub(crate) async fn what_is_disconnected_has_no_secrets_and_no_jobs(subject: &Subject) {
    let ann = subject.ann();
    let made = ann.create(new("Reports")).await.expect("made");
    let running = ann.submit(job(Some(made.id), json!(1))).await.expect("submitted");
    let waiting = ann.submit(job(Some(made.id), json!(2))).await.expect("submitted");
    let claim = subject.store.claim("w", std::time::Duration::from_secs(60)).await.expect("claimed").expect("a job");
    assert_eq!(claim.job.id, running.id);
    let gone = ann.disconnect(made.id).await.expect("disconnected");
    assert_eq!((gone.status, gone.secret_fields.len(), gone.revision), (Status::Disconnected, 0, 2));
    assert_eq!(gone.settings, made.settings);
    assert!(ann.secrets(made.id).await.expect("none").is_empty());
    assert_eq!(ann.job(waiting.id).await.expect("found").state, JobState::Cancelled);
    let running = ann.job(running.id).await.expect("found");
    assert_eq!((running.state, running.cancel_requested), (JobState::Running, true));
    ann.failed(made.id, Status::Error, "late").await.expect("noted");
    ann.succeeded(made.id, Success::Used).await.expect("noted");
    assert_eq!(ann.integration(made.id).await.expect("found").status, Status::Disconnected, "it stays so");
}

pub(crate) async fn what_is_deleted_leaves_nothing_but_the_audit_log(subject: &Subject) {
    use catchment_core::{Entry, EntryResult, Ledger};
    let ann = subject.ann();
    let (kept, gone) = (ann.create(new("kept")).await.expect("made"), ann.create(new("gone")).await.expect("made"));
    for integration in [kept.id, gone.id] {
        let run = ann.begin(integration, &[]).await.expect("begun");
        let entries: Vec<_> = (0..20).map(|n| Entry::file(format!("{n}"), format!("{n}"))).collect();
        ann.seen(&run, &entries).await.expect("seen");
        let result = EntryResult::Ingested { content_hash: "h".into(), chunks: 1, portfolio: None };
        ann.record(&run, &[(entries[0].clone(), result)]).await.expect("recorded");
        ann.submit(job(Some(integration), json!({}))).await.expect("submitted");
    }
    ann.delete(gone.id).await.expect("deleted");
    assert_eq!(ann.integration(gone.id).await.expect_err("gone").kind(), ErrorKind::NotFound);
    assert_eq!(ann.begin(gone.id, &[]).await.expect_err("gone").kind(), ErrorKind::NotFound);
    assert_eq!(ann.delete(gone.id).await.expect_err("gone").kind(), ErrorKind::NotFound);
    assert!(ann.entries(gone.id, None, 10).await.expect("none").is_empty());
    assert_eq!(ann.entries(kept.id, None, 100).await.expect("listed").len(), 20);
    assert_eq!(ann.jobs(&catchment_store::JobList::default()).await.expect("listed").len(), 1);
    let log = ann.audit(&catchment_store::AuditList { integration: Some(gone.id), ..Default::default() }).await;
    let actions: Vec<_> = log.expect("listed").into_iter().map(|row| row.action).collect();
    assert_eq!(actions, ["integration.delete", "job.submit", "integration.create"]);
    assert!(ann.create(new("next")).await.expect("made").id > gone.id, "an id is never given twice");
}

pub(crate) async fn failures_count_up_until_something_succeeds(subject: &Subject) {
    let ann = subject.ann();
    let id = ann.create(new("Reports")).await.expect("made").id;
    for errors in 1..=3 {
        ann.failed(id, Status::Expired, "sign in again").await.expect("noted");
        let now = ann.integration(id).await.expect("found");
        assert_eq!(
            (now.status, now.errors, now.last_error.as_deref()),
            (Status::Expired, errors, Some("sign in again"))
        );
        assert_eq!(now.revision, 1, "no person has changed it");
    }
    ann.succeeded(id, Success::Used).await.expect("noted");
    let used = ann.integration(id).await.expect("found");
    assert_eq!((used.status, used.errors, used.last_error), (Status::Active, 0, None));
    assert!(used.last_used.is_some() && used.last_sync.is_none());
    ann.succeeded(id, Success::Synced).await.expect("noted");
    let synced = ann.integration(id).await.expect("found");
    assert!(synced.last_sync.is_some() && synced.last_used >= used.last_used);
}

pub(crate) async fn the_mark_moves_with_every_change_and_with_nothing_else(subject: &Subject) {
    let (ann, bob) = (subject.ann(), subject.store.scoped(Tenant::new("acme", "bob")));
    let admin = subject.store.scoped(admin("acme"));
    let bobs = bob.integrations_mark().await.expect("a mark");
    let mut marks = vec![ann.integrations_mark().await.expect("a mark")];
    let mut organization = vec![admin.integrations_mark().await.expect("a mark")];
    let id = ann.create(new("one")).await.expect("made").id;
    for step in 0..13 {
        match step {
            0 => {}
            1 => drop(ann.update(id, None, renamed("two")).await.expect("renamed")),
            2 => ann.failed(id, Status::Error, "no answer").await.expect("noted"),
            3 => ann.succeeded(id, Success::Used).await.expect("noted"),
            4 => ann.succeeded(id, Success::Synced).await.expect("noted"),
            5 => {
                let secrets = vec![("another".to_owned(), Some("x".into()))];
                let change = IntegrationChange { secrets, ..IntegrationChange::default() };
                drop(ann.update(id, None, change).await.expect("changed"));
            }
            6 => drop(ann.disconnect(id).await.expect("disconnected")),
            7 => drop(ann.create(new("three")).await.expect("made")),
            8 => {
                let granted = Connected { tokens: Some(tokens("a")), ..Connected::default() };
                drop(ann.connected(id, granted).await.expect("connected"));
            }
            9 => {
                let (_, revision) = subject.store.load(id).await.expect("loaded").expect("tokens");
                assert!(subject.store.swap(id, Some(revision), &tokens("b")).await.expect("answered"));
            }
            10 => subject.store.remove(id).await.expect("removed"),
            11 => ann.identified(id, &account("7")).await.expect("noted"),
            _ => ann.delete(id).await.expect("deleted"),
        }
        let mark = ann.integrations_mark().await.expect("a mark");
        assert!(!marks.contains(&mark), "step {step}");
        marks.push(mark);
        let mark = admin.integrations_mark().await.expect("a mark");
        assert!(!organization.contains(&mark), "step {step}");
        organization.push(mark);
        assert_eq!(ann.integrations_mark().await.expect("a mark"), marks[marks.len() - 1], "reading changes nothing");
    }
    assert_eq!(bob.integrations_mark().await.expect("a mark"), bobs, "none of it was his");
}

pub(crate) async fn nobody_acts_without_a_name(subject: &Subject) {
    let nobody = |organization: &str, user: Option<&str>| -> Scoped {
        let user = user.map(str::to_owned);
        let scope = Scope { organization: organization.into(), user, actor: "x".into(), request_id: None };
        subject.store.scoped(scope)
    };
    subject.ann().create(new("Reports")).await.expect("made");
    for scoped in [nobody("", None), nobody("", Some("ann")), nobody("acme", Some(""))] {
        assert_eq!(scoped.integrations(&List::default()).await.expect_err("nobody").kind(), ErrorKind::Forbidden);
        assert_eq!(scoped.submit(job(None, json!({}))).await.expect_err("nobody").kind(), ErrorKind::Forbidden);
    }
}

pub(crate) async fn text_may_hold_anything(subject: &Subject) {
    let odd = "'; DROP TABLE integrations; --\"\\\0\u{1}\u{1}\u{202e}😀";
    let scope = Scope { actor: odd.into(), ..Scope::from(&Tenant::new(odd, odd)) };
    let scoped = subject.store.scoped(scope);
    let given = NewIntegration {
        vendor: odd.into(),
        name: odd.into(),
        description: Some(odd.into()),
        settings: json!({ odd: odd }),
        secrets: vec![(odd.into(), odd.into())],
    };
    let made = scoped.create(given).await.expect("made");
    assert_eq!(scoped.integration(made.id).await.expect("found"), made);
    assert_eq!((made.name.as_str(), &made.settings, &made.secret_fields[0]), (odd, &json!({ odd: odd }), &odd.into()));
    assert_eq!(scoped.secrets(made.id).await.expect("opened")[0].1.expose(), odd);
    scoped.failed(made.id, Status::Error, odd).await.expect("noted");
    assert_eq!(scoped.integration(made.id).await.expect("found").last_error.as_deref(), Some(odd));
    assert_eq!(scoped.audit(&Default::default()).await.expect("listed")[0].actor, odd);
}

pub(crate) fn renamed(name: &str) -> IntegrationChange {
    IntegrationChange { name: Some(name.into()), ..IntegrationChange::default() }
}
