//! One database for the ledger, integrations and threads.
