//! Transfers: a body that broke off is taken up again on the same version, and held against its MD5.

use std::sync::Arc;

use bytes::Bytes;
use catchment_client::resumed;
use catchment_core::{Error, ErrorKind, Result};
use futures::{StreamExt, stream::BoxStream};
use md5::{Digest, Md5};

use crate::{
    config::ExportAs,
    entries::mark,
    wire::{Keyed, Part, Wire},
};

pub(crate) type Body = BoxStream<'static, Result<Bytes>>;

/// A transfer that can be taken up again, on the version it began with.
pub(crate) struct Transfer {
    pub(crate) wire: Arc<Wire>,
    pub(crate) id: String,
    pub(crate) key: Option<String>,
    /// What the version is known by.
    pub(crate) mark: Option<String>,
    pub(crate) insist: bool,
    /// The first byte.
    pub(crate) at: u64,
    /// The first byte not wanted.
    pub(crate) end: Option<u64>,
    pub(crate) may_be_html: bool,
}

impl Transfer {
    pub(crate) fn bytes(self, body: Body) -> Body {
        // Without a mark of the version the rest may be another's.
        let Some(end) = self.end.filter(|_| self.mark.is_some()) else { return body };
        let (at, transfer) = (self.at, Arc::new(self));
        resumed(body, at, end, move |at| {
            let transfer = Arc::clone(&transfer);
            async move { transfer.again(at).await }
        })
    }

    /// The rest from `at` on, if the file is still what it was. That is asked after the service has
    /// begun to answer: what it sends then is no later version than the one it names afterwards.
    async fn again(&self, at: u64) -> Result<Body> {
        let file = Keyed { id: &self.id, key: self.key.as_deref() };
        let expected = self.end.map(|end| end - at);
        let part = Part { from: at, until: self.end, expected, may_be_html: self.may_be_html };
        let body = self.wire.media(file, part, self.insist).await?.body;
        unchanged(self.mark.as_deref(), mark(&self.wire.file(file).await?, ExportAs::Office).as_deref())?;
        Ok(body)
    }
}

/// The bytes, and an error behind the last if they are not those of the hash.
pub(crate) fn whole(mut body: Body, hash: String) -> Body {
    let bytes = async_stream::try_stream! {
        let mut md5 = Md5::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            md5.update(&chunk);
            yield chunk;
        }
        if !hex::encode(md5.finalize()).eq_ignore_ascii_case(&hash) {
            let message = "the content is not what its MD5 says: it was damaged on the way, or replaced in the \
                           middle; list it again, then read it";
            Err(Error::new(ErrorKind::Conflict, message).with("hash", "md5"))?;
        }
    };
    bytes.boxed()
}

/// That a file is the version that was listed.
pub(crate) fn unchanged(wanted: Option<&str>, found: Option<&str>) -> Result<()> {
    match wanted {
        Some(wanted) if found != Some(wanted) => Err(Error::new(
            ErrorKind::Conflict,
            "the file has changed since it was listed: list it again, then read it",
        )),
        _ => Ok(()),
    }
}
