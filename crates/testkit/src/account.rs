//! What a connector promises of the one call that every connector has, its check, if it speaks
//! HTTP to a server and lists nothing.

use std::time::Duration;

use catchment_core::{ErrorKind, Retry};

use crate::{
    faults::Fault,
    fixture::Fixture,
    network::proxied,
    verdict::{Verdict, ensure, must_fail},
};

pub use crate::network::{a_server_that_is_down_is_unavailable, a_wrong_credential_is_unauthenticated};

/// 401 and 403 are errors, whatever the body says.
pub async fn a_refusal_is_no_account<F: Fixture>(fixture: &F) -> Verdict {
    let (proxy, connector) = proxied(fixture).await?;
    connector.check().await?;
    ensure!(!proxy.seen().is_empty(), "the check does not go through the proxy");
    for status in [401, 403] {
        for body in ["", "{}", "<html><body>no</body></html>"] {
            proxy.set(Fault::Status { status, retry_after: None, body: body.to_owned() });
            let error = must_fail(connector.check().await, &format!("a check answered with {status}"))?;
            let fits = matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Forbidden);
            ensure!(fits, "{status} is {}: {error}", error.kind());
        }
    }
    Ok(())
}

/// Not before the time the server gave, and then indeed.
pub async fn a_throttled_check_is_repeated<F: Fixture>(fixture: &F) -> Verdict {
    let (proxy, connector) = proxied(fixture).await?;
    let (status, body) = fixture.slow_down();
    for status in [status, 429, 503] {
        let before = proxy.seen().len();
        proxy.then([Fault::Status { status, retry_after: Some(1), body: body.clone() }]);
        connector.check().await?;
        let seen = proxy.seen().split_off(before);
        ensure!(seen.len() > 1, "{status} was not followed by another call");
        let pause = seen[1].at - seen[0].at;
        ensure!(pause >= Duration::from_secs(1), "asked to wait 1 s after {status}, the connector waited {pause:?}");
    }
    Ok(())
}

/// Whoever asked learns how long to wait; nobody waits in here for an hour.
pub async fn a_long_throttle_of_a_check_is_handed_on<F: Fixture>(fixture: &F) -> Verdict {
    let (proxy, connector) = proxied(fixture).await?;
    let (status, body) = fixture.slow_down();
    proxy.set(Fault::Status { status, retry_after: Some(3600), body });
    let error = must_fail(connector.check().await, "a check that is throttled for an hour")?;
    ensure!(error.kind() == ErrorKind::RateLimited, "a throttle is {}: {error}", error.kind());
    let long = matches!(error.retry(), Retry::After(wait) if wait > Duration::from_secs(3500));
    ensure!(long, "asked to wait an hour, the error says {:?}", error.retry());
    Ok(())
}

/// Whatever it is, it names nobody.
pub async fn garbage_is_no_account<F: Fixture>(fixture: &F) -> Verdict {
    let (proxy, connector) = proxied(fixture).await?;
    let page = "<html><head><title>Sign in</title></head></html>";
    let mut garbage: Vec<_> = ["", "garbage", page, "{}", "null", "<a/>", "[1,"]
        .map(|body| Fault::Status { status: 200, retry_after: None, body: body.to_owned() })
        .into();
    garbage.push(Fault::Raw(b"\x16\x03\x01 not HTTP at all\r\n\r\n".to_vec()));
    garbage.push(Fault::Raw(Vec::new()));
    for fault in garbage {
        let what = format!("a check answered with {fault:?}");
        proxy.set(fault);
        let error = must_fail(connector.check().await, &what)?;
        let fits = matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Unavailable);
        ensure!(fits, "{what} is {}: {error}", error.kind());
    }
    Ok(())
}

/// Half a name is no name.
pub async fn a_truncated_account_is_an_error<F: Fixture>(fixture: &F) -> Verdict {
    let (proxy, connector) = proxied(fixture).await?;
    connector.check().await?;
    let whole = proxy.bytes();
    ensure!(whole > 2, "the check's answer holds {whole} bytes");
    for cut in [0, whole / 2, whole - 1] {
        proxy.set(Fault::CutBody(cut));
        let error = must_fail(connector.check().await, &format!("a check cut after {cut} of {whole} bytes"))?;
        let fits = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol);
        ensure!(fits, "a cut check is {}: {error}", error.kind());
    }
    Ok(())
}
