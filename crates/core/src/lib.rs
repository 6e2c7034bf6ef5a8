#![doc = include_str!("../README.md")]

pub mod actions;
pub mod authorize;
pub mod changes;
pub mod config;
pub mod connector;
pub mod content;
pub mod document;
pub mod entry;
pub mod error;
pub mod following;
pub mod ingest;
pub mod ledger;
pub mod model;
pub mod oauth;
pub mod page;
pub mod permissions;
pub mod records;
pub mod registry;
pub mod secret;
pub mod tenant;
pub mod threads;
pub mod tokens;
pub mod vendor;
pub mod walk;
pub mod webhook;

pub use actions::{Action, Actions};
pub use authorize::Authorize;
pub use changes::{Change, ChangePage, Changes, Cursor};
pub use connector::{Account, Browse, Capabilities, Connector, Download, Flat};
pub use content::{ByteRange, Content};
pub use document::{Block, BlockKind, Document, DocumentKey, Text, TextPage};
pub use entry::{ContentHash, Entry, EntryId, EntryKind, Fingerprint};
pub use error::{Actor, Error, ErrorKind, Result, Retry};
pub use following::{Due, Feed, Following, Told};
pub use ingest::{Held, Ingested, Ingestor};
pub use ledger::{Buried, EntryResult, Known, Ledger, LedgerEntry, Quarantine, Run, RunOutcome, Settled, Unseen};
pub use model::{Embedder, LanguageModel, Prompt, Role, Speaker, Turn};
pub use oauth::OAuth;
pub use page::{Page, PageRequest, PageToken};
pub use permissions::{Permissions, Principal, Readers};
pub use records::{Outcome, Record, RecordKind, RecordPage, Records, WriteOp};
pub use registry::{Manifest, Registry};
pub use secret::Secret;
pub use tenant::{IntegrationId, Tenant};
pub use threads::{Message, ThreadId, Threads};
pub use tokens::{Fence, Revision, TokenStore, Tokens};
pub use vendor::{AuthMethod, Context, Location, Vendor};
pub use walk::{Complete, Step};
pub use webhook::{Hint, RawRequest, RawResponse, Webhooks};

/// What a vendor crate needs besides this one, so that it names each version once.
pub use async_trait::async_trait;
