//! From the operating system's errors to ours.

use std::io;

use catchment_core::{Error, ErrorKind};
use rustix::io::Errno;

/// The error of an item at `path`.
pub(crate) fn of_item(error: io::Error, path: &str) -> Error {
    use io::ErrorKind as Io;
    let ours = match error.kind() {
        // A part of the path that is a file, or a link that is not followed, has nothing below it.
        Io::NotFound | Io::NotADirectory | Io::InvalidFilename => return Error::not_found(path),
        _ if is_loop(&error) => return Error::not_found(path),
        Io::PermissionDenied => Error::new(
            ErrorKind::Forbidden,
            "no permission to read this: let the user who runs the program read it, or exclude it",
        ),
        Io::IsADirectory => Error::unsupported("a folder has no content of its own: read the files in it"),
        Io::StaleNetworkFileHandle | Io::TimedOut | Io::HostUnreachable | Io::NetworkUnreachable | Io::NetworkDown => {
            Error::new(
                ErrorKind::Unavailable,
                "the file server does not answer: check the network mount, then try again",
            )
        }
        _ if too_many_open(&error) => {
            Error::new(ErrorKind::Unavailable, "too many files are open: raise the limit (ulimit -n) or try again")
        }
        Io::Interrupted | Io::ResourceBusy | Io::WouldBlock => {
            Error::new(ErrorKind::Unavailable, "the file system is busy: try again")
        }
        _ => Error::new(ErrorKind::Unreadable, "the file system could not read this: check the disk"),
    };
    ours.with("path", path).source(error)
}

/// The error of the root folder itself: the setting is wrong, not an item.
pub(crate) fn of_root(error: io::Error, path: &std::path::Path) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "no such folder: check the path, or mount the disk it is on",
        io::ErrorKind::NotADirectory => {
            "this is a file: give the folder that holds it, and the file's name in `include`"
        }
        io::ErrorKind::PermissionDenied => {
            return Error::new(
                ErrorKind::Forbidden,
                "no permission to read this folder: let the user who runs the program read it",
            )
            .with("field", "path")
            .with("path", path.display())
            .source(error);
        }
        _ => return of_item(error, &path.display().to_string()).with("field", "path"),
    };
    Error::config("path", remedy).with("path", path.display()).source(error)
}

/// Links that lead in a circle, or one where none may be.
pub(crate) fn is_loop(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::LOOP)
}

fn too_many_open(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}
