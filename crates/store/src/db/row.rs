//! What comes out of a query.

use catchment_core::{Error, Result};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use sqlx::{Decode, Row as _, Type, postgres::PgRow, sqlite::SqliteRow};

use super::page::unescape;
use crate::time;

/// A row. Columns are numbered from 0.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    fn get<T>(&self, column: usize) -> Result<T>
    where
        T: for<'r> Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite>,
        T: for<'r> Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(|error| unexpected().source(error))
    }

    pub(crate) fn bool(&self, column: usize) -> Result<bool> {
        self.get(column)
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        self.get(column)
    }

    pub(crate) fn maybe_int(&self, column: usize) -> Result<Option<i64>> {
        self.get(column)
    }

    /// A count. One that is out of range is the nearest.
    pub(crate) fn count(&self, column: usize) -> Result<u32> {
        self.int(column).map(|count| u32::try_from(count.max(0)).unwrap_or(u32::MAX))
    }

    pub(crate) fn large_count(&self, column: usize) -> Result<u64> {
        self.int(column).map(|count| u64::try_from(count).unwrap_or(0))
    }

    pub(crate) fn text(&self, column: usize) -> Result<String> {
        let text = self.get::<String>(column)?;
        Ok(self.plain(text))
    }

    pub(crate) fn maybe_text(&self, column: usize) -> Result<Option<String>> {
        Ok(self.get::<Option<String>>(column)?.map(|text| self.plain(text)))
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<Vec<u8>> {
        self.get(column)
    }

    pub(crate) fn maybe_bytes(&self, column: usize) -> Result<Option<Vec<u8>>> {
        self.get(column)
    }

    pub(crate) fn time(&self, column: usize) -> Result<DateTime<Utc>> {
        self.int(column).map(time::at)
    }

    pub(crate) fn maybe_time(&self, column: usize) -> Result<Option<DateTime<Utc>>> {
        Ok(self.maybe_int(column)?.map(time::at))
    }

    /// A column of JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: usize) -> Result<T> {
        parsed(&self.get::<String>(column)?)
    }

    /// A column of JSON that may be empty.
    pub(crate) fn maybe_json<T: DeserializeOwned>(&self, column: usize) -> Result<Option<T>> {
        self.get::<Option<String>>(column)?.map(|text| parsed(&text)).transpose()
    }

    fn plain(&self, text: String) -> String {
        match self {
            Self::Sqlite(_) => text,
            Self::Postgres(_) => unescape(text),
        }
    }
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| unexpected().source(error))
}

fn unexpected() -> Error {
    Error::internal("the database gave an unexpected answer: report this with the log")
}
