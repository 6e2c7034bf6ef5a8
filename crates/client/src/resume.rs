//! Bodies that are taken up again where they broke off.

use std::future::Future;

use bytes::Bytes;
use catchment_core::{Result, Retry};
use futures::{StreamExt, stream::BoxStream};

/// How often a body is taken up again without much coming in between.
const RESUMES: u32 = 3;

/// What counts as much, in bytes.
const PROGRESS: u64 = 1 << 20;

/// A body of the bytes from `at` until before `end` that goes on where it breaks off: `reopen` gives
/// the bytes from a place on, of the version the body began with. After three attempts that brought
/// less than a MiB each, or an error that time does not heal, the error is the body's. Dropping the
/// stream ends the transfer.
pub fn resumed<Reopen, Reopening>(
    mut body: BoxStream<'static, Result<Bytes>>,
    mut at: u64,
    end: u64,
    reopen: Reopen,
) -> BoxStream<'static, Result<Bytes>>
where
    Reopen: Fn(u64) -> Reopening + Send + 'static,
    Reopening: Future<Output = Result<BoxStream<'static, Result<Bytes>>>> + Send,
{
    let bytes = async_stream::try_stream! {
        let (mut left, mut came) = (RESUMES, 0);
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => {
                    at += chunk.len() as u64;
                    came += chunk.len() as u64;
                    yield chunk;
                }
                Err(error) => {
                    if came >= PROGRESS {
                        left = RESUMES;
                    }
                    if left == 0 || at >= end || error.retry() == Retry::Never {
                        Err(error)?;
                    }
                    (left, came) = (left - 1, 0);
                    body = reopen(at).await?;
                }
            }
        }
    };
    bytes.boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use catchment_core::{Error, ErrorKind};
    use futures::{StreamExt, TryStreamExt, stream};

    use super::*;

    fn piece(bytes: &'static str, error: Option<ErrorKind>) -> BoxStream<'static, Result<Bytes>> {
        let error = error.map(|kind| Err(Error::new(kind, "the transfer broke: try again")));
        stream::iter([Ok(Bytes::from(bytes))].into_iter().chain(error)).boxed()
    }

    /// What comes of the pieces, and from where they were asked for.
    async fn read(kind: ErrorKind, pieces: &[&'static str]) -> (Result<String>, Vec<u64>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let left = Arc::new(Mutex::new(pieces[1..].iter().rev().copied().collect::<Vec<_>>()));
        let seen = Arc::clone(&asked);
        let reopen = move |at| {
            seen.lock().expect("asked").push(at);
            let mut left = left.lock().expect("pieces");
            let next = left.pop().unwrap_or_default();
            let error = (!left.is_empty()).then_some(ErrorKind::Unavailable);
            async move { Ok(piece(next, error)) }
        };
        let body = resumed(piece(pieces[0], Some(kind)), 0, 6, reopen);
        let came: Result<Vec<Bytes>> = body.try_collect().await;
        let asked = asked.lock().expect("asked").clone();
        (came.map(|came| String::from_utf8_lossy(&came.concat()).into_owned()), asked)
    }

    #[tokio::test]
    async fn a_body_goes_on_where_it_broke_off() {
        let (came, asked) = read(ErrorKind::Unavailable, &["ab", "cd", "ef"]).await;
        assert_eq!((came.expect("whole").as_str(), asked), ("abcdef", vec![2, 4]));
    }

    #[tokio::test]
    async fn an_error_that_stays_is_not_met_by_asking_again() {
        let (came, asked) = read(ErrorKind::Conflict, &["ab", "cdef"]).await;
        assert_eq!((came.expect_err("changed").kind(), asked), (ErrorKind::Conflict, Vec::new()));
    }

    #[tokio::test]
    async fn a_body_that_brings_nothing_is_given_up() {
        let (came, asked) = read(ErrorKind::Unavailable, &["a", "", "", "", "", "", ""]).await;
        assert_eq!((came.expect_err("given up").kind(), asked.len()), (ErrorKind::Unavailable, 3));
    }
}
