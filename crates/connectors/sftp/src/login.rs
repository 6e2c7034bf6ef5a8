//! Logging in: what proves who we are, and what a server's refusal means.

use std::{fmt, sync::Arc};

use catchment_core::{Error, ErrorKind, Result, Secret};
use russh::{
    MethodKind, MethodSet,
    client::{self, AuthResult, KeyboardInteractiveAuthResponse},
    keys::{
        HashAlg, PrivateKey, PrivateKeyWithHashAlg,
        agent::{AgentIdentity, client::AgentClient},
        decode_secret_key,
    },
};
use tokio::sync::OnceCell;

use crate::errors;

/// Keys of an agent that are tried; servers hang up after six failures.
const AGENT_KEYS: usize = 5;

/// Prompts a server may send before it is taken for one that never ends.
const PROMPTS: usize = 8;

/// Who logs in, and with what.
pub(crate) struct Login {
    pub(crate) user: String,
    password: Option<Secret>,
    key: Option<Key>,
    /// Whether the agent of the host may be asked when nothing else is there.
    agent: bool,
}

/// A private key as it was given. It is decrypted once, when it is first needed.
struct Key {
    text: Secret,
    passphrase: Option<Secret>,
    decoded: OnceCell<Arc<PrivateKey>>,
}

/// How far a method has led.
enum Step {
    In,
    /// Accepted, and one of these is wanted as well.
    More(MethodSet),
    Refused(MethodSet),
}

impl Login {
    pub(crate) fn new(
        user: String,
        password: Option<Secret>,
        key: Option<Secret>,
        passphrase: Option<Secret>,
        agent: bool,
    ) -> Result<Self> {
        let filled = |secret: &Secret| !secret.expose().trim().is_empty();
        let password = password.filter(|password| !password.is_empty());
        let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty());
        let key = key.filter(filled);
        if key.is_none() && passphrase.is_some() {
            return Err(Error::config("private_key", "give the private key that the passphrase belongs to"));
        }
        if key.is_none() && password.is_none() && !agent {
            return Err(Error::config("password", "give a password or a private key"));
        }
        let key = key.map(|key| Key::new(&key, passphrase)).transpose()?;
        Ok(Self { user, agent: agent && key.is_none() && password.is_none(), password, key })
    }

    /// Logs in on a connection whose host key has been checked.
    pub(crate) async fn enter<H: client::Handler>(&self, ssh: &mut client::Handle<H>) -> Result<()> {
        // Nothing is proved by this; it is how a server says which methods it knows, so that none
        // is tried that it would count as a failure.
        let asked = ssh.authenticate_none(&self.user).await.map_err(|error| errors::of_ssh(error, "login"))?;
        let mut methods = match settled(ssh, asked.into()).await? {
            Step::In => return Ok(()),
            Step::More(methods) | Step::Refused(methods) => methods,
        };
        let mut key_taken = false;
        if let Some(key) = &self.key
            && methods.contains(&MethodKind::PublicKey)
        {
            match self.with_key(ssh, key.decode().await?).await? {
                Step::In => return Ok(()),
                Step::Refused(_) => return Err(self.refused("private_key", KEY_REFUSED)),
                Step::More(more) => (methods, key_taken) = (more, true),
            }
        } else if self.agent && methods.contains(&MethodKind::PublicKey) {
            return self.with_agent(ssh).await;
        }
        let Some(password) = &self.password else {
            let (field, says) = if key_taken {
                ("password", "the server wants a password as well as the key: give it")
            } else {
                ("private_key", "the server takes no keys for this user: give a password")
            };
            return Err(self.refused(field, says).with_methods(&methods));
        };
        let step = if methods.contains(&MethodKind::Password) {
            match ssh.authenticate_password(&self.user, password.expose()).await {
                Ok(result) => settled(ssh, result.into()).await?,
                Err(error) => return Err(errors::of_ssh(error, "login")),
            }
        } else if methods.contains(&MethodKind::KeyboardInteractive) {
            self.with_prompt(ssh, password).await?
        } else {
            let says = "the server takes no passwords for this user: give a private key";
            return Err(self.refused("private_key", says).with_methods(&methods));
        };
        match step {
            Step::In => Ok(()),
            Step::Refused(_) => Err(self.refused(
                "password",
                "the server does not accept this user name and password: correct them, or ask for the account to be unlocked",
            )),
            Step::More(more) => Err(self
                .refused("private_key", "the server wants something besides the password that cannot be given here")
                .with_methods(&more)),
        }
    }

    async fn with_key<H: client::Handler>(&self, ssh: &mut client::Handle<H>, key: Arc<PrivateKey>) -> Result<Step> {
        let hash = rsa_hash(ssh, key.algorithm().is_rsa()).await?;
        let key = PrivateKeyWithHashAlg::new(key, hash);
        let result = ssh.authenticate_publickey(&self.user, key).await;
        settled(ssh, result.map_err(|error| errors::of_ssh(error, "login"))?.into()).await
    }

    async fn with_agent<H: client::Handler>(&self, ssh: &mut client::Handle<H>) -> Result<()> {
        let no_agent = |error: russh::keys::Error| {
            Error::config("private_key", "no SSH agent answers: start one, or give a password or a private key")
                .with("step", "login")
                .source(error)
        };
        let mut agent = AgentClient::connect_env().await.map_err(no_agent)?;
        for identity in agent.request_identities().await.map_err(no_agent)?.into_iter().take(AGENT_KEYS) {
            let AgentIdentity::PublicKey { key, .. } = identity else { continue };
            let hash = rsa_hash(ssh, key.algorithm().is_rsa()).await?;
            // A key that the agent does not sign with is no reason not to try the next.
            if let Ok(result) = ssh.authenticate_publickey_with(&self.user, key, hash, &mut agent).await
                && let Step::In = settled(ssh, result.into()).await?
            {
                return Ok(());
            }
        }
        Err(self.refused(
            "private_key",
            "the server accepts none of the SSH agent's keys for this user: add the right one with ssh-add",
        ))
    }

    /// Many servers ask for the password by a prompt. More than one hidden prompt is a second
    /// factor, which nobody is here to give.
    async fn with_prompt<H: client::Handler>(&self, ssh: &mut client::Handle<H>, password: &Secret) -> Result<Step> {
        let failed = |error| errors::of_ssh(error, "login");
        let mut reply = ssh.authenticate_keyboard_interactive_start(&self.user, None).await.map_err(failed)?;
        let mut given = false;
        for _ in 0..PROMPTS {
            let prompts = match reply {
                KeyboardInteractiveAuthResponse::Success => return Ok(Step::In),
                KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                    return Ok(AuthResult::Failure { remaining_methods, partial_success }.into());
                }
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
            };
            let answers = match prompts.as_slice() {
                [] => Vec::new(),
                [prompt] if !prompt.echo && !given => {
                    given = true;
                    vec![password.expose().to_owned()]
                }
                _ if given => return Ok(Step::Refused(MethodSet::empty())),
                _ => {
                    return Err(self.refused(
                        "password",
                        "the server asks for more than a password: make a user without a second factor, or use a key",
                    ));
                }
            };
            reply = ssh.authenticate_keyboard_interactive_respond(answers).await.map_err(failed)?;
        }
        Err(Error::protocol("the server never stops asking: have its login checked").with("step", "login"))
    }

    fn refused(&self, field: &'static str, says: &'static str) -> Error {
        Error::new(ErrorKind::Unauthenticated, says).with("field", field).with("step", "login").with("user", &self.user)
    }
}

const KEY_REFUSED: &str = "the server does not accept this key for this user: add its public key to the user's \
    authorized_keys, or correct the user name";

/// A connection that ends in the middle of a login looks like a refusal to the library, one that
/// names no method. It says nothing about the credential.
async fn settled<H: client::Handler>(ssh: &client::Handle<H>, step: Step) -> Result<Step> {
    if matches!(&step, Step::Refused(methods) if methods.is_empty()) {
        // Whoever ended it may be in the middle of that.
        tokio::task::yield_now().await;
        if ssh.is_closed() {
            return Err(errors::of_ssh(russh::Error::Disconnect, "login"));
        }
    }
    Ok(step)
}

/// RSA keys sign with SHA-2, as the server prefers it.
async fn rsa_hash<H: client::Handler>(ssh: &client::Handle<H>, rsa: bool) -> Result<Option<HashAlg>> {
    if !rsa {
        return Ok(None);
    }
    let best = ssh.best_supported_rsa_hash().await.map_err(|error| errors::of_ssh(error, "login"))?;
    Ok(best.flatten().or(Some(HashAlg::Sha256)))
}

impl Key {
    /// Finds out what can be found out without decrypting: what is no private key, what needs a
    /// passphrase.
    fn new(text: &Secret, passphrase: Option<Secret>) -> Result<Self> {
        let text = normal(text.expose());
        let begins = |start: &str| text.starts_with(start);
        let wrong = |says: &'static str| Err(Error::config("private_key", says));
        if text.contains("-cert-v01@openssh.com") {
            return wrong("this is a certificate: give the private key that belongs to it");
        }
        if begins("-----BEGIN CERTIFICATE") || begins("-----BEGIN TRUSTED CERTIFICATE") {
            return wrong("this is a certificate of the web: give a private key, such as ssh-keygen makes");
        }
        if ["ssh-", "ecdsa-", "sk-", "---- BEGIN SSH2 PUBLIC", "-----BEGIN PUBLIC", "-----BEGIN RSA PUBLIC"]
            .into_iter()
            .any(begins)
        {
            return wrong("this is the public key: give the private one, from the file without .pub");
        }
        if begins("-----BEGIN DSA") {
            return wrong("DSA keys are no longer safe: make a new one with ssh-keygen -t ed25519");
        }
        if !begins("-----BEGIN ") && !begins("PuTTY-User-Key-File-") {
            return wrong("this is no private key: paste the whole file, from -----BEGIN to -----END");
        }
        if !begins("PuTTY") && !text.contains("\n-----END ") {
            return wrong("the end of the key is missing: paste the whole file, from -----BEGIN to -----END");
        }
        let old = text.contains("Proc-Type: 4,ENCRYPTED");
        if old && !(begins("-----BEGIN RSA") && text.contains("DEK-Info: AES-128-CBC")) {
            return wrong("this old way of encryption is not read: convert the key with ssh-keygen -p -f FILE");
        }
        let encrypted = old
            || begins("-----BEGIN ENCRYPTED")
            || PrivateKey::from_openssh(&text).is_ok_and(|key| key.is_encrypted());
        if encrypted && passphrase.is_none() {
            return Err(Error::config("passphrase", "the private key is encrypted: give its passphrase"));
        }
        Ok(Self { text: Secret::new(text), passphrase, decoded: OnceCell::new() })
    }

    async fn decode(&self) -> Result<Arc<PrivateKey>> {
        let decode = || async {
            let (text, passphrase) = (self.text.clone(), self.passphrase.clone());
            // Deriving a key from a passphrase is slow on purpose.
            let decoded = tokio::task::spawn_blocking(move || {
                decode_secret_key(text.expose(), passphrase.as_ref().map(Secret::expose)).map(Arc::new)
            });
            match decoded.await {
                Ok(Ok(key)) => Ok(key),
                // The library's error is left out: it may quote the key.
                Ok(Err(_)) if self.passphrase.is_some() => Err(Error::new(
                    ErrorKind::Unauthenticated,
                    "the passphrase does not open this private key: correct it, or paste the key again",
                )
                .with("field", "passphrase")
                .with("step", "login")),
                Ok(Err(_)) => Err(Error::config(
                    "private_key",
                    "this private key cannot be read: convert it with ssh-keygen -p -f FILE, and paste it again",
                )),
                Err(error) => Err(Error::internal("reading the private key failed unexpectedly").source(error)),
            }
        };
        self.decoded.get_or_try_init(decode).await.cloned()
    }
}

/// Pasted keys have lost their line ends, or gained others.
fn normal(text: &str) -> String {
    let lines = text.replace("\\r", "").replace("\\n", "\n");
    let mut normal: String = lines.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned();
    normal.push('\n');
    normal
}

impl From<AuthResult> for Step {
    fn from(result: AuthResult) -> Self {
        match result {
            AuthResult::Success => Self::In,
            AuthResult::Failure { remaining_methods, partial_success: true } => Self::More(remaining_methods),
            AuthResult::Failure { remaining_methods, .. } => Self::Refused(remaining_methods),
        }
    }
}

trait WithMethods {
    fn with_methods(self, methods: &MethodSet) -> Self;
}

impl WithMethods for Error {
    fn with_methods(self, methods: &MethodSet) -> Self {
        let names: Vec<&str> = methods.iter().map(<&str>::from).collect();
        self.with("the server takes", names.join(" "))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("password", &self.password.is_some())
            .field("key", &self.key.is_some())
            .field("agent", &self.agent)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(key: &str, passphrase: Option<&str>) -> Result<Login> {
        Login::new("ann".into(), None, Some(key.into()), passphrase.map(Secret::from), false)
    }

    #[test]
    fn what_is_no_private_key_is_told_as_what_it_is() {
        for (text, says) in [
            ("ssh-ed25519 AAAAC3Nza me@here", "public key"),
            ("ecdsa-sha2-nistp256 AAAA", "public key"),
            ("ssh-rsa-cert-v01@openssh.com AAAA", "certificate"),
            ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "certificate"),
            ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "public key"),
            ("---- BEGIN SSH2 PUBLIC KEY ----", "public key"),
            ("-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----", "DSA"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn", "the end"),
            ("hunter2", "no private key"),
        ] {
            let error = login(text, None).expect_err(text);
            assert_eq!(error.get("field"), Some("private_key"), "{text}");
            assert!(error.message().contains(says) && !error.to_string().contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn an_encrypted_key_wants_its_passphrase() {
        let pem = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----";
        assert_eq!(login(pem, None).expect_err("no passphrase").get("field"), Some("passphrase"));
        assert!(login(pem, Some("x")).is_ok());
    }

    #[test]
    fn something_to_log_in_with_is_needed() {
        let none = Login::new("ann".into(), None, None, None, false);
        assert_eq!(none.expect_err("nothing").get("field"), Some("password"));
        let alone = Login::new("ann".into(), None, None, Some("x".into()), true);
        assert_eq!(alone.expect_err("a passphrase alone").get("field"), Some("private_key"));
        assert!(Login::new("ann".into(), None, None, None, true).expect("the agent").agent);
        assert!(!Login::new("ann".into(), Some("x".into()), None, None, true).expect("a password").agent);
    }

    #[test]
    fn pasted_line_ends_are_mended() {
        assert_eq!(normal(" -----BEGIN A-----\\nx\\n-----END A-----\\n"), "-----BEGIN A-----\nx\n-----END A-----\n");
        assert_eq!(normal("-----BEGIN A-----\r\n  x\r\n-----END A-----"), "-----BEGIN A-----\nx\n-----END A-----\n");
    }
}
