//! What became of the files of a job.

use catchment_core::Result;
use serde_json::{Value as Json, json};

use super::{JobFile, row::failure_of};
use crate::{
    db::{Row, Sql, over_page},
    scope::mine,
};

pub(super) const LIST: &str = concat!(
    "SELECT number, entry, path, status, chunks, bytes, error FROM job_files
     WHERE job = $3 AND EXISTS (SELECT id FROM jobs WHERE ",
    mine!(),
    " AND id = $3) AND number > $4 ORDER BY number LIMIT $5"
);

/// Upserts a page of files for the job `$2` in its attempt `$3`. A later attempt finds what an
/// earlier one has ingested unchanged: what the person is told is what the job did.
pub(super) const RECORD: Sql = over_page!(
    "INSERT INTO job_files (job, number, attempt, entry, path, status, chunks, bytes, error)
     SELECT $2, (SELECT coalesce(max(number), 0) FROM job_files WHERE job = $2) + page.key + 1, $3,
            page.value ->> 0, page.value ->> 1, page.value ->> 2,
            CAST(page.value ->> 3 AS BIGINT), CAST(page.value ->> 4 AS BIGINT), page.value ->> 5
     FROM",
    "WHERE true
     ON CONFLICT (job, entry) DO UPDATE SET
         attempt = excluded.attempt, path = excluded.path, status = excluded.status,
         chunks = excluded.chunks, bytes = excluded.bytes, error = excluded.error
     WHERE NOT (excluded.status = 'unchanged' AND job_files.attempt < excluded.attempt
                AND job_files.status = 'ingested')",
);

/// A file as [`RECORD`] reads it.
pub(super) fn stored(file: &JobFile) -> Json {
    let bytes = i64::try_from(file.bytes).unwrap_or(i64::MAX);
    json!([file.entry, file.path, file.status, file.chunks, bytes, file.error.as_ref().map(super::row::stored)])
}

pub(super) fn file_of(row: &Row) -> Result<JobFile> {
    Ok(JobFile {
        number: row.int(0)?,
        entry: row.text(1)?,
        path: row.text(2)?,
        status: row.text(3)?,
        chunks: row.count(4)?,
        bytes: row.large_count(5)?,
        error: failure_of(row, 6)?,
    })
}
