#![doc = include_str!("../README.md")]

pub mod document;
pub mod entry;
pub mod error;
pub mod page;
pub mod permissions;
pub mod secret;
pub mod tenant;

pub use document::{Block, BlockKind, Document, DocumentKey, Text, TextPage};
pub use entry::{ContentHash, Entry, EntryId, EntryKind, Fingerprint};
pub use error::{Actor, Error, ErrorKind, Result, Retry};
pub use page::{Page, PageRequest, PageToken};
pub use permissions::{Permissions, Principal, Readers};
pub use secret::Secret;
pub use tenant::{IntegrationId, Tenant};
