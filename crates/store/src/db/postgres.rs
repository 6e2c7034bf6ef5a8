//! Postgres: a pool of connections, and a scope for every transaction.

use std::{
    fmt::Write as _,
    future::Future,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use catchment_core::{Error, ErrorKind, Result, Secret};
use futures::FutureExt;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgPool, Row as _,
    postgres::{PgConnectOptions, PgConnection, PgPoolOptions},
};

use super::{Tx, Who, migrations, page::escape};
use crate::{
    error::{self, Origin},
    options::Options,
};

/// Beyond the time a statement has, for the way there and back.
const ON_THE_WAY: Duration = Duration::from_secs(5);

/// A connection that lay idle for longer is asked whether it is still there before it is used.
const TRUSTED: Duration = Duration::from_secs(1);

/// Between two tries at start.
const AGAIN: Duration = Duration::from_millis(250);

/// How long the schema may take, another server's turn included.
const MIGRATING: Duration = Duration::from_secs(600);

/// Statements a connection remembers: more than there are.
const STATEMENTS: usize = 256;

/// The connections to a database on a server.
#[derive(Clone)]
pub(crate) struct Postgres {
    pool: PgPool,
    watch: Arc<Watch>,
    acquire_timeout: Duration,
}

/// Watches over connections: sees to it that nothing waits for ever, and knows when one was lost.
#[derive(Debug)]
pub(super) struct Watch {
    limit: Duration,
    lost: Mutex<Option<Instant>>,
    origin: Arc<Origin>,
}

impl Watch {
    /// Waits for a statement. The database ends one that takes too long; this is for a database
    /// that does not answer at all.
    pub(super) async fn over<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        self.within(self.limit, work).await
    }

    async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Result<T> {
        tokio::time::timeout(limit, work).await.map_err(|_| {
            self.note_loss();
            self.origin.name(Error::new(
                ErrorKind::Unavailable,
                "the database does not answer: check the network and that it runs, then try again",
            ))
        })
    }

    /// Remembers a lost connection: others that were open then are likely to be lost as well.
    pub(super) fn note(&self, error: &sqlx::Error) {
        let lost = match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
            _ => false,
        };
        if lost {
            self.note_loss();
        }
    }

    fn note_loss(&self) {
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn is_trusted(&self, idle_for: Duration) -> bool {
        let lost = *self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        idle_for < TRUSTED && lost.is_none_or(|lost| idle_for < lost.elapsed())
    }
}

impl Postgres {
    pub(crate) async fn connect(url: &Secret, options: &Options) -> Result<Self> {
        let ours = ["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme));
        // The reason is not kept: it may quote the URL, and with it the password.
        let reached = PgConnectOptions::from_str(url.expose()).ok().filter(|_| ours).ok_or_else(|| {
            Error::config(
                "database",
                "this is not the URL of a Postgres database: write postgres://user:password@host:5432/database",
            )
        })?;
        let reached = reached.application_name("catchment").statement_cache_capacity(STATEMENTS);
        let database = reached.get_database().unwrap_or_else(|| reached.get_username());
        let origin = Arc::new(Origin::server(format!("{}:{}/{database}", reached.get_host(), reached.get_port())));
        let limit = options.statement_timeout + options.statement_timeout.min(ON_THE_WAY);
        let watch = Arc::new(Watch { limit, lost: Mutex::new(None), origin });
        prepare(&reached, options, &watch).await?;

        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire({
                let watch = watch.clone();
                move |connection, idle| {
                    if watch.is_trusted(idle.idle_for) {
                        return std::future::ready(Ok(true)).boxed();
                    }
                    async move { Ok(connection.ping().await.is_ok()) }.boxed()
                }
            })
            .connect_lazy_with(reached.options(session(options)));
        Ok(Self { pool, watch, acquire_timeout: options.acquire_timeout })
    }

    /// The server and the database, without user and password.
    pub(crate) fn name(&self) -> &str {
        self.watch.origin.as_str()
    }

    /// Begins a transaction and says whose rows it is about, in one message.
    pub(super) async fn begin(&self, who: Who<'_>) -> Result<Tx> {
        let limit = self.acquire_timeout + self.watch.limit;
        let begun = self.watch.within(limit, self.pool.begin_with(AssertSqlSafe(begin(who)))).await?;
        let tx = begun.map_err(|error| {
            self.watch.note(&error);
            error::from(error, &self.watch.origin)
        })?;
        Ok(Tx::postgres(tx, self.watch.clone(), self.watch.origin.clone()))
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// The statement that begins a transaction. All settings are set every time, and end with it. The
/// values are in hexadecimal: nothing in them can be mistaken for SQL.
fn begin(who: Who<'_>) -> String {
    let (system, organization, user) = match who {
        Who::System => ("on", "", ""),
        Who::Tenant { organization, user } => ("", organization, user.unwrap_or_default()),
    };
    let mut sql = "BEGIN; SELECT ".to_owned();
    for (index, (name, value)) in
        [("system", system), ("organization", organization), ("user", user)].iter().enumerate()
    {
        let separator = if index == 0 { "" } else { ", " };
        let _ = write!(sql, "{separator}set_config('catchment.{name}', convert_from('\\x");
        for byte in escape(value).bytes() {
            let _ = write!(sql, "{byte:02x}");
        }
        sql += "', 'UTF8'), true)";
    }
    sql
}

/// Settings of every connection of the pool.
fn session(options: &Options) -> [(&'static str, String); 9] {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    [
        // Policies make short statements look expensive: compiling one takes longer than it does.
        ("jit", "off".into()),
        ("statement_timeout", milliseconds(options.statement_timeout)),
        ("lock_timeout", milliseconds(options.lock_timeout)),
        ("idle_in_transaction_session_timeout", milliseconds(options.idle_in_transaction_timeout)),
        // What a server that is gone without a word holds is given back.
        ("tcp_keepalives_idle", "60".into()),
        ("tcp_keepalives_interval", "10".into()),
        ("tcp_keepalives_count", "3".into()),
        ("default_transaction_isolation", "read committed".into()),
        ("client_min_messages", "warning".into()),
    ]
}

/// Waits for the server, checks the role, and brings the schema up to date.
async fn prepare(reached: &PgConnectOptions, options: &Options, watch: &Watch) -> Result<()> {
    let mut connection = first(reached, options, watch).await?;
    watch.within(MIGRATING, migrate(&mut connection, &watch.origin)).await??;
    // Nothing depends on whether the server hears the farewell.
    let _ = watch.over(connection.close()).await;
    Ok(())
}

/// The first connection. A server that is not there is tried again for a while.
async fn first(reached: &PgConnectOptions, options: &Options, watch: &Watch) -> Result<PgConnection> {
    let started = Instant::now();
    loop {
        let left = options.start_timeout.saturating_sub(started.elapsed());
        let error = match tokio::time::timeout(left, reached.connect()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) if !error::is_starting(&error) => return Err(error::from(error, &watch.origin)),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        if options.start_timeout.saturating_sub(started.elapsed()) <= AGAIN {
            let out = watch.origin.name(Error::new(
                ErrorKind::Unavailable,
                "the database server is not there: check that it runs and can be reached, then start again",
            ));
            return Err(match error {
                Some(error) => out.source(error),
                None => out,
            });
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn migrate(connection: &mut PgConnection, origin: &Origin) -> Result<()> {
    let failed = |error| error::from(error, origin);
    refuse_powerful(connection, origin).await?;
    // For the whole session: the list of migrations is the system's as well.
    sqlx::query("SELECT set_config('catchment.system', 'on', false)")
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    // The migrator holds an advisory lock: of two servers that start at once, one waits.
    let sql = [
        include_str!("../../migrations/postgres/0001_store.sql"),
        include_str!("../../migrations/postgres/0002_following.sql"),
    ];
    let ran = migrations::migrator(sql).run_direct(None, &mut *connection, false).await;
    ran.map_err(|error| migrations::failed(error, origin))?;
    refuse_unguarded(connection, origin).await
}

/// A role that row-level security does not hold for would see every tenant's rows.
async fn refuse_powerful(connection: &mut PgConnection, origin: &Origin) -> Result<()> {
    let row = sqlx::query(
        "SELECT rolsuper OR rolbypassrls, quote_ident(current_database()), quote_ident(coalesce(current_schema(), 'public'))
         FROM pg_roles WHERE rolname = current_user",
    )
    .fetch_one(connection)
    .await
    .map_err(|error| error::from(error, origin))?;
    if !row.get::<bool, _>(0) {
        return Ok(());
    }
    let (database, schema): (String, String) = (row.get(1), row.get(2));
    let sql = format!(
        "CREATE ROLE catchment LOGIN PASSWORD '...' NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS; \
         GRANT CONNECT ON DATABASE {database} TO catchment; GRANT USAGE, CREATE ON SCHEMA {schema} TO catchment"
    );
    let error = Error::new(
        ErrorKind::Config,
        "this role may bypass row-level security, which keeps tenants apart: make a role without that right, \
         and give it in the URL",
    );
    Err(origin.name(error).with("sql", sql))
}

/// Somebody may have switched it off.
async fn refuse_unguarded(connection: &mut PgConnection, origin: &Origin) -> Result<()> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(c.relname) FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid
         WHERE p.polname = 'catchment' AND c.relnamespace = current_schema()::regnamespace
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    )
    .fetch_all(connection)
    .await
    .map_err(|error| error::from(error, origin))?;
    let Some(table) = tables.first() else { return Ok(()) };
    let error = Error::new(
        ErrorKind::Config,
        "row-level security, which keeps tenants apart, is switched off: switch it on again",
    );
    let sql = format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
    Err(origin.name(error).with("sql", sql))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_ever_sql() {
        let sql = begin(Who::Tenant { organization: "a'; DROP TABLE x; --\0", user: Some("é") });
        assert!(sql.contains("set_config('catchment.organization', convert_from('\\x61273b"), "{sql}");
        assert!(sql.contains("set_config('catchment.user', convert_from('\\xc3a9', 'UTF8'), true)"), "{sql}");
        assert!(!sql.contains("DROP") && sql.matches("set_config").count() == 3);
    }
}
