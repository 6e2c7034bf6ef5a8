//! How to reach a database server, and how long to wait for it.

use std::time::Duration;

/// What may be set for a [`Store`](crate::Store) on Postgres. The defaults suit one server beside
/// others on a database of its own.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most connections this store holds at a time.
    pub max_connections: u32,
    /// How long a call waits for a free connection before it gives up as `Unavailable`.
    pub acquire_timeout: Duration,
    /// How long one statement may take before the database ends it.
    pub statement_timeout: Duration,
    /// How long one statement may wait for a lock.
    pub lock_timeout: Duration,
    /// How long a transaction may lie idle before the database ends it: what a server that lost
    /// its network holds is freed after this time.
    pub idle_in_transaction_timeout: Duration,
    /// How long [`Store::connect`](crate::Store::connect) tries again while the database is not
    /// there or is still starting.
    pub start_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            idle_in_transaction_timeout: Duration::from_secs(30),
            start_timeout: Duration::from_secs(30),
        }
    }
}
