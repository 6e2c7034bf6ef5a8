//! The conformance suite of connectors, fault injection, and fakes.

pub mod ledger;
