//! What a connector promises of a transfer that breaks off and goes on: by itself, or when whoever reads
//! opens the rest of the same version.

use std::sync::Arc;

use catchment_core::{ByteRange, Connector, Download, Entry, ErrorKind, Fingerprint};
use futures::StreamExt;

use crate::{
    fixture::{Connected, Fixture, bytes, listed},
    tcp::{TcpProxy, Trouble},
    verdict::{Broken, Verdict, ensure},
};

/// Longer than what a connection says before a body begins, and several pieces of it.
const CUT: u64 = 1 << 20;

/// A few cuts.
const SIZE: usize = 5 * CUT as usize / 2;

/// A connector whose bodies break off.
pub(crate) struct Cut<'a, F> {
    fixture: &'a F,
    pub(crate) connector: Arc<dyn Connector>,
    /// `None`: the source breaks them off itself.
    proxy: Option<TcpProxy>,
}

impl<'a, F: Fixture> Cut<'a, F> {
    pub(crate) async fn new(fixture: &'a F) -> Verdict<Self> {
        if fixture.cut_bodies(Some(CUT)) {
            return Ok(Self { fixture, connector: fixture.connector()?, proxy: None });
        }
        let server = fixture.server_address()?;
        let proxy = TcpProxy::start(server).await.map_err(|error| Broken::from(format!("no proxy: {error}")))?;
        proxy.set(Trouble::CutAfter(CUT));
        let connector = fixture.connect(fixture.settings_at(proxy.address()))?;
        Ok(Self { fixture, connector, proxy: Some(proxy) })
    }

    fn stop(&self) {
        match &self.proxy {
            Some(proxy) => proxy.set(Trouble::None),
            None => {
                self.fixture.cut_bodies(None);
            }
        }
    }
}

/// What has come of a file, and the version it is of.
#[derive(Default)]
pub(crate) struct Part {
    bytes: Vec<u8>,
    version: Option<String>,
    /// How often it broke off.
    breaks: usize,
}

impl Part {
    /// Reads to the end, opening the rest whenever it breaks off; `midway` happens each time after
    /// the first bytes have come.
    pub(crate) async fn read(
        &mut self,
        download: &dyn Download,
        entry: &Entry,
        midway: impl Fn() -> Verdict,
    ) -> Verdict {
        while !self.attempt(download, entry, &midway).await? {
            ensure!(self.breaks < 20, "after 20 attempts {} bytes of a body have come", self.bytes.len());
        }
        Ok(())
    }

    /// To the end, or to an error, which has to be one that passes.
    async fn attempt(
        &mut self,
        download: &dyn Download,
        entry: &Entry,
        midway: &impl Fn() -> Verdict,
    ) -> Verdict<bool> {
        let range = (!self.bytes.is_empty()).then(|| ByteRange::from(self.bytes.len() as u64));
        let came = match download.open(entry, range).await {
            Err(error) => Err(error),
            Ok(content) => {
                let began = self.bytes.is_empty();
                ensure!(began || content.version == self.version, "the rest came as {:?}", content.version);
                self.version.clone_from(&content.version);
                let mut body = content.exact().body;
                let mut waits = true;
                loop {
                    match body.next().await {
                        None => break Ok(()),
                        Some(Ok(chunk)) => self.bytes.extend_from_slice(&chunk),
                        Some(Err(error)) => break Err(error),
                    }
                    if std::mem::take(&mut waits) {
                        midway()?;
                    }
                }
            }
        };
        let Err(error) = came else { return Ok(true) };
        let passes = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout);
        ensure!(passes, "a body that broke off after {} bytes is {}: {error}", self.bytes.len(), error.kind());
        self.breaks += 1;
        Ok(false)
    }

    /// That it is this content.
    pub(crate) fn is(&self, content: &[u8]) -> Verdict {
        ensure!(
            self.bytes == content,
            "{} bytes came, others than the {} that were put",
            self.bytes.len(),
            content.len()
        );
        Ok(())
    }
}

/// Puts a file that takes a few cuts, and lists it.
pub(crate) async fn large<F: Fixture>(fixture: &F) -> Verdict<(Vec<u8>, Entry)> {
    let content = bytes(SIZE, 9);
    fixture.put("large.bin", &content).await;
    let entry = listed(fixture.connector()?.need_browse()?, "large.bin").await?;
    Ok((content, entry))
}

/// Again and again, to the last byte.
pub async fn a_body_that_breaks_off_goes_on<F: Fixture>(fixture: &F) -> Verdict {
    let (content, entry) = large(fixture).await?;
    let cut = Cut::new(fixture).await?;
    let mut part = Part::default();
    part.read(cut.connector.need_download()?, &entry, || Ok(())).await?;
    part.is(&content)
}

/// Two versions never make one file.
pub async fn what_goes_on_is_the_version_it_began_with<F: Fixture>(fixture: &F) -> Verdict {
    let (first, entry) = large(fixture).await?;
    let second = bytes(SIZE, 10);
    let cut = Cut::new(fixture).await?;
    let content = cut.connector.need_download()?.open(&entry, None).await?;
    let began = content.version.clone();
    let mut body = content.exact().body;
    let Some(chunk) = body.next().await else { return Err("the body is empty".into()) };
    let mut came = chunk?.to_vec();
    fixture.put("large.bin", &second).await;
    cut.stop();
    let ended = loop {
        match body.next().await {
            None => break Ok(()),
            Some(Ok(chunk)) => came.extend_from_slice(&chunk),
            Some(Err(error)) => break Err(error),
        }
    };
    if ended.is_ok() {
        ensure!(came == first, "{} bytes ended well that are not the version it began with", came.len());
        return Ok(());
    }
    // Whoever reads opens the rest, and is told that it is of another version, if not what came was.
    let rest = match cut.connector.need_download()?.open(&entry, Some(ByteRange::from(came.len() as u64))).await {
        Ok(content) if content.version != began => return Ok(()),
        Ok(content) => content.collect(2 * SIZE as u64).await,
        Err(error) => Err(error),
    };
    match rest {
        Ok(rest) => {
            ensure!([came, rest].concat() == first, "the rest of another version came as the one it began with")
        }
        Err(error) => ensure!(error.kind() == ErrorKind::Conflict, "a changed file is {}: {error}", error.kind()),
    }
    let listed = entry.fingerprint.as_ref().map(Fingerprint::as_str);
    ensure!(listed.is_none() || began.as_deref() == listed, "listed as {listed:?}, it began as {began:?}");
    Ok(())
}
