//! What is said about a file whose worker died.

use std::process::ExitStatus;

use catchment_core::{Error, ErrorKind};

use crate::Limits;

/// The error for the file that a worker was reading when it ended with `status`, having written
/// `said` to its standard error.
pub(super) fn verdict(status: Option<ExitStatus>, said: &[u8], limits: &Limits) -> Error {
    let said = String::from_utf8_lossy(said);
    let signal = status.and_then(signal);
    let unreadable = |message: &'static str| Error::new(ErrorKind::Unreadable, message);
    let error = if said.contains("memory allocation of") || said.contains("out of memory") {
        unreadable("reading takes more memory than the limit: raise the limit on memory, or leave the file out")
            .with("limit_bytes", limits.memory)
    } else if said.contains("overflowed its stack") {
        unreadable("nested too deeply to be read: the file is damaged or hostile, leave it out")
    } else if signal == Some(SIGXCPU) {
        return crate::limits::timeout(limits.time);
    } else if signal == Some(SIGKILL) {
        unreadable(
            "its reader was killed, most likely because the machine ran out of memory: free memory and try again",
        )
    } else {
        unreadable("its reader crashed: the file is damaged or hostile, leave it out")
    };
    let error = match (signal, status.and_then(|status| status.code())) {
        (Some(signal), _) => error.with("signal", signal),
        (None, Some(code)) => error.with("exit_code", code),
        (None, None) => error,
    };
    match said.trim() {
        "" => error,
        said => error.source(said),
    }
}

const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn each_death_says_what_happened() {
        for (status, said, message) in [
            (6, "memory allocation of 1073741824 bytes failed\n", "reading takes more memory than the limit"),
            (6, "\nthread 'parse' (7) has overflowed its stack\n", "nested too deeply to be read"),
            (9, "", "its reader was killed, most likely because the machine ran out of memory"),
            (11, "", "its reader crashed"),
            (24, "", "reading took longer than the limit"),
        ] {
            let error = verdict(Some(ExitStatus::from_raw(status)), said.as_bytes(), &Limits::default());
            assert!(error.kind() == ErrorKind::Unreadable && error.message().starts_with(message), "{error:?}");
        }
    }
}
