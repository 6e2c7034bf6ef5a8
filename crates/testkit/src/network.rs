//! What a connector promises that speaks to a server, whatever the server and the network do.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use catchment_core::{Connector, Entry, EntryId, ErrorKind, Page, PageRequest, Result, Retry};
use futures::StreamExt;

use crate::{
    faults::{Fault, FaultProxy},
    fixture::{Connected, Fixture, bytes, listed, root},
    verdict::{Broken, Verdict, ensure, must_fail},
};

/// The proxy in front of the fixture's server, and the settings that lead through it.
pub(crate) async fn proxied<F: Fixture>(fixture: &F) -> Verdict<(FaultProxy, Arc<dyn Connector>)> {
    let server = fixture.server_address()?;
    let proxy = FaultProxy::start(server).await.map_err(|error| Broken::from(format!("no proxy: {error}")))?;
    let connector = fixture.connect(fixture.settings_at(proxy.address()))?;
    Ok((proxy, connector))
}

/// A connector through a proxy, and the container that is listed. It is looked up before any
/// fault, so that the fault meets the listing.
struct Listing {
    proxy: FaultProxy,
    connector: Arc<dyn Connector>,
    root: EntryId,
}

impl Listing {
    async fn new<F: Fixture>(fixture: &F) -> Verdict<Self> {
        let (proxy, connector) = proxied(fixture).await?;
        let root = root(connector.need_browse()?).await?.id;
        Ok(Self { proxy, connector, root })
    }

    async fn page(&self) -> Result<Page<Entry>> {
        self.connector.need_browse()?.children(&self.root, PageRequest::first()).await
    }

    /// That there are so many files, and that they come through the proxy.
    async fn holds(&self, files: usize) -> Verdict {
        let before = self.proxy.seen().len();
        let page = self.page().await?;
        ensure!(page.items.len() == files, "the listing holds {page:?}");
        ensure!(self.proxy.seen().len() > before, "the listing does not go through the proxy");
        Ok(())
    }
}

/// Each credential by itself.
pub async fn a_wrong_credential_is_unauthenticated<F: Fixture>(fixture: &F) -> Verdict {
    let wrong = fixture.wrong_credentials();
    ensure!(!wrong.is_empty(), "the fixture knows no wrong credential: nothing was tried");
    fixture.connector()?.check().await?;
    for (what, settings) in wrong {
        let error = match fixture.connect(settings) {
            Err(error) => error,
            Ok(connector) => must_fail(connector.check().await, &format!("a check with a wrong {what}"))?,
        };
        ensure!(error.kind() == ErrorKind::Unauthenticated, "a wrong {what} is {}: {error}", error.kind());
    }
    Ok(())
}

/// And says so in good time.
pub async fn a_server_that_is_down_is_unavailable<F: Fixture>(fixture: &F) -> Verdict {
    // A port that was free a moment ago.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr());
    let nobody: SocketAddr = nobody.map_err(|error| Broken::from(format!("no port: {error}")))?;
    let connector = fixture.connect(fixture.settings_at(nobody))?;
    let answer = tokio::time::timeout(Duration::from_secs(60), connector.check()).await;
    let Ok(answer) = answer else { return Err("a check against a server that is down takes over a minute".into()) };
    let error = must_fail(answer, "a check against a server that is down")?;
    let fits = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout);
    ensure!(fits, "a server that is down is {}: {error}", error.kind());
    Ok(())
}

/// 401 and 403 are errors, whatever the body says.
pub async fn a_refusal_is_never_an_empty_list<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("file.txt", b"x").await;
    let listing = Listing::new(fixture).await?;
    listing.holds(1).await?;
    for status in [401, 403] {
        for body in ["", "{}", "<html><body>no</body></html>"] {
            listing.proxy.set(Fault::Status { status, retry_after: None, body: body.to_owned() });
            let error = must_fail(listing.page().await, &format!("a listing answered with {status}"))?;
            let fits = matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Forbidden);
            ensure!(fits, "{status} is {}: {error}", error.kind());
        }
    }
    Ok(())
}

/// Not before the time the server gave, and then indeed.
pub async fn a_throttled_call_is_repeated_when_it_may_be<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("file.txt", b"x").await;
    let listing = Listing::new(fixture).await?;
    let (status, body) = fixture.slow_down();
    for status in [status, 429, 503] {
        let before = listing.proxy.seen().len();
        listing.proxy.then([Fault::Status { status, retry_after: Some(1), body: body.clone() }]);
        let page = listing.page().await?;
        ensure!(page.items.len() == 1, "after {status} the listing holds {page:?}");
        let seen = listing.proxy.seen().split_off(before);
        ensure!(seen.len() > 1, "{status} was not followed by another call");
        let pause = seen[1].at - seen[0].at;
        ensure!(pause >= Duration::from_secs(1), "asked to wait 1 s after {status}, the connector waited {pause:?}");
    }
    Ok(())
}

/// Whoever schedules the run learns how long to wait; nobody waits in here for an hour.
pub async fn a_long_throttle_is_handed_on<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("file.txt", b"x").await;
    let listing = Listing::new(fixture).await?;
    let (status, body) = fixture.slow_down();
    listing.proxy.set(Fault::Status { status, retry_after: Some(3600), body });
    let error = must_fail(listing.page().await, "a listing that is throttled for an hour")?;
    ensure!(error.kind() == ErrorKind::RateLimited, "a throttle is {}: {error}", error.kind());
    let long = matches!(error.retry(), Retry::After(wait) if wait > Duration::from_secs(3500));
    ensure!(long, "asked to wait an hour, the error says {:?}", error.retry());
    Ok(())
}

/// Whatever it is, it is not an empty list.
pub async fn garbage_is_an_error<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("file.txt", b"x").await;
    let listing = Listing::new(fixture).await?;
    let page = "<html><head><title>Sign in</title></head></html>";
    let ok = |body: &str| Fault::Status { status: 200, retry_after: None, body: body.to_owned() };
    let garbage = [
        ok(""),
        ok("garbage"),
        ok(page),
        ok("{}"),
        ok("null"),
        ok("<a/>"),
        ok("[1,"),
        Fault::Raw(b"\x16\x03\x01 not HTTP at all\r\n\r\n".to_vec()),
        Fault::Raw(Vec::new()),
    ];
    for fault in garbage {
        let what = format!("a listing answered with {fault:?}");
        listing.proxy.set(fault);
        let error = must_fail(listing.page().await, &what)?;
        let fits = matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Unavailable);
        ensure!(fits, "{what} is {}: {error}", error.kind());
    }
    Ok(())
}

/// A shorter list would make files vanish.
pub async fn a_truncated_list_is_an_error<F: Fixture>(fixture: &F) -> Verdict {
    for number in 0..20 {
        fixture.put(&format!("file {number}.txt"), b"x").await;
    }
    let listing = Listing::new(fixture).await?;
    let before = listing.proxy.bytes();
    listing.holds(20).await?;
    let whole = listing.proxy.bytes() - before;
    for cut in [whole / 20, whole / 2, whole - 1] {
        listing.proxy.set(Fault::CutBody(cut));
        let page = match listing.page().await {
            // The last byte may be framing, behind a compressed list that has proved itself whole.
            Ok(page) if cut + 1 == whole && page.items.len() == 20 => continue,
            page => page,
        };
        let error = must_fail(page, &format!("a list cut after {cut} of {whole} bytes"))?;
        let fits = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol);
        ensure!(fits, "a cut list is {}: {error}", error.kind());
    }
    Ok(())
}

/// A shorter file would pass for the whole. A connector may go on where the body broke off.
pub async fn a_truncated_body_is_an_error<F: Fixture>(fixture: &F) -> Verdict {
    let whole = bytes(500_000, 4);
    fixture.put("cut.bin", &whole).await;
    let entry = listed(fixture.connector()?.need_browse()?, "cut.bin").await?;
    let (proxy, connector) = proxied(fixture).await?;
    let download = connector.need_download()?;
    for cut in [0, 1, 250_000, 499_999] {
        proxy.set(Fault::CutBody(cut));
        let opened = match download.open(&entry, None).await {
            Ok(content) => content.collect(1_000_000).await,
            Err(error) => Err(error),
        };
        let error = match opened {
            // Nobody can go on where nothing ever comes.
            Ok(came) if cut > 0 && came == whole => continue,
            opened => must_fail(opened, &format!("a file cut after {cut} bytes"))?,
        };
        let fits = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout);
        ensure!(fits, "a cut file is {}: {error}", error.kind());
    }
    Ok(())
}

/// Pages nobody asked for cost calls and memory.
pub async fn one_page_is_one_call<F: Fixture>(fixture: &F) -> Verdict {
    for number in 0..20 {
        fixture.put(&format!("file {number}.txt"), b"x").await;
    }
    let (proxy, connector) = proxied(fixture).await?;
    let browse = connector.need_browse()?;
    let root = root(browse).await?;
    let before = proxy.seen().len();
    let page = browse.children(&root.id, PageRequest::first().limit(5)).await?;
    ensure!(page.next.is_some(), "20 files came on one page of at most 5");
    proxy.settled().await;
    let calls = proxy.seen().split_off(before);
    ensure!(calls.len() == 1, "one page took {} calls: {calls:?}", calls.len());
    Ok(())
}

const HUGE: usize = 64 << 20;

/// What may be in the buffers of sockets and of the HTTP client.
const BUFFERED: u64 = 16 << 20;

/// A body that is not polled is not fetched.
pub async fn nothing_is_read_ahead_of_need<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("huge.bin", &vec![7; HUGE]).await;
    let entry = listed(fixture.connector()?.need_browse()?, "huge.bin").await?;
    let (proxy, connector) = proxied(fixture).await?;
    let content = connector.need_download()?.open(&entry, None).await?;
    let idle = proxy.settled().await;
    ensure!(idle < BUFFERED, "{idle} bytes were fetched of a body that nobody read");
    let mut body = content.body;
    let Some(chunk) = body.next().await else { return Err("the body is empty".into()) };
    let chunk = chunk?.len() as u64;
    let after = proxy.settled().await;
    ensure!(after < BUFFERED + chunk, "{after} bytes were fetched when {chunk} were read");
    Ok(())
}

/// Nothing goes on behind the caller's back.
pub async fn dropping_a_body_stops_the_transfer<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("huge.bin", &vec![7; HUGE]).await;
    let entry = listed(fixture.connector()?.need_browse()?, "huge.bin").await?;
    let (proxy, connector) = proxied(fixture).await?;
    let mut body = connector.need_download()?.open(&entry, None).await?.body;
    let Some(chunk) = body.next().await else { return Err("the body is empty".into()) };
    chunk?;
    ensure!(proxy.open() == 1, "{} transfers are under way", proxy.open());
    drop(body);
    let gone = proxy.settled().await;
    ensure!(gone < BUFFERED * 2, "{gone} bytes of {HUGE} were fetched after the body was dropped");
    ensure!(proxy.open() == 0, "the transfer is still open after its body was dropped");
    Ok(())
}
