//! Settings of the server.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use crate::oauth::OAuth;

/// How a server listens, and what it lets pass.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens. Without callers' tokens this must be a loopback address.
    pub listen: SocketAddr,
    /// The largest body of a request, in bytes.
    pub body_limit: usize,
    /// How long a client may take for the head of a request, and may keep a connection idle.
    pub header_timeout: Duration,
    /// How long a client may take for the body of a request.
    pub body_timeout: Duration,
    /// How long a request may take, if it is not an import, a question or a stream.
    pub request_timeout: Duration,
    /// How long requests that are on their way may go on once the server stops.
    pub grace: Duration,
    /// How many connections there may be at once. Others wait to be accepted.
    pub max_connections: usize,
    /// The origins whose web pages may call this server, for example `https://app.example.com`.
    pub cors_origins: Vec<String>,
    /// Names besides those of loopback under which a server without callers' tokens answers:
    /// what a browser believes it talks to must be one of them.
    pub hosts: Vec<String>,
    /// What connectors may reach.
    pub access: Access,
    /// How persons are sent to vendors for their consent, and back.
    pub oauth: OAuth,
    /// How often each connection is checked, so that a person learns of trouble before they need
    /// it; grants that nobody uses are kept alive on the way. `None`: never.
    pub check_every: Option<Duration>,
    /// How many jobs run at once. 0: this server runs none.
    pub workers: usize,
    /// How long a job stays with a worker that does not answer, before another takes it over.
    pub lease: Duration,
    /// How long a job waits after its first failure that may pass; four times as long after each
    /// further one, and the fifth is its end.
    pub retry_pause: Duration,
}

/// What the connectors of a server's integrations may reach. What is `None` is allowed where
/// everybody is the person at the machine, and forbidden where callers have tokens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Access {
    /// What belongs to the host: its files, and credentials in its environment.
    pub host: Option<bool>,
    /// Addresses in private networks.
    pub private_network: Option<bool>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            body_limit: 1 << 20,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(20),
            max_connections: 1_024,
            cors_origins: Vec::new(),
            hosts: Vec::new(),
            access: Access::default(),
            oauth: OAuth::default(),
            check_every: Some(Duration::from_secs(6 * 60 * 60)),
            workers: 4,
            lease: Duration::from_secs(15),
            retry_pause: Duration::from_secs(5),
        }
    }
}
