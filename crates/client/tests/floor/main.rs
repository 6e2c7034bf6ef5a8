//! The client against a server that misbehaves in every way servers do. Time is tokio's paused
//! clock, so a test that waits an hour takes a moment.

mod bodies;
mod budgets;
mod classifiers;
mod egress;
mod redirects;
mod retries;
mod support;
mod tokens;
mod traces;
