//! Redirects and what must not travel with them.

use catchment_client::Egress;
use catchment_core::{ErrorKind, Secret};

use crate::support::{Server, answer, json};

fn to(url: String) -> Vec<crate::support::Step> {
    answer(302, &[("location", &url)], "")
}

#[tokio::test(start_paused = true)]
async fn credentials_stay_behind_when_the_host_changes() {
    let other = Server::always(json(200, "1")).await;
    let target = other.url("there");
    let server = Server::start(move |_, _| to(target.clone())).await;
    let client = server.builder("redirects").secret_header("x-vendor-key", &Secret::new("k")).header("x-plain", "p");
    let call = client.build().unwrap().get("x").bearer(&Secret::new("t")).header("cookie", "c=1");
    call.secret_header("x-amz-security-token", &Secret::new("s")).header("x-call", "c").send().await.unwrap();
    for secret in ["authorization", "cookie", "x-vendor-key", "x-amz-security-token"] {
        assert!(server.seen()[0].header(secret).is_some(), "{secret} was not sent at all");
        assert_eq!(other.seen()[0].header(secret), None, "{secret} followed");
    }
    for plain in ["x-plain", "x-call", "user-agent"] {
        assert!(other.seen()[0].header(plain).is_some(), "{plain} was lost");
    }
    assert_eq!(other.seen()[0].header("referer"), None);
}

#[tokio::test(start_paused = true)]
async fn credentials_do_not_come_back_on_the_way_home() {
    let server = Server::start(|_, _| json(200, "1")).await;
    let home = server.url("end");
    let other = Server::start(move |_, _| to(home.clone())).await;
    let away = other.url("away");
    let first = Server::start(move |_, _| to(away.clone())).await;
    first.client("redirects").get("x").bearer(&Secret::new("t")).send().await.unwrap();
    assert_eq!(server.seen()[0].header("authorization"), None);
}

#[tokio::test(start_paused = true)]
async fn within_one_host_everything_travels() {
    let server = Server::start(|index, _| if index == 0 { to("/end?x=1".into()) } else { json(200, "1") }).await;
    let response = server.client("redirects").get("x").bearer(&Secret::new("t")).send().await.unwrap();
    assert_eq!(response.head().url.path(), "/end");
    assert_eq!(server.seen()[1].header("authorization"), Some("Bearer t"));
}

#[tokio::test(start_paused = true)]
async fn ten_redirects_are_followed_and_eleven_are_not() {
    for (hops, fine) in [(10, true), (11, false)] {
        let server =
            Server::start(move |index, _| if index < hops { to(format!("/{index}")) } else { json(200, "1") }).await;
        let result = server.client("redirects").get("x").send().await;
        assert_eq!(result.is_ok(), fine, "{hops}");
        if let Err(error) = result {
            assert_eq!((error.kind(), server.count()), (ErrorKind::Protocol, 11));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_becomes_a_get_or_stays_one_as_the_status_says() {
    for (status, method, body) in
        [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "1"), (308, "POST", "1")]
    {
        let server =
            Server::start(
                move |index, _| {
                    if index == 0 { answer(status, &[("location", "/end")], "") } else { json(200, "1") }
                },
            )
            .await;
        server.client("redirects").post("x").json(&1).send().await.unwrap();
        let end = &server.seen()[1];
        assert_eq!((end.method.as_str(), end.body.as_slice()), (method, body.as_bytes()), "{status}");
        assert_eq!(end.header("content-type").is_some(), !body.is_empty(), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_not_handed_to_another_host() {
    let other = Server::always(json(200, "1")).await;
    let target = other.url("");
    let server = Server::start(move |_, _| answer(307, &[("location", &target)], "")).await;
    let call = server.client("redirects").post("token").form([("client_secret", "s")]);
    assert_eq!(call.send().await.unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!(other.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn every_hop_passes_the_egress_guard() {
    let inside = Server::always(json(200, "1")).await;
    for target in [
        inside.url(""),
        format!("http://localhost:{}/", inside.port),
        "http://169.254.169.254/".into(),
        "file:///etc/passwd".into(),
    ] {
        let location = target.clone();
        let server = Server::start(move |_, _| to(location.clone())).await;
        // Open for the first server, and for nothing else.
        let egress = Egress::public_only().allow_host("localhost.test");
        let client = server.builder("redirects").egress(egress.allow_net("127.0.0.2").unwrap());
        let url = format!("http://127.0.0.2:{}/", server.port);
        let error = client.base(&url).build().unwrap().get("x").send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{target}: {error}");
        assert_eq!(server.count(), 1, "{target}");
    }
    assert_eq!(inside.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_401_is_not_a_reason_to_refresh() {
    let other = Server::always(json(401, "{}")).await;
    let target = other.url("");
    let server = Server::start(move |_, _| to(target.clone())).await;
    let error = server.client("redirects").get("x").send().await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Forbidden, 1));
}
