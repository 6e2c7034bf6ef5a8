//! From what servers, networks and libraries say to errors a person can act on. Each names the
//! step that failed: network, host key, login, subsystem or path.

use catchment_core::{Error, ErrorKind};
use russh::AlgorithmKind;

use crate::packets::Status;

/// The error of an item at `path`, as a person reads it.
pub(crate) fn of_status(status: Status, path: &str) -> Error {
    let ours = match status {
        Status::NO_SUCH_FILE | Status::NO_SUCH_PATH => return Error::not_found(path),
        Status::PERMISSION_DENIED => Error::new(
            ErrorKind::Forbidden,
            "the server lets this user not read this: grant the right, or connect another folder",
        ),
        Status::UNSUPPORTED => Error::unsupported("the server does not know this operation"),
        Status::NO_CONNECTION | Status::CONNECTION_LOST => {
            Error::new(ErrorKind::Unavailable, "the server has lost its storage: try again later")
        }
        Status::BAD_MESSAGE => Error::protocol("the server did not understand a correct request"),
        _ => Error::new(ErrorKind::Unreadable, "the server could not read this: check it there"),
    };
    ours.with("path", path).with("status", status.0)
}

/// The connection ended while an answer was awaited.
pub(crate) fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the connection to the server was lost: try again").with("step", "network")
}

/// No answer in time.
pub(crate) fn silent(step: &'static str) -> Error {
    Error::new(ErrorKind::Timeout, "the server did not answer in time: try again, or raise timeout_seconds")
        .with("step", step)
}

/// The file is another one than was listed, or is becoming one.
pub(crate) fn changed(path: &str) -> Error {
    Error::new(ErrorKind::Conflict, "the file has changed since it was listed: list it again, then read it")
        .with("path", path)
}

/// What became of the SSH connection, before anybody was logged in or after.
pub(crate) fn of_ssh(error: russh::Error, step: &'static str) -> Error {
    use russh::Error as Ssh;
    let ours = match &error {
        Ssh::NoCommonAlgo { kind: AlgorithmKind::Key, .. } => {
            return Error::config(
                "host_key",
                "the server has no host key of a kind that was pinned, or none that is understood (certificates, DSA \
                 and RSA with SHA-1 are not), so nothing was sent to it: pin one of the keys its operator names",
            )
            .with("step", "host key")
            .source(error);
        }
        Ssh::NoCommonAlgo { kind, .. } => {
            Error::config("url", "the server knows only methods of encryption that are no longer safe: have it updated")
                .with("of", format_args!("{kind:?}").to_string().to_lowercase())
        }
        Ssh::Version => Error::protocol("this is no SSH server: check host and port").with("field", "url"),
        Ssh::ConnectionTimeout | Ssh::KeepaliveTimeout | Ssh::InactivityTimeout | Ssh::Elapsed(_) => {
            return silent(step).source(error);
        }
        Ssh::Kex | Ssh::KexInit | Ssh::PacketAuth | Ssh::PacketSize(_) | Ssh::WrongServerSig | Ssh::DecryptionError => {
            Error::protocol("the server breaks the rules of SSH: try again, or have it updated")
        }
        _ => Error::new(
            ErrorKind::Unavailable,
            "the server closed the connection: try again later; it may allow only so many at a time",
        ),
    };
    ours.with("step", step).source(error)
}

/// The same error once more, for those who come too soon after it.
pub(crate) fn again(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.message().to_owned());
    error.context().fold(copy, |copy, (name, value)| copy.with(name, value))
}
