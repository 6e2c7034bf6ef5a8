//! The token hook: one refresh, one retry.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use catchment_client::Authorize;
use catchment_core::{Error, ErrorKind, Result, Secret};

use crate::support::{Seen, Server, Step, json};

/// Gives `Bearer token-N`, N counting the refreshes.
#[derive(Debug, Default)]
struct Counting {
    refreshes: AtomicUsize,
    lost: bool,
}

#[async_trait]
impl Authorize for Counting {
    async fn header(&self) -> Result<Secret> {
        Ok(Secret::new(format!("Bearer token-{}", self.refreshes.load(Ordering::SeqCst))))
    }

    async fn rejected(&self, header: &Secret) -> Result<()> {
        assert!(header.expose().starts_with("Bearer token-"));
        if self.lost {
            return Err(Error::new(ErrorKind::Unauthenticated, "authorize again"));
        }
        self.refreshes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn wants(good: &'static str) -> impl Fn(usize, &Seen) -> Vec<Step> {
    move |_, seen| if seen.header("authorization") == Some(good) { json(200, "1") } else { json(401, "{}") }
}

#[tokio::test(start_paused = true)]
async fn a_401_leads_to_one_refresh_and_one_retry_even_of_a_write() {
    let server = Server::start(wants("Bearer token-1")).await;
    let tokens = Arc::new(Counting::default());
    let client = server.builder("tokens").authorize(tokens.clone()).build().unwrap();
    client.post("x").json(&1).send().await.unwrap();
    assert_eq!((server.count(), tokens.refreshes.load(Ordering::SeqCst)), (2, 1));
    client.get("x").send().await.unwrap();
    assert_eq!((server.count(), tokens.refreshes.load(Ordering::SeqCst)), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_second_401_is_the_end() {
    let server = Server::start(wants("Bearer never")).await;
    let tokens = Arc::new(Counting::default());
    let client = server.builder("tokens").authorize(tokens.clone()).build().unwrap();
    let error = client.get("x").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!((server.count(), tokens.refreshes.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_is_the_error() {
    let server = Server::start(wants("Bearer never")).await;
    let tokens = Arc::new(Counting { lost: true, ..Counting::default() });
    let client = server.builder("tokens").authorize(tokens).build().unwrap();
    let error = client.get("x").send().await.unwrap_err();
    assert_eq!((error.message(), server.count()), ("authorize again", 1));
}

#[tokio::test(start_paused = true)]
async fn an_own_bearer_is_sent_instead_and_never_refreshed() {
    let server = Server::start(wants("Bearer mine")).await;
    let tokens = Arc::new(Counting::default());
    let client = server.builder("tokens").authorize(tokens.clone()).build().unwrap();
    client.get("x").bearer(&Secret::new("mine")).send().await.unwrap();
    client.get("x").bearer(&Secret::new("other")).send().await.unwrap_err();
    assert_eq!((server.count(), tokens.refreshes.load(Ordering::SeqCst)), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_not_trusted_gets_no_credential() {
    let home = Server::always(json(200, "1")).await;
    let other = Server::always(json(200, "1")).await;
    let key = Secret::new("k");
    let builder = |tokens| home.builder("tokens").authorize(tokens).secret_header("x-api-key", &key);
    let tokens: Arc<Counting> = Arc::default();
    builder(tokens.clone()).build().unwrap().get(other.url("x")).send().await.unwrap();
    assert_eq!((other.seen()[0].header("authorization"), other.seen()[0].header("x-api-key")), (None, None));
    let client = builder(tokens).build().unwrap();
    client.get("x").send().await.unwrap();
    client.get("x").anonymous().send().await.unwrap();
    let seen = home.seen();
    assert_eq!((seen[0].header("authorization"), seen[0].header("x-api-key")), (Some("Bearer token-0"), Some("k")));
    assert_eq!((seen[1].header("authorization"), seen[1].header("x-api-key")), (None, None));
}
