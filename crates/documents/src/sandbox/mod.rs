//! Worker processes: the boundary that stops a runaway parse.
//!
//! A thread cannot be killed, and one that takes all memory or overflows its stack takes its
//! process along. So each parse runs in a worker process that has limits on its address space and
//! may open no file; one that takes too long is killed from outside. The worker is this program,
//! started again, or the `catchment-parse-worker` of this crate. It starts with an empty
//! environment in `/`, gets the file through a pipe, and ends when its parent does.

pub(crate) mod pool;
pub(crate) mod protocol;
pub(crate) mod source;
mod verdict;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};

/// The argument that makes a program a worker.
pub(crate) const ARGUMENT: &str = "--catchment-parse-worker";

/// The stack of the thread that parses. Deeply nested files need more than the usual 2 MiB.
pub(crate) const STACK: usize = 64 << 20;

static CAN_BE_WORKER: AtomicBool = AtomicBool::new(false);

/// Serves as a worker, and does not return, if the process was started as one.
///
/// Call it first in `main` of a program that uses [`Parser::isolated`](crate::Parser::isolated):
/// before it reads its settings, starts a runtime or opens anything.
pub fn run_if_worker() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|argument| argument == ARGUMENT) && arguments.next().is_none() {
        let code = worker::serve();
        std::process::exit(code);
    }
    CAN_BE_WORKER.store(true, Ordering::Relaxed);
}

/// Whether this program, started again, would be a worker.
pub(crate) fn can_be_worker() -> bool {
    CAN_BE_WORKER.load(Ordering::Relaxed)
}
