//! Settings of the server: `[server]` in `catchment.toml`.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;

/// Who may call the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuthMode {
    /// Whoever is on this machine; the server listens to nobody else.
    #[default]
    None,
    /// Whoever brings a token that was signed with `jwt_secret` or a key of `jwks_url`.
    Jwt,
}

/// `[server]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Where it listens. 127.0.0.1:8000 if left out.
    pub(crate) listen: Option<SocketAddr>,
    /// The origins whose web pages may call it, for example `https://app.example.com`.
    pub(crate) cors_origins: Vec<String>,
    /// Names besides `localhost` under which it answers without tokens.
    pub(crate) hosts: Vec<String>,
    /// Where browsers reach it, for example `https://catchment.example.com`. Vendors send persons
    /// back there who have consented.
    pub(crate) public_url: Option<String>,
    /// The origins besides its own that a browser may be sent on to after that.
    pub(crate) return_to: Vec<String>,
    /// How often each connection is checked, in seconds. 0: never.
    pub(crate) check_every_s: Option<u64>,
    /// The largest body of a request, in bytes.
    pub(crate) body_limit: Option<usize>,
    /// How long a request may take, in seconds, if it is not an import, a question or a stream.
    pub(crate) request_timeout_s: Option<u64>,
    /// How many connections there may be at once.
    pub(crate) max_connections: Option<usize>,
    /// How many jobs run at once. 0: this server runs none.
    pub(crate) workers: Option<usize>,
    /// How long a job stays with a server that does not answer, in seconds, before another takes
    /// it over.
    pub(crate) lease_s: Option<u64>,
    /// How many files are on their way at once, in all jobs together.
    pub(crate) files_at_once: Option<usize>,
    /// Whether connectors may reach what belongs to this machine: its files, its credentials.
    pub(crate) host_access: Option<bool>,
    /// Whether connectors may reach addresses in private networks.
    pub(crate) private_network: Option<bool>,
    /// Connections to Postgres at most.
    pub(crate) database_connections: Option<u32>,
}

impl Server {
    /// Lays these settings over the defaults of the server.
    pub(crate) fn config(&self) -> catchment_server::Config {
        let mut config = catchment_server::Config::default();
        set(&mut config.listen, self.listen);
        set(&mut config.body_limit, self.body_limit);
        set(&mut config.request_timeout, self.request_timeout_s.map(Duration::from_secs));
        set(&mut config.max_connections, self.max_connections);
        set(&mut config.workers, self.workers);
        set(&mut config.lease, self.lease_s.map(Duration::from_secs));
        config.cors_origins.clone_from(&self.cors_origins);
        config.hosts.clone_from(&self.hosts);
        config.oauth.public_url.clone_from(&self.public_url);
        config.oauth.return_to.clone_from(&self.return_to);
        set(&mut config.check_every, self.check_every_s.map(|every| (every > 0).then(|| Duration::from_secs(every))));
        config.access = catchment_server::Access { host: self.host_access, private_network: self.private_network };
        config
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
