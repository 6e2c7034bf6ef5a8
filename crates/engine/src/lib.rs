#![doc = include_str!("../README.md")]

mod ahead;
mod download;
mod engine;
mod event;
mod fetch;
mod file;
mod follow;
mod import;
mod listing;
mod memory;
mod parse;
mod pause;
mod record;
mod removal;
mod spool;
mod verify;

pub use ahead::walk_ahead;
pub use download::{DownloadEvent, DownloadStatus, DownloadSummary, DownloadedFile, FolderDownload};
pub use engine::{Breaker, Engine, Options, Retries};
pub use event::{Event, Failure, FileResult, Status, Summary};
pub use import::{Import, Source};
pub use memory::MemoryLedger;
pub use parse::Parse;
pub use verify::{Finding, Problem, Report};
