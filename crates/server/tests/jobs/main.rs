//! Jobs, imports, browsing and asking, over the real router and a socket.

mod ask;
mod browse;
mod flow;
mod follow;
mod import;
mod restart;
mod support;
