//! Sending: budget, attempts, redirects, the token, and what it all means in the end.

use std::time::Duration;

use catchment_core::{Error, ErrorKind, Result, Retry, Secret};
use http::{Method, header};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span, debug, debug_span, field::Empty};
use url::Url;

use crate::{
    body,
    call::Call,
    classify::{classify_status, describe},
    client, egress,
    pool::{self, Coding},
    redact, redirect,
    response::{Response, ResponseHead},
    retry::{self, Failure},
};

/// What a call gives.
pub(crate) enum Answer {
    Whole(Response),
    Open(ResponseHead, Box<reqwest::Response>),
}

impl Answer {
    fn head(&self) -> &ResponseHead {
        match self {
            Self::Whole(response) => response.head(),
            Self::Open(head, _) => head,
        }
    }
}

/// Sends `call` until it is answered, refused or out of time.
pub(crate) async fn run(mut call: Call, streaming: bool) -> Result<Answer> {
    let url = std::mem::replace(&mut call.url, Err(Error::internal("sent already")))?;
    let inner = &call.client.inner;
    let span = debug_span!(
        "http",
        vendor = %inner.vendor,
        method = %call.method,
        host = url.host_str().unwrap_or_default(),
        path = %redact::path_and_query(&url, &inner.secrets),
        status = Empty,
        attempt = Empty,
        duration_ms = Empty,
    );
    let start = Instant::now();
    let result = attempts(&call, &url, streaming, &span).instrument(span.clone()).await;
    span.record("duration_ms", start.elapsed().as_millis() as u64);
    span.in_scope(|| match &result {
        Ok(_) => debug!("answered"),
        Err(error) => debug!(kind = error.kind().as_str(), "failed"),
    });
    result.map_err(|error| {
        error
            .with("vendor", &inner.vendor)
            .with("request", format_args!("{} {}", call.method, redact::path(&url, &inner.secrets)))
    })
}

async fn attempts(call: &Call, url: &Url, streaming: bool, span: &Span) -> Result<Answer> {
    let inner = &call.client.inner;
    let deadline = Instant::now() + call.deadline;
    let mut delays = retry::delays();
    let mut refreshed = false;
    let mut last: Option<Error> = None;
    let mut attempt = 0;
    loop {
        attempt += 1;
        span.record("attempt", attempt);
        if let Err(wait) = call.meter.spend(call.cost, deadline).await {
            let limited = || Error::new(ErrorKind::RateLimited, "the vendor's limit is used up: wait and try again");
            return Err(last.unwrap_or_else(limited).retry_after(wait));
        }
        let token = token(call, url, deadline).await?;
        let sent = timeout_at(deadline, once(call, url, token.as_ref(), streaming)).await;
        let failure = match sent {
            Ok(Ok(answer)) => {
                span.record("status", answer.head().status.as_u16());
                // A window that nears its end slows everybody down before the vendor has to.
                if let Some(pause) = answer.head().limits().pace() {
                    call.meter.pause(pause);
                }
                return Ok(answer);
            }
            Ok(Err(failure)) => failure,
            Err(_) => {
                Failure::unclear(Error::new(ErrorKind::Timeout, "no answer within the deadline: try again later"))
            }
        };
        if let Some(status) = failure.error.get("status").and_then(|status| status.parse::<u16>().ok()) {
            span.record("status", status);
        }
        let Failure { error, may_have_acted, pause } = failure;
        let limited = error.kind() == ErrorKind::RateLimited;
        if let Some(pause) = pause {
            call.meter.pause(pause);
        }
        if error.kind() == ErrorKind::Unauthenticated
            && !refreshed
            && let (Some(authorize), Some(token)) = (&inner.authorize, &token)
        {
            refreshed = true;
            debug!("the credential was rejected, asking for another");
            authorize.rejected(token).await?;
            last = Some(error);
            continue;
        }
        let wait = match error.retry() {
            Retry::Never => None,
            Retry::Backoff => delays.next(),
            Retry::After(wait) => Some(wait),
        };
        if may_have_acted && !call.is_idempotent() {
            return Err(retry::unknown(error));
        }
        if limited && let Some(wait) = wait {
            call.meter.pause(wait);
        }
        match wait {
            Some(wait) if attempt < inner.patience.attempts && Instant::now() + wait < deadline => {
                debug!(attempt, kind = error.kind().as_str(), wait_ms = wait.as_millis() as u64, "trying again");
                last = Some(error);
                // A pause of the budget holds this call as well.
                if !limited {
                    tokio::time::sleep(wait).await;
                }
            }
            _ => return Err(error.with("attempts", attempt)),
        }
    }
}

/// The credential for `url`, if this client has one and it may go there.
async fn token(call: &Call, url: &Url, deadline: Instant) -> Result<Option<Secret>> {
    let Some(authorize) = &call.client.inner.authorize else { return Ok(None) };
    if call.anonymous || call.headers.contains_key(header::AUTHORIZATION) || !call.client.trusts(url) {
        return Ok(None);
    }
    match timeout_at(deadline, authorize.header()).await {
        Ok(header) => header.map(Some),
        Err(_) => Err(Error::new(ErrorKind::Timeout, "no credential within the deadline: try again later")),
    }
}

/// One attempt: the request, the redirects it leads to, and the answer.
async fn once(call: &Call, url: &Url, token: Option<&Secret>, streaming: bool) -> std::result::Result<Answer, Failure> {
    let inner = &call.client.inner;
    let coding = if streaming && !call.decoded { Coding::Raw } else { Coding::Decoded };
    let http = pool::connections(&inner.egress, coding).map_err(Failure::clean)?;
    let mut headers = call.assembled(call.client.trusts(url), streaming);
    if let Some(token) = token {
        let name = header::AUTHORIZATION;
        let (name, value) = client::header(name.as_str(), token.expose(), true).map_err(Failure::clean)?;
        headers.insert(name, value);
    }
    let (mut url, mut method, mut has_body) = (url.clone(), call.method.clone(), call.body.is_some());
    // A write that was answered with a redirect to its result has been carried out.
    let mut acted = false;
    let mut foreign = false;
    for _ in 0..=redirect::MOST {
        guard(call, &url).map_err(Failure::clean)?;
        let mut request = reqwest::Request::new(method.clone(), url.clone());
        *request.headers_mut() = headers.clone();
        *request.body_mut() = call.body.clone().filter(|_| has_body).map(Into::into);
        let response = match tokio::time::timeout(inner.patience.answer, http.execute(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(after(acted, pool::failure(error, &url))),
            Err(_) => {
                let error = Error::new(ErrorKind::Timeout, "the server did not answer in time: try again later");
                return Err(Failure::unclear(error.with("host", url.host_str().unwrap_or_default())));
            }
        };
        let hop = redirect::next(response.status(), response.headers(), &url, &method, has_body);
        let Some(hop) = hop.map_err(|error| after(acted, Failure::clean(error)))? else {
            let head = ResponseHead::new(response.status(), response.headers().clone(), url);
            return finish(call, head, response, streaming, foreign).await.map_err(|failure| after(acted, failure));
        };
        acted |= hop.method != method;
        if hop.foreign {
            foreign = true;
            redirect::drop_credentials(&mut headers);
        }
        if !hop.body {
            redirect::drop_body_headers(&mut headers);
        }
        (url, method, has_body) = (hop.url, hop.method, hop.body);
    }
    Err(after(acted, Failure::clean(Error::protocol("the vendor redirects in circles: check the address"))))
}

fn after(acted: bool, failure: Failure) -> Failure {
    Failure { may_have_acted: acted || failure.may_have_acted, ..failure }
}

/// The operator's proxy is exempt in the resolver, so a call must not name it as its goal.
fn guard(call: &Call, url: &Url) -> Result<()> {
    let egress = &call.client.inner.egress;
    egress.check(url)?;
    let host = url.host_str().unwrap_or_default();
    if egress.is_public_only() && !egress.permits_name(host) && pool::proxies().iter().any(|proxy| proxy == host) {
        return Err(egress::refused(url));
    }
    Ok(())
}

/// Classifies the answer: the vendor's classifier first, on success as well.
async fn finish(
    call: &Call,
    head: ResponseHead,
    response: reqwest::Response,
    streaming: bool,
    foreign: bool,
) -> std::result::Result<Answer, Failure> {
    let inner = &call.client.inner;
    let by_status = classify_status(&head);
    if streaming && by_status.is_none() {
        if call.no_html && head.is_html() {
            let error = Error::protocol(
                "a web page came where content was expected: the credential or the address is not accepted",
            );
            return Err(Failure::answered(describe(error, &head), &head));
        }
        return Ok(Answer::Open(head, Box::new(response)));
    }
    // The length beside a HEAD is that of a body which does not come.
    let cap = if call.method == Method::HEAD { usize::MAX } else { call.cap };
    let body = match body::whole(response, &head, cap, inner.patience.idle).await {
        Ok(body) => body,
        // The status already says what is wrong; a body that cannot be read changes nothing.
        Err(_) if by_status.is_some() => Default::default(),
        Err(failure) => return Err(failure),
    };
    let classified = inner.classify.as_ref().and_then(|classify| classify(&head, &body));
    match classified.or(by_status) {
        None => Ok(Answer::Whole(Response::new(head, body, !call.is_idempotent()))),
        Some(error) => {
            let error = described(error, &head, foreign);
            Err(Failure::answered(error, &head))
        }
    }
}

/// A foreign host that wants a credential was not given one, so a refresh would not help.
fn described(error: Error, head: &ResponseHead, foreign: bool) -> Error {
    let error = if foreign && error.kind() == ErrorKind::Unauthenticated {
        Error::new(ErrorKind::Forbidden, "the vendor redirects to a host that asks for a credential of its own")
            .with("to", head.url.host_str().unwrap_or_default())
    } else {
        error
    };
    // A classifier knows the kind, the headers know the time.
    let error = match (error.kind(), error.retry(), head.limits().retry_after) {
        (ErrorKind::RateLimited | ErrorKind::Unavailable, Retry::Backoff, Some(wait)) => error.retry_after(wait),
        (_, Retry::After(wait), _) if wait > LONGEST => error.retry_after(LONGEST),
        _ => error,
    };
    describe(error, head)
}

/// A classifier may take a number from a body; no vendor means more than a week.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
