//! Host keys: which server is believed to be the one that was meant.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use catchment_core::{Error, Result};
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{
    Algorithm, HashAlg, PublicKey,
    ssh_key::known_hosts::{Entry, HostPatterns, Marker},
};
use sha1::Sha1;

/// As many keys as a cluster in the middle of a change of keys shows.
const MOST: usize = 64;

/// What a server's key is held against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pins {
    keys: Vec<PublicKey>,
    /// SHA-256 of the key's blob.
    fingerprints: Vec<[u8; 32]>,
    revoked: Vec<PublicKey>,
}

impl Pins {
    /// Reads pins: public keys, `SHA256:` fingerprints and lines of a known_hosts file, one a
    /// line, in any mixture. Of a known_hosts file only the lines about `host` count.
    ///
    /// # Errors
    /// `Config` for a line that is none of these; the message says which.
    pub(crate) fn parse(text: &str, host: &str, port: u16) -> Result<Self> {
        let mut pins = Self::default();
        for (number, line) in text.replace("\\n", "\n").lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            pins.add(line, host, port).ok_or_else(|| {
                Error::config(
                    "host_key",
                    "give a public key (ssh-ed25519 AAAA...), a fingerprint (SHA256:...) or lines of a known_hosts \
                     file about this host",
                )
                .with("line", number + 1)
            })?;
        }
        if pins.keys.len() + pins.fingerprints.len() > MOST {
            return Err(Error::config("host_key", "give no more than 64 keys, those of this host alone"));
        }
        Ok(pins)
    }

    /// The keys of a known_hosts file that is there anyway; lines that cannot be read are left out.
    pub(crate) fn of_known_hosts(text: &str, host: &str, port: u16) -> Self {
        let mut pins = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let _ = pins.add(line, host, port);
        }
        pins
    }

    fn add(&mut self, line: &str, host: &str, port: u16) -> Option<()> {
        // `ssh-keygen -l` writes the length in front, and name and type behind.
        let mut words = line.split_whitespace();
        if let Some(print) = words.find_map(|word| word.strip_prefix("SHA256:")) {
            let print = STANDARD_NO_PAD.decode(print.trim_end_matches('=')).ok()?;
            self.fingerprints.push(print.try_into().ok()?);
            return Some(());
        }
        if let Ok(key) = PublicKey::from_openssh(line) {
            self.keys.push(key);
            return Some(());
        }
        let entry: Entry = line.parse().ok()?;
        if !names(entry.host_patterns(), host, port) {
            return Some(());
        }
        match entry.marker() {
            None => self.keys.push(entry.public_key().clone()),
            Some(Marker::Revoked) => self.revoked.push(entry.public_key().clone()),
            // Certificates of hosts are not asked for.
            Some(Marker::CertAuthority) => {}
        }
        Some(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.fingerprints.is_empty()
    }

    /// Whether this is a key that was pinned, and not revoked.
    pub(crate) fn hold(&self, key: &PublicKey) -> bool {
        let same = |other: &PublicKey| other.key_data() == key.key_data();
        let print = key.fingerprint(HashAlg::Sha256);
        let pinned = self.keys.iter().any(same) || self.fingerprints.iter().any(|pin| pin == print.as_bytes());
        pinned && !self.is_revoked(key)
    }

    /// Whether a line of known_hosts says never to believe this key.
    pub(crate) fn is_revoked(&self, key: &PublicKey) -> bool {
        self.revoked.iter().any(|revoked| revoked.key_data() == key.key_data())
    }

    /// The algorithms a server is asked to show a key of: where whole keys are pinned, theirs, or
    /// it might show a good one that nobody has seen. Never those that rest on SHA-1.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        let all = [
            "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521",
            "rsa-sha2-512",
            "rsa-sha2-256",
        ];
        let all = all.into_iter().filter_map(|name| name.parse::<Algorithm>().ok());
        if self.keys.is_empty() || !self.fingerprints.is_empty() {
            return all.collect();
        }
        let pinned = |offered: &Algorithm| {
            self.keys.iter().any(|key| {
                let algorithm = key.algorithm();
                algorithm == *offered || matches!((&algorithm, offered), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
            })
        };
        all.filter(pinned).collect()
    }

    /// For a person.
    pub(crate) fn show(&self) -> String {
        let keys = self.keys.iter().map(fingerprint);
        let prints = self.fingerprints.iter().map(|print| format!("SHA256:{}", STANDARD_NO_PAD.encode(print)));
        keys.chain(prints).collect::<Vec<_>>().join(" ")
    }
}

/// A key as people compare it: `SHA256:...`.
pub(crate) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Whether a line of known_hosts is about this host.
fn names(patterns: &HostPatterns, host: &str, port: u16) -> bool {
    let host = host.to_ascii_lowercase();
    let host = if port == 22 { host } else { format!("[{host}]:{port}") };
    match patterns {
        HostPatterns::HashedName { salt, hash } => Hmac::<Sha1>::new_from_slice(salt).is_ok_and(|mut mac| {
            mac.update(host.as_bytes());
            mac.verify_slice(hash).is_ok()
        }),
        HostPatterns::Patterns(patterns) => {
            let mut named = false;
            for pattern in patterns {
                let pattern = pattern.to_ascii_lowercase();
                match pattern.strip_prefix('!') {
                    Some(not) if matches(not.as_bytes(), host.as_bytes()) => return false,
                    Some(_) => {}
                    None => named |= matches(pattern.as_bytes(), host.as_bytes()),
                }
            }
            named
        }
    }
}

/// `*` is anything, `?` any one character.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(one) if *one == b'?' || *one == text[read] => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((back, eaten)) => {
                    star = Some((back, eaten + 1));
                    (at, read) = (back + 1, eaten + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use russh::keys::ssh_key::public::{Ed25519PublicKey, KeyData};

    use super::*;

    fn key(seed: u8) -> PublicKey {
        let bytes: [u8; 32] = std::array::from_fn(|at| at as u8 ^ seed);
        PublicKey::new(KeyData::Ed25519(Ed25519PublicKey(bytes)), "")
    }

    fn line(seed: u8) -> String {
        key(seed).to_openssh().expect("a line")
    }

    fn pins(text: &str) -> Pins {
        Pins::parse(text, "files.example.com", 22).expect("good pins")
    }

    #[test]
    fn a_fingerprint_is_written_as_everybody_writes_it() {
        let ours = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA";
        assert_eq!(fingerprint(&key(0)), ours);
        for text in [ours.to_owned(), format!("256 {ours} root@files (ED25519)"), format!("{ours}="), line(0)] {
            assert!(pins(&text).hold(&key(0)), "{text}");
            assert!(!pins(&text).hold(&key(1)), "{text}");
        }
    }

    #[test]
    fn of_a_known_hosts_file_only_the_lines_about_the_host_count() {
        let (one, two) = (line(1), line(2));
        for about in
            ["files.example.com", "FILES.example.com", "*.example.com", "10.0.0.1,files.example.com", "file?.*"]
        {
            let both = pins(&format!("# comment\n\n{about} {one}\nother.example.com {two}\n"));
            assert!(both.hold(&key(1)) && !both.hold(&key(2)), "{about}");
        }
        for other in ["example.com", "*.example.com,!files.*", "[files.example.com]:2222"] {
            assert!(pins(&format!("{other} {one}")).is_empty(), "{other}");
        }
        let elsewhere = Pins::parse(&format!("[files.example.com]:2222 {one}"), "files.example.com", 2222);
        assert!(elsewhere.expect("good").hold(&key(1)));
    }

    #[test]
    fn hashed_names_are_known_and_revoked_keys_are_not_believed() {
        // `ssh-keygen -H` of the name `files.example.com`.
        let mut mac = Hmac::<Sha1>::new_from_slice(b"salt of twenty bytes").expect("any salt");
        mac.update(b"files.example.com");
        let hash = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        let salt = base64::engine::general_purpose::STANDARD.encode("salt of twenty bytes");
        assert!(pins(&format!("|1|{salt}|{hash} {}", line(1))).hold(&key(1)));
        let revoked = pins(&format!("{}\n@revoked * {}", line(1), line(1)));
        assert!(!revoked.hold(&key(1)) && revoked.is_revoked(&key(1)));
    }

    #[test]
    fn what_is_no_pin_is_named_by_its_line() {
        for wrong in ["SHA256:short", "MD5:00:11", "hunter2", "-----BEGIN OPENSSH PRIVATE KEY-----"] {
            let error = Pins::parse(&format!("\n{wrong}"), "h", 22).expect_err(wrong);
            assert_eq!((error.get("field"), error.get("line")), (Some("host_key"), Some("2")), "{wrong}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn a_server_is_asked_for_the_key_that_was_pinned() {
        assert_eq!(pins(&line(0)).algorithms(), [Algorithm::Ed25519]);
        let print = pins(&fingerprint(&key(0)));
        assert_eq!(print.algorithms().len(), 6);
        assert!(!print.algorithms().contains(&Algorithm::Rsa { hash: None }));
    }
}
