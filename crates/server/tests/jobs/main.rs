//! Jobs, imports, browsing and asking, over the real router and a socket.

#![expect(clippy::unwrap_used, reason = "what cannot be set up breaks its test")]

mod ask;
mod browse;
mod flow;
mod follow;
mod import;
mod restart;
mod support;
