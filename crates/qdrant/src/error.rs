//! What Qdrant says, and what a person can do about it.

use std::time::Duration;

use catchment_core::{Error, ErrorKind, Retry};
use qdrant_client::QdrantError;
use tonic::{Code, Status};

/// Turns an error of the client into one that says what to do.
pub(crate) fn qdrant_error(error: QdrantError) -> Error {
    let mapped = match &error {
        QdrantError::ResponseError { status } => of_status(status),
        QdrantError::ResourceExhaustedError { retry_after_seconds, .. } => {
            busy().retry_after(Duration::from_secs(*retry_after_seconds))
        }
        _ => Error::internal("the qdrant client failed: report this with the log"),
    };
    mapped.source(error)
}

fn of_status(status: &Status) -> Error {
    let (kind, message) = match status.code() {
        Code::Unauthenticated => {
            (ErrorKind::Unauthenticated, "qdrant does not accept the API key: set the one the server was started with")
        }
        Code::PermissionDenied => (
            ErrorKind::Forbidden,
            "the API key may not do this: use one that may read, write and manage the collection",
        ),
        Code::NotFound => (
            ErrorKind::Config,
            "the collection, or something in it, is gone: start again to have it made anew, then import again",
        ),
        Code::ResourceExhausted => return busy(),
        Code::OutOfRange => (ErrorKind::TooLarge, "a message is over qdrant's limit: set a smaller batch_bytes"),
        Code::Unimplemented => (ErrorKind::Config, "this qdrant is too old: update it to 1.18 or later"),
        Code::DeadlineExceeded | Code::Cancelled => return timeout(),
        Code::Internal | Code::Unknown if is_full(status) => {
            (ErrorKind::Unavailable, "qdrant's disk is full: free space or add a node, then try again")
        }
        Code::Internal | Code::Unknown | Code::Unavailable | Code::Aborted => (
            ErrorKind::Unavailable,
            "qdrant does not answer: check its address, that it runs, and that the port is the one for gRPC",
        ),
        _ => (ErrorKind::Internal, "qdrant refused a request as wrong: report this with the log"),
    };
    Error::new(kind, message).with("grpc", format_args!("{:?}", status.code()))
}

fn is_full(status: &Status) -> bool {
    ["No space left", "disk space"].iter().any(|sign| status.message().contains(sign))
}

fn busy() -> Error {
    Error::new(ErrorKind::RateLimited, "qdrant is at its limit: try again later, or give it more room")
}

/// No answer in time.
pub(crate) fn timeout() -> Error {
    Error::new(ErrorKind::Timeout, "qdrant did not answer in time: check its load, or give it a longer timeout")
}

/// What is there is not what was put there.
pub(crate) fn damaged() -> Error {
    Error::new(ErrorKind::Unavailable, "the index is damaged: restore the collection from a snapshot, or import again")
        .never_retry()
}

/// Whether the same call may succeed soon.
pub(crate) fn passes(error: &Error) -> bool {
    error.retry() != Retry::Never
}

/// How long to wait: as long as the server says, or as long as we would.
pub(crate) fn wait(error: &Error, ours: Option<Duration>) -> Option<Duration> {
    match (error.retry(), ours) {
        (Retry::After(theirs), Some(ours)) => Some(theirs.max(ours)),
        (_, ours) => ours,
    }
}

/// Whether a point that was to be changed is not there.
pub(crate) fn is_missing_point(error: &QdrantError) -> bool {
    matches!(error, QdrantError::ResponseError { status }
        if status.code() == Code::NotFound && status.message().contains("No point with id"))
}

/// Whether what was to be made is there already.
pub(crate) fn exists_already(error: &QdrantError) -> bool {
    matches!(error, QdrantError::ResponseError { status }
        if status.code() == Code::AlreadyExists || status.message().contains("already exists"))
}
