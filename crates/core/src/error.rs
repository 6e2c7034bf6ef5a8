//! One error for the whole tree: what went wrong, who acts, and whether trying again can help.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// The result of every fallible call in the contract.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for the person and for the program.
///
/// The message says what to do and never repeats what a vendor answered; identifiers that help
/// (a field, a path, a status code) travel as context pairs. Secrets cannot get in by accident:
/// [`Secret`](crate::Secret) implements neither `Display` nor `Serialize`.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    message: Cow<'static, str>,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of failure it is; [`ErrorKind::actor`] says whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing, mistyped or does not fit the others.
    Config,
    /// The vendor does not accept the credential.
    Unauthenticated,
    /// The credential is good, but may not do this.
    Forbidden,
    /// The vendor asked for fewer calls.
    RateLimited,
    /// The vendor, the network or a local resource is not available at the moment.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// The change cursor is no longer honoured: walk everything again.
    CursorExpired,
    /// The item is not there.
    NotFound,
    /// The item is over a limit.
    TooLarge,
    /// The item's content cannot be read: broken, encrypted, archived or of an unknown format.
    Unreadable,
    /// Somebody else changed it first, or is changing it now.
    Conflict,
    /// This connector, format or server cannot do that.
    Unsupported,
    /// The other side broke its own rules.
    Protocol,
    /// We broke ours.
    Internal,
}

/// Who has to act before the same call can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A person: correct a setting, sign in again, grant access.
    Person,
    /// Nobody: wait and try again.
    Time,
    /// The engine: walk the source again from the start.
    Engine,
    /// Nobody: this one item is left out, the others go on.
    Item,
    /// Whoever wrote the connector, or the server on the other side.
    Developer,
}

/// Whether the same call may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Not without a change.
    Never,
    /// Yes, with growing pauses.
    Backoff,
    /// Yes, but not before this much time has passed.
    After(Duration),
}

impl Error {
    /// An error of `kind`, with a message for the person: lower case, no full stop, saying what
    /// to do. The kind decides the [`Retry`] until [`Error::retry_after`] says otherwise.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            retry: kind.default_retry(),
            message: message.into(),
            context: Vec::new(),
            source: None,
        }))
    }

    /// A setting is wrong: names the field and says what it should be.
    pub fn config(field: impl fmt::Display, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Config, remedy).with("field", field)
    }

    /// The item at `path` is not there.
    pub fn not_found(path: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, "not found: check the path, it may have been moved or deleted")
            .with("path", path)
    }

    /// What was asked for is beyond this connector, format or server.
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// The other side broke its own rules.
    pub fn protocol(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Protocol, message)
    }

    /// A fault of ours; the source says where.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Adds a name and value that help to find the cause. Never a secret, never a vendor's body.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((name, value.to_string()));
        self
    }

    /// Keeps the underlying error for the log. It is not part of the message.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The vendor said how long to wait.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry = Retry::After(delay);
        self
    }

    /// Trying again cannot help, although the kind suggests it.
    #[must_use]
    pub fn never_retry(mut self) -> Self {
        self.0.retry = Retry::Never;
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The sentence for the person, without the context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The context pairs, in the order they were added.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.context.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The value of one context pair.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.context().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Whether only this item is affected, so that the run goes on without it.
    pub fn is_item(&self) -> bool {
        self.kind().actor() == Actor::Item
    }
}

impl ErrorKind {
    /// Who has to act.
    pub fn actor(self) -> Actor {
        match self {
            Self::Config | Self::Unauthenticated | Self::Forbidden | Self::Conflict => Actor::Person,
            Self::RateLimited | Self::Unavailable | Self::Timeout => Actor::Time,
            Self::CursorExpired => Actor::Engine,
            Self::NotFound | Self::TooLarge | Self::Unreadable | Self::Unsupported => Actor::Item,
            Self::Protocol | Self::Internal => Actor::Developer,
        }
    }

    /// The stable name of the kind, as it stands on the wire and in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::CursorExpired => "cursor_expired",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::Unreadable => "unreadable",
            Self::Conflict => "conflict",
            Self::Unsupported => "unsupported",
            Self::Protocol => "protocol",
            Self::Internal => "internal",
        }
    }

    fn default_retry(self) -> Retry {
        match self.actor() {
            Actor::Time => Retry::Backoff,
            _ => Retry::Never,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `message (name: value, ...)`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for (index, (name, value)) in self.0.context.iter().enumerate() {
            write!(f, "{}{name}: {value}", if index == 0 { " (" } else { ", " })?;
        }
        if !self.0.context.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind).field("message", &self.0.message);
        for (name, value) in &self.0.context {
            out.field(name, value);
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_field_and_the_remedy() {
        let error = Error::config("bucket_name", "give the name of a bucket");
        assert_eq!(error.to_string(), "give the name of a bucket (field: bucket_name)");
        assert_eq!(error.get("field"), Some("bucket_name"));
        assert_eq!((error.kind().actor(), error.retry()), (Actor::Person, Retry::Never));
    }

    #[test]
    fn the_kind_decides_whether_waiting_helps() {
        assert_eq!(Error::new(ErrorKind::Timeout, "no answer").retry(), Retry::Backoff);
        let limited = Error::new(ErrorKind::RateLimited, "slow down").retry_after(Duration::from_secs(7));
        assert_eq!(limited.retry(), Retry::After(Duration::from_secs(7)));
        assert_eq!(Error::new(ErrorKind::Unavailable, "disk full").never_retry().retry(), Retry::Never);
    }

    #[test]
    fn the_source_is_kept_for_the_log_and_out_of_the_message() {
        let error = Error::internal("cannot write").source(std::io::Error::other("detail"));
        assert_eq!(error.to_string(), "cannot write");
        assert!(StdError::source(&error).is_some_and(|source| source.to_string() == "detail"));
    }
}
