//! Records: business objects such as customers, invoices and payments, read and written.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{changes::Cursor, error::Result};

/// The capability to read and write business records.
#[async_trait]
pub trait Records: Send + Sync {
    /// The kinds this account offers, and what can be done with each.
    async fn kinds(&self) -> Result<Vec<RecordKind>>;

    /// Records of one kind that are new, changed or deleted since `cursor`; `None` for all.
    /// Asking again with the same cursor gives them again.
    async fn pull(&self, kind: &str, cursor: Option<&Cursor>) -> Result<RecordPage>;

    /// Writes one record. The vendor's answer may be lost on the way: that is
    /// [`Outcome::Unknown`], which is looked up by the operation's id and never blindly repeated.
    async fn push(&self, write: &WriteOp) -> Result<Outcome>;
}

/// A kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordKind {
    /// `customers, products, invoices, payments, leads, post_metrics`, or the vendor's own word.
    pub name: String,
    /// Whether [`Records::push`] takes it.
    pub writable: bool,
}

/// One business object as the vendor has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its kind.
    pub kind: String,
    /// The vendor's stable id.
    pub id: String,
    /// The vendor's version mark, for writes that must not overwrite a newer one.
    pub version: Option<String>,
    /// When it last changed.
    pub modified: Option<DateTime<Utc>>,
    /// Whether it was deleted; `data` is then what is still known.
    pub deleted: bool,
    /// The vendor's fields.
    pub data: Value,
}

/// Some records and the cursor behind them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page starts.
    pub cursor: Cursor,
    /// Whether there is more at once.
    pub more: bool,
}

/// A record to be written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteOp {
    /// The caller's id of this write, sent as the vendor's idempotency key where it has one.
    pub operation: String,
    /// The kind of record.
    pub kind: String,
    /// The record to change; `None` makes a new one.
    pub id: Option<String>,
    /// Write only over this version.
    pub expect: Option<String>,
    /// The fields to set.
    pub data: Value,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The vendor confirmed it.
    Written {
        /// The record's id.
        id: String,
        /// Its version now.
        version: Option<String>,
    },
    /// The answer was lost: look it up by the operation's id before doing anything else.
    Unknown,
}
