//! Search by meaning: sqlite-vec finds candidates among small vectors, full ones order them.

use catchment_core::Result;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{error::sqlite_error, schema, scope, vector};
use crate::{backend::Space, query::Filter};

/// The most neighbours sqlite-vec gives.
const MOST: u32 = 4_096;

/// The chunks nearest to a vector, nearest first, with the cosines.
pub(super) async fn search(
    connection: &mut SqliteConnection,
    space: &Space,
    question: &[f32],
    filter: &Filter,
    depth: u32,
) -> Result<Vec<(i64, f32)>> {
    let Some(id) = schema::space_id(connection, space).await? else { return Ok(Vec::new()) };
    // A half more than asked for: the small vectors are off by a little.
    let depth = depth.min(MOST);
    let wanted = (depth + depth / 2 + 8).min(MOST);
    let mut sql = format!(
        "SELECT n.id, v.vector FROM (
             SELECT rowid AS id FROM index_near_{id} WHERE small MATCH vec_int8(?1) AND k = ?2 AND organization = ?3"
    );
    // Conditions that do not apply must not stand there: a virtual table cannot skip them.
    if filter.user.is_some() {
        sql.push_str(" AND owner = ?4");
    }
    if filter.portfolio.is_some() {
        sql.push_str(" AND portfolio = ?5");
    }
    if filter.integrations.is_some() {
        sql.push_str(" AND integration IN (SELECT value FROM json_each(?6))");
    }
    let principals = scope::principals_json(filter);
    if principals.is_some() {
        sql.push_str(
            " AND document IN (
                 SELECT r.document FROM index_reader r JOIN index_document d ON d.id = r.document
                 WHERE r.principal IN (SELECT value FROM json_each(?7)) AND d.organization = ?3)",
        );
    }
    sql.push_str(&format!(") n JOIN index_vector_{id} v ON v.id = n.id"));
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(vector::small(question).collect::<Vec<u8>>())
        .bind(wanted)
        .bind(&filter.organization)
        .bind(&filter.user)
        .bind(scope::portfolio_number(filter.portfolio.as_deref()))
        .bind(filter.integrations.as_deref().map(scope::integrations_json))
        .bind(principals)
        .fetch_all(connection)
        .await
        .map_err(sqlite_error)?;
    let mut near: Vec<(i64, f32)> =
        rows.into_iter().map(|(id, bytes)| (id, vector::cosine(question, &bytes))).collect();
    near.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    near.truncate(depth as usize);
    Ok(near)
}
