//! Statements.

/// A statement: the same for both databases, or one for each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl From<&'static str> for Sql {
    fn from(both: &'static str) -> Self {
        Self { sqlite: both, postgres: both }
    }
}

/// A statement of which one piece differs: `each!("before", sqlite: "..", postgres: "..", "after")`.
macro_rules! each {
    ($before:expr, sqlite: $sqlite:expr, postgres: $postgres:expr, $after:expr $(,)?) => {
        $crate::db::Sql { sqlite: concat!($before, $sqlite, $after), postgres: concat!($before, $postgres, $after) }
    };
}

/// A query whose rows nobody else may change until this transaction ends. SQLite has one writer
/// at a time, and needs nothing for that.
macro_rules! locked {
    ($query:expr) => {
        $crate::db::each!($query, sqlite: "", postgres: " FOR NO KEY UPDATE", "")
    };
}

/// A statement over a page, which is the first value (see [`page`](super::page)). Where the two
/// parts meet stands a table `page` with the columns `key` (from 0), `value` (JSON) and `entry`, which
/// is the first item of `value`.
///
/// Compare columns with `page.entry`, not with what it is made of: under row-level security Postgres
/// looks a row up by an index only for a comparison that cannot leak, and `->>` could. `OFFSET 0`
/// keeps it from putting the one in the place of the other.
macro_rules! over_page {
    ($before:expr, $after:expr $(,)?) => {
        $crate::db::over_page!($before, sqlite: $after, postgres: $after)
    };
    ($before:expr, sqlite: $sqlite:expr, postgres: $postgres:expr $(,)?) => {
        $crate::db::each!(
            $before,
            sqlite: concat!(" (SELECT key, value, value ->> 0 AS entry FROM json_each($1)) AS page ", $sqlite),
            postgres: concat!(
                " (SELECT value, value ->> 0 AS entry, number - 1 AS key
                   FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS element (value, number) OFFSET 0) AS page ",
                $postgres
            ),
            ""
        )
    };
}

/// A statement, or a piece of one, that takes rows of a table by an index: `($piece, by: "index", $rest)`. SQLite does
/// not count rows, takes the key of a table for as good as any index, and would read every entry of an integration;
/// so it is told. Postgres counts.
macro_rules! by_index {
    ($piece:expr, by: $index:literal, $rest:expr $(,)?) => {
        $crate::db::each!($piece, sqlite: concat!(" INDEXED BY ", $index, " "), postgres: " ", $rest)
    };
}

/// A statement that knows the time: a table `clock` with the column `now`. The first value is the
/// time here.
macro_rules! clock {
    (sqlite: $sqlite:expr, postgres: $postgres:expr) => {
        $crate::db::Sql {
            sqlite: concat!("WITH RECURSIVE clock (now) AS (SELECT $1), ", $sqlite),
            postgres: concat!(
                "WITH RECURSIVE clock (now) AS
                     (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)), ",
                $postgres
            ),
        }
    };
    ($both:expr) => {
        $crate::db::clock!(sqlite: $both, postgres: $both)
    };
}

pub(crate) use {by_index, clock, each, locked, over_page};
