//! Reading: the tip version of an item, from a signed address at another host.

use std::sync::Arc;

use bytes::Bytes;
use catchment_client::resumed;
use catchment_core::{ByteRange, Content, Download, Entry, Error, ErrorKind, Fingerprint, Result, async_trait};
use futures::{StreamExt, stream::BoxStream};
use sha1::{Digest, Sha1};

use crate::{connection::Connection, ids::Place, json::Signed, listing::NO_CONTENT, wire::Wire};

/// What ids of objects begin with; bucket and key follow.
const OBJECT: &str = "urn:adsk.objects:os.object:";

type Body = BoxStream<'static, Result<Bytes>>;

#[async_trait]
impl Download for Connection {
    async fn open(&self, entry: &Entry, range: Option<ByteRange>) -> Result<Content> {
        self.read(entry, range.unwrap_or(ByteRange::from(0))).await.map_err(|error| match error.get("path") {
            Some(_) => error,
            None => error.with("path", &entry.path),
        })
    }
}

impl Connection {
    async fn read(&self, entry: &Entry, range: ByteRange) -> Result<Content> {
        let Place::Item(project, id) = Place::of(&entry.id)? else {
            return Err(Error::unsupported("a folder has no content of its own: read the files in it"));
        };
        let found = self.wire.item(&project, &id).await?;
        let (item, tip) = (&found.data, found.data.related("tip"));
        let version = found.included.iter().find(|one| Some(one.id.as_str()) == tip);
        let parent = item.related("parent").map(|parent| Place::Folder(project, parent.to_owned()));
        let (Some(parent), Some(version), false) = (parent, version, item.is_deleted()) else {
            return Err(Error::not_found(&entry.path));
        };
        if version.is_deleted() {
            return Err(Error::not_found(&entry.path));
        }
        // What lies outside the root is not there.
        self.tree.path(&self.wire, self.root().await?, &parent).await?;
        if entry.fingerprint.as_ref().map(Fingerprint::as_str).is_some_and(|listed| listed != version.id) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the file has a newer version than the one that was listed: list it again, then read it",
            ));
        }
        let object = version.related("storage").and_then(|id| id.strip_prefix(OBJECT)?.split_once('/'));
        let Some((bucket, key)) = object else { return Err(Error::new(ErrorKind::Unreadable, NO_CONTENT)) };
        let object = Object { wire: Arc::clone(&self.wire), bucket: bucket.to_owned(), key: key.to_owned() };
        let signed = object.sign().await?;
        let whole = signed.size.or(version.attributes.storage_size);
        let version = Some(version.id.clone());
        // A range of nothing cannot be asked for.
        if range.length == Some(0) || whole.is_some_and(|whole| range.length_in(whole) == 0) {
            return Ok(Content { size: Some(0), version, mime: None, body: futures::stream::empty().boxed() });
        }
        let end = match (range.length, whole) {
            (_, Some(whole)) => Some(range.offset + range.length_in(whole)),
            (Some(length), None) => Some(range.offset.saturating_add(length)),
            (None, None) => None,
        };
        let (at, from_the_start) = (range.offset, range.offset == 0 && end == whole);
        let hash = signed.sha1.clone().filter(|_| from_the_start);
        let until = end.filter(|_| !from_the_start);
        let download = object.bytes(signed.url.as_deref(), at, until).await?;
        let size = download.size.or(end.map(|end| end - at));
        let body = match size.map(|size| at + size) {
            Some(end) => {
                // The first address may have expired by then.
                let object = Arc::new(object);
                resumed(download.body, at, end, move |at| {
                    let object = Arc::clone(&object);
                    async move { Ok(object.bytes(None, at, Some(end)).await?.body) }
                })
            }
            None => download.body,
        };
        Ok(Content { size, version, mime: None, body: checked(body, hash) })
    }
}

/// The bytes of a version: an object, which never changes.
struct Object {
    wire: Arc<Wire>,
    bucket: String,
    key: String,
}

impl Object {
    async fn sign(&self) -> Result<Signed> {
        let signed = self.wire.sign(&self.bucket, &self.key).await?;
        match (signed.status.as_str(), &signed.url) {
            ("complete" | "fallback", Some(_)) => Ok(signed),
            ("chunked", _) => Err(Error::new(
                ErrorKind::Unavailable,
                "Autodesk has not put the uploaded parts together yet: try again later",
            )),
            _ => Err(Error::protocol("Autodesk gives no address for the content")),
        }
    }

    /// The bytes from `at`; `url` is an address that was just given. One that has expired is asked
    /// for once more.
    async fn bytes(&self, url: Option<&str>, at: u64, until: Option<u64>) -> Result<catchment_client::Download> {
        let fresh = match url {
            Some(url) => match self.wire.bytes(url, at, until).await {
                Err(error) if expired(&error) => self.sign().await?,
                answer => return answer,
            },
            None => self.sign().await?,
        };
        let url = fresh.url.unwrap_or_default();
        self.wire.bytes(&url, at, until).await.map_err(|error| {
            if !expired(&error) {
                return error;
            }
            // Nothing is wrong with the person's rights: the address was given a moment ago.
            let message = "the store refuses an address that Autodesk has just signed: check this machine's clock and \
                           proxy, then try again";
            Error::new(ErrorKind::Unavailable, message).source(error)
        })
    }
}

/// Whether a signed address is not honoured any more.
fn expired(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unauthenticated)
}

/// The bytes, and an error behind the last if they are not those of the hash.
fn checked(mut body: Body, hash: Option<String>) -> Body {
    let bytes = async_stream::try_stream! {
        let mut sha1 = hash.is_some().then(Sha1::new);
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            if let Some(sha1) = &mut sha1 {
                sha1.update(&chunk);
            }
            yield chunk;
        }
        let found = sha1.map(|sha1| sha1.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        if found != hash.map(|hash| hash.to_ascii_lowercase()) {
            Err(Error::new(
                ErrorKind::Unreadable,
                "the content is not what its SHA-1 says: it was damaged on the way, import again",
            ))?;
        }
    };
    bytes.boxed()
}
