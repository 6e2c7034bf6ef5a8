//! The egress guard: which addresses a call may connect to.
//!
//! An address that a user types can point into the operator's own network, at a cloud's metadata
//! service for example. So addresses are checked where the connection is made: the resolver hands
//! out permitted addresses only, which leaves no gap between the check and the use.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use catchment_core::{Error, Result};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// Which addresses a client may connect to. The default is [`Egress::public_only`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Egress {
    private: bool,
    nets: Vec<IpNet>,
    hosts: Vec<String>,
}

/// Why a name was not resolved; found again in the chain of a connection error.
#[derive(Debug)]
pub(crate) struct Refused;

impl Egress {
    /// Public addresses alone: no loopback, private, link-local, carrier-grade NAT, multicast,
    /// documentation or metadata address, however it is written or embedded in IPv6.
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Private addresses as well: for endpoints that the operator, not a user, configures. The
    /// metadata services of the clouds stay closed unless [`Egress::allow_net`] names them.
    pub fn allow_private() -> Self {
        Self { private: true, ..Self::default() }
    }

    /// Opens one network, for example `10.20.0.0/16`, or one address.
    ///
    /// # Errors
    /// `Config` when `net` is neither.
    pub fn allow_net(mut self, net: &str) -> Result<Self> {
        let parsed = net.parse::<IpNet>().or_else(|_| net.parse::<IpAddr>().map(IpNet::from));
        let net =
            parsed.map_err(|_| Error::config("egress", "give a network such as 10.20.0.0/16 or one IP address"))?;
        if !self.nets.contains(&net) {
            self.nets.push(net);
        }
        Ok(self)
    }

    /// Opens one host by name, wherever it resolves to.
    #[must_use]
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        let host = normal(&host.into());
        if !self.hosts.contains(&host) {
            self.hosts.push(host);
        }
        self
    }

    /// Whether an address may be connected to.
    pub fn permits(&self, ip: IpAddr) -> bool {
        if self.nets.iter().any(|net| net.contains(&ip) || net.contains(&ip.to_canonical())) {
            return true;
        }
        match embedded(ip) {
            Some(inner) if is_metadata(inner) => false,
            Some(inner) => self.private || is_public(inner),
            None => self.private && !is_unroutable(ip),
        }
    }

    /// Whether a name is open wherever it resolves to.
    pub(crate) fn permits_name(&self, name: &str) -> bool {
        let name = normal(name);
        self.hosts.contains(&name)
    }

    pub(crate) fn is_public_only(&self) -> bool {
        !self.private
    }

    /// Checks what can be checked before a connection: the scheme and an address written out.
    ///
    /// # Errors
    /// `Config` when the URL is not HTTP or its address is not permitted.
    pub fn check(&self, url: &Url) -> Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::config("url", "give an address that starts with https:// or http://"));
        }
        match url.host() {
            Some(Host::Ipv4(ip)) if !self.permits(ip.into()) => Err(refused(url)),
            Some(Host::Ipv6(ip)) if !self.permits(ip.into()) => Err(refused(url)),
            Some(Host::Domain(name)) if self.is_closed_name(name) => Err(refused(url)),
            Some(_) => Ok(()),
            None => Err(Error::config("url", "give an address with a host name")),
        }
    }

    /// Names that never mean a public host. A proxy would resolve them on its own side, where
    /// our resolver has no say.
    fn is_closed_name(&self, name: &str) -> bool {
        let name = normal(name);
        let local = name == "localhost" || [".localhost", ".local", ".internal"].iter().any(|end| name.ends_with(end));
        local && !self.private && !self.hosts.contains(&name) && self.nets.is_empty()
    }
}

/// The error a person sees.
pub(crate) fn refused(url: &Url) -> Error {
    Error::config(
        "url",
        "this address lies in a private network: give a public one, or ask the operator to allow this host or network",
    )
    .with("host", url.host_str().unwrap_or_default())
}

fn normal(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// The address that traffic to `ip` would reach in the end, if it is one of a kind that may be
/// public: IPv4, IPv4 inside IPv6 (mapped, NAT64), or global unicast IPv6.
fn embedded(ip: IpAddr) -> Option<IpAddr> {
    match ip.to_canonical() {
        IpAddr::V4(v4) => Some(v4.into()),
        IpAddr::V6(v6) => {
            let s = v6.segments();
            let last = Ipv4Addr::from(((s[6] as u32) << 16) | s[7] as u32);
            let nat64 = s[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
            let compatible = s[..6] == [0; 6] && v6 != Ipv6Addr::LOCALHOST && v6 != Ipv6Addr::UNSPECIFIED;
            if nat64 || compatible { Some(last.into()) } else { Some(v6.into()) }
        }
    }
    .filter(|ip| !is_unroutable(*ip))
}

/// Addresses that no destination has.
fn is_unroutable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast(),
    }
}

/// Where the clouds answer with credentials to whoever asks from inside.
fn is_metadata(ip: IpAddr) -> bool {
    const V4: [Ipv4Addr; 5] = [
        Ipv4Addr::new(169, 254, 169, 254),
        Ipv4Addr::new(169, 254, 170, 2),
        Ipv4Addr::new(168, 63, 129, 16),
        Ipv4Addr::new(100, 100, 100, 200),
        Ipv4Addr::new(192, 0, 0, 192),
    ];
    const V6: [Ipv6Addr; 2] =
        [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];
    match ip {
        IpAddr::V4(v4) => V4.contains(&v4),
        IpAddr::V6(v6) => V6.contains(&v6),
    }
}

/// The registries of special-purpose addresses, read the strict way: what is not known to be
/// public is not.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => !CLOSED_V4.iter().any(|net| net.contains(&v4)),
        IpAddr::V6(v6) => GLOBAL_V6.contains(&v6) && !CLOSED_V6.iter().any(|net| net.contains(&v6)),
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

const CLOSED_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

/// Inside global unicast: protocol assignments with Teredo, documentation, 6to4.
const CLOSED_V6: [Ipv6Net; 4] = [v6(0x2001, 0, 23), v6(0x2001, 0xdb8, 32), v6(0x2002, 0, 16), v6(0x3fff, 0, 20)];

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name resolves to addresses that are not permitted")
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_inside_is_refused_however_it_is_written() {
        for inside in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0.0.0.0/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://100.64.0.1/",
            "http://100.100.100.200/",
            "http://168.63.129.16/",
            "http://192.0.0.192/",
            "http://198.18.0.1/",
            "http://203.0.113.9/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[64:ff9b:1::1]/",
            "http://[fe80::1]/",
            "http://[fc00::1]/",
            "http://[fd00:ec2::254]/",
            "http://[ff02::1]/",
            "http://[2001:db8::1]/",
            "http://[2001::1]/",
            "http://[2002:7f00:1::1]/",
            "http://[fec0::1]/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://metadata.google.internal/",
            "ftp://example.com/",
            "file:///etc/passwd",
        ] {
            assert!(Egress::public_only().check(&url(inside)).is_err(), "{inside} went through");
        }
    }

    #[test]
    fn an_address_outside_is_permitted() {
        for outside in [
            "https://example.com/",
            "http://1.1.1.1/",
            "http://172.32.0.1/",
            "http://100.128.0.1/",
            "http://192.0.1.1/",
            "http://[2606:4700:4700::1111]/",
            "http://[64:ff9b::1.1.1.1]/",
            "http://[::ffff:1.1.1.1]/",
        ] {
            Egress::public_only().check(&url(outside)).unwrap_or_else(|error| panic!("{outside}: {error}"));
        }
    }

    #[test]
    fn the_operator_can_open_a_network_a_host_or_all_private_ones() {
        let net = Egress::public_only().allow_net("10.20.0.0/16").unwrap();
        assert!(net.permits([10, 20, 1, 1].into()) && !net.permits([10, 21, 1, 1].into()));
        assert!(net.permits("::ffff:10.20.1.1".parse().unwrap()));
        let host = Egress::public_only().allow_host("Box.Internal");
        assert!(host.check(&url("http://box.internal/")).is_ok() && host.permits_name("box.internal."));
        assert!(host.check(&url("http://other.internal/")).is_err());
        let private = Egress::allow_private();
        assert!(private.permits([127, 0, 0, 1].into()) && private.permits("fd12::1".parse().unwrap()));
        assert!(private.permits(Ipv6Addr::LOCALHOST.into()));
        assert!(Egress::public_only().allow_net("ten").is_err());
    }

    #[test]
    fn metadata_services_stay_closed_until_they_are_named() {
        for address in ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254"] {
            let ip: IpAddr = address.parse().unwrap();
            assert!(!Egress::allow_private().permits(ip), "{address}");
            assert!(Egress::public_only().allow_net(address).unwrap().permits(ip), "{address}");
        }
    }
}
