//! What a connector promises that speaks to a server over a connection that is not HTTP, whatever
//! becomes of the connection. It may connect again and go on; what it gives is never less.

use std::{sync::Arc, time::Duration};

use catchment_core::{Connector, ErrorKind, PageRequest};
use futures::StreamExt;

use crate::{
    fixture::{Connected, Fixture, bytes, listed, root},
    listing::{children, files},
    network,
    tcp::{TcpProxy, Trouble},
    verdict::{Broken, Verdict, ensure, must_fail},
};

/// The proxy in front of the fixture's server, and a connector that goes through it.
async fn proxied<F: Fixture>(fixture: &F) -> Verdict<(TcpProxy, Arc<dyn Connector>)> {
    let server = fixture.server_address()?;
    let proxy = if fixture.is_ftp() { TcpProxy::start_ftp(server).await } else { TcpProxy::start(server).await };
    let proxy = proxy.map_err(|error| Broken::from(format!("no proxy: {error}")))?;
    let connector = fixture.connect(fixture.settings_at(proxy.address()))?;
    Ok((proxy, connector))
}

/// Each credential by itself.
pub async fn a_wrong_credential_is_refused<F: Fixture>(fixture: &F) -> Verdict {
    network::a_wrong_credential_is_unauthenticated(fixture).await
}

/// And says so in good time.
pub async fn a_server_that_went_away_is_unavailable<F: Fixture>(fixture: &F) -> Verdict {
    network::a_server_that_is_down_is_unavailable(fixture).await?;
    let (proxy, connector) = proxied(fixture).await?;
    connector.need_browse()?.lookup("").await?;
    connector.check().await?;
    proxy.set(Trouble::Close);
    proxy.cut();
    let error = must_fail(connector.check().await, "a check of a server that closes every connection")?;
    let fits = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited);
    ensure!(fits, "a server that closes every connection is {}: {error}", error.kind());
    Ok(())
}

/// Whatever it is, it is not an empty list.
pub async fn what_is_no_protocol_is_an_error<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("file.txt", b"x").await;
    for nonsense in [
        &b""[..],
        b"\0\0\0\0\0\0\0\0",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"SSH-2.0-nonsense\r\n\xff\xff\xff\xff\xff\xff\xff\xff",
        b"220 ready\r\n",
        &[0xff; 4096],
    ] {
        let (proxy, connector) = proxied(fixture).await?;
        proxy.set(Trouble::Nonsense(nonsense.to_vec()));
        let page = connector.need_browse()?.children(&"".into(), PageRequest::first()).await;
        let error = must_fail(page, &format!("a listing by a server that says {nonsense:?}"))?;
        let fits = matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Unavailable | ErrorKind::Timeout);
        ensure!(fits, "nonsense is {}: {error}", error.kind());
    }
    Ok(())
}

/// The fixture's settings bring a time-out that a test can wait for.
pub async fn a_silent_server_is_given_up<F: Fixture>(fixture: &F) -> Verdict {
    let (proxy, connector) = proxied(fixture).await?;
    proxy.set(Trouble::Silence);
    let answer = tokio::time::timeout(Duration::from_secs(60), connector.check()).await;
    let Ok(answer) = answer else { return Err("a check of a server that is silent takes over a minute".into()) };
    let error = must_fail(answer, "a check of a server that is silent")?;
    let fits = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout);
    ensure!(fits, "a silent server is {}: {error}", error.kind());
    Ok(())
}

/// A shorter list would make files vanish.
pub async fn a_cut_listing_is_never_shorter<F: Fixture>(fixture: &F) -> Verdict {
    let mut wanted = Vec::new();
    for number in 100..160 {
        let name = format!("file {number}.txt");
        fixture.put(&name, b"x").await;
        wanted.push(name);
    }
    // How many bytes it takes from the first of a connection to the end of the listing.
    let (proxy, connector) = proxied(fixture).await?;
    let browse = connector.need_browse()?;
    let root_id = root(browse).await?.id;
    let all = files(&children(browse, &root_id).await?);
    ensure!(all == wanted, "listed {all:?}");
    let whole = proxy.settled().await;
    for cut in [whole / 20, whole / 2, whole - whole / 10, whole - 600, whole - 100] {
        let (proxy, connector) = proxied(fixture).await?;
        proxy.set(Trouble::CutAfter(cut));
        let browse = connector.need_browse()?;
        match browse.children(&root_id, PageRequest::first()).await {
            Ok(page) => {
                let came = files(&page.items);
                let more = page.next.is_some();
                ensure!(more || came == wanted, "cut after {cut} of {whole} bytes, the listing holds {came:?}");
            }
            Err(error) => {
                let fits = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol);
                ensure!(fits, "a cut list is {}: {error}", error.kind());
            }
        }
    }
    Ok(())
}

/// A shorter file would pass for the whole.
pub async fn a_cut_body_is_never_shorter<F: Fixture>(fixture: &F) -> Verdict {
    let content = bytes(500_000, 4);
    fixture.put("cut.bin", &content).await;
    let entry = listed(fixture.connector()?.need_browse()?, "cut.bin").await?;
    for cut in [300_000, 450_000, 499_999] {
        let (proxy, connector) = proxied(fixture).await?;
        proxy.set(Trouble::CutAfter(cut));
        let opened = match connector.need_download()?.open(&entry, None).await {
            Ok(content) => content.collect(1_000_000).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(came) => ensure!(came == content, "cut after {cut} bytes, {} others came", came.len()),
            Err(error) => {
                let fits = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout);
                ensure!(fits, "a cut file is {}: {error}", error.kind());
            }
        }
    }
    Ok(())
}

const HUGE: usize = 64 << 20;

/// What may be in the buffers of sockets and of the client.
const BUFFERED: u64 = 16 << 20;

/// A body that is not polled is not fetched.
pub async fn nothing_flows_ahead_of_need<F: Fixture>(fixture: &F) -> Verdict {
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

/// Nothing goes on behind the caller's back; the connection may stay for the next call.
pub async fn a_dropped_body_stops_flowing<F: Fixture>(fixture: &F) -> Verdict {
    fixture.put("huge.bin", &vec![7; HUGE]).await;
    let entry = listed(fixture.connector()?.need_browse()?, "huge.bin").await?;
    let (proxy, connector) = proxied(fixture).await?;
    let mut body = connector.need_download()?.open(&entry, None).await?.body;
    let Some(chunk) = body.next().await else { return Err("the body is empty".into()) };
    chunk?;
    drop(body);
    let gone = proxy.settled().await;
    ensure!(gone < BUFFERED * 2, "{gone} bytes of {HUGE} were fetched after the body was dropped");
    drop(connector);
    let mut turns = 0;
    while proxy.open() > 0 {
        ensure!(turns < 100, "the connection is still open after its connector was dropped");
        turns += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
