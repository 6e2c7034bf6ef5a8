//! The guard of a server that asks nobody for a token: only programs of this machine may use it,
//! and no web page.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, Uri, header, uri::Authority};
use catchment_core::{Error, ErrorKind};

use crate::{
    config::Config,
    problem::{Problem, Result},
};

/// Checks what a browser says it talks to, and whose page it shows.
///
/// A page on the internet can have its own name resolve to this machine (DNS rebinding), and can
/// send requests here without reading the answers. Both show in `Host` and `Origin`.
#[derive(Debug)]
pub(crate) enum Guard {
    /// Callers have tokens, which no page of somebody else has.
    Tokens,
    /// Everybody is the person at the machine.
    Local {
        /// Further names of this server.
        hosts: Vec<String>,
        /// Origins that may call.
        origins: Vec<String>,
    },
}

impl Guard {
    /// The guard of a server where everybody is the person at the machine.
    ///
    /// # Errors
    /// `Config` when it is to listen where others reach it.
    pub(crate) fn local(config: &Config) -> catchment_core::Result<Self> {
        if !config.listen.ip().is_loopback() {
            return Err(Error::new(
                ErrorKind::Config,
                "CATCHMENT_AUTH=none lets everybody in, so it works on loopback only: listen on 127.0.0.1, \
                 or configure tokens for callers",
            )
            .with("listen", config.listen));
        }
        Ok(Self::Local { hosts: config.hosts.clone(), origins: config.cors_origins.clone() })
    }

    /// Whether everybody is the person at the machine.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Self::Local { .. })
    }

    /// Refuses a request that a foreign web page has made.
    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<()> {
        let Self::Local { hosts, origins } = self else { return Ok(()) };
        // HTTP/2 has it in the address of the request.
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| uri.authority().map(Authority::as_str));
        if !host.is_some_and(|host| is_ours(host, hosts)) {
            return Err(refused(
                "host_refused",
                "this server answers to the names of this machine only: use localhost",
            ));
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
        let allowed = origin.to_str().is_ok_and(|origin| {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            origins.iter().any(|allowed| allowed == origin)
                || (authority == host && authority.is_some_and(|authority| is_ours(authority, hosts)))
        });
        if allowed { Ok(()) } else { Err(refused("origin_refused", "pages of this origin may not call this server")) }
    }
}

fn is_ours(authority: &str, hosts: &[String]) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || host.eq_ignore_ascii_case("localhost") || hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
}

fn refused(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, code, detail)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn code(host: &'static str, origin: Option<&'static str>) -> Option<String> {
        let config = Config {
            hosts: vec!["catchment.local".into()],
            cors_origins: vec!["https://app.example.com".into()],
            ..Config::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        let guard = Guard::local(&config).expect("loopback");
        guard.check(&Uri::from_static("/"), &headers).err().map(|problem| problem.code().to_owned())
    }

    #[test]
    fn a_page_whose_name_resolves_to_this_machine_is_refused() {
        for host in ["127.0.0.1:8000", "localhost", "[::1]:8000", "LOCALHOST:1", "catchment.local:8000"] {
            assert_eq!(code(host, None), None, "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:8000", "localhost.evil.example", "10.0.0.7", "a@b@c", ""] {
            assert_eq!(code(host, None).as_deref(), Some("host_refused"), "{host}");
        }
    }

    #[test]
    fn a_foreign_page_may_not_send_what_it_cannot_read_the_answer_of() {
        assert_eq!(code("localhost:8000", Some("http://localhost:8000")), None);
        assert_eq!(code("localhost:8000", Some("https://app.example.com")), None);
        for origin in ["https://evil.example", "null", "http://localhost:9999", "https://app.example.com.evil.example"]
        {
            assert_eq!(code("localhost:8000", Some(origin)).as_deref(), Some("origin_refused"), "{origin}");
        }
    }

    #[test]
    fn without_tokens_a_server_listens_on_loopback_only() {
        for open in ["0.0.0.0:8000", "[::]:8000", "192.168.1.7:8000"] {
            let config = Config { listen: open.parse().expect("an address"), ..Config::default() };
            let error = Guard::local(&config).expect_err("open to others");
            assert!(error.to_string().contains("CATCHMENT_AUTH=none") && error.to_string().contains("loopback"));
        }
    }
}
