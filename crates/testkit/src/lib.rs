//! The conformance suite of connectors, fault injection, and fakes.
