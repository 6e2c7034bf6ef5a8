//! Exit codes: what a script learns from how a command ended.

use catchment_core::{Actor, Error};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    Fault = 1,
    Partial = 3,
    Person = 4,
    Later = 5,
    Nothing = 6,
    Damage = 7,
    Interrupted = 130,
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error.kind().actor() {
            Actor::Person | Actor::Item => Self::Person,
            Actor::Time | Actor::Engine => Self::Later,
            Actor::Developer => Self::Fault,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
