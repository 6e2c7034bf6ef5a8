//! Budgets and what vendors say about them, end to end.

use std::time::Duration;

use catchment_client::Budget;
use catchment_core::{ErrorKind, Retry};
use futures::future::join_all;
use tokio::time::Instant;

use crate::support::{Server, answer, json};

#[tokio::test(start_paused = true)]
async fn clients_of_one_vendor_and_tenant_share_one_budget() {
    let server = Server::always(json(200, "1")).await;
    let client = || server.builder("budget-shared").budget(Budget::per_second(10).burst(1)).build().unwrap();
    let (one, two) = (client(), client());
    let start = Instant::now();
    let calls = (0..20).map(|index| if index % 2 == 0 { &one } else { &two }.get("x").send());
    for result in join_all(calls).await {
        result.unwrap();
    }
    let took = start.elapsed().as_millis();
    assert!((1900..2000).contains(&took), "20 calls at 10 a second took {took} ms");
}

#[tokio::test(start_paused = true)]
async fn a_call_is_charged_what_it_costs() {
    let server = Server::always(json(200, "1")).await;
    let client = server.builder("budget-cost").budget(Budget::per_second(10).burst(5)).build().unwrap();
    let start = Instant::now();
    for _ in 0..3 {
        client.get("x").cost(5).send().await.unwrap();
    }
    let took = start.elapsed().as_millis();
    assert!((1000..1050).contains(&took), "{took} ms");
}

#[tokio::test(start_paused = true)]
async fn a_lane_has_its_own_rate() {
    let server = Server::always(json(200, "1")).await;
    let client = server.client("budget-lane");
    let start = Instant::now();
    for _ in 0..3 {
        client.get("x").budget(Budget::per_minute(1).lane("history")).send().await.unwrap();
        client.get("y").send().await.unwrap();
    }
    assert_eq!(start.elapsed().as_secs(), 120);
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_every_client_of_the_budget() {
    let server =
        Server::start(|index, _| if index == 0 { answer(429, &[("retry-after", "40")], "") } else { json(200, "1") });
    let server = server.await;
    let (one, two) = (server.client("budget-429"), server.client("budget-429"));
    let start = Instant::now();
    let first = one.get("a").send();
    let second = async {
        while server.count() == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        two.get("b").send().await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 40, "the other client did not wait");
    };
    let (first, ()) = tokio::join!(first, second);
    first.unwrap();
    assert_eq!(start.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_429_that_names_no_time_pauses_as_well_and_for_longer_each_time() {
    let server = Server::start(|index, _| if index < 3 { answer(429, &[], "") } else { json(200, "1") }).await;
    server.client("budget-429-bare").post("x").json(&1).send().await.unwrap();
    let pauses: Vec<_> = server.seen().windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    for (index, pause) in pauses.iter().enumerate() {
        assert!(*pause >= Duration::from_millis(500 << index), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_as_a_date_is_obeyed_by_the_vendors_clock() {
    let headers = [("date", "Wed, 21 Oct 2015 07:28:00 GMT"), ("retry-after", "Wed, 21 Oct 2015 07:28:25 GMT")];
    let server =
        Server::start(move |index, _| if index == 0 { answer(503, &headers, "") } else { json(200, "1") }).await;
    let start = Instant::now();
    server.client("budget-date").get("x").send().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 25);
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_handed_to_the_caller_at_once() {
    let server = Server::always(answer(429, &[("retry-after", "3600")], "")).await;
    let client = server.client("budget-far");
    let start = Instant::now();
    for _ in 0..2 {
        let error = client.get("x").send().await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::After(Duration::from_secs(3600))));
    }
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(server.count(), 1, "the second call did not know of the pause");
}

#[tokio::test(start_paused = true)]
async fn an_empty_window_is_waited_for_before_the_vendor_has_to_refuse() {
    let server = Server::always(answer(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "50")], "1")).await;
    let client = server.client("budget-window");
    let start = Instant::now();
    client.get("x").send().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(1));
    client.get("x").send().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn retry_after_beside_a_success_pauses_nobody() {
    let server = Server::always(answer(202, &[("retry-after", "50")], "1")).await;
    let client = server.client("budget-202");
    let start = Instant::now();
    client.get("x").send().await.unwrap();
    client.get("x").send().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(1));
}
