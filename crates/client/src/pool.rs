//! Connections: one pool per process for each egress policy.

use std::{
    collections::HashMap,
    error::Error as StdError,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use catchment_core::{Error, ErrorKind, Result};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use crate::{
    egress::{self, Egress, Refused},
    retry::Failure,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const AGENT: &str = concat!("catchment/", env!("CARGO_PKG_VERSION"));

/// Whether bodies are decoded on the way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    /// Asks for gzip and undoes it.
    Decoded,
    /// Bytes as they are stored.
    Raw,
}

type Pools = HashMap<(Egress, Coding), reqwest::Client>;
static POOLS: OnceLock<Mutex<Pools>> = OnceLock::new();

/// The connections for this policy, made on first use.
pub(crate) fn connections(egress: &Egress, coding: Coding) -> Result<reqwest::Client> {
    let mut pools = POOLS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let key = (egress.clone(), coding);
    if let Some(client) = pools.get(&key) {
        return Ok(client.clone());
    }
    let resolver = Resolver { egress: egress.clone(), proxies: proxies().into() };
    let client = reqwest::Client::builder()
        .user_agent(AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .gzip(coding == Coding::Decoded)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(Duration::from_secs(60))
        .dns_resolver(resolver)
        .build()
        .map_err(|error| {
            Error::new(
                ErrorKind::Config,
                "cannot set up TLS: install the system's CA certificates and check the proxy settings",
            )
            .source(error.without_url())
        })?;
    pools.insert(key, client.clone());
    Ok(client)
}

/// Resolves names to permitted addresses only.
#[derive(Debug)]
struct Resolver {
    egress: Egress,
    proxies: Arc<[String]>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.egress.clone();
        // The operator names the proxy, and it is commonly a private host.
        let open = egress.permits_name(name.as_str()) || self.proxies.iter().any(|proxy| proxy == name.as_str());
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let some = !found.is_empty();
            let permitted: Vec<_> = found.into_iter().filter(|address| open || egress.permits(address.ip())).collect();
            if permitted.is_empty() && some {
                return Err(Refused.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// The hosts of the proxies in the environment.
pub(crate) fn proxies() -> Vec<String> {
    ["http_proxy", "https_proxy", "all_proxy"]
        .into_iter()
        .flat_map(|name| [std::env::var(name), std::env::var(name.to_ascii_uppercase())])
        .flatten()
        .filter_map(|value| {
            let url = Url::parse(&value).or_else(|_| Url::parse(&format!("http://{value}"))).ok()?;
            Some(url.host_str()?.to_ascii_lowercase())
        })
        .collect()
}

/// What a failed exchange means. The URL is taken out: its query may hold secrets.
pub(crate) fn failure(error: reqwest::Error, url: &Url) -> Failure {
    let error = error.without_url();
    if chain(&error).any(|cause| cause.is::<Refused>()) {
        return Failure::clean(egress::refused(url));
    }
    let host = url.host_str().unwrap_or_default();
    let told = |kind, message: &'static str| Error::new(kind, message).with("host", host);
    let remedy = chain(&error).find_map(tls_remedy);
    if let Some(remedy) = remedy {
        return Failure::clean(told(ErrorKind::Config, remedy).source(error));
    }
    if error.is_connect() {
        let out = told(ErrorKind::Unavailable, "cannot connect to the server: check the address and the network");
        return Failure::clean(out.source(error));
    }
    if error.is_builder() {
        return Failure::clean(
            told(ErrorKind::Config, "this request cannot be built: check the address").source(error),
        );
    }
    let garbage = chain(&error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).any(hyper::Error::is_parse);
    let out = if error.is_timeout() {
        told(ErrorKind::Timeout, "the server did not answer in time: try again later")
    } else if garbage || error.is_decode() && !is_cut(&error) {
        told(ErrorKind::Protocol, "the answer is not valid HTTP: check the address and the port")
    } else {
        told(ErrorKind::Unavailable, "the connection broke before the answer was complete: try again")
    };
    Failure::unclear(out.source(error))
}

/// What to do about a TLS connection that will not come about the next time either.
fn tls_remedy(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    let mut inner = cause;
    // An I/O error does not name what it wraps as its source, and they come nested.
    while let Some(wrapped) = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        inner = wrapped;
    }
    match inner.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(_) => Some(
            "the server's certificate is not trusted: check the address, or add its authority to the system's CA certificates",
        ),
        rustls::Error::InvalidMessage(_) => Some("the server does not speak TLS here: use http:// or another port"),
        _ => None,
    }
}

/// Whether the body ended too early, which gzip and chunked coding report as a decoding error.
fn is_cut(error: &reqwest::Error) -> bool {
    chain(error).any(|cause| {
        let cut = |error: &std::io::Error| error.kind() == std::io::ErrorKind::UnexpectedEof;
        cause.downcast_ref::<hyper::Error>().is_some_and(|error| !error.is_parse())
            || cause.downcast_ref::<std::io::Error>().is_some_and(cut)
    })
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
