//! Workers: several servers on one database share the queue.

mod support;

use std::{
    collections::HashMap,
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use catchment_core::{ErrorKind, IntegrationId, Secret};
use catchment_store::{Claim, JobEnd, JobId, JobList, JobState, Options, Store};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use support::{Place, Subject, ann, job, new};

const LEASE: Duration = Duration::from_secs(600);

async fn each_job_runs_exactly_once(subject: Subject) {
    let scoped = subject.ann();
    let mut integrations = Vec::new();
    for number in 0..5 {
        integrations.push(scoped.create(new(&number.to_string())).await.expect("made").id);
    }
    for number in 0..200 {
        let integration = integrations.get(number % 10).copied();
        scoped.submit(job(integration, json!(number))).await.expect("submitted");
    }
    let busy: Arc<HashMap<IntegrationId, AtomicBool>> =
        Arc::new(integrations.iter().map(|id| (*id, AtomicBool::new(false))).collect());
    let left = Arc::new(AtomicU32::new(200));
    let stores = [subject.store.clone(), subject.again().await];
    let workers: Vec<_> = (0..8)
        .map(|number| {
            let (store, busy, left) = (stores[number % 2].clone(), busy.clone(), left.clone());
            tokio::spawn(async move {
                let mut done = Vec::new();
                while left.load(Ordering::SeqCst) > 0 {
                    let Some(claim) = store.claim(&format!("w{number}"), LEASE).await.expect("asked") else {
                        tokio::task::yield_now().await;
                        continue;
                    };
                    let flag = claim.job.integration.map(|id| &busy[&id]);
                    assert!(!flag.is_some_and(|flag| flag.swap(true, Ordering::SeqCst)), "two of one integration");
                    store.beat(&claim, LEASE, &Value::Null).await.expect("alive");
                    if let Some(flag) = flag {
                        flag.store(false, Ordering::SeqCst);
                    }
                    store.finish_job(&claim, JobEnd::Succeeded(Value::Null)).await.expect("ended");
                    left.fetch_sub(1, Ordering::SeqCst);
                    done.push(claim.job.id);
                }
                done
            })
        })
        .collect();
    let mut done: Vec<JobId> = Vec::new();
    for worker in workers {
        done.extend(worker.await.expect("no panic"));
    }
    done.sort();
    let all = scoped.jobs(&JobList { limit: 1_000, ..JobList::default() }).await.expect("listed");
    let mut ids: Vec<_> = all.iter().map(|job| job.id).collect();
    ids.sort();
    assert_eq!((done.len(), done), (200, ids));
    assert!(all.iter().all(|job| job.state == JobState::Succeeded && job.attempt == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_workers_on_sqlite_each_job_runs_exactly_once() {
    each_job_runs_exactly_once(support::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_workers_on_postgres_each_job_runs_exactly_once() {
    each_job_runs_exactly_once(support::postgres().await).await;
}

/// Says to the child which database it works on.
const FILE: &str = "CATCHMENT_TEST_WORKER_FILE";
const URL: &str = "CATCHMENT_TEST_WORKER_URL";

/// How long the child's lease is: it beats much more often.
const SHORT: Duration = Duration::from_millis(500);

/// Not a test of its own: the worker that is killed.
#[tokio::test]
async fn child() {
    let store = match (env::var_os(FILE), env::var(URL)) {
        (Some(file), _) => Store::open(file).await.expect("opens"),
        (None, Ok(url)) => Store::connect(&Secret::new(url), Options::default()).await.expect("connects"),
        _ => return,
    };
    let claim = store.claim("child", SHORT).await.expect("claimed").expect("a job");
    for beat in 0_u32.. {
        store.beat(&claim, SHORT, &json!(beat)).await.expect("alive");
        writeln!(std::io::stderr(), "beat").expect("told");
        tokio::time::sleep(SHORT / 10).await;
    }
}

fn spawn(subject: &Subject) -> Child {
    let mut child = Command::new(env::current_exe().expect("this program"));
    child.args(["--exact", "child", "--nocapture"]).stdout(Stdio::null()).stderr(Stdio::piped());
    match &subject.place {
        Place::File(file) => child.env(FILE, file),
        Place::Server(database) => child.env(URL, &database.url),
    };
    child.spawn().expect("started")
}

async fn a_killed_workers_job_is_taken_over(subject: Subject) {
    let scoped = subject.ann();
    let integration = scoped.create(new("one")).await.expect("made").id;
    let id = scoped.submit(job(Some(integration), json!({}))).await.expect("submitted").id;
    let mut child = spawn(&subject);
    let told = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    // So many beats take longer than the lease.
    assert_eq!(told.filter(|line| line == "beat").take(15).count(), 15, "it works on");
    assert!(subject.store.claim("other", LEASE).await.expect("asked").is_none(), "it is alive");
    // SIGKILL, on Unix.
    child.kill().expect("killed");
    child.wait().expect("ended");
    let taken = loop {
        match subject.store.claim("other", LEASE).await.expect("asked") {
            Some(claim) => break claim,
            None => tokio::time::sleep(SHORT / 20).await,
        }
    };
    assert_eq!((taken.job.id, taken.job.attempt, taken.worker.as_str()), (id, 2, "other"));
    assert!(taken.job.progress.as_u64().is_some_and(|beat| beat >= 14), "what it said last is kept");
    subject.store.finish_job(&taken, JobEnd::Succeeded(Value::Null)).await.expect("ended");
    assert_eq!(scoped.job(id).await.expect("found").state, JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_workers_job_is_taken_over_on_sqlite() {
    a_killed_workers_job_is_taken_over(support::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_workers_job_is_taken_over_on_postgres() {
    a_killed_workers_job_is_taken_over(support::postgres().await).await;
}

/// Something that happens to the queue. Numbers choose among the claims there have been.
#[derive(Debug, Clone)]
enum Step {
    Submit(usize),
    Claim,
    Beat(usize),
    Finish(usize),
    Release(usize),
    /// The worker of a claim is not heard of any more.
    Lapse(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_usize..4).prop_map(Step::Submit),
        4 => Just(Step::Claim),
        2 => any::<usize>().prop_map(Step::Beat),
        2 => any::<usize>().prop_map(Step::Finish),
        1 => any::<usize>().prop_map(Step::Release),
        2 => any::<usize>().prop_map(Step::Lapse),
    ];
    proptest::collection::vec(step, 1..40)
}

/// What a claim should be worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worth {
    /// Its worker may say something.
    Good,
    /// It may, too, as long as nobody has taken over.
    Lapsed,
    /// Ended in this way by this very claim.
    Finished,
    Released,
    Void,
}

async fn the_fence_holds(subject: &Subject, steps: &[Step]) {
    let scoped = subject.ann();
    let integrations = [
        Some(scoped.create(new("a")).await.expect("made").id),
        Some(scoped.create(new("b")).await.expect("made").id),
        None,
        None,
    ];
    let mut claims: Vec<(Claim, Worth)> = Vec::new();
    let chosen = |claims: &Vec<(Claim, Worth)>, number: &usize| (!claims.is_empty()).then(|| number % claims.len());
    for step in steps {
        match step {
            Step::Submit(which) => {
                scoped.submit(job(integrations[*which], json!({}))).await.expect("submitted");
            }
            Step::Claim => {
                let Some(claim) = subject.store.claim("w", LEASE).await.expect("asked") else { continue };
                for (other, worth) in &mut claims {
                    if other.job.id == claim.job.id {
                        assert_ne!(*worth, Worth::Good, "taken from a living worker");
                        assert_ne!(*worth, Worth::Finished, "run again after its end");
                        assert!(other.job.attempt < claim.job.attempt);
                        *worth = Worth::Void;
                    } else if claim.job.integration.is_some() && other.job.integration == claim.job.integration {
                        assert!(![Worth::Good, Worth::Lapsed].contains(worth), "two of one integration");
                    }
                }
                claims.push((claim, Worth::Good));
            }
            Step::Beat(number) => {
                let Some(at) = chosen(&claims, number) else { continue };
                let (claim, worth) = &mut claims[at];
                let beaten = subject.store.beat(claim, LEASE, &Value::Null).await;
                match worth {
                    Worth::Good | Worth::Lapsed => {
                        beaten.expect("it has the job");
                        *worth = Worth::Good;
                    }
                    _ => assert_eq!(beaten.expect_err("it has lost the job").kind(), ErrorKind::Conflict),
                }
            }
            Step::Finish(number) | Step::Release(number) => {
                let Some(at) = chosen(&claims, number) else { continue };
                let (claim, worth) = &mut claims[at];
                let (said, end) = match step {
                    Step::Finish(_) => {
                        (subject.store.finish_job(claim, JobEnd::Succeeded(Value::Null)).await, Worth::Finished)
                    }
                    _ => (subject.store.release(claim).await, Worth::Released),
                };
                if [Worth::Good, Worth::Lapsed].contains(worth) {
                    said.expect("it has the job");
                    *worth = end;
                } else if *worth == end {
                    said.expect("said twice is said once");
                } else {
                    assert_eq!(said.expect_err("it has lost the job").kind(), ErrorKind::Conflict);
                }
            }
            Step::Lapse(number) => {
                let Some(at) = chosen(&claims, number) else { continue };
                let (claim, worth) = &mut claims[at];
                if *worth == Worth::Good {
                    subject.tamper(&format!("UPDATE jobs SET lease_until = 0 WHERE id = {}", claim.job.id)).await;
                    *worth = Worth::Lapsed;
                }
            }
        }
    }
}

fn for_random_interleavings(cases: u32, make: fn(&tokio::runtime::Runtime) -> Subject) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&steps(), |steps| {
        let subject = make(&runtime);
        runtime.block_on(the_fence_holds(&subject, &steps));
        runtime.block_on(subject.store.close());
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_fence_holds_in_any_order_of_events_on_sqlite() {
    for_random_interleavings(48, |runtime| runtime.block_on(support::sqlite()));
}

#[test]
fn the_fence_holds_in_any_order_of_events_on_postgres() {
    for_random_interleavings(12, |runtime| runtime.block_on(support::postgres()));
}

#[tokio::test]
async fn the_database_itself_refuses_a_second_running_job_of_one_integration() {
    for subject in [support::sqlite().await, support::postgres().await] {
        let scoped = subject.store.scoped(ann());
        let id = scoped.create(new("one")).await.expect("made").id;
        scoped.submit(job(Some(id), json!(1))).await.expect("submitted");
        let waiting = scoped.submit(job(Some(id), json!(2))).await.expect("submitted").id;
        subject.store.claim("w", LEASE).await.expect("asked").expect("a job");
        let forced = tokio::spawn(async move {
            subject.tamper(&format!("UPDATE jobs SET state = 'running' WHERE id = {waiting}")).await;
        });
        assert!(forced.await.is_err_and(|error| error.is_panic()), "refused");
    }
}
