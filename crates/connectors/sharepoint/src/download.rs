//! Download: bytes from an address that lasts for minutes, of the version that was listed.

use std::sync::Arc;

use bytes::Bytes;
use catchment_client::{self as client, Url, segment};
use catchment_core::{ByteRange, Content, Download, Entry, Error, ErrorKind, Fingerprint, Result, async_trait};
use catchment_msgraph::Graph;
use futures::{StreamExt, stream::BoxStream};

use crate::{
    connection::Connection,
    integrity::{changed, is_same, judged},
    item::Item,
    place::Library,
    quickxor::QuickXor,
    whereabouts::Whereabouts,
};

type Body = BoxStream<'static, Result<Bytes>>;

#[async_trait]
impl Download for Connection {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        self.read(entry, range.unwrap_or(ByteRange::from(0))).await.map_err(|error| match error.get("path") {
            Some(_) => error,
            None => self.explained(error).with("path", &entry.path),
        })
    }
}

impl Connection {
    async fn read(&self, entry: &Entry, range: ByteRange) -> Result<Content> {
        let (library, id) = self.target(&entry.id, &entry.path).await?;
        let file = RemoteFile {
            graph: self.graph.clone(),
            library: Arc::clone(&library),
            id: id.to_owned(),
            plain: self.cloud.allows_http(),
        };
        let item = file.look().await?;
        if Whereabouts::new(self, &library).path(&item).await?.is_none() {
            return Err(Error::not_found(&entry.path));
        }
        let now = item.entry(&library.drive, entry.path.clone());
        match &now.kind {
            catchment_core::EntryKind::File => {}
            catchment_core::EntryKind::Container => {
                return Err(Error::unsupported("a folder has no content of its own: read the files in it"));
            }
            catchment_core::EntryKind::Special(reason) => {
                return Err(Error::new(ErrorKind::Unreadable, reason.clone()));
            }
        }
        if entry.fingerprint.is_some() && entry.fingerprint != now.fingerprint {
            return Err(changed());
        }
        let (version, mime) = (now.fingerprint.as_ref().map(Fingerprint::as_str).map(str::to_owned), item.mime());
        if range.length == Some(0) || item.size().is_some_and(|size| range.length_in(size) == 0) {
            return Ok(Content { version, mime, ..Content::bytes("") });
        }
        let until = range.length.map(|length| range.offset.saturating_add(length));
        let (item, download) = file.stream(item, range.offset, until).await?;
        let (size, file, item) = (download.size, Arc::new(file), Arc::new(item));
        let mut body = match size.map(|size| range.offset.saturating_add(size)) {
            Some(end) => file.goes_on(&item, download.body, range.offset, end),
            None => download.body,
        };
        if let Some(hash) = item.hash().map(str::to_owned).filter(|_| range == ByteRange::from(0)) {
            body = file.whole(&item, body, hash);
        }
        Ok(Content { size, version, mime, body })
    }
}

/// A file, and how its bytes are got.
struct RemoteFile {
    graph: Graph,
    library: Arc<Library>,
    id: String,
    /// Whether its bytes may come over http://.
    plain: bool,
}

impl RemoteFile {
    /// What Graph says of it now, with a new address of its bytes.
    async fn look(&self) -> Result<Item> {
        let path = format!("drives/{}/items/{}", segment(&self.library.drive), segment(&self.id));
        // Without `$select`, which leaves the address out.
        self.graph.one(self.graph.get(path)).await
    }

    /// The same, as long as it is the version of `item`.
    async fn look_again(&self, item: &Item) -> Result<Item> {
        let again = self.look().await?;
        if is_same(item, &again) { Ok(again) } else { Err(changed()) }
    }

    /// Opens the bytes from `at` on. An address that has lapsed meanwhile is fetched again, once.
    async fn stream(&self, item: Item, at: u64, end: Option<u64>) -> Result<(Item, client::Download)> {
        match self.fetch(&item, at, end).await {
            Err(error) if has_lapsed(&error) => {
                let item = self.look_again(&item).await?;
                let download = self.fetch(&item, at, end).await?;
                Ok((item, download))
            }
            download => Ok((item, download?)),
        }
    }

    /// The body, taken up again where it breaks off, as long as it is the version of `item`.
    fn goes_on(self: &Arc<Self>, item: &Arc<Item>, body: Body, at: u64, end: u64) -> Body {
        let (file, item) = (Arc::clone(self), Arc::clone(item));
        client::resumed(body, at, end, move |at| {
            let (file, item) = (Arc::clone(&file), Arc::clone(&item));
            async move {
                // The address may have lapsed since, so a new one is got in any case.
                let again = file.look_again(&item).await?;
                Ok(file.stream(again, at, Some(end)).await?.1.body)
            }
        })
    }

    /// The body, and an error behind the last byte if it is not what its hash says.
    fn whole(self: &Arc<Self>, item: &Arc<Item>, mut body: Body, wanted: String) -> Body {
        let (file, item) = (Arc::clone(self), Arc::clone(item));
        let bytes = async_stream::try_stream! {
            let mut hash = QuickXor::new();
            while let Some(chunk) = body.next().await {
                let chunk = chunk?;
                hash.update(&chunk);
                yield chunk;
            }
            let found = hash.finish();
            if found != wanted {
                judged(&item, &file.look().await?, &found)?;
            }
        };
        bytes.boxed()
    }

    /// No credential goes along: the address is one, and belongs to another host.
    async fn fetch(&self, item: &Item, at: u64, end: Option<u64>) -> Result<client::Download> {
        let url = item.download_url.as_deref().ok_or_else(|| {
            let remedy = "the content is not given out: a policy of the site may forbid downloads, ask its owner";
            Error::new(ErrorKind::Forbidden, remedy)
        })?;
        let secure = Url::parse(url).is_ok_and(|url| url.scheme() == "https" || self.plain);
        if !secure {
            return Err(Error::protocol("the content is offered at an address that is not https://"));
        }
        let call = self.graph.signed(url);
        match (at, end) {
            (0, None) => call,
            (at, None) => call.range(at..),
            // A range that reaches past the end is cut by the host.
            (at, Some(end)) => call.range(at..end),
        }
        .stream()
        .await
    }
}

/// What hosts of content say of an address that is no longer good.
fn has_lapsed(error: &Error) -> bool {
    matches!(error.get("status"), Some("401" | "403" | "404" | "410"))
}
