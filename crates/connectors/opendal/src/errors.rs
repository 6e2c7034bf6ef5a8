//! Errors: from OpenDAL's to ours, and through OpenDAL without loss.
//!
//! OpenDAL's messages and contexts hold addresses, headers and parts of answers. Nothing of them is
//! passed on, not even as a source: a log is no place for a signed address. What the client said
//! travels through OpenDAL as the source of its error and is taken out again.

use std::error::Error as StdError;

use catchment_core::{Error, ErrorKind, Result, Retry};
use suppaftp::{FtpError, Status};

/// What OpenDAL's error means. `path` is what was asked for, as a person knows it.
pub(crate) fn told(error: &opendal::Error, path: &str) -> Error {
    if let Some(ours) = causes(error).find_map(|cause| cause.downcast_ref::<Error>()) {
        return again(ours);
    }
    if let Some(remedy) = of_tls(error) {
        return Error::config("uri", remedy);
    }
    let (kind, message) = of_ftp(error).or_else(|| of_io(error)).unwrap_or_else(|| of_kind(error));
    let told = Error::new(kind, message).with("opendal", error.kind().into_static());
    if path.is_empty() { told } else { told.with("path", path) }
}

/// An error of ours on its way through OpenDAL, which goes by the kind.
pub(crate) fn through(error: Error) -> opendal::Error {
    let kind = match error.kind() {
        ErrorKind::NotFound => opendal::ErrorKind::NotFound,
        ErrorKind::Unauthenticated | ErrorKind::Forbidden => opendal::ErrorKind::PermissionDenied,
        ErrorKind::RateLimited => opendal::ErrorKind::RateLimited,
        ErrorKind::Conflict => opendal::ErrorKind::ConditionNotMatch,
        ErrorKind::Unreadable => opendal::ErrorKind::RangeNotSatisfied,
        ErrorKind::Config => opendal::ErrorKind::ConfigInvalid,
        ErrorKind::Unsupported => opendal::ErrorKind::Unsupported,
        _ => opendal::ErrorKind::Unexpected,
    };
    opendal::Error::new(kind, "").set_source(error)
}

/// The file is another one by now.
pub(crate) fn changed(path: &str) -> Error {
    Error::new(ErrorKind::Conflict, "the file has changed since it was listed: list it again").with("path", path)
}

/// An error of the folder that the settings name: the setting is wrong, not an item.
pub(crate) fn of_root(error: Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return error;
    }
    let remedy = "no such folder: correct uri, folder_path or the name of the bucket";
    error
        .context()
        .filter(|(name, _)| *name == "status")
        .fold(Error::config("folder_path", remedy), |error, pair| error.with(pair.0, pair.1))
}

/// The same error once more: it belongs to OpenDAL, and cannot be taken out.
fn again(error: &Error) -> Error {
    let same = Error::new(error.kind(), error.message().to_owned());
    let same = error.context().fold(same, |same, (name, value)| same.with(name, value));
    match error.retry() {
        Retry::After(wait) => same.retry_after(wait),
        Retry::Never => same.never_retry(),
        Retry::Backoff => same,
    }
}

fn of_kind(error: &opendal::Error) -> (ErrorKind, &'static str) {
    use opendal::ErrorKind as Theirs;
    match error.kind() {
        Theirs::NotFound | Theirs::NotADirectory => {
            (ErrorKind::NotFound, "not found: check the path, it may have been moved or deleted")
        }
        Theirs::PermissionDenied => {
            (ErrorKind::Forbidden, "the credential may not do this: check it, or have access granted")
        }
        Theirs::IsADirectory => (ErrorKind::Unsupported, "a folder has no content of its own: read the files in it"),
        Theirs::RateLimited => (ErrorKind::RateLimited, "the service asks for fewer calls: wait and try again"),
        Theirs::ConditionNotMatch | Theirs::Conflict => {
            (ErrorKind::Conflict, "somebody else is changing this or has changed it: list it again")
        }
        Theirs::RangeNotSatisfied => {
            (ErrorKind::Unreadable, "the content is shorter than the range asked for: list it again")
        }
        Theirs::ConfigInvalid => {
            (ErrorKind::Config, "the service cannot be set up or signed in to with these options: check them")
        }
        Theirs::Unsupported => (ErrorKind::Unsupported, "the service does not offer this"),
        _ if error.is_temporary() => {
            (ErrorKind::Unavailable, "the service is not available at the moment: try again later")
        }
        _ => (ErrorKind::Protocol, "the service answered something that cannot be understood: check the address"),
    }
}

/// What is wrong between a server of FTP and TLS. There is no code for a server that wants it: some refuse
/// the name, some the folder, each with a code that means something else besides, and say so in words.
fn of_tls(error: &opendal::Error) -> Option<&'static str> {
    match causes(error).find_map(|cause| cause.downcast_ref::<FtpError>())? {
        FtpError::SecureError(_) => Some(
            "TLS cannot be spoken with this server: it has to offer it, with a certificate for this very host, signed \
             by an authority that this machine trusts",
        ),
        FtpError::UnexpectedResponse(answer) if matches!(answer.status.code(), 500..=599) => {
            let words = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
            let wants = ["tls", "ssl", "encryption"].iter().any(|word| words.contains(word));
            wants.then_some("the server signs nobody in without TLS, or does not offer it: try ftps:// or ftp://")
        }
        _ => None,
    }
}

/// FTP knows one code for many refusals: a file that is not there and one that may not be read are
/// both 550.
fn of_ftp(error: &opendal::Error) -> Option<(ErrorKind, &'static str)> {
    Some(match causes(error).find_map(|cause| cause.downcast_ref::<FtpError>())? {
        FtpError::ConnectionError(cause) => of_cause(cause),
        FtpError::UnexpectedResponse(answer) => match answer.status {
            Status::NotLoggedIn | Status::InvalidCredentials => (
                ErrorKind::Unauthenticated,
                "the server does not accept user and password: correct them in options and secret_options",
            ),
            Status::NotAvailable => {
                (ErrorKind::Unavailable, "the server has no room for another connection: try again later")
            }
            // ProFTPD says 450 of a folder that is not there.
            Status::FileUnavailable | Status::RequestFileActionIgnored => {
                (ErrorKind::NotFound, "not found, or this user may not read it: check the path and the rights")
            }
            Status::CannotOpenDataConnection | Status::TransferAborted => {
                (ErrorKind::Unavailable, "the connection for the data broke: try again")
            }
            _ => (ErrorKind::Protocol, "the server answers with a code that does not belong here: check the address"),
        },
        // Also what an end without a word looks like.
        FtpError::BadResponse => (
            ErrorKind::Unavailable,
            "the server closed the connection or does not speak FTP: check the address, or try again later",
        ),
        _ => (ErrorKind::Protocol, "this FTP server breaks its own rules: check the address"),
    })
}

fn of_io(error: &opendal::Error) -> Option<(ErrorKind, &'static str)> {
    causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(of_cause)
}

fn of_cause(cause: &std::io::Error) -> (ErrorKind, &'static str) {
    match cause.kind() {
        std::io::ErrorKind::InvalidData => {
            (ErrorKind::Protocol, "the server answers with bytes that cannot be understood: check the address")
        }
        std::io::ErrorKind::TimedOut => (ErrorKind::Timeout, "the server did not answer in time: try again later"),
        _ => (ErrorKind::Unavailable, "the connection cannot be made or broke: check the address and the network"),
    }
}

fn causes<'a>(error: &'a opendal::Error) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let first: &'a (dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |error| (*error).source())
}

/// Waits for OpenDAL, if `patience` is limited.
///
/// # Errors
/// `Timeout`, or what OpenDAL's error means.
pub(crate) async fn within<T>(
    patience: Option<std::time::Duration>,
    path: &str,
    answer: impl Future<Output = opendal::Result<T>>,
) -> Result<T> {
    let answered = match patience {
        None => answer.await,
        Some(patience) => tokio::time::timeout(patience, answer)
            .await
            .map_err(|_| Error::new(ErrorKind::Timeout, "the server did not answer in time: try again later"))?,
    };
    answered.map_err(|error| told(&error, path))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use suppaftp::types::Response;

    use super::*;

    #[test]
    fn what_the_client_said_comes_through_whole() {
        let said = Error::new(ErrorKind::RateLimited, "wait").with("status", 429).retry_after(Duration::from_secs(9));
        let back = told(&through(said).with_context("uri", "https://h/?sig=hunter2"), "a");
        assert_eq!((back.kind(), back.retry()), (ErrorKind::RateLimited, Retry::After(Duration::from_secs(9))));
        assert_eq!((back.message(), back.get("status")), ("wait", Some("429")));
        assert!(!format!("{back:?}").contains("hunter2"), "{back:?}");
    }

    #[test]
    fn a_server_that_wants_tls_is_no_server_without_the_file() {
        let refused = |status: Status, body: &str| {
            let cause = FtpError::UnexpectedResponse(Response::new(status, body.as_bytes().to_vec()));
            told(&opendal::Error::new(opendal::ErrorKind::NotFound, "").set_source(cause), "a")
        };
        for (status, body) in [
            (Status::NotLoggedIn, "530 Non-anonymous sessions must use encryption."),
            (Status::FileUnavailable, "550 SSL/TLS required on the control channel"),
        ] {
            assert_eq!(refused(status, body).get("field"), Some("uri"), "{body}");
        }
        for (status, body) in
            [(Status::FileUnavailable, "550 No such file"), (Status::RequestFileActionIgnored, "450 a: No such file")]
        {
            assert_eq!(refused(status, body).kind(), ErrorKind::NotFound, "{body}");
        }
    }

    #[test]
    fn nothing_that_opendal_wrote_is_passed_on() {
        let error = opendal::Error::new(opendal::ErrorKind::Unexpected, "hunter2")
            .with_context("response", "hunter2")
            .set_source(std::io::Error::other("hunter2"));
        let told = told(&error, "a");
        assert!(!format!("{told} {told:?}").contains("hunter2") && StdError::source(&told).is_none(), "{told:?}");
    }
}
