//! Dialling: from a host name to a session. Each step that can fail says which it is, and nothing
//! that is secret is sent before the host key has been checked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use catchment_client::Egress;
use catchment_core::{Error, ErrorKind, Result};
use russh::{
    Disconnect, Preferred, cipher, client, kex,
    keys::{PublicKey, PublicKeyOrCertificate},
};
use tokio::{net::TcpStream, time::timeout};

use crate::{
    errors,
    host_keys::{Pins, fingerprint},
    login::Login,
    session::Session,
};

/// How often a connection is tried whether it still lives while nothing comes.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// What may be on its way to us. More makes far-away servers faster, and is memory.
const WINDOW: u32 = 8 << 20;

/// The library's own choice, and the curves of servers that must not have others.
const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_GEX_SHA256,
    kex::DH_G18_SHA512,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// Processors have instructions for AES; so it goes first.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Where a server is, and how to get in.
#[derive(Debug)]
pub(crate) struct Dialer {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) login: Login,
    pub(crate) pins: Pins,
    /// Whether the first key that is seen is believed, where none is pinned.
    pub(crate) first_use: bool,
    pub(crate) egress: Egress,
    /// How long each step, and later each answer, may take.
    pub(crate) patience: Duration,
    /// The key that was seen and believed.
    pub(crate) seen: Arc<Mutex<Option<PublicKey>>>,
}

/// An SSH connection that somebody is logged in on.
pub(crate) struct Ssh(client::Handle<Gate>);

/// Lets in one host key, and notes which was shown.
#[derive(Debug)]
pub(crate) struct Gate {
    pins: Pins,
    first_use: bool,
    believed: Arc<Mutex<Option<PublicKey>>>,
    refused: Arc<Mutex<Option<Error>>>,
}

impl Dialer {
    /// Connects, checks the host key, logs in and begins an SFTP session.
    ///
    /// # Errors
    /// Each names its `step`, and the `field` that may be wrong.
    pub(crate) async fn dial(&self) -> Result<Session> {
        let stream = timeout(self.patience, self.reach()).await.map_err(|_| errors::silent("network"))??;
        let refused = Arc::new(Mutex::new(None));
        let gate = Gate {
            pins: self.pins.clone(),
            first_use: self.first_use,
            believed: Arc::clone(&self.seen),
            refused: Arc::clone(&refused),
        };
        let met = timeout(self.patience, client::connect_stream(self.ssh(), stream, gate)).await;
        let mut ssh = match met.map_err(|_| errors::silent("network").with("field", "url"))? {
            Ok(ssh) => ssh,
            Err(error) => {
                let refusal = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
                return Err(match refusal {
                    Some(refusal) => refusal,
                    None => self.unreached(errors::of_ssh(error, "network")),
                });
            }
        };
        timeout(self.patience, self.login.enter(&mut ssh)).await.map_err(|_| errors::silent("login"))??;
        let opened = async {
            let refused = |error| match error {
                russh::Error::ChannelOpenFailure(_) => Error::new(
                    ErrorKind::RateLimited,
                    "the server opens no more sessions for this user: try again later",
                )
                .with("step", "subsystem"),
                other => errors::of_ssh(other, "subsystem"),
            };
            let channel = ssh.channel_open_session().await.map_err(refused)?;
            channel.request_subsystem(true, "sftp").await.map_err(refused)?;
            Ok::<_, Error>(channel.split())
        };
        let (reader, writer) = timeout(self.patience, opened).await.map_err(|_| errors::silent("subsystem"))??;
        Session::begin(Ssh(ssh), reader, writer, self.patience).await
    }

    /// A TCP connection to the first address of the host that answers and is permitted.
    async fn reach(&self) -> Result<TcpStream> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await.map_err(|error| {
            let says = "there is no host of this name: correct it, or try again if names are not resolved here";
            self.unreached(Error::new(ErrorKind::Unavailable, says).source(error))
        })?;
        let (permitted, closed): (Vec<SocketAddr>, Vec<_>) =
            found.partition(|address| self.egress.permits(address.ip()));
        if permitted.is_empty() && !closed.is_empty() {
            return Err(Error::config(
                "url",
                "this address lies in a private network: give a public one, or ask the operator to allow this host \
                 or network",
            )
            .with("step", "network")
            .with("host", &self.host));
        }
        let mut last = None;
        // Each its share of the time, so that one that swallows everything does not hide the next.
        let share = self.patience / u32::try_from(permitted.len()).unwrap_or(1).max(1);
        for address in permitted {
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Small requests must not wait for larger ones.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => last = Some(error),
                Err(_) => {}
            }
        }
        Err(match last {
            Some(error) => self.unreached(
                Error::new(ErrorKind::Unavailable, "nobody answers at this address: check host, port and firewall")
                    .source(error),
            ),
            None => self.unreached(errors::silent("network")),
        })
    }

    fn unreached(&self, error: Error) -> Error {
        let error = if error.get("step").is_none() { error.with("step", "network") } else { error };
        let error = if error.get("field").is_none() { error.with("field", "url") } else { error };
        error.with("host", format_args!("{}:{}", self.host, self.port))
    }

    fn ssh(&self) -> Arc<client::Config> {
        let preferred = Preferred {
            key: self.pins.algorithms().into(),
            kex: KEX.into(),
            cipher: CIPHERS.into(),
            ..Preferred::DEFAULT
        };
        Arc::new(client::Config {
            preferred,
            window_size: WINDOW,
            // The largest the library knows; fewer packets are less work.
            maximum_packet_size: 65_535,
            keepalive_interval: Some(KEEPALIVE),
            keepalive_max: 3,
            nodelay: true,
            ..client::Config::default()
        })
    }
}

impl client::Handler for Gate {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let refusal = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.judge(key),
            PublicKeyOrCertificate::Certificate(_) => {
                Some(Error::config("host_key", "the server shows a certificate, and only keys are understood"))
            }
        };
        let good = refusal.is_none();
        let refusal = refusal.map(|refusal| refusal.with("step", "host key"));
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
        Ok(good)
    }
}

impl Gate {
    /// Why a key is not believed, if it is not.
    fn judge(&self, key: &PublicKey) -> Option<Error> {
        let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = fingerprint(key);
        let good = if self.pins.is_empty() {
            match &*believed {
                None if self.first_use && !self.pins.is_revoked(key) => true,
                None => {
                    return Some(
                        Error::config(
                            "host_key",
                            "the server's key is not known: compare this fingerprint with its operator's, then pin it",
                        )
                        .with("seen", seen),
                    );
                }
                Some(first) => first.key_data() == key.key_data(),
            }
        } else {
            self.pins.hold(key)
        };
        if good {
            *believed = Some(key.clone());
            return None;
        }
        let pinned = if self.pins.is_empty() { believed.as_ref().map(fingerprint) } else { Some(self.pins.show()) };
        let says = "the server shows another key than the pinned one, so nothing was sent to it: if its operator \
                    confirms the new key, pin that; if not, somebody is listening in";
        Some(Error::config("host_key", says).with("seen", seen).with("pinned", pinned.unwrap_or_default()))
    }
}

impl Ssh {
    /// Tells the server that this was all.
    pub(crate) async fn goodbye(&self) {
        let goodbye = self.0.disconnect(Disconnect::ByApplication, "", "");
        let _ = timeout(GOODBYE, goodbye).await;
    }
}

#[cfg(test)]
mod tests {
    use russh::{
        client::Handler,
        keys::{
            Certificate, PrivateKey,
            ssh_key::{
                certificate::{Builder, CertType},
                private::Ed25519Keypair,
            },
        },
    };

    use super::*;

    fn certificate(of: &PublicKey, by: &PrivateKey) -> Certificate {
        let mut builder = Builder::new(vec![7; 16], of.key_data().clone(), 0, u64::MAX >> 1).expect("a builder");
        builder.cert_type(CertType::Host).expect("of a host").all_principals_valid().expect("for all");
        builder.sign(by).expect("signed")
    }

    #[tokio::test]
    async fn a_key_that_is_a_certificate_is_not_believed_whoever_signed_it() {
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
        let (public, refused) = (key.public_key().clone(), Arc::new(Mutex::new(None)));
        // Not even where the key in it, and its signer, is the one that is pinned.
        let pins = Pins::parse(&public.to_openssh().expect("a line"), "h", 22).expect("a pin");
        for first_use in [false, true] {
            let believed = Arc::new(Mutex::new(None));
            let mut gate = Gate {
                pins: if first_use { Pins::default() } else { pins.clone() },
                first_use,
                believed: Arc::clone(&believed),
                refused: Arc::clone(&refused),
            };
            let shown = PublicKeyOrCertificate::Certificate(certificate(&public, &key));
            assert!(!gate.check_server_key(&shown).await.expect("judged"));
            let error = refused.lock().unwrap().take().expect("a reason");
            assert_eq!((error.get("field"), error.get("step")), (Some("host_key"), Some("host key")), "{error}");
            assert!(believed.lock().unwrap().is_none());
            let plain = PublicKeyOrCertificate::PublicKey { key: public.clone(), hash_alg: None };
            assert!(gate.check_server_key(&plain).await.expect("judged"), "the key itself is");
        }
    }
}
